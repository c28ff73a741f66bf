/* smtp/certificates.h - the certificates that clients are shown: opened as the configuration says, watched while we
 * run, and an alarm before they expire.
 *
 * Threads: the loop's.
 */
#ifndef SMTP_CERTIFICATES_H
#define SMTP_CERTIFICATES_H

#include "gateway/core/alarm.h"
#include "gateway/net/loop.h"
#include "gateway/net/tls.h"
#include "gateway/smtp/conf.h"

struct certificates;

/* certificates_new - NULL on failure, with a sentence in `error`. `conf` has a tls_certificate, and outlives them; so
 * do `loop` and `alarms`; without a loop nothing is watched. */
struct certificates *certificates_new(const struct smtp_conf *conf, struct loop *loop, struct alarms *alarms,
                                      char *error, size_t size);
void certificates_free(struct certificates *c); /* NULL is fine */
struct tls_context *certificates_context(const struct certificates *c);

#endif

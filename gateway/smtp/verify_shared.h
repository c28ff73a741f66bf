/* smtp/verify_shared.h - what gateways tell each other of a recipient through the state store: the record of what a
 * next hop said, so that the others need not ask it, nor this one after a restart.
 *
 * Only what holds whoever writes is shared (verify_is_of_mailbox()). A record bears its own end, so that a copy of it
 * in memory lives no longer. A next hop on the machine itself (loopback, a unix socket) is another one on each: its
 * records bear the gateway's host name.
 *
 * Threads: any. Memory: the caller's arena or buffer.
 */
#ifndef SMTP_VERIFY_SHARED_H
#define SMTP_VERIFY_SHARED_H

#include "gateway/base/strbuf.h"
#include "gateway/mail/address.h"

enum { VERIFY_RECORD_MAX = 512 };

struct verify_record {
    int64_t until_ms; /* wall clock */
    unsigned code;
    struct span text;
};

/* verify_record_key - as store_key() wants it. `hop`: its name. */
struct span verify_record_key(struct arena *a, const char *hop, bool is_local, const char *hostname,
                              const struct address *recipient);
void verify_record_write(struct strbuf *out, const struct verify_record *record);
/* verify_record_read - `value` is whatever lies in the store; FAULT_SYNTAX, FAULT_RANGE: no such record. `text` points
 * into it. */
enum fault verify_record_read(struct span value, struct verify_record *out);

#endif

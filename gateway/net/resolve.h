/* net/resolve.h - the addresses of a server that is configured by name.
 *
 * By the system's own resolver, so that /etc/hosts and container networks count; it blocks, so a worker asks it. The
 * last good answer is kept when a later look-up fails.
 *
 * Threads: the loop's; the look-up itself on a worker.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "gateway/base/addr.h"
#include "gateway/net/crew.h"

enum { RESOLVE_MOST = 8 };

struct resolve;

/* resolve_new - `fn(arg)` is called on the loop whenever a look-up has ended. `host` is borrowed. */
struct resolve *resolve_new(struct crew *crew, const char *host, loop_fn *fn, void *arg);
void resolve_free(struct resolve *r); /* NULL is fine */
/* resolve_start - one look-up, unless one is under way. False: the crew takes no more work now. */
bool resolve_start(struct resolve *r);
size_t resolve_count(const struct resolve *r); /* 0: none known */
const struct addr *resolve_addr(const struct resolve *r, size_t index);
int64_t resolve_age_ms(const struct resolve *r);    /* of the addresses; INT64_MAX when there are none */
const char *resolve_error(const struct resolve *r); /* of the last look-up, "" when it went well */

#endif

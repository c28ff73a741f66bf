/* net/listener.h - listening sockets: opened by the supervisor before privileges go, used by the gateway.
 *
 * When descriptors run out, accepting pauses for a moment instead of spinning.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "gateway/base/endpoint.h"
#include "gateway/net/loop.h"

/* listener_open - bound and listening, non-blocking, close-on-exec; -1 with a sentence in `error`. `mode` is the
 * unix socket's permission (0660); a stale socket file is replaced. */
int listener_open(const struct endpoint *at, unsigned mode, char *error, size_t size);

struct listener;
typedef void listener_fn(void *arg, int fd, const struct addr *peer, unsigned port);

struct listener *listener_new(struct loop *loop, int fd, listener_fn *fn, void *arg);
/* listener_pause, listener_resume - connections then wait in the kernel's queue. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);
void listener_free(struct listener *l); /* closes the descriptor; NULL is fine */

#endif

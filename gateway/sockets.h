/* gateway/sockets.h - the listening sockets of all doors: opened by the supervisor as root, inherited by the gateway.
 *
 * They travel to the child in the environment (POSTERN_SOCKETS), as "door fd endpoint" lines. On a reload those that
 * stay keep their descriptor, so that no connection is refused meanwhile.
 */
#ifndef GATEWAY_SOCKETS_H
#define GATEWAY_SOCKETS_H

#include "gateway/config.h"

enum { SOCKETS_MAX = 64 };

struct open_socket {
    const char *door; /* a literal: "smtp" */
    struct endpoint at;
    int fd;
};

struct sockets {
    struct open_socket items[SOCKETS_MAX];
    size_t count;
};

/* sockets_open - what `config` wants; descriptors of `old` (may be NULL) are taken over where the address is the same,
 * by whatever door, and stay open there, too. False with a sentence for the operator in `error`; then nothing new is
 * open. */
bool sockets_open(const struct config *config, const struct sockets *old, struct sockets *out, char *error,
                  size_t size);
/* sockets_close_others - closes those of `old` that `kept` (may be NULL) does not have. */
void sockets_close_others(const struct sockets *old, const struct sockets *kept);

/* sockets_to_text, sockets_from_text - for the environment. */
void sockets_to_text(const struct sockets *sockets, struct strbuf *out);
bool sockets_from_text(struct span text, struct sockets *out);

#endif

/* tests/kit/two_ends.h - two streams of ours on one loop, a server's and a client's, and what happened to each. */
#ifndef KIT_TWO_ENDS_H
#define KIT_TWO_ENDS_H

#include "gateway/base/strbuf.h"
#include "gateway/net/stream.h"
#include "gateway/net/tls_server.h"

struct end {
    struct stream *stream;
    bool keeps; /* what comes stays in the stream */
    int datas, drains, shakes, ends;
    enum stream_end why;
    struct strbuf got;
    enum { NOTHING, FREE_ON_TLS, FREE_ON_DATA, FREE_ON_END } does;
};

struct two_ends {
    struct loop *loop;
    struct tls_context *server_tls, *client_tls; /* the user's to set; freed by two_ends_close() */
    struct end server, client;
    int fds[2]; /* server's, client's */
};

/* two_ends_server - with one certificate; NULL and a sentence in `error` when the files will not do. */
struct tls_context *two_ends_server(const char *cert_file, const char *key_file, char *error, size_t size);
void two_ends_open(struct two_ends *d, struct tls_context *server_tls, struct tls_context *client_tls);
void two_ends_close(struct two_ends *d);
void two_ends_turn(struct two_ends *d, int count);
/* two_ends_shake - both begin TLS; until both have it, or one has ended. */
void two_ends_shake(struct two_ends *d, const struct tls_peer *peer);

#endif

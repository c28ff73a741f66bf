/* net/tls_server.h - TLS of our own side: certificates by the name that a client asks for (SNI), which are read again
 * when their files change; whether clients are asked for theirs; tickets, so that they come back at little cost.
 *
 * A name that nobody has gets the first identity's certificate, without an alert [RFC6066 3]: senders of mail rarely
 * verify, and would be lost to an alert. There is no early data (0-RTT), which could be replayed.
 *
 * Threads: the loop's. Memory: settings are borrowed and outlive the context, which outlives its handshakes.
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "gateway/net/tls.h"

enum { TLS_PAIRS_MAX = 2 };

/* Files in PEM: a chain, beginning with the server's own certificate, and its key. NULL or "": no such pair. */
struct tls_pair {
    const char *certificate, *key;
};

/* `name`: "mail.example.org", "*.example.org" (one label), NULL for the first. Two pairs: with keys of different
 * kinds, RSA and ECDSA, of which each client is shown what it understands. */
struct tls_identity {
    const char *name;
    struct tls_pair pairs[TLS_PAIRS_MAX];
};

struct tls_server_settings {
    const struct tls_identity *identities;
    size_t identity_count; /* at least one */
    struct tls_terms terms;
    bool asks_client;        /* for a certificate; whatever it shows, or nothing, the handshake goes on */
    const char *client_ca;   /* authorities for that, in PEM; NULL, "": all are unknown */
    int64_t (*now_ms)(void); /* NULL: clock_mono_ms() */
};

/* tls_server_open - NULL on failure, with a sentence for the operator in `error` (size bytes). */
struct tls_context *tls_server_open(const struct tls_server_settings *settings, char *error, size_t size);

enum tls_news_kind {
    TLS_NEWS_TAKEN,   /* files have changed, and are in force for new connections */
    TLS_NEWS_REFUSED, /* they have changed and will not do: `text`; what was read before stays */
    TLS_NEWS_BLIND,   /* they may not be looked at, so that changes will not be seen; told once */
};

struct tls_news {
    enum tls_news_kind kind;
    const char *file; /* the certificate's */
    const char *text;
};

typedef void tls_news_fn(void *arg, const struct tls_news *news);
/* tls_server_look - have files changed? What changed and stood still since the last look is read; so call it every few
 * seconds. Keys of tickets that are too old are forgotten, too. */
void tls_server_look(struct tls_context *tls, tls_news_fn *fn, void *arg);

struct tls_certificate {
    const char *file;
    int64_t expires_wall_ms;
};
/* tls_server_certificate - the i-th in force; false when there are no more. */
bool tls_server_certificate(const struct tls_context *tls, size_t i, struct tls_certificate *out);

#endif

/* net/tls_parts.h - what tls.c, tls_server.c and tls_tickets.c share with the streams; nobody else includes it. */
#ifndef NET_TLS_PARTS_H
#define NET_TLS_PARTS_H

#include <openssl/ssl.h>

#include "gateway/net/tls.h"

struct tls_server;

struct tls_context {
    SSL_CTX *ssl;
    struct tls_server *server; /* NULL: a client's */
    enum tls_verify verify;    /* a client's */
};

/* tls_make - with the house's options. `level`: OpenSSL's security level. */
SSL_CTX *tls_make(const SSL_METHOD *method, int level);
/* tls_explain - "`what` `file`: OpenSSL's reason" into `error`. */
void tls_explain(const char *what, const char *file, char *error, size_t size);
bool tls_use_pair(SSL_CTX *ctx, const char *cert_file, const char *key_file, char *error, size_t size);
bool tls_apply_terms(SSL_CTX *ctx, const struct tls_terms *terms, char *error, size_t size);

/* tls_server.c */
void tls_server_free(struct tls_server *server);

/* tls_tickets.c - the keys under which clients keep their sessions. They are made anew every TLS_TICKET_S seconds;
 * tickets of the keys before are taken for as long again, and no longer. */
enum { TLS_TICKET_S = 7200 };

struct tls_tickets;
struct tls_tickets *tls_tickets_new(int64_t (*now_ms)(void));
/* tls_tickets_serve - for each context of a server: the one it begins with, and those of names. */
void tls_tickets_serve(struct tls_tickets *tickets, SSL_CTX *ctx);
/* tls_tickets_turn - makes and forgets keys when it is time; so does whoever comes with a ticket or gets one. */
void tls_tickets_turn(struct tls_tickets *tickets);
void tls_tickets_free(struct tls_tickets *tickets);

#endif

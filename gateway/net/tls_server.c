/* net/tls_server.c - certificates of our own side.
 *
 * A connection begins with a context that has none; the callback for its name, which is also called when there is no
 * name, gives it that of an identity. A changed pair is read into a new context, so that it is taken whole or not at
 * all, and connections under way keep what they have.
 */
#include "gateway/net/tls_server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/net/tls_parts.h"

enum { FILES = 2 * TLS_PAIRS_MAX, ERROR_BYTES = 512 };

/* of a file; a change of owner or mode counts, too: it may be readable now */
struct stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec written, changed;
    int error; /* errno of looking at it */
};

struct holder {
    const struct tls_identity *identity;
    SSL_CTX *ssl;
    int64_t expires_wall_ms[TLS_PAIRS_MAX]; /* 0: no such pair */
    struct stamp seen[FILES], judged[FILES];
    bool is_blind;
};

struct tls_server {
    const struct tls_server_settings *settings;
    SSL_CTX *first; /* what connections begin with; the context's */
    struct holder *holders;
    size_t count;
    struct tls_tickets *tickets;
};

static bool is_set(const char *text)
{
    return text && *text;
}

/* ---- reading ---- */

static int64_t expiry_of(SSL_CTX *ctx)
{
    struct tm tm;

    if (!ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx)), &tm))
        return INT64_MAX; /* of no use as a date, and that is its owner's business */
    return (int64_t)timegm(&tm) * 1000;
}

static int key_kind(SSL_CTX *ctx)
{
    return EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(ctx));
}

static bool use_pairs(SSL_CTX *ctx, const struct tls_identity *identity, int64_t *expires_wall_ms, char *error,
                      size_t size)
{
    int kinds[TLS_PAIRS_MAX] = { 0 };

    for (size_t i = 0; i < TLS_PAIRS_MAX; i++) {
        const struct tls_pair *pair = &identity->pairs[i];

        expires_wall_ms[i] = 0;
        if (!is_set(pair->certificate))
            continue;
        if (!tls_use_pair(ctx, pair->certificate, pair->key, error, size))
            return false;
        expires_wall_ms[i] = expiry_of(ctx);
        kinds[i] = key_kind(ctx);
        if (i && kinds[i] == kinds[i - 1]) {
            snprintf(error, size, "%s and %s have keys of the same kind: only one of them could ever be shown",
                     identity->pairs[i - 1].certificate, pair->certificate);
            return false;
        }
    }
    return true;
}

static SSL_CTX *make_context(const struct tls_server *server, char *error, size_t size)
{
    SSL_CTX *ctx = tls_make(TLS_server_method(), 1);

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* clients keep tickets; one is enough */
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"postern", sizeof "postern" - 1);
    tls_tickets_serve(server->tickets, ctx);
    if (tls_apply_terms(ctx, &server->settings->terms, error, size))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* What a client's certificate is verified by is taken from the context of the name. */
static void share_authorities(const struct tls_server *server, SSL_CTX *ctx)
{
    if (!server->settings->asks_client)
        return;
    STACK_OF(X509_NAME) *names = SSL_dup_CA_list(SSL_CTX_get_client_CA_list(server->first));

    SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(server->first));
    SSL_CTX_set_client_CA_list(ctx, names);
}

static SSL_CTX *read_identity(const struct tls_server *server, const struct tls_identity *identity,
                              int64_t *expires_wall_ms, char *error, size_t size)
{
    SSL_CTX *ctx = make_context(server, error, size);

    if (!ctx)
        return NULL;
    share_authorities(server, ctx);
    if (use_pairs(ctx, identity, expires_wall_ms, error, size))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* ---- names ---- */

/* "*.example.org" stands for one label [RFC6125 6.4.3] */
static bool is_name(struct span pattern, struct span name)
{
    size_t dot = span_find(name, '.');

    if (span_starts(pattern, SPAN("*.")))
        return dot != SPAN_NPOS && dot > 0 && span_ieq(span_skip(pattern, 1), span_skip(name, dot));
    return span_ieq(pattern, name);
}

static bool bears(const struct holder *h, const char *name)
{
    return X509_check_host(SSL_CTX_get0_certificate(h->ssl), name, strlen(name), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                           NULL) == 1;
}

/* What the configuration names comes before what only stands in a certificate, and whole names before wildcards. */
static const struct holder *choose(const struct tls_server *server, const char *name)
{
    const struct holder *first = server->holders, *end = first + server->count;

    if (!name)
        return first;
    for (int wants_wildcard = 0; wants_wildcard <= 1; wants_wildcard++)
        for (const struct holder *h = first + 1; h < end; h++)
            if ((h->identity->name[0] == '*') == wants_wildcard && is_name(span_of(h->identity->name), span_of(name)))
                return h;
    for (const struct holder *h = first; h < end; h++)
        if (bears(h, name))
            return h;
    return first;
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    const struct holder *h = choose(arg, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

    ERR_clear_error();
    if (!SSL_set_SSL_CTX(ssl, h->ssl))
        fatal_memory(0);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- clients' certificates ---- */

/* Whoever it is may speak; what verification found is kept, and told by stream_tls_facts(). */
static int on_client_certificate(int is_good, X509_STORE_CTX *store)
{
    (void)is_good, (void)store;
    return 1;
}

static bool ask_clients(struct tls_server *server, char *error, size_t size)
{
    const char *file = server->settings->client_ca;

    if (!server->settings->asks_client)
        return true;
    SSL_CTX_set_verify(server->first, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, on_client_certificate);
    if (!is_set(file))
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);

    if (!names || SSL_CTX_load_verify_file(server->first, file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        tls_explain("cannot use the authorities in", file, error, size);
        return false;
    }
    SSL_CTX_set_client_CA_list(server->first, names);
    return true;
}

/* ---- files that change ---- */

static void look_at(const char *path, struct stamp *out)
{
    struct stat st = { 0 };

    *out = (struct stamp){ 0 };
    if (!is_set(path))
        return;
    if (stat(path, &st))
        out->error = errno;
    else
        *out = (struct stamp){ st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim, 0 };
}

static void look_at_all(const struct tls_identity *identity, struct stamp *out)
{
    for (size_t i = 0; i < TLS_PAIRS_MAX; i++) {
        look_at(identity->pairs[i].certificate, &out[2 * i]);
        look_at(identity->pairs[i].key, &out[2 * i + 1]);
    }
}

static bool is_time_same(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool are_same(const struct stamp *a, const struct stamp *b)
{
    for (size_t i = 0; i < FILES; i++)
        if (a[i].dev != b[i].dev || a[i].ino != b[i].ino || a[i].size != b[i].size || a[i].error != b[i].error ||
            !is_time_same(&a[i].written, &b[i].written) || !is_time_same(&a[i].changed, &b[i].changed))
            return false;
    return true;
}

static bool is_denied(const struct stamp *stamps)
{
    for (size_t i = 0; i < FILES; i++)
        if (stamps[i].error == EACCES)
            return true;
    return false;
}

/* The files have been written since they were judged, and nobody writes them any more. */
static bool has_changed(struct holder *h)
{
    struct stamp now[FILES];

    look_at_all(h->identity, now);
    bool stands_still = are_same(now, h->seen);

    memcpy(h->seen, now, sizeof now);
    if (!stands_still || are_same(now, h->judged))
        return false;
    memcpy(h->judged, now, sizeof now);
    return true;
}

static void take(const struct tls_server *server, struct holder *h, struct tls_news *news, char *error)
{
    int64_t expires_wall_ms[TLS_PAIRS_MAX];
    SSL_CTX *ctx = read_identity(server, h->identity, expires_wall_ms, error, ERROR_BYTES);

    if (!ctx) {
        *news = (struct tls_news){ TLS_NEWS_REFUSED, news->file, error };
        return;
    }
    SSL_CTX_free(h->ssl);
    h->ssl = ctx;
    memcpy(h->expires_wall_ms, expires_wall_ms, sizeof expires_wall_ms);
    h->is_blind = false;
}

void tls_server_look(struct tls_context *tls, tls_news_fn *fn, void *arg)
{
    struct tls_server *server = tls->server;

    tls_tickets_turn(server->tickets);
    for (size_t i = 0; i < server->count; i++) {
        struct holder *h = &server->holders[i];
        struct tls_news news = { TLS_NEWS_TAKEN, h->identity->pairs[0].certificate, "" };
        char error[ERROR_BYTES] = "";

        if (!has_changed(h))
            continue;
        if (is_denied(h->seen)) {
            news = (struct tls_news){ TLS_NEWS_BLIND, news.file, strerror(EACCES) };
            if (h->is_blind)
                continue;
            h->is_blind = true;
        } else {
            take(server, h, &news, error);
        }
        fn(arg, &news);
    }
}

bool tls_server_certificate(const struct tls_context *tls, size_t i, struct tls_certificate *out)
{
    for (size_t j = 0; j < tls->server->count * TLS_PAIRS_MAX; j++) {
        const struct holder *h = &tls->server->holders[j / TLS_PAIRS_MAX];
        size_t pair = j % TLS_PAIRS_MAX;

        if (!h->expires_wall_ms[pair] || i--)
            continue;
        *out = (struct tls_certificate){ h->identity->pairs[pair].certificate, h->expires_wall_ms[pair] };
        return true;
    }
    return false;
}

/* ---- life ---- */

static bool read_all(struct tls_server *server, char *error, size_t size)
{
    for (size_t i = 0; i < server->settings->identity_count; i++) {
        struct holder *h = &server->holders[i];

        h->identity = &server->settings->identities[i];
        look_at_all(h->identity, h->judged);
        memcpy(h->seen, h->judged, sizeof h->seen);
        h->ssl = read_identity(server, h->identity, h->expires_wall_ms, error, size);
        if (!h->ssl)
            return false;
        server->count++;
    }
    return true;
}

struct tls_context *tls_server_open(const struct tls_server_settings *settings, char *error, size_t size)
{
    struct tls_server *server = mem_alloc(sizeof *server);
    struct tls_context *tls = mem_alloc(sizeof *tls);

    tls->server = server;
    server->settings = settings;
    server->holders = mem_alloc(settings->identity_count * sizeof *server->holders);
    server->tickets = tls_tickets_new(settings->now_ms ? settings->now_ms : clock_mono_ms);
    server->first = tls->ssl = make_context(server, error, size);
    if (tls->ssl && ask_clients(server, error, size) && read_all(server, error, size)) {
        SSL_CTX_set_tlsext_servername_callback(tls->ssl, on_name);
        SSL_CTX_set_tlsext_servername_arg(tls->ssl, server);
        return tls;
    }
    tls_context_free(tls);
    return NULL;
}

void tls_server_free(struct tls_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->count; i++)
        SSL_CTX_free(server->holders[i].ssl);
    tls_tickets_free(server->tickets);
    free(server->holders);
    free(server);
}

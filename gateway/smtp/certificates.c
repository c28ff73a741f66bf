/* smtp/certificates.c - the certificates that clients are shown. */
#include "gateway/smtp/certificates.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/tls_server.h"

enum { LOOK_MS = 1000, WARN_DAYS = 14 };

static const int64_t DAY_MS = INT64_C(86400000);

struct certificates {
    struct tls_server_settings settings;
    struct tls_identity *identities;
    struct tls_context *tls;
    struct alarms *alarms;
    struct timer *timer;
    int64_t expiry_looked_ms;
};

/* ---- how long they are good ---- */

static void warn_of(struct alarms *alarms, const struct tls_certificate *certificate)
{
    char key[ALARM_KEY_MAX], text[600], when[CLOCK_TEXT_MAX];
    int64_t left_ms = certificate->expires_wall_ms - clock_wall_ms();

    if (left_ms >= WARN_DAYS * DAY_MS)
        return;
    snprintf(key, sizeof key, "certificate %.100s", certificate->file);
    snprintf(text, sizeof text, "%.400s %s on %s; put a new one in its place, with its key", certificate->file,
             left_ms < 0 ? "has expired" : "expires", clock_iso(certificate->expires_wall_ms, when));
    alarms_raise(alarms, key, text);
}

static void look_at_expiry(struct certificates *c)
{
    struct tls_certificate certificate;

    c->expiry_looked_ms = clock_mono_ms();
    for (size_t i = 0; tls_server_certificate(c->tls, i, &certificate); i++)
        warn_of(c->alarms, &certificate);
}

/* ---- files that change ---- */

static void on_news(void *arg, const struct tls_news *news)
{
    static const char *const remedy[] = {
        [TLS_NEWS_TAKEN] = "the new certificate is in force",
        [TLS_NEWS_REFUSED] =
            "it has changed, and is not taken; the old one stays in force until it is mended, or, where "
            "only root may read the key, until a reload (SIGHUP)",
        [TLS_NEWS_BLIND] = "the gateway's user may not look at it: after a renewal ask for a reload (SIGHUP)",
    };
    struct certificates *c = arg;
    struct log_line line;

    log_start(&line, news->kind == TLS_NEWS_REFUSED ? LOG_WARN : LOG_INFO, "certificate");
    log_cstr(&line, "file", news->file);
    log_cstr(&line, "text", remedy[news->kind]);
    if (news->text[0])
        log_cstr(&line, "why", news->text);
    log_send(&line);
    if (news->kind == TLS_NEWS_TAKEN)
        look_at_expiry(c);
}

static void on_timer(void *arg)
{
    struct certificates *c = arg;

    tls_server_look(c->tls, on_news, c);
    if (!c->expiry_looked_ms || clock_mono_ms() - c->expiry_looked_ms >= DAY_MS)
        look_at_expiry(c);
    timer_start(c->timer, LOOK_MS);
}

/* ---- life ---- */

static void set_identities(struct certificates *c, const struct smtp_conf *conf)
{
    const struct smtp_tls_name *names = conf->tls_names.items;

    c->identities = mem_alloc((conf->tls_names.count + 1) * sizeof *c->identities);
    c->identities[0] = (struct tls_identity){
        NULL, { { conf->tls_certificate, conf->tls_key }, { conf->tls_alt_certificate, conf->tls_alt_key } }
    };
    for (size_t i = 0; i < conf->tls_names.count; i++)
        c->identities[i + 1] = (struct tls_identity){
            names[i].title, { { names[i].certificate, names[i].key }, { names[i].alt_certificate, names[i].alt_key } }
        };
}

struct certificates *certificates_new(const struct smtp_conf *conf, struct loop *loop, struct alarms *alarms,
                                      char *error, size_t size)
{
    struct certificates *c = mem_alloc(sizeof *c);

    set_identities(c, conf);
    c->alarms = alarms;
    c->settings = (struct tls_server_settings){
        .identities = c->identities,
        .identity_count = conf->tls_names.count + 1,
        .terms = { (enum tls_version)conf->tls_least, conf->tls_ciphers, conf->tls_ciphersuites },
        .asks_client = conf->tls_clients != SMTP_TLS_CLIENTS_NO,
        .client_ca = conf->tls_client_ca,
    };
    c->tls = tls_server_open(&c->settings, error, size);
    if (!c->tls) {
        certificates_free(c);
        return NULL;
    }
    if (loop) {
        c->timer = timer_new(loop, on_timer, c);
        timer_start(c->timer, 0);
    }
    return c;
}

void certificates_free(struct certificates *c)
{
    if (!c)
        return;
    timer_free(c->timer);
    tls_context_free(c->tls);
    free(c->identities);
    free(c);
}

struct tls_context *certificates_context(const struct certificates *c)
{
    return c->tls;
}

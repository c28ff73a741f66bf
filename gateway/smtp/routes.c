/* smtp/routes.c - next hops made from the configuration, and found by recipient. */
#include "gateway/smtp/routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/maildir.h"

enum { RESOLVER_QUEUE = 64 };

struct next_hop {
    const struct hop_target *target;
    enum hop_tls tls;
    struct hop *hop;
};

struct routes {
    struct engine *engine;
    const struct smtp_conf *conf;
    struct tls_context *tls, *tls_verify;
    struct crew *resolver; /* of its own: a name server that hangs must not hold up mail; NULL when no hop has a name */
    struct next_hop *next_hops; /* the first: of conf->next_hop; then one per route */
    size_t count;
};

static bool is_set(const char *text)
{
    return text && *text;
}

static const struct smtp_route *route_at(const struct smtp_conf *conf, size_t index)
{
    return &((const struct smtp_route *)conf->routes.items)[index];
}

/* ---- one next hop ---- */

const char *next_hop_name(const struct next_hop *nh)
{
    return nh->target->text;
}

enum hop_kind next_hop_kind(const struct next_hop *nh)
{
    return nh->target->kind;
}

const struct hop_settings *next_hop_settings(const struct next_hop *nh)
{
    return hop_settings(nh->hop);
}

bool next_hop_is_local(const struct next_hop *nh)
{
    return hop_target_is_local(nh->target);
}

bool next_hop_submit(struct next_hop *nh, struct hop_task *task)
{
    return hop_submit(nh->hop, task);
}

bool next_hop_is_known(const struct next_hop *nh)
{
    return hop_is_known(nh->hop);
}

bool next_hop_is_down(struct next_hop *nh)
{
    return hop_is_down(nh->hop);
}

unsigned next_hop_extensions(const struct next_hop *nh)
{
    return hop_is_known(nh->hop) ? hop_extensions(nh->hop) : 0;
}

uint64_t next_hop_size_most(const struct next_hop *nh)
{
    return hop_size_most(nh->hop);
}

/* ---- all of them ---- */

static struct next_hop *find(const struct routes *r, const struct hop_target *target, enum hop_tls tls)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->next_hops[i].target->text, target->text) == 0 && r->next_hops[i].tls == tls)
            return &r->next_hops[i];
    return NULL;
}

static bool make_tls(struct routes *r, enum hop_tls tls, struct tls_context **out, char *error, size_t size)
{
    const char *ca = is_set(r->conf->next_hop_ca) ? r->conf->next_hop_ca : NULL;
    struct tls_context **context = tls == HOP_TLS_VERIFY ? &r->tls_verify : &r->tls;

    *out = NULL;
    if (tls == HOP_TLS_NONE)
        return true;
    if (!*context)
        *context = tls_client_new(tls == HOP_TLS_VERIFY ? TLS_VERIFY_NAME : TLS_VERIFY_NONE, ca, error, size);
    *out = *context;
    return *out != NULL;
}

static bool add(struct routes *r, const struct hop_target *target, enum hop_tls tls, char *error, size_t size)
{
    struct hop_settings settings = { .loop = r->engine->loop,
                                     .crew = r->engine->crew,
                                     .conf = r->conf,
                                     .target = target,
                                     .tls = tls,
                                     .hostname = r->engine->hostname,
                                     .metrics = &r->engine->metrics.hop };
    char wrong[MAILDIR_ERROR_MAX];

    if (find(r, target, tls))
        return true;
    if (!make_tls(r, tls, &settings.tls_context, error, size))
        return false;
    if (target->at.host[0] && !r->resolver)
        r->resolver = crew_new(r->engine->loop, 1, RESOLVER_QUEUE, RESOLVER_QUEUE);
    settings.resolver = r->resolver;
    if (target->kind == HOP_MAILDIR && maildir_prepare(target->maildir, wrong)) {
        snprintf(error, size, "smtp.next_hop: %s; make it, or let it be writable for the gateway's user", wrong);
        return false;
    }
    r->next_hops[r->count++] = (struct next_hop){ target, tls, hop_new(&settings) };
    return true;
}

static bool add_all(struct routes *r, char *error, size_t size)
{
    const struct smtp_conf *conf = r->conf;

    r->next_hops = mem_alloc((conf->routes.count + 1) * sizeof *r->next_hops);
    if (!add(r, &conf->next_hop, (enum hop_tls)conf->next_hop_tls, error, size))
        return false;
    for (size_t i = 0; i < conf->routes.count; i++)
        if (!add(r, &route_at(conf, i)->next_hop, (enum hop_tls)route_at(conf, i)->tls, error, size))
            return false;
    return true;
}

struct routes *routes_new(struct engine *engine, const struct smtp_conf *conf, char *error, size_t size)
{
    struct routes *r = mem_alloc(sizeof *r);

    r->engine = engine;
    r->conf = conf;
    if (add_all(r, error, size))
        return r;
    routes_free(r);
    return NULL;
}

void routes_free(struct routes *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        hop_free(r->next_hops[i].hop);
    crew_free(r->resolver);
    tls_context_free(r->tls);
    tls_context_free(r->tls_verify);
    free(r->next_hops);
    free(r);
}

struct next_hop *routes_find(const struct routes *r, const struct address *recipient, const char *domain)
{
    const struct smtp_route *route = smtp_conf_route(r->conf, domain);

    (void)recipient;
    return route ? find(r, &route->next_hop, (enum hop_tls)route->tls) : &r->next_hops[0];
}

bool routes_take(const struct routes *r, const struct address *recipient, const char *domain)
{
    (void)recipient;
    return smtp_conf_takes(r->conf, domain);
}

unsigned routes_extensions(const struct routes *r)
{
    unsigned all = EXTENSIONS_ALL;

    for (size_t i = 0; i < r->count; i++)
        all &= next_hop_extensions(&r->next_hops[i]);
    return all;
}

uint64_t routes_size_most(const struct routes *r)
{
    uint64_t most = r->conf->size_most;

    for (size_t i = 0; i < r->count; i++) {
        uint64_t its = next_hop_size_most(&r->next_hops[i]);

        if (its && its < most)
            most = its;
    }
    return most;
}

bool routes_are_down(const struct routes *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!next_hop_is_down(&r->next_hops[i]))
            return false;
    return true;
}

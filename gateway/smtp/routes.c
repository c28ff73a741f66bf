/* smtp/routes.c - next hops made from the configuration, and found by recipient. */
#include "gateway/smtp/routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/maildir.h"

enum { RESOLVER_QUEUE = 64 };

struct routes {
    struct engine *engine;
    const struct smtp_conf *conf;
    struct tls_context *tls, *tls_verify;
    struct crew *resolver; /* of its own: a name server that hangs must not hold up mail; NULL when no hop has a name */
    struct hop **hops;     /* no two with the same target and ways: routes share them */
    size_t hop_count;
    struct route {
        const struct hop_targets *targets;
        const struct hop_ways *ways;
        struct next_hop *next_hop;
    } * routes; /* the first: of conf->next_hop; then one per route of conf; those with equal targets share theirs */
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

/* ---- all of them ---- */

static bool is_same_target(const struct hop_target *a, const struct hop_target *b)
{
    return a->kind == b->kind && a->is_implicit == b->is_implicit &&
           (a->kind == HOP_MAILDIR ? strcmp(a->maildir, b->maildir) == 0 : endpoint_eq(&a->at, &b->at));
}

static struct hop *find_hop(const struct routes *r, const struct hop_target *target, const struct hop_ways *ways)
{
    for (size_t i = 0; i < r->hop_count; i++)
        if (is_same_target(hop_target(r->hops[i]), target) && hop_ways_eq(hop_settings(r->hops[i])->ways, ways))
            return r->hops[i];
    return NULL;
}

static bool is_same_list(const struct hop_targets *a, const struct hop_targets *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!is_same_target(&a->items[i], &b->items[i]) || a->items[i].priority != b->items[i].priority ||
            a->items[i].weight != b->items[i].weight)
            return false;
    return a->count == b->count;
}

static struct next_hop *find_next_hop(const struct routes *r, const struct hop_targets *targets,
                                      const struct hop_ways *ways)
{
    for (size_t i = 0; i < r->count; i++)
        if (is_same_list(r->routes[i].targets, targets) && hop_ways_eq(r->routes[i].ways, ways))
            return r->routes[i].next_hop;
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

/* smtps has no clear text to fall back to. */
static enum hop_tls tls_of(const struct hop_target *target, const struct hop_ways *ways)
{
    return target->is_implicit && ways->tls < HOP_TLS_ENCRYPT ? HOP_TLS_ENCRYPT : (enum hop_tls)ways->tls;
}

/* The hop of a target, made when there is none yet; NULL with a sentence in `error`. */
static struct hop *take_hop(struct routes *r, const struct hop_target *target, const struct hop_ways *ways, char *error,
                            size_t size)
{
    struct hop_settings settings = { .loop = r->engine->loop,
                                     .crew = r->engine->crew,
                                     .conf = r->conf,
                                     .target = target,
                                     .ways = ways,
                                     .tls = tls_of(target, ways),
                                     .hostname = r->engine->hostname,
                                     .metrics = &r->engine->metrics.hop };
    struct hop *hop = find_hop(r, target, ways);
    char wrong[MAILDIR_ERROR_MAX];

    if (hop)
        return hop;
    if (!make_tls(r, settings.tls, &settings.tls_context, error, size))
        return NULL;
    if (target->at.host[0] && !r->resolver)
        r->resolver = crew_new(r->engine->loop, 1, RESOLVER_QUEUE, RESOLVER_QUEUE);
    settings.resolver = r->resolver;
    if (target->kind == HOP_MAILDIR && maildir_prepare(target->maildir, wrong)) {
        snprintf(error, size, "smtp.next_hop: %s; make it, or let it be writable for the gateway's user", wrong);
        return NULL;
    }
    r->hops = mem_grow(r->hops, (r->hop_count + 1) * sizeof *r->hops);
    r->hops[r->hop_count++] = hop_new(&settings);
    return r->hops[r->hop_count - 1];
}

static bool add(struct routes *r, const struct hop_targets *targets, const struct hop_ways *ways, char *error,
                size_t size)
{
    struct next_hop *next_hop = find_next_hop(r, targets, ways);
    struct hop *hops[HOP_TARGETS_MOST];

    for (size_t i = 0; i < targets->count && !next_hop; i++) {
        hops[i] = take_hop(r, &targets->items[i], ways, error, size);
        if (!hops[i])
            return false;
    }
    r->routes[r->count] = (struct route){ targets, ways, next_hop ? next_hop : next_hop_new(targets, hops) };
    r->count++;
    return true;
}

static bool add_all(struct routes *r, char *error, size_t size)
{
    const struct smtp_conf *conf = r->conf;

    r->routes = mem_alloc((conf->routes.count + 1) * sizeof *r->routes);
    if (!add(r, &conf->next_hop, &conf->next_hop_ways, error, size))
        return false;
    for (size_t i = 0; i < conf->routes.count; i++)
        if (!add(r, &route_at(conf, i)->next_hop, &route_at(conf, i)->ways, error, size))
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

static bool is_first_with_its(const struct routes *r, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (r->routes[i].next_hop == r->routes[index].next_hop)
            return false;
    return true;
}

void routes_free(struct routes *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        if (is_first_with_its(r, i))
            next_hop_free(r->routes[i].next_hop);
    for (size_t i = 0; i < r->hop_count; i++)
        hop_free(r->hops[i]);
    free(r->hops);
    crew_free(r->resolver);
    tls_context_free(r->tls);
    tls_context_free(r->tls_verify);
    free(r->routes);
    free(r);
}

struct next_hop *routes_find(const struct routes *r, const struct address *recipient, const char *domain)
{
    const struct smtp_route *route = smtp_conf_route(r->conf, domain);

    (void)recipient;
    return r->routes[route ? 1 + (size_t)(route - route_at(r->conf, 0)) : 0].next_hop;
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
        all &= next_hop_extensions(r->routes[i].next_hop);
    return all;
}

uint64_t routes_size_most(const struct routes *r)
{
    uint64_t most = r->conf->size_most;

    for (size_t i = 0; i < r->count; i++) {
        uint64_t its = next_hop_size_most(r->routes[i].next_hop);

        if (its && its < most)
            most = its;
    }
    return most;
}

size_t routes_recipients_most(const struct routes *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (next_hop_kind(r->routes[i].next_hop) != HOP_LMTP)
            return (size_t)r->conf->recipients_most;
    return 1;
}

bool routes_are_down(const struct routes *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!next_hop_is_down(r->routes[i].next_hop))
            return false;
    return true;
}

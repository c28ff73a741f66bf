/* smtp/routes.c - routes of gateway.conf and of the file; recipients through both. */
#include "gateway/smtp/routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/smtp/hops.h"
#include "gateway/smtp/route_file.h"

enum {
    LOOK_MS = 1000,
    READ_ON_MS = 5,          /* while a new version is being read */
    READ_BYTES = 256 * 1024, /* each time: some milliseconds */
    CONNECTED_AT_ONCE = 100, /* routes of the file that are connected to before there is mail for them */
};

struct routes {
    struct engine *engine;
    const struct smtp_conf *conf;
    struct hops *hops;
    struct next_hop **sections; /* the first: of conf->next_hop; then one per route of conf */
    size_t count;
    struct next_hop *auth;   /* NULL: no listener has `auth` */
    struct access_file file; /* set: struct route_table */
    bool has_file;
    struct recipient_lists *lists;
    struct timer *watch;
};

static bool is_set(const char *text)
{
    return text && *text;
}

static const struct smtp_route *section_at(const struct smtp_conf *conf, size_t index)
{
    return &((const struct smtp_route *)conf->routes.items)[index];
}

/* ---- verification ---- */

static struct route route_with(struct routes *r, struct next_hop *next_hop, const struct verify_rule *rule)
{
    const struct verify_rule *of = rule->kind == VERIFY_UNSAID ? &r->conf->verify_recipients : rule;
    struct route route = { .next_hop = next_hop, .verify = of->kind };

    if (of->kind == VERIFY_LIST)
        route.list = recipient_lists_get(r->lists, of->path);
    return route;
}

/* ---- the file ---- */

static struct hop_ways ways_of(const struct routes *r, const struct file_route *route)
{
    struct hop_ways ways = r->conf->next_hop_ways;

    if (route->tls >= 0)
        ways.tls = route->tls;
    return ways;
}

/* Its next hop, connected to when it was not yet. What that needs was prepared in open_file(). */
static struct next_hop *next_hop_of(struct routes *r, struct file_route *route)
{
    const struct hop_ways ways = ways_of(r, route);

    if (!route->next_hop)
        route->next_hop = hops_take(r->hops, &route->targets, &ways, NULL, 0);
    if (!route->next_hop)
        BUG("a next hop of %s cannot be had", r->file.path);
    return route->next_hop;
}

/* A file of a few routes is connected to at once, so that what they offer and whether they are up is known before
 * there is mail; with thousands each waits for its first recipient. */
static void connect_some(struct routes *r)
{
    struct file_route *route;

    for (size_t i = 0; i < CONNECTED_AT_ONCE && (route = route_table_route(r->file.set, i)); i++)
        next_hop_of(r, route);
}

static void get_lists(struct routes *r)
{
    const struct file_route *route;

    recipient_lists_begin(r->lists);
    route_with(r, NULL, &r->conf->verify_recipients);
    for (size_t i = 0; i < r->conf->routes.count; i++)
        route_with(r, NULL, &section_at(r->conf, i)->verify);
    for (size_t i = 0; r->has_file && (route = route_table_route(r->file.set, i)); i++)
        route_with(r, NULL, &route->verify);
    recipient_lists_keep(r->lists);
}

static void look_at_file(struct routes *r)
{
    if (access_file_look(&r->file, READ_BYTES)) {
        log_info("list_reloaded", "%s: %zu routes", r->file.path, route_table_count(r->file.set));
        get_lists(r);
        connect_some(r);
    }
    struct span complaint = access_file_complaint(&r->file);

    if (complaint.len)
        log_warn("list_refused", "routes stay as they were: %.*s", SPAN_ARG(complaint));
}

static void on_watch(void *arg)
{
    struct routes *r = arg;

    if (r->has_file)
        look_at_file(r);
    if (!r->file.reading)
        recipient_lists_look(r->lists, READ_BYTES);
    timer_start(r->watch, r->file.reading ? READ_ON_MS : LOOK_MS);
}

static bool open_file(struct routes *r, char *error, size_t size)
{
    struct hop_ways ways = r->conf->next_hop_ways;

    if (!is_set(r->conf->routes_file))
        return true;
    for (ways.tls = HOP_TLS_NONE; ways.tls <= HOP_TLS_DANE; ways.tls++) /* a later version of the file may want it */
        if (!hops_prepare(r->hops, &ways, error, size))
            return false;
    r->has_file = access_file_open_as(&r->file, r->conf->routes_file, &route_reader, r->conf->next_hop_ways.tls);
    if (r->has_file)
        connect_some(r);
    else
        snprintf(error, size, "smtp.routes: %.*s", SPAN_ARG(strbuf_span(&r->file.refusal)));
    return r->has_file;
}

/* ---- life ---- */

static bool open_sections(struct routes *r, char *error, size_t size)
{
    const struct smtp_conf *conf = r->conf;

    r->sections = mem_alloc((conf->routes.count + 1) * sizeof *r->sections);
    for (size_t i = 0; i <= conf->routes.count; i++) {
        const struct hop_targets *targets = i ? &section_at(conf, i - 1)->next_hop : &conf->next_hop;
        const struct hop_ways *ways = i ? &section_at(conf, i - 1)->ways : &conf->next_hop_ways;

        r->sections[i] = hops_take(r->hops, targets, ways, error, size);
        if (!r->sections[i])
            return false;
        r->count++;
    }
    if (conf->auth_hop.count)
        r->auth = hops_take(r->hops, &conf->auth_hop, &conf->next_hop_ways, error, size);
    return !conf->auth_hop.count || r->auth;
}

struct routes *routes_new(struct engine *engine, const struct smtp_conf *conf, char *error, size_t size)
{
    struct routes *r = mem_alloc(sizeof *r);

    *r = (struct routes){ .engine = engine, .conf = conf };
    r->hops = hops_new(engine, conf);
    r->lists = recipient_lists_new();
    r->watch = timer_new(engine->loop, on_watch, r);
    if (!open_sections(r, error, size) || !open_file(r, error, size)) {
        routes_free(r);
        return NULL;
    }
    get_lists(r);
    if (r->has_file || recipient_lists_count(r->lists))
        timer_start(r->watch, LOOK_MS);
    return r;
}

void routes_free(struct routes *r)
{
    if (!r)
        return;
    timer_free(r->watch);
    if (r->file.path)
        access_file_close(&r->file);
    for (size_t i = 0; i < r->count; i++)
        next_hop_drop(r->sections[i]);
    next_hop_drop(r->auth);
    recipient_lists_free(r->lists);
    hops_free(r->hops);
    free(r->sections);
    free(r);
}

/* ---- for recipients ---- */

/* How closely a pattern fits, of those that fit: an address before a domain before ".domain", the longer first. */
static size_t closeness(const char *pattern)
{
    return strcmp(pattern, "*") == 0 ? 0 : strchr(pattern, '@') ? SIZE_MAX : strlen(pattern);
}

static bool find_in_file(const struct routes *r, const struct address *recipient, const char *domain,
                         struct file_match *out)
{
    return r->has_file && route_table_find(r->file.set, recipient, domain, r->conf->recipient_delimiter, out);
}

struct route routes_find(struct routes *r, const struct address *recipient, const char *domain)
{
    const struct smtp_route *section = smtp_conf_route(r->conf, domain);
    struct file_match match;

    if (find_in_file(r, recipient, domain, &match) &&
        (!section || closeness(match.pattern) >= closeness(section->title))) {
        struct next_hop *next_hop = next_hop_of(r, match.route);

        return route_with(r, next_hop, &match.route->verify);
    }
    if (section)
        return route_with(r, r->sections[1 + (size_t)(section - section_at(r->conf, 0))], &section->verify);
    return route_with(r, r->sections[0], &r->conf->verify_recipients);
}

bool routes_take(const struct routes *r, const struct address *recipient, const char *domain)
{
    struct file_match match;

    return smtp_conf_takes(r->conf, domain) ||
           (find_in_file(r, recipient, domain, &match) && strcmp(match.pattern, "*") != 0);
}

/* ---- of all ---- */

struct next_hop *routes_auth(const struct routes *r)
{
    return r->auth;
}

unsigned routes_extensions(struct routes *r)
{
    return hops_extensions(r->hops);
}

static uint64_t less(uint64_t ours, uint64_t theirs)
{
    return theirs && theirs < ours ? theirs : ours;
}

uint64_t routes_size_most(struct routes *r)
{
    return less(r->conf->size_most, hops_size_most(r->hops));
}

uint64_t routes_recipients_most(struct routes *r)
{
    return less((uint64_t)r->conf->recipients_most, hops_recipients_most(r->hops));
}

/* A route that nobody has needed yet may be up. */
bool routes_are_down(const struct routes *r)
{
    bool is_any_unknown = r->has_file && route_table_route(r->file.set, CONNECTED_AT_ONCE);

    return !is_any_unknown && hops_are_down(r->hops);
}

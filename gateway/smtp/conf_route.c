/* smtp/conf_route.c - next hops and routes in gateway.conf: how they are written, and which one a domain takes. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"
#include "gateway/smtp/conf.h"

#define AT(member) offsetof(struct smtp_route, member)

enum { RANK_INITIAL = 10 };

const char hop_tls_words[] = "none may encrypt verify dane";
const char hop_client_words[] = "none xforward xclient";

/* What stands before "//HOST:PORT" or "unix:/PATH". LMTP has no port of its own; it must not be 25 [RFC2033 5], and 24
 * is the one for "any private mail system" that its servers listen on. */
static const struct scheme {
    const char *prefix;
    enum hop_kind kind;
    unsigned port;
    bool is_implicit;
} schemes[] = {
    { "smtp:", HOP_SMTP, 25, false },
    { "smtps:", HOP_SMTP, 465, true },
    { "lmtp:", HOP_LMTP, 24, false },
};

static const char *parse_maildir(struct hop_target *target)
{
    target->kind = HOP_MAILDIR;
    target->maildir = target->text + strlen("maildir:");
    return target->maildir[0] == '/' ? NULL : "a Maildir needs an absolute path; write \"maildir:/var/mail/inbox\"";
}

/* Certificates bear names without it, and SNI has none [RFC6066 3]. */
static void drop_final_dot(char *host)
{
    size_t len = strlen(host);

    if (len && host[len - 1] == '.')
        host[len - 1] = '\0';
}

const char *hop_target_parse(struct arena *a, const char *text, struct hop_target *target)
{
    *target = (struct hop_target){ .text = text, .priority = RANK_INITIAL, .weight = RANK_INITIAL };
    if (span_starts(span_of(text), SPAN("maildir:")))
        return parse_maildir(target);
    for (size_t i = 0; i < COUNT(schemes); i++) {
        struct span rest = span_skip(span_of(text), strlen(schemes[i].prefix));
        bool has_host = span_starts(rest, SPAN("//"));
        bool has_path = span_starts(rest, SPAN("unix:/")) && !schemes[i].is_implicit;

        if (!span_starts(span_of(text), span_of(schemes[i].prefix)) || !(has_host || has_path))
            continue;
        target->kind = schemes[i].kind;
        target->is_implicit = schemes[i].is_implicit;
        if (endpoint_parse(has_host ? span_skip(rest, 2) : rest, schemes[i].port, &target->at))
            return arena_printf(a, "\"%s\" has no host and port; write \"%s//127.0.0.1:10025\"", text,
                                schemes[i].prefix);
        drop_final_dot(target->at.host);
        return NULL;
    }
    return arena_printf(a,
                        "\"%s\" is no next hop; write \"smtp://HOST:PORT\", \"smtps://HOST:PORT\", "
                        "\"smtp:unix:/PATH\", \"lmtp://HOST:PORT\", \"lmtp:unix:/PATH\" or \"maildir:/PATH\"",
                        text);
}

static const char *const tls_words[] = { "none", "may", "encrypt", "verify", "dane" };

const char *hop_tls_text(enum hop_tls tls)
{
    return tls_words[tls];
}

const char *hop_client_text(enum hop_client client)
{
    static const char *const words[] = { "none", "xforward", "xclient" };

    return words[client];
}

int hop_tls_of(struct span word)
{
    for (size_t i = 0; i < COUNT(tls_words); i++)
        if (span_is(word, tls_words[i]))
            return (int)i;
    return -1;
}

/* "priority=20", "weight=2": true when it is one of these, and good. */
static bool take_word(struct span word, struct hop_target *target)
{
    struct span name;
    uint64_t number;

    if (!span_cut(&word, '=', &name) || !word.ptr)
        return false;
    bool is_weight = span_is(name, "weight");

    if ((!is_weight && !span_is(name, "priority")) || span_u64(word, UINT64_MAX, &number))
        return false;
    if (number > (is_weight ? HOP_WEIGHT_MOST : HOP_PRIORITY_MOST) || (is_weight && !number))
        return false;
    *(is_weight ? &target->weight : &target->priority) = (unsigned)number;
    return true;
}

static const char *parse_with_words(struct arena *a, const char *text, struct hop_target *target)
{
    struct span rest = span_of(text), word = { 0 };

    if (span_starts(rest, SPAN("maildir:")))
        return hop_target_parse(a, text, target); /* its path may have blanks */
    span_word(&rest, &word);
    const char *wrong = hop_target_parse(a, arena_dup(a, word), target);

    while (!wrong && span_word(&rest, &word))
        if (!take_word(word, target))
            wrong = arena_printf(a, "\"%.*s\" means nothing there; write priority=0 to %d, or weight=1 to %d",
                                 SPAN_ARG(word), HOP_PRIORITY_MOST, HOP_WEIGHT_MOST);
    return wrong;
}

static bool is_same(const struct hop_target *a, const struct hop_target *b)
{
    return a->kind == b->kind && a->kind != HOP_MAILDIR && endpoint_eq(&a->at, &b->at);
}

const char *hop_targets_parse(struct arena *a, const char *text, void *out)
{
    struct hop_targets *targets = out;
    struct hop_target target;
    const char *wrong = parse_with_words(a, text, &target);

    if (wrong)
        return wrong;
    if (targets->count == HOP_TARGETS_MOST)
        return arena_printf(a, "is one target more than the %d that there may be; leave some out", HOP_TARGETS_MOST);
    if (targets->count && (target.kind == HOP_MAILDIR || targets->items[0].kind == HOP_MAILDIR))
        return "stands beside another target; a Maildir is the only one";
    if (targets->count && target.kind != targets->items[0].kind)
        return "speaks another protocol than those before it; write all with smtp:, or all with lmtp:";
    for (size_t i = 0; i < targets->count; i++)
        if (is_same(&targets->items[i], &target))
            return "stands in this list twice; leave one";
    targets->items = arena_grow(a, targets->items, targets->count, targets->count + 1, sizeof target);
    targets->items[targets->count++] = target;
    return NULL;
}

const char *hop_ways_wrong(struct arena *a, const struct hop_targets *targets, const struct hop_ways *ways)
{
    for (size_t i = 0; i < targets->count; i++)
        if (targets->items[i].is_implicit && ways->tls == HOP_TLS_NONE)
            return arena_printf(a,
                                "\"%s\" is TLS from the first byte, and next_hop_tls is none; write encrypt or verify",
                                targets->items[i].text);
        else if (ways->tls == HOP_TLS_DANE && targets->items[i].kind != HOP_MAILDIR && !targets->items[i].at.host[0])
            return arena_printf(a,
                                "\"%s\" has no host name, which DANE looks up in the DNS; write one, or next_hop_tls = "
                                "verify",
                                targets->items[i].text);
    return NULL;
}

bool smtp_conf_needs_dnssec(const struct smtp_conf *conf)
{
    const struct smtp_route *routes = conf->routes.items;

    for (size_t i = 0; i < conf->routes.count; i++)
        if (routes[i].ways.tls == HOP_TLS_DANE)
            return true;
    return conf->next_hop_ways.tls == HOP_TLS_DANE || conf->has_dane_in_file;
}

bool hop_ways_eq(const struct hop_ways *a, const struct hop_ways *b)
{
    return a->tls == b->tls && a->client == b->client;
}

bool hop_target_is_local(const struct hop_target *target)
{
    const struct endpoint *at = &target->at;

    return target->kind == HOP_MAILDIR || at->path[0] ||
           (at->host[0] ? span_iis(span_of(at->host), "localhost") : addr_is_loopback(&at->addr));
}

/* ---- loops ---- */

/* A place stands for all addresses when it is 0.0.0.0 or [::]; which ones we have is not asked, but for loopback. */
static bool is_place_of(const struct endpoint *place, const struct hop_target *target)
{
    static const unsigned char all[sizeof place->addr.bytes];
    const struct endpoint *at = &target->at;

    if (endpoint_eq(place, at))
        return true;
    bool is_everywhere = place->addr.family != ADDR_NONE && memcmp(place->addr.bytes, all, sizeof all) == 0;

    return is_everywhere && at->port == place->port && hop_target_is_local(target) &&
           (at->host[0] || at->addr.family == place->addr.family);
}

static const char *comes_back(struct arena *a, const struct smtp_conf *conf, const struct hop_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        for (size_t p = 0; p < conf->places.count; p++)
            if (targets->items[i].kind != HOP_MAILDIR && is_place_of(&conf->places.items[p], &targets->items[i]))
                return arena_printf(
                    a,
                    "\"%s\" is where this gateway listens: mail would come back for ever; name the mail "
                    "server behind it",
                    targets->items[i].text);
    return NULL;
}

const char *smtp_conf_loop(struct arena *a, const struct smtp_conf *conf)
{
    const struct smtp_route *routes = conf->routes.items;
    const char *wrong = comes_back(a, conf, &conf->next_hop);

    for (size_t i = 0; i < conf->routes.count && !wrong; i++)
        wrong = comes_back(a, conf, &routes[i].next_hop);
    return wrong ? wrong : comes_back(a, conf, &conf->auth_hop);
}

/* ---- verification ---- */

const char *verify_rule_parse(struct arena *a, const char *text, void *out)
{
    struct verify_rule *rule = out;
    struct span word = span_of(text);

    if (span_is(word, "rcpt") || span_is(word, "yes")) {
        *rule = (struct verify_rule){ .kind = VERIFY_RCPT };
        return NULL;
    }
    if (span_is(word, "none") || span_is(word, "no")) {
        *rule = (struct verify_rule){ .kind = VERIFY_NONE };
        return NULL;
    }
    if (!span_starts(word, SPAN("list:/")))
        return "is no way to verify recipients; write rcpt (ask the next hop), none, or list:/path/of/a/file";
    *rule = (struct verify_rule){ .kind = VERIFY_LIST, .path = text + strlen("list:") };
    if (access(rule->path, R_OK))
        return arena_printf(a, "names %s, which cannot be read (%s)", rule->path, strerror(errno));
    return NULL;
}

/* ---- routes ---- */

static const struct conf_key route_keys[] = {
    { .name = "next_hop",
      .type = CONF_CUSTOMS,
      .at = AT(next_hop),
      .help = "where mail for this domain goes, as smtp.next_hop",
      .parse = hop_targets_parse,
      .is_required = true },
    { .name = "next_hop_tls",
      .type = CONF_ENUM,
      .at = AT(ways.tls),
      .initial = "may",
      .least = hop_tls_words,
      .help = "as smtp.next_hop_tls" },
    { .name = "next_hop_client",
      .type = CONF_ENUM,
      .at = AT(ways.client),
      .initial = "xforward",
      .least = hop_client_words,
      .help = "as smtp.next_hop_client" },
    { .name = "verify_recipients",
      .type = CONF_CUSTOM,
      .at = AT(verify),
      .help = "as smtp.verify_recipients, which holds unless this is written",
      .parse = verify_rule_parse },
    { 0 },
};

const struct conf_section smtp_route_section = {
    .name = "route",
    .help = "a domain whose mail goes elsewhere: route \"example.com\" { next_hop = \"smtp://10.0.0.2:25\" }; "
            "\".example.com\" means the domains below it",
    .size = sizeof(struct smtp_route),
    .keys = route_keys,
};

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_route(const void *a, const void *b)
{
    return strcmp(((const struct smtp_route *)a)->title, ((const struct smtp_route *)b)->title);
}

/* A domain of a list, or ".domain", into its normal form. */
static const char *normal_pattern(struct arena *a, const char *text, const char **out)
{
    char normal[DOMAIN_MAX];
    bool is_below = text[0] == '.';

    if (domain_normal(span_of(text + is_below), normal))
        return arena_printf(a, "\"%s\" is no domain; write \"example.org\", or \".example.org\" for those below it",
                            text);
    *out = arena_printf(a, "%s%s", is_below ? "." : "", normal);
    return NULL;
}

const char *smtp_conf_normalise_routes(struct arena *a, struct smtp_conf *conf)
{
    struct smtp_route *routes = conf->routes.items;
    const char *wrong = NULL;

    for (size_t i = 0; i < conf->relay_domains.count && !wrong; i++)
        wrong = normal_pattern(a, conf->relay_domains.items[i], &conf->relay_domains.items[i]);
    for (size_t i = 0; i < conf->routes.count && !wrong; i++)
        wrong = normal_pattern(a, routes[i].title, &routes[i].title);
    for (size_t i = 0; i < conf->routes.count && !wrong; i++)
        wrong = hop_ways_wrong(a, &routes[i].next_hop, &routes[i].ways);
    if (wrong)
        return wrong;
    if (conf->relay_domains.count)
        qsort(conf->relay_domains.items, conf->relay_domains.count, sizeof *conf->relay_domains.items, compare_text);
    if (conf->routes.count)
        qsort(routes, conf->routes.count, sizeof *routes, compare_route);
    for (size_t i = 1; i < conf->routes.count; i++)
        if (strcmp(routes[i - 1].title, routes[i].title) == 0)
            return arena_printf(a, "route \"%s\" stands twice; leave one", routes[i].title);
    return NULL;
}

/* The patterns for a domain, the closest first: itself, ".parent", ".grandparent", ... in a sorted array of structs
 * that begin with the pattern. */
static const void *find_pattern(const void *items, size_t count, size_t size, const char *domain)
{
    char below[DOMAIN_MAX + 1];
    const char *key = domain;
    const void *found = count ? bsearch(&key, items, count, size, compare_text) : NULL;

    for (const char *parent = domain_parent(domain); parent && count && !found; parent = domain_parent(parent)) {
        below[0] = '.';
        if (span_copy(span_of(parent), below + 1, sizeof below - 1))
            return NULL;
        key = below;
        found = bsearch(&key, items, count, size, compare_text);
    }
    return found;
}

const struct smtp_route *smtp_conf_route(const struct smtp_conf *conf, const char *domain)
{
    return find_pattern(conf->routes.items, conf->routes.count, sizeof(struct smtp_route), domain);
}

bool smtp_conf_takes(const struct smtp_conf *conf, const char *domain)
{
    return find_pattern(conf->relay_domains.items, conf->relay_domains.count, sizeof(const char *), domain) ||
           smtp_conf_route(conf, domain);
}

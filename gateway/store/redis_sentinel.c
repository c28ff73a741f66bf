/* store/redis_sentinel.c - the sentinels are asked for the master's address.
 *
 * One that says nothing costs the link's patience; the next search begins at the one that answered last.
 */
#include "gateway/store/redis_sentinel.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/store/redis_trouble.h"

enum { WHY_MAX = 280 };

struct redis_sentinel {
    struct redis_means *means;
    redis_sentinel_fn *fn;
    void *arg;
    unsigned turn, asked; /* the one being asked; how many so far */
    struct redis_link *link;
    char why[WHY_MAX];
};

static void ask_one(struct redis_sentinel *s);

static const struct endpoint *server(const struct redis_sentinel *s)
{
    const struct conf_endpoints *servers = &s->means->conf->servers;

    return &servers->items[s->turn % servers->count];
}

static void ask_next(struct redis_sentinel *s, const char *why)
{
    char text[ENDPOINT_TEXT_MAX];

    snprintf(s->why, sizeof s->why, "sentinel %.80s: %.180s", endpoint_text(server(s), text), why);
    redis_link_free(s->link);
    s->link = NULL;
    if (++s->asked < s->means->conf->servers.count) {
        s->turn++;
        ask_one(s);
    } else {
        s->fn(s->arg, NULL, s->why);
    }
}

enum fault redis_sentinel_read(const struct redis_reply *reply, const struct endpoint *asked, struct endpoint *out)
{
    uint64_t port = 0;

    if (reply->type == REDIS_NIL)
        return FAULT_UNKNOWN;
    if (reply->type != REDIS_ARRAY || reply->count != 2 || reply->items[0].type != REDIS_STRING ||
        reply->items[1].type != REDIS_STRING || !reply->items[0].text.len ||
        span_u64(reply->items[1].text, 65535, &port))
        return FAULT_SYNTAX;
    return redis_endpoint(reply->items[0].text, port, asked, out);
}

static void on_address(void *arg, const struct redis_reply *reply)
{
    struct redis_sentinel *s = arg;
    struct redis_trouble trouble;
    struct endpoint master;
    char why[WHY_MAX];

    if (!reply)
        return; /* on_down() comes */
    if (reply->type == REDIS_ERROR) {
        redis_trouble_of(reply->text, server(s), &trouble);
        ask_next(s, redis_trouble_text(reply->text, &trouble, why, sizeof why));
        return;
    }
    switch (redis_sentinel_read(reply, server(s), &master)) {
    case FAULT_NONE: s->fn(s->arg, &master, NULL); break;
    case FAULT_UNKNOWN:
        snprintf(why, sizeof why, "knows no master of the name %.100s", s->means->conf->sentinel);
        ask_next(s, why);
        break;
    default: ask_next(s, "its answer is no address"); break;
    }
}

static void on_up(void *arg)
{
    struct redis_sentinel *s = arg;
    struct redis_command c;

    redis_command_init(&c);
    redis_command_add(&c, SPAN("SENTINEL"));
    redis_command_add(&c, SPAN("get-master-addr-by-name"));
    redis_command_add(&c, span_of(s->means->conf->sentinel));
    redis_link_send(s->link, &c, on_address, s);
}

static void on_down(void *arg, const char *why)
{
    ask_next(arg, why);
}

static const struct redis_link_events link_events = { .on_up = on_up, .on_down = on_down };

static void ask_one(struct redis_sentinel *s)
{
    s->link = redis_link_new(s->means, ROLE_SENTINEL, server(s), &link_events, s);
}

struct redis_sentinel *redis_sentinel_new(struct redis_means *means, unsigned turn, redis_sentinel_fn *fn, void *arg)
{
    struct redis_sentinel *s = mem_alloc(sizeof *s);

    *s = (struct redis_sentinel){ .means = means, .fn = fn, .arg = arg, .turn = turn };
    ask_one(s);
    return s;
}

void redis_sentinel_free(struct redis_sentinel *s)
{
    if (!s)
        return;
    redis_link_free(s->link);
    free(s);
}

unsigned redis_sentinel_turn(const struct redis_sentinel *s)
{
    return s->turn;
}

/* store/redis_link.c - one connection to a Redis server.
 *
 * Whatever ends it (the socket, a reply that is none, silence, a refused greeting, its owner) goes through
 * redis_link_break(): a task at the end of the turn tells the calls that wait and then the owner, so that nobody's
 * function is called from inside of his own.
 */
#include "gateway/store/redis_link.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/resolve.h"
#include "gateway/net/stream.h"
#include "gateway/store/redis_trouble.h"

enum { WHY_MAX = 240, CALLS_LEAST = 64, RESOLVER_QUEUE = 64, READ_MOST = 1 << 18, LINGER_MS = 200 };
enum { CLOCKS_APART_S = 10, CLOCK_TOLD_MS = 3600000 };

struct call {
    redis_reply_fn *fn; /* NULL: forgotten */
    void *arg;
};

struct redis_link {
    struct redis_means *means;
    enum redis_role role;
    struct endpoint to;
    const struct redis_link_events *events;
    void *arg;
    struct resolve *resolve;
    struct stream *stream;
    struct redis_reader *reader;
    struct timer *patience;
    int patience_ms;
    struct task end;
    struct call *calls; /* a ring of `room`, a power of two */
    size_t room;
    uint64_t first, next; /* numbers of the oldest call, and of the one to come */
    uint64_t loaded;      /* number of the first command after the last loading of scripts */
    unsigned greetings;   /* replies to wait for until it is up */
    bool is_up, is_broken, is_freed;
    unsigned depth;
    char why[WHY_MAX];
};

/* ---- the ring of calls ---- */

static void push(struct redis_link *link, redis_reply_fn *fn, void *arg)
{
    size_t count = (size_t)(link->next - link->first);

    if (count == link->room) {
        size_t room = count ? 2 * count : CALLS_LEAST;
        struct call *calls = mem_alloc(room * sizeof *calls);

        for (uint64_t n = link->first; n < link->next; n++)
            calls[n & (room - 1)] = link->calls[n & (link->room - 1)];
        free(link->calls);
        link->calls = calls;
        link->room = room;
    }
    link->calls[link->next++ & (link->room - 1)] = (struct call){ fn, arg };
}

static struct call pop(struct redis_link *link)
{
    return link->calls[link->first++ & (link->room - 1)];
}

size_t redis_link_waiting(const struct redis_link *link)
{
    return (size_t)(link->next - link->first);
}

void redis_link_forget(struct redis_link *link, uint64_t number)
{
    if (number >= link->first && number < link->next)
        link->calls[number & (link->room - 1)].fn = NULL;
}

/* ---- its end ---- */

static void free_memory(struct redis_link *link)
{
    free(link->calls);
    free(link);
}

static void lose_calls(struct redis_link *link)
{
    while (link->first < link->next) {
        struct call call = pop(link);

        if (call.fn)
            call.fn(call.arg, NULL);
    }
}

void redis_link_free(struct redis_link *link)
{
    if (!link || link->is_freed)
        return;
    if (link->is_up)
        stream_finish(link->stream, LINGER_MS); /* what was told in this turn has not gone out yet */
    else
        stream_free(link->stream);
    link->is_freed = link->is_broken = true;
    link->is_up = false;
    link->depth++;
    resolve_free(link->resolve);
    timer_free(link->patience);
    loop_drop_task(link->means->loop, &link->end);
    lose_calls(link);
    redis_reader_free(link->reader);
    if (!--link->depth)
        free_memory(link);
}

void redis_link_break(struct redis_link *link, const char *why)
{
    if (link->is_broken)
        return;
    link->is_broken = true;
    link->is_up = false;
    snprintf(link->why, sizeof link->why, "%s", why);
    loop_run_task(link->means->loop, &link->end);
}

static void end(void *arg)
{
    struct redis_link *link = arg;

    link->depth++;
    stream_free(link->stream);
    link->stream = NULL;
    timer_stop(link->patience);
    lose_calls(link);
    if (!link->is_freed)
        link->events->on_down(link->arg, link->why);
    if (!--link->depth && link->is_freed)
        free_memory(link);
}

static void out_of_patience(void *arg)
{
    struct redis_link *link = arg;
    char why[WHY_MAX];

    snprintf(why, sizeof why, "%s within %d ms", link->is_up ? "the server did not answer" : "no working connection",
             link->patience_ms);
    redis_link_break(link, why);
}

/* ---- commands and replies ---- */

static void write_command(struct redis_link *link, const struct redis_command *c)
{
    char *text = NULL;
    /* hiredis only reads the words, whatever its prototype says */
    int len = redisFormatCommandArgv(&text, c->argc, (const char **)(uintptr_t)c->argv, c->len);

    if (len < 0)
        fatal_memory(0);
    stream_write(link->stream, span_make(text, (size_t)len));
    redisFreeCommand(text);
}

uint64_t redis_link_send(struct redis_link *link, const struct redis_command *c, redis_reply_fn *fn, void *arg)
{
    if (link->first == link->next && link->is_up)
        timer_start(link->patience, link->patience_ms);
    push(link, fn, arg);
    if (!link->is_broken)
        write_command(link, c);
    return link->next - 1;
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->is_up;
}

bool redis_link_is_full(const struct redis_link *link)
{
    return redis_link_waiting(link) >= REDIS_CALLS_MOST ||
           (link->stream && stream_unsent_bytes(link->stream) > REDIS_UNSENT_MOST);
}

static void take_reply(struct redis_link *link, const struct redis_reply *reply)
{
    if (link->first == link->next) {
        redis_link_break(link, "the server says what nobody asked for");
        return;
    }
    struct call call = pop(link);

    if (link->is_up && link->first == link->next)
        timer_stop(link->patience);
    else if (link->is_up)
        timer_start(link->patience, link->patience_ms);
    if (call.fn)
        call.fn(call.arg, reply);
}

static void take_slice(struct redis_link *link, struct span slice)
{
    const struct redis_reply *reply = NULL;
    enum redis_read read = REDIS_READ_REPLY;
    char why[WHY_MAX];

    redis_reader_feed(link->reader, slice);
    while (!link->is_broken && read == REDIS_READ_REPLY) {
        read = redis_reader_next(link->reader, &reply);
        if (read == REDIS_READ_REPLY)
            take_reply(link, reply);
    }
    if (read == REDIS_READ_BROKEN) {
        snprintf(why, sizeof why, "what the server says is no Redis protocol: %s", redis_reader_error(link->reader));
        redis_link_break(link, why);
    }
}

static void on_data(void *arg)
{
    struct redis_link *link = arg;
    struct span input = stream_input(link->stream);
    size_t bytes = input.len;

    link->depth++;
    while (input.len && !link->is_broken) {
        struct span slice = span_first(input, REDIS_SLICE_BYTES);

        take_slice(link, slice);
        input = span_skip(input, slice.len);
    }
    if (!link->is_freed)
        stream_consume(link->stream, bytes);
    if (!--link->depth && link->is_freed)
        free_memory(link);
}

/* ---- the greeting ---- */

static void greet(struct redis_link *link, redis_reply_fn *fn, size_t count, const struct span *words)
{
    struct redis_command c;

    redis_command_init(&c);
    for (size_t i = 0; i < count; i++)
        redis_command_add(&c, words[i]);
    redis_link_send(link, &c, fn, link);
    link->greetings++;
}

#define GREET(link, fn, ...)                                                                                           \
    greet(link, fn, sizeof((struct span[]){ __VA_ARGS__ }) / sizeof(struct span), (struct span[]){ __VA_ARGS__ })

static void greeted(struct redis_link *link)
{
    if (link->is_broken || --link->greetings)
        return;
    link->is_up = true;
    timer_stop(link->patience);
    link->events->on_up(link->arg);
}

static void fail(struct redis_link *link, struct span said)
{
    struct redis_trouble trouble;
    char why[WHY_MAX];

    redis_trouble_of(said, &link->to, &trouble);
    redis_link_break(link, redis_trouble_text(said, &trouble, why, sizeof why));
}

static void on_needed(void *arg, const struct redis_reply *reply)
{
    struct redis_link *link = arg;

    if (!reply)
        return;
    if (reply->type == REDIS_ERROR)
        fail(link, reply->text);
    else
        greeted(link);
}

/* What an ACL may refuse without harm. */
static void on_nice(void *arg, const struct redis_reply *reply)
{
    if (reply)
        greeted(arg);
}

static void on_role(void *arg, const struct redis_reply *reply)
{
    struct redis_link *link = arg;

    if (reply && reply->type == REDIS_ARRAY && reply->count && !span_is(reply->items[0].text, "master"))
        redis_link_break(link, "the server is a replica, which takes no writes");
    else if (reply)
        greeted(link);
}

/* Records expire by the server's clock, at times of ours: with clocks too far apart they would go at once. */
static void on_time(void *arg, const struct redis_reply *reply)
{
    struct redis_link *link = arg;
    int64_t now_ms = clock_wall_ms();
    char text[ENDPOINT_TEXT_MAX];
    uint64_t seconds;

    if (!reply)
        return;
    if (reply->type == REDIS_ARRAY && reply->count == 2 && !span_u64(reply->items[0].text, UINT32_MAX, &seconds)) {
        int64_t apart_s = (int64_t)seconds - now_ms / 1000;

        if (llabs(apart_s) > CLOCKS_APART_S && now_ms - link->means->clock_told_ms >= CLOCK_TOLD_MS) {
            log_warn("store", "%s: its clock is %lld seconds %s ours, and what is remembered expires by it: set both",
                     endpoint_text(&link->to, text), llabs(apart_s), apart_s > 0 ? "ahead of" : "behind");
            link->means->clock_told_ms = now_ms;
        }
    }
    greeted(link);
}

static void on_loaded_again(void *arg, const struct redis_reply *reply)
{
    struct redis_link *link = arg;

    if (reply && reply->type == REDIS_ERROR)
        fail(link, reply->text);
}

static void send_scripts(struct redis_link *link, bool is_greeting)
{
    struct redis_command c;

    for (unsigned script = 0; script < REDIS_SCRIPTS; script++) {
        redis_command_init(&c);
        redis_command_add(&c, SPAN("SCRIPT"));
        redis_command_add(&c, SPAN("LOAD"));
        redis_command_add(&c, redis_script_text(script));
        redis_link_send(link, &c, is_greeting ? on_needed : on_loaded_again, link);
        link->greetings += is_greeting;
    }
    link->loaded = link->next;
}

void redis_link_load_scripts(struct redis_link *link, uint64_t number)
{
    if (number >= link->loaded)
        send_scripts(link, false);
}

static void greet_server(struct redis_link *link)
{
    const struct store_conf *conf = link->means->conf;
    struct span user = span_of(conf->user);
    struct span password = span_of(link->role == ROLE_SENTINEL ? conf->sentinel_password : conf->password);
    char database[24];

    snprintf(database, sizeof database, "%" PRId64, conf->database);
    if (password.len && (link->role == ROLE_SENTINEL || !user.len))
        GREET(link, on_needed, SPAN("AUTH"), password);
    else if (password.len || (user.len && link->role != ROLE_SENTINEL))
        GREET(link, on_needed, SPAN("AUTH"), user, password);
    if (link->role == ROLE_MASTER && conf->database)
        GREET(link, on_needed, SPAN("SELECT"), span_of(database));
    GREET(link, on_nice, SPAN("CLIENT"), SPAN("SETNAME"), SPAN("postern"));
    if (link->role == ROLE_MASTER)
        GREET(link, on_role, SPAN("ROLE"));
    if (link->role == ROLE_MASTER || link->role == ROLE_NODE) {
        GREET(link, on_time, SPAN("TIME"));
        send_scripts(link, true);
    }
}

/* ---- the connection ---- */

static void on_open(void *arg)
{
    struct redis_link *link = arg;
    const struct store_conf *conf = link->means->conf;
    char text[ADDR_TEXT_MAX];

    if (!link->means->tls) {
        greet_server(link);
        return;
    }
    const char *name = conf->tls_name[0]  ? conf->tls_name
                       : link->to.host[0] ? link->to.host
                                          : addr_text(&link->to.addr, text);

    stream_start_tls(link->stream, link->means->tls, &(struct tls_peer){ .name = name });
}

static void on_tls(void *arg)
{
    greet_server(arg);
}

static void on_end(void *arg, enum stream_end why)
{
    struct redis_link *link = arg;

    redis_link_break(link, why == STREAM_EOF ? "the server closed the connection" : stream_error_text(link->stream));
}

static const struct stream_events stream_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_tls = on_tls,
    .on_end = on_end,
};

static void connect_to(struct redis_link *link, const struct endpoint *to)
{
    link->stream = stream_connect(link->means->loop, to, link->patience_ms, &stream_events, link);
    stream_set_read_most(link->stream, READ_MOST);
}

static void on_resolved(void *arg)
{
    struct redis_link *link = arg;
    size_t count = resolve_count(link->resolve);

    if (link->is_broken)
        return;
    if (!count) {
        redis_link_break(link, resolve_error(link->resolve));
        return;
    }
    struct endpoint to = { .addr = *resolve_addr(link->resolve, link->means->turn++ % count), .port = link->to.port };

    connect_to(link, &to);
}

static void resolve_name(struct redis_link *link)
{
    struct redis_means *means = link->means;

    if (!means->crew)
        means->crew = crew_new(means->loop, 1, RESOLVER_QUEUE, RESOLVER_QUEUE);
    link->resolve = resolve_new(means->crew, link->to.host, on_resolved, link);
    if (!resolve_start(link->resolve))
        redis_link_break(link, "too many names are being looked up");
}

struct redis_link *redis_link_new(struct redis_means *means, enum redis_role role, const struct endpoint *to,
                                  const struct redis_link_events *events, void *arg)
{
    struct redis_link *link = mem_alloc(sizeof *link);

    *link = (struct redis_link){ .means = means, .role = role, .to = *to, .events = events, .arg = arg };
    link->patience_ms = role == ROLE_SENTINEL ? means->patience_ms / 4 : means->patience_ms; /* there are others */
    link->reader = redis_reader_new();
    link->end = (struct task){ .fn = end, .arg = link };
    link->patience = timer_new(means->loop, out_of_patience, link);
    timer_start(link->patience, link->patience_ms);
    if (link->to.host[0])
        resolve_name(link);
    else
        connect_to(link, &link->to);
    return link;
}

/* smtp/hop.c - one next hop: tasks that wait, connections that serve them, and what is known of it. */
#include "gateway/smtp/hop.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/net/resolve.h"
#include "gateway/smtp/hop_link.h"

enum {
    TICK_MS = 1000,
    REST_MS = 1000,            /* no new connection after one that failed */
    PROBE_MS = 1000,           /* between probes while it is down */
    PLAIN_MS = 10 * 60 * 1000, /* without TLS, after a handshake failed where TLS may be left out */
    RESOLVED_MS = 60 * 1000,
    QUEUE_MOST = 5000,
    USES_MOST = 1000, /* of one connection */
};

struct hop {
    struct hop_settings settings;
    struct resolve *resolve; /* NULL: the target is an address */
    struct timer *tick;
    struct hop_task *first, **last; /* waiting */
    size_t waiting;
    struct hop_link *links; /* idle ones first */
    size_t link_count, connecting;
    size_t turn;     /* which of several addresses */
    size_t failures; /* connections in a row */
    bool is_known, is_down;
    unsigned extensions;
    uint64_t size_most;
    int64_t rest_until_ms, plain_until_ms, probed_ms;
    char why[400]; /* it is down */
    struct hop_metrics uncounted;
};

static void pump(struct hop *hop);

static int64_t now(const struct hop *hop)
{
    return loop_now_ms(hop->settings.loop);
}

static size_t working_links(const struct hop *hop)
{
    return hop->link_count - hop->connecting;
}

/* ---- the list of connections ---- */

static void unlink_link(struct hop *hop, struct hop_link *link)
{
    if (link->previous)
        link->previous->next = link->next;
    else
        hop->links = link->next;
    if (link->next)
        link->next->previous = link->previous;
    link->next = link->previous = NULL;
}

static void push_front(struct hop *hop, struct hop_link *link)
{
    link->next = hop->links;
    if (link->next)
        link->next->previous = link;
    hop->links = link;
}

/* Behind the idle ones. */
static void put_behind(struct hop *hop, struct hop_link *link)
{
    struct hop_link *after = NULL;

    for (struct hop_link *l = hop->links; l && l->state == LINK_IDLE; l = l->next)
        after = l;
    if (!after) {
        push_front(hop, link);
        return;
    }
    link->previous = after;
    link->next = after->next;
    after->next = link;
    if (link->next)
        link->next->previous = link;
}

static bool is_setting_up(const struct hop_link *link)
{
    return link->state < LINK_RESETTING;
}

/* ---- tasks that wait ---- */

static void enqueue(struct hop *hop, struct hop_task *task)
{
    task->next = NULL;
    task->is_queued = true;
    task->queued_ms = now(hop);
    *hop->last = task;
    hop->last = &task->next;
    hop->waiting++;
}

static void dequeue(struct hop *hop, struct hop_task *task)
{
    struct hop_task **at = &hop->first;

    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    if (hop->last == &task->next)
        hop->last = at;
    hop->waiting--;
    task->is_queued = false;
}

static void lose_first(struct hop *hop, const char *why)
{
    struct hop_task *task = hop->first;

    dequeue(hop, task);
    task->on_lost(task, why);
}

static void lose_all(struct hop *hop)
{
    char why[400];

    memcpy(why, hop->why, sizeof why);
    for (size_t n = hop->waiting; n && hop->first; n--)
        lose_first(hop, why);
}

/* ---- up and down ---- */

static void log_state(const struct hop *hop, enum log_level level, const char *state, const char *why)
{
    struct log_line line;

    log_start(&line, level, "next_hop");
    log_cstr(&line, "hop", hop->settings.target->text);
    log_cstr(&line, "state", state);
    if (why)
        log_cstr(&line, "why", why);
    log_send(&line);
}

static void go_down(struct hop *hop, const char *why)
{
    snprintf(hop->why, sizeof hop->why, "%s", why);
    hop->rest_until_ms = now(hop) + REST_MS;
    hop->failures = 0;
    if (working_links(hop)) {
        log_state(hop, LOG_WARN, "no more connections", why);
        return;
    }
    if (!hop->is_down)
        log_state(hop, LOG_WARN, "down", why);
    hop->is_down = true;
    lose_all(hop);
}

static void go_up(struct hop *hop, const struct hop_link *link)
{
    if (hop->is_down || !hop->is_known)
        log_state(hop, LOG_INFO, "up", NULL);
    hop->is_down = false;
    hop->is_known = true;
    hop->failures = 0;
    hop->rest_until_ms = 0;
    hop->extensions = link->extensions;
    hop->size_most = link->size_most;
}

/* ---- connecting ---- */

static void open_link(struct hop *hop)
{
    struct endpoint at = hop->settings.target->at;

    if (hop->resolve) {
        if (resolve_age_ms(hop->resolve) > RESOLVED_MS && !resolve_start(hop->resolve) && !hop->connecting)
            hop->rest_until_ms = now(hop) + REST_MS;
        if (!resolve_count(hop->resolve))
            return;
        at.addr = *resolve_addr(hop->resolve, hop->turn % resolve_count(hop->resolve));
        at.host[0] = '\0';
    }
    hop->link_count++;
    hop->connecting++;
    put_behind(hop, link_new(hop, &at));
}

static void on_resolved(void *arg)
{
    struct hop *hop = arg;

    if (!resolve_count(hop->resolve))
        go_down(hop, resolve_error(hop->resolve));
    else
        pump(hop);
}

static void pump(struct hop *hop)
{
    while (hop->first && hop->links && hop->links->state == LINK_IDLE) {
        struct hop_task *task = hop->first;
        struct hop_link *link = hop->links;

        dequeue(hop, task);
        unlink_link(hop, link);
        link->state = LINK_BUSY;
        put_behind(hop, link);
        link_start(link, task);
    }
    size_t before = hop->link_count + 1;

    while (hop->waiting > hop->connecting && hop->link_count < (size_t)hop->settings.conf->hop_connections_most &&
           now(hop) >= hop->rest_until_ms && before != hop->link_count) {
        before = hop->link_count;
        open_link(hop);
    }
}

void hop_link_is_ready(struct hop *hop, struct hop_link *link)
{
    unlink_link(hop, link);
    if (!link->uses && !link->idle_since_ms) {
        hop->connecting--;
        hop->settings.metrics->connections_total++;
        go_up(hop, link);
    }
    link->idle_since_ms = now(hop);
    if (link->uses >= USES_MOST || (!hop->first && !hop->settings.conf->hop_idle_ms)) {
        hop->link_count--;
        link_quit(link);
    } else {
        stream_set_timeouts(link->stream, 0, hop->settings.conf->hop_command_ms);
        push_front(hop, link);
    }
    pump(hop);
}

static void note_failure(struct hop *hop, bool is_tls, const char *why)
{
    if (is_tls && hop->settings.tls == HOP_TLS_MAY && hop_wants_tls(hop)) {
        hop->plain_until_ms = now(hop) + PLAIN_MS;
        log_state(hop, LOG_WARN, "without TLS for ten minutes", why);
        return;
    }
    hop->turn++;
    hop->failures++;
    hop->settings.metrics->connections_failed++;
    if (!hop->resolve || hop->failures >= resolve_count(hop->resolve))
        go_down(hop, why);
}

void hop_link_is_lost(struct hop *hop, struct hop_link *link, bool is_tls, const char *why)
{
    struct hop_task *task = link->task;
    bool was_setting_up = is_setting_up(link);
    char text[400];

    snprintf(text, sizeof text, "%s", why);
    unlink_link(hop, link);
    hop->link_count--;
    hop->connecting -= was_setting_up;
    link_free(link);
    if (was_setting_up)
        note_failure(hop, is_tls, text);
    if (task) {
        task->link = NULL;
        task->on_lost(task, text);
    }
    pump(hop);
}

bool hop_wants_tls(const struct hop *hop)
{
    return hop->settings.tls != HOP_TLS_NONE && (hop->settings.tls != HOP_TLS_MAY || now(hop) >= hop->plain_until_ms);
}

/* ---- once a second ---- */

static void close_idle(struct hop *hop)
{
    int64_t before = now(hop) - hop->settings.conf->hop_idle_ms;

    for (struct hop_link *link = hop->links, *next; link && link->state == LINK_IDLE; link = next) {
        next = link->next;
        if (link->idle_since_ms > before)
            continue;
        unlink_link(hop, link);
        hop->link_count--;
        link_quit(link);
    }
}

static void on_tick(void *arg)
{
    struct hop *hop = arg;
    int64_t late = now(hop) - hop->settings.conf->hop_command_ms;

    timer_start(hop->tick, TICK_MS);
    close_idle(hop);
    while (hop->first && hop->first->queued_ms < late)
        lose_first(hop, "every connection to it was busy for too long");
    if ((hop->is_down || !hop->is_known) && !hop->link_count && now(hop) >= hop->probed_ms + PROBE_MS) {
        hop->probed_ms = now(hop);
        open_link(hop);
    }
    pump(hop);
}

/* ---- for owners ---- */

struct hop *hop_new(const struct hop_settings *settings)
{
    struct hop *hop = mem_alloc(sizeof *hop);

    hop->settings = *settings;
    if (!settings->metrics)
        hop->settings.metrics = &hop->uncounted;
    hop->last = &hop->first;
    if (settings->target->kind == HOP_MAILDIR) {
        hop->is_known = true;
        hop->extensions = EXTENSION_PIPELINING | EXTENSION_8BITMIME | EXTENSION_SIZE | EXTENSION_ENHANCED;
        return hop;
    }
    if (settings->target->at.host[0])
        hop->resolve = resolve_new(settings->resolver, hop->settings.target->at.host, on_resolved, hop);
    hop->tick = timer_new(settings->loop, on_tick, hop);
    hop->probed_ms = loop_now_ms(settings->loop);
    timer_start(hop->tick, TICK_MS);
    open_link(hop);
    return hop;
}

void hop_free(struct hop *hop)
{
    if (!hop)
        return;
    if (hop->first)
        BUG("%zu tasks wait for a hop that goes", hop->waiting);
    for (struct hop_link *link = hop->links, *next; link; link = next) {
        next = link->next;
        if (link->state == LINK_IDLE)
            link_quit(link);
        else
            link_free(link);
    }
    resolve_free(hop->resolve);
    timer_free(hop->tick);
    free(hop);
}

bool hop_submit(struct hop *hop, struct hop_task *task)
{
    if (hop_is_down(hop) || hop->waiting >= QUEUE_MOST)
        return false;
    task->hop = hop;
    task->link = NULL;
    enqueue(hop, task);
    pump(hop);
    return true;
}

void hop_withdraw(struct hop_task *task)
{
    if (task->is_queued)
        dequeue(task->hop, task);
    else if (task->link)
        hop_task_drop(task);
}

void hop_task_done(struct hop_task *task, bool reset)
{
    struct hop_link *link = task->link;

    task->link = NULL;
    link_to_idle(link, reset);
}

void hop_task_drop(struct hop_task *task)
{
    struct hop *hop = task->hop;
    struct hop_link *link = task->link;

    task->link = NULL;
    unlink_link(hop, link);
    hop->link_count--;
    link_free(link);
    pump(hop);
}

void hop_send(struct hop_task *task, struct span bytes)
{
    stream_write(task->link->stream, bytes);
}

void hop_sendf(struct hop_task *task, const char *format, ...)
{
    struct strbuf line;
    va_list args;

    strbuf_init(&line, 4096);
    va_start(args, format);
    strbuf_vputf(&line, format, args);
    va_end(args);
    if (line.is_full)
        BUG("a command of more than %zu bytes", line.most_bytes);
    stream_write(task->link->stream, strbuf_span(&line));
    strbuf_release(&line);
}

size_t hop_unsent_bytes(const struct hop_task *task)
{
    return stream_unsent_bytes(task->link->stream);
}

void hop_expect(struct hop_task *task, unsigned replies)
{
    task->link->awaited += replies;
}

void hop_wait_final(struct hop_task *task)
{
    const struct smtp_conf *conf = task->hop->settings.conf;

    stream_set_timeouts(task->link->stream, conf->hop_final_ms, conf->hop_command_ms);
}

void hop_wait_none(struct hop_task *task)
{
    stream_set_timeouts(task->link->stream, 0, task->hop->settings.conf->hop_command_ms);
}

unsigned hop_task_extensions(const struct hop_task *task)
{
    return task->link->extensions;
}

bool hop_is_known(const struct hop *hop)
{
    return hop->is_known;
}

bool hop_is_down(struct hop *hop)
{
    return hop->is_down && now(hop) < hop->rest_until_ms;
}

unsigned hop_extensions(const struct hop *hop)
{
    return hop->extensions;
}

uint64_t hop_size_most(const struct hop *hop)
{
    return hop->size_most;
}

const struct hop_target *hop_target(const struct hop *hop)
{
    return hop->settings.target;
}

const struct hop_settings *hop_settings(const struct hop *hop)
{
    return &hop->settings;
}

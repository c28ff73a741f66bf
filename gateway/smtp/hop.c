/* smtp/hop.c - one target: tasks that wait, connections that serve them, and what is known of it. */
#include "gateway/smtp/hop.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/net/breaker.h"
#include "gateway/smtp/hop_address.h"
#include "gateway/smtp/hop_link.h"

enum {
    TICK_MS = 1000,
    REST_MS = 1000,             /* no new connection after one that failed; doubled each time while it is down */
    WITHIN_MS = 60 * 1000,      /* failures count as being in a row */
    PLAIN_MS = 10 * 60 * 1000,  /* without TLS, after a handshake failed where TLS may be left out */
    SEEN_MS = 24 * 3600 * 1000, /* longer than any client waits to come again */
    QUEUE_MOST = 5000,
    /* Over one connection: Postfix answers a second late from the tenth error on, and closes at the twentieth; and each
     * RSET is one, after a hundred without a message. Who is the cause must not slow down those who come after him. */
    REFUSALS_MOST = 8,
    QUESTIONS_MOST = 80,
};

struct hop {
    struct hop_settings settings;
    struct hop_address *address;
    struct timer *tick;
    struct hop_task *first, **last; /* waiting */
    struct hop_link *links;         /* idle ones first */
    size_t connecting;
    struct hop_figures figures; /* how many wait, how many connections there are */
    size_t turn;                /* which of several addresses */
    size_t failures;            /* of them, in a row */
    struct breaker breaker;     /* open: it is down */
    bool is_known, is_doubtful;
    unsigned extensions;
    uint64_t size_most, recipients_most, domains_most, recipients_seen; /* the last: that it took, and no more */
    char auth[SASL_LIST_MAX];
    bool is_over; /* private, and its connection is lost */
    int64_t rest_until_ms, plain_until_ms, seen_until_ms;
    int64_t heard_ms; /* it was last seen to work */
    struct hop_metrics uncounted;
};

static void pump(struct hop *hop);

static int64_t now(const struct hop *hop)
{
    return loop_now_ms(hop->settings.loop);
}

static size_t working_links(const struct hop *hop)
{
    return hop->figures.connections - hop->connecting;
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

static void keep_ticking(struct hop *hop)
{
    if (!timer_is_running(hop->tick))
        timer_start(hop->tick, TICK_MS);
}

static void enqueue(struct hop *hop, struct hop_task *task)
{
    keep_ticking(hop);
    task->next = NULL;
    task->is_queued = true;
    task->queued_ms = now(hop);
    *hop->last = task;
    hop->last = &task->next;
    hop->figures.waiting++;
}

static void dequeue(struct hop *hop, struct hop_task *task)
{
    struct hop_task **at = &hop->first;

    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    if (hop->last == &task->next)
        hop->last = at;
    hop->figures.waiting--;
    task->is_queued = false;
}

static void lose_first(struct hop *hop, const char *why)
{
    struct hop_task *task = hop->first;

    dequeue(hop, task);
    task->on_lost(task, why);
}

/* Those that wait now: what they are lost for may make them come back. */
static void lose_all(struct hop *hop, const char *why)
{
    for (size_t n = hop->figures.waiting; n && hop->first; n--)
        lose_first(hop, why);
}

/* ---- up and down ---- */

static void log_state(const struct hop *hop, enum log_level level, const char *state, const char *key, const char *text)
{
    struct log_line line;

    if (hop->settings.is_private) /* whose it is tells of it */
        return;
    log_start(&line, level, "next_hop");
    log_cstr(&line, "hop", hop->settings.target->text);
    log_cstr(&line, "state", state);
    if (text)
        log_cstr(&line, key, text);
    log_send(&line);
}

static void close_idle(struct hop *hop, int64_t before_ms)
{
    for (struct hop_link *link = hop->links, *next; link && link->state == LINK_IDLE; link = next) {
        next = link->next;
        if (link->idle_since_ms > before_ms)
            continue;
        unlink_link(hop, link);
        hop->figures.connections--;
        link_quit(link);
    }
}

static void go_down(struct hop *hop, const char *why)
{
    hop->rest_until_ms = now(hop) + REST_MS;
    hop->failures = 0;
    hop->is_over = hop->settings.is_private;
    if (working_links(hop) && !hop->is_doubtful) {
        log_state(hop, LOG_WARN, "no more connections", "why", why);
        return;
    }
    if (breaker_failed(&hop->breaker, now(hop), hop->breaker.has_trial, why))
        log_state(hop, LOG_WARN, "down", "why", why);
    hop->figures.is_up = !hop->breaker.is_open;
    hop->is_doubtful = false;
    close_idle(hop, INT64_MAX);
    lose_all(hop, why);
}

static void go_up(struct hop *hop, const struct hop_link *link)
{
    bool was_open = breaker_worked(&hop->breaker);

    if (was_open || !hop->is_known)
        log_state(hop, LOG_INFO, "up", "tls", link->tls[0] ? link->tls : NULL);
    hop->figures.is_up = true;
    hop->is_doubtful = false;
    hop->heard_ms = now(hop);
}

static void note_new_link(struct hop *hop, const struct hop_link *link)
{
    hop->connecting--;
    hop->settings.metrics->connections_total++;
    hop->failures = 0;
    hop->rest_until_ms = 0;
    if (hop->settings.news && (!hop->is_known || hop->extensions != link->extensions ||
                               hop->size_most != link->size_most || hop->recipients_most != link->recipients_most))
        ++*hop->settings.news;
    hop->extensions = link->extensions;
    hop->size_most = link->size_most;
    hop->recipients_most = link->recipients_most;
    hop->domains_most = link->domains_most;
    snprintf(hop->auth, sizeof hop->auth, "%s", link->is_safe ? link->auth : "");
}

/* ---- connecting ---- */

static void open_link(struct hop *hop)
{
    struct endpoint at;
    bool is_stuck;

    if (hop->is_over)
        return;
    bool is_found = hop_address_get(hop->address, hop->turn, &at, &is_stuck);

    if (is_stuck && !hop->connecting)
        hop->rest_until_ms = now(hop) + REST_MS;
    if (!is_found)
        return;
    hop->figures.connections++;
    hop->connecting++;
    put_behind(hop, link_new(hop, &at));
    keep_ticking(hop);
}

static void on_resolved(void *arg)
{
    struct hop *hop = arg;
    const char *error = hop_address_error(hop->address);

    if (error)
        go_down(hop, error);
    else
        pump(hop);
}

static struct hop_link *idle_link_for(const struct hop *hop, const struct hop_task *task)
{
    for (struct hop_link *link = hop->links; link && link->state == LINK_IDLE; link = link->next)
        if (link_fits(link, task))
            return link;
    return NULL;
}

/* An idle connection that fits nobody who waits makes room for one that does: the one that is idle longest. */
static void make_room(struct hop *hop)
{
    struct hop_link *link = hop->links;

    if (!hop->first || hop->figures.connections < (size_t)hop->settings.conf->hop_connections_most)
        return;
    while (link && link->state == LINK_IDLE && link->next && link->next->state == LINK_IDLE)
        link = link->next;
    if (!link || link->state != LINK_IDLE)
        return;
    unlink_link(hop, link);
    hop->figures.connections--;
    link_quit(link);
}

static void pump(struct hop *hop)
{
    struct hop_link *link;

    while (hop->first && (link = idle_link_for(hop, hop->first))) {
        struct hop_task *task = hop->first;

        dequeue(hop, task);
        unlink_link(hop, link);
        link->state = LINK_BUSY;
        put_behind(hop, link);
        link_start(link, task);
    }
    make_room(hop);
    size_t before = hop->figures.connections + 1;

    while (hop->figures.waiting > hop->connecting &&
           hop->figures.connections < (size_t)hop->settings.conf->hop_connections_most &&
           now(hop) >= hop->rest_until_ms && before != hop->figures.connections) {
        before = hop->figures.connections;
        open_link(hop);
    }
}

static int idle_ms(const struct hop *hop)
{
    return hop->settings.is_private ? INT_MAX : hop->settings.conf->hop_idle_ms;
}

static bool is_worn_out(const struct hop *hop, const struct hop_link *link)
{
    const struct smtp_conf *conf = hop->settings.conf;

    if (hop->settings.is_private)
        return false;
    return link->uses >= (size_t)conf->hop_uses_most || (link->mails_most && link->uses >= link->mails_most) ||
           link->refusals >= REFUSALS_MOST || link->questions >= QUESTIONS_MOST ||
           (link->uses && conf->hop_age_ms && now(hop) >= link->born_ms + conf->hop_age_ms); /* or it serves nobody */
}

void hop_link_is_ready(struct hop *hop, struct hop_link *link)
{
    unlink_link(hop, link);
    if (!link->uses && !link->idle_since_ms)
        note_new_link(hop, link);
    go_up(hop, link);
    hop->is_known = true;
    link->idle_since_ms = now(hop);
    if (is_worn_out(hop, link) || (!hop->first && !idle_ms(hop))) {
        hop->figures.connections--;
        link_quit(link);
    } else {
        stream_set_timeouts(link->stream, 0, hop->settings.conf->hop_command_ms);
        push_front(hop, link);
    }
    pump(hop);
}

static void note_failure(struct hop *hop, bool is_tls, const char *why)
{
    if (is_tls && hop->settings.ways->tls == HOP_TLS_MAY && hop_wants_tls(hop)) {
        hop->plain_until_ms = now(hop) + PLAIN_MS;
        log_state(hop, LOG_WARN, "without TLS for ten minutes", "why", why);
        return;
    }
    hop->turn++;
    hop->failures++;
    hop->settings.metrics->connections_failed++;
    hop->figures.failures++;
    if (hop->failures >= hop_address_count(hop->address))
        go_down(hop, why);
}

/* The other connections to it may be as dead as this one. */
static void doubt(struct hop *hop)
{
    if (hop->breaker.is_open || hop->is_over)
        return;
    hop->is_doubtful = true;
    if (!hop->connecting)
        open_link(hop);
}

void hop_link_is_lost(struct hop *hop, struct hop_link *link, bool is_tls, const char *why)
{
    struct hop_task *task = link->task;
    bool was_setting_up = is_setting_up(link), is_late = link->is_late;
    char text[400];

    snprintf(text, sizeof text, "%s", why);
    unlink_link(hop, link);
    hop->figures.connections--;
    hop->connecting -= was_setting_up;
    link_free(link);
    hop->is_over |= hop->settings.is_private && !was_setting_up;
    if (was_setting_up)
        note_failure(hop, is_tls, text);
    else if (is_late)
        doubt(hop);
    if (task) {
        task->link = NULL;
        task->on_lost(task, text);
    }
    pump(hop);
}

bool hop_wants_tls(const struct hop *hop)
{
    const int tls = hop->settings.ways->tls;

    return tls != HOP_TLS_NONE && (tls != HOP_TLS_MAY || now(hop) >= hop->plain_until_ms);
}

struct tls_peer hop_peer(const struct hop *hop)
{
    return hop_address_peer(hop->address);
}

/* ---- once a second ---- */

/* A connection for its own sake: is the hop there, and what does it offer? */
static bool wants_probe(struct hop *hop)
{
    int probe_ms = hop->settings.conf->hop_probe_ms;

    if (hop->connecting || hop->settings.is_private)
        return false;
    if (hop->breaker.is_open) /* a trial may wait for the addresses of a name */
        return hop->breaker.has_trial || breaker_admits(&hop->breaker, now(hop)) == BREAKER_TRY;
    if (!hop->is_known || hop->is_doubtful)
        return now(hop) >= hop->rest_until_ms;
    return probe_ms && now(hop) >= hop->heard_ms + probe_ms && now(hop) >= hop->rest_until_ms;
}

static bool needs_ticks(const struct hop *hop)
{
    return hop->first || hop->links || hop->breaker.is_open || !hop->is_known || hop->settings.conf->hop_probe_ms;
}

static void on_tick(void *arg)
{
    struct hop *hop = arg;
    const struct smtp_conf *conf = hop->settings.conf;
    int64_t late = now(hop) - conf->hop_command_ms;

    close_idle(hop, now(hop) - idle_ms(hop));
    while (hop->first && hop->first->queued_ms < late)
        lose_first(hop, "every connection to it was busy for too long");
    if (wants_probe(hop))
        open_link(hop);
    pump(hop);
    if (needs_ticks(hop))
        keep_ticking(hop);
}

/* ---- for owners ---- */

struct hop *hop_new(const struct hop_settings *settings)
{
    const struct breaker_limits limits = { .failures = (unsigned)settings->conf->hop_failures,
                                           .within_ms = WITHIN_MS,
                                           .rest_ms = REST_MS,
                                           .rest_most_ms = settings->conf->hop_rest_ms };
    struct hop *hop = mem_alloc(sizeof *hop);
    uint32_t chance = 0;

    hop->settings = *settings;
    if (!settings->metrics)
        hop->settings.metrics = &hop->uncounted;
    hop->last = &hop->first;
    if (settings->target->kind == HOP_MAILDIR) {
        hop->is_known = true;
        hop->extensions = EXTENSION_PIPELINING | EXTENSION_8BITMIME | EXTENSION_SIZE | EXTENSION_ENHANCED |
                          EXTENSION_SMTPUTF8 | EXTENSION_REQUIRETLS;
        return hop;
    }
    hop->address = hop_address_new(&hop->settings, on_resolved, hop);
    hop->tick = timer_new(settings->loop, on_tick, hop);
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != sizeof chance)
        chance = (uint32_t)loop_now_ms(settings->loop);
    breaker_init(&hop->breaker, &limits, chance);
    hop->figures.name = settings->target->text;
    hop->figures.tls = hop_tls_text((enum hop_tls)settings->ways->tls);
    hop->figures.client = hop_client_text((enum hop_client)settings->ways->client);
    hop->figures.is_up = true;
    if (!settings->is_private)
        metrics_add_hop(hop->settings.metrics, &hop->figures);
    open_link(hop);
    keep_ticking(hop); /* a name is only being looked up, and nobody waits for it yet */
    return hop;
}

void hop_free(struct hop *hop)
{
    if (!hop)
        return;
    if (hop->first)
        BUG("%zu tasks wait for a hop that goes", hop->figures.waiting);
    for (struct hop_link *link = hop->links, *next; link; link = next) {
        next = link->next;
        if (link->state == LINK_IDLE)
            link_quit(link);
        else
            link_free(link);
    }
    hop_address_free(hop->address);
    timer_free(hop->tick);
    if (!hop->settings.is_private)
        metrics_remove_hop(hop->settings.metrics, &hop->figures);
    free(hop);
}

void hop_abandon(struct hop *hop)
{
    hop->is_over = true;
    lose_all(hop, "the connection is given up");
    for (struct hop_link *link = hop->links, *next; link; link = next) {
        next = link->next;
        if (link->task)
            hop_link_is_lost(hop, link, false, "the connection is given up");
    }
}

bool hop_submit(struct hop *hop, struct hop_task *task)
{
    if (hop->is_over || hop->figures.waiting >= QUEUE_MOST || breaker_admits(&hop->breaker, now(hop)) == BREAKER_REFUSE)
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
    hop->figures.connections--;
    link_free(link);
    hop->is_over = hop->settings.is_private;
    pump(hop);
}

const char *hop_auth(const struct hop *hop)
{
    return hop->is_known ? hop->auth : "";
}

bool hop_is_known(const struct hop *hop)
{
    return hop->is_known;
}

bool hop_is_down(const struct hop *hop)
{
    return hop->is_over || breaker_would_refuse(&hop->breaker, now(hop));
}

bool hop_is_doubtful(const struct hop *hop)
{
    return hop->is_doubtful || hop->breaker.is_open;
}

bool hop_is_busy(const struct hop *hop)
{
    return hop->first && hop->figures.connections >= (size_t)hop->settings.conf->hop_connections_most;
}

unsigned hop_extensions(const struct hop *hop)
{
    return hop->extensions;
}

uint64_t hop_size_most(const struct hop *hop)
{
    return hop->size_most;
}

uint64_t hop_recipients_most(const struct hop *hop)
{
    return hop_less(hop->recipients_most, now(hop) < hop->seen_until_ms ? hop->recipients_seen : 0);
}

uint64_t hop_domains_most(const struct hop *hop)
{
    return hop->domains_most;
}

void hop_note_recipients_most(struct hop *hop, uint64_t most)
{
    hop->recipients_seen = most;
    hop->seen_until_ms = now(hop) + SEEN_MS;
    if (hop->settings.news)
        ++*hop->settings.news;
}

const struct hop_settings *hop_settings(const struct hop *hop)
{
    return &hop->settings;
}

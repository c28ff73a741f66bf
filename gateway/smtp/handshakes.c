/* smtp/handshakes.c - how many TLS handshakes are under way at once. */
#include "gateway/smtp/handshakes.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum { SHARES = 4, LOOK_MS = 1000, IP6_NETWORK_BITS = 64 };

struct handshake_list {
    struct handshake *first, *last;
    size_t count;
};

struct handshakes {
    struct loop *loop;
    size_t most;
    struct handshake_list waiting, running;
    struct timer *timer; /* runs while somebody waits */
    bool is_starting;
};

static void append(struct handshake_list *list, struct handshake *h)
{
    h->next = NULL;
    h->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = h;
    list->last = h;
    list->count++;
}

static void take_out(struct handshake_list *list, struct handshake *h)
{
    *(h->previous ? &h->previous->next : &list->first) = h->next;
    *(h->next ? &h->next->previous : &list->last) = h->previous;
    h->next = h->previous = NULL;
    list->count--;
}

static struct addr network_of(const struct addr *client)
{
    return client->family == ADDR_IP6 ? addr_mask(client, IP6_NETWORK_BITS) : *client;
}

static bool has_share(const struct handshakes *all, const struct addr *client)
{
    struct addr network = network_of(client);
    size_t share = (all->most + SHARES - 1) / SHARES;

    for (const struct handshake *h = all->running.first; h; h = h->next) {
        struct addr other = network_of(&h->client);

        share -= addr_eq(&network, &other);
        if (!share)
            return false;
    }
    return true;
}

static struct handshake *next_one(const struct handshakes *all)
{
    struct handshake *h = all->waiting.first;

    if (all->running.count >= all->most)
        return NULL;
    while (h && !has_share(all, &h->client))
        h = h->next;
    return h;
}

/* start() may end its handshake, or another: then this goes on here, and not inside of it */
static void start_some(struct handshakes *all)
{
    struct handshake *h;

    if (all->is_starting)
        return;
    all->is_starting = true;
    while ((h = next_one(all))) {
        take_out(&all->waiting, h);
        h->state = HANDSHAKE_RUNS;
        h->begun_ms = loop_now_ms(all->loop);
        append(&all->running, h);
        h->start(h->arg);
    }
    all->is_starting = false;
    if (!all->waiting.count)
        timer_stop(all->timer);
    else if (!timer_is_running(all->timer))
        timer_start(all->timer, LOOK_MS);
}

/* The first is the oldest. */
static void on_timer(void *arg)
{
    struct handshakes *all = arg;
    int64_t least = loop_now_ms(all->loop) - HANDSHAKE_HASTE_MS;

    while (all->waiting.count && all->running.first && all->running.first->begun_ms <= least) {
        struct handshake *h = all->running.first;

        take_out(&all->running, h);
        h->state = HANDSHAKE_NONE;
        h->cut(h->arg);
    }
    start_some(all);
}

struct handshakes *handshakes_new(struct loop *loop, size_t most)
{
    struct handshakes *all = mem_alloc(sizeof *all);

    all->loop = loop;
    all->most = most;
    all->timer = timer_new(loop, on_timer, all);
    return all;
}

void handshakes_free(struct handshakes *all)
{
    if (!all)
        return;
    if (all->waiting.count || all->running.count)
        BUG("%zu handshakes are left", all->waiting.count + all->running.count);
    timer_free(all->timer);
    free(all);
}

void handshakes_ask(struct handshakes *all, struct handshake *h)
{
    if (h->state != HANDSHAKE_NONE)
        BUG("a handshake in state %d", (int)h->state);
    h->state = HANDSHAKE_WAITS;
    append(&all->waiting, h);
    start_some(all);
}

void handshakes_end(struct handshakes *all, struct handshake *h)
{
    if (h->state == HANDSHAKE_NONE)
        return;
    take_out(h->state == HANDSHAKE_WAITS ? &all->waiting : &all->running, h);
    h->state = HANDSHAKE_NONE;
    start_some(all);
}

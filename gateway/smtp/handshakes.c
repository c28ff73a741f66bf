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

/* Of those that wait, the first whose client has not its share yet. */
static struct handshake *first_due(const struct handshakes *all)
{
    struct handshake *h = all->waiting.first;

    while (h && !has_share(all, &h->client))
        h = h->next;
    return h;
}

static struct handshake *next_one(const struct handshakes *all)
{
    return all->running.count < all->most ? first_due(all) : NULL;
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

static bool has_another_waiting(const struct handshakes *all, const struct addr *client)
{
    struct addr network = network_of(client);

    for (const struct handshake *h = all->waiting.first; h; h = h->next) {
        struct addr other = network_of(&h->client);

        if (addr_eq(&network, &other))
            return true;
    }
    return false;
}

/* A slow one that makes room when it goes: for whoever is due, when there are no places, or for another one of its own
 * client. Else nobody would gain by its end. The first is the oldest. */
static struct handshake *one_in_the_way(const struct handshakes *all)
{
    int64_t least = loop_now_ms(all->loop) - HANDSHAKE_HASTE_MS;
    bool is_anyone_due = first_due(all);

    for (struct handshake *h = all->running.first; h && h->begun_ms <= least; h = h->next)
        if (is_anyone_due || has_another_waiting(all, &h->client))
            return h;
    return NULL;
}

/* One for one: as many are cut as there are that wait. */
static void on_timer(void *arg)
{
    struct handshakes *all = arg;
    struct handshake *h;

    while ((h = one_in_the_way(all))) {
        take_out(&all->running, h);
        h->state = HANDSHAKE_NONE;
        h->cut(h->arg);
        start_some(all);
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

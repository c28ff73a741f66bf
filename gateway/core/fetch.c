/* core/fetch.c - whence answers come. */
#include "gateway/core/fetch.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

struct fetching {
    struct fetcher *fetcher;
    struct answer_entry *entry;
    struct dns_query *query; /* both NULL: answered while the fetcher was held */
    struct store_query *operation;
    int64_t started_us;
    struct arena kept; /* of an answer that waits aside */
    const struct dns_answer *answer;
    const struct store_answer *stored;
    struct fetching *next, **self;
};

void fetcher_init(struct fetcher *f, struct dns *dns, struct store *store, struct answers *book,
                  void (*on_news)(void *, uint64_t), void *arg)
{
    *f = (struct fetcher){ .dns = dns, .store = store, .book = book, .on_news = on_news, .arg = arg };
}

static void fetching_free(struct fetching *g)
{
    *g->self = g->next;
    if (g->next)
        g->next->self = g->self;
    arena_release(&g->kept);
    free(g);
}

static void deliver(struct fetching *g, const struct dns_answer *answer, const struct store_answer *stored)
{
    struct fetcher *f = g->fetcher;
    struct answer_entry *e = g->entry;
    uint64_t waiting = e->waiting;

    e->took_us = clock_mono_us() - g->started_us;
    e->waiting = 0;
    if (answer)
        answers_put(f->book, e->name, e->type, answer);
    else
        answers_put_op(f->book, e->op, stored);
    fetching_free(g);
    f->on_news(f->arg, waiting);
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct fetching *g = arg;

    g->query = NULL;
    if (g->fetcher->is_held)
        g->answer = dns_answer_copy(&g->kept, answer);
    else
        deliver(g, answer, NULL);
}

static void on_stored(void *arg, const struct store_answer *answer)
{
    struct fetching *g = arg;

    g->operation = NULL;
    if (g->fetcher->is_held)
        g->stored = store_answer_copy(&g->kept, g->entry->op, answer);
    else
        deliver(g, NULL, answer);
}

static struct fetching *fetching_new(struct fetcher *f, struct answer_entry *e)
{
    struct fetching *g = mem_alloc(sizeof *g);

    *g = (struct fetching){ .fetcher = f, .entry = e, .started_us = clock_mono_us() };
    arena_init(&g->kept, SIZE_MAX);
    g->next = f->under_way;
    g->self = &f->under_way;
    if (g->next)
        g->next->self = &g->next;
    f->under_way = g;
    return g;
}

static void start(struct fetcher *f, struct answer_entry *e)
{
    static const struct store_answer none = { .state = STORE_FAILED, .why = "there is no state store" };
    struct fetching *g = fetching_new(f, e);
    struct store_answer here;

    if (e->op && e->op->is_local && f->store) {
        store_do_local(f->store, e->op, &here);
        deliver(g, NULL, &here);
    } else if (e->name)
        g->query = dns_ask(f->dns, e->name, e->type, e->timeout_ms, on_answer, g);
    else if (f->store)
        g->operation = store_ask(f->store, e->op, e->timeout_ms, on_stored, g);
    else
        deliver(g, NULL, &none);
}

void fetcher_start(struct fetcher *f)
{
    struct answer_entry *e;

    while ((e = *f->book->unfetched)) {
        f->book->unfetched = &e->next;
        if (!answer_is_here(e))
            start(f, e);
    }
}

void fetcher_hold(struct fetcher *f)
{
    f->is_held = true;
}

void fetcher_release(struct fetcher *f)
{
    f->is_held = false;
    for (struct fetching *g = f->under_way, *next; g; g = next) {
        next = g->next;
        if (g->answer || g->stored)
            deliver(g, g->answer, g->stored);
    }
}

void fetcher_stop(struct fetcher *f)
{
    while (f->under_way) {
        if (f->under_way->query)
            dns_cancel(f->dns, f->under_way->query);
        if (f->under_way->operation)
            store_cancel(f->store, f->under_way->operation);
        fetching_free(f->under_way);
    }
}

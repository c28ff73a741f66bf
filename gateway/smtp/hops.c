/* smtp/hops.c - pools by target, next hops by their lists of targets. */
#include "gateway/smtp/hops.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/table.h"
#include "gateway/smtp/maildir.h"

enum {
    RESOLVER_QUEUE = 64,
    SWEEP_MS = 5000,
    KEPT_MS = 30000, /* a pool that nobody names */
    KEY_MOST = 16384,
};

struct pool {
    struct keyed keyed; /* the first member: its target's text in normal form */
    struct hops *hops;
    struct hop *hop;
    struct hop_target target;
    struct hop_ways ways;
    struct arena arena;
    unsigned users;
    int64_t left_ms; /* when its last user went */
    struct pool *next, *previous;
};

struct hops {
    struct engine *engine;
    const struct smtp_conf *conf;
    struct tls_context *tls[TLS_VERIFY_DANE + 1]; /* by enum tls_verify; NULL: nobody needs it */
    struct crew *resolver; /* of its own: a name server that hangs must not hold up mail; NULL when no hop has a name */
    struct table pools, next_hops;
    struct pool *first;
    struct timer *sweep;
    unsigned news, read_news; /* counted up by pools; as of what is computed */
    unsigned extensions;
    uint64_t size_most, recipients_most;
};

/* ---- pools ---- */

/* Of the target itself: how it is spoken to, what its priority is and how it was written make no difference. */
static void put_key(struct strbuf *out, const struct hop_target *target)
{
    char text[ENDPOINT_TEXT_MAX];

    if (target->kind == HOP_MAILDIR)
        strbuf_putf(out, "maildir:%s", target->maildir);
    else
        strbuf_putf(out, "%d %d %s", (int)target->kind, target->is_implicit, endpoint_text(&target->at, text));
}

static struct pool *find_pool(const struct hops *h, const char *key, const struct hop_ways *ways)
{
    struct keyed *k = table_find(&h->pools, key);

    while (k && !hop_ways_eq(&((struct pool *)k)->ways, ways))
        k = table_next(k);
    return (struct pool *)k;
}

static bool make_tls(struct hops *h, enum hop_tls tls, struct tls_context **out, char *error, size_t size)
{
    static const enum tls_verify verify[] = { [HOP_TLS_VERIFY] = TLS_VERIFY_NAME, [HOP_TLS_DANE] = TLS_VERIFY_DANE };
    struct tls_context **context = &h->tls[verify[tls]];

    *out = NULL;
    if (tls == HOP_TLS_NONE)
        return true;
    if (!*context)
        *context = smtp_conf_hop_tls(h->conf, verify[tls], error, size);
    *out = *context;
    return *out != NULL;
}

/* smtps has no clear text to fall back to. */
static struct hop_ways ways_to(const struct hop_target *target, const struct hop_ways *ways)
{
    struct hop_ways its = *ways;

    if (target->is_implicit && its.tls < HOP_TLS_ENCRYPT)
        its.tls = HOP_TLS_ENCRYPT;
    return its;
}

bool hops_prepare(struct hops *h, const struct hop_ways *ways, char *error, size_t size)
{
    struct tls_context *made;

    return make_tls(h, (enum hop_tls)ways->tls, &made, error, size);
}

/* A Maildir is made once, and not again when it is gone: a disk that is no longer mounted must not have its mail put
 * where nobody looks. One that a file of routes names (no `error`) and that cannot be made refuses its mail by 451. */
static bool prepare_target(struct hops *h, const struct hop_target *target, char *error, size_t size)
{
    char wrong[MAILDIR_ERROR_MAX];

    if (target->at.host[0] && !h->resolver)
        h->resolver = crew_new(h->engine->loop, 1, RESOLVER_QUEUE, RESOLVER_QUEUE);
    if (target->kind != HOP_MAILDIR || !maildir_prepare(target->maildir, wrong) || !error)
        return true;
    snprintf(error, size, "smtp.next_hop: %s; make it, or let it be writable for the gateway's user", wrong);
    return false;
}

static void pool_is_left(struct pool *p)
{
    p->left_ms = loop_now_ms(p->hops->engine->loop);
    if (!timer_is_running(p->hops->sweep))
        timer_start(p->hops->sweep, SWEEP_MS);
}

static struct pool *pool_new(struct hops *h, const char *key, const struct hop_target *target,
                             const struct hop_ways *ways, struct tls_context *tls)
{
    struct pool *p = mem_alloc(sizeof *p);
    struct hop_settings settings = { .loop = h->engine->loop,
                                     .crew = h->engine->crew,
                                     .resolver = h->resolver,
                                     .dns = h->engine->dns,
                                     .conf = h->conf,
                                     .target = &p->target,
                                     .ways = &p->ways,
                                     .tls_context = tls,
                                     .hostname = h->engine->hostname,
                                     .metrics = &h->engine->metrics.hop,
                                     .news = &h->news };

    arena_init(&p->arena, SIZE_MAX);
    p->hops = h;
    p->ways = *ways;
    p->target = *target;
    p->target.text = arena_dup(&p->arena, span_of(target->text));
    if (target->maildir)
        p->target.maildir = arena_dup(&p->arena, span_of(target->maildir));
    p->keyed.key = arena_dup(&p->arena, span_of(key));
    table_add(&h->pools, &p->keyed);
    p->next = h->first;
    if (p->next)
        p->next->previous = p;
    h->first = p;
    p->hop = hop_new(&settings);
    h->news++;
    pool_is_left(p); /* until somebody uses it */
    return p;
}

static void pool_free(struct pool *p)
{
    struct hops *h = p->hops;

    *(p->previous ? &p->previous->next : &h->first) = p->next;
    if (p->next)
        p->next->previous = p->previous;
    table_remove(&h->pools, &p->keyed);
    h->news++;
    hop_free(p->hop);
    arena_release(&p->arena);
    free(p);
}

/* Without a user yet; NULL with a sentence in `error`. */
static struct pool *pool_of(struct hops *h, const struct hop_target *target, const struct hop_ways *ways, char *error,
                            size_t size)
{
    const struct hop_ways its = ways_to(target, ways);
    struct tls_context *tls;
    struct strbuf key;

    strbuf_init(&key, KEY_MOST);
    put_key(&key, target);
    struct pool *p = find_pool(h, key.data, &its);

    if (!p && make_tls(h, (enum hop_tls)its.tls, &tls, error, size) && prepare_target(h, target, error, size))
        p = pool_new(h, key.data, target, &its, tls);
    strbuf_release(&key);
    return p;
}

static void leave_pool(struct pool *p)
{
    if (!--p->users)
        pool_is_left(p);
}

/* A pool goes some time after its last user, and never from inside one of its own calls. */
static void on_sweep(void *arg)
{
    struct hops *h = arg;
    int64_t before = loop_now_ms(h->engine->loop) - KEPT_MS;
    bool is_any_left = false;

    for (struct pool *p = h->first, *next; p; p = next) {
        next = p->next;
        if (!p->users && p->left_ms <= before)
            pool_free(p);
        else
            is_any_left |= !p->users;
    }
    if (is_any_left)
        timer_start(h->sweep, SWEEP_MS);
}

/* ---- next hops ---- */

struct list {
    struct keyed keyed; /* the first member: its targets, with their ranks */
    struct hops *hops;
    struct hop_ways ways;
    struct next_hop *next_hop;
    size_t count;
    struct pool *pools[HOP_TARGETS_MOST];
    char key[];
};

/* The last one who held it is gone. */
static void on_unused(void *arg)
{
    struct list *list = arg;

    table_remove(&list->hops->next_hops, &list->keyed);
    for (size_t i = 0; i < list->count; i++)
        leave_pool(list->pools[i]);
    free(list);
}

static struct list *list_find(const struct hops *h, const char *key, const struct hop_ways *ways)
{
    struct keyed *k = table_find(&h->next_hops, key);

    while (k && !hop_ways_eq(&((struct list *)k)->ways, ways))
        k = table_next(k);
    return (struct list *)k;
}

static struct next_hop *list_new(struct hops *h, struct span key, const struct hop_targets *targets,
                                 const struct hop_ways *ways, struct pool *const *pools)
{
    struct list *list = mem_alloc(sizeof *list + key.len + 1);
    struct hop *hops[HOP_TARGETS_MOST];

    memcpy(list->key, key.ptr, key.len);
    list->keyed.key = list->key;
    list->hops = h;
    list->ways = *ways;
    list->count = targets->count;
    for (size_t i = 0; i < targets->count; i++) {
        list->pools[i] = pools[i];
        pools[i]->users++;
        hops[i] = pools[i]->hop;
    }
    table_add(&h->next_hops, &list->keyed);
    list->next_hop = next_hop_new(targets, hops, on_unused, list);
    return list->next_hop;
}

struct next_hop *hops_take(struct hops *h, const struct hop_targets *targets, const struct hop_ways *ways, char *error,
                           size_t size)
{
    struct pool *pools[HOP_TARGETS_MOST];
    struct next_hop *made = NULL;
    struct strbuf key;
    size_t i = 0;

    strbuf_init(&key, KEY_MOST);
    for (i = 0; i < targets->count; i++) {
        put_key(&key, &targets->items[i]);
        strbuf_putf(&key, " %u %u\n", targets->items[i].priority, targets->items[i].weight);
    }
    struct list *list = list_find(h, key.data, ways);

    if (list) {
        made = next_hop_hold(list->next_hop);
    } else {
        for (i = 0; i < targets->count; i++)
            if (!(pools[i] = pool_of(h, &targets->items[i], ways, error, size)))
                break;
        if (i == targets->count)
            made = list_new(h, strbuf_span(&key), targets, ways, pools);
    }
    strbuf_release(&key);
    return made;
}

/* ---- what holds for all ---- */

/* A target that was never reached binds nobody: else one dead server would take 8BITMIME from all mail, for good. What
 * was offered in its place and turns out to lack is a 451 once, and offered no more from then on. */
static void read_news(struct hops *h)
{
    struct hop_most size = { 0 }, recipients = { 0 };
    bool is_any_known = false;

    if (h->read_news == h->news)
        return;
    h->read_news = h->news;
    h->extensions = EXTENSIONS_ALL;
    for (const struct pool *p = h->first; p; p = p->next) {
        if (!hop_is_known(p->hop))
            continue;
        is_any_known = true;
        h->extensions &= hop_extensions(p->hop);
        hop_most_add(&size, hop_size_most(p->hop));
        hop_most_add(&recipients, hop_recipients_most(p->hop));
    }
    if (!is_any_known)
        h->extensions = 0;
    h->size_most = hop_most(&size);
    h->recipients_most = hop_most(&recipients);
}

unsigned hops_extensions(struct hops *h)
{
    read_news(h);
    return h->extensions;
}

uint64_t hops_size_most(struct hops *h)
{
    read_news(h);
    return h->size_most;
}

uint64_t hops_recipients_most(struct hops *h)
{
    read_news(h);
    return h->recipients_most;
}

bool hops_are_down(const struct hops *h)
{
    for (const struct pool *p = h->first; p; p = p->next)
        if (!hop_is_down(p->hop))
            return false;
    return true;
}

/* ---- life ---- */

struct hops *hops_new(struct engine *engine, const struct smtp_conf *conf)
{
    struct hops *h = mem_alloc(sizeof *h);

    *h = (struct hops){ .engine = engine, .conf = conf, .news = 1 };
    table_init(&h->pools);
    table_init(&h->next_hops);
    h->sweep = timer_new(engine->loop, on_sweep, h);
    return h;
}

void hops_free(struct hops *h)
{
    if (!h)
        return;
    if (h->next_hops.count)
        BUG("%zu next hops are held", h->next_hops.count);
    while (h->first)
        pool_free(h->first);
    timer_free(h->sweep);
    table_release(&h->pools);
    table_release(&h->next_hops);
    crew_free(h->resolver);
    for (size_t i = 0; i < COUNT(h->tls); i++)
        tls_context_free(h->tls[i]);
    free(h);
}

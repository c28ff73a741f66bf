/* smtp/verify_cache.c - a hash table with a list from the newest to the oldest use. */
#include "gateway/smtp/verify_cache.h"

#include <stdlib.h>
#include <sys/random.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"

enum { KEY_MOST = 2048 };

struct entry {
    struct entry *next_in_slot;
    struct entry *newer, *older;
    uint64_t hash;
    int64_t until_ms;
    struct verify_answer answer;
    size_t key_len;
    char bytes[]; /* key, then the answer's text */
};

struct verify_cache {
    struct entry **slots;
    size_t mask, count, most;
    struct entry *newest, *oldest;
    int good_ms, bad_ms;
    uint64_t seed; /* senders choose the keys: they must not choose the slots */
};

struct verify_cache *verify_cache_new(size_t entries_most, int good_ms, int bad_ms)
{
    struct verify_cache *c = mem_alloc(sizeof *c);
    size_t slots = 16;

    while (slots < entries_most)
        slots *= 2;
    *c = (struct verify_cache){ .mask = slots - 1, .most = entries_most, .good_ms = good_ms, .bad_ms = bad_ms };
    c->slots = mem_alloc(slots * sizeof *c->slots);
    if (getrandom(&c->seed, sizeof c->seed, 0) != sizeof c->seed)
        BUG("no random bytes");
    return c;
}

void verify_cache_free(struct verify_cache *c)
{
    if (!c)
        return;
    for (struct entry *e = c->newest, *older; e; e = older) {
        older = e->older;
        free(e);
    }
    free(c->slots);
    free(c);
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdU;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53U;
    return h ^ (h >> 33);
}

static uint64_t hash_of(const struct verify_cache *c, struct span key)
{
    uint64_t h = c->seed;

    for (size_t i = 0; i < key.len; i++)
        h = mix(h ^ (unsigned char)key.ptr[i]) + c->seed;
    return h;
}

/* "hop local@domain": a hop's text has no blank, so that no two keys are the same bytes. */
static void make_key(struct strbuf *key, const char *hop, const struct address *recipient)
{
    strbuf_init(key, KEY_MOST);
    strbuf_puts(key, hop);
    strbuf_putc(key, ' ');
    strbuf_put(key, recipient->local);
    strbuf_putc(key, '@');
    for (size_t i = 0; i < recipient->domain.len; i++)
        strbuf_putc(key, ascii_lower(recipient->domain.ptr[i]));
}

static struct entry **find(struct verify_cache *c, uint64_t hash, struct span key)
{
    struct entry **at = &c->slots[hash & c->mask];

    while (*at && ((*at)->hash != hash || !span_eq(span_make((*at)->bytes, (*at)->key_len), key)))
        at = &(*at)->next_in_slot;
    return at;
}

static void unlink_use(struct verify_cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct verify_cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void forget(struct verify_cache *c, struct entry **at)
{
    struct entry *e = *at;

    *at = e->next_in_slot;
    unlink_use(c, e);
    c->count--;
    free(e);
}

const struct verify_answer *verify_cache_get(struct verify_cache *c, int64_t now_ms, const char *hop,
                                             const struct address *recipient)
{
    struct strbuf key;

    make_key(&key, hop, recipient);
    struct entry **at = find(c, hash_of(c, strbuf_span(&key)), strbuf_span(&key));
    const struct verify_answer *answer = NULL;

    if (*at && (*at)->until_ms <= now_ms) {
        forget(c, at);
    } else if (*at) {
        unlink_use(c, *at);
        link_newest(c, *at);
        answer = &(*at)->answer;
    }
    strbuf_release(&key);
    return answer;
}

static struct entry *entry_new(struct span key, unsigned code, struct span text)
{
    size_t text_len = code / 100 == 2 ? 0 : text.len < VERIFY_TEXT_MAX ? text.len : VERIFY_TEXT_MAX;
    struct entry *e = mem_alloc(sizeof *e + key.len + text_len + 1);

    memcpy(e->bytes, key.ptr, key.len);
    if (text_len)
        memcpy(e->bytes + key.len, text.ptr, text_len);
    e->key_len = key.len;
    e->answer = (struct verify_answer){ code, e->bytes + key.len };
    return e;
}

static void forget_oldest(struct verify_cache *c)
{
    struct entry *e = c->oldest;

    forget(c, find(c, e->hash, span_make(e->bytes, e->key_len)));
}

void verify_cache_put(struct verify_cache *c, int64_t now_ms, const char *hop, const struct address *recipient,
                      unsigned code, struct span text)
{
    int keep_ms = code / 100 == 2 ? c->good_ms : code / 100 == 5 ? c->bad_ms : 0;
    struct strbuf key;

    make_key(&key, hop, recipient);
    uint64_t hash = hash_of(c, strbuf_span(&key));
    struct entry **at = find(c, hash, strbuf_span(&key));

    if (*at)
        forget(c, at);
    if (keep_ms && !key.is_full) {
        if (c->count == c->most)
            forget_oldest(c);
        struct entry *e = entry_new(strbuf_span(&key), code, text);

        e->hash = hash;
        e->until_ms = now_ms + keep_ms;
        e->next_in_slot = c->slots[hash & c->mask];
        c->slots[hash & c->mask] = e;
        link_newest(c, e);
        c->count++;
    }
    strbuf_release(&key);
}

size_t verify_cache_count(const struct verify_cache *c)
{
    return c->count;
}

/* smtp/verify_cache.c - a hash table with a list from the newest to the oldest use. */
#include "gateway/smtp/verify_cache.h"

#include <stdlib.h>
#include <sys/random.h>

#include "gateway/base/bug.h"

enum { KEY_MOST = 16384, DOUBT_MS = 24 * 3600 * 1000 };

struct entry {
    struct entry *next_in_slot;
    struct entry *newer, *older;
    uint64_t hash;
    int64_t until_ms;
    int64_t doubt_until_ms; /* 0: there is none */
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

/* "hop local@domain", or "hop local@domain sender": neither a hop's text nor a domain has a blank, so that no two keys
 * are the same bytes. */
void verify_cache_key(struct strbuf *key, const char *hop, const struct address *recipient)
{
    strbuf_puts(key, hop);
    strbuf_putc(key, ' ');
    strbuf_put(key, recipient->local);
    strbuf_putc(key, '@');
    for (size_t i = 0; i < recipient->domain.len; i++)
        strbuf_putc(key, ascii_lower(recipient->domain.ptr[i]));
}

static void add_sender(struct strbuf *key, struct span sender)
{
    strbuf_putc(key, ' ');
    strbuf_put(key, sender);
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

static const struct verify_answer *look_up(struct verify_cache *c, int64_t now_ms, struct span key)
{
    struct entry **at = find(c, hash_of(c, key), key);

    if (!*at)
        return NULL;
    struct entry *e = *at;

    if (e->until_ms <= now_ms && e->doubt_until_ms <= now_ms) {
        forget(c, at);
        return NULL;
    }
    if (e->until_ms <= now_ms)
        e->answer = (struct verify_answer){ 0, "" };
    unlink_use(c, e);
    link_newest(c, e);
    return &e->answer;
}

const struct verify_answer *verify_cache_get(struct verify_cache *c, int64_t now_ms, const char *hop,
                                             struct span sender, const struct address *recipient)
{
    struct strbuf key;

    strbuf_init(&key, KEY_MOST);
    verify_cache_key(&key, hop, recipient);
    size_t general = key.len;

    add_sender(&key, sender);
    const struct verify_answer *answer = look_up(c, now_ms, strbuf_span(&key));

    if (!answer)
        answer = look_up(c, now_ms, span_first(strbuf_span(&key), general));
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

/* Bad mailbox, bad domain, bad syntax, moved, null MX, disabled. */
bool verify_is_of_mailbox(unsigned code, struct span text)
{
    static const char *const of_mailbox[] = { "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1" };
    struct span word = text;

    if (code / 100 != 5)
        return code / 100 == 2;
    span_cut(&text, ' ', &word);
    for (size_t i = 0; i < COUNT(of_mailbox); i++)
        if (span_is(word, of_mailbox[i]))
            return true;
    return false;
}

static void remove_key(struct verify_cache *c, struct span key)
{
    struct entry **at = find(c, hash_of(c, key), key);

    if (*at)
        forget(c, at);
}

static struct entry *insert(struct verify_cache *c, struct span key, int64_t until_ms, unsigned code, struct span text)
{
    uint64_t hash = hash_of(c, key);

    if (c->count == c->most)
        forget_oldest(c);
    struct entry *e = entry_new(key, code, text);

    e->hash = hash;
    e->until_ms = until_ms;
    e->next_in_slot = c->slots[hash & c->mask];
    c->slots[hash & c->mask] = e;
    link_newest(c, e);
    c->count++;
    return e;
}

static int keep_of(const struct verify_cache *c, unsigned code)
{
    return code / 100 == 2 ? c->good_ms : code / 100 == 5 ? c->bad_ms : 0;
}

/* The end of a doubt, for which the time has not come yet and which a reply of that code does not end. */
static int64_t doubt_of(struct verify_cache *c, struct span key, unsigned code)
{
    const struct entry *e = *find(c, hash_of(c, key), key);

    return e && code / 100 != 2 ? e->doubt_until_ms : 0;
}

/* What was known goes, but for a doubt. */
static void replace(struct verify_cache *c, int64_t now_ms, struct span key, int keep_ms, unsigned code,
                    struct span text)
{
    int64_t doubt_until_ms = doubt_of(c, key, code);

    remove_key(c, key);
    if (keep_ms || doubt_until_ms > now_ms)
        insert(c, key, now_ms + keep_ms, keep_ms ? code : 0, text)->doubt_until_ms = doubt_until_ms;
}

void verify_cache_put(struct verify_cache *c, int64_t now_ms, const char *hop, struct span sender,
                      const struct address *recipient, unsigned code, struct span text)
{
    int keep_ms = keep_of(c, code);
    bool is_for_all = code / 100 != 5 || verify_is_of_mailbox(code, text);
    struct strbuf key;

    strbuf_init(&key, KEY_MOST);
    verify_cache_key(&key, hop, recipient);
    size_t general = key.len;

    add_sender(&key, sender);
    struct span of_sender = strbuf_span(&key), of_all = span_first(of_sender, general);

    if (!key.is_full && is_for_all) {
        remove_key(c, of_sender);
        replace(c, now_ms, of_all, keep_ms, code, text);
    } else if (!key.is_full) {
        replace(c, now_ms, of_sender, keep_ms, code, text);
    }
    strbuf_release(&key);
}

void verify_cache_doubt(struct verify_cache *c, int64_t now_ms, const char *hop, const struct address *recipient)
{
    struct strbuf key;

    strbuf_init(&key, KEY_MOST);
    verify_cache_key(&key, hop, recipient);
    struct entry **at = find(c, hash_of(c, strbuf_span(&key)), strbuf_span(&key));

    if (*at)
        (*at)->doubt_until_ms = now_ms + DOUBT_MS;
    else if (!key.is_full)
        insert(c, strbuf_span(&key), now_ms, 0, SPAN(""))->doubt_until_ms = now_ms + DOUBT_MS;
    strbuf_release(&key);
}

void verify_cache_learn(struct verify_cache *c, int64_t now_ms, int64_t left_ms, const char *hop,
                        const struct address *recipient, unsigned code, struct span text)
{
    int keep_ms = keep_of(c, code);
    struct strbuf key;

    strbuf_init(&key, KEY_MOST);
    verify_cache_key(&key, hop, recipient);
    remove_key(c, strbuf_span(&key));
    if (keep_ms && left_ms > 0 && !key.is_full)
        insert(c, strbuf_span(&key), now_ms + (left_ms < keep_ms ? left_ms : keep_ms), code, text);
    strbuf_release(&key);
}

size_t verify_cache_count(const struct verify_cache *c)
{
    return c->count;
}

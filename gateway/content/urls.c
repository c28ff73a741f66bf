/* content/urls.c - the URLs and addresses of a message, each once.
 *
 * They are found again by a hash of what they are. Who writes mail chooses what is hashed, so the hash has a secret of
 * the process in it: nobody can aim at collisions. The tables have a fixed size, and are never more than half full.
 */
#include <sys/auxv.h>

#include "gateway/base/bug.h"
#include "gateway/content/url_parts.h"

/* What stands in places that nobody sees must not use up the room for what is seen. */
enum { SLOTS = 4096, UNSEEN_MAX = URLS_MAX / 2, FIRST_ROOM = 8, UNWRAPPED_MAX = 4 * 1024 * 1024 };

/* An index into items, and one more; 0: free. */
struct slots {
    uint16_t at[SLOTS];
};

struct urls_seen {
    uint64_t secret;
    struct slots texts, raws, emails;
    unsigned reads, guesses, again;
    size_t unwrapped; /* bytes that were searched for other URLs */
};

static struct urls_seen *seen_of(struct arena *a, struct urls *urls)
{
    struct urls_seen *seen = urls->seen;

    if (seen)
        return seen;
    const void *secret = (const void *)getauxval(AT_RANDOM);

    urls->seen = seen = arena_alloc(a, sizeof *seen);
    if (secret)
        memcpy(&seen->secret, secret, sizeof seen->secret);
    return seen;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)(a ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xe7037ed1a0b428db));

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash(const struct urls_seen *seen, struct span s)
{
    uint64_t h = mix(seen->secret, s.len), word;

    for (; s.len >= sizeof word; s = span_skip(s, sizeof word)) {
        memcpy(&word, s.ptr, sizeof word);
        h = mix(h ^ word, seen->secret);
    }
    word = 0;
    if (s.len)
        memcpy(&word, s.ptr, s.len);
    return mix(h ^ word, seen->secret);
}

/* ---- URLs */

static struct span raw_of(const struct urls *urls, size_t i)
{
    return urls->items[i].raw;
}

static struct span text_of(const struct urls *urls, size_t i)
{
    return urls->items[i].text;
}

/* Where `key` is, or would be put. */
static uint16_t *slot_for(const struct urls *urls, struct slots *slots, struct span key,
                          struct span (*key_of)(const struct urls *, size_t))
{
    const struct urls_seen *seen = urls->seen;

    for (size_t i = hash(seen, key) % SLOTS;; i = (i + 1) % SLOTS)
        if (!slots->at[i] || span_eq(key_of(urls, slots->at[i] - 1U), key))
            return &slots->at[i];
}

static bool is_unseen(const struct url *u)
{
    return u->source == URL_HIDDEN || u->source == URL_WRAPPED || u->source == URL_UNSEEN || u->source == URL_DECODED;
}

static struct url *add(struct arena *a, struct urls *urls, const struct url *u)
{
    if (urls->count >= (is_unseen(u) ? UNSEEN_MAX : URLS_MAX)) {
        urls->is_cut = true;
        return NULL;
    }
    if (urls->count == urls->room) {
        urls->room = urls->room ? urls->room * 2 : FIRST_ROOM;
        urls->items = arena_grow(a, urls->items, urls->count, urls->room, sizeof *urls->items);
    }
    urls->items[urls->count] = *u;
    return &urls->items[urls->count++];
}

static bool misleads(const struct url *u)
{
    return u->shown_domain[0] && strcmp(u->shown_domain, u->domain) != 0;
}

/* How bad it is: 0 not at all, 2 when a URL is shown and not only named. */
static int deceit(const struct url *u)
{
    return misleads(u) ? 1 + u->shows_url : 0;
}

/* It came again: what is shown for it now may be worse than what was shown before. */
static struct url *again(struct url *known, const struct url *like)
{
    known->count++;
    known->sources |= 1U << like->source;
    known->flags |= like->flags;
    if (known->element < 0)
        known->element = like->element;
    struct url shown_now = *known;

    shown_now.shown_domain = like->shown_domain;
    shown_now.shows_url = like->shows_url;
    if (!like->shown.len || (known->shown.len && deceit(known) && deceit(known) >= deceit(&shown_now)))
        return known;
    known->shown = like->shown;
    known->shown_domain = like->shown_domain;
    known->shows_url = like->shows_url;
    return known;
}

/* `meant` are the bytes that were read: those that come again need not be. */
static struct url *keep(struct arena *a, struct urls *urls, const struct url *u, struct span meant)
{
    struct urls_seen *seen = urls->seen;
    uint16_t *slot = slot_for(urls, &seen->texts, u->text, text_of);

    if (*slot)
        return again(&urls->items[*slot - 1U], u);
    struct url *kept = add(a, urls, u);

    if (!kept)
        return NULL;
    *slot = (uint16_t)urls->count;
    if (meant.ptr != kept->raw.ptr)
        return kept;
    slot = slot_for(urls, &seen->raws, kept->raw, raw_of);
    if (!*slot)
        *slot = (uint16_t)urls->count;
    return kept;
}

static bool has_reads(const struct urls_seen *seen, const struct url *like)
{
    return seen->reads < (is_unseen(like) ? URL_READS_MAX / 2 : URL_READS_MAX);
}

static bool may_read(struct urls *urls, const struct url *like)
{
    struct urls_seen *seen = urls->seen;
    bool may_read = has_reads(seen, like);

    seen->reads += may_read;
    urls->is_cut |= !may_read;
    return may_read;
}

bool urls_may_find(struct arena *a, struct urls *urls, const struct url *like)
{
    const struct urls_seen *seen = seen_of(a, urls);
    bool may_find = has_reads(seen, like) && seen->again < URL_AGAIN_MAX;

    urls->is_cut |= !may_find;
    return may_find;
}

/* Also href="joe@example.com", which is no user of a host. A slash behind it makes it one: then it is no mail again. */
static bool is_mail(const struct url *u, struct span rest)
{
    return strcmp(u->scheme, "mailto") == 0 || (u->flags & URL_SCHEMELESS && u->userinfo.len && !rest.len);
}

/* mailto:a@b,c@d?cc=e@f [RFC6068 2] */
static void add_mailto(struct arena *a, struct urls *urls, struct span rest, enum url_source source)
{
    struct span decoded = url_percent_decode(a, rest);

    urls_in_text(a, urls, decoded, source, SPAN(""));
}

static void unwrap(struct arena *a, struct urls *urls, size_t index, struct span rest, unsigned hops);

/* One URL, and what it wraps; its index, or -1. */
static int take(struct arena *a, struct urls *urls, const struct url *like, struct span raw, struct span meant,
                unsigned hops)
{
    struct url u;
    struct span rest;

    if (!may_read(urls, like) || !url_take(a, meant, &u, &rest))
        return -1;
    if (is_mail(&u, rest)) {
        add_mailto(a, urls, u.flags & URL_SCHEMELESS ? meant : rest, like->source);
        return -1;
    }
    u.raw = raw;
    u.source = like->source;
    u.sources = 1U << like->source;
    u.element = like->element;
    u.shown = like->shown;
    u.shown_domain = like->shown_domain;
    u.shows_url = like->shows_url;
    u.wrapper = like->wrapper;
    u.flags |= like->flags;
    size_t before = urls->count;
    const struct url *kept = keep(a, urls, &u, meant);

    if (!kept)
        return -1;
    size_t index = (size_t)(kept - urls->items);

    if (urls->count > before)
        unwrap(a, urls, index, rest, hops);
    return (int)index;
}

static void unwrap(struct arena *a, struct urls *urls, size_t index, struct span rest, unsigned hops)
{
    struct urls_seen *seen = urls->seen;
    struct span targets[URL_INNER_MAX];

    seen->unwrapped += rest.len;
    if (seen->unwrapped > UNWRAPPED_MAX) {
        urls->is_cut = true;
        return;
    }
    size_t count = url_unwrap(a, &urls->items[index], rest, targets);
    const struct url like = {
        .source = URL_WRAPPED,
        .element = urls->items[index].element,
        .shown_domain = "",
        .wrapper = (int)index,
    };

    for (size_t i = 0; i < count; i++) {
        int target = hops < URL_HOPS_MAX ? take(a, urls, &like, targets[i], targets[i], hops + 1) : -1;

        urls->is_cut |= hops == URL_HOPS_MAX;
        if (urls->items[index].leads_to < 0 && target != (int)index)
            urls->items[index].leads_to = target;
    }
}

const struct url *urls_take(struct arena *a, struct urls *urls, const struct url *like, struct span raw,
                            struct span meant)
{
    struct urls_seen *seen = seen_of(a, urls);
    const uint16_t *slot = slot_for(urls, &seen->raws, meant, raw_of);

    if (*slot) {
        seen->again++;
        return again(&urls->items[*slot - 1U], like);
    }
    int index = take(a, urls, like, raw, meant, 0);

    return index < 0 ? NULL : &urls->items[index];
}

bool urls_may_guess(struct arena *a, struct urls *urls)
{
    struct urls_seen *seen = seen_of(a, urls);

    if (seen->guesses >= URL_GUESSES_MAX) {
        urls->is_cut = true;
        return false;
    }
    seen->guesses++;
    return true;
}

/* ---- where they stand */

static void found(struct url_finder *f, struct span raw, struct span meant, unsigned flags)
{
    struct url like = *f->like;

    like.flags = flags;
    urls_take(f->a, f->urls, &like, raw, meant);
}

static void found_email(struct url_finder *f, struct span local, struct span domain)
{
    urls_add_email(f->a, f->urls, local, domain, f->like->source, f->field);
}

void urls_in_text(struct arena *a, struct urls *urls, struct span utf8, enum url_source source, struct span field)
{
    const struct url like = { .source = source, .element = -1, .shown_domain = "", .wrapper = -1 };
    struct url_finder f = {
        .found = found,
        .found_email = found_email,
        .a = a,
        .text = utf8,
        .urls = urls,
        .like = &like,
        .field = field,
    };

    url_find(&f);
}

/* Strings of programs have `\/` for a slash as often as not. A name without a scheme is a variable's. */
static void found_in_code(struct url_finder *f, struct span raw, struct span meant, unsigned flags)
{
    (void)flags;
    if (meant.ptr != raw.ptr || !url_scheme(raw).len)
        return;
    char *text = arena_dup(f->a, raw);
    size_t len = 0;

    for (size_t i = 0; i < raw.len; i++)
        if (raw.ptr[i] != '\\' || i + 1 == raw.len || raw.ptr[i + 1] != '/')
            text[len++] = raw.ptr[i];
    urls_take(f->a, f->urls, f->like, raw, span_make(text, len));
}

static void no_email(struct url_finder *f, struct span local, struct span domain)
{
    (void)f;
    (void)local;
    (void)domain;
}

void urls_in_code(struct arena *a, struct urls *urls, struct span code)
{
    const struct url like = { .source = URL_DECODED, .element = -1, .shown_domain = "", .wrapper = -1 };
    struct url_finder f = { .found = found_in_code,
                            .found_email = no_email,
                            .a = a,
                            .text = code,
                            .urls = urls,
                            .like = &like,
                            .field = SPAN("") };

    url_find(&f);
}

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

/* A relative reference, put behind what it is relative to [RFC3986 5.2.3]; dots are undone later. */
static struct span resolve(struct arena *a, struct span target, struct span base_text)
{
    struct url base;
    bool is_disguised;

    if (url_scheme_meant(url_scheme(target), &is_disguised) || !url_read(a, base_text, &base) || !base.host[0])
        return target;
    size_t authority = (size_t)(base.path.ptr - base.text.ptr);
    struct span directory = span_first(base.path, span_rfind(base.path, '/') + 1);

    if (target.len > 1 && is_slash(target.ptr[0]) && is_slash(target.ptr[1]))
        return span_of(arena_printf(a, "%s:%.*s", base.scheme, SPAN_ARG(target)));
    if (target.len && is_slash(target.ptr[0]))
        directory = SPAN("");
    else if (target.len && (target.ptr[0] == '?' || target.ptr[0] == '#'))
        directory = base.path;
    return span_of(arena_printf(a, "%.*s%.*s%.*s", SPAN_ARG(span_first(base.text, authority)), SPAN_ARG(directory),
                                SPAN_ARG(target)));
}

const struct url *urls_add(struct arena *a, struct urls *urls, struct span target, struct span base, struct span shown,
                           enum url_source source, int element)
{
    struct url like = { .source = source, .element = element, .shown = shown, .shown_domain = "", .wrapper = -1 };

    seen_of(a, urls);
    if (shown.len && may_read(urls, &like))
        like.shown_domain = url_shown_domain(a, shown, &like.shows_url);
    if (!base.len || !may_read(urls, &like))
        return urls_take(a, urls, &like, target, target);
    struct span whole = resolve(a, target, base);

    if (whole.ptr != target.ptr)
        urls_take(a, urls, &like, target, target); /* for readers that do not know <base> */
    return urls_take(a, urls, &like, target, whole);
}

/* ---- addresses */

static struct span email_key(struct arena *a, struct span local, const char *domain)
{
    char *key = arena_printf(a, "%.*s@%s", SPAN_ARG(local), domain);

    for (char *p = key; *p; p++)
        *p = ascii_lower(*p);
    return span_of(key);
}

static uint16_t *email_slot(const struct urls *urls, struct span key)
{
    struct urls_seen *seen = urls->seen;

    for (size_t i = hash(seen, key) % SLOTS;; i = (i + 1) % SLOTS)
        if (!seen->emails.at[i] || span_eq(urls->emails[seen->emails.at[i] - 1U].key, key))
            return &seen->emails.at[i];
}

enum { LOCAL_MAX = 256 };

void urls_add_email(struct arena *a, struct urls *urls, struct span local, struct span domain, enum url_source source,
                    struct span field)
{
    const struct url like = { .source = source };
    char name[DOMAIN_MAX];

    seen_of(a, urls);
    if (!local.len || local.len > LOCAL_MAX || !may_read(urls, &like) || domain_normal(domain, name))
        return;
    struct span key = email_key(a, local, name);
    uint16_t *slot = email_slot(urls, key);

    if (*slot) {
        urls->emails[*slot - 1U].count++;
        urls->emails[*slot - 1U].sources |= 1U << source;
        return;
    }
    if (urls->email_count == EMAILS_MAX) {
        urls->is_cut = true;
        return;
    }
    if (urls->email_count == urls->email_room) {
        urls->email_room = urls->email_room ? urls->email_room * 2 : FIRST_ROOM;
        urls->emails = arena_grow(a, urls->emails, urls->email_count, urls->email_room, sizeof *urls->emails);
    }
    urls->emails[urls->email_count++] = (struct email){
        .local = local,
        .domain = arena_dup(a, span_of(name)),
        .key = key,
        .source = source,
        .field = field,
        .sources = 1U << source,
        .count = 1,
    };
    *slot = (uint16_t)urls->email_count;
}

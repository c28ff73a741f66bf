/* store/op.c - the operations of the state store, as arithmetic on records. */
#include "gateway/store/op.h"

#include <openssl/evp.h>
#include <string.h>

#include "gateway/base/bug.h"

enum { NOTED_PER_LIFE = 64, FACTOR_MOST = 1000000 };
#define LEVEL_MOST 1e18
enum { DIGEST_BYTES = 32, KEY_KEPT = STORE_KEY_MAX - 1 - 2 * DIGEST_BYTES };

static const char *const kind_words[] = {
    "greylist", "rate_take", "rate_give", "count", "get", "put", "delete", "bayes_look", "bayes_learn", "bayes_add",
};

struct span store_key(struct arena *a, struct span text)
{
    unsigned char digest[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];

    if (text.len <= STORE_KEY_MAX)
        return arena_copy(a, text);
    if (!EVP_Digest(text.ptr, text.len, digest, NULL, EVP_sha256(), NULL))
        BUG("no SHA-256");
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[sizeof hex - 1] = '\0';
    return span_of(arena_printf(a, "%.*s#%s", KEY_KEPT, text.ptr, hex));
}

const char *store_kind_text(enum store_kind kind)
{
    return kind_words[kind];
}

bool op_reads(enum store_kind kind)
{
    return kind == STORE_GET || kind == STORE_BAYES_LOOK;
}

bool op_key_is_good(struct span key)
{
    return key.len && key.len <= STORE_KEY_MAX && key.ptr[0] != '\0';
}

static bool tokens_are_good(const struct store_op *op)
{
    const struct store_bayes *b = &op->bayes;
    size_t count = b->tokens.len / sizeof(uint64_t);
    uint64_t last = 0, token;

    if (op->key.len > STORE_BAYES_KEY_MAX || b->tokens.len % sizeof token || count > STORE_TOKENS_MOST)
        return false;
    if (op->kind == STORE_BAYES_ADD && b->counts.len != count * sizeof(struct store_token_count))
        return false;
    for (size_t i = 0; i < count; i++) {
        memcpy(&token, b->tokens.ptr + i * sizeof token, sizeof token);
        if (i && token <= last)
            return false;
        last = token;
    }
    return true;
}

bool op_is_good(const struct store_op *op)
{
    if (!op_key_is_good(op->key))
        return false;
    if (op_is_bayes(op->kind))
        return tokens_are_good(op);
    if (op->kind == STORE_GREYLIST && op->greylist.client.len)
        return op_key_is_good(op->greylist.client);
    return op->kind != STORE_PUT || op->put.value.len <= STORE_VALUE_MAX;
}

/* ---- the same question? ---- */

static bool greylist_eq(const struct store_greylist *x, const struct store_greylist *y)
{
    return span_eq(x->client, y->client) && x->delay_ms == y->delay_ms && x->window_ms == y->window_ms &&
           x->life_ms == y->life_ms && x->passes == y->passes && x->pass_gap_ms == y->pass_gap_ms;
}

static bool rate_eq(const struct store_rate *x, const struct store_rate *y)
{
    return x->cost == y->cost && x->rate == y->rate && x->capacity == y->capacity && x->life_ms == y->life_ms &&
           x->by == y->by && x->least == y->least && x->most == y->most;
}

static bool bayes_eq(const struct store_bayes *x, const struct store_bayes *y)
{
    return span_eq(x->tokens, y->tokens) && span_eq(x->counts, y->counts) && x->totals.spam == y->totals.spam &&
           x->totals.ham == y->totals.ham && memcmp(x->digest, y->digest, sizeof x->digest) == 0 && x->as == y->as &&
           x->is_once == y->is_once && x->remember_ms == y->remember_ms && x->life_ms == y->life_ms &&
           x->most == y->most;
}

bool op_eq(const struct store_op *x, const struct store_op *y)
{
    if (x->kind != y->kind || x->nonce != y->nonce || x->is_local != y->is_local || !span_eq(x->key, y->key))
        return false;
    switch (x->kind) {
    case STORE_GREYLIST: return greylist_eq(&x->greylist, &y->greylist);
    case STORE_RATE_TAKE:
    case STORE_RATE_GIVE: return rate_eq(&x->rate, &y->rate);
    case STORE_COUNT:
        return x->count.by == y->count.by && x->count.life_ms == y->count.life_ms && x->count.slides == y->count.slides;
    case STORE_PUT: return span_eq(x->put.value, y->put.value) && x->put.life_ms == y->put.life_ms;
    case STORE_BAYES_LOOK:
    case STORE_BAYES_LEARN:
    case STORE_BAYES_ADD: return bayes_eq(&x->bayes, &y->bayes);
    default: return true;
    }
}

uint64_t op_hash(const struct store_op *op)
{
    uint64_t h = (14695981039346656037ULL ^ (uint64_t)op->kind) * 1099511628211ULL ^ op->nonce, word;
    size_t i = 0;

    for (; i + sizeof word <= op->key.len; i += sizeof word) {
        memcpy(&word, op->key.ptr + i, sizeof word);
        h = (h ^ word) * 1099511628211ULL;
        h ^= h >> 32;
    }
    for (; i < op->key.len; i++)
        h = (h ^ (uint8_t)op->key.ptr[i]) * 1099511628211ULL;
    return h ^ h >> 29;
}

enum { OP_EXTRAS = 2 };

/* Its spans besides the key. */
static void op_extras(struct store_op *op, struct span *out[OP_EXTRAS])
{
    out[0] = op->kind == STORE_GREYLIST ? &op->greylist.client
             : op->kind == STORE_PUT    ? &op->put.value
             : op_is_bayes(op->kind)    ? &op->bayes.tokens
                                        : NULL;
    out[1] = op->kind == STORE_BAYES_ADD ? &op->bayes.counts : NULL;
}

size_t op_bytes(const struct store_op *op)
{
    struct store_op extra = *op;
    struct span *extras[OP_EXTRAS];
    size_t bytes = op->key.len;

    op_extras(&extra, extras);
    for (size_t i = 0; i < OP_EXTRAS; i++)
        bytes += extras[i] ? extras[i]->len : 0;
    return bytes;
}

static struct span put_bytes(char **at, struct span bytes)
{
    struct span copy = span_make(*at, bytes.len);

    if (bytes.len)
        memcpy(*at, bytes.ptr, bytes.len);
    *at += bytes.len;
    return copy;
}

struct store_op op_copy_into(const struct store_op *op, char *bytes)
{
    struct store_op copy = *op;
    struct span *extras[OP_EXTRAS];

    op_extras(&copy, extras);
    for (size_t i = 0; i < OP_EXTRAS; i++)
        if (extras[i])
            *extras[i] = put_bytes(&bytes, *extras[i]);
    copy.key = put_bytes(&bytes, op->key);
    return copy;
}

struct store_op op_copy(struct arena *a, const struct store_op *op)
{
    return op_copy_into(op, arena_alloc(a, op_bytes(op) + 1));
}

struct store_answer *store_answer_copy(struct arena *a, const struct store_op *op, const struct store_answer *answer)
{
    struct store_answer *copy = arena_alloc(a, sizeof *copy);

    *copy = *answer;
    copy->why = answer->why && answer->why[0] ? arena_dup(a, span_of(answer->why)) : "";
    if (op->kind == STORE_GET && answer->state == STORE_OK)
        copy->value = arena_copy(a, answer->value);
    if (op->kind == STORE_BAYES_LOOK && answer->state == STORE_OK)
        copy->bayes.counts = arena_copy(a, answer->bayes.counts);
    return copy;
}

/* ---- records ---- */

/* first try; first pass, or 0; last use */
struct triplet_record {
    double first_ms, passed_ms, last_ms;
};

/* passes; when the last one was counted; last use */
struct client_record {
    double passes, counted_ms, last_ms;
};

/* level; when that was; factor of rate and capacity; refusals so far; when the last one was */
struct rate_record {
    double level, at_ms, factor, refused, refused_ms;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

static bool load(const struct store_record *r, int64_t now_ms, void *out, size_t size)
{
    if (!r || r->len != size || (r->expires_ms && r->expires_ms <= now_ms))
        return false;
    memcpy(out, r->bytes, size);
    return true;
}

static void save(struct store_record *r, const void *in, size_t size, int64_t expires_ms)
{
    if (size)
        memcpy(r->bytes, in, size);
    r->len = size;
    r->expires_ms = expires_ms;
    r->is_changed = true;
}

/* That also holds for what is no number. */
static double at_least(double value, double least)
{
    return value > least ? value : least;
}

/* A record may have come from a file that somebody wrote: any double. */
static int64_t whole(double value)
{
    const double most = (double)STORE_TIME_MOST;

    return value >= most ? (int64_t)most : value > -most ? (int64_t)value : value <= -most ? -(int64_t)most : 0;
}

int64_t op_later(int64_t now_ms, int64_t life_ms)
{
    int64_t sum;

    if (__builtin_add_overflow(now_ms, life_ms, &sum))
        return life_ms > 0 ? STORE_TIME_MOST : 1;
    return sum < STORE_TIME_MOST ? sum : STORE_TIME_MOST;
}

/* When a record was used is noted only as often as it matters for its life: so most uses write nothing. */
static bool is_worth_noting(double last_ms, int64_t now_ms, int64_t life_ms)
{
    return !(at_least((double)now_ms - last_ms, 0) < (double)life_ms / NOTED_PER_LIFE) || !(last_ms > 0);
}

/* ---- greylisting ---- */

static bool is_client_known(const struct store_op *op, struct store_record *record, struct client_record *c)
{
    if (!op->greylist.client.len || !op->greylist.passes)
        return false;
    return load(record, op->now_ms, c, sizeof *c) && c->passes >= (double)op->greylist.passes;
}

static void note_client(const struct store_op *op, struct store_record *record, struct client_record *c)
{
    c->last_ms = (double)op->now_ms;
    save(record, c, sizeof *c, op_later(op->now_ms, op->greylist.life_ms));
}

/* A triplet has passed: its client has, too, once more. */
static void count_pass(const struct store_op *op, struct store_record *record, struct client_record *c)
{
    double now = (double)op->now_ms;

    if (!op->greylist.client.len || !op->greylist.passes)
        return;
    bool is_counted = !(c->passes > 0) || now - c->counted_ms >= (double)op->greylist.pass_gap_ms;

    if (is_counted) {
        c->passes = at_least(c->passes, 0) + 1;
        c->counted_ms = now;
    }
    if (is_counted || is_worth_noting(c->last_ms, op->now_ms, op->greylist.life_ms))
        note_client(op, record, c);
}

/* What there is of a triplet. One from a time that is yet to come, by more than its delay, was begun by a clock that
 * was wrong, and is begun again. */
static struct triplet_record triplet_load(const struct store_op *op, const struct store_record *record)
{
    struct triplet_record t = { 0 };
    double now = (double)op->now_ms;

    if (load(record, op->now_ms, &t, sizeof t) && t.first_ms <= now + (double)op->greylist.delay_ms)
        return t;
    return (struct triplet_record){ .first_ms = now };
}

static void greylist(const struct store_op *op, struct store_record *record, struct store_record *client,
                     struct store_answer *out)
{
    const struct store_greylist *g = &op->greylist;
    struct client_record c = { 0 };
    bool is_known = is_client_known(op, client, &c);

    out->greylist.passes = whole(c.passes);
    if (is_known) {
        if (is_worth_noting(c.last_ms, op->now_ms, g->life_ms))
            note_client(op, client, &c);
        out->greylist.state = GREYLIST_CLIENT;
        return;
    }
    struct triplet_record t = triplet_load(op, record);
    double now = (double)op->now_ms, waited = at_least(now - t.first_ms, 0);
    bool has_waited = waited >= (double)g->delay_ms;
    enum greylist_state state = t.passed_ms != 0 ? GREYLIST_KNOWN
                                : has_waited     ? GREYLIST_PASSED
                                : t.last_ms == 0 ? GREYLIST_NEW
                                                 : GREYLIST_EARLY;
    bool is_noted = is_worth_noting(t.last_ms, op->now_ms, g->life_ms);

    out->greylist.state = state;
    out->greylist.waited_ms = whole(waited);
    t.last_ms = now;
    if (state == GREYLIST_NEW || state == GREYLIST_EARLY) {
        out->greylist.left_ms = g->delay_ms - whole(waited);
        if (state == GREYLIST_NEW)
            save(record, &t, sizeof t, op_later(whole(t.first_ms), g->window_ms));
        return;
    }
    if (state == GREYLIST_PASSED)
        t.passed_ms = now;
    if (state == GREYLIST_PASSED || is_noted)
        save(record, &t, sizeof t, op_later(op->now_ms, g->life_ms));
    count_pass(op, client, &c);
    out->greylist.passes = whole(c.passes);
}

/* ---- rates ---- */

/* One from a time that is yet to come, by more than its life, is of a clock that was wrong. */
static struct rate_record rate_load(const struct store_op *op, const struct store_record *record)
{
    struct rate_record r = { 0 };
    double now = (double)op->now_ms;

    if (!load(record, op->now_ms, &r, sizeof r) || !(r.at_ms <= now + (double)op->rate.life_ms))
        return (struct rate_record){ .at_ms = now, .factor = 1 };
    if (!(r.factor > 0 && r.factor <= FACTOR_MOST))
        r.factor = 1;
    if (!(r.level <= LEVEL_MOST))
        r.level = 0;
    r.level = at_least(r.level - at_least(now - r.at_ms, 0) / 1000 * op->rate.rate * r.factor, 0);
    r.at_ms = at_least(now, r.at_ms);
    return r;
}

static void rate_take(const struct store_op *op, struct store_record *record, struct store_answer *out)
{
    const struct store_rate *p = &op->rate;
    struct rate_record r = rate_load(op, record);
    double cost = at_least(p->cost, 0), capacity = p->capacity * r.factor, excess = r.level + cost - capacity;

    out->rate.capacity = capacity;
    out->rate.is_over = excess > 0;
    if (!out->rate.is_over) {
        r.level += cost;
    } else {
        double wait_ms = excess / (p->rate * r.factor) * 1000;

        r.refused += 1;
        r.refused_ms = (double)op->now_ms;
        out->rate.retry_ms = cost > capacity || !(wait_ms < 1e15) ? INT64_MAX : (int64_t)wait_ms + 1;
    }
    out->rate.level = r.level;
    save(record, &r, sizeof r, op_later(op->now_ms, p->life_ms));
}

static void rate_give(const struct store_op *op, struct store_record *record, struct store_answer *out)
{
    const struct store_rate *p = &op->rate;
    struct rate_record r = rate_load(op, record);

    r.level = at_least(r.level - p->cost, 0);
    if (p->by != 1) {
        r.factor = at_least(r.factor * p->by, p->least);
        if (r.factor > p->most)
            r.factor = p->most;
    }
    out->rate.level = r.level;
    out->rate.capacity = p->capacity * r.factor;
    save(record, &r, sizeof r, op_later(op->now_ms, p->life_ms));
}

bool store_rate_look(struct span value, double rate, int64_t now_ms, struct store_rate_state *out)
{
    struct rate_record r;

    if (value.len != sizeof r)
        return false;
    memcpy(&r, value.ptr, sizeof r);
    r.level = at_least(r.level - at_least((double)now_ms - r.at_ms, 0) / 1000 * rate * r.factor, 0);
    *out = (struct store_rate_state){
        .level = r.level, .factor = r.factor, .refused = r.refused, .refused_ms = whole(r.refused_ms)
    };
    return true;
}

/* ---- counters and values ---- */

static void count(const struct store_op *op, struct store_record *record, struct store_answer *out)
{
    double n = 0;
    bool is_new = !load(record, op->now_ms, &n, sizeof n), is_slid = is_new || op->count.slides;

    n = (double)whole(n) + (double)op->count.by;
    out->count = whole(n);
    save(record, &n, sizeof n, is_slid ? op_later(op->now_ms, op->count.life_ms) : record->expires_ms);
}

static void get(const struct store_op *op, const struct store_record *record, struct store_answer *out)
{
    if (!record->len || (record->expires_ms && record->expires_ms <= op->now_ms))
        out->state = STORE_ABSENT;
    else
        out->value = span_make(record->bytes, record->len);
}

static void delete (struct store_record *record)
{
    record->is_changed = record->len > 0;
    record->len = 0;
}

bool op_apply(const struct store_op *op, struct store_record *record, struct store_record *client,
              struct store_answer *answer)
{
    *answer = (struct store_answer){ .state = STORE_OK, .why = "" };
    record->is_changed = false;
    if (client)
        client->is_changed = false;
    switch (op->kind) {
    case STORE_GREYLIST: greylist(op, record, client, answer); break;
    case STORE_RATE_TAKE: rate_take(op, record, answer); break;
    case STORE_RATE_GIVE: rate_give(op, record, answer); break;
    case STORE_COUNT: count(op, record, answer); break;
    case STORE_GET: get(op, record, answer); break;
    case STORE_PUT:
        save(record, op->put.value.ptr, op->put.value.len, op->put.life_ms ? op_later(op->now_ms, op->put.life_ms) : 0);
        break;
    case STORE_DELETE: delete (record); break;
    default: BUG("operation %d", (int)op->kind);
    }
    return record->is_changed || (client && client->is_changed);
}

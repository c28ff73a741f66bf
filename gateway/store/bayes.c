/* store/bayes.c - what was learned of tokens, as ordinary records. */
#include "gateway/store/bayes.h"

#include <stdio.h>

#include "gateway/base/bug.h"

enum { COUNT_BYTES = 3, HAM_AT = BAYES_TOKEN_BYTES + COUNT_BYTES, DAY_AT = HAM_AT + COUNT_BYTES, DAY_MOST = 0xffff };
#define DAY_MS 86400000LL

void bayes_rules_of(const struct store_op *op, struct bayes_rules *out)
{
    int64_t day = op->now_ms / DAY_MS, life = op->bayes.life_ms / DAY_MS + (op->bayes.life_ms % DAY_MS != 0);

    out->day = day < 0 ? 0 : day > DAY_MOST ? DAY_MOST : (unsigned)day;
    out->life_days = op->bayes.life_ms <= 0 ? 0 : life > DAY_MOST ? DAY_MOST : (unsigned)life;
    out->most = op->bayes.most < 1                   ? 1
                : op->bayes.most > BAYES_BUCKET_MOST ? BAYES_BUCKET_MOST
                                                     : (unsigned)op->bayes.most;
}

uint64_t bayes_token(struct span tokens, size_t i)
{
    uint64_t token;

    memcpy(&token, tokens.ptr + i * sizeof token, sizeof token);
    return token;
}

/* ---- keys ---- */

static char *put_base(struct span base, char out[STORE_KEY_MAX])
{
    if (base.len > STORE_BAYES_KEY_MAX)
        BUG("a class of %zu bytes", base.len);
    memcpy(out, base.ptr, base.len);
    return out + base.len;
}

static char *put_hex(char *at, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

struct span bayes_bucket_key(struct span base, uint64_t token, char out[STORE_KEY_MAX])
{
    const unsigned bucket = (unsigned)(token >> BAYES_BUCKET_SHIFT);
    const uint8_t top[] = { (uint8_t)(bucket >> 8), (uint8_t)bucket };
    char *end = put_hex(put_base(base, out), top, sizeof top);

    return span_make(out, (size_t)(end - out));
}

struct span bayes_totals_key(struct span base, char out[STORE_KEY_MAX])
{
    char *end = put_base(base, out);

    *end++ = 't';
    return span_make(out, (size_t)(end - out));
}

struct span bayes_message_key(struct span base, const struct store_bayes *b, char out[STORE_KEY_MAX])
{
    char *at = put_base(base, out);

    *at++ = 'm';
    return span_make(out, (size_t)(put_hex(at, b->digest, sizeof b->digest) - out));
}

/* ---- buckets ---- */

static bool is_bucket(size_t len)
{
    return len % BAYES_ENTRY_BYTES == 0 && len <= STORE_VALUE_MAX;
}

static uint32_t count_at(const char *at)
{
    return (uint8_t)at[0] | (uint32_t)(uint8_t)at[1] << 8 | (uint32_t)(uint8_t)at[2] << 16;
}

static void count_put(char *at, uint32_t count)
{
    at[0] = (char)count;
    at[1] = (char)(count >> 8);
    at[2] = (char)(count >> 16);
}

static unsigned day_at(const char *entry)
{
    return (unsigned)(uint8_t)entry[DAY_AT] | (unsigned)(uint8_t)entry[DAY_AT + 1] << 8;
}

static uint64_t token_at(const char *entry)
{
    uint64_t token;

    memcpy(&token, entry, sizeof token);
    return token;
}

/* Where a token stands, or would: the first entry that is not below it. Hashes are as good as evenly spread, so it is
 * looked for where it should be, and then beside that: one or two lines of memory instead of the whole bucket. */
static size_t place(const char *bytes, size_t len, uint64_t token)
{
    const uint64_t rest = token & ((1ULL << BAYES_BUCKET_SHIFT) - 1);
    size_t count = len / BAYES_ENTRY_BYTES;
    size_t i = (size_t)((rest >> (BAYES_BUCKET_SHIFT - 32)) * count >> 32);

    while (i < count && token_at(bytes + i * BAYES_ENTRY_BYTES) < token)
        i++;
    while (i && token_at(bytes + (i - 1) * BAYES_ENTRY_BYTES) >= token)
        i--;
    return i * BAYES_ENTRY_BYTES;
}

static bool is_at(const char *bytes, size_t len, size_t at, uint64_t token)
{
    return at < len && token_at(bytes + at) == token;
}

struct store_token_count bayes_bucket_find(struct span bucket, uint64_t token)
{
    size_t at = is_bucket(bucket.len) ? place(bucket.ptr, bucket.len, token) : bucket.len;

    if (!is_at(bucket.ptr, bucket.len, at, token))
        return (struct store_token_count){ 0, 0 };
    return (struct store_token_count){ count_at(bucket.ptr + at + BAYES_TOKEN_BYTES),
                                       count_at(bucket.ptr + at + HAM_AT) };
}

static void remove_at(struct store_record *bucket, size_t at)
{
    bucket->len -= BAYES_ENTRY_BYTES;
    memmove(bucket->bytes + at, bucket->bytes + at + BAYES_ENTRY_BYTES, bucket->len - at);
}

static void insert_at(struct store_record *bucket, size_t at)
{
    memmove(bucket->bytes + at + BAYES_ENTRY_BYTES, bucket->bytes + at, bucket->len - at);
    bucket->len += BAYES_ENTRY_BYTES;
}

void bayes_bucket_open(struct store_record *bucket, const struct bayes_rules *rules)
{
    bucket->is_changed = false;
    if (!is_bucket(bucket->len))
        bucket->len = 0;
    for (size_t at = 0; rules->life_days && at < bucket->len;)
        if (day_at(bucket->bytes + at) + rules->life_days < rules->day)
            remove_at(bucket, at);
        else
            at += BAYES_ENTRY_BYTES;
}

/* How long it is worth keeping: the younger and the more frequent, the longer. */
static unsigned worth(const char *entry)
{
    uint32_t sum = count_at(entry + BAYES_TOKEN_BYTES) + count_at(entry + HAM_AT);
    unsigned doublings = sum ? 31 - (unsigned)__builtin_clz(sum) : 0;

    return day_at(entry) + BAYES_DAYS_A_DOUBLING * doublings;
}

static void make_room(struct store_record *bucket, unsigned most)
{
    while (bucket->len / BAYES_ENTRY_BYTES >= most) {
        size_t least = 0;

        for (size_t at = BAYES_ENTRY_BYTES; at < bucket->len; at += BAYES_ENTRY_BYTES)
            if (worth(bucket->bytes + at) < worth(bucket->bytes + least))
                least = at;
        remove_at(bucket, least);
    }
}

static uint32_t sum_of(uint32_t count, int64_t by)
{
    int64_t sum = by > BAYES_COUNT_MOST ? BAYES_COUNT_MOST : by < -BAYES_COUNT_MOST ? 0 : count + by;

    return sum < 0 ? 0 : sum > BAYES_COUNT_MOST ? BAYES_COUNT_MOST : (uint32_t)sum;
}

void bayes_bucket_add(struct store_record *bucket, const struct bayes_rules *rules, uint64_t token, int64_t spam,
                      int64_t ham)
{
    size_t at = place(bucket->bytes, bucket->len, token);
    bool is_there = is_at(bucket->bytes, bucket->len, at, token);
    struct store_token_count count = { 0, 0 };

    if (is_there)
        count = bayes_bucket_find(span_make(bucket->bytes, bucket->len), token);
    count.spam = sum_of(count.spam, spam);
    count.ham = sum_of(count.ham, ham);
    if (!count.spam && !count.ham) {
        if (is_there)
            remove_at(bucket, at);
        return;
    }
    if (!is_there) {
        make_room(bucket, rules->most);
        at = place(bucket->bytes, bucket->len, token);
        insert_at(bucket, at);
    }
    char *entry = bucket->bytes + at;

    memcpy(entry, &token, sizeof token);
    count_put(entry + BAYES_TOKEN_BYTES, count.spam);
    count_put(entry + HAM_AT, count.ham);
    entry[DAY_AT] = (char)rules->day;
    entry[DAY_AT + 1] = (char)(rules->day >> 8);
}

/* ---- messages ---- */

static double sane(double n)
{
    return n > 0 ? n < (double)STORE_TIME_MOST ? n : (double)STORE_TIME_MOST : 0;
}

void bayes_totals_load(const struct store_record *record, struct store_bayes_totals *out)
{
    double n[2] = { 0, 0 };

    if (record->len == sizeof n)
        memcpy(n, record->bytes, sizeof n);
    *out = (struct store_bayes_totals){ sane(n[0]), sane(n[1]) };
}

void bayes_totals_save(struct store_record *record, const struct store_bayes_totals *totals)
{
    double n[] = { totals->spam, totals->ham };

    record->len = totals->spam > 0 || totals->ham > 0 ? sizeof n : 0;
    memcpy(record->bytes, n, sizeof n);
    record->expires_ms = 0;
}

static double message_load(const struct store_record *record, int64_t now_ms)
{
    double as;

    if (record->len != sizeof as || (record->expires_ms && record->expires_ms <= now_ms))
        return BAYES_FORGET;
    memcpy(&as, record->bytes, sizeof as);
    return as;
}

bool bayes_was_added(const struct store_record *record, int64_t now_ms)
{
    return message_load(record, now_ms) == BAYES_ADDED;
}

enum bayes_as bayes_message_load(const struct store_record *record, int64_t now_ms)
{
    double as = message_load(record, now_ms);

    return as == BAYES_SPAM ? BAYES_SPAM : as == BAYES_HAM ? BAYES_HAM : BAYES_FORGET;
}

void bayes_message_save(struct store_record *record, const struct store_op *op)
{
    double as = op->kind == STORE_BAYES_ADD ? BAYES_ADDED : (int)op->bayes.as;

    record->len = as == BAYES_FORGET ? 0 : sizeof as;
    memcpy(record->bytes, &as, sizeof as);
    record->expires_ms = op->bayes.remember_ms > 0 ? op_later(op->now_ms, op->bayes.remember_ms) : 0;
}

enum bayes_outcome bayes_outcome_of(enum bayes_as was, enum bayes_as as, int *spam, int *ham)
{
    *spam = (as == BAYES_SPAM) - (was == BAYES_SPAM);
    *ham = (as == BAYES_HAM) - (was == BAYES_HAM);
    if (as == BAYES_FORGET)
        return was == BAYES_FORGET ? BAYES_UNKNOWN : BAYES_FORGOTTEN;
    return was == as ? BAYES_ALREADY : was == BAYES_FORGET ? BAYES_LEARNED : BAYES_RELEARNED;
}

bool bayes_is_refreshed(const struct store_op *op, enum bayes_outcome outcome)
{
    return outcome == BAYES_ALREADY && op->bayes.life_ms > 0;
}

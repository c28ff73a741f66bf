/* tests/kit/store_suite.c - what every backend of the state store does alike. */
#include "tests/kit/store_suite.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "tests/kit/expect.h"
#include "tests/kit/store_bayes.h"

enum { ANSWER_WAIT_MS = 10000, SECOND = 1000, HOUR = 3600 * SECOND };

/* ---- one question ---- */

struct asked {
    struct store_answer answer;
    bool is_here;
};

static char kept_value[STORE_VALUE_MAX], kept_why[500];

static void keep_answer(void *arg, const struct store_answer *answer)
{
    struct asked *asked = arg;

    EXPECT_FALSE(asked->is_here);
    asked->answer = *answer;
    asked->is_here = true;
    snprintf(kept_why, sizeof kept_why, "%s", answer->why);
    asked->answer.why = kept_why;
}

static void keep_value(void *arg, const struct store_answer *answer)
{
    struct asked *asked = arg;

    keep_answer(arg, answer);
    if (answer->state != STORE_OK)
        return;
    EXPECT_TRUE(answer->value.len <= sizeof kept_value);
    memcpy(kept_value, answer->value.ptr, answer->value.len);
    asked->answer.value = span_make(kept_value, answer->value.len);
}

static void wait_for(const struct store_bench *bench, const bool *is_here)
{
    int64_t until_ms = clock_mono_ms() + ANSWER_WAIT_MS;

    while (!*is_here && clock_mono_ms() < until_ms)
        loop_run_once(bench->loop, 20);
    EXPECT_TRUE(*is_here);
}

struct store_answer store_bench_ask(const struct store_bench *bench, const struct store_op *op)
{
    struct asked asked = { 0 };

    store_ask(bench->store, op, 0, op->kind == STORE_GET ? keep_value : keep_answer, &asked);
    EXPECT_FALSE(asked.is_here); /* never before store_ask() has returned */
    wait_for(bench, &asked.is_here);
    return asked.answer;
}

struct store_answer store_bench_put(const struct store_bench *bench, const char *key, const char *value, int life_ms)
{
    struct store_op op = { .kind = STORE_PUT, .key = span_of(key), .now_ms = clock_wall_ms() };

    op.put.value = span_of(value);
    op.put.life_ms = life_ms;
    return store_bench_ask(bench, &op);
}

struct store_answer store_bench_get(const struct store_bench *bench, const char *key)
{
    return store_bench_ask(bench,
                           &(struct store_op){ .kind = STORE_GET, .key = span_of(key), .now_ms = clock_wall_ms() });
}

struct store_answer store_bench_load(const struct store_bench *bench, const char *key, const char *value,
                                     int64_t expires_ms)
{
    struct asked asked = { 0 };

    store_load(bench->store, span_of(key), span_of(value), expires_ms, keep_answer, &asked);
    EXPECT_FALSE(asked.is_here);
    wait_for(bench, &asked.is_here);
    return asked.answer;
}

/* ---- a walk ---- */

struct walked {
    store_walk_fn *fn;
    void *arg;
    int count;
    bool is_over, is_cut;
};

static void count_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    struct walked *walked = arg;

    EXPECT_FALSE(walked->is_over);
    walked->count++;
    if (walked->fn)
        walked->fn(walked->arg, key, value, expires_ms);
}

static void end_walk(void *arg, const char *why)
{
    struct walked *walked = arg;

    EXPECT_FALSE(walked->is_over);
    walked->is_over = true;
    walked->is_cut = why != NULL;
}

int store_bench_walk(const struct store_bench *bench, const char *prefix, store_walk_fn *fn, void *arg)
{
    struct walked walked = { .fn = fn, .arg = arg };

    store_walk(bench->store, span_of(prefix), count_record, end_walk, &walked);
    EXPECT_FALSE(walked.is_over);
    wait_for(bench, &walked.is_over);
    return walked.is_cut ? -1 : walked.count;
}

void store_bench_wait(const struct store_bench *bench, int ms)
{
    int64_t until_ms = clock_mono_ms() + ms;

    while (clock_mono_ms() < until_ms)
        loop_run_once(bench->loop, (int)(until_ms - clock_mono_ms()) + 1);
}

/* ---- the suite ---- */

static char tag[40]; /* of this run's keys */

static struct span key_of(const char *prefix, const char *name)
{
    static char keys[4][STORE_KEY_MAX];
    static unsigned next;
    char *key = keys[next++ % COUNT(keys)];

    snprintf(key, sizeof keys[0], "%s:%s:%s", prefix, tag, name);
    return span_of(key);
}

static void values(const struct store_bench *b)
{
    const char *key = key_of("k", "value").ptr;
    char *large = mem_alloc(STORE_VALUE_MAX + 1);

    EXPECT_INT(STORE_ABSENT, store_bench_get(b, key).state);
    EXPECT_INT(STORE_OK, store_bench_put(b, key, "one", HOUR).state);
    EXPECT_SPAN("one", store_bench_get(b, key).value);
    EXPECT_INT(STORE_OK, store_bench_put(b, key, "two", 0).state);
    EXPECT_SPAN("two", store_bench_get(b, key).value);
    memset(large, 'x', STORE_VALUE_MAX);
    EXPECT_INT(STORE_OK, store_bench_put(b, key, large, HOUR).state);
    EXPECT_SPAN(large, store_bench_get(b, key).value);
    free(large);

    struct store_op drop = { .kind = STORE_DELETE, .key = span_of(key), .now_ms = clock_wall_ms() };

    EXPECT_INT(STORE_OK, store_bench_ask(b, &drop).state);
    EXPECT_INT(STORE_ABSENT, store_bench_get(b, key).state);
    EXPECT_INT(STORE_OK, store_bench_ask(b, &drop).state);
    EXPECT_INT(STORE_OK, store_bench_put(b, key, "three", HOUR).state);
    EXPECT_INT(STORE_OK, store_bench_put(b, key, "", HOUR).state); /* nothing is none */
    EXPECT_INT(STORE_ABSENT, store_bench_get(b, key).state);
}

static void all_bytes_are_kept(const struct store_bench *b)
{
    static const char key[] = "k:\0\r\n\"\\{}\xff\xfe", value[] = "\0\1\xff\r\n*3\r\n$";
    struct store_op op = { .kind = STORE_PUT, .key = span_make(key, sizeof key - 1), .now_ms = clock_wall_ms() };

    op.put.value = span_make(value, sizeof value - 1);
    op.put.life_ms = HOUR;
    EXPECT_INT(STORE_OK, store_bench_ask(b, &op).state);
    op.kind = STORE_GET;
    struct store_answer answer = store_bench_ask(b, &op);

    EXPECT_INT(STORE_OK, answer.state);
    EXPECT_TRUE(span_eq(answer.value, span_make(value, sizeof value - 1)));
    op.kind = STORE_DELETE;
    EXPECT_INT(STORE_OK, store_bench_ask(b, &op).state);
}

static void the_longest_key(const struct store_bench *b)
{
    char key[STORE_KEY_MAX + 1];

    memset(key, 'k', sizeof key);
    memcpy(key, "k:", 2);
    memcpy(key + 2, tag, strlen(tag));
    key[STORE_KEY_MAX] = '\0';
    EXPECT_INT(STORE_OK, store_bench_put(b, key, "long", HOUR).state);
    EXPECT_SPAN("long", store_bench_get(b, key).value);
}

static void values_expire(const struct store_bench *b)
{
    char soon[STORE_KEY_MAX], later[STORE_KEY_MAX];

    snprintf(soon, sizeof soon, "%s", key_of("k", "soon").ptr);
    snprintf(later, sizeof later, "%s", key_of("k", "later").ptr);
    EXPECT_INT(STORE_OK, store_bench_put(b, soon, "gone", 300).state);
    EXPECT_INT(STORE_OK, store_bench_put(b, later, "here", 300).state);
    EXPECT_SPAN("gone", store_bench_get(b, soon).value);
    EXPECT_INT(STORE_OK, store_bench_put(b, later, "here", HOUR).state); /* a longer life counts */
    store_bench_wait(b, 350);
    EXPECT_INT(STORE_ABSENT, store_bench_get(b, soon).state);
    EXPECT_INT(0, store_bench_walk(b, soon, NULL, NULL));
    EXPECT_SPAN("here", store_bench_get(b, later).value);
    EXPECT_INT(STORE_OK, store_bench_put(b, later, "here", 50).state); /* a shorter one, too */
    store_bench_wait(b, 100);
    EXPECT_INT(STORE_ABSENT, store_bench_get(b, later).state);
}

static int64_t count_by(const struct store_bench *b, struct span key, int64_t by, int64_t now_ms, bool slides)
{
    struct store_op op = { .kind = STORE_COUNT, .key = key, .now_ms = now_ms };

    op.count.by = by;
    op.count.life_ms = 200;
    op.count.slides = slides;
    struct store_answer answer = store_bench_ask(b, &op);

    EXPECT_INT(STORE_OK, answer.state);
    return answer.count;
}

static void counters(const struct store_bench *b)
{
    struct span fixed = key_of("c", "fixed"), sliding = key_of("c", "sliding");

    EXPECT_INT(1, count_by(b, fixed, 1, clock_wall_ms(), false));
    EXPECT_INT(6, count_by(b, fixed, 5, clock_wall_ms(), false));
    EXPECT_INT(4, count_by(b, fixed, -2, clock_wall_ms(), false));
    EXPECT_INT(1, count_by(b, sliding, 1, clock_wall_ms() + 300, true));
    EXPECT_INT(2, count_by(b, sliding, 1, clock_wall_ms() + 400, true));
    store_bench_wait(b, 300);
    EXPECT_INT(1, count_by(b, fixed, 1, clock_wall_ms(), false));
    EXPECT_INT(3, count_by(b, sliding, 1, clock_wall_ms() + 100, true));
}

static struct store_answer touch(const struct store_bench *b, struct span key, struct span client, int64_t now_ms)
{
    struct store_op op = { .kind = STORE_GREYLIST, .key = key, .now_ms = now_ms };

    op.greylist.client = client;
    op.greylist.delay_ms = 300 * SECOND;
    op.greylist.window_ms = 48 * HOUR;
    op.greylist.life_ms = 36 * 24LL * HOUR;
    op.greylist.passes = 2;
    op.greylist.pass_gap_ms = HOUR;
    struct store_answer answer = store_bench_ask(b, &op);

    EXPECT_INT(STORE_OK, answer.state);
    return answer;
}

static void greylisting(const struct store_bench *b)
{
    struct span client = key_of("g", "{client}"), one = key_of("g", "{client} one"), two = key_of("g", "{client} two");
    int64_t now = clock_wall_ms();
    struct store_answer answer = touch(b, one, client, now);

    EXPECT_INT(GREYLIST_NEW, answer.greylist.state);
    EXPECT_INT(300 * SECOND, answer.greylist.left_ms);
    answer = touch(b, one, client, now + 100 * SECOND);
    EXPECT_INT(GREYLIST_EARLY, answer.greylist.state);
    EXPECT_INT(200 * SECOND, answer.greylist.left_ms);
    EXPECT_INT(0, answer.greylist.passes);
    answer = touch(b, one, client, now + 300 * SECOND);
    EXPECT_INT(GREYLIST_PASSED, answer.greylist.state);
    EXPECT_INT(300 * SECOND, answer.greylist.waited_ms);
    EXPECT_INT(1, answer.greylist.passes);
    EXPECT_INT(GREYLIST_KNOWN, touch(b, one, client, now + 301 * SECOND).greylist.state);
    EXPECT_INT(GREYLIST_NEW, touch(b, two, client, now + 302 * SECOND).greylist.state);
    EXPECT_INT(2, touch(b, one, client, now + 2 * HOUR).greylist.passes);
    EXPECT_INT(GREYLIST_CLIENT, touch(b, two, client, now + 2 * HOUR).greylist.state);
}

static struct store_answer rate(const struct store_bench *b, enum store_kind kind, struct span key, double cost,
                                int64_t now_ms)
{
    struct store_op op = { .kind = kind, .key = key, .now_ms = now_ms };

    op.rate = (struct store_rate){ .cost = cost, .rate = 1, .capacity = 3, .life_ms = HOUR, .by = 1 };
    if (kind == STORE_RATE_GIVE)
        op.rate.by = 0.5, op.rate.least = 0.1, op.rate.most = 2;
    struct store_answer answer = store_bench_ask(b, &op);

    EXPECT_INT(STORE_OK, answer.state);
    return answer;
}

static void rates(const struct store_bench *b)
{
    struct span key = key_of("r", "bucket");
    int64_t now = clock_wall_ms();

    for (int i = 1; i <= 3; i++)
        EXPECT_TRUE(rate(b, STORE_RATE_TAKE, key, 1, now).rate.level == i);
    struct store_answer answer = rate(b, STORE_RATE_TAKE, key, 1, now);

    EXPECT_TRUE(answer.rate.is_over && answer.rate.level == 3 && answer.rate.capacity == 3);
    EXPECT_TRUE(answer.rate.retry_ms >= 1000 && answer.rate.retry_ms <= 1001);
    EXPECT_FALSE(rate(b, STORE_RATE_TAKE, key, 1, now + 1001).rate.is_over);
    answer = rate(b, STORE_RATE_TAKE, key, 4, now + 1001);
    EXPECT_TRUE(answer.rate.is_over && answer.rate.retry_ms == INT64_MAX);
    answer = rate(b, STORE_RATE_GIVE, key, 2, now + 1001);
    EXPECT_TRUE(answer.rate.capacity == 1.5 && answer.rate.level > 0.9 && answer.rate.level < 1.1);
}

static void put_doubles(const struct store_bench *b, struct span key, const double *values, size_t count)
{
    struct store_op op = { .kind = STORE_PUT, .key = key, .now_ms = clock_wall_ms() };

    op.put.value = span_make((const char *)values, count * sizeof *values);
    op.put.life_ms = HOUR;
    EXPECT_INT(STORE_OK, store_bench_ask(b, &op).state);
}

/* Begun by a clock that was ahead: by more than its delay, it begins anew. */
static void a_triplet_of_a_wrong_clock(const struct store_bench *b)
{
    struct span key = key_of("g", "{odd} clock");
    int64_t now = clock_wall_ms();
    double delay = 300 * SECOND, ahead = (double)now + delay;

    put_doubles(b, key, (double[]){ ahead, 0, ahead }, 3);
    struct store_answer answer = touch(b, key, SPAN(""), now);

    EXPECT_INT(GREYLIST_EARLY, answer.greylist.state);
    EXPECT_INT(300 * SECOND, answer.greylist.left_ms);
    put_doubles(b, key, (double[]){ ahead + 1, 0, ahead + 1 }, 3);
    EXPECT_INT(GREYLIST_NEW, touch(b, key, SPAN(""), now).greylist.state);
    put_doubles(b, key, (double[]){ 0.0 / 0.0, 0, 1 }, 3);
    EXPECT_INT(GREYLIST_NEW, touch(b, key, SPAN(""), now).greylist.state);
}

static void a_bucket_that_nobody_would_write(const struct store_bench *b)
{
    struct span key = key_of("r", "odd");
    double now = (double)clock_wall_ms(), nan = 0.0 / 0.0;
    const struct {
        double record[5], level, capacity;
    } cases[] = {
        { { 1, now, 1, 0, 0 }, 2, 3 },
        { { 1, now + HOUR, 1, 0, 0 }, 2, 3 },     /* as far ahead as it lives */
        { { 1, now + HOUR + 1, 9, 0, 0 }, 1, 3 }, /* further: none */
        { { 1, nan, 9, 0, 0 }, 1, 3 },            /* none */
        { { 1, now, 0, 0, 0 }, 2, 3 },            /* a factor that is none is 1 */
        { { 1, now, -1, 0, 0 }, 2, 3 },
        { { 1, now, nan, 0, 0 }, 2, 3 },
        { { 1, now, 1000001, 0, 0 }, 2, 3 },
        { { 1, now, 1000000, 0, 0 }, 2, 3000000 },
        { { 1.1e18, now, 1, 0, 0 }, 1, 3 }, /* a level that is none is 0 */
        { { nan, now, 1, 0, 0 }, 1, 3 },
        { { -5, now, 1, 0, 0 }, 1, 3 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        put_doubles(b, key, cases[i].record, 5);
        struct store_answer answer = rate(b, STORE_RATE_TAKE, key, 1, (int64_t)now);

        EXPECT_FALSE(answer.rate.is_over);
        EXPECT_TRUE(answer.rate.level == cases[i].level);
        EXPECT_TRUE(answer.rate.capacity == cases[i].capacity);
    }
}

static void what_is_too_long_is_refused(const struct store_bench *b)
{
    char *long_text = mem_alloc(STORE_VALUE_MAX + 2);
    const char *key = key_of("k", "too long").ptr;
    struct store_op op = { .kind = STORE_COUNT, .now_ms = clock_wall_ms(), .count = { .by = 1, .life_ms = HOUR } };

    memset(long_text, 'x', STORE_VALUE_MAX + 1);
    EXPECT_INT(STORE_FAILED, store_bench_put(b, key, long_text, HOUR).state);
    EXPECT_INT(STORE_FAILED, store_bench_load(b, key, long_text, 0).state);
    EXPECT_INT(STORE_ABSENT, store_bench_load(b, key, "", 0).state);
    EXPECT_INT(STORE_ABSENT, store_bench_get(b, key).state);
    op.key = span_make(long_text, STORE_KEY_MAX + 1);
    EXPECT_INT(STORE_FAILED, store_bench_ask(b, &op).state);
    op.key = SPAN("");
    EXPECT_INT(STORE_FAILED, store_bench_ask(b, &op).state);
    op.key = span_make("\0k", 2);
    EXPECT_INT(STORE_FAILED, store_bench_ask(b, &op).state);
    free(long_text);
}

static void keep_time(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    (void)key, (void)value;
    *(int64_t *)arg = expires_ms;
}

static void the_end_of_time(const struct store_bench *b)
{
    struct store_op op = { .kind = STORE_PUT, .key = key_of("k", "end"), .now_ms = clock_wall_ms() };
    int64_t expires_ms = 0;

    op.put.value = SPAN("x");
    op.put.life_ms = INT64_MAX;
    EXPECT_INT(STORE_OK, store_bench_ask(b, &op).state);
    EXPECT_INT(1, store_bench_walk(b, op.key.ptr, keep_time, &expires_ms));
    EXPECT_INT(STORE_TIME_MOST, expires_ms);
    EXPECT_INT(STORE_ABSENT, store_bench_load(b, op.key.ptr, "y", INT64_MAX).state);
    EXPECT_INT(STORE_OK, store_bench_load(b, op.key.ptr, "y", 0).state);
}

struct order {
    int64_t seen[100];
    int count;
};

static void note_order(void *arg, const struct store_answer *answer)
{
    struct order *order = arg;

    EXPECT_INT(STORE_OK, answer->state);
    order->seen[order->count++] = answer->count;
}

static void a_turn_is_done_in_order(const struct store_bench *b)
{
    struct span key = key_of("c", "order");
    struct order order = { .count = 0 };
    int64_t until_ms = clock_mono_ms() + ANSWER_WAIT_MS;

    for (int i = 0; i < 100; i++) {
        struct store_op op = { .kind = STORE_COUNT, .key = key, .now_ms = clock_wall_ms(), .nonce = (uint64_t)i };

        op.count.by = 1;
        op.count.life_ms = HOUR;
        if (i % 2)
            store_ask(b->store, &op, 0, note_order, &order);
        else
            store_tell(b->store, &op);
    }
    while (order.count < 50 && clock_mono_ms() < until_ms)
        loop_run_once(b->loop, 20);
    EXPECT_INT(50, order.count);
    for (int i = 0; i < 50; i++)
        EXPECT_INT(2 * i + 2, order.seen[i]);
}

static void never(void *arg, const struct store_answer *answer)
{
    (void)arg, (void)answer;
    fail_msg("who has cancelled is not answered");
}

static void cancelling(const struct store_bench *b)
{
    struct span key = key_of("c", "cancelled");
    struct store_op op = { .kind = STORE_COUNT, .key = key, .now_ms = clock_wall_ms() };

    op.count.by = 1;
    op.count.life_ms = HOUR;
    store_cancel(b->store, store_ask(b->store, &op, 0, never, NULL));
    int64_t count = store_bench_ask(b, &op).count;

    EXPECT_TRUE(count == 1 || count == 2); /* it may have been done all the same */
}

struct again {
    const struct store_bench *bench;
    struct store_op op;
    int left;
    bool is_over;
};

static void ask_again(void *arg, const struct store_answer *answer)
{
    struct again *again = arg;

    EXPECT_INT(STORE_OK, answer->state);
    again->is_over = --again->left == 0;
    if (!again->is_over)
        store_ask(again->bench->store, &again->op, 0, ask_again, again);
}

static void asking_from_an_answer(const struct store_bench *b)
{
    struct again again = { .bench = b, .left = 20 };

    again.op = (struct store_op){ .kind = STORE_COUNT, .key = key_of("c", "again"), .now_ms = clock_wall_ms() };
    again.op.count.by = 1;
    again.op.count.life_ms = HOUR;
    store_ask(b->store, &again.op, 0, ask_again, &again);
    wait_for(b, &again.is_over);
}

struct copies {
    struct {
        char key[64], value[16];
        int64_t expires_ms;
    } item[600];
    int count;
};

static void copy_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    struct copies *copies = arg;

    EXPECT_TRUE(copies->count < (int)COUNT(copies->item));
    EXPECT_INT(FAULT_NONE, span_copy(key, copies->item[copies->count].key, sizeof copies->item[0].key));
    EXPECT_INT(FAULT_NONE, span_copy(value, copies->item[copies->count].value, sizeof copies->item[0].value));
    copies->item[copies->count++].expires_ms = expires_ms;
}

static void walking_and_loading(const struct store_bench *b)
{
    struct copies *copies = mem_alloc(sizeof *copies);
    char prefix[STORE_KEY_MAX], key[STORE_KEY_MAX + 8];
    int64_t now = clock_wall_ms();

    snprintf(prefix, sizeof prefix, "%s", key_of("k", "walk ").ptr);
    EXPECT_INT(0, store_bench_walk(b, prefix, NULL, NULL));
    for (int i = 0; i < 500; i++) {
        struct store_op op = { .kind = STORE_PUT, .now_ms = now };

        snprintf(key, sizeof key, "%s%d", prefix, i);
        op.key = span_of(key);
        op.put.value = SPAN("value");
        op.put.life_ms = i ? HOUR + i : 0;
        store_tell(b->store, &op);
    }
    EXPECT_INT(500, store_bench_walk(b, prefix, copy_record, copies));
    for (int i = 0; i < copies->count; i++) {
        struct span number = span_skip(span_of(copies->item[i].key), strlen(prefix));
        uint64_t n = 0;

        EXPECT_INT(FAULT_NONE, span_u64(number, 499, &n));
        EXPECT_STR("value", copies->item[i].value);
        EXPECT_INT(n ? now + HOUR + (int64_t)n : 0, copies->item[i].expires_ms);
    }
    free(copies);
    snprintf(key, sizeof key, "%s7", prefix);
    EXPECT_INT(STORE_ABSENT, store_bench_load(b, key, "older", now + HOUR).state);
    EXPECT_INT(STORE_ABSENT, store_bench_load(b, key, "equal", now + HOUR + 7).state);
    EXPECT_SPAN("value", store_bench_get(b, key).value);
    EXPECT_INT(STORE_OK, store_bench_load(b, key, "newer", now + 2 * HOUR).state);
    EXPECT_SPAN("newer", store_bench_get(b, key).value);
    EXPECT_INT(STORE_OK, store_bench_load(b, key, "for ever", 0).state);
    EXPECT_INT(STORE_ABSENT, store_bench_load(b, key, "newer", now + 9 * HOUR).state);
    EXPECT_SPAN("for ever", store_bench_get(b, key).value);
    snprintf(key, sizeof key, "%snew", prefix);
    EXPECT_INT(STORE_ABSENT, store_bench_load(b, key, "late", now - 1).state);
    EXPECT_INT(STORE_ABSENT, store_bench_get(b, key).state);
    EXPECT_INT(STORE_OK, store_bench_load(b, key, "new", now + HOUR).state);
    EXPECT_SPAN("new", store_bench_get(b, key).value);
}

static void counting(const struct store_bench *b)
{
    struct store_counters before, after;

    store_counters(b->store, &before);
    store_bench_get(b, "k:nothing");
    store_counters(b->store, &after);
    EXPECT_INT(before.asked + 1, after.asked);
    EXPECT_INT(before.failed, after.failed);
    EXPECT_FALSE(after.is_down);
}

void store_suite(const struct store_bench *bench)
{
    snprintf(tag, sizeof tag, "%ld-%lld", (long)getpid(), (long long)clock_mono_us());
    values(bench);
    all_bytes_are_kept(bench);
    the_longest_key(bench);
    values_expire(bench);
    counters(bench);
    greylisting(bench);
    rates(bench);
    a_triplet_of_a_wrong_clock(bench);
    a_bucket_that_nobody_would_write(bench);
    what_is_too_long_is_refused(bench);
    the_end_of_time(bench);
    a_turn_is_done_in_order(bench);
    cancelling(bench);
    asking_from_an_answer(bench);
    walking_and_loading(bench);
    counting(bench);
    store_bayes_suite(bench);
}

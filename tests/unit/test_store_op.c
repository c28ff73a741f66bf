/* tests/unit/test_store_op.c - the arithmetic of the state store's operations, as tables of what is asked one after the
 * other of one record.
 */
#include <math.h>
#include <stdlib.h>

#include "gateway/store/op.h"
#include "tests/kit/expect.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAY  (24LL * HOUR)
#define NOW  1790000000000LL /* some day in 2026 */
#define LIFE (36 * DAY)

static struct store_record record, client;

static void forget(void)
{
    record.len = client.len = 0;
    record.expires_ms = client.expires_ms = 0;
}

static void put_doubles(struct store_record *r, const double *values, size_t count)
{
    memcpy(r->bytes, values, count * sizeof *values);
    r->len = count * sizeof *values;
    r->expires_ms = 0;
}

/* ---- greylisting ---- */

struct
try {
    int64_t at_ms; /* from NOW on */
    enum greylist_state state;
    int64_t left_ms, waited_ms, passes;
    bool is_written;
    int64_t expires_ms; /* of the triplet, from NOW on, when it is written */
};

static const struct store_greylist usual = {
    .client = { "g:client", 8 },
    .delay_ms = 5 * MINUTE,
    .window_ms = 2 * DAY,
    .life_ms = LIFE,
    .passes = 2,
    .pass_gap_ms = HOUR,
};

static void tries(const struct store_greylist *rules, const struct try *t, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct store_op op = { .kind = STORE_GREYLIST, .key = SPAN("g:x"), .now_ms = NOW + t[i].at_ms };
        struct store_answer answer;

        op.greylist = *rules;
        print_message("try %zu\n", i);
        EXPECT_INT(t[i].is_written, op_apply(&op, &record, &client, &answer));
        EXPECT_INT(STORE_OK, answer.state);
        EXPECT_INT(t[i].state, answer.greylist.state);
        EXPECT_INT(t[i].left_ms, answer.greylist.left_ms);
        EXPECT_INT(t[i].waited_ms, answer.greylist.waited_ms);
        EXPECT_INT(t[i].passes, answer.greylist.passes);
        if (record.is_changed)
            EXPECT_INT(NOW + t[i].expires_ms, record.expires_ms);
    }
}

static void a_triplet_waits_and_passes(void **state)
{
    static const struct try t[] = {
        { 0, GREYLIST_NEW, 5 * MINUTE, 0, 0, true, 2 * DAY },
        { 1, GREYLIST_EARLY, 5 * MINUTE - 1, 1, 0, false, 0 },
        { 5 * MINUTE - 1, GREYLIST_EARLY, 1, 5 * MINUTE - 1, 0, false, 0 },
        { 5 * MINUTE, GREYLIST_PASSED, 0, 5 * MINUTE, 1, true, 5 * MINUTE + LIFE },
        { 6 * MINUTE, GREYLIST_KNOWN, 0, 6 * MINUTE, 1, false, 0 },  /* nothing worth a write */
        { 66 * MINUTE, GREYLIST_KNOWN, 0, 66 * MINUTE, 2, true, 0 }, /* the client's alone */
        { 67 * MINUTE, GREYLIST_CLIENT, 0, 0, 2, false, 0 },
        { 15 * HOUR, GREYLIST_CLIENT, 0, 0, 2, true, 0 }, /* its use is noted */
    };

    (void)state;
    forget();
    tries(&usual, t, 5);
    EXPECT_INT(NOW + 5 * MINUTE + LIFE, client.expires_ms);
    op_apply(&(struct store_op){ .kind = STORE_GREYLIST, .now_ms = NOW + 66 * MINUTE, .greylist = usual }, &record,
             &client, &(struct store_answer){ 0 });
    EXPECT_FALSE(record.is_changed);
    EXPECT_TRUE(client.is_changed);
    tries(&usual, t + 6, 2);
    EXPECT_INT(NOW + 15 * HOUR + LIFE, client.expires_ms);
}

static void a_window_that_has_passed_begins_anew(void **state)
{
    static const struct try t[] = {
        { 0, GREYLIST_NEW, 5 * MINUTE, 0, 0, true, 2 * DAY },
        { 2 * DAY - 1, GREYLIST_PASSED, 0, 2 * DAY - 1, 1, true, 2 * DAY - 1 + LIFE },
    };
    static const struct try late[] = {
        { 0, GREYLIST_NEW, 5 * MINUTE, 0, 0, true, 2 * DAY },
        { 2 * DAY, GREYLIST_NEW, 5 * MINUTE, 0, 0, true, 4 * DAY },
    };

    (void)state;
    forget();
    tries(&usual, t, COUNT(t));
    forget();
    tries(&usual, late, COUNT(late));
}

static void a_life_counts_from_the_last_use(void **state)
{
    static const struct try t[] = {
        { 0, GREYLIST_NEW, 5 * MINUTE, 0, 0, true, 2 * DAY },
        { HOUR, GREYLIST_PASSED, 0, HOUR, 0, true, HOUR + LIFE },
        { LIFE, GREYLIST_KNOWN, 0, LIFE, 0, true, 2 * LIFE },
        { 2 * LIFE - 1, GREYLIST_KNOWN, 0, 2 * LIFE - 1, 0, true, 3 * LIFE - 1 },
        { 3 * LIFE - 1, GREYLIST_NEW, 5 * MINUTE, 0, 0, true, 3 * LIFE - 1 + 2 * DAY },
    };
    struct store_greylist rules = usual;

    (void)state;
    forget();
    rules.client = SPAN("");
    tries(&rules, t, COUNT(t));
    EXPECT_INT(0, client.len); /* none is learned */
}

static void no_delay_passes_at_once(void **state)
{
    static const struct try t[] = { { 0, GREYLIST_PASSED, 0, 0, 1, true, LIFE },
                                    { 1, GREYLIST_KNOWN, 0, 1, 1, false, 0 } };
    struct store_greylist rules = usual;

    (void)state;
    forget();
    rules.delay_ms = 0;
    tries(&rules, t, COUNT(t));
}

static void a_clock_that_runs_back_stands(void **state)
{
    static const struct try t[] = {
        { 0, GREYLIST_NEW, 5 * MINUTE, 0, 0, true, 2 * DAY },
        { -MINUTE, GREYLIST_EARLY, 5 * MINUTE, 0, 0, false, 0 },
        { 5 * MINUTE, GREYLIST_PASSED, 0, 5 * MINUTE, 1, true, 5 * MINUTE + LIFE },
        { -HOUR, GREYLIST_NEW, 5 * MINUTE, 0, 1, true, 2 * DAY - HOUR }, /* it was wrong by more than the delay */
    };

    (void)state;
    forget();
    tries(&usual, t, COUNT(t));
}

/* ---- rates ---- */

struct take {
    int64_t at_ms;
    double cost;
    bool is_over;
    double level;
    int64_t retry_ms;
};

static struct store_answer take(const struct store_rate *rule, double cost, int64_t now_ms)
{
    struct store_op op = { .kind = STORE_RATE_TAKE, .key = SPAN("r:x"), .now_ms = now_ms, .rate = *rule };
    struct store_answer answer;

    op.rate.cost = cost;
    EXPECT_TRUE(op_apply(&op, &record, NULL, &answer));
    EXPECT_INT(STORE_OK, answer.state);
    return answer;
}

static struct store_answer give(const struct store_rate *rule, double cost, double by, int64_t now_ms)
{
    struct store_op op = { .kind = STORE_RATE_GIVE, .key = SPAN("r:x"), .now_ms = now_ms, .rate = *rule };
    struct store_answer answer;

    op.rate.cost = cost;
    op.rate.by = by;
    EXPECT_TRUE(op_apply(&op, &record, NULL, &answer));
    return answer;
}

static const struct store_rate two_a_second = {
    .rate = 2, .capacity = 10, .life_ms = HOUR, .by = 1, .least = 0.25, .most = 4
};

static void a_bucket_fills_and_leaks(void **state)
{
    static const struct take t[] = {
        { 0, 4, false, 4, 0 },
        { 0, 6, false, 10, 0 },              /* to the brim */
        { 0, 1, true, 10, 501 },             /* two a second */
        { 500, 1, false, 10, 0 },            /* one has leaked */
        { 400, 1, true, 10, 501 },           /* the clock runs back: it stands */
        { 1500, 2, false, 10, 0 },           /* and goes on from where it was */
        { 1500, 10.5, true, 10, INT64_MAX }, /* never */
        { 1500, 0, false, 10, 0 },           /* nothing costs nothing */
        { 1500, -5, false, 10, 0 },          /* and less than nothing, too */
        { 1500, NAN, false, 10, 0 },
        { 1500, INFINITY, true, 10, INT64_MAX },
        { 20000, 1, false, 1, 0 },        /* empty, not less */
        { 20000 + HOUR, 1, false, 1, 0 }, /* forgotten */
    };

    (void)state;
    forget();
    for (size_t i = 0; i < COUNT(t); i++) {
        print_message("take %zu\n", i);
        struct store_answer answer = take(&two_a_second, t[i].cost, NOW + t[i].at_ms);

        EXPECT_INT(t[i].is_over, answer.rate.is_over);
        assert_float_equal(t[i].level, answer.rate.level, 1e-6);
        assert_float_equal(10, answer.rate.capacity, 0);
        EXPECT_INT(t[i].retry_ms, answer.rate.retry_ms);
        if (!answer.rate.is_over)
            EXPECT_INT(HOUR, record.expires_ms - (NOW + t[i].at_ms));
    }
}

static void retrying_when_told_works(void **state)
{
    (void)state;
    for (int i = 1; i < 50; i++) {
        struct store_rate rule = { .rate = i / 7.0, .capacity = 3, .life_ms = DAY, .by = 1 };

        forget();
        take(&rule, 3, NOW);
        struct store_answer answer = take(&rule, 1, NOW);

        EXPECT_TRUE(answer.rate.is_over);
        EXPECT_TRUE(take(&rule, 1, NOW + answer.rate.retry_ms - 2).rate.is_over);
        EXPECT_FALSE(take(&rule, 1, NOW + answer.rate.retry_ms).rate.is_over);
    }
}

static void a_bucket_that_does_not_leak(void **state)
{
    struct store_rate rule = two_a_second;

    (void)state;
    forget();
    rule.rate = 0;
    take(&rule, 10, NOW);
    EXPECT_TRUE(take(&rule, 1, NOW + HOUR - 1).rate.retry_ms == INT64_MAX);
    rule.capacity = 0;
    EXPECT_TRUE(take(&rule, 1, NOW).rate.is_over);
}

static void giving_back(void **state)
{
    (void)state;
    forget();
    take(&two_a_second, 6, NOW);
    assert_float_equal(4, give(&two_a_second, 2, 1, NOW).rate.level, 1e-9);
    assert_float_equal(0, give(&two_a_second, 9, 1, NOW).rate.level, 1e-9);    /* not below empty */
    assert_float_equal(25, give(&two_a_second, -25, 1, NOW).rate.level, 1e-9); /* added, room or not */
    EXPECT_TRUE(take(&two_a_second, 1, NOW).rate.is_over);
}

static void a_factor_stays_in_its_bounds(void **state)
{
    static const struct {
        double by, capacity;
    } cases[] = {
        { 2, 20 },  { 2, 40 },   { 2, 40 },    { 0.5, 20 },      { 1, 20 }, { 0.01, 2.5 },
        { 0, 2.5 }, { -3, 2.5 }, { NAN, 2.5 }, { INFINITY, 40 }, { 1, 40 },
    };

    (void)state;
    forget();
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_float_equal(cases[i].capacity, give(&two_a_second, 0, cases[i].by, NOW).rate.capacity, 1e-9);
    take(&two_a_second, 40, NOW);
    assert_float_equal(32, take(&two_a_second, 0, NOW + SECOND).rate.level, 1e-9); /* it leaks faster, too */
}

static void refusals_are_counted(void **state)
{
    struct store_rate_state seen;

    (void)state;
    forget();
    take(&two_a_second, 10, NOW);
    take(&two_a_second, 1, NOW + 1);
    take(&two_a_second, 1, NOW + 2);
    EXPECT_TRUE(store_rate_look(span_make(record.bytes, record.len), 2, NOW + 1000, &seen));
    assert_float_equal(8, seen.level, 1e-6);
    EXPECT_TRUE(seen.refused == 2 && seen.factor == 1);
    EXPECT_INT(NOW + 2, seen.refused_ms);
    EXPECT_FALSE(store_rate_look(SPAN("other"), 2, NOW, &seen));
}

/* ---- counters and values ---- */

static int64_t count(int64_t by, bool slides, int64_t now_ms)
{
    struct store_op op = { .kind = STORE_COUNT, .key = SPAN("c:x"), .now_ms = now_ms };
    struct store_answer answer;

    op.count.by = by;
    op.count.life_ms = HOUR;
    op.count.slides = slides;
    EXPECT_TRUE(op_apply(&op, &record, NULL, &answer));
    return answer.count;
}

static void counters_are_forgotten(void **state)
{
    (void)state;
    forget();
    EXPECT_INT(2, count(2, false, NOW));
    EXPECT_INT(-1, count(-3, false, NOW + HOUR - 1));
    EXPECT_INT(1, count(1, false, NOW + HOUR));
    forget();
    EXPECT_INT(1, count(1, true, NOW));
    EXPECT_INT(2, count(1, true, NOW + HOUR - 1));
    EXPECT_INT(3, count(1, true, NOW + 2 * HOUR - 2));
    EXPECT_INT(1, count(1, true, NOW + 3 * HOUR - 2));
    forget();
    EXPECT_TRUE(count(INT64_MAX, false, NOW) > 0);
    EXPECT_TRUE(count(INT64_MAX, false, NOW) > 0);
    EXPECT_TRUE(count(INT64_MIN, false, NOW) <= 0);
}

static enum store_state value(enum store_kind kind, const char *text, int64_t life_ms, int64_t now_ms, bool is_written)
{
    struct store_op op = { .kind = kind, .key = SPAN("k:x"), .now_ms = now_ms };
    struct store_answer answer;

    if (kind == STORE_PUT) {
        op.put.value = span_of(text);
        op.put.life_ms = life_ms;
    }
    EXPECT_INT(is_written, op_apply(&op, &record, NULL, &answer));
    if (kind == STORE_GET && answer.state == STORE_OK)
        EXPECT_SPAN(text, answer.value);
    return answer.state;
}

static void values_are_kept_for_their_life(void **state)
{
    (void)state;
    forget();
    EXPECT_INT(STORE_ABSENT, value(STORE_GET, NULL, 0, NOW, false));
    EXPECT_INT(STORE_OK, value(STORE_PUT, "one", HOUR, NOW, true));
    EXPECT_INT(STORE_OK, value(STORE_GET, "one", 0, NOW + HOUR - 1, false));
    EXPECT_INT(STORE_ABSENT, value(STORE_GET, NULL, 0, NOW + HOUR, false));
    EXPECT_INT(STORE_OK, value(STORE_PUT, "two", 0, NOW, true));
    EXPECT_INT(STORE_OK, value(STORE_GET, "two", 0, INT64_MAX, false));
    EXPECT_INT(STORE_OK, value(STORE_PUT, "three", INT64_MAX, NOW, true)); /* as good as for ever */
    EXPECT_INT(STORE_OK, value(STORE_GET, "three", 0, NOW + 1000 * DAY, false));
    EXPECT_INT(STORE_OK, value(STORE_DELETE, NULL, 0, NOW, true));
    EXPECT_INT(STORE_OK, value(STORE_DELETE, NULL, 0, NOW, false));
    EXPECT_INT(STORE_OK, value(STORE_PUT, "", HOUR, NOW, true));
    EXPECT_INT(STORE_ABSENT, value(STORE_GET, NULL, 0, NOW, false));
}

/* ---- what stands in a record ---- */

/* Imports may bring any bytes; under UBSan a conversion out of range would end the test. */
static void no_bytes_do_harm(void **state)
{
    static const double odd[] = { NAN, -NAN, INFINITY, -INFINITY, 1e300, -1e300, 1e-320, 9.3e18, -9.3e18, 0, -1, 1e15 };
    const struct store_rate rule = two_a_second;

    (void)state;
    for (size_t i = 0; i < COUNT(odd) * COUNT(odd); i++) {
        double a = odd[i / COUNT(odd)], b = odd[i % COUNT(odd)], five[] = { a, b, a, b, a }, three[] = { a, b, b };
        struct store_op op = { .kind = STORE_GREYLIST, .now_ms = NOW, .greylist = usual };
        struct store_answer answer;
        struct store_rate_state seen;

        put_doubles(&record, three, 3);
        put_doubles(&client, three, 3);
        op_apply(&op, &record, &client, &answer);
        EXPECT_TRUE(answer.greylist.left_ms >= 0 && answer.greylist.left_ms <= usual.delay_ms);
        put_doubles(&record, five, 5);
        store_rate_look(span_make(record.bytes, record.len), 2, NOW, &seen);
        EXPECT_TRUE(take(&rule, 1, NOW).rate.level >= 0);
        put_doubles(&record, five, 5);
        EXPECT_TRUE(give(&rule, 1, 2, NOW).rate.capacity >= 2.5);
        put_doubles(&record, five, 1);
        count(1, false, NOW);
    }
}

static void another_length_is_no_record(void **state)
{
    static const double doubles[] = { NOW - 1e6, NOW, NOW, 1, 1, 1 };

    (void)state;
    for (size_t n = 0; n <= COUNT(doubles); n++) {
        struct store_op op = { .kind = STORE_GREYLIST, .now_ms = NOW, .greylist = usual };
        struct store_answer answer;

        put_doubles(&record, doubles, n);
        client.len = 0;
        op_apply(&op, &record, &client, &answer);
        EXPECT_INT(n == 3 ? GREYLIST_KNOWN : GREYLIST_NEW, answer.greylist.state);
        put_doubles(&record, doubles, n);
        EXPECT_TRUE((take(&two_a_second, 1, NOW).rate.level == 1) == (n != 5));
    }
}

static void huge_times_do_not_overflow(void **state)
{
    struct store_op op = { .kind = STORE_GREYLIST, .now_ms = INT64_MAX - 1, .greylist = usual };
    struct store_answer answer;

    (void)state;
    forget();
    op.greylist.window_ms = op.greylist.life_ms = INT64_MAX;
    op_apply(&op, &record, &client, &answer);
    EXPECT_INT(STORE_TIME_MOST, record.expires_ms);
    op.greylist.delay_ms = INT64_MAX;
    op_apply(&op, &record, &client, &answer);
    forget();
    take(&(struct store_rate){ .rate = 1e300, .capacity = 1e300, .life_ms = INT64_MAX, .by = 1 }, 1e299, INT64_MAX);
    EXPECT_INT(STORE_TIME_MOST, record.expires_ms);
}

/* ---- keys ---- */

static void long_keys_are_shortened_and_differ(void **state)
{
    char text[2 * STORE_KEY_MAX];
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    memset(text, 'a', sizeof text);
    struct span longest = store_key(&arena, span_make(text, STORE_KEY_MAX));
    struct span one = store_key(&arena, span_make(text, sizeof text));

    EXPECT_INT(STORE_KEY_MAX, longest.len);
    EXPECT_TRUE(one.len <= STORE_KEY_MAX);
    EXPECT_TRUE(span_eq(one, store_key(&arena, span_make(text, sizeof text))));
    text[sizeof text - 1] = 'b';
    EXPECT_FALSE(span_eq(one, store_key(&arena, span_make(text, sizeof text))));
    EXPECT_FALSE(span_eq(one, store_key(&arena, span_make(text, sizeof text - 1))));
    arena_release(&arena);
}

static void the_same_question(void **state)
{
    struct store_op x = { .kind = STORE_GREYLIST, .key = SPAN("g:x"), .now_ms = 1, .greylist = usual }, y = x;

    (void)state;
    y.now_ms = 2;
    EXPECT_TRUE(op_eq(&x, &y) && op_hash(&x) == op_hash(&y));
    y.greylist.client = SPAN("g:other");
    EXPECT_FALSE(op_eq(&x, &y));
    y = x;
    y.nonce = 1;
    EXPECT_FALSE(op_eq(&x, &y));
    y = (struct store_op){ .kind = STORE_GET, .key = SPAN("g:x") };
    EXPECT_FALSE(op_eq(&x, &y));
}

RUN_TESTS(TEST(a_triplet_waits_and_passes), TEST(a_window_that_has_passed_begins_anew),
          TEST(a_life_counts_from_the_last_use), TEST(no_delay_passes_at_once), TEST(a_clock_that_runs_back_stands),
          TEST(a_bucket_fills_and_leaks), TEST(retrying_when_told_works), TEST(a_bucket_that_does_not_leak),
          TEST(giving_back), TEST(a_factor_stays_in_its_bounds), TEST(refusals_are_counted),
          TEST(counters_are_forgotten), TEST(values_are_kept_for_their_life), TEST(no_bytes_do_harm),
          TEST(another_length_is_no_record), TEST(huge_times_do_not_overflow), TEST(long_keys_are_shortened_and_differ),
          TEST(the_same_question))

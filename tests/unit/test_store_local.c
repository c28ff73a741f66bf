/* tests/unit/test_store_local.c - the state store's stand-in in memory, and what a rate's record says. */
#include "gateway/store/local.h"

#include "tests/kit/expect.h"

static struct store_op rate(enum store_kind kind, const char *key, double cost, int64_t now_ms)
{
    return (struct store_op){ .kind = kind,
                              .key = span_of(key),
                              .now_ms = now_ms,
                              .is_local = true,
                              .rate = { .cost = cost, .rate = 1, .capacity = 3, .life_ms = 60000, .by = 1 } };
}

static bool takes(struct local *local, const char *key, double cost, int64_t now_ms)
{
    const struct store_op op = rate(STORE_RATE_TAKE, key, cost, now_ms);
    struct store_answer answer;

    local_do(local, &op, &answer);
    EXPECT_INT(STORE_OK, answer.state);
    return !answer.rate.is_over;
}

static void a_rate_is_counted_as_in_the_store(void **state)
{
    struct local *local = local_new();
    struct store_op give = rate(STORE_RATE_GIVE, "r:a", 2, 1000);
    struct store_answer answer;

    (void)state;
    for (int i = 0; i < 3; i++)
        EXPECT_TRUE(takes(local, "r:a", 1, 1000));
    EXPECT_FALSE(takes(local, "r:a", 1, 1000));
    EXPECT_TRUE(takes(local, "r:b", 3, 1000)); /* another key */
    local_do(local, &give, &answer);
    EXPECT_TRUE(takes(local, "r:a", 2, 1000));
    EXPECT_FALSE(takes(local, "r:a", 1, 1999));
    EXPECT_TRUE(takes(local, "r:a", 1, 2000)); /* has leaked */
    give.rate.cost = -5;                       /* adds, room or not */
    local_do(local, &give, &answer);
    EXPECT_TRUE(answer.rate.level > 3);
    EXPECT_FALSE(takes(local, "r:a", 1, 4000));
    local_free(local);
}

static void memory_is_bounded_and_what_expires_first_makes_room(void **state)
{
    enum { KEYS = 3 * LOCAL_SETS * LOCAL_WAYS };
    struct local *local = local_new();
    size_t fresh = 0, old = 0;
    char key[32];

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "r:x:%d", i);
        EXPECT_TRUE(takes(local, key, 3, 1000 + i));
    }
    for (int i = KEYS - 1000; i < KEYS; i++) {
        snprintf(key, sizeof key, "r:x:%d", i);
        fresh += !takes(local, key, 3, 1000 + i);
    }
    EXPECT_TRUE(fresh > 900); /* what was used last is still there */
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "r:x:%d", i);
        old += !takes(local, key, 3, 1000 + KEYS);
    }
    EXPECT_INT(0, old);
    local_free(local);
}

static void other_operations_are_refused(void **state)
{
    static const enum store_kind kinds[] = { STORE_GREYLIST, STORE_GET, STORE_PUT, STORE_DELETE };
    struct local *local = local_new();
    struct store_answer answer;

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct store_op op = { .kind = kinds[i], .key = SPAN("k:x"), .now_ms = 1 };

        local_do(local, &op, &answer);
        EXPECT_INT(STORE_FAILED, answer.state);
    }
    const struct store_op count = {
        .kind = STORE_COUNT, .key = SPAN("c:x"), .now_ms = 1, .count = { .by = 2, .life_ms = 10 }
    };

    local_do(local, &count, &answer);
    local_do(local, &count, &answer);
    EXPECT_INT(4, answer.count);
    local_free(local);
    local_free(NULL);
}

static void a_record_is_shown_as_it_stands_now(void **state)
{
    struct store_op op = rate(STORE_RATE_TAKE, "r:a", 2, 1000);
    struct store_record record = { .len = 0 };
    struct store_rate_state seen;
    struct store_answer answer;

    (void)state;
    op_apply(&op, &record, NULL, &answer);
    op_apply(&op, &record, NULL, &answer); /* over */
    EXPECT_TRUE(store_rate_look(span_make(record.bytes, record.len), 1, 2500, &seen));
    EXPECT_TRUE(seen.level > 0.49 && seen.level < 0.51);
    EXPECT_TRUE(seen.factor == 1);
    EXPECT_INT(1, (int)seen.refused);
    EXPECT_INT(1000, seen.refused_ms);
    EXPECT_TRUE(store_rate_look(span_make(record.bytes, record.len), 1, 99999, &seen));
    EXPECT_TRUE(seen.level == 0);
    EXPECT_FALSE(store_rate_look(span_make(record.bytes, 8), 1, 2500, &seen));
    EXPECT_FALSE(store_rate_look(span_make(NULL, 0), 1, 2500, &seen));
}

RUN_TESTS(TEST(a_rate_is_counted_as_in_the_store), TEST(memory_is_bounded_and_what_expires_first_makes_room),
          TEST(other_operations_are_refused), TEST(a_record_is_shown_as_it_stands_now))

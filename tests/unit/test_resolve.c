/* tests/unit/test_resolve.c - names of servers, by the system's resolver. No network: what /etc/hosts has, and what
 * cannot exist. */
#include "tests/kit/expect.h"

#include "gateway/base/clock.h"
#include "gateway/net/resolve.h"

static int calls;

static void count(void *arg)
{
    (void)arg;
    calls++;
}

static void turn_until(struct loop *loop, int wanted)
{
    int64_t end = clock_mono_ms() + 30000;

    while (calls < wanted && clock_mono_ms() < end)
        loop_run_once(loop, 20);
    EXPECT_INT(wanted, calls);
}

static void localhost_has_addresses_and_an_impossible_name_has_none(void **state)
{
    struct loop *loop = loop_new();
    struct crew *crew = crew_new(loop, 1, 8, 8);
    struct resolve *good = resolve_new(crew, "localhost", count, NULL);
    struct resolve *bad = resolve_new(crew, "a..b", count, NULL);

    (void)state;
    calls = 0;
    EXPECT_INT(INT64_MAX, resolve_age_ms(good));
    EXPECT_TRUE(resolve_start(good));
    EXPECT_TRUE(resolve_start(good)); /* under way: no second one */
    turn_until(loop, 1);
    EXPECT_TRUE(resolve_count(good) >= 1 && addr_is_loopback(resolve_addr(good, 0)));
    EXPECT_TRUE(resolve_age_ms(good) < 30000);
    EXPECT_STR("", resolve_error(good));
    EXPECT_TRUE(resolve_start(bad));
    turn_until(loop, 2);
    EXPECT_INT(0, resolve_count(bad));
    EXPECT_TRUE(strstr(resolve_error(bad), "a..b") != NULL);
    resolve_free(good);
    resolve_free(bad);
    crew_free(crew);
    loop_free(loop);
}

static void an_owner_may_go_before_the_answer(void **state)
{
    struct loop *loop = loop_new();
    struct crew *crew = crew_new(loop, 1, 8, 8);
    struct resolve *r = resolve_new(crew, "localhost", count, NULL);

    (void)state;
    calls = 0;
    EXPECT_TRUE(resolve_start(r));
    resolve_free(r);
    crew_free(crew); /* ends the look-up */
    EXPECT_INT(0, calls);
    loop_free(loop);
}

RUN_TESTS(TEST(localhost_has_addresses_and_an_impossible_name_has_none), TEST(an_owner_may_go_before_the_answer))

/* tests/unit/test_verify_cache.c - what is remembered of recipients, for how long, and how many. */
#include "tests/kit/expect.h"

#include "gateway/smtp/verify_cache.h"

static struct address address(const char *text)
{
    struct address a;

    EXPECT_INT(FAULT_NONE, address_parse(span_of(text), &a));
    return a;
}

static const struct verify_answer *get(struct verify_cache *c, int64_t now_ms, const char *text)
{
    struct address a = address(text);

    return verify_cache_get(c, now_ms, "smtp://a:25", SPAN("s@example.com"), &a);
}

static void put(struct verify_cache *c, int64_t now_ms, const char *text, unsigned code, const char *said)
{
    struct address a = address(text);

    verify_cache_put(c, now_ms, "smtp://a:25", SPAN("s@example.com"), &a, code, span_of(said));
}

static void good_and_bad_have_their_times(void **state)
{
    struct verify_cache *c = verify_cache_new(100, 1000, 100);

    (void)state;
    put(c, 0, "good@example.org", 250, "2.1.5 fine");
    put(c, 0, "bad@example.org", 550, "5.1.1 no such user");
    EXPECT_INT(250, get(c, 99, "good@example.org")->code);
    EXPECT_STR("", get(c, 99, "good@example.org")->text);
    EXPECT_INT(550, get(c, 99, "bad@example.org")->code);
    EXPECT_STR("5.1.1 no such user", get(c, 99, "bad@example.org")->text);
    EXPECT_NULL(get(c, 100, "bad@example.org"));
    EXPECT_INT(250, get(c, 999, "good@example.org")->code);
    EXPECT_NULL(get(c, 1000, "good@example.org"));
    EXPECT_INT(0, verify_cache_count(c));
    verify_cache_free(c);
}

static void the_latest_answer_counts(void **state)
{
    struct verify_cache *c = verify_cache_new(100, 1000, 1000);

    (void)state;
    put(c, 0, "x@example.org", 250, "");
    put(c, 1, "x@example.org", 550, "gone");
    EXPECT_INT(550, get(c, 2, "x@example.org")->code);
    put(c, 3, "x@example.org", 451, "later");
    EXPECT_NULL(get(c, 4, "x@example.org"));
    verify_cache_free(c);
}

static void a_doubt_outlasts_what_was_said(void **state)
{
    struct verify_cache *c = verify_cache_new(100, 1000, 100);
    struct address x = address("x@example.org"), y = address("y@example.org");
    const int64_t day_ms = 24 * 3600 * 1000;

    (void)state;
    put(c, 0, "x@example.org", 550, "5.1.1 no such user");
    verify_cache_doubt(c, 0, "smtp://a:25", &x);
    EXPECT_INT(550, get(c, 99, "x@example.org")->code);
    EXPECT_INT(0, get(c, 100, "x@example.org")->code);
    put(c, 200, "x@example.org", 451, "not now");
    EXPECT_INT(0, get(c, 201, "x@example.org")->code);
    put(c, 300, "x@example.org", 550, "5.1.1 no such user");
    EXPECT_INT(550, get(c, 301, "x@example.org")->code);
    EXPECT_INT(0, get(c, day_ms - 1, "x@example.org")->code);
    EXPECT_NULL(get(c, day_ms, "x@example.org"));
    verify_cache_doubt(c, 0, "smtp://a:25", &y);
    EXPECT_INT(0, get(c, 1, "y@example.org")->code);
    put(c, 2, "y@example.org", 250, "");
    EXPECT_INT(250, get(c, 3, "y@example.org")->code);
    EXPECT_NULL(get(c, 1002, "y@example.org"));
    EXPECT_INT(0, verify_cache_count(c));
    verify_cache_free(c);
}

static void keys_are_hop_local_part_and_domain(void **state)
{
    struct verify_cache *c = verify_cache_new(100, 1000, 1000);
    struct address a = address("x@example.org");

    (void)state;
    put(c, 0, "x@example.org", 250, "");
    EXPECT_TRUE(get(c, 0, "x@EXAMPLE.org") != NULL);
    EXPECT_NULL(get(c, 0, "X@example.org"));
    EXPECT_NULL(get(c, 0, "y@example.org"));
    EXPECT_NULL(verify_cache_get(c, 0, "smtp://b:25", SPAN("s@example.com"), &a));
    verify_cache_free(c);
}

/* What another sender hears of a recipient that was refused to the first. */
static void a_refusal_is_held_against_the_recipient_only_when_it_says_so(void **state)
{
    static const struct {
        const char *said;
        bool is_for_all;
    } cases[] = {
        { "5.1.1 no such user", true },
        { "5.1.10 null MX", true },
        { "5.2.1 disabled", true },
        { "5.1.8 sender's domain not found", false },
        { "5.7.1 sender rejected", false },
        { "5.2.2 full", false },
        { "5.1.11 no code of ours", false },
        { "no such user", false },
        { "", false },
    };
    struct address a = address("x@example.org");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct verify_cache *c = verify_cache_new(100, 1000, 1000);

        put(c, 0, "x@example.org", 550, cases[i].said);
        EXPECT_INT(550, get(c, 1, "x@example.org")->code);
        EXPECT_INT(cases[i].is_for_all, verify_cache_get(c, 1, "smtp://a:25", SPAN("t@example.com"), &a) != NULL);
        verify_cache_put(c, 1, "smtp://a:25", SPAN("t@example.com"), &a, 250, SPAN(""));
        EXPECT_INT(250, verify_cache_get(c, 2, "smtp://a:25", SPAN("t@example.com"), &a)->code);
        EXPECT_INT(cases[i].is_for_all ? 250 : 550, get(c, 2, "x@example.org")->code);
        verify_cache_free(c);
    }
}

static void the_one_not_asked_for_longest_goes(void **state)
{
    struct verify_cache *c = verify_cache_new(20, 1000, 1000);
    char text[40];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "user%d@example.org", i);
        put(c, i, text, i % 2 ? 250 : 550, "text");
        if (i)
            EXPECT_TRUE(get(c, i, "user0@example.org") != NULL); /* in use all the time */
        EXPECT_TRUE(verify_cache_count(c) <= 20);
    }
    EXPECT_INT(20, verify_cache_count(c));
    EXPECT_TRUE(get(c, 999, "user999@example.org") != NULL);
    EXPECT_TRUE(get(c, 999, "user981@example.org") != NULL);
    EXPECT_NULL(get(c, 999, "user980@example.org"));
    verify_cache_free(c);
}

static void a_long_text_is_cut(void **state)
{
    struct verify_cache *c = verify_cache_new(10, 1000, 1000);
    char said[1000];

    (void)state;
    memset(said, 'x', sizeof said - 1);
    said[sizeof said - 1] = '\0';
    put(c, 0, "x@example.org", 550, said);
    EXPECT_INT(VERIFY_TEXT_MAX, strlen(get(c, 0, "x@example.org")->text));
    verify_cache_free(c);
}

RUN_TESTS(TEST(a_doubt_outlasts_what_was_said), TEST(good_and_bad_have_their_times), TEST(the_latest_answer_counts),
          TEST(keys_are_hop_local_part_and_domain), TEST(a_refusal_is_held_against_the_recipient_only_when_it_says_so),
          TEST(the_one_not_asked_for_longest_goes), TEST(a_long_text_is_cut))

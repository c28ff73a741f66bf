/* tests/unit/test_rates_syntax.c - how limits are written. */
#include "policy/rates_syntax.h"

#include "tests/kit/expect.h"

static void keys_are_read_and_written(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
        bool has_recipient;
    } cases[] = {
        { "user", "user", false },
        { " CLIENT ", "client", false },
        { "client/32/128", "client", false },
        { "client/24", "client/24/64", false },
        { "client/24/48+recipient", "client/24/48 + recipient", true },
        { "recipient_domain 'x' 'y'", "recipient_domain + 'x' + 'y'", true },
        { "sender_organization+recipient_organization", "sender_organization + recipient_organization", true },
        { "user'x'helo", "user + 'x' + helo", false },
        { "", NULL, false },
        { " + ", NULL, false },
        { "usr", NULL, false },
        { "user,sender", NULL, false },
        { "user user", NULL, false },
        { "client client/24", NULL, false },
        { "client/0", NULL, false },
        { "client/33", NULL, false },
        { "client/24/129", NULL, false },
        { "client/24/0", NULL, false },
        { "client/24/64/1", NULL, false },
        { "client/", NULL, false },
        { "user/24", NULL, false },
        { "'x", NULL, false },
        { "''", NULL, false },
        { "'a b'", NULL, false },
        { "'1' '2' '3' '4' '5' '6' '7' '8'", "'1' + '2' + '3' + '4' + '5' + '6' + '7' + '8'", false },
        { "'1' '2' '3' '4' '5' '6' '7' '8' '9'", NULL, false },
        { "'12345678901234567890123456789012345678901234567890123456789012345'", NULL, false },
    };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rates_key key;
        const char *wrong = rates_key_parse(&a, cases[i].text, &key);

        if ((wrong == NULL) != (cases[i].want != NULL))
            fail_msg("\"%s\": %s", cases[i].text, wrong ? wrong : "taken");
        if (wrong)
            continue;
        EXPECT_STR(cases[i].want, rates_key_text(&a, &key));
        EXPECT_INT(cases[i].has_recipient, key.has_recipient);
    }
    arena_release(&a);
}

static void rates_are_read(void **state)
{
    static const struct {
        const char *text, *span;
        double count; /* 0: refused */
        int64_t per_ms;
    } cases[] = {
        { "100 / 1h", "1h", 100, 3600000 },
        { "100/h", "1h", 100, 3600000 },
        { "100/hour", "1h", 100, 3600000 },
        { " 5 / 90 s ", "90s", 5, 90000 },
        { "5/60s", "1m", 5, 60000 },
        { "5/min", "1m", 5, 60000 },
        { "1/24h", "1d", 1, 86400000 },
        { "1/w", "7d", 1, 604800000 },
        { "50MiB / 1d", "1d", 50.0 * (1 << 20), 86400000 },
        { "2 GiB/d", "1d", 2.0 * (1 << 30), 86400000 },
        { "1000000000000000/366d", "366d", 1e15, 366LL * 86400000 },
        { "", NULL, 0, 0 },
        { "100", NULL, 0, 0 },
        { "/h", NULL, 0, 0 },
        { "0/h", NULL, 0, 0 },
        { "5/0h", NULL, 0, 0 },
        { "5/", NULL, 0, 0 },
        { "-5/h", NULL, 0, 0 },
        { "5.5/h", NULL, 0, 0 },
        { "5/h/h", NULL, 0, 0 },
        { "5/100ms", NULL, 0, 0 },
        { "5MB/h", NULL, 0, 0 },
        { "5/fortnight", NULL, 0, 0 },
        { "5/367d", NULL, 0, 0 },
        { "1000000000000001/h", NULL, 0, 0 },
        { "1000000GiB/h", NULL, 0, 0 },
        { "99999999999999999999999/h", NULL, 0, 0 },
    };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rates_window w;
        const char *wrong = rates_window_parse(&a, cases[i].text, &w);

        if ((wrong == NULL) != (cases[i].count > 0))
            fail_msg("\"%s\": %s", cases[i].text, wrong ? wrong : "taken");
        if (wrong)
            continue;
        EXPECT_STR(cases[i].span, w.span);
        EXPECT_TRUE(w.count == cases[i].count && w.burst == cases[i].count);
        EXPECT_INT(cases[i].per_ms, w.per_ms);
    }
    arena_release(&a);
}

static void counts_are_written_shortly(void **state)
{
    static const struct {
        double count;
        bool is_bytes;
        const char *want;
    } cases[] = {
        { 100, false, "100" },       { 1.55, false, "1.6" },     { 0, false, "0" },  { 1048576, true, "1MiB" },
        { 52428800, true, "50MiB" }, { 1500, true, "1.465KiB" }, { 14, true, "14" }, { 1048576, false, "1048576" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_STR(cases[i].want, rates_count_text(&a, cases[i].count, cases[i].is_bytes));
    arena_release(&a);
}

RUN_TESTS(TEST(keys_are_read_and_written), TEST(rates_are_read), TEST(counts_are_written_shortly))

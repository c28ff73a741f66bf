/* tests/unit/test_hop_choice.c - who takes the next transaction: priorities, weights, and those that are down. */
#include "tests/kit/expect.h"

#include "gateway/smtp/hop_choice.h"

enum { MOST = 4 };

/* Who was chosen in `turns` turns, as letters; those in `down` are not open. */
static void choose(struct hop_choice *choices, size_t count, const char *down, size_t turns, char *out)
{
    for (size_t t = 0; t < turns; t++) {
        for (size_t i = 0; i < count; i++)
            choices[i].is_open = !strchr(down, (char)('a' + (int)i));
        int chosen = hop_choose(choices, count);

        out[t] = chosen == HOP_CHOICE_NONE ? '-' : (char)('a' + chosen);
    }
    out[turns] = '\0';
}

static void the_lowest_priority_that_is_open_and_among_equals_by_weight(void **state)
{
    static const struct {
        struct hop_choice choices[MOST];
        size_t count;
        const char *down, *chosen;
    } cases[] = {
        { { { .priority = 10, .weight = 1 } }, 1, "", "aaa" },
        { { { .priority = 10, .weight = 1 } }, 1, "a", "---" },
        { { { .priority = 20, .weight = 9 }, { .priority = 10, .weight = 1 } }, 2, "", "bbb" },
        { { { .priority = 20, .weight = 9 }, { .priority = 10, .weight = 1 } }, 2, "b", "aaa" },
        { { { .priority = 1, .weight = 5 }, { .priority = 1, .weight = 1 }, { .priority = 1, .weight = 1 } },
          3,
          "",
          "aabacaaaabacaa" },
        { { { .priority = 1, .weight = 5 }, { .priority = 1, .weight = 1 }, { .priority = 1, .weight = 1 } },
          3,
          "a",
          "bcbcbc" },
        { { { .priority = 1, .weight = 2 }, { .priority = 1, .weight = 1 }, { .priority = 0, .weight = 1 } },
          3,
          "c",
          "abaaba" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hop_choice choices[MOST];
        char chosen[32];

        memcpy(choices, cases[i].choices, sizeof choices);
        choose(choices, cases[i].count, cases[i].down, strlen(cases[i].chosen), chosen);
        EXPECT_STR(cases[i].chosen, chosen);
    }
}

static void a_doubtful_one_comes_last_and_a_busy_one_behind_its_equals(void **state)
{
    struct hop_choice c[] = {
        { .priority = 1, .weight = 1, .is_open = true },
        { .priority = 1, .weight = 1, .is_open = true },
        { .priority = 2, .weight = 1, .is_open = true },
    };

    (void)state;
    c[0].is_busy = true;
    EXPECT_INT(1, hop_choose(c, 3));
    EXPECT_INT(1, hop_choose(c, 3));
    c[1].is_doubtful = true;
    EXPECT_INT(0, hop_choose(c, 3)); /* busy, but its priority comes first */
    c[0].is_doubtful = true;
    EXPECT_INT(2, hop_choose(c, 3));
    c[2].is_open = false;
    EXPECT_INT(1, hop_choose(c, 3)); /* both doubtful, and 0 is busy */
}

/* What one that was down missed is not made up for: else it would get all mail when it comes back. */
static void who_comes_back_gets_its_share_and_no_more(void **state)
{
    struct hop_choice choices[] = { { .priority = 1, .weight = 1 }, { .priority = 1, .weight = 1 } };
    char chosen[1001];
    size_t share = 0;

    (void)state;
    choose(choices, 2, "", 5, chosen);
    choose(choices, 2, "b", 1000, chosen);
    EXPECT_TRUE(strchr(chosen, 'b') == NULL);
    choose(choices, 2, "", 10, chosen);
    for (size_t i = 0; i < 10; i++)
        share += chosen[i] == 'b';
    EXPECT_INT(5, share);
}

RUN_TESTS(TEST(the_lowest_priority_that_is_open_and_among_equals_by_weight),
          TEST(a_doubtful_one_comes_last_and_a_busy_one_behind_its_equals),
          TEST(who_comes_back_gets_its_share_and_no_more))

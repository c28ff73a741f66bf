/* tests/unit/test_table.c - things found by a text. */
#include "tests/kit/expect.h"

#include "gateway/base/table.h"

enum { MANY = 1000 };

struct thing {
    struct keyed keyed;
    char key[16];
};

static void what_was_added_is_found_until_it_is_removed(void **state)
{
    static struct thing things[MANY];
    struct table t;

    (void)state;
    table_init(&t);
    for (int i = 0; i < MANY; i++) {
        snprintf(things[i].key, sizeof things[i].key, "key %d", i);
        things[i].keyed.key = things[i].key;
        table_add(&t, &things[i].keyed);
    }
    EXPECT_INT(MANY, t.count);
    for (int i = 0; i < MANY; i += 2)
        table_remove(&t, &things[i].keyed);
    for (int i = 0; i < MANY; i++)
        EXPECT_TRUE(table_find(&t, things[i].key) == (i % 2 ? &things[i].keyed : NULL));
    EXPECT_NULL(table_find(&t, ""));
    table_release(&t);
}

static void several_may_have_one_key(void **state)
{
    struct keyed a = { .key = "x" }, b = { .key = "x" }, c = { .key = "y" };
    struct table t;

    (void)state;
    table_init(&t);
    table_add(&t, &a);
    table_add(&t, &c);
    table_add(&t, &b);
    EXPECT_TRUE(table_find(&t, "x") == &b);
    EXPECT_TRUE(table_next(&b) == &a);
    EXPECT_NULL(table_next(&a));
    table_remove(&t, &b);
    EXPECT_TRUE(table_find(&t, "x") == &a);
    table_release(&t);
}

RUN_TESTS(TEST(what_was_added_is_found_until_it_is_removed), TEST(several_may_have_one_key))

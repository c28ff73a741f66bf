/* tests/unit/test_ulid.c - ids that sort by time, and that nobody can guess. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/expect.h"

#include "gateway/base/ulid.h"

static void the_time_is_in_front(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *want;
    } cases[] = {
        { 0, "0000000000" },
        { 31, "000000000Z" },
        { 32, "0000000010" },
        { 1469918176385, "01ARYZ6S41" }, /* of the specification's example */
        { 281474976710655, "7ZZZZZZZZZ" },
    };
    char id[ULID_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        ulid_make(cases[i].wall_ms, id);
        EXPECT_SPAN(cases[i].want, span_make(id, 10));
        EXPECT_INT(26, strlen(id));
        EXPECT_INT(26, strspn(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"));
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, ULID_SIZE);
}

static void no_two_are_the_same(void **state)
{
    enum { MANY = 20000 };
    char(*ids)[ULID_SIZE] = malloc(MANY * sizeof *ids);
    unsigned seen[256] = { 0 };

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        ulid_make(1700000000000, ids[i]);
    qsort(ids, MANY, sizeof *ids, compare);
    for (size_t i = 1; i < MANY; i++)
        EXPECT_TRUE(memcmp(ids[i - 1], ids[i], ULID_SIZE) != 0);
    for (size_t i = 0; i < MANY; i++)
        for (size_t k = 10; k < 26; k++)
            seen[(unsigned char)ids[i][k]]++;
    for (const char *c = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; *c;
         c++) /* 10000 of each are expected, 100 the deviation */
        EXPECT_TRUE(seen[(unsigned char)*c] > 9000 && seen[(unsigned char)*c] < 11000);
    free(ids);
}

static void a_forked_child_makes_others(void **state)
{
    char first[ULID_SIZE], ours[ULID_SIZE], theirs[ULID_SIZE] = "";
    int ends[2], status = 0;

    (void)state;
    ulid_make(1, first);
    assert_int_equal(0, pipe(ends));
    pid_t child = fork();

    if (child == 0) {
        ulid_make(1, theirs);
        _exit(write(ends[1], theirs, sizeof theirs) == sizeof theirs ? 0 : 1);
    }
    ulid_make(1, ours);
    EXPECT_INT(child, waitpid(child, &status, 0));
    EXPECT_INT(0, status);
    EXPECT_INT(sizeof theirs, read(ends[0], theirs, sizeof theirs));
    EXPECT_TRUE(memcmp(ours, theirs, ULID_SIZE) != 0);
    close(ends[0]);
    close(ends[1]);
}

RUN_TESTS(TEST(the_time_is_in_front), TEST(no_two_are_the_same), TEST(a_forked_child_makes_others))

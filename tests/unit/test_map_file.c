/* tests/unit/test_map_file.c - a map's file, read by workers while it changes. */
#include "rules/lists/map_file.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/lists/text_set.h"
#include "tests/kit/arena_tests.h"

static char path[64];

static void write_file(const char *text)
{
    char next[80];

    snprintf(next, sizeof next, "%s.new", path);
    FILE *f = fopen(next, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(0, fclose(f));
    assert_int_equal(0, rename(next, path));
}

static struct map_file *open_file(const char *text)
{
    const char *wrong = NULL;

    snprintf(path, sizeof path, "/tmp/postern-map.XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    write_file(text);
    struct map_file *f = map_file_open(&arena, path, &text_set_reader, 0, &wrong);

    if (!f)
        fail_msg("%s", wrong);
    return f;
}

/* A file that has just changed is read at a second look, when it stands still. */
static void change_to(struct map_file *f, const char *text)
{
    write_file(text);
    for (int i = 0; i < 10; i++)
        if (map_file_look(f, 1 << 20))
            return;
    fail_msg("it is not read");
}

static bool has(const void *set, const char *text)
{
    struct access_match match;

    return text_set_has(set, span_of(text), INT64_MAX, NULL, &match);
}

static void who_holds_a_version_keeps_it(void **state)
{
    struct map_file *f = open_file("one\n");
    const void *first = map_file_hold(f, 3), *second;

    (void)state;
    change_to(f, "two\n");
    EXPECT_INT(1, map_file_replaced(f));
    second = map_file_hold(f, 4);
    EXPECT_TRUE(has(first, "one") && !has(first, "two"));
    EXPECT_TRUE(has(second, "two") && !has(second, "one"));
    map_file_let_go(f, 4);
    change_to(f, "three\n");
    EXPECT_INT(1, map_file_replaced(f)); /* the second is held by nobody */
    EXPECT_TRUE(has(first, "one"));
    map_file_let_go(f, 3);
    EXPECT_FALSE(map_file_look(f, 1 << 20));
    EXPECT_INT(0, map_file_replaced(f));
    EXPECT_TRUE(has(map_file_hold(f, 3), "three"));
    map_file_let_go(f, 3);
    map_file_close(f);
    unlink(path);
}

static void a_fault_is_told_and_changes_nothing(void **state)
{
    struct map_file *f = open_file("one\n");
    const char *wrong = NULL;

    (void)state;
    write_file("/(/\n");
    for (int i = 0; i < 5; i++)
        EXPECT_FALSE(map_file_look(f, 1 << 20));
    struct span told = map_file_complaint(f);

    EXPECT_TRUE(span_search(told, SPAN(":1: ")) != SPAN_NPOS);
    EXPECT_INT(0, map_file_complaint(f).len);
    EXPECT_TRUE(has(map_file_hold(f, 0), "one"));
    map_file_let_go(f, 0);
    map_file_close(f);
    unlink(path);
    assert_null(map_file_open(&arena, path, &text_set_reader, 0, &wrong));
    assert_non_null(strstr(wrong, path));
}

enum { TURNS = 20000, READERS = 3 };

struct reader {
    struct map_file *file;
    unsigned runner;
    unsigned seen;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;

    for (int i = 0; i < TURNS; i++) {
        const void *set = map_file_hold(r->file, r->runner);

        r->seen += has(set, "always") && text_set_count(set) == 2;
        map_file_let_go(r->file, r->runner);
    }
    return NULL;
}

/* Each search sees one version, whole. */
static void many_read_while_it_changes(void **state)
{
    struct map_file *f = open_file("always\nand 0\n");
    struct reader readers[READERS];
    pthread_t threads[READERS];

    (void)state;
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ f, i + 1, 0 };
        assert_int_equal(0, pthread_create(&threads[i], NULL, read_on, &readers[i]));
    }
    for (int i = 0; i < 50; i++) {
        char text[40];

        snprintf(text, sizeof text, "always\nand %d\n", i + 1000);
        write_file(text);
        map_file_look(f, 1 << 20);
        map_file_look(f, 1 << 20);
    }
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_INT(TURNS, readers[i].seen);
    }
    map_file_close(f);
    unlink(path);
}

RUN_ARENA_TESTS(TEST(who_holds_a_version_keeps_it), TEST(a_fault_is_told_and_changes_nothing),
                TEST(many_read_while_it_changes))

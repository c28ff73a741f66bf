/* tests/unit/test_recipient_lists.c - lists of recipients that change while we look: in pieces, and never half. */
#include "tests/kit/expect.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/smtp/recipient_lists.h"

enum { PIECE = 1, ENTRIES = 20000 };

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    log_configure(LOG_LOGFMT, LOG_ERROR);
    snprintf(folder, sizeof folder, "/tmp/postern-lists-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/list", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_list(int entries, const char *last)
{
    char other[128];

    snprintf(other, sizeof other, "%s.new", path);
    FILE *f = fopen(other, "w");

    assert_non_null(f);
    for (int i = 0; i < entries; i++)
        fprintf(f, "user%d@example.org\n", i);
    fprintf(f, "%s\n", last);
    assert_int_equal(0, fclose(f));
    assert_int_equal(0, rename(other, path));
}

static enum listed is_listed(const struct recipient_list *list, const char *text)
{
    struct address address;

    EXPECT_INT(FAULT_NONE, address_parse(span_of(text), &address));
    return recipient_list_has(list, &address, "");
}

/* How many looks it takes until the last entry is there. */
static int looks(struct recipient_lists *lists, const struct recipient_list *list, const char *last)
{
    int count = 0;

    while (is_listed(list, last) != LISTED_YES && count < 1000) {
        recipient_lists_look(lists, PIECE);
        count++;
    }
    return count;
}

static void a_list_is_read_in_pieces_also_when_it_was_never_good(void **state)
{
    struct recipient_lists *lists = recipient_lists_new();

    (void)state;
    write_list(ENTRIES, "a..b");
    const struct recipient_list *list = recipient_lists_get(lists, path);

    EXPECT_INT(LISTED_UNKNOWN, is_listed(list, "user1@example.org"));
    write_list(ENTRIES, "good@example.org");
    int first = looks(lists, list, "good@example.org");

    write_list(ENTRIES, "better@example.org");
    int second = looks(lists, list, "better@example.org");

    EXPECT_TRUE(second > 3 && second < 1000);
    EXPECT_INT(second, first);
    EXPECT_INT(LISTED_NO, is_listed(list, "good@example.org"));
    recipient_lists_free(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(a_list_is_read_in_pieces_also_when_it_was_never_good) };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* tests/unit/test_access_file.c - sets in files that change while we look. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/expect.h"

#include "gateway/mail/access_file.h"

enum { PLENTY = 1 << 20 };

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/postern-access-XXXXXX");
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

/* Another file in its place each time, as careful editors do it: the inode tells the versions apart. */
static void write_bytes(struct span bytes)
{
    char other[128];

    snprintf(other, sizeof other, "%s.new", path);
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(bytes.len, write(fd, bytes.ptr, bytes.len));
    close(fd);
    assert_int_equal(0, rename(other, path));
}

static void write_text(const char *text)
{
    write_bytes(span_of(text));
}

static bool has(const struct access_file *f, const char *name)
{
    return access_set_has_name(f->set, span_of(name), NULL);
}

static void lines_are_entries(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "first.example\r\n"
                               "# a comment\r\n"
                               "\r\n"
                               "   \t\n"
                               "  second.example\t # why\n"
                               "*.third.example\n"
                               "last.example";
    struct access_file f;
    struct access_match match;

    (void)state;
    write_text(text);
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_NAMES));
    EXPECT_INT(4, access_set_count(f.set));
    EXPECT_TRUE(has(&f, "first.example"));
    EXPECT_TRUE(access_set_has_name(f.set, SPAN("second.example"), &match));
    EXPECT_INT(5, match.line);
    EXPECT_TRUE(has(&f, "x.third.example"));
    EXPECT_TRUE(access_set_has_name(f.set, SPAN("last.example"), &match));
    EXPECT_INT(7, match.line);
    access_file_close(&f);
    write_text("odd#one@example.org #x\n");
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_ADDRESSES));
    EXPECT_INT(1, access_set_count(f.set));
    access_file_close(&f);
    write_text("");
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_ADDRESSES));
    EXPECT_INT(0, access_set_count(f.set));
    access_file_close(&f);
}

static void faults_name_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *says; /* behind the path */
    } cases[] = {
        { "192.0.2.1\n\n192.0.2\n", ":3: \"192.0.2\" is no address or network; write such as" },
        { "192.0.2.1 REJECT\n", ":1: \"192.0.2.1 REJECT\" has something behind its first word" },
        { "192.0.2.1,192.0.2.2\n", ":1: " },
        { "\n192.0.2.1/24\n", ":2: \"192.0.2.1/24\" has bits behind its prefix" },
        { "x\ny\nz\na\nb\nc\nd\n", ":1: \"x\"" },
        { "a\x01\n", ":1: \"a\\x01\" is no" },
    };
    struct access_file f;
    char want[256];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_text(cases[i].text);
        EXPECT_FALSE(access_file_open(&f, path, ACCESS_NETS));
        snprintf(want, sizeof want, "%s%s", path, cases[i].says);
        if (strncmp(want, f.refusal.data, strlen(want)))
            fail_msg("wanted %s\ngot %s", want, f.refusal.data);
        access_file_close(&f);
    }
    write_text("x\ny\nz\na\nb\nc\nd\n");
    EXPECT_FALSE(access_file_open(&f, path, ACCESS_NETS));
    EXPECT_TRUE(strstr(f.refusal.data, "\nand 2 more") != NULL);
    access_file_close(&f);
    write_bytes(span_make("a\0b\n", 4));
    EXPECT_FALSE(access_file_open(&f, path, ACCESS_NAMES));
    access_file_close(&f);
    EXPECT_FALSE(access_file_open(&f, "/nonexistent/list", ACCESS_NAMES));
    EXPECT_TRUE(strstr(f.refusal.data, "cannot be opened (No such file") != NULL);
    access_file_close(&f);
    EXPECT_FALSE(access_file_open(&f, "/tmp", ACCESS_NAMES));
    EXPECT_TRUE(strstr(f.refusal.data, "no regular file") != NULL);
    access_file_close(&f);
}

static void long_lines_are_refused_where_they_are(void **state)
{
    struct access_file f;
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 1 << 20);
    strbuf_puts(&text, "a.example\n#");
    for (int i = 0; i < 1023; i++)
        strbuf_putc(&text, '-');
    strbuf_puts(&text, "\nb.example\n");
    write_bytes(strbuf_span(&text));
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_NAMES)); /* 1024 bytes: just so */
    access_file_close(&f);
    for (int i = 0; i < 300000; i++)
        strbuf_putc(&text, 'x');
    strbuf_puts(&text, "\n..\n");
    write_bytes(strbuf_span(&text));
    EXPECT_FALSE(access_file_open(&f, path, ACCESS_NAMES));
    EXPECT_TRUE(strstr(f.refusal.data, "list:4: \"xxx") != NULL);
    EXPECT_TRUE(strstr(f.refusal.data, "longer than 1024 bytes") != NULL);
    access_file_close(&f);
    strbuf_release(&text);
}

static void a_good_change_takes_over_a_bad_one_does_not(void **state)
{
    struct access_file f;

    (void)state;
    write_text("old.example\n");
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_NAMES));
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    write_text("new.example\n");
    EXPECT_FALSE(access_file_look(&f, PLENTY)); /* seen, but perhaps still being written */
    EXPECT_TRUE(has(&f, "old.example"));
    EXPECT_TRUE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(has(&f, "new.example") && !has(&f, "old.example"));
    EXPECT_FALSE(access_file_look(&f, PLENTY));

    write_text("newer.example\nb@d\n");
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(strstr(f.refusal.data, "list:2: \"b@d\" is no domain") != NULL);
    EXPECT_TRUE(has(&f, "new.example") && !has(&f, "newer.example"));
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(f.refusal.len > 0);

    unlink(path);
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(strstr(f.refusal.data, "No such file") != NULL);
    EXPECT_TRUE(has(&f, "new.example"));
    write_text("newest.example\n");
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(has(&f, "newest.example"));
    EXPECT_INT(0, f.refusal.len);
    access_file_close(&f);
}

static void look_until_it_stands_still(struct access_file *f)
{
    for (int i = 0; i < 5; i++)
        access_file_look(f, PLENTY);
}

static void each_refusal_is_told_once(void **state)
{
    struct access_file f;

    (void)state;
    write_text("a.example\n");
    assert_true(access_file_open(&f, path, ACCESS_NAMES));
    EXPECT_SPAN("", access_file_complaint(&f));
    write_text("a.example\nb@c\nd@e\n");
    look_until_it_stands_still(&f);
    struct span complaint = access_file_complaint(&f);

    EXPECT_TRUE(span_search(complaint, SPAN("list:2: ")) != SPAN_NPOS && span_find(complaint, '\n') == SPAN_NPOS);
    look_until_it_stands_still(&f);
    EXPECT_SPAN("", access_file_complaint(&f));
    write_text("b@c\n");
    look_until_it_stands_still(&f);
    EXPECT_TRUE(span_search(access_file_complaint(&f), SPAN("list:1: ")) != SPAN_NPOS);
    write_text("b.example\n");
    look_until_it_stands_still(&f);
    EXPECT_SPAN("", access_file_complaint(&f));
    write_text("b@c\n"); /* it was good in between */
    look_until_it_stands_still(&f);
    EXPECT_TRUE(access_file_complaint(&f).len > 0);
    access_file_close(&f);
}

static void a_long_file_is_read_in_pieces(void **state)
{
    struct access_file f;
    struct strbuf text;
    unsigned looks = 0;

    (void)state;
    write_text("old.example\n");
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_NAMES));
    strbuf_init(&text, 1 << 22);
    for (int i = 0; i < 50000; i++)
        strbuf_putf(&text, "name-%d.example\n", i);
    write_bytes(strbuf_span(&text));
    EXPECT_FALSE(access_file_look(&f, 65536));
    while (!access_file_look(&f, 65536)) {
        EXPECT_TRUE(has(&f, "old.example"));
        assert_true(++looks < 100);
    }
    EXPECT_INT(50000, access_set_count(f.set));
    EXPECT_TRUE(has(&f, "name-49999.example"));
    EXPECT_TRUE(looks > 5);

    /* one that changes while it is read is read again */
    write_bytes(strbuf_span(&text));
    EXPECT_FALSE(access_file_look(&f, 65536));
    EXPECT_FALSE(access_file_look(&f, 65536));
    int fd = open(path, O_WRONLY | O_APPEND);

    EXPECT_INT(15, write(fd, "late.example.x\n", 15));
    close(fd);
    for (looks = 0; !access_file_look(&f, 65536); looks++)
        assert_true(looks < 100);
    EXPECT_INT(50001, access_set_count(f.set));
    access_file_close(&f);

    /* one that is half read when we end */
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_NAMES));
    write_bytes(strbuf_span(&text));
    EXPECT_FALSE(access_file_look(&f, 65536));
    EXPECT_FALSE(access_file_look(&f, 65536));
    EXPECT_TRUE(f.reading != NULL);
    access_file_close(&f);
    strbuf_release(&text);
}

static void what_is_too_big_is_refused(void **state)
{
    struct access_file f;

    (void)state;
    write_text("a.example\n");
    EXPECT_TRUE(access_file_open(&f, path, ACCESS_NAMES));
    assert_int_equal(0, truncate(path, (off_t)ACCESS_FILE_BYTES_MOST + 1));
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(strstr(f.refusal.data, "more than 64 MiB") != NULL);
    EXPECT_TRUE(has(&f, "a.example"));
    EXPECT_FALSE(access_file_look(&f, PLENTY));
    EXPECT_TRUE(strstr(f.refusal.data, "more than 64 MiB") != NULL);
    access_file_close(&f);
}

static void *map_make(int kind, size_t expected)
{
    return access_map_new((enum access_kind)kind, expected);
}

static const char *map_add(void *map, struct span line, unsigned number)
{
    struct span value = line, entry;

    EXPECT_TRUE(span_word(&value, &entry));
    return span_is(span_trim(value), "WRONG") ? "is wrong" : access_map_add(map, entry, span_trim(value), number);
}

static void map_free(void *map)
{
    access_set_free(map);
}

static const struct access_reader reader = { true, map_make, map_add, map_free };

static const char *value_of(const struct access_file *f, const char *name)
{
    static struct access_match match;

    return access_set_has_name(f->set, span_of(name), &match) ? match.value.ptr : "";
}

static void a_map_has_values_and_logical_lines(void **state)
{
    static const char text[] = "# comment\n"
                               "a.example REJECT go # away\n"
                               "b.example\n"
                               "   # comment inside\n"
                               "\n"
                               "\tREJECT   as it\r\n"
                               "   goes on  \n"
                               "\n"
                               "c.example\tOK";
    struct access_file f;
    struct access_match match;

    (void)state;
    write_text(text);
    EXPECT_TRUE(access_file_open_as(&f, path, &reader, ACCESS_NAMES));
    EXPECT_INT(3, access_set_count(f.set));
    EXPECT_STR("REJECT go # away", value_of(&f, "a.example"));
    EXPECT_STR("REJECT   as it goes on", value_of(&f, "b.example"));
    EXPECT_STR("OK", value_of(&f, "sub.c.example"));
    EXPECT_TRUE(access_set_has_name(f.set, SPAN("b.example"), &match));
    EXPECT_INT(3, match.line);
    access_file_close(&f);
}

static void faults_of_a_map_are_at_the_entry(void **state)
{
    char text[3000], want[800];
    struct access_file f;

    (void)state;
    write_text("b.example OK\nc.example\n WRONG\n\n/x/ OK\n");
    EXPECT_FALSE(access_file_open_as(&f, path, &reader, ACCESS_NAMES));
    snprintf(want, sizeof want, "%s:2: \"c.example WRONG\" is wrong\n%s:5: \"/x/ OK\" is no domain", path, path);
    EXPECT_TRUE(strncmp(want, strbuf_span(&f.refusal).ptr, strlen(want)) == 0);
    access_file_close(&f);

    memset(text, 'x', sizeof text - 1);
    memcpy(text, "a.example ", 10);
    memcpy(text + 900, "\n ", 2);
    memcpy(text + 1500, "\n", 2);
    write_text(text);
    EXPECT_FALSE(access_file_open_as(&f, path, &reader, ACCESS_NAMES));
    EXPECT_TRUE(strstr(strbuf_span(&f.refusal).ptr, "longer than 1024 bytes") != NULL);
    access_file_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_entries),
        TEST(faults_name_file_and_line),
        TEST(long_lines_are_refused_where_they_are),
        TEST(a_good_change_takes_over_a_bad_one_does_not),
        TEST(each_refusal_is_told_once),
        TEST(a_long_file_is_read_in_pieces),
        TEST(what_is_too_big_is_refused),
        TEST(a_map_has_values_and_logical_lines),
        TEST(faults_of_a_map_are_at_the_entry),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

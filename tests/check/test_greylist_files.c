/* tests/check/test_greylist_files.c - greylisting's lists in files, and what may not be configured. */
#include "greylist/greylist.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

static char folder[64], path[96], conf_text[512];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/postern-greylist-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/whitelist_clients.local", folder);
    snprintf(conf_text, sizeof conf_text, "when = always clients_file = {\"%s\"}", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    char other[128];

    snprintf(other, sizeof other, "%s.new", path);
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(strlen(text), write(fd, text, strlen(text)));
    close(fd);
    assert_int_equal(0, rename(other, path));
}

static void look_again(struct desk *d)
{
    for (int i = 0; i < 3; i++)
        desk_upkeep(d);
}

static bool waits_now(struct desk *d)
{
    desk_next_transaction(d, 0);
    d->evidence.iprev = (struct iprev_evidence){ AUTH_PASS, "mx.friend.example" };
    desk_client(d, "203.0.113.7");
    desk_from(d, "joe@a.example");
    desk_rcpt(d, "ann@b.example");
    desk_settle(d);
    return d->run.is_forced && d->run.forced == ACTION_GREYLIST;
}

static void files_are_watched(void **state)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)state;
    log_to_fd(nowhere);
    struct desk *d = desk_open(&greylist_module, conf_text);

    look_again(d);
    EXPECT_INT(0, d->run.raised_count); /* a .local file may be missing */
    EXPECT_TRUE(waits_now(d));
    write_file("# ours\nfriend.example\n");
    look_again(d);
    EXPECT_FALSE(waits_now(d));
    char wanted[160];

    snprintf(wanted, sizeof wanted, "the client is listed: .friend.example (%s:2)", path);
    EXPECT_STR(wanted, desk_finding(d, "GREYLIST_EXEMPT")->reason);
    write_file("other.example\n/(/\n"); /* a faulty version is not taken */
    look_again(d);
    EXPECT_INT(1, d->run.raised_count);
    EXPECT_TRUE(strstr(d->run.raised[0].text, ":2: \"/(/\" is no regular expression"));
    EXPECT_FALSE(waits_now(d));
    write_file("other.example\n");
    look_again(d);
    EXPECT_INT(0, d->run.raised_count);
    EXPECT_TRUE(waits_now(d));
    desk_close(d);
    log_to_fd(STDERR_FILENO);
    close(nowhere);
}

static void a_faulty_file_is_refused_at_start(void **state)
{
    struct arena a;
    struct strbuf faults;
    void *values = NULL;

    (void)state;
    write_file("good.example\nnot good\n");
    arena_init(&a, 1 << 20);
    strbuf_init(&faults, 1 << 16);
    struct conf *conf = conf_load_text(greylist_module.section, "test", span_of(conf_text), &values, &faults);
    const char *wrong = greylist_module.open(&a, values);

    EXPECT_TRUE(wrong && strstr(wrong, ":2: \"not good\" has something behind its first word"));
    greylist_module.close(values);
    conf_free(conf);
    strbuf_release(&faults);
    arena_release(&a);
}

static void faulty_configurations_are_refused(void **state)
{
    static const struct {
        const char *conf, *wrong;
    } cases[] = {
        { "delay = 20h retry_window = 10h", "nothing could ever pass" },
        { "text = \"\"", "text is empty" },
        { "clients = {\"a b\"}", "has something behind" },
        { "clients = {\"/(/\"}", "is no regular expression" },
        { "recipients = {\"a@b..c\"}", "is no recipient" },
        { "clients_file = {\"whitelist\"}", "is no whole path" },
        { "recipients_file = {\"whitelist\"}", "is no whole path" },
        { "when = sometimes", "when" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf faults;
        void *values = NULL;

        strbuf_init(&faults, 1 << 16);
        if (conf_load_text(greylist_module.section, "test", span_of(cases[i].conf), &values, &faults))
            fail_msg("case %zu is taken", i);
        if (!strstr(faults.data, cases[i].wrong))
            fail_msg("case %zu: %s", i, faults.data);
        strbuf_release(&faults);
    }
}

/* A name that is only claimed is none. */
static void unconfirmed_names_do_not_count(void **state)
{
    struct desk *d = desk_open(&greylist_module, "when = always clients = {\"friend.example\"}");

    (void)state;
    d->evidence.iprev = (struct iprev_evidence){ AUTH_FAIL, "mx.friend.example" };
    desk_client(d, "203.0.113.7");
    desk_from(d, "joe@a.example");
    desk_rcpt(d, "ann@b.example");
    desk_settle(d);
    EXPECT_TRUE(d->run.is_forced);
    desk_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unconfirmed_names_do_not_count),
        TEST(faulty_configurations_are_refused),
        cmocka_unit_test_setup_teardown(files_are_watched, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_faulty_file_is_refused_at_start, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

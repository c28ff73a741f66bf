/* tests/unit/test_maildir.c - what is on disk, and in which order, when maildir_write() says that it is. */
#include "tests/kit/expect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/smtp/maildir.h"

/* These stand before libc's: they note what is called in which order, and can be told to fail. */
static char calls[1000];
static int fail_fsync_number, fsyncs;

static void note(const char *what, int fd)
{
    char link[64], path[500];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *base = strrchr(path, '/');
    bool is_dir = base && (strcmp(base, "/tmp") == 0 || strcmp(base, "/new") == 0);
    size_t used = strlen(calls);

    snprintf(calls + used, sizeof calls - used, "%s(%s) ", what, is_dir ? base + 1 : "file");
}

int fsync(int fd)
{
    note("fsync", fd);
    if (++fsyncs == fail_fsync_number) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int linkat(int olddir, const char *old, int newdir, const char *new, int flags)
{
    note("link", newdir);
    return (int)syscall(SYS_linkat, olddir, old, newdir, new, flags);
}

int unlinkat(int dir, const char *path, int flags)
{
    note("unlink", dir);
    return (int)syscall(SYS_unlinkat, dir, path, flags);
}

struct desk {
    char top[64], path[100];
    struct recipient recipients[2];
    struct session session;
};

static void desk_open(struct desk *d)
{
    *d = (struct desk){ 0 };
    snprintf(d->top, sizeof d->top, "/tmp/test_maildir.XXXXXX");
    assert_non_null(mkdtemp(d->top));
    snprintf(d->path, sizeof d->path, "%s/box", d->top);
    d->recipients[0].address.text = SPAN("x@example.org");
    d->recipients[1].address.text = SPAN("y@example.org");
    d->session = (struct session){
        .hostname = "mx/a:b", .started_wall_ms = 1234567890123, .recipients = d->recipients, .recipient_count = 2
    };
    d->session.mail_from.text = SPAN("s@example.com");
    memcpy(d->session.id, "01ARZ3NDEKTSV4RRFFQ69G5FAV", ULID_SIZE);
    calls[0] = '\0';
    fsyncs = fail_fsync_number = 0;
}

static void desk_close(struct desk *d)
{
    char command[200];

    snprintf(command, sizeof command, "rm -rf '%s'", d->top);
    EXPECT_INT(0, system(command));
}

static int files_in(struct desk *d, const char *part)
{
    char path[200];
    int n = 0;

    snprintf(path, sizeof path, "%s/%s", d->path, part);
    DIR *dir = opendir(path);

    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void expect_file(struct desk *d, const char *name, const char *want)
{
    char path[500], got[2000];

    snprintf(path, sizeof path, "%s/new/%s", d->path, name);
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    ssize_t n = read(fd, got, sizeof got - 1);

    got[n > 0 ? n : 0] = '\0';
    close(fd);
    EXPECT_STR(want, got);
}

#define ENVELOPE "Return-Path: <s@example.com>\nDelivered-To: x@example.org\nDelivered-To: y@example.org\n"

static void a_message_is_flushed_before_it_is_seen(void **state)
{
    struct span items[] = { SPAN("Received: us\r\n"), SPAN("Subject: a\r"), SPAN("\n\r\nbody\r\n") };
    struct pieces pieces = { items, COUNT(items), 0 };
    char name[MAILDIR_NAME_MAX], error[MAILDIR_ERROR_MAX];
    struct desk d;

    (void)state;
    desk_open(&d);
    EXPECT_INT(FAULT_NONE, maildir_prepare(d.path, error));
    EXPECT_INT(FAULT_NONE, maildir_prepare(d.path, error)); /* a second time is fine */
    EXPECT_INT(FAULT_NONE, maildir_write(d.path, &d.session, &pieces, name, error));
    EXPECT_STR("fsync(file) link(new) unlink(tmp) fsync(new) ", calls);
    EXPECT_STR("1234567890.01ARZ3NDEKTSV4RRFFQ69G5FAV.mx_a_b", name);
    expect_file(&d, name, ENVELOPE "Received: us\nSubject: a\n\nbody\n");
    EXPECT_INT(0, files_in(&d, "tmp"));
    desk_close(&d);
}

static void a_large_message_is_whole(void **state)
{
    enum { LINES = 20000 };
    static char text[LINES * 10 + 1];
    struct span item = { text, LINES * 10 };
    struct pieces pieces = { &item, 1, 0 };
    char name[MAILDIR_NAME_MAX], error[MAILDIR_ERROR_MAX], path[500];
    struct stat st;
    struct desk d;

    (void)state;
    for (int i = 0; i < LINES; i++)
        memcpy(text + i * 10, "01234567\r\n", 10);
    desk_open(&d);
    EXPECT_INT(FAULT_NONE, maildir_prepare(d.path, error));
    EXPECT_INT(FAULT_NONE, maildir_write(d.path, &d.session, &pieces, name, error));
    snprintf(path, sizeof path, "%s/new/%s", d.path, name);
    EXPECT_INT(0, stat(path, &st));
    EXPECT_INT(strlen(ENVELOPE) + LINES * 9, st.st_size);
    desk_close(&d);
}

static void a_name_that_is_taken_is_left_alone(void **state)
{
    struct span one = SPAN("one\r\n"), two = SPAN("two\r\n");
    struct pieces first = { &one, 1, 0 }, second = { &two, 1, 0 };
    char name[MAILDIR_NAME_MAX], other[MAILDIR_NAME_MAX], error[MAILDIR_ERROR_MAX], path[500];
    struct desk d;

    (void)state;
    desk_open(&d);
    EXPECT_INT(FAULT_NONE, maildir_prepare(d.path, error));
    snprintf(path, sizeof path, "%s/tmp/1234567890.01ARZ3NDEKTSV4RRFFQ69G5FAV.mx_a_b", d.path);
    close(open(path, O_CREAT | O_WRONLY, 0600)); /* taken in tmp: another number */
    EXPECT_INT(FAULT_NONE, maildir_write(d.path, &d.session, &first, name, error));
    EXPECT_STR("1234567890.01ARZ3NDEKTSV4RRFFQ69G5FAV_1.mx_a_b", name);
    EXPECT_INT(0, unlink(path));
    EXPECT_INT(FAULT_NONE, maildir_write(d.path, &d.session, &second, other, error));
    EXPECT_INT(FAULT_IO, maildir_write(d.path, &d.session, &first, other, error)); /* taken in new: refused */
    expect_file(&d, name, ENVELOPE "one\n");
    expect_file(&d, "1234567890.01ARZ3NDEKTSV4RRFFQ69G5FAV.mx_a_b", ENVELOPE "two\n");
    EXPECT_INT(0, files_in(&d, "tmp"));
    desk_close(&d);
}

static void what_could_not_be_flushed_is_not_there(void **state)
{
    struct span item = SPAN("text\r\n");
    struct pieces pieces = { &item, 1, 0 };
    char name[MAILDIR_NAME_MAX], error[MAILDIR_ERROR_MAX];

    (void)state;
    for (int failing = 1; failing <= 2; failing++) {
        struct desk d;

        desk_open(&d);
        fail_fsync_number = failing;
        EXPECT_INT(FAULT_NONE, maildir_prepare(d.path, error));
        EXPECT_INT(FAULT_IO, maildir_write(d.path, &d.session, &pieces, name, error));
        EXPECT_TRUE(strstr(error, "flushing") != NULL);
        EXPECT_INT(0, files_in(&d, "new"));
        EXPECT_INT(0, files_in(&d, "tmp"));
        desk_close(&d);
    }
}

static void a_place_that_cannot_be_used_is_told(void **state)
{
    struct span item = SPAN("text\r\n");
    struct pieces pieces = { &item, 1, 0 };
    char name[MAILDIR_NAME_MAX], error[MAILDIR_ERROR_MAX], path[500];
    struct desk d;

    (void)state;
    desk_open(&d);
    EXPECT_INT(FAULT_IO, maildir_write(d.path, &d.session, &pieces, name, error)); /* not there */
    snprintf(path, sizeof path, "%s/file", d.top);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    EXPECT_INT(FAULT_IO, maildir_prepare(path, error));
    EXPECT_TRUE(strstr(error, "file") != NULL);
    EXPECT_INT(FAULT_NONE, maildir_prepare(d.path, error));
    snprintf(path, sizeof path, "%s/new", d.path);
    EXPECT_INT(0, rmdir(path));
    EXPECT_INT(FAULT_IO, maildir_write(d.path, &d.session, &pieces, name, error));
    EXPECT_INT(0, files_in(&d, "tmp"));
    if (geteuid() != 0) { /* root writes everywhere */
        EXPECT_INT(FAULT_NONE, maildir_prepare(d.path, error));
        snprintf(path, sizeof path, "%s/tmp", d.path);
        EXPECT_INT(0, chmod(path, 0500));
        EXPECT_INT(FAULT_IO, maildir_write(d.path, &d.session, &pieces, name, error));
    }
    desk_close(&d);
}

RUN_TESTS(TEST(a_message_is_flushed_before_it_is_seen), TEST(a_large_message_is_whole),
          TEST(a_name_that_is_taken_is_left_alone), TEST(what_could_not_be_flushed_is_not_there),
          TEST(a_place_that_cannot_be_used_is_told))

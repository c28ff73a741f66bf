/* tests/unit/test_sieve_file.c - a sieve out of its file, or out of a child. The program is its own child. */
#include "tests/kit/expect.h"
#include "tests/kit/hand_rules.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "rules/sieve/sieve_file.h"

struct desk {
    struct rule rules[5];
    struct ruleset set;
    struct matcher *matcher;
    char folder[64];
};

static void desk_open(struct desk *d)
{
    static const char *const patterns[] = { "one", "two", "three", "four", "five" };
    struct strbuf faults;

    strbuf_init(&faults, 1000);
    memset(d, 0, sizeof *d);
    for (size_t i = 0; i < COUNT(d->rules); i++)
        d->rules[i] = (struct rule){ .name = patterns[i], .kind = RULE_BODY, .pattern = patterns[i] };
    d->set = hand_rules(d->rules, COUNT(d->rules));
    d->matcher = matcher_new(&d->set, &faults);
    snprintf(d->folder, sizeof d->folder, "/tmp/sieve-XXXXXX");
    EXPECT_TRUE(mkdtemp(d->folder) != NULL);
    strbuf_release(&faults);
}

/* The files of that beginning; each is given to `on`, if any. */
static unsigned files(const struct desk *d, const char *beginning, void (*on)(const char *path))
{
    unsigned count = 0;
    char path[400];
    DIR *listing = opendir(d->folder);

    for (struct dirent *entry; (entry = readdir(listing));) {
        if (strncmp(entry->d_name, beginning, strlen(beginning)) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", d->folder, entry->d_name);
        if (on)
            on(path);
        count++;
    }
    closedir(listing);
    return count;
}

static void remove_file(const char *path)
{
    unlink(path);
}

static void desk_close(struct desk *d)
{
    files(d, "rules", remove_file);
    EXPECT_INT(0, rmdir(d->folder));
    matcher_free(d->matcher);
}

/* Turns until it is decided; a child's end is waited for. */
static enum sieve_news run(struct sieve_file *f, const char *folder, struct sieve **out, unsigned *turns)
{
    enum sieve_news news;

    for (*turns = 1; (news = sieve_file_turn(f, folder, true, out)) == SIEVE_TO_COME; ++*turns) {
        siginfo_t about;

        EXPECT_INT(0, waitid(P_ALL, 0, &about, WEXITED | WNOWAIT));
    }
    return news;
}

static enum sieve_news run_once(const struct desk *d, const char *folder, const char *program, unsigned *turns)
{
    struct sieve *sieve = NULL;
    struct sieve_file *f = sieve_file_new(d->matcher, &d->set, program);
    enum sieve_news news = run(f, folder, &sieve, turns);

    EXPECT_INT(news == SIEVE_HERE, sieve != NULL);
    sieve_free(sieve);
    sieve_file_free(f);
    return news;
}

static void it_is_compiled_once_and_then_loaded(void **state)
{
    struct desk d;
    unsigned turns;

    (void)state;
    desk_open(&d);
    EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
    EXPECT_INT(2, turns);
    EXPECT_INT(1, files(&d, "rules-", NULL));
    EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
    EXPECT_INT(1, turns);
    d.rules[0].pattern = "another"; /* which no file is of */
    EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
    EXPECT_INT(2, turns);
    EXPECT_INT(2, files(&d, "rules-", NULL));
    desk_close(&d);
}

static void cut(const char *path)
{
    struct stat about;

    EXPECT_INT(0, stat(path, &about));
    EXPECT_INT(0, truncate(path, about.st_size / 2));
}

static void empty(const char *path)
{
    EXPECT_INT(0, truncate(path, 0));
}

static void spoil(const char *path)
{
    int fd = open(path, O_RDWR);

    EXPECT_INT(3, pwrite(fd, "xyz", 3, 500));
    close(fd);
}

static void open_to_all(const char *path)
{
    EXPECT_INT(0, chmod(path, 0666));
}

static void give_away(const char *path)
{
    if (geteuid() == 0)
        EXPECT_INT(0, chown(path, 12345, 12345));
    else
        unlink(path);
}

/* And one that others may have written. */
static void a_damaged_file_is_made_anew(void **state)
{
    void (*const damages[])(const char *path) = { cut, empty, spoil, open_to_all, give_away };
    struct desk d;
    unsigned turns;

    (void)state;
    desk_open(&d);
    EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
    for (size_t i = 0; i < COUNT(damages); i++) {
        files(&d, "rules-", damages[i]);
        EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
        EXPECT_INT(2, turns);
        EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
        EXPECT_INT(1, turns);
    }
    desk_close(&d);
}

static void without_a_folder_to_write_to_it_is_kept_in_memory(void **state)
{
    struct desk d;
    unsigned turns;

    (void)state;
    desk_open(&d);
    EXPECT_INT(SIEVE_HERE, run_once(&d, "/proc/self", NULL, &turns));
    EXPECT_INT(2, turns);
    EXPECT_INT(SIEVE_HERE, run_once(&d, "/nowhere/at/all", NULL, &turns));
    EXPECT_INT(2, turns);
    EXPECT_INT(SIEVE_NEVER, run_once(&d, NULL, NULL, &turns));
    if (geteuid() != 0) { /* whom permissions do not stop */
        chmod(d.folder, 0500);
        EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
        EXPECT_INT(2, turns);
        chmod(d.folder, 0700);
    }
    EXPECT_INT(0, files(&d, "rules-", NULL));
    desk_close(&d);
}

static void only_one_process_compiles(void **state)
{
    struct desk d;
    struct sieve *sieve = NULL;
    unsigned turns;
    char path[100];

    (void)state;
    desk_open(&d);
    snprintf(path, sizeof path, "%s/rules.lock", d.folder);
    int lock = open(path, O_RDWR | O_CREAT, 0600);

    EXPECT_INT(0, flock(lock, LOCK_EX));
    struct sieve_file *f = sieve_file_new(d.matcher, &d.set, NULL);

    for (int i = 0; i < 10; i++)
        EXPECT_INT(SIEVE_TO_COME, sieve_file_turn(f, d.folder, true, &sieve));
    EXPECT_INT(-1, waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOWAIT | WNOHANG)); /* there is no child */
    close(lock);
    EXPECT_INT(SIEVE_HERE, run(f, d.folder, &sieve, &turns));
    EXPECT_INT(2, turns);
    sieve_free(sieve);
    sieve_file_free(f);
    desk_close(&d);
}

static void what_fails_is_not_tried_again_and_again(void **state)
{
    struct desk d;
    unsigned turns;

    (void)state;
    desk_open(&d);
    EXPECT_INT(SIEVE_NEVER, run_once(&d, d.folder, "/bin/false", &turns));
    EXPECT_INT(SIEVE_NEVER, run_once(&d, d.folder, "/bin/true", &turns)); /* writes nothing */
    EXPECT_INT(SIEVE_NEVER, run_once(&d, d.folder, "/nowhere/at/all", &turns));
    EXPECT_INT(0, files(&d, "rules-", NULL));
    struct strbuf faults;

    strbuf_init(&faults, 1000);
    matcher_free(d.matcher);
    d.set.count = 2; /* too few for a sieve */
    d.matcher = matcher_new(&d.set, &faults);
    EXPECT_INT(SIEVE_NEVER, run_once(&d, d.folder, NULL, &turns));
    EXPECT_INT(1, turns);
    strbuf_release(&faults);
    desk_close(&d);
}

/* The gateway may end while the child is at work. */
static void make_old(const char *folder, const char *name)
{
    const struct timespec long_ago[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
    char path[400];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    EXPECT_TRUE(fd >= 0 && futimens(fd, long_ago) == 0);
    close(fd);
}

static void what_is_not_used_any_more_goes_and_nothing_else(void **state)
{
    struct desk d;
    unsigned turns;

    (void)state;
    desk_open(&d);
    make_old(d.folder, "rules-0123456789abcdef0123456789abcdef.sieve");
    make_old(d.folder, "rules-aBcDeF"); /* what a crash has left */
    make_old(d.folder, "rules-of-mine.cf");
    EXPECT_INT(SIEVE_HERE, run_once(&d, d.folder, NULL, &turns));
    EXPECT_INT(1, files(&d, "rules-of-mine.cf", NULL));
    EXPECT_INT(2, files(&d, "rules-", NULL));
    desk_close(&d);
}

static void a_child_is_lost(void **state)
{
    struct sieve *sieve = NULL;
    struct desk d;
    siginfo_t about;

    (void)state;
    desk_open(&d);
    struct sieve_file *f = sieve_file_new(d.matcher, &d.set, "/bin/false");

    EXPECT_INT(SIEVE_TO_COME, sieve_file_turn(f, d.folder, true, &sieve));
    EXPECT_INT(0, waitid(P_ALL, 0, &about, WEXITED)); /* somebody else has waited for it */
    EXPECT_INT(SIEVE_NEVER, sieve_file_turn(f, d.folder, true, &sieve));
    sieve_file_free(f);
    desk_close(&d);
}

static void a_child_is_ended(void **state)
{
    struct desk d;
    struct sieve *sieve = NULL;

    (void)state;
    desk_open(&d);
    struct sieve_file *f = sieve_file_new(d.matcher, &d.set, "/bin/cat"); /* would write the request back */

    EXPECT_INT(SIEVE_TO_COME, sieve_file_turn(f, d.folder, true, &sieve));
    sieve_file_free(f);
    EXPECT_INT(-1, waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOWAIT | WNOHANG));
    desk_close(&d);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_compiled_once_and_then_loaded),
        TEST(a_damaged_file_is_made_anew),
        TEST(what_is_not_used_any_more_goes_and_nothing_else),
        TEST(a_child_is_lost),
        TEST(without_a_folder_to_write_to_it_is_kept_in_memory),
        TEST(only_one_process_compiles),
        TEST(what_fails_is_not_tried_again_and_again),
        TEST(a_child_is_ended),
    };

    if (argc == 2 && strcmp(argv[1], "compile-rules") == 0)
        return sieve_make(STDIN_FILENO, STDOUT_FILENO, SIEVE_PATTERN_MS_MAX) ? 3 : 0;
    log_configure(LOG_LOGFMT, LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

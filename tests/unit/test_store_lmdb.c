/* tests/unit/test_store_lmdb.c - the embedded store: the suite, and what becomes of it when processes and disks fail */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/lmdb_file.h"
#include "tests/kit/expect.h"
#include "tests/kit/store_model.h"

struct scene {
    struct store_bench bench;
    struct store_conf conf;
    char folder[100];
};

static void open_store(struct scene *s)
{
    char error[500] = "";

    s->bench.loop = loop_new();
    s->bench.store = store_new(s->bench.loop, &s->conf, s->folder, error, sizeof error);
    EXPECT_STR("", error);
}

static void close_store(struct scene *s)
{
    store_free(s->bench.store);
    loop_free(s->bench.loop);
}

static void set_up(struct scene *s, size_t size_most)
{
    *s = (struct scene){ .conf = { .backend = STORE_LMDB, .timeout_ms = 1000, .size_most_bytes = size_most } };
    snprintf(s->folder, sizeof s->folder, "/tmp/test_store.XXXXXX");
    EXPECT_TRUE(mkdtemp(s->folder) != NULL);
    open_store(s);
}

static const char *path_of(const struct scene *s, const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return path;
}

static void tear_down(struct scene *s)
{
    close_store(s);
    unlink(path_of(s, "store.mdb"));
    unlink(path_of(s, "store.mdb-lock"));
    unlink(path_of(s, "store.mdb.damaged"));
    EXPECT_INT(0, rmdir(s->folder));
}

static void it_behaves_as_every_backend_does(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s, 64 << 20);
    store_suite(&s.bench);
    store_model_run(&s.bench, 150);
    tear_down(&s);
}

static void it_outlives_its_process(void **state)
{
    struct scene s;
    struct stat file;

    (void)state;
    set_up(&s, 64 << 20);
    EXPECT_INT(STORE_OK, store_bench_put(&s.bench, "k:kept", "value", 0).state);
    close_store(&s);
    open_store(&s);
    EXPECT_SPAN("value", store_bench_get(&s.bench, "k:kept").value);
    EXPECT_INT(0, stat(path_of(&s, "store.mdb"), &file));
    EXPECT_INT(0600, file.st_mode & 0777);
    tear_down(&s);
}

/* ---- children ---- */

typedef void child_fn(struct scene *s);

/* Another process, with a store of its own in the same folder; `fn` ends it. */
static pid_t start_child(const struct scene *s, child_fn *fn, bool has_store)
{
    pid_t pid = fork();

    EXPECT_TRUE(pid >= 0);
    if (pid)
        return pid;
    struct scene own = *s;

    alarm(60);
    if (has_store)
        open_store(&own);
    fn(&own);
    _exit(0);
}

static int end_of(pid_t pid)
{
    int status = 0;

    EXPECT_INT(pid, waitpid(pid, &status, 0));
    return status;
}

static void kill_child(pid_t pid)
{
    EXPECT_INT(0, kill(pid, SIGKILL));
    EXPECT_TRUE(WIFSIGNALED(end_of(pid)));
}

static struct store_file *open_file(const struct scene *s)
{
    char error[500] = "";
    struct store_file *f = store_file_open(path_of(s, "store.mdb"), s->conf.size_most_bytes, error, sizeof error);

    EXPECT_STR("", error);
    return f;
}

static int64_t count(const struct scene *s, const char *key, int by)
{
    struct store_op op = { .kind = STORE_COUNT, .key = span_of(key), .now_ms = clock_wall_ms() };

    op.count.by = by;
    op.count.life_ms = 3600000;
    struct store_answer answer = store_bench_ask(&s->bench, &op);

    EXPECT_INT(STORE_OK, answer.state);
    return answer.count;
}

/* Tells without waiting; in one turn, and so in one transaction. */
static void tell_count(const struct scene *s, const char *key)
{
    struct store_op op = { .kind = STORE_COUNT, .key = span_of(key), .now_ms = clock_wall_ms() };

    op.count.by = 1;
    op.count.life_ms = 3600000;
    store_tell(s->bench.store, &op);
}

/* ---- several processes ---- */

enum { COUNTS = 300 };

static void count_on(struct scene *s)
{
    for (int i = 0; i < COUNTS; i++)
        count(s, "c:both", 1);
    close_store(s);
}

static void two_processes_share_it(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s, 64 << 20);
    pid_t child = start_child(&s, count_on, true);

    for (int i = 0; i < COUNTS; i++)
        count(&s, "c:both", 1);
    EXPECT_INT(0, end_of(child));
    EXPECT_INT(2 * COUNTS, count(&s, "c:both", 0));
    tear_down(&s);
}

static void write_pairs(struct scene *s)
{
    for (int i = 0;; i++) {
        char key[40], value[2000];
        struct store_op op = { .kind = STORE_PUT, .now_ms = clock_wall_ms() };

        snprintf(key, sizeof key, "k:filler %d", i % 500);
        memset(value, 'v', sizeof value);
        op.key = span_of(key);
        op.put.value = span_make(value, 500 + (size_t)i * 7 % 1500);
        op.put.life_ms = 50 + i % 1000;
        tell_count(s, "c:left");
        store_tell(s->bench.store, &op);
        count(s, "c:right", 1);
    }
}

/* Each kill comes at another moment of a transaction; the machine's own pace is chance enough. */
static void kill_9_in_mid_write_breaks_nothing(void **state)
{
    struct scene s;
    int64_t before = 0;

    (void)state;
    set_up(&s, 64 << 20);
    for (int round = 0; round < 25; round++) {
        pid_t first = start_child(&s, write_pairs, true), second = start_child(&s, write_pairs, true);
        int64_t until_ms = clock_mono_ms() + 10000;

        while (count(&s, "c:left", 0) < before + 20 + round && clock_mono_ms() < until_ms)
            count(&s, "c:own", 1);
        kill_child(first);
        int64_t left = count(&s, "c:left", 0);

        for (int i = 0; i < 5; i++)
            count(&s, "c:own", 1);
        kill_child(second);
        EXPECT_TRUE(left > before);
        before = count(&s, "c:left", 0);
        EXPECT_TRUE(before >= left);
        EXPECT_INT(before, count(&s, "c:right", 0)); /* all of a turn, or nothing */
    }
    close_store(&s);
    open_store(&s);
    EXPECT_INT(before, count(&s, "c:left", 0));
    EXPECT_TRUE(access(path_of(&s, "store.mdb.damaged"), F_OK) != 0);
    tear_down(&s);
}

static void stop_while_writing(struct scene *s)
{
    struct store_file *f = open_file(s);

    while (store_file_begin(f, true) == FILE_BUSY)
        continue;
    raise(SIGSTOP);
}

static void wait_until_stopped(pid_t pid)
{
    int status = 0;

    EXPECT_INT(pid, waitpid(pid, &status, WUNTRACED));
    EXPECT_TRUE(WIFSTOPPED(status));
}

static void a_process_that_stands_still_holds_nobody_up(void **state)
{
    struct scene s;
    int64_t begun_ms;

    (void)state;
    set_up(&s, 64 << 20);
    close_store(&s);
    s.conf.timeout_ms = 100;
    open_store(&s);
    EXPECT_INT(STORE_OK, store_bench_put(&s.bench, "k:old", "old", 0).state);
    pid_t child = start_child(&s, stop_while_writing, false);

    wait_until_stopped(child);
    begun_ms = clock_mono_ms();
    EXPECT_INT(STORE_TIMEOUT, store_bench_put(&s.bench, "k:new", "new", 0).state);
    EXPECT_TRUE(clock_mono_ms() - begun_ms >= 99);
    EXPECT_SPAN("old", store_bench_get(&s.bench, "k:old").value); /* reading goes on */
    for (int i = 0; i < 2; i++)
        EXPECT_INT(STORE_TIMEOUT, store_bench_put(&s.bench, "k:new", "new", 0).state);
    EXPECT_INT(STORE_FAILED, store_bench_put(&s.bench, "k:new", "new", 0).state); /* at once, for a while */
    store_bench_wait(&s.bench, 1100);                                             /* the pause after failures */
    EXPECT_INT(STORE_FAILED, store_bench_put(&s.bench, "k:new", "new", 0).state); /* still so, and nobody waits */
    kill_child(child);
    store_bench_wait(&s.bench, 1100);
    EXPECT_INT(STORE_OK, store_bench_put(&s.bench, "k:new", "new", 0).state);
    EXPECT_SPAN("new", store_bench_get(&s.bench, "k:new").value);
    tear_down(&s);
}

static int ready[2];

static void write_for_a_moment(struct scene *s)
{
    struct store_file *f = open_file(s);

    while (store_file_begin(f, true) == FILE_BUSY)
        continue;
    EXPECT_INT(1, write(ready[1], "x", 1));
    poll(NULL, 0, 30);
    store_file_close(f);
}

static void what_is_told_last_waits_for_another_writer(void **state)
{
    struct scene s;
    char byte;

    (void)state;
    set_up(&s, 64 << 20);
    EXPECT_INT(0, pipe(ready));
    pid_t child = start_child(&s, write_for_a_moment, false);

    EXPECT_INT(1, read(ready[0], &byte, 1));
    tell_count(&s, "c:last");
    close_store(&s);
    open_store(&s);
    EXPECT_INT(1, count(&s, "c:last", 0));
    EXPECT_INT(0, end_of(child));
    close(ready[0]);
    close(ready[1]);
    tear_down(&s);
}

static void stop_while_reading(struct scene *s)
{
    struct store_file *f = open_file(s);

    EXPECT_INT(FILE_OK, store_file_begin(f, false));
    raise(SIGSTOP);
}

static struct store_answer put_number(const struct scene *s, int number, int life_ms)
{
    char key[40], value[101];

    snprintf(key, sizeof key, "k:%08x", (unsigned)number * 2654435761U); /* in no order */
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    return store_bench_put(&s->bench, key, value, life_ms);
}

static bool has_number(const struct scene *s, int number)
{
    char key[40];

    snprintf(key, sizeof key, "k:%08x", (unsigned)number * 2654435761U);
    return store_bench_get(&s->bench, key).state == STORE_OK;
}

/* A reader keeps pages from being used again: one that was killed must be forgotten. */
static void a_reader_that_died_is_forgotten(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s, 1 << 20);
    pid_t child = start_child(&s, stop_while_reading, false);

    wait_until_stopped(child);
    kill_child(child);
    for (int i = 0; i < 2000; i++)
        EXPECT_INT(STORE_OK, put_number(&s, i % 100, 3600000).state);
    tear_down(&s);
}

static void a_reader_that_stands_still_fills_it_for_a_while(void **state)
{
    struct scene s;
    int i = 0;

    (void)state;
    set_up(&s, 1 << 20);
    pid_t child = start_child(&s, stop_while_reading, false);

    wait_until_stopped(child);
    while (i < 5000 && put_number(&s, i, 3600000).state == STORE_OK)
        i++;
    EXPECT_TRUE(i > 20 && i < 5000);
    EXPECT_TRUE(strstr(put_number(&s, i, 3600000).why, "size") != NULL);
    EXPECT_TRUE(has_number(&s, i - 1) || !has_number(&s, i)); /* reading goes on */
    kill_child(child);
    store_bench_wait(&s.bench, 1100); /* the pause after failures */
    EXPECT_INT(STORE_OK, put_number(&s, i, 3600000).state);
    EXPECT_TRUE(has_number(&s, i));
    tear_down(&s);
}

static void fill_more(struct scene *s)
{
    close_store(s);
    s->conf.size_most_bytes = 64 << 20;
    open_store(s);
    for (int i = 0; i < 20000; i += 2) {
        put_number(s, i, 3600000);
        if (i % 100 == 0)
            loop_run_once(s->bench.loop, 0);
    }
    close_store(s);
}

static void another_process_may_make_it_larger(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s, 1 << 20);
    EXPECT_INT(STORE_OK, put_number(&s, 1, 3600000).state);
    EXPECT_INT(0, end_of(start_child(&s, fill_more, true)));
    EXPECT_TRUE(has_number(&s, 1));
    EXPECT_TRUE(has_number(&s, 19998));
    EXPECT_INT(STORE_OK, put_number(&s, 3, 3600000).state);
    tear_down(&s);
}

/* ---- full ---- */

static off_t size_of(const struct scene *s)
{
    struct stat file;

    EXPECT_INT(0, stat(path_of(s, "store.mdb"), &file));
    return file.st_size;
}

static void what_expires_first_makes_room(void **state)
{
    struct scene s;
    int kept = 0;

    (void)state;
    set_up(&s, 1 << 20);
    for (int i = 0; i < 12000; i++) {
        EXPECT_INT(STORE_OK, put_number(&s, i, 3600000 + i * 1000).state);
        if (i % 100 == 0)
            EXPECT_TRUE(has_number(&s, i));
    }
    EXPECT_TRUE(size_of(&s) <= 1 << 20);
    for (int i = 0; i < 12000; i++)
        kept += has_number(&s, i);
    for (int i = 0; i < 100; i++)
        EXPECT_FALSE(has_number(&s, i));
    for (int i = 11900; i < 12000; i++)
        EXPECT_TRUE(has_number(&s, i));
    print_message("%d of 12000 are kept in 1 MiB\n", kept);
    EXPECT_TRUE(kept > 1000);
    EXPECT_INT(kept, store_bench_walk(&s.bench, "k:", NULL, NULL));
    for (int i = 0; i < 6000; i++) /* those that never expire are no more than others */
        EXPECT_INT(STORE_OK, put_number(&s, -1 - i, 0).state);
    EXPECT_TRUE(size_of(&s) <= 1 << 20);
    tear_down(&s);
}

static void what_has_expired_goes_by_itself(void **state)
{
    struct scene s;
    struct store_counters counters;
    int64_t until_ms = clock_mono_ms() + 20000;

    (void)state;
    set_up(&s, 64 << 20);
    for (int i = 0; i < 1000; i++)
        put_number(&s, i, i % 10 ? 1 : 3600000);
    do {
        store_bench_wait(&s.bench, 50);
        store_counters(s.bench.store, &counters);
    } while (counters.records > 100 && clock_mono_ms() < until_ms);
    EXPECT_INT(100, counters.records);
    EXPECT_INT(100, store_bench_walk(&s.bench, "k:", NULL, NULL));
    tear_down(&s);
}

enum { NUMBERS = 100000 };
static bool is_stored[NUMBERS];

/* Returns how many were tried; the last ones were refused without another try. */
static int fill_disk(const struct scene *s)
{
    struct store_counters counters;
    struct store_answer answer;
    int i = 0;

    do {
        answer = put_number(s, i, 3600000);
        is_stored[i++] = answer.state == STORE_OK;
        store_counters(s->bench.store, &counters);
    } while (!counters.is_down && i < NUMBERS);
    EXPECT_INT(STORE_FAILED, answer.state);
    print_message("full after %d: %s\n", i, answer.why);
    EXPECT_TRUE(strstr(answer.why, "full") || strstr(answer.why, "No space left"));
    EXPECT_INT(STORE_FAILED, put_number(s, i, 3600000).state);
    return i;
}

static void works_again(const struct scene *s, int tried)
{
    int stored = 0;

    store_bench_wait(&s->bench, 1100); /* the pause after failures */
    for (int k = 0; k < tried; k++) {
        EXPECT_INT(is_stored[k], has_number(s, k)); /* what was answered is what is there */
        stored += is_stored[k];
    }
    EXPECT_TRUE(stored > 500);
    for (int k = 0; k < 1000; k++)
        EXPECT_INT(STORE_OK, put_number(s, tried + k, 3600000).state);
    EXPECT_INT(stored + 1000, store_bench_walk(&s->bench, "k:", NULL, NULL));
}

static void a_full_disk_loses_nothing(void **state)
{
    struct rlimit old, small;
    struct scene s;

    (void)state;
    set_up(&s, 64 << 20);
    signal(SIGXFSZ, SIG_IGN);
    EXPECT_INT(0, getrlimit(RLIMIT_FSIZE, &old));
    small = (struct rlimit){ .rlim_cur = 300000, .rlim_max = old.rlim_max };
    EXPECT_INT(0, setrlimit(RLIMIT_FSIZE, &small));
    int tried = fill_disk(&s);

    EXPECT_INT(0, setrlimit(RLIMIT_FSIZE, &old));
    works_again(&s, tried);
    tear_down(&s);
}

static void fill_small_disk(struct scene *s)
{
    char filler[200];

    snprintf(filler, sizeof filler, "%s", path_of(s, "filler"));
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);

    EXPECT_INT(0, posix_fallocate(fd, 0, 1 << 20));
    open_store(s);
    int tried = fill_disk(s);

    EXPECT_INT(0, unlink(filler));
    close(fd);
    works_again(s, tried);
    close_store(s);
    open_store(s);
    EXPECT_TRUE(has_number(s, tried));
    tear_down(s);
}

static void try_small_disk(struct scene *s)
{
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", s->folder, "tmpfs", 0, "size=2m"))
        _exit(77);
    s->conf.size_most_bytes = 64 << 20;
    char inner[110];

    snprintf(inner, sizeof inner, "%s/x", s->folder);
    EXPECT_INT(0, mkdir(inner, 0700));
    EXPECT_INT(FAULT_NONE, span_copy(span_of(inner), s->folder, sizeof s->folder));
    fill_small_disk(s);
}

static void a_full_file_system_loses_nothing(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s, 64 << 20);
    int status = end_of(start_child(&s, try_small_disk, false));

    tear_down(&s);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* not root, or not allowed to mount */
    EXPECT_INT(0, status);
}

/* ---- damaged ---- */

static void what_is_no_store_is_set_aside(void **state)
{
    static const char *const contents[] = { "", "x", "no database at all, but the text of a letter to somebody" };
    struct scene s;

    (void)state;
    set_up(&s, 64 << 20);
    log_configure(LOG_LOGFMT, LOG_ERROR);
    for (size_t i = 0; i < COUNT(contents); i++) {
        close_store(&s);
        int fd = open(path_of(&s, "store.mdb"), O_WRONLY | O_TRUNC);

        for (size_t n = 0; n < 5000; n++)
            EXPECT_TRUE(write(fd, contents[i], strlen(contents[i])) >= 0);
        close(fd);
        open_store(&s);
        EXPECT_INT(i == 0, access(path_of(&s, "store.mdb.damaged"), F_OK) != 0);
        EXPECT_INT(STORE_OK, store_bench_put(&s.bench, "k:new", "new", 0).state);
        EXPECT_SPAN("new", store_bench_get(&s.bench, "k:new").value);
    }
    log_configure(LOG_LOGFMT, LOG_INFO);
    tear_down(&s);
}

RUN_TESTS(TEST(it_behaves_as_every_backend_does), TEST(it_outlives_its_process), TEST(two_processes_share_it),
          TEST(kill_9_in_mid_write_breaks_nothing), TEST(a_process_that_stands_still_holds_nobody_up),
          TEST(what_is_told_last_waits_for_another_writer), TEST(a_reader_that_died_is_forgotten),
          TEST(a_reader_that_stands_still_fills_it_for_a_while), TEST(another_process_may_make_it_larger),
          TEST(what_expires_first_makes_room), TEST(what_has_expired_goes_by_itself), TEST(a_full_disk_loses_nothing),
          TEST(a_full_file_system_loses_nothing), TEST(what_is_no_store_is_set_aside))

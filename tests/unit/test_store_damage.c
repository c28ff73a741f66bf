/* tests/unit/test_store_damage.c - the embedded store's file after bad disks and crashes of the machine: it is opened,
 * what can be read is there, and nothing ends the process.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/lmdb_check.h"
#include "tests/kit/expect.h"
#include "tests/kit/store_suite.h"

enum { RECORDS = 3000, PAGE = 4096, HOUR = 3600000 };

struct scene {
    struct store_bench bench;
    char folder[64], path[100];
};

static void open_store(struct scene *s)
{
    const struct store_conf conf = { .backend = STORE_LMDB, .timeout_ms = 1000, .size_most_bytes = 64 << 20 };
    char error[500] = "";

    s->bench.loop = loop_new();
    s->bench.store = store_new(s->bench.loop, &conf, s->folder, error, sizeof error);
    EXPECT_STR("", error);
}

static void close_store(struct scene *s)
{
    store_free(s->bench.store);
    loop_free(s->bench.loop);
}

static void put(struct scene *s, int number, const char *value, int life_ms)
{
    char key[40];
    struct store_op op = { .kind = STORE_PUT, .now_ms = clock_wall_ms() };

    snprintf(key, sizeof key, "k:%08x", (unsigned)number * 2654435761U);
    op.key = span_of(key);
    op.put.value = span_of(value);
    op.put.life_ms = life_ms;
    store_tell(s->bench.store, &op);
}

/* Some values are so large that they have pages of their own, and so many have gone that pages are free. */
static void fill(struct scene *s, const char *word)
{
    char large[3001];

    memset(large, 'l', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    for (int i = 0; i < RECORDS; i++)
        put(s, i, i % 100 ? word : large, HOUR + i);
    store_bench_get(&s->bench, "k:wait");
    for (int i = 0; i < RECORDS; i += 3)
        put(s, i, "", 1);
    store_bench_get(&s->bench, "k:wait");
}

static struct strbuf read_file(const char *path)
{
    struct strbuf bytes;
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    strbuf_init(&bytes, 256 << 20);
    EXPECT_INT(0, fstat(fd, &file));
    EXPECT_INT(file.st_size, read(fd, strbuf_room(&bytes, (size_t)file.st_size), (size_t)file.st_size));
    bytes.len = (size_t)file.st_size;
    close(fd);
    return bytes;
}

static void write_file(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

    EXPECT_INT(bytes.len, write(fd, bytes.ptr, bytes.len));
    close(fd);
}

static void set_up(struct scene *s)
{
    *s = (struct scene){ .folder = "/tmp/test_damage.XXXXXX" };
    EXPECT_TRUE(mkdtemp(s->folder) != NULL);
    snprintf(s->path, sizeof s->path, "%s/store.mdb", s->folder);
    open_store(s);
}

static void tear_down(struct scene *s)
{
    static const char *const names[] = { "", "-lock", ".damaged" };
    char path[120];

    close_store(s);
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "%s%s", s->path, names[i]);
        unlink(path);
    }
    EXPECT_INT(0, rmdir(s->folder));
}

static const char *check(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *wrong = lmdb_check(fd);

    close(fd);
    return wrong;
}

static void a_whole_file_is_whole(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s);
    for (int i = 0; i < 5; i++) {
        fill(&s, "value");
        close_store(&s);
        EXPECT_NULL(check(s.path));
        open_store(&s);
        EXPECT_INT(RECORDS - RECORDS / 3, store_bench_walk(&s.bench, "k:", NULL, NULL));
    }
    tear_down(&s);
}

static void each_page_may_be_lost(void **state)
{
    static const int lengths[] = { PAGE, 8, 1 };
    struct scene s;
    int found = 0, tried = 0;

    (void)state;
    set_up(&s);
    fill(&s, "value");
    close_store(&s);
    log_configure(LOG_LOGFMT, LOG_ERROR);
    struct strbuf whole = read_file(s.path);

    for (size_t page = 0; page < whole.len / PAGE; page += page < 6 ? 1 : 5) {
        for (size_t i = 0; i < COUNT(lengths); i++) {
            struct strbuf copy = read_file(s.path);

            for (int n = 0; n < lengths[i]; n++)
                copy.data[page * PAGE + (i ? 16 : 0) + (size_t)n] ^=
                    (char)(i ? 0x55 : copy.data[page * PAGE + (size_t)n]);
            write_file(s.path, strbuf_span(&copy));
            bool is_wrong = check(s.path) != NULL;

            open_store(&s);
            int count = store_bench_walk(&s.bench, "k:", NULL, NULL);

            EXPECT_TRUE(count > RECORDS / 2);
            if (!is_wrong)
                EXPECT_INT(RECORDS - RECORDS / 3, count);
            EXPECT_INT(STORE_OK, store_bench_put(&s.bench, "k:new", "new", 0).state);
            close_store(&s);
            EXPECT_NULL(check(s.path));
            found += is_wrong;
            tried++;
            strbuf_release(&copy);
            write_file(s.path, strbuf_span(&whole));
        }
    }
    log_configure(LOG_LOGFMT, LOG_INFO);
    print_message("%d of %d damages were found; the others lay in free pages\n", found, tried);
    EXPECT_TRUE(found > tried / 4 && found < tried);
    strbuf_release(&whole);
    open_store(&s);
    tear_down(&s);
}

/* The machine goes down while the disk is written: of the pages that differ some are the new ones, some the old. */
static void a_crash_of_the_machine_mixes_pages(void **state)
{
    struct scene s;
    unsigned random = 1;

    (void)state;
    set_up(&s);
    fill(&s, "first");
    close_store(&s);
    struct strbuf old = read_file(s.path);

    open_store(&s);
    for (int i = 0; i < 300; i++)
        put(&s, i * 7, "second", 2 * HOUR);
    store_bench_get(&s.bench, "k:wait");
    close_store(&s);
    struct strbuf new = read_file(s.path);

    log_configure(LOG_LOGFMT, LOG_ERROR);
    for (int round = 0; round < 40; round++) {
        for (size_t at = 0; at + PAGE <= new.len; at += PAGE) {
            random = random * 1664525 + 1013904223;
            const struct strbuf *from = at + PAGE <= old.len && random >> 31 ? &old : &new;
            int fd = open(s.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

            EXPECT_INT(PAGE, pwrite(fd, from->data + at, PAGE, (off_t)at));
            close(fd);
        }
        open_store(&s);
        EXPECT_TRUE(store_bench_walk(&s.bench, "k:", NULL, NULL) > RECORDS / 2);
        EXPECT_INT(STORE_OK, store_bench_put(&s.bench, "k:new", "new", 0).state);
        EXPECT_SPAN("new", store_bench_get(&s.bench, "k:new").value);
        close_store(&s);
        EXPECT_NULL(check(s.path));
    }
    log_configure(LOG_LOGFMT, LOG_INFO);
    strbuf_release(&old);
    strbuf_release(&new);
    open_store(&s);
    tear_down(&s);
}

static void it_may_be_cut_off_anywhere(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s);
    fill(&s, "value");
    close_store(&s);
    struct strbuf whole = read_file(s.path);

    log_configure(LOG_LOGFMT, LOG_ERROR);
    for (size_t len = 1; len < whole.len; len += len < 3 * PAGE ? 1777 : 37777) {
        write_file(s.path, span_make(whole.data, len));
        open_store(&s);
        EXPECT_INT(STORE_OK, store_bench_put(&s.bench, "k:new", "new", 0).state);
        close_store(&s);
        EXPECT_NULL(check(s.path));
    }
    log_configure(LOG_LOGFMT, LOG_INFO);
    strbuf_release(&whole);
    open_store(&s);
    tear_down(&s);
}

static void a_folder_that_will_not_do_is_told(void **state)
{
    const struct store_conf conf = { .backend = STORE_LMDB, .timeout_ms = 1000, .size_most_bytes = 1 << 20 };
    struct loop *loop = loop_new();
    char error[500] = "";

    (void)state;
    EXPECT_NULL(store_new(loop, &conf, "/nonexistent/folder", error, sizeof error));
    EXPECT_TRUE(strstr(error, "/nonexistent/folder") != NULL);
    loop_free(loop);
}

RUN_TESTS(TEST(a_whole_file_is_whole), TEST(each_page_may_be_lost), TEST(a_crash_of_the_machine_mixes_pages),
          TEST(it_may_be_cut_off_anywhere), TEST(a_folder_that_will_not_do_is_told))

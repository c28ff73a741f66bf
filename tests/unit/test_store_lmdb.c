/* tests/unit/test_store_lmdb.c - the embedded store: the suite, and what becomes of it when processes and disks fail */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kit/expect.h"
#include "tests/kit/store_suite.h"

struct scene {
    struct store_bench bench;
    struct store_conf conf;
    char folder[64];
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

RUN_TESTS(TEST(it_behaves_as_every_backend_does), TEST(it_outlives_its_process))

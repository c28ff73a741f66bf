/* tests/unit/test_store_redis.c - the store on a real Redis server: the suite, and op_apply() held against the scripts.
 *
 * Starts a redis-server of its own on a unix socket. With POSTERN_STORE_CONF, a file with a store section, it asks the
 * servers of that instead: so tests/interop/test_store_redis.py runs it on Sentinel, on Cluster and over TLS.
 */
#include "tests/kit/expect.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/endpoint.h"
#include "gateway/net/stream.h"
#include "tests/kit/store_model.h"

enum { BATCHES = 150, START_MS = 20000 };

struct root_conf {
    struct store_conf store;
};

static const struct conf_key root_keys[] = {
    { .name = "store", .type = CONF_SECTION, .at = offsetof(struct root_conf, store), .section = &store_section },
    { 0 },
};

static const struct conf_section root = { .name = "root", .size = sizeof(struct root_conf), .keys = root_keys };

static char folder[] = "/tmp/test_store_redis.XXXXXX";
static pid_t server;
static struct conf *conf;
static struct root_conf *values;
static struct store_bench bench;

/* ---- the server ---- */

static void start_server(void)
{
    char path[100];

    snprintf(path, sizeof path, "%s/sock", folder);
    server = fork();
    if (server)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a failed test ends us early */
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder,
           "--loglevel", "warning", "--logfile", "log", (char *)NULL);
    _exit(127);
}

static void count_call(void *arg)
{
    ++*(int *)arg;
}

static void count_end(void *arg, enum stream_end why)
{
    (void)why;
    --*(int *)arg;
}

/* It listens once something has connected. */
static void wait_for_server(void)
{
    static const struct stream_events events = { .on_open = count_call, .on_end = count_end };
    struct loop *loop = loop_new();
    struct endpoint at = { .port = 0 };
    int64_t until_ms = clock_mono_ms() + START_MS;
    int outcome = 0;

    snprintf(at.path, sizeof at.path, "%s/sock", folder);
    while (outcome != 1 && clock_mono_ms() < until_ms) {
        struct stream *s = stream_connect(loop, &at, START_MS, &events, &outcome);

        for (outcome = 0; !outcome && clock_mono_ms() < until_ms;)
            loop_run_once(loop, 20);
        stream_free(s);
        loop_run_once(loop, 20);
    }
    EXPECT_INT(1, outcome);
    loop_free(loop);
}

static int open_all(void **state)
{
    const char *given = getenv("POSTERN_STORE_CONF");
    struct strbuf faults, text;
    char error[500] = "";

    (void)state;
    strbuf_init(&faults, 10000);
    strbuf_init(&text, 10000);
    EXPECT_TRUE(mkdtemp(folder) != NULL);
    if (!given) {
        start_server();
        wait_for_server();
    }
    strbuf_putf(&text, "store { backend = redis servers = {\"%s/sock\"} timeout = \"10s\" }", folder);
    conf = given ? conf_load(&root, given, (void **)&values, &faults)
                 : conf_load_text(&root, "test", strbuf_span(&text), (void **)&values, &faults);
    if (!conf)
        fail_msg("%s", faults.data);
    bench.loop = loop_new();
    bench.store = store_new(bench.loop, &values->store, folder, error, sizeof error);
    EXPECT_STR("", error);
    strbuf_release(&faults);
    strbuf_release(&text);
    return 0;
}

static int close_all(void **state)
{
    char path[100];

    (void)state;
    store_free(bench.store);
    loop_free(bench.loop);
    conf_free(conf);
    if (server) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
    }
    snprintf(path, sizeof path, "%s/log", folder);
    unlink(path);
    return rmdir(folder);
}

static void it_keeps_the_suite(void **state)
{
    (void)state;
    store_suite(&bench);
}

static void what_is_told_last_goes_out(void **state)
{
    char error[500] = "", key[60];
    struct store_bench other = { .loop = bench.loop };

    (void)state;
    other.store = store_new(bench.loop, &values->store, folder, error, sizeof error);
    EXPECT_STR("", error);
    snprintf(key, sizeof key, "k:last:%lld", (long long)clock_mono_us());
    EXPECT_INT(STORE_ABSENT, store_bench_get(&other, key).state); /* it is connected */
    struct store_op op = { .kind = STORE_PUT, .key = span_of(key), .now_ms = clock_wall_ms() };

    op.put.value = SPAN("told");
    op.put.life_ms = START_MS;
    store_tell(other.store, &op);
    store_free(other.store);
    for (int64_t until_ms = clock_mono_ms() + START_MS; clock_mono_ms() < until_ms;)
        if (store_bench_get(&bench, key).state == STORE_OK)
            break;
    EXPECT_SPAN("told", store_bench_get(&bench, key).value);
}

static void redis_cli(const char *words)
{
    char command[400];

    snprintf(command, sizeof command, "redis-cli -s %s/sock %s >/dev/null", folder, words);
    EXPECT_INT(0, system(command));
}

static void cut_the_connection(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    int *seen = arg;

    (void)key, (void)value, (void)expires_ms;
    if (!(*seen)++)
        redis_cli("client kill type normal");
}

/* What SCAN has given means nothing to a server that we come to anew: better no list than one with gaps. */
static void a_walk_that_loses_its_server_says_so(void **state)
{
    int seen = 0;

    (void)state;
    if (!server)
        skip(); /* the servers are somebody else's */
    for (int i = 0; i < 2000; i++) {
        struct store_op op = { .kind = STORE_COUNT, .now_ms = clock_wall_ms(), .count = { .by = 1, .life_ms = 60000 } };
        char key[40];

        snprintf(key, sizeof key, "c:walk:%d", i);
        op.key = span_of(key);
        store_tell(bench.store, &op);
    }
    EXPECT_INT(-1, store_bench_walk(&bench, "c:walk:", cut_the_connection, &seen));
    EXPECT_TRUE(seen < 2000);
    EXPECT_INT(2000, store_bench_walk(&bench, "c:walk:", NULL, NULL));
}

static void what_others_keep_is_left_out(void **state)
{
    (void)state;
    if (!server)
        skip();
    redis_cli("eval \"redis.call('SET', 'postern:x:big', string.rep('x', 4097))\" 0");
    redis_cli("set postern:x:late x pxat 9223372036854775807");
    redis_cli("lpush postern:x:list x");
    EXPECT_INT(STORE_OK, store_bench_put(&bench, "x:ours", "x", 0).state);
    EXPECT_INT(1, store_bench_walk(&bench, "x:", NULL, NULL));
    EXPECT_INT(STORE_ABSENT, store_bench_get(&bench, "x:big").state);
}

static void the_scripts_compute_what_op_apply_does(void **state)
{
    (void)state;
    store_model_run(&bench, BATCHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_keeps_the_suite),
        TEST(what_is_told_last_goes_out),
        TEST(a_walk_that_loses_its_server_says_so),
        TEST(what_others_keep_is_left_out),
        TEST(the_scripts_compute_what_op_apply_does),
    };

    if (!getenv("POSTERN_STORE_CONF") && system("command -v redis-server >/dev/null")) {
        printf("redis-server is not installed; ./dev test installs it\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, open_all, close_all);
}

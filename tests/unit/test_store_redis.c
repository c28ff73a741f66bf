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
#include "tests/kit/store_suite.h"

enum { BATCH = 40, BATCHES = 150, KEYS = 6, CLIENTS = 2, START_MS = 20000 };

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
static bool is_closing; /* after a test that failed there may be questions left */

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
    is_closing = true;
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

/* ---- op_apply() and the scripts, bit for bit ---- */

static uint64_t seed;

static uint64_t dice(uint64_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % sides;
}

static double fraction(double most)
{
    return most * (double)dice(1000003) / 1000003;
}

struct model {
    struct store_record keys[KEYS], clients[CLIENTS];
    int64_t now_ms;
    char names[KEYS + CLIENTS][60];
};

struct expected {
    struct store_op op;
    struct store_answer answer;
    char value[STORE_VALUE_MAX];
    bool is_here;
};

static void random_greylist(struct model *m, struct store_op *op)
{
    op->greylist.client = dice(5) ? span_of(m->names[KEYS + dice(CLIENTS)]) : SPAN("");
    op->greylist.delay_ms = (int64_t)dice(100000);
    op->greylist.window_ms = (int64_t)dice(400000);
    op->greylist.life_ms = 1 + (int64_t)dice(4000000);
    op->greylist.passes = (int64_t)dice(4);
    op->greylist.pass_gap_ms = (int64_t)dice(50000);
}

static void random_rate(struct store_op *op)
{
    op->rate.cost = dice(4) ? fraction(3) : -fraction(1);
    op->rate.rate = dice(10) ? fraction(0.01) : 0;
    op->rate.capacity = fraction(12);
    op->rate.life_ms = 1 + (int64_t)dice(4000000);
    op->rate.by = dice(2) ? 1 : 0.9 + fraction(0.2);
    op->rate.least = 0.2;
    op->rate.most = 5;
}

static size_t random_value(char *out)
{
    static const double odd[] = { 0.0 / 0.0, 1 / 0.0, -1e300, 1e18, -0.0, 5e-324, 1e17 };
    size_t numbers = dice(7);

    for (size_t i = 0; i < numbers; i++) {
        double n = dice(4) ? fraction(1e12) : odd[dice(COUNT(odd))];

        memcpy(out + i * sizeof n, &n, sizeof n);
    }
    return numbers * sizeof(double) + dice(2);
}

static void random_op(struct model *m, size_t key, struct store_op *op, char *value)
{
    *op = (struct store_op){ .kind = (enum store_kind)dice(STORE_KIND_COUNT), .key = span_of(m->names[key]) };
    m->now_ms += dice(4) ? (int64_t)dice(30000) : -(int64_t)dice(3000);
    op->now_ms = m->now_ms;
    switch (op->kind) {
    case STORE_GREYLIST: random_greylist(m, op); break;
    case STORE_RATE_TAKE:
    case STORE_RATE_GIVE: random_rate(op); break;
    case STORE_COUNT:
        op->count.by = (int64_t)dice(20) - 5;
        op->count.life_ms = 1 + (int64_t)dice(1000000);
        op->count.slides = dice(2);
        break;
    case STORE_PUT:
        if (dice(2)) {
            op->kind = STORE_GET;
            break;
        }
        op->put.value = span_make(value, random_value(value));
        op->put.life_ms = dice(3) ? (int64_t)dice(1000000) : 0;
        break;
    case STORE_DELETE:
        op->kind = dice(4) ? STORE_RATE_TAKE : STORE_DELETE;
        random_rate(op);
        break;
    default: break;
    }
}

static void apply(struct model *m, size_t key, struct expected *e)
{
    struct store_record *client = NULL;

    for (size_t i = 0; e->op.kind == STORE_GREYLIST && i < CLIENTS; i++)
        if (span_is(e->op.greylist.client, m->names[KEYS + i]))
            client = &m->clients[i];
    op_apply(&e->op, &m->keys[key], client, &e->answer);
    if (e->op.kind == STORE_GET && e->answer.state == STORE_OK) {
        memcpy(e->value, e->answer.value.ptr, e->answer.value.len);
        e->answer.value.ptr = e->value;
    }
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void expect_answer(void *arg, const struct store_answer *got)
{
    struct expected *e = arg;
    const struct store_answer *want = &e->answer;

    if (is_closing)
        return;
    EXPECT_FALSE(e->is_here);
    e->is_here = true;
    EXPECT_STR(want->why, got->why);
    EXPECT_INT(want->state, got->state);
    switch (e->op.kind) {
    case STORE_GREYLIST:
        EXPECT_INT(want->greylist.state, got->greylist.state);
        EXPECT_INT(want->greylist.left_ms, got->greylist.left_ms);
        EXPECT_INT(want->greylist.waited_ms, got->greylist.waited_ms);
        EXPECT_INT(want->greylist.passes, got->greylist.passes);
        break;
    case STORE_RATE_TAKE:
    case STORE_RATE_GIVE:
        EXPECT_INT(want->rate.is_over, got->rate.is_over);
        EXPECT_TRUE(same_bits(want->rate.level, got->rate.level));
        EXPECT_TRUE(same_bits(want->rate.capacity, got->rate.capacity));
        EXPECT_INT(want->rate.retry_ms, got->rate.retry_ms);
        break;
    case STORE_COUNT: EXPECT_INT(want->count, got->count); break;
    case STORE_GET:
        if (want->state == STORE_OK)
            EXPECT_TRUE(span_eq(want->value, got->value));
        break;
    default: break;
    }
}

static void one_batch(struct model *m, struct expected *all)
{
    char value[64] = "";
    int64_t until_ms = clock_mono_ms() + START_MS;
    bool is_over = false;

    for (size_t i = 0; i < BATCH; i++) {
        size_t key = dice(KEYS);

        all[i].is_here = false;
        random_op(m, key, &all[i].op, value);
        apply(m, key, &all[i]);
        store_ask(bench.store, &all[i].op, 0, expect_answer, &all[i]);
    }
    while (!is_over && clock_mono_ms() < until_ms) {
        loop_run_once(bench.loop, 20);
        is_over = true;
        for (size_t i = 0; i < BATCH; i++)
            is_over &= all[i].is_here;
    }
    EXPECT_TRUE(is_over);
}

static struct model *walked_model;
static int walked;

static void expect_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    struct store_record *records[KEYS + CLIENTS];

    (void)arg;
    for (size_t i = 0; i < KEYS + CLIENTS; i++) {
        records[i] = i < KEYS ? &walked_model->keys[i] : &walked_model->clients[i - KEYS];
        if (!span_is(key, walked_model->names[i]))
            continue;
        walked++;
        EXPECT_TRUE(span_eq(span_make(records[i]->bytes, records[i]->len), value));
        EXPECT_INT(records[i]->expires_ms, expires_ms);
    }
}

/* All that the model has must be there, with the same bytes and the same time. */
static void compare_records(struct model *m, const char *prefix)
{
    int there = 0;

    for (size_t i = 0; i < KEYS + CLIENTS; i++)
        there += (i < KEYS ? &m->keys[i] : &m->clients[i - KEYS])->len > 0;
    walked_model = m;
    walked = 0;
    EXPECT_INT(there, store_bench_walk(&bench, prefix, expect_record, NULL));
    EXPECT_INT(there, walked);
}

static void the_scripts_compute_what_op_apply_does(void **state)
{
    struct model *m = mem_alloc(sizeof *m);
    struct expected *all = mem_alloc(BATCH * sizeof *all);
    const char *given = getenv("POSTERN_STORE_SEED");
    uint64_t first = (uint64_t)clock_mono_us();
    char prefix[50];

    (void)state;
    if (given)
        span_u64(span_of(given), UINT64_MAX, &first);
    seed = first | 1;
    printf("POSTERN_STORE_SEED=%llu\n", (unsigned long long)first);
    snprintf(prefix, sizeof prefix, "d:{%llu}", (unsigned long long)first);
    for (size_t i = 0; i < KEYS + CLIENTS; i++)
        snprintf(m->names[i], sizeof m->names[i], "%s:%zu", prefix, i);
    m->now_ms = clock_wall_ms() + 4 * 3600 * 1000; /* so that the server's own clock forgets nothing */
    for (int i = 0; i < BATCHES; i++)
        one_batch(m, all);
    compare_records(m, prefix);
    free(all);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_keeps_the_suite),
        TEST(what_is_told_last_goes_out),
        TEST(the_scripts_compute_what_op_apply_does),
    };

    if (!getenv("POSTERN_STORE_CONF") && system("command -v redis-server >/dev/null")) {
        printf("redis-server is not installed; ./dev test installs it\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, open_all, close_all);
}

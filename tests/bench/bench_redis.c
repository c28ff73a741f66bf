/* tests/bench/bench_redis.c - how many greylistings a second a redis-server does for us, and how many it does for
 * redis-benchmark with the same script, the same parameters and as many keys. Usage: bench_redis [COUNT [DEPTH]]; DEPTH
 * questions are under way at once (64), on one connection. Starts a redis-server on a unix socket for itself.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/endpoint.h"
#include "gateway/store/redis_script.h"
#include "gateway/store/store.h"

enum { HOUR_MS = 3600000, KEYS = 100000 };

static struct loop *loop;
static struct store *store;
static unsigned asked, answered, failed, count, depth;

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static struct store_op op_of(unsigned n, char *key, char *client)
{
    struct store_op op = { .kind = STORE_GREYLIST, .now_ms = clock_wall_ms() };

    n = n * 7919 % KEYS;
    snprintf(client, 60, "g:{%012u}", n);
    snprintf(key, 100, "g:{%012u}/sender@example.org/rcpt@example.net", n);
    op.key = span_of(key);
    op.greylist = (struct store_greylist){ .client = span_of(client), .delay_ms = HOUR_MS, .window_ms = 48 * HOUR_MS };
    op.greylist.life_ms = 36LL * 24 * HOUR_MS;
    op.greylist.passes = 5;
    op.greylist.pass_gap_ms = HOUR_MS;
    return op;
}

static void take(void *arg, const struct store_answer *answer);

static void ask(void)
{
    char key[100], client[60];
    struct store_op op = op_of(asked++, key, client);

    store_ask(store, &op, 0, take, NULL);
}

static void take(void *arg, const struct store_answer *answer)
{
    (void)arg;
    answered++;
    failed += answer->state != STORE_OK;
    if (asked < count)
        ask();
}

static void run(const char *name)
{
    int64_t wall = clock_mono_us(), cpu = cpu_us();

    asked = answered = 0;
    while (asked < depth && asked < count)
        ask();
    while (answered < count)
        loop_run_once(loop, 100);
    wall = clock_mono_us() - wall;
    cpu = cpu_us() - cpu;
    printf("%s: %.0f greylistings/s, %.2f us CPU each, %u failed\n", name, count * 1e6 / (double)wall,
           (double)cpu / count, failed);
}

/* ---- the server, and the other client ---- */

static char folder[] = "/tmp/bench_redis.XXXXXX", sock[60];
static pid_t server;

static pid_t start(const char *const *argv, int in, int out)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (in >= 0)
        dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void start_server(void)
{
    const char *argv[] = { "redis-server", "--port", "0",         "--unixsocket", sock,          "--save", "",
                           "--dir",        folder,   "--logfile", "/dev/null",    "--daemonize", "no",     NULL };

    if (!mkdtemp(folder))
        BUG("no folder");
    snprintf(sock, sizeof sock, "%s/sock", folder);
    server = start(argv, -1, STDERR_FILENO);
    while (access(sock, F_OK) && !waitpid(server, NULL, WNOHANG))
        loop_run_once(loop, 10);
}

static void stop_server(void)
{
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    rmdir(folder);
}

/* What it prints last: the rest is its progress. */
static void run_and_tell(const char *name, const char *const *argv, int in)
{
    char text[65536] = "";
    size_t len = 0;
    int pipes[2];

    if (pipe2(pipes, O_CLOEXEC))
        BUG("no pipe");
    pid_t pid = start(argv, in, pipes[1]);

    close(pipes[1]);
    for (ssize_t got = 1; got > 0; len += (size_t)got) {
        if (len > sizeof text / 2)
            len = 0;
        got = read(pipes[0], text + len, sizeof text / 2 - 1);
        got = got > 0 ? got : 0;
    }
    close(pipes[0]);
    waitpid(pid, NULL, 0);
    struct span told = span_trim(span_make(text, len));
    size_t colon = span_rfind(told, ':');

    told = span_trim(span_skip(told, colon == SPAN_NPOS ? 0 : colon + 1));
    printf("%s: %.*s\n", name, SPAN_ARG(told));
}

/* redis-benchmark ends an argument at its first NUL: the least change of a number that has none in its bytes. */
static double without_nul(double number)
{
    char bytes[sizeof number];

    for (;; number *= 1 + 1e-9) {
        memcpy(bytes, &number, sizeof number);
        if (!memchr(bytes, 0, sizeof bytes))
            return number;
    }
}

/* It replaces __rand_int__ by twelve digits; the numbers, packed, come by a pipe. */
static void run_other(void)
{
    char key[100], client[60], sha[REDIS_SHA_TEXT], number[20], keys[20], deep[20];
    struct store_op op = op_of(0, key, client);
    struct redis_question q = { .op = &op };
    struct redis_command c;
    int pipes[2];
    const char *flush[] = { "redis-cli", "-s", sock, "flushall", NULL };
    const char *argv[] = { "redis-benchmark",
                           "-s",
                           sock,
                           "-x",
                           "-q",
                           "-n",
                           number,
                           "-r",
                           keys,
                           "-c",
                           "1",
                           "-P",
                           deep,
                           "EVALSHA",
                           sha,
                           "2",
                           "postern:g:{__rand_int__}/sender@example.org/rcpt@example.net",
                           "postern:g:{__rand_int__}",
                           NULL };

    snprintf(number, sizeof number, "%u", count);
    snprintf(keys, sizeof keys, "%d", KEYS);
    snprintf(deep, sizeof deep, "%u", depth);
    redis_question_command(&c, &q, SPAN("postern:"), redis_script_sha(STORE_GREYLIST, sha));
    for (size_t i = 0; i < c.len[5] / sizeof *c.numbers; i++)
        c.numbers[i] = without_nul(c.numbers[i]);
    for (int i = 0; i < 2; i++) {
        if (!i)
            run_and_tell("emptied", flush, -1);
        if (pipe2(pipes, O_CLOEXEC) || write(pipes[1], c.argv[5], c.len[5]) != (ssize_t)c.len[5])
            BUG("no pipe");
        close(pipes[1]);
        run_and_tell(i ? "redis-benchmark, early ones" : "redis-benchmark, new triplets", argv, pipes[0]);
        close(pipes[0]);
    }
}

int main(int argc, char **argv)
{
    struct store_conf conf = { .backend = STORE_REDIS, .timeout_ms = 5000, .prefix = "postern:" };
    struct endpoint at = { .port = 0 };
    char error[500];
    uint64_t most = 200000, deep = 64;

    if ((argc > 1 && span_u64(span_of(argv[1]), 100000000, &most)) ||
        (argc > 2 && span_u64(span_of(argv[2]), 5000, &deep)))
        return 2;
    count = (unsigned)most;
    depth = (unsigned)deep;
    loop = loop_new();
    start_server();
    if (access(sock, F_OK)) {
        printf("redis-server is not installed: nothing is measured\n");
        rmdir(folder);
        return 0;
    }
    snprintf(at.path, sizeof at.path, "%s", sock);
    conf.servers = (struct conf_endpoints){ &at, 1 };
    conf.user = conf.password = conf.sentinel_password = conf.sentinel = "";
    conf.tls_ca = conf.tls_certificate = conf.tls_key = conf.tls_name = "";
    store = store_new(loop, &conf, "", error, sizeof error);
    if (!store)
        BUG("%s", error);
    run("Postern, new triplets");
    run("Postern, early ones");
    store_free(store);
    run_other();
    stop_server();
    loop_free(loop);
    return failed != 0;
}

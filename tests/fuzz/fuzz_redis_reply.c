/* tests/fuzz/fuzz_redis_reply.c - whatever a server says, through the whole driver: a server of the target's own on a
 * unix socket says the input. The first byte chooses a server alone, a sentinel or a cluster, whether the greeting is
 * answered as it should be, and in what pieces the rest comes. Each question is answered once.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/endpoint.h"
#include "gateway/base/log.h"
#include "gateway/store/redis.h"
#include "gateway/store/redis_sentinel.h"
#include "gateway/store/redis_slots.h"

enum { LINKS_MOST = 4, TURNS = 12, BATCH = STORE_KIND_COUNT };

/* CLIENT SETNAME, ROLE, TIME and the scripts, as a good server answers them; a cluster's first link has one line. */
static const char greeting[] = "+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n*2\r\n$1\r\n1\r\n$1\r\n0\r\n"
                               "+1\r\n+1\r\n+1\r\n+1\r\n+1\r\n+1\r\n+1\r\n+1\r\n+1\r\n+1\r\n+1\r\n";
_Static_assert(REDIS_SCRIPTS == 11, "one line of the greeting for each script");

static struct loop *loop;
static int listener = -1;
static struct endpoint at;
static unsigned asked, answered, ended;

/* Redirections lead anywhere; from here nobody goes but to the target's own server. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    (void)node, (void)service, (void)hints, (void)out;
    return EAI_NONAME;
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    if (to->sa_family == AF_UNIX)
        return (int)syscall(SYS_connect, fd, to, len);
    errno = ECONNREFUSED;
    return -1;
}

static void start_server(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    loop = loop_new();
    log_configure(LOG_LOGFMT, LOG_ERROR);
    snprintf(at.path, sizeof at.path, "/tmp/fuzz_redis.%ld", (long)getpid());
    unlink(at.path);
    memcpy(un.sun_path, at.path, sizeof un.sun_path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&un, sizeof un) || listen(listener, 8))
        BUG("no server: %s", strerror(errno));
}

static void stop_server(void)
{
    unlink(at.path);
}

static void count_answer(void *arg, const struct store_answer *answer)
{
    bool *is_here = arg;

    if (*is_here)
        BUG("a second answer");
    *is_here = true;
    answered++;
    if (answer->state == STORE_OK ? answer->why[0] : (!answer->why[0] && answer->state != STORE_ABSENT))
        BUG("state %d, why \"%s\"", (int)answer->state, answer->why);
}

static void take_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    (void)arg, (void)expires_ms;
    if (key.len > STORE_KEY_MAX || !value.len || value.len > STORE_VALUE_MAX)
        BUG("a record of %zu and %zu bytes", key.len, value.len);
}

static void count_end(void *arg, const char *why)
{
    (void)arg, (void)why;
    ended++;
}

static void ask_all(void *state, bool *is_here)
{
    for (int kind = 0; kind < STORE_KIND_COUNT; kind++) {
        struct store_op op = { .kind = (enum store_kind)kind, .key = SPAN("g:{c}/t"), .now_ms = clock_wall_ms() };

        if (op.kind == STORE_GREYLIST) {
            op.greylist.client = SPAN("g:{c}");
            op.greylist.delay_ms = 300000;
            op.greylist.passes = 5;
        }
        if (op_is_bayes(op.kind))
            op.bayes.tokens = SPAN("tokens!\0tokens!\1");
        asked++;
        redis_driver.ask(state, &op, 20, count_answer, &is_here[kind]);
    }
}

static void accept_all(int *fds, bool greets, bool is_map)
{
    for (size_t i = 0; i < LINKS_MOST; i++) {
        if (fds[i] >= 0)
            continue;
        fds[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fds[i] < 0)
            return;
        if (greets && write(fds[i], greeting, is_map && !i ? 5 : sizeof greeting - 1) < 0)
            return;
    }
}

static void say(const int *fds, struct span *rest, size_t piece)
{
    struct span part = span_first(*rest, piece);
    char heard[65536];

    for (size_t i = 0; i < LINKS_MOST; i++) {
        if (fds[i] < 0)
            continue;
        while (read(fds[i], heard, sizeof heard) > 0)
            ;
        if (send(fds[i], part.ptr, part.len, MSG_NOSIGNAL) < 0)
            continue;
    }
    *rest = span_skip(*rest, part.len);
}

static void talk(void *state, uint8_t choice, struct span input)
{
    int fds[LINKS_MOST] = { -1, -1, -1, -1 };
    bool is_here[BATCH] = { false };
    size_t piece = choice & 0x10 ? input.len / 5 + 1 : input.len;

    for (int turn = 0; turn < TURNS; turn++) {
        loop_run_once(loop, 0);
        accept_all(fds, choice & 8, (choice & 3) == 2);
        loop_run_once(loop, 0);
        if (turn == 1)
            ask_all(state, is_here);
        if (turn == 2 && (choice & 0x20))
            redis_driver.walk(state, SPAN("g:"), take_record, count_end, NULL);
        loop_run_once(loop, 0);
        if (turn >= 1)
            say(fds, &input, piece);
    }
    redis_driver.close(state);
    for (size_t i = 0; i < LINKS_MOST; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    loop_run_once(loop, 0);
}

/* What comes of each reply, without a connection: all kinds of questions and readers of it. */
static void read_replies(struct span input)
{
    struct redis_reader *r = redis_reader_new();
    struct store_op op = { .key = SPAN("k") };
    struct redis_question q = { .op = &op };
    enum redis_read read = REDIS_READ_MORE;
    const struct redis_reply *reply = NULL;
    struct store_answer answer;
    struct redis_trouble trouble;
    struct endpoint to;
    int64_t expires_ms = 0;

    while (read != REDIS_READ_BROKEN && input.len) {
        redis_reader_feed(r, span_first(input, REDIS_SLICE_BYTES));
        input = span_skip(input, REDIS_SLICE_BYTES);
        while ((read = redis_reader_next(r, &reply)) == REDIS_READ_REPLY) {
            struct redis_map map;

            for (int kind = 0; kind < STORE_KIND_COUNT; kind++) {
                op = (struct store_op){ .kind = (enum store_kind)kind, .key = op.key };
                if (op_is_bayes(op.kind))
                    op.bayes.tokens = SPAN("tokens!\0tokens!\1");
                redis_question_answer(&q, reply, &answer, &expires_ms);
            }
            redis_trouble_of(reply->text, &at, &trouble);
            redis_sentinel_read(reply, &at, &to);
            if (!redis_map_read(reply, &at, &map))
                redis_map_release(&map);
        }
    }
    redis_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_conf conf = { .backend = STORE_REDIS, .timeout_ms = 50, .servers = { &at, 1 } };
    char error[300];
    unsigned walks = 0;

    if (size < 1)
        return 0;
    if (listener < 0) {
        start_server();
        atexit(stop_server);
    }
    conf.user = conf.password = conf.sentinel_password = conf.prefix = conf.sentinel = "";
    conf.tls_ca = conf.tls_certificate = conf.tls_key = conf.tls_name = "";
    conf.cluster = (data[0] & 3) == 2;
    conf.sentinel = (data[0] & 3) == 1 ? "mail" : "";
    asked = answered = ended = 0;
    read_replies(span_make((const char *)data + 1, size - 1));
    void *state = redis_driver.open(loop, &conf, "", error, sizeof error);

    if (!state)
        BUG("%s", error);
    walks = data[0] & 0x20 ? 1 : 0;
    talk(state, data[0], span_make((const char *)data + 1, size - 1));
    if (answered != asked || ended != walks)
        BUG("%u of %u questions answered, %u walks ended", answered, asked, ended);
    return 0;
}

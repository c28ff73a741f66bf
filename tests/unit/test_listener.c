/* tests/unit/test_listener.c - listening sockets of each kind, and running out of descriptors. */
#include "tests/kit/expect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/net/listener.h"

struct desk {
    struct loop *loop;
    struct listener *listener;
    int accepted, fds[200];
    struct addr peer;
    unsigned port;
    bool frees;
    char error[200];
};

static void take(void *arg, int fd, const struct addr *peer, unsigned port)
{
    struct desk *d = arg;

    d->fds[d->accepted++] = fd;
    d->peer = *peer;
    d->port = port;
    if (d->frees) {
        listener_free(d->listener);
        d->listener = NULL;
    }
}

static struct endpoint endpoint(const char *text)
{
    struct endpoint e;

    EXPECT_INT(FAULT_NONE, endpoint_parse(span_of(text), 0, &e));
    return e;
}

static int open_at(struct desk *d, const char *text)
{
    struct endpoint e = endpoint(text);

    return listener_open(&e, 0640, d->error, sizeof d->error);
}

static int connect_to(int listening)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;

    EXPECT_INT(0, getsockname(listening, (struct sockaddr *)&address, &len));
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void desk_open(struct desk *d, int fd)
{
    d->loop = loop_new();
    d->listener = listener_new(d->loop, fd, take, d);
}

static void desk_close(struct desk *d)
{
    for (int i = 0; i < d->accepted; i++)
        close(d->fds[i]);
    listener_free(d->listener);
    loop_free(d->loop);
}

static void tcp_connections_bear_their_peer(void **state)
{
    static const char *const places[] = { "127.0.0.1:0", "[::1]:0" };

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct desk d = { 0 };
        int fd = open_at(&d, places[i]);

        if (fd < 0 && i == 1)
            continue; /* a machine without IPv6 */
        assert_true(fd >= 0);
        desk_open(&d, fd);
        int client = connect_to(fd);

        assert_true(client >= 0);
        loop_run_once(d.loop, 1000);
        EXPECT_INT(1, d.accepted);
        EXPECT_TRUE(addr_is_loopback(&d.peer));
        EXPECT_TRUE(d.port > 0);
        EXPECT_TRUE(fcntl(d.fds[0], F_GETFL) & O_NONBLOCK);
        EXPECT_TRUE(fcntl(d.fds[0], F_GETFD) & FD_CLOEXEC);
        EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(client);
        desk_close(&d);
    }
}

static void faults_are_told_with_their_remedy(void **state)
{
    struct desk d = { 0 };
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    char text[64];
    int fd = open_at(&d, "127.0.0.1:0");

    (void)state;
    EXPECT_INT(0, getsockname(fd, (struct sockaddr *)&address, &len));
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
    EXPECT_INT(-1, open_at(&d, text));
    EXPECT_TRUE(strstr(d.error, text) && strstr(d.error, "another program listens there"));
    EXPECT_INT(-1, open_at(&d, "192.0.2.1:2525"));
    EXPECT_TRUE(strstr(d.error, "no such address") != NULL);
    EXPECT_INT(-1, open_at(&d, "mail.example:25"));
    EXPECT_TRUE(strstr(d.error, "write the address, not a name") != NULL);
    EXPECT_INT(-1, open_at(&d, "unix:/nonexistent/folder/sock"));
    EXPECT_TRUE(strstr(d.error, "the folder of the socket does not exist") != NULL);
    close(fd);
}

static void unix_sockets_have_their_mode_and_replace_stale_ones_only(void **state)
{
    struct desk d = { 0 };
    char dir[] = "/tmp/postern-test-XXXXXX", path[64], text[80];
    struct stat st;

    (void)state;
    assert_true(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/sock", dir);
    snprintf(text, sizeof text, "unix:%s", path);
    mode_t before = umask(077);
    int fd = open_at(&d, text);

    umask(before);
    assert_true(fd >= 0);
    EXPECT_INT(0, stat(path, &st));
    EXPECT_INT(0640, st.st_mode & 07777);
    EXPECT_INT(-1, open_at(&d, text)); /* somebody listens */
    close(fd);
    fd = open_at(&d, text); /* nobody does */
    assert_true(fd >= 0);
    desk_open(&d, fd);
    int client = connect_to(fd);

    assert_true(client >= 0);
    loop_run_once(d.loop, 1000);
    EXPECT_INT(1, d.accepted);
    EXPECT_INT(ADDR_NONE, d.peer.family);
    close(client);
    desk_close(&d);
    EXPECT_INT(0, unlink(path));
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* a file that is no socket is left alone */

    EXPECT_INT(-1, open_at(&d, text));
    EXPECT_INT(0, stat(path, &st));
    close(file);
    unlink(path);
    rmdir(dir);
}

static void pausing_leaves_connections_in_the_queue(void **state)
{
    struct desk d = { 0 };
    int fd = open_at(&d, "127.0.0.1:0");

    (void)state;
    desk_open(&d, fd);
    listener_pause(d.listener);
    int client = connect_to(fd);

    loop_run_once(d.loop, 20);
    EXPECT_INT(0, d.accepted);
    listener_resume(d.listener);
    listener_resume(d.listener);
    loop_run_once(d.loop, 1000);
    EXPECT_INT(1, d.accepted);
    close(client);
    desk_close(&d);
}

static void it_may_be_freed_in_its_call(void **state)
{
    struct desk d = { .frees = true };
    int fd = open_at(&d, "127.0.0.1:0");

    (void)state;
    desk_open(&d, fd);
    int clients[2] = { connect_to(fd), connect_to(fd) };

    loop_run_once(d.loop, 1000);
    EXPECT_INT(1, d.accepted);
    close(clients[0]);
    close(clients[1]);
    desk_close(&d);
}

static void without_descriptors_it_rests_and_then_goes_on(void **state)
{
    struct desk d = { 0 };
    struct rlimit before, tight;
    int fd = open_at(&d, "127.0.0.1:0"), turns = 0;

    (void)state;
    desk_open(&d, fd);
    int client = connect_to(fd);

    EXPECT_INT(0, getrlimit(RLIMIT_NOFILE, &before));
    tight = before;
    tight.rlim_cur = (rlim_t)client; /* no descriptor at or above it */
    EXPECT_INT(0, setrlimit(RLIMIT_NOFILE, &tight));
    int64_t start_ms = loop_now_ms(d.loop);

    for (; loop_now_ms(d.loop) - start_ms < 250; turns++)
        loop_run_once(d.loop, 50);
    EXPECT_INT(0, d.accepted);
    EXPECT_TRUE(turns < 40); /* it did not spin */
    EXPECT_INT(0, setrlimit(RLIMIT_NOFILE, &before));
    for (int i = 0; i < 100 && !d.accepted; i++)
        loop_run_once(d.loop, 50);
    EXPECT_INT(1, d.accepted);
    close(client);
    desk_close(&d);
}

RUN_TESTS(TEST(tcp_connections_bear_their_peer), TEST(faults_are_told_with_their_remedy),
          TEST(unix_sockets_have_their_mode_and_replace_stale_ones_only), TEST(pausing_leaves_connections_in_the_queue),
          TEST(it_may_be_freed_in_its_call), TEST(without_descriptors_it_rests_and_then_goes_on))

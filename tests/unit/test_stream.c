/* tests/unit/test_stream.c - streams without TLS, over socket pairs and loopback. */
#include "tests/kit/expect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/net/listener.h"
#include "gateway/net/stream.h"

/* One stream of ours and, at the other end, a bare descriptor of the test's. */
struct desk {
    struct loop *loop;
    struct stream *stream;
    int peer;
    int opens, datas, drains, ends;
    enum stream_end why;
    size_t seen; /* bytes waiting when on_data was called last */
    enum { KEEP, CONSUME, FREE_ON_DATA, FREE_ON_DRAINED, FINISH_ON_DATA } does;
};

static void on_open(void *arg)
{
    ((struct desk *)arg)->opens++;
}

static void on_data(void *arg)
{
    struct desk *d = arg;

    d->datas++;
    d->seen = stream_input(d->stream).len;
    if (d->does == CONSUME)
        stream_consume(d->stream, d->seen);
    if (d->does == FREE_ON_DATA)
        stream_free(d->stream);
    if (d->does == FINISH_ON_DATA) {
        stream_write(d->stream, SPAN("bye\r\n"));
        stream_finish(d->stream, 1000);
    }
    if (d->does == FREE_ON_DATA || d->does == FINISH_ON_DATA)
        d->stream = NULL;
}

static void on_drained(void *arg)
{
    struct desk *d = arg;

    d->drains++;
    if (d->does == FREE_ON_DRAINED) {
        stream_free(d->stream);
        d->stream = NULL;
    }
}

static void on_end(void *arg, enum stream_end why)
{
    struct desk *d = arg;

    d->ends++;
    d->why = why;
}

static const struct stream_events events = {
    .on_open = on_open, .on_data = on_data, .on_drained = on_drained, .on_end = on_end
};

static void desk_open(struct desk *d)
{
    int ends[2];

    *d = (struct desk){ .loop = loop_new() };
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    d->peer = ends[1];
    d->stream = stream_accepted(d->loop, ends[0], &events, d);
}

static void desk_close(struct desk *d)
{
    stream_free(d->stream);
    if (d->peer >= 0)
        close(d->peer);
    loop_free(d->loop);
}

static void turns(struct desk *d, int count)
{
    for (int i = 0; i < count; i++)
        loop_run_once(d->loop, 0);
}

static void peer_sends(struct desk *d, const char *text)
{
    assert_int_equal(strlen(text), write(d->peer, text, strlen(text)));
}

static void expect_at_peer(struct desk *d, const char *want)
{
    char got[256];
    ssize_t len = read(d->peer, got, sizeof got);

    expect_span(want, span_make(got, len > 0 ? (size_t)len : 0), __FILE__, __LINE__);
}

static void input_waits_until_it_is_consumed(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    peer_sends(&d, "EHLO a\r\nMA");
    turns(&d, 3);
    EXPECT_INT(1, d.datas);
    EXPECT_SPAN("EHLO a\r\nMA", stream_input(d.stream));
    stream_consume(d.stream, 8);
    EXPECT_SPAN("MA", stream_input(d.stream));
    peer_sends(&d, "IL");
    EXPECT_INT(4, stream_arrived_bytes(d.stream));
    turns(&d, 3);
    EXPECT_INT(4, stream_arrived_bytes(d.stream));
    EXPECT_INT(2, d.datas);
    EXPECT_SPAN("MAIL", stream_input(d.stream));
    EXPECT_INT(0, d.ends);
    desk_close(&d);
}

static void whether_the_peer_has_all_can_be_seen(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    EXPECT_INT(STREAM_RECEIVED, stream_receipt(d.stream));
    stream_write(d.stream, SPAN("250 one\r\n"));
    EXPECT_INT(STREAM_UNDER_WAY, stream_receipt(d.stream));
    turns(&d, 3);
    EXPECT_INT(STREAM_UNDER_WAY, stream_receipt(d.stream));
    expect_at_peer(&d, "250 one\r\n");
    EXPECT_INT(STREAM_RECEIVED, stream_receipt(d.stream));
    close(d.peer);
    d.peer = -1;
    turns(&d, 3);
    stream_write(d.stream, SPAN("250 two\r\n"));
    turns(&d, 3);
    EXPECT_INT(STREAM_LOST, stream_receipt(d.stream));
    desk_close(&d);
}

static void what_is_written_in_a_turn_goes_out_together(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    stream_write(d.stream, SPAN("250-one\r\n"));
    stream_writef(d.stream, "250 %s %d\r\n", "two", 2);
    EXPECT_INT(20, stream_unsent_bytes(d.stream));
    expect_at_peer(&d, "");
    turns(&d, 1);
    expect_at_peer(&d, "250-one\r\n250 two 2\r\n");
    EXPECT_INT(0, stream_unsent_bytes(d.stream));
    EXPECT_INT(1, d.drains);
    turns(&d, 3);
    EXPECT_INT(1, d.drains);
    desk_close(&d);
}

static void reading_stops_at_its_most_and_goes_on(void **state)
{
    struct desk d;
    char junk[3000];

    (void)state;
    desk_open(&d);
    memset(junk, 'x', sizeof junk);
    stream_set_read_most(d.stream, 1000);
    assert_int_equal(sizeof junk, write(d.peer, junk, sizeof junk));
    turns(&d, 5);
    EXPECT_INT(1000, d.seen);
    stream_consume(d.stream, 1);
    turns(&d, 5);
    EXPECT_INT(1000, d.seen);
    EXPECT_INT(2, d.datas);
    d.does = CONSUME;
    stream_consume(d.stream, 500);
    turns(&d, 10);
    EXPECT_INT(0, stream_input(d.stream).len);
    desk_close(&d);
}

static void a_held_stream_reads_nothing(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    stream_set_timeouts(d.stream, 30, 0);
    stream_hold(d.stream);
    peer_sends(&d, "x");
    for (int i = 0; i < 10; i++)
        loop_run_once(d.loop, 10); /* longer than the time-out, which rests */
    EXPECT_INT(0, d.datas);
    EXPECT_INT(0, d.ends);
    stream_release(d.stream);
    loop_run_once(d.loop, 10);
    EXPECT_INT(1, d.datas);
    desk_close(&d);
}

static void much_is_written_as_the_peer_takes_it(void **state)
{
    enum { TOTAL = 4000000 };
    struct desk d;
    char *big = mem_alloc(TOTAL), got[65536];
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; i < TOTAL; i++)
        big[i] = (char)(i * 7 + i / 251);
    desk_open(&d);
    stream_write(d.stream, span_make(big, TOTAL / 2));
    turns(&d, 2);
    EXPECT_TRUE(stream_unsent_bytes(d.stream) > 0);
    stream_write(d.stream, span_make(big + TOTAL / 2, TOTAL / 2));
    for (int i = 0; i < 100000 && taken < TOTAL; i++) {
        ssize_t len = read(d.peer, got, sizeof got);

        if (len > 0) {
            EXPECT_INT(0, memcmp(got, big + taken, (size_t)len));
            taken += (size_t)len;
        }
        EXPECT_TRUE(d.drains == 0 || stream_unsent_bytes(d.stream) == 0);
        loop_run_once(d.loop, 0);
    }
    EXPECT_INT(TOTAL, taken);
    turns(&d, 2);
    EXPECT_INT(1, d.drains);
    free(big);
    desk_close(&d);
}

static void an_end_of_file_comes_after_the_data_and_we_can_still_answer(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    peer_sends(&d, "QUIT\r\n");
    shutdown(d.peer, SHUT_WR);
    turns(&d, 4);
    EXPECT_INT(1, d.datas);
    EXPECT_INT(1, d.ends);
    EXPECT_INT(STREAM_EOF, d.why);
    EXPECT_SPAN("QUIT\r\n", stream_input(d.stream));
    stream_write(d.stream, SPAN("221 bye\r\n"));
    turns(&d, 2);
    EXPECT_INT(1, d.drains); /* there may be more to say */
    stream_finish(d.stream, 1000);
    d.stream = NULL;
    turns(&d, 2);
    expect_at_peer(&d, "221 bye\r\n");
    EXPECT_INT(0, read(d.peer, (char[1]){ 0 }, 1));
    desk_close(&d);
}

static void a_lost_peer_is_an_error_but_its_last_words_are_read(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    peer_sends(&d, "421 go away\r\n");
    close(d.peer);
    d.peer = -1;
    stream_write(d.stream, SPAN("MAIL FROM:<>\r\n"));
    turns(&d, 4);
    EXPECT_INT(1, d.ends);
    EXPECT_SPAN("421 go away\r\n", stream_input(d.stream));
    stream_write(d.stream, SPAN("never sent"));
    turns(&d, 2);
    EXPECT_INT(1, d.ends);
    desk_close(&d);
}

/* A byte each 30 ms puts it off; on a machine that stands still for longer than that it may come before the last. */
static void silence_times_out(void **state)
{
    struct desk d;
    int64_t heard_us = clock_mono_us();

    (void)state;
    desk_open(&d);
    stream_set_timeouts(d.stream, 80, 0);
    for (int i = 0; i < 6 && !d.ends; i++) {
        peer_sends(&d, "x");
        heard_us = clock_mono_us();
        loop_run_once(d.loop, 0);
        loop_run_once(d.loop, 30);
    }
    for (int i = 0; i < 100 && !d.ends; i++)
        loop_run_once(d.loop, 20);
    EXPECT_INT(1, d.ends);
    EXPECT_INT(STREAM_TIMEOUT, d.why);
    EXPECT_TRUE(clock_mono_us() - heard_us > 79000); /* the loop's clock has whole milliseconds */
    EXPECT_STR("nothing came for 80 ms", stream_error_text(d.stream));
    stream_write(d.stream, SPAN("421 too slow\r\n")); /* the user may say so */
    stream_finish(d.stream, 100);
    d.stream = NULL;
    turns(&d, 1);
    expect_at_peer(&d, "421 too slow\r\n");
    desk_close(&d);
}

static void a_peer_that_takes_nothing_times_out(void **state)
{
    struct desk d;
    char *big = mem_alloc(4000000);

    (void)state;
    desk_open(&d);
    stream_set_timeouts(d.stream, 0, 40);
    stream_write(d.stream, span_make(big, 4000000));
    for (int i = 0; i < 100 && !d.ends; i++)
        loop_run_once(d.loop, 20);
    EXPECT_INT(1, d.ends);
    EXPECT_INT(STREAM_TIMEOUT, d.why);
    EXPECT_STR("nothing could be sent for 40 ms", stream_error_text(d.stream));
    free(big);
    desk_close(&d);
}

static void it_may_be_freed_in_any_event(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    d.does = FREE_ON_DATA;
    peer_sends(&d, "x");
    turns(&d, 3);
    EXPECT_INT(1, d.datas);
    EXPECT_NULL(d.stream);
    desk_close(&d);

    desk_open(&d);
    d.does = FREE_ON_DRAINED;
    stream_write(d.stream, SPAN("x"));
    turns(&d, 3);
    EXPECT_INT(1, d.drains);
    EXPECT_NULL(d.stream);
    desk_close(&d);

    desk_open(&d);
    d.does = FINISH_ON_DATA;
    peer_sends(&d, "x");
    turns(&d, 3);
    expect_at_peer(&d, "bye\r\n");
    desk_close(&d);
}

static void what_was_written_goes_with_a_free(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    stream_write(d.stream, SPAN("x"));
    stream_free(d.stream);
    d.stream = NULL;
    turns(&d, 2);
    expect_at_peer(&d, "");
    stream_free(NULL);
    desk_close(&d);
}

static bool is_closed(int peer)
{
    return send(peer, "y", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE;
}

static void finishing_waits_for_the_peer_but_not_for_ever(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    stream_write(d.stream, SPAN("bye\r\n"));
    stream_finish(d.stream, 60);
    d.stream = NULL;
    peer_sends(&d, "more that we do not want");
    turns(&d, 5);
    expect_at_peer(&d, "bye\r\n");
    EXPECT_FALSE(is_closed(d.peer));
    for (int i = 0; i < 100 && !is_closed(d.peer); i++) {
        usleep(10000);
        turns(&d, 2);
    }
    EXPECT_TRUE(is_closed(d.peer));
    EXPECT_INT(0, d.ends + d.datas + d.drains);
    desk_close(&d);

    desk_open(&d); /* nothing to wait for: the peer has closed */
    stream_finish(d.stream, 10000);
    d.stream = NULL;
    close(d.peer);
    d.peer = -1;
    turns(&d, 3);
    desk_close(&d);
}

static int listening(struct endpoint *out, const char *text)
{
    char error[200];
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    EXPECT_INT(FAULT_NONE, endpoint_parse(span_of(text), 0, out));
    int fd = listener_open(out, 0600, error, sizeof error);

    assert_true(fd >= 0);
    EXPECT_INT(0, getsockname(fd, (struct sockaddr *)&address, &len));
    out->port = ntohs(address.sin_port);
    return fd;
}

static void connecting_opens_and_names_both_ends(void **state)
{
    struct desk d = { .loop = loop_new() };
    struct endpoint to;
    struct addr addr;
    unsigned port = 0, local = 0;
    int fd = listening(&to, "127.0.0.1:0");

    (void)state;
    d.stream = stream_connect(d.loop, &to, 1000, &events, &d);
    stream_write(d.stream, SPAN("early\r\n"));
    EXPECT_INT(0, d.opens);
    for (int i = 0; i < 10 && !d.opens; i++)
        loop_run_once(d.loop, 100);
    EXPECT_INT(1, d.opens);
    d.peer = accept(fd, NULL, NULL);
    expect_at_peer(&d, "early\r\n");
    stream_peer(d.stream, &addr, &port);
    EXPECT_INT(to.port, port);
    EXPECT_TRUE(addr_is_loopback(&addr));
    stream_local(d.stream, &addr, &local);
    EXPECT_TRUE(local != 0 && local != port);
    close(fd);
    desk_close(&d);
}

static void a_connection_that_fails_ends_later_never_at_once(void **state)
{
    struct desk d = { .loop = loop_new(), .peer = -1 };
    struct endpoint to;
    int fd = listening(&to, "127.0.0.1:0");

    (void)state;
    close(fd); /* nobody listens there now */
    d.stream = stream_connect(d.loop, &to, 1000, &events, &d);
    EXPECT_INT(0, d.ends);
    for (int i = 0; i < 10 && !d.ends; i++)
        loop_run_once(d.loop, 100);
    EXPECT_INT(STREAM_ERROR, d.why);
    EXPECT_STR("Connection refused", stream_error_text(d.stream));
    stream_free(d.stream);

    d.ends = 0;
    EXPECT_INT(FAULT_NONE, endpoint_parse(SPAN("unix:/nonexistent/socket"), 0, &to));
    d.stream = stream_connect(d.loop, &to, 1000, &events, &d);
    stream_set_timeouts(d.stream, 1000, 1000);
    stream_write(d.stream, SPAN("x"));
    EXPECT_INT(0, d.ends);
    turns(&d, 2);
    EXPECT_INT(1, d.ends);
    EXPECT_INT(0, d.opens);
    EXPECT_STR("No such file or directory", stream_error_text(d.stream));
    desk_close(&d);
}

static void a_connection_that_is_not_taken_times_out(void **state)
{
    struct desk d = { .loop = loop_new(), .peer = -1 };
    struct endpoint to;
    int fd = listening(&to, "127.0.0.1:0"), fill[3];

    (void)state;
    EXPECT_INT(0, listen(fd, 0)); /* a backlog of one, which is filled: further SYNs are dropped */
    struct sockaddr_storage address;
    socklen_t len = addr_to_sockaddr(&to.addr, to.port, &address);

    for (size_t i = 0; i < COUNT(fill); i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fill[i], (struct sockaddr *)&address, len);
    }
    d.stream = stream_connect(d.loop, &to, 60, &events, &d);
    for (int i = 0; i < 100 && !d.ends; i++)
        loop_run_once(d.loop, 20);
    EXPECT_INT(STREAM_TIMEOUT, d.why);
    EXPECT_STR("no connection within 60 ms", stream_error_text(d.stream));
    for (size_t i = 0; i < COUNT(fill); i++)
        close(fill[i]);
    close(fd);
    desk_close(&d);
}

static void a_stream_can_go_at_any_moment_of_connecting(void **state)
{
    struct desk d = { .loop = loop_new(), .peer = -1 };
    struct endpoint to;
    int fd = listening(&to, "127.0.0.1:0");

    (void)state;
    stream_free(stream_connect(d.loop, &to, 1000, &events, &d));
    stream_finish(stream_connect(d.loop, &to, 1000, &events, &d), 1000);
    turns(&d, 3);
    EXPECT_INT(0, d.opens + d.ends);
    close(fd);
    desk_close(&d);
}

RUN_TESTS(TEST(input_waits_until_it_is_consumed), TEST(whether_the_peer_has_all_can_be_seen),
          TEST(what_is_written_in_a_turn_goes_out_together), TEST(reading_stops_at_its_most_and_goes_on),
          TEST(a_held_stream_reads_nothing), TEST(much_is_written_as_the_peer_takes_it),
          TEST(an_end_of_file_comes_after_the_data_and_we_can_still_answer),
          TEST(a_lost_peer_is_an_error_but_its_last_words_are_read), TEST(silence_times_out),
          TEST(a_peer_that_takes_nothing_times_out), TEST(it_may_be_freed_in_any_event),
          TEST(what_was_written_goes_with_a_free), TEST(finishing_waits_for_the_peer_but_not_for_ever),
          TEST(connecting_opens_and_names_both_ends), TEST(a_connection_that_fails_ends_later_never_at_once),
          TEST(a_connection_that_is_not_taken_times_out), TEST(a_stream_can_go_at_any_moment_of_connecting))

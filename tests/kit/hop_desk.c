/* tests/kit/hop_desk.c - a pool of connections, and a next hop in the same loop. */
#include "tests/kit/hop_desk.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "gateway/base/log.h"

/* ---- the next hop ---- */

static const char *reply_to(const struct peer *p, struct span line)
{
    if (span_istarts(line, SPAN("EHLO"))) {
        if (p->is_slow)
            nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
        return p->ehlo;
    }
    if (span_istarts(line, SPAN("XCLIENT")))
        return "220 peer\r\n";
    return p->reply ? p->reply : "250 2.0.0 ok\r\n";
}

static void peer_says(void *arg)
{
    struct dialogue *d = arg;
    size_t lf;

    while ((lf = span_find(stream_input(d->stream), '\n')) != SPAN_NPOS) {
        const char *reply = reply_to(d->peer, stream_input(d->stream));

        stream_consume(d->stream, lf + 1);
        if (!d->peer->is_mute)
            stream_writef(d->stream, "%s", reply);
    }
}

static void peer_ends(void *arg, enum stream_end why)
{
    struct dialogue *d = arg;

    (void)why;
    stream_free(d->stream);
    d->stream = NULL;
    d->peer->open--;
}

static void peer_accepts(void *arg, int fd, const struct addr *from, unsigned port)
{
    static const struct stream_events events = { .on_data = peer_says, .on_end = peer_ends };
    struct peer *p = arg;
    struct dialogue *d = &p->dialogues[p->count++];

    (void)from, (void)port;
    assert_true(p->count <= COUNT(p->dialogues));
    d->peer = p;
    d->stream = stream_accepted(p->loop, fd, &events, d);
    if (!p->is_frozen)
        stream_writef(d->stream, "220 peer\r\n");
    p->open++;
    p->most_open = p->open > p->most_open ? p->open : p->most_open;
}

void peer_start(struct peer *p, struct loop *loop, unsigned port)
{
    struct endpoint at = { .port = port };
    char error[200];

    assert_int_equal(FAULT_NONE, addr_parse(SPAN("127.0.0.1"), &at.addr));
    int fd = listener_open(&at, 0, error, sizeof error);
    struct sockaddr_in name;
    socklen_t len = sizeof name;

    assert_true(fd >= 0 && getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    p->loop = loop;
    p->port = ntohs(name.sin_port);
    p->listener = listener_new(loop, fd, peer_accepts, p);
}

void peer_stop(struct peer *p)
{
    listener_free(p->listener);
    p->listener = NULL;
    for (size_t i = 0; i < p->count; i++)
        stream_free(p->dialogues[i].stream);
    p->count = p->open = 0;
}

/* ---- the pool ---- */

void hop_desk_open_for(struct hop_desk *d, const char *ehlo, int connections, enum hop_client client)
{
    *d = (struct hop_desk){ .ways.client = client };
    log_configure(LOG_LOGFMT, LOG_ERROR);
    d->loop = loop_new();
    d->peer.ehlo = ehlo;
    peer_start(&d->peer, d->loop, 0);
    d->conf = (struct smtp_conf){ .hop_connections_most = connections,
                                  .hop_connect_ms = 20000,
                                  .hop_command_ms = 20000,
                                  .hop_final_ms = 20000,
                                  .hop_idle_ms = 60000,
                                  .hop_uses_most = 1000,
                                  .hop_failures = 1,
                                  .hop_rest_ms = 2000 };
    d->target = (struct hop_target){ .kind = HOP_SMTP, .text = "smtp://peer", .weight = 1 };
    d->target.at.addr = (struct addr){ ADDR_IP4, { 127, 0, 0, 1 } };
    d->target.at.port = d->peer.port;
    const struct hop_settings settings = {
        .loop = d->loop, .conf = &d->conf, .target = &d->target, .ways = &d->ways, .hostname = "mx.example.org"
    };

    d->hop = hop_new(&settings);
}

void hop_desk_open(struct hop_desk *d, const char *ehlo, int connections)
{
    hop_desk_open_for(d, ehlo, connections, HOP_CLIENT_NONE);
}

void hop_desk_close(struct hop_desk *d)
{
    hop_free(d->hop);
    peer_stop(&d->peer);
    loop_free(d->loop);
}

/* ---- errands ---- */

static struct errand *of(struct hop_task *task)
{
    return (struct errand *)task;
}

static void on_ready(struct hop_task *task)
{
    of(task)->ready++;
    of(task)->extensions = hop_task_extensions(task);
    hop_expect(task, 2);
    hop_send(task, SPAN("MAIL FROM:<>\r\n"));
    hop_sendf(task, "RSET%s\r\n", "");
}

static void on_reply(struct hop_task *task, const struct hop_reply *reply)
{
    (void)reply;
    if (++of(task)->replies == 2)
        hop_task_done(task, false);
}

static void on_lost(struct hop_task *task, const char *why)
{
    EXPECT_TRUE(why[0] != '\0');
    of(task)->lost++;
}

struct errand errand(void)
{
    return (struct errand){ .task = { .on_ready = on_ready, .on_reply = on_reply, .on_lost = on_lost } };
}

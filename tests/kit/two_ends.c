/* tests/kit/two_ends.c - two streams of ours on one loop. */
#include "tests/kit/expect.h"

#include <sys/socket.h>

#include "tests/kit/two_ends.h"

enum { SHAKE_TURNS = 50 };

static void free_stream(struct end *e, int when)
{
    if ((int)e->does != when)
        return;
    stream_free(e->stream);
    e->stream = NULL;
}

static void on_data(void *arg)
{
    struct end *e = arg;
    struct span input = stream_input(e->stream);

    e->datas++;
    if (e->keeps)
        return;
    strbuf_put(&e->got, input);
    stream_consume(e->stream, input.len);
    free_stream(e, FREE_ON_DATA);
}

static void on_tls(void *arg)
{
    struct end *e = arg;

    e->shakes++;
    free_stream(e, FREE_ON_TLS);
}

static void on_drained(void *arg)
{
    ((struct end *)arg)->drains++;
}

static void on_end(void *arg, enum stream_end why)
{
    struct end *e = arg;

    e->ends++;
    e->why = why;
    free_stream(e, FREE_ON_END);
}

static const struct stream_events events = {
    .on_data = on_data, .on_tls = on_tls, .on_drained = on_drained, .on_end = on_end
};

/* settings must outlive the context */
struct tls_context *two_ends_server(const char *cert_file, const char *key_file, char *error, size_t size)
{
    static struct tls_identity identity;
    static struct tls_server_settings settings = { .identities = &identity, .identity_count = 1 };

    identity = (struct tls_identity){ NULL, { { cert_file, key_file } } };
    return tls_server_open(&settings, error, size);
}

void two_ends_open(struct two_ends *d, struct tls_context *server_tls, struct tls_context *client_tls)
{
    *d = (struct two_ends){ .loop = loop_new(), .server_tls = server_tls, .client_tls = client_tls };
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, d->fds));
    d->server.stream = stream_accepted(d->loop, d->fds[0], &events, &d->server);
    d->client.stream = stream_accepted(d->loop, d->fds[1], &events, &d->client);
    strbuf_init(&d->server.got, 1 << 24);
    strbuf_init(&d->client.got, 1 << 24);
}

void two_ends_close(struct two_ends *d)
{
    stream_free(d->server.stream);
    stream_free(d->client.stream);
    strbuf_release(&d->server.got);
    strbuf_release(&d->client.got);
    tls_context_free(d->server_tls);
    tls_context_free(d->client_tls);
    loop_free(d->loop);
}

void two_ends_turn(struct two_ends *d, int count)
{
    for (int i = 0; i < count; i++)
        loop_run_once(d->loop, 0);
}

void two_ends_shake(struct two_ends *d, const struct tls_peer *peer)
{
    stream_start_tls(d->server.stream, d->server_tls, NULL);
    stream_start_tls(d->client.stream, d->client_tls, peer);
    for (int i = 0; i < SHAKE_TURNS && !(d->server.shakes && d->client.shakes) && !d->server.ends && !d->client.ends;
         i++)
        loop_run_once(d->loop, 100);
}

/* tests/fuzz/fuzz_hop_talk.c - whole conversations of a hostile next hop: greeting, EHLO, replies in any order,
 * interruptions. A delivery may say 2xx only when a line that says so came after the final dot; an LMTP server has to
 * say it of each recipient.
 *
 * The input: a byte that says what the message is like, then what the next hop says, in pieces that a NUL separates:
 * the first when it is connected to, the next ones each when it has heard something.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/listener.h"
#include "gateway/smtp/deliver.h"
#include "gateway/smtp/hop.h"
#include "gateway/smtp/next_hop.h"

enum { PATIENCE_MS = 60, WAIT_MS = 30, TALKS_MOST = 8, TEXT_MOST = 1 << 16 };

struct peer {
    struct loop *loop;
    struct listener *listener;
    struct span script;
    struct talk {
        struct peer *peer;
        struct stream *stream;
        struct span rest;
        struct strbuf heard; /* of the message: from DATA on */
        bool has_ended;      /* with its dot */
    } talks[TALKS_MOST];
    size_t count;
    size_t confirmed; /* lines with 2xx after a dot */
};

struct ask {
    size_t recipients;
    bool is_told;
    unsigned code;
    size_t confirmed; /* recipients of whom the delivery says 2xx, each for himself */
};

/* ---- the next hop ---- */

static size_t count_2xx(struct span text)
{
    struct span line;
    size_t count = 0;

    while (span_cut(&text, '\n', &line))
        count += line.len >= 3 && line.ptr[0] == '2';
    return count;
}

static void say(struct talk *t)
{
    struct span piece = { 0 };

    if (!span_cut(&t->rest, '\0', &piece)) {
        stream_finish(t->stream, 0);
        t->stream = NULL;
        return;
    }
    t->peer->confirmed += t->has_ended ? count_2xx(piece) : 0;
    stream_write(t->stream, piece);
}

static void peer_hears(void *arg)
{
    struct talk *t = arg;
    struct span in = stream_input(t->stream);

    strbuf_put(&t->heard, in);
    stream_consume(t->stream, in.len);
    struct span heard = strbuf_span(&t->heard);
    size_t data = span_search(heard, SPAN("DATA\r\n"));

    t->has_ended = data != SPAN_NPOS && span_search(span_skip(heard, data + 4), SPAN("\r\n.\r\n")) != SPAN_NPOS;
    say(t);
}

static void peer_ends(void *arg, enum stream_end why)
{
    struct talk *t = arg;

    (void)why;
    stream_free(t->stream);
    t->stream = NULL;
}

static void peer_accepts(void *arg, int fd, const struct addr *from, unsigned port)
{
    static const struct stream_events events = { .on_data = peer_hears, .on_end = peer_ends };
    struct peer *p = arg;

    (void)from, (void)port;
    if (p->count == TALKS_MOST) {
        close(fd);
        return;
    }
    struct talk *t = &p->talks[p->count++];

    t->peer = p;
    t->rest = p->script;
    strbuf_init(&t->heard, TEXT_MOST);
    t->stream = stream_accepted(p->loop, fd, &events, t);
    say(t);
}

/* ---- the gateway ---- */

static void on_delivered(void *arg, const struct delivery_outcome *outcome)
{
    struct ask *ask = arg;

    ask->is_told = true;
    ask->code = outcome->code;
    for (size_t i = 0; outcome->each && i < ask->recipients; i++)
        ask->confirmed += outcome->each[i].code / 100 == 2;
}

/* The message that `shape` says, and what its sender is told. */
static void deliver(struct peer *p, struct next_hop *next_hop, struct verify *verify, unsigned shape)
{
    struct arena arena;
    struct session s = { .id = "01ARZ3NDEKTSV4RRFFQ69G5FAV", .is_esmtp = true };
    struct address address;
    struct span body = span_of(shape & 1 ? "A: b\r\n\r\n.x\r\n..\r\nno end" : "A: b\r\n\r\n");
    struct pieces message = { .items = &body, .count = 1, .bytes = body.len };
    struct delivery_outcome at_once = { 0 };
    struct ask ask = { 0 };

    arena_init(&arena, SIZE_MAX);
    s.arena = s.tx_arena = &arena;
    if (address_parse(SPAN("a@example.org"), &address))
        BUG("no address");
    for (unsigned i = 0; i <= (shape >> 1 & 1); i++)
        session_add_recipient(&s, &address);
    ask.recipients = s.recipient_count;
    struct delivery *d = deliver_start(verify, next_hop, &s, &message, shape & 4, on_delivered, &ask, &at_once);

    for (int64_t end = clock_mono_ms() + PATIENCE_MS; d && !ask.is_told && clock_mono_ms() < end;)
        loop_run_once(p->loop, 1);
    if (d && !ask.is_told && !deliver_cancel(d))
        while (!ask.is_told)
            loop_run_once(p->loop, 1);
    if ((d ? ask.code : at_once.code) / 100 == 2 && !p->confirmed)
        BUG("a message was delivered that nobody has taken");
    if (next_hop_kind(next_hop) == HOP_LMTP && ask.confirmed > p->confirmed)
        BUG("%zu recipients have what was taken for %zu", ask.confirmed, p->confirmed);
    arena_release(&arena);
}

/* The way to the peer: a unix socket that is there for all inputs. */
static int listening(struct endpoint *at)
{
    static int fd = -1;
    static struct endpoint place;
    char error[200];

    if (fd < 0) {
        snprintf(place.path, sizeof place.path, "/tmp/fuzz_hop_talk.%ld", (long)getpid());
        unlink(place.path);
        fd = listener_open(&place, 0600, error, sizeof error);
        if (fd < 0)
            BUG("%s", error);
    }
    *at = place;
    return dup(fd);
}

static void unused(void *arg)
{
    (void)arg;
}

static void talk(struct span script, unsigned shape)
{
    struct peer p = { .loop = loop_new(), .script = script };
    struct engine engine = { .loop = p.loop, .hostname = "mx.example.org" };
    struct smtp_conf conf = { .routes_file = "",
                              .hop_connections_most = 2,
                              .hop_connect_ms = WAIT_MS,
                              .hop_command_ms = WAIT_MS,
                              .hop_final_ms = WAIT_MS,
                              .hop_idle_ms = 1000,
                              .hop_uses_most = 100,
                              .hop_failures = 3,
                              .hop_rest_ms = 1000,
                              .verify_entries = 10,
                              .verify_good_ms = 1000,
                              .verify_bad_ms = 1000 };
    struct hop_ways ways = { .client = (int)(shape >> 3) % (HOP_CLIENT_XCLIENT + 1) };
    struct hop_target target = { .kind = shape & 32 ? HOP_LMTP : HOP_SMTP, .text = "smtp:unix:peer", .weight = 1 };
    struct hop_targets targets = { &target, 1 };

    if (target.kind == HOP_LMTP)
        shape |= 4;
    p.listener = listener_new(p.loop, listening(&target.at), peer_accepts, &p);
    struct hop *hop = hop_new(&(struct hop_settings){
        .loop = p.loop, .conf = &conf, .target = &target, .ways = &ways, .hostname = "mx.example.org" });
    struct verify *verify = verify_new(&conf, &engine);
    struct next_hop *next_hop = next_hop_new(&targets, &hop, unused, NULL);

    deliver(&p, next_hop, verify, shape);
    next_hop_drop(next_hop);
    verify_free(verify);
    hop_free(hop);
    listener_free(p.listener);
    for (size_t i = 0; i < p.count; i++) {
        stream_free(p.talks[i].stream);
        strbuf_release(&p.talks[i].heard);
    }
    loop_free(p.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > TEXT_MOST)
        return 0;
    log_configure(LOG_LOGFMT, LOG_ERROR);
    talk(span_make((const char *)data + 1, size - 1), data[0]);
    return 0;
}

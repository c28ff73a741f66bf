/* tests/fuzz/fuzz_milter_packet.c - a mail server that says anything: a whole session of the milter door, over a
 * socket, with a pipeline behind it that has no checks. Whatever comes, the answers are well-formed packets, in order,
 * and the session ends with its connection.
 *
 * The first byte: bit 0, the rest is what goes over the wire; else it is a list of packets (command, length in a byte,
 * data) that are framed here. Bit 1: negotiation and a client come first. Bits 2 to 7: the size of pieces.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "milter/door.h"
#include "milter/packet.h"

enum { TURNS = 200, WIRE_MOST = 4 << 20 };

static struct engine engine;
static struct milter_door *door;

static void open_door(void)
{
    static const struct engine_conf engine_conf = {
        .quick_most = 4, .heavy_most = 4, .deadline_ms = 2000, .lookups_most = 10, .transactions_most = 100
    };
    static const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };
    static const struct dress_conf dress = { true, true, DRESS_SPAM_ALWAYS };
    static const struct milter_conf conf = { .size_most = 1 << 20,
                                             .memory_most = 64 * 1024,
                                             .header_bytes_most = 32 * 1024,
                                             .header_fields_most = 50,
                                             .recipients_most = 5,
                                             .connections_most = 4,
                                             .idle_ms = 60000,
                                             .packet_ms = 60000,
                                             .rcpt_wait_ms = 1000,
                                             .progress_ms = 1000,
                                             .tarpit_most_ms = 1000 };
    char error[200] = "";

    log_configure(LOG_LOGFMT, LOG_ERROR);
    engine = (struct engine){ .loop = loop_new(), .hostname = "mx.example", .conf = &engine_conf, .actions = &actions };
    engine.crew = crew_new(engine.loop, 1, 4, 4);
    const struct milter_door_settings settings = { &engine, &conf, &dress, "/tmp" };

    door = milter_door_new(&settings, error, sizeof error);
    if (!door)
        BUG("no door: %s", error);
}

/* ---- what the mail server says ---- */

static void put_packet(struct strbuf *wire, char command, struct span data)
{
    packet_put(wire, command, data);
}

static void put_greeting(struct strbuf *wire)
{
    static const char offer[] = "\0\0\0\6\0\0\1\377\0\37\377\377", client[] = "c.example\0"
                                                                              "4\0\31"
                                                                              "192.0.2.1";

    put_packet(wire, SMFIC_OPTNEG, span_make(offer, sizeof offer - 1));
    put_packet(wire, SMFIC_CONNECT, span_make(client, sizeof client));
    put_packet(wire, SMFIC_HELO, span_make("c.example", 10));
}

static void put_packets(struct strbuf *wire, struct span in)
{
    while (in.len >= 2) {
        size_t bytes = (unsigned char)in.ptr[1];
        struct span data = span_first(span_skip(in, 2), bytes);

        put_packet(wire, in.ptr[0], data);
        in = span_skip(in, 2 + data.len);
    }
}

/* ---- what it hears ---- */

static void hear(int fd, struct strbuf *heard)
{
    char buffer[65536];
    ssize_t n = 0;

    while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
        strbuf_put(heard, span_make(buffer, (size_t)n));
}

static void check_answers(struct span heard)
{
    while (heard.len) {
        struct packet_head head;
        enum fault fault = FAULT_NONE;

        if (!packet_head(heard, &head, &fault) || fault || heard.len < PACKET_HEAD_BYTES + head.bytes)
            BUG("an answer that is no packet");
        if (!head.command || !strchr("Ocayrtdspimq", head.command))
            BUG("an answer %d", head.command);
        heard = span_skip(heard, PACKET_HEAD_BYTES + head.bytes);
    }
}

static void speak(int fd, struct span wire, size_t piece, struct strbuf *heard)
{
    while (wire.len) {
        struct span part = span_first(wire, piece);
        ssize_t sent = send(fd, part.ptr, part.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        loop_run_once(engine.loop, 0);
        hear(fd, heard);
        if (sent < 0 && milter_door_is_idle(door))
            return;
        wire = span_skip(wire, sent > 0 ? (size_t)sent : 0);
    }
    for (int i = 0; i < 4; i++)
        loop_run_once(engine.loop, 0);
    hear(fd, heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data + 1, size ? size - 1 : 0);
    struct strbuf wire, heard;
    int ends[2];

    if (!size)
        return 0;
    if (!door)
        open_door();
    strbuf_init(&wire, WIRE_MOST);
    strbuf_init(&heard, WIRE_MOST);
    if (data[0] & 2)
        put_greeting(&wire);
    if (data[0] & 1)
        strbuf_put(&wire, in);
    else
        put_packets(&wire, in);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends))
        BUG("no socket pair");
    milter_door_serve(door, ends[0]);
    speak(ends[1], strbuf_span(&wire), 1 + (data[0] >> 2) * 67u, &heard);
    check_answers(strbuf_span(&heard));
    close(ends[1]);
    for (int i = 0; i < TURNS && !milter_door_is_idle(door); i++)
        loop_run_once(engine.loop, 0);
    if (!milter_door_is_idle(door))
        BUG("a session that does not end");
    strbuf_release(&wire);
    strbuf_release(&heard);
    return 0;
}

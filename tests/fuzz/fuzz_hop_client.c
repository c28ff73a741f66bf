/* tests/fuzz/fuzz_hop_client.c - what a hostile client and a hostile name server say, told to a next hop: whole
 * commands of at most 512 octets of printable ASCII, which we would take ourselves.
 *
 * The input: the attributes that the next hop offers, name, helo and login, separated by NUL.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/hop_client.h"
#include "gateway/smtp/xclient.h"

static void check_command(struct span line, const char *verb)
{
    struct span word;
    struct xclient told;
    struct arena arena;

    if (line.len + 1 > 512 || !span_ends(line, SPAN("\r")))
        BUG("a command of %zu octets", line.len + 1);
    line = span_first(line, line.len - 1);
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] < ' ' || line.ptr[i] > '~')
            BUG("byte %d was told", line.ptr[i]);
    if (!span_word(&line, &word) || !span_is(word, verb) || !line.len)
        BUG("no command");
    arena_init(&arena, SIZE_MAX);
    if (xclient_parse(&arena, line, verb[1] == 'C' ? XCLIENT_COMMAND : XFORWARD_COMMAND, &told))
        BUG("we would not take it ourselves");
    arena_release(&arena);
}

/* It is said in EHLO. */
static void check_helo(struct span description)
{
    char helo[HOP_CLIENT_HELO_MAX] = "";

    if (hop_client_helo(description, helo) && !*helo)
        BUG("no greeting");
    for (const char *at = helo; *at; at++)
        if (*at <= ' ' || *at > '~')
            BUG("byte %d in a greeting", *at);
}

static void tell(enum hop_client how, const char *verb, struct span offered, const struct session *s)
{
    struct strbuf description, out;
    struct span rest, line;
    unsigned lines = 0;

    strbuf_init(&description, HOP_CLIENT_WORDS_MAX);
    strbuf_init(&out, 2 * HOP_CLIENT_WORDS_MAX);
    hop_client_describe(&description, how, s);
    unsigned count = hop_client_commands(&out, how, hop_client_attributes(offered), strbuf_span(&description));

    if (description.is_full || out.is_full)
        BUG("no room");
    check_helo(strbuf_span(&description));
    rest = span_first(strbuf_span(&out), out.len ? out.len - 1 : 0);
    while (count && span_cut(&rest, '\n', &line)) {
        check_command(line, verb);
        lines++;
    }
    if (lines != count)
        BUG("%u commands, and %u were counted", lines, count);
    strbuf_release(&out);
    strbuf_release(&description);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size), offered = { 0 };
    struct session s = { .client_port = 25, .id = "01ARZ3NDEKTSV4RRFFQ69G5FAV", .is_esmtp = size & 1 };

    s.client.family = size & 2 ? ADDR_IP6 : ADDR_IP4;
    s.client.bytes[0] = 0x20;
    span_cut(&in, '\0', &offered);
    span_cut(&in, '\0', &s.client_name);
    span_cut(&in, '\0', &s.helo);
    span_cut(&in, '\0', &s.auth_user);
    tell(HOP_CLIENT_XFORWARD, "XFORWARD", offered, &s);
    tell(HOP_CLIENT_XCLIENT, "XCLIENT", offered, &s);
    return 0;
}

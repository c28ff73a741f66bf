/* tests/fuzz/fuzz_hop_reply.c - replies of a hostile next hop, and what we pass on of them: whole lines of printable
 * ASCII, none of more than 512 octets.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/hop_reply.h"
#include "gateway/smtp/reply.h"

static void check_line(struct span line, unsigned code)
{
    char want[4] = { (char)('0' + code / 100), (char)('0' + code / 10 % 10), (char)('0' + code % 10), '\0' };

    if (line.len + 1 > REPLY_LINE_MAX || line.len < 5 || line.ptr[line.len - 1] != '\r')
        BUG("a line of %zu octets", line.len);
    if (!span_is(span_first(line, 3), want) || (line.ptr[3] != ' ' && line.ptr[3] != '-'))
        BUG("a line without its code");
    for (size_t i = 0; i + 1 < line.len; i++)
        if (line.ptr[i] < ' ' || line.ptr[i] > '~')
            BUG("byte %d was passed on", line.ptr[i]);
}

static void pass_on(const struct hop_reply *r)
{
    struct strbuf out;
    struct span rest, line;

    if (r->code != 250 && r->code < 400)
        return;
    strbuf_init(&out, 1 << 20);
    reply_write_text(&out, r->code, "", strbuf_span(&r->text), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    rest = span_first(strbuf_span(&out), out.len - 1);
    while (span_cut(&rest, '\n', &line))
        check_line(line, r->code);
    strbuf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    enum hop_reply_state state = HOP_REPLY_DONE;
    struct hop_reply r;

    hop_reply_init(&r);
    while (in.len && state == HOP_REPLY_DONE) {
        size_t took;

        state = hop_reply_take(&r, in, &took);
        if (state == HOP_REPLY_DONE)
            pass_on(&r);
        hop_reply_clear(&r);
        in = span_skip(in, took);
    }
    hop_reply_release(&r);
    return 0;
}

/* smtp/hop_reply.c - a reply of the next hop, from its lines. */
#include "gateway/smtp/hop_reply.h"

void hop_reply_init(struct hop_reply *r)
{
    *r = (struct hop_reply){ 0 };
    strbuf_init(&r->text, HOP_REPLY_BYTES_MAX);
}

void hop_reply_release(struct hop_reply *r)
{
    strbuf_release(&r->text);
}

void hop_reply_clear(struct hop_reply *r)
{
    strbuf_clear(&r->text);
    r->code = r->lines = 0;
}

/* One line without its line end: "250 text", "250-text" or "250". */
static enum hop_reply_state take_line(struct hop_reply *r, struct span line)
{
    unsigned code = 0;

    for (size_t i = 0; i < 3; i++) {
        if (i >= line.len || !ascii_is_digit(line.ptr[i]))
            return HOP_REPLY_BAD;
        code = code * 10 + (unsigned)(line.ptr[i] - '0');
    }
    bool is_last = line.len == 3 || line.ptr[3] == ' ';

    if (code < 200 || code > 599 || (r->code && r->code != code) || (!is_last && line.ptr[3] != '-'))
        return HOP_REPLY_BAD;
    r->code = code;
    if (r->lines++)
        strbuf_putc(&r->text, '\n');
    strbuf_put(&r->text, span_skip(line, 4));
    if (is_last)
        return HOP_REPLY_DONE;
    return r->lines < HOP_REPLY_LINES_MAX ? HOP_REPLY_MORE : HOP_REPLY_BAD;
}

enum hop_reply_state hop_reply_take(struct hop_reply *r, struct span in, size_t *took)
{
    enum hop_reply_state state = HOP_REPLY_MORE;

    *took = 0;
    while (state == HOP_REPLY_MORE) {
        struct span rest = span_skip(in, *took);
        size_t lf = span_find(rest, '\n');

        if (lf == SPAN_NPOS)
            return rest.len > HOP_REPLY_LINE_MAX ? HOP_REPLY_BAD : HOP_REPLY_MORE;
        if (lf > HOP_REPLY_LINE_MAX)
            return HOP_REPLY_BAD;
        *took += lf + 1;
        state = take_line(r, span_first(rest, lf && rest.ptr[lf - 1] == '\r' ? lf - 1 : lf));
    }
    return state;
}

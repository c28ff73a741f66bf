/* mail/flowed.c - paragraphs of format=flowed text [RFC3676 4]. */
#include "gateway/mail/flowed.h"

struct line {
    struct span marks; /* of quoting, with the blank that was stuffed behind them */
    size_t depth;
    struct span text;
    bool flows; /* ends in a blank, and is no signature's separator [RFC3676 4.3] */
};

static bool next_line(struct span *rest, struct line *out)
{
    struct span whole;

    if (!span_cut(rest, '\n', &whole) || (whole.len == 0 && !rest->ptr))
        return false;
    if (whole.len && whole.ptr[whole.len - 1] == '\r')
        whole.len--;
    size_t depth = 0;

    while (depth < whole.len && whole.ptr[depth] == '>')
        depth++;
    size_t stuffed = depth < whole.len && whole.ptr[depth] == ' ';

    out->depth = depth;
    out->marks = depth ? span_first(whole, depth + stuffed) : SPAN("");
    out->text = span_skip(whole, depth + stuffed);
    out->flows = out->text.len && out->text.ptr[out->text.len - 1] == ' ' && !span_is(out->text, "-- ");
    return true;
}

static size_t put(char *out, struct span bytes)
{
    if (bytes.len)
        memcpy(out, bytes.ptr, bytes.len);
    return bytes.len;
}

struct span flowed_join(struct arena *a, struct span text, bool is_delsp)
{
    char *out = arena_alloc(a, text.len + 2);
    struct line line, before = { 0 };
    struct span rest = text;
    size_t n = 0;

    while (next_line(&rest, &line)) {
        bool goes_on = before.flows && before.depth == line.depth && !span_is(line.text, "-- ");

        if (goes_on) {
            n -= 1U + (is_delsp ? 1U : 0U); /* the line end, and the blank before it */
        } else {
            n += put(out + n, line.marks);
        }
        n += put(out + n, line.text);
        out[n++] = '\n';
        before = line;
    }
    if (n && text.ptr[text.len - 1] != '\n')
        n--;
    return span_make(out, n);
}

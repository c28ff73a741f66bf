/* mail/codec.c - base64 and quoted-printable [RFC2045 6.7, 6.8].
 *
 * What is odd is done byte by byte here; runs of ordinary bytes are codec_run.c's, as fast as the machine can.
 */
#include "gateway/mail/codec.h"

#include "gateway/mail/codec_run.h"

/* A base64 text as it is read: `held` are the bits of `count` letters of a group. */
struct base64 {
    struct span text;
    size_t at;
    char *out;
    size_t made;
    unsigned held, count;
    unsigned pads_due; /* more padding may follow */
    bool is_padded;
    unsigned flaws;
};

static void base64_letter(struct base64 *b, unsigned six)
{
    if (b->is_padded || b->pads_due)
        b->flaws |= CODEC_PADDING;
    b->is_padded = false;
    b->pads_due = 0;
    b->held = b->held << 6 | six;
    if (++b->count < 4)
        return;
    b->out[b->made++] = (char)(b->held >> 16 & 0xff);
    b->out[b->made++] = (char)(b->held >> 8 & 0xff);
    b->out[b->made++] = (char)(b->held & 0xff);
    b->count = 0;
}

/* The bytes of a group that is not complete: 1 of two letters, 2 of three. */
static void base64_flush(struct base64 *b)
{
    unsigned held = b->held << 6 * (4 - b->count);

    if (b->count >= 2)
        b->out[b->made++] = (char)(held >> 16 & 0xff);
    if (b->count == 3)
        b->out[b->made++] = (char)(held >> 8 & 0xff);
    b->count = 0;
}

static void base64_padding(struct base64 *b)
{
    if (b->count >= 2) {
        b->pads_due = b->count == 2;
        base64_flush(b);
        b->is_padded = true;
    } else if (b->pads_due) {
        b->pads_due--;
    } else {
        b->flaws |= CODEC_PADDING;
    }
}

static void base64_step(struct base64 *b)
{
    unsigned six = base64_sixes[(unsigned char)b->text.ptr[b->at++]];

    if (six < 64)
        base64_letter(b, six);
    else if (six == BASE64_PAD)
        base64_padding(b);
    else if (six == BASE64_OTHER)
        b->flaws |= CODEC_FOREIGN;
}

static size_t base64_end(struct base64 *b, unsigned *flaws)
{
    if (b->count == 1)
        b->flaws |= CODEC_TRUNCATED;
    if (b->count > 1 || b->pads_due)
        b->flaws |= CODEC_PADDING;
    base64_flush(b);
    *flaws |= b->flaws;
    return b->made;
}

static bool begins_group(struct span s)
{
    unsigned all = 0;

    for (size_t i = 0; i < 4 && i < s.len; i++)
        all |= base64_sixes[(unsigned char)s.ptr[i]];
    return s.len >= 4 && all < 64;
}

static void base64_groups(struct base64 *b)
{
    if (b->count || b->is_padded || b->pads_due || !begins_group(span_skip(b->text, b->at)))
        return;
    struct codec_run run = base64_run(span_skip(b->text, b->at), b->out + b->made);

    b->at += run.used;
    b->made += run.made;
}

size_t base64_decode(struct span text, char *out, unsigned *flaws)
{
    struct base64 b = { .text = text, .out = out };

    while (b.at < text.len) {
        base64_groups(&b);
        if (b.at < text.len)
            base64_step(&b);
    }
    return base64_end(&b, flaws);
}

size_t base64_decode_without_padding(struct span text, char *out, unsigned *flaws)
{
    struct base64 b = { .text = text, .out = out };

    while (b.at < text.len) {
        base64_groups(&b);
        if (b.at < text.len && text.ptr[b.at] == '=')
            b.at++;
        else if (b.at < text.len)
            base64_step(&b);
    }
    return base64_end(&b, flaws);
}

size_t base64_decode_to_padding(struct span text, char *out, unsigned *flaws)
{
    struct base64 b = { .text = text, .out = out };

    while (b.at < text.len && !b.is_padded) {
        base64_groups(&b);
        if (b.at < text.len)
            base64_step(&b);
    }
    for (; b.at < text.len && !(b.flaws & CODEC_PADDING); b.at++) { /* is there anything behind it? */
        unsigned six = base64_sixes[(unsigned char)text.ptr[b.at]];

        if (six == BASE64_PAD && b.pads_due)
            b.pads_due--;
        else if (six != BASE64_BLANK)
            b.flaws |= CODEC_PADDING;
    }
    return base64_end(&b, flaws);
}

/* Quoted-printable as it is read. What stands before `floor` in the result is no blank that a line end takes away. */
struct quoted {
    struct span text;
    size_t at;
    char *out;
    size_t made, floor;
    unsigned flaws;
};

static void drop_blanks(struct quoted *q)
{
    while (q->made > q->floor && ascii_is_wsp(q->out[q->made - 1]))
        q->made--;
}

/* Blanks before a line end were put there on the way [RFC2045 6.7 (3)]. */
static void quoted_line_end(struct quoted *q)
{
    bool has_cr = q->made > q->floor && q->out[q->made - 1] == '\r';

    q->made -= has_cr;
    drop_blanks(q);
    if (has_cr)
        q->out[q->made++] = '\r';
    q->out[q->made++] = '\n';
    q->floor = q->made;
    q->at++;
}

/* A soft line break: the end of the line behind =, with blanks between that were put there on the way. */
static bool soft_break(struct quoted *q)
{
    size_t at = q->at + 1, len = q->text.len;
    const char *p = q->text.ptr;

    while (at < len && ascii_is_wsp(p[at]))
        at++;
    if (at == len)
        q->flaws |= CODEC_TRUNCATED;
    else if (p[at] == '\n')
        at++;
    else if (p[at] == '\r' && at + 1 < len && p[at + 1] == '\n')
        at += 2;
    else
        return false;
    q->at = at;
    q->floor = q->made;
    return true;
}

/* An = that quoted_run() stopped at. */
static void quoted_equals(struct quoted *q)
{
    if (soft_break(q))
        return;
    q->flaws |= CODEC_ESCAPE;
    q->out[q->made++] = '=';
    q->at++;
}

size_t quoted_printable_decode(struct span text, char *out, unsigned *flaws)
{
    struct quoted q = { .text = text, .out = out };

    while (q.at < text.len) {
        struct codec_run run = quoted_run(span_skip(text, q.at), out + q.made);

        if (run.kept)
            q.floor = q.made + run.kept;
        q.at += run.used;
        q.made += run.made;
        if (run.has_foreign)
            q.flaws |= CODEC_FOREIGN;
        if (q.at < text.len && text.ptr[q.at] == '\n')
            quoted_line_end(&q);
        else if (q.at < text.len)
            quoted_equals(&q);
    }
    drop_blanks(&q);
    *flaws |= q.flaws;
    return q.made;
}

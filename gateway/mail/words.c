/* mail/words.c - encoded words [RFC2047], as readers decode them: also where they stand close to other text or inside
 * quotes, with blanks inside, and with a character split over two of them (which the standard forbids, and which half
 * of the world's senders do).
 */
#include "gateway/mail/words.h"

#include "gateway/base/strbuf.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/codec.h"
#include "gateway/mail/codec_run.h"
#include "gateway/mail/header.h"

/* An encoded word in the text. */
struct word {
    struct span charset, payload;
    size_t length; /* of all of it */
    bool is_base64;
};

struct words {
    struct arena *arena;
    struct strbuf out;
    struct span charset; /* of the encoded words whose bytes are held */
    char *held;
    size_t held_len;
    bool has_no_end; /* "?=" does not come again: nobody looks for it twice */
    unsigned flaws;
};

enum { CHARSET_PART_MAX = 80 }; /* with its language [RFC2231 5] */

/* The encoded word at the front of `s`, which begins with "=?". */
static bool word_at(struct words *w, struct span s, struct word *out)
{
    struct span rest = span_skip(s, 2);
    size_t mark = span_find(span_first(rest, CHARSET_PART_MAX), '?');

    if (w->has_no_end || mark == SPAN_NPOS || mark == 0 || rest.len < mark + 3 || rest.ptr[mark + 2] != '?')
        return false;
    char encoding = ascii_lower(rest.ptr[mark + 1]);
    struct span charset = span_first(rest, mark);

    if (encoding != 'b' && encoding != 'q')
        return false;
    rest = span_skip(rest, mark + 3);
    size_t end = span_search(rest, SPAN("?="));

    if (end == SPAN_NPOS) {
        w->has_no_end = true;
        return false;
    }
    size_t language = span_find(charset, '*');

    out->charset = language == SPAN_NPOS ? charset : span_first(charset, language);
    out->payload = span_first(rest, end);
    out->length = (size_t)(rest.ptr - s.ptr) + end + 2;
    out->is_base64 = encoding == 'b';
    return true;
}

/* In `charset`; nothing comes behind a cut. */
static void put(struct words *w, struct span charset, struct span bytes)
{
    unsigned flaws = 0;

    strbuf_put(&w->out, charset_utf8(w->arena, charset, bytes, w->out.most_bytes - w->out.len, &flaws));
    if (flaws & CHARSET_CUT) {
        w->flaws |= WORDS_TOO_LONG;
        w->out.most_bytes = w->out.len;
    }
    if (flaws & (CHARSET_UNKNOWN | CHARSET_INVALID))
        w->flaws |= WORDS_CHARSET;
}

static void flush(struct words *w)
{
    if (w->held_len)
        put(w, w->charset, span_make(w->held, w->held_len));
    w->held_len = 0;
}

static void put_raw(struct words *w, struct span raw)
{
    if (raw.len == 0)
        return;
    flush(w);
    if (!ascii_is_all(raw))
        w->flaws |= WORDS_8BIT;
    put(w, SPAN(""), raw);
}

static size_t decode_q(struct span text, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '=' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = text.ptr[i] == '_' ? ' ' : text.ptr[i];
        }
    }
    return n;
}

/* Does UTF-8 end in the middle of a character? */
static bool is_split(struct span charset, struct span bytes)
{
    size_t start = bytes.len;

    if (!span_iis(charset, "utf-8"))
        return false;
    while (start && bytes.len - start < 3 && ((unsigned char)bytes.ptr[start - 1] & 0xc0) == 0x80)
        start--;
    start -= start > 0;
    return bytes.len && (unsigned char)bytes.ptr[start] >= 0xc2 && utf8_length(span_skip(bytes, start)) == 0;
}

/* The bytes of words in one charset that stand next to each other are held, and converted at once. */
static void hold(struct words *w, const struct word *word)
{
    unsigned ignored = 0;

    bool has_marks = span_istarts(word->charset, SPAN("utf-16")); /* each word may begin with a byte order mark */

    if (w->held_len && (has_marks || !span_ieq(w->charset, word->charset)))
        flush(w);
    if (w->held_len && is_split(w->charset, span_make(w->held, w->held_len)))
        w->flaws |= WORDS_SPLIT;
    w->charset = word->charset;
    if (word->is_base64)
        w->held_len += base64_decode(word->payload, w->held + w->held_len, &ignored);
    else
        w->held_len += decode_q(word->payload, w->held + w->held_len);
}

static bool is_blank(struct span s)
{
    return span_trim(s).len == 0;
}

static void read_words(struct words *w, struct span text)
{
    size_t from = 0, at = 0; /* raw text begins at `from` */
    bool is_after_word = false;

    while (at < text.len) {
        struct word word;
        size_t next = span_search(span_skip(text, at), SPAN("=?"));

        if (next == SPAN_NPOS)
            break;
        at += next;
        if (!word_at(w, span_skip(text, at), &word)) {
            w->flaws |= WORDS_BROKEN;
            at += 2;
            continue;
        }
        struct span between = span_make(text.ptr + from, at - from);

        if (!is_after_word || !is_blank(between)) /* blanks between encoded words are not shown [RFC2047 6.2] */
            put_raw(w, between);
        if (at && text.ptr[at - 1] == '"')
            w->flaws |= WORDS_IN_QUOTES;
        hold(w, &word);
        at += word.length;
        from = at;
        is_after_word = true;
    }
    put_raw(w, span_skip(text, from));
    flush(w);
}

struct span words_decode_all(struct arena *a, struct span text, size_t most, unsigned *flaws)
{
    struct words w = { .arena = a };

    if (text.len <= most && span_search(text, SPAN("=?")) == SPAN_NPOS && ascii_is_all(text) &&
        span_find(text, 0x1b) == SPAN_NPOS)
        return text;
    strbuf_init(&w.out, most);
    w.held = arena_alloc(a, codec_most(text.len));
    read_words(&w, text);
    *flaws |= w.flaws;
    struct span result = arena_copy(a, strbuf_span(&w.out));

    strbuf_release(&w.out);
    return result;
}

struct span words_decode(struct arena *a, struct span body, size_t most, unsigned *flaws)
{
    return words_decode_all(a, header_unfold(a, body), most, flaws);
}

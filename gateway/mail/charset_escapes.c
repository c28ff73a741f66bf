/* mail/charset_escapes.c - charsets that change by escapes: ISO-2022-JP [RFC1468], ISO-2022-KR [RFC1557], HZ [RFC1843].
 *
 * Runs of double bytes become EUC by their high bits, which the C library's stateless converters read: no hostile text
 * reaches its converters with state.
 */
#include "gateway/mail/charset_out.h"

enum { RUN_MAX = 1024 };

/* A run of two-byte characters as EUC. */
struct double_run {
    struct charset_out *out;
    struct charset_converter converter;
    char bytes[RUN_MAX];
    size_t len;
    bool is_jis0212; /* three bytes in EUC */
    char stop;       /* ends a run before a pair begins: HZ's ~; 0: none */
};

static void run_flush(struct double_run *r)
{
    if (r->len)
        charset_converter_put(&r->converter, r->out, span_make(r->bytes, r->len));
    r->len = 0;
}

static bool is_double_byte(char c)
{
    return c > 0x20 && c < 0x7f;
}

/* Puts the two-byte characters at the front of `text`, up to a control character; returns their length. */
static size_t put_double(struct double_run *r, struct span text)
{
    size_t n = 0;

    while (n < text.len && is_double_byte(text.ptr[n]) && text.ptr[n] != r->stop) {
        if (r->len + 3 > sizeof r->bytes)
            run_flush(r);
        if (n + 1 == text.len || !is_double_byte(text.ptr[n + 1])) {
            run_flush(r);
            charset_put_bad(r->out);
            return n + 1;
        }
        if (r->is_jis0212)
            r->bytes[r->len++] = '\x8f';
        r->bytes[r->len++] = (char)(text.ptr[n] | 0x80);
        r->bytes[r->len++] = (char)(text.ptr[n + 1] | 0x80);
        n += 2;
    }
    run_flush(r);
    return n;
}

static void put_single(struct charset_out *o, char c)
{
    if ((unsigned char)c < 0x80)
        charset_put(o, (unsigned char)c);
    else
        charset_put_bad(o);
}

enum jis { JIS_ASCII, JIS_ROMAN, JIS_KANA, JIS_0208, JIS_0212 };

static const struct {
    struct span escape; /* behind ESC */
    enum jis state;
} jis_escapes[] = {
    { { "(B", 2 }, JIS_ASCII }, { { "(J", 2 }, JIS_ROMAN }, { { "(H", 2 }, JIS_ROMAN }, { { "(I", 2 }, JIS_KANA },
    { { "$@", 2 }, JIS_0208 },  { { "$B", 2 }, JIS_0208 },  { { "$(D", 3 }, JIS_0212 }, { { "$(B", 3 }, JIS_0208 },
};

/* The escape at the front of `text`, which begins with ESC: its length, or 0. */
static size_t jis_escape(struct span text, enum jis *state)
{
    for (size_t i = 0; i < sizeof jis_escapes / sizeof jis_escapes[0]; i++)
        if (span_starts(span_skip(text, 1), jis_escapes[i].escape)) {
            *state = jis_escapes[i].state;
            return 1 + jis_escapes[i].escape.len;
        }
    return 0;
}

/* A byte that is half of nothing. */
static void put_jis(struct charset_out *o, enum jis state, char c)
{
    if (state == JIS_ROMAN && (c == '\\' || c == '~'))
        charset_put(o, c == '~' ? 0x203e : 0xa5);
    else if (state == JIS_KANA && c > 0x20 && c < 0x60)
        charset_put(o, 0xff61 + (uint32_t)c - 0x21);
    else
        put_single(o, c);
}

/* Lines must end in ASCII, and whoever reads them starts them so. */
static void line_end(struct charset_out *o, enum jis *state)
{
    if (*state >= JIS_KANA)
        o->flaws |= CHARSET_INVALID;
    *state = JIS_ASCII;
}

void charset_from_iso2022jp(struct charset_out *o, struct span text)
{
    struct double_run run = { .out = o };
    enum jis state = JIS_ASCII;

    charset_converter_open(&run.converter, &charset_sets[SET_EUC_JP_MS]);
    while (text.len && !o->is_full) {
        size_t used = text.ptr[0] == 0x1b ? jis_escape(text, &state) : 0;

        if (used == 0 && state >= JIS_0208) {
            run.is_jis0212 = state == JIS_0212;
            used = put_double(&run, text);
        }
        if (used == 0) {
            if (text.ptr[0] == '\n')
                line_end(o, &state);
            put_jis(o, state, text.ptr[0]);
            used = 1;
        }
        text = span_skip(text, used);
    }
    charset_converter_close(&run.converter);
}

enum { SHIFT_OUT = 0x0e, SHIFT_IN = 0x0f };

void charset_from_iso2022kr(struct charset_out *o, struct span text)
{
    struct double_run run = { .out = o };
    bool is_double = false;

    charset_converter_open(&run.converter, &charset_sets[SET_CP949]);
    while (text.len && !o->is_full) {
        char c = text.ptr[0];
        size_t used = 1;

        if (span_starts(text, SPAN("\x1b$)C")))
            used = 4;
        else if (c == SHIFT_OUT || c == SHIFT_IN)
            is_double = c == SHIFT_OUT;
        else if (is_double && is_double_byte(c))
            used = put_double(&run, text);
        else
            put_single(o, c);
        is_double = is_double && c != '\n';
        text = span_skip(text, used);
    }
    charset_converter_close(&run.converter);
}

/* The escape at the front of `text`: its length, or 0. */
static size_t hz_escape(struct charset_out *o, struct span text, bool *is_double)
{
    if (text.len < 2 || text.ptr[0] != '~')
        return 0;
    switch (text.ptr[1]) {
    case '{': *is_double = true; return 2;
    case '}': *is_double = false; return 2;
    case '\n': return 2; /* a line goes on */
    case '~':
        if (*is_double)
            return 0;
        charset_put(o, '~');
        return 2;
    default: return 0;
    }
}

void charset_from_hz(struct charset_out *o, struct span text)
{
    struct double_run run = { .out = o, .stop = '~' };
    bool is_double = false;

    charset_converter_open(&run.converter, &charset_sets[SET_GB18030]);
    while (text.len && !o->is_full) {
        size_t used = hz_escape(o, text, &is_double);

        if (used == 0 && is_double && text.ptr[0] != '~' && is_double_byte(text.ptr[0])) {
            used = put_double(&run, text);
        } else if (used == 0) {
            is_double = is_double && text.ptr[0] != '\n';
            put_single(o, text.ptr[0]);
            used = 1;
        }
        text = span_skip(text, used);
    }
    charset_converter_close(&run.converter);
}

/* mail/charset.c - text of any charset as UTF-8: which charset it is. */
#include "gateway/mail/charset.h"

#include "gateway/base/utf8.h"
#include "gateway/mail/charset_out.h"

#define BOM_UTF8    SPAN("\xef\xbb\xbf")
#define BOM_UTF16BE SPAN("\xfe\xff")
#define BOM_UTF16LE SPAN("\xff\xfe")

const char *charset_name(struct span label)
{
    enum charset_id id = charset_find(label);

    return id == SET_UNKNOWN ? NULL : charset_sets[id].name;
}

bool charset_hides_ascii(struct span label)
{
    enum charset_id id = charset_find(label);
    enum charset_kind kind = id == SET_UNKNOWN ? KIND_UTF8 : charset_sets[id].kind;

    return kind == KIND_STATEFUL || kind == KIND_EBCDIC || kind >= KIND_ISO2022KR;
}

static bool has_iso2022jp_escape(struct span text)
{
    for (size_t at; (at = span_find(text, 0x1b)) != SPAN_NPOS;) {
        text = span_skip(text, at + 1);
        if (span_starts(text, SPAN("$B")) || span_starts(text, SPAN("$@")) || span_starts(text, SPAN("(J")))
            return true;
    }
    return false;
}

static enum charset_id guess(struct span text)
{
    if (has_iso2022jp_escape(text))
        return SET_ISO_2022_JP;
    return utf8_is_valid(text) ? SET_UTF_8 : SET_WINDOWS_1252;
}

/* What a byte order mark says, where the text bears it out; SET_UNKNOWN: nothing. */
static enum charset_id marked(struct span text)
{
    if (span_starts(text, BOM_UTF8))
        return utf8_is_valid(text) ? SET_UTF_8 : SET_UNKNOWN;
    if (!span_starts(text, BOM_UTF16BE) && !span_starts(text, BOM_UTF16LE))
        return SET_UNKNOWN;
    if (text.len > 2 && span_find(text, 0) == SPAN_NPOS)
        return SET_UNKNOWN;
    return text.ptr[0] == '\xfe' ? SET_UTF_16BE : SET_UTF_16LE;
}

static bool is_utf16_or_32(enum charset_id id)
{
    return id != SET_UNKNOWN && charset_sets[id].kind >= KIND_UTF16;
}

/* UTF-16 without a mark is little endian to browsers and big endian by its standard [RFC2781 4.3]: where its NULs
 * stand tells. */
static bool looks_big_endian(struct span text)
{
    size_t zeros[2] = { 0, 0 };

    for (size_t i = 0; i < text.len && i < 4096; i++)
        zeros[i & 1] += text.ptr[i] == 0;
    return zeros[0] > zeros[1];
}

static bool utf32_is_big_endian(struct span text)
{
    return !span_starts(text, SPAN("\xff\xfe\0\0")) && (text.len < 4 || text.ptr[0] == 0);
}

static void convert(struct charset_out *o, enum charset_id id, struct span text)
{
    const struct charset_set *set = &charset_sets[id];

    switch (set->kind) {
    case KIND_UTF8: charset_from_utf8(o, text); break;
    case KIND_ASCII: charset_from_single(o, charset_sets[SET_WINDOWS_1252].index, text); break;
    case KIND_SINGLE: charset_from_single(o, set->index, text); break;
    case KIND_MULTI:
    case KIND_ICONV:
    case KIND_EBCDIC:
    case KIND_STATEFUL: charset_from_iconv(o, set, text); break;
    case KIND_ISO2022JP: charset_from_iso2022jp(o, text); break;
    case KIND_ISO2022KR: charset_from_iso2022kr(o, text); break;
    case KIND_HZ: charset_from_hz(o, text); break;
    case KIND_UTF7: charset_from_utf7(o, text); break;
    case KIND_UTF16: charset_from_utf16(o, text, looks_big_endian(text)); break;
    case KIND_UTF16BE: charset_from_utf16(o, text, true); break;
    case KIND_UTF16LE: charset_from_utf16(o, text, false); break;
    case KIND_UTF32: charset_from_utf32(o, text, utf32_is_big_endian(text)); break;
    case KIND_UTF32BE: charset_from_utf32(o, text, true); break;
    case KIND_UTF32LE: charset_from_utf32(o, text, false); break;
    }
}

/* Is `text` UTF-8 as it is? */
static bool needs_nothing(enum charset_id id, struct span text)
{
    switch (charset_sets[id].kind) {
    case KIND_UTF8: return utf8_is_valid(text);
    case KIND_ASCII:
    case KIND_SINGLE:
    case KIND_MULTI:
    case KIND_ICONV: return ascii_is_all(text);
    default: return text.len == 0;
    }
}

static struct span cut(struct span utf8, size_t most, unsigned *flaws)
{
    if (utf8.len <= most)
        return utf8;
    *flaws |= CHARSET_CUT;
    while (most && ((unsigned char)utf8.ptr[most] & 0xc0) == 0x80)
        most--;
    return span_first(utf8, most);
}

/* The charset that `text` is read in. */
static enum charset_id decide(struct span label, struct span *text, unsigned *flaws)
{
    enum charset_id id = charset_find(label), mark = marked(*text);

    if (id == SET_UNKNOWN && span_trim(label).len)
        *flaws |= CHARSET_UNKNOWN;
    if (mark != SET_UNKNOWN && !(is_utf16_or_32(id) && charset_sets[id].kind >= KIND_UTF32)) {
        if (id != SET_UNKNOWN && id != mark && id != SET_UTF_16)
            *flaws |= CHARSET_BOM;
        *text = span_skip(*text, mark == SET_UTF_8 ? 3 : 2);
        return mark;
    }
    if (id == SET_UTF_16 && (span_starts(*text, BOM_UTF16BE) || span_starts(*text, BOM_UTF16LE))) {
        id = text->ptr[0] == '\xfe' ? SET_UTF_16BE : SET_UTF_16LE;
        *text = span_skip(*text, 2);
    }
    if (id != SET_UNKNOWN && charset_sets[id].kind != KIND_ASCII && charset_sets[id].kind != KIND_ISO2022JP)
        return id;
    if (ascii_is_all(*text) && span_find(*text, 0x1b) == SPAN_NPOS)
        return SET_US_ASCII;
    if (id == SET_ISO_2022_JP && (ascii_is_all(*text) || has_iso2022jp_escape(*text)))
        return id;
    if (id != SET_UNKNOWN && !ascii_is_all(*text))
        *flaws |= CHARSET_INVALID;
    return guess(*text);
}

struct span charset_utf8(struct arena *a, struct span label, struct span text, size_t most, unsigned *flaws)
{
    enum charset_id id = decide(label, &text, flaws);
    struct charset_out o;

    if (needs_nothing(id, text))
        return cut(text, most, flaws);
    charset_out_init(&o, most);
    charset_room(&o, text.len < most ? text.len : most);
    convert(&o, id, text);
    if (o.is_full)
        *flaws |= CHARSET_CUT;
    *flaws |= o.flaws;
    struct span result = arena_copy(a, span_make(o.data, o.len));

    charset_out_release(&o);
    return result;
}

/* mail/tnef.c - what is in a winmail.dat [MS-OXTNEF 2.1]: attributes of the message, then of each attachment. */
#include "gateway/mail/tnef.h"

#include "gateway/mail/charset.h"
#include "gateway/mail/rtf.h"
#include "gateway/mail/tnef_props.h"

enum { SIGNATURE = 0x223e9f78, STREAM_HEADER = 6, ATTRIBUTE_HEADER = 9, CHECKSUM_BYTES = 2, NAME_MAX = 1000 };

enum attribute {
    ATT_BODY = 0x0002800c,
    ATT_MESSAGE_PROPS = 0x00069003,
    ATT_CODEPAGE = 0x00069007,
    ATT_RENDERING = 0x00069002, /* an attachment begins */
    ATT_TITLE = 0x00018010,
    ATT_DATA = 0x0006800f,
    ATT_ATTACHMENT_PROPS = 0x00069005,
};

enum prop {
    PROP_BODY = 0x1000,
    PROP_RTF = 0x1009,
    PROP_HTML = 0x1013,
    PROP_DISPLAY_NAME = 0x3001,
    PROP_DATA = 0x3701,
    PROP_FILENAME = 0x3704,
    PROP_LONG_FILENAME = 0x3707,
    PROP_MIME_TYPE = 0x370e,
    PROP_CONTENT_ID = 0x3712,
    PROP_HTML_CODEPAGE = 0x3fde,
};

/* IID_IMessage: the object behind it is a TNEF stream of its own. */
#define MESSAGE_OBJECT SPAN("\x07\x03\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46")
enum { OBJECT_ID_BYTES = 16 };

struct walk {
    struct arena *arena;
    struct tnef *out;
    size_t left; /* bytes that may still be unpacked */
    unsigned depth;
    const char *charset;  /* of strings of bytes */
    struct tnef_item *at; /* the attachment whose attributes come; NULL */
    unsigned name_rank;   /* of its name: which property gave it */
};

static void flaw(struct walk *w, enum tnef_flaw flaw)
{
    w->out->flaws |= flaw;
}

static struct tnef_item *item_add(struct walk *w, enum tnef_kind kind)
{
    if (w->out->count == TNEF_ITEMS_MAX) {
        flaw(w, TNEF_TOO_MANY);
        return NULL;
    }
    struct tnef_item *item = &w->out->items[w->out->count++];

    *item = (struct tnef_item){ .kind = kind, .depth = w->depth, .charset = "" };
    return item;
}

static const char *charset_of(struct arena *a, uint32_t codepage)
{
    static const struct {
        uint32_t codepage;
        const char *label;
    } others[] = { { 20127, "us-ascii" }, { 20866, "koi8-r" },    { 21866, "koi8-u" },   { 65001, "utf-8" },
                   { 65000, "utf-7" },    { 51932, "euc-jp" },    { 51949, "euc-kr" },   { 54936, "gb18030" },
                   { 1200, "utf-16le" },  { 874, "windows-874" }, { 10000, "macintosh" } };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].codepage == codepage)
            return others[i].label;
    if (codepage >= 28591 && codepage <= 28606)
        return arena_printf(a, "iso-8859-%u", codepage - 28590);
    const char *label = arena_printf(a, "cp%u", codepage);

    return charset_name(span_of(label)) ? label : "";
}

static struct span without_nuls(struct span s, size_t unit)
{
    while (s.len >= unit && s.ptr[s.len - 1] == 0 && s.ptr[s.len - unit] == 0)
        s.len -= unit;
    return s;
}

/* A short string as UTF-8. */
static struct span text_of(struct walk *w, struct span bytes, const char *charset)
{
    size_t most = w->left < NAME_MAX ? w->left : NAME_MAX;
    unsigned flaws = 0;
    struct span text = charset_utf8(w->arena, span_of(charset), span_first(bytes, NAME_MAX * 2), most, &flaws);

    w->left -= text.len;
    return text;
}

static struct span string_of(struct walk *w, const struct mapi_prop *p)
{
    bool is_unicode = p->type == MAPI_UNICODE;

    return text_of(w, without_nuls(p->value, is_unicode ? 2 : 1), is_unicode ? "utf-16le" : w->charset);
}

/* A higher rank is the better name. */
static void name_attachment(struct walk *w, struct span name, unsigned rank)
{
    if (rank < w->name_rank || name.len == 0)
        return;
    w->name_rank = rank;
    w->at->name = name;
}

/* An attachment's bytes. Where they come twice, readers take the one or the other: both are listed. */
static void set_bytes(struct walk *w, struct span bytes)
{
    struct tnef_item *other = w->at->bytes.len && !span_eq(w->at->bytes, bytes) ? item_add(w, TNEF_ATTACHMENT) : NULL;

    if (other) {
        *other = *w->at;
        other->bytes = bytes;
    } else if (w->at->bytes.len == 0) {
        w->at->bytes = bytes;
    }
}

static void read_stream(struct walk *w, struct span stream);

static void read_object(struct walk *w, const struct mapi_prop *p)
{
    bool has_id = p->type == MAPI_OBJECT && p->value.len >= OBJECT_ID_BYTES;
    struct span bytes = has_id ? span_skip(p->value, OBJECT_ID_BYTES) : p->value;

    set_bytes(w, bytes);
    if (!has_id || !span_starts(p->value, MESSAGE_OBJECT))
        return;
    if (w->depth == TNEF_DEPTH_MAX) {
        flaw(w, TNEF_TOO_MANY);
        return;
    }
    struct walk inner = {
        .arena = w->arena, .out = w->out, .left = w->left, .depth = w->depth + 1, .charset = w->charset
    };

    read_stream(&inner, bytes);
    w->left = inner.left;
}

static void attachment_prop(struct walk *w, const struct mapi_prop *p)
{
    switch (p->id) {
    case PROP_LONG_FILENAME: name_attachment(w, string_of(w, p), 4); break;
    case PROP_FILENAME: name_attachment(w, string_of(w, p), 3); break;
    case PROP_DISPLAY_NAME: name_attachment(w, string_of(w, p), 1); break;
    case PROP_MIME_TYPE: w->at->type = string_of(w, p); break;
    case PROP_CONTENT_ID: w->at->content_id = string_of(w, p); break;
    case PROP_DATA: read_object(w, p); break;
    default: break;
    }
}

/* What an RTF shows, as a text of its own. */
static void read_rtf_text(struct walk *w, struct span rtf)
{
    struct rtf_text shown;

    rtf_read(w->arena, rtf, w->left, &shown);
    if (shown.is_cut)
        flaw(w, TNEF_TOO_MANY);
    w->left -= shown.text.len;
    struct tnef_item *item = span_trim(shown.text).len ? item_add(w, shown.is_html ? TNEF_HTML : TNEF_TEXT) : NULL;

    if (!item)
        return;
    item->bytes = shown.text;
    item->charset = "utf-8";
}

static void read_rtf(struct walk *w, struct span packed)
{
    struct tnef_item *item = item_add(w, TNEF_RTF_TEXT);

    if (!item)
        return;
    item->bytes = rtf_unpack(w->arena, packed, w->left, &w->out->flaws);
    w->left -= item->bytes.len < w->left ? item->bytes.len : w->left;
    read_rtf_text(w, item->bytes);
}

static void add_text(struct walk *w, enum tnef_kind kind, struct span bytes, bool is_unicode, const char *charset)
{
    struct tnef_item *item = bytes.len ? item_add(w, kind) : NULL;

    if (!item)
        return;
    item->bytes = without_nuls(bytes, is_unicode ? 2 : 1);
    item->charset = is_unicode ? "utf-16le" : charset;
}

static void message_prop(struct walk *w, const struct mapi_prop *p, const char **html_charset)
{
    bool is_unicode = p->type == MAPI_UNICODE;

    switch (p->id) {
    case PROP_BODY: add_text(w, TNEF_TEXT, p->value, is_unicode, w->charset); break;
    case PROP_HTML: add_text(w, TNEF_HTML, p->value, is_unicode, *html_charset); break;
    case PROP_RTF: read_rtf(w, p->value); break;
    case PROP_HTML_CODEPAGE:
        if (p->type == MAPI_LONG)
            *html_charset = charset_of(w->arena, little_endian(p->value.ptr, 4));
        break;
    default: break;
    }
}

static void read_props(struct walk *w, struct span list, bool is_attachment)
{
    const char *html_charset = "";
    struct mapi_reader r;
    struct mapi_prop p;
    unsigned count = 0;

    mapi_start(&r, list);
    while (count < TNEF_PROPS_MAX && mapi_next(&r, &p)) {
        count++;
        if (is_attachment)
            attachment_prop(w, &p);
        else
            message_prop(w, &p, &html_charset);
    }
    if (r.is_broken)
        flaw(w, TNEF_PROPS);
    else if (r.left)
        flaw(w, TNEF_TOO_MANY);
}

/* Attributes of an attachment without one that begins it: a reader may take them for one. */
static bool has_attachment(struct walk *w)
{
    if (!w->at)
        w->at = item_add(w, TNEF_ATTACHMENT);
    return w->at;
}

static void read_attribute(struct walk *w, uint32_t id, struct span data)
{
    switch (id) {
    case ATT_CODEPAGE:
        if (data.len >= 4)
            w->charset = charset_of(w->arena, little_endian(data.ptr, 4));
        break;
    case ATT_BODY: add_text(w, TNEF_TEXT, data, false, w->charset); break;
    case ATT_MESSAGE_PROPS: read_props(w, data, false); break;
    case ATT_RENDERING:
        w->at = item_add(w, TNEF_ATTACHMENT);
        w->name_rank = 0;
        break;
    case ATT_TITLE:
        if (has_attachment(w))
            name_attachment(w, text_of(w, without_nuls(data, 1), w->charset), 2);
        break;
    case ATT_DATA:
        if (has_attachment(w))
            set_bytes(w, data);
        break;
    case ATT_ATTACHMENT_PROPS:
        if (has_attachment(w))
            read_props(w, data, true);
        break;
    default: break;
    }
}

static bool has_checksum(struct span data, const char *p)
{
    unsigned sum = 0;

    for (size_t i = 0; i < data.len; i++)
        sum += (unsigned char)data.ptr[i];
    return (sum & 0xffff) == little_endian(p, CHECKSUM_BYTES);
}

static void read_stream(struct walk *w, struct span stream)
{
    if (stream.len < STREAM_HEADER || little_endian(stream.ptr, 4) != SIGNATURE) {
        flaw(w, TNEF_SIGNATURE);
        return;
    }
    stream = span_skip(stream, STREAM_HEADER);
    while (stream.len) {
        if (stream.len < ATTRIBUTE_HEADER || stream.ptr[0] < 1 || stream.ptr[0] > 2) {
            flaw(w, TNEF_TRUNCATED);
            return;
        }
        uint32_t id = little_endian(stream.ptr + 1, 4), len = little_endian(stream.ptr + 5, 4);
        struct span data = span_first(span_skip(stream, ATTRIBUTE_HEADER), len);

        stream = span_skip(stream, ATTRIBUTE_HEADER + data.len);
        if (data.len < len || stream.len < CHECKSUM_BYTES)
            flaw(w, TNEF_TRUNCATED);
        else if (!has_checksum(data, stream.ptr))
            flaw(w, TNEF_CHECKSUM);
        read_attribute(w, id, data);
        stream = span_skip(stream, CHECKSUM_BYTES);
    }
}

void tnef_read(struct arena *a, struct span stream, size_t most, struct tnef *out)
{
    struct tnef_item items[TNEF_ITEMS_MAX];
    struct walk w = { .arena = a, .out = out, .left = most, .charset = "" };

    *out = (struct tnef){ .items = items };
    read_stream(&w, stream);
    out->unpacked = most - w.left;
    out->items = arena_grow(a, items, out->count, out->count, sizeof *items);
}

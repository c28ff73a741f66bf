/* mail/tnef_rtf.c - RTF that is packed [MS-OXRTFCP]: a sliding window of 4096 bytes that begins with usual RTF. */
#include "gateway/mail/tnef_props.h"

#include "gateway/base/strbuf.h"

enum { HEADER_BYTES = 16, WINDOW = 4096, PACKED = 0x75465a4c, STORED = 0x414c454d };

/* What the window holds at first [MS-OXRTFCP 2.1.2.1]. */
static const char usual[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    "\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0"
    "\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct unpacker {
    struct strbuf out;
    char window[WINDOW];
    size_t at; /* in the window */
};

static void put(struct unpacker *u, char c)
{
    u->window[u->at] = c;
    u->at = (u->at + 1) % WINDOW;
    strbuf_putc(&u->out, c);
}

/* A reference: twelve bits of place, four of length. False: it is the end. */
static bool put_reference(struct unpacker *u, const char *p)
{
    unsigned both = (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
    size_t place = both >> 4, length = (both & 15) + 2;

    if (place == u->at)
        return false;
    for (size_t i = 0; i < length; i++)
        put(u, u->window[(place + i) % WINDOW]);
    return true;
}

/* False: it does not end as it should. */
static bool unpack(struct unpacker *u, struct span packed)
{
    size_t at = 0;

    while (at < packed.len && !u->out.is_full) {
        unsigned flags = (unsigned char)packed.ptr[at++];

        for (unsigned bit = 0; bit < 8; bit++, flags >>= 1) {
            if (packed.len - at < 1U + (flags & 1U))
                return false;
            if (!(flags & 1))
                put(u, packed.ptr[at++]);
            else if (!put_reference(u, packed.ptr + at))
                return true;
            else
                at += 2;
        }
    }
    return false;
}

struct span rtf_unpack(struct arena *a, struct span packed, size_t most, unsigned *flaws)
{
    struct unpacker u = { .at = sizeof usual - 1 };

    if (packed.len < HEADER_BYTES) {
        *flaws |= TNEF_RTF;
        return SPAN("");
    }
    uint32_t raw_bytes = little_endian(packed.ptr + 4, 4), form = little_endian(packed.ptr + 8, 4);
    struct span content = span_skip(packed, HEADER_BYTES);

    if (form == STORED) {
        *flaws |= raw_bytes > content.len ? TNEF_RTF : 0U;
        return span_first(content, raw_bytes);
    }
    memcpy(u.window, usual, sizeof usual - 1);
    strbuf_init(&u.out, most);
    if (form != PACKED || !unpack(&u, content))
        *flaws |= u.out.is_full ? TNEF_TOO_MANY : TNEF_RTF;
    else if (u.out.len != raw_bytes)
        *flaws |= TNEF_RTF;
    struct span result = arena_copy(a, strbuf_span(&u.out));

    strbuf_release(&u.out);
    return result;
}

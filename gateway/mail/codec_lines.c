/* mail/codec_lines.c - the encodings of files inside of text: uuencode (POSIX) and yEnc (its draft 1.3). */
#include "gateway/mail/codec.h"

#include <zlib.h>

#include "gateway/mail/codec_run.h"

/* Takes a line off the front of *rest, without its line end; false when there is none. */
static bool next_line(struct span *rest, struct span *line)
{
    if (!span_cut(rest, '\n', line) || (line->len == 0 && !rest->ptr))
        return false;
    if (line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* How many bytes a line of uuencode says that it holds; 64: it is none. */
static unsigned uu_count(struct span line)
{
    unsigned char c = line.len ? (unsigned char)line.ptr[0] : 0;

    return c >= ' ' && c <= '`' ? (c - ' ') & 0x3fU : 64;
}

size_t uuencode_most(struct span lines)
{
    struct span line;
    size_t most = 0;

    while (next_line(&lines, &line))
        if (uu_count(line) < 64)
            most += uu_count(line);
    return most;
}

/* What was cut off the end of a line were blanks, which are zeros. */
static unsigned uu_six(struct span line, size_t at, unsigned *flaws)
{
    unsigned char c = at < line.len ? (unsigned char)line.ptr[at] : ' ';

    if (c < ' ' || c > '`')
        *flaws |= CODEC_FOREIGN;
    return (c - ' ') & 0x3fU;
}

static void uu_line(struct span line, unsigned count, char *out, unsigned *flaws)
{
    size_t at = 1;

    if (line.len > 2 + (count + 2) / 3 * 4) /* some write a checksum of one letter */
        *flaws |= CODEC_FOREIGN;
    for (unsigned made = 0; made < count; made += 3, at += 4) {
        unsigned held = uu_six(line, at, flaws) << 18 | uu_six(line, at + 1, flaws) << 12;

        held |= uu_six(line, at + 2, flaws) << 6 | uu_six(line, at + 3, flaws);
        for (unsigned i = 0; i < 3 && made + i < count; i++)
            out[made + i] = (char)(held >> (16 - 8 * i) & 0xff);
    }
}

size_t uuencode_decode(struct span lines, char *out, size_t room, unsigned *flaws)
{
    struct span line;
    size_t made = 0;

    while (next_line(&lines, &line)) {
        unsigned count = uu_count(line);

        if (count == 0)
            return made;
        if (count == 64) {
            *flaws |= line.len ? CODEC_FOREIGN : 0;
            continue;
        }
        if (count > room - made)
            break;
        uu_line(line, count, out + made, flaws);
        made += count;
    }
    *flaws |= CODEC_TRUNCATED;
    return made;
}

size_t yenc_decode(struct span lines, char *out, unsigned *flaws)
{
    size_t made = 0;
    bool is_line_start = true;

    for (size_t i = 0; i < lines.len; i++) {
        unsigned char c = (unsigned char)lines.ptr[i];
        bool is_escaped = c == '=';

        if (c == '\r' || c == '\n') {
            is_line_start |= c == '\n';
            continue;
        }
        if (is_escaped && i + 1 == lines.len) {
            *flaws |= CODEC_TRUNCATED;
            break;
        }
        if (is_escaped && is_line_start && lines.ptr[i + 1] == 'y') { /* =ypart */
            size_t end = span_find(span_skip(lines, i), '\n');

            if (end == SPAN_NPOS)
                break;
            i += end;
            continue;
        }
        is_line_start = false;
        if (is_escaped)
            c = (unsigned char)(lines.ptr[++i] - 64);
        out[made++] = (char)(c - 42);
    }
    return made;
}

/* The word behind `name`, which begins with a blank. */
static struct span value_of(struct span line, struct span name)
{
    size_t at = span_search(line, name), len = 0;
    struct span rest = at == SPAN_NPOS ? SPAN("") : span_skip(line, at + name.len);

    while (len < rest.len && ascii_is_alnum(rest.ptr[len]))
        len++;
    return span_first(rest, len);
}

static bool has_crc(struct span hex, struct span bytes)
{
    uint64_t wanted = 0;

    for (size_t i = 0; i < hex.len && i < 16; i++)
        wanted = wanted << 4 | (unsigned)(hex_digit(hex.ptr[i]) & 15);
    return wanted == crc32_z(0, (const unsigned char *)bytes.ptr, bytes.len);
}

void yenc_check(struct span end_line, struct span bytes, unsigned *flaws)
{
    struct span size = value_of(end_line, SPAN(" size=")), crc = value_of(end_line, SPAN(" pcrc32="));
    uint64_t length;

    if (crc.len == 0)
        crc = value_of(end_line, SPAN(" crc32="));
    if (span_u64(size, UINT64_MAX, &length) || length != bytes.len || (crc.len && !has_crc(crc, bytes)))
        *flaws |= CODEC_CHECKSUM;
}

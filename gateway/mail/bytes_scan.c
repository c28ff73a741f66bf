/* mail/bytes_scan.c - looks through bytes in blocks, by the compiler's vectors: SSE2, NEON, or plain words where there
 * is neither. */
#include "gateway/mail/bytes_scan.h"

enum { BLOCK = 16, STRIDE = 4 * BLOCK, LINE_MOST = 998 };

typedef unsigned char block_bytes __attribute__((vector_size(BLOCK)));
typedef uint64_t block_words __attribute__((vector_size(BLOCK)));

static block_bytes load(const char *at)
{
    block_bytes block;

    memcpy(&block, at, sizeof block);
    return block;
}

static bool any(block_bytes block)
{
    block_words words = (block_words)block;

    return (words[0] | words[1]) != 0;
}

static bool begins_here(struct span bytes, size_t at, char first, char second)
{
    return bytes.ptr[at] == first && bytes.ptr[at + 1] == second && (at == 0 || bytes.ptr[at - 1] == '\n');
}

static size_t find_slowly(struct span bytes, size_t from, size_t to, char first, char second)
{
    for (size_t at = from; at < to; at++)
        if (begins_here(bytes, at, first, second))
            return at;
    return SPAN_NPOS;
}

static block_bytes line_starts(const char *here, char first, char second)
{
    return (block_bytes)(load(here - 1) == (unsigned char)'\n') & (block_bytes)(load(here) == (unsigned char)first) &
           (block_bytes)(load(here + 1) == (unsigned char)second);
}

size_t line_start_find(struct span bytes, size_t from, char first, char second)
{
    if (bytes.len < 2 || from > bytes.len - 2)
        return SPAN_NPOS;
    if (from == 0) {
        if (begins_here(bytes, 0, first, second))
            return 0;
        from = 1;
    }
    size_t last = bytes.len - 1; /* no line of two bytes begins there */
    size_t at = from;

    for (; at + STRIDE < last; at += STRIDE) {
        block_bytes hits = line_starts(bytes.ptr + at, first, second);

        for (size_t i = BLOCK; i < STRIDE; i += BLOCK)
            hits |= line_starts(bytes.ptr + at + i, first, second);
        if (any(hits))
            return find_slowly(bytes, at, at + STRIDE, first, second);
    }
    return find_slowly(bytes, at, last, first, second);
}

static unsigned facts_of_byte(char byte, char next)
{
    unsigned facts = 0;

    if (byte == '\0')
        facts |= BYTES_NUL;
    if ((unsigned char)byte > 0x7f)
        facts |= BYTES_8BIT;
    if (byte == '\r' && next != '\n')
        facts |= BYTES_BARE_CR;
    if (byte != '\r' && next == '\n')
        facts |= BYTES_BARE_LF;
    return facts;
}

/* From line to line, each time from the far end of what a line may be, so that few bytes are looked at. */
static bool has_long_line(struct span bytes)
{
    while (bytes.len > LINE_MOST) {
        size_t window = bytes.len > LINE_MOST + 2 ? LINE_MOST + 2 : bytes.len;
        size_t lf = span_rfind(span_first(bytes, window), '\n');

        if (lf == SPAN_NPOS)
            return true;
        if (lf == LINE_MOST + 1 && bytes.ptr[LINE_MOST] != '\r') /* all but a CR: one byte too many, perhaps */
            lf = span_rfind(span_first(bytes, window - 1), '\n');
        if (lf == SPAN_NPOS)
            return true;
        bytes = span_skip(bytes, lf + 1);
    }
    return false;
}

unsigned bytes_facts(struct span bytes)
{
    block_bytes nul = { 0 }, high = { 0 }, bare_cr = { 0 }, bare_lf = { 0 };
    unsigned facts = 0;
    size_t at = 0;

    if (!bytes.len)
        return 0;
    if (bytes.ptr[0] == '\n')
        facts |= BYTES_BARE_LF;
    for (; at + BLOCK < bytes.len; at += BLOCK) {
        block_bytes here = load(bytes.ptr + at), next = load(bytes.ptr + at + 1);
        block_bytes cr = (block_bytes)(here == (unsigned char)'\r'), lf = (block_bytes)(next == (unsigned char)'\n');

        nul |= (block_bytes)(here == 0);
        high |= here;
        bare_cr |= cr & ~lf;
        bare_lf |= lf & ~cr;
    }
    high &= (block_bytes)(high > 0x7f);
    facts |= any(nul) ? BYTES_NUL : 0;
    facts |= any(high) ? BYTES_8BIT : 0;
    facts |= any(bare_cr) ? BYTES_BARE_CR : 0;
    facts |= any(bare_lf) ? BYTES_BARE_LF : 0;
    for (; at < bytes.len; at++)
        facts |= facts_of_byte(bytes.ptr[at], at + 1 < bytes.len ? bytes.ptr[at + 1] : '\0');
    return facts | (has_long_line(bytes) ? BYTES_LONG_LINE : 0);
}

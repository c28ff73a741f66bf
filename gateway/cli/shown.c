/* cli/shown.c - text of strangers, for a person at a terminal. */
#include "gateway/cli/shown.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/utf8.h"

/* Characters above ASCII that are not seen, or that move what stands beside them. */
static const struct {
    uint32_t first, last;
} unseen[] = {
    { 0x80, 0x9f },     { 0xad, 0xad },     { 0x34f, 0x34f },   { 0x61c, 0x61c },      { 0x180b, 0x180e },
    { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xe000, 0xf8ff },    { 0xfe00, 0xfe0f },
    { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0x10ffff },
};

static bool is_unseen(uint32_t code)
{
    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++)
        if (code >= unseen[i].first && code <= unseen[i].last)
            return true;
    return false;
}

/* The first of the three that says something [locale(7)]. */
static bool terminal_takes_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);

        if (value && value[0])
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* Bytes of the character in front that may be shown as they are; 0: the first byte may not. */
static size_t shown_length(struct span text, bool has_utf8)
{
    unsigned char c = (unsigned char)text.ptr[0];

    if (c < 0x80)
        return c >= 0x20 && c < 0x7f && c != '\\';
    size_t length = has_utf8 ? utf8_length(text) : 0;

    return length && !is_unseen(utf8_code_point(text, length)) ? length : 0;
}

void cli_put_shown(struct strbuf *b, struct span text, size_t most)
{
    bool has_utf8 = terminal_takes_utf8();
    size_t i = 0;

    while (i < text.len && i < most) {
        struct span rest = span_skip(text, i);
        size_t length = shown_length(rest, has_utf8);

        if (length)
            strbuf_put(b, span_first(rest, length));
        else if (rest.ptr[0] == '\\')
            strbuf_puts(b, "\\\\");
        else
            strbuf_putf(b, "\\x%02x", (unsigned char)rest.ptr[0]);
        i += length ? length : 1;
    }
    if (i < text.len)
        strbuf_puts(b, "...");
}

/* mail/tagvalue.c - tag=value lists [RFC6376 3.2]. */
#include "gateway/mail/tagvalue.h"

static bool is_fws(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* [RFC6376 3.2]: a letter, then letters, digits and underscores. */
static bool is_name(struct span name)
{
    if (name.len == 0 || !ascii_is_alpha(name.ptr[0]))
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '_')
            return false;
    return true;
}

static bool is_value(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if ((c < 0x21 || c == 0x7f) && !is_fws(value.ptr[i]))
            return false;
    }
    return true;
}

const struct tag *tags_find(const struct tag_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (span_is(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

struct span tags_value(const struct tag_list *list, const char *name)
{
    const struct tag *tag = tags_find(list, name);

    return tag ? tag->value : span_make(NULL, 0);
}

static bool has_name(const struct tag_list *list, struct span name)
{
    for (size_t i = 0; i < list->count; i++)
        if (span_eq(list->items[i].name, name))
            return true;
    return false;
}

static enum fault read_tag(struct span spec, struct tag_list *out)
{
    size_t equals = span_find(spec, '=');

    if (equals == SPAN_NPOS)
        return FAULT_SYNTAX;
    struct tag tag = { .name = span_trim(span_first(spec, equals)), .raw = span_skip(spec, equals + 1) };

    tag.value = span_trim(tag.raw);
    if (!is_name(tag.name) || !is_value(tag.value) || has_name(out, tag.name))
        return FAULT_SYNTAX;
    if (out->count == TAGS_MAX)
        return FAULT_TOO_MANY;
    out->items[out->count++] = tag;
    return FAULT_NONE;
}

enum fault tags_parse(struct span text, struct tag_list *out)
{
    struct span rest = text, spec;

    out->count = 0;
    if (!text.ptr)
        return FAULT_SYNTAX;
    while (span_cut(&rest, ';', &spec)) {
        bool is_last = !rest.ptr;

        if (is_last && out->count && span_trim(spec).len == 0)
            break; /* behind a final semicolon */
        enum fault fault = read_tag(spec, out);

        if (fault)
            return fault;
    }
    return FAULT_NONE;
}

bool tag_item(struct span *rest, struct span *item)
{
    if (!span_cut(rest, ':', item))
        return false;
    *item = span_trim(*item);
    return true;
}

bool tag_has_item(struct span value, const char *word)
{
    struct span item;

    while (tag_item(&value, &item))
        if (span_iis(item, word))
            return true;
    return false;
}

/* Six bits of each letter of the alphabet [RFC4648 4], plus one; 0 is none. */
static const unsigned char base64_bits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* What stands behind the letters: nothing, or the padding that makes their number one of four. */
static bool is_padding(struct span rest, size_t letters)
{
    size_t equals = 0;

    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] == '=')
            equals++;
        else if (!is_fws(rest.ptr[i]))
            return false;
    }
    return letters % 4 != 1 && (equals == 0 || (letters % 4 != 0 && (letters + equals) % 4 == 0));
}

enum fault tag_base64(struct span value, unsigned char *out, size_t size, size_t *len)
{
    uint32_t word = 0;
    size_t letters = 0, bytes = 0, i = 0;

    for (; i < value.len; i++) {
        unsigned bits = base64_bits[(unsigned char)value.ptr[i]];

        if (bits) {
            word = word << 6 | (bits - 1);
            if (letters++ % 4 == 0)
                continue;
            if (bytes == size)
                return FAULT_TOO_LONG;
            out[bytes++] = (unsigned char)(word >> (4 - letters % 4) % 4 * 2);
        } else if (!is_fws(value.ptr[i])) {
            break;
        }
    }
    if (!is_padding(span_skip(value, i), letters))
        return FAULT_SYNTAX;
    *len = bytes;
    return FAULT_NONE;
}

static int quoted_byte(struct span rest)
{
    int high = rest.len > 2 ? ascii_upper_hex(rest.ptr[1]) : -1, low = rest.len > 2 ? ascii_upper_hex(rest.ptr[2]) : -1;

    return high < 0 || low < 0 ? 0 : high << 4 | low;
}

enum fault tag_quoted(struct span value, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < value.len; i++) {
        int c = (unsigned char)value.ptr[i];

        if (is_fws(value.ptr[i]))
            continue;
        if (c == '=') {
            c = quoted_byte(span_skip(value, i));
            i += 2;
        }
        if (c == 0)
            return FAULT_SYNTAX;
        if (len + 1 >= size)
            return FAULT_TOO_LONG;
        out[len++] = (char)c;
    }
    if (len >= size)
        return FAULT_TOO_LONG;
    out[len] = '\0';
    return FAULT_NONE;
}

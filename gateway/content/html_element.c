/* content/html_element.c - the table of html_element.h, searched by halves: names of sixteen bytes as two numbers. */
#include "gateway/content/html_element.h"

#include <endian.h>

enum { NAME_BYTES = 16 };

/* clang-format off */
static const char names[HTML_EL_COUNT][NAME_BYTES] = {
    "",
#define X(name, id, nature) name,
    HTML_ELEMENTS(X)
#undef X
};

const uint16_t html_natures[HTML_EL_COUNT] = {
    0,
#define X(name, id, nature) nature,
    HTML_ELEMENTS(X)
#undef X
};
/* clang-format on */

struct key {
    uint64_t high, low;
};

static struct key key_of(const char bytes[NAME_BYTES])
{
    struct key key;

    memcpy(&key, bytes, sizeof key);
    return (struct key){ be64toh(key.high), be64toh(key.low) };
}

enum html_element html_element(struct span name)
{
    char lower[NAME_BYTES] = "";
    size_t low = 1, high = HTML_EL_COUNT;

    if (!name.len || name.len >= NAME_BYTES)
        return HTML_EL_UNKNOWN;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.ptr[i]);
    struct key wanted = key_of(lower);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct key here = key_of(names[middle]);

        if (here.high == wanted.high && here.low == wanted.low)
            return (enum html_element)middle;
        if (wanted.high < here.high || (wanted.high == here.high && wanted.low < here.low))
            high = middle;
        else
            low = middle + 1;
    }
    return HTML_EL_UNKNOWN;
}

const char *html_element_name(enum html_element e)
{
    return names[e];
}

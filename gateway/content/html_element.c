/* content/html_element.c - the table of html_element.h, searched by halves over names of sixteen bytes. */
#include "gateway/content/html_element.h"

enum { NAME_BYTES = 16 };

static const struct {
    char name[NAME_BYTES];
    unsigned nature;
} elements[HTML_EL_COUNT] = { { "", 0 },
#define X(name, id, nature) { name, nature },
                              HTML_ELEMENTS(X)
#undef X
};

enum html_element html_element(struct span name)
{
    char lower[NAME_BYTES] = "";
    size_t low = 1, high = HTML_EL_COUNT;

    if (!name.len || name.len >= NAME_BYTES)
        return HTML_EL_UNKNOWN;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.ptr[i]);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(lower, elements[middle].name, NAME_BYTES);

        if (!order)
            return (enum html_element)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return HTML_EL_UNKNOWN;
}

const char *html_element_name(enum html_element e)
{
    return elements[e].name;
}

unsigned html_nature(enum html_element e)
{
    return elements[e].nature;
}

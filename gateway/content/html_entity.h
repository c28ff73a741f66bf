/* content/html_entity.h - character references: &amp; &#8203; &colon; as browsers decode them [HTML 13.2.5.72].
 *
 * Threads: any.
 */
#ifndef CONTENT_HTML_ENTITY_H
#define CONTENT_HTML_ENTITY_H

#include "gateway/base/arena.h"

enum { HTML_ENTITY_BYTES_MAX = 8 }; /* of UTF-8 that one becomes */

struct html_entity_name {
    const char *name; /* without & and ; */
    const char *utf8;
    bool stands_alone; /* also without its ; */
};

extern const struct html_entity_name html_entity_names[];
extern const size_t html_entity_name_count;

/* html_entity - of the reference at the start of `s`, which begins with &: how many bytes of `s` it takes, and its
 * UTF-8 in `out`, `*bytes` long. 0: it is none, & is just itself. */
size_t html_entity(struct span s, bool in_attribute, char out[HTML_ENTITY_BYTES_MAX], size_t *bytes);
/* html_entity_is_odd - a character that nobody has a reason to write as a reference: letters, digits, signs of URLs.
 * html_has_odd_entity - any of them. */
static inline bool html_entity_is_odd(const char *utf8, size_t bytes)
{
    return bytes == 1 && (ascii_is_alnum(utf8[0]) || utf8[0] == ':' || utf8[0] == '.' || utf8[0] == '/');
}
bool html_has_odd_entity(struct span value);
/* html_decode - an attribute's value with its references decoded; itself when it has none. */
struct span html_decode(struct arena *a, struct span value);

#endif

/* mail/mime_ways.h - what the files of mail/mime_ways*.c share: the ways in which a part may be read, while they are
 * found.
 *
 * mime_ways.c         what is said more than once, and of boundaries
 * mime_ways_header.c  where the header ends, and where its lines do
 * mime_ways_body.c    what the body is, and its charset
 */
#ifndef MAIL_MIME_WAYS_H
#define MAIL_MIME_WAYS_H

#include "gateway/mail/mime_parts.h"

struct ways {
    struct mime_state *state;
    struct mime_node *node;
    struct mime_way *items;
    size_t count, most;
};

/* way_add - another way, which begins as the part's own; NULL: there are enough, or it does not come after that one. */
struct mime_way *way_add(struct ways *w, enum mime_way_kind kind, const char *name);
/* header_ways, body_ways, charset_ways - all of them. */
void header_ways(struct ways *w);
void body_ways(struct ways *w);
void charset_ways(struct ways *w);

static inline struct arena *arena_of(const struct ways *w)
{
    return &w->state->message->arena;
}

/* up_to - what stands before the first of `ends`. */
static inline struct span up_to(struct span s, const char *ends)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(ends, s.ptr[i]) && s.ptr[i])
            return span_first(s, i);
    return s;
}

#endif

/* mail/edit.h - what we change in a message on its way: header fields put on top, fields taken out, a field replaced.
 *
 * The original bytes are never re-encoded: the edited message is a list of spans, our own lines and stretches of the
 * original, so that a signature over what we did not touch still verifies, and nothing large is copied.
 */
#ifndef MAIL_EDIT_H
#define MAIL_EDIT_H

#include "gateway/mail/message.h"

enum edit_op { EDIT_PREPEND, EDIT_REMOVE, EDIT_REPLACE };

struct edit {
    enum edit_op op;
    struct span header;               /* field name */
    struct span value;                /* body, folded with CRLF WSP, without the final CRLF; EDIT_REMOVE: the old one */
    const struct header_field *field; /* of the message: what goes (EDIT_REMOVE, EDIT_REPLACE) */
};

struct edits {
    struct arena *arena;
    struct edit *items;
    size_t count, capacity;
};

void edits_init(struct edits *e, struct arena *arena);
/* edits_prepend - the one prepended last stands topmost. `name` and `value` are copied. CR, LF and NUL in a value
 * that are not folding (CRLF WSP) become blanks.
 * edits_remove, edits_replace - each field at most once, and in the order of the message. */
void edits_prepend(struct edits *e, const char *name, struct span value);
void edits_remove(struct edits *e, const struct header_field *field);
void edits_replace(struct edits *e, const struct header_field *field, struct span value);

struct pieces {
    struct span *items;
    size_t count;
    size_t bytes; /* the sum */
};
/* edits_apply - the edited message, top to bottom, in spans that live as long as `m` and the arena. */
void edits_apply(const struct edits *e, const struct message *m, struct pieces *out);

#endif

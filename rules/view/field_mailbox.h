/* rules/view/field_mailbox.h - names and addresses of a field as mail rules see them: From:name, From:addr.
 *
 * gateway/mail/address.h reads a field to find out who may be meant; rules are written for what SpamAssassin's reader
 * makes of it, also where the field is broken: a name alone is a mailbox, too. Linear in the field.
 *
 * Pure. Memory: `a`; spans may point into `value`.
 */
#ifndef RULES_FIELD_MAILBOX_H
#define RULES_FIELD_MAILBOX_H

#include "gateway/base/arena.h"

enum { FIELD_MAILBOXES_MAX = 1000 };

struct field_mailbox {
    bool has_address, has_name;
    struct span address;
    struct span name; /* without its quotes, not decoded; the comment, when there is no other */
};

struct field_mailboxes {
    struct field_mailbox *items;
    size_t count, room;
};

/* field_mailboxes - of a field's value as it stands behind the colon. */
struct field_mailboxes field_mailboxes(struct arena *a, struct span value);

#endif

/* mail/mailbox_scan.h - what lenient readers take for an address: a part of address_mailboxes() alone. */
#ifndef MAIL_MAILBOX_SCAN_H
#define MAIL_MAILBOX_SCAN_H

#include "gateway/mail/address.h"

/* mailbox_scan - adds a mailbox for every at sign in `text` with a domain name of two labels or more behind it, unless
 * the list has it. At most 200 at signs are looked at: ADDRESS_ODD_CUT. */
void mailbox_scan(struct arena *a, struct span text, struct mailbox_list *out);
/* mailbox_add - unless the list is full: ADDRESS_ODD_CUT. */
void mailbox_add(struct arena *a, const struct mailbox *mailbox, struct mailbox_list *out);
/* mailbox_decoded - `text` with its encoded words decoded [RFC2047 2], in UTF-8; `text` itself when it has none. In
 * `a`. */
struct span mailbox_decoded(struct arena *a, struct span text);
/* mailbox_unfolded - without folding, its blanks included; `text` itself when it has no line end. In `a`. */
struct span mailbox_unfolded(struct arena *a, struct span text);

/* at_sign - bytes of the sign that a reader may take for "@" at the start of `s`: U+0040, U+FF20, U+FE6B; or 0. */
size_t at_sign(struct span s);
bool has_at_sign(struct span s);

#endif

/* mail/address.h - mail addresses: of the envelope [RFC5321 4.1.2] and of header fields [RFC5322 3.4].
 *
 * Local parts keep their case; domains are compared without. UTF-8 is taken where SMTPUTF8 allows it [RFC6531 3.3].
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "gateway/base/arena.h"

/* Limits [RFC5321 4.5.3.1]: local part 64 in the text, but longer ones are in use (VERP, SRS): up to the path. */
enum { ADDRESS_MAX = 320, ADDRESS_DOMAIN_MAX = 255, ADDRESS_LIST_MAX = 100, ADDRESS_BODY_MAX = 16384 };

struct address {
    struct span text;   /* local@domain as given, without <>, route and comments; empty for <> */
    struct span local;  /* as given (with its quotes, if any) */
    struct span domain; /* as given; "[...]" for a literal; empty for <> and for a bare <postmaster> */
    bool is_utf8;       /* has bytes above 0x7f */
};

/* address_path - "<a@b>" or "<@route:a@b>" at the start of *rest, which is moved behind it. The null path <> is
 * accepted when `may_be_null`, and "<postmaster>" without a domain always. FAULT_SYNTAX, FAULT_TOO_LONG. */
enum fault address_path(struct span *rest, bool may_be_null, struct address *out);
/* address_parse - "a@b" alone, as on a command line or in a list. */
enum fault address_parse(struct span text, struct address *out);
struct address address_copy(struct arena *a, const struct address *from);
bool address_eq(const struct address *a, const struct address *b); /* local exactly, domain without case */

/* A mailbox-list of a From, Sender or Reply-To field. What the lenient readers of this world might take for an
 * address is all listed; what is odd about it is told, so that a check can refuse what a strict reader would. */
enum address_oddity {
    ADDRESS_ODD_NONE = 0,
    ADDRESS_ODD_SYNTAX = 1 << 0,     /* the list does not follow RFC 5322, obsolete forms included */
    ADDRESS_ODD_MANY = 1 << 1,       /* more than one mailbox */
    ADDRESS_ODD_NUL = 1 << 2,        /* NUL or another control character inside */
    ADDRESS_ODD_ROUTE = 1 << 3,      /* source route <@a,@b:c@d> */
    ADDRESS_ODD_GROUP = 1 << 4,      /* group syntax */
    ADDRESS_ODD_DISPLAY_AT = 1 << 5, /* the display name holds another address */
    ADDRESS_ODD_ENCODED = 1 << 6,    /* an encoded word where an address stands [RFC2047 5] */
    ADDRESS_ODD_NO_ADDRESS = 1 << 7, /* no mailbox at all */
    ADDRESS_ODD_DOMAIN = 1 << 8,     /* a domain that is no domain name (empty label, "[1.2.3.4]", bad bytes) */
    ADDRESS_ODD_CUT = 1 << 9,        /* more than ADDRESS_LIST_MAX: the rest was not read */
    ADDRESS_ODD_INSIDE = 1 << 10,    /* blanks or comments inside an address, or an address inside a comment */
    ADDRESS_ODD_LOCAL = 1 << 11,     /* a quoted local part that holds what looks like an address or its frame */
};

struct mailbox {
    struct span display; /* as given, unquoted, comments removed; not RFC 2047-decoded */
    struct address address;
    bool is_lenient; /* nobody reads it so who follows RFC 5322; its local part may be empty */
};

struct mailbox_list {
    struct mailbox *items;
    size_t count;
    unsigned oddities; /* of enum address_oddity */
};

/* address_mailboxes - of an unfolded or folded field body. Never fails; linear in the length, of which it reads at
 * most ADDRESS_BODY_MAX. In `a`. Mailboxes by RFC 5322 come first; what only lenient readers see is looked for, and
 * follows, when an oddity says that readers may differ (all but MANY, GROUP and DISPLAY_AT). */
void address_mailboxes(struct arena *a, struct span body, struct mailbox_list *out);

#endif

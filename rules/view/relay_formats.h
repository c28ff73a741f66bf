/* rules/view/relay_formats.h - how mail servers write Received fields: tables of shapes, in the order in which they are
 * tried. relay_line.c's and relay_login.c's own.
 */
#ifndef RULES_RELAY_FORMATS_H
#define RULES_RELAY_FORMATS_H

#include "rules/view/relays.h"
#include "rules/shape.h"

enum relay_format_flag {
    RELAY_LOOKS_UP = 1 << 0,    /* that server looks up names: none there means that there is none */
    RELAY_SAME_HELO = 1 << 1,   /* the greeting is left out when it is the name */
    RELAY_HAS_LIST = 1 << 2,    /* slot x: "helo=... ident=..." */
    RELAY_HAS_IDENT = 1 << 3,   /* the name may have "ident@" in front */
    RELAY_DOTTED = 1 << 4,      /* the name has a dot inside */
    RELAY_IS_QMAIL = 1 << 5,    /* only of lines that end as qmail's do */
    RELAY_NOT_QMAIL = 1 << 6,   /* not those of qmail-ldap */
    RELAY_IS_XMAIL = 1 << 7,    /* id and sender stand in <> */
    RELAY_HAS_NO_ID = 1 << 8,   /* what looks like an id is a version */
    RELAY_SOFT_NAME = 1 << 9,   /* "softdnserr" for a name that could not be looked up */
    RELAY_IS_YAHOO = 1 << 10,   /* only of Yahoo's servers */
    RELAY_IS_COMMENT = 1 << 11, /* slot x begins with a letter */
    RELAY_IS_IGNORED = 1 << 12, /* no handover by TCP, or nothing that helps */
    RELAY_IS_FETCHED = 1 << 13,
};

/* Slots: h HELO, r name, i address, b by, n ident, d id, x a list. */
struct relay_format {
    const char *shape;
    unsigned flags;
    const char *needs; /* a shape that the line must have somewhere; NULL: none */
};

/* A server that is known by a word in its lines: only its formats, and then the common ones, are tried. */
struct relay_maker {
    const char *const *marks; /* shapes: one of them is in the line; ended by NULL */
    const struct relay_format *formats;
};

extern const struct relay_maker relay_makers[];       /* ended by NULL marks */
extern const struct relay_format relay_web_formats[]; /* tried before all others */
extern const struct relay_format relay_formats[];     /* ended by a NULL shape, like all */
extern const struct relay_format relay_ignored[];
extern const struct relay_format relay_upper_formats[]; /* of lines that begin with FROM */
extern const struct relay_format relay_paren_formats[]; /* "(from" */

/* A line while it is read. */
struct relay_reader {
    struct arena *a;
    struct span line; /* blanks joined, without its date */
    struct relay relay;
    bool looks_up;
    unsigned steps; /* left for this line */
};

/* relay_run - for more than one shape of a line: who uses it takes its steps back. relay_has - the shape stands in the
 * line. relay_found - what fills that slot of the shape; empty: nothing. */
struct shape_run relay_run(const struct relay_reader *r);
bool relay_has(struct relay_reader *r, const char *shape);
struct span relay_found(struct relay_reader *r, const char *shape, char slot);
/* relay_login - how the client was authenticated, as the pseudo fields have it; empty: it was not. */
struct span relay_login(struct relay_reader *r);
/* relay_in_words - one of these, that have blanks between. */
bool relay_in_words(struct span word, const char *words);

#endif

/* scanners/spf_record.h - an SPF record as the RFC's grammar has it [RFC7208 4.5, 4.6, 12].
 *
 * The whole record is read before any of it is evaluated: one fault anywhere makes it a permerror. Spans point into
 * the record's text. Our own bounds, far above any record in use, are those of the enum below.
 *
 * Threads: any. Memory: the arena given; at most SPF_TERMS_MOST terms.
 */
#ifndef SCANNERS_SPF_RECORD_H
#define SCANNERS_SPF_RECORD_H

#include "gateway/base/addr.h"
#include "gateway/base/arena.h"

enum { SPF_TERMS_MOST = 1000, SPF_TERM_BYTES_MOST = 2048 };

enum spf_kind {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT, /* from here on: modifiers */
    SPF_EXP,
    SPF_UNKNOWN_MODIFIER,
};

enum spf_qualifier { SPF_QUALIFIER_PASS, SPF_QUALIFIER_FAIL, SPF_QUALIFIER_SOFTFAIL, SPF_QUALIFIER_NEUTRAL };

struct dns_answer;

struct spf_term {
    enum spf_kind kind;
    enum spf_qualifier qualifier;
    struct span text;   /* as written */
    struct span domain; /* its domain-spec; empty: the domain whose record this is */
    bool has_macros;
    struct addr ip; /* ip4, ip6: as written, never folded into IPv4; host bits may be set */
    unsigned bits4; /* a, mx, ip4 */
    unsigned bits6; /* a, mx, ip6 */

    /* The evaluation's notes, for a term without macros: its name and answer are the same all through a run. */
    const char *target;
    const struct dns_answer *answer;
    bool is_asked;
};

struct spf_record {
    struct spf_term *terms; /* in their order, modifiers too */
    size_t count;
    struct spf_term *redirect, *exp; /* NULL: none */
};

/* spf_record_is - whether a TXT record is an SPF record at all [RFC7208 4.5]. */
bool spf_record_is(struct span text);
/* spf_record_parse - text for which spf_record_is(). Returns NULL, or what is wrong, and with which term (*at). */
const char *spf_record_parse(struct arena *a, struct span text, struct spf_record *out, struct span *at);

#endif

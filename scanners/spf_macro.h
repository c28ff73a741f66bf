/* scanners/spf_macro.h - what the macros of SPF expand to [RFC7208 7.3].
 *
 * Expanding never fails and never grows: a domain name is cut from its left to 253 bytes as the RFC says, whatever
 * came before the cut is not kept, and an explanation is cut at its end. So a record full of macros costs time in
 * proportion to its length and no memory. Text must have passed the matching check before it is expanded.
 *
 * Threads: any; all functions are pure.
 */
#ifndef SCANNERS_SPF_MACRO_H
#define SCANNERS_SPF_MACRO_H

#include "gateway/base/addr.h"
#include "gateway/net/dns_answer.h"
#include "scanners/spf_syntax.h"

/* SPF_EXPLANATION_MAX - with its NUL: an explanation goes into an SMTP reply, whose lines end at 512 bytes
 * [RFC5321 4.5.3.1]. */
enum { SPF_EXPLANATION_MAX = 450 };

struct spf_macro_values {
    struct span local;         /* l: of the sender; "postmaster" when it has none */
    struct span sender_domain; /* o */
    struct span domain;        /* d: the one whose record is evaluated */
    struct span helo;          /* h */
    struct span validated;     /* p: or "unknown" */
    struct span receiver;      /* r */
    struct addr client;        /* i, c, v */
    int64_t now_s;             /* t */
};

/* spf_macro_domain - a domain-spec as the name to ask for, without its final dot, into `out`; returns false when it
 * cannot be a name in the DNS (an empty or too long label, bytes that we do not ask for): then there is none. */
bool spf_macro_domain(struct span text, const struct spf_macro_values *values, char out[DNS_NAME_MAX]);
/* spf_macro_explanation - into `out` (SPF_EXPLANATION_MAX), which it returns; "" when the values bring in anything
 * but printable ASCII: it could not be said in a reply. */
const char *spf_macro_explanation(struct span text, const struct spf_macro_values *values, char *out);

#endif

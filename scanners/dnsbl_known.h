/* scanners/dnsbl_known.h - lists that we know: what their answers mean, and which of them are refusals.
 *
 * `zone "zen.spamhaus.org" {}` needs no more than its name. No list is asked unless the configuration names it: a
 * question tells the list who writes to us, and most lists have terms of use. Symbols and scores are rspamd's where
 * it has them.
 */
#ifndef SCANNERS_DNSBL_KNOWN_H
#define SCANNERS_DNSBL_KNOWN_H

#include "gateway/base/span.h"
#include "scanners/dnsbl_hash.h"

enum dnsbl_families { DNSBL_FAMILIES_AUTO, DNSBL_BOTH, DNSBL_IP4, DNSBL_IP6 };

/* Which test points [RFC5782 5] a list has. */
enum dnsbl_test { DNSBL_TEST_AUTO, DNSBL_TEST_BOTH, DNSBL_TEST_UNLISTED, DNSBL_TEST_NONE };

struct dnsbl_known_answer {
    const char *answer; /* as dnsbl_match_parse() takes it */
    const char *symbol;
    int points;
};

struct dnsbl_known {
    const char *zone;
    const char *suffix; /* of paid-for names with a key in front of it; NULL */
    bool lists_domains; /* else addresses */
    enum dnsbl_families families;
    enum dnsbl_test test;
    const char *test_listed; /* NULL: that of RFC 5782 */
    bool is_organizational;  /* it wants the organizational domain */
    const char *refusals;    /* besides those that every list is refused by; blanks between; NULL: none */
    const struct dnsbl_known_answer *answers;     /* ends with a NULL answer */
    const struct dnsbl_known_answer *url_answers; /* when it is asked about URLs; NULL: the same */
    const char *of;       /* what it is asked about in the check uribl; NULL: names or addresses, as it lists them */
    enum dnsbl_hash hash; /* how it wants it written */
};

/* What every list says by them: "you may not ask". */
extern const char dnsbl_refusals[];

/* dnsbl_known_find - by name of the zone, without case; NULL for one that is not known. */
const struct dnsbl_known *dnsbl_known_find(struct span zone);
/* dnsbl_known_at - the i-th, NULL after the last; for help texts and tests. */
const struct dnsbl_known *dnsbl_known_at(size_t i);

#endif

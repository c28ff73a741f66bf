/* scanners/dnsbl_match.h - which answers of a DNS list are meant: by address, range, network, bit or pattern.
 *
 *     "127.0.0.2"                one address
 *     "127.0.0.4-127.0.0.7"      a range; also "127.0.0.4-7"
 *     "127.0.0.0/24"             a network
 *     "mask 0.0.0.8"             any of these bits is set (lists that answer for several lists at once)
 *     "127.0.[0..255].[2;4..6]"  numbers, or lists and ranges of them, in each place: as Postfix writes it
 *
 * All of 127.0.0.0/8, for a list answers nothing else [RFC5782 2.1]. Pure functions; a match is plain data.
 */
#ifndef SCANNERS_DNSBL_MATCH_H
#define SCANNERS_DNSBL_MATCH_H

#include "gateway/base/addr.h"

enum dnsbl_match_kind { DNSBL_MATCH_RANGE, DNSBL_MATCH_MASK, DNSBL_MATCH_PATTERN };

struct dnsbl_match {
    enum dnsbl_match_kind kind;
    uint32_t low, high;     /* RANGE, host order */
    uint32_t mask;          /* MASK */
    uint32_t allowed[4][8]; /* PATTERN: for each octet, the bits of the numbers that it may have */
};

/* dnsbl_match_parse - FAULT_SYNTAX, FAULT_RANGE (a range that runs backwards, or what is outside 127.0.0.0/8). */
enum fault dnsbl_match_parse(struct span text, struct dnsbl_match *out);
/* dnsbl_match_has - is this answer meant? Never for an IPv6 address, nor for one outside 127.0.0.0/8. */
bool dnsbl_match_has(const struct dnsbl_match *match, const struct addr *answer);
/* dnsbl_match_covers - is every answer that `inner` means meant by `outer`, too? Exact for ranges and single
 * addresses; for other kinds it says no. */
bool dnsbl_match_covers(const struct dnsbl_match *outer, const struct dnsbl_match *inner);
/* dnsbl_is_answer - an address that a list may answer: in 127.0.0.0/8. */
bool dnsbl_is_answer(const struct addr *answer);

#endif

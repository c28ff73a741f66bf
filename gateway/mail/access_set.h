/* mail/access_set.h - a set of networks, domains or addresses, for lists of up to a million entries.
 *
 *     ACCESS_NETS       192.0.2.1   192.0.2.0/24   2001:db8::/32
 *     ACCESS_NAMES      example.org (that name alone)   .example.org or *.example.org (what is under it)
 *     ACCESS_ADDRESSES  user@example.org   user@ (at any domain)   @example.org   <> (the null sender), and names
 *     ACCESS_CLIENTS    networks, also as Postfix writes them (192.0.2 and 2001:db8 for all that begins so), and names
 *
 * A map is a set whose entries have values, and that is looked up as Postfix does it [Postfix, access(5)]: a domain
 * stands for what is under it, too, and user+extension@ is also looked for as user@.
 *
 * Letters are compared without case, also in local parts; domains in their A-labels. One hash table, keyed by the
 * normal form of an entry: a network is looked up once for each prefix length that the set has, a name once for each
 * of its labels. Memory: its own, about 45 bytes an entry; grows while it is filled, then stands still.
 */
#ifndef MAIL_ACCESS_SET_H
#define MAIL_ACCESS_SET_H

#include "gateway/base/addr.h"
#include "gateway/mail/address.h"

enum access_kind { ACCESS_NETS, ACCESS_NAMES, ACCESS_ADDRESSES, ACCESS_CLIENTS };

enum { ACCESS_ENTRIES_MOST = 1000000, ACCESS_ENTRY_TEXT_MAX = 600, ACCESS_VALUE_MOST = 1000 };

struct access_set;

struct access_match {
    unsigned line;                    /* that was given with the entry */
    char text[ACCESS_ENTRY_TEXT_MAX]; /* the entry in its normal form */
    struct span value;                /* of a map's entry; as long as the set is as it is */
};

/* access_set_new - `expected` entries, or more. */
struct access_set *access_set_new(enum access_kind kind, size_t expected);
struct access_set *access_map_new(enum access_kind kind, size_t expected);
void access_set_free(struct access_set *set); /* NULL is fine */
size_t access_set_count(const struct access_set *set);

/* access_set_add - NULL, or what is wrong with the entry and what to write instead. An entry that is there already
 * keeps its first line. */
const char *access_set_add(struct access_set *set, struct span entry, unsigned line);
/* access_map_add - the same for a map; `value` has no NUL in it and is at most ACCESS_VALUE_MOST bytes long. */
const char *access_map_add(struct access_set *map, struct span entry, struct span value, unsigned line);
/* access_entry_wrong - the same, without adding it to anything. */
const char *access_entry_wrong(enum access_kind kind, struct span entry);

/* The entry that fits best: the longest prefix; an address before its domain before what that is under. `out` may be
 * NULL. False for what is no name or address at all. */
bool access_set_has_addr(const struct access_set *set, const struct addr *addr, struct access_match *out);
bool access_set_has_name(const struct access_set *set, struct span name, struct access_match *out);
bool access_set_has_address(const struct access_set *set, const struct address *address, struct access_match *out);

/* access_set_has_entry - that very entry, as it was added. */
bool access_set_has_entry(const struct access_set *set, struct span entry, struct access_match *out);

#endif

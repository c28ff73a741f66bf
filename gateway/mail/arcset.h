/* mail/arcset.h - the ARC sets of a message: collected, and checked as far as that needs no key [RFC8617 4, 5.2].
 *
 * Memory: the arena given; fields are the message's.
 */
#ifndef MAIL_ARCSET_H
#define MAIL_ARCSET_H

#include "gateway/mail/signature.h"

enum { ARC_SETS_MAX = 50 }; /* [RFC8617 4.2.1] */

struct arc_set {
    const struct header_field *results; /* ARC-Authentication-Results */
    struct signature ams, seal;         /* .field is NULL while there is none */
};

struct arc_chain {
    struct arc_set *sets; /* instance 1 first */
    size_t count;
    const char *problem; /* why the chain is invalid; NULL */
    bool has_failed;     /* its newest seal says so (cv=fail) */
};

/* arc_chain_read - never fails: count 0 and no problem when the message has no ARC field. With a problem, `sets` may
 * have holes. */
void arc_chain_read(struct arena *a, const struct header_index *header, struct arc_chain *out);

/* arc_seal_hash - what the seal of `instance` signs: all sets up to it, without its own b= [RFC8617 5.1.1]. */
void arc_seal_hash(const struct arc_chain *chain, size_t instance, unsigned char out[HASH_BYTES_MAX]);

/* arc_results_say - whether the first result for `method` in an ARC-Authentication-Results body is `result`. Comments
 * and quoted strings count nothing. */
bool arc_results_say(struct arena *a, struct span body, const char *method, const char *result);

#endif

/* scanners/dmarc_walk.h - where a domain's DMARC policy is, which its organizational domain is, and who is aligned.
 *
 * By the DNS tree walk [RFC9989 4.10], whose names are all asked at once, or by the public suffix list [RFC7489 3.2].
 *
 * A name that did not answer could hold anything. So each question is answered for every record that could be there,
 * and the answer is known when it is the same each time: a top level domain whose servers are down does not stop mail
 * whose result it cannot change.
 *
 * A record without psd= at a name that the public suffix list knows as a registry's is read as psd=y. RFC 9989 would
 * make such a registry the organizational domain of all who have not said psd=n, and strangers be aligned.
 */
#ifndef SCANNERS_DMARC_WALK_H
#define SCANNERS_DMARC_WALK_H

#include "gateway/core/check.h"
#include "scanners/dmarc_record.h"

enum dmarc_discovery { DMARC_BY_TREE, DMARC_BY_LIST };

enum { DMARC_WALK_NAMES = 8 };

enum dmarc_found {
    DMARC_FOUND_NOTHING,
    DMARC_FOUND_RECORD,
    DMARC_FOUND_SEVERAL, /* which counts as nothing */
    DMARC_FOUND_FAILED,  /* no answer, or not asked: the limit of look-ups */
};

struct dmarc_name {
    const char *domain;
    enum dmarc_found found;
    struct dmarc_record record;
    bool is_registry; /* by the list; told only where a record says nothing of psd, or none was given */
};

struct dmarc_walk {
    enum dmarc_discovery discovery;
    struct dmarc_name names[DMARC_WALK_NAMES]; /* the domain itself first, then its parents */
    size_t count;
    bool is_absent; /* there is no such name as _dmarc.DOMAIN: then DOMAIN may not exist either [RFC8020] */
};

/* dmarc_walk - from `domain`, which is in normal form and outlives `out`. STEP_WAIT: not all answers are here. */
enum step dmarc_walk(struct inquiry *q, enum dmarc_discovery discovery, const char *domain, struct dmarc_walk *out);

/* What a walk comes to. */
struct dmarc_discovered {
    bool is_known;                    /* no: it depends on names that did not answer */
    const struct dmarc_name *applies; /* whose record applies; NULL: none */
    const char *organizational_domain;
};

void dmarc_discover(const struct dmarc_walk *walk, struct dmarc_discovered *out);

enum dmarc_aligned { DMARC_NOT_ALIGNED, DMARC_ALIGNED, DMARC_MAYBE_ALIGNED, DMARC_ALIGNED_WAIT };

/* dmarc_aligned - is the authenticated `domain` (normal form) aligned with the author's [RFC9989 4.4, 4.10.2]? */
enum dmarc_aligned dmarc_aligned(struct inquiry *q, const struct dmarc_walk *author, const char *domain,
                                 bool is_strict);
/* dmarc_foresee - asks for what dmarc_aligned() will need, if it likely needs anything. */
void dmarc_foresee(struct inquiry *q, const char *author, const char *domain);

#endif

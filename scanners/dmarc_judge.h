/* scanners/dmarc_judge.h - what DMARC says of one author domain, from what spf and dkim found [RFC9989 5.3]. */
#ifndef SCANNERS_DMARC_JUDGE_H
#define SCANNERS_DMARC_JUDGE_H

#include "scanners/dmarc_walk.h"

struct dmarc_outcome {
    enum auth_result result; /* AUTH_NONE: no policy is published, or (has_policy) it cannot be judged */
    const char *domain;      /* the author's */
    const char *organizational_domain;
    const char *policy_domain; /* where the record is; "" */
    bool has_policy;
    enum dmarc_policy policy;  /* as published for this domain */
    enum dmarc_policy applies; /* one level milder with t=y [RFC9989 4.7] */
    bool is_testing;
    bool is_spf_aligned, is_dkim_aligned;
    bool has_bad_record; /* a policy that is none, or several records at one name */
    const char *reason;  /* for people */
};

/* dmarc_judge - `domain` in normal form. STEP_WAIT: not all answers are here, and *out is nothing yet. */
enum step dmarc_judge(struct inquiry *q, enum dmarc_discovery discovery, const char *domain, struct dmarc_outcome *out);

/* dmarc_is_harder - is `a` worse news for the message than `b`? */
bool dmarc_is_harder(const struct dmarc_outcome *a, const struct dmarc_outcome *b);

#endif

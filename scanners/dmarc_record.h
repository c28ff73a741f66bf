/* scanners/dmarc_record.h - the DMARC policy record [RFC9989 4.7, 4.8]. */
#ifndef SCANNERS_DMARC_RECORD_H
#define SCANNERS_DMARC_RECORD_H

#include "gateway/base/span.h"

/* From mildest to hardest. */
enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };

enum dmarc_psd { DMARC_PSD_UNSAID, DMARC_PSD_NO, DMARC_PSD_YES };

struct dmarc_record {
    enum dmarc_policy policy;             /* p= */
    enum dmarc_policy subdomain_policy;   /* sp=, else p= */
    enum dmarc_policy nonexistent_policy; /* np=, else sp=, else p= */
    enum dmarc_psd psd;
    bool is_strict_dkim, is_strict_spf; /* adkim=s, aspf=s */
    bool is_testing;                    /* t=y */
    /* A policy is missing or unknown: with a reporting address the record counts as p=none, without one DMARC is not
     * applied at all [RFC9989 4.10.1]. */
    bool has_bad_policy, is_unusable;
};

/* dmarc_record_parse - false: not a DMARC record (v=DMARC1 does not come first). Tags that are unknown, historic (pct,
 * rf, ri) or malformed are ignored; of a tag that comes twice the first counts. Linear. */
bool dmarc_record_parse(struct span text, struct dmarc_record *out);

/* dmarc_policy_text - "none", "quarantine", "reject". */
const char *dmarc_policy_text(enum dmarc_policy policy);

#endif

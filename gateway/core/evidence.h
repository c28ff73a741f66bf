/* core/evidence.h - what the authentication checks found out, in types: for sister checks, headers and records.
 *
 * Each check writes its own part, at the end of a run that is STEP_DONE, and reads those of the checks that its row
 * names in `after`. A part that nobody wrote reads AUTH_ABSENT: the check was off, failed, or had nothing to say.
 * Memory: the transaction's arena (spans, arrays).
 */
#ifndef CORE_EVIDENCE_H
#define CORE_EVIDENCE_H

#include "gateway/base/addr.h"

/* [RFC8601 2.7]; the words of auth_text() are those of Authentication-Results. */
enum auth_result {
    AUTH_ABSENT,
    AUTH_NONE,
    AUTH_NEUTRAL,
    AUTH_PASS,
    AUTH_FAIL,
    AUTH_SOFTFAIL,
    AUTH_POLICY,
    AUTH_TEMPERROR,
    AUTH_PERMERROR,
};

const char *auth_text(enum auth_result result);

struct spf_evidence {
    enum auth_result result;
    const char *domain;      /* that was evaluated, normal form; "" for none */
    const char *sender;      /* smtp.mailfrom or smtp.helo as it goes into Authentication-Results */
    const char *explanation; /* exp= when the result is fail, else "" */
    const char *reason;      /* for people: the mechanism that matched, or what is wrong with the record */
    bool is_open;            /* a pass, of a record that lets (nearly) everybody send: it vouches for nobody */
    unsigned lookups, void_lookups;
};

struct dkim_evidence {
    enum auth_result result;
    const char *domain;    /* d= */
    const char *identity;  /* i= (or @d) */
    const char *selector;  /* s= */
    const char *algorithm; /* a= */
    const char *b_start;   /* first 8 characters of b= [RFC6008] */
    const char *reason;
    bool is_testing;    /* t=y */
    bool covers_prefix; /* l= shorter than the body */
    bool is_weak;       /* a key or algorithm below RFC 8301 */
    unsigned key_bits;
    const struct dns_answer *key; /* the answer with the key; NULL */
};

struct dmarc_evidence {
    enum auth_result result;
    const char *domain; /* author domain (header.from), normal form */
    const char *organizational_domain;
    const char *policy_domain;   /* where the record was found; "" for none */
    const char *policy;          /* "none", "quarantine", "reject", "" without record: as it applies */
    const char *disposition;     /* what it comes to here: the same words; local overrides applied */
    const char *override_reason; /* "", "trusted_forwarder", "local_policy" [RFC9990] */
    const char *reason;
    bool is_spf_aligned, is_dkim_aligned, is_testing;
};

struct arc_evidence {
    enum auth_result result; /* AUTH_NONE, AUTH_PASS, AUTH_FAIL [RFC8617 4.4]; AUTH_TEMPERROR: no key for now */
    unsigned sets;
    const char **sealers; /* d= of each AS, newest first */
    size_t sealer_count;
    unsigned oldest_pass;       /* [RFC8617 5.2]; 0: all */
    const char *trusted_sealer; /* the newest sealer that the configuration trusts, ""  */
    const char *reason;
};

struct iprev_evidence {
    enum auth_result result;
    const char *name; /* confirmed, else the first PTR; "" */
};

struct greylist_conf; /* greylist/conf.h: what was said of the check "greylist" */

/* What became of the mail at RCPT. */
enum greylisting {
    GREYLISTING_ABSENT,
    GREYLISTING_OPEN,    /* nothing was asked of it */
    GREYLISTING_DECIDED, /* it has to wait, or need not */
};

struct greylist_evidence {
    enum greylisting state;
    const struct greylist_conf *conf;
};

/* What was learned from other messages says of this one: check "bayes". */
struct bayes_evidence {
    bool is_known;      /* enough was learned, and tokens enough of it are in the message */
    double probability; /* of spam: 0 to 1; 0.5 when it is not known */
    const char *reason; /* for people; "" */
};

struct evidence {
    struct iprev_evidence iprev;
    struct spf_evidence spf_helo, spf_mailfrom;
    struct dkim_evidence *dkim;
    size_t dkim_count;
    enum auth_result dkim_result; /* AUTH_NONE when the message has no signature; else of the best one */
    struct dmarc_evidence dmarc;
    struct arc_evidence arc;
    struct greylist_evidence greylist;
    struct bayes_evidence bayes;
    int rules_untaught; /* points of rules from which nothing is to be learned: tflags learn, userconf, noautolearn */
};

#endif

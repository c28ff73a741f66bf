/* scanners/spf_eval.h - may this client send for this domain? check_host() of the RFC, made to be run again.
 *
 * spf_eval() asks with ask_dns() and walks the records in their order, as far as the answers that are here go. When
 * one is missing, the verdict is AUTH_ABSENT; spf_foresee() then asks for what the rest of the walk can need, so that
 * few rounds are needed. Foreseeing counts nothing and decides nothing: verdict, look-ups and void look-ups are those
 * of the walk alone, which asks first.
 *
 * What is counted [RFC7208 4.6.4]:
 *   look-ups   include, a, mx, ptr, exists and redirect that are reached; the first record and exp= are free
 *   void ones  of those, terms whose own question has no answer. The addresses of MX and PTR hosts are not terms: a
 *              domain with three IPv4-only mail hosts must not fail for a client that comes over IPv6.
 * A name that cannot be in the DNS is not asked for, and is no match [RFC7208 4.8]. Of an mx term's hosts, one that
 * matches beats one that cannot be resolved, whatever their order: DNS servers shuffle them.
 *
 * Threads: whoever runs the check. Memory: `scratch` for a run, the inquiry's arena for what the verdict says.
 */
#ifndef SCANNERS_SPF_EVAL_H
#define SCANNERS_SPF_EVAL_H

#include "gateway/core/check.h"
#include "scanners/spf_macro.h"
#include "scanners/spf_record.h"

enum { SPF_LOOKUPS_MOST = 10, SPF_HOSTS_MOST = 10, SPF_FORESEE_MOST = 20, SPF_TEXT_SHOWN = 120 };

struct spf_limits {
    unsigned lookups; /* at most SPF_LOOKUPS_MOST */
    unsigned void_lookups;
    bool explain; /* look up exp= of a failure */
};

struct spf_verdict {
    enum auth_result result; /* AUTH_ABSENT: an answer is missing; the rest is not set then */
    const char *explanation; /* exp=, or "" */
    const char *reason;      /* for a postmaster */
    unsigned lookups, void_lookups;
    bool is_open; /* a pass by a term that takes in nearly everybody */
};

/* What a TXT answer holds: read once in a run. */
struct spf_policy {
    struct spf_policy *next;
    const struct dns_answer *answer;
    enum auth_result state; /* AUTH_PASS: `record` is good; AUTH_NONE; AUTH_PERMERROR; AUTH_TEMPERROR */
    struct spf_record record;
    const char *fault; /* AUTH_PERMERROR: what is wrong, */
    struct span at;    /* and with which term; empty: with all */
};

/* Which term decided, in which domain's record, at each level of inclusion. */
struct spf_match {
    const struct spf_term *term;
    const char *domain;
};

struct spf_eval {
    struct inquiry *q;
    struct arena *scratch;
    const struct spf_limits *limits;
    struct spf_policy **policies;   /* of the run, shared by its evaluations */
    struct spf_macro_values values; /* of the sender; `domain` is set at each use */
    unsigned lookups, void_lookups;
    const char *fault; /* why temperror or permerror */
    bool is_blamed;    /* the fault names its term already */
    const char *explanation;
    struct spf_match match[SPF_LOOKUPS_MOST + 2];
};

/* spf_eval - `domain` is a name of two labels or more in normal form; everything but the counts is set up in `e`. */
void spf_eval(struct spf_eval *e, const char *domain, struct spf_verdict *out);
/* spf_foresee - asks for what spf_eval() may need next; at most SPF_FORESEE_MOST questions, over all runs. */
void spf_foresee(struct spf_eval *e, const char *domain);

/* For the other files of the evaluation. */
enum spf_flow { SPF_NO_MATCH, SPF_MATCH, SPF_WAIT, SPF_TEMPERROR, SPF_PERMERROR };

/* spf_policy_of - the answer to a TXT question, read. */
const struct spf_policy *spf_policy_of(struct spf_eval *e, const struct dns_answer *answer);
/* spf_target - the name that a term of `domain`'s record asks for. SPF_MATCH: it is in *out, in `scratch`;
 * SPF_NO_MATCH: it cannot exist; SPF_WAIT: %{p} is needed and not known yet. */
enum spf_flow spf_target(struct spf_eval *e, struct spf_term *term, const char *domain, const char **out);
/* spf_ask - the term's own question, of its target. */
const struct dns_answer *spf_ask(struct spf_eval *e, struct spf_term *term, const char *target);
bool spf_ip_matches(const struct spf_eval *e, const struct spf_term *term);
/* spf_answer - SPF_MATCH when there are records; counts a void look-up. */
enum spf_flow spf_answer(struct spf_eval *e, const struct dns_answer *answer);
enum spf_flow spf_fault(struct spf_eval *e, enum spf_flow flow, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* spf_reason - the decision for a postmaster: which term it was, or what is wrong; in the inquiry's arena.
 * spf_is_open - the pass is one by a term that takes in all of the Internet, or so much that nobody owns it. */
const char *spf_reason(const struct spf_eval *e, enum auth_result result, const char *domain);
bool spf_is_open(const struct spf_eval *e);

/* spf_hosts.c: terms that go by the names of hosts. */
enum spf_flow spf_match_mx(struct spf_eval *e, struct spf_term *term, const char *name);
enum spf_flow spf_match_ptr(struct spf_eval *e, struct spf_term *term, const char *target);
/* spf_validated - %{p} for `domain`; SPF_MATCH or SPF_WAIT [RFC7208 7.3]. */
enum spf_flow spf_validated(struct spf_eval *e, const char *domain, struct span *out);
/* spf_prefix_is_same - of two addresses of the same family. */
bool spf_prefix_is_same(const struct addr *a, const struct addr *b, unsigned bits);
bool spf_addresses_match(const struct spf_eval *e, const struct dns_answer *answer, unsigned bits4, unsigned bits6);
enum dns_type spf_address_type(const struct spf_eval *e);
/* spf_reverse_name - where the client's PTR records are. */
const char *spf_reverse_name(const struct addr *client, char out[DNS_NAME_MAX]);
/* spf_host - a name out of an answer, as it is asked for; false when it is none that we ask for. */
bool spf_host(struct span name, char out[DNS_NAME_MAX]);

#endif

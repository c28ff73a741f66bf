/* scanners/spf_policy.c - which of a domain's TXT records is its SPF record [RFC7208 4.5]; read once in a run. */
#include "scanners/spf_eval.h"

static void read_policy(struct spf_eval *e, struct spf_policy *policy)
{
    const struct dns_answer *answer = policy->answer;
    struct span found = { 0 };

    for (uint32_t i = 0; i < answer->count; i++) {
        if (!spf_record_is(answer->records[i].data))
            continue;
        if (found.ptr) { /* [RFC7208 4.5] */
            policy->state = AUTH_PERMERROR;
            policy->fault = "it has more than one SPF record";
            return;
        }
        found = answer->records[i].data;
    }
    if (!found.ptr)
        return;
    policy->fault = spf_record_parse(e->scratch, found, &policy->record, &policy->at);
    policy->state = policy->fault ? AUTH_PERMERROR : AUTH_PASS;
}

const struct spf_policy *spf_policy_of(struct spf_eval *e, const struct dns_answer *answer)
{
    struct spf_policy *policy = *e->policies;

    while (policy && policy->answer != answer)
        policy = policy->next;
    if (policy)
        return policy;
    policy = arena_alloc(e->scratch, sizeof *policy);
    *policy = (struct spf_policy){ .next = *e->policies, .answer = answer, .state = AUTH_NONE };
    *e->policies = policy;
    if (answer->state == DNS_OK)
        read_policy(e, policy);
    else if (answer->state != DNS_NODATA && answer->state != DNS_NXDOMAIN)
        policy->state = AUTH_TEMPERROR;
    return policy;
}

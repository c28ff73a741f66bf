/* scanners/key_answer.c - what the DNS says of a signature's key [RFC6376 6.1.2]. */
#include "scanners/key_answer.h"

static void judge(struct signature *s, const struct dns_answer *answer)
{
    switch (answer->state) {
    case DNS_OK: return;
    case DNS_NODATA:
    case DNS_NXDOMAIN: signature_set(s, SIGNATURE_PERMERROR, "there is no key in the DNS"); return;
    case DNS_FAILED: signature_set(s, SIGNATURE_TEMPERROR, "the DNS failed to give the key"); return;
    case DNS_TIMEOUT: signature_set(s, SIGNATURE_TEMPERROR, "the DNS did not give the key in time"); return;
    /* Not temporary: the next attempt would ask no more than this one did. */
    case DNS_CAPPED: signature_set(s, SIGNATURE_POLICY, "its key was not asked for: too many look-ups"); return;
    }
}

const struct dns_answer *key_ask(struct inquiry *q, struct signature *s)
{
    const struct dns_answer *answer = ask_dns(q, s->key_name, DNS_TXT);

    if (answer)
        judge(s, answer);
    return answer;
}

size_t key_records(const struct dns_answer *answer, struct span out[KEY_RECORDS_MAX])
{
    size_t count = 0;

    for (; answer && count < answer->count && count < KEY_RECORDS_MAX; count++)
        out[count] = answer->records[count].data;
    return count;
}

/* scanners/dkim_own.c - DKIM signatures by our own engine (mail/signature.h). */
#include "scanners/dkim_engine.h"

#include "scanners/key_answer.h"

static enum auth_result result_of(enum signature_state state)
{
    switch (state) {
    case SIGNATURE_PASS: return AUTH_PASS;
    case SIGNATURE_FAIL: return AUTH_FAIL;
    case SIGNATURE_POLICY: return AUTH_POLICY;
    case SIGNATURE_TEMPERROR: return AUTH_TEMPERROR;
    case SIGNATURE_PERMERROR: return AUTH_PERMERROR;
    case SIGNATURE_PENDING:
    case SIGNATURE_NEUTRAL: break;
    }
    return AUTH_NEUTRAL;
}

static void fill(struct inquiry *q, const struct signature *s, const struct dns_answer *key, struct dkim_evidence *out)
{
    *out = (struct dkim_evidence){ .result = result_of(s->state),
                                   .domain = s->domain,
                                   .identity = s->identity,
                                   .selector = s->selector,
                                   .algorithm = s->algorithm_text,
                                   .b_start = s->b_start,
                                   .reason = s->reason,
                                   .is_testing = s->is_testing,
                                   .covers_prefix = s->covers_prefix,
                                   .is_weak = s->is_weak,
                                   .key_bits = s->key_bits,
                                   .key = key };
    if (s->covers_prefix && s->state == SIGNATURE_PASS)
        out->reason =
            arena_printf(q->arena, "l= leaves %llu bytes of the body unsigned", (unsigned long long)s->uncovered_bytes);
}

enum step dkim_own(struct inquiry *q, const struct header_field *const *fields, size_t count)
{
    const struct dkim_conf *conf = q->conf;
    struct signature *signatures = arena_alloc(q->arena, count * sizeof *signatures);
    const struct dns_answer **keys = arena_alloc(q->arena, count * sizeof(struct dns_answer *));
    enum step step = STEP_DONE;

    for (size_t i = 0; i < count; i++) {
        signature_read(q->arena, SIGNATURE_DKIM, SIGNATURE_TODAY, fields[i], &signatures[i]);
        signature_check_time(&signatures[i], q->now_ms / 1000, conf->clock_skew_ms / 1000);
        if (signatures[i].state != SIGNATURE_PENDING)
            continue; /* needs no key */
        keys[i] = key_ask(q, &signatures[i]);
        if (!keys[i])
            step = STEP_WAIT; /* and ask for the other keys meanwhile */
    }
    if (step == STEP_WAIT)
        return step;
    struct picker *picker = picker_new(q->arena, &q->message->header);

    q->evidence->dkim = arena_alloc(q->arena, count * sizeof(struct dkim_evidence));
    q->evidence->dkim_count = count;
    for (size_t i = 0; i < count; i++) {
        struct span records[KEY_RECORDS_MAX];
        size_t record_count = key_records(keys[i], records);

        signature_verify(&signatures[i], q->message, picker, records, record_count);
        fill(q, &signatures[i], keys[i], &q->evidence->dkim[i]);
    }
    return step;
}

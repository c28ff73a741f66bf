/* scanners/dkim_own.c - DKIM signatures verified by our own engine (mail/signature.h). */
#include "scanners/dkim_engine.h"
#include "scanners/key_answer.h"

void dkim_own(struct inquiry *q, struct dkim_work *works, size_t count)
{
    struct picker *picker = picker_new(q->arena, &q->message->header);

    for (size_t i = 0; i < count; i++) {
        struct span records[KEY_RECORDS_MAX];
        size_t record_count = key_records(works[i].key, records);

        signature_verify(&works[i].signature, q->message, picker, records, record_count);
    }
}

/* smtp/guest_pass.c - passes as they stand in the state store. */
#include "gateway/smtp/guest_pass.h"

#include <inttypes.h>
#include <stdio.h>

#include "gateway/base/bug.h"

static const char *const words[] = { [GUEST_WAITED] = "waited", [GUEST_GOOD] = "good" };

struct guest_record guest_record_read(struct span value)
{
    struct guest_record record = { .pass = GUEST_NO_PASS };
    struct span rest = value, word;
    uint64_t since_ms;

    if (!span_word(&rest, &word))
        return record;
    for (unsigned pass = GUEST_WAITED; pass < COUNT(words); pass++)
        if (span_is(word, words[pass]))
            record.pass = (enum guest_pass)pass;
    if (record.pass && !span_u64(span_trim(rest), INT64_MAX, &since_ms))
        record.since_wall_ms = (int64_t)since_ms;
    return record;
}

const char *guest_record_text(const struct guest_record *record, char *out)
{
    snprintf(out, GUEST_PASS_MAX, "%s %" PRId64, words[record->pass], record->since_wall_ms);
    return out;
}

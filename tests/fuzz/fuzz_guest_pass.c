/* tests/fuzz/fuzz_guest_pass.c - what the SMTP door finds about a client in a state store that others may write to: its
 * pass, and its buckets of connections, recipients and errors.
 *
 * A pass that is taken is written again so that it means the same. A bucket's level is a number that can be counted on.
 */
#include "gateway/base/bug.h"
#include "gateway/smtp/guest_pass.h"
#include "gateway/store/op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span value = span_make((const char *)data, size);
    const struct guest_record record = guest_record_read(value);
    struct store_rate_state state = { 0 };
    char text[GUEST_PASS_MAX];

    if (record.since_wall_ms < 0 || record.pass > GUEST_GOOD || (!record.pass && record.since_wall_ms))
        BUG("pass %d since %lld", (int)record.pass, (long long)record.since_wall_ms);
    if (record.pass) {
        const struct guest_record again = guest_record_read(span_of(guest_record_text(&record, text)));

        if (again.pass != record.pass || again.since_wall_ms != record.since_wall_ms)
            BUG("\"%s\" is not taken again", text);
    }
    if (store_rate_look(value, 2, 1763900000000, &state) && !(state.level >= 0))
        BUG("a level of %f", state.level);
    return 0;
}

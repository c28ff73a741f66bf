/* tests/fuzz/fuzz_selector.c - a selector, up to the first NUL, and a message that it is applied to.
 *
 * Whatever it selects is within its limits, and of the type that was promised.
 */
#include "gateway/base/bug.h"
#include "gateway/core/run.h"
#include "rules/lists/selector.h"

static void check(const struct selector *selector, const struct selected *one)
{
    if (one->text.len > SELECTED_TEXT_MOST && selector->type == SELECT_TEXT)
        BUG("a text of %zu bytes", one->text.len);
    if (selector->type == SELECT_ATTACHMENT)
        BUG("an attachment is no value");
    if (selector->type == SELECT_IP && one->ip.family == ADDR_NONE)
        BUG("no address");
}

static void select_from(struct arena *a, const struct selector *selector, struct span bytes)
{
    static const struct message_limits limits = { .header_bytes_most = 100000, .header_fields_most = 1000 };
    struct session session = { .arena = a, .tx_arena = a };
    struct evidence evidence = { 0 };
    struct inquiry q = {
        .session = &session, .message = message_new(bytes, &limits), .evidence = &evidence, .arena = a
    };
    struct selected *values;
    size_t count = selector_values(selector, &q, &values);

    if (count > SELECTED_MAX)
        BUG("%zu values", count);
    for (size_t i = 0; i < count; i++)
        check(selector, &values[i]);
    message_free(q.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), text;
    struct selector selector;
    struct arena a;

    if (!size || !span_cut(&rest, '\0', &text) || text.len > 300)
        return 0;
    arena_init(&a, (size_t)64 << 20);
    if (!selector_parse(&a, arena_dup(&a, text), &selector))
        select_from(&a, &selector, rest);
    arena_release(&a);
    return 0;
}

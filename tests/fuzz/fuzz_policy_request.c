/* tests/fuzz/fuzz_policy_request.c - policy requests from strangers: no crash, spans inside of the input, and the same
 * result whether a request comes whole or in pieces.
 *
 * The first byte says where it is cut.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "policy/request.h"

static void check(const struct policy_request *r, struct span in, bool is_complete)
{
    if (r->parsed > in.len || r->parsed > POLICY_REQUEST_MAX + POLICY_LINE_MAX)
        BUG("%u bytes of %zu", r->parsed, in.len);
    for (unsigned i = 0; i < POLICY_ATTRIBUTE_COUNT; i++) {
        struct span value = policy_request_value(r, in, (enum policy_attribute)i);

        if (value.len && (value.ptr < in.ptr || value.ptr + value.len > in.ptr + r->parsed))
            BUG("%s is outside of its request", policy_attribute_text((enum policy_attribute)i));
        if (span_find(value, '\n') != SPAN_NPOS)
            BUG("a value of two lines");
    }
    if (is_complete && !span_is(policy_request_value(r, in, POLICY_REQUEST), "smtpd_access_policy"))
        BUG("taken for a request of ours");
}

static bool is_same(const struct policy_request *x, const struct policy_request *y, struct span in)
{
    if (x->parsed != y->parsed || x->here != y->here || x->lines != y->lines)
        return false;
    for (unsigned i = 0; i < POLICY_ATTRIBUTE_COUNT; i++)
        if (!span_eq(policy_request_value(x, in, (enum policy_attribute)i),
                     policy_request_value(y, in, (enum policy_attribute)i)))
            return false;
    return policy_request_state(x, in) == policy_request_state(y, in);
}

static void decode(struct span in)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    struct span decoded = policy_xtext(&a, in);

    if (decoded.len > in.len)
        BUG("xtext grew");
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_request whole, cut;
    bool is_whole = false, is_cut = false;

    if (!size)
        return 0;
    char *copy = malloc(size); /* of its own, so that a read past it is seen */
    struct span in = span_make(copy, size - 1);

    memcpy(copy, data + 1, size - 1);
    policy_request_clear(&whole);
    enum fault fault = policy_request_read(&whole, in, &is_whole);

    check(&whole, in, is_whole && !fault);
    policy_request_clear(&cut);
    enum fault first = policy_request_read(&cut, span_first(in, data[0]), &is_cut);

    if (!first && !is_cut)
        first = policy_request_read(&cut, in, &is_cut);
    if (first != fault || is_cut != is_whole || (!fault && !is_same(&whole, &cut, in)))
        BUG("cut at %u it is another request", data[0]);
    decode(in);
    free(copy);
    return 0;
}

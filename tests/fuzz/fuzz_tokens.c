/* tests/fuzz/fuzz_tokens.c - the tokens of any message: sorted, each once, bounded, in the message's bytes; the same
 * when it is cut into tokens again; and what any counts say of them is a probability.
 */
#include "gateway/base/bug.h"
#include "rules/bayes/bayes_judge.h"

static void judge(struct arena *a, const struct tokens *t, const uint8_t *data, size_t size)
{
    struct store_answer answer = { .state = STORE_OK, .why = "" };
    char *counts = arena_alloc(a, t->count * STORE_COUNT_BYTES + 1);
    struct bayes_opinion o;

    for (size_t i = 0; size && i < t->count * STORE_COUNT_BYTES; i++)
        counts[i] = (char)(data[i % size] & (i % 3 ? 1 : 0xff));
    answer.bayes.counts = span_make(counts, t->count * STORE_COUNT_BYTES);
    answer.bayes.totals = (struct store_bayes_totals){ size > 0 ? data[0] : 0, size > 1 ? data[1] * 1000 : 0 };
    bayes_judge(t, &answer, &o);
    if (!(o.probability >= 0 && o.probability <= 1) || o.strongest_count > BAYES_STRONGEST || o.speaking > t->count)
        BUG("probability %f of %zu", o.probability, o.speaking);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct message_limits limits = { 65536, 1000 };
    struct message *m = message_new(span_make((const char *)data, size), &limits);
    struct arena a;

    arena_init(&a, 1 << 26);
    const struct tokens *t = tokens_of(&a, m), *again = tokens_of(&a, m);

    if (t->count > TOKENS_MOST || t->count != again->count || !span_eq(tokens_span(t), tokens_span(again)))
        BUG("%zu tokens, then %zu", t->count, again->count);
    for (size_t i = 0; i < t->count; i++)
        if (t->hashes[i] != t->items[i].hash || (i && t->hashes[i - 1] >= t->hashes[i]) || !t->items[i].text.ptr)
            BUG("token %zu", i);
    judge(&a, t, data, size);
    arena_release(&a);
    message_free(m);
    return 0;
}

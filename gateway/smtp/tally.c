/* smtp/tally.c - what a next hop says of each recipient of one transaction. */
#include "gateway/smtp/tally.h"

enum { TEXT_MOST = 2 * REPLY_LINE_MAX, ARENA_BYTES = 16 * 1024 * 1024 };

void tally_init(struct tally *t, size_t count, bool is_each)
{
    *t = (struct tally){ .count = count };
    strbuf_init(&t->text, HOP_REPLY_BYTES_MAX);
    arena_init(&t->arena, ARENA_BYTES);
    if (is_each)
        t->each = arena_alloc(&t->arena, count * sizeof *t->each);
}

void tally_release(struct tally *t)
{
    strbuf_release(&t->text);
    arena_release(&t->arena);
}

void tally_clear(struct tally *t)
{
    t->accepted = 0;
    t->code = 0;
    strbuf_clear(&t->text);
    if (!t->each)
        return;
    arena_clear(&t->arena);
    t->each = arena_alloc(&t->arena, t->count * sizeof *t->each);
}

static bool has_fate(const struct delivery_outcome *o)
{
    return o->code || o->trouble;
}

/* A reply that is neither of success nor a refusal has no place where the fate of a recipient is told. */
static struct delivery_outcome outcome_of(unsigned code, struct span text)
{
    if (code / 100 == 2 || code >= 400)
        return (struct delivery_outcome){ .code = code, .text = text, .why = "" };
    return (struct delivery_outcome){ .trouble = REPLY_HOP_DOWN, .why = "the next hop's reply is out of place" };
}

static void decide(struct tally *t, size_t index, const struct delivery_outcome *outcome)
{
    struct delivery_outcome *o = &t->each[index];

    *o = *outcome;
    o->each = NULL;
    o->text = arena_copy(&t->arena, span_first(outcome->text, TEXT_MOST));
    o->why = arena_dup(&t->arena, span_of(outcome->why));
}

static void keep_refusal(struct tally *t, unsigned code, struct span text)
{
    t->code = code;
    strbuf_clear(&t->text);
    strbuf_put(&t->text, text);
}

void tally_rcpt(struct tally *t, size_t index, unsigned code, struct span text)
{
    bool is_for_good = code / 100 == 5, was_for_good = t->code / 100 == 5;

    if (code / 100 == 2) {
        t->accepted++;
    } else if (t->each) {
        struct delivery_outcome refusal = outcome_of(code, text);

        decide(t, index, &refusal);
    } else if (!t->code || (was_for_good && !is_for_good)) { /* who is refused for now must not be refused for good */
        keep_refusal(t, code, text);
    }
}

bool tally_goes_on(const struct tally *t)
{
    return t->each ? t->accepted > 0 : !t->code;
}

void tally_rest(struct tally *t, const struct delivery_outcome *outcome)
{
    for (size_t i = 0; i < t->count; i++)
        if (!has_fate(&t->each[i]))
            decide(t, i, outcome);
}

void tally_refuse(struct tally *t, unsigned code, struct span text)
{
    struct delivery_outcome refusal = outcome_of(code, text);

    if (t->each) {
        tally_rest(t, &refusal);
    } else if (!t->code) {
        keep_refusal(t, code, text);
        t->accepted = 0;
    }
}

bool tally_next(struct tally *t, unsigned code, struct span text)
{
    struct delivery_outcome outcome = outcome_of(code, text);
    size_t at = 0;

    while (at < t->count && has_fate(&t->each[at]))
        at++;
    if (at < t->count)
        decide(t, at, &outcome);
    for (; at < t->count; at++)
        if (!has_fate(&t->each[at]))
            return false;
    return true;
}

/* When it is all or nobody, the sender gets the next hop's own words; else all come again, and the cache of verified
 * recipients then tells them apart. */
static struct delivery_outcome one_fate(const struct tally *t)
{
    if (t->accepted)
        return (struct delivery_outcome){ .trouble = REPLY_HOP_CHANGED,
                                          .why = "the next hop refused one recipient of several" };
    return outcome_of(t->code, strbuf_span(&t->text));
}

struct delivery_outcome tally_outcome(const struct tally *t)
{
    bool is_possible_duplicate = false;
    size_t best = 0;

    if (!t->each)
        return one_fate(t);
    for (size_t i = t->count; i-- > 0;) {
        is_possible_duplicate |= t->each[i].is_possible_duplicate;
        if (t->each[i].code / 100 == 2)
            best = i;
    }
    struct delivery_outcome outcome = t->each[best];

    outcome.is_possible_duplicate = is_possible_duplicate;
    outcome.each = t->each;
    return outcome;
}

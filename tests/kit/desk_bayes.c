/* tests/kit/desk_bayes.c - Bayes' operations on the desk's store. */
#include "gateway/store/bayes.h"
#include "tests/kit/desk.h"

static void look(struct desk *d, const struct store_op *op, struct store_answer *out)
{
    size_t count = op->bayes.tokens.len / BAYES_TOKEN_BYTES;
    uint8_t *counts = arena_alloc(&d->arena, count * STORE_COUNT_BYTES + 1);
    char key[STORE_KEY_MAX];

    for (size_t i = 0; i < count; i++) {
        uint64_t token = bayes_token(op->bayes.tokens, i);
        const struct store_record *bucket = desk_record(d, bayes_bucket_key(op->key, token, key));
        struct store_token_count found = bayes_bucket_find(span_make(bucket->bytes, bucket->len), token);

        memcpy(counts + i * STORE_COUNT_BYTES, &found.spam, 3);
        memcpy(counts + i * STORE_COUNT_BYTES + 3, &found.ham, 3);
    }
    out->bayes.counts = span_make((const char *)counts, count * STORE_COUNT_BYTES);
}

static void learn(struct desk *d, const struct store_op *op, struct store_answer *out,
                  struct store_bayes_totals *totals)
{
    char key[STORE_KEY_MAX];
    struct store_record *message = desk_record(d, bayes_message_key(op->key, &op->bayes, key));
    struct bayes_rules rules;
    int spam, ham;

    out->bayes.outcome = bayes_outcome_of(bayes_message_load(message, op->now_ms), op->bayes.as, &spam, &ham);
    bayes_message_save(message, op);
    bayes_rules_of(op, &rules);
    for (size_t i = 0; (spam || ham) && i < op->bayes.tokens.len / BAYES_TOKEN_BYTES; i++) {
        uint64_t token = bayes_token(op->bayes.tokens, i);

        bayes_bucket_add(desk_record(d, bayes_bucket_key(op->key, token, key)), &rules, token, spam, ham);
    }
    totals->spam += spam;
    totals->ham += ham;
}

void desk_bayes(struct desk *d, const struct store_op *op, struct store_answer *out)
{
    char key[STORE_KEY_MAX];
    struct store_record *record = desk_record(d, bayes_totals_key(op->key, key));
    struct store_bayes_totals totals;

    *out = (struct store_answer){ .state = STORE_OK, .why = "" };
    bayes_totals_load(record, &totals);
    if (op->kind == STORE_BAYES_LOOK)
        look(d, op, out);
    else
        learn(d, op, out, &totals);
    bayes_totals_save(record, &totals);
    out->bayes.totals = totals;
}

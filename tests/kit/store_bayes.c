/* tests/kit/store_bayes.c - Bayes' operations, as every backend of the state store does them alike: what they mean,
 * said by hand, and a random walk against the functions of store/bayes.h on records in memory, byte by byte.
 */
#include "tests/kit/store_bayes.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/store/bayes.h"
#include "tests/kit/expect.h"

enum { WAIT_MS = 10000, SOME = 5, SECOND = 1000 };
#define DAY (24LL * 3600 * 1000)

/* In one bucket the first two, in the order of numbers all. */
static const uint64_t some[SOME] = { 0x0001000000000007, 0x0003ffffffffffff, 0x6161616161616161, 0x616161616161ffff,
                                     0xffff000000000000 };

static char base[100];

static void new_class(void)
{
    static unsigned count;

    snprintf(base, sizeof base, "b:{%ld-%lld-%u}:", (long)getpid(), (long long)clock_mono_us(), count++);
}

static struct span tokens_of(const uint64_t *tokens, size_t count)
{
    return span_make((const char *)tokens, count * sizeof *tokens);
}

static struct store_op op_of(enum store_kind kind, const uint64_t *tokens, size_t count)
{
    struct store_op op = { .kind = kind, .key = span_of(base), .now_ms = clock_wall_ms() };

    op.bayes.tokens = tokens_of(tokens, count);
    op.bayes.most = 16;
    return op;
}

/* ---- asking ---- */

struct heard {
    struct store_answer answer;
    char counts[STORE_TOKENS_MOST * STORE_COUNT_BYTES];
    bool is_here;
};

static void hear(void *arg, const struct store_answer *answer)
{
    struct heard *heard = arg;

    EXPECT_FALSE(heard->is_here);
    heard->answer = *answer;
    heard->is_here = true;
}

static void hear_counts(void *arg, const struct store_answer *answer)
{
    struct heard *heard = arg;

    hear(arg, answer);
    if (answer->state != STORE_OK)
        return;
    EXPECT_TRUE(answer->bayes.counts.len <= sizeof heard->counts);
    memcpy(heard->counts, answer->bayes.counts.ptr, answer->bayes.counts.len);
    heard->answer.bayes.counts = span_make(heard->counts, answer->bayes.counts.len);
}

static struct store_answer *ask(const struct store_bench *b, const struct store_op *op)
{
    static struct heard heard;
    int64_t until_ms = clock_mono_ms() + WAIT_MS;

    heard = (struct heard){ .is_here = false };
    store_ask(b->store, op, 0, op->kind == STORE_BAYES_LOOK ? hear_counts : hear, &heard);
    while (!heard.is_here && clock_mono_ms() < until_ms)
        loop_run_once(b->loop, 20);
    EXPECT_TRUE(heard.is_here);
    return &heard.answer;
}

static enum bayes_outcome learn(const struct store_bench *b, uint8_t message, enum bayes_as as, const uint64_t *tokens,
                                size_t count)
{
    struct store_op op = op_of(STORE_BAYES_LEARN, tokens, count);

    op.bayes.as = as;
    op.bayes.digest[0] = message;
    op.bayes.digest[STORE_DIGEST_BYTES - 1] = 0xfe;
    struct store_answer *answer = ask(b, &op);

    EXPECT_INT(STORE_OK, answer->state);
    return answer->bayes.outcome;
}

static void expect_counts(const struct store_bench *b, const uint64_t *tokens, size_t count,
                          const struct store_token_count *wanted)
{
    struct store_op op = op_of(STORE_BAYES_LOOK, tokens, count);
    struct store_answer *answer = ask(b, &op);

    EXPECT_INT(STORE_OK, answer->state);
    EXPECT_INT(count * STORE_COUNT_BYTES, answer->bayes.counts.len);
    for (size_t i = 0; i < count; i++) {
        EXPECT_INT(wanted[i].spam, store_token_count_at(answer, i).spam);
        EXPECT_INT(wanted[i].ham, store_token_count_at(answer, i).ham);
    }
}

static void expect_totals(const struct store_bench *b, int spam, int ham)
{
    struct store_op op = op_of(STORE_BAYES_LOOK, NULL, 0);
    struct store_answer *answer = ask(b, &op);

    EXPECT_INT(STORE_OK, answer->state);
    EXPECT_INT(0, answer->bayes.counts.len);
    EXPECT_INT(spam, (int)answer->bayes.totals.spam);
    EXPECT_INT(ham, (int)answer->bayes.totals.ham);
}

/* ---- what it means ---- */

static void nothing_is_learned_twice(const struct store_bench *b)
{
    static const struct store_token_count none[SOME], once[SOME] = { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 1, 0 }, { 1, 0 } };

    new_class();
    expect_counts(b, some, SOME, none);
    expect_totals(b, 0, 0);
    EXPECT_INT(BAYES_LEARNED, learn(b, 1, BAYES_SPAM, some, SOME));
    expect_counts(b, some, SOME, once);
    EXPECT_INT(BAYES_ALREADY, learn(b, 1, BAYES_SPAM, some, SOME));
    expect_counts(b, some, SOME, once);
    expect_totals(b, 1, 0);
    EXPECT_INT(BAYES_LEARNED, learn(b, 2, BAYES_SPAM, some + 1, 1));
    expect_counts(b, some + 1, 1, (struct store_token_count[]){ { 2, 0 } });
    expect_totals(b, 2, 0);
}

static void what_was_learned_is_unlearned_exactly(const struct store_bench *b)
{
    new_class();
    EXPECT_INT(BAYES_UNKNOWN, learn(b, 1, BAYES_FORGET, some, SOME));
    EXPECT_INT(0, store_bench_walk(b, base, NULL, NULL));
    EXPECT_INT(BAYES_LEARNED, learn(b, 1, BAYES_SPAM, some, SOME));
    EXPECT_INT(BAYES_LEARNED, learn(b, 2, BAYES_HAM, some + 2, 2));
    expect_counts(b, some + 1, 3, (struct store_token_count[]){ { 1, 0 }, { 1, 1 }, { 1, 1 } });
    EXPECT_INT(BAYES_RELEARNED, learn(b, 1, BAYES_HAM, some, SOME));
    expect_counts(b, some + 1, 3, (struct store_token_count[]){ { 0, 1 }, { 0, 2 }, { 0, 2 } });
    expect_totals(b, 0, 2);
    EXPECT_INT(BAYES_FORGOTTEN, learn(b, 1, BAYES_FORGET, some, SOME));
    expect_counts(b, some + 1, 3, (struct store_token_count[]){ { 0, 0 }, { 0, 1 }, { 0, 1 } });
    EXPECT_INT(BAYES_UNKNOWN, learn(b, 1, BAYES_FORGET, some, SOME));
    EXPECT_INT(BAYES_FORGOTTEN, learn(b, 2, BAYES_FORGET, some + 2, 2));
    EXPECT_INT(0, store_bench_walk(b, base, NULL, NULL)); /* nothing is left of them */
}

static void classes_know_nothing_of_each_other(const struct store_bench *b)
{
    char first[sizeof base];

    new_class();
    snprintf(first, sizeof first, "%s", base);
    EXPECT_INT(BAYES_LEARNED, learn(b, 1, BAYES_SPAM, some, SOME));
    new_class();
    expect_totals(b, 0, 0);
    expect_counts(b, some, 1, (struct store_token_count[]){ { 0, 0 } });
    EXPECT_INT(BAYES_LEARNED, learn(b, 1, BAYES_HAM, some, SOME));
    snprintf(base, sizeof base, "%s", first);
    expect_totals(b, 1, 0);
}

static void it_is_remembered_for_so_long(const struct store_bench *b)
{
    struct store_op op;

    new_class();
    op = op_of(STORE_BAYES_LEARN, some, SOME);
    op.bayes.as = BAYES_SPAM;
    op.bayes.remember_ms = 10 * SECOND;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    op.now_ms += 9 * SECOND;
    EXPECT_INT(BAYES_ALREADY, ask(b, &op)->bayes.outcome); /* and from then on again */
    op.now_ms += 9 * SECOND;
    EXPECT_INT(BAYES_ALREADY, ask(b, &op)->bayes.outcome);
    op.now_ms += 10 * SECOND;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    expect_totals(b, 2, 0);
}

/* Adds counts, on a day `ago` days before today. */
static void add(const struct store_bench *b, uint64_t token, uint32_t spam, uint32_t ham, int ago, int most,
                int life_days)
{
    struct store_op op = op_of(STORE_BAYES_ADD, &token, 1);
    struct store_token_count count = { spam, ham };

    op.bayes.counts = span_make((const char *)&count, sizeof count);
    op.bayes.totals = (struct store_bayes_totals){ 10, 20 };
    op.bayes.most = most;
    op.now_ms -= ago * DAY;
    op.bayes.life_ms = life_days * DAY;
    EXPECT_INT(STORE_OK, ask(b, &op)->state);
}

static void nothing_is_added_twice(const struct store_bench *b)
{
    struct store_token_count count = { 3, 1 };
    struct store_op op;

    new_class();
    op = op_of(STORE_BAYES_ADD, some, 1);
    op.bayes.counts = span_make((const char *)&count, sizeof count);
    op.bayes.totals = (struct store_bayes_totals){ 10, 20 };
    op.bayes.is_once = true;
    op.bayes.remember_ms = 10 * SECOND;
    op.bayes.digest[2] = 7;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    EXPECT_INT(BAYES_ALREADY, ask(b, &op)->bayes.outcome);
    expect_counts(b, some, 1, &count);
    expect_totals(b, 10, 20);
    op.kind = STORE_BAYES_LEARN; /* what was added is no message */
    op.bayes.as = BAYES_FORGET;
    EXPECT_INT(BAYES_UNKNOWN, ask(b, &op)->bayes.outcome);
    expect_totals(b, 10, 20);
    op.kind = STORE_BAYES_ADD;
    op.bayes.digest[2] = 8;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    op.now_ms += 11 * SECOND;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    op.bayes.is_once = false;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    expect_totals(b, 40, 80);
}

static bool has(const struct store_bench *b, uint64_t token)
{
    struct store_op op = op_of(STORE_BAYES_LOOK, &token, 1);
    struct store_answer *answer = ask(b, &op);

    EXPECT_INT(STORE_OK, answer->state);
    return store_token_count_at(answer, 0).spam || store_token_count_at(answer, 0).ham;
}

static void old_and_rare_ones_make_room(const struct store_bench *b)
{
    static const struct store_token_count most[] = { { BAYES_COUNT_MOST, 300 } };

    new_class();
    add(b, 1, 1, 0, 100, 4, 0);
    add(b, 2, 0, 1, 50, 4, 0);
    add(b, 3, 30, 2, 100, 4, 0); /* 32 times: as if it were 150 days younger */
    add(b, 4, 1, 0, 0, 4, 0);
    add(b, 5, 1, 0, 0, 4, 0);
    EXPECT_TRUE(!has(b, 1) && has(b, 2) && has(b, 3) && has(b, 4) && has(b, 5));
    add(b, 6, 1, 0, 0, 4, 0);
    EXPECT_TRUE(!has(b, 2) && has(b, 3) && has(b, 4) && has(b, 5) && has(b, 6));
    add(b, 7, 1, 0, 0, 2, 0); /* smaller from now on */
    EXPECT_TRUE(has(b, 3) && has(b, 7) && !has(b, 4) && !has(b, 5) && !has(b, 6));
    add(b, 3, UINT32_MAX, 298, 0, 2, 0);
    expect_counts(b, &(uint64_t){ 3 }, 1, most);
    expect_totals(b, 80, 160);
}

static void tokens_have_a_life(const struct store_bench *b)
{
    new_class();
    add(b, 1, 5, 0, 11, 16, 0);
    add(b, 2, 5, 0, 10, 16, 0);
    add(b, 3, 1, 0, 0, 16, 10);
    EXPECT_TRUE(!has(b, 1) && has(b, 2) && has(b, 3));
}

/* What is learned every night lives as long as it is there. */
static void tokens_live_on_when_they_are_learned_again(const struct store_bench *b)
{
    static const uint64_t old = 4, young = 5;
    struct store_op op;

    new_class();
    op = op_of(STORE_BAYES_LEARN, &old, 1);
    op.bayes.as = BAYES_SPAM;
    op.bayes.life_ms = op.bayes.remember_ms = 10 * DAY;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    op.now_ms += 8 * DAY;
    EXPECT_INT(BAYES_ALREADY, ask(b, &op)->bayes.outcome);
    op.now_ms += 8 * DAY;
    EXPECT_INT(BAYES_ALREADY, ask(b, &op)->bayes.outcome);
    op.bayes.tokens = tokens_of(&young, 1);
    op.bayes.digest[5] = 1;
    EXPECT_INT(BAYES_LEARNED, ask(b, &op)->bayes.outcome);
    EXPECT_TRUE(has(b, old) && has(b, young));
    expect_counts(b, &old, 1, (struct store_token_count[]){ { 1, 0 } });
}

static void what_is_wrong_is_refused(const struct store_bench *b)
{
    static uint64_t many[STORE_TOKENS_MOST + 1];
    static const uint64_t twice[] = { 5, 5 }, unsorted[] = { 6, 5 };
    char key[STORE_KEY_MAX + 1];
    struct store_op op;

    new_class();
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = i << 45;
    op = op_of(STORE_BAYES_LOOK, many, COUNT(many));
    EXPECT_INT(STORE_FAILED, ask(b, &op)->state);
    op = op_of(STORE_BAYES_LOOK, twice, 2);
    EXPECT_INT(STORE_FAILED, ask(b, &op)->state);
    op = op_of(STORE_BAYES_LEARN, unsorted, 2);
    EXPECT_INT(STORE_FAILED, ask(b, &op)->state);
    op = op_of(STORE_BAYES_ADD, some, SOME); /* without counts */
    EXPECT_INT(STORE_FAILED, ask(b, &op)->state);
    op = op_of(STORE_BAYES_LOOK, many, 1);
    op.bayes.tokens.len = 7;
    EXPECT_INT(STORE_FAILED, ask(b, &op)->state);
    memset(key, 'b', sizeof key);
    op = op_of(STORE_BAYES_LEARN, some, SOME);
    op.key = span_make(key, STORE_BAYES_KEY_MAX + 1);
    EXPECT_INT(STORE_FAILED, ask(b, &op)->state);
    EXPECT_INT(0, store_bench_walk(b, base, NULL, NULL));
}

static void many_tokens_at_once(const struct store_bench *b)
{
    static uint64_t many[STORE_TOKENS_MOST];
    static struct store_token_count counts[STORE_TOKENS_MOST];

    new_class();
    for (size_t i = 0; i < COUNT(many); i++) {
        many[i] = (uint64_t)i * 0x001fedcba9876543;
        counts[i].ham = 1;
    }
    EXPECT_INT(BAYES_LEARNED, learn(b, 9, BAYES_HAM, many, COUNT(many)));
    expect_counts(b, many, COUNT(many), counts);
}

static void what_is_no_bucket_is_none(const struct store_bench *b)
{
    char key[sizeof base + 8];

    new_class();
    snprintf(key, sizeof key, "%s0000", base);
    EXPECT_INT(STORE_OK, store_bench_put(b, key, "seventeen bytes..", 0).state);
    snprintf(key, sizeof key, "%st", base);
    EXPECT_INT(STORE_OK, store_bench_put(b, key, "odd", 0).state);
    expect_totals(b, 0, 0);
    expect_counts(b, &(uint64_t){ 7 }, 1, (struct store_token_count[]){ { 0, 0 } });
    EXPECT_INT(BAYES_LEARNED, learn(b, 1, BAYES_HAM, (uint64_t[]){ 7 }, 1));
    expect_counts(b, &(uint64_t){ 7 }, 1, (struct store_token_count[]){ { 0, 1 } });
    expect_totals(b, 0, 1);
}

/* ---- a random walk ---- */

enum { STEPS = 400, BUCKETS = 3, KINDS_OF_TOKENS = 40, MESSAGES = 12 };

struct model {
    struct store_record buckets[BUCKETS];
    enum bayes_as messages[MESSAGES];
    struct store_bayes_totals totals;
    uint64_t seed;
};

static uint64_t dice(struct model *m, uint64_t sides)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return (m->seed >> 11) % sides;
}

static size_t random_tokens(struct model *m, uint64_t *tokens)
{
    size_t count = 0;

    for (uint64_t bucket = 0; bucket < BUCKETS; bucket++)
        for (uint64_t i = 0; i < KINDS_OF_TOKENS; i++)
            if (!dice(m, 6))
                tokens[count++] = bucket << BAYES_BUCKET_SHIFT | i;
    return count;
}

static void model_change(struct model *m, const struct store_op *op, const int *by,
                         const struct store_token_count *counts)
{
    struct bayes_rules rules;
    bool is_open[BUCKETS] = { false };

    bayes_rules_of(op, &rules);
    for (size_t i = 0; i < op->bayes.tokens.len / 8; i++) {
        uint64_t token = bayes_token(op->bayes.tokens, i);
        struct store_record *bucket = &m->buckets[token >> BAYES_BUCKET_SHIFT];

        if (!is_open[token >> BAYES_BUCKET_SHIFT])
            bayes_bucket_open(bucket, &rules);
        is_open[token >> BAYES_BUCKET_SHIFT] = true;
        bayes_bucket_add(bucket, &rules, token, by ? by[0] : (int64_t)counts[i].spam,
                         by ? by[1] : (int64_t)counts[i].ham);
    }
}

static void random_step(const struct store_bench *b, struct model *m)
{
    uint64_t tokens[BUCKETS * KINDS_OF_TOKENS];
    struct store_token_count counts[COUNT(tokens)];
    size_t count = random_tokens(m, tokens), message = dice(m, MESSAGES);
    struct store_op op = op_of(dice(m, 4) ? STORE_BAYES_LEARN : STORE_BAYES_ADD, tokens, count);
    int by[2];

    op.now_ms += (int64_t)dice(m, 200) * DAY;
    op.bayes.most = 1 + (int64_t)dice(m, 30);
    op.bayes.life_ms = dice(m, 4) ? 0 : (int64_t)dice(m, 300) * DAY + 1;
    if (op.kind == STORE_BAYES_ADD) {
        for (size_t i = 0; i < count; i++)
            counts[i] = (struct store_token_count){ (uint32_t)dice(m, 300), (uint32_t)dice(m, 3) };
        op.bayes.counts = span_make((const char *)counts, count * sizeof *counts);
        op.bayes.totals = (struct store_bayes_totals){ (double)dice(m, 9), (double)dice(m, 9) };
        model_change(m, &op, NULL, counts);
        m->totals.spam += op.bayes.totals.spam;
        m->totals.ham += op.bayes.totals.ham;
        EXPECT_INT(STORE_OK, ask(b, &op)->state);
        return;
    }
    op.bayes.as = (enum bayes_as)dice(m, 3);
    op.bayes.digest[3] = (uint8_t)message;
    enum bayes_outcome outcome = bayes_outcome_of(m->messages[message], op.bayes.as, &by[0], &by[1]);

    if (by[0] || by[1] || bayes_is_refreshed(&op, outcome))
        model_change(m, &op, by, NULL);
    m->messages[message] = op.bayes.as;
    m->totals.spam += by[0];
    m->totals.ham += by[1];
    struct store_answer *answer = ask(b, &op);

    EXPECT_INT(outcome, answer->bayes.outcome);
    EXPECT_TRUE(answer->bayes.totals.spam == m->totals.spam && answer->bayes.totals.ham == m->totals.ham);
}

static void compare_bucket(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    const struct model *m = arg;
    struct span name = span_skip(key, strlen(base));

    (void)expires_ms;
    if (name.len != 4)
        return;
    EXPECT_TRUE(name.ptr[3] >= '0' && name.ptr[3] < '0' + BUCKETS);
    const struct store_record *bucket = &m->buckets[name.ptr[3] - '0'];

    EXPECT_TRUE(span_eq(value, span_make(bucket->bytes, bucket->len)));
}

static void a_random_walk(const struct store_bench *b)
{
    struct model *m = mem_alloc(sizeof *m);
    uint64_t seed = (uint64_t)clock_mono_us() | 1;
    int there = 0;

    printf("Bayes' seed is %llu\n", (unsigned long long)seed);
    m->seed = seed;
    new_class();
    for (int i = 0; i < STEPS; i++)
        random_step(b, m);
    for (size_t i = 0; i < BUCKETS; i++)
        there += m->buckets[i].len > 0;
    for (size_t i = 0; i < MESSAGES; i++)
        there += m->messages[i] != BAYES_FORGET;
    EXPECT_INT(there + (m->totals.spam + m->totals.ham > 0), store_bench_walk(b, base, compare_bucket, m));
    free(m);
}

void store_bayes_suite(const struct store_bench *bench)
{
    nothing_is_learned_twice(bench);
    what_was_learned_is_unlearned_exactly(bench);
    classes_know_nothing_of_each_other(bench);
    it_is_remembered_for_so_long(bench);
    old_and_rare_ones_make_room(bench);
    nothing_is_added_twice(bench);
    tokens_have_a_life(bench);
    tokens_live_on_when_they_are_learned_again(bench);
    what_is_wrong_is_refused(bench);
    many_tokens_at_once(bench);
    what_is_no_bucket_is_none(bench);
    a_random_walk(bench);
}

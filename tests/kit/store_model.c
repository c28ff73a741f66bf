/* tests/kit/store_model.c - a backend of the state store held against op_apply(). */
#include "tests/kit/store_model.h"

#include <stdlib.h>

#include "gateway/base/clock.h"
#include "tests/kit/expect.h"

enum { BATCH = 40, KEYS = 6, CLIENTS = 2, WAIT_MS = 20000, MINUTE = 60000, HOUR = 60 * MINUTE, REPORTED_MOST = 5 };

struct model {
    struct store_record keys[KEYS], clients[CLIENTS];
    int64_t now_ms, least_ms;
    char names[KEYS + CLIENTS][60];
};

/* A question with the model's answer. */
struct expected {
    struct store_op op;
    bool is_load; /* store_load() of a STORE_PUT */
    int64_t expires_ms;
    struct store_answer answer;
    char value[STORE_VALUE_MAX];
    bool is_here;
};

static uint64_t seed;
static int differing;

static uint64_t dice(uint64_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % sides;
}

static double fraction(double most)
{
    return most * (double)dice(1000003) / 1000003;
}

/* ---- random operations ---- */

/* Never before least_ms, so that neither the server's clock nor an upkeep forgets what the model still has. */
static void pass_time(struct model *m)
{
    if (!dice(25))
        m->now_ms = m->least_ms + (int64_t)dice(3 * HOUR); /* another gateway's clock */
    else
        m->now_ms += dice(4) ? (int64_t)dice(30000) : -(int64_t)dice(3000);
    if (m->now_ms < m->least_ms)
        m->now_ms = m->least_ms;
}

static void random_greylist(struct model *m, struct store_op *op)
{
    op->greylist.client = dice(5) ? span_of(m->names[KEYS + dice(CLIENTS)]) : SPAN("");
    op->greylist.delay_ms = (int64_t)dice(100000);
    op->greylist.window_ms = (int64_t)dice(400000);
    op->greylist.life_ms = dice(50) ? 1 + (int64_t)dice(4000000) : INT64_MAX;
    op->greylist.passes = (int64_t)dice(4);
    op->greylist.pass_gap_ms = (int64_t)dice(50000);
}

static void random_rate(struct store_op *op)
{
    op->rate.cost = dice(4) ? fraction(3) : -fraction(1);
    op->rate.rate = dice(10) ? fraction(0.01) : 0;
    op->rate.capacity = fraction(12);
    op->rate.life_ms = 1 + (int64_t)dice(4000000);
    op->rate.by = dice(2) ? 1 : 0.9 + fraction(0.2);
    op->rate.least = 0.2;
    op->rate.most = 5;
}

/* As many numbers as a record may have, or one more, or some bytes besides. */
static size_t random_value(const struct model *m, char *out)
{
    static const double odd[] = { 0.0 / 0.0,          1 / 0.0, -1 / 0.0,    -1e300, 1e18,
                                  1.0000001e18,       -0.0,    0,           5e-324, 1e17,
                                  9007199254740992.0, 1e6,     1000000.001, -1 };
    size_t numbers = dice(7);

    for (size_t i = 0; i < numbers; i++) {
        double n = fraction(10);

        switch (dice(4)) {
        case 0: n = odd[dice(COUNT(odd))]; break;
        case 1: n = fraction(1e12); break;
        case 2: n = (double)(m->least_ms - HOUR + (int64_t)dice(5 * HOUR)); break;
        default: break;
        }
        memcpy(out + i * sizeof n, &n, sizeof n);
    }
    return numbers * sizeof(double) + (dice(4) ? 0 : 1);
}

static void random_put(const struct model *m, struct expected *e, char *value)
{
    e->op.put.value = span_make(value, random_value(m, value));
    e->op.put.life_ms = dice(3) ? (int64_t)dice(1000000) : dice(9) ? 0 : INT64_MAX;
    e->is_load = dice(2);
    e->expires_ms = !e->is_load || !dice(4) ? 0 : m->least_ms + (int64_t)dice(4 * HOUR);
}

static void random_op(struct model *m, size_t key, struct expected *e, char *value)
{
    struct store_op *op = &e->op;

    *op = (struct store_op){ .kind = (enum store_kind)dice(STORE_RECORD_KINDS), .key = span_of(m->names[key]) };
    pass_time(m);
    op->now_ms = m->now_ms;
    if (op->kind == STORE_DELETE && dice(4))
        op->kind = STORE_RATE_TAKE;
    switch (op->kind) {
    case STORE_GREYLIST: random_greylist(m, op); break;
    case STORE_RATE_TAKE:
    case STORE_RATE_GIVE: random_rate(op); break;
    case STORE_COUNT:
        op->count.by = (int64_t)dice(20) - 5;
        op->count.life_ms = 1 + (int64_t)dice(1000000);
        op->count.slides = dice(2);
        break;
    case STORE_PUT: random_put(m, e, value); break;
    default: break;
    }
}

/* ---- the model ---- */

static void load(struct store_record *r, struct expected *e)
{
    bool lives_as_long = r->len && (!r->expires_ms || (e->expires_ms && r->expires_ms >= e->expires_ms));

    e->answer = (struct store_answer){ .state = STORE_ABSENT, .why = "" };
    if (lives_as_long || !e->op.put.value.len)
        return;
    e->answer.state = STORE_OK;
    memcpy(r->bytes, e->op.put.value.ptr, e->op.put.value.len);
    r->len = e->op.put.value.len;
    r->expires_ms = e->expires_ms;
}

static void apply(struct model *m, size_t key, struct expected *e)
{
    struct store_record *client = NULL;

    if (e->is_load) {
        load(&m->keys[key], e);
        return;
    }
    for (size_t i = 0; e->op.kind == STORE_GREYLIST && i < CLIENTS; i++)
        if (span_is(e->op.greylist.client, m->names[KEYS + i]))
            client = &m->clients[i];
    op_apply(&e->op, &m->keys[key], client, &e->answer);
    if (e->op.kind == STORE_GET && e->answer.state == STORE_OK) {
        memcpy(e->value, e->answer.value.ptr, e->answer.value.len);
        e->answer.value.ptr = e->value;
    }
}

/* ---- answers ---- */

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool is_same(const struct store_op *op, const struct store_answer *want, const struct store_answer *got)
{
    if (want->state != got->state || strcmp(want->why, got->why) != 0)
        return false;
    switch (op->kind) {
    case STORE_GREYLIST:
        return want->greylist.state == got->greylist.state && want->greylist.left_ms == got->greylist.left_ms &&
               want->greylist.waited_ms == got->greylist.waited_ms && want->greylist.passes == got->greylist.passes;
    case STORE_RATE_TAKE:
    case STORE_RATE_GIVE:
        return want->rate.is_over == got->rate.is_over && same_bits(want->rate.level, got->rate.level) &&
               same_bits(want->rate.capacity, got->rate.capacity) && want->rate.retry_ms == got->rate.retry_ms;
    case STORE_COUNT: return want->count == got->count;
    case STORE_GET: return want->state != STORE_OK || span_eq(want->value, got->value);
    default: return true;
    }
}

static void take_answer(void *arg, const struct store_answer *got)
{
    struct expected *e = arg;

    if (e->is_here || !is_same(&e->op, &e->answer, got)) {
        if (differing++ < REPORTED_MOST)
            print_error("%s%s of %.*s at %lld: state %d, wanted %d; %s\n", store_kind_text(e->op.kind),
                        e->is_load ? " (load)" : "", SPAN_ARG(e->op.key), (long long)e->op.now_ms, (int)got->state,
                        (int)e->answer.state, got->why);
    }
    e->is_here = true;
}

static void one_batch(const struct store_bench *bench, struct model *m, struct expected *all)
{
    char value[64] = "";
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    bool is_over = false;

    for (size_t i = 0; i < BATCH; i++) {
        size_t key = dice(KEYS);
        struct expected *e = &all[i];

        e->is_here = e->is_load = false;
        random_op(m, key, e, value);
        apply(m, key, e);
        if (e->is_load)
            store_load(bench->store, e->op.key, e->op.put.value, e->expires_ms, take_answer, e);
        else
            store_ask(bench->store, &e->op, 0, take_answer, e);
    }
    while (!is_over && clock_mono_ms() < until_ms) {
        loop_run_once(bench->loop, 20);
        is_over = true;
        for (size_t i = 0; i < BATCH; i++)
            is_over &= all[i].is_here;
    }
    EXPECT_TRUE(is_over);
    EXPECT_INT(0, differing);
}

/* ---- records ---- */

struct walked {
    const struct model *model;
    int same;
};

static void compare_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    struct walked *w = arg;

    for (size_t i = 0; i < KEYS + CLIENTS; i++) {
        const struct store_record *r = i < KEYS ? &w->model->keys[i] : &w->model->clients[i - KEYS];

        if (span_is(key, w->model->names[i]))
            w->same += span_eq(span_make(r->bytes, r->len), value) && r->expires_ms == expires_ms;
    }
}

/* All that the model has must be there, with the same bytes and the same time. */
static void compare_records(const struct store_bench *bench, const struct model *m, const char *prefix)
{
    struct walked w = { .model = m };
    int there = 0;

    for (size_t i = 0; i < KEYS + CLIENTS; i++)
        there += (i < KEYS ? &m->keys[i] : &m->clients[i - KEYS])->len > 0;
    EXPECT_INT(there, store_bench_walk(bench, prefix, compare_record, &w));
    EXPECT_INT(there, w.same);
}

void store_model_run(const struct store_bench *bench, int batches)
{
    struct model *m = mem_alloc(sizeof *m);
    struct expected *all = mem_alloc(BATCH * sizeof *all);
    const char *given = getenv("POSTERN_STORE_SEED");
    uint64_t first = (uint64_t)clock_mono_us();
    char prefix[50];

    if (given)
        span_u64(span_of(given), UINT64_MAX, &first);
    seed = first | 1;
    differing = 0;
    printf("POSTERN_STORE_SEED=%llu\n", (unsigned long long)first);
    snprintf(prefix, sizeof prefix, "d:{%llu}", (unsigned long long)first);
    for (size_t i = 0; i < KEYS + CLIENTS; i++)
        snprintf(m->names[i], sizeof m->names[i], "%s:%zu", prefix, i);
    m->least_ms = m->now_ms = clock_wall_ms() + HOUR;
    for (int i = 0; i < batches; i++)
        one_batch(bench, m, all);
    compare_records(bench, m, prefix);
    free(all);
    free(m);
}

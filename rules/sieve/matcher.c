/* rules/sieve/matcher.c - the patterns of a set, ready to be matched.
 *
 * A match is bounded three times: PCRE2's match limit counts the steps from one place of the text; the pieces of a
 * text are short, and a long one is gone through in windows, between which the clocks are looked at; and JIT's stack,
 * or PCRE2's heap where there is no JIT, has a maximum. So the longest time without a look at a clock is that of a
 * window's places with all their steps.
 *
 * Threads: what a match needs to write to belongs to its runner, and is made when that first comes. The sieve is
 * published by one atomic pointer; nothing it points to changes.
 */
#include "rules/sieve/matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "rules/settings.h"
#include "rules/sieve/sieve.h"

enum {
    JIT_STACK_BYTES = 32 * 1024,
    JIT_STACK_BYTES_MAX = 1024 * 1024,
    HEAP_KIB_MAX = 16 * 1024, /* without JIT */
    DEPTH_MAX = 10000,
    STEPS_PER_BYTE = 8, /* of a long text, and for so many of its bytes */
    STEPS_BYTES_MAX = 128 * 1024,
    LONG_US = 30000, /* of the processor, for one match in a long text, and what its length adds */
    LONG_BYTES_PER_US = 32,
    CAPTURED_MAX = 32, /* groups of a pattern of which it is known what they have taken; the match is the first */
};

struct compiled {
    pcre2_code *code; /* NULL: it has none, or PCRE2 cannot compile it */
    const struct matcher_group *group;
    bool is_jit;
    bool takes_nothing;
    uint32_t least; /* bytes of what it matches; 0: it may be any */
};

struct room {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
    struct hs_scratch *scratch; /* sieve_scan()'s */
    const struct rule *swapped; /* who has that one for now */
    struct compiled instead;
    struct matcher_work work;
};

struct matcher {
    const struct ruleset *set;
    struct compiled *compiled; /* by rule index */
    struct compiled *redirectors;
    size_t redirector_count;
    struct matcher_group *groups;
    size_t group_count;
    const struct rule **members; /* of all groups, one behind the other */
    struct room *rooms[RUNNERS_MAX];
    _Atomic(struct sieve *) sieve;
};

/* ---- making ---- */

static bool has_pattern(const struct rule *rule)
{
    return rule->state == RULE_ACTIVE && rule->pattern && !rule->is_eval && !rule->is_exists;
}

static bool is_of_field(const struct rule *rule)
{
    return rule->kind == RULE_HEADER || rule->kind == RULE_MIMEHEADER;
}

static bool is_long_text(const struct rule *rule)
{
    return rule->kind == RULE_FULL || is_of_field(rule);
}

static pcre2_code *code_of(const char *pattern, uint32_t options, int *error, PCRE2_SIZE *at)
{
    options |= PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
    return pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, error, at, NULL);
}

static uint32_t options_of(const struct rule *rule)
{
    return rule->options | PCRE2_USE_OFFSET_LIMIT;
}

/* false: PCRE2 cannot, as *error says, because of what is at *at. */
static bool compile(struct compiled *c, const char *pattern, uint32_t options, int *error, PCRE2_SIZE *at)
{
    c->code = code_of(pattern, options, error, at);
    c->is_jit = c->code && pcre2_jit_compile(c->code, PCRE2_JIT_COMPLETE) == 0;
    return c->code;
}

static void compile_rule(struct compiled *c, const struct rule *rule, struct strbuf *faults)
{
    PCRE2_UCHAR text[256] = "";
    PCRE2_SIZE at = 0;
    int error = 0;

    if (compile(c, rule->pattern, options_of(rule), &error, &at)) {
        pcre2_match_data *data = pcre2_match_data_create(1, NULL);

        c->takes_nothing = pcre2_match(c->code, (PCRE2_SPTR) "", 0, 0, 0, data, NULL) >= 0;
        pcre2_match_data_free(data);
        pcre2_pattern_info(c->code, PCRE2_INFO_MINLENGTH, &c->least);
        return;
    }
    pcre2_get_error_message(error, text, sizeof text);
    strbuf_putf(faults, "%s:%u: %s: %s at offset %zu of its pattern\n", rule->file, rule->line, rule->name,
                (const char *)text, at);
}

static void compile_redirectors(struct matcher *m)
{
    const struct ruleset_settings *settings = m->set->settings;
    PCRE2_SIZE at;
    int error;

    m->redirector_count = settings ? settings->redirector_count : 0;
    m->redirectors = mem_alloc((m->redirector_count + 1) * sizeof *m->redirectors);
    for (size_t i = 0; i < m->redirector_count; i++)
        compile(&m->redirectors[i], settings->redirectors[i].pattern, settings->redirectors[i].options, &error, &at);
}

static bool is_same_text(const struct rule *a, const struct rule *b)
{
    if (a->kind != b->kind)
        return false;
    return !is_of_field(a) || (a->form == b->form && span_ieq(span_of(a->field), span_of(b->field)));
}

static int by_text(const void *left, const void *right)
{
    const struct rule *a = *(const struct rule *const *)left, *b = *(const struct rule *const *)right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (is_of_field(a)) {
        struct span x = span_of(a->field), y = span_of(b->field);

        for (size_t i = 0; i <= x.len && i <= y.len; i++)
            if (ascii_lower(x.ptr[i]) != ascii_lower(y.ptr[i]))
                return ascii_lower(x.ptr[i]) < ascii_lower(y.ptr[i]) ? -1 : 1;
        if (a->form != b->form)
            return a->form < b->form ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static void make_groups(struct matcher *m, size_t count)
{
    qsort(m->members, count, sizeof *m->members, by_text);
    m->groups = mem_alloc((count + 1) * sizeof *m->groups);
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = m->members[i];

        if (!i || !is_same_text(m->members[i - 1], rule)) {
            struct matcher_group *group = &m->groups[m->group_count];

            *group = (struct matcher_group){ (unsigned)m->group_count, rule->kind, rule->field, rule->form,
                                             &m->members[i],           0 };
            m->group_count++;
        }
        m->groups[m->group_count - 1].count++;
        m->compiled[rule->index].group = &m->groups[m->group_count - 1];
    }
}

struct matcher *matcher_new(const struct ruleset *set, struct strbuf *faults)
{
    struct matcher *m = mem_alloc(sizeof *m);
    size_t count = 0;

    m->set = set;
    m->compiled = mem_alloc((set->count + 1) * sizeof *m->compiled);
    m->members = mem_alloc((set->count + 1) * sizeof *m->members);
    atomic_init(&m->sieve, NULL);
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];

        if (!has_pattern(rule))
            continue;
        compile_rule(&m->compiled[i], rule, faults);
        m->members[count++] = rule;
    }
    make_groups(m, count);
    compile_redirectors(m);
    return m;
}

static void room_free(struct room *room)
{
    if (!room)
        return;
    sieve_scratch_free(room->scratch);
    pcre2_code_free(room->instead.code);
    pcre2_match_data_free(room->data);
    pcre2_match_context_free(room->context);
    pcre2_jit_stack_free(room->stack);
    free(room);
}

void matcher_free(struct matcher *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < RUNNERS_MAX; i++)
        room_free(m->rooms[i]);
    for (size_t i = 0; i < m->set->count; i++)
        pcre2_code_free(m->compiled[i].code);
    for (size_t i = 0; i < m->redirector_count; i++)
        pcre2_code_free(m->redirectors[i].code);
    free(m->redirectors);
    sieve_free(atomic_load(&m->sieve));
    free(m->compiled);
    free(m->members);
    free(m->groups);
    free(m);
}

/* Only the runner itself comes to its place, until the matcher is freed. */
static struct room *room_of(struct matcher *m, unsigned runner)
{
    struct room *room = m->rooms[runner];

    if (room)
        return room;
    room = mem_alloc(sizeof *room);
    room->context = pcre2_match_context_create(NULL);
    room->data = pcre2_match_data_create(CAPTURED_MAX, NULL);
    room->stack = pcre2_jit_stack_create(JIT_STACK_BYTES, JIT_STACK_BYTES_MAX, NULL);
    if (!room->context || !room->data)
        fatal_memory(sizeof *room);
    pcre2_set_match_limit(room->context, MATCHER_STEPS_MAX);
    pcre2_set_depth_limit(room->context, DEPTH_MAX);
    pcre2_set_heap_limit(room->context, HEAP_KIB_MAX);
    if (room->stack)
        pcre2_jit_stack_assign(room->context, NULL, room->stack);
    m->rooms[runner] = room;
    return room;
}

/* ---- looking at it ---- */

const struct matcher_group *matcher_groups(const struct matcher *m, size_t *count)
{
    *count = m->group_count;
    return m->groups;
}

const struct matcher_group *matcher_group_of(const struct matcher *m, const struct rule *rule)
{
    return m->compiled[rule->index].group;
}

bool matcher_takes_nothing(const struct matcher *m, const struct rule *rule)
{
    return m->compiled[rule->index].takes_nothing;
}

size_t matcher_least(const struct matcher *m, const struct rule *rule)
{
    return m->compiled[rule->index].least;
}

const struct matcher_work *matcher_work(struct matcher *m, unsigned runner)
{
    return &room_of(m, runner)->work;
}

void matcher_use(struct matcher *m, struct sieve *sieve)
{
    if (atomic_load(&m->sieve))
        BUG("a second sieve");
    atomic_store_explicit(&m->sieve, sieve, memory_order_release);
}

const struct sieve *matcher_sieve(const struct matcher *m)
{
    return atomic_load_explicit(&m->sieve, memory_order_acquire);
}

/* ---- matching ---- */

static int match(struct room *room, const struct compiled *c, struct span piece, size_t from)
{
    PCRE2_SPTR text = (PCRE2_SPTR)(piece.ptr ? piece.ptr : "");

    room->work.calls++;
    room->work.bytes += piece.len - from;
    if (c->is_jit)
        return pcre2_jit_match(c->code, text, piece.len, from, 0, room->data, room->context);
    return pcre2_match(c->code, text, piece.len, from, 0, room->data, room->context);
}

/* Of a long text, what may begin at one of the places from `at` on and before `end`. */
struct stretch {
    size_t at, end, window;    /* so many places at a time, and a look at the clocks in between */
    int64_t until_us, slow_us; /* monotonic; of this thread's processor time */
};

static bool is_over(const struct stretch *s)
{
    return clock_mono_us() >= s->until_us || clock_thread_us() >= s->slow_us;
}

static int match_hard(struct room *room, const struct compiled *c, struct span piece, struct stretch s);

static int match_windows(struct room *room, const struct compiled *c, struct span piece, struct stretch s)
{
    int found = PCRE2_ERROR_NOMATCH;

    for (size_t at = s.at; found == PCRE2_ERROR_NOMATCH && at < s.end; at += s.window) {
        if (at != s.at && is_over(&s))
            return PCRE2_ERROR_MATCHLIMIT;
        size_t last = at + s.window < s.end ? at + s.window - 1 : s.end - 1;

        pcre2_set_offset_limit(room->context, last);
        found = match(room, c, piece, at);
        if (found == PCRE2_ERROR_MATCHLIMIT && s.window == MATCHER_WINDOW_BYTES)
            found = match_hard(room, c, piece, (struct stretch){ at, last + 1, s.window, s.until_us, s.slow_us });
    }
    return found;
}

/* What .* has taken of a long text comes back byte by byte: that takes more steps from one place, of fewer places. */
static int match_hard(struct room *room, const struct compiled *c, struct span piece, struct stretch s)
{
    size_t more = STEPS_PER_BYTE * (piece.len < STEPS_BYTES_MAX ? piece.len : STEPS_BYTES_MAX);

    s.window = s.window * MATCHER_STEPS_MAX / (MATCHER_STEPS_MAX + more);
    pcre2_set_match_limit(room->context, (uint32_t)(MATCHER_STEPS_MAX + more));
    int found = match_windows(room, c, piece, s);

    pcre2_set_match_limit(room->context, MATCHER_STEPS_MAX);
    return found;
}

static int match_long(struct room *room, const struct compiled *c, struct span piece, size_t from, int64_t until_us)
{
    int64_t slow_us = clock_thread_us() + LONG_US + (int64_t)(piece.len / LONG_BYTES_PER_US);
    int found =
        match_windows(room, c, piece, (struct stretch){ from, piece.len + 1, MATCHER_WINDOW_BYTES, until_us, slow_us });

    pcre2_set_offset_limit(room->context, PCRE2_UNSET);
    return found;
}

/* Its pattern, or what stands for it now: matcher_swap(). */
static const struct compiled *of_rule(const struct matcher *m, const struct room *room, const struct rule *rule)
{
    return room->swapped == rule ? &room->instead : &m->compiled[rule->index];
}

static enum match_result tell(struct room *room, struct span piece, int found, struct span *out)
{
    if (found == PCRE2_ERROR_NOMATCH)
        return MATCH_NONE;
    if (found < 0) {
        room->work.limits++;
        return MATCH_GIVEN_UP;
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(room->data);
    size_t end = ends[1] > ends[0] ? ends[1] : ends[0]; /* \K in an assertion can set the start behind the end */

    *out = span_make((piece.ptr ? piece.ptr : "") + ends[0], end - ends[0]);
    return MATCH_FOUND;
}

enum match_result matcher_find(struct matcher *m, unsigned runner, const struct rule *rule, struct span piece,
                               size_t from, int64_t until_us, struct span *out)
{
    struct room *room = room_of(m, runner);
    const struct compiled *c = of_rule(m, room, rule);

    if (!c->code || from > piece.len)
        return MATCH_NONE;
    bool is_long = is_long_text(rule) && piece.len - from > MATCHER_WINDOW_BYTES;
    int found = is_long ? match_long(room, c, piece, from, until_us) : match(room, c, piece, from);

    return tell(room, piece, found, out);
}

enum match_result matcher_find_at(struct matcher *m, unsigned runner, const struct rule *rule, struct span piece,
                                  size_t at, struct span *out)
{
    struct room *room = room_of(m, runner);
    const struct compiled *c = of_rule(m, room, rule);

    if (!c->code || at > piece.len)
        return MATCH_NONE;
    pcre2_set_offset_limit(room->context, at);
    int found = match(room, c, piece, at);

    pcre2_set_offset_limit(room->context, PCRE2_UNSET);
    return tell(room, piece, found, out);
}

bool matcher_named(struct matcher *m, unsigned runner, const struct rule *rule, struct span piece, size_t *at,
                   struct span *name, struct span *value)
{
    struct room *room = room_of(m, runner);
    const struct compiled *c = of_rule(m, room, rule);
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(room->data);
    uint32_t count = 0, bytes = 0;
    PCRE2_SPTR table = NULL;

    pcre2_pattern_info(c->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(c->code, PCRE2_INFO_NAMEENTRYSIZE, &bytes);
    pcre2_pattern_info(c->code, PCRE2_INFO_NAMETABLE, &table);
    while (*at < count) {
        PCRE2_SPTR entry = table + (*at)++ * bytes; /* its number in two bytes, its name */
        unsigned group = (unsigned)entry[0] << 8 | entry[1];

        if (group >= CAPTURED_MAX || ends[2 * group] == PCRE2_UNSET || ends[2 * group] >= ends[2 * group + 1])
            continue;
        *name = span_of((const char *)entry + 2);
        *value = span_make(piece.ptr + ends[2 * group], ends[2 * group + 1] - ends[2 * group]);
        return true;
    }
    return false;
}

bool matcher_swap(struct matcher *m, unsigned runner, const struct rule *rule, const char *pattern)
{
    struct room *room = room_of(m, runner);
    PCRE2_SIZE at;
    int error;

    pcre2_code_free(room->instead.code);
    room->instead = (struct compiled){ 0 };
    room->swapped = pattern ? rule : NULL;
    if (pattern)
        room->instead.code = code_of(pattern, options_of(rule), &error, &at);
    return room->instead.code;
}

bool matcher_redirect(struct matcher *m, unsigned runner, struct span uri, struct span *target)
{
    struct room *room = room_of(m, runner);

    for (size_t i = 0; i < m->redirector_count; i++) {
        const struct compiled *c = &m->redirectors[i];
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(room->data);
        int pairs = c->code ? match(room, c, uri, 0) : PCRE2_ERROR_NOMATCH;

        if ((pairs != 0 && pairs < 2) || ends[2] == PCRE2_UNSET || ends[2] >= ends[3]) /* 0: more than two */
            continue;
        *target = span_make(uri.ptr + ends[2], ends[3] - ends[2]);
        if (span_find(*target, '.') != SPAN_NPOS)
            return true;
    }
    return false;
}

void matcher_sift(struct matcher *m, unsigned runner, const struct matcher_group *group, struct span joined,
                  uint32_t bits, uint32_t *maybe)
{
    const struct sieve *sieve = matcher_sieve(m);

    if (sieve && sieve_scan(sieve, group->index, joined, &room_of(m, runner)->scratch, bits, maybe))
        return;
    for (size_t i = 0; i < group->count; i++)
        maybe[group->rules[i]->index] |= bits;
}

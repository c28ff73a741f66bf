/* tests/unit/test_evaluate_lazy.c - rules that are put off until a meta needs them: what counts comes out as if all had
 * been run. Sets of rules are by chance, the same each time.
 */
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "rules/evaluate.h"
#include "tests/kit/expect.h"

enum { SETS = 600, SUBS = 7, METAS = 8, DEPTH = 4, TIME_US = 20 * 1000 * 1000 };

static const char sample[] = "From: ann@example.org\r\nTo: b@example.net\r\nSubject: greetings\r\n\r\n"
                             "one two two three three three\r\n\r\nHello http://four.example/ five\r\n";
static const char *const words[] = { "one", "two", "three", "t", "Hello", "five", "six", "seven", "nine+", "e" };

static uint64_t state;

static unsigned chance(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % below);
}

static void put_operand(struct strbuf *out)
{
    switch (chance(9)) {
    case 0: strbuf_putf(out, "%u", chance(4)); break;
    case 1: strbuf_putf(out, "M%u", chance(METAS)); break;
    case 2: strbuf_putf(out, "__M%u", chance(METAS)); break;
    case 3: strbuf_puts(out, (const char *[]){ "R", "__H", "M_NONE", "__COUNT" }[chance(4)]); break;
    case 4: strbuf_puts(out, (const char *[]){ "rules_matching(__B*)", "rules_matching(__M*)" }[chance(2)]); break;
    default: strbuf_putf(out, "__B%u", chance(SUBS)); break;
    }
}

static void put_expression(struct strbuf *out, unsigned depth)
{
    static const char *const infix[] = { "&&", "||", "&&", "||", "+",  "-", "*", "/", "<",
                                         "<=", ">",  ">=", "==", "!=", "^", "+", "-", ">" };

    if (depth == DEPTH || chance(4) == 0) {
        put_operand(out);
        return;
    }
    if (chance(4) == 0)
        strbuf_putc(out, chance(2) ? '!' : '-');
    strbuf_putc(out, '(');
    put_expression(out, depth + 1);
    strbuf_putf(out, " %s ", chance(8) ? infix[chance(COUNT(infix))] : "?");
    bool is_choice = out->data[out->len - 2] == '?';

    put_expression(out, depth + 1);
    if (is_choice) {
        strbuf_puts(out, " : ");
        put_expression(out, depth + 1);
    }
    strbuf_putc(out, ')');
}

static void put_set(struct strbuf *out)
{
    static const char *const kinds[] = { "body", "body", "rawbody", "uri", "full" };

    for (unsigned i = 0; i < SUBS; i++) {
        strbuf_putf(out, "%s __B%u /%s/\n", kinds[chance(COUNT(kinds))], i, words[chance(COUNT(words))]);
        if (chance(2))
            strbuf_putf(out, "tflags __B%u multiple maxhits=%u\n", i, 1 + chance(4));
        if (chance(5) == 0)
            strbuf_putf(out, "priority __B%u %d\n", i, (int)chance(5) - 2);
    }
    strbuf_puts(out, "body R /two/\nheader __H To =~ /b@/\n");
    strbuf_puts(out, "body __COUNT /t/\ntflags __COUNT multiple\n");
    for (unsigned i = 0; i < METAS; i++)
        for (unsigned is_sub = 0; is_sub < 2; is_sub++) {
            strbuf_putf(out, "meta %sM%u ", is_sub ? "__" : "", i);
            put_expression(out, chance(3));
            strbuf_putc(out, '\n');
        }
    if (chance(4) == 0)
        strbuf_putf(out, "shortcircuit M%u on\n", chance(METAS));
    if (chance(4) == 0)
        strbuf_putf(out, "priority M%u -1\n", chance(METAS));
    if (chance(4) == 0)
        strbuf_putf(out, "score M%u 0\n", chance(METAS));
}

struct run {
    struct evaluation evaluation;
    struct scanning scanning;
    uint64_t calls;
};

static void run(struct arena *a, const struct ruleset *set, struct matcher *matcher, bool is_thorough, struct run *out)
{
    static const struct message_limits limits = { 1 << 20, 100 };
    struct session session = { .arena = a, .tx_arena = a, .door = "desk", .hostname = "mx.example" };
    struct evidence evidence = { 0 };
    struct rule_order order = rule_order(a, set, matcher);
    struct message *message = message_new(span_of(sample), &limits);
    struct inquiry q = { .session = &session, .message = message, .evidence = &evidence, .arena = a };
    uint64_t before = matcher_work(matcher, 0)->calls;

    if (is_thorough)
        order.may_wait = NULL;
    scanning_begin(&out->scanning, &q, set, matcher, clock_mono_us() + TIME_US);
    evaluate(&out->scanning, &order, &out->evaluation);
    out->calls = matcher_work(matcher, 0)->calls - before;
    message_free(message);
}

static void expect_same(const struct ruleset *set, const char *text, const struct run *thorough, const struct run *lazy)
{
    bool is_same = thorough->evaluation.shortcut == lazy->evaluation.shortcut && !lazy->evaluation.first_skipped;

    for (size_t i = 0; i < set->count; i++) {
        bool counts = !set->rules[i].is_sub && thorough->scanning.hits[i] != 0;

        is_same &= set->rules[i].is_sub || counts == (lazy->scanning.hits[i] != 0);
    }
    if (!is_same)
        print_error("other hits in the set:\n%s", text);
    EXPECT_TRUE(is_same);
}

static void what_counts_comes_out_the_same(void **unused)
{
    static const struct ruleset_options options = { 0 };
    uint64_t thorough_calls = 0, lazy_calls = 0;
    unsigned shortcuts = 0;

    (void)unused;
    state = 0x9e3779b97f4a7c15;
    for (int i = 0; i < SETS; i++) {
        struct strbuf text, faults;
        struct run thorough, lazy;
        struct arena a;

        arena_init(&a, SIZE_MAX);
        strbuf_init(&text, 100000);
        strbuf_init(&faults, 10000);
        put_set(&text);
        const struct ruleset *set = ruleset_load_text(&a, "test.cf", strbuf_span(&text), &options);
        struct matcher *matcher = matcher_new(set, &faults);

        run(&a, set, matcher, true, &thorough);
        run(&a, set, matcher, false, &lazy);
        expect_same(set, text.data, &thorough, &lazy);
        thorough_calls += thorough.calls;
        lazy_calls += lazy.calls;
        shortcuts += thorough.evaluation.shortcut != NULL;
        matcher_free(matcher);
        strbuf_release(&faults);
        strbuf_release(&text);
        arena_release(&a);
    }
    EXPECT_TRUE(lazy_calls < thorough_calls && shortcuts > SETS / 50);
}

RUN_TESTS(TEST(what_counts_comes_out_the_same))

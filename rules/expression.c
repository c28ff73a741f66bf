/* rules/expression.c - expressions over what has hit: a parser by precedence, and a stack machine. */
#include "rules/expression.h"

#include <float.h>
#include <math.h>

#include "gateway/base/bug.h"

enum operator{
    OPERATOR_NONE,
    OPERATOR_NOT,
    OPERATOR_MINUS,
    OPERATOR_TIMES,
    OPERATOR_OVER,
    OPERATOR_ADD,
    OPERATOR_SUBTRACT,
    OPERATOR_BELOW,
    OPERATOR_AT_MOST,
    OPERATOR_ABOVE,
    OPERATOR_AT_LEAST,
    OPERATOR_EQUAL,
    OPERATOR_UNEQUAL,
    OPERATOR_XOR,
    OPERATOR_AND,
    OPERATOR_OR,
    OPERATOR_CHOICE,
};

/* Longer ones first. The higher the level, the closer it binds. */
static const struct {
    const char *text;
    enum operator operator;
    int level;
    bool is_lax, is_word; /* lax: only for readers that have such operators, too */
} infix[] = {
    { "&&", OPERATOR_AND, 2, false, false },     { "||", OPERATOR_OR, 1, false, false },
    { "==", OPERATOR_EQUAL, 4, false, false },   { "!=", OPERATOR_UNEQUAL, 4, false, false },
    { "<=", OPERATOR_AT_MOST, 5, false, false }, { ">=", OPERATOR_AT_LEAST, 5, false, false },
    { "<", OPERATOR_BELOW, 5, false, false },    { ">", OPERATOR_ABOVE, 5, false, false },
    { "+", OPERATOR_ADD, 6, false, false },      { "-", OPERATOR_SUBTRACT, 6, false, false },
    { "*", OPERATOR_TIMES, 7, false, false },    { "/", OPERATOR_OVER, 7, false, false },
    { "^", OPERATOR_XOR, 3, false, false },      { "&", OPERATOR_AND, 2, true, false },
    { "|", OPERATOR_OR, 1, true, false },        { "and", OPERATOR_AND, 2, true, true },
    { "or", OPERATOR_OR, 1, true, true },
};

#define SKIP_MOST ((1U << 15) - 1)

_Static_assert(EXPRESSION_STEPS_MAX <= SKIP_MOST, "a step can skip all others");

struct parser {
    struct arena *arena;
    const struct expression_reader *reader;
    struct span rest;
    struct expression *out;
    size_t room;
    unsigned depth;
    const char *wrong;
};

static bool fail(struct parser *p, const char *wrong)
{
    if (!p->wrong)
        p->wrong = wrong;
    return false;
}

static bool add(struct parser *p, struct expression_step step)
{
    struct expression *e = p->out;

    if (e->count == EXPRESSION_STEPS_MAX)
        return fail(p, "it is too long");
    if (e->count == p->room) {
        p->room = p->room ? p->room * 2 : 8;
        e->steps = arena_grow(p->arena, e->steps, e->count, p->room, sizeof *e->steps);
    }
    e->steps[e->count++] = step;
    return true;
}

static bool add_operator(struct parser *p, enum operator operator)
{
    return add(p, (struct expression_step){ .kind = EXPRESSION_OPERATOR, .operator = operator });
}

static void skip_blanks(struct parser *p)
{
    while (p->rest.len && (ascii_is_wsp(*p->rest.ptr) || *p->rest.ptr == '\n' || *p->rest.ptr == '\r'))
        p->rest = span_skip(p->rest, 1);
}

static bool is_word_byte(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

static bool begins_with_word(struct span rest, const char *word)
{
    size_t len = strlen(word);

    return rest.len >= len && span_iis(span_first(rest, len), word) &&
           (rest.len == len || !is_word_byte(rest.ptr[len]));
}

static bool takes(struct parser *p, char byte)
{
    skip_blanks(p);
    if (!p->rest.len || *p->rest.ptr != byte)
        return false;
    p->rest = span_skip(p->rest, 1);
    return true;
}

static bool parse_choice(struct parser *p);

/* Digits, and digits behind a point. */
static bool parse_number(struct parser *p)
{
    struct expression_step step = { .kind = EXPRESSION_NUMBER };
    double unit = 1;
    bool is_fraction = false;

    for (; p->rest.len && (ascii_is_digit(*p->rest.ptr) || (*p->rest.ptr == '.' && !is_fraction));
         p->rest = span_skip(p->rest, 1)) {
        if (*p->rest.ptr == '.') {
            is_fraction = true;
            continue;
        }
        step.number = step.number * 10 + (*p->rest.ptr - '0');
        unit *= is_fraction ? 10 : 1;
    }
    if (p->rest.len && is_word_byte(*p->rest.ptr))
        return fail(p, "a name begins with a digit");
    step.number /= unit;
    return add(p, step);
}

static bool parse_operand(struct parser *p)
{
    struct expression_step step = { .kind = EXPRESSION_OPERAND };
    const char *wrong = p->reader->operand(p->reader->arg, &p->rest, &step);

    return wrong ? fail(p, wrong) : add(p, step);
}

static bool parse_unary(struct parser *p)
{
    enum operator operator= OPERATOR_NONE;

    skip_blanks(p);
    if (!p->rest.len)
        return fail(p, "it ends where a name or a number is wanted");
    if (p->depth == EXPRESSION_DEPTH_MAX)
        return fail(p, "it is nested too deeply");
    char c = *p->rest.ptr;

    bool is_marked = p->reader->has_marks && c == '-' && p->rest.len > 1 && ascii_is_alpha(p->rest.ptr[1]);

    if (is_marked)
        return parse_operand(p);
    if (p->reader->is_lax && begins_with_word(p->rest, "not")) {
        p->rest = span_skip(p->rest, 3);
        operator= OPERATOR_NOT;
    } else if (c == '!' || c == '-' || c == '+') {
        p->rest = span_skip(p->rest, 1);
        operator= c == '!' ? OPERATOR_NOT : c == '-' ? OPERATOR_MINUS : OPERATOR_NONE;
    } else if (c == '(') {
        p->rest = span_skip(p->rest, 1);
        p->depth++;
        bool is_whole = parse_choice(p) && (takes(p, ')') || fail(p, "a ( is not closed"));

        p->depth--;
        return is_whole;
    } else {
        return ascii_is_digit(c) || c == '.' ? parse_number(p) : parse_operand(p);
    }
    p->depth++;
    bool is_whole = parse_unary(p);

    p->depth--;
    return is_whole && (operator== OPERATOR_NONE || add_operator(p, operator));
}

/* The infix operator that comes next, of at least that level. */
static bool next_infix(struct parser *p, int least, size_t *out)
{
    skip_blanks(p);
    for (size_t i = 0; i < COUNT(infix); i++) {
        bool is_next =
            infix[i].is_word ? begins_with_word(p->rest, infix[i].text) : span_starts(p->rest, span_of(infix[i].text));

        if (!is_next || (infix[i].is_lax && !p->reader->is_lax))
            continue;
        *out = i;
        return infix[i].level >= least;
    }
    return false;
}

static bool parse_binary(struct parser *p, int least)
{
    size_t next;

    if (!parse_unary(p))
        return false;
    while (next_infix(p, least, &next)) {
        size_t left = p->out->count - 1;
        enum operator operator= infix[next].operator;

        p->rest = span_skip(p->rest, strlen(infix[next].text));
        if (!parse_binary(p, infix[next].level + 1) || !add_operator(p, operator))
            return false;
        if (operator== OPERATOR_AND || operator== OPERATOR_OR) {
            p->out->steps[left].skip = (p->out->count - 1 - left) & SKIP_MOST;
            p->out->steps[left].skip_if = operator== OPERATOR_OR;
        }
    }
    return true;
}

static bool parse_choice(struct parser *p)
{
    if (!parse_binary(p, 1))
        return false;
    if (!takes(p, '?'))
        return true;
    if (p->depth == EXPRESSION_DEPTH_MAX)
        return fail(p, "it is nested too deeply");
    p->depth++;
    bool is_whole = parse_choice(p) && (takes(p, ':') || fail(p, "a ? has no :")) && parse_choice(p);

    p->depth--;
    return is_whole && add_operator(p, OPERATOR_CHOICE);
}

static double nothing(const void *arg, unsigned operand)
{
    (void)arg;
    (void)operand;
    return 0;
}

static double work_out(const struct expression *e, double (*value)(const void *arg, unsigned operand), const void *arg,
                       bool is_whole, bool *divides_by_zero);

const char *expression_parse(struct arena *a, struct span text, const struct expression_reader *reader,
                             struct expression *out)
{
    struct parser p = { .arena = a, .reader = reader, .rest = text, .out = out };

    *out = (struct expression){ 0 };
    if (!parse_choice(&p))
        return p.wrong;
    skip_blanks(&p);
    if (p.rest.len)
        return arena_printf(a, "\"%.*s\" stands where an operator is wanted", SPAN_ARG(span_first(p.rest, 40)));
    out->steps = arena_grow(a, out->steps, out->count, out->count, sizeof *out->steps);
    work_out(out, nothing, NULL, true, &out->divides_by_zero);
    return NULL;
}

/* ---- the machine ---- */

static double unite(enum operator operator, double a, double b, bool *divides_by_zero)
{
    switch (operator) {
    case OPERATOR_TIMES: return a * b;
    case OPERATOR_OVER: *divides_by_zero |= b == 0; return b == 0 ? 0 : a / b;
    case OPERATOR_ADD: return a + b;
    case OPERATOR_SUBTRACT: return a - b;
    case OPERATOR_BELOW: return a < b;
    case OPERATOR_AT_MOST: return a <= b;
    case OPERATOR_ABOVE: return a > b;
    case OPERATOR_AT_LEAST: return a >= b;
    case OPERATOR_EQUAL: return a == b;
    case OPERATOR_UNEQUAL: return a != b;
    case OPERATOR_XOR:
        return a < 0 || b < 0 || a > UINT32_MAX || b > UINT32_MAX ? 0 : (double)((uint32_t)a ^ (uint32_t)b);
    case OPERATOR_AND: return a != 0 ? b : a;
    case OPERATOR_OR: return a != 0 ? a : b;
    case OPERATOR_NONE:
    case OPERATOR_NOT:
    case OPERATOR_MINUS:
    case OPERATOR_CHOICE: break;
    }
    BUG("operator %d takes no two values", (int)operator);
}

static double sum_of(const struct expression_step *step, double (*value)(const void *arg, unsigned operand),
                     const void *arg)
{
    double sum = 0;

    for (unsigned i = 0; i < step->count; i++)
        sum += value(arg, step->list[i]);
    return sum;
}

/* Three values stand on the stack for ?:, one for ! and -, two for the others. */
static size_t operate(enum operator operator, double * stack, size_t top, bool *divides_by_zero)
{
    switch (operator) {
    case OPERATOR_NOT: stack[top - 1] = stack[top - 1] == 0; return top;
    case OPERATOR_MINUS: stack[top - 1] = -stack[top - 1]; return top;
    case OPERATOR_CHOICE: stack[top - 3] = stack[top - 3] != 0 ? stack[top - 2] : stack[top - 1]; return top - 2;
    default: stack[top - 2] = unite(operator, stack[top - 2], stack[top - 1], divides_by_zero); return top - 1;
    }
}

/* Each open bracket, sign or level of precedence holds one value on the stack at most. */
enum { STACK_MAX = (EXPRESSION_DEPTH_MAX + 1) * 10 };

/* is_whole: also what cannot change the value. */
static double work_out(const struct expression *e, double (*value)(const void *arg, unsigned operand), const void *arg,
                       bool is_whole, bool *divides_by_zero)
{
    double stack[STACK_MAX];
    size_t top = 0;

    for (size_t i = 0; i < e->count; i++) {
        const struct expression_step *step = &e->steps[i];

        if (step->kind != EXPRESSION_OPERATOR && top == STACK_MAX)
            BUG("an expression needs more than %d values at once", STACK_MAX);
        switch (step->kind) {
        case EXPRESSION_NUMBER: stack[top++] = step->number; break;
        case EXPRESSION_OPERAND: stack[top++] = value(arg, step->operand); break;
        case EXPRESSION_SUM: stack[top++] = sum_of(step, value, arg); break;
        case EXPRESSION_OPERATOR: top = operate((enum operator)step->operator, stack, top, divides_by_zero); break;
        }
        for (bool holds = stack[top - 1] != 0; e->steps[i].skip && !is_whole && holds == e->steps[i].skip_if;)
            i += e->steps[i].skip;
    }
    return top ? stack[0] : 0;
}

double expression_value(const struct expression *e, double (*value)(const void *arg, unsigned operand), const void *arg)
{
    bool divides_by_zero = false;

    double result = work_out(e, value, arg, false, &divides_by_zero);

    return isfinite(result) ? result : 0;
}

/* ---- ranges ---- */

static struct expression_range point(double value)
{
    return (struct expression_range){ .least = value, .most = value };
}

static bool is_true(const struct expression_range *r)
{
    return r->least > 0 || r->most < 0;
}

static bool is_false(const struct expression_range *r)
{
    return r->least == 0 && r->most == 0;
}

/* From `least` to `most`, because of what is not known of these. */
static struct expression_range between(double least, double most, struct expression_range a, struct expression_range b)
{
    bool is_first = expression_is_open(&a) && (!expression_is_open(&b) || a.cost <= b.cost);
    const struct expression_range *why = is_first ? &a : &b;
    bool is_number = !isnan(least) && !isnan(most);

    return (struct expression_range){ is_number ? least : -INFINITY, is_number ? most : INFINITY, why->unknown,
                                      why->cost };
}

static struct expression_range either(bool is_sure, bool is_impossible, struct expression_range a,
                                      struct expression_range b)
{
    return is_sure ? point(1) : is_impossible ? point(0) : between(0, 1, a, b);
}

static struct expression_range product(struct expression_range a, struct expression_range b)
{
    double ends[] = { a.least * b.least, a.least * b.most, a.most * b.least, a.most * b.most };
    double least = ends[0], most = ends[0];

    for (size_t i = 0; i < COUNT(ends); i++) {
        if (isnan(ends[i]))
            return between(NAN, NAN, a, b);
        least = fmin(least, ends[i]);
        most = fmax(most, ends[i]);
    }
    return between(least, most, a, b);
}

static struct expression_range conjunction(struct expression_range a, struct expression_range b)
{
    if (is_false(&a) || is_true(&a))
        return is_false(&a) ? a : b;
    return is_false(&b) ? b : between(fmin(0, b.least), fmax(0, b.most), a, b);
}

/* A side that is not 0 is enough, whatever the other one is. */
static struct expression_range disjunction(struct expression_range a, struct expression_range b)
{
    if (is_false(&a) || is_true(&a))
        return is_false(&a) ? b : a;
    double least = a.least == 0 && b.least > 0 ? DBL_TRUE_MIN : a.least;

    return between(fmin(least, b.least), fmax(a.most, b.most), a, b);
}

/* Of two that are not both known. */
static struct expression_range unite_open(enum operator operator, struct expression_range a, struct expression_range b)
{
    if (isnan(a.least) || isnan(b.least))
        return between(NAN, NAN, a, b);
    bool is_apart = a.most < b.least || b.most < a.least;

    switch (operator) {
    case OPERATOR_TIMES: return product(a, b);
    case OPERATOR_ADD: return between(a.least + b.least, a.most + b.most, a, b);
    case OPERATOR_SUBTRACT: return between(a.least - b.most, a.most - b.least, a, b);
    case OPERATOR_BELOW: return either(a.most < b.least, a.least >= b.most, a, b);
    case OPERATOR_AT_MOST: return either(a.most <= b.least, a.least > b.most, a, b);
    case OPERATOR_ABOVE: return either(a.least > b.most, a.most <= b.least, a, b);
    case OPERATOR_AT_LEAST: return either(a.least >= b.most, a.most < b.least, a, b);
    case OPERATOR_EQUAL: return either(false, is_apart, a, b);
    case OPERATOR_UNEQUAL: return either(is_apart, false, a, b);
    case OPERATOR_AND: return conjunction(a, b);
    case OPERATOR_OR: return disjunction(a, b);
    default: return between(NAN, NAN, a, b); /* nothing is known of it */
    }
}

static struct expression_range unite_ranges(enum operator operator, struct expression_range a,
                                            struct expression_range b)
{
    bool divides_by_zero = false;

    if (expression_is_open(&a) || expression_is_open(&b))
        return unite_open(operator, a, b);
    return point(unite(operator, a.least, b.least, &divides_by_zero));
}

static struct expression_range negation(struct expression_range a)
{
    if (!expression_is_open(&a))
        return point(a.least == 0);
    return is_true(&a) ? point(0) : between(0, 1, a, a);
}

static struct expression_range choice(struct expression_range a, struct expression_range b, struct expression_range c)
{
    if (!expression_is_open(&a) || is_true(&a))
        return a.least != 0 || a.most != 0 ? b : c;
    bool is_number = !isnan(b.least) && !isnan(c.least);

    return between(is_number ? fmin(b.least, c.least) : NAN, fmax(b.most, c.most), a, a);
}

static size_t operate_ranges(enum operator operator, struct expression_range * stack, size_t top)
{
    struct expression_range *last = &stack[top - 1];

    switch (operator) {
    case OPERATOR_NOT: *last = negation(*last); return top;
    case OPERATOR_MINUS:
        *last = (struct expression_range){ -last->most, -last->least, last->unknown, last->cost };
        return top;
    case OPERATOR_CHOICE: last[-2] = choice(last[-2], last[-1], last[0]); return top - 2;
    default: last[-1] = unite_ranges(operator, last[-1], last[0]); return top - 1;
    }
}

struct expression_range expression_range(const struct expression *e,
                                         struct expression_range (*range)(const void *arg, unsigned operand),
                                         const void *arg)
{
    struct expression_range stack[STACK_MAX];
    size_t top = 0;

    for (size_t i = 0; i < e->count; i++) {
        const struct expression_step *step = &e->steps[i];

        if (step->kind != EXPRESSION_OPERATOR && top == STACK_MAX)
            BUG("an expression needs more than %d ranges at once", STACK_MAX);
        switch (step->kind) {
        case EXPRESSION_NUMBER: stack[top++] = point(step->number); break;
        case EXPRESSION_OPERAND: stack[top++] = range(arg, step->operand); break;
        case EXPRESSION_SUM:
            stack[top++] = point(0);
            for (unsigned k = 0; k < step->count; k++)
                stack[top - 1] = unite_ranges(OPERATOR_ADD, stack[top - 1], range(arg, step->list[k]));
            break;
        case EXPRESSION_OPERATOR: top = operate_ranges((enum operator)step->operator, stack, top); break;
        }
        while (e->steps[i].skip && (e->steps[i].skip_if ? is_true(&stack[top - 1]) : is_false(&stack[top - 1])))
            i += e->steps[i].skip;
    }
    struct expression_range all = top ? stack[0] : point(0);

    if (!expression_is_open(&all))
        return point(isfinite(all.least) ? all.least : 0);
    if (!isfinite(all.least) || !isfinite(all.most)) /* what outgrows all numbers is 0 */
        return between(NAN, NAN, all, all);
    return all;
}

/* tests/fuzz/fuzz_meta.c - expressions of metas: what one line means it means again with brackets around it, and the
 * negation of its negation has hit when it has.
 */
#include "gateway/base/bug.h"
#include "rules/meta.h"

static const struct ruleset *load(struct arena *a, const char *expression)
{
    static const struct ruleset_options options = { 0 };
    const char *text = arena_printf(a,
                                    "body A /a/\nbody B /b/\nbody C_1 /c/\nbody C_2 /c/\nmeta ONE %s\n"
                                    "meta BRACKETS ( %s )\nmeta NOT !(%s)\nmeta SAME !NOT\n",
                                    expression, expression, expression);

    return ruleset_load_text(a, "fuzz.cf", span_of(text), &options);
}

static const struct rule *rule_of(const struct ruleset *set, const char *name)
{
    const struct rule *rule = ruleset_find(set, span_of(name));

    if (!rule)
        BUG("there is no rule %s", name);
    return rule;
}

/* A line of its own, without comments and brackets that would end those around it. */
static bool is_line(struct span s)
{
    int depth = 0;

    for (size_t i = 0; i < s.len; i++) {
        depth += s.ptr[i] == '(' ? 1 : s.ptr[i] == ')' ? -1 : 0;
        if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '#' || depth < 0)
            return false;
    }
    return depth == 0 && s.len > 0 && span_trim(s).len == s.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span line = span_make((const char *)data + 1, size ? size - 1 : 0);
    struct arena arena;

    if (!size || !is_line(line))
        return 0;
    arena_init(&arena, 1 << 24);
    const struct ruleset *set = load(&arena, arena_dup(&arena, line));
    const struct rule *one = rule_of(set, "ONE"), *brackets = rule_of(set, "BRACKETS"), *same = rule_of(set, "SAME"),
                      *not = rule_of(set, "NOT");
    unsigned *hits = arena_alloc(&arena, set->count * sizeof *hits);

    for (unsigned i = 0; i < 4; i++)
        hits[i] = data[0] >> (2 * i) & 3;
    metas_evaluate(set, hits, NULL, &arena);
    bool names_others = span_search(line, SPAN("rules_matching")) != SPAN_NPOS || /* which are not all the same */
                        span_search(line, SPAN("ONE")) != SPAN_NPOS ||
                        span_search(line, SPAN("BRACKETS")) != SPAN_NPOS ||
                        span_search(line, SPAN("NOT")) != SPAN_NPOS || span_search(line, SPAN("SAME")) != SPAN_NPOS;

    if (!names_others && one->state == RULE_ACTIVE && brackets->state == RULE_ACTIVE && not ->state == RULE_ACTIVE &&
        (hits[one->index] != hits[brackets->index] || !hits[one->index] != !hits[same->index]))
        BUG("%.*s: %u, %u in brackets, %u", SPAN_ARG(line), hits[one->index], hits[brackets->index], hits[same->index]);
    arena_release(&arena);
    return 0;
}

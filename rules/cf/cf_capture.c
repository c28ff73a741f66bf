/* rules/cf/cf_capture.c - patterns with (?<NAME>...), and those that have what these have captured in them: %{NAME}. */
#include "rules/captures.h"
#include "rules/cf/cf.h"

/* SpamAssassin runs what captures before all else. */
enum { PRIORITY = -10000 };

/* Behind the next (?<, (?P< or (?' whose name begins with a capital; *name is it. SPAN_NPOS: there is none. */
static size_t next_group(struct span pattern, size_t from, struct span *name)
{
    for (size_t at = from; at + 3 < pattern.len; at++) {
        struct span rest = span_skip(pattern, at);
        size_t skip = span_starts(rest, SPAN("(?P<")) ? 4 : 3, len = 0;

        if (!span_starts(rest, SPAN("(?P<")) && !span_starts(rest, SPAN("(?<")) && !span_starts(rest, SPAN("(?'")))
            continue;
        rest = span_skip(rest, skip);
        while (len < rest.len && (ascii_is_alnum(rest.ptr[len]) || rest.ptr[len] == '_'))
            len++;
        *name = span_first(rest, len);
        if (len && *rest.ptr >= 'A' && *rest.ptr <= 'Z')
            return at + skip;
    }
    return SPAN_NPOS;
}

/* As what a value stands for can be any text. NULL: there is nothing in it that another rule would have captured. */
static const char *with_anything(struct arena *a, struct span pattern)
{
    size_t from = 0, at = 0;
    struct span name;
    struct strbuf out;

    strbuf_init(&out, 2 * CF_PATTERN_MAX);
    for (size_t place; (place = captures_next(pattern, &at, &name)) != SPAN_NPOS; from = at) {
        strbuf_put(&out, span_first(span_skip(pattern, from), place - from));
        strbuf_puts(&out, "(?s:.+)");
    }
    strbuf_put(&out, span_skip(pattern, from));
    const char *text = from ? arena_dup(a, strbuf_span(&out)) : NULL;

    strbuf_release(&out);
    return text;
}

const char *cf_capture(struct arena *a, struct rule *rule)
{
    const char *loose = with_anything(a, span_of(rule->pattern));
    struct span name;

    if (rule->kind == RULE_MIMEHEADER)
        return loose ? "mimeheader rules take nothing of what others have captured, %{NAME}" : NULL;
    if (!rule->is_negated && next_group(span_of(rule->pattern), 0, &name) != SPAN_NPOS) {
        rule->captures = true;
        rule->priority = PRIORITY;
    }
    if (!loose)
        return NULL;
    rule->template = rule->pattern;
    return cf_pattern_convert(a, span_of(loose), rule->options, &rule->pattern);
}

static void add_names(struct names *names, const struct rule *rule)
{
    struct span pattern = span_of(rule->pattern), name;

    for (size_t at = 0; (at = next_group(pattern, at, &name)) != SPAN_NPOS;)
        names_add(names, name);
}

static void refuse(struct rule *rule, const struct names *names, struct arena *a)
{
    struct span pattern = span_of(rule->template), name;

    for (size_t at = 0; rule->state == RULE_ACTIVE && captures_next(pattern, &at, &name) != SPAN_NPOS;)
        if (names_find(names, name) == NAMES_NONE) {
            rule->state = RULE_UNSUPPORTED;
            rule->why = arena_printf(a, "it needs %%{%.*s}, which no rule that is run captures", SPAN_ARG(name));
        }
}

void cf_capture_refuse(struct ruleset *set, struct arena *a)
{
    struct names names;

    names_init(&names, a);
    for (size_t i = 0; i < set->count; i++)
        if (set->rules[i].captures && set->rules[i].state == RULE_ACTIVE)
            add_names(&names, &set->rules[i]);
    for (size_t i = 0; i < set->count; i++)
        if (set->rules[i].template && set->rules[i].state == RULE_ACTIVE)
            refuse(&set->rules[i], &names, a);
}

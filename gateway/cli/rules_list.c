/* cli/rules_list.c - what rules a configuration loads, for people. */
#include "gateway/cli/rules_list.h"

#include "gateway/cli/shown.h"

enum { TEXT_MOST = 400 };

void rules_list_count(const struct ruleset *set, struct strbuf *out)
{
    strbuf_putf(out, "rules: %zu loaded, %zu run, %zu off, %zu not supported", set->count, set->active,
                set->count - set->active - set->unsupported, set->unsupported);
    if (set->note_count)
        strbuf_putf(out, ", %zu other line%s noted", set->note_count, set->note_count == 1 ? "" : "s");
    strbuf_putc(out, '\n');
}

/* Files are foreign, and what they say goes to a terminal. */
static void put_place(struct strbuf *out, const char *file, unsigned line)
{
    cli_put_shown(out, span_of(file), TEXT_MOST);
    if (line)
        strbuf_putf(out, ":%u", line);
    strbuf_puts(out, ": ");
}

void rules_list_print(const struct ruleset *set, struct strbuf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];

        if (rule->state != RULE_UNSUPPORTED)
            continue;
        put_place(out, rule->file, rule->line);
        strbuf_putf(out, "%s: ", rule->name);
        cli_put_shown(out, span_of(rule->why), TEXT_MOST);
        strbuf_putc(out, '\n');
    }
    for (size_t i = 0; i < set->note_count; i++) {
        put_place(out, set->notes[i].file, set->notes[i].line);
        cli_put_shown(out, span_of(set->notes[i].text), TEXT_MOST);
        strbuf_putc(out, '\n');
    }
}

/* rules/cf/cf_marks.c - lines of rule files that say something of a rule, which may stand before or behind it. */
#include <limits.h>

#include "gateway/base/bug.h"
#include "rules/cf/cf.h"

enum { SCORE_MAX = 1000000 }; /* thousandths */

/* The rule of a line, and the rest of the line; NULL: noted. */
static struct draft *marked(struct cf *cf, struct span *value, const char *key)
{
    struct span name;

    if (!cf_word(value, &name) || !value->len) {
        cf_note(cf, "%s wants a rule and what to say of it", key);
        return NULL;
    }
    return cf_draft(cf, name);
}

/* -1.25, or (0.5): by so much more than before. */
static bool read_score(struct span word, int *thousandths, bool *is_relative)
{
    bool is_negative;
    int64_t value = 0, unit = 1000;

    if (span_starts(word, SPAN("(")) && span_ends(word, SPAN(")"))) {
        word = span_skip(span_first(word, word.len - 1), 1);
        *is_relative = true;
    }
    is_negative = span_starts(word, SPAN("-"));
    word = span_skip(word, is_negative);
    if (!word.len || !ascii_is_digit(word.ptr[0]) || !ascii_is_digit(word.ptr[word.len - 1]))
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '.' && unit == 1000)
            unit = 100;
        else if (!ascii_is_digit(word.ptr[i]))
            return false;
        else if (unit == 1000)
            value = value * 10 + (word.ptr[i] - '0') * 1000;
        else {
            value += (word.ptr[i] - '0') * unit;
            unit /= 10;
        }
        if (value > SCORE_MAX)
            value = SCORE_MAX;
    }
    *thousandths = (int)(is_negative ? -value : value);
    return true;
}

static int limited(int score)
{
    return score > SCORE_MAX ? SCORE_MAX : score < -SCORE_MAX ? -SCORE_MAX : score;
}

void cf_score(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = marked(cf, &value, "score");
    bool is_relative = false;
    int scores[4] = { 0 };
    unsigned count = 0;
    struct span word;

    (void)to;
    if (!draft)
        return;
    for (; cf_word(&value, &word); count++)
        if (count == 4 || !read_score(word, &scores[count], &is_relative)) {
            cf_note(cf, "score wants one number or four, each below 1000");
            return;
        }
    if (count != 1 && count != 4) {
        cf_note(cf, "score wants one number or four");
        return;
    }
    if (is_relative && !draft->rule.is_scored) {
        cf_note(cf, "a score in brackets is added to one that stands before it, and here is none");
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        int said = scores[count == 1 ? 0 : i];

        draft->rule.scores[i] = limited(is_relative ? draft->rule.scores[i] + said : said);
    }
    draft->rule.is_scored = true;
    draft->scored_file = cf->file;
    draft->scored_line = cf->line;
}

void cf_describe(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = marked(cf, &value, "describe");

    (void)to;
    if (draft)
        draft->rule.describe = arena_dup(cf->arena, value);
}

/* Numbers behind a flag: "maxhits=5". */
static unsigned number_of(struct span word)
{
    unsigned n = 0;

    for (size_t i = 0; i < word.len && ascii_is_digit(word.ptr[i]) && n < 100000; i++)
        n = n * 10 + (unsigned)(word.ptr[i] - '0');
    return n;
}

/* 2, 2-, -3, 2-3. */
static void take_range(struct rule *rule, struct span range)
{
    struct span rest = range, first = { 0 };

    span_cut(&rest, '-', &first);
    rule->tflags |= RULE_RANGE;
    rule->range_first = number_of(first);
    rule->range_last = rest.len ? number_of(rest) : rest.ptr ? UINT_MAX : rule->range_first;
}

static void take_flag(struct rule *rule, struct span word)
{
    static const struct {
        const char *word;
        unsigned flag;
    } flags[] = {
        { "multiple", RULE_MULTIPLE },
        { "nice", RULE_NICE },
        { "net", RULE_NET },
        { "userconf", RULE_USERCONF },
        { "learn", RULE_LEARN },
        { "noautolearn", RULE_NOAUTOLEARN },
        { "autolearn_force", RULE_AUTOLEARN_FORCE },
        { "nosubject", RULE_NOSUBJECT },
        { "notrim", RULE_NOTRIM },
        { "concat", RULE_CONCAT },
        { "publish", RULE_PUBLISH },
        { "nolog", RULE_NOLOG },
    };

    for (size_t i = 0; i < COUNT(flags); i++)
        if (span_is(word, flags[i].word))
            rule->tflags |= flags[i].flag;
    if (span_starts(word, SPAN("maxhits=")))
        rule->hits_most = number_of(span_skip(word, 8));
    if (!span_starts(word, SPAN("range=")))
        return;
    take_range(rule, span_skip(word, 6));
}

/* The last line of a rule's flags holds; what none of us knows is for others. */
void cf_tflags(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = marked(cf, &value, "tflags");
    struct span word;

    (void)to;
    if (!draft)
        return;
    draft->rule.tflags = 0;
    draft->rule.hits_most = draft->rule.range_first = draft->rule.range_last = 0;
    while (cf_word(&value, &word))
        take_flag(&draft->rule, word);
}

enum { PRIORITY_MAX = 1000000 };

void cf_priority(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = marked(cf, &value, "priority");
    bool is_negative = span_starts(value, SPAN("-"));
    uint64_t number;

    (void)to;
    if (!draft)
        return;
    if (span_u64(span_skip(value, is_negative), PRIORITY_MAX, &number))
        cf_note(cf, "priority wants a number between -%d and %d", PRIORITY_MAX, PRIORITY_MAX);
    else
        draft->rule.priority = is_negative ? -(int)number : (int)number;
}

/* ham and spam: before all others, and nothing to learn from. */
void cf_shortcircuit(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = marked(cf, &value, "shortcircuit");
    enum rule_shortcut shortcut = SHORTCUT_NONE;

    (void)to;
    if (!draft)
        return;
    if (span_is(value, "on"))
        shortcut = SHORTCUT_ON;
    else if (span_is(value, "ham"))
        shortcut = SHORTCUT_HAM;
    else if (span_is(value, "spam"))
        shortcut = SHORTCUT_SPAM;
    else if (!span_is(value, "off")) {
        cf_note(cf, "shortcircuit wants on, off, ham or spam");
        return;
    }
    draft->rule.shortcut = shortcut;
    if (shortcut != SHORTCUT_HAM && shortcut != SHORTCUT_SPAM)
        return;
    draft->rule.priority = draft->rule.priority ? draft->rule.priority : -200;
    draft->rule.tflags |= RULE_NOAUTOLEARN | (shortcut == SHORTCUT_HAM ? RULE_NICE : 0);
}

/* rules/cf/cf_rules.c - lines of rule files that define rules. A later definition takes the place of an earlier one. */
#include "rules/cf/cf.h"
#include "rules/eval/eval.h"

/* The rule that a line defines, as new; `value` goes on behind its name. NULL: it cannot be one, which is noted. */
static struct draft *define(struct cf *cf, struct span *value, enum rule_kind kind)
{
    struct span name;

    if (!cf_word(value, &name) || !value->len) {
        cf_note(cf, "the rule has no name, or nothing behind it");
        return NULL;
    }
    struct draft *draft = cf_draft(cf, name);

    if (!draft)
        return NULL;
    struct rule *rule = &draft->rule;
    struct rule said = *rule;

    if (!draft->is_defined)
        draft->order = cf->definitions++;
    draft->is_defined = true;
    draft->text = NULL;
    *rule = (struct rule){
        .name = said.name,
        .kind = kind,
        .describe = said.describe,
        .file = cf->file,
        .line = cf->line,
        .is_sub = span_starts(name, SPAN("__")),
        .is_scored = said.is_scored,
        .tflags = said.tflags,
        .hits_most = said.hits_most,
        .range_first = said.range_first,
        .range_last = said.range_last,
        .priority = said.priority,
        .shortcut = said.shortcut,
    };
    memcpy(rule->scores, said.scores, sizeof rule->scores);
    return draft;
}

static void refuse(struct draft *draft, const char *why)
{
    if (draft->rule.state == RULE_UNSUPPORTED)
        return;
    draft->rule.state = RULE_UNSUPPORTED;
    draft->rule.why = why;
}

/* ---- eval ---- */

/* Where an argument ends that begins with a quote: at the next one with a comma, or the end, behind it. */
static size_t end_of_quoted(struct span rest)
{
    for (size_t i = 1; i < rest.len; i++) {
        size_t next = i + 1;

        if (rest.ptr[i] != rest.ptr[0])
            continue;
        while (next < rest.len && cf_is_blank(rest.ptr[next]))
            next++;
        if (next == rest.len || rest.ptr[next] == ',')
            return i;
    }
    return SPAN_NPOS;
}

static bool is_bare(char c)
{
    return ascii_is_alnum(c) || c == '.' || c == ':' || c == '-';
}

/* One argument off the front of *rest, with its comma. */
static bool next_argument(struct span *rest, struct span *out)
{
    bool is_quoted = *rest->ptr == '"' || *rest->ptr == '\'';
    size_t end = is_quoted ? end_of_quoted(*rest) : 0;

    while (!is_quoted && end < rest->len && is_bare(rest->ptr[end]))
        end++;
    if (end == SPAN_NPOS || (!is_quoted && end == 0))
        return false;
    *out = is_quoted ? span_skip(span_first(*rest, end), 1) : span_first(*rest, end);
    *rest = cf_trim(span_skip(*rest, is_quoted ? end + 1 : end));
    if (rest->len && *rest->ptr != ',')
        return false;
    *rest = cf_trim(span_skip(*rest, 1));
    return true;
}

enum { ARGUMENTS_MAX = 64 };

static const char *read_arguments(struct cf *cf, struct span rest, struct rule_eval *eval)
{
    struct span one;

    eval->arguments = NULL;
    for (rest = cf_trim(rest); rest.len;) {
        if (eval->argument_count == ARGUMENTS_MAX || !next_argument(&rest, &one))
            return "the arguments of its function are not understood";
        if (!eval->arguments)
            eval->arguments = arena_alloc(cf->arena, ARGUMENTS_MAX * sizeof *eval->arguments);
        eval->arguments[eval->argument_count++] = arena_dup(cf->arena, one);
    }
    return NULL;
}

/* Functions of which a reader of the list wants to know more than that they are not there. */
static const char *why_unknown(struct cf *cf, const char *function)
{
    static const struct {
        const char *prefix, *why;
    } known[] = {
        { "check_rbl", "it asks lists in the DNS; the checks \"dnsbl\" and \"rhsbl\" do" },
        { "check_dns_sender", "it asks the DNS; the check \"sender\" does" },
        { "check_uridnsbl", "it asks lists in the DNS; the check \"urls\" does" },
        { "check_hashbl", "it asks lists in the DNS; the check \"urls\" does" },
        { "check_senders_reputation", "it asks a service that no longer is" },
        { "check_razor2", "it asks Razor, which is not supported" },
        { "check_pyzor", "it asks Pyzor, which is not supported" },
        { "check_dcc", "it asks DCC, which is not supported" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(function, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].why;
    return arena_printf(cf->arena, "the function %s() is not supported", function);
}

static void take_eval(struct cf *cf, struct draft *draft, struct span call)
{
    struct rule_eval *eval = &draft->rule.eval;
    size_t open = span_find(call, '(');

    draft->rule.is_eval = true;
    call = cf_trim(call);
    if (open == SPAN_NPOS || open == 0 || call.ptr[call.len - 1] != ')') {
        refuse(draft, "an eval rule is written eval:function(arguments)");
        return;
    }
    eval->function = arena_dup(cf->arena, cf_trim(span_first(call, open)));
    const char *wrong = read_arguments(cf, span_skip(span_first(call, call.len - 1), open + 1), eval);

    eval->known = cf->options->find_eval ? cf->options->find_eval(eval->function) : NULL;
    if (!eval->known)
        wrong = why_unknown(cf, eval->function);
    else if (!wrong && (eval->argument_count < eval->known->least_arguments ||
                        eval->argument_count > eval->known->most_arguments))
        wrong = arena_printf(cf->arena, "%s() takes %u to %u arguments, here are %zu", eval->function,
                             eval->known->least_arguments, eval->known->most_arguments, eval->argument_count);
    else if (!wrong)
        wrong = eval_fault(cf->arena, eval);
    if (wrong)
        refuse(draft, wrong);
}

/* ---- patterns ---- */

/* Tags in them are replaced, and PCRE2 asked, once all files are read. */
static void take_pattern(struct cf *cf, struct draft *draft, struct span text)
{
    draft->text = arena_dup(cf->arena, text);
}

void cf_text_rule(struct cf *cf, const char *to, struct span value)
{
    enum rule_kind kind = to[0] == 'b' ? RULE_BODY : to[0] == 'r' ? RULE_RAWBODY : to[0] == 'u' ? RULE_URI : RULE_FULL;
    struct draft *draft = define(cf, &value, kind);

    if (!draft)
        return;
    if (kind != RULE_URI && span_starts(value, SPAN("eval:")))
        take_eval(cf, draft, span_skip(value, 5));
    else
        take_pattern(cf, draft, value);
}

/* ---- header fields ---- */

/* One form is the rule's; several, or one of the others, stay with the field's name for who looks it up. */
static const char *take_form(struct rule *rule, struct span *field)
{
    static const struct {
        const char *word;
        enum header_form form;
    } forms[] = { { "raw", HEADER_RAW },    { "addr", HEADER_ADDR },  { "name", HEADER_NAME },
                  { "host", HEADER_TEXT },  { "ip", HEADER_TEXT },    { "domain", HEADER_TEXT },
                  { "revip", HEADER_TEXT }, { "first", HEADER_TEXT }, { "last", HEADER_TEXT } };
    struct span name = { 0 }, word, rest = *field;
    enum header_form form = HEADER_TEXT;
    bool is_addr = false, is_raw = false;
    size_t count = 0;

    span_cut(&rest, ':', &name);
    while (span_cut(&rest, ':', &word) && word.len) {
        size_t f = 0;

        while (f < sizeof forms / sizeof *forms && !span_is(word, forms[f].word))
            f++;
        if (f == sizeof forms / sizeof *forms)
            return "header fields have the forms :raw, :addr, :name, :host, :domain, :ip, :revip, :first and :last; no "
                   "other is supported";
        is_addr |= forms[f].form == HEADER_ADDR;
        count += forms[f].form != HEADER_RAW;
        is_raw |= forms[f].form == HEADER_RAW;
        if (forms[f].form != HEADER_RAW)
            form = forms[f].form;
    }
    if (is_raw && !is_addr) { /* From:addr:raw is From:addr */
        form = count ? form : HEADER_RAW;
        count++;
    }
    if (count == 0 || (count == 1 && form != HEADER_TEXT)) {
        rule->form = form;
        *field = name;
    }
    return NULL;
}

/* Field =~ pattern, Field !~ pattern. */
static bool split_match(struct span value, struct span *field, bool *is_negated, struct span *pattern)
{
    size_t len = 0;

    while (len < value.len && (ascii_is_alnum(value.ptr[len]) || strchr("_.-:", value.ptr[len])))
        len++;
    *field = span_first(value, len);
    value = cf_trim(span_skip(value, len));
    *is_negated = span_starts(value, SPAN("!~"));
    *pattern = cf_trim(span_skip(value, 2));
    return len && (*is_negated || span_starts(value, SPAN("=~"))) && pattern->len;
}

/* " [if-unset: TEXT]" behind the pattern. */
static const char *cut_if_unset(struct arena *a, struct span *pattern)
{
    static const char mark[] = "[if-unset:";
    size_t at = span_search(*pattern, SPAN("[if-unset:"));

    if (!span_ends(*pattern, SPAN("]")) || at == SPAN_NPOS || at == 0 || !cf_is_blank(pattern->ptr[at - 1]))
        return NULL;
    struct span text = cf_trim(span_skip(span_first(*pattern, pattern->len - 1), at + sizeof mark - 1));

    *pattern = cf_trim(span_first(*pattern, at));
    return arena_dup(a, text);
}

static void take_match(struct cf *cf, struct draft *draft, struct span value)
{
    struct rule *rule = &draft->rule;
    struct span field, pattern;

    if (!split_match(value, &field, &rule->is_negated, &pattern)) {
        refuse(draft, "it is written Field =~ /pattern/, Field !~ /pattern/ or exists:Field");
        return;
    }
    const char *wrong = take_form(rule, &field);

    rule->field = arena_dup(cf->arena, field);
    rule->if_unset = cut_if_unset(cf->arena, &pattern);
    take_pattern(cf, draft, pattern);
    if (wrong)
        refuse(draft, wrong);
}

static void take_exists(struct cf *cf, struct draft *draft, struct span field)
{
    struct rule *rule = &draft->rule;
    const char *wrong = take_form(rule, &field);

    rule->is_exists = true;
    rule->field = arena_dup(cf->arena, cf_trim(field));
    if (wrong || !rule->field[0])
        refuse(draft, wrong ? wrong : "exists: wants the name of a header field");
}

void cf_header(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = define(cf, &value, RULE_HEADER);

    (void)to;
    if (!draft)
        return;
    if (span_starts(value, SPAN("eval:")) || span_starts(value, SPAN("rbleval:")))
        take_eval(cf, draft, span_skip(value, span_find(value, ':') + 1));
    else if (span_starts(value, SPAN("exists:")))
        take_exists(cf, draft, span_skip(value, 7));
    else
        take_match(cf, draft, value);
}

void cf_mimeheader(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = define(cf, &value, RULE_MIMEHEADER);

    (void)to;
    if (draft)
        take_match(cf, draft, value);
}

/* ---- the others ---- */

void cf_meta(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = define(cf, &value, RULE_META);

    (void)to;
    if (draft)
        draft->text = arena_dup(cf->arena, value);
}

void cf_foreign_rule(struct cf *cf, const char *to, struct span value)
{
    struct draft *draft = define(cf, &value, RULE_BODY);

    if (draft)
        refuse(draft, to);
}

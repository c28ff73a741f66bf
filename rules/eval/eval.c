/* rules/eval/eval.c - all eval functions, found by name.
 *
 * Threads: any; the tables are constant.
 */
#include "rules/eval/eval.h"

#include "rules/eval/eval_parts.h"

static const struct eval_function *const groups[] = {
    eval_header_functions, eval_date_functions,  eval_origin_functions,   eval_subject_functions,
    eval_relay_functions,  eval_html_functions,  eval_mime_functions,     eval_mime_more_functions,
    eval_body_functions,   eval_uri_functions,   eval_freemail_functions, eval_list_functions,
    eval_auth_functions,   eval_image_functions,
};

enum { GROUPS = sizeof groups / sizeof *groups };

const struct eval_function *eval_find(const char *name)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct eval_function *f = groups[g]; f->name; f++)
            if (strcmp(f->name, name) == 0)
                return f;
    return NULL;
}

bool eval_has_plugin(const char *plugin)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct eval_function *f = groups[g]; f->name; f++)
            if (strcmp(f->plugin, plugin) == 0)
                return true;
    return false;
}

const char *eval_fault(struct arena *a, const struct rule_eval *call)
{
    static const struct {
        const char *function;
        size_t argument; /* that is a regular expression */
    } patterns[] = { { "html_text_match", 1 },     { "html_text_not_match", 1 }, { "check_freemail_header", 1 },
                     { "check_freemail_from", 0 }, { "check_freemail_body", 0 }, { "image_name_regex", 0 } };

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (strcmp(call->function, patterns[i].function) == 0 && call->argument_count > patterns[i].argument)
            return eval_pattern_fault(a, call->arguments[patterns[i].argument]);
    return NULL;
}

struct eval_memo *eval_memo(struct scanning *s)
{
    if (!s->eval)
        s->eval = arena_alloc(s->q->arena, sizeof *s->eval);
    return s->eval;
}

const char *eval_argument(const struct rule *rule, size_t nth)
{
    return nth < rule->eval.argument_count ? rule->eval.arguments[nth] : NULL;
}

double eval_number(const struct rule *rule, size_t nth, double fallback)
{
    const char *text = eval_argument(rule, nth);

    return text ? eval_decimal(span_of(text)) : fallback;
}

double eval_decimal(struct span text)
{
    double value = 0, unit = 1;
    bool is_negative = span_starts(text, SPAN("-")), is_fraction = false;

    for (size_t i = is_negative || span_starts(text, SPAN("+")); i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '.' && !is_fraction) {
            is_fraction = true;
        } else if (!ascii_is_digit(c)) {
            break;
        } else if (is_fraction) {
            unit /= 10;
            value += unit * (c - '0');
        } else {
            value = value * 10 + (c - '0');
        }
    }
    return is_negative ? -value : value;
}

bool eval_is_unset(const struct rule *rule, size_t nth)
{
    const char *text = eval_argument(rule, nth);

    return !text || strcmp(text, "undef") == 0;
}

/* Puts a field's body with LF for CRLF, and one at its end, to `out`; returns how many bytes. */
static size_t put_raw(char *out, struct span body)
{
    size_t n = 0;

    for (struct span rest = body; rest.len;) {
        size_t cr = span_find(rest, '\r');
        size_t plain = cr == SPAN_NPOS ? rest.len : cr;

        memcpy(out + n, rest.ptr, plain);
        n += plain;
        if (cr != SPAN_NPOS && !(cr + 1 < rest.len && rest.ptr[cr + 1] == '\n'))
            out[n++] = '\r';
        rest = span_skip(rest, plain + (cr != SPAN_NPOS));
    }
    out[n++] = '\n';
    return n;
}

struct span eval_raw_all(struct scanning *s, const char *field)
{
    const struct header_index *h = &s->q->message->header;
    struct span name = span_of(field);
    size_t room = 0, n = 0;

    for (size_t i = 0; i < h->count; i++)
        if (span_ieq(h->fields[i].name, name))
            room += h->fields[i].body.len + 1;
    if (room == 0)
        return SPAN("");
    char *copy = arena_alloc(s->q->arena, room);
    for (size_t i = 0; i < h->count; i++)
        if (span_ieq(h->fields[i].name, name))
            n += put_raw(copy + n, h->fields[i].body);
    return span_make(copy, n);
}

struct span eval_raw_header(struct scanning *s)
{
    const struct header_index *h = &s->q->message->header;
    size_t room = 1, n = 0;

    for (size_t i = 0; i < h->count; i++)
        room += h->fields[i].whole.len + 1;
    char *copy = arena_alloc(s->q->arena, room);
    for (size_t i = 0; i < h->count; i++) {
        struct span whole = h->fields[i].whole;
        n += put_raw(copy + n, span_ends(whole, SPAN("\r\n")) ? span_first(whole, whole.len - 2) : whole);
    }
    return span_make(copy, n);
}

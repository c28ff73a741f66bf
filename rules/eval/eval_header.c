/* rules/eval/eval_header.c - eval functions that count and weigh header fields.
 */
#include <stdlib.h>

#include "gateway/base/utf8.h"
#include "rules/eval/eval_parts.h"

static int by_bytes(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* How many different values the fields of that name have. */
static size_t different_values(struct scanning *s, const char *field)
{
    const struct header_index *h = &s->q->message->header;
    struct span *values = arena_alloc(s->q->arena, h->count * sizeof *values + 1);
    size_t n = 0, different = 0;

    for (size_t i = 0; i < h->count; i++)
        if (span_iis(h->fields[i].name, field))
            values[n++] = header_unfold(s->q->arena, h->fields[i].body);
    qsort(values, n, sizeof *values, by_bytes);
    for (size_t i = 0; i < n; i++)
        different += i == 0 || !span_eq(values[i], values[i - 1]);
    return different;
}

static unsigned header_count_range(struct scanning *s, const struct rule *rule)
{
    double n = (double)different_values(s, eval_argument(rule, 0));

    return n >= eval_number(rule, 1, 0) && n <= eval_number(rule, 2, 0);
}

static unsigned missing_to(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return header_count(&s->q->message->header, "To") == 0 &&
           header_count(&s->q->message->header, "Apparently-To") == 0;
}

/* Bytes that no header field has as it is: above ASCII, and control characters. A single sign of currency or trade mark
 * in Subject is let pass. */
static unsigned illegal_chars(struct scanning *s, const struct rule *rule)
{
    char field[100];
    struct span name = span_of(eval_argument(rule, 0));
    size_t illegal = 0, controls = 0, signs = 0;

    if (span_iends(name, SPAN(":raw")))
        name = span_first(name, name.len - 4);
    if (span_copy(name, field, sizeof field) != 0)
        return 0;
    struct span text =
        span_is(name, "ALL") ? s->q->message->header.count ? eval_raw_header(s) : SPAN("") : eval_raw_all(s, field);
    if (span_trim(text).len == 0)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_control = c < 0x20 && c != '\t' && c != '\n' && c != '\r';

        controls += is_control;
        illegal += is_control || c >= 0x7f;
        signs += c == 0xa2 || c == 0xa3 || c == 0xae;
    }
    if (controls == 0 && !ascii_is_all(text) && utf8_is_valid(text))
        return 0;
    if (illegal > 0 && signs == 1 && span_iis(name, "Subject"))
        illegal--;
    return (double)illegal / (double)text.len >= eval_number(rule, 1, 0) && (double)illegal >= eval_number(rule, 2, 0);
}

#define HEADER SA_PLUGIN("HeaderEval")

const struct eval_function eval_header_functions[] = {
    { "check_header_count_range", HEADER, header_count_range, 3, 3 },
    { "check_for_missing_to_header", HEADER, missing_to, 0, 0 },
    { "check_illegal_chars", HEADER, illegal_chars, 3, 3 },
    { 0 },
};

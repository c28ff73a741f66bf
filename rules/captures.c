/* rules/captures.c - what patterns have captured, and patterns made with it. */
#include "rules/captures.h"

enum { VALUES_MAX = 32, VALUE_BYTES_MAX = 1000, FILLED_BYTES_MAX = 64 * 1024 };

struct captured {
    struct captured *next;
    struct span name;
    const struct rule *by;
    struct span values[VALUES_MAX];
    size_t count;
};

static struct captured *captured_as(const struct captures *c, struct span name)
{
    struct captured *one = c->list;

    while (one && !span_eq(one->name, name))
        one = one->next;
    return one;
}

static void add(struct captures *c, const struct rule *rule, struct span name, struct span value)
{
    struct captured *one = captured_as(c, name);

    if (!value.len || value.len > VALUE_BYTES_MAX)
        return;
    if (!one) {
        one = arena_alloc(c->arena, sizeof *one);
        *one = (struct captured){ .next = c->list, .name = name, .by = rule };
        c->list = one;
    }
    if (one->by != rule)
        one->count = 0;
    one->by = rule;
    for (size_t i = 0; i < one->count; i++)
        if (span_eq(one->values[i], value))
            return;
    if (one->count < VALUES_MAX)
        one->values[one->count++] = value;
}

void captures_take(struct captures *c, struct matcher *m, unsigned runner, const struct rule *rule, struct span piece)
{
    struct span name, value;

    for (size_t at = 0; matcher_named(m, runner, rule, piece, &at, &name, &value);)
        add(c, rule, name, value);
}

/* ---- templates ---- */

static bool is_name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || ascii_is_digit(c) || c == '_';
}

size_t captures_next(struct span pattern, size_t *at, struct span *name)
{
    for (size_t i = *at; i + 3 < pattern.len; i++) {
        size_t end = i + 2;

        if (pattern.ptr[i] != '%' || pattern.ptr[i + 1] != '{' || (i && pattern.ptr[i - 1] == '\\') ||
            pattern.ptr[end] < 'A' || pattern.ptr[end] > 'Z')
            continue;
        while (end < pattern.len && is_name_byte(pattern.ptr[end]))
            end++;
        if (end == pattern.len || pattern.ptr[end] != '}')
            continue;
        *name = span_make(pattern.ptr + i + 2, end - i - 2);
        *at = end + 1;
        return i;
    }
    return SPAN_NPOS;
}

/* Byte for byte, whatever they mean in patterns. */
static void put_quoted(struct strbuf *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (ascii_is_alnum(value.ptr[i]))
            strbuf_putc(out, value.ptr[i]);
        else
            strbuf_putf(out, "\\x%02x", (unsigned char)value.ptr[i]);
}

static bool put_values(struct strbuf *out, const struct captured *one)
{
    if (!one)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        strbuf_puts(out, i ? "|" : "(?:");
        put_quoted(out, one->values[i]);
    }
    strbuf_puts(out, ")");
    return true;
}

const char *captures_fill(const struct captures *c, const struct rule *rule)
{
    struct span pattern = span_of(rule->template), name;
    size_t from = 0, at = 0;
    bool is_whole = true;
    struct strbuf out;

    strbuf_init(&out, FILLED_BYTES_MAX);
    for (size_t place; is_whole && (place = captures_next(pattern, &at, &name)) != SPAN_NPOS; from = at) {
        strbuf_put(&out, span_first(span_skip(pattern, from), place - from));
        is_whole = put_values(&out, captured_as(c, name));
    }
    strbuf_put(&out, span_skip(pattern, from));
    const char *filled = is_whole && !out.is_full ? arena_dup(c->arena, strbuf_span(&out)) : NULL;

    strbuf_release(&out);
    return filled;
}

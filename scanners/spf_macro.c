/* scanners/spf_macro.c - what the macros of SPF expand to [RFC7208 7.3]. */
#include "scanners/spf_macro.h"

#include <stdio.h>

/* Where the expansion goes. A domain name keeps its end, an explanation its beginning. */
struct sink {
    char *bytes;
    size_t size, len;
    bool keeps_end;
};

enum { VALUE_MAX = 1024, WINDOW = 1024, KEPT = DNS_NAME_MAX + 2 };

/* put - what does not fit is cut. A name in the making is cut to its last KEPT bytes, now and then: spf_macro_domain()
 * needs no more of it. */
static void put(struct sink *s, const char *bytes, size_t n)
{
    if (n > s->size - s->len && s->keeps_end) {
        size_t kept = n > s->size - KEPT ? 0 : s->len < KEPT ? s->len : KEPT;

        memmove(s->bytes, s->bytes + s->len - kept, kept);
        s->len = kept;
        if (n > s->size) {
            bytes += n - s->size;
            n = s->size;
        }
    }
    if (n > s->size - s->len)
        n = s->size - s->len;
    if (n)
        memcpy(s->bytes + s->len, bytes, n);
    s->len += n;
}

/* put_part - a value's part, escaped when the macro's letter is in upper case. */
static void put_part(struct sink *s, struct span part, bool is_escaped)
{
    if (!is_escaped) {
        put(s, part.ptr, part.len);
        return;
    }
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i], hex[4];

        if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            put(s, &c, 1);
        } else {
            snprintf(hex, sizeof hex, "%%%02X", (unsigned char)c);
            put(s, hex, 3);
        }
    }
}

static bool splits_at(const struct spf_macro *m, char c)
{
    return m->splits.len ? memchr(m->splits.ptr, c, m->splits.len) != NULL : c == '.';
}

static size_t part_count(const struct spf_macro *m, struct span value)
{
    size_t n = 1;

    for (size_t i = 0; i < value.len; i++)
        n += splits_at(m, value.ptr[i]);
    return n;
}

/* put_forward - the last `keep` parts in their order. */
static void put_forward(struct sink *s, const struct spf_macro *m, struct span value, size_t keep)
{
    size_t drop = part_count(m, value) - keep, start = 0;

    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len && !splits_at(m, value.ptr[i]))
            continue;
        if (drop) {
            drop--;
        } else {
            put_part(s, span_make(value.ptr + start, i - start), m->is_escaped);
            if (i < value.len)
                put(s, ".", 1);
        }
        start = i + 1;
    }
}

/* put_reversed - the right-hand `keep` parts of the reversed list: the first ones, the last of them in front. */
static void put_reversed(struct sink *s, const struct spf_macro *m, struct span value, size_t keep)
{
    size_t drop = part_count(m, value) - keep, end = value.len;

    for (size_t i = value.len + 1; i-- > 0;) {
        if (i > 0 && !splits_at(m, value.ptr[i - 1]))
            continue;
        if (drop) {
            drop--;
        } else {
            put_part(s, span_make(value.ptr + i, end - i), m->is_escaped);
            if (i > 0)
                put(s, ".", 1);
        }
        end = i > 0 ? i - 1 : 0;
    }
}

static struct span sender_value(const struct spf_macro_values *v, char work[VALUE_MAX])
{
    size_t n = v->local.len, room = VALUE_MAX - 1 - DNS_NAME_MAX;
    struct span local = span_skip(v->local, n > room ? n - room : 0);
    struct span domain = span_first(v->sender_domain, DNS_NAME_MAX);

    if (local.len)
        memcpy(work, local.ptr, local.len);
    work[local.len] = '@';
    if (domain.len)
        memcpy(work + local.len + 1, domain.ptr, domain.len);
    return span_make(work, local.len + 1 + domain.len);
}

/* dotted_value - %{i}: dotted decimal, or 32 nibbles with dots between them. */
static struct span dotted_value(const struct addr *client, char work[VALUE_MAX])
{
    static const char hex[] = "0123456789ABCDEF";

    if (client->family != ADDR_IP6)
        return span_of(addr_text(client, work));
    for (size_t i = 0; i < 16; i++) {
        work[i * 4] = hex[client->bytes[i] >> 4];
        work[i * 4 + 1] = '.';
        work[i * 4 + 2] = hex[client->bytes[i] & 15];
        work[i * 4 + 3] = '.';
    }
    return span_make(work, 63);
}

static struct span value_of(char letter, const struct spf_macro_values *v, char work[VALUE_MAX])
{
    switch (letter) {
    case 's': return sender_value(v, work);
    case 'l': return v->local;
    case 'o': return v->sender_domain;
    case 'd': return v->domain;
    case 'i': return dotted_value(&v->client, work);
    case 'p': return v->validated;
    case 'h': return v->helo;
    case 'v': return v->client.family == ADDR_IP6 ? SPAN("ip6") : SPAN("in-addr");
    case 'c': return span_of(addr_text(&v->client, work));
    case 'r': return v->receiver;
    default: break;
    }
    snprintf(work, VALUE_MAX, "%lld", (long long)v->now_s); /* t */
    return span_of(work);
}

static void put_macro(struct sink *s, const struct spf_macro *m, const struct spf_macro_values *values)
{
    char work[VALUE_MAX];
    struct span value = value_of(m->letter, values, work);

    if (!m->keep && !m->is_reversed && !m->splits.len) {
        put_part(s, value, m->is_escaped);
        return;
    }
    size_t parts = part_count(m, value);
    size_t keep = m->keep && m->keep < parts ? m->keep : parts;

    if (m->is_reversed)
        put_reversed(s, m, value, keep);
    else
        put_forward(s, m, value, keep);
}

static void expand(struct span text, enum spf_macro_use use, const struct spf_macro_values *values, struct sink *s)
{
    while (text.len) {
        struct spf_macro m = { 0 };
        size_t at = span_find(text, '%'), n = at == SPAN_NPOS ? text.len : at;

        put(s, text.ptr, n);
        text = span_skip(text, n);
        if (!text.len || spf_macro_parse(text, use, &m))
            return; /* the end; checked text has no faults */
        if (m.letter)
            put_macro(s, &m, values);
        else
            put(s, m.literal.ptr, m.literal.len);
        text = span_skip(text, m.len);
    }
}

/* can_be_asked - labels of 1 to 63 bytes, and no byte that would make other software read the name otherwise: names
 * travel as text here, where a backslash escapes and NUL ends; a byte above 0x7e is in no host's name [RFC8616 4]. */
static bool can_be_asked(struct span name)
{
    size_t label = 0;

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        if (c < 0x20 || c > 0x7e || c == '\\')
            return false;
        if (c == '.' && label == 0)
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

bool spf_macro_domain(struct span text, const struct spf_macro_values *values, char out[DNS_NAME_MAX])
{
    char window[WINDOW];
    struct sink s = { .bytes = window, .size = sizeof window, .keeps_end = true };

    struct span name = text;

    if (span_find(text, '%') != SPAN_NPOS) {
        expand(text, SPF_MACRO_DOMAIN, values, &s);
        name = span_make(window, s.len);
    }
    if (name.len && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len > DNS_NAME_MAX - 1) { /* whole labels go, from the left [RFC7208 7.3] */
        name = span_skip(name, name.len - DNS_NAME_MAX);
        size_t dot = span_find(name, '.');

        if (dot == SPAN_NPOS)
            return false;
        name = span_skip(name, dot + 1);
    }
    return can_be_asked(name) && !span_copy(name, out, DNS_NAME_MAX);
}

const char *spf_macro_explanation(struct span text, const struct spf_macro_values *values, char *out)
{
    struct sink s = { .bytes = out, .size = SPF_EXPLANATION_MAX - 1 };

    expand(text, SPF_MACRO_EXPLANATION, values, &s);
    for (size_t i = 0; i < s.len; i++)
        if (out[i] < 0x20 || out[i] > 0x7e)
            s.len = 0;
    out[s.len] = '\0';
    return out;
}

/* scanners/spf_record.c - an SPF record as the RFC's grammar has it [RFC7208 4.5, 4.6, 12]. */
#include "scanners/spf_record.h"

#include <arpa/inet.h>

#include "gateway/base/bug.h"
#include "scanners/spf_macro.h"

enum domain_rule { DOMAIN_NONE, DOMAIN_OPTIONAL, DOMAIN_REQUIRED };

#define NAME(text) text, sizeof(text) - 1

static const struct mechanism {
    const char *name;
    size_t name_len;
    enum spf_kind kind;
    enum domain_rule domain;
    bool has_cidr;
} mechanisms[] = {
    { NAME("include"), SPF_INCLUDE, DOMAIN_REQUIRED, false },
    { NAME("ip4"), SPF_IP4, DOMAIN_NONE, false },
    { NAME("ip6"), SPF_IP6, DOMAIN_NONE, false },
    { NAME("all"), SPF_ALL, DOMAIN_NONE, false },
    { NAME("a"), SPF_A, DOMAIN_OPTIONAL, true },
    { NAME("mx"), SPF_MX, DOMAIN_OPTIONAL, true },
    { NAME("exists"), SPF_EXISTS, DOMAIN_REQUIRED, false },
    { NAME("ptr"), SPF_PTR, DOMAIN_OPTIONAL, false },
};

/* take_prefix - cuts "/N" off the end of *rest; a number with leading zeros is none [RFC7208 5.6]. A "/" in front of
 * it stays. Returns false when there is no such thing there. */
static bool take_prefix(struct span *rest, uint64_t *out)
{
    size_t digits = 0;

    while (digits < rest->len && ascii_is_digit(rest->ptr[rest->len - digits - 1]))
        digits++;
    if (digits == 0 || digits == rest->len || rest->ptr[rest->len - digits - 1] != '/')
        return false;
    struct span number = span_skip(*rest, rest->len - digits);

    if (number.len > 1 && number.ptr[0] == '0')
        return false;
    if (span_u64(number, 1000, out))
        *out = 1000; /* beyond any limit */
    rest->len -= digits + 1;
    return true;
}

/* take_dual_cidr - [ "/" ip4 ] [ "//" ip6 ] off the end [RFC7208 5.3]. */
static const char *take_dual_cidr(struct span *rest, struct spf_term *out)
{
    uint64_t bits = 0;
    struct span before = *rest;

    if (take_prefix(rest, &bits)) {
        if (rest->len && rest->ptr[rest->len - 1] == '/') {
            rest->len--;
            if (bits > 128)
                return "an IPv6 prefix is longer than 128";
            out->bits6 = (unsigned)bits;
        } else {
            *rest = before;
        }
    }
    if (take_prefix(rest, &bits)) {
        if (bits > 32)
            return "an IPv4 prefix is longer than 32";
        out->bits4 = (unsigned)bits;
    }
    return NULL;
}

/* parse_ip4 - four numbers without leading zeros, and nothing else [RFC7208 12]. */
static bool parse_ip4(struct span text, struct addr *out)
{
    size_t at = 0;

    *out = (struct addr){ .family = ADDR_IP4 };
    for (size_t i = 0; i < 4; i++) {
        unsigned value = 0;

        if (i > 0 && (at >= text.len || text.ptr[at++] != '.'))
            return false;
        size_t first = at;

        for (; at < text.len && at - first < 3 && ascii_is_digit(text.ptr[at]); at++)
            value = value * 10 + (unsigned)(text.ptr[at] - '0');
        if (at == first || value > 255 || (text.ptr[first] == '0' && at - first > 1))
            return false;
        out->bytes[i] = (uint8_t)value;
    }
    return at == text.len;
}

/* parse_ip6 - not addr_parse(): an IPv4-mapped network stays IPv6 here, and so never matches [RFC7208 5]. */
static bool parse_ip6(struct span text, struct addr *out)
{
    char copy[INET6_ADDRSTRLEN];

    *out = (struct addr){ .family = ADDR_IP6 };
    return !span_copy(text, copy, sizeof copy) && inet_pton(AF_INET6, copy, out->bytes) == 1;
}

static const char *parse_network(struct span rest, struct spf_term *out)
{
    bool is_ip4 = out->kind == SPF_IP4;
    uint64_t bits = is_ip4 ? 32 : 128;

    if (rest.len < 2 || rest.ptr[0] != ':')
        return "it names no network";
    take_prefix(&rest, &bits);
    if (is_ip4 ? !parse_ip4(span_skip(rest, 1), &out->ip) : !parse_ip6(span_skip(rest, 1), &out->ip))
        return is_ip4 ? "it is not an IPv4 network" : "it is not an IPv6 network";
    if (bits > (is_ip4 ? 32 : 128))
        return is_ip4 ? "an IPv4 prefix is longer than 32" : "an IPv6 prefix is longer than 128";
    out->bits4 = out->bits6 = (unsigned)bits;
    return NULL;
}

static const char *parse_argument(const struct mechanism *m, struct span rest, struct spf_term *out)
{
    const char *fault = NULL;

    if (m->kind == SPF_IP4 || m->kind == SPF_IP6)
        return parse_network(rest, out);
    if (m->has_cidr)
        fault = take_dual_cidr(&rest, out);
    if (fault)
        return fault;
    if (rest.len == 0)
        return m->domain == DOMAIN_REQUIRED ? "it names no domain" : NULL;
    if (m->domain == DOMAIN_NONE)
        return "it takes no argument";
    if (rest.ptr[0] != ':')
        return m->has_cidr ? "it is not followed by a domain or a prefix length" : "it takes no prefix length";
    out->domain = span_skip(rest, 1);
    return spf_domain_spec_check(out->domain);
}

static struct span take_qualifier(struct span text, enum spf_qualifier *out)
{
    *out = SPF_QUALIFIER_PASS;
    switch (text.ptr[0]) {
    case '+': break;
    case '-': *out = SPF_QUALIFIER_FAIL; break;
    case '~': *out = SPF_QUALIFIER_SOFTFAIL; break;
    case '?': *out = SPF_QUALIFIER_NEUTRAL; break;
    default: return text;
    }
    return span_skip(text, 1);
}

static const char *parse_mechanism(struct span text, struct spf_term *out)
{
    struct span rest = take_qualifier(text, &out->qualifier);
    size_t n = 0;

    while (n < rest.len && rest.ptr[n] != ':' && rest.ptr[n] != '/')
        n++;
    out->bits4 = 32;
    out->bits6 = 128;
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        const struct mechanism *m = &mechanisms[i];

        if (n != m->name_len || !span_ieq(span_first(rest, n), span_make(m->name, n)))
            continue;
        out->kind = m->kind;
        return parse_argument(m, span_skip(rest, n), out);
    }
    return "an unknown mechanism";
}

static bool is_name_byte(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* modifier_name - the length of NAME in "NAME=..." [RFC7208 4.6.1]; 0: the term is a mechanism. */
static size_t modifier_name(struct span text)
{
    size_t n = 0;

    if (!text.len || !ascii_is_alpha(text.ptr[0]))
        return 0;
    while (n < text.len && is_name_byte(text.ptr[n]))
        n++;
    return n < text.len && text.ptr[n] == '=' ? n : 0;
}

static const char *parse_modifier(struct span text, size_t name_len, struct spf_term *out)
{
    struct span name = span_first(text, name_len);

    out->domain = span_skip(text, name_len + 1);
    out->kind = span_iis(name, "redirect") ? SPF_REDIRECT : span_iis(name, "exp") ? SPF_EXP : SPF_UNKNOWN_MODIFIER;
    if (out->kind == SPF_UNKNOWN_MODIFIER)
        return spf_macro_check(out->domain, SPF_MACRO_DOMAIN);
    return spf_domain_spec_check(out->domain);
}

/* parse_term - into zeroed *out. */
static const char *parse_term(struct span text, struct spf_term *out)
{
    out->text = text;
    out->has_macros = span_find(text, '%') != SPAN_NPOS;
    if (text.len > SPF_TERM_BYTES_MOST)
        return "it is longer than 2048 bytes";
    size_t n = modifier_name(text);

    return n ? parse_modifier(text, n, out) : parse_mechanism(text, out);
}

/* survey - counts the terms; *at is what stands before a byte that may not be there and is not fit to be shown. */
static const char *survey(struct span text, size_t *terms, struct span *at)
{
    size_t word = 0;

    *terms = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c > 0x7e) { /* [RFC7208 3.1, 4.6.1] */
            *at = span_make(text.ptr + word, i - word);
            return "a byte that is not printable ASCII follows";
        }
        if (c == ' ')
            word = i + 1;
        else if (i == word)
            ++*terms;
    }
    *at = span_first(text, 0);
    return *terms > SPF_TERMS_MOST ? "more than 1000 terms" : NULL;
}

static const char *keep_modifier(struct spf_term *term, struct spf_record *out)
{
    struct spf_term **to = term->kind == SPF_REDIRECT ? &out->redirect : &out->exp;

    if (*to) /* [RFC7208 6] */
        return "it stands twice";
    *to = term;
    return NULL;
}

bool spf_record_is(struct span text)
{
    return span_istarts(text, SPAN("v=spf1")) && (text.len == 6 || text.ptr[6] == ' ');
}

const char *spf_record_parse(struct arena *a, struct span text, struct spf_record *out, struct span *at)
{
    struct span rest = span_skip(text, 6), word;
    size_t terms = 0;
    const char *fault = survey(rest, &terms, at);

    *out = (struct spf_record){ .count = 0 };
    if (fault)
        return fault;
    out->terms = arena_alloc(a, terms * sizeof *out->terms);
    while (!fault && span_cut(&rest, ' ', &word)) {
        struct spf_term *term = &out->terms[out->count];

        if (!word.len)
            continue;
        *at = word;
        out->count++;
        fault = parse_term(word, term);
        if (!fault && (term->kind == SPF_REDIRECT || term->kind == SPF_EXP))
            fault = keep_modifier(term, out);
    }
    return fault;
}

/* scanners/dnsbl_match.c - which answers of a DNS list are meant. */
#include "scanners/dnsbl_match.h"

enum { LOOPBACK_NET = 127 };

static uint32_t number_of(const struct addr *a)
{
    return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 | (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static enum fault parse_ip4(struct span text, uint32_t *out)
{
    struct addr a;

    if (addr_parse(text, &a) || a.family != ADDR_IP4)
        return FAULT_SYNTAX;
    *out = number_of(&a);
    return FAULT_NONE;
}

static enum fault set_range(struct dnsbl_match *out, uint32_t low, uint32_t high)
{
    if (high < low || low >> 24 != LOOPBACK_NET || high >> 24 != LOOPBACK_NET)
        return FAULT_RANGE;
    *out = (struct dnsbl_match){ .kind = DNSBL_MATCH_RANGE, .low = low, .high = high };
    return FAULT_NONE;
}

static enum fault parse_net(struct span text, struct dnsbl_match *out)
{
    struct addr_net net;
    enum fault fault = addr_net_parse(text, &net);

    if (fault)
        return fault;
    if (net.base.family != ADDR_IP4 || net.bits < 8)
        return FAULT_RANGE;
    uint32_t low = number_of(&net.base);

    return set_range(out, low, low | (uint32_t)((UINT64_C(1) << (32 - net.bits)) - 1));
}

/* The end of a range is an address, or the last octet of one. */
static enum fault parse_range(struct span from, struct span to, struct dnsbl_match *out)
{
    uint32_t low, high;
    uint64_t octet;

    if (parse_ip4(from, &low))
        return FAULT_SYNTAX;
    if (parse_ip4(to, &high)) {
        if (span_u64(to, 255, &octet))
            return FAULT_SYNTAX;
        high = (low & 0xffffff00u) | (uint32_t)octet;
    }
    return set_range(out, low, high);
}

/* The first octet of every answer is 127, so that a bit of it says nothing. */
static enum fault parse_mask(struct span text, struct dnsbl_match *out)
{
    uint32_t mask;

    if (parse_ip4(text, &mask))
        return FAULT_SYNTAX;
    if (mask == 0 || mask >> 24)
        return FAULT_RANGE;
    *out = (struct dnsbl_match){ .kind = DNSBL_MATCH_MASK, .mask = mask };
    return FAULT_NONE;
}

/* "3" or "3..7" */
static enum fault allow_numbers(struct span text, uint32_t allowed[8])
{
    size_t dots = span_search(text, SPAN(".."));
    uint64_t low, high;

    if (span_u64(dots == SPAN_NPOS ? text : span_first(text, dots), 255, &low))
        return FAULT_SYNTAX;
    high = low;
    if (dots != SPAN_NPOS && span_u64(span_skip(text, dots + 2), 255, &high))
        return FAULT_SYNTAX;
    if (high < low)
        return FAULT_RANGE;
    for (uint64_t n = low; n <= high; n++)
        allowed[n / 32] |= UINT32_C(1) << (n % 32);
    return FAULT_NONE;
}

/* Takes one place, "127" or "[2;4..6]", off the front of *rest; the dots inside the brackets are not separators. */
static enum fault parse_place(struct span *rest, uint32_t allowed[8])
{
    struct span part;

    if (rest->len == 0 || rest->ptr[0] != '[') {
        size_t end = span_find(*rest, '.');

        part = span_first(*rest, end == SPAN_NPOS ? rest->len : end);
        *rest = span_skip(*rest, part.len);
        return span_search(part, SPAN("..")) == SPAN_NPOS ? allow_numbers(part, allowed) : FAULT_SYNTAX;
    }
    size_t close = span_find(*rest, ']');

    if (close == SPAN_NPOS)
        return FAULT_SYNTAX;
    struct span list = span_skip(span_first(*rest, close), 1);

    *rest = span_skip(*rest, close + 1);
    while (span_cut(&list, ';', &part)) {
        enum fault fault = allow_numbers(part, allowed);

        if (fault)
            return fault;
    }
    return FAULT_NONE;
}

static bool allows(const uint32_t allowed[8], unsigned octet)
{
    return allowed[octet / 32] >> (octet % 32) & 1;
}

static enum fault parse_pattern(struct span rest, struct dnsbl_match *out)
{
    struct dnsbl_match m = { .kind = DNSBL_MATCH_PATTERN };

    for (int place = 0; place < 4; place++) {
        if (place > 0) {
            if (rest.len == 0 || rest.ptr[0] != '.')
                return FAULT_SYNTAX;
            rest = span_skip(rest, 1);
        }
        enum fault fault = parse_place(&rest, m.allowed[place]);

        if (fault)
            return fault;
    }
    if (rest.len)
        return FAULT_SYNTAX;
    if (!allows(m.allowed[0], LOOPBACK_NET))
        return FAULT_RANGE;
    *out = m;
    return FAULT_NONE;
}

enum fault dnsbl_match_parse(struct span text, struct dnsbl_match *out)
{
    text = span_trim(text);
    size_t dash = span_find(text, '-');

    if (span_istarts(text, SPAN("mask ")))
        return parse_mask(span_trim(span_skip(text, 5)), out);
    if (span_find(text, '[') != SPAN_NPOS)
        return parse_pattern(text, out);
    if (dash != SPAN_NPOS)
        return parse_range(span_trim(span_first(text, dash)), span_trim(span_skip(text, dash + 1)), out);
    return parse_net(text, out);
}

bool dnsbl_is_answer(const struct addr *answer)
{
    return answer->family == ADDR_IP4 && answer->bytes[0] == LOOPBACK_NET;
}

bool dnsbl_match_has(const struct dnsbl_match *match, const struct addr *answer)
{
    if (!dnsbl_is_answer(answer))
        return false;
    uint32_t n = number_of(answer);

    switch (match->kind) {
    case DNSBL_MATCH_RANGE: return n >= match->low && n <= match->high;
    case DNSBL_MATCH_MASK: return n & match->mask;
    case DNSBL_MATCH_PATTERN:
        for (int place = 0; place < 4; place++)
            if (!allows(match->allowed[place], answer->bytes[place]))
                return false;
        return true;
    }
    return false;
}

bool dnsbl_match_covers(const struct dnsbl_match *outer, const struct dnsbl_match *inner)
{
    return outer->kind == DNSBL_MATCH_RANGE && inner->kind == DNSBL_MATCH_RANGE && inner->low >= outer->low &&
           inner->high <= outer->high;
}

/* policy/rates_syntax.c - how limits are written. */
#include "policy/rates_syntax.h"

#include "gateway/base/bug.h"

static const char *const part_words[] = {
    [RATES_CLIENT] = "client",
    [RATES_HELO] = "helo",
    [RATES_USER] = "user",
    [RATES_SENDER] = "sender",
    [RATES_SENDER_DOMAIN] = "sender_domain",
    [RATES_SENDER_ORGANIZATION] = "sender_organization",
    [RATES_RECIPIENT] = "recipient",
    [RATES_RECIPIENT_DOMAIN] = "recipient_domain",
    [RATES_RECIPIENT_ORGANIZATION] = "recipient_organization",
};

static const char some_parts[] = "write some of: client, client/24/64 (its network), helo, user, sender, "
                                 "sender_domain, sender_organization, recipient, recipient_domain, "
                                 "recipient_organization, 'a constant'";

enum { SHOWN = 60, BITS4_INITIAL = 32, BITS6_INITIAL = 128 };

/* ---- keys ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '+';
}

/* "'text'" at the start of *rest, which is moved behind it. */
static const char *take_constant(struct arena *a, struct span *rest, struct rates_part *out)
{
    struct span inside = span_skip(*rest, 1);
    size_t end = span_find(inside, '\'');

    if (end == SPAN_NPOS)
        return "has a constant without an end; write 'text' in single quotes";
    struct span text = span_first(inside, end);

    if (!text.len || text.len > RATES_CONSTANT_MAX)
        return "has a constant that is empty or longer than 64 characters; shorten it";
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return "has a constant with blanks or others than ASCII's printable characters; leave them out";
    *out = (struct rates_part){ .kind = RATES_CONSTANT, .text = arena_dup(a, text) };
    *rest = span_skip(inside, end + 1);
    return NULL;
}

/* "/24" and "/24/64" behind `client`. */
static bool parse_bits(struct span text, struct rates_part *out)
{
    struct span rest = text, part = { 0 };
    uint64_t bits = 0;

    out->bits4 = BITS4_INITIAL;
    out->bits6 = BITS6_INITIAL;
    if (!text.ptr)
        return true;
    if (!span_cut(&rest, '/', &part) || span_u64(part, 32, &bits) || !bits)
        return false;
    out->bits4 = (unsigned)bits;
    out->bits6 = 64;
    if (!rest.ptr)
        return true;
    if (span_u64(rest, 128, &bits) || !bits)
        return false;
    out->bits6 = (unsigned)bits;
    return true;
}

static const char *parse_word(struct arena *a, struct span word, struct rates_part *out)
{
    struct span bits = word, name = { 0 };

    span_cut(&bits, '/', &name);
    for (size_t i = 0; i < COUNT(part_words); i++) {
        if (!span_iis(name, part_words[i]) || (bits.ptr && i != RATES_CLIENT))
            continue;
        *out = (struct rates_part){ .kind = (enum rates_part_kind)i };
        if (i == RATES_CLIENT && !parse_bits(bits, out))
            return arena_printf(a,
                                "has the network \"%.*s\"; write client/24/64 for the first 24 bits of IPv4 and 64 "
                                "of IPv6 addresses",
                                SPAN_ARG(span_first(word, SHOWN)));
        return NULL;
    }
    return arena_printf(a, "names \"%.*s\", which is nothing to count by; %s", SPAN_ARG(span_first(word, SHOWN)),
                        some_parts);
}

static const char *take_part(struct arena *a, struct span *rest, struct rates_part *out)
{
    size_t len = 0;

    if (rest->ptr[0] == '\'')
        return take_constant(a, rest, out);
    while (len < rest->len && !is_blank(rest->ptr[len]) && rest->ptr[len] != '\'')
        len++;
    const char *wrong = parse_word(a, span_first(*rest, len), out);

    *rest = span_skip(*rest, len);
    return wrong;
}

static bool is_twice(const struct rates_key *key, const struct rates_part *part)
{
    for (size_t i = 0; i < key->count; i++)
        if (key->parts[i].kind == part->kind && part->kind != RATES_CONSTANT)
            return true;
    return false;
}

static const char *key_parse(struct arena *a, struct span rest, struct rates_key *key)
{
    for (;;) {
        struct rates_part part = { 0 };

        while (rest.len && is_blank(rest.ptr[0]))
            rest = span_skip(rest, 1);
        if (!rest.len)
            return key->count ? NULL : arena_printf(a, "is empty; %s", some_parts);
        if (key->count == RATES_PARTS_MAX)
            return "has more than 8 parts; leave some out";
        const char *wrong = take_part(a, &rest, &part);

        if (wrong)
            return wrong;
        if (is_twice(key, &part))
            return arena_printf(a, "has %s twice; leave one out", part_words[part.kind]);
        key->has_recipient |= part.kind >= RATES_RECIPIENT && part.kind <= RATES_RECIPIENT_ORGANIZATION;
        key->parts[key->count++] = part;
    }
}

const char *rates_key_parse(struct arena *a, const char *text, void *out)
{
    struct rates_key key = { .count = 0 };
    const char *wrong = key_parse(a, span_of(text), &key);

    if (!wrong)
        *(struct rates_key *)out = key;
    return wrong;
}

static const char *part_text(struct arena *a, const struct rates_part *part)
{
    if (part->kind == RATES_CONSTANT)
        return arena_printf(a, "'%s'", part->text);
    if (part->kind == RATES_CLIENT && (part->bits4 != BITS4_INITIAL || part->bits6 != BITS6_INITIAL))
        return arena_printf(a, "client/%u/%u", part->bits4, part->bits6);
    return part_words[part->kind];
}

const char *rates_key_text(struct arena *a, const struct rates_key *key)
{
    const char *text = "";

    for (size_t i = 0; i < key->count; i++)
        text = arena_printf(a, "%s%s%s", text, i ? " + " : "", part_text(a, &key->parts[i]));
    return text;
}

/* ---- counts and times ---- */

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit count_units[] = { { "GiB", 1 << 30 }, { "MiB", 1 << 20 }, { "KiB", 1 << 10 }, { "", 1 } };

/* The shortest name of each comes first: rates_window.span is written with those. */
static const struct unit time_units[] = {
    { "d", 86400000 },  { "h", 3600000 },      { "m", 60000 },      { "s", 1000 },
    { "w", 604800000 }, { "week", 604800000 }, { "day", 86400000 }, { "hour", 3600000 },
    { "min", 60000 },   { "minute", 60000 },   { "sec", 1000 },     { "second", 1000 },
};
enum { SHORT_UNITS = 4 };

static const int64_t count_most = 1000000000000000, per_most_ms = 366LL * 86400000;

/* Digits at the start of *text, which is moved behind them; `without` when there are none. */
static bool take_number(struct span *text, uint64_t without, uint64_t *out)
{
    size_t digits = 0;

    while (digits < text->len && ascii_is_digit(text->ptr[digits]))
        digits++;
    *out = without;
    if (digits && span_u64(span_first(*text, digits), (uint64_t)count_most, out))
        return false;
    *text = span_skip(*text, digits);
    return digits || without;
}

static const struct unit *unit_of(struct span name, const struct unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(name, units[i].name))
            return &units[i];
    return NULL;
}

static bool parse_count(struct span text, double *out)
{
    uint64_t number = 0;

    if (!take_number(&text, 0, &number) || !number)
        return false;
    const struct unit *unit = unit_of(span_trim(text), count_units, COUNT(count_units));

    if (!unit || number > (uint64_t)(count_most / unit->factor))
        return false;
    *out = (double)number * (double)unit->factor;
    return true;
}

static const char *span_text(struct arena *a, int64_t ms)
{
    for (size_t i = 0; i < SHORT_UNITS; i++)
        if (ms % time_units[i].factor == 0)
            return arena_printf(a, "%lld%s", (long long)(ms / time_units[i].factor), time_units[i].name);
    BUG("%lld ms", (long long)ms);
}

static bool parse_span(struct arena *a, struct span text, struct rates_window *out)
{
    uint64_t number = 0;

    if (!take_number(&text, 1, &number) || !number)
        return false;
    const struct unit *unit = unit_of(span_trim(text), time_units, COUNT(time_units));

    if (!unit || number > (uint64_t)(per_most_ms / unit->factor))
        return false;
    out->per_ms = (int64_t)number * unit->factor;
    out->span = span_text(a, out->per_ms);
    return true;
}

const char *rates_window_parse(struct arena *a, const char *text, struct rates_window *out)
{
    struct span rest = span_of(text), count = { 0 };
    struct rates_window w = { 0 };

    span_cut(&rest, '/', &count);
    if (!rest.ptr || !parse_count(span_trim(count), &w.count) || !parse_span(a, span_trim(rest), &w))
        return arena_printf(a,
                            "rate = \"%.*s\" is no rate; write how much in which time, such as \"100 / 1h\", "
                            "\"20 / min\" or \"50MiB / 1d\"",
                            SHOWN, text);
    w.burst = w.count;
    *out = w;
    return NULL;
}

const char *rates_count_parse(struct arena *a, const char *text, double *out)
{
    if (parse_count(span_trim(span_of(text)), out))
        return NULL;
    return arena_printf(a, "\"%.*s\" is no count; write a number above 0, such as 20, or 5MiB", SHOWN, text);
}

const char *rates_count_text(struct arena *a, double count, bool is_bytes)
{
    for (size_t i = 0; is_bytes && i + 1 < COUNT(count_units); i++)
        if (count >= (double)count_units[i].factor)
            return arena_printf(a, "%.4g%s", count / (double)count_units[i].factor, count_units[i].name);
    if (count == (double)(int64_t)count)
        return arena_printf(a, "%lld", (long long)count);
    return arena_printf(a, "%.1f", count);
}

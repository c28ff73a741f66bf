/* rules/eval/eval_relay.c - eval functions over the way that a message has come: RelayEval, and VBounce's.
 */
#include "rules/eval/eval_parts.h"
#include "rules/glob.h"
#include "rules/view/relays.h"
#include "rules/settings.h"
#include "rules/shape.h"

static bool is_ip4(struct span text)
{
    return text.len && shape_address(text, 0) == text.len && span_find(text, ':') == SPAN_NPOS;
}

/* Of a private network, or no address at all: not what a client on the Internet greets with. */
static bool is_private_ip(struct span text)
{
    struct addr a;

    return addr_parse(text, &a) == 0 && addr_is_private(&a);
}

static unsigned all_trusted(struct scanning *s, const struct rule *rule)
{
    const struct relays *r = relays_of(s);

    (void)rule;
    return r->count && r->trusted == r->count && !r->unparseable;
}

static unsigned no_relays(struct scanning *s, const struct rule *rule)
{
    const struct relays *r = relays_of(s);

    (void)rule;
    return !r->count && !r->unparseable;
}

static unsigned unparseable(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return relays_of(s)->unparseable > 0;
}

static unsigned numeric_helo(struct scanning *s, const struct rule *rule)
{
    const struct relays *r = relays_of(s);

    (void)rule;
    for (size_t i = r->trusted; i < r->count; i++) {
        struct span helo = r->items[i].helo;
        if (is_ip4(helo))
            return !is_private_ip(helo);
    }
    return 0;
}

static struct span three_octets(struct span ip)
{
    size_t dot = span_rfind(ip, '.');

    return dot == SPAN_NPOS ? ip : span_first(ip, dot + 1);
}

static unsigned helo_ip_mismatch(struct scanning *s, const struct rule *rule)
{
    const struct relays *r = relays_of(s);

    (void)rule;
    for (size_t i = r->trusted; i < r->count; i++) {
        const struct relay *one = &r->items[i];
        if (is_ip4(one->helo) && !is_private_ip(one->helo) && is_ip4(one->ip) && !one->is_private &&
            !span_eq(one->helo, one->ip) && !span_starts(one->ip, three_octets(one->helo)))
            return 1;
    }
    return 0;
}

/* The oldest relay has a name. (It is SpamAssassin's function that is called like this.) */
static unsigned sender_has_name(struct scanning *s, const struct rule *rule)
{
    const struct relays *r = relays_of(s);
    const struct relay *last = r->count > r->trusted ? &r->items[r->count - 1] : NULL;

    (void)rule;
    return last && span_find(last->rdns, '.') != SPAN_NPOS && !last->is_private;
}

static bool is_under(struct span name, const char *domain)
{
    return eval_is_under(name, domain) && span_ends(name, span_of(domain));
}

static unsigned domain_in_received(struct scanning *s, const struct rule *rule)
{
    const struct relays *r = relays_of(s);
    const char *domain = eval_argument(rule, 0);
    bool is_wanted = strcmp(eval_argument(rule, 1), "true") == 0, is_found = false;

    if (!eval_has_any_case(eval_address(s, "From"), arena_printf(s->q->arena, "{b}%s", domain)))
        return 0;
    for (size_t i = 0; i < r->count && !is_found; i++)
        is_found = is_under(r->items[i].rdns, domain) && is_under(r->items[i].by, domain);
    return is_found == is_wanted;
}

static unsigned nameless_dotcom(struct scanning *s, const struct rule *rule)
{
    static const char *const domains[] = { "lycos.com",  "lycos.co.uk",  "hotmail.com", "localhost.com",
                                           "excite.com", "caramail.com", "cs.com",      "aol.com",
                                           "msn.com",    "yahoo.com",    "drizzle.com" };
    const struct relays *r = relays_of(s);
    unsigned hits = 0;

    (void)rule;
    for (size_t i = r->trusted; i < r->count; i++) { /* the last that counts decides */
        const struct relay *one = &r->items[i];

        if (one->is_private)
            continue;
        hits = 0;
        for (size_t d = 0; d < sizeof domains / sizeof *domains; d++) {
            struct span domain = span_of(domains[d]);
            bool is_it = span_iends(one->helo, domain) &&
                         (one->helo.len == domain.len || one->helo.ptr[one->helo.len - domain.len - 1] == '.');
            hits |= is_it && one->has_no_rdns;
        }
    }
    return hits;
}

/* ---- does each server say what the one before has said of itself ---- */

static bool has_letter(struct span host)
{
    for (size_t i = 0; i < host.len; i++)
        if (ascii_is_alpha(host.ptr[i]))
            return true;
    return false;
}

/* Two labels, or three under country codes: a guess at the domain as old as the rule. */
static struct span guessed_domain(struct span host)
{
    size_t dots[3], n = 0;

    if (!has_letter(host))
        return host;
    for (size_t i = host.len; i > 0 && n < 3; i--)
        if (host.ptr[i - 1] == '.')
            dots[n++] = i - 1;
    struct span top = n ? span_skip(host, dots[0] + 1) : host;
    bool is_long = top.len >= 3 || span_isearch(top, SPAN("ie")) == 0 || span_isearch(top, SPAN("fr")) == 0 ||
                   span_isearch(top, SPAN("de")) == 0;
    size_t labels = n && is_long ? 2 : 3;
    return n >= labels ? span_skip(host, dots[labels - 1] + 1) : host;
}

static bool is_word(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

/* Letters, dots and dashes, a dot inside. */
static bool is_name(struct span host)
{
    if (host.len < 4 || !is_word(host.ptr[0]) || !is_word(host.ptr[host.len - 1]))
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!is_word(host.ptr[i]) && host.ptr[i] != '.' && host.ptr[i] != '-')
            return false;
    size_t dot = span_rfind(host, '.');
    return dot != SPAN_NPOS && dot >= 2;
}

struct trail {
    unsigned names, addresses; /* mismatches */
};

static bool differ_in_two_octets(struct span a, struct span b)
{
    struct span x = three_octets(a), y = three_octets(b);

    x = three_octets(span_first(x, x.len - 1));
    y = three_octets(span_first(y, y.len - 1));
    return !span_eq(x, y);
}

static struct trail trail_of(struct scanning *s)
{
    const struct relays *r = relays_of(s);
    struct trail t = { 0 };
    struct span before = SPAN("");

    for (size_t i = r->trusted; i < r->count; i++) {
        const struct relay *one = &r->items[i];
        struct span by = eval_lower(s, guessed_domain(one->by)), from = eval_lower(s, guessed_domain(one->rdns));
        bool is_local =
            span_is(one->ip, "127.0.0.1") && (span_is(from, "localhost") || span_is(from, "localhost.localdomain"));

        if (!is_name(by)) {
            before = from;
            continue;
        }
        if (is_ip4(one->helo) && is_ip4(one->ip) && differ_in_two_octets(one->helo, one->ip) &&
            !is_private_ip(one->helo))
            t.addresses++;
        if (i > r->trusted && is_name(before) && !span_eq(by, before) &&
            !(span_is(by, "msn.com") && span_is(before, "hotmail.com")))
            t.names++;
        before = is_local ? SPAN("") : from;
    }
    return t;
}

static unsigned forged_trail(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return trail_of(s).names > 1;
}

static unsigned forged_ip_helo(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return trail_of(s).addresses > 0;
}

static unsigned never(struct scanning *s, const struct rule *rule)
{
    (void)s;
    (void)rule;
    return 0;
}

/* ---- bounces of mail that was ours ---- */

static const struct words *bounce_relays(struct scanning *s)
{
    const struct ruleset_settings *settings = s->set->settings;

    return settings ? settings_words(settings, "welcomelist_bounce_relays") : NULL;
}

static unsigned have_bounce_relays(struct scanning *s, const struct rule *rule)
{
    const struct words *words = bounce_relays(s);

    (void)rule;
    return words && words_count(words) > 0;
}

static bool names_bounce_relay(struct scanning *s, struct span line)
{
    const struct words *words = bounce_relays(s);
    struct span word;

    line = eval_lower(s, line);
    while (span_word(&line, &word)) {
        if (span_find(word, '.') == SPAN_NPOS)
            continue;
        for (size_t i = 0; i < words_count(words); i++)
            if (glob_matches(span_of(words_at(words, i)), word))
                return true;
    }
    return false;
}

/* A Received line, also a quoted one, with what is folded onto it. */
static bool is_received(struct span line)
{
    while (line.len && (line.ptr[0] == '>' || line.ptr[0] == ' '))
        line = span_skip(line, 1);
    return span_istarts(line, SPAN("Received:"));
}

static unsigned came_from_us(struct scanning *s, const struct rule *rule)
{
    struct span rest = s->q->message->body, line;
    bool is_inside = false;

    if (!have_bounce_relays(s, rule))
        return 0;
    for (size_t i = 0; i < s->body.count; i++)
        if (is_received(s->body.items[i]) && names_bounce_relay(s, s->body.items[i]))
            return 1;
    while (span_cut(&rest, '\n', &line)) {
        if (!(is_inside && line.len && ascii_is_wsp(line.ptr[0])))
            is_inside = is_received(line);
        if (is_inside && names_bounce_relay(s, span_trim(line)))
            return 1;
    }
    return 0;
}

#define RELAY  SA_PLUGIN("RelayEval")
#define BOUNCE SA_PLUGIN("VBounce")

const struct eval_function eval_relay_functions[] = {
    { "check_all_trusted", RELAY, all_trusted, 0, 0 },
    { "check_no_relays", RELAY, no_relays, 0, 0 },
    { "check_relays_unparseable", RELAY, unparseable, 0, 0 },
    { "check_for_numeric_helo", RELAY, numeric_helo, 0, 0 },
    { "check_for_illegal_ip", RELAY, never, 0, 0 },
    { "helo_ip_mismatch", RELAY, helo_ip_mismatch, 0, 0 },
    { "check_for_sender_no_reverse", RELAY, sender_has_name, 0, 0 },
    { "check_for_from_domain_in_received_headers", RELAY, domain_in_received, 2, 2 },
    { "check_for_no_rdns_dotcom_helo", RELAY, nameless_dotcom, 0, 0 },
    { "check_for_forged_received_trail", RELAY, forged_trail, 0, 0 },
    { "check_for_forged_received_ip_helo", RELAY, forged_ip_helo, 0, 0 },
    { "have_any_bounce_relays", BOUNCE, have_bounce_relays, 0, 0 },
    { "check_welcomelist_bounce_relays", BOUNCE, came_from_us, 0, 0 },
    { "check_whitelist_bounce_relays", BOUNCE, came_from_us, 0, 0 },
    { 0 },
};

/* policy/rates_conf.c - what limits there are. */
#include "policy/rates_conf.h"

#include "gateway/core/symbol_conf.h"

enum { UNCHANGED = 100, HOUR_MS = 3600000, DAY_MS = 86400000 };

#define AT(member) offsetof(struct rates_limit, member)

static const struct conf_key limit_keys[] = {
    { .name = "key",
      .type = CONF_CUSTOM,
      .at = AT(key),
      .parse = rates_key_parse,
      .is_required = true,
      .help = "what is counted by, one or several joined with +: client, client/24/64 (its network), helo, user, "
              "sender, sender_domain, sender_organization, recipient, recipient_domain, recipient_organization, "
              "'a constant'; mail that lacks one of them (no user, the null sender) is not counted" },
    { .name = "rate",
      .type = CONF_STRS,
      .at = AT(rate_texts),
      .is_required = true,
      .help = "how much in which time, \"100 / 1h\"; of several, {\"100 / 1h\", \"1000 / 1d\"}, all must have room" },
    { .name = "burst",
      .type = CONF_STRS,
      .at = AT(burst_texts),
      .help = "how much at once, for each rate; unset: the rate's own count" },
    { .name = "cost",
      .type = CONF_ENUM,
      .at = AT(cost),
      .initial = "message",
      .least = "message recipient byte",
      .help = "what counts: each message, each recipient, or the message's size" },
    { .name = "action",
      .type = CONF_ENUM,
      .at = AT(action),
      .initial = "defer",
      .least = "defer reject tag tarpit",
      .help = "what becomes of mail beyond: 451 with the time until there is room, refusal, points, or a late reply" },
    { .name = "direction",
      .type = CONF_ENUM,
      .at = AT(direction),
      .initial = "both",
      .least = "inbound authenticated both",
      .help = "whose mail: strangers', that of authenticated and relay clients, or both" },
    { .name = "counts",
      .type = CONF_ENUM,
      .at = AT(counted),
      .initial = "judged",
      .least = "delivered judged attempts",
      .help = "delivered: what was not taken in is given back; judged: but not what was refused for its content; "
              "attempts: nothing is given back" },
    { .name = "tarpit",
      .type = CONF_MS,
      .at = AT(tarpit_ms),
      .initial = "10s",
      .least = "100ms",
      .most = "60s",
      .help = "action = tarpit: how late the reply comes" },
    { .name = "score",
      .type = CONF_POINTS,
      .at = AT(points),
      .initial = "0",
      .help = "points of mail beyond the limit; 0: the symbol's own" },
    { .name = "symbol",
      .type = CONF_STR,
      .at = AT(symbol),
      .initial = "",
      .help = "name of its finding, instead of RATE_LIMITED (action = tag: RATE_EXCEEDED)" },
    { .name = "text",
      .type = CONF_STR,
      .at = AT(text),
      .initial = "",
      .help = "what the sender is told; the time until there is room follows it" },
    { .name = "clients",
      .type = CONF_ADDRS,
      .at = AT(only.clients),
      .help = "only mail from these clients is counted; unset: from all" },
    { .name = "users",
      .type = CONF_STRS,
      .at = AT(only.users),
      .help = "only these users'; @example.org for a domain" },
    { .name = "senders",
      .type = CONF_STRS,
      .at = AT(only.senders),
      .help = "only mail from these: user@example.org, user@, example.org, .example.org, <>" },
    { .name = "recipients", .type = CONF_STRS, .at = AT(only.recipients), .help = "only mail to these" },
    { .name = "exempt_clients",
      .type = CONF_ADDRS,
      .at = AT(exempt.clients),
      .help = "mail from these clients is not counted" },
    { .name = "exempt_users", .type = CONF_STRS, .at = AT(exempt.users), .help = "nor that of these users" },
    { .name = "exempt_senders", .type = CONF_STRS, .at = AT(exempt.senders), .help = "nor that from these" },
    { .name = "exempt_recipients",
      .type = CONF_STRS,
      .at = AT(exempt.recipients),
      .initial = "postmaster@",
      .help = "nor that to these: who is limited must be able to say so" },
    { .name = "ham_factor",
      .type = CONF_POINTS,
      .at = AT(ham),
      .initial = "1.00",
      .least = "1.00",
      .most = "2.00",
      .help = "a bucket's rate and burst are multiplied by this for each message that was accepted, such as 1.02" },
    { .name = "spam_factor",
      .type = CONF_POINTS,
      .at = AT(spam),
      .initial = "1.00",
      .least = "0.10",
      .most = "1.00",
      .help = "and by this for each that was tagged or refused, such as 0.98" },
    { .name = "factor_least",
      .type = CONF_POINTS,
      .at = AT(factor_least),
      .initial = "0.20",
      .least = "0.01",
      .most = "1.00",
      .help = "how small that may make it" },
    { .name = "factor_most",
      .type = CONF_POINTS,
      .at = AT(factor_most),
      .initial = "5.00",
      .least = "1.00",
      .most = "100.00",
      .help = "and how large" },
    { 0 },
};

static bool is_title(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (!ascii_is_alnum(text[i]) && !strchr("._-", text[i]))
            return false;
    return len && len <= RATES_TITLE_MAX;
}

/* ---- windows ---- */

static const char *window_twice(struct arena *a, const struct rates_limit *limit, const struct rates_window *w)
{
    for (size_t i = 0; i < limit->window_count; i++)
        if (limit->windows[i].per_ms == w->per_ms)
            return arena_printf(a, "two rates for %s; leave out the higher one", w->span);
    return NULL;
}

static const char *check_rates(struct arena *a, struct rates_limit *limit)
{
    if (limit->rate_texts.count > RATES_WINDOWS_MAX)
        return "more than 8 rates; leave some out";
    limit->window_count = 0;
    for (size_t i = 0; i < limit->rate_texts.count; i++) {
        struct rates_window *w = &limit->windows[i];
        const char *wrong = rates_window_parse(a, limit->rate_texts.items[i], w);

        if (!wrong)
            wrong = window_twice(a, limit, w);
        if (wrong)
            return wrong;
        limit->window_count++;
    }
    return limit->window_count ? NULL : "there is no rate; write rate = \"100 / 1h\"";
}

static const char *check_bursts(struct arena *a, struct rates_limit *limit)
{
    if (limit->burst_texts.count && limit->burst_texts.count != limit->window_count)
        return arena_printf(a, "burst has %zu and rate %zu; write one burst for each rate", limit->burst_texts.count,
                            limit->window_count);
    for (size_t i = 0; i < limit->burst_texts.count; i++) {
        const char *wrong = rates_count_parse(a, limit->burst_texts.items[i], &limit->windows[i].burst);

        if (wrong)
            return arena_printf(a, "burst = %s", wrong);
    }
    return NULL;
}

/* ---- the rest ---- */

static const char *check_addresses(struct arena *a, const struct conf_strs *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        const char *wrong = access_entry_wrong(ACCESS_ADDRESSES, span_of(entries->items[i]));

        if (wrong)
            return arena_printf(a, "the entry \"%s\" %s", entries->items[i], wrong);
    }
    return NULL;
}

static const char *check_people(struct arena *a, const struct rates_people *people)
{
    const char *wrong = check_addresses(a, &people->senders);

    for (size_t i = 0; i < people->users.count; i++)
        if (!people->users.items[i][0])
            return "an empty name among its users; leave it out";
    return wrong ? wrong : check_addresses(a, &people->recipients);
}

static const char *check_factors(struct arena *a, const struct rates_limit *limit)
{
    for (size_t i = 0; rates_adapts(limit) && i < limit->window_count; i++)
        if (limit->windows[i].burst * limit->factor_least < UNCHANGED)
            return arena_printf(
                a,
                "it can shrink to nothing: its burst of %s times factor_least = %d.%02d is less than 1; "
                "raise one of them",
                rates_count_text(a, limit->windows[i].burst, false), limit->factor_least / UNCHANGED,
                limit->factor_least % UNCHANGED);
    return NULL;
}

static const char *wrong_with(struct arena *a, struct rates_limit *limit)
{
    const char *wrong = check_rates(a, limit);

    if (!is_title(limit->title))
        return "that title is not usable; write up to 40 letters, digits and any of . _ -";
    if (limit->symbol[0] && !symbol_is_name(limit->symbol))
        return "its symbol is no name; write up to 64 letters, digits and _";
    if (limit->action == RATES_TAG && limit->symbol[0] && !limit->points)
        return "a symbol of its own, but no points for it; write score = 3.00";
    if (!wrong)
        wrong = reply_text_wrong(limit->text);
    if (!wrong)
        wrong = check_bursts(a, limit);
    if (!wrong)
        wrong = check_factors(a, limit);
    if (!wrong)
        wrong = check_people(a, &limit->only);
    return wrong ? wrong : check_people(a, &limit->exempt);
}

static const char *check_limit(struct arena *a, void *values)
{
    struct rates_limit *limit = values;
    return wrong_with(a, limit);
}

static const struct conf_section limit_section = {
    .name = "limit",
    .help = "how much one may send; all limits that a message comes under must have room",
    .size = sizeof(struct rates_limit),
    .keys = limit_keys,
    .check = check_limit,
};

static const struct conf_key rates_keys[] = {
    { .name = "limit",
      .type = CONF_SECTIONS,
      .at = offsetof(struct rates_conf, limits),
      .section = &limit_section,
      .help = "how much one may send, as in: limit \"per-user\" { key = user  rate = {\"100 / 1h\", \"500 / 1d\"}  "
              "cost = recipient }" },
    { 0 },
};

static const char *check_conf(struct arena *a, void *values)
{
    const struct rates_conf *conf = values;

    (void)a;
    return conf->limits.count > RATES_LIMITS_MAX ? "more than 64 limits; leave some out" : NULL;
}

const struct conf_section rates_section = {
    .name = "rates",
    .help = "limits by rate, held at RCPT: there are none until you write some",
    .size = sizeof(struct rates_conf),
    .keys = rates_keys,
    .check = check_conf,
};

const struct conf_section rates_message_section = {
    .name = "rates_message",
    .help = "limits by rate, held when the whole message is here: exact for bytes, and kinder to senders that come "
            "again at once when a recipient is put off",
    .size = sizeof(struct rates_conf),
    .keys = rates_keys,
    .check = check_conf,
};

bool rates_adapts(const struct rates_limit *limit)
{
    return limit->ham != UNCHANGED || limit->spam != UNCHANGED;
}

/* Twice the time in which a full bucket runs empty, so that nothing is forgotten that still counts; and long enough to
 * be looked at. */
int64_t rates_life_ms(const struct rates_limit *limit, const struct rates_window *window)
{
    double ms = 2 * window->burst / window->count * (double)window->per_ms + HOUR_MS;
    double least = rates_adapts(limit) ? 2.0 * DAY_MS : 0, most = 1000.0 * DAY_MS;

    return (int64_t)(ms < least ? least : ms > most ? most : ms);
}

const struct rates_limit *rates_find(const struct rates_conf *conf, struct span title)
{
    const struct rates_limit *limits = conf->limits.items;

    for (size_t i = 0; i < conf->limits.count; i++)
        if (span_is(title, limits[i].title))
            return &limits[i];
    return NULL;
}

const char *rates_rate_text(struct arena *a, const struct rates_limit *limit, const struct rates_window *window)
{
    return arena_printf(a, "%s / %s", rates_count_text(a, window->count, limit->cost == RATES_BYTE_COST), window->span);
}

/* rules/view/relays_scan.c - a scanning's relays, and the envelope's sender. */
#include "gateway/base/clock.h"
#include "rules/view/relays.h"
#include "rules/view/scanning.h"

const struct relays *relays_of(struct scanning *s)
{
    if (!s->relays)
        s->relays = relays_read(s->q->arena, &s->q->message->header, s->q->session, s->set->settings);
    return s->relays;
}

struct span relays_own_field(struct scanning *s)
{
    const struct relays *relays = relays_of(s);
    const struct session *session = s->q->session;
    char date[CLOCK_TEXT_MAX];

    if (!relays->has_client || relays->is_told_again)
        return SPAN("");
    const struct relay *client = &relays->items[0];

    return span_of(arena_printf(s->q->arena, " from %.*s (%.*s [%s%.*s]) by %.*s (Postern) with %s%s%s id %.*s; %s",
                                SPAN_ARG(client->helo.len ? client->helo : SPAN("unknown")),
                                SPAN_ARG(client->rdns.len ? client->rdns : SPAN("unknown")),
                                client->address.family == ADDR_IP6 ? "IPv6:" : "", SPAN_ARG(client->ip),
                                SPAN_ARG(client->by), session->is_esmtp ? "ESMTP" : "SMTP",
                                session->is_esmtp && session->tls_version && *session->tls_version ? "S" : "",
                                session->is_esmtp && session->auth_user.len ? "A" : "", SPAN_ARG(client->id),
                                clock_rfc5322(s->q->now_ms, date)));
}

/* One of that name stands below a Received field. */
static bool is_below_received(const struct header_index *h, const char *name)
{
    bool has_received = false;

    for (size_t i = 0; i < h->count; i++) {
        if (has_received && span_iis(h->fields[i].name, name))
            return true;
        has_received |= span_iis(h->fields[i].name, "Received");
    }
    return false;
}

/* Of the topmost field of that name its first address. */
static bool first_address(struct scanning *s, const char *field, struct span *out)
{
    struct span all;

    if (!scanning_header(s, arena_printf(s->q->arena, "%s:first:addr", field), HEADER_TEXT, &all))
        return false;
    return span_cut(&all, '\n', out) && out->len > 0;
}

static bool is_sender(struct span text)
{
    size_t at = span_find(text, '@');

    return text.len == 0 || (at != SPAN_NPOS && at > 0);
}

/* A mail fetcher makes sender fields of its own, and X-Sender is what it takes them from. */
static bool is_fetched(struct scanning *s)
{
    const struct header_index *h = &s->q->message->header;
    struct span sender;

    if (!first_address(s, "X-Sender", &sender) || span_find(sender, '@') == SPAN_NPOS)
        return false;
    for (size_t i = 0; i < h->count; i++)
        if (span_iis(h->fields[i].name, "Received") && span_search(h->fields[i].body, SPAN("(fetchmail")) != SPAN_NPOS)
            return true;
    return false;
}

/* From fields that mail servers add when they deliver; below a Received field they are another delivery's. */
static bool sender_in_fields(struct scanning *s, struct span *out)
{
    static const char *const fields[] = { "X-Envelope-From", "Envelope-Sender", "Return-Path" };
    const struct header_index *h = &s->q->message->header;

    if (is_fetched(s))
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct span sender;
        bool is_there = first_address(s, fields[i], &sender), is_below = is_below_received(h, fields[i]);

        if (is_there && is_below && i == 0)
            return false;
        if (is_there && !is_below) {
            *out = sender;
            return true;
        }
    }
    return false;
}

bool relays_sender(struct scanning *s, struct span *out)
{
    const struct session *session = s->q->session;
    const struct ruleset_settings *settings = s->set->settings;

    if (session->client.family != ADDR_NONE || session->mail_from.text.len) {
        *out = session->mail_from.text;
        return true;
    }
    if (settings && settings->envelope_sender_header && *settings->envelope_sender_header)
        return first_address(s, settings->envelope_sender_header, out) && is_sender(*out);
    const struct relays *relays = relays_of(s);
    const struct relay *last = relays->count > relays->trusted ? &relays->items[relays->trusted]
                               : relays->count                 ? &relays->items[relays->count - 1]
                                                               : NULL;
    if (last && last->has_envfrom && is_sender(last->envfrom)) {
        *out = last->envfrom;
        return true;
    }
    return sender_in_fields(s, out);
}

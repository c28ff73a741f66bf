/* rules/view/relays.c - see relays.h. */
#include "rules/view/relays.h"

#include "gateway/base/strbuf.h"
#include "rules/shape.h"

enum { STEPS_MOST = 4 * 1000 * 1000, TEXT_MOST = 256 * 1024 };

/* How far the trust goes while lines are read, newest first. */
struct trust {
    const struct ruleset_settings *settings;
    const struct net_rules *trusted, *internal;
    bool is_configured;
    bool in_trusted, in_internal, has_msa;
};

static struct trust trust_of(const struct ruleset_settings *settings)
{
    static const struct net_rules none;
    struct trust t = {
        .settings = settings, .trusted = &none, .internal = &none, .in_trusted = true, .in_internal = true
    };

    if (!settings)
        return t;
    bool has_trusted = settings->trusted.is_configured, has_internal = settings->internal.is_configured;
    t.trusted = has_trusted || !has_internal ? &settings->trusted : &settings->internal;
    t.internal = has_internal || !has_trusted ? &settings->internal : &settings->trusted;
    t.is_configured = has_trusted || has_internal;
    return t;
}

/* Our own machine is trusted and internal, whatever the lists say. */
static bool have(const struct net_rules *nets, const struct relay *r)
{
    return addr_is_loopback(&r->address) || net_rules_have(nets, &r->address);
}

/* The next relay, older than all before it. */
static void trust_next(struct trust *t, struct relay *r)
{
    if (!t->in_trusted || t->has_msa)
        return;
    if (!t->is_configured) {
        t->in_trusted = t->in_internal = r->is_private || r->is_ours || r->auth.len > 0;
        return;
    }
    if (r->auth.len == 0 && !have(t->trusted, r)) {
        t->in_trusted = t->in_internal = false;
        return;
    }
    if (t->in_internal && r->auth.len == 0 && !have(t->internal, r))
        t->in_internal = false;
    if (net_rules_have(&t->settings->msa, &r->address))
        t->has_msa = r->is_msa = true;
}

static void add(struct relays *all, struct trust *t, struct relay *r)
{
    trust_next(t, r);
    all->items[all->count++] = *r;
    all->trusted += t->in_trusted;
    all->internal += t->in_internal;
}

/* The client that we talk to, in our own server's words. */
static struct relay client_of(struct arena *a, const struct session *s)
{
    char ip[ADDR_TEXT_MAX];
    struct span name = s->client_name.len ? s->client_name : SPAN("");

    return (struct relay){
        .ip = span_of(arena_printf(a, "%s", addr_text(&s->client, ip))),
        .rdns = name,
        .helo = s->helo.len ? s->helo : SPAN(""),
        .by = s->hostname ? span_of(s->hostname) : SPAN(""),
        .ident = SPAN(""),
        .envfrom = s->mail_from.text.len ? s->mail_from.text : SPAN(""),
        .id = span_of(s->id),
        .auth = s->auth_user.len ? SPAN("ESMTPA") : SPAN(""),
        .has_envfrom = true,
        .has_no_rdns = name.len == 0,
        .is_private = addr_is_private(&s->client),
        .is_ours = s->is_relay_client,
        .address = s->client,
    };
}

/* Its texts are ours to show: nothing in them may look like the frame around. */
static void clean(struct arena *a, struct span *text)
{
    char *copy = arena_dup(a, *text);

    for (size_t i = 0; i < text->len; i++)
        if (memchr(" \t\r\n\v\f\0#[]()<>|", copy[i], 15))
            copy[i] = '!';
    text->ptr = copy;
}

static void put_relay(struct strbuf *b, const struct relay *r, bool is_internal)
{
    if (b->len)
        strbuf_putc(b, ' ');
    strbuf_puts(b, "[ ip=");
    strbuf_put(b, r->ip);
    strbuf_puts(b, " rdns=");
    strbuf_put(b, r->rdns);
    strbuf_puts(b, " helo=");
    strbuf_put(b, r->helo);
    strbuf_puts(b, " by=");
    strbuf_put(b, r->by);
    strbuf_puts(b, " ident=");
    strbuf_put(b, r->ident);
    strbuf_puts(b, " envfrom=");
    strbuf_put(b, r->envfrom);
    strbuf_putf(b, " intl=%d id=", is_internal);
    strbuf_put(b, r->id);
    strbuf_puts(b, " auth=");
    strbuf_put(b, r->auth);
    strbuf_putf(b, " msa=%d ]", r->is_msa);
}

static struct span text_of(struct arena *a, const struct relays *all, size_t from, size_t to)
{
    struct strbuf b;

    strbuf_init(&b, TEXT_MOST);
    for (size_t i = from; i < to && !b.is_full; i++)
        put_relay(&b, &all->items[i], i < all->internal);
    struct span text = arena_copy(a, strbuf_span(&b));
    strbuf_release(&b);
    return text;
}

/* qmail-scanner's line: its sender is that of the handover told by the next line. */
static bool is_qmail_scanner(struct span value)
{
    return span_search(value, SPAN(") with qmail-scanner")) != SPAN_NPOS;
}

struct walk {
    struct arena *a;
    struct relays *all;
    struct trust trust;
    struct span sender; /* of qmail-scanner's line above; ptr NULL: none */
    bool has_read;      /* a Received field */
    unsigned steps;
};

static void forget_all(struct walk *w)
{
    w->all->count = w->all->trusted = w->all->internal = 0;
}

/* A mail server that has asked us by the scan API may have written its own Received field already. Who forges one with
 * his own address has told nothing new. */
static bool is_told_again(const struct relays *all, const struct relay *r)
{
    return all->has_client && addr_eq(&r->address, &all->items[0].address);
}

static void take_field(struct walk *w, struct span value)
{
    struct relay r;
    struct span sender = w->sender;
    enum relay_reading reading = w->all->count < RELAYS_MAX ? relay_read(w->a, value, &w->steps, &r) : RELAY_UNREADABLE;

    w->sender.ptr = NULL;
    if (reading == RELAY_FETCHED && w->trust.in_trusted && !w->all->has_client)
        forget_all(w);
    if (reading == RELAY_IGNORED && is_qmail_scanner(value)) {
        struct shape_run run = { .text = value, .steps = 10000, .is_any_case = true };
        if (shape_has(&run, "envelope-from <{P:s}>"))
            w->sender = shape_slot(&run, 's');
    }
    if (reading == RELAY_UNREADABLE)
        w->all->unparseable++;
    if (reading == RELAY_READ) {
        if (sender.ptr) {
            r.envfrom = sender;
            r.has_envfrom = true;
        }
        if (!w->has_read)
            w->all->is_told_again = is_told_again(w->all, &r);
        if (w->has_read || !w->all->is_told_again)
            add(w->all, &w->trust, &r);
        w->has_read = true;
    }
    w->all->trusted_fields += w->trust.in_trusted;
    w->all->internal_fields += w->trust.in_internal;
}

/* X-Originating-IP and the like: an address that is the oldest. */
static void take_originating(struct walk *w, const struct header_index *h, const struct ruleset_settings *settings)
{
    for (size_t i = 0; settings && i < settings->originating_ip_header_count; i++) {
        const char *name = settings->originating_ip_headers[i];
        size_t fields = header_count(h, name);
        const struct header_field *f = fields ? header_find(h, name, fields - 1) : NULL;
        size_t n = 0;

        for (size_t at = 0; f && n == 0 && at < f->body.len && at < RELAY_LINE_MAX; at++)
            if ((n = shape_address(f->body, at)) != 0)
                take_field(w, span_of(arena_printf(w->a, "from X-Originating-IP: %.*s",
                                                   SPAN_ARG(span_make(f->body.ptr + at, n)))));
    }
}

struct relays *relays_read(struct arena *a, const struct header_index *header, const struct session *session,
                           const struct ruleset_settings *settings)
{
    struct relays *all = arena_alloc(a, sizeof *all);
    struct walk w = { .a = a, .all = all, .trust = trust_of(settings), .steps = STEPS_MOST };

    all->items = arena_alloc(a, RELAYS_MAX * sizeof *all->items);
    if (session && session->client.family != ADDR_NONE) {
        struct relay client = client_of(a, session);
        struct span *const texts[] = { &client.rdns, &client.helo, &client.by, &client.envfrom };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            clean(a, texts[i]);
        all->has_client = true;
        add(all, &w.trust, &client);
    }
    for (size_t i = 0; i < header->count; i++)
        if (span_iis(header->fields[i].name, "Received"))
            take_field(&w, header->fields[i].body);
    take_originating(&w, header, settings);
    all->trusted_text = text_of(a, all, 0, all->trusted);
    all->untrusted_text = text_of(a, all, all->trusted, all->count);
    all->internal_text = text_of(a, all, 0, all->internal);
    all->external_text = text_of(a, all, all->internal, all->count);
    return all;
}

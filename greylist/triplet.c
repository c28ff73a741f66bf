/* greylist/triplet.c - whose mail it is, and how it stands in the state store. */
#include "greylist/triplet.h"

#include "gateway/base/bug.h"
#include "gateway/mail/crypto.h"
#include "gateway/mail/domain.h"

enum { CONTENT_BYTES = 10 * 1024 };

/* ---- whose mail ---- */

static const char *organization(const char *domain)
{
    const char *org = domain_org_psl(domain);

    return org ? org : domain;
}

static bool spf_vouches(const struct spf_evidence *spf)
{
    return spf->result == AUTH_PASS && !spf->is_open && spf->domain && *spf->domain;
}

/* The order is that of what is known first: a message is to have the same identity at RCPT and when it is here. */
static const char *authenticated_domain(const struct inquiry *q, const char **by)
{
    const struct evidence *e = q->evidence;

    *by = "SPF";
    if (spf_vouches(&e->spf_mailfrom))
        return organization(e->spf_mailfrom.domain);
    if (spf_vouches(&e->spf_helo))
        return organization(e->spf_helo.domain);
    *by = "DMARC";
    if (e->dmarc.result == AUTH_PASS && e->dmarc.organizational_domain && *e->dmarc.organizational_domain)
        return e->dmarc.organizational_domain;
    *by = "DKIM";
    for (size_t i = 0; i < e->dkim_count; i++)
        if (e->dkim[i].result == AUTH_PASS && !e->dkim[i].is_weak && e->dkim[i].domain && *e->dkim[i].domain)
            return organization(e->dkim[i].domain);
    return NULL;
}

static void network_of(struct inquiry *q, const struct greylist_conf *conf, struct identity *out)
{
    const struct addr *client = &q->session->client;
    bool is_ip4 = client->family == ADDR_IP4;
    unsigned bits = (unsigned)(is_ip4 ? conf->ip4_bits : conf->ip6_bits);
    struct addr_net net = { addr_mask(client, bits), bits };
    struct addr own = is_ip4 ? *client : addr_mask(client, 64); /* a host has a /64 to choose from */
    char *text = arena_alloc(q->arena, ADDR_NET_TEXT_MAX), *host = arena_alloc(q->arena, ADDR_TEXT_MAX);

    *out = (struct identity){ span_of(addr_net_text(&net, text)), span_of(addr_text(&own, host)), "its network" };
}

void identity_of(struct inquiry *q, const struct greylist_conf *conf, struct identity *out)
{
    const char *by = NULL, *domain = conf->by_domain ? authenticated_domain(q, &by) : NULL;

    if (domain)
        *out = (struct identity){ span_of(domain), { "", 0 }, arena_printf(q->arena, "%s passes", by) };
    else
        network_of(q, conf, out);
}

/* ---- keys ---- */

/* The texts one behind the other. */
static struct span join(struct arena *a, const struct span *parts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_alloc(a, len + 1), *at = text;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return span_make(text, len);
}

#define JOIN(a, ...)                                                                                                   \
    join(a, (const struct span[]){ __VA_ARGS__ }, sizeof((struct span[]){ __VA_ARGS__ }) / sizeof(struct span))

/* A part of a key: without what would end it, and hidden if that is wanted. */
static struct span part(struct inquiry *q, const struct greylist_conf *conf, struct span text)
{
    if (conf->is_private)
        return crypto_digest_two(q->arena, SPAN("greylist"), text);
    char *copy = arena_dup(q->arena, text);

    for (size_t i = 0; i < text.len; i++) {
        bool is_plain = (unsigned char)copy[i] > ' ' && copy[i] != 0x7f;

        copy[i] = is_plain ? ascii_lower(copy[i]) : '?';
    }
    return span_make(copy, text.len);
}

static struct span triplet_key(struct inquiry *q, const struct greylist_conf *conf, struct span id, struct span sender,
                               const struct address *recipient)
{
    struct span to = part(q, conf, recipient->text);

    return store_key(q->arena, sender.ptr
                                   ? JOIN(q->arena, SPAN("g:{"), id, SPAN("}/"), part(q, conf, sender), SPAN("/"), to)
                                   : JOIN(q->arena, SPAN("g:{"), id, SPAN("}/"), to));
}

static struct store_op op_of(const struct inquiry *q, const struct greylist_conf *conf, struct span key,
                             struct span client)
{
    return (struct store_op){ .kind = STORE_GREYLIST,
                              .key = key,
                              .now_ms = q->now_ms,
                              .greylist = { .client = client,
                                            .delay_ms = conf->delay_ms,
                                            .window_ms = conf->window_ms,
                                            .life_ms = conf->life_ms,
                                            .passes = client.len ? conf->passes : 0,
                                            .pass_gap_ms = conf->pass_gap_ms } };
}

struct store_op triplet_op(struct inquiry *q, const struct greylist_conf *conf, const struct identity *who,
                           struct span sender, const struct address *recipient)
{
    struct span id = part(q, conf, who->id), client = { "", 0 };

    if (conf->passes) {
        client = who->client.len ? part(q, conf, who->client) : who->client;
        client = store_key(q->arena, JOIN(q->arena, SPAN("g:{"), id, SPAN("}="), client));
    }
    return op_of(q, conf, triplet_key(q, conf, id, sender, recipient), client);
}

struct span content_digest(struct inquiry *q)
{
    const struct header_field *subject = header_find(&q->message->header, "Subject", 0);

    return crypto_digest_two(q->arena, subject ? span_trim(subject->body) : SPAN(""),
                             span_first(q->message->body, CONTENT_BYTES));
}

struct store_op content_op(struct inquiry *q, const struct greylist_conf *conf, struct span digest,
                           const struct address *recipient)
{
    return op_of(q, conf, triplet_key(q, conf, digest, (struct span){ 0 }, recipient), (struct span){ "", 0 });
}

/* The same whether it is written in Unicode or not: mail servers on its way may change that [RFC6531 3.2]. */
static struct span normal(struct inquiry *q, struct span domain)
{
    char name[DOMAIN_MAX];

    return domain_normal(domain, name) ? domain : arena_copy(q->arena, span_of(name));
}

struct span partner_key(struct inquiry *q, const struct greylist_conf *conf, struct span ours, struct span partner)
{
    size_t at = span_rfind(partner, '@'), local = at == SPAN_NPOS ? partner.len : at + 1;
    struct span whole = JOIN(q->arena, span_first(partner, local), normal(q, span_skip(partner, local)));

    return store_key(
        q->arena, JOIN(q->arena, SPAN("k:partner:"), part(q, conf, normal(q, ours)), SPAN("/"), part(q, conf, whole)));
}

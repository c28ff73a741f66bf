/* scanners/uribl.c - DNS lists, asked about the URLs and mail addresses in a message [RFC5782 4].
 *
 * The hosts that look worst are asked about first, and no more than names_most of them: whoever writes the message
 * chooses how many there are. Hosts that are looked up themselves (for lists of addresses) are asked for at once; their
 * addresses are known when those answers are here, and then the lists are asked about them.
 *
 * Mail addresses: of Reply-To and From, then of the texts. Lists of hashes want them in lower case, and most without
 * what makes many addresses of one (tags, Gmail's dots).
 *
 * Threads: the loop's (scanners/dnsbl_survey.c); the content was gathered by the check urls, on a worker.
 */
#include "scanners/uribl.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/content/content.h"
#include "gateway/mail/address.h"
#include "scanners/dnsbl_survey.h"

static const struct symbol symbols[] = {
    [DNSBL_SYMBOL_BLOCKED] = { "URIBL_BLOCKED", 0, "a list refuses our questions: it counts nothing" },
    [DNSBL_SYMBOL_BROKEN] = { "URIBL_BROKEN", 0,
                              "a list gives answers that no list gives, or fails its test: it counts nothing" },
    [DNSBL_SYMBOL_ASIDE] = { "URIBL_ASIDE", 0, "a list was not asked: it is put aside for now" },
    [DNSBL_SYMBOL_SILENT] = { "URIBL_NO_ANSWER", 0, "a list did not answer in time" },
    { 0 },
};

enum { ADDRESSES_MOST = 2, SERVERS_MOST = 2, TEXT_EMAILS_READ = 100 };

/* ---- which hosts */

struct ranked {
    const struct url *url;
    unsigned weight;
    size_t index;
};

/* Where a reader goes, not what his program fetches. */
static bool is_clicked(int element)
{
    return element == HTML_A || element == HTML_AREA || element == HTML_FORM || element == HTML_REFRESH;
}

static unsigned weight_of(const struct url *u)
{
    static const unsigned tricks = URL_USERINFO | URL_ODD_NUMERIC | URL_BAD_IDN | URL_MIXED_SCRIPT | URL_HOMOGRAPH |
                                   URL_ZERO_WIDTH | URL_DIRECTION | URL_OBFUSCATED | URL_ESCAPED_HOST | URL_PORT;
    unsigned weight = 0;

    if (u->flags & tricks)
        weight += 8;
    if (u->shown_domain[0] && strcmp(u->shown_domain, u->domain) != 0)
        weight += 8;
    if (u->flags & (URL_NUMERIC_HOST | URL_IDN))
        weight += 4;
    if (u->sources & (1U << URL_LINK) && is_clicked(u->element))
        weight += 4;
    if (u->sources & (1U << URL_WRAPPED | 1U << URL_TEXT | 1U << URL_SHOWN | 1U << URL_HEADER | 1U << URL_DECODED))
        weight += 2;
    return u->flags & URL_SCHEMELESS ? weight : weight + 1;
}

static int by_weight(const void *one, const void *other)
{
    const struct ranked *a = one, *b = other;

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static bool is_excluded(const struct uribl_conf *conf, const char *host)
{
    for (size_t i = 0; i < conf->exclude.count; i++)
        if (domain_is_under(host, conf->exclude.items[i]))
            return true;
    return false;
}

/* Names that nobody can register: no list has them, and they are nobody's business [RFC6761 6, RFC9476]. */
static bool is_local(const char *host)
{
    static const char *const domains[] = { "alt",         "arpa",  "corp",        "example",   "example.com",
                                           "example.net", "home",  "internal",    "intranet",  "invalid",
                                           "lan",         "local", "localdomain", "localhost", "onion",
                                           "private",     "test",  "example.org" };

    for (size_t i = 0; i < COUNT(domains); i++)
        if (domain_is_under(host, domains[i]))
            return true;
    return false;
}

static bool is_asked(const struct uribl_conf *conf, const struct url *u)
{
    if (u->address.family != ADDR_NONE)
        return !addr_is_private(&u->address);
    return u->host[0] && domain_is_fqdn(span_of(u->host)) && !is_local(u->host) && !is_excluded(conf, u->host);
}

/* Of several URLs with one domain the worst stands for all. */
static bool has_domain(const struct ranked *list, size_t count, const char *domain)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].url->domain, domain) == 0)
            return true;
    return false;
}

static size_t choose(struct inquiry *q, const struct uribl_conf *conf, struct ranked **out)
{
    const struct urls *urls = &message_content(q->message)->urls;
    struct ranked *all = arena_alloc(q->arena, (urls->count + 1) * sizeof *all);
    size_t count = 0, chosen = 0;

    for (size_t i = 0; i < urls->count; i++)
        if (is_asked(conf, &urls->items[i]))
            all[count++] = (struct ranked){ &urls->items[i], weight_of(&urls->items[i]), i };
    qsort(all, count, sizeof *all, by_weight);
    for (size_t i = 0; i < count && chosen < (size_t)conf->names_most; i++)
        if (!has_domain(all, chosen, all[i].url->domain))
            all[chosen++] = all[i];
    *out = all;
    return chosen;
}

/* ---- what is asked of them */

static bool is_wanted(const struct dnsbl_survey *s, enum dnsbl_subject subject)
{
    for (size_t i = 0; i < s->conf->zones.count; i++)
        if (dnsbl_zone_at(s->conf, i)->subjects[subject])
            return true;
    return false;
}

static void know_addresses(struct dnsbl_survey *s, enum dnsbl_subject subject, const char *host, const char *word)
{
    const struct dns_answer *a = ask_dns(s->q, host, DNS_A);

    if (!a)
        s->is_waiting = true;
    for (size_t i = 0; a && a->state == DNS_OK && i < a->count && i < ADDRESSES_MOST; i++)
        if (!addr_is_private(&a->records[i].ip))
            dnsbl_know_address(s, subject, &a->records[i].ip, word);
}

static void know_servers(struct dnsbl_survey *s, const struct url *u)
{
    const struct dns_answer *a = ask_dns(s->q, u->domain, DNS_NS);

    if (!a)
        s->is_waiting = true;
    for (size_t i = 0; a && a->state == DNS_OK && i < a->count && i < SERVERS_MOST; i++) {
        const char *name = a->records[i].name.ptr;

        know_addresses(s, DNSBL_URL_SERVER, name, arena_printf(s->q->arena, "%s, name server of %s,", name, u->domain));
    }
}

static void know_url(struct dnsbl_survey *s, const struct url *u)
{
    struct arena *a = s->q->arena;

    if (u->address.family != ADDR_NONE) {
        dnsbl_know_address(s, DNSBL_URL_NUMBER, &u->address, "URL's host");
        return;
    }
    dnsbl_know(s, DNSBL_URL_NAME, u->host, u->domain, arena_printf(a, "URL's domain %s", u->host));
    if (is_wanted(s, DNSBL_URL_ADDRESS))
        know_addresses(s, DNSBL_URL_ADDRESS, u->host, arena_printf(a, "%s, host of a URL,", u->host));
    if (is_wanted(s, DNSBL_URL_SERVER))
        know_servers(s, u);
}

/* ---- mail addresses */

/* Without tag; Gmail's without dots, under one name. */
static const char *plain_email(struct arena *a, struct span local, const char *domain)
{
    bool is_gmail = strcmp(domain, "gmail.com") == 0 || strcmp(domain, "googlemail.com") == 0;
    size_t plus = span_find(local, '+'), n = 0;
    char *text = arena_alloc(a, local.len + 1);

    if (plus != SPAN_NPOS && plus > 0)
        local.len = plus;
    for (size_t i = 0; i < local.len; i++)
        if (!is_gmail || local.ptr[i] != '.')
            text[n++] = ascii_lower(local.ptr[i]);
    return arena_printf(a, "%s@%s", text, is_gmail ? "gmail.com" : domain);
}

static bool is_known_email(const struct dnsbl_survey *s, const char *full)
{
    for (size_t i = 0; i < s->who_count; i++)
        if (s->who[i].subject == DNSBL_EMAIL && strcmp(s->who[i].full, full) == 0)
            return true;
    return false;
}

static void know_email(struct dnsbl_survey *s, struct span local, const char *domain, size_t *left)
{
    struct arena *a = s->q->arena;
    const char *plain = plain_email(a, local, domain);

    if (!*left || plain[0] == '@' || is_known_email(s, plain))
        return;
    char *exact = arena_printf(a, "%.*s@%s", SPAN_ARG(local), domain);
    const char *shown = arena_printf(a, "mail address %s", exact);

    for (char *p = exact; *p; p++)
        *p = ascii_lower(*p);
    dnsbl_know(s, DNSBL_EMAIL, plain, plain, shown);
    if (is_wanted(s, DNSBL_EXACT_EMAIL))
        dnsbl_know(s, DNSBL_EXACT_EMAIL, exact, exact, shown);
    --*left;
}

static void know_field(struct dnsbl_survey *s, const char *name, size_t *left)
{
    const struct header_field *field = header_find(&s->q->message->header, name, 0);
    struct mailbox_list list = { 0 };
    char domain[DOMAIN_MAX];

    if (field)
        address_mailboxes(s->q->arena, field->body, &list);
    for (size_t i = 0; i < list.count && *left; i++)
        if (list.items[i].address.local.len && !domain_normal(list.items[i].address.domain, domain))
            know_email(s, list.items[i].address.local, arena_dup(s->q->arena, span_of(domain)), left);
}

static void know_emails(struct dnsbl_survey *s)
{
    const struct uribl_conf *conf = s->q->conf;
    const struct urls *urls = &message_content(s->q->message)->urls;
    size_t left = (size_t)conf->emails_most;

    if (!is_wanted(s, DNSBL_EMAIL) && !is_wanted(s, DNSBL_EXACT_EMAIL))
        return;
    know_field(s, "Reply-To", &left);
    know_field(s, "From", &left);
    for (size_t i = 0; i < urls->email_count && i < TEXT_EMAILS_READ && left; i++)
        know_email(s, urls->emails[i].local, urls->emails[i].domain, &left);
}

static enum step uribl_run(struct inquiry *q)
{
    const struct uribl_conf *conf = q->conf;
    struct dnsbl_survey s = { .q = q, .conf = &conf->lists };
    struct ranked *chosen;

    if (session_direction(q->session) != DIRECTION_INBOUND || conf->lists.zones.count == 0)
        return STEP_DONE;
    size_t count = choose(q, conf, &chosen);

    for (size_t i = 0; i < count; i++)
        know_url(&s, chosen[i].url);
    know_emails(&s);
    return dnsbl_survey(&s);
}

static bool is_idle(const void *values)
{
    return !((const struct uribl_conf *)values)->lists.zones.count;
}

const struct check_module uribl_module = {
    .section = &uribl_section,
    .symbols = symbols,
    .run = uribl_run,
    .bounds = dnsbl_bounds,
    .upkeep = dnsbl_upkeep,
    .upkeep_ms = DNSBL_UPKEEP_MS,
    .is_idle = is_idle,
    .reads_content = true,
    .hides_names = true,
};

/* scanners/urls.c - what the URLs in a message look like: links that show one place and lead to another, names that are
 * taken for others, and the tricks by which a host is hidden from people and filters.
 *
 * Nothing is asked of anybody; lists are asked by the check "uribl". A symbol counts once, however many URLs deserve
 * it, and names a few of them.
 *
 * Threads: a worker's. Reads what dkim and dmarc have found: a link of a sender who has proven to be the one that is
 * shown may lead through somebody else's counting machine.
 */
#include "scanners/urls.h"

#include "gateway/content/content.h"
#include "gateway/mail/domain.h"

enum urls_symbol {
    PHISHING,
    PHISHING_WORDS,
    PHISHING_TLD,
    HOMOGRAPH,
    MIXED_SCRIPT,
    DIRECTION,
    ZERO_WIDTH,
    BAD_UNICODE,
    USER_PASSWORD,
    USER_LONG,
    USER_VERY_LONG,
    MULTIPLE_AT,
    NUMERIC_IP,
    NUMERIC_IP_USER,
    NUMERIC_PRIVATE_IP,
    SUSPICIOUS,
    OBFUSCATED_TEXT,
    BACKSLASH,
    MANY_DOTS,
    VERY_LONG,
    DATA_LINK,
    SCRIPT_LINK,
    REDIRECTOR,
    IN_SUBJECT,
    PART_OF_SUBJECT,
    TOO_MANY,
    SYMBOLS
};

static const struct symbol symbols[] = {
    [PHISHING] = { "PHISHING", 400, "a link shows a URL or a domain and leads to another one" },
    [PHISHING_WORDS] = { "PHISHING_IN_WORDS", 0, "a link's words name a domain, and it leads to another" },
    [PHISHING_TLD] = { "PHISHING_OTHER_TLD", 100, "a link shows one domain and leads to the same name elsewhere" },
    [HOMOGRAPH] = { "URL_HOMOGRAPH_ATTACK", 500, "a host's name is written to look like an ASCII name" },
    [MIXED_SCRIPT] = { "OMOGRAPH_URL", 500, "a label of a host's name mixes scripts" },
    [DIRECTION] = { "URL_RTL_OVERRIDE", 600, "characters in a host that turn the direction of writing" },
    [ZERO_WIDTH] = { "URL_ZERO_WIDTH_SPACES", 700, "characters in a host that are not seen" },
    [BAD_UNICODE] = { "URL_BAD_UNICODE", 300, "a host's name that IDNA does not allow" },
    [USER_PASSWORD] = { "URL_USER_PASSWORD", 200, "a user's name before the host, which people take for the host" },
    [USER_LONG] = { "URL_USER_LONG", 300, "more than 128 characters before the host" },
    [USER_VERY_LONG] = { "URL_USER_VERY_LONG", 500, "at least 256 characters before the host" },
    [MULTIPLE_AT] = { "URL_MULTIPLE_AT_SIGNS", 300, "several @ before the host" },
    [NUMERIC_IP] = { "URL_NUMERIC_IP", 150, "an address instead of a name" },
    [NUMERIC_IP_USER] = { "URL_NUMERIC_IP_USER", 400, "an address instead of a name, and a user before it" },
    [NUMERIC_PRIVATE_IP] = { "URL_NUMERIC_PRIVATE_IP", 50, "an address of a private network" },
    [SUSPICIOUS] = { "R_SUSPICIOUS_URL", 500, "a host in disguise: octal or hexadecimal numbers, escaped letters" },
    [OBFUSCATED_TEXT] = { "URL_OBFUSCATED_TEXT", 50,
                          "a URL that is written so that programs do not see it: hxxp, [.]" },
    [BACKSLASH] = { "URL_BACKSLASH_PATH", 200, "a link whose slashes are not what they should be" },
    [MANY_DOTS] = { "URL_EXCESSIVE_DOTS", 200, "a host of more than 7 labels" },
    [VERY_LONG] = { "URL_VERY_LONG", 150, "a URL of more than 2048 characters" },
    [DATA_LINK] = { "DATA_URI_OBFU", 200, "a link that is a page itself (data:)" },
    [SCRIPT_LINK] = { "SCRIPT_URL", 100, "a link that is a script" },
    [REDIRECTOR] = { "REDIRECTOR_URL", 0, "a shortener or redirector: where it leads is not told" },
    [IN_SUBJECT] = { "URL_IN_SUBJECT", 250, "the subject is a URL" },
    [PART_OF_SUBJECT] = { "URL_PART_OF_SUBJECT", 50, "a URL in the subject" },
    [TOO_MANY] = { "URLS_TOO_MANY", 200, "more URLs than are looked at" },
    { 0 },
};

enum { TOLD_MAX = 3, USER_LONG_FROM = 129, USER_VERY_LONG_FROM = 256, LABELS_MAX = 7 };

struct urls_conf {
    struct conf_strs trackers;
};

struct look {
    struct inquiry *q;
    const struct content *content;
    unsigned told[SYMBOLS];
};

static void tell(struct look *l, enum urls_symbol symbol, const struct url *u)
{
    if (l->told[symbol]++ < TOLD_MAX)
        finding_add(l->q, symbol, "%.*s", SPAN_ARG(span_first(u->raw, 200)));
}

/* ---- what is shown, and where it leads */

static bool is_org_of(const char *domain, const char *organization)
{
    return domain && *domain && domain_is_under(domain, organization);
}

/* Whether the sender has proven to be that domain. */
static bool is_sender(const struct evidence *e, const char *domain)
{
    for (size_t i = 0; i < e->dkim_count; i++)
        if (e->dkim[i].result == AUTH_PASS && !e->dkim[i].is_weak && is_org_of(e->dkim[i].domain, domain))
            return true;
    return e->dmarc.result == AUTH_PASS && is_org_of(e->dmarc.domain, domain);
}

static bool is_tracker(const struct urls_conf *conf, const char *domain)
{
    for (size_t i = 0; i < conf->trackers.count; i++)
        if (domain_is_under(domain, conf->trackers.items[i]))
            return true;
    return false;
}

/* What is shown is what the URL leads to, straight or through redirectors and safe links that we know; or nobody can
 * tell. That a URL holds another one somewhere proves nothing: who makes it chooses what it holds. */
static bool leads_there(const struct urls *urls, size_t index, const char *domain)
{
    const struct url *u = &urls->items[index];

    for (int hops = 0; hops <= URL_HOPS_MAX; hops++) {
        if (strcmp(u->domain, domain) == 0)
            return true;
        if (!(u->flags & URL_REDIRECTOR) || u->leads_to < 0)
            return u->flags & URL_OPAQUE;
        u = &urls->items[u->leads_to];
    }
    return false;
}

/* example.com and example.de may be one company, or not. */
static bool is_same_label(const char *a, const char *b)
{
    size_t n = strcspn(a, ".");

    return n == strcspn(b, ".") && memcmp(a, b, n) == 0;
}

static void look_at_link(struct look *l, size_t index)
{
    const struct url *u = &l->content->urls.items[index];

    if (!u->shown_domain[0] || !u->host[0] || u->element > (int)HTML_AREA ||
        is_sender(l->q->evidence, u->shown_domain) || is_tracker(l->q->conf, u->domain) ||
        leads_there(&l->content->urls, index, u->shown_domain))
        return;
    enum urls_symbol symbol = is_same_label(u->shown_domain, u->domain) ? PHISHING_TLD
                              : u->shows_url                            ? PHISHING
                                                                        : PHISHING_WORDS;

    if (l->told[symbol]++ < TOLD_MAX)
        finding_add(l->q, symbol, "shows %s, leads to %s", u->shown_domain, u->domain);
}

/* ---- the host */

static void look_at_name(struct look *l, const struct url *u)
{
    if (u->flags & URL_HOMOGRAPH)
        tell(l, HOMOGRAPH, u);
    else if (u->flags & URL_MIXED_SCRIPT)
        tell(l, MIXED_SCRIPT, u);
    if (u->flags & URL_DIRECTION)
        tell(l, DIRECTION, u);
    if (u->flags & URL_ZERO_WIDTH)
        tell(l, ZERO_WIDTH, u);
    if (u->flags & URL_BAD_IDN)
        tell(l, BAD_UNICODE, u);
    if (domain_labels(u->host) > LABELS_MAX && !(u->flags & URL_NUMERIC_HOST))
        tell(l, MANY_DOTS, u);
}

static void look_at_user(struct look *l, const struct url *u)
{
    size_t n = u->userinfo.len;

    if (!n || (u->flags & URL_SCHEMELESS && u->element < 0)) /* joe@example.com/jane@example.com */
        return;
    tell(l, n >= USER_VERY_LONG_FROM ? USER_VERY_LONG : n >= USER_LONG_FROM ? USER_LONG : USER_PASSWORD, u);
    if (span_search(u->userinfo, SPAN("%40")) != SPAN_NPOS)
        tell(l, MULTIPLE_AT, u);
}

static void look_at_address(struct look *l, const struct url *u)
{
    if (!(u->flags & URL_NUMERIC_HOST))
        return;
    if (addr_is_private(&u->address))
        tell(l, NUMERIC_PRIVATE_IP, u);
    else
        tell(l, u->userinfo.len ? NUMERIC_IP_USER : NUMERIC_IP, u);
    if (u->flags & URL_ODD_NUMERIC)
        tell(l, SUSPICIOUS, u);
}

/* ---- the rest */

static bool has_backslash(struct span raw)
{
    size_t colon = span_find(raw, ':');
    struct span start = colon == SPAN_NPOS ? raw : span_skip(raw, colon + 1);

    return start.len && (start.ptr[0] == '\\' || (start.len > 1 && start.ptr[1] == '\\'));
}

static void look_at_writing(struct look *l, const struct url *u)
{
    bool is_link = u->source == URL_LINK || u->source == URL_UNSEEN;

    if (u->flags & URL_ESCAPED_HOST)
        tell(l, SUSPICIOUS, u);
    else if (u->flags & URL_OBFUSCATED && !is_link)
        tell(l, OBFUSCATED_TEXT, u);
    if (is_link && u->flags & URL_OBFUSCATED && has_backslash(u->raw))
        tell(l, BACKSLASH, u);
    if (u->flags & URL_LONG && !(u->flags & URL_DATA))
        tell(l, VERY_LONG, u);
    if (u->flags & (URL_SHORTENER | URL_REDIRECTOR))
        tell(l, REDIRECTOR, u);
}

static bool is_followed(const struct url *u)
{
    return u->source == URL_LINK && (u->element == HTML_A || u->element == HTML_AREA || u->element == HTML_REFRESH ||
                                     u->element == HTML_FRAME || u->element == HTML_FORM);
}

/* An empty script, as programs write it for links that do nothing, is none. */
static bool does_something(struct span script)
{
    return script.len && !span_istarts(script, SPAN("void(0)")) && !span_is(script, ";") && !span_is(script, "%3B");
}

static void look_at_scheme(struct look *l, const struct url *u)
{
    if (!is_followed(u))
        return;
    if (u->flags & URL_DATA && !span_istarts(u->path, SPAN("image/")))
        tell(l, DATA_LINK, u);
    if (u->flags & URL_SCRIPT && does_something(u->path))
        tell(l, SCRIPT_LINK, u);
}

static void look_at_subject(struct look *l, const struct url *u)
{
    struct span subject = span_trim(l->content->subject);

    if (u->source != URL_HEADER || u->raw.ptr < subject.ptr || u->raw.ptr >= subject.ptr + subject.len)
        return;
    bool is_all = u->raw.len == subject.len, is_name = u->flags & URL_SCHEMELESS; /* people talk of hosts there */

    if (is_all && !is_name)
        tell(l, IN_SUBJECT, u);
    else if (is_all || !is_name)
        tell(l, PART_OF_SUBJECT, u);
}

static enum step urls_run(struct inquiry *q)
{
    struct look l = { .q = q, .content = message_content(q->message) };
    const struct urls *urls = &l.content->urls;

    for (size_t i = 0; i < urls->count; i++) {
        const struct url *u = &urls->items[i];

        look_at_link(&l, i);
        look_at_name(&l, u);
        look_at_user(&l, u);
        look_at_address(&l, u);
        look_at_writing(&l, u);
        look_at_scheme(&l, u);
        look_at_subject(&l, u);
    }
    if (urls->is_cut)
        finding_add(q, TOO_MANY, "%zu URLs, %zu addresses", urls->count, urls->email_count);
    return STEP_DONE;
}

static const struct conf_key keys[] = {
    { .name = "trackers",
      .type = CONF_STRS,
      .at = offsetof(struct urls_conf, trackers),
      .help = "domains that count clicks for those who may write to you: a link may lead there and show another one" },
    { 0 },
};

static const struct conf_section section = {
    .name = "urls",
    .help = "What the URLs in a message look like: links that show one place and lead to another, hosts in disguise",
    .size = sizeof(struct urls_conf),
    .keys = keys,
};

const struct check_module urls_module = { .section = &section, .symbols = symbols, .run = urls_run };

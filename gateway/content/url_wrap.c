/* content/url_wrap.c - what redirectors and safe links lead to, as far as it stands in them.
 *
 * Makers of safe links write the target into theirs, each in its own way; those that keep it to themselves (Mimecast,
 * Hornetsecurity) are said to be opaque, and what they tell (the domain) is taken. Besides, any URL may hold another
 * one, plainly, escaped, or in base64: open redirectors are everywhere. Nothing is fetched.
 */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/content/url_parts.h"
#include "gateway/mail/codec.h"

enum how {
    BY_PARAM,     /* one of `names` in query or fragment */
    BY_TAIL,      /* the path behind `path`: host/path, with "s/" before it for https */
    BY_SEGMENT,   /* a segment of the path that starts with `names` */
    BY_MARKS,     /* between ___ and ___ */
    BY_HOST,      /* in the host itself: example-com.translate.goog */
    BY_ANY,       /* wherever it stands: as in any URL */
    PROOFPOINT_2, /* - for %, _ for / */
    PROOFPOINT_3, /* characters taken out, and put behind it in base64 */
};

struct wrapper {
    const char *host; /* or above; "google." for all of Google's */
    size_t host_len;
    const char *path; /* its beginning; NULL: any */
    enum how how;
    const char *names; /* blanks between */
    bool is_opaque;    /* it leads on elsewhere, too, or only */
};

#define HOST(text) text, sizeof(text) - 1

/* clang-format off */
static const struct wrapper wrappers[] = {
    /* safe links */
    { HOST("safelinks.protection.outlook.com"),   NULL,        BY_PARAM, "url", false },
    { HOST("safelinks.protection.office365.us"),  NULL,        BY_PARAM, "url", false },
    { HOST("safelinks.protection.partner.outlook.cn"), NULL,   BY_PARAM, "url", false },
    { HOST("statics.teams.cdn.office.net"),       "/evergreen-assets/safelinks/", BY_PARAM, "url", false },
    { HOST("urldefense.proofpoint.com"),          "/v1/",      BY_PARAM, "u", false },
    { HOST("urldefense.proofpoint.com"),          "/v2/",      PROOFPOINT_2, "u", false },
    { HOST("urldefense.proofpoint.com"),          "/v3/",      PROOFPOINT_3, NULL, false },
    { HOST("urldefense.com"),                     "/v3/",      PROOFPOINT_3, NULL, false },
    { HOST("urldefense.com"),                     "/v2/",      PROOFPOINT_2, "u", false },
    { HOST("urldefense.us"),                      "/v3/",      PROOFPOINT_3, NULL, false },
    { HOST("urldefense.us"),                      "/v2/",      PROOFPOINT_2, "u", false },
    { HOST("linkprotect.cudasvc.com"),            NULL,        BY_PARAM, "a", false },
    { HOST("mimecast.com"),                       "/s/",       BY_PARAM, "domain", true },
    { HOST("mimecastprotect.com"),                "/s/",       BY_PARAM, "domain", true },
    { HOST("mimecast.com"),                       "/redirect", BY_PARAM, "u", true },
    { HOST("secure-web.cisco.com"),               NULL,        BY_ANY, NULL, false },
    { HOST("protection.sophos.com"),              NULL,        BY_PARAM, "u d", false },
    { HOST("trendmicro.com"),                     "/wis/clicktime/", BY_PARAM, "url", false },
    { HOST("protect.fireeye.com"),                NULL,        BY_PARAM, "u", false },
    { HOST("fireeye.com"),                        "/v1/url",   BY_PARAM, "u", false },
    { HOST("protect-links.mandiant.com"),         NULL,        BY_PARAM, "u", false },
    { HOST("clicktime.symantec.com"),             NULL,        BY_PARAM, "u", true },
    { HOST("clicktime.cloud.postoffice.net"),     NULL,        BY_PARAM, "u", true },
    { HOST("url.avanan.click"),                   NULL,        BY_MARKS, NULL, false },
    { HOST("avanan.click"),                       NULL,        BY_MARKS, NULL, false },
    { HOST("protect.checkpoint.com"),             NULL,        BY_MARKS, NULL, false },
    { HOST("antiphishing.vadesecure.com"),        NULL,        BY_PARAM, "u", false },
    { HOST("vadesecure.com"),                     NULL,        BY_PARAM, "u", false },
    { HOST("urlsand.esvalabs.com"),               NULL,        BY_PARAM, "u", false },
    { HOST("link.zixcentral.com"),                NULL,        BY_PARAM, "u", false },
    { HOST("atpscan.global.hornetsecurity.com"),  NULL,        BY_ANY, NULL, true },
    { HOST("seclinks.cloud-security.net"),        NULL,        BY_ANY, NULL, true },
    { HOST("url.emailprotection.link"),           NULL,        BY_ANY, NULL, true },
    { HOST("shared.outlook.inky.com"),            NULL,        BY_PARAM, "domain", true },
    { HOST("securelink.forcepoint.com"),          NULL,        BY_ANY, NULL, true },
    { HOST("scanmail.trustwave.com"),             NULL,        BY_PARAM, "u", false },
    { HOST("urlprotection.fortinet.com"),         NULL,        BY_PARAM, "u url", false },
    { HOST("isolate.menlosecurity.com"),          NULL,        BY_ANY, NULL, false },
    { HOST("deref-gmx.net"),                      "/mail/client/", BY_PARAM, "redirectUrl", false },
    { HOST("deref-web.de"),                       "/mail/client/", BY_PARAM, "redirectUrl", false },
    { HOST("deref-mail.com"),                     "/mail/client/", BY_PARAM, "redirectUrl", false },
    /* search engines and the like */
    { HOST("google."),                            "/url",      BY_PARAM, "q url", false },
    { HOST("google."),                            "/aclk",     BY_PARAM, "adurl", true },
    { HOST("google."),                            "/amp/",     BY_TAIL, NULL, false },
    { HOST("google."),                            "/imgres",   BY_PARAM, "imgrefurl imgurl", false },
    { HOST("google."),                            "/translate", BY_PARAM, "u", false },
    { HOST("googleadservices.com"),               "/pagead/",  BY_PARAM, "adurl", true },
    { HOST("doubleclick.net"),                    NULL,        BY_PARAM, "adurl url", true },
    { HOST("c.gle"),                              NULL,        BY_ANY, NULL, true },
    { HOST("notifications.google.com"),           "/g/p/",     BY_ANY, NULL, true },
    { HOST("translate.goog"),                     NULL,        BY_HOST, NULL, false },
    { HOST("cdn.ampproject.org"),                 "/c/",       BY_TAIL, NULL, false },
    { HOST("cdn.ampproject.org"),                 "/v/",       BY_TAIL, NULL, false },
    { HOST("bing.com"),                           "/ck/a",     BY_PARAM, "u", false },
    { HOST("bing.com"),                           "/amp/",     BY_TAIL, NULL, false },
    { HOST("bing.com"),                           "/alink/link", BY_PARAM, "url", false },
    { HOST("search.yahoo.com"),                   NULL,        BY_SEGMENT, "RU=", false },
    { HOST("duckduckgo.com"),                     "/l/",       BY_PARAM, "uddg", false },
    { HOST("baidu.com"),                          "/link",     BY_PARAM, "url", true },
    { HOST("yandex.ru"),                          "/clck/",    BY_ANY, NULL, true },
    /* social networks and others */
    { HOST("facebook.com"),                       "/l.php",    BY_PARAM, "u", false },
    { HOST("facebook.com"),                       "/flx/warn/", BY_PARAM, "u", false },
    { HOST("l.instagram.com"),                    NULL,        BY_PARAM, "u", false },
    { HOST("l.messenger.com"),                    NULL,        BY_PARAM, "u", false },
    { HOST("l.threads.net"),                      NULL,        BY_PARAM, "u", false },
    { HOST("youtube.com"),                        "/redirect", BY_PARAM, "q", false },
    { HOST("linkedin.com"),                       "/redir/",   BY_PARAM, "url", false },
    { HOST("linkedin.com"),                       "/safety/go", BY_PARAM, "url", false },
    { HOST("linkedin.com"),                       "/slink",    BY_PARAM, "code", true },
    { HOST("slack-redir.net"),                    "/link",     BY_PARAM, "url", false },
    { HOST("steamcommunity.com"),                 "/linkfilter", BY_PARAM, "u url", false },
    { HOST("vk.com"),                             "/away.php", BY_PARAM, "to", false },
    { HOST("ok.ru"),                              "/dk",       BY_PARAM, "st.link", false },
    { HOST("t.umblr.com"),                        "/redirect", BY_PARAM, "z", false },
    { HOST("out.reddit.com"),                     NULL,        BY_PARAM, "url", false },
    { HOST("medium.com"),                         "/r/",       BY_PARAM, "url", false },
    { HOST("pinterest.com"),                      "/offsite",  BY_PARAM, "url", false },
    { HOST("disq.us"),                            "/url",      BY_PARAM, "url", false },
    { HOST("deviantart.com"),                     "/users/outgoing", BY_ANY, NULL, false },
    { HOST("exit.sc"),                            NULL,        BY_PARAM, "url", false },
    { HOST("href.li"),                            NULL,        BY_ANY, NULL, false },
    { HOST("anonym.to"),                          NULL,        BY_ANY, NULL, false },
    { HOST("web.archive.org"),                    "/web/",     BY_ANY, NULL, false },
};
/* clang-format on */

/* What is being collected. */
struct targets {
    struct arena *a;
    struct span *items;
    size_t count;
};

static void add(struct targets *t, struct span target)
{
    if (!target.len || t->count == URL_INNER_MAX)
        return;
    for (size_t i = 0; i < t->count; i++)
        if (span_eq(t->items[i], target))
            return;
    t->items[t->count++] = target;
}

/* ---- base64, as it stands in URLs: of either alphabet [RFC4648 5], padded or not */

static int base64_value(char c)
{
    if (ascii_is_alpha(c))
        return c >= 'a' ? c - 'a' + 26 : c - 'A';
    if (ascii_is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static struct span url_base64(struct arena *a, struct span text)
{
    char *out = arena_alloc(a, text.len + 1);
    uint32_t bits = 0;
    size_t len = 0, held = 0;

    for (size_t i = 0; i < text.len && base64_value(text.ptr[i]) >= 0; i++) {
        bits = bits << 6 | (uint32_t)base64_value(text.ptr[i]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[len++] = (char)(bits >> held);
        }
    }
    return span_make(out, len);
}

static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ')
            return false;
    return true;
}

struct span url_data_page(struct arena *a, struct span url)
{
    static const char *const types[] = { "text/html", "application/xhtml", "image/svg", "text/xml", "application/xml" };
    struct span data = span_istarts(url, SPAN("data:")) ? span_skip(url, 5) : SPAN(""), type;
    bool is_page = false;

    if (!span_cut(&data, ',', &type) || !data.ptr)
        return SPAN("");
    type = span_trim(type);
    for (size_t i = 0; i < COUNT(types); i++)
        is_page |= span_istarts(type, span_of(types[i]));
    if (!is_page)
        return SPAN("");
    data = url_percent_decode(a, data);
    if (!span_iends(type, SPAN("base64")))
        return data;
    unsigned flaws = 0;
    char *page = arena_alloc(a, codec_most(data.len));

    return span_make(page, base64_decode(data, page, &flaws));
}

/* ---- URLs inside of anything */

/* "http://", "https:\\", ...: as a value may start. */
static bool starts_url(struct span s)
{
    size_t n = span_istarts(s, SPAN("https:")) ? 6 : span_istarts(s, SPAN("http:")) ? 5 : 0;

    return n && n < s.len && (s.ptr[n] == '/' || s.ptr[n] == '\\');
}

enum { DECODINGS_MAX = 3 };

/* A value: escaped, escaped twice, or in base64. `is_redirector`: it is a target, whatever it looks like. */
static void add_value(struct targets *t, struct span value, bool is_redirector)
{
    value = url_percent_decode(t->a, value);
    for (int i = 1; i < DECODINGS_MAX && !starts_url(value) && span_find(value, '%') != SPAN_NPOS; i++)
        value = url_percent_decode(t->a, value);
    if (starts_url(value)) {
        add(t, value);
        return;
    }
    struct span code = is_redirector && span_starts(value, SPAN("a1")) ? span_skip(value, 2) : value;

    if (span_starts(code, SPAN("aHR0c")) || span_starts(code, SPAN("SFRUU"))) {
        struct span decoded = url_base64(t->a, code);

        if (is_text(decoded))
            add_value(t, decoded, false);
    } else if (is_redirector) {
        add(t, value);
    }
}

static bool is_one_of(struct span name, const char *names)
{
    struct span rest = span_of(names), word;

    while (span_word(&rest, &word))
        if (span_ieq(word, name))
            return true;
    return false;
}

/* Query or fragment: the values whose names are `names`, or all that look like URLs (NULL). */
static void add_params(struct targets *t, struct span text, const char *names)
{
    struct span part;

    while (t->count < URL_INNER_MAX && span_cut(&text, '&', &part)) {
        if (span_istarts(part, SPAN("amp;")))
            part = span_skip(part, 4);
        size_t equals = span_find(part, '=');
        struct span value = equals == SPAN_NPOS ? part : span_skip(part, equals + 1);

        if (!names)
            add_value(t, value, false);
        else if (equals != SPAN_NPOS && is_one_of(span_first(part, equals), names))
            add_value(t, value, true);
    }
}

/* Where a URL that stands somewhere in `s` starts, from `at` on. */
static size_t find_url(struct span s, size_t at)
{
    while (at < s.len) {
        size_t found = span_isearch(span_skip(s, at), SPAN("http"));

        if (found == SPAN_NPOS)
            return SPAN_NPOS;
        at += found;
        if (starts_url(span_skip(s, at)))
            return at;
        at += 4;
    }
    return SPAN_NPOS;
}

static struct span up_to_quote(struct span s)
{
    size_t n = 0;

    while (n < s.len && (unsigned char)s.ptr[n] > ' ' && !strchr("\"'<>|", s.ptr[n]))
        n++;
    return span_first(s, n);
}

/* In the path, or anywhere in what is no query. */
static void add_embedded(struct targets *t, struct span text)
{
    text = url_percent_decode(t->a, text);
    for (size_t at = 0; t->count < URL_INNER_MAX && (at = find_url(text, at)) != SPAN_NPOS; at += 4)
        add(t, up_to_quote(span_skip(text, at)));
}

struct rest {
    struct span path, query, fragment;
};

static struct rest cut(struct span text)
{
    struct rest r = { .path = text };
    size_t hash = span_find(text, '#');

    if (hash != SPAN_NPOS) {
        r.fragment = span_skip(text, hash + 1);
        r.path = text = span_first(text, hash);
    }
    size_t mark = span_find(text, '?');

    if (mark != SPAN_NPOS) {
        r.query = span_skip(text, mark + 1);
        r.path = span_first(text, mark);
    }
    return r;
}

/* ---- makers' own ways */

static void add_proofpoint_2(struct targets *t, struct span query)
{
    struct span part;

    while (span_cut(&query, '&', &part)) {
        if (!span_istarts(part, SPAN("u=")))
            continue;
        char *text = arena_dup(t->a, span_skip(part, 2));

        for (char *p = text; *p; p++)
            *p = *p == '-' ? '%' : *p == '_' ? '/' : *p;
        add(t, url_percent_decode(t->a, span_of(text)));
        return;
    }
}

static struct span first_characters(struct span s, size_t count)
{
    size_t n = 0;

    for (; count && n < s.len; count--) {
        size_t length = utf8_length(span_skip(s, n));

        n += length ? length : 1;
    }
    return span_first(s, n);
}

/* How many characters `**X` stands for: X in the order of A-Z, a-z, 0-9, -, _; from 2 on. */
static size_t run_length(char x)
{
    int value = base64_value(x);

    return value < 0 ? 0 : (size_t)value + 2;
}

/* v3/__URL__;BYTES!...: an asterisk stands for the next of the characters, "**X" for several of them. */
static void add_proofpoint_3(struct targets *t, struct span text)
{
    size_t start = span_search(text, SPAN("__")), end = span_search(text, SPAN("__;"));

    if (start == SPAN_NPOS || end == SPAN_NPOS || end < start + 2)
        return;
    struct span url = span_make(text.ptr + start + 2, end - start - 2), code = span_skip(text, end + 3);
    size_t bang = span_find(code, '!'), len = 0;
    struct span bytes = url_base64(t->a, span_first(code, bang == SPAN_NPOS ? code.len : bang));
    char *out = arena_alloc(t->a, url.len + bytes.len + 1);

    while (url.len) {
        size_t run = url.ptr[0] != '*' ? 0 : url.len > 2 && url.ptr[1] == '*' ? run_length(url.ptr[2]) : 1;
        size_t taken = run > 1 ? 3 : 1;
        struct span plain = run ? first_characters(bytes, run) : span_first(url, 1);

        if (run && !plain.len)
            plain = span_first(url, taken); /* none are left: it is an asterisk */
        else if (run)
            bytes = span_skip(bytes, plain.len);
        memcpy(out + len, plain.ptr, plain.len);
        len += plain.len;
        url = span_skip(url, taken);
    }
    add(t, span_make(out, len));
}

/* "s/example.com/x" behind the prefix. */
static void add_tail(struct targets *t, struct span tail)
{
    bool is_secure = span_starts(tail, SPAN("s/"));

    tail = url_percent_decode(t->a, span_skip(tail, is_secure ? 2 : 0));
    if (starts_url(tail))
        add(t, tail);
    else
        add(t, span_of(arena_printf(t->a, "%s://%.*s", is_secure ? "https" : "http", SPAN_ARG(tail))));
}

static void add_segment(struct targets *t, struct span path, struct span name)
{
    struct span part;

    while (span_cut(&path, '/', &part))
        if (span_starts(part, name))
            add_value(t, span_skip(part, name.len), true);
}

static void add_between_marks(struct targets *t, struct span text)
{
    size_t start = span_search(text, SPAN("___"));

    if (start == SPAN_NPOS)
        return;
    text = span_skip(text, start + 3);
    size_t end = span_search(text, SPAN("___"));

    add_value(t, span_first(text, end == SPAN_NPOS ? text.len : end), true);
}

/* example-com.translate.goog, my--site-org.translate.goog */
static void add_from_host(struct targets *t, const char *host, struct span path)
{
    struct span name = span_first(span_of(host), span_find(span_of(host), '.'));
    char *out = arena_alloc(t->a, name.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        bool is_double = name.ptr[i] == '-' && i + 1 < name.len && name.ptr[i + 1] == '-';

        out[len++] = name.ptr[i] == '-' && !is_double ? '.' : name.ptr[i];
        i += is_double;
    }
    add(t, span_of(arena_printf(t->a, "http://%s%.*s", out, SPAN_ARG(path))));
}

/* ---- */

/* Every URL is compared with all of them. */
static bool is_host(const struct url *u, struct span host, const struct wrapper *w)
{
    if (w->host[w->host_len - 1] == '.') /* of all countries */
        return strncmp(u->domain, w->host, w->host_len) == 0;
    if (host.len < w->host_len || memcmp(host.ptr + host.len - w->host_len, w->host, w->host_len) != 0)
        return false;
    return host.len == w->host_len || host.ptr[host.len - w->host_len - 1] == '.';
}

static const struct wrapper *find_wrapper(const struct url *u, struct span path)
{
    struct span host = span_of(u->host);

    for (size_t i = 0; i < COUNT(wrappers); i++)
        if (is_host(u, host, &wrappers[i]) && (!wrappers[i].path || span_starts(path, span_of(wrappers[i].path))))
            return &wrappers[i];
    return NULL;
}

static void add_wrapped(struct targets *t, const struct wrapper *w, const struct url *u, struct span rest)
{
    struct rest r = cut(rest);

    switch (w->how) {
    case BY_PARAM:
        add_params(t, r.query, w->names);
        add_params(t, r.fragment, w->names);
        break;
    case BY_TAIL: add_tail(t, span_skip(rest, strlen(w->path))); break;
    case BY_SEGMENT: add_segment(t, r.path, span_of(w->names)); break;
    case BY_MARKS: add_between_marks(t, rest); break;
    case BY_HOST: add_from_host(t, u->host, r.path); break;
    case PROOFPOINT_2: add_proofpoint_2(t, r.query); break;
    case PROOFPOINT_3: add_proofpoint_3(t, rest); break;
    case BY_ANY: break;
    }
}

size_t url_unwrap(struct arena *a, struct url *u, struct span rest, struct span out[URL_INNER_MAX])
{
    struct targets t = { .a = a, .items = out };
    const struct wrapper *w = u->host[0] ? find_wrapper(u, rest) : NULL;

    if (w)
        add_wrapped(&t, w, u, rest);
    if (!t.count) {
        struct rest r = cut(rest);

        add_params(&t, r.query, NULL);
        add_params(&t, r.fragment, NULL);
        add_embedded(&t, r.path);
        if (!t.count)
            add_embedded(&t, rest);
    }
    if (w)
        u->flags |= URL_REDIRECTOR | (w->is_opaque ? URL_OPAQUE : 0);
    return t.count;
}

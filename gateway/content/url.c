/* content/url.c - one URL taken apart, and put together again in its normal form [WHATWG URL 4.4, RFC3986 6.2].
 *
 * What browsers forgive is forgiven: tabs and newlines inside, backslashes, any number of slashes, escapes in the host.
 * What people forgive, too: "hxxp", a missing scheme. Each leaves its flag.
 */
#include "gateway/content/url.h"

#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/content/url_parts.h"

/* Nobody follows a URL that is longer than TAKEN_MAX. */
enum { SCHEME_MAX = 24, USERINFO_MAX = 256, TAKEN_MAX = 65536 };

/* ---- small things */

/* The byte that %XX at the start of `s` stands for, or -1. */
static int escaped_byte(struct span s)
{
    if (s.len < 3 || s.ptr[0] != '%' || ascii_hex(s.ptr[1]) < 0 || ascii_hex(s.ptr[2]) < 0)
        return -1;
    return ascii_hex(s.ptr[1]) << 4 | ascii_hex(s.ptr[2]);
}

struct span url_percent_decode(struct arena *a, struct span text)
{
    size_t at = span_find(text, '%'), len = 0;

    if (at == SPAN_NPOS)
        return text;
    char *out = arena_alloc(a, text.len);

    while (text.len) {
        int byte = escaped_byte(text);

        out[len++] = byte < 0 ? text.ptr[0] : (char)byte;
        text = span_skip(text, byte < 0 ? 1 : 3);
    }
    return span_make(out, len);
}

static bool is_control_or_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static struct span strip(struct span s)
{
    while (s.len && is_control_or_blank(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len && is_control_or_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static bool has_line_bytes(struct span s)
{
    return span_find(s, '\n') != SPAN_NPOS || span_find(s, '\r') != SPAN_NPOS || span_find(s, '\t') != SPAN_NPOS ||
           memchr(s.ptr, '\0', s.len);
}

/* Tabs and newlines inside are left out [WHATWG URL 4.4]. */
static struct span without_line_bytes(struct arena *a, struct span s, unsigned *flags)
{
    if (s.len == 0 || !has_line_bytes(s))
        return s;
    char *out = arena_alloc(a, s.len);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '\n' && s.ptr[i] != '\r' && s.ptr[i] != '\t' && s.ptr[i] != '\0')
            out[len++] = s.ptr[i];
    *flags |= URL_OBFUSCATED;
    return span_make(out, len);
}

/* ---- schemes */

struct scheme {
    const char *name;
    unsigned port;    /* its usual one; 0: it has no host */
    bool is_opaque;   /* no "//" is needed, and nothing is normalised */
    const char *mean; /* what is meant by it; NULL: itself */
};

/* clang-format off */
static const struct scheme schemes[] = {
    { "http",  80,  false, NULL }, { "https", 443, false, NULL }, { "ftp",   21,  false, NULL },
    { "ftps",  990, false, NULL }, { "sftp",  22,  false, NULL }, { "ws",    80,  false, NULL },
    { "wss",   443, false, NULL }, { "file",  1,   false, NULL }, { "smb",   445, false, NULL },
    { "hxxp",  80,  false, "http" },  { "hxxps", 443, false, "https" }, { "htxp",  80,  false, "http" },
    { "htxps", 443, false, "https" }, { "hxtp",  80,  false, "http" },  { "hxtps", 443, false, "https" },
    { "fxp",   21,  false, "ftp" },
    { "mailto", 0, true, NULL },      { "data", 0, true, NULL },     { "javascript", 0, true, NULL },
    { "vbscript", 0, true, NULL },    { "jscript", 0, true, NULL },  { "livescript", 0, true, NULL },
    { "tel", 0, true, NULL },         { "sms", 0, true, NULL },      { "callto", 0, true, NULL },
    { "cid", 0, true, NULL },         { "mid", 0, true, NULL },      { "about", 0, true, NULL },
    { "news", 0, true, NULL },        { "skype", 0, true, NULL },    { "whatsapp", 0, true, NULL },
    { "tg", 0, true, NULL },          { "bitcoin", 0, true, NULL },  { "ethereum", 0, true, NULL },
    { "magnet", 0, true, NULL },      { "blob", 0, true, NULL },     { "view-source", 0, true, NULL },
    { "search-ms", 0, true, NULL },   { "search", 0, true, NULL },   { "ms-word", 0, true, NULL },
    { "ms-excel", 0, true, NULL },    { "ms-powerpoint", 0, true, NULL }, { "ms-msdt", 0, true, NULL },
    { "ms-appinstaller", 0, true, NULL },
};
/* clang-format on */

struct span url_scheme(struct span text)
{
    size_t n = 0;

    while (n < text.len && n <= SCHEME_MAX &&
           (ascii_is_alnum(text.ptr[n]) || (n && memchr("+-.", text.ptr[n], 3) != NULL)))
        n++;
    bool is_scheme = n > 1 && n <= SCHEME_MAX && n < text.len && text.ptr[n] == ':' && ascii_is_alpha(text.ptr[0]);

    return is_scheme ? span_first(text, n) : SPAN("");
}

static const struct scheme *find_scheme(struct span written)
{
    char first = written.len ? ascii_lower(written.ptr[0]) : '\0';

    for (size_t i = 0; i < COUNT(schemes) && written.len; i++)
        if (schemes[i].name[0] == first && span_iis(written, schemes[i].name))
            return &schemes[i];
    return NULL;
}

const char *url_scheme_meant(struct span written, bool *is_disguised)
{
    const struct scheme *s = find_scheme(written);

    if (!s)
        return NULL;
    *is_disguised = s->mean;
    return s->mean ? s->mean : s->name;
}

/* ---- the normal form */

struct writer {
    char bytes[URL_BYTES_MAX];
    size_t len;
    bool is_cut;
};

static void put(struct writer *w, const char *bytes, size_t n)
{
    if (w->is_cut || n > sizeof w->bytes - w->len) {
        w->is_cut = true;
        return;
    }
    memcpy(w->bytes + w->len, bytes, n);
    w->len += n;
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static bool is_unreserved(int c)
{
    return c > 0 && c < 0x80 && (ascii_is_alnum((char)c) || c == '-' || c == '.' || c == '_' || c == '~');
}

static void put_escaped(struct writer *w, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char text[3] = { '%', digits[c >> 4], digits[c & 15] };

    put(w, text, sizeof text);
}

/* One byte, or escape, off the front of *s. A percent sign that starts none is escaped, so that it never will. */
static void put_next(struct writer *w, struct span *s, const char *escaped)
{
    int byte = escaped_byte(*s);
    unsigned char c = (unsigned char)s->ptr[0];

    if (byte >= 0 && !is_unreserved(byte))
        put_escaped(w, (unsigned char)byte);
    else if (byte >= 0)
        put(w, &(char){ (char)byte }, 1);
    else if (c <= ' ' || c >= 0x7f || c == '%' || strchr(escaped, c))
        put_escaped(w, c);
    else
        put(w, s->ptr, 1);
    *s = span_skip(*s, byte >= 0 ? 3 : 1);
}

static void put_all(struct writer *w, struct span s, const char *escaped)
{
    while (s.len && !w->is_cut)
        put_next(w, &s, escaped);
}

/* "." and ".." as they stand behind the last slash, escapes decoded: undone [WHATWG URL 4.4, path state]. */
static void undo_dots(struct writer *w, size_t root)
{
    size_t slash = w->len;

    while (slash > root && w->bytes[slash - 1] != '/')
        slash--;
    size_t n = w->len - slash;

    if (n == 1 && w->bytes[slash] == '.') {
        w->len = slash;
    } else if (n == 2 && w->bytes[slash] == '.' && w->bytes[slash + 1] == '.') {
        w->len = slash;
        if (slash > root + 1)
            for (w->len--; w->bytes[w->len - 1] != '/';)
                w->len--;
    }
}

/* From the first slash on; `is_special`: backslashes are slashes. */
static void put_path(struct writer *w, struct span path, bool is_special)
{
    size_t root = w->len;

    put(w, "/", 1);
    if (path.len && (path.ptr[0] == '/' || (is_special && path.ptr[0] == '\\')))
        path = span_skip(path, 1);
    while (path.len && !w->is_cut) {
        if (path.ptr[0] != '/' && !(is_special && path.ptr[0] == '\\')) {
            put_next(w, &path, "\"#<>?`{}\\^");
            continue;
        }
        size_t before = w->len;

        undo_dots(w, root);
        if (w->len == before || w->bytes[w->len - 1] != '/')
            put(w, "/", 1);
        path = span_skip(path, 1);
    }
    if (!w->is_cut)
        undo_dots(w, root);
}

/* ---- taking apart */

struct parts {
    struct span userinfo, host, port;
    struct span path, query, fragment; /* ptr NULL: there is none */
    struct span rest;                  /* path to fragment */
};

static size_t find_any(struct span s, const char *bytes)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] && strchr(bytes, s.ptr[i]))
            return i;
    return s.len;
}

/* userinfo@host:port; a colon inside of brackets is the address's. */
static void cut_authority(struct span authority, struct parts *p)
{
    size_t at = span_rfind(authority, '@');

    if (at != SPAN_NPOS) {
        p->userinfo = span_first(authority, at);
        authority = span_skip(authority, at + 1);
    }
    size_t close = authority.len && authority.ptr[0] == '[' ? span_find(authority, ']') : 0;
    struct span behind = span_skip(authority, close == SPAN_NPOS ? authority.len : close);
    size_t colon = span_find(behind, ':');

    p->host = authority;
    if (colon != SPAN_NPOS) {
        p->host.len = authority.len - behind.len + colon;
        p->port = span_skip(behind, colon + 1);
    }
}

static void cut_rest(struct span rest, struct parts *p)
{
    size_t hash, mark;

    p->rest = rest = span_first(rest, URL_REST_MAX);
    hash = span_find(rest, '#');
    if (hash != SPAN_NPOS) {
        p->fragment = span_skip(rest, hash + 1);
        rest.len = hash;
    }
    mark = span_find(rest, '?');
    if (mark != SPAN_NPOS) {
        p->query = span_skip(rest, mark + 1);
        rest.len = mark;
    }
    p->path = rest;
}

static void read_port(struct span digits, const struct scheme *scheme, struct url *out)
{
    uint64_t port;

    if (digits.len == 0 || span_u64(digits, 65535, &port) || port == scheme->port)
        return;
    out->port = (unsigned)port;
    if (port != 80 && port != 443 && port != 8080 && port != 8443)
        out->flags |= URL_PORT;
}

static struct span part_of(struct writer *w, size_t from, const char *kept)
{
    return span_make(kept + from, w->len - from);
}

/* Writes it all, and points into what is kept of it. */
static void compose(struct arena *a, const struct parts *p, struct url *out)
{
    struct writer w = { .len = 0 };
    bool is_ip6 = out->address.family == ADDR_IP6;

    put_text(&w, out->scheme);
    put_text(&w, "://");
    size_t user = w.len;

    for (struct span left = p->userinfo; left.len && w.len - user < USERINFO_MAX;)
        put_next(&w, &left, "\"#<>?`{}/;=@[]\\^|");
    size_t host = w.len;

    if (p->userinfo.len)
        put(&w, "@", 1);
    put_text(&w, is_ip6 ? "[" : "");
    put_text(&w, out->host);
    put_text(&w, is_ip6 ? "]" : "");
    if (out->port) {
        char text[16];

        snprintf(text, sizeof text, ":%u", out->port);
        put_text(&w, text);
    }
    size_t path = w.len;

    put_path(&w, p->path, true);
    size_t query = w.len;

    if (p->query.ptr)
        put(&w, "?", 1);
    put_all(&w, p->query, "\"#<>'");
    size_t fragment = w.len;

    if (p->fragment.ptr)
        put(&w, "#", 1);
    put_all(&w, p->fragment, "\"<>`");
    out->text = arena_copy(a, span_make(w.bytes, w.len));
    const char *kept = out->text.ptr;

    out->userinfo = span_make(kept + user, host - user);
    out->path = span_make(kept + path, query - path);
    out->query = span_skip(span_make(kept + query, fragment - query), 1);
    out->fragment = span_skip(part_of(&w, fragment, kept), 1);
    out->flags |= w.is_cut ? URL_LONG : 0;
}

static bool take_hierarchical(struct arena *a, const struct scheme *scheme, struct span text, struct url *out,
                              struct span *rest)
{
    struct parts p = { .path = SPAN("") };
    size_t end = find_any(text, "/\\?#");

    cut_authority(span_first(text, end), &p);
    cut_rest(span_skip(text, end), &p);
    if (text.len - end > URL_REST_MAX)
        out->flags |= URL_LONG;
    if (!url_host(a, p.host, out))
        return false;
    if (end < text.len && text.ptr[end] == '\\')
        out->flags |= URL_OBFUSCATED;
    read_port(p.port, scheme, out);
    if (p.userinfo.len)
        out->flags |= URL_USERINFO;
    if (url_is_shortener(out->host))
        out->flags |= URL_SHORTENER;
    compose(a, &p, out);
    *rest = p.rest;
    return true;
}

/* mailto:, data:, javascript: and the like: there is nobody to look up. */
static bool take_opaque(struct arena *a, struct span text, struct url *out, struct span *rest)
{
    struct writer w = { .len = 0 };

    out->host = out->host_unicode = out->domain = "";
    put_text(&w, out->scheme);
    put(&w, ":", 1);
    size_t path = w.len;

    *rest = span_first(text, URL_REST_MAX);
    put_all(&w, *rest, "");
    out->text = arena_copy(a, span_make(w.bytes, w.len));
    out->path = part_of(&w, path, out->text.ptr);
    if (strcmp(out->scheme, "data") == 0)
        out->flags |= URL_DATA;
    else if (span_ends(span_of(out->scheme), SPAN("script")))
        out->flags |= URL_SCRIPT;
    out->flags |= w.is_cut || text.len > URL_REST_MAX ? URL_LONG : 0;
    return true;
}

/* Behind "scheme:": any number of slashes of either kind [WHATWG URL 4.4]. */
static struct span skip_slashes(struct span s, unsigned *flags)
{
    size_t n = 0;
    bool is_odd = false;

    for (; n < s.len && (s.ptr[n] == '/' || s.ptr[n] == '\\'); n++)
        is_odd |= s.ptr[n] == '\\';
    if (n != 2 || is_odd)
        *flags |= URL_OBFUSCATED;
    return span_skip(s, n);
}

static const struct scheme *http(void)
{
    return &schemes[0];
}

/* A number alone is a page's name, not an address. */
static bool take_schemeless(struct arena *a, struct span text, struct url *out, struct span *rest)
{
    unsigned ignored = 0;

    out->scheme = "http";
    out->flags |= URL_SCHEMELESS;
    if (text.len && (text.ptr[0] == '/' || text.ptr[0] == '\\'))
        text = skip_slashes(text, &ignored);
    if (!take_hierarchical(a, http(), text, out, rest))
        return false;
    return out->address.family == ADDR_NONE ? url_is_known_tld(out->host) : !(out->flags & URL_ODD_NUMERIC);
}

static const char *scheme_name(struct arena *a, struct span written)
{
    char *name = arena_dup(a, written);

    for (char *p = name; *p; p++)
        *p = ascii_lower(*p);
    return name;
}

/* A scheme that we do not know: its host may be one all the same. */
static bool take_foreign(struct arena *a, struct span written, struct span text, struct url *out, struct span *rest)
{
    static const struct scheme foreign = { "", 1, false, NULL };
    out->scheme = scheme_name(a, written);
    if (!take_hierarchical(a, &foreign, span_skip(text, 2), out, rest))
        return false;
    return out->address.family != ADDR_NONE || url_is_known_tld(out->host);
}

/* feed:https://..., microsoft-edge:https://...: whoever takes that scheme goes where the URL in it leads. */
static bool leads_on(struct span written, struct span behind)
{
    return written.len && span_find(written, '.') == SPAN_NPOS && !span_starts(behind, SPAN("//")) &&
           span_search(behind, SPAN("://")) != SPAN_NPOS;
}

static bool take_leading(struct arena *a, struct span written, struct span behind, struct url *out, struct span *rest)
{
    out->scheme = scheme_name(a, written);
    return take_opaque(a, behind, out, rest);
}

bool url_take(struct arena *a, struct span text, struct url *out, struct span *rest)
{
    *out = (struct url){
        .element = -1, .wrapper = -1, .leads_to = -1, .raw = text, .count = 1, .host = "", .host_unicode = ""
    };
    *rest = SPAN("");
    text = strip(text);
    out->flags |= text.len > TAKEN_MAX ? URL_LONG : 0;
    text = without_line_bytes(a, span_first(text, TAKEN_MAX), &out->flags);
    struct span written = url_scheme(text);
    const struct scheme *scheme = find_scheme(written);
    struct span behind = written.len ? span_skip(text, written.len + 1) : text;

    if (!scheme && leads_on(written, behind))
        return take_leading(a, written, behind, out, rest);
    if (!scheme)
        return written.len && span_starts(behind, SPAN("//")) && span_find(written, '.') == SPAN_NPOS
                   ? take_foreign(a, written, behind, out, rest)
                   : take_schemeless(a, text, out, rest);
    out->scheme = scheme->mean ? scheme->mean : scheme->name;
    if (scheme->is_opaque)
        return take_opaque(a, behind, out, rest);
    if (scheme->mean)
        out->flags |= URL_OBFUSCATED;
    if (strcmp(scheme->name, "file") == 0)
        return take_hierarchical(a, scheme, span_starts(behind, SPAN("//")) ? span_skip(behind, 2) : behind, out, rest);
    return take_hierarchical(a, scheme, skip_slashes(behind, &out->flags), out, rest);
}

bool url_read(struct arena *a, struct span text, struct url *out)
{
    struct span rest;

    return url_take(a, text, out, &rest);
}

/* ---- words */

static const char *const flag_names[] = { "schemeless", "userinfo",     "numeric_host", "odd_numeric", "idn",
                                          "bad_idn",    "mixed_script", "homograph",    "zero_width",  "direction",
                                          "obfuscated", "port",         "escaped_host", "long",        "shortener",
                                          "redirector", "data",         "script",       "opaque" };

static const char *const source_names[] = {
    "text", "link", "shown", "hidden", "header", "wrapped", "decoded", "unseen"
};

const char *url_flag_name(unsigned flag)
{
    size_t i = 0;

    while (i + 1 < COUNT(flag_names) && !(flag >> i & 1))
        i++;
    return flag_names[i];
}

const char *url_source_name(enum url_source source)
{
    return source_names[source];
}

/* rules/view/uri_forms.c - the forms of one address: what browsers and mail readers make of what is written.
 *
 * A rule may ask for any of them; so each is put into the list that is new. The forms follow SpamAssassin's, whose
 * rules are tried on them.
 */
#include <netinet/in.h>

#include "gateway/base/addr.h"
#include "gateway/mail/domain.h"
#include "rules/view/uris.h"

/* What is still to be looked at: the address itself, and what it redirects to. */
struct forms {
    struct uri_list *list;
    uri_target *find_target;
    void *arg;
    struct span todo[URI_TARGETS_MAX];
    size_t todo_count;
    unsigned made;
};

static void put(struct forms *f, struct span uri)
{
    if (uri.len && f->made++ < URI_FORMS_MAX)
        uri_list_put(f->list, uri);
}

static void put_joined(struct forms *f, struct span scheme, struct span host, struct span rest)
{
    char *out = arena_alloc(f->list->arena, scheme.len + host.len + rest.len + 1);

    memcpy(out, scheme.ptr, scheme.len);
    memcpy(out + scheme.len, host.ptr, host.len);
    if (rest.len)
        memcpy(out + scheme.len + host.len, rest.ptr, rest.len);
    put(f, span_make(out, scheme.len + host.len + rest.len));
}

static void put_later(struct forms *f, struct span uri)
{
    if (f->todo_count < URI_TARGETS_MAX)
        f->todo[f->todo_count++] = uri;
}

/* ---- mail addresses ---- */

/* "mailto:a@b?subject=x" also without what is behind the address, and without blanks. */
static void mail_forms(struct forms *f, struct span uri)
{
    size_t at = span_find(uri, '@');

    if (at == SPAN_NPOS)
        return;
    for (size_t i = at + 1; i < uri.len; i++)
        if (uri.ptr[i] == '?' || uri.ptr[i] == '&') {
            put(f, span_first(uri, i));
            break;
        }
    if (span_search(uri, SPAN("%20")) == SPAN_NPOS)
        return;
    struct span rest = span_istarts(uri, SPAN("mailto:")) ? span_skip(uri, 7) : uri;

    while (span_starts(rest, SPAN("%20")))
        rest = span_skip(rest, 3);
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] == '?' || rest.ptr[i] == '&' || rest.ptr[i] == '%')
            rest.len = i;
    put_joined(f, SPAN("mailto:"), rest, SPAN(""));
}

/* ---- text ---- */

/* Escapes of printable ASCII are decoded; what cannot stand in an address is escaped. */
static struct span unescaped(struct arena *a, struct span uri)
{
    char *out = arena_alloc(a, 3 * uri.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < uri.len; i++) {
        unsigned char c = (unsigned char)uri.ptr[i];
        int high = c == '%' && i + 2 < uri.len ? ascii_hex(uri.ptr[i + 1]) : -1;
        int low = high >= 0 ? ascii_hex(uri.ptr[i + 2]) : -1;
        int value = low >= 0 ? high * 16 + low : -1;

        if (value > 0x20 && value < 0x7f) {
            out[n++] = (char)value;
            i += 2;
        } else if (value >= 0) {
            memcpy(out + n, uri.ptr + i, 3);
            n += 3;
            i += 2;
        } else if (c <= 0x20 || c >= 0x7f || c == '"' || c == '%' || c == '<' || c == '>') {
            static const char digits[] = "0123456789abcdef";

            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    return span_make(out, n);
}

/* "&#119;" and "&#x77;" of printable ASCII, and of the full stops of other scripts. Returns how many bytes it takes; 0:
 * there is none. */
static size_t reference_at(struct span rest, char *out)
{
    size_t i = 2;
    bool is_hex = rest.len > 3 && ascii_lower(rest.ptr[2]) == 'x';
    unsigned value = 0;

    if (!span_starts(rest, SPAN("&#")))
        return 0;
    for (i += is_hex; i < rest.len && i < 12 && rest.ptr[i] != ';'; i++) {
        int digit = ascii_hex(rest.ptr[i]);

        if (digit < 0 || (!is_hex && digit > 9))
            return 0;
        value = value * (is_hex ? 16 : 10) + (unsigned)digit;
    }
    if (i >= rest.len || rest.ptr[i] != ';')
        return 0;
    if (value == 0x2e || value == 0x3002 || value == 0xff0e || value == 0xff61)
        *out = '.';
    else if (value > 0x20 && value < 0x7f)
        *out = (char)value;
    else
        return 0;
    return i + 1;
}

static struct span without_references(struct arena *a, struct span uri)
{
    if (span_search(uri, SPAN("&#")) == SPAN_NPOS)
        return uri;
    char *out = arena_alloc(a, uri.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < uri.len;) {
        size_t bytes = uri.ptr[i] == '&' ? reference_at(span_skip(uri, i), &out[n]) : 0;

        if (!bytes)
            out[n] = uri.ptr[i];
        n++;
        i += bytes ? bytes : 1;
    }
    return span_make(out, n);
}

static struct span joined(struct arena *a, struct span x, struct span y, struct span z)
{
    char *out = arena_alloc(a, x.len + y.len + z.len + 1), *to = out;
    const struct span parts[] = { x, y, z };

    for (size_t i = 0; i < 3; i++) {
        if (parts[i].len)
            memcpy(to, parts[i].ptr, parts[i].len);
        to += parts[i].len;
    }
    return span_make(out, (size_t)(to - out));
}

static bool has_any_scheme(struct span uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] == ':')
            return i > 0;
        if (!ascii_is_alnum(uri.ptr[i]) && uri.ptr[i] != '-' && uri.ptr[i] != '_')
            return false;
    }
    return false;
}

static size_t web_scheme(struct span uri)
{
    if (span_istarts(uri, SPAN("https:")))
        return 6;
    return span_istarts(uri, SPAN("http:")) ? 5 : 0;
}

/* As a browser reads it: slashes, escapes, a scheme. */
static struct span tidied(struct arena *a, struct span uri)
{
    char *copy = arena_dup(a, uri);
    struct span out = { copy, uri.len };

    for (size_t i = 0; i < uri.len; i++)
        copy[i] = copy[i] == '\\' ? '/' : copy[i];
    size_t scheme = web_scheme(out);

    if (scheme && !span_starts(span_skip(out, scheme), SPAN("//"))) {
        struct span rest = span_skip(out, scheme);

        out =
            joined(a, span_first(out, scheme), SPAN("//"), rest.len && rest.ptr[0] == '/' ? span_skip(rest, 1) : rest);
    }
    if (span_find(out, '%') != SPAN_NPOS)
        out = unescaped(a, out);
    if (!has_any_scheme(out))
        out = joined(a, span_istarts(out, SPAN("ftp.")) ? SPAN("ftp://") : SPAN("http://"), out, SPAN(""));
    out = without_references(a, out);
    scheme = web_scheme(out);
    if (scheme && out.len > scheme + 2) {
        size_t i = scheme + 2;

        while (i < out.len && !strchr("/?#", out.ptr[i]))
            i++;
        if (i > scheme + 2 && i < out.len && out.ptr[i] && out.ptr[i] != '/')
            out = joined(a, span_first(out, i), SPAN("/"), span_skip(out, i));
    }
    return out;
}

/* ---- hosts ---- */

/* One number of an address, decimal, octal or hexadecimal; false: it is none. */
static bool number_in(struct span text, uint64_t most, uint64_t *out)
{
    bool is_hex = span_istarts(text, SPAN("0x"));
    unsigned base = is_hex ? 16 : text.len > 1 && text.ptr[0] == '0' ? 8 : 10;
    uint64_t value = 0;

    text = is_hex ? span_skip(text, 2) : text;
    if (!text.len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = ascii_hex(text.ptr[i]);

        if (digit < 0 || digit >= (int)base)
            return false;
        value = value * base + (unsigned)digit;
        if (value > UINT32_MAX)
            return false;
    }
    *out = value;
    return value <= most;
}

static bool numeric_host(struct span host, char text[ADDR_TEXT_MAX])
{
    struct span rest = host, part;
    uint64_t value = 0, all = 0;
    unsigned parts = 0;

    while (span_cut(&rest, '.', &part)) {
        parts++;
        if (parts > 4 || !number_in(part, UINT32_MAX, &value))
            return false;
        if (rest.ptr && value > 255)
            return false;
        all = all << 8 | value;
    }
    if ((parts != 4 && parts != 1) || (parts == 4 && value > 255))
        return false;
    uint32_t bytes = htonl((uint32_t)all);
    struct addr addr;

    addr_from_bytes(ADDR_IP4, &bytes, &addr);
    addr_text(&addr, text);
    return true;
}

/* "//user@host:port/rest" taken apart. */
struct taken {
    struct span scheme; /* with its slashes */
    struct span user;   /* with its at sign; empty */
    struct span host;
    struct span port; /* empty: none */
    struct span rest; /* behind the host, the port included */
};

static bool take_apart(struct span uri, struct taken *out)
{
    size_t scheme = web_scheme(uri);

    if (!scheme || !span_starts(span_skip(uri, scheme), SPAN("//")))
        return false;
    *out = (struct taken){ .scheme = span_first(uri, scheme + 2) };
    struct span rest = span_skip(uri, scheme + 2);
    size_t end = 0;

    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#')
        end++;
    size_t at = span_find(span_first(rest, end), '@');

    if (at != SPAN_NPOS) {
        out->user = span_first(rest, at + 1);
        rest = span_skip(rest, at + 1);
        end -= at + 1;
    }
    size_t colon = span_find(span_first(rest, end), ':');

    out->host = span_first(rest, colon == SPAN_NPOS ? end : colon);
    out->rest = span_skip(rest, out->host.len);
    out->port = colon == SPAN_NPOS ? SPAN("") : span_skip(span_first(rest, end), colon + 1);
    return out->host.len;
}

static bool is_usual_port(const struct taken *t)
{
    return span_is(t->port, t->scheme.len == strlen("https://") ? "443" : "80");
}

/* An address may be hidden behind another one: ".../redirect?url=http://target/". */
static void look_for_target(struct forms *f, struct span uri, struct span rest)
{
    struct span target;

    if (f->find_target && f->find_target(f->arg, uri, &target)) {
        put_later(f, target);
        return;
    }
    for (size_t i = 0; i < rest.len; i++) {
        struct span here = span_skip(rest, i);

        if (ascii_lower(here.ptr[0]) != 'h' || !web_scheme(here))
            continue;
        size_t end = 0;

        while (end < here.len && here.ptr[end] != '&' && here.ptr[end] != '#')
            end++;
        if (span_find(span_first(here, end), '.') != SPAN_NPOS)
            put_later(f, span_first(here, end));
        return;
    }
}

static void host_forms(struct forms *f, struct span uri)
{
    char text[ADDR_TEXT_MAX], normal[DOMAIN_MAX];
    struct taken t;

    if (!take_apart(uri, &t))
        return;
    struct span rest_without_port = is_usual_port(&t) ? span_skip(t.rest, t.port.len + 1) : t.rest;

    if (is_usual_port(&t) || t.user.len)
        put_joined(f, t.scheme, t.host, rest_without_port);
    struct span host = t.host;

    while (host.len && !ascii_is_alnum(host.ptr[host.len - 1]) && (unsigned char)host.ptr[host.len - 1] < 0x80)
        host.len--;
    if (host.len && host.len < t.host.len)
        put_joined(f, t.scheme, host, t.rest);
    if (domain_normal(host, normal) == FAULT_NONE && !span_ieq(host, span_of(normal)))
        put_joined(f, t.scheme, span_of(normal), t.rest);
    if (numeric_host(host, text) && !span_is(host, text))
        put_joined(f, t.scheme, span_of(text), t.rest);
    look_for_target(f, uri, t.rest);
}

/* ---- all of it ---- */

/* Without the line ends, and the blanks around it. */
static struct span cleaned(struct arena *a, struct span uri)
{
    if (span_find(uri, '\n') != SPAN_NPOS || span_find(uri, '\r') != SPAN_NPOS) {
        char *out = arena_alloc(a, uri.len + 1);
        size_t n = 0;

        for (size_t i = 0; i < uri.len; i++)
            if (uri.ptr[i] != '\n' && uri.ptr[i] != '\r')
                out[n++] = uri.ptr[i];
        uri = span_make(out, n);
    }
    return span_trim(uri);
}

static bool is_mail(struct span uri)
{
    size_t at = span_find(uri, '@'), colon = span_find(uri, ':');

    return span_istarts(uri, SPAN("mailto:")) || at < colon;
}

static void one(struct forms *f, struct span uri)
{
    if (uri.len > f->list->bytes_left)
        return;
    f->list->bytes_left -= uri.len;
    uri = cleaned(f->list->arena, uri);
    put(f, uri);
    if (uri.len < 2 || strchr("#?&", uri.ptr[0]) || (uri.ptr[0] == '/' && uri.ptr[1] != '/'))
        return;
    if (is_mail(uri)) {
        mail_forms(f, uri);
        return;
    }
    struct span tidy = tidied(f->list->arena, uri);

    if (!span_eq(tidy, uri))
        put(f, tidy);
    host_forms(f, tidy);
}

void uri_forms(struct uri_list *list, struct span uri, uri_target *find_target, void *arg)
{
    struct forms f = { .list = list, .find_target = find_target, .arg = arg };

    put_later(&f, uri);
    for (size_t i = 0; i < f.todo_count; i++)
        one(&f, f.todo[i]);
}

/* content/url_text.c - what a reader would make links of in a text: URLs, names of hosts, mail addresses.
 *
 * Looks for the few bytes that each of them holds (a colon, a dot, an at sign, a bracket around a disguised dot), a
 * block at a time, and then at what stands around. Linear: what was found is not looked at again, a host's characters
 * are read once from each side, and the end of a long word is remembered for all that may start inside of it.
 *
 * Names without a scheme are links only under a suffix that registries sell, and when nothing speaks against it: a
 * full stop without a blank behind it is no host.
 */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/content/url_name.h"

enum {
    BLOCK = 16,     /* bytes that are looked at at once */
    LEFT_MAX = 256, /* of a first label, a local part */
    SCHEME_MAX = 5, /* of those that readers make links of: "https" */
};

/* ---- bytes and characters */

static bool is_trigger(char c)
{
    return c == '.' || c == ':' || c == '@' || c == '[' || c == '(' || c == '{';
}

/* Written with vectors, for this is the only place that every byte of every text goes through. */
typedef unsigned char block __attribute__((vector_size(BLOCK)));

static bool has_trigger(const char *bytes)
{
    uint64_t halves[BLOCK / 8];
    block b;

    memcpy(&b, bytes, sizeof b);
    b = (block)((b == '.') | (b == ':') | (b == '@') | ((b | 0x20) == '{') | (b == '('));
    memcpy(halves, &b, sizeof halves);
    return halves[0] | halves[1];
}

static size_t next_trigger(struct span text, size_t at)
{
    if (at < text.len && is_trigger(text.ptr[at]))
        return at;
    while (at + BLOCK <= text.len && !has_trigger(text.ptr + at))
        at += BLOCK;
    while (at < text.len && !is_trigger(text.ptr[at]))
        at++;
    return at;
}

/* What ends a token: what no URL holds in a text. */
static bool ends_token(struct span s, size_t *length)
{
    static const char borders[] = "<>\"`{}|^[]";
    unsigned char c = (unsigned char)s.ptr[0];

    *length = 1;
    if (c < 0x80)
        return c <= ' ' || c == 0x7f || strchr(borders, c);
    *length = utf8_length(s);
    if (*length == 0)
        return true;
    uint32_t code = utf8_code_point(s, *length);

    return name_is_border(code) || code == 0x3002;
}

static struct span from(const struct url_finder *f, size_t at)
{
    return span_skip(f->text, at);
}

static size_t token_end(struct url_finder *f, size_t at)
{
    size_t length;

    if (at < f->token_end)
        return f->token_end;
    while (at < f->text.len && !ends_token(from(f, at), &length))
        at += length;
    return f->token_end = at;
}

/* ---- what stands behind a host */

static bool is_closing(char c)
{
    return c && strchr(".,;:!?'\")]}*>", c);
}

/* Without the punctuation that ends a sentence, not a URL; a bracket that was opened inside stays. */
static size_t trimmed(struct span s)
{
    int open = 0;

    for (size_t i = 0; i < s.len; i++)
        open += s.ptr[i] == '(' ? 1 : s.ptr[i] == ')' ? -1 : 0;
    while (s.len && is_closing(s.ptr[s.len - 1])) {
        char c = s.ptr[s.len - 1];

        if (c == ')' && open >= 0)
            break;
        open += c == ')';
        s.len--;
    }
    return s.len;
}

static bool starts_rest(char c)
{
    return c == '/' || c == '?' || c == '#' || c == '\\';
}

/* ":8080" at `at`: its length. */
static size_t port_at(struct span s)
{
    size_t n = 1;

    if (!s.len || s.ptr[0] != ':')
        return 0;
    while (n < s.len && n < 7 && ascii_is_digit(s.ptr[n]))
        n++;
    return n > 1 ? n : 0;
}

/* Where the URL ends whose host (and port) ends at `at`. */
static size_t rest_end(struct url_finder *f, size_t at)
{
    if (at >= f->text.len || !starts_rest(f->text.ptr[at]))
        return at;
    size_t end = token_end(f, at);

    if (end > at + URL_REST_MAX)
        end = at + URL_REST_MAX;
    return at + trimmed(span_make(f->text.ptr + at, end - at));
}

static void emit(struct url_finder *f, size_t start, size_t end, struct span meant, unsigned flags)
{
    struct span raw = span_make(f->text.ptr + start, end - start);

    f->done = f->found_end = end;
    f->found(f, raw, meant.ptr ? meant : raw, flags);
}

/* `prefix` and the host without its disguise, then the text from `behind` to `end`. */
static struct span undisguised(struct url_finder *f, struct span prefix, struct span name, size_t behind, size_t end)
{
    return span_of(arena_printf(f->a, "%.*s%.*s%.*s", SPAN_ARG(prefix), SPAN_ARG(name),
                                SPAN_ARG(span_make(f->text.ptr + behind, end - behind))));
}

/* ---- scheme://host */

/* http, https, ftp, hxxp, ws, wss, smb, file */
static bool may_end_scheme(char before, char last)
{
    static const char *const ends[] = { "tp", "ps", "xp", "ws", "ss", "mb", "le" };

    for (size_t i = 0; i < COUNT(ends); i++)
        if (ascii_lower(before) == ends[i][0] && ascii_lower(last) == ends[i][1])
            return true;
    return false;
}

/* Where the scheme starts that ends before `colon`, if it is one that a reader follows. */
static size_t scheme_start(const struct url_finder *f, size_t colon, bool *is_disguised)
{
    size_t least = colon > f->done + SCHEME_MAX ? colon - SCHEME_MAX : f->done;

    if (colon < 2 || !may_end_scheme(f->text.ptr[colon - 2], f->text.ptr[colon - 1]))
        return SPAN_NPOS;
    for (size_t at = least; at + 2 <= colon; at++) {
        struct span scheme = span_make(f->text.ptr + at, colon - at);

        if (!ascii_is_alpha(scheme.ptr[0]))
            continue;
        const char *meant = url_scheme_meant(scheme, is_disguised);

        if (meant &&
            (strstr(meant, "tp") || meant[0] == 'w' || strcmp(meant, "smb") == 0 || strcmp(meant, "file") == 0))
            return at;
    }
    return SPAN_NPOS;
}

/* Letters, digits, -._~!$&'*+,;=:%()@ and all that is not ASCII. */
static bool is_user_char(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 0x80 || ascii_is_alnum(c) || (byte > ' ' && byte < '/' && byte != '"' && byte != '#') ||
           byte == ':' || byte == ';' || byte == '=' || byte == '@' || byte == '_' || byte == '~';
}

/* Userinfo: up to the last at sign before the host ends. Where a run ends is remembered for all that starts in it. */
static size_t skip_userinfo(struct url_finder *f, size_t at)
{
    if (at >= f->user_end) {
        size_t i = at;

        f->user_at = at;
        for (; i < f->text.len && is_user_char(f->text.ptr[i]); i++)
            if (f->text.ptr[i] == '@')
                f->user_at = i + 1;
        f->user_end = i;
    }
    return f->user_at > at ? f->user_at : at;
}

static size_t literal_end(const struct url_finder *f, size_t at)
{
    size_t n = at;

    if (n >= f->text.len || f->text.ptr[n] != '[')
        return at;
    while (n < f->text.len && n < at + 64 && f->text.ptr[n] != ']')
        n++;
    return n < f->text.len && f->text.ptr[n] == ']' ? n + 1 : at;
}

/* Escapes may stand in a host, too. */
static size_t escaped_host_end(const struct url_finder *f, size_t at)
{
    size_t n;

    while (at < f->text.len) {
        n = name_char(from(f, at));
        if (!n && f->text.ptr[at] != '%' && f->text.ptr[at] != '.')
            return at;
        at += n ? n : 1;
    }
    return at;
}

/* Whether somebody could mean a host by it: it has a dot, or is a number. */
static bool may_be_host(const struct name *h)
{
    struct span s = span_make(h->bytes, h->len);
    bool is_number = true;

    if (!s.len || s.len > sizeof h->bytes)
        return false;
    for (size_t i = 0; i < s.len; i++)
        is_number &= ascii_hex(s.ptr[i]) >= 0 || ascii_lower(s.ptr[i]) == 'x';
    return (is_number && ascii_is_digit(s.ptr[0])) || span_find(s, '.') != SPAN_NPOS || !ascii_is_all(s);
}

static bool is_capital(struct span word)
{
    return word.len > 1 && word.ptr[0] >= 'A' && word.ptr[0] <= 'Z' && word.ptr[1] >= 'a' && word.ptr[1] <= 'z';
}

static bool goes_on(const struct url_finder *f, size_t at)
{
    return at < f->text.len && (starts_rest(f->text.ptr[at]) || port_at(from(f, at)));
}

/* A host that stands at `at`, and what follows; `start`: where its URL starts. */
static void emit_host(struct url_finder *f, size_t start, size_t at, struct span prefix, const struct name *h)
{
    bool is_changed = h->is_hidden || prefix.ptr != f->text.ptr + start;
    struct span name = span_make(h->bytes, h->len);
    size_t end = h->end, fitting = 0;

    if (goes_on(f, end))
        end = rest_end(f, end + port_at(from(f, end)));
    else if ((fitting = name_without_glue(f->tlds, name)) > 0) {
        name.len = fitting;
        end = h->is_hidden ? end : at + fitting;
    }
    emit(f, start, end, is_changed ? undisguised(f, prefix, name, h->end, end) : (struct span){ 0 },
         is_changed ? URL_OBFUSCATED : 0);
    struct span whole = span_first(name, fitting), tld = name_last_label(whole);

    /* "example.com.Click here": a blank was forgotten, or not */
    if (!is_changed && end == at + fitting && is_capital(tld)) {
        fitting = name_without_glue(f->tlds, span_first(whole, fitting - tld.len - 1));
        if (fitting)
            emit(f, start, at + fitting, (struct span){ 0 }, 0);
    }
}

/* Behind the colon: slashes, or "www." at least; SPAN_NPOS when nothing of that. "http: //": the blank is for us. */
static size_t authority_at(const struct url_finder *f, size_t at)
{
    size_t first = at;

    if (span_starts(from(f, at), SPAN(" //")))
        first = ++at;
    while (at < f->text.len && (f->text.ptr[at] == '/' || f->text.ptr[at] == '\\'))
        at++;
    return at > first || span_istarts(from(f, at), SPAN("www.")) ? at : SPAN_NPOS;
}

static void at_colon(struct url_finder *f, size_t colon)
{
    bool is_disguised = false;
    size_t start = scheme_start(f, colon, &is_disguised);
    size_t at = start == SPAN_NPOS ? SPAN_NPOS : authority_at(f, colon + 1);

    if (at == SPAN_NPOS)
        return;
    size_t host = skip_userinfo(f, at), literal = literal_end(f, host), escaped = escaped_host_end(f, host);
    struct span prefix = span_make(f->text.ptr + start, host - start);
    struct name h;

    if (memchr(f->text.ptr + host, '%', escaped - host))
        literal = escaped;
    if (literal > host) {
        emit(f, start, rest_end(f, literal + port_at(from(f, literal))), (struct span){ 0 }, 0);
        return;
    }
    name_read(f->text, host, &h);
    f->done = h.end;
    if (!may_be_host(&h))
        return;
    if (f->text.ptr[colon + 1] == ' ')
        prefix = span_of(arena_printf(f->a, "%.*s://", SPAN_ARG(span_make(f->text.ptr + start, colon - start))));
    emit_host(f, start, host, prefix, &h);
}

/* ---- addresses */

static bool is_local_char(char c)
{
    return ascii_is_alnum(c) || (c && strchr("!#$*+-.^_~'", c));
}

/* From the at sign (of `len` bytes, when it is disguised) to both sides. */
static void at_at(struct url_finder *f, size_t at, size_t len)
{
    size_t start = at;
    struct name h;

    while (start > f->found_end && start + LEFT_MAX > at && is_local_char(f->text.ptr[start - 1]))
        start--;
    while (start < at && strchr("'*.-#", f->text.ptr[start]))
        start++;
    if (start == at || (f->urls && !urls_may_guess(f->a, f->urls)))
        return;
    name_read(f->text, at + len, &h);
    if (h.len > sizeof h.bytes)
        return;
    size_t fitting = name_without_glue(f->tlds, span_make(h.bytes, h.len));

    if (!fitting)
        return;
    struct span domain =
        h.is_hidden ? arena_copy(f->a, span_make(h.bytes, fitting)) : span_make(f->text.ptr + at + len, fitting);

    f->done = f->found_end = h.end;
    f->found_email(f, span_make(f->text.ptr + start, at - start), domain);
    if (len == 1 && h.end < f->text.len && f->text.ptr[h.end] == '/')
        emit(f, start, rest_end(f, h.end), (struct span){ 0 }, 0); /* a browser's userinfo */
}

/* ---- names without a scheme */

/* Back over the label that ends at `end`. */
static size_t label_start(const struct url_finder *f, size_t end)
{
    size_t at = end;
    bool is_ascii_ahead = end > 0 && (unsigned char)f->text.ptr[end - 1] < 0x80;

    while (at > f->done && at + LEFT_MAX > end) {
        size_t lead = at - 1;

        while (lead > f->done && at - lead < 4 && ((unsigned char)f->text.ptr[lead] & 0xc0) == 0x80)
            lead--;
        size_t length = name_char(from(f, lead));

        if (length != at - lead)
            break;
        if (length > 1 && is_ascii_ahead && name_is_unspaced(utf8_code_point(from(f, lead), length)))
            break;
        is_ascii_ahead &= length == 1;
        at = lead;
    }
    while (at < end && (f->text.ptr[at] == '-' || f->text.ptr[at] == '_'))
        at++;
    return at;
}

static bool is_www(struct span name)
{
    size_t n = 3;

    if (!span_istarts(name, SPAN("www")))
        return false;
    while (n < name.len && ascii_is_digit(name.ptr[n]))
        n++;
    return n < name.len && name.ptr[n] == '.';
}

/* Behind two backslashes: a file on somebody's server, which Windows programs make a link of. */
static bool is_share(const struct url_finder *f, size_t at)
{
    return at >= 2 && f->text.ptr[at - 1] == '\\' && f->text.ptr[at - 2] == '\\';
}

/* What stands before a name of its own. */
static bool stands_free(const struct url_finder *f, size_t at)
{
    static const char around[] = " \t\r\n<>()[]{}\"',;:|*_-!";

    return at == 0 || at == f->done || (unsigned char)f->text.ptr[at - 1] >= 0x80 || is_share(f, at) ||
           (f->text.ptr[at - 1] && strchr(around, f->text.ptr[at - 1]));
}

static bool has_letter(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (ascii_is_alpha(s.ptr[i]) || (unsigned char)s.ptr[i] >= 0x80)
            return true;
    return false;
}

/* Nothing speaks against a name that has no scheme and no www. */
static bool is_plausible(const struct url_finder *f, size_t start, const struct name *h, struct span name)
{
    struct span tld = name_last_label(name), before = span_first(name, name.len - tld.len - 1);
    struct span second = span_find(before, '.') == SPAN_NPOS ? before : name_last_label(before);

    if (!stands_free(f, start) || !has_letter(second))
        return false;
    if (h->end < f->text.len && (f->text.ptr[h->end] == '(' || f->text.ptr[h->end] == '='))
        return false;
    if (!name_is_doubtful(tld) && !is_capital(tld))
        return true;
    return !h->is_hidden && ((goes_on(f, h->end) && name.len == h->len) || (second.len < before.len && second.len > 1));
}

/* A host whose first label ends at `end`. */
static void at_name(struct url_finder *f, size_t end)
{
    size_t start = label_start(f, end);
    struct name h;

    if (start == end || (f->urls && !urls_may_guess(f->a, f->urls)))
        return;
    name_read(f->text, start, &h);
    size_t sign = name_bracketed(from(f, h.end), '@', SPAN("at"));

    if (sign || (h.end < f->text.len && f->text.ptr[h.end] == '@')) {
        at_at(f, h.end, sign ? sign : 1);
        return;
    }
    struct span name = span_make(h.bytes, h.len > sizeof h.bytes ? 0 : h.len);
    size_t fitting = name_without_glue(f->tlds, name);

    f->done = h.end;
    name.len = fitting;
    if (fitting && (is_www(name) || is_plausible(f, start, &h, name)))
        emit_host(f, start, start, span_make(f->text.ptr + start, 0), &h);
}

static void at_bracket(struct url_finder *f, size_t at)
{
    struct span inside = span_first(from(f, at + 1), 2);
    char first = inside.len == 2 ? inside.ptr[inside.ptr[0] == ' '] : '\0';

    if (first != '.' && first != '@' && ascii_lower(first) != 'd' && ascii_lower(first) != 'a')
        return;
    size_t end = at > f->done && f->text.ptr[at - 1] == ' ' ? at - 1 : at;
    size_t sign = name_bracketed(from(f, end), '@', SPAN("at"));

    if (sign)
        at_at(f, end, sign);
    else if (name_bracketed(from(f, end), '.', SPAN("dot")))
        at_name(f, end);
}

/* "example dot com": seldom, so it has a pass of its own. */
static void find_spelt_dots(struct url_finder *f)
{
    static const char *const words[] = { " dot ", " DOT ", " Dot " };

    for (size_t w = 0; w < COUNT(words); w++) {
        f->done = f->found_end = f->token_end = 0;
        for (size_t at = 0;; at++) {
            const char *hit = memmem(f->text.ptr + at, f->text.len - at, words[w], 5);

            if (!hit)
                break;
            at = (size_t)(hit - f->text.ptr);
            if (at > f->done)
                at_name(f, at);
        }
    }
}

void url_find(struct url_finder *f)
{
    for (size_t at = 0; (at = next_trigger(f->text, at)) < f->text.len; at++) {
        if (at < f->done) {
            at = f->done - 1;
            continue;
        }
        if (f->urls && !urls_may_find(f->a, f->urls, f->like))
            return;
        switch (f->text.ptr[at]) {
        case ':': at_colon(f, at); break;
        case '@': at_at(f, at, 1); break;
        case '.': at_name(f, at); break;
        default: at_bracket(f, at); break;
        }
    }
    if (f->text.len)
        find_spelt_dots(f);
}

/* ---- links */

enum { SHOWN_MAX = 512 };

struct first_url {
    struct url_finder finder;
    const char *domain;
    bool is_url;
};

/* But for marks around it. */
static bool is_all(struct span text, struct span raw)
{
    size_t around = 0;

    for (size_t i = 0; i < text.len; i++)
        around += (unsigned char)text.ptr[i] >= 0x80 || ascii_is_alnum(text.ptr[i]);
    for (size_t i = 0; i < raw.len; i++)
        around -= (unsigned char)raw.ptr[i] >= 0x80 || ascii_is_alnum(raw.ptr[i]);
    return around == 0;
}

static void found_shown(struct url_finder *f, struct span raw, struct span meant, unsigned flags)
{
    struct first_url *first = (struct first_url *)f;
    struct url u;

    (void)flags;
    if (first->domain[0] || !url_read(f->a, meant, &u) || u.address.family != ADDR_NONE || !url_is_known_tld(u.host))
        return;
    first->domain = u.domain;
    first->is_url = !(u.flags & URL_SCHEMELESS) || is_www(raw) || u.path.len > 1 || is_all(f->text, raw);
}

static void found_shown_email(struct url_finder *f, struct span local, struct span domain)
{
    (void)f;
    (void)local;
    (void)domain;
}

/* What looks like a dot is one to who looks. */
static struct span with_plain_dots(struct arena *a, struct span text)
{
    char *out = arena_alloc(a, text.len + 1);
    size_t len = 0;

    for (size_t length; text.len; text = span_skip(text, length)) {
        length = utf8_length(text);
        length = length ? length : 1;
        bool is_dot = length == 3 && name_is_dot(utf8_code_point(text, length));

        memcpy(out + len, is_dot ? "." : text.ptr, is_dot ? 1 : length);
        len += is_dot ? 1 : length;
    }
    return span_make(out, len);
}

const char *url_shown_domain(struct arena *a, struct span shown, bool *is_url)
{
    struct first_url first = {
        .finder = { .found = found_shown,
                    .found_email = found_shown_email,
                    .a = a,
                    .text = with_plain_dots(a, span_first(shown, SHOWN_MAX)) },
        .domain = "",
    };

    url_find(&first.finder);
    *is_url = first.is_url;
    return first.domain;
}

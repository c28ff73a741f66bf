/* content/url_name.c - host names as they stand in a text: with dots in disguise, and with what sticks to them. */
#include "gateway/content/url_name.h"

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"

enum { GLUED_MAX = 3 }; /* labels that may stick to a name's end */

static bool in(uint32_t code, uint32_t first, uint32_t last)
{
    return code >= first && code <= last;
}

bool name_is_border(uint32_t code)
{
    return in(code, 0x80, 0xa0) || code == 0xab || code == 0xbb || in(code, 0x2000, 0x200a) ||
           in(code, 0x2010, 0x2023) || in(code, 0x2025, 0x2029) || in(code, 0x202f, 0x205f) ||
           in(code, 0x3000, 0x3001) || in(code, 0x3008, 0x3011) || in(code, 0x3014, 0x301f) || code == 0xff01 ||
           in(code, 0xff08, 0xff09) || code == 0xff0c || in(code, 0xff1a, 0xff1b) || code == 0xff1f || code == 0xfffd;
}

bool name_is_unspaced(uint32_t code)
{
    return in(code, 0x0e00, 0x0eff) || in(code, 0x2e80, 0x9fff) || in(code, 0xac00, 0xd7ff) ||
           in(code, 0xf900, 0xfaff) || in(code, 0xff00, 0xffef);
}

bool name_is_dot(uint32_t code)
{
    return code == 0x3002 || code == 0xff0e || code == 0xff61 || code == 0x2024 || code == 0xfe52;
}

static bool is_plain(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_';
}

size_t name_char(struct span s)
{
    if (s.len && (unsigned char)s.ptr[0] < 0x80)
        return is_plain(s.ptr[0]);
    size_t length = utf8_length(s);

    if (length == 0)
        return 0;
    uint32_t code = utf8_code_point(s, length);

    return name_is_border(code) || name_is_dot(code) ? 0 : length;
}

/* ---- hosts, with disguised dots */

static struct span skip_blank(struct span s)
{
    return s.len && s.ptr[0] == ' ' ? span_skip(s, 1) : s;
}

size_t name_bracketed(struct span s, char sign, struct span word)
{
    static const char opening[] = "[({", closing[] = "])}";
    struct span rest = skip_blank(s);
    const char *open = rest.len ? strchr(opening, rest.ptr[0]) : NULL;

    if (!open || !*open)
        return 0;
    rest = skip_blank(span_skip(rest, 1));
    if (rest.len && rest.ptr[0] == sign)
        rest = span_skip(rest, 1);
    else if (span_istarts(rest, word))
        rest = span_skip(rest, word.len);
    else
        return 0;
    rest = skip_blank(rest);
    if (!rest.len || rest.ptr[0] != closing[open - opening])
        return 0;
    return s.len - skip_blank(span_skip(rest, 1)).len;
}

/* A dot of any kind at the start of `s`: its length, 0 for none. */
static size_t dot_at(struct span s, bool *is_hidden)
{
    size_t length = utf8_length(s);

    if (length == 1 && s.ptr[0] == '.')
        return 1;
    if (length == 3 && name_is_dot(utf8_code_point(s, length)))
        return length;
    size_t n = name_bracketed(s, '.', SPAN("dot"));

    if (!n && span_istarts(s, SPAN(" dot ")))
        n = 5;
    *is_hidden |= n > 0;
    return n;
}

static void put(struct name *h, const char *bytes, size_t n)
{
    if (h->len + n <= sizeof h->bytes) {
        memcpy(h->bytes + h->len, bytes, n);
        h->len += n;
    } else {
        h->len = sizeof h->bytes + 1; /* too long: no host */
    }
}

/* The bytes of a host's characters at `at`, dots not among them. */
static size_t label_length(struct span text, size_t at)
{
    size_t end = at, n;

    for (;;) {
        while (end < text.len && is_plain(text.ptr[end]))
            end++;
        if ((n = name_char(span_skip(text, end))) == 0)
            return end - at;
        end += n;
    }
}

void name_read(struct span text, size_t at, struct name *h)
{

    h->len = 0;
    h->is_hidden = false;
    for (;;) {
        size_t label = label_length(text, at);

        if (h->len <= sizeof h->bytes)
            put(h, text.ptr + at, label);
        h->end = at += label;
        bool is_hidden = h->is_hidden;
        size_t dot = dot_at(span_skip(text, at), &is_hidden);

        if (!dot || !name_char(span_skip(text, at + dot)))
            return;
        h->is_hidden = is_hidden;
        if (h->len <= sizeof h->bytes)
            put(h, ".", 1);
        at += dot;
    }
}

/* ---- suffixes */

/* Suffixes that are words, or ends of file names: a name of two labels under them needs more to be one. */
static const char *const doubtful[] = { "am",  "as",  "at",  "be",  "by",   "do",   "so",  "in",   "is",  "it",
                                        "my",  "no",  "py",  "pl",  "ps",   "rs",   "sh",  "st",   "to",  "zip",
                                        "mov", "md",  "ms",  "app", "post", "call", "now", "here", "how", "you",
                                        "one", "new", "cat", "bat", "java", "vi",   "cab", "bar",  "foo", "ing" };

bool name_is_doubtful(struct span tld)
{
    for (size_t i = 0; i < COUNT(doubtful); i++)
        if (span_iis(tld, doubtful[i]))
            return true;
    return false;
}

static bool look_up(struct span label)
{
    char name[DOMAIN_MAX];

    if (label.len < 2 || (ascii_is_all(label) && (label.len > DOMAIN_LABEL_MAX || !ascii_is_alpha(label.ptr[0]))))
        return false;
    return !domain_normal(label, name) && domain_is_registry_suffix(name);
}

static bool is_known_tld(struct known_tld *tlds, struct span label)
{
    if (label.len < 2 || label.len > sizeof tlds->label)
        return look_up(label);
    struct known_tld *tld =
        &tlds[((unsigned char)label.ptr[0] + 2U * (unsigned char)label.ptr[label.len - 1]) % KNOWN_TLDS];

    if (tld->len != label.len || memcmp(tld->label, label.ptr, label.len) != 0) {
        tld->is_known = look_up(label);
        tld->len = (unsigned char)label.len;
        memcpy(tld->label, label.ptr, label.len);
    }
    return tld->is_known;
}

struct span name_last_label(struct span name)
{
    size_t dot = span_rfind(name, '.');

    return dot == SPAN_NPOS ? SPAN("") : span_skip(name, dot + 1);
}

static size_t ascii_start(struct span s)
{
    size_t n = 0;

    while (n < s.len && (unsigned char)s.ptr[n] < 0x80)
        n++;
    return n;
}

size_t name_without_glue(struct known_tld *tlds, struct span name)
{
    for (int i = 0; i <= GLUED_MAX; i++) {
        struct span tld = name_last_label(name);
        size_t ascii = ascii_start(tld);

        if (!tld.ptr || tld.len == 0)
            return 0;
        if (is_known_tld(tlds, tld))
            return name.len;
        if (ascii > 0 && ascii < tld.len && is_known_tld(tlds, span_first(tld, ascii)))
            return name.len - tld.len + ascii;
        name.len -= tld.len + 1;
    }
    return 0;
}

/* content/url_host.c - the host of a URL, in all the writings that lead somewhere.
 *
 * As browsers do [WHATWG URL 3.5]: escapes are decoded, the name is mapped to A-labels, and what ends in a number is an
 * IPv4 address, in octal, hexadecimal, and with fewer than four parts, too. What libidn2 refuses and browsers go to all
 * the same (pictures, odd hyphens) is encoded here [RFC3492], and said to be bad.
 */
#include <idn2.h>
#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/content/url_name.h"
#include "gateway/content/url_script.h"

/* A host that is longer before decoding is none. */
enum { WRITTEN_MAX = 2048 };

struct host_text {
    char bytes[WRITTEN_MAX];
    size_t len;
    unsigned flags;
};

/* ---- what is not seen, and what stands for a dot */

static unsigned flag_of_unseen(uint32_t code)
{
    if (code == 0x200e || code == 0x200f || code == 0x061c || (code >= 0x202a && code <= 0x202e) ||
        (code >= 0x2066 && code <= 0x2069))
        return URL_DIRECTION;
    if (code == 0x00ad || code == 0x034f || (code >= 0x180b && code <= 0x180e) || (code >= 0x200b && code <= 0x200d) ||
        (code >= 0x2060 && code <= 0x2064) || (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff)
        return URL_ZERO_WIDTH;
    return 0;
}

static void put(struct host_text *h, struct span bytes)
{
    if (h->len + bytes.len <= sizeof h->bytes) {
        memcpy(h->bytes + h->len, bytes.ptr, bytes.len);
        h->len += bytes.len;
    }
}

/* Empty labels lead nowhere: a dot that has none before it is left out. */
static void put_dot(struct host_text *h)
{
    if (h->len && h->bytes[h->len - 1] != '.')
        put(h, SPAN("."));
    else
        h->flags |= URL_OBFUSCATED;
}

static void put_visible(struct host_text *h, struct span s)
{
    while (s.len) {
        size_t length = utf8_length(s);
        uint32_t code = length ? utf8_code_point(s, length) : 0xfffd;
        unsigned unseen = flag_of_unseen(code);

        if (code == '.')
            put_dot(h);
        else if (name_is_dot(code)) {
            h->flags |= URL_OBFUSCATED;
            put_dot(h);
        } else if (unseen)
            h->flags |= unseen;
        else
            put(h, span_first(s, length ? length : 1));
        s = span_skip(s, length ? length : 1);
    }
    while (h->len && h->bytes[h->len - 1] == '.')
        h->len--;
}

/* ---- names */

struct puny {
    uint32_t code[DOMAIN_MAX];
    size_t count;
};

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72 }; /* [RFC3492 5] */

static uint32_t adapted(uint32_t delta, uint32_t points, bool is_first)
{
    uint32_t k = 0;

    delta = is_first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static char digit(uint32_t d)
{
    return (char)(d < 26 ? 'a' + d : '0' + d - 26);
}

static void put_number(struct host_text *out, uint32_t q, uint32_t bias)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
        char d = digit(q < t ? q : t + (q - t) % (BASE - t));

        put(out, span_make(&d, 1));
        if (q < t)
            return;
        q = (q - t) / (BASE - t);
    }
}

static uint32_t next_code(const struct puny *p, uint32_t least)
{
    uint32_t next = UINT32_MAX;

    for (size_t i = 0; i < p->count; i++)
        if (p->code[i] >= least && p->code[i] < next)
            next = p->code[i];
    return next;
}

/* [RFC3492 6.3]; at most DOMAIN_LABEL_MAX characters, so that nothing overflows. */
static void put_punycode(struct host_text *out, const struct puny *p)
{
    uint32_t n = 0x80, delta = 0, bias = BIAS, basic = 0;

    for (size_t i = 0; i < p->count; i++)
        if (p->code[i] < 0x80) {
            char c = ascii_lower((char)p->code[i]);

            put(out, span_make(&c, 1));
            basic++;
        }
    if (basic)
        put(out, SPAN("-"));
    for (uint32_t done = basic; done < p->count; n++, delta++) {
        uint32_t next = next_code(p, n);

        delta += (next - n) * (done + 1);
        n = next;
        for (size_t i = 0; i < p->count; i++) {
            delta += p->code[i] < n;
            if (p->code[i] != n)
                continue;
            put_number(out, delta, bias);
            bias = adapted(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
}

static bool put_label(struct host_text *out, struct span label)
{
    struct puny p = { 0 };
    bool is_ascii = ascii_is_all(label);

    for (size_t length; label.len; label = span_skip(label, length)) {
        length = utf8_length(label);
        if (!length || p.count == DOMAIN_LABEL_MAX)
            return false;
        p.code[p.count++] = utf8_code_point(label, length);
    }
    if (!is_ascii) {
        put(out, SPAN("xn--"));
        put_punycode(out, &p);
        return true;
    }
    for (size_t i = 0; i < p.count; i++) {
        char c = (char)p.code[i];

        put(out, span_make(&c, 1));
    }
    return true;
}

/* What libidn2 has refused. */
static bool normal_by_force(struct span name, char out[DOMAIN_MAX])
{
    struct host_text h = { .len = 0 };
    struct span label;

    while (span_cut(&name, '.', &label)) {
        if (!put_label(&h, label))
            return false;
        if (name.ptr)
            put(&h, SPAN("."));
    }
    return !domain_normal(span_make(h.bytes, h.len), out);
}

static bool normal_name(const struct host_text *h, char name[DOMAIN_MAX], unsigned *flags)
{
    struct span text = span_make(h->bytes, h->len);

    if (!domain_normal(text, name))
        return true;
    if (ascii_is_all(text) || !normal_by_force(text, name))
        return false;
    *flags |= URL_BAD_IDN;
    return true;
}

static void know_unicode(struct arena *a, struct url *out, bool was_ascii)
{
    char *unicode = NULL;

    out->host_unicode = out->host;
    if (!strstr(out->host, "xn--")) {
        if (!was_ascii)
            out->flags |= URL_OBFUSCATED; /* characters that are ASCII in the end: full width, in circles */
        return;
    }
    out->flags |= URL_IDN;
    if (idn2_to_unicode_8z8z(out->host, &unicode, 0) != IDN2_OK) {
        out->flags |= URL_BAD_IDN;
        return;
    }
    out->host_unicode = arena_dup(a, span_of(unicode));
    idn2_free(unicode);
    out->flags |= script_flags(span_of(out->host_unicode));
}

/* ---- addresses */

/* One part of an IPv4 address; false: it is no number [WHATWG URL 3.5, IPv4 number parser]. */
static bool read_number(struct span part, uint64_t *out, bool *is_odd)
{
    unsigned base = 10;

    if (part.len >= 2 && part.ptr[0] == '0') {
        bool is_hex = ascii_lower(part.ptr[1]) == 'x';

        base = is_hex ? 16 : 8;
        part = span_skip(part, is_hex ? 2 : 1);
        *is_odd = true;
    }
    *out = 0;
    for (size_t i = 0; i < part.len; i++) {
        int value = ascii_hex(part.ptr[i]);

        if (value < 0 || (unsigned)value >= base)
            return false;
        if (*out <= UINT32_MAX)
            *out = *out * base + (unsigned)value;
    }
    return true;
}

/* Its last label is digits, or a hexadecimal number. */
static bool ends_in_number(struct span name)
{
    size_t dot = span_rfind(name, '.');
    struct span last = dot == SPAN_NPOS ? name : span_skip(name, dot + 1);
    bool is_digits = last.len > 0, is_odd;
    uint64_t number;

    for (size_t i = 0; i < last.len; i++)
        is_digits &= ascii_is_digit(last.ptr[i]);
    return is_digits || (span_istarts(last, SPAN("0x")) && read_number(last, &number, &is_odd));
}

static bool read_ip4(struct span name, struct url *out)
{
    uint64_t numbers[4], value;
    size_t count = 0;
    struct span part;
    bool is_odd = false;

    while (span_cut(&name, '.', &part)) {
        if (count == 4 || !part.len || !read_number(part, &numbers[count], &is_odd))
            return false;
        count++;
    }
    value = numbers[count - 1];
    if (value >= UINT64_C(1) << (8 * (5 - count)))
        return false;
    for (size_t i = 0; i + 1 < count; i++) {
        if (numbers[i] > 255)
            return false;
        value |= numbers[i] << (8 * (3 - i));
    }
    const uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };

    addr_from_bytes(ADDR_IP4, bytes, &out->address);
    out->flags |= URL_NUMERIC_HOST | (is_odd || count < 4 ? URL_ODD_NUMERIC : 0);
    return true;
}

static bool be_address(struct arena *a, struct url *out)
{
    char text[ADDR_TEXT_MAX];

    out->host = arena_dup(a, span_of(addr_text(&out->address, text)));
    out->host_unicode = out->domain = out->host;
    return true;
}

static bool read_ip6(struct arena *a, struct span written, struct url *out)
{
    size_t close = span_find(written, ']'), zone = span_find(written, '%');

    if (close == SPAN_NPOS)
        return false;
    written = span_skip(span_first(written, zone < close ? zone : close), 1);
    if (span_find(written, ':') == SPAN_NPOS || addr_parse(written, &out->address))
        return false;
    out->flags |= URL_NUMERIC_HOST | (out->address.family == ADDR_IP4 ? URL_ODD_NUMERIC : 0);
    return be_address(a, out);
}

/* ---- */

bool url_is_known_tld(const char *host)
{
    const char *dot = strrchr(host, '.');

    return dot && domain_is_registry_suffix(dot + 1);
}

bool url_host(struct arena *a, struct span written, struct url *out)
{
    struct host_text h;
    char name[DOMAIN_MAX];
    struct span decoded = written;

    if (written.len == 0 || written.len > WRITTEN_MAX)
        return false;
    if (written.ptr[0] == '[')
        return read_ip6(a, written, out);
    if (span_find(written, '%') != SPAN_NPOS) {
        decoded = url_percent_decode(a, written);
        out->flags |= URL_ESCAPED_HOST | URL_OBFUSCATED;
    }
    h.len = 0;
    h.flags = 0;
    put_visible(&h, decoded);
    out->flags |= h.flags;
    if (!normal_name(&h, name, &out->flags))
        return false;
    if (ends_in_number(span_of(name)))
        return read_ip4(span_of(name), out) && be_address(a, out);
    out->host = arena_dup(a, span_of(name));
    know_unicode(a, out, ascii_is_all(span_make(h.bytes, h.len)));
    const char *registrable = domain_org_psl(out->host);

    out->domain = registrable ? registrable : out->host;
    return true;
}

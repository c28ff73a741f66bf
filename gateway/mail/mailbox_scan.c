/* mail/mailbox_scan.c - what lenient readers take for an address.
 *
 * Readers of a broken From field differ: some stop at NUL, some look inside quotes, comments or encoded words, some
 * take the first address and some the last. No reader sees an address without an at sign, so all of these are looked
 * at. Each byte is visited a bounded number of times.
 */
#include "gateway/mail/mailbox_scan.h"

#include "gateway/base/utf8.h"
#include "gateway/mail/domain.h"

enum { SCAN_MOST_SIGNS = 200 };

size_t at_sign(struct span s)
{
    if (s.len && s.ptr[0] == '@')
        return 1;
    return span_starts(s, SPAN("\xef\xbc\xa0")) || span_starts(s, SPAN("\xef\xb9\xab")) ? 3 : 0;
}

static size_t next_at_sign(struct span s, size_t from)
{
    for (size_t i = from; i < s.len; i++)
        if (at_sign(span_skip(s, i)))
            return i;
    return SPAN_NPOS;
}

bool has_at_sign(struct span s)
{
    return next_at_sign(s, 0) != SPAN_NPOS;
}

static bool is_local_byte(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && !strchr("<>(),;:@\"[]\\", c);
}

static bool is_domain_byte(struct span rest)
{
    char c = rest.ptr[0];

    return !at_sign(rest) && (ascii_is_alnum(c) || c == '-' || c == '_' || c == '.' || (unsigned char)c > 0x7f);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span without_dots(struct span s)
{
    while (s.len && s.ptr[0] == '.')
        s = span_skip(s, 1);
    while (s.len && s.ptr[s.len - 1] == '.')
        s.len--;
    return s;
}

static struct span domain_behind(struct span rest)
{
    size_t n = 0;

    while (rest.len && is_blank(rest.ptr[0]))
        rest = span_skip(rest, 1);
    while (n < rest.len && is_domain_byte(span_skip(rest, n)))
        n++;
    return without_dots(span_first(rest, n));
}

static bool is_listed(const struct mailbox_list *list, const struct address *a)
{
    for (size_t i = 0; i < list->count; i++)
        if (span_ieq(list->items[i].address.domain, a->domain) && span_ieq(list->items[i].address.local, a->local))
            return true;
    return false;
}

static bool is_name(struct span domain)
{
    char normal[DOMAIN_MAX];

    return !domain_normal(domain, normal) && strchr(normal, '.');
}

void mailbox_add(struct arena *a, const struct mailbox *mailbox, struct mailbox_list *out)
{
    if (out->count == ADDRESS_LIST_MAX) {
        out->oddities |= ADDRESS_ODD_CUT;
        return;
    }
    if (out->count == 0 || (out->count & (out->count - 1)) == 0)
        out->items = arena_grow(a, out->items, out->count, out->count ? out->count * 2 : 1, sizeof *out->items);
    out->items[out->count++] = *mailbox;
}

static void add_reading(struct arena *a, struct span local, struct span domain, struct mailbox_list *out)
{
    struct mailbox m = { .address = { .local = local, .domain = domain }, .is_lenient = true };

    if (is_listed(out, &m.address) || !is_name(domain))
        return;
    m.address.text = span_of(arena_printf(a, "%.*s@%.*s", SPAN_ARG(local), SPAN_ARG(domain)));
    m.address.is_utf8 = !ascii_is_all(m.address.text);
    mailbox_add(a, &m, out);
}

void mailbox_scan(struct arena *a, struct span text, struct mailbox_list *out)
{
    size_t floor = 0, at = next_at_sign(text, 0);

    for (unsigned signs = 0; at != SPAN_NPOS; signs++) {
        size_t start = at, after = at + at_sign(span_skip(text, at));

        if (signs == SCAN_MOST_SIGNS) {
            out->oddities |= ADDRESS_ODD_CUT;
            return;
        }
        while (start > floor && is_local_byte(text.ptr[start - 1]))
            start--;
        add_reading(a, span_make(text.ptr + start, at - start), domain_behind(span_skip(text, after)), out);
        floor = after;
        at = next_at_sign(text, after);
    }
}

/* A line end that blanks follow is folding [RFC5322 2.2.3]: how long both are together, 0 when it is none. */
static size_t fold_length(struct span s)
{
    size_t n = 0;

    if (n < s.len && s.ptr[n] == '\r')
        n++;
    if (n < s.len && s.ptr[n] == '\n')
        n++;
    if (n == 0 || n == s.len || !ascii_is_wsp(s.ptr[n]))
        return 0;
    while (n < s.len && ascii_is_wsp(s.ptr[n]))
        n++;
    return n;
}

struct span mailbox_unfolded(struct arena *a, struct span text)
{
    if (span_find(text, '\n') == SPAN_NPOS && span_find(text, '\r') == SPAN_NPOS)
        return text;
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len;) {
        size_t fold = fold_length(span_skip(text, i));

        if (fold)
            i += fold;
        else
            out[n++] = text.ptr[i++];
    }
    return span_make(out, n);
}

static int hex_value(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t decode_q(struct span text, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;

        if (text.ptr[i] == '=' && high >= 0 && low >= 0) {
            out[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[n++] = text.ptr[i] == '_' ? ' ' : text.ptr[i];
        }
    }
    return n;
}

static size_t decode_b(struct span text, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, held = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;

        if (!at)
            continue;
        held = (held << 6 | (unsigned)(at - alphabet)) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(held >> bits & 0xff);
        }
    }
    return n;
}

/* An encoded word at the start of `s`: its length, 0 when it is none. *has_end is cleared when "?=" is nowhere behind,
 * so that nobody looks for it again. */
static size_t encoded_word(struct span s, char *encoding, struct span *text, bool *has_end)
{
    struct span rest = span_skip(s, 2), charset;

    if (!*has_end || !span_starts(s, SPAN("=?")) || !span_cut(&rest, '?', &charset) || charset.len == 0)
        return 0;
    if (charset.len > 64 || rest.len < 2 || rest.ptr[1] != '?' || span_find(SPAN("bBqQ"), rest.ptr[0]) == SPAN_NPOS)
        return 0;
    *encoding = ascii_lower(rest.ptr[0]);
    rest = span_skip(rest, 2);
    size_t end = span_search(rest, SPAN("?="));

    if (end == SPAN_NPOS) {
        *has_end = false;
        return 0;
    }
    *text = span_first(rest, end);
    return (size_t)(rest.ptr - s.ptr) + end + 2;
}

struct span mailbox_decoded(struct arena *a, struct span text)
{
    struct span word;
    char encoding, *out;
    bool has_end = true;
    size_t n = 0, after_word = 0;

    if (span_search(text, SPAN("=?")) == SPAN_NPOS)
        return text;
    out = arena_alloc(a, text.len + 1);
    for (size_t i = 0; i < text.len;) {
        size_t length = encoded_word(span_skip(text, i), &encoding, &word, &has_end);

        if (length) {
            if (after_word) /* blanks between encoded words are not shown [RFC2047 6.2] */
                n = after_word;
            n += encoding == 'q' ? decode_q(word, out + n) : decode_b(word, out + n);
            after_word = n;
            i += length;
        } else {
            if (!is_blank(text.ptr[i]))
                after_word = 0;
            out[n++] = text.ptr[i++];
        }
    }
    return span_make(out, n);
}

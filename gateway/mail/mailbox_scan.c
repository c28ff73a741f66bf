/* mail/mailbox_scan.c - what lenient readers take for an address.
 *
 * Readers of a broken From field differ: some stop at NUL, some look inside quotes, comments or encoded words, some
 * take the first address and some the last. No reader sees an address without an at sign, so all of these are looked
 * at. Each byte is visited a bounded number of times.
 */
#include "gateway/mail/mailbox_scan.h"

#include "gateway/base/utf8.h"
#include "gateway/mail/domain.h"
#include "gateway/mail/words.h"

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

struct span mailbox_decoded(struct arena *a, struct span text)
{
    unsigned flaws = 0;

    return span_search(text, SPAN("=?")) == SPAN_NPOS ? text : words_decode_all(a, text, 3 * ADDRESS_BODY_MAX, &flaws);
}

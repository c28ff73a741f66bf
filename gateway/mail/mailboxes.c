/* mail/mailboxes.c - the mailbox list of a From, Sender or Reply-To field [RFC5322 3.4, 4.4].
 *
 * Two readings. The first follows RFC 5322, obsolete forms and groups [RFC6854] included, goes on behind whatever it
 * cannot read, and notes every oddity. Where an oddity says that other readers may see something else, a second one
 * (mailbox_scan.c) adds whatever stands around an at sign: in the bytes as they are, unfolded, and with encoded words
 * decoded. Misplaced dots in a local part are no oddity: mobile carriers gave such addresses out.
 *
 * Memory: all in the arena given, or pointing into the body. Threads: any.
 */
#include "gateway/mail/address.h"

#include "gateway/base/strbuf.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/domain.h"
#include "gateway/mail/mailbox_scan.h"
#include "gateway/mail/mailbox_token.h"

enum {
    ODD_ENOUGH_TO_SCAN = ADDRESS_ODD_SYNTAX | ADDRESS_ODD_NUL | ADDRESS_ODD_ROUTE | ADDRESS_ODD_ENCODED |
                         ADDRESS_ODD_NO_ADDRESS | ADDRESS_ODD_DOMAIN | ADDRESS_ODD_CUT | ADDRESS_ODD_INSIDE |
                         ADDRESS_ODD_LOCAL
};

struct reader {
    struct arena *arena;
    const struct token *tokens;
    size_t at; /* never behind TOKEN_END */
    bool is_in_group;
    struct mailbox_list *out;
};

static int kind(const struct reader *r)
{
    return r->tokens[r->at].kind;
}

static void odd(struct reader *r, enum address_oddity oddity)
{
    r->out->oddities |= oddity;
}

static bool ends_mailbox(int k)
{
    return k == ',' || k == ';' || k == TOKEN_END;
}

static bool is_word(int k)
{
    return k == TOKEN_ATOM || k == TOKEN_QUOTED || k == '.';
}

/* The tokens of [from, to) as one span: in the body when nothing stands between them, else copied without gaps. */
static struct span joined(struct reader *r, size_t from, size_t to)
{
    struct strbuf b;
    bool has_gap = false;

    if (from == to)
        return span_make("", 0);
    for (size_t i = from + 1; i < to; i++)
        has_gap |= r->tokens[i].has_gap;
    const char *start = r->tokens[from].text.ptr, *end = r->tokens[to - 1].text.ptr + r->tokens[to - 1].text.len;

    if (!has_gap)
        return span_make(start, (size_t)(end - start));
    strbuf_init(&b, ADDRESS_BODY_MAX);
    for (size_t i = from; i < to; i++)
        strbuf_put(&b, r->tokens[i].text);
    struct span copy = arena_copy(r->arena, strbuf_span(&b));

    strbuf_release(&b);
    return copy;
}

static void put_unquoted(struct strbuf *b, struct span quoted)
{
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        char c = quoted.ptr[i];

        if (c == '\\' && i + 2 < quoted.len)
            c = quoted.ptr[++i];
        if (c != '\r' && c != '\n')
            strbuf_putc(b, c);
    }
}

static struct span display_of(struct reader *r, size_t from, size_t to)
{
    struct strbuf b;

    if (from == to)
        return span_make("", 0);
    strbuf_init(&b, ADDRESS_BODY_MAX);
    for (size_t i = from; i < to; i++) {
        if (i > from && r->tokens[i].has_gap)
            strbuf_putc(&b, ' ');
        if (r->tokens[i].kind == TOKEN_QUOTED)
            put_unquoted(&b, r->tokens[i].text);
        else
            strbuf_put(&b, r->tokens[i].text);
    }
    struct span copy = arena_copy(r->arena, strbuf_span(&b));

    strbuf_release(&b);
    return copy;
}

/* Does a display name show another address than the one behind it? */
static bool shows_another(struct reader *r, struct span display, const struct address *shown)
{
    struct mailbox_list found = { 0 };

    if (!has_at_sign(display) && span_search(display, SPAN("=?")) == SPAN_NPOS)
        return false;
    mailbox_scan(r->arena, mailbox_decoded(r->arena, display), &found);
    for (size_t i = 0; i < found.count; i++)
        if (!span_ieq(found.items[i].address.text, shown->text))
            return true;
    return false;
}

static void note_local(struct reader *r, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct span text = r->tokens[i].text;
        int k = r->tokens[i].kind;

        if (!is_word(k) || !utf8_is_valid(text))
            odd(r, ADDRESS_ODD_SYNTAX);
        if (i > from && k != '.' && r->tokens[i - 1].kind != '.')
            odd(r, ADDRESS_ODD_SYNTAX);
        if (k == TOKEN_ATOM && span_search(text, SPAN("=?")) != SPAN_NPOS)
            odd(r, ADDRESS_ODD_ENCODED);
        if (has_at_sign(text))
            odd(r, ADDRESS_ODD_LOCAL);
        for (size_t j = 0; k == TOKEN_QUOTED && j < text.len; j++)
            if (strchr("<>,;()\r\n", text.ptr[j]))
                odd(r, ADDRESS_ODD_LOCAL);
    }
}

/* Reads a domain; the dots must part its atoms [RFC5322 4.4]. Returns the token behind it. */
static size_t read_domain(struct reader *r)
{
    size_t from = r->at;

    if (kind(r) == TOKEN_LITERAL) {
        odd(r, ADDRESS_ODD_DOMAIN);
        return ++r->at;
    }
    while (kind(r) == '.' || (kind(r) == TOKEN_ATOM && (r->at == from || r->tokens[r->at - 1].kind == '.')))
        r->at++;
    for (size_t i = from; i < r->at; i++)
        if (span_search(r->tokens[i].text, SPAN("=?")) != SPAN_NPOS)
            odd(r, ADDRESS_ODD_ENCODED);
    bool is_dotted_well = r->at > from && r->tokens[from].kind == TOKEN_ATOM && r->tokens[r->at - 1].kind == TOKEN_ATOM;

    for (size_t i = from + 1; i < r->at; i++)
        is_dotted_well &= r->tokens[i].kind != '.' || r->tokens[i - 1].kind != '.';
    if (!is_dotted_well)
        odd(r, ADDRESS_ODD_SYNTAX | ADDRESS_ODD_DOMAIN);
    return r->at;
}

/* Takes tokens [local, at) for a local part, and the at sign and the domain at r->at. */
static void read_address(struct reader *r, size_t local, struct span *display)
{
    char normal[DOMAIN_MAX];
    size_t sign = r->at++;
    size_t end = read_domain(r);
    struct mailbox m = { .display = *display };

    m.address.text = joined(r, local, end);
    m.address.local = joined(r, local, sign);
    m.address.domain = joined(r, sign + 1, end);
    m.address.is_utf8 = !ascii_is_all(m.address.text);
    for (size_t i = local + 1; i < end; i++)
        if (r->tokens[i].has_gap)
            odd(r, ADDRESS_ODD_INSIDE);
    note_local(r, local, sign);
    if (local == sign)
        odd(r, ADDRESS_ODD_SYNTAX);
    if (domain_normal(m.address.domain, normal))
        odd(r, ADDRESS_ODD_DOMAIN);
    if (local == sign || m.address.domain.len == 0)
        return;
    if (shows_another(r, m.display, &m.address))
        odd(r, ADDRESS_ODD_DISPLAY_AT);
    mailbox_add(r->arena, &m, r->out);
}

/* obs-route [RFC5322 4.4], behind the "<". */
static void skip_route(struct reader *r)
{
    odd(r, ADDRESS_ODD_ROUTE);
    while (kind(r) == ',' || kind(r) == '@')
        if (r->tokens[r->at++].kind == '@')
            read_domain(r);
    if (kind(r) == ':')
        r->at++;
    else
        odd(r, ADDRESS_ODD_SYNTAX);
}

/* Angle-addr, with the display name in tokens [from, at) before it. */
static void read_angle(struct reader *r, size_t from)
{
    struct span display = display_of(r, from, r->at);

    r->at++;
    if (kind(r) == '@' || kind(r) == ',')
        skip_route(r);
    size_t local = r->at;

    while (is_word(kind(r)) || kind(r) == TOKEN_BAD || kind(r) == TOKEN_LITERAL)
        r->at++;
    if (kind(r) == '@')
        read_address(r, local, &display);
    else
        odd(r, ADDRESS_ODD_SYNTAX);
    if (kind(r) != '>') {
        odd(r, ADDRESS_ODD_SYNTAX);
        while (!ends_mailbox(kind(r)) && kind(r) != '>' && kind(r) != '<')
            r->at++;
    }
    if (kind(r) == '>')
        r->at++;
    if (!ends_mailbox(kind(r)))
        odd(r, ADDRESS_ODD_SYNTAX);
}

/* An at sign outside <>: an address by itself, when nothing but the end of the mailbox follows; else a part of what
 * stands before the next "<", if there is one. */
static void read_bare(struct reader *r, size_t from)
{
    struct span none = { "", 0 };
    size_t sign = r->at, open = sign, local = sign;

    while (!ends_mailbox(r->tokens[open].kind) && r->tokens[open].kind != '<')
        open++;
    if (r->tokens[open].kind == '<') {
        odd(r, ADDRESS_ODD_SYNTAX);
        r->at = open;
        read_angle(r, from);
        return;
    }
    while (local > from && (local == sign || r->tokens[local].kind == '.' || r->tokens[local - 1].kind == '.'))
        local--;
    if (local != from)
        odd(r, ADDRESS_ODD_SYNTAX);
    read_address(r, local, &none);
    if (!ends_mailbox(kind(r)))
        odd(r, ADDRESS_ODD_SYNTAX);
    r->at = open;
}

/* Up to the next sign that says what the words before it are; false at the end. */
static bool read_element(struct reader *r)
{
    size_t from = r->at;

    while (is_word(kind(r)) || kind(r) == TOKEN_BAD || kind(r) == TOKEN_LITERAL || kind(r) == '>') {
        if (!is_word(kind(r)))
            odd(r, ADDRESS_ODD_SYNTAX);
        r->at++;
    }
    switch (kind(r)) {
    case '<': read_angle(r, from); return true;
    case '@': read_bare(r, from); return true;
    case ':':
        odd(r, ADDRESS_ODD_GROUP | (r->is_in_group || r->at == from ? ADDRESS_ODD_SYNTAX : 0));
        r->is_in_group = true;
        r->at++;
        return true;
    default: break;
    }
    if (r->at > from) /* words alone are no mailbox */
        odd(r, ADDRESS_ODD_SYNTAX);
    if (kind(r) == ';') {
        if (!r->is_in_group)
            odd(r, ADDRESS_ODD_SYNTAX);
        r->is_in_group = false;
    }
    if (kind(r) == TOKEN_END)
        return false;
    r->at++;
    return true;
}

/* Control characters other than blanks and folding [RFC5322 2.2.3]. */
static bool has_control(struct span body)
{
    for (size_t i = 0; i < body.len; i++) {
        unsigned char c = (unsigned char)body.ptr[i];

        if (c == '\r' && i + 2 < body.len && body.ptr[i + 1] == '\n' && ascii_is_wsp(body.ptr[i + 2]))
            i += 2;
        else if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static void scan(struct arena *a, struct span body, struct mailbox_list *out)
{
    struct span unfolded = mailbox_unfolded(a, body);
    struct span decoded = mailbox_decoded(a, unfolded);
    size_t before;

    mailbox_scan(a, body, out);
    if (unfolded.ptr != body.ptr)
        mailbox_scan(a, unfolded, out);
    before = out->count;
    if (decoded.ptr != unfolded.ptr)
        mailbox_scan(a, decoded, out);
    if (out->count > before)
        out->oddities |= ADDRESS_ODD_ENCODED;
}

void address_mailboxes(struct arena *a, struct span body, struct mailbox_list *out)
{
    struct reader r = { .arena = a, .out = out };
    struct tokens tokens;

    *out = (struct mailbox_list){ 0 };
    while (body.len && (body.ptr[body.len - 1] == '\n' || body.ptr[body.len - 1] == '\r'))
        body.len--;
    if (body.len > ADDRESS_BODY_MAX)
        out->oddities |= ADDRESS_ODD_CUT;
    body = span_first(body, ADDRESS_BODY_MAX);
    mailbox_tokens(a, body, &tokens);
    r.tokens = tokens.items;
    while (read_element(&r))
        ;
    if (r.is_in_group)
        odd(&r, ADDRESS_ODD_SYNTAX);
    if (tokens.is_cut)
        odd(&r, ADDRESS_ODD_CUT);
    if (tokens.has_comment_address)
        odd(&r, ADDRESS_ODD_INSIDE);
    if (has_control(body))
        odd(&r, ADDRESS_ODD_NUL);
    if (out->count > 1)
        odd(&r, ADDRESS_ODD_MANY);
    if (out->count == 0)
        odd(&r, ADDRESS_ODD_NO_ADDRESS);
    if (out->oddities & ODD_ENOUGH_TO_SCAN)
        scan(a, body, out);
}

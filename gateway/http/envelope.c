/* http/envelope.c - a request's fields into a session. */
#include "gateway/http/envelope.h"

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"

const struct head_field *envelope_forbidden(const struct head *head)
{
    for (size_t i = 0; i < head->count; i++) {
        struct span name = head->fields[i].name;

        if (span_iis(name, "File") || span_iis(name, "Path") || span_iis(name, "Shm") ||
            span_istarts(name, SPAN("Shm-")))
            return &head->fields[i];
    }
    return NULL;
}

/* ---- flags ---- */

static bool is_value(const struct head *head, const char *name, const char *value)
{
    return span_iis(head_value(head, name), value);
}

void envelope_flags(const struct head *head, struct envelope_flags *out)
{
    *out = (struct envelope_flags){ .skip = false };
    if (head->protocol == PROTOCOL_SPAMC)
        return;
    *out = (struct envelope_flags){
        .pass_all = head_lists(head, "Flags", "pass_all") || is_value(head, "Pass", "all"),
        .groups = head_lists(head, "Flags", "groups"),
        .zstd = head_lists(head, "Flags", "zstd") || is_value(head, "Compression", "zstd"),
        .no_log = head_lists(head, "Flags", "no_log") || is_value(head, "Log", "no"),
        .no_stat = head_lists(head, "Flags", "no_stat"),
        .skip = head_lists(head, "Flags", "skip"),
    };
}

/* ---- addresses ---- */

static struct span bare(struct span text)
{
    text = span_trim(text);
    if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        text = span_first(span_skip(text, 1), text.len - 2);
    return text;
}

/* The mail server has taken it for an address, and to refuse to look at its mail would let that in unseen: what is none
 * by our grammar (a local user's name, "a..b@c") is cut at its last "@". */
static void take_address(struct session *s, struct span text, struct address *out)
{
    struct span copy = arena_copy(s->tx_arena, bare(text));
    size_t at = span_rfind(copy, '@');

    *out = (struct address){ .text = copy };
    if (!copy.len || !address_parse(copy, out))
        return;
    *out = (struct address){ .text = copy, .local = span_first(copy, at), .is_utf8 = !ascii_is_all(copy) };
    if (at != SPAN_NPOS)
        out->domain = span_skip(copy, at + 1);
}

static const char *add_recipient(struct session *s, struct span text)
{
    struct address address;

    if (!span_trim(text).len)
        return NULL;
    if (s->recipient_count == ENVELOPE_RECIPIENTS_MAX)
        return arena_printf(s->tx_arena, "more than %d recipients", ENVELOPE_RECIPIENTS_MAX);
    take_address(s, text, &address);
    session_add_recipient(s, &address);
    return NULL;
}

/* The next of a list; a comma inside quotes is the local part's. */
static bool next_of_list(struct span *rest, struct span *part)
{
    bool is_quoted = false;
    size_t at = 0;

    if (!rest->len)
        return false;
    while (at < rest->len && (is_quoted || rest->ptr[at] != ',')) {
        if (rest->ptr[at] == '\\' && is_quoted)
            at++;
        else if (rest->ptr[at] == '"')
            is_quoted = !is_quoted;
        at++;
    }
    *part = span_first(*rest, at < rest->len ? at : rest->len);
    *rest = span_skip(*rest, at + 1);
    return true;
}

static const char *fill_recipients(const struct head *head, const char *name, struct session *s)
{
    const char *wrong = NULL;

    for (size_t i = 0; i < head->count && !wrong; i++) {
        struct span rest = head->fields[i].value, part;

        if (!span_iis(head->fields[i].name, name))
            continue;
        while (!wrong && next_of_list(&rest, &part))
            wrong = add_recipient(s, part);
    }
    return wrong;
}

/* ---- the client ---- */

/* Mail servers that know no name write one that is none. */
static struct span real_name(struct span name)
{
    static const char *const none[] = { "unknown", "undefined", "[unavailable]", "[tempunavail]" };

    for (size_t i = 0; i < COUNT(none); i++)
        if (span_iis(name, none[i]))
            return SPAN("");
    if (name.len && (name.ptr[0] == '[' || span_find(name, ' ') != SPAN_NPOS || name.len > 255))
        return SPAN("");
    return name.len && name.ptr[name.len - 1] == '.' ? span_first(name, name.len - 1) : name;
}

static const char *fill_client(const struct head *head, struct session *s)
{
    struct span ip = head_value(head, "IP"), version = head_value(head, "TLS-Version");

    if (ip.len && addr_parse(ip, &s->client) && !span_iis(ip, "unknown"))
        return arena_printf(s->tx_arena, "IP: no address: %.*s", SPAN_ARG(span_first(ip, 100)));
    s->client_ptr = arena_copy(s->arena, real_name(head_value(head, "Hostname")));
    s->helo = arena_copy(s->arena, span_first(head_value(head, "Helo"), 512));
    s->is_esmtp = true;
    s->auth_user = arena_copy(s->arena, head_value(head, "User"));
    if (version.len) {
        s->tls_version = arena_dup(s->arena, version);
        s->tls_cipher = arena_dup(s->arena, head_value(head, "TLS-Cipher"));
    }
    return NULL;
}

/* The protocols have no word for SMTPUTF8: a mail server that has such an address was told so. */
static void know_utf8(struct session *s)
{
    s->is_smtputf8 = s->mail_from.is_utf8;
    for (size_t i = 0; i < s->recipient_count; i++)
        s->is_smtputf8 |= s->recipients[i].address.is_utf8;
}

const char *envelope_fill(const struct head *head, struct session *s)
{
    const char *wrong;

    if (head->protocol == PROTOCOL_SPAMC)
        return NULL;
    if ((wrong = fill_client(head, s)) || (wrong = fill_recipients(head, "Rcpt", s)))
        return wrong;
    if (!s->recipient_count && (wrong = fill_recipients(head, "Deliver-To", s)))
        return wrong;
    take_address(s, head_value(head, "From"), &s->mail_from);
    know_utf8(s);
    return NULL;
}

/* core/authres.c - the Authentication-Results field that we put on top [RFC8601].
 *
 * One line for each result where it fits, broken before a property where it does not. Comments hold only words of
 * ours. Threads: any. Memory: the caller's strbuf.
 */
#include "gateway/core/authres.h"

#include <stdio.h>

#include "gateway/base/utf8.h"
#include "gateway/mail/domain.h"

enum { LINE_AIM = 78, VALUE_MOST_BYTES = 400, VALUE_TEXT_MAX = 2 * VALUE_MOST_BYTES + 3 };

struct writer {
    struct strbuf *out;
    size_t line_at; /* where the current line begins */
    bool is_utf8;   /* UTF-8 may be written */
    bool is_empty;  /* no result yet */
};

static void break_line(struct writer *w)
{
    strbuf_puts(w->out, "\r\n\t");
    w->line_at = w->out->len;
}

/* What must stay together, behind a blank or on a new line. */
static void put_item(struct writer *w, const char *item)
{
    enum { TAB_WIDTH = 8 };

    if (w->out->len - w->line_at + TAB_WIDTH + 1 + strlen(item) > LINE_AIM)
        break_line(w);
    else
        strbuf_putc(w->out, ' ');
    strbuf_puts(w->out, item);
}

static void put_result(struct writer *w, const char *method, enum auth_result result)
{
    strbuf_putc(w->out, ';');
    break_line(w);
    strbuf_putf(w->out, "%s=%s", method, auth_text(result));
    w->is_empty = false;
}

/* Token [RFC2045 5.1]. */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || (unsigned char)s.ptr[i] > 0x7e || strchr("()<>@,;:\\\"/[]?=", s.ptr[i]))
            return false;
    return s.len > 0;
}

/* [[local-part] "@"] domain-name may stand without quotes [RFC8601 2.2]. */
static bool is_plain_mailbox(struct span s)
{
    size_t at = span_find(s, '@');

    return at != SPAN_NPOS && (at == 0 || is_token(span_first(s, at))) && is_token(span_skip(s, at + 1));
}

static void put_quoted(struct strbuf *b, struct span s, bool is_utf8)
{
    strbuf_putc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\')
            strbuf_putc(b, '\\');
        strbuf_putc(b, c < ' ' || c == 0x7f || (c > 0x7f && !is_utf8) ? '?' : (char)c);
    }
    strbuf_putc(b, '"');
}

/* name=value, the value as token, mailbox or quoted string. */
static void put_value(struct writer *w, const char *name, struct span value)
{
    struct strbuf b;

    value = span_first(value, VALUE_MOST_BYTES);
    strbuf_init(&b, VALUE_TEXT_MAX + 64);
    strbuf_putf(&b, "%s=", name);
    if (is_token(value) || is_plain_mailbox(value))
        strbuf_put(&b, value);
    else
        put_quoted(&b, value, w->is_utf8 && utf8_is_valid(value));
    put_item(w, b.data);
    strbuf_release(&b);
}

static void put_text(struct writer *w, const char *name, const char *value)
{
    if (value && *value)
        put_value(w, name, span_of(value));
}

/* A mailbox, with its domain in A-labels and without a local part of UTF-8 where UTF-8 must not be. */
static void put_mailbox(struct writer *w, const char *name, const char *mailbox)
{
    struct span text = span_of(mailbox ? mailbox : "");
    size_t at = span_rfind(text, '@');
    char normal[DOMAIN_MAX];

    if (w->is_utf8 || ascii_is_all(text) || domain_normal(span_skip(text, at == SPAN_NPOS ? 0 : at + 1), normal)) {
        put_text(w, name, mailbox);
        return;
    }
    struct span local = at == SPAN_NPOS ? span_make("", 0) : span_first(text, at + 1);
    struct strbuf b;

    strbuf_init(&b, VALUE_TEXT_MAX);
    if (ascii_is_all(local))
        strbuf_put(&b, local);
    strbuf_puts(&b, normal);
    put_text(w, name, b.data);
    strbuf_release(&b);
}

static void put_reason(struct writer *w, enum auth_result result, const char *reason)
{
    if (result != AUTH_PASS && result != AUTH_NONE)
        put_text(w, "reason", reason);
}

static void put_spf(struct writer *w, const struct spf_evidence *spf, const char *property)
{
    if (spf->result == AUTH_ABSENT)
        return;
    put_result(w, "spf", spf->result);
    put_reason(w, spf->result, spf->reason);
    put_mailbox(w, property, spf->sender);
}

static void put_dkim(struct writer *w, const struct evidence *e)
{
    if (e->dkim_count == 0 && e->dkim_result != AUTH_ABSENT)
        put_result(w, "dkim", e->dkim_result);
    for (size_t i = 0; i < e->dkim_count; i++) {
        const struct dkim_evidence *dkim = &e->dkim[i];

        if (dkim->result == AUTH_ABSENT)
            continue;
        put_result(w, "dkim", dkim->result);
        put_reason(w, dkim->result, dkim->reason);
        put_mailbox(w, "header.d", dkim->domain);
        put_mailbox(w, "header.i", dkim->identity);
        put_mailbox(w, "header.s", dkim->selector);
        put_text(w, "header.a", dkim->algorithm);
        put_text(w, "header.b", dkim->b_start);
    }
}

/* The policy published and what it came to, as a comment that other verifiers write, too. */
static void put_policy(struct writer *w, const struct dmarc_evidence *dmarc)
{
    struct span disposition = span_of(dmarc->disposition);
    char comment[64];

    if (is_token(disposition))
        snprintf(comment, sizeof comment, "(p=%.12s dis=%.12s)", dmarc->policy, dmarc->disposition);
    else
        snprintf(comment, sizeof comment, "(p=%.12s)", dmarc->policy);
    put_item(w, comment);
}

static void put_dmarc(struct writer *w, const struct dmarc_evidence *dmarc)
{
    bool has_policy = is_token(span_of(dmarc->policy));

    if (dmarc->result == AUTH_ABSENT)
        return;
    put_result(w, "dmarc", dmarc->result);
    if (has_policy)
        put_policy(w, dmarc);
    if (dmarc->result == AUTH_NONE && has_policy) /* there is one, and it was not applied */
        put_text(w, "reason", dmarc->reason);
    put_reason(w, dmarc->result, dmarc->reason);
    put_mailbox(w, "header.from", dmarc->domain);
    if (has_policy)
        put_text(w, "policy.dmarc", dmarc->policy);
    put_text(w, "policy.override-reason", dmarc->override_reason);
}

static void put_arc(struct writer *w, const struct arc_evidence *arc, const struct session *s)
{
    char number[24], ip[ADDR_TEXT_MAX];

    if (arc->result == AUTH_ABSENT)
        return;
    put_result(w, "arc", arc->result);
    if (arc->sets) {
        snprintf(number, sizeof number, "(i=%u)", arc->sets);
        put_item(w, number);
    }
    put_reason(w, arc->result, arc->reason);
    if (arc->result == AUTH_PASS) {
        snprintf(number, sizeof number, "%u", arc->oldest_pass);
        put_text(w, "header.oldest-pass", number);
    }
    if (arc->sets && s->client.family != ADDR_NONE)
        put_text(w, "smtp.remote-ip", addr_text(&s->client, ip));
}

static void put_iprev(struct writer *w, const struct iprev_evidence *iprev, const struct session *s)
{
    char ip[ADDR_TEXT_MAX], normal[DOMAIN_MAX], comment[DOMAIN_MAX + 2];

    if (iprev->result == AUTH_ABSENT)
        return;
    put_result(w, "iprev", iprev->result);
    if (iprev->name && !domain_normal(span_of(iprev->name), normal)) {
        snprintf(comment, sizeof comment, "(%s)", normal);
        put_item(w, comment);
    }
    put_text(w, "policy.iprev", addr_text(&s->client, ip));
}

void authres_build(const char *authserv_id, const struct evidence *e, const struct session *s, struct strbuf *out)
{
    struct writer w = { .out = out, .line_at = out->len, .is_utf8 = s->is_smtputf8, .is_empty = true };
    struct span id = span_of(authserv_id);

    if (is_token(id))
        strbuf_put(out, id);
    else
        put_quoted(out, id, false);
    if (s->auth_user.len) {
        put_result(&w, "auth", AUTH_PASS);
        put_value(&w, "smtp.auth", s->auth_user);
    }
    put_iprev(&w, &e->iprev, s);
    put_spf(&w, &e->spf_mailfrom, "smtp.mailfrom");
    put_spf(&w, &e->spf_helo, "smtp.helo");
    put_dkim(&w, e);
    put_dmarc(&w, &e->dmarc);
    put_arc(&w, &e->arc, s);
    if (w.is_empty)
        strbuf_puts(out, "; none");
}

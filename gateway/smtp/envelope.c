/* smtp/envelope.c - MAIL and RCPT as the next hop hears them. */
#include "gateway/smtp/envelope.h"

#include "gateway/base/bug.h"

unsigned envelope_mail_needs(const struct session *s)
{
    unsigned needs = 0;

    if (s->is_8bit)
        needs |= EXTENSION_8BITMIME;
    if (s->is_binary)
        needs |= EXTENSION_BINARYMIME | EXTENSION_CHUNKING;
    if (s->is_smtputf8)
        needs |= EXTENSION_SMTPUTF8;
    if (s->is_require_tls)
        needs |= EXTENSION_REQUIRETLS;
    if (s->ret != DSN_RET_UNSAID || s->envid.len)
        needs |= EXTENSION_DSN;
    return needs;
}

unsigned envelope_needs(const struct session *s)
{
    unsigned needs = envelope_mail_needs(s);

    for (size_t i = 0; i < s->recipient_count; i++)
        if (s->recipients[i].notify || s->recipients[i].orcpt.len)
            needs |= EXTENSION_DSN;
    return needs;
}

static void put_dsn(const struct session *s, struct strbuf *out)
{
    if (s->ret != DSN_RET_UNSAID)
        strbuf_puts(out, s->ret == DSN_RET_FULL ? " RET=FULL" : " RET=HDRS");
    if (s->envid.len)
        strbuf_putf(out, " ENVID=%.*s", SPAN_ARG(s->envid));
}

/* Who submitted the message is believed of a client that we trust alone [RFC4954 5]. */
static void put_auth(const struct session *s, struct strbuf *out)
{
    bool is_trusted = session_direction(s) == DIRECTION_AUTHENTICATED;

    if (s->mail_auth.len)
        strbuf_putf(out, " AUTH=%.*s", SPAN_ARG(is_trusted ? s->mail_auth : SPAN("<>")));
}

void envelope_mail(const struct session *s, unsigned extensions, size_t bytes, struct strbuf *out)
{
    strbuf_putf(out, "MAIL FROM:<%.*s>", SPAN_ARG(s->mail_from.text));
    if (extensions & EXTENSION_SIZE)
        strbuf_putf(out, " SIZE=%zu", bytes);
    if (s->is_8bit && (extensions & EXTENSION_8BITMIME))
        strbuf_puts(out, " BODY=8BITMIME");
    if (s->is_binary && (extensions & EXTENSION_BINARYMIME))
        strbuf_puts(out, " BODY=BINARYMIME");
    if (s->is_smtputf8 && (extensions & EXTENSION_SMTPUTF8))
        strbuf_puts(out, " SMTPUTF8");
    if (extensions & EXTENSION_DSN)
        put_dsn(s, out);
    if (s->is_require_tls && (extensions & EXTENSION_REQUIRETLS))
        strbuf_puts(out, " REQUIRETLS");
    if (extensions & EXTENSION_AUTH)
        put_auth(s, out);
    strbuf_puts(out, "\r\n");
}

static void put_notify(unsigned notify, struct strbuf *out)
{
    static const struct {
        enum dsn_notify notify;
        const char *word;
    } words[] = { { DSN_NOTIFY_NEVER, "NEVER" },
                  { DSN_NOTIFY_SUCCESS, "SUCCESS" },
                  { DSN_NOTIFY_FAILURE, "FAILURE" },
                  { DSN_NOTIFY_DELAY, "DELAY" } };
    const char *before = " NOTIFY=";

    for (size_t i = 0; i < COUNT(words); i++) {
        if (!(notify & words[i].notify))
            continue;
        strbuf_putf(out, "%s%s", before, words[i].word);
        before = ",";
    }
}

void envelope_rcpt(const struct recipient *r, unsigned extensions, struct strbuf *out)
{
    strbuf_putf(out, "RCPT TO:<%.*s>", SPAN_ARG(r->address.text));
    if (extensions & EXTENSION_DSN) {
        put_notify(r->notify, out);
        if (r->orcpt.len)
            strbuf_putf(out, " ORCPT=%.*s", SPAN_ARG(r->orcpt));
    }
    strbuf_puts(out, "\r\n");
}

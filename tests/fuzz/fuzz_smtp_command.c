/* tests/fuzz/fuzz_smtp_command.c - command lines from strangers: no crash, and what is taken is well formed.
 *
 * The first byte chooses the extensions offered; each further line is a command.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/grammar.h"

static void check_inside(struct span part, struct span line)
{
    if (part.len && (part.ptr < line.ptr || part.ptr + part.len > line.ptr + line.len))
        BUG("a span outside of its line");
}

static void check_clean(struct span part)
{
    for (size_t i = 0; i < part.len; i++)
        if ((unsigned char)part.ptr[i] < ' ' && part.ptr[i] != '\t')
            BUG("a control character in what was taken");
}

/* What was taken is taken again, and is the same. */
static void check_path(const struct smtp_command *c, unsigned extensions)
{
    struct smtp_command again;
    struct strbuf line;

    strbuf_init(&line, 1 << 20);
    strbuf_putf(&line, "%s<", c->verb == VERB_MAIL ? "MAIL FROM:" : "RCPT TO:");
    strbuf_put(&line, c->path.text);
    strbuf_puts(&line, "> ");
    strbuf_put(&line, c->parameters);
    if (grammar_parse(strbuf_span(&line), extensions, &again))
        BUG("not taken again: %s", line.data);
    if (!span_eq(again.path.text, c->path.text) || again.size != c->size)
        BUG("taken as something else: %s", line.data);
    strbuf_release(&line);
}

/* What a next hop with the same extensions is told is one line, which it can take, and which means the same. */
static void check_mail_passed_on(const struct smtp_command *c, unsigned extensions)
{
    struct session session = { .mail_from = c->path,
                               .auth_user = SPAN("ada"),
                               .is_8bit = c->is_8bit,
                               .is_binary = c->is_binary,
                               .is_smtputf8 = c->is_smtputf8,
                               .is_require_tls = c->is_require_tls,
                               .ret = c->ret,
                               .envid = c->envid,
                               .mail_auth = c->auth };
    struct smtp_command again;
    struct strbuf line;

    strbuf_init(&line, ENVELOPE_LINE_MAX);
    envelope_mail(&session, extensions, 7, &line);
    if (line.is_full || !span_ends(strbuf_span(&line), SPAN("\r\n")))
        BUG("too long a line");
    if (grammar_parse(span_first(strbuf_span(&line), line.len - 2), extensions, &again))
        BUG("not taken by the next hop: %s", line.data);
    if (again.is_8bit != c->is_8bit || again.is_binary != c->is_binary || again.is_smtputf8 != c->is_smtputf8 ||
        again.is_require_tls != c->is_require_tls || again.ret != c->ret || !span_eq(again.envid, c->envid) ||
        !span_eq(again.auth, c->auth))
        BUG("told the next hop as something else: %s", line.data);
    strbuf_release(&line);
}

static void check_rcpt_passed_on(const struct smtp_command *c, unsigned extensions)
{
    struct recipient recipient = { c->path, c->notify, c->orcpt };
    struct smtp_command again;
    struct strbuf line;

    strbuf_init(&line, ENVELOPE_LINE_MAX);
    envelope_rcpt(&recipient, extensions, &line);
    if (line.is_full || !span_ends(strbuf_span(&line), SPAN("\r\n")))
        BUG("too long a line");
    if (grammar_parse(span_first(strbuf_span(&line), line.len - 2), extensions, &again))
        BUG("not taken by the next hop: %s", line.data);
    if (again.notify != c->notify || !span_eq(again.orcpt, c->orcpt))
        BUG("told the next hop as something else: %s", line.data);
    strbuf_release(&line);
}

static void try_line(struct span bytes, unsigned extensions)
{
    char *copy = malloc(bytes.len + 1); /* of its own, so that a read past it is seen */
    struct span line = { copy, bytes.len };
    struct smtp_command c;

    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    if (!grammar_parse(line, extensions, &c)) {
        check_inside(c.argument, line);
        check_inside(c.path.text, line);
        check_inside(c.parameters, line);
        check_clean(c.argument);
        if (c.verb == VERB_MAIL || c.verb == VERB_RCPT)
            check_path(&c, extensions);
        if (c.verb == VERB_MAIL)
            check_mail_passed_on(&c, extensions);
        if (c.verb == VERB_RCPT)
            check_rcpt_passed_on(&c, extensions);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), line;

    if (!size)
        return 0;
    unsigned extensions = data[0];

    if (extensions & EXTENSION_CHUNKING) /* its bit stands for all that have none in one byte */
        extensions |= EXTENSION_BINARYMIME | EXTENSION_REQUIRETLS | EXTENSION_AUTH;

    rest = span_skip(rest, 1);
    while (span_cut(&rest, '\n', &line))
        try_line(line, extensions);
    return 0;
}

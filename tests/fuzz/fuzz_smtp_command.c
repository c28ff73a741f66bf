/* tests/fuzz/fuzz_smtp_command.c - command lines from strangers: no crash, and what is taken is well formed.
 *
 * The first byte chooses the extensions offered; each further line is a command.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
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
    if (!span_eq(again.path.text, c->path.text) || again.size != c->size || again.is_8bit != c->is_8bit)
        BUG("taken as something else: %s", line.data);
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
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), line;

    if (!size)
        return 0;
    unsigned extensions = data[0];

    rest = span_skip(rest, 1);
    while (span_cut(&rest, '\n', &line))
        try_line(line, extensions);
    return 0;
}

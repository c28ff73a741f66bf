/* tests/fuzz/fuzz_smtp_bdat.c - commands and chunks in one stream: however the network cuts it, chunks are told from
 * commands at the same places, and a message is what a slow and simple reader makes of its chunks.
 *
 * The first byte chooses the treatment of bare newlines, BODY=BINARYMIME, and the size of what the network brings.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/smtp/grammar.h"
#include "gateway/smtp/incoming.h"

enum { LINE_MOST = 50, SIZE_MOST = 2000, OUT_MOST = 1 << 20, COMMAND_MOST = 200 };

struct talk {
    struct incoming message;
    struct incoming_limits limits;
    enum incoming_kind kind;
    struct strbuf line;  /* a command that is not whole yet */
    struct strbuf raw;   /* the message's bytes as they came */
    struct strbuf trace; /* what became of all */
    uint64_t left;       /* of a chunk */
    bool is_thrown_away, is_last, is_closed;
};

/* ---- the simple reader ---- */

/* Lines made whole; *faults as enum body_fault. */
static void read_simply(struct span raw, struct strbuf *out, unsigned *faults)
{
    size_t line = 0;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        bool is_crlf = c == '\r' && i + 1 < raw.len && raw.ptr[i + 1] == '\n';

        if (c == '\0')
            *faults |= BODY_NUL;
        if (c != '\r' && c != '\n') {
            strbuf_putc(out, c);
            *faults |= ++line > LINE_MOST ? BODY_LONG_LINE : 0;
            continue;
        }
        if (!is_crlf)
            *faults |= c == '\r' ? BODY_BARE_CR : BODY_BARE_LF;
        i += is_crlf;
        strbuf_puts(out, "\r\n");
        line = 0;
    }
    if (line)
        strbuf_puts(out, "\r\n");
}

static enum reply reply_of(unsigned faults, bool is_strict)
{
    if (faults & BODY_NUL)
        return REPLY_NUL;
    if (faults & BODY_LONG_LINE)
        return REPLY_LONG_LINE;
    return faults && is_strict ? REPLY_BARE_NEWLINE : REPLY_NONE;
}

static void check_message(struct talk *t, enum reply refused)
{
    struct strbuf simple;
    struct span bytes;
    unsigned faults = 0;
    enum reply want = REPLY_NONE;

    strbuf_init(&simple, OUT_MOST);
    read_simply(strbuf_span(&t->raw), &simple, &faults);
    if (t->kind != INCOMING_BINARY) {
        want = reply_of(faults, t->limits.bare_newline == BARE_REJECT);
        if (!want && simple.len > SIZE_MOST)
            want = REPLY_TOO_BIG;
    } else if (incoming_header_refused(&t->message, strbuf_span(&t->raw)) != reply_of(faults & ~BODY_BARE_CR, true) &&
               !(faults & BODY_BARE_CR)) { /* a CR at the very end of a header may be half of CRLF */
        BUG("a header of faults %u", faults);
    }
    if (refused != want)
        BUG("reply %d, and not %d", (int)refused, (int)want);
    if (!refused) {
        struct spool *spool = incoming_give(&t->message);

        if (spool_seal(spool, &bytes))
            BUG("a finished message is not sealed");
        if (!span_eq(bytes, strbuf_span(t->kind == INCOMING_BINARY ? &t->raw : &simple)))
            BUG("another message");
        spool_free(spool);
    }
    strbuf_release(&simple);
}

/* ---- the server's part ---- */

static void forget(struct talk *t)
{
    incoming_close(&t->message);
    strbuf_clear(&t->raw);
}

static void end_chunk(struct talk *t)
{
    enum reply reply;

    if (t->is_thrown_away)
        reply = REPLY_TOO_BIG;
    else if (t->is_last)
        reply = incoming_finish(&t->message);
    else
        reply = incoming_refused(&t->message);
    strbuf_putf(&t->trace, "chunk %d of %zu\n", (int)reply, t->raw.len);
    if (t->is_last && !t->is_thrown_away)
        check_message(t, reply);
    if (t->is_last || t->is_thrown_away)
        forget(t);
}

static void take_line(struct talk *t)
{
    struct span line = span_first(strbuf_span(&t->line), t->line.len - 1);
    struct smtp_command command;

    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    enum reply wrong = grammar_parse(line, EXTENSIONS_ALL, &command);

    strbuf_putf(&t->trace, "%d %d\n", (int)command.verb, (int)wrong);
    t->is_closed = wrong && command.verb == VERB_BDAT;
    if (!wrong && command.verb != VERB_BDAT && command.verb != VERB_NOOP)
        forget(t);
    if (wrong || command.verb != VERB_BDAT)
        return;
    if (!incoming_is_open(&t->message))
        incoming_open(&t->message, t->kind, &t->limits);
    t->left = command.size;
    t->is_last = command.is_last;
    t->is_thrown_away = !incoming_announce(&t->message, command.size);
    if (!t->left)
        end_chunk(t);
}

static struct span take_command(struct talk *t, struct span in)
{
    size_t lf = span_find(in, '\n');
    struct span part = lf == SPAN_NPOS ? in : span_first(in, lf + 1);

    strbuf_put(&t->line, part);
    if (lf != SPAN_NPOS) {
        if (t->line.is_full)
            t->is_closed = true;
        else
            take_line(t);
        strbuf_clear(&t->line);
    }
    return span_skip(in, part.len);
}

static struct span take_chunk(struct talk *t, struct span in)
{
    struct span part = span_first(in, t->left);

    if (!t->is_thrown_away) {
        strbuf_put(&t->raw, part);
        if (incoming_take(&t->message, part) != part.len)
            BUG("bytes of a chunk are left");
    }
    t->left -= part.len;
    if (!t->left)
        end_chunk(t);
    return span_skip(in, part.len);
}

static void run(struct span all, uint8_t choice, size_t step, struct strbuf *trace)
{
    struct talk t = { .limits = { "/nonexistent", OUT_MOST, SIZE_MOST, LINE_MOST,
                                  choice & 1 ? BARE_NORMALISE : BARE_REJECT },
                      .kind = choice & 2 ? INCOMING_BINARY : INCOMING_CHUNKS };

    strbuf_init(&t.line, COMMAND_MOST);
    strbuf_init(&t.raw, OUT_MOST);
    strbuf_init(&t.trace, OUT_MOST);
    while (all.len && !t.is_closed) {
        struct span piece = span_first(all, step), rest;
        char *copy = malloc(piece.len);

        memcpy(copy, piece.ptr, piece.len);
        rest = span_make(copy, piece.len);
        while (rest.len && !t.is_closed)
            rest = t.left ? take_chunk(&t, rest) : take_command(&t, rest);
        free(copy);
        all = span_skip(all, piece.len);
    }
    forget(&t);
    strbuf_release(&t.line);
    strbuf_release(&t.raw);
    *trace = t.trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf whole, cut;

    if (size < 2)
        return 0;
    struct span all = span_make((const char *)data + 1, size - 1);

    run(all, data[0], all.len, &whole);
    run(all, data[0], 1 + (data[0] >> 2) % 16, &cut);
    if (!span_eq(strbuf_span(&whole), strbuf_span(&cut)))
        BUG("the network's cuts change what is heard");
    strbuf_release(&whole);
    strbuf_release(&cut);
    return 0;
}

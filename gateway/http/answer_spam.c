/* http/answer_spam.c - a verdict for Exim (RSPAMC) and for spamc (SPAMC).
 *
 * Who reads these compares two numbers, whatever else we say: so what was forced by a check, against the score, is
 * shown with the score that goes with it.
 */
#include "gateway/http/answer.h"

#include <stdlib.h>

static int held_against(int threshold, int score, bool is_spam)
{
    if (is_spam)
        return score < threshold ? threshold : score;
    return score < threshold ? score : threshold - 1;
}

static int score_of(const struct answer *a)
{
    return a->verdict ? a->verdict->score : 0;
}

/* ---- RSPAMC ---- */

static void put_hundredths(struct strbuf *out, int points)
{
    strbuf_putf(out, "%s%d.%02d", points < 0 ? "-" : "", abs(points) / 100, abs(points) % 100);
}

/* One line of ours per line: what comes out of a message cannot make a second one. */
static void put_line(struct strbuf *out, const char *name, struct span text)
{
    strbuf_putf(out, "%s: ", name);
    for (size_t i = 0; i < text.len; i++)
        strbuf_putc(out, (unsigned char)text.ptr[i] < 0x20 ? ' ' : text.ptr[i]);
    strbuf_puts(out, "\r\n");
}

void answer_rspamc(const struct answer *a, struct strbuf *out)
{
    bool is_reject = a->verdict && a->verdict->action >= ACTION_REJECT;
    int threshold = a->actions->reject < ACTIONS_NEVER ? a->actions->reject : a->actions->tag;
    struct span subject = answer_subject(a);

    strbuf_putf(out, "RSPAMD/%u.%u 0 EX_OK\r\n", a->head->major, a->head->minor);
    strbuf_putf(out, "Metric: default; %s; ", is_reject ? "True" : "False");
    put_hundredths(out, held_against(threshold, score_of(a), is_reject));
    strbuf_puts(out, " / ");
    put_hundredths(out, threshold);
    strbuf_putf(out, " / 0.0\r\nAction: %s\r\n", answer_action(a));
    if (subject.len)
        put_line(out, "Subject", span_trim(header_unfold(a->arena, subject)));
    for (size_t i = 0; i < a->symbols.count; i++) {
        strbuf_putf(out, "Symbol: %s(", a->symbols.items[i].name);
        put_hundredths(out, a->symbols.items[i].points);
        strbuf_puts(out, ")\r\n");
    }
    if (answer_smtp_message(a)[0])
        put_line(out, "Message", span_of(answer_smtp_message(a)));
    put_line(out, "Message-ID", answer_message_id(a));
}

/* ---- SPAMC ---- */

static int tenths(int points)
{
    return (points + (points < 0 ? -5 : 5)) / 10;
}

static void put_tenths(struct strbuf *out, int value)
{
    strbuf_putf(out, "%s%d.%d", value < 0 ? "-" : "", abs(value) / 10, abs(value) % 10);
}

struct spam {
    bool is_spam;
    int score, threshold; /* tenths */
};

static struct spam judge(const struct answer *a)
{
    int points = a->actions->tag < ACTIONS_NEVER ? a->actions->tag : a->actions->reject;
    struct spam s = { .is_spam = answer_is_spam(a), .threshold = tenths(points) };

    s.score = held_against(s.threshold, tenths(score_of(a)), s.is_spam);
    return s;
}

static void put_spam_line(const struct spam *s, bool is_yes, struct strbuf *out)
{
    strbuf_putf(out, "Spam: %s ; ", is_yes ? (s->is_spam ? "Yes" : "No") : (s->is_spam ? "True" : "False"));
    put_tenths(out, s->score);
    strbuf_puts(out, " / ");
    put_tenths(out, s->threshold);
    strbuf_puts(out, "\r\n");
}

static void put_names(const struct answer *a, struct strbuf *out)
{
    for (size_t i = 0; i < a->symbols.count; i++)
        strbuf_putf(out, "%s%s", i ? "," : "", a->symbols.items[i].name);
}

static void put_report(const struct answer *a, const struct spam *s, struct strbuf *out)
{
    strbuf_putf(out, "Examined by Postern on %s.\n\nContent analysis details:   (",
                pipeline_session(a->pipeline)->hostname);
    put_tenths(out, s->score);
    strbuf_puts(out, " points, ");
    put_tenths(out, s->threshold);
    strbuf_puts(out, " required)\n\n pts rule name              description\n"
                     "---- ---------------------- --------------------------------------------------\n");
    for (size_t i = 0; i < a->symbols.count; i++) {
        const struct symbol_found *f = &a->symbols.items[i];
        size_t before = out->len;

        put_tenths(out, tenths(f->points));
        size_t width = out->len - before;

        out->len = before;
        strbuf_putf(out, "%*s", width < 4 ? (int)(4 - width) : 0, "");
        put_tenths(out, tenths(f->points));
        strbuf_putf(out, " %-22s %s\n", f->name, f->description);
    }
    strbuf_puts(out, "\n");
}

/* Without what follows the header. */
static void keep_head(const struct message *m, struct pieces *pieces)
{
    size_t left = pieces->bytes - m->body.len;

    pieces->bytes = left;
    for (size_t i = 0; i < pieces->count; i++) {
        pieces->items[i] = span_first(pieces->items[i], left);
        left -= pieces->items[i].len;
    }
}

/* PROCESS gives the message back, HEADERS what stands above its body. */
static void put_message(const struct answer *a, const struct spam *s, bool is_all, struct strbuf *out,
                        struct original *message)
{
    const struct message *m = pipeline_message(a->pipeline);
    struct pieces pieces;

    edits_apply(&a->edits, m, &pieces);
    if (!is_all)
        keep_head(m, &pieces);
    original_init(message, a->lines, m->bytes, &pieces);
    if (a->head->minor >= 2)
        strbuf_putf(out, "Content-length: %zu\r\n", original_bytes(message));
    if (a->head->minor >= 3)
        put_spam_line(s, false, out);
    strbuf_puts(out, "\r\n");
}

void answer_spamc(const struct answer *a, struct strbuf *out, struct original *message)
{
    struct span command = a->head->method;
    struct spam s = judge(a);
    bool is_ifspam = span_is(command, "REPORT_IFSPAM");
    struct strbuf payload;

    *message = (struct original){ .piece = 0 };
    strbuf_puts(out, "SPAMD/1.1 0 EX_OK\r\n");
    if (span_is(command, "PROCESS") || span_is(command, "HEADERS")) {
        put_message(a, &s, span_is(command, "PROCESS"), out, message);
        return;
    }
    strbuf_init(&payload, ANSWER_BYTES_MAX);
    if (span_is(command, "SYMBOLS")) {
        put_names(a, &payload);
        if (a->head->minor < 3)
            strbuf_puts(&payload, "\r\n");
    } else if (span_is(command, "REPORT") || (is_ifspam && s.is_spam)) {
        put_report(a, &s, &payload);
    }
    if (!span_is(command, "CHECK") && a->head->minor >= 3)
        strbuf_putf(out, "Content-length: %zu\r\n", payload.len);
    put_spam_line(&s, is_ifspam, out);
    strbuf_puts(out, "\r\n");
    strbuf_put(out, strbuf_span(&payload));
    strbuf_release(&payload);
}

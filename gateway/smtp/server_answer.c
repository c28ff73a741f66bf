/* smtp/server_answer.c - what the client is told of its message.
 *
 * One answer; or one for each recipient that was taken at RCPT, in their order: always in LMTP [RFC2033 4.2], and with
 * PRDR (draft-hall-prdr-00) where they differ. There 353 comes first, and an answer for the whole at the end: it must
 * not be a refusal when somebody has the message, or clients take all of it for refused.
 */
#include "gateway/smtp/server.h"

#include <stdio.h>

enum {
    ANSWER_TEXT_MOST = 2 * REPLY_LINE_MAX,
    ANSWERS_AIM = 16 * 1024, /* said before they go to the stream */
};

static struct answer of_success(const struct delivery_outcome *outcome, char *text)
{
    struct span said = span_first(outcome->text, REPLY_LINE_MAX / 2);

    said = span_first(said, span_find(said, '\n'));
    int len = snprintf(text, REPLY_LINE_MAX, "%s%.*s", reply_has_enhanced(outcome->code, said) ? "" : "2.0.0 ",
                       SPAN_ARG(said));

    return (struct answer){ 250, "", span_make(text, (size_t)len) };
}

/* An answer for one recipient is none of the connection's end. */
static unsigned code_of(const struct server *s, unsigned code)
{
    return code == 421 && s->answers_each ? 451 : code;
}

struct answer server_answer_of(const struct server *s, const struct delivery_outcome *outcome, char *text)
{
    enum reply trouble = outcome->trouble ? outcome->trouble : REPLY_HOP_DOWN;

    switch (outcome->code / 100) {
    case 2: return of_success(outcome, text);
    case 4:
    case 5: return (struct answer){ code_of(s, outcome->code), "", outcome->text };
    default: return (struct answer){ reply_code(trouble), "", reply_text(trouble, outcome->text, text) };
    }
}

/* What must last until the last share is done. */
static struct answer keep(struct arena *a, struct answer answer)
{
    answer.text = arena_copy(a, span_first(answer.text, ANSWER_TEXT_MOST));
    return answer;
}

void server_keep_answers(struct server *s, const struct answer *answer, const struct delivery_outcome *outcome)
{
    struct share *share = s->share;
    struct arena *a = share->session->tx_arena;
    char text[REPLY_LINE_MAX];

    share->answer = s->answers_each ? keep(a, *answer) : *answer;
    if (!outcome || !outcome->each)
        return;
    size_t count = share->session->recipient_count;

    share->each = arena_alloc(a, count * sizeof *share->each);
    for (size_t i = 0; i < count; i++)
        share->each[i] = keep(a, server_answer_of(s, &outcome->each[i], text));
}

static void say(struct server *s, const struct share *share, const struct answer *answer)
{
    reply_write_text(&s->out, answer->code, answer->enhanced, answer->text, share->session->id);
    if (s->out.len >= ANSWERS_AIM)
        server_flush(s);
}

/* Goes through the answers of all recipients, in the order of RCPT. */
struct walk {
    size_t index;
    size_t said[SHARES_MOST]; /* of each share's recipients */
    const struct share *share;
};

static const struct answer *next_answer(struct server *s, struct walk *w)
{
    if (w->index == shares_recipients(&s->shares))
        return NULL;
    w->share = shares_of(&s->shares, w->index++);
    size_t at = w->said[shares_number(&s->shares, w->share)]++;

    return w->share->each ? &w->share->each[at] : &w->share->answer;
}

static bool is_same(const struct answer *a, const struct answer *b)
{
    return a->code == b->code && (a->code == 250 || span_eq(a->text, b->text));
}

static bool are_all_the_same(struct server *s)
{
    struct walk w = { 0 };
    const struct answer *first = next_answer(s, &w);

    for (const struct answer *a = first; a; a = next_answer(s, &w))
        if (!is_same(a, first))
            return false;
    return true;
}

static enum reply prdr_end(struct server *s)
{
    struct walk w = { 0 };
    enum reply reply = REPLY_PRDR_NONE;

    for (const struct answer *a = next_answer(s, &w); a; a = next_answer(s, &w)) {
        if (a->code / 100 == 2)
            return REPLY_PRDR_DONE;
        if (a->code / 100 == 4)
            reply = REPLY_PRDR_LATER;
    }
    return reply;
}

void server_answer(struct server *s)
{
    bool is_prdr = s->answers_each && !server_is_lmtp(s);
    bool is_each = s->answers_each && !(is_prdr && are_all_the_same(s));
    struct walk w = { 0 };

    s->share = shares_next(&s->shares, NULL);
    if (is_each && is_prdr)
        server_say(s, REPLY_PRDR);
    for (const struct answer *a = next_answer(s, &w); a; a = is_each ? next_answer(s, &w) : NULL)
        say(s, w.share, a);
    if (is_each && is_prdr)
        server_say(s, prdr_end(s));
}

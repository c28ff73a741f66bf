/* smtp/server_answer.c - what the client is told of its message.
 *
 * One answer; or, in LMTP, one for each recipient that was taken at RCPT, in their order [RFC2033 4.2].
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
    default: return (struct answer){ reply_code(trouble), "", reply_text(trouble, SPAN(""), text) };
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

static void say_each(struct server *s)
{
    size_t said[SHARES_MOST] = { 0 };

    for (size_t i = 0; i < shares_recipients(&s->shares); i++) {
        const struct share *share = shares_of(&s->shares, i);
        size_t *next = &said[shares_number(&s->shares, share)];

        say(s, share, share->each ? &share->each[*next] : &share->answer);
        ++*next;
    }
}

void server_answer(struct server *s)
{
    if (s->answers_each)
        say_each(s);
    else
        say(s, s->share, &s->share->answer);
}

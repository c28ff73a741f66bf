/* policy/answer.h - from a verdict to what Postfix is told: one action, by table or by configuration.
 *
 * Before RCPT only a refusal that is certain is told, and only with actions.early; else Postfix goes on, and hears of
 * it at RCPT. A header field is prepended once for a message, and only one with each answer: the next one goes with the
 * next answer that lets the message through.
 *
 * Threads: the loop's. Memory: answers lie in the transaction's arena.
 */
#ifndef POLICY_ANSWER_H
#define POLICY_ANSWER_H

#include "gateway/core/dress.h"
#include "gateway/core/pipeline.h"
#include "policy/conf.h"

enum { POLICY_TOLD_MAX = 16 };

/* What Postfix has been told of the message that is not to be told twice; in the connection's arena, for Postfix's
 * message may be several transactions here. */
struct policy_told {
    const char *items[POLICY_TOLD_MAX];
    size_t count;
};

struct policy_answer {
    enum policy_word word;
    const char *text;
    bool is_refusal; /* of the recipient, the message or the command, for now or for good */
};

struct policy_asking {
    const struct policy_conf *conf;
    const struct dress_conf *dress;
    struct pipeline *pipeline;
    struct policy_told *told;
    enum policy_state state;
};

/* policy_answer - to a verdict for the envelope. policy_answer_early - to one before RCPT. */
struct policy_answer policy_answer(const struct policy_asking *q, const struct verdict *verdict);
struct policy_answer policy_answer_early(const struct policy_asking *q, const struct verdict *verdict);
/* policy_answer_again - for a recipient who was asked about before, in another of Postfix's lists. */
struct policy_answer policy_answer_again(const struct policy_asking *q, const struct verdict *verdict,
                                         const struct policy_answer *before);
/* policy_answer_none - DUNNO. */
struct policy_answer policy_answer_none(void);

#endif

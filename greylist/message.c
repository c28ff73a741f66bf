/* greylist/message.c - the check "greylist_message": suspicious messages of unknown senders have to come again.
 *
 * Mail with `actions.greylist` points or more, that greylisting at RCPT had nothing to do with. It passes when one of
 * its triplets does, or its content (subject, the first 10 KiB of its body and the recipient): a sender with many
 * servers comes again from another one, a mailing list with another envelope. As rspamd does it.
 *
 * What is configured for the check "greylist" holds here, too: it leaves that in its evidence.
 *
 * Threads: the loop's. Memory: the transaction's arena.
 */
#include "greylist/message.h"

#include "gateway/core/verdict.h"
#include "greylist/judge.h"
#include "greylist/sender.h"

enum { RECIPIENTS_MOST = 100 };

static const struct symbol symbols[] = {
    [GREYLIST_SYMBOL_WAIT] = { "GREYLIST_MESSAGE", 0, "a message like this has to come again" },
    [GREYLIST_SYMBOL_PASSED] = { "GREYLIST_MESSAGE_PASSED", 0, "the message has come again, and waited long enough" },
    [GREYLIST_SYMBOL_KNOWN] = { "GREYLIST_MESSAGE_KNOWN", 0, "sender, client or message have passed before" },
    [GREYLIST_SYMBOL_EXEMPT] = { "GREYLIST_MESSAGE_EXEMPT", 0,
                                 "suspicious, but exempt by a list or as somebody's partner" },
    { 0 },
};

static bool is_in_force(const struct inquiry *q)
{
    const int score = score_of_sisters(q);
    enum action forced;

    if (q->evidence->greylist.state != GREYLISTING_OPEN || !greylist_concerns(q) || score < q->actions->greylist)
        return false;
    return !sister_forced(q, &forced) || forced < ACTION_DEFER;
}

/* The better of two answers: an outage is no answer at all. */
static const struct store_answer *better(const struct store_answer *a, const struct store_answer *b)
{
    if (a->state != STORE_OK || b->state != STORE_OK)
        return a->state != STORE_OK ? a : b;
    return b->greylist.state >= GREYLIST_PASSED && a->greylist.state < GREYLIST_PASSED ? b : a;
}

static enum step ask(struct inquiry *q, const struct greylist_conf *conf, const struct address *to,
                     const struct identity *who, struct span sender, struct span digest, struct standing *standing)
{
    const struct store_op triplet = triplet_op(q, conf, who, sender, to);
    const struct store_op content = content_op(q, conf, digest, to);
    const struct store_answer *by_triplet = ask_store(q, &triplet), *by_content = ask_store(q, &content);

    if (!by_triplet || !by_content)
        return STEP_WAIT;
    const struct store_answer *answer = better(by_triplet, by_content);
    const struct store_op *op = answer == by_triplet ? &triplet : &content;

    standing_add(q, conf, standing, answer,
                 &(struct standing_what){ .recipient = to,
                                          .key = span_first(op->key, 150),
                                          .because = op == &triplet ? who->because : "its content" });
    return STEP_DONE;
}

/* One recipient who knows the sender, or the message, is enough. */
static enum step judge(struct inquiry *q, const struct greylist_conf *conf)
{
    const struct session *s = q->session;
    struct span sender = sender_fold(q->arena, &s->mail_from), digest = content_digest(q);
    struct standing standing = { 0 };
    enum step step = STEP_DONE;
    struct identity who;

    identity_of(q, conf, &who);
    for (size_t i = 0; i < s->recipient_count && i < RECIPIENTS_MOST; i++) {
        const struct address *to = &s->recipients[i].address;
        const char *exempt = NULL;

        if (exempt_recipient(q, conf, sender, to, &exempt) == STEP_WAIT)
            step = STEP_WAIT;
        else if (exempt)
            standing_exempt(q, &standing, exempt);
        else if (ask(q, conf, to, &who, sender, digest, &standing) == STEP_WAIT)
            step = STEP_WAIT;
    }
    if (standing.passed || standing.known)
        standing.waiting = 0;
    if (step == STEP_DONE)
        standing_conclude(q, conf, &standing);
    return step;
}

static enum step run(struct inquiry *q)
{
    const struct greylist_conf *conf = q->evidence->greylist.conf;

    if (!is_in_force(q))
        return STEP_DONE;
    const char *exempt = exempt_client(q, conf);

    if (exempt) {
        finding_add(q, GREYLIST_SYMBOL_EXEMPT, "%s", exempt);
        return STEP_DONE;
    }
    return judge(q, conf);
}

const struct check_module greylist_message_module = { .symbols = symbols, .run = run, .bounds = greylist_bounds };

/* greylist/greylist.c - the check "greylist": unknown senders have to come again [RFC6647].
 *
 * A mail server that is told 451 comes again after some minutes; much of what sends spam does not. What has to come
 * again is the first mail of a sender, from his network, to a recipient. Where SPF vouches for a domain, that stands
 * for the network, so that senders with many servers pass.
 *
 * It costs every honest stranger a delay, and some of them their one-time codes. So by default only mail is asked to
 * come again that is suspicious already at RCPT. The rest is judged by what the whole message scores: message.c.
 *
 * Partners: to whom our users write, he may write back. settle() notes them.
 *
 * Threads: the loop's. Memory: the transaction's arena.
 */
#include "greylist/greylist.h"

#include "greylist/judge.h"
#include "greylist/sender.h"

enum { UPKEEP_MS = 1000, PARTNERS_MOST = 50 };

static const struct symbol symbols[] = {
    [GREYLIST_SYMBOL_WAIT] = { "GREYLIST", 0, "mail of this sender has to come again" },
    [GREYLIST_SYMBOL_PASSED] = { "GREYLIST_PASSED", 0, "the mail has come again, and waited long enough" },
    [GREYLIST_SYMBOL_KNOWN] = { "GREYLIST_KNOWN", 0, "sender or client have passed before" },
    [GREYLIST_SYMBOL_EXEMPT] = { "GREYLIST_EXEMPT", 0, "suspicious, but exempt by a list or as somebody's partner" },
    { 0 },
};

/* What earlier runs have learnt of a recipient: so a thousand of them are not asked for a thousand times each. */
struct known {
    const char *exempt; /* why he is; NULL */
    struct span key;
    struct store_op triplet, partner;
    bool is_asked, has_partner;        /* the two operations are known; the second is to be asked, too */
    const struct store_answer *answer; /* NULL: not here yet */
};

struct memo {
    struct span sender;
    struct identity who;
};

/* Why this mail should come again; NULL: it need not. */
static const char *suspicion(struct inquiry *q, const struct greylist_conf *conf)
{
    int score = score_of_sisters(q);
    const char *failed = sister_failed(q);

    if (conf->when == GREYLIST_WHEN_ALWAYS)
        return "always";
    if (conf->when == GREYLIST_WHEN_NEVER)
        return NULL;
    if (score >= conf->suspicious)
        return arena_printf(q->arena, "%d.%02d points", score / 100, score % 100);
    return failed ? arena_printf(q->arena, "%s knows nothing", failed) : NULL;
}

static const struct memo *memo_of(struct inquiry *q)
{
    struct memo *memo = run_memo(q, sizeof *memo);

    if (!memo->sender.ptr) {
        memo->sender = sender_fold(q->arena, &q->session->mail_from);
        identity_of(q, q->conf, &memo->who);
    }
    return memo;
}

static void prepare(struct inquiry *q, const struct memo *memo, const struct address *to, struct known *known)
{
    known->exempt = exempt_listed(q, q->conf, to);
    known->is_asked = true;
    if (known->exempt)
        return;
    known->triplet = triplet_op(q, q->conf, &memo->who, memo->sender, to);
    known->key = span_first(known->triplet.key, 150);
    known->has_partner = partner_op(q, q->conf, memo->sender, to, &known->partner);
}

/* Both questions go out at once: that a partner's mail is remembered, too, does no harm. */
static enum step learn(struct inquiry *q, const struct memo *memo, const struct address *to, struct known *known)
{
    if (!known->is_asked)
        prepare(q, memo, to, known);
    if (known->exempt || known->answer)
        return STEP_DONE;
    const struct store_answer *partner = known->has_partner ? ask_store(q, &known->partner) : NULL;
    const struct store_answer *answer = ask_store(q, &known->triplet);

    if ((known->has_partner && !partner) || !answer)
        return STEP_WAIT;
    known->exempt = partner ? exempt_partner(q, memo->sender, to, partner) : NULL;
    known->answer = answer;
    return STEP_DONE;
}

/* Every recipient is asked for, whatever the others wait for. */
static enum step judge(struct inquiry *q, const char *why, enum greylisting *state)
{
    const struct session *s = q->session;
    const struct memo *memo = memo_of(q);
    struct known *recipients = run_known(q, sizeof *recipients);
    struct standing standing = { 0 };
    enum step step = STEP_DONE;

    for (size_t i = 0; i < s->recipient_count; i++) {
        struct known *known = &recipients[i];

        if (learn(q, memo, &s->recipients[i].address, known) == STEP_WAIT)
            step = STEP_WAIT;
        else if (known->exempt)
            standing_exempt(q, &standing, known->exempt);
        else
            standing_add(q, q->conf, &standing, known->answer,
                         &(struct standing_what){ &s->recipients[i].address, known->key, memo->who.because, why });
        if (!known->exempt)
            *state = GREYLISTING_DECIDED;
    }
    if (step == STEP_DONE && !standing_conclude(q, q->conf, &standing))
        *state = GREYLISTING_ABSENT;
    return step;
}

static enum step run(struct inquiry *q)
{
    const struct greylist_conf *conf = q->conf;
    enum greylisting state = GREYLISTING_OPEN;
    const char *why, *exempt;

    q->evidence->greylist = (struct greylist_evidence){ 0 };
    if (!greylist_concerns(q))
        return STEP_DONE;
    why = suspicion(q, conf);
    exempt = why ? exempt_client(q, conf) : NULL;
    if (exempt)
        finding_add(q, GREYLIST_SYMBOL_EXEMPT, "%s", exempt);
    else if (why && judge(q, why, &state) == STEP_WAIT)
        return STEP_WAIT;
    q->evidence->greylist = (struct greylist_evidence){ state, conf };
    return STEP_DONE;
}

/* Those to whom a newsletter goes are nobody's partners. */
static void settle(struct inquiry *q, const struct settlement *end)
{
    const struct greylist_conf *conf = q->conf;
    const struct session *s = q->session;

    if (!end->is_delivered || !conf->partners_ms || session_direction(s) != DIRECTION_AUTHENTICATED)
        return;
    if (strcmp(s->door, "scan") == 0 || !s->mail_from.text.len || s->recipient_count > PARTNERS_MOST)
        return;
    for (size_t i = 0; i < s->recipient_count; i++) {
        struct span partner = sender_fold(q->arena, &s->recipients[i].address);
        const struct store_op op = { .kind = STORE_PUT,
                                     .key = partner_key(q, conf, s->mail_from.domain, partner),
                                     .now_ms = q->now_ms,
                                     .put = { .value = SPAN("1"), .life_ms = conf->partners_ms } };

        tell_store(q, &op);
    }
}

static enum step upkeep(struct inquiry *q)
{
    greylist_read_files(q);
    return STEP_DONE;
}

const struct check_module greylist_module = {
    .section = &greylist_section,
    .symbols = symbols,
    .run = run,
    .bounds = greylist_bounds,
    .settle = settle,
    .open = greylist_open,
    .close = greylist_close,
    .upkeep = upkeep,
    .upkeep_ms = UPKEEP_MS,
};

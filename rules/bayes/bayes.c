/* rules/bayes/bayes.c - the check "bayes": what was learned from other messages says of this one.
 *
 * The store is asked once, for all tokens of the message; with classes of domains or recipients for these and for what
 * all have learned at the same time. A class that has not learned enough leaves it to the one of all, and that says
 * nothing until it has. What is learned is for `postern learn` and the scan API to say; by itself (autolearn) it learns
 * only when it is told to, and then only what others are sure of.
 *
 * Threads: a worker; settle() on the loop. Memory: the transaction's arena.
 */
#include "rules/bayes/bayes.h"

#include "gateway/core/verdict.h"
#include "rules/bayes/bayes_judge.h"
#include "rules/bayes/bayes_lesson.h"

enum { AUTOLEARN_TOKENS_LEAST = 30, TOKEN_SHOWN = 40, REASON_ROOM = 400 };

#define AT(member) offsetof(struct bayes_conf, member)

static const struct conf_key bayes_keys[] = {
    { .name = "per",
      .type = CONF_ENUM,
      .at = AT(per),
      .initial = "all",
      .least = "all domain recipient",
      .help =
          "whose mail is learned apart, with `postern learn --for`: all, nobody's; domain, each recipient domain's; "
          "recipient, each recipient's. A message to several of them is judged by what all have learned" },
    { .name = "learned",
      .type = CONF_INT,
      .at = AT(learned_least),
      .initial = "200",
      .least = "1",
      .most = "1000000",
      .help = "so many messages of spam, and as many of ham, must have been learned before it says anything" },
    { .name = "tokens",
      .type = CONF_INT,
      .at = AT(tokens_most),
      .initial = "1048576",
      .least = "65536",
      .most = "4194304",
      .help = "how many tokens are remembered for all, or for each domain or recipient that learns apart; old and rare "
              "ones make room for those that come" },
    { .name = "remember",
      .type = CONF_TIME,
      .at = AT(remember_ms),
      .initial = "365d",
      .least = "1d",
      .most = "3650d",
      .help = "how long it is known that a message was learned, so that it is not learned twice and can be unlearned" },
    { .name = "life",
      .type = CONF_TIME,
      .at = AT(life_ms),
      .initial = "0",
      .least = "0",
      .most = "3650d",
      .help = "how long a token is remembered after it was last learned, and a message at most; 0: until its room is "
              "needed" },
    { .name = "autolearn",
      .type = CONF_BOOL,
      .at = AT(autolearn),
      .initial = "no",
      .help = "learn by itself from mail on which all other checks agree; nobody corrects what it gets wrong, so a way "
              "for users to teach it is better" },
    { .name = "autolearn_spam",
      .type = CONF_POINTS,
      .at = AT(autolearn_spam),
      .initial = "12.00",
      .help = "points of the other checks from which a message is learned as spam, 3 of them by what it says" },
    { .name = "autolearn_ham",
      .type = CONF_POINTS,
      .at = AT(autolearn_ham),
      .initial = "0.00",
      .help = "points of the other checks up to which a message is learned as ham: when our own user has sent it, or "
              "DMARC passed and an allow list knows it; that the sender's domain is vouched for does not count" },
    { 0 },
};

static const char *bayes_check(struct arena *a, void *values)
{
    const struct bayes_conf *conf = values;

    (void)a;
    return conf->autolearn_ham >= conf->autolearn_spam ? "autolearn_ham must be below autolearn_spam" : NULL;
}

static const struct conf_section bayes_section = {
    .name = "bayes",
    .help = "Judges by what was learned from other messages, with `postern learn`.",
    .size = sizeof(struct bayes_conf),
    .keys = bayes_keys,
    .check = bayes_check,
};

enum { BAYES_SYMBOL_SPAM, BAYES_SYMBOL_HAM };

static const struct symbol symbols[] = {
    [BAYES_SYMBOL_SPAM] = { "BAYES_SPAM", 510, "like spam that was learned; less than 99% likely: part of the points" },
    [BAYES_SYMBOL_HAM] = { "BAYES_HAM", -300, "like ham that was learned; less than 99% likely: part of the points" },
    { 0 },
};

/* ---- for who learns, too ---- */

struct span bayes_class(struct arena *a, struct span whom)
{
    struct span name = whom.len ? arena_copy(a, whom) : SPAN("*");
    char *text = arena_printf(a, "b:{%.*s}:", SPAN_ARG(name));

    for (char *c = text; *c; c++)
        *c = ascii_lower(*c);
    return span_of(text);
}

struct store_op bayes_op(const struct bayes_conf *conf, enum store_kind kind, struct span class,
                         const struct tokens *tokens, int64_t now_ms)
{
    struct store_op op = { .kind = kind, .key = class, .now_ms = now_ms };

    op.bayes.tokens = tokens_span(tokens);
    if (kind == STORE_BAYES_LOOK)
        return op;
    tokens_digest(tokens, op.bayes.digest);
    op.bayes.remember_ms = conf->life_ms && conf->life_ms < conf->remember_ms ? conf->life_ms : conf->remember_ms;
    op.bayes.life_ms = conf->life_ms;
    op.bayes.most = conf->tokens_most / STORE_BAYES_BUCKETS;
    return op;
}

/* ---- judging ---- */

struct memo {
    const struct tokens *tokens;
    struct span class;                 /* empty: that of all alone */
    const struct store_answer *answer; /* by which it was judged */
    const struct store_answer *all;    /* what was learned for all: autolearn adds to it */
};

/* The domain or recipient that all recipients have in common; empty: none. */
static struct span common(struct inquiry *q, const struct bayes_conf *conf)
{
    const struct session *s = q->session;
    struct span whom = { 0 };

    for (size_t i = 0; conf->per != BAYES_PER_ALL && i < s->recipient_count; i++) {
        const struct address *to = &s->recipients[i].address;
        struct span name = conf->per == BAYES_PER_DOMAIN ? to->domain : to->text;

        if (i && !span_ieq(name, whom))
            return (struct span){ 0 };
        whom = name;
    }
    return whom;
}

static struct memo *memo_of(struct inquiry *q)
{
    struct memo *memo = run_memo(q, sizeof *memo);

    if (memo->tokens)
        return memo;
    struct span whom = common(q, q->conf);

    memo->tokens = tokens_of(q->arena, q->message);
    memo->class = whom.len ? bayes_class(q->arena, whom) : whom;
    return memo;
}

static const struct store_answer *look(struct inquiry *q, const struct memo *memo, struct span class)
{
    const struct store_op op = bayes_op(q->conf, STORE_BAYES_LOOK, class, memo->tokens, q->now_ms);

    return ask_store(q, &op);
}

static bool has_learned(const struct bayes_conf *conf, const struct store_answer *answer)
{
    double least = (double)conf->learned_least;

    return answer->state == STORE_OK && answer->bayes.totals.spam >= least && answer->bayes.totals.ham >= least;
}

/* How much of its points a symbol counts, in hundredths; 0: nothing is found. */
static int share_of(double probability, bool is_spam)
{
    double sure = is_spam ? probability : 1 - probability;

    return sure >= 0.99 ? 100 : sure >= 0.95 ? 75 : sure >= 0.8 ? 40 : 0;
}

static const char *reason_of(struct inquiry *q, const struct bayes_opinion *o)
{
    char *text = arena_printf(q->arena, "probability %.4f, %zu tokens", o->probability, o->speaking);

    for (size_t i = 0; i < o->strongest_count; i++) {
        const struct token *token = o->strongest[i].token;

        text = arena_printf(q->arena, "%s%s%s%.*s %.2f", text, i ? ", " : ": ", token_kind_text(token->kind),
                            SPAN_ARG(span_first(token->text, TOKEN_SHOWN)), o->strongest[i].probability);
    }
    return text;
}

static void conclude(struct inquiry *q, struct memo *memo)
{
    struct bayes_opinion o;

    bayes_judge(memo->tokens, memo->answer, &o);
    if (!o.is_known)
        return;
    unsigned symbol = o.evidence > 0 ? BAYES_SYMBOL_SPAM : BAYES_SYMBOL_HAM;
    int share = share_of(o.probability, symbol == BAYES_SYMBOL_SPAM);
    const char *reason = reason_of(q, &o);

    q->evidence->bayes = (struct bayes_evidence){ .is_known = true, .probability = o.probability, .reason = reason };
    if (!share)
        return;
    finding_weigh(q, symbol, symbol_points(q, symbol) * share / 100, "%s", reason);
}

static enum step run(struct inquiry *q)
{
    const struct bayes_conf *conf = q->conf;
    struct memo *memo = memo_of(q);

    q->evidence->bayes = (struct bayes_evidence){ .is_known = false, .probability = 0.5, .reason = "" };
    const struct store_answer *own = memo->class.len ? look(q, memo, memo->class) : NULL;
    const struct store_answer *all = look(q, memo, bayes_class(q->arena, SPAN("")));

    if (!all || (memo->class.len && !own))
        return STEP_WAIT;
    memo->answer = own && has_learned(conf, own) ? own : all;
    memo->all = all;
    if (memo->answer->state != STORE_OK && strcmp(q->session->door, "scan") == 0)
        return STEP_DONE; /* on the command line there is no store */
    if (memo->answer->state != STORE_OK)
        finding_fail(q, "%s", memo->answer->why);
    else if (has_learned(conf, memo->answer))
        conclude(q, memo);
    return STEP_DONE;
}

/* ---- learning by itself ---- */

/* Much more of one than of the other would make all mail look like it. */
static bool is_balanced(const struct bayes_conf *conf, const struct store_bayes_totals *totals, enum bayes_as as)
{
    double more = as == BAYES_SPAM ? totals->spam : totals->ham, less = as == BAYES_SPAM ? totals->ham : totals->spam;

    return more <= 1.5 * less + (double)conf->learned_least;
}

static void settle(struct inquiry *q, const struct settlement *end)
{
    const struct bayes_conf *conf = q->conf;
    struct memo *memo = run_memo(q, sizeof *memo);

    if (!conf->autolearn || !end->has_verdict || !memo->all || memo->all->state != STORE_OK)
        return;
    enum bayes_as as = bayes_lesson(q, end, &(struct lesson_points){ conf->autolearn_spam, conf->autolearn_ham });

    if (as == BAYES_FORGET || memo->tokens->count < AUTOLEARN_TOKENS_LEAST ||
        !is_balanced(conf, &memo->all->bayes.totals, as))
        return;
    struct store_op op = bayes_op(conf, STORE_BAYES_LEARN, bayes_class(q->arena, SPAN("")), memo->tokens, q->now_ms);

    op.bayes.as = as;
    tell_store(q, &op);
}

/* ---- learning from who has sorted it ---- */

static struct span taught_for(const struct bayes_conf *conf, struct span recipient)
{
    size_t at = span_rfind(recipient, '@');

    if (conf->per == BAYES_PER_ALL || at == SPAN_NPOS)
        return (struct span){ 0 };
    return conf->per == BAYES_PER_DOMAIN ? span_skip(recipient, at + 1) : recipient;
}

bool bayes_learn_op(struct arena *a, const struct bayes_conf *conf, struct span class, struct message *m,
                    enum bayes_as as, int64_t now_ms, struct store_op *out)
{
    if (!m->header.count && !span_trim(m->body).len)
        return false;
    *out = bayes_op(conf, STORE_BAYES_LEARN, class, tokens_of(a, m), now_ms);
    out->bayes.as = as;
    return true;
}

static bool learn(struct arena *a, const void *values, const struct taught *taught, struct store_op *out)
{
    const struct bayes_conf *conf = values;
    struct span class = bayes_class(a, taught_for(conf, taught->recipient));

    return bayes_learn_op(a, conf, class, taught->message, taught->as, taught->now_ms, out);
}

const struct check_module bayes_module = {
    .section = &bayes_section,
    .symbols = symbols,
    .run = run,
    .settle = settle,
    .learn = learn,
};

/* policy/answer.c - from a verdict to what Postfix is told. */
#include "policy/answer.h"

#include "gateway/base/bug.h"
#include "gateway/core/authres.h"
#include "gateway/core/weight.h"

enum { TEXT_MOST = 400, HEADER_MOST = 900, NAME_MOST = 100 };

/* ---- texts ---- */

/* On one line, in ASCII: an answer ends with its line. */
static const char *clean(struct arena *a, struct span text, size_t most)
{
    char *out = arena_dup(a, span_first(text, most));

    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = *c & 0x80 ? '?' : ' ';
    return out;
}

static struct verdict_reply reply_of(const struct policy_asking *q, const struct verdict *verdict)
{
    struct verdict_reply reply = pipeline_reply(q->pipeline, verdict);

    reply.text = clean(pipeline_session(q->pipeline)->tx_arena, span_of(reply.text), TEXT_MOST);
    return reply;
}

static const char *points_text(struct arena *a, int points)
{
    unsigned size = points < 0 ? 0U - (unsigned)points : (unsigned)points;

    return arena_printf(a, "%s%u.%02u", points < 0 ? "-" : "", size / 100, size % 100);
}

/* "%t", "%s", "%i" and "%%" in a rule's words. */
static const char *expand(const struct policy_asking *q, const char *say, const struct verdict *verdict)
{
    const struct session *session = pipeline_session(q->pipeline);
    struct strbuf out;

    strbuf_init(&out, HEADER_MOST);
    for (; *say; say++) {
        char sign = *say == '%' ? *++say : '\0';

        if (sign == 't')
            strbuf_puts(&out, reply_of(q, verdict).text);
        else if (sign == 's')
            strbuf_puts(&out, points_text(session->tx_arena, verdict->score));
        else if (sign == 'i')
            strbuf_puts(&out, session->id);
        else
            strbuf_putc(&out, *say);
    }
    const char *text = clean(session->tx_arena, strbuf_span(&out), HEADER_MOST);

    strbuf_release(&out);
    return text;
}

/* ---- once for a message ---- */

static bool was_told(const struct policy_told *told, struct span what)
{
    for (size_t i = 0; i < told->count; i++)
        if (span_iis(what, told->items[i]))
            return true;
    return false;
}

/* False: it was told before, or so much was told that nobody can remember it. */
static bool tell_once(const struct policy_asking *q, struct span what)
{
    struct policy_told *told = q->told;

    if (was_told(told, what) || told->count == POLICY_TOLD_MAX)
        return false;
    told->items[told->count++] = arena_dup(pipeline_session(q->pipeline)->arena, what);
    return true;
}

/* ---- header fields ---- */

static bool is_field_name(const char *name)
{
    size_t n = 0;

    for (; name[n]; n++)
        if (name[n] <= ' ' || name[n] > '~' || name[n] == ':')
            return false;
    return n && n <= NAME_MOST;
}

static const char *field(const struct policy_asking *q, const char *name, struct span value)
{
    struct arena *a = pipeline_session(q->pipeline)->tx_arena;

    if (!is_field_name(name) || !tell_once(q, span_of(name)))
        return NULL;
    return arena_printf(a, "PREPEND %s: %s", name, clean(a, value, HEADER_MOST));
}

/* Unfolded: an answer is one line. */
static const char *authentication_results(const struct policy_asking *q)
{
    const struct session *session = pipeline_session(q->pipeline);
    const char *said = NULL;
    struct strbuf folded, flat;
    struct span rest, line;

    if (!q->conf->authentication_results || session_direction(session) != DIRECTION_INBOUND)
        return NULL;
    strbuf_init(&folded, HEADER_MOST * 2);
    strbuf_init(&flat, HEADER_MOST * 2);
    authres_build(session->hostname, pipeline_evidence(q->pipeline), session, &folded);
    rest = strbuf_span(&folded);
    while (span_cut(&rest, '\n', &line)) {
        line = span_trim(line);
        strbuf_puts(&flat, flat.len ? " " : "");
        strbuf_put(&flat, line);
    }
    if (flat.len && !folded.is_full && !flat.is_full && flat.len <= HEADER_MOST)
        said = field(q, "Authentication-Results", strbuf_span(&flat));
    strbuf_release(&folded);
    strbuf_release(&flat);
    return said;
}

static const char *found_field(const struct policy_asking *q)
{
    const char *said = NULL;

    for (size_t i = 0; i < pipeline_run_count(q->pipeline) && !said; i++) {
        const struct run *run = pipeline_run(q->pipeline, i);

        for (size_t j = 0; run->state == RUN_DONE && j < run->header_count && !said; j++)
            if (run->settings->mode == MODE_ENFORCE || run->settings->mode == MODE_TAG)
                said = field(q, run->headers[j].name, span_of(run->headers[j].value));
    }
    return said;
}

/* The next field that the message has not got yet; NULL: none is left, or it cannot be said here. */
static const char *next_field(const struct policy_asking *q, const struct verdict *verdict)
{
    const char *said = NULL;

    if (!policy_may_say(POLICY_PREPEND, q->state))
        return NULL;
    if (verdict->action == ACTION_TAG && q->dress->spam != DRESS_SPAM_NEVER)
        said = field(q, "X-Spam-Flag", SPAN("YES"));
    if (!said)
        said = found_field(q);
    return said ? said : authentication_results(q);
}

static struct policy_answer go_on(const struct policy_asking *q, const struct verdict *verdict)
{
    const char *said = next_field(q, verdict);

    return said ? (struct policy_answer){ POLICY_PREPEND, said, false } : policy_answer_none();
}

struct policy_answer policy_answer_none(void)
{
    return (struct policy_answer){ POLICY_DUNNO, "DUNNO", false };
}

/* ---- by configuration ---- */

static bool was_found(const struct pipeline *p, const char *symbol)
{
    for (size_t i = 0; i < pipeline_run_count(p); i++) {
        const struct run *run = pipeline_run(p, i);

        for (size_t j = 0; run->state == RUN_DONE && j < run->finding_count; j++)
            if (weight_mode(run, &run->findings[j]) > MODE_SHADOW && strcmp(run->findings[j].symbol, symbol) == 0)
                return true;
    }
    return false;
}

static bool lets_through(enum action action)
{
    return action == ACTION_ACCEPT || action == ACTION_TAG;
}

static const struct policy_rule *find_rule(const struct policy_asking *q, const struct verdict *verdict)
{
    const struct policy_rule *rules = q->conf->actions.items;

    for (size_t i = 0; i < q->conf->actions.count; i++)
        if ((rules[i].overrides || lets_through(verdict->action)) && policy_may_say(rules[i].word, q->state) &&
            was_found(q->pipeline, rules[i].title))
            return &rules[i];
    const struct policy_rule *rule = q->conf->by_verdict[verdict->action];

    return rule && policy_may_say(rule->word, q->state) ? rule : NULL;
}

static bool is_refusal(enum policy_word word)
{
    return (word >= POLICY_REJECT && word <= POLICY_DEFER_IF_PERMIT) || word == POLICY_CODE;
}

/* What is added to a message is added once. */
static bool is_new(const struct policy_asking *q, const struct policy_rule *rule, const char *said)
{
    struct span text = span_of(said), name;

    if (rule->word != POLICY_PREPEND && rule->word != POLICY_BCC)
        return true;
    if (rule->word == POLICY_BCC)
        return tell_once(q, text);
    span_word(&text, &name);
    text = span_trim(text);
    return tell_once(q, span_first(text, span_find(text, ':')));
}

/* ---- by table ---- */

static struct policy_answer for_now(const struct policy_asking *q, const struct verdict_reply *reply)
{
    struct arena *a = pipeline_session(q->pipeline)->tx_arena;

    if (q->state == POLICY_AT_CONNECT)
        return (struct policy_answer){ POLICY_CODE, arena_printf(a, "421 %s %s", reply->enhanced, reply->text), true };
    if (q->state == POLICY_AT_RCPT) /* what can be refused for good by a later restriction is */
        return (struct policy_answer){ POLICY_DEFER_IF_PERMIT,
                                       arena_printf(a, "DEFER_IF_PERMIT %s %s", reply->enhanced, reply->text), true };
    return (struct policy_answer){ POLICY_CODE, arena_printf(a, "%u %s %s", reply->code, reply->enhanced, reply->text),
                                   true };
}

/* 521 closes the connection, too [RFC7504]. */
static struct policy_answer for_good(const struct policy_asking *q, const struct verdict_reply *reply)
{
    struct arena *a = pipeline_session(q->pipeline)->tx_arena;
    unsigned code = q->state == POLICY_AT_CONNECT ? 521 : reply->code;

    return (struct policy_answer){ POLICY_CODE, arena_printf(a, "%u %s %s", code, reply->enhanced, reply->text), true };
}

static struct policy_answer aside(const struct policy_asking *q, const struct verdict *verdict, enum policy_word word)
{
    struct arena *a = pipeline_session(q->pipeline)->tx_arena;
    const char *name = word == POLICY_HOLD ? "HOLD" : "DISCARD", *by = verdict->decided_by;

    if (!policy_may_say(word, q->state))
        return policy_answer_none();
    return (struct policy_answer){ word,
                                   arena_printf(a, "%s %s %s (%s, score %s)", name, action_text(verdict->action),
                                                pipeline_session(q->pipeline)->id, by, points_text(a, verdict->score)),
                                   false };
}

static struct policy_answer usual(const struct policy_asking *q, const struct verdict *verdict)
{
    struct verdict_reply reply;

    switch (verdict->action) {
    case ACTION_ACCEPT:
        if (q->conf->accept == POLICY_ACCEPT_OK && strcmp(verdict->decided_by, "score") != 0)
            return (struct policy_answer){ POLICY_OK, "OK", false };
        break;
    case ACTION_TAG: break;
    case ACTION_GREYLIST:
    case ACTION_DEFER: reply = reply_of(q, verdict); return for_now(q, &reply);
    case ACTION_QUARANTINE: return aside(q, verdict, POLICY_HOLD);
    case ACTION_REJECT: reply = reply_of(q, verdict); return for_good(q, &reply);
    case ACTION_DISCARD: return aside(q, verdict, POLICY_DISCARD);
    }
    return go_on(q, verdict);
}

struct policy_answer policy_answer(const struct policy_asking *q, const struct verdict *verdict)
{
    const struct policy_rule *rule = find_rule(q, verdict);

    if (!rule)
        return usual(q, verdict);
    const char *said = expand(q, rule->say, verdict);

    if (!is_new(q, rule, said))
        return go_on(q, verdict);
    return (struct policy_answer){ rule->word, said, is_refusal(rule->word) };
}

struct policy_answer policy_answer_early(const struct policy_asking *q, const struct verdict *verdict)
{
    if (!verdict->is_certain || (verdict->action != ACTION_REJECT && verdict->action != ACTION_DEFER))
        return policy_answer_none();
    return policy_answer(q, verdict);
}

struct policy_answer policy_answer_again(const struct policy_asking *q, const struct verdict *verdict,
                                         const struct policy_answer *before)
{
    switch (before->word) {
    case POLICY_DUNNO:
    case POLICY_PREPEND:
    case POLICY_BCC:
    case POLICY_INFO:
    case POLICY_WARN: return verdict ? go_on(q, verdict) : policy_answer_none();
    default: return *before;
    }
}

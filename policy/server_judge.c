/* policy/server_judge.c - decisions, and what Postfix is told of them.
 *
 * What is said of a recipient holds for the message when it is HOLD or a header field: so one for whom other rules hold
 * than for those before is to come in a transaction of its own, as in the other doors.
 *
 * Postfix asks once for each of its lists that names us: the same recipient may come several times, and hears the same.
 * What is refused at RCPT is no recipient any more when the next one is judged.
 */
#include "policy/server.h"

#include "gateway/base/clock.h"
#include "gateway/core/message_log.h"

enum { STRESS_WAIT_MS = 3000, BOTH_WAITS_MS = 90000, SHOWN_MOST = 256, RECIPIENTS_MOST = 1000000 };

static struct policy_asking asking(struct policy_server *s)
{
    return (struct policy_asking){ .conf = s->door->conf,
                                   .dress = s->door->dress,
                                   .pipeline = s->pipeline,
                                   .told = &s->told,
                                   .state = s->question.state };
}

/* ---- the log ---- */

static void log_if(struct log_line *line, const char *key, struct span value)
{
    if (value.len)
        log_str(line, key, value);
}

static void log_question(struct log_line *line, const struct policy_server *s)
{
    const struct policy_question *q = &s->question;
    const struct session *session = s->session;

    log_cstr(line, "id", session->id);
    log_cstr(line, "door", session->door);
    message_log_client(line, session);
    log_if(line, "user", session->auth_user);
    log_if(line, "certificate", policy_xtext(session->tx_arena, q->certificate));
    message_log_envelope(line, session);
    log_if(line, "rcpt", q->recipient);
    log_if(line, "queue_id", q->queue_id);
    log_cstr(line, "instance", s->instance);
    log_if(line, "context", q->context);
    log_cstr(line, "state", policy_state_text(q->state));
}

static void log_later(const struct policy_server *s, const struct policy_answer *answer)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "refused");
    if (line.is_wanted) {
        log_cstr(&line, "what", "recipient");
        log_question(&line, s);
        log_cstr(&line, "answer", answer->text);
    }
    log_send(&line);
}

static void log_decision(struct policy_server *s, const struct verdict *verdict, const struct policy_answer *answer)
{
    const struct policy_question *q = &s->question;
    struct log_line line;

    log_start(&line, LOG_INFO, "message");
    if (line.is_wanted) {
        log_question(&line, s);
        log_cstr(&line, "action", action_text(verdict->action));
        message_log_verdict(&line, s->pipeline, verdict);
        log_cstr(&line, "answer", answer->text);
        log_int(&line, "ms", (clock_mono_us() - q->asked_us) / 1000);
    }
    log_send(&line);
}

/* ---- decisions ---- */

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

static void decide(struct policy_server *s, enum stage stage, pipeline_fn *fn)
{
    bool is_stressed = s->question.is_stressed;
    int wait_ms = least_of(s->door->conf->wait_ms, is_stressed ? STRESS_WAIT_MS : BOTH_WAITS_MS);

    s->is_waiting = true;
    pipeline_limit_tarpit(s->pipeline, is_stressed ? 0 : least_of(wait_ms, BOTH_WAITS_MS - wait_ms));
    pipeline_decide(s->pipeline, stage, wait_ms, fn, s);
}

static void note_latency(const struct policy_server *s)
{
    metrics_latency(&s->door->engine->metrics, s->session->door, clock_mono_us() - s->question.asked_us);
}

static struct policy_judged *find_judged(const struct policy_server *s, struct span recipient)
{
    struct policy_judged *judged = s->judged;

    while (judged && !span_eq(judged->recipient, recipient))
        judged = judged->next;
    return judged;
}

static void keep_judged(struct policy_server *s, const struct policy_answer *answer)
{
    struct arena *a = s->session->arena;
    struct policy_judged *judged = arena_alloc(a, sizeof *judged);

    *judged = (struct policy_judged){ .recipient = arena_copy(a, s->question.recipient),
                                      .answer = *answer,
                                      .next = s->judged };
    judged->answer.text = arena_dup(a, span_of(answer->text));
    s->judged = judged;
}

/* ---- before the envelope ---- */

static void on_early(void *arg, const struct verdict *verdict)
{
    struct policy_server *s = arg;
    struct policy_asking q = asking(s);
    struct policy_answer answer = policy_answer_early(&q, verdict);

    note_latency(s);
    if (answer.word != POLICY_DUNNO)
        log_decision(s, verdict, &answer);
    policy_server_say(s, answer.text);
    policy_server_resume(s);
}

/* What could be refused now waits for RCPT, so that the log has the envelope; checks are at work meanwhile. */
static void judge_early(struct policy_server *s, enum stage stage)
{
    if (pipeline_actions(s->pipeline)->early)
        decide(s, stage, on_early);
    else
        policy_server_say(s, policy_answer_none().text);
}

/* ---- recipients ---- */

static void on_recipient(void *arg, const struct verdict *verdict)
{
    struct policy_server *s = arg;
    struct policy_asking q = asking(s);
    struct policy_answer answer = policy_answer(&q, verdict);

    s->verdict = verdict;
    note_latency(s);
    log_decision(s, verdict, &answer);
    policy_server_say(s, answer.text);
    if (s->question.adds_recipient)
        keep_judged(s, &answer);
    if (!answer.is_refusal)
        s->is_let_through = true;
    else if (s->question.adds_recipient)
        policy_server_drop_recipient(s);
    policy_server_resume(s);
}

static void reach_rcpt(struct policy_server *s)
{
    pipeline_reach(s->pipeline, STAGE_RCPT);
    s->is_stale = false;
}

static void put_off(struct policy_server *s)
{
    static const struct policy_answer later = {
        POLICY_CODE, "452 4.5.3 Other rules hold for this recipient; send it in another transaction", true
    };

    log_later(s, &later);
    policy_server_say(s, later.text);
    keep_judged(s, &later);
}

static void judge_recipient(struct policy_server *s)
{
    const struct policy_judged *before = find_judged(s, s->question.recipient);

    if (before) {
        struct policy_asking q = asking(s);
        struct policy_answer again = policy_answer_again(&q, s->verdict, &before->answer);

        policy_server_say(s, again.text);
        return;
    }
    if (s->question.recipient.len && !policy_server_add_recipient(s, s->question.recipient)) {
        put_off(s);
        return;
    }
    s->question.adds_recipient = s->question.recipient.len > 0;
    reach_rcpt(s);
    decide(s, STAGE_RCPT, on_recipient);
}

/* ---- the message ---- */

static void say_of_message(struct policy_server *s, const struct verdict *verdict)
{
    struct policy_asking q = asking(s);
    struct policy_answer answer = policy_answer(&q, verdict);

    if (s->question.is_new || answer.word != POLICY_DUNNO)
        log_decision(s, verdict, &answer);
    policy_server_say(s, answer.text);
    if (s->question.adds_recipient)
        keep_judged(s, &answer);
    s->is_let_through = !answer.is_refusal;
    if (s->question.state == POLICY_AT_END_OF_MESSAGE)
        s->session->declared_bytes = s->question.bytes; /* measured by Postfix: what limits on bytes are settled by */
}

static void on_message(void *arg, const struct verdict *verdict)
{
    struct policy_server *s = arg;

    s->verdict = verdict;
    note_latency(s);
    say_of_message(s, verdict);
    policy_server_resume(s);
}

/* The recipients have been judged, if we were asked at RCPT; else Postfix tells of one, but not of several. */
static void judge_message(struct policy_server *s)
{
    struct policy_question *q = &s->question;

    if (q->state == POLICY_AT_END_OF_MESSAGE)
        s->saw_end = s->asks_at_end = true;
    else
        s->saw_data = s->asks_at_data = true;
    if (q->recipient.len && !find_judged(s, q->recipient))
        q->adds_recipient = policy_server_add_recipient(s, q->recipient);
    else if (!s->judged)
        s->session->unnamed_recipients = q->recipient_count;
    if (s->verdict && !s->is_stale) {
        say_of_message(s, s->verdict);
        return;
    }
    q->is_new = true;
    reach_rcpt(s);
    decide(s, STAGE_RCPT, on_message);
}

/* ---- all of it ---- */

static struct span kept(struct policy_server *s, struct span in, enum policy_attribute attribute, size_t most)
{
    struct span value = span_first(policy_request_value(&s->request, in, attribute), most);

    return value.len ? arena_copy(s->session->tx_arena, value) : span_make("", 0);
}

static void note_question(struct policy_server *s, struct span in, enum policy_state state)
{
    s->question = (struct policy_question){
        .state = state,
        .recipient = kept(s, in, POLICY_RECIPIENT, ADDRESS_MAX),
        .queue_id = kept(s, in, POLICY_QUEUE_ID, SHOWN_MOST),
        .context = kept(s, in, POLICY_POLICY_CONTEXT, SHOWN_MOST),
        .certificate = kept(s, in, POLICY_CCERT_SUBJECT, SHOWN_MOST),
        .recipient_count = policy_request_number(&s->request, in, POLICY_RECIPIENT_COUNT, RECIPIENTS_MOST),
        .bytes = policy_request_number(&s->request, in, POLICY_SIZE, SIZE_MAX / 2),
        .asked_us = clock_mono_us(),
        .is_stressed = policy_request_value(&s->request, in, POLICY_STRESS).len > 0,
    };
}

void policy_server_judge(struct policy_server *s, struct span in, enum policy_state state)
{
    if (state == POLICY_AT_OTHER) {
        policy_server_say(s, policy_answer_none().text);
        return;
    }
    policy_server_follow(s, in, state);
    note_question(s, in, state);
    switch (state) {
    case POLICY_AT_CONNECT: judge_early(s, STAGE_CONNECT); break;
    case POLICY_AT_EHLO:
    case POLICY_AT_HELO: judge_early(s, STAGE_HELO); break;
    case POLICY_AT_MAIL: judge_early(s, STAGE_MAIL); break;
    case POLICY_AT_RCPT: judge_recipient(s); break;
    case POLICY_AT_DATA:
    case POLICY_AT_BDAT:
    case POLICY_AT_END_OF_MESSAGE: judge_message(s); break;
    case POLICY_AT_VRFY: /* no RCPT will follow */
    case POLICY_AT_ETRN: decide(s, STAGE_HELO, on_early); break;
    case POLICY_AT_OTHER: break;
    }
}

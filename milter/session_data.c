/* milter/session_data.c - the message: put together again as the client sent it, judged, and what the MTA is told. */
#include "milter/session.h"

#include <errno.h>
#include <stdio.h>

#include "gateway/base/log.h"
#include "milter/actions.h"

/* ---- putting it together ---- */

/* What does not fit is counted still. */
static void put(struct milter_session *s, struct span bytes)
{
    enum fault fault = bytes.len ? spool_put(s->spool, bytes) : s->spool_fault;

    if (!s->spool_fault)
        s->spool_errno = errno;
    s->spool_fault = fault;
}

/* MAIL is behind us; the first recipient may have been the MTA's alone to see (one that it refused). */
static bool begin_message(struct milter_session *s)
{
    if (s->state < MILTER_MAIL)
        return false;
    if (s->state == MILTER_MESSAGE)
        return true;
    s->state = MILTER_MESSAGE;
    s->spool = spool_new(s->door->settings.spool_directory, s->door->conf->memory_most, s->door->conf->size_most);
    return true;
}

/* A name that is none would end the header section for us, and only for us. */
static void put_name(struct milter_session *s, struct span name)
{
    char clean[128];
    size_t i = 0;

    while (i < name.len && name.ptr[i] > ' ' && name.ptr[i] < 0x7f && name.ptr[i] != ':')
        i++;
    if (i == name.len) {
        put(s, name);
        return;
    }
    name = span_first(name, sizeof clean);
    for (i = 0; i < name.len; i++)
        clean[i] = name.ptr[i] > ' ' && name.ptr[i] < 0x7f && name.ptr[i] != ':' ? name.ptr[i] : '?';
    put(s, span_make(clean, name.len));
}

/* MTAs give the lines of a folded field with LF between them. A line that is none of the field's (no blank at its
 * front) must not look like another field. */
static void put_value(struct milter_session *s, struct span value)
{
    size_t lf = 0;

    while ((lf = span_find(value, '\n')) != SPAN_NPOS) {
        struct span line = span_first(value, lf);

        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        put(s, line);
        put(s, SPAN("\r\n"));
        value = span_skip(value, lf + 1);
        if (!value.len || !ascii_is_wsp(value.ptr[0]))
            put(s, SPAN("\t"));
    }
    put(s, value);
}

bool milter_take_field(struct milter_session *s, struct span data)
{
    struct milter_field field;

    if (s->has_header_end || packet_field(data, &field) || !begin_message(s))
        return false;
    put_name(s, field.name);
    put(s, s->terms.protocol & SMFIP_HDR_LEADSPC ? SPAN(":") : SPAN(": "));
    put_value(s, field.value);
    put(s, SPAN("\r\n"));
    milter_say(s, SMFIR_CONTINUE, SMFIP_NR_HDR);
    return true;
}

static bool end_header(struct milter_session *s)
{
    if (!begin_message(s))
        return false;
    if (!s->has_header_end)
        put(s, SPAN("\r\n"));
    s->has_header_end = true;
    return true;
}

bool milter_take_header_end(struct milter_session *s)
{
    if (!end_header(s))
        return false;
    milter_say(s, SMFIR_CONTINUE, SMFIP_NR_EOH);
    return true;
}

bool milter_begin_body(struct milter_session *s)
{
    return s->state > MILTER_START && end_header(s);
}

void milter_take_body(struct milter_session *s, struct span piece)
{
    if (!s->is_skipping && !s->unexamined)
        put(s, piece);
}

/* The rest is spared when nobody is going to read it. */
void milter_end_body(struct milter_session *s)
{
    bool is_needless = s->is_certain || s->unexamined || s->spool_fault;

    if (is_needless && (s->terms.protocol & SMFIP_SKIP)) {
        s->is_skipping = true;
        milter_say(s, SMFIR_SKIP, SMFIP_NR_BODY);
    } else {
        milter_say(s, SMFIR_CONTINUE, SMFIP_NR_BODY);
    }
}

/* ---- what the MTA is told ---- */

static void conclude(struct milter_session *s, unsigned code, struct span text, const char *action)
{
    milter_log_message(s, code, text, action);
    pipeline_settle(s->pipeline, code / 100 == 2);
    milter_end_transaction(s);
}

static void refuse(struct milter_session *s, unsigned code, const char *enhanced, struct span text, const char *action)
{
    actions_reply(&s->out, code, enhanced, text, s->session->id);
    conclude(s, code, text, action);
}

static void take_in(struct milter_session *s, const char *action)
{
    milter_say(s, SMFIR_ACCEPT, 0);
    conclude(s, 250, SPAN("2.0.0 Message accepted"), action);
}

static void tell_lacking(struct milter_session *s, uint32_t lacking)
{
    struct milter_door *door = s->door;

    if (!(lacking & ~door->lacks_told))
        return;
    door->lacks_told |= lacking;
    log_warn("milter", "the mail server does not let us%s%s%s: that is left undone",
             lacking & SMFIF_ADDHDRS ? " add header fields" : "",
             lacking & SMFIF_CHGHDRS ? " change header fields" : "",
             lacking & SMFIF_QUARANTINE ? " hold messages" : "");
}

static void edit(struct milter_session *s, const struct edits *edits)
{
    tell_lacking(s, actions_edits(&s->out, &s->terms, edits, &pipeline_message(s->pipeline)->header));
}

static void dress_message(struct milter_session *s, const struct verdict *verdict)
{
    struct edits edits;

    dress(s->pipeline, verdict, &s->door->dress, &edits);
    edit(s, &edits);
}

/* Held by the MTA until somebody looks at it; Sendmail wants an accept behind it. */
static void quarantine(struct milter_session *s, const struct verdict *verdict)
{
    const char *why = verdict->text ? pipeline_reply(s->pipeline, verdict).text : verdict->decided_by;

    if (!(s->terms.actions & SMFIF_QUARANTINE)) {
        tell_lacking(s, SMFIF_QUARANTINE);
        refuse(s, 451, "4.7.1", SPAN("The message could not be set aside; try again later"), "quarantine");
        return;
    }
    dress_message(s, verdict);
    actions_quarantine(&s->out, span_of(why), s->session->id);
    take_in(s, "quarantine");
}

static void tell_verdict(struct milter_session *s, const struct verdict *verdict)
{
    struct verdict_reply reply;

    switch (verdict->action) {
    case ACTION_ACCEPT:
    case ACTION_TAG:
        dress_message(s, verdict);
        take_in(s, action_text(verdict->action));
        break;
    case ACTION_QUARANTINE: quarantine(s, verdict); break;
    case ACTION_DISCARD:
        milter_say(s, SMFIR_DISCARD, 0);
        conclude(s, 250, SPAN("2.0.0 Message accepted"), action_text(verdict->action));
        break;
    default:
        reply = pipeline_reply(s->pipeline, verdict);
        refuse(s, reply.code, reply.enhanced, span_of(reply.text), action_text(verdict->action));
        break;
    }
}

static void on_message_verdict(void *arg, const struct verdict *verdict)
{
    struct milter_session *s = arg;

    timer_stop(s->progress);
    s->verdict = verdict;
    tell_verdict(s, verdict);
    milter_resume(s);
}

static void on_progress(void *arg)
{
    struct milter_session *s = arg;
    struct strbuf packet;

    strbuf_init(&packet, PACKET_HEAD_BYTES);
    packet_put(&packet, SMFIR_PROGRESS, SPAN(""));
    stream_write(s->stream, strbuf_span(&packet));
    strbuf_release(&packet);
    timer_start(s->progress, s->door->conf->progress_ms);
}

/* ---- the end of a message ---- */

static struct message *make_message(struct milter_session *s)
{
    const struct message_limits limits = { s->door->conf->header_bytes_most,
                                           (size_t)s->door->conf->header_fields_most };
    struct message *message = message_from_spool(s->spool, &limits);

    s->spool = NULL; /* the message's */
    pipeline_take_message(s->pipeline, message);
    return message;
}

/* What it carries of a verdict of ours comes from outside: of what is here the forged fields go. */
static void pass_unexamined(struct milter_session *s, const char *why)
{
    struct edits edits;
    struct span bytes;

    s->unexamined = why;
    spool_cut(s->spool);
    if (!spool_seal(s->spool, &bytes)) {
        make_message(s);
        dress_unexamined(s->pipeline, &edits);
        edit(s, &edits);
    }
    take_in(s, "accept");
}

static bool is_header_refused(struct milter_session *s, const struct message *message)
{
    const struct milter_conf *conf = s->door->conf;
    char text[96];

    if (message->header.anomalies & HEADER_TOO_LONG)
        snprintf(text, sizeof text, "The header section is larger than the %zu bytes that we take",
                 conf->header_bytes_most);
    else if (message->header.anomalies & HEADER_TOO_MANY)
        snprintf(text, sizeof text, "The header section has more than the %lld fields that we take",
                 (long long)conf->header_fields_most);
    else
        return false;
    refuse(s, 552, "5.3.4", span_of(text), "reject");
    return true;
}

static void judge(struct milter_session *s)
{
    if (is_header_refused(s, make_message(s)))
        return;
    if (!s->progress)
        s->progress = timer_new(s->door->engine->loop, on_progress, s);
    timer_start(s->progress, s->door->conf->progress_ms);
    milter_wait(s);
    pipeline_reach(s->pipeline, STAGE_MESSAGE);
    pipeline_decide(s->pipeline, STAGE_MESSAGE, 0, on_message_verdict, s);
}

/* No message can be stored: the operator must hear of it, but not for each message. */
static void fail_spool(struct milter_session *s)
{
    char text[512];

    snprintf(text, sizeof text, "messages cannot be stored in %s (%s): milter.on_failure says what becomes of them",
             s->door->settings.spool_directory, strerror(s->spool_errno));
    alarms_raise(&s->door->engine->alarms, "spool", text);
    if (s->door->conf->on_failure == MILTER_ACCEPT)
        pass_unexamined(s, "it could not be stored");
    else
        refuse(s, 452, "4.3.1", SPAN("The message cannot be stored at the moment; try again later"), "defer");
}

static void conclude_large(struct milter_session *s)
{
    char text[96];

    snprintf(text, sizeof text, "The message is larger than the %zu bytes that we take", s->door->conf->size_most);
    if (s->door->conf->too_large == MILTER_ACCEPT)
        pass_unexamined(s, "larger than milter.message_size");
    else if (s->door->conf->too_large == MILTER_REJECT)
        refuse(s, 552, "5.3.4", span_of(text), "reject");
    else
        refuse(s, 452, "4.3.4", span_of(text), "defer");
}

bool milter_take_end(struct milter_session *s, struct span data)
{
    struct span bytes;

    if (!end_header(s))
        return false;
    milter_take_body(s, data);
    if (!s->spool_fault) {
        s->spool_fault = spool_seal(s->spool, &bytes);
        s->spool_errno = errno;
    }
    if (s->unexamined)
        pass_unexamined(s, s->unexamined);
    else if (s->spool_fault == FAULT_FULL)
        conclude_large(s);
    else if (s->spool_fault)
        fail_spool(s);
    else
        judge(s);
    return true;
}

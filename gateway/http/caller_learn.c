/* http/caller_learn.c - messages that somebody has sorted: rspamd's /learnspam and /learnham, spamd's TELL.
 *
 * The same lesson as that of `postern learn`. Success is said when the store has it; what is our trouble is said so,
 * and asking again is right.
 */
#include "gateway/http/caller.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/http/answer.h"

enum { EX_DATAERR_ = 65, EX_UNAVAILABLE_ = 69, EX_TEMPFAIL_ = 75, EX_PROTOCOL_ = 76, ID_SHOWN = 200 };

/* ---- what was done ---- */

static void log_lesson(const struct caller *c, const struct lesson_end *end, struct span id)
{
    struct log_line line;
    char ip[ADDR_TEXT_MAX];

    log_start(&line, end->trouble ? LOG_WARN : LOG_INFO, "lesson");
    log_cstr(&line, "door", "http");
    log_cstr(&line, "client", addr_text(&c->peer, ip));
    log_cstr(&line, "as", bayes_as_text(c->as));
    log_str(&line, "message_id", id);
    log_int(&line, "size", (int64_t)c->size);
    if (end->trouble)
        log_cstr(&line, "trouble", end->trouble);
    else
        log_cstr(&line, "outcome", end->is_empty ? "empty" : bayes_outcome_text(end->outcome));
    log_int(&line, "ms", (clock_mono_us() - c->begun_us) / 1000);
    log_send(&line);
}

/* ---- rspamd's words ---- */

static void answer_http(struct caller *c, const struct lesson_end *end)
{
    if (end->outcome == BAYES_ALREADY)
        caller_answer_error(c, 208,
                            arena_printf(&c->arena, "<%.*s> has been already learned as %s, ignore it",
                                         SPAN_ARG(c->lesson_id), bayes_as_text(c->as)));
    else
        caller_answer_http(c, "application/json", SPAN("{\"success\":true}\n"));
}

/* ---- spamd's words ---- */

/* What was so already is not said to have been done; spamc tells its user so. */
static void answer_tell(struct caller *c, bool is_done)
{
    const char *did = c->as == BAYES_FORGET ? "DidRemove: local\r\n" : "DidSet: local\r\n";

    caller_write(c, SPAN("SPAMD/1.1 0 EX_OK\r\n"));
    caller_write(c, span_of(is_done ? did : ""));
    caller_write(c, SPAN("\r\n\r\n"));
    caller_over(c);
}

/* ---- the lesson ---- */

static void answer(struct caller *c, const struct lesson_end *end)
{
    if (end->trouble)
        caller_refuse(c, 503, EX_TEMPFAIL_, arena_printf(&c->arena, "it is not learned now: %s", end->trouble));
    else if (end->is_empty)
        caller_refuse(c, 400, EX_DATAERR_, "there is nothing in this message to learn");
    else if (c->head.protocol == PROTOCOL_HTTP)
        answer_http(c, end);
    else
        answer_tell(c, end->outcome != BAYES_ALREADY && end->outcome != BAYES_UNKNOWN);
}

static void on_end(void *arg, const struct lesson_end *end)
{
    struct caller *c = arg;

    c->lesson = NULL;
    log_lesson(c, end, c->lesson_id);
    answer(c, end);
    caller_resume(c);
}

static bool is_whole_address(struct span text)
{
    size_t at = span_rfind(text, '@');

    return at != SPAN_NPOS && at && at + 1 < text.len && text.len <= ADDRESS_MAX;
}

/* Whose mail it was, where the client tells of one: spamc by its user, if that is an address. The sentence of a
 * refusal; NULL. */
static const char *read_recipient(struct caller *c, struct span *out)
{
    struct session s = { .arena = &c->arena, .tx_arena = &c->arena };
    struct span told = head_value(&c->head, "User");
    const char *wrong = envelope_fill(&c->head, &s);

    if (wrong)
        return wrong;
    if (c->head.protocol == PROTOCOL_HTTP)
        told = s.recipient_count == 1 ? s.recipients[0].address.text : SPAN("");
    *out = is_whole_address(told) ? told : SPAN("");
    return NULL;
}

static void refuse(struct caller *c, unsigned status, unsigned sysexit, const char *text)
{
    caller_log_refused(c, span_of(text));
    caller_refuse(c, status, sysexit, text);
}

void caller_learn(struct caller *c)
{
    struct taught asked = { .as = c->as, .now_ms = clock_wall_ms() };
    const char *wrong = read_recipient(c, &asked.recipient);
    struct span bytes;

    if (wrong) {
        refuse(c, 400, EX_DATAERR_, wrong);
        return;
    }
    if (spool_seal(c->intake.spool, &bytes)) {
        alarms_raise(&c->door->engine->alarms, "http spool", "messages cannot be stored: the scan API refuses them");
        refuse(c, 507, EX_TEMPFAIL_, "the message cannot be stored now");
        return;
    }
    c->size = bytes.len;
    asked.message = message_from_spool(c->intake.spool, &message_limits_most);
    c->intake.spool = NULL; /* the message's */
    c->lesson_id = arena_copy(&c->arena, span_first(answer_id_of(&c->arena, asked.message), ID_SHOWN));
    c->lesson = lesson_new(c->door->engine, &asked, on_end, c);
    if (c->lesson) {
        c->state = CALLER_SCAN;
        return;
    }
    message_free(asked.message);
    refuse(c, 503, EX_TEMPFAIL_, "it is not learned now: too many messages wait for examination");
}

/* ---- TELL ---- */

static bool is_asked(const struct caller *c, const char *field, const char *where)
{
    return head_lists(&c->head, field, where);
}

/* The sentence of a refusal; NULL. */
static const char *read_tell(struct caller *c)
{
    struct span class = head_value(&c->head, "Message-class");

    if (is_asked(c, "Set", "local") && is_asked(c, "Remove", "local"))
        return "Unable to set local and remove local in the same operation.";
    c->as = BAYES_FORGET;
    if (!is_asked(c, "Set", "local"))
        return NULL;
    if (!span_iis(class, "spam") && !span_iis(class, "ham"))
        return "(Message-class header contains invalid class)";
    c->as = span_iis(class, "spam") ? BAYES_SPAM : BAYES_HAM;
    return NULL;
}

/* Nothing is reported to others here, nor taken back from them: DidSet says what was done. */
void caller_tell(struct caller *c)
{
    static const char stranger[] = "TELL commands are for the addresses in http.trusted alone";
    const char *wrong = read_tell(c);

    if (!c->is_trusted) {
        refuse(c, 403, EX_UNAVAILABLE_, stranger);
    } else if (wrong) {
        refuse(c, 400, EX_PROTOCOL_, wrong);
    } else if (c->as == BAYES_FORGET && !is_asked(c, "Remove", "local")) {
        answer_tell(c, false);
    } else {
        caller_learn(c);
    }
}

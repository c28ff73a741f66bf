/* scanners/conduct.c - how does the client behave on the wire? Mail servers wait for a greeting and for replies
 * [RFC5321 4.3.1] [RFC2920 3.1]; programs made for spam alone often do not.
 *
 * The SMTP door notes what it sees (struct conduct_note); this check says what it means. It is asked at RCPT, so that
 * the log has HELO, sender and recipient of what is refused. Postscreen's deep tests put every stranger off once; here
 * nobody is, for the session goes on.
 *
 * Exempt: clients that we relay for, and authenticated ones.
 */
#include "scanners/conduct.h"

static const struct symbol symbols[] = {
    [CONDUCT_PREGREET] = { "PREGREET", 500, "the client spoke before our greeting" },
    [CONDUCT_PIPELINING] = { "COMMAND_PIPELINING", 300, "the client sent on where it must wait for our reply" },
    [CONDUCT_NON_SMTP] = { "NON_SMTP_COMMAND", 400, "the client said what is no command of SMTP" },
    [CONDUCT_BARE_NEWLINE] = { "BARE_NEWLINE_COMMAND", 200, "the client ended a command in a bare LF" },
    { 0 },
};

static const char *const replies[] = {
    [CONDUCT_PREGREET] = "550 5.5.1 Protocol error: you spoke before our greeting [RFC 5321 4.3.1]",
    [CONDUCT_PIPELINING] = "550 5.5.1 Protocol error: you did not wait for our replies [RFC 2920 3.1]",
    [CONDUCT_NON_SMTP] = "550 5.5.1 Protocol error: you do not speak SMTP",
    [CONDUCT_BARE_NEWLINE] = "550 5.5.1 Protocol error: commands end in CRLF [RFC 5321 2.3.8]",
};

struct conduct_conf {
    bool reject_pregreet;
};

#define AT(member) offsetof(struct conduct_conf, member)
static const struct conf_key conduct_keys[] = {
    { .name = "reject_pregreet",
      .type = CONF_BOOL,
      .at = AT(reject_pregreet),
      .initial = "yes",
      .help = "refuse the mail of clients that spoke before our greeting, whatever its score" },
    { 0 },
};
#undef AT

static const struct conf_section conduct_section = {
    .name = "conduct",
    .help = "how does the client behave on the wire? What the SMTP door sees: postscreen's tests",
    .size = sizeof(struct conduct_conf),
    .keys = conduct_keys,
};

static enum step run(struct inquiry *q)
{
    const struct conduct_conf *conf = q->conf;
    const struct session *s = q->session;

    if (session_direction(s) != DIRECTION_INBOUND)
        return STEP_DONE;
    for (unsigned kind = 0; kind < CONDUCT_COUNT; kind++) {
        const struct conduct_note *note = &s->conduct[kind];

        if (note->count)
            finding_add(q, kind, "%u times, first with \"%.*s\"", note->count, SPAN_ARG(note->first));
    }
    if (s->conduct[CONDUCT_PREGREET].count && conf->reject_pregreet)
        finding_force(q, ACTION_REJECT, replies[CONDUCT_PREGREET]);
    return STEP_DONE;
}

static void bounds(const void *values, const int *points, struct bounds *out)
{
    const struct conduct_conf *conf = values;

    *out = (struct bounds){ .may_force_reject = conf->reject_pregreet };
    for (size_t i = 0; i < CONDUCT_COUNT; i++)
        *(points[i] < 0 ? &out->least : &out->most) += points[i];
}

const struct check_module conduct_module = {
    .section = &conduct_section,
    .symbols = symbols,
    .replies = replies,
    .run = run,
    .bounds = bounds,
};

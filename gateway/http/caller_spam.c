/* http/caller_spam.c - RSPAMC, as Exim speaks it, and SPAMC: the table of commands. One request per connection: what
 * answers ends in is the end of the connection. */
#include "gateway/http/caller.h"

#include "gateway/base/bug.h"

enum { EX_PROTOCOL_ = 76 };

/* No empty line follows: spamc would take what it gets then, to a TELL, for success. */
void caller_refuse_spam(struct caller *c, unsigned sysexit, const char *text)
{
    const char *name = c->head.protocol == PROTOCOL_RSPAMC ? "RSPAMD" : "SPAMD";

    caller_close(c);
    caller_write(c, span_of(arena_printf(&c->arena, "%s/1.0 %u %s\r\n", name, sysexit, text)));
    caller_over(c);
}

static void run_ping(struct caller *c)
{
    if (c->head.protocol == PROTOCOL_RSPAMC)
        caller_write(c, span_of(arena_printf(&c->arena, "RSPAMD/1.%u 0 PONG\r\n", c->head.minor)));
    else
        caller_write(c, SPAN("SPAMD/1.5 0 PONG\r\n"));
    caller_over(c);
}

/* The client has changed its mind: nothing is said [spamd's PROTOCOL]. */
static void run_skip(struct caller *c)
{
    caller_over(c);
}

struct spam_command {
    const char *name;
    bool is_rspamc, is_spamc, examines, has_body;
    caller_run_fn *run;
};

static const struct spam_command commands[] = {
    /* name           RSPAMC  SPAMC  examines  body   run */
    { "CHECK", true, true, true, true, caller_scan },   { "SYMBOLS", true, true, true, true, caller_scan },
    { "REPORT", true, true, true, true, caller_scan },  { "REPORT_IFSPAM", true, true, true, true, caller_scan },
    { "PROCESS", true, true, true, true, caller_scan }, { "HEADERS", false, true, true, true, caller_scan },
    { "TELL", false, true, false, true, caller_tell },  { "PING", true, true, false, false, run_ping },
    { "SKIP", true, true, false, false, run_skip },
};

static const struct spam_command *find_command(const struct head *head)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (span_is(head->method, commands[i].name) &&
            (head->protocol == PROTOCOL_SPAMC ? commands[i].is_spamc : commands[i].is_rspamc))
            return &commands[i];
    return NULL;
}

void caller_begin_spam(struct caller *c)
{
    const struct spam_command *command = find_command(&c->head);
    const char *text = NULL;

    if (c->head.major != 1 || !command) {
        caller_refuse_spam(c, EX_PROTOCOL_,
                           arena_printf(&c->arena, "Bad header line: (%.*s ...)", SPAN_ARG(c->head.method)));
        return;
    }
    if (envelope_forbidden(&c->head)) {
        caller_refuse_spam(c, EX_PROTOCOL_, "paths of this machine are not read for clients");
        return;
    }
    if (request_read_spam(&c->head, &c->request, &text)) {
        caller_refuse_spam(c, EX_PROTOCOL_, text);
        return;
    }
    if (!command->has_body)
        c->request.framing = FRAMING_NONE;
    if (!command->examines || caller_scan_begin(c))
        caller_expect(c, command->run);
}

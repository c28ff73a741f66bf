/* greylist/judge.c - what the checks greylist and greylist_message do alike. */
#include "greylist/judge.h"

#include <inttypes.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/core/verdict.h"
#include "greylist/sender.h"

enum { REPLY_MOST = 400, REASONS_MOST = 3, FEW_RECIPIENTS = 20 };

bool greylist_concerns(const struct inquiry *q)
{
    const struct session *s = q->session;
    enum action forced;

    if (strcmp(s->door, "scan") == 0 || session_direction(s) == DIRECTION_AUTHENTICATED)
        return false;
    if (s->client.family == ADDR_NONE || !s->recipient_count || enforced_by_sisters(q) >= q->actions->reject ||
        sister_permits(q))
        return false;
    return !sister_forced(q, &forced) ||
           (forced != ACTION_ACCEPT && forced != ACTION_REJECT && forced != ACTION_DISCARD);
}

/* ---- who is exempt ---- */

static const char *listed(struct inquiry *q, const char *path, const struct access_match *match, const char *what)
{
    return path ? arena_printf(q->arena, "%s is listed: %s (%s:%u)", what, match->text, path, match->line)
                : arena_printf(q->arena, "%s is listed: %s", what, match->text);
}

static const char *listed_client(struct inquiry *q, const struct exempt_lists *lists)
{
    const struct addr *client = &q->session->client;
    const struct iprev_evidence *iprev = &q->evidence->iprev;
    const char *name = iprev->result == AUTH_PASS ? iprev->name : NULL;
    struct access_match match;

    if (exempt_has_client(lists->own, client, name, &match))
        return listed(q, NULL, &match, "the client");
    for (size_t i = 0; i < lists->file_count; i++)
        if (lists->files[i].set && exempt_has_client(lists->files[i].set, client, name, &match))
            return listed(q, lists->files[i].path, &match, "the client");
    return NULL;
}

const char *exempt_client(struct inquiry *q, const struct greylist_conf *conf)
{
    for (size_t i = 0; i < conf->skip.count; i++)
        if (addr_in(&q->session->client, &conf->skip.items[i]))
            return "the client is in `skip`";
    for (size_t i = 0; i < conf->symbols.count; i++)
        if (sister_found(q, conf->symbols.items[i]))
            return arena_printf(q->arena, "%s was found", conf->symbols.items[i]);
    return listed_client(q, &conf->lists->clients);
}

const char *exempt_listed(struct inquiry *q, const struct greylist_conf *conf, const struct address *to)
{
    const struct exempt_lists *lists = &conf->lists->recipients;
    struct access_match match;

    if (exempt_has_recipient(lists->own, to, &match))
        return listed(q, NULL, &match, "the recipient");
    for (size_t i = 0; i < lists->file_count; i++)
        if (lists->files[i].set && exempt_has_recipient(lists->files[i].set, to, &match))
            return listed(q, lists->files[i].path, &match, "the recipient");
    return NULL;
}

/* Anybody can write a partner's address: where its domain says that this is not he, he is none. */
static bool may_be_partner(const struct inquiry *q, const struct greylist_conf *conf, struct span sender)
{
    enum auth_result spf = q->evidence->spf_mailfrom.result;

    return conf->partners_ms && sender.len && spf != AUTH_FAIL && spf != AUTH_SOFTFAIL;
}

bool partner_op(struct inquiry *q, const struct greylist_conf *conf, struct span sender,
                const struct address *recipient, struct store_op *out)
{
    if (!may_be_partner(q, conf, sender))
        return false;
    *out = (struct store_op){ .kind = STORE_GET,
                              .key = partner_key(q, conf, recipient->domain, sender),
                              .now_ms = q->now_ms };
    return true;
}

const char *exempt_partner(struct inquiry *q, struct span sender, const struct address *recipient,
                           const struct store_answer *answer)
{
    if (answer->state != STORE_OK)
        return NULL;
    return arena_printf(q->arena, "%.*s has had mail of %.*s", SPAN_ARG(span_first(sender, 100)),
                        SPAN_ARG(span_first(recipient->domain, 100)));
}

enum step exempt_recipient(struct inquiry *q, const struct greylist_conf *conf, struct span sender,
                           const struct address *recipient, const char **why)
{
    struct store_op op;

    *why = exempt_listed(q, conf, recipient);
    if (*why || !partner_op(q, conf, sender, recipient, &op))
        return STEP_DONE;
    const struct store_answer *answer = ask_store(q, &op);

    if (!answer)
        return STEP_WAIT;
    *why = exempt_partner(q, sender, recipient, answer);
    return STEP_DONE;
}

/* ---- how it stands ---- */

static int64_t seconds(int64_t ms)
{
    return (ms + 999) / 1000;
}

static void must_wait(struct standing *s, const struct address *recipient, int64_t left_ms)
{
    s->waiting++;
    if (left_ms < s->left_ms)
        return;
    s->left_ms = left_ms;
    s->domain = recipient->domain;
}

/* Reasons are made anew in every run, which is one for each recipient. */
static bool is_told(const struct inquiry *q, size_t nth)
{
    return nth <= (q->session->recipient_count > FEW_RECIPIENTS ? 1 : REASONS_MOST);
}

static void tell(struct inquiry *q, enum greylist_symbol symbol, const struct standing_what *what, const char *how)
{
    finding_add(q, symbol, "%.*s (%s)%s%s: %s", SPAN_ARG(what->key), what->because, what->suspicion ? ", " : "",
                what->suspicion ? what->suspicion : "", how);
}

static void add_waiting(struct inquiry *q, struct standing *s, const struct store_answer *answer,
                        const struct standing_what *what)
{
    int64_t left_s = seconds(answer->greylist.left_ms);

    must_wait(s, what->recipient, answer->greylist.left_ms);
    if (!is_told(q, s->waiting))
        return;
    if (answer->greylist.state == GREYLIST_NEW)
        tell(q, GREYLIST_SYMBOL_WAIT, what, arena_printf(q->arena, "new, %" PRId64 " s to wait", left_s));
    else
        tell(q, GREYLIST_SYMBOL_WAIT, what,
             arena_printf(q->arena, "came again after %" PRId64 " s, %" PRId64 " s to wait",
                          answer->greylist.waited_ms / 1000, left_s));
}

static void add_passed(struct inquiry *q, struct standing *s, const struct store_answer *answer,
                       const struct standing_what *what)
{
    s->passed++;
    if (answer->greylist.waited_ms > s->waited_ms)
        s->waited_ms = answer->greylist.waited_ms;
    if (is_told(q, s->passed))
        tell(q, GREYLIST_SYMBOL_PASSED, what,
             arena_printf(q->arena, "waited %" PRId64 " s", answer->greylist.waited_ms / 1000));
}

static void add_known(struct inquiry *q, struct standing *s, const struct store_answer *answer,
                      const struct standing_what *what)
{
    bool is_client = answer->greylist.state == GREYLIST_CLIENT;

    s->known++;
    if (is_told(q, s->known))
        tell(q, GREYLIST_SYMBOL_KNOWN, what,
             is_client ? arena_printf(q->arena, "the client has passed %" PRId64 " times", answer->greylist.passes)
                       : "passed before");
}

void standing_add(struct inquiry *q, const struct greylist_conf *conf, struct standing *s,
                  const struct store_answer *answer, const struct standing_what *what)
{
    const struct store_answer too_many = { .state = STORE_OK,
                                           .greylist = { .state = GREYLIST_NEW, .left_ms = conf->delay_ms } };

    if (answer->state == STORE_CAPPED)
        answer = &too_many;
    if (answer->state != STORE_OK) {
        s->failure = answer->why;
        return;
    }
    switch (answer->greylist.state) {
    case GREYLIST_NEW:
    case GREYLIST_EARLY: add_waiting(q, s, answer, what); break;
    case GREYLIST_PASSED: add_passed(q, s, answer, what); break;
    case GREYLIST_KNOWN:
    case GREYLIST_CLIENT: add_known(q, s, answer, what); break;
    }
}

void standing_exempt(struct inquiry *q, struct standing *s, const char *why)
{
    s->exempt++;
    if (is_told(q, s->exempt))
        finding_add(q, GREYLIST_SYMBOL_EXEMPT, "%s", why);
}

/* The configuration's text with %s and %r filled in. */
static const char *reply_text(struct inquiry *q, const struct greylist_conf *conf, const struct standing *s)
{
    struct strbuf b;

    strbuf_init(&b, REPLY_MOST);
    for (const char *c = conf->text; *c; c++) {
        if (c[0] == '%' && c[1] == 's')
            strbuf_putf(&b, "%" PRId64, seconds(s->left_ms));
        else if (c[0] == '%' && c[1] == 'r')
            strbuf_put_escaped(&b, s->domain, 100);
        else
            strbuf_putc(&b, *c);
        c += c[0] == '%' && (c[1] == 's' || c[1] == 'r');
    }
    const char *text = arena_dup(q->arena, strbuf_span(&b));

    strbuf_release(&b);
    return text;
}

/* postgrey's field, so that what reads it goes on reading it. */
static void add_header(struct inquiry *q, const struct standing *s)
{
    char date[CLOCK_TEXT_MAX];

    finding_header(q, "X-Greylist",
                   arena_printf(q->arena, "delayed %" PRId64 " seconds by postern-" POSTERN_VERSION " at %s; %s",
                                s->waited_ms / 1000, q->session->hostname, clock_rfc5322(q->now_ms, date)));
}

bool standing_conclude(struct inquiry *q, const struct greylist_conf *conf, const struct standing *s)
{
    if (s->failure) {
        finding_fail(q, "the state store has no answer: %s", s->failure);
        finding_alarm(q, "greylist/store", "nothing is greylisted, for the state store has no answer: %s", s->failure);
        return false;
    }
    if (s->waiting)
        finding_force(q, ACTION_GREYLIST, reply_text(q, conf, s));
    else if (s->passed)
        add_header(q, s);
    return true;
}

void greylist_bounds(const void *conf, const int *points, struct bounds *out)
{
    (void)conf;
    *out = (struct bounds){ .may_force_reject = true };
    for (unsigned i = 0; i < GREYLIST_SYMBOLS; i++)
        *(points[i] < 0 ? &out->least : &out->most) += points[i];
}

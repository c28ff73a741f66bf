/* tests/kit/desk.c - a check on the desk. */
#include "tests/kit/desk.h"

#include <stdlib.h>

#include "gateway/core/weight.h"

#include "tests/kit/expect.h"

enum { DESK_ROUNDS_MAX = 100 };

struct desk_record {
    struct span key;
    struct store_record record;
    struct desk_record *next;
};

static const int64_t desk_epoch_ms = 1767225600000;

static size_t symbol_count(const struct symbol *symbols)
{
    size_t n = 0;

    while (symbols && symbols[n].name)
        n++;
    return n;
}

static const int *default_points(struct desk *d, const struct symbol *symbols)
{
    size_t count = symbol_count(symbols);
    int *points = arena_alloc(&d->arena, (count + 1) * sizeof *points);

    for (size_t i = 0; i < count; i++)
        points[i] = symbols[i].points;
    return points;
}

struct desk *desk_open_bare(const struct check_module *module, void *values)
{
    struct desk *d = mem_alloc(sizeof *d);

    arena_init(&d->arena, 1 << 30);
    answers_init(&d->world);
    answers_init(&d->book);
    d->now_ms = desk_epoch_ms;
    d->world_else = "NXDOMAIN";
    d->check = (struct check){ .name = "desk", .budget_ms = 10000, .asks = 64, .module = module };
    d->settings = (struct check_settings){
        .check = &d->check, .mode = MODE_ENFORCE, .conf = values, .points = default_points(d, module->symbols)
    };
    d->run = (struct run){
        .settings = &d->settings, .book = &d->book, .most_asks = d->check.asks, .most_asks_in_book = 1000
    };
    d->actions = (struct actions_conf){ .greylist = 400, .tag = 600, .reject = 1500, .subject = "" };
    d->session = (struct session){ .arena = &d->arena,
                                   .tx_arena = &d->arena,
                                   .door = "desk",
                                   .hostname = "mx.desk.example",
                                   .tls_version = "",
                                   .tls_cipher = "",
                                   .started_wall_ms = d->now_ms };
    return d;
}

void desk_close(struct desk *d)
{
    if (d->conf) {
        if (d->check.module->close)
            d->check.module->close(d->settings.conf);
        conf_free(d->conf);
    }
    message_free(d->message);
    answers_release(&d->world);
    answers_release(&d->book);
    arena_release(&d->arena);
    local_free(d->local);
    free(d);
}

static struct span kept(struct desk *d, const char *text)
{
    return arena_copy(&d->arena, span_of(text));
}

void desk_client(struct desk *d, const char *ip)
{
    assert_int_equal(FAULT_NONE, addr_parse(span_of(ip), &d->session.client));
}

void desk_client_ptr(struct desk *d, const char *name)
{
    d->session.client_ptr = kept(d, name);
}

void desk_helo(struct desk *d, const char *name)
{
    d->session.helo = kept(d, name);
    d->session.is_esmtp = true;
}

/* Takes the text apart without address_parse(): what a check gets here need not be an address. */
static struct address address_of(struct desk *d, const char *text)
{
    struct address a = { .text = kept(d, text) };
    size_t at = span_rfind(a.text, '@');

    a.local = at == SPAN_NPOS ? a.text : span_first(a.text, at);
    a.domain = at == SPAN_NPOS ? (struct span){ "", 0 } : span_skip(a.text, at + 1);
    return a;
}

void desk_from(struct desk *d, const char *address)
{
    d->session.mail_from = address_of(d, address);
}

void desk_rcpt(struct desk *d, const char *address)
{
    struct session *s = &d->session;

    s->recipients =
        arena_grow(&d->arena, s->recipients, s->recipient_count, s->recipient_count + 1, sizeof *s->recipients);
    s->recipients[s->recipient_count++].address = address_of(d, address);
}

void desk_message_bytes(struct desk *d, struct span bytes)
{
    static const struct message_limits limits = { 1 << 20, 5000 };

    message_free(d->message);
    d->message = message_new(arena_copy(&d->arena, bytes), &limits);
}

void desk_message(struct desk *d, const char *text)
{
    struct strbuf b;

    strbuf_init(&b, 1 << 28);
    for (; *text; text++) {
        if (*text == '\n')
            strbuf_putc(&b, '\r');
        strbuf_putc(&b, *text);
    }
    desk_message_bytes(d, strbuf_span(&b));
    strbuf_release(&b);
}

void desk_dns(struct desk *d, const char *name, enum dns_type type, const char *answer)
{
    const struct dns_answer *a = NULL;

    if (dns_answer_text(&d->arena, name, type, span_of(answer), &a))
        fail_msg("desk_dns: %s %s: \"%s\" is no answer", name, dns_type_text(type), answer);
    answers_put(&d->world, name, type, a);
}

void desk_dns_else(struct desk *d, const char *answer)
{
    d->world_else = answer;
}

static struct inquiry inquiry_of(struct desk *d)
{
    return (struct inquiry){ .session = &d->session,
                             .message = d->message,
                             .conf = d->settings.conf,
                             .actions = &d->actions,
                             .evidence = &d->evidence,
                             .arena = &d->arena,
                             .now_ms = d->now_ms,
                             .is_exempt = d->is_exempt,
                             .run = &d->run };
}

static enum step run_once(struct desk *d, enum step (*run)(struct inquiry *))
{
    struct inquiry q = inquiry_of(d);

    run_begin(&d->run);
    return run(&q);
}

static struct bounds bounds_of(const struct desk *d)
{
    const struct check_module *module = d->check.module;
    struct bounds b = { 0 };

    if (module->bounds)
        module->bounds(d->settings.conf, d->settings.points, &b);
    for (size_t i = 0; !module->bounds && module->symbols && module->symbols[i].name; i++)
        *(d->settings.points[i] < 0 ? &b.least : &b.most) += d->settings.points[i];
    return b;
}

/* Early verdicts rest on this: no check may find more than it has declared. So every test and every fuzz target that
 * uses a desk looks for it. */
static void expect_bounds(const struct desk *d)
{
    struct check_settings s = d->settings;
    const struct bounds b = bounds_of(d);
    int points = desk_points(d);
    struct demand demand;

    if (points < b.least || points > b.most)
        fail_msg("the check found %d points, where it has declared %d to %d", points, b.least, b.most);
    if (desk_forced(d, &demand) && !(demand.action == ACTION_ACCEPT ? b.may_force_accept : b.may_force_reject))
        fail_msg("the check has forced \"%s\", which it has not declared", action_text(demand.action));
    if (d->check.module->removable)
        s.removable = d->check.module->removable(s.conf, &s.removable_count);
    for (size_t i = 0; i < d->run.removed_count; i++)
        if (!weight_may_remove(&s, d->run.removed[i].symbol))
            fail_msg("the check has taken out \"%s\", which it has not declared", d->run.removed[i].symbol);
}

static enum step run_check(struct desk *d)
{
    enum step step = run_once(d, d->check.module->run);

    if (step == STEP_DONE)
        expect_bounds(d);
    return step;
}

enum step desk_run(struct desk *d)
{
    return run_check(d);
}

/* ---- the store ---- */

struct store_record *desk_record(struct desk *d, struct span key)
{
    struct desk_record *r = d->records;

    while (r && !span_eq(r->key, key))
        r = r->next;
    if (!r) {
        r = arena_alloc(&d->arena, sizeof *r);
        r->key = arena_copy(&d->arena, key);
        r->next = d->records;
        d->records = r;
    }
    return &r->record;
}

void desk_do(struct desk *d, const struct store_op *op, struct store_answer *out)
{
    struct span client = op->kind == STORE_GREYLIST ? op->greylist.client : (struct span){ 0 };

    d->operations++;
    if (op->is_local && !d->local)
        d->local = local_new();
    if (op->is_local)
        local_do(d->local, op, out);
    else if (d->store_outcome == STORE_OK && op_is_bayes(op->kind))
        desk_bayes(d, op, out);
    else if (d->store_outcome == STORE_OK)
        op_apply(op, desk_record(d, op->key), client.len ? desk_record(d, client) : NULL, out);
    else
        *out = (struct store_answer){ .state = d->store_outcome, .why = "the desk says so" };
}

static void answer_op(struct desk *d, const struct answer_entry *e)
{
    struct store_answer answer;

    if (e->stored)
        return;
    desk_do(d, e->op, &answer);
    answers_put_op(&d->book, e->op, &answer);
}

void desk_sister(struct desk *d, int points)
{
    static const struct check check = { .name = "sister" };
    static const struct check_settings settings = { .check = &check, .mode = MODE_ENFORCE, .index = 1 };
    struct finding *finding = arena_alloc(&d->arena, sizeof *finding);

    *finding = (struct finding){ "SISTER", points, "", MODE_OFF };
    d->sister = (struct run){ .settings = &settings, .state = RUN_DONE, .findings = finding, .finding_count = 1 };
    d->view[1] = &d->sister;
    d->settings.after = 1ULL << 1;
    d->run.view = d->view;
}

void desk_sister_found(struct desk *d, const char *symbol, int points)
{
    struct run *s = &d->sister;

    if (!d->view[1]) {
        desk_sister(d, 0);
        s->finding_count = 0;
    }
    s->findings = arena_grow(&d->arena, s->findings, s->finding_count, s->finding_count + 1, sizeof *s->findings);
    s->findings[s->finding_count++] = (struct finding){ symbol, points, "", MODE_OFF };
}

void desk_sister_forces(struct desk *d, enum action action)
{
    if (!d->view[1])
        desk_sister(d, 0);
    d->sister.is_forced = true;
    d->sister.forced = action;
}

void desk_settled(struct desk *d, enum action action, bool is_delivered)
{
    const struct settlement end = {
        .action = action, .score = desk_points(d), .has_verdict = true, .is_delivered = is_delivered
    };

    desk_settled_as(d, &end);
}

void desk_settled_as(struct desk *d, const struct settlement *end)
{
    struct inquiry q = inquiry_of(d);
    struct store_answer answer;

    d->check.module->settle(&q, end);
    for (size_t i = 0; i < d->run.told_count; i++)
        desk_do(d, &d->run.told[i], &answer);
    d->run.told_count = 0;
}

void desk_next_transaction(struct desk *d, int64_t after_ms)
{
    answers_clear(&d->book);
    d->run.memo = d->run.known = d->run.whom = NULL;
    d->run.known_room = 0;
    d->now_ms += after_ms;
    d->session.recipients = NULL;
    d->session.recipient_count = 0;
    d->evidence = (struct evidence){ 0 };
}

void desk_answer(struct desk *d)
{
    for (struct answer_entry *e = d->book.first; e; e = e->next) {
        if (e->op) {
            answer_op(d, e);
            continue;
        }
        const struct answer_entry *known = answers_find(&d->world, e->name, e->type);
        const struct dns_answer *a = known ? known->answer : NULL;

        if (e->answer)
            continue;
        if (!a && dns_answer_text(&d->arena, e->name, e->type, span_of(d->world_else), &a))
            fail_msg("desk_dns_else: \"%s\" is no answer", d->world_else);
        answers_put(&d->book, e->name, e->type, a);
    }
}

static enum step run_upkeep(struct desk *d)
{
    return run_once(d, d->check.module->upkeep);
}

static void settle(struct desk *d, enum step (*run)(struct desk *))
{
    d->rounds = 0;
    while (run(d) == STEP_WAIT) {
        if (++d->rounds > DESK_ROUNDS_MAX)
            fail_msg("the check still waits after %u rounds", d->rounds);
        desk_answer(d);
    }
}

void desk_settle(struct desk *d)
{
    settle(d, run_check);
}

void desk_upkeep(struct desk *d)
{
    answers_clear(&d->book);
    settle(d, run_upkeep);
    answers_clear(&d->book);
}

static enum removal nothing_is_removed(const void *arg, const char *symbol)
{
    (void)arg;
    (void)symbol;
    return REMOVAL_NONE;
}

bool desk_forced(const struct desk *d, struct demand *out)
{
    return weight_forced(&d->run, nothing_is_removed, NULL, out);
}

int desk_points(const struct desk *d)
{
    int sum = 0;

    for (size_t i = 0; i < d->run.finding_count; i++)
        sum += weight_mode(&d->run, &d->run.findings[i]) > MODE_SHADOW ? d->run.findings[i].points : 0;
    return sum;
}

const struct finding *desk_finding(const struct desk *d, const char *symbol)
{
    for (size_t i = 0; i < d->run.finding_count; i++)
        if (strcmp(d->run.findings[i].symbol, symbol) == 0)
            return &d->run.findings[i];
    return NULL;
}

const char *desk_symbols(const struct desk *d, char out[512])
{
    size_t used = 0;

    out[0] = 0;
    for (size_t i = 0; i < d->run.finding_count && used < 500; i++)
        used += (size_t)snprintf(out + used, 512 - used, "%s%s", i ? " " : "", d->run.findings[i].symbol);
    return out;
}

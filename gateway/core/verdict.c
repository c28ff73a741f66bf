/* core/verdict.c - from findings to an action, and when it is certain. */
#include "gateway/core/verdict.h"

#include "gateway/core/weight.h"
#include "gateway/mail/access_set.h"

#define AT(member) offsetof(struct actions_conf, member)

static const struct conf_key actions_keys[] = {
    { .name = "greylist",
      .type = CONF_POINTS,
      .at = AT(greylist),
      .initial = "4.00",
      .help = "points from which mail of unknown senders has to come again later (check \"greylist\")" },
    { .name = "tag",
      .type = CONF_POINTS,
      .at = AT(tag),
      .initial = "6.00",
      .help = "points from which a message is tagged (X-Spam-Flag: YES); 1000 for never" },
    { .name = "reject",
      .type = CONF_POINTS,
      .at = AT(reject),
      .initial = "15.00",
      .help = "points from which a message is refused; 1000 for never" },
    { .name = "early",
      .type = CONF_BOOL,
      .at = AT(early),
      .initial = "no",
      .help =
          "refuse before RCPT when that is certain; else refusals wait for RCPT, so that the log has the envelope and "
          "exempt recipients are spared" },
    { .name = "exempt",
      .type = CONF_STRS,
      .at = AT(exempt),
      .initial = "postmaster@ abuse@",
      .help = "recipients whose mail is tagged at most, and not refused or put off, when it is for nobody else: "
              "user@example.org, user@ at any domain, example.org" },
    { .name = "subject",
      .type = CONF_STR,
      .at = AT(subject),
      .initial = "",
      .help =
          "put before the Subject of tagged mail, for instance \"[SPAM] \"; breaks DKIM for those who check again" },
    { 0 },
};

static const char *actions_check(struct arena *a, void *values)
{
    const struct actions_conf *conf = values;

    for (size_t i = 0; i < conf->exempt.count; i++) {
        const char *wrong = access_entry_wrong(ACCESS_ADDRESSES, span_of(conf->exempt.items[i]));

        if (wrong)
            return arena_printf(a, "the exempt recipient \"%s\" %s", conf->exempt.items[i], wrong);
    }
    return conf->tag > conf->reject ? "tag is above reject: write tag as the lower of the two" : NULL;
}

const struct conf_section actions_section = {
    .name = "actions",
    .help = "what a score leads to",
    .size = sizeof(struct actions_conf),
    .keys = actions_keys,
    .check = actions_check,
};

/* An action that a check demands. */
struct forced {
    const struct run *run; /* NULL: none does */
    struct demand demand;
};

/* What the runs come to, added up. */
struct tally {
    int enforced, tagging;             /* points found so far */
    int enforced_least, enforced_most; /* what is still to come may add */
    int tagging_most;
    int awaited_most;             /* of enforced_most: of checks that this decision waits for */
    bool may_harden, may_discard; /* one of those may force what is harder than a deferral; or a discard */
    bool may_accept, may_force;   /* a check still to come may force an accept; or anything that is none */
    bool may_fail_hard;           /* or may fail with a policy that is not skip */
    bool is_pending, informs;     /* a check is still to come; one whose evidence goes into headers */
    bool may_lose_demand;         /* a check still to come may take out what is forced for a symbol */
    struct forced accept, reject, defer, tag;
    const struct run *failed_defer, *failed_tag;
};

static bool is_finished(const struct run *run)
{
    return run->state == RUN_OFF || run->state == RUN_DONE || run->state == RUN_FAILED || run->state == RUN_SKIPPED;
}

static void add_pending(struct tally *t, const struct run *run, enum direction direction, unsigned awaited)
{
    const struct check_settings *s = run->settings;

    t->is_pending = true;
    t->informs |= s->check->informs;
    if (s->mode == MODE_SHADOW)
        return;
    t->may_fail_hard |= s->on_failure[direction] != FAIL_SKIP;
    if (s->mode == MODE_TAG) {
        t->tagging_most += s->bounds.most;
        t->may_force |= s->bounds.may_force_reject; /* which tags */
        return;
    }
    t->enforced_least += s->bounds.least;
    t->enforced_most += s->bounds.most;
    t->may_accept |= s->bounds.may_force_accept;
    t->may_force |= s->bounds.may_force_reject;
    if (s->check->stage >= awaited)
        return;
    t->awaited_most += s->bounds.most;
    t->may_harden |= s->bounds.may_force_reject;
    t->may_discard |= s->bounds.may_force_discard;
}

static void add_forced(struct tally *t, const struct run *run, const struct demand *demand)
{
    const struct forced forced = { run, *demand };
    bool is_refusal = demand->action == ACTION_TAG || demand->action > ACTION_DEFER; /* to have to wait is not bad */

    if (run->settings->mode == MODE_TAG) {
        if (is_refusal)
            t->tag = forced;
        return;
    }
    switch (demand->action) {
    case ACTION_ACCEPT: t->accept = forced; break;
    case ACTION_TAG: t->tag = forced; break;
    case ACTION_GREYLIST:
    case ACTION_DEFER:
    case ACTION_QUARANTINE:
        if (!t->defer.run || demand->action > t->defer.demand.action)
            t->defer = forced;
        break;
    case ACTION_REJECT:
    case ACTION_DISCARD:
        if (!t->reject.run || demand->action > t->reject.demand.action)
            t->reject = forced;
        break;
    }
}

struct view {
    const struct run *const *runs;
    size_t count;
};

static enum removal removal_of(const void *arg, const char *symbol)
{
    const struct view *view = arg;
    const struct removed *removed = weight_removal(view->runs, view->count, symbol);

    return removed ? removed->removal : REMOVAL_NONE;
}

static void add_finished(struct tally *t, const struct run *run, const struct run *const *runs, size_t count)
{
    const struct view view = { runs, count };
    struct demand demand;

    for (size_t i = 0; i < run->finding_count; i++) {
        const struct finding *f = &run->findings[i];
        enum mode mode = weight_mode(run, f);

        if (mode > MODE_SHADOW && !weight_removal(runs, count, f->symbol))
            *(mode == MODE_TAG ? &t->tagging : &t->enforced) += f->points;
    }
    if (weight_forced(run, removal_of, &view, &demand))
        add_forced(t, run, &demand);
}

/* What a check that is still to come may take out of the findings of one that is done. */
static void add_removable(struct tally *t, const struct run *run, const struct check_settings *by, unsigned awaited)
{
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct finding *f = &run->findings[i];
        enum mode mode = weight_mode(run, f);

        if (mode <= MODE_SHADOW || !weight_may_remove(by, f->symbol))
            continue;
        if (mode == MODE_TAG) {
            t->tagging_most -= f->points < 0 ? f->points : 0;
        } else if (f->points > 0) {
            t->enforced_least -= f->points;
        } else {
            t->enforced_most -= f->points;
            t->awaited_most -= by->check->stage < awaited ? f->points : 0;
        }
    }
    for (size_t i = 0; i < run->demanded_count; i++)
        t->may_lose_demand |= weight_may_remove(by, run->demanded[i].symbol);
}

static void add_failed(struct tally *t, const struct run *run, enum direction direction, struct verdict *out)
{
    enum fail policy = run->settings->on_failure[direction];

    if (out->missing_count < CHECKS_MAX)
        out->missing[out->missing_count++] = (struct missing){ run->settings->check->name, run->failure };
    if (policy == FAIL_DEFER && run->settings->mode == MODE_ENFORCE)
        t->failed_defer = run;
    else if (policy != FAIL_SKIP)
        t->failed_tag = run;
}

/* Of a client who has authenticated since, or of an envelope that a list has permitted. */
static bool is_moot(const struct run *run, bool is_user, const struct run *permit)
{
    enum stage stage = run->settings->check->stage;

    return (is_user && stage <= STAGE_HELO) || (permit && stage < STAGE_MESSAGE && run != permit);
}

static const struct run *permit_of(const struct run *const *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (runs[i]->state == RUN_DONE && runs[i]->is_permit && runs[i]->settings->mode == MODE_ENFORCE)
            return runs[i];
    return NULL;
}

static bool is_remover(const struct run *run)
{
    return !is_finished(run) && run->settings->mode == MODE_ENFORCE && run->settings->removable_count;
}

static struct tally tally_of(const struct run *const *runs, size_t count, enum direction direction, unsigned awaited,
                             struct verdict *out)
{
    struct tally t = { 0 };
    bool is_user = direction == DIRECTION_AUTHENTICATED;
    const struct run *permit = permit_of(runs, count);

    for (size_t i = 0; i < count; i++) {
        const struct run *run = runs[i];

        if (run->settings->mode == MODE_OFF || (permit && is_moot(run, is_user, permit)))
            continue; /* off for this mail: others have it on */
        if (!is_finished(run) && is_moot(run, is_user, permit))
            t.informs |= run->settings->check->informs;
        else if (!is_finished(run))
            add_pending(&t, run, direction, awaited);
        else if (run->settings->mode == MODE_SHADOW || is_moot(run, is_user, permit))
            continue;
        else if (run->state == RUN_FAILED)
            add_failed(&t, run, direction, out);
        else if (run->state == RUN_DONE)
            add_finished(&t, run, runs, count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct check_settings *s = runs[i]->settings;

        for (size_t j = 0; is_remover(runs[i]) && j < count; j++)
            if (runs[j]->state == RUN_DONE && runs[j]->settings->mode > MODE_SHADOW &&
                !is_moot(runs[j], is_user, permit))
                add_removable(&t, runs[j], s, awaited);
    }
    return t;
}

static void decide(struct verdict *v, enum action action, const struct run *by, bool is_certain)
{
    v->action = action;
    v->decided_by = by ? by->settings->check->name : "score";
    v->text = NULL;
    v->is_certain = is_certain;
}

static void decide_forced(struct verdict *v, enum action action, const struct forced *by, bool is_certain)
{
    decide(v, action, by->run, is_certain);
    v->text = by->demand.text;
}

void verdict_make(const struct run *const *runs, size_t count, const struct actions_conf *actions,
                  enum direction direction, unsigned awaited, struct verdict *out)
{
    *out = (struct verdict){ .direction = direction, .tag = actions->tag, .reject = actions->reject };
    struct tally t = tally_of(runs, count, direction, awaited, out);
    int total = t.enforced + t.tagging;
    bool is_quiet = !t.is_pending; /* nothing is still to come */
    bool is_above = t.enforced >= actions->reject, stands = !t.may_accept && !t.may_lose_demand;

    out->score = total;
    out->is_early = t.is_pending;
    if (t.accept.run)
        decide_forced(out, ACTION_ACCEPT, &t.accept, !t.informs);
    else if (t.reject.run)
        decide_forced(out, t.reject.demand.action, &t.reject, stands && !t.may_discard);
    else if (is_above)
        decide(out, ACTION_REJECT, NULL,
               !t.may_accept && !t.may_discard && t.enforced + t.enforced_least >= actions->reject);
    else if (t.defer.run)
        decide_forced(out, t.defer.demand.action, &t.defer,
                      stands && !t.may_harden && t.enforced + t.awaited_most < actions->reject);
    else if (t.failed_defer)
        decide(out, ACTION_DEFER, t.failed_defer, is_quiet);
    else if (t.tag.run)
        decide_forced(out, ACTION_TAG, &t.tag, is_quiet);
    else if (t.failed_tag || total >= actions->tag)
        decide(out, ACTION_TAG, t.failed_tag, is_quiet);
    else
        decide(out, ACTION_ACCEPT, NULL,
               !t.informs && !t.may_force && !t.may_fail_hard &&
                   total + t.enforced_most + t.tagging_most < actions->tag);
}

bool verdict_is_moot(const struct run *const *runs, size_t count, const struct verdict *verdict, const struct run *run)
{
    return is_moot(run, verdict->direction == DIRECTION_AUTHENTICATED, permit_of(runs, count));
}

/* What the check may take out that speaks for the mail. */
static int removable_below(const struct run *const *runs, size_t count, const struct check_settings *by)
{
    struct tally t = { 0 };

    for (size_t i = 0; by->removable_count && i < count; i++)
        if (runs[i]->state == RUN_DONE && runs[i]->settings->mode > MODE_SHADOW)
            add_removable(&t, runs[i], by, 0);
    return t.enforced_most + t.tagging_most;
}

bool verdict_may_refuse(const struct run *const *runs, size_t count, const struct actions_conf *actions,
                        enum stage stage, const struct verdict *now)
{
    int most = now->score;

    if (now->action > ACTION_TAG)
        return true; /* unless an allow list is still to come */
    for (size_t i = 0; i < count; i++) {
        const struct check_settings *s = runs[i]->settings;

        if (s->mode != MODE_ENFORCE || is_finished(runs[i]) || s->check->stage > stage)
            continue;
        if (s->bounds.may_force_reject)
            return true;
        most += s->bounds.most + removable_below(runs, count, s);
    }
    return most >= actions->reject;
}

/* ---- what the sender is told ---- */

static const struct verdict_reply replies[] = {
    [ACTION_ACCEPT] = { 250, "2.0.0", "Message accepted" },
    [ACTION_TAG] = { 250, "2.0.0", "Message accepted" },
    [ACTION_GREYLIST] = { 451, "4.7.1", "Greylisted, please try again in a few minutes" },
    [ACTION_DEFER] = { 451, "4.7.1", "Message cannot be judged at the moment, please try again later" },
    [ACTION_QUARANTINE] = { 250, "2.0.0", "Message accepted" },
    [ACTION_REJECT] = { 554, "5.7.1", "Message refused by policy" },
    [ACTION_DISCARD] = { 250, "2.0.0", "Message accepted" },
};

enum { REPLY_SYMBOLS = 3 };

static bool is_named(const struct finding *const *named, size_t count, const struct finding *f)
{
    for (size_t i = 0; i < count; i++)
        if (named[i] == f)
            return true;
    return false;
}

static const struct finding *heaviest(const struct run *const *runs, size_t count, bool is_user,
                                      const struct finding *const *named, size_t named_count)
{
    const struct finding *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (runs[i]->state != RUN_DONE || runs[i]->settings->mode != MODE_ENFORCE || is_moot(runs[i], is_user, NULL))
            continue;
        for (size_t j = 0; j < runs[i]->finding_count; j++) {
            const struct finding *f = &runs[i]->findings[j];

            if (weight_mode(runs[i], f) == MODE_ENFORCE && !weight_removal(runs, count, f->symbol) && f->points > 0 &&
                (!best || f->points > best->points) && !is_named(named, named_count, f))
                best = f;
        }
    }
    return best;
}

static const char *refusal_by_score(struct arena *a, const struct run *const *runs, size_t count, bool is_user)
{
    const struct finding *named[REPLY_SYMBOLS];
    const char *list = "";
    size_t n = 0;

    while (n < REPLY_SYMBOLS && (named[n] = heaviest(runs, count, is_user, named, n))) {
        list = arena_printf(a, "%s%s%s", list, n ? ", " : "", named[n]->symbol);
        n++;
    }
    return arena_printf(a, "Message refused as spam (%s)", list);
}

static bool is_digits(struct span s, size_t most)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_digit(s.ptr[i]))
            return false;
    return s.len >= 1 && s.len <= most;
}

/* [RFC3463 2] */
static bool is_enhanced(struct span word)
{
    struct span class = { 0 }, subject = { 0 }, detail = { 0 };

    return span_cut(&word, '.', &class) && span_cut(&word, '.', &subject) && span_cut(&word, '.', &detail) &&
           !word.ptr && class.len == 1 && (class.ptr[0] == '4' || class.ptr[0] == '5') && is_digits(subject, 3) &&
           is_digits(detail, 3);
}

/* "504 5.5.2 Need a full name" and the like into a reply; what is not there is left as it is. */
static void take_text(struct arena *a, const char *said, struct verdict_reply *reply)
{
    struct span text = span_of(said), rest = text, word = { 0 };
    uint64_t code = 0;

    if (span_word(&rest, &word) && word.len == 3 && !span_u64(word, 599, &code) && code >= 400) {
        reply->code = (unsigned)code;
        text = span_trim(rest);
        span_word(&rest, &word);
    }
    if (is_enhanced(word)) {
        reply->enhanced = arena_dup(a, word);
        text = span_trim(rest);
    }
    if (text.len)
        reply->text = arena_dup(a, text);
}

/* The action decides between 4xx and 5xx; and 421 and 521 belong to doors that close. */
static void mend_class(struct arena *a, unsigned class, struct verdict_reply *reply)
{
    if (reply->code / 100 != class || reply->code % 100 == 21)
        reply->code = class * 100 + 50;
    if ((unsigned)(reply->enhanced[0] - '0') != class)
        reply->enhanced = arena_printf(a, "%u%s", class, reply->enhanced + 1);
}

struct verdict_reply verdict_reply(struct arena *a, const struct verdict *verdict, const struct run *const *runs,
                                   size_t count)
{
    struct verdict_reply reply = replies[verdict->action];

    unsigned class = reply.code / 100;

    if (verdict->text) {
        take_text(a, verdict->text, &reply);
        if (class == 2)
            reply = (struct verdict_reply){ 250, "2.0.0", reply.text };
        else
            mend_class(a, class, &reply);
    } else if (verdict->action == ACTION_REJECT && strcmp(verdict->decided_by, "score") == 0) {
        reply.text = refusal_by_score(a, runs, count, verdict->direction == DIRECTION_AUTHENTICATED);
    }
    return reply;
}

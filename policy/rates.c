/* policy/rates.c - limits by rate: leaky buckets that messages, recipients or bytes go into while there is room.
 *
 * Room is taken when it is asked for, so that what is still under way is counted, and given back when the mail was not
 * taken in (policy/rates_settle.c). Every rate of every limit is asked at once: what some had room for when another had
 * none is given back, too. While the state store is out each gateway counts for itself, with an alarm: mail is neither
 * stopped nor let through without bounds.
 *
 * The time until there is room is told with up to a tenth more, by the transaction's id: senders that were put off
 * together are not to come back together.
 *
 * Threads: the loop's. Memory: sets are the module's, from open() to close().
 */
#include "policy/rates.h"

#include "gateway/base/bug.h"
#include "policy/rates_settle.h"
#include "policy/rates_take.h"

enum { RATE_LIMITED, RATE_EXCEEDED };

static const struct symbol symbols[] = {
    [RATE_LIMITED] = { "RATE_LIMITED", 0, "more than a limit allows; put off, refused or answered late" },
    [RATE_EXCEEDED] = { "RATE_EXCEEDED", 300, "more than a limit allows, which only adds points (action = tag)" },
    { NULL, 0, NULL },
};

/* What earlier runs have learnt of a recipient, a bit for each limit: all was answered; some of it was over. So a
 * thousand recipients are not asked for a thousand times each. */
struct known {
    uint64_t answered, over;
};

/* One limit's part of a run. */
struct asking {
    struct inquiry *q;
    struct known *recipients;
    uint64_t bit; /* of the limit */
    bool waits, is_over;
    size_t recipient;           /* the first that is over */
    struct rates_window window; /* of those that are over for it, with the longest wait */
    struct span key;
    struct store_answer answer;
    double cost;
};

/* ---- what is known ---- */

/* Whether this limit needs not be asked for this recipient again. Saying no counts as having asked: ask() takes that
 * back by note_unknown() for what has not been answered. */
static bool is_known(void *arg, size_t recipient)
{
    struct asking *w = arg;
    struct known *known = &w->recipients[recipient];

    if ((known->answered & w->bit) && (!(known->over & w->bit) || w->is_over))
        return true;
    known->answered |= w->bit;
    known->over &= ~w->bit;
    return false;
}

static void note_unknown(struct asking *w, size_t recipient)
{
    if (recipient != RATES_ALL)
        w->recipients[recipient].answered &= ~w->bit;
}

/* ---- asking ---- */

static void note_over(struct asking *w, const struct rates_take *take, const struct store_answer *answer)
{
    if (take->recipient != RATES_ALL)
        w->recipients[take->recipient].over |= w->bit;
    if (w->is_over && (take->recipient != w->recipient || answer->rate.retry_ms <= w->answer.rate.retry_ms))
        return;
    w->is_over = true;
    w->recipient = take->recipient;
    w->window = *take->window;
    w->key = arena_copy(w->q->arena, take->op.key);
    w->answer = *answer;
    w->cost = take->op.rate.cost;
}

static void ask_locally(struct asking *w, struct store_op *op, const struct store_answer **answer)
{
    finding_alarm(w->q, "rates", "limits are counted by each gateway for itself: the state store is out (%s)",
                  (*answer)->why);
    op->is_local = true;
    *answer = ask_store(w->q, op);
}

static void ask(void *arg, const struct rates_take *take)
{
    struct asking *w = arg;
    struct store_op op = take->op;

    op.now_ms = w->q->now_ms;
    const struct store_answer *answer = ask_store(w->q, &op);

    if (answer && (answer->state == STORE_TIMEOUT || answer->state == STORE_FAILED))
        ask_locally(w, &op, &answer);
    if (!answer || (answer->state != STORE_OK && answer->state != STORE_CAPPED))
        note_unknown(w, take->recipient);
    if (!answer)
        w->waits = true;
    else if (answer->state == STORE_CAPPED) /* more recipients than anyone may try in one transaction */
        note_over(w, take, &(struct store_answer){ .state = STORE_CAPPED, .rate = { .is_over = true } });
    else if (answer->state != STORE_OK)
        finding_fail(w->q, "limits cannot be counted: %s", answer->why);
    else if (answer->rate.is_over)
        note_over(w, take, answer);
}

/* ---- what is said and done ---- */

/* "35 seconds": rounded up. */
static const char *time_text(struct arena *a, int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "days", 86400000 }, { "hours", 3600000 }, { "minutes", 60000 } };

    for (size_t i = 0; i < COUNT(units); i++)
        if (ms > 2 * units[i].ms)
            return arena_printf(a, "%lld %s", (long long)((ms + units[i].ms - 1) / units[i].ms), units[i].name);
    if (ms <= 1000)
        return "1 second";
    return arena_printf(a, "%lld seconds", (long long)((ms + 999) / 1000));
}

static int64_t spread(const struct inquiry *q, int64_t ms)
{
    uint64_t h = 14695981039346656037ULL;

    for (const char *c = q->session->id; *c; c++)
        h = (h ^ (uint8_t)*c) * 1099511628211ULL;
    return ms + ms / 1000 * (int64_t)((h ^ h >> 29) % 100);
}

/* Even an empty bucket has no room for so much, nor had one before verdicts made it smaller. */
static bool is_hopeless(const struct asking *w)
{
    return w->cost > w->window.burst && w->cost > w->answer.rate.capacity;
}

static const char *limit_text(const struct asking *w, const struct rates_limit *limit)
{
    struct arena *a = w->q->arena;

    if (limit->text[0])
        return limit->text;
    return arena_printf(a, "%s (limit %s)", is_hopeless(w) ? "This is more than may be sent at once" : "Too much mail",
                        limit->title);
}

static const char *defer_text(const struct asking *w, const struct rates_limit *limit)
{
    int64_t retry_ms = w->answer.rate.retry_ms;

    if (!retry_ms || retry_ms == INT64_MAX)
        return arena_printf(w->q->arena, "%s, try again later", limit_text(w, limit));
    return arena_printf(w->q->arena, "%s, try again in %s", limit_text(w, limit),
                        time_text(w->q->arena, spread(w->q, retry_ms)));
}

static const char *reason_of(const struct asking *w, const struct rates_limit *limit)
{
    struct arena *a = w->q->arena;
    bool is_bytes = limit->cost == RATES_BYTE_COST;
    struct rates_name name = { .value = w->key };

    rates_name_parse(w->key, &name);
    return arena_printf(a, "%s: %.*s is at %s of %s (%s)%s", limit->title, SPAN_ARG(span_first(name.value, 200)),
                        rates_count_text(a, w->answer.rate.level, is_bytes),
                        rates_count_text(a, w->answer.rate.capacity, is_bytes), rates_rate_text(a, limit, &w->window),
                        w->answer.state == STORE_CAPPED ? ", and asks too much" : "");
}

static void find(const struct asking *w, const struct rates_limit *limit)
{
    unsigned index = limit->action == RATES_TAG ? RATE_EXCEEDED : RATE_LIMITED;
    const char *reason = reason_of(w, limit);

    if (limit->symbol[0])
        finding_name(w->q, limit->symbol, limit->points, "%s", reason);
    else if (limit->points)
        finding_weigh(w->q, index, limit->points, "%s", reason);
    else
        finding_add(w->q, index, "%s", reason);
}

static void act(const struct asking *w, const struct rates_limit *limit)
{
    switch ((enum rates_action)limit->action) {
    case RATES_DEFER:
        if (is_hopeless(w))
            finding_force(w->q, ACTION_REJECT, limit_text(w, limit));
        else
            finding_force(w->q, ACTION_DEFER, defer_text(w, limit));
        break;
    case RATES_REJECT: finding_force(w->q, ACTION_REJECT, limit_text(w, limit)); break;
    case RATES_TAG: break;
    case RATES_TARPIT: finding_tarpit(w->q, limit->tarpit_ms); break;
    }
}

/* ---- the module ---- */

/* Whom an allow list lets in is not limited; and `postern scan` only looks at a message. */
static bool is_allowed(const struct inquiry *q)
{
    enum action action;

    return (sister_forced(q, &action) && action == ACTION_ACCEPT) || strcmp(q->session->door, "scan") == 0;
}

static enum step run(struct inquiry *q, const struct message *message)
{
    const struct rates_conf *conf = q->conf;
    const struct rates_limit *limits = conf->limits.items;
    enum step step = STEP_DONE;

    if (!conf->limits.count || is_allowed(q))
        return STEP_DONE;
    struct known *recipients = run_known(q, sizeof *recipients);

    for (size_t i = 0; i < conf->limits.count; i++) {
        struct asking w = { .q = q, .recipients = recipients, .bit = 1ULL << i };
        const struct rates_taker taker = { .take = ask, .skips = is_known, .arg = &w };

        rates_takes(&limits[i], q->session, message, &taker);
        if (w.waits)
            step = STEP_WAIT;
        if (w.is_over && step == STEP_DONE) {
            find(&w, &limits[i]);
            act(&w, &limits[i]);
        }
    }
    return step;
}

static enum step rates_run(struct inquiry *q)
{
    return run(q, NULL);
}

static enum step rates_message_run(struct inquiry *q)
{
    return run(q, q->message);
}

static void rates_bounds(const void *values, const int *points, struct bounds *out)
{
    const struct rates_conf *conf = values;
    const struct rates_limit *limits = conf->limits.items;

    for (size_t i = 0; i < conf->limits.count; i++) {
        const struct rates_limit *limit = &limits[i];
        int usual = points[limit->action == RATES_TAG ? RATE_EXCEEDED : RATE_LIMITED];
        int sum = limit->symbol[0] || limit->points ? limit->points : usual;

        *(sum < 0 ? &out->least : &out->most) += sum;
        out->may_force_reject |= limit->action != RATES_TAG; /* a tarpit is worth waiting for, too */
    }
}

/* The configuration has checked the entries. */
static struct access_set *set_of(const struct conf_strs *entries)
{
    struct access_set *set = entries->count ? access_set_new(ACCESS_ADDRESSES, entries->count) : NULL;

    for (size_t i = 0; i < entries->count; i++)
        access_set_add(set, span_of(entries->items[i]), 0);
    return set;
}

static void open_people(struct rates_people *people)
{
    people->sender_set = set_of(&people->senders);
    people->recipient_set = set_of(&people->recipients);
}

static void close_people(struct rates_people *people)
{
    access_set_free(people->sender_set);
    access_set_free(people->recipient_set);
    people->sender_set = people->recipient_set = NULL;
}

static const char *rates_open(struct arena *a, void *values)
{
    struct rates_conf *conf = values;
    struct rates_limit *limits = conf->limits.items;

    (void)a;
    for (size_t i = 0; i < conf->limits.count; i++) {
        open_people(&limits[i].only);
        open_people(&limits[i].exempt);
    }
    return NULL;
}

static void rates_close(void *values)
{
    struct rates_conf *conf = values;
    struct rates_limit *limits = conf->limits.items;

    for (size_t i = 0; i < conf->limits.count; i++) {
        close_people(&limits[i].only);
        close_people(&limits[i].exempt);
    }
}

const struct check_module rates_module = {
    .section = &rates_section,
    .symbols = symbols,
    .run = rates_run,
    .bounds = rates_bounds,
    .settle = rates_settle,
    .settles_unfinished = true,
    .open = rates_open,
    .close = rates_close,
};

const struct check_module rates_message_module = {
    .section = &rates_message_section,
    .symbols = symbols,
    .run = rates_message_run,
    .bounds = rates_bounds,
    .settle = rates_message_settle,
    .settles_unfinished = true,
    .open = rates_open,
    .close = rates_close,
};

/* tests/check/test_rates_property.c - limits by rate, by chance: many transactions at once, that come and go as it
 * falls. Whatever happens, what was delivered in any time is at most the burst and what leaked in that time; what was
 * given back is not given back twice; and when all has ended, no room is lost beyond what could have leaked.
 */
#include <stdlib.h>

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include "policy/rates.h"

enum { DESKS = 6, STEPS = 400, ROUNDS = 120, EVENTS_MAX = 20000, RECIPIENTS_MAX = STEPS + 2 };

struct limit {
    double rate, burst; /* per ms */
};

struct event {
    int64_t at_ms; /* when it was taken */
    double cost;
};

struct world {
    uint64_t seed;
    int64_t now_ms;
    struct desk *desks[DESKS];
    bool is_open[DESKS];
    unsigned names; /* of recipients so far */
    int64_t began_ms[DESKS];
    int64_t clock_ms; /* the buckets': it does not run back */
    int64_t taken_ms[DESKS][RECIPIENTS_MAX];
    struct event events[EVENTS_MAX]; /* what was delivered */
    size_t event_count;
    const struct limit *limits;
    size_t limit_count;
    bool is_by_recipient;
};

static unsigned chance(struct world *w, unsigned of)
{
    w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(w->seed >> 33) % of;
}

static void begin(struct world *w, unsigned i)
{
    struct desk *d = w->desks[i];

    desk_next_transaction(d, 0);
    d->now_ms = w->began_ms[i] = w->now_ms;
    memset(w->taken_ms[i], 0, sizeof w->taken_ms[i]);
    w->is_open[i] = true;
}

/* Recipients come, and some that were taken are dropped again. */
static void go_on(struct world *w, unsigned i)
{
    struct desk *d = w->desks[i];
    char name[32];

    if (chance(w, 5) == 0 && d->session.recipient_count) {
        d->session.recipient_count--;
        return;
    }
    snprintf(name, sizeof name, "r%u@to.example", w->names++);
    d->now_ms = w->began_ms[i];
    desk_rcpt(d, name);
    desk_settle(d);
    w->clock_ms = d->now_ms > w->clock_ms ? d->now_ms : w->clock_ms;
    if (d->run.is_forced)
        d->session.recipient_count--;
    else if (w->is_by_recipient || !w->taken_ms[i][0]) /* a message is taken with its first recipient */
        w->taken_ms[i][w->is_by_recipient ? d->session.recipient_count - 1 : 0] = w->clock_ms;
}

static void note_delivered(struct world *w, unsigned i)
{
    size_t count = w->is_by_recipient ? w->desks[i]->session.recipient_count : 1;

    for (size_t j = 0; j < count && w->event_count < EVENTS_MAX; j++)
        w->events[w->event_count++] = (struct event){ w->taken_ms[i][j], 1 };
}

/* Some are delivered, some are not; some clients go away in the midst of a question. */
static void end(struct world *w, unsigned i)
{
    struct desk *d = w->desks[i];
    bool is_delivered = d->session.recipient_count && chance(w, 3);

    d->now_ms = w->began_ms[i];
    if (!is_delivered && chance(w, 4) == 0) {
        desk_rcpt(d, "gone@to.example");
        desk_run(d);
    }
    if (is_delivered)
        note_delivered(w, i);
    d->now_ms = w->now_ms;
    desk_settled(d, is_delivered ? ACTION_ACCEPT : ACTION_DEFER, is_delivered);
    w->is_open[i] = false;
}

/* ---- the model ---- */

static int by_time(const void *a, const void *b)
{
    int64_t x = ((const struct event *)a)->at_ms, y = ((const struct event *)b)->at_ms;

    return (x > y) - (x < y);
}

/* In a leaky bucket nothing is over if, for each begin and end, what came between them is at most the burst and what
 * leaked; one pass: the level of a bucket that takes them all. */
static double highest_level(const struct world *w, const struct limit *limit, int64_t *at_ms)
{
    double level = 0, highest = 0;
    int64_t last_ms = 0;

    for (size_t i = 0; i < w->event_count; i++) {
        double leaked = (double)(w->events[i].at_ms - last_ms) * limit->rate;

        level = (i && level > leaked ? level - leaked : 0) + w->events[i].cost;
        last_ms = w->events[i].at_ms;
        if (level > highest) {
            highest = level;
            *at_ms = last_ms;
        }
    }
    return highest;
}

static void expect_bounds(struct world *w)
{
    int64_t at_ms = 0;

    qsort(w->events, w->event_count, sizeof *w->events, by_time);
    for (size_t i = 0; i < w->limit_count; i++) {
        double highest = highest_level(w, &w->limits[i], &at_ms);

        if (highest > w->limits[i].burst + 1e-6)
            fail_msg("%.3f were delivered where %.0f are allowed, at %lld", highest, w->limits[i].burst,
                     (long long)at_ms);
    }
}

static void open_desks(struct world *w, const char *conf)
{
    w->now_ms = 1767225600000;
    for (unsigned i = 0; i < DESKS; i++) {
        w->desks[i] = desk_open(&rates_module, conf);
        desk_client(w->desks[i], "192.0.2.7");
    }
    begin(w, 0); /* makes the records, which all desks share */
    go_on(w, 0);
    for (unsigned i = 1; i < DESKS; i++)
        w->desks[i]->records = w->desks[0]->records;
}

static void play(struct world *w, const char *conf)
{
    open_desks(w, conf);
    for (int step = 0; step < STEPS; step++) {
        unsigned i = chance(w, DESKS), what = chance(w, 8);

        w->now_ms += chance(w, 4) ? chance(w, 300) : chance(w, 20000);
        if (!w->is_open[i])
            begin(w, i);
        else if (what == 0)
            end(w, i);
        else
            go_on(w, i);
    }
    for (unsigned i = 0; i < DESKS; i++)
        if (w->is_open[i])
            end(w, i);
    expect_bounds(w);
    EXPECT_TRUE(w->event_count > 5);
    for (unsigned i = DESKS; i-- > 0;)
        desk_close(w->desks[i]);
}

static void never_more_than_the_burst_and_what_leaks(void **state)
{
    static const struct {
        const char *conf;
        struct limit limits[2];
        size_t count;
        bool is_by_recipient;
    } cases[] = {
        { "limit x { key = client rate = \"30 / 1m\" burst = 7 }", { { 30 / 60000.0, 7 } }, 1, false },
        { "limit x { key = client rate = 60/m burst = 12 cost = recipient }", { { 60 / 60000.0, 12 } }, 1, true },
        { "limit x { key = client rate = {\"10 / 10s\", \"90 / 3m\"} burst = {8, 30} cost = recipient }",
          { { 10 / 10000.0, 8 }, { 90 / 180000.0, 30 } },
          2,
          true },
        { "limit x { key = client rate = \"20 / 10s\" burst = 8 cost = recipient }"
          "limit y { key = \"'all'\" rate = 90/m burst = 25 cost = recipient counts = delivered }",
          { { 20 / 10000.0, 8 }, { 90 / 60000.0, 25 } },
          2,
          true },
    };
    static struct world w;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t c = round % COUNT(cases);

        w = (struct world){ .seed = round + 1,
                            .limits = cases[c].limits,
                            .limit_count = cases[c].count,
                            .is_by_recipient = cases[c].is_by_recipient };
        play(&w, cases[c].conf);
    }
}

/* Transactions one behind the other, of which some are delivered: the bucket is exactly that of the delivered ones. */
static void nothing_is_lost_when_all_has_ended(void **state)
{
    static const struct limit limit = { 30 / 60000.0, 10 };
    struct world w = { .seed = 99 };
    struct desk *d = desk_open(&rates_module, "limit x { key = client rate = 30/m burst = 10 cost = recipient }");
    double level = 0;

    (void)state;
    desk_client(d, "192.0.2.7");
    for (int i = 0; i < 2000; i++) {
        unsigned after_ms = chance(&w, 6000), count = 1 + chance(&w, 4), taken = 0;
        bool is_delivered = chance(&w, 2);

        desk_next_transaction(d, after_ms);
        level = level > after_ms * limit.rate ? level - after_ms * limit.rate : 0;
        for (unsigned j = 0; j < count; j++) {
            char name[32];

            snprintf(name, sizeof name, "r%u@to.example", j);
            desk_rcpt(d, name);
            desk_settle(d);
            if (d->run.is_forced != (level + taken + 1 > limit.burst + 1e-9))
                fail_msg("turn %d: level %.6f, %u taken", i, level, taken);
            taken += !d->run.is_forced;
            d->session.recipient_count -= d->run.is_forced;
        }
        desk_settled(d, ACTION_ACCEPT, is_delivered);
        level += is_delivered ? taken : 0;
    }
    desk_close(d);
}

RUN_TESTS(TEST(never_more_than_the_burst_and_what_leaks), TEST(nothing_is_lost_when_all_has_ended))

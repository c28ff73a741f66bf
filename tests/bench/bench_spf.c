/* tests/bench/bench_spf.c - what a full SPF evaluation costs: all runs of the check together, DNS not counted.
 *
 * Answers come in rounds, as fast as the check can ask, and one at a time, which is the worst that a slow DNS can do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/base/bug.h"
#include "gateway/core/run.h"
#include "scanners/spf.h"

enum { BATCHES = 400, EVALUATIONS = 50, ZONE_MOST = 24 };

struct zone_row {
    const char *name;
    enum dns_type type;
    const char *answer;
};

struct scene {
    const char *what;
    struct zone_row zone[ZONE_MOST];
};

static const struct scene scenes[] = {
    { "one record, no look-up",
      { { "example.org", DNS_TXT, "v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ip4:192.0.2.0/24 -all" } } },
    { "a and mx, then -all",
      { { "example.org", DNS_TXT, "v=spf1 a mx ip4:198.51.100.0/24 ip6:2001:db8::/32 -all" },
        { "example.org", DNS_A, "198.51.100.9" },
        { "example.org", DNS_MX, "10 mx1.example.org | 20 mx2.example.org" },
        { "mx1.example.org", DNS_A, "198.51.100.10" },
        { "mx2.example.org", DNS_A, "198.51.100.11" } } },
    { "large senders: 3 includes, 3 below, pass by the last",
      { { "example.org", DNS_TXT, "v=spf1 include:_spf.a.example include:_spf.b.example include:_spf.c.example ~all" },
        { "_spf.a.example", DNS_TXT, "v=spf1 include:n1.a.example include:n2.a.example include:n3.a.example ~all" },
        { "n1.a.example", DNS_TXT,
          "v=spf1 ip4:35.190.247.0/24 ip4:64.233.160.0/19 ip4:66.102.0.0/20 ip4:66.249.80.0/20 ip4:72.14.192.0/18 "
          "ip4:74.125.0.0/16 ip4:108.177.8.0/21 ip4:173.194.0.0/16 ip4:209.85.128.0/17 ip4:216.58.192.0/19 ~all" },
        { "n2.a.example", DNS_TXT,
          "v=spf1 ip6:2001:4860:4000::/36 ip6:2404:6800:4000::/36 ip6:2607:f8b0:4000::/36 ip6:2800:3f0:4000::/36 "
          "~all" },
        { "n3.a.example", DNS_TXT,
          "v=spf1 ip4:172.217.0.0/19 ip4:172.217.32.0/20 ip4:172.217.128.0/19 ip4:172.217.160.0/20 ip4:172.253.56.0/21 "
          "ip4:172.253.112.0/20 ip4:108.177.96.0/19 ip4:35.191.0.0/16 ip4:130.211.0.0/22 ~all" },
        { "_spf.b.example", DNS_TXT,
          "v=spf1 ip4:40.92.0.0/15 ip4:40.107.0.0/16 ip4:52.100.0.0/14 ip4:104.47.0.0/17 ip6:2a01:111:f400::/48 -all" },
        { "_spf.c.example", DNS_TXT, "v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 ~all" } } },
    { "9 includes in a chain",
      { { "example.org", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:1.example -all" },
        { "1.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:2.example -all" },
        { "2.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:3.example -all" },
        { "3.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:4.example -all" },
        { "4.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:5.example -all" },
        { "5.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:6.example -all" },
        { "6.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:7.example -all" },
        { "7.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:8.example -all" },
        { "8.example", DNS_TXT, "v=spf1 ip4:198.51.100.1 include:9.example -all" },
        { "9.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 -all" } } },
    { "macros in 3 terms and exp=",
      { { "example.org", DNS_TXT,
          "v=spf1 exists:%{ir}.%{v}._spf.%{d2} exists:%{l1r+-}.%{o}.u.example a:%{h} exp=why.example -all" },
        { "1.2.0.192.in-addr._spf.example.org", DNS_A, "NODATA" },
        { "mail.example", DNS_A, "198.51.100.1" },
        { "why.example", DNS_TXT, "%{c} is not ours: http://why.example/?s=%{S}" } } },
};

static struct arena zone_arena;
static const struct dns_answer *answers[ZONE_MOST];
static int64_t spent_ns;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void load_zone(const struct scene *scene)
{
    for (size_t i = 0; i < ZONE_MOST; i++) {
        const struct zone_row *row = &scene->zone[i];

        answers[i] = NULL;
        if (row->name && dns_answer_text(&zone_arena, row->name, row->type, span_of(row->answer), &answers[i]))
            BUG("%s", row->answer);
    }
}

static void answer(const struct scene *scene, struct answers *book, bool all)
{
    static const struct dns_answer none = { .name = "", .state = DNS_NXDOMAIN };

    for (struct answer_entry *e = book->first; e; e = e->next) {
        const struct dns_answer *found = &none;

        if (e->answer)
            continue;
        for (size_t i = 0; i < ZONE_MOST && scene->zone[i].name; i++)
            if (strcmp(scene->zone[i].name, e->name) == 0 && scene->zone[i].type == e->type)
                found = answers[i];
        answers_put(book, e->name, e->type, found);
        if (!all)
            return;
    }
}

static enum step run_once(struct inquiry *q)
{
    run_begin(q->run);
    int64_t begin = now_ns();
    enum step step = spf_module.run(q);

    spent_ns += now_ns() - begin;
    return step;
}

/* evaluate - one transaction; returns its number of runs. */
static unsigned evaluate(const struct scene *scene, struct inquiry *q, bool all)
{
    q->run->runs = 0;
    while (run_once(q) == STEP_WAIT)
        answer(scene, q->run->book, all);
    return q->run->runs;
}

/* measure - the best of several batches: what the machine does besides is not ours. */
static void measure(const struct scene *scene, struct inquiry *q, bool all)
{
    unsigned runs = 0;
    int64_t best_ns = INT64_MAX;

    for (int i = 0; i < BATCHES * EVALUATIONS; i++) {
        if (i % EVALUATIONS == 0)
            spent_ns = 0;
        arena_clear(q->arena);
        answers_clear(q->run->book);
        q->run->findings = NULL;
        q->run->finding_count = q->run->finding_room = 0;
        runs = evaluate(scene, q, all);
        if (i % EVALUATIONS == EVALUATIONS - 1 && spent_ns < best_ns)
            best_ns = spent_ns;
    }
    printf("  %-54s %-16s %2u runs %7.2f us  %s\n", scene->what, all ? "in rounds" : "one at a time", runs,
           (double)best_ns / EVALUATIONS / 1000, auth_text(q->evidence->spf_mailfrom.result));
}

int main(void)
{
    static const struct check check = { .name = "spf", .asks = 64, .budget_ms = 10000, .module = &spf_module };
    static const int points[32];
    struct strbuf faults;
    void *values = NULL;

    strbuf_init(&faults, 4096);
    struct conf *conf = conf_load_text(spf_module.section, "bench", SPAN("helo = no"), &values, &faults);
    struct arena tx;
    struct answers book;

    if (!conf)
        BUG("%s", faults.data);
    arena_init(&tx, SIZE_MAX);
    arena_init(&zone_arena, SIZE_MAX);
    answers_init(&book);
    struct session session = { .arena = &tx, .tx_arena = &tx, .hostname = "mx.example", .helo = SPAN("mail.example") };
    struct check_settings settings = { .check = &check, .mode = MODE_ENFORCE, .conf = values, .points = points };
    struct run run = { .settings = &settings, .book = &book, .most_asks_in_book = 1000, .most_asks = 64 };
    struct evidence evidence = { .dkim_count = 0 };
    struct inquiry q = { .session = &session, .conf = values, .evidence = &evidence, .arena = &tx, .run = &run };

    addr_parse(SPAN("192.0.2.1"), &session.client);
    session.mail_from = (struct address){ SPAN("a-b+c@example.org"), SPAN("a-b+c"), SPAN("example.org"), false };
    for (size_t i = 0; i < COUNT(scenes); i++) {
        load_zone(&scenes[i]);
        measure(&scenes[i], &q, true);
        measure(&scenes[i], &q, false);
    }
    answers_release(&book);
    arena_release(&tx);
    arena_release(&zone_arena);
    conf_free(conf);
    strbuf_release(&faults);
    return 0;
}

/* tests/bench/bench_rates.c - what limits cost: all runs of the check and its settlement, the store's arithmetic in
 * memory. Recipients come one by one, as in SMTP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/base/bug.h"
#include "gateway/core/run.h"
#include "gateway/store/local.h"
#include "policy/rates.h"
#include "policy/rates_conf.h"

enum { BATCHES = 50 };

struct scene {
    const char *what, *conf;
    unsigned recipients, turns; /* of a batch */
};

static const struct scene scenes[] = {
    { "no limit", "", 1, 2000 },
    { "1 limit, 1 recipient", "limit a { key = user rate = 1000000/h }", 1, 2000 },
    { "3 limits with 5 rates, 1 recipient",
      "limit a { key = user rate = {1000000/h, 9000000/d} cost = recipient }"
      "limit b { key = \"client/24/64 + sender_organization\" rate = 1000000/h }"
      "limit c { key = recipient rate = {1000000/h, 9000000/d} }",
      1, 2000 },
    { "the same, 20 recipients",
      "limit a { key = user rate = {1000000/h, 9000000/d} cost = recipient }"
      "limit b { key = \"client/24/64 + sender_organization\" rate = 1000000/h }"
      "limit c { key = recipient rate = {1000000/h, 9000000/d} }",
      20, 100 },
    { "the same, 1000 recipients",
      "limit a { key = user rate = {1000000/h, 9000000/d} cost = recipient }"
      "limit b { key = \"client/24/64 + sender_organization\" rate = 1000000/h }"
      "limit c { key = recipient rate = {1000000/h, 9000000/d} }",
      1000, 1 },
};

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct address address_of(const char *text)
{
    struct address a = { .text = span_of(text) };
    size_t at = span_rfind(a.text, '@');

    a.local = span_first(a.text, at);
    a.domain = span_skip(a.text, at + 1);
    return a;
}

static void answer(struct answers *book, struct local *store)
{
    struct store_answer out;

    for (struct answer_entry *e = *book->unfetched; e; e = e->next) {
        book->unfetched = &e->next;
        local_do(store, e->op, &out);
        answers_put_op(book, e->op, &out);
    }
}

static void transact(const struct check_settings *settings, struct local *store, unsigned recipients, unsigned turn)
{
    static const struct settlement end = { .action = ACTION_ACCEPT, .has_verdict = true, .is_delivered = true };
    static struct recipient list[1000];
    static char names[1000][32];
    struct session s = { .hostname = "mx.example", .auth_user = SPAN("joe"), .recipients = list, .door = "smtp" };
    struct answers book;
    struct arena arena;
    struct run run = { .settings = settings, .book = &book };

    arena_init(&arena, 1 << 22);
    answers_init(&book);
    addr_parse(SPAN("192.0.2.7"), &s.client);
    s.mail_from = address_of("joe@mail.from.example");
    struct inquiry q = { .session = &s, .conf = settings->conf, .arena = &arena, .now_ms = 1 + turn, .run = &run };

    for (unsigned i = 0; i < recipients; i++) {
        snprintf(names[i], sizeof names[i], "r%u@to%u.example", turn % 500 + i, i % 7);
        list[i].address = address_of(names[i]);
        s.recipient_count = i + 1;
        for (run_begin(&run); settings->check->module->run(&q) == STEP_WAIT; run_begin(&run))
            answer(&book, store);
    }
    settings->check->module->settle(&q, &end);
    answers_release(&book);
    arena_release(&arena);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const struct scene *scene)
{
    static const struct check check = { .name = "rates", .module = &rates_module };
    static const int points[] = { 0, 0 };
    double us[BATCHES];
    struct strbuf faults;
    void *values = NULL;
    struct arena a;

    strbuf_init(&faults, 1 << 16);
    struct conf *conf = conf_load_text(&rates_section, "bench", span_of(scene->conf), &values, &faults);

    if (!conf)
        BUG("%s", strbuf_span(&faults).ptr);
    const struct check_settings settings = { .check = &check, .conf = values, .points = points };
    struct local *store = local_new();

    arena_init(&a, 1 << 20);
    rates_module.open(&a, values);
    for (unsigned i = 0; i < BATCHES; i++) {
        int64_t begin = now_ns();

        for (unsigned turn = 0; turn < scene->turns; turn++)
            transact(&settings, store, scene->recipients, i * scene->turns + turn);
        us[i] = (double)(now_ns() - begin) / 1000 / scene->turns;
    }
    qsort(us, BATCHES, sizeof *us, compare);
    printf("%-40s %10.2f us a message (median; 10 %%: %.2f, 90 %%: %.2f)\n", scene->what, us[BATCHES / 2],
           us[BATCHES / 10], us[BATCHES - BATCHES / 10]);
    rates_module.close(values);
    local_free(store);
    arena_release(&a);
    conf_free(conf);
    strbuf_release(&faults);
}

int main(void)
{
    for (size_t i = 0; i < COUNT(scenes); i++)
        measure(&scenes[i]);
    return 0;
}

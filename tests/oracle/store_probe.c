/* link: */
/* tests/oracle/store_probe.c - the state store under load, for tests/interop/test_store_redis.py.
 *
 *     store_probe CONF PER_SECOND
 *
 * Asks the store of the file CONF: greylisting, rates, counters and values in turn, so many questions per second, until
 * its input ends. Every 50 ms it prints "at=MS ok=N bad=N longest=MS why=..." of what was answered since the last line,
 * and at the end, when all is answered or the store has been closed, "asked=N answered=N twice=N early=N ok=N timeout=N
 * failed=N counted=N sum=N longest=MS": `counted` are the counts that were answered STORE_OK, `sum` is what the store
 * says that the counters hold.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/store.h"

enum { ASKS_MOST = 2000000, TICK_MS = 5, LINE_MS = 50, KEYS = 200, HOUR_MS = 3600000, END_MS = 15000 };

struct root_conf {
    struct store_conf store;
};

static const struct conf_key root_keys[] = {
    { .name = "store", .type = CONF_SECTION, .at = offsetof(struct root_conf, store), .section = &store_section },
    { 0 },
};

static const struct conf_section root = { .name = "root", .size = sizeof(struct root_conf), .keys = root_keys };

static struct loop *loop;
static struct store *store;
static uint8_t *answers; /* of each question */
static int64_t *asked_ms;
static uint8_t *kinds;
static uint32_t asked, answered, twice, early, ok, timeouts, failed, counted, open_asks;
static int64_t sum, started_ms, longest_ms, line_ms, longest_of_line_ms;
static uint32_t line_ok, line_bad;
static char line_why[200];
static bool is_asking, is_over;

static void print_line(void)
{
    printf("at=%" PRId64 " ok=%u bad=%u longest=%" PRId64 " why=%s\n", clock_mono_ms() - started_ms, line_ok, line_bad,
           longest_of_line_ms, line_why);
    fflush(stdout);
    line_ok = line_bad = 0;
    longest_of_line_ms = 0;
    line_why[0] = '\0';
    line_ms = clock_mono_ms();
}

static void note_bad(const struct store_answer *answer)
{
    timeouts += answer->state == STORE_TIMEOUT;
    failed += answer->state == STORE_FAILED;
    line_bad++;
    snprintf(line_why, sizeof line_why, "%s", answer->why);
}

static void take(void *arg, const struct store_answer *answer)
{
    uint32_t n = (uint32_t)(uintptr_t)arg;
    int64_t waited_ms = clock_mono_ms() - asked_ms[n];

    early += is_asking;
    twice += answers[n] > 0;
    answers[n] = 1;
    answered++;
    open_asks--;
    longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
    longest_of_line_ms = waited_ms > longest_of_line_ms ? waited_ms : longest_of_line_ms;
    if (answer->state != STORE_OK && answer->state != STORE_ABSENT) {
        note_bad(answer);
        return;
    }
    ok++;
    line_ok++;
    counted += kinds[n] == STORE_COUNT;
}

static void ask(void)
{
    struct store_op op = { .now_ms = clock_wall_ms() };
    char key[80], client[60], value[40];
    unsigned n = asked, which = n / 4 % KEYS;

    snprintf(client, sizeof client, "g:{client%u}", which);
    op.kind = n % 4 == 0 ? STORE_GREYLIST : n % 4 == 1 ? STORE_RATE_TAKE : n % 4 == 2 ? STORE_COUNT : STORE_PUT;
    if (op.kind == STORE_GREYLIST)
        snprintf(key, sizeof key, "%s/%u", client, n);
    else
        snprintf(key, sizeof key, "load:%c:%u", "_r_c_p"[op.kind], which);
    op.key = span_of(key);
    if (op.kind == STORE_GREYLIST) {
        op.greylist = (struct store_greylist){ .client = span_of(client), .delay_ms = 50, .window_ms = HOUR_MS };
        op.greylist.life_ms = HOUR_MS, op.greylist.passes = 5;
    } else if (op.kind == STORE_RATE_TAKE) {
        op.rate = (struct store_rate){ .cost = 1, .rate = 100, .capacity = 1000, .life_ms = HOUR_MS };
    } else if (op.kind == STORE_COUNT) {
        op.count.by = 1, op.count.life_ms = HOUR_MS;
    } else {
        snprintf(value, sizeof value, "value %u", n);
        op.put.value = span_of(value), op.put.life_ms = HOUR_MS;
    }
    kinds[n] = (uint8_t)op.kind;
    asked_ms[n] = clock_mono_ms();
    asked++;
    open_asks++;
    is_asking = true;
    store_ask(store, &op, 0, take, (void *)(uintptr_t)n);
    is_asking = false;
}

static void add_up(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    double n = 0;

    (void)arg, (void)key, (void)expires_ms;
    if (value.len == sizeof n)
        memcpy(&n, value.ptr, sizeof n);
    sum += (int64_t)n;
}

static void end_sum(void *arg, const char *why)
{
    (void)arg;
    if (why)
        printf("walk ended: %s\n", why);
    is_over = true;
}

static void wait_for(const bool *claim)
{
    int64_t until_ms = clock_mono_ms() + END_MS;

    while (!*claim && clock_mono_ms() < until_ms)
        loop_run_once(loop, 20);
}

static void input_came(void *arg)
{
    char byte;

    if (read(STDIN_FILENO, &byte, 1) <= 0)
        *(bool *)arg = true;
}

static void load(unsigned per_second)
{
    bool has_ended = false;
    struct watch *watch = watch_read(loop, STDIN_FILENO, input_came, &has_ended);

    started_ms = line_ms = clock_mono_ms();
    while (!has_ended && asked < ASKS_MOST) {
        int64_t due = (clock_mono_ms() - started_ms) * per_second / 1000;

        for (int burst = 0; asked < due && asked < ASKS_MOST && burst < 1000; burst++)
            ask();
        loop_run_once(loop, TICK_MS);
        if (clock_mono_ms() - line_ms >= LINE_MS)
            print_line();
    }
    watch_free(watch);
    for (int64_t until_ms = clock_mono_ms() + END_MS; open_asks && clock_mono_ms() < until_ms;)
        loop_run_once(loop, 20);
    print_line();
}

int main(int argc, char **argv)
{
    struct root_conf *values = NULL;
    struct strbuf faults;
    char error[500] = "";
    uint64_t per_second = 0;

    strbuf_init(&faults, 10000);
    if (argc != 3 || span_u64(span_of(argv[2]), 100000, &per_second))
        return 2;
    struct conf *conf = conf_load(&root, argv[1], (void **)&values, &faults);

    if (!conf) {
        fprintf(stderr, "%s", faults.data);
        return 2;
    }
    answers = calloc(ASKS_MOST, 1);
    kinds = calloc(ASKS_MOST, 1);
    asked_ms = calloc(ASKS_MOST, sizeof *asked_ms);
    loop = loop_new();
    store = store_new(loop, &values->store, ".", error, sizeof error);
    if (!store) {
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    load((unsigned)per_second);
    if (ok) {
        store_walk(store, SPAN("load:c:"), add_up, end_sum, NULL);
        wait_for(&is_over);
    }
    store_free(store);
    loop_free(loop);
    conf_free(conf);
    strbuf_release(&faults);
    printf("asked=%u answered=%u twice=%u early=%u ok=%u timeout=%u failed=%u counted=%u sum=%" PRId64
           " longest=%" PRId64 "\n",
           asked, answered, twice, early, ok, timeouts, failed, counted, sum, longest_ms);
    free(answers);
    free(kinds);
    free(asked_ms);
    return 0;
}

/* tests/bench/bench_store.c - what an operation of the state store costs: wall clock and CPU, one and sixteen per turn
 * of the loop. Usage: bench_store [FOLDER [RECORDS]]; the file is made there (default: a new folder in /var/tmp), and
 * removed again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/store/store.h"

enum { HOUR_MS = 3600000 };

struct bench {
    struct loop *loop;
    struct store *store;
    unsigned records, open, failed;
    unsigned random;
};

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void count_answer(void *arg, const struct store_answer *answer)
{
    struct bench *b = arg;

    b->open--;
    b->failed += answer->state != STORE_OK && answer->state != STORE_ABSENT;
}

static unsigned pick(struct bench *b)
{
    b->random = b->random * 1664525 + 1013904223;
    return (unsigned)((uint64_t)b->random * b->records >> 32);
}

static void ask(struct bench *b, enum store_kind kind, unsigned number)
{
    struct store_op op = { .kind = kind, .now_ms = clock_wall_ms() };
    char key[100], client[40];

    snprintf(key, sizeof key, "g:192.0.%u.0/24 sender%u@example.org rcpt%u@example.net", number >> 8 & 255, number,
             number % 97);
    snprintf(client, sizeof client, "g:192.0.%u.0/24", number >> 8 & 255);
    op.key = span_of(key);
    if (kind == STORE_GREYLIST) {
        op.greylist = (struct store_greylist){ .client = span_of(client), .delay_ms = 1, .window_ms = 48 * HOUR_MS };
        op.greylist.life_ms = 36LL * 24 * HOUR_MS;
        op.greylist.passes = 1000000;
        op.greylist.pass_gap_ms = HOUR_MS;
    } else if (kind == STORE_RATE_TAKE) {
        op.key = span_of(client);
        key[0] = client[0] = 'r';
        op.rate = (struct store_rate){ .cost = 1, .rate = 100, .capacity = 1000, .life_ms = HOUR_MS };
    }
    store_ask(b->store, &op, 0, count_answer, b);
    b->open++;
}

static void run(struct bench *b, const char *name, enum store_kind kind, unsigned per_turn, unsigned count,
                bool in_order)
{
    int64_t wall = clock_mono_us(), cpu = cpu_us();

    for (unsigned done = 0; done < count; done += per_turn) {
        for (unsigned i = 0; i < per_turn; i++)
            ask(b, kind, in_order ? done + i : pick(b));
        while (b->open)
            loop_run_once(b->loop, 0);
    }
    wall = clock_mono_us() - wall;
    cpu = cpu_us() - cpu;
    printf("%-28s %3u per turn: %8.0f operations/s, %6.2f us CPU each\n", name, per_turn, count * 1e6 / (double)wall,
           (double)cpu / count);
}

int main(int argc, char **argv)
{
    struct store_conf conf = { .backend = STORE_LMDB, .timeout_ms = 1000, .size_most_bytes = 1 << 30 };
    char folder[] = "/var/tmp/bench_store.XXXXXX", error[500] = "", path[4200];
    const char *where = argc > 1 ? argv[1] : mkdtemp(folder);
    uint64_t records = 100000;
    struct bench b = { .random = 1 };

    if (argc > 2 && span_u64(span_of(argv[2]), 100000000, &records))
        return 2;
    b.records = (unsigned)records;
    b.loop = loop_new();
    b.store = store_new(b.loop, &conf, where, error, sizeof error);
    if (!b.store) {
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    run(&b, "greylist, new triplets", STORE_GREYLIST, 16, b.records / 2, true);
    run(&b, "greylist, some new", STORE_GREYLIST, 1, b.records / 10, false);
    run(&b, "greylist, some new", STORE_GREYLIST, 16, b.records, false);
    run(&b, "greylist, known triplets", STORE_GREYLIST, 1, 20000, false);
    run(&b, "greylist, known triplets", STORE_GREYLIST, 16, 100000, false);
    run(&b, "rate take", STORE_RATE_TAKE, 1, 20000, false);
    run(&b, "rate take", STORE_RATE_TAKE, 16, 100000, false);
    run(&b, "get", STORE_GET, 1, 100000, false);
    run(&b, "get", STORE_GET, 16, 100000, false);

    struct store_counters counters;

    store_counters(b.store, &counters);
    printf("%llu records, %llu KiB; %u failed\n", (unsigned long long)counters.records,
           (unsigned long long)counters.bytes / 1024, b.failed);
    store_free(b.store);
    loop_free(b.loop);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/store.mdb%s", where, i ? "-lock" : "");
        unlink(path);
    }
    rmdir(where);
    return b.failed != 0;
}

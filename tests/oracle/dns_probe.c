/* link: */
/* tests/oracle/dns_probe.c - look-ups through gateway/net/dns.h, one per line, for the interop tests and for measuring.
 *
 *     dns_probe [-j] [-t MS] [-i MOST] [-d ANCHOR] [-r TIMES] SERVER[:PORT]...
 *
 * Reads "NAME TYPE [cancel]" lines, asks for all of them, some in each turn of the loop, since a burst of thousands
 * would overflow the server's socket (-j: for each twice), and prints "NAME TYPE ttl=N MS ANSWER"
 * in the order of the answers, then "asked N answered N inflight-most N". -r asks everything TIMES times, one round
 * after the other, and prints microseconds of CPU per look-up of each round instead. SERVER "-": recurse.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/endpoint.h"
#include "gateway/base/log.h"
#include "gateway/net/dns.h"

enum { ASKS_MOST = 200000, SERVERS_MOST = 8, WAVE = 128 };

struct ask {
    char name[1100];
    enum dns_type type;
    bool is_cancelled;
};

static struct loop *loop;
static struct ask *asks;
static unsigned ask_count, asked, answered, inflight_most;
static int64_t started_ms;
static bool is_quiet, is_asking;

static void print(void *arg, const struct dns_answer *answer)
{
    struct strbuf text;

    (void)arg;
    answered++;
    if (is_asking)
        printf("ANSWERED TOO EARLY\n");
    if (!is_quiet) {
        strbuf_init(&text, 1 << 20);
        dns_answer_print(answer, &text);
        printf("%s %s ttl=%u %" PRId64 "ms %s\n", answer->name, dns_type_text(answer->type), answer->ttl_s,
               clock_mono_ms() - started_ms, text.data);
        strbuf_release(&text);
    }
}

static void read_asks(void)
{
    char line[1200], type[20], extra[20];

    asks = calloc(ASKS_MOST, sizeof *asks);
    while (ask_count < ASKS_MOST && fgets(line, sizeof line, stdin)) {
        struct ask *a = &asks[ask_count];
        int fields = sscanf(line, "%1099s %19s %19s", a->name, type, extra);

        if (fields < 2 || !dns_type_parse(span_of(type), &a->type)) {
            fprintf(stderr, "dns_probe: what is this: %s", line);
            exit(2);
        }
        a->is_cancelled = fields == 3;
        ask_count++;
    }
}

static void one_round(struct dns *dns, bool is_joined)
{
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    started_ms = clock_mono_ms();
    asked = answered = 0;
    for (unsigned i = 0; i < ask_count; i++) {
        const struct ask *a = &asks[i];

        for (int k = is_joined ? 2 : 1; k; k--) {
            is_asking = true;
            struct dns_query *q = dns_ask(dns, a->name, a->type, 0, print, NULL);

            is_asking = false;
            if (a->is_cancelled)
                dns_cancel(dns, q);
            else
                asked++;
        }
        if (dns_inflight(dns) > inflight_most)
            inflight_most = (unsigned)dns_inflight(dns);
        if (i % WAVE == WAVE - 1)
            loop_run_once(loop, 0);
    }
    while (answered < asked)
        loop_run_once(loop, 1000);
    getrusage(RUSAGE_SELF, &after);
    int64_t us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
                     INT64_C(1000000) +
                 after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;

    if (is_quiet)
        printf("%.2f us per look-up\n", (double)us / asked);
}

int main(int argc, char **argv)
{
    struct endpoint servers[SERVERS_MOST];
    struct dns_conf conf = {
        .timeout_ms = 5000, .cache_bytes = 64 << 20, .inflight_most = 8192, .servers = { servers, 0 }
    };
    bool is_joined = false;
    int rounds = 1, option;
    char error[300];

    while ((option = getopt(argc, argv, "jvt:i:d:r:")) >= 0) {
        if (option == 'j')
            is_joined = true;
        else if (option == 'v')
            log_configure(LOG_LOGFMT, LOG_DEBUG);
        else if (option == 't')
            conf.timeout_ms = (int)strtol(optarg, NULL, 10);
        else if (option == 'i')
            conf.inflight_most = strtol(optarg, NULL, 10);
        else if (option == 'd')
            conf.dnssec = true, conf.trust_anchor = optarg;
        else if (option == 'r')
            rounds = (int)strtol(optarg, NULL, 10), is_quiet = true;
        else
            return 2;
    }
    for (; optind < argc && conf.servers.count < SERVERS_MOST; optind++)
        if (strcmp(argv[optind], "-") == 0)
            conf.recurse = true;
        else if (endpoint_parse(span_of(argv[optind]), 53, &servers[conf.servers.count++]))
            return 2;
    loop = loop_new();
    struct dns *dns = dns_new(loop, &conf, error, sizeof error);

    if (!dns) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    read_asks();
    for (int i = 0; i < rounds; i++)
        one_round(dns, is_joined);
    printf("asked %u answered %u inflight-most %u\n", asked, answered, inflight_most);
    dns_free(dns);
    loop_free(loop);
    free(asks);
    return 0;
}

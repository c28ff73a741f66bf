/* cli/rates.c - postern rates: who is limited now, and why; and lets go of one.
 *
 * It reads the state store beside the running gateway. What a gateway counts for itself while the store is out is not
 * seen here.
 */
#include "gateway/cli/rates.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/cli/cli.h"

static const char usage[] =
    "usage: postern rates [list|show KEY|reset KEY] [OPTION...]\n"
    "\n"
    "  list        who is limited now, the fullest bucket first: how full it is, when there is room again, how often\n"
    "              mail was put off or refused since the bucket is known (this is what it does without a word); also "
    "a\n"
    "              bucket that is half full and refused mail within the last hour: there was no room for so much\n"
    "  show KEY    all that is known of one\n"
    "  reset KEY   empties it: whom it held back may send again; its factor and refusals are forgotten\n"
    "\n"
    "KEY is one as listed (per-user/1h:joe@example.org), or what stands behind its colon (joe@example.org), for all\n"
    "limits that have such a bucket.\n"
    "\n"
    "  -c FILE     the configuration (default: /etc/postern/gateway.conf when there is one)\n"
    "  -a, --all   list buckets that have room, too\n"
    "  --json      one JSON array\n"
    "\n"
    "Exit status: 0; 2 for usage or configuration; 3 when the state store cannot be read or there is no such key.\n";

enum { ROWS_MOST = 2000000 };

struct rates {
    const char *config, *verb, *wanted;
    bool is_all, is_json;

    struct loaded loaded;
    const struct rates_conf *at_rcpt, *at_message;
    struct loop *loop;
    struct store *store;
    struct arena arena;
    int64_t now_ms;
    struct rates_row *rows;
    size_t count, room, seen;
    size_t pending;
    char wrong[512];
};

/* ---- the command line ---- */

static const struct option options[] = {
    { "config", required_argument, NULL, 'c' },
    { "all", no_argument, NULL, 'a' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

/* NULL, or what is wrong; `usage` itself: help is wanted. */
static const char *take_options(struct rates *r, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "c:ah", options, NULL)) != -1) {
        switch (option) {
        case 'c': r->config = optarg; break;
        case 'a': r->is_all = true; break;
        case 'j': r->is_json = true; break;
        case 'h': return usage;
        default: return "rates: that option is not known";
        }
    }
    r->verb = optind < argc ? argv[optind++] : "list";
    r->wanted = optind < argc ? argv[optind++] : NULL;
    bool wants_key = strcmp(r->verb, "show") == 0 || strcmp(r->verb, "reset") == 0;

    if (!wants_key && strcmp(r->verb, "list") != 0)
        return "rates: say list, show or reset";
    if (wants_key && !r->wanted)
        return "rates: say which KEY; `postern rates --all` lists them";
    return optind < argc || (!wants_key && r->wanted) ? "rates: that is one word too many" : NULL;
}

/* ---- reading ---- */

static const struct rates_conf *limits_of(const struct loaded *loaded, const char *check)
{
    for (size_t i = 0; i < settings_count(); i++)
        if (strcmp(loaded->checks[i].check->name, check) == 0)
            return loaded->checks[i].conf;
    BUG("there is no check \"%s\"", check);
}

static bool is_wanted(const struct rates *r, const struct rates_row *row)
{
    struct span wanted = span_of(r->wanted);

    if (!r->wanted)
        return r->is_all || row->is_limited;
    if (span_starts(wanted, SPAN("r:")))
        wanted = span_skip(wanted, 2);
    return span_eq(row->key, wanted) || span_iis(row->name.value, r->wanted);
}

static void on_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    struct rates *r = arg;
    struct rates_row row;

    (void)expires_ms;
    if (!rates_row_make(&row, key, value, r->now_ms, r->at_rcpt, r->at_message))
        return;
    r->seen++;
    if (!is_wanted(r, &row) || r->count == ROWS_MOST)
        return;
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->rows = mem_grow(r->rows, r->room * sizeof *r->rows);
    }
    rates_row_make(&row, arena_copy(&r->arena, key), value, r->now_ms, r->at_rcpt, r->at_message);
    r->rows[r->count++] = row;
}

static void on_end(void *arg, const char *why)
{
    struct rates *r = arg;

    if (why)
        snprintf(r->wrong, sizeof r->wrong, "the state store cannot be read: %s", why);
    loop_stop(r->loop);
}

static bool open_store(struct rates *r)
{
    const struct config *config = r->loaded.values;

    r->at_rcpt = limits_of(&r->loaded, "rates");
    r->at_message = limits_of(&r->loaded, "rates_message");
    r->now_ms = clock_wall_ms();
    r->loop = loop_new();
    r->store = store_new(r->loop, &config->store, config->state, r->wrong, sizeof r->wrong);
    return r->store != NULL;
}

/* ---- the verbs ---- */

static void on_deleted(void *arg, const struct store_answer *answer)
{
    struct rates *r = arg;

    if (answer->state != STORE_OK && answer->state != STORE_ABSENT)
        snprintf(r->wrong, sizeof r->wrong, "the state store cannot be written: %s",
                 answer->why[0] ? answer->why : "no answer in time");
    if (!--r->pending)
        loop_stop(r->loop);
}

static void reset(struct rates *r)
{
    struct store_op op = { .kind = STORE_DELETE, .now_ms = r->now_ms };

    for (size_t i = 0; i < r->count; i++) {
        op.key = span_make(r->rows[i].key.ptr - 2, r->rows[i].key.len + 2); /* with its "r:" */
        r->pending++;
        store_ask(r->store, &op, 0, on_deleted, r);
    }
    if (r->pending)
        loop_run(r->loop);
}

static void say_list(const struct rates *r)
{
    if (r->count)
        rates_print_list(r->rows, r->count);
    else if (r->seen)
        printf("nobody is limited now; %zu bucket%s (--all lists them)\n", r->seen,
               r->seen == 1 ? " has room" : "s have room");
    else
        puts(r->at_rcpt->limits.count + r->at_message->limits.count
                 ? "nothing was counted so far"
                 : "no limits are configured; gateway.conf(5) tells how, under check \"rates\"");
}

static void say(struct rates *r)
{
    bool is_list = strcmp(r->verb, "list") == 0, is_reset = strcmp(r->verb, "reset") == 0;

    if (r->is_json)
        rates_print_json(r->rows, r->count);
    else if (is_list)
        say_list(r);
    for (size_t i = 0; !r->is_json && !is_list && i < r->count; i++) {
        if (is_reset)
            rates_print_emptied(&r->rows[i]);
        else
            rates_print_row(&r->rows[i], r->now_ms);
    }
}

static int work(struct rates *r)
{
    store_walk(r->store, SPAN("r:"), on_record, on_end, r);
    loop_run(r->loop);
    if (r->wrong[0])
        return EXIT_OTHER;
    if (r->count > 1)
        qsort(r->rows, r->count, sizeof *r->rows, rates_row_compare);
    if (strcmp(r->verb, "reset") == 0)
        reset(r);
    if (r->wrong[0])
        return EXIT_OTHER;
    say(r);
    if (!r->wanted || r->count)
        return EXIT_OK;
    fprintf(stderr, "postern: rates: there is no bucket \"%s\"; `postern rates --all` lists them\n", r->wanted);
    return EXIT_OTHER;
}

int cli_rates(int argc, char **argv)
{
    struct rates r = { .config = config_usual_path() };
    const char *wrong = take_options(&r, argc, argv);

    if (wrong)
        return cli_usage(usage, wrong == usage ? NULL : wrong);
    if (!config_load_or_tell(r.config, &r.loaded))
        return EXIT_CONFIG;
    arena_init(&r.arena, SIZE_MAX);
    int status = open_store(&r) ? work(&r) : EXIT_OTHER;

    if (r.wrong[0])
        fprintf(stderr, "postern: rates: %s\n", r.wrong);
    store_free(r.store);
    loop_free(r.loop);
    free(r.rows);
    arena_release(&r.arena);
    config_free(&r.loaded);
    return status;
}

/* cli/learn.c - postern learn: what spam and ham look like, from messages that somebody has sorted.
 *
 * Messages are read, cut into tokens and given to the state store some at a time, each as one operation. While the
 * gateway runs, it sees what was learned from the next message on.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/learn_import.h"
#include "gateway/cli/learning.h"
#include "gateway/cli/letters.h"
#include "gateway/mail/address.h"
#include "gateway/mail/message.h"

static const char usage[] =
    "usage: postern learn spam|ham|forget [-c FILE] [--json] [--for WHOM] PATH...\n"
    "       postern learn status [-c FILE] [--json] [--for WHOM]\n"
    "       postern learn import [-c FILE] [--json] [--for WHOM] [--words PATH]... DUMP\n"
    "\n"
    "Teaches the check \"bayes\" from mail that people have sorted. The gateway may run meanwhile.\n"
    "\n"
    "  spam, ham    learns each message as that; what was learned as the other is forgotten first, and what was\n"
    "               learned already is left alone, so the same folder may be learned again every night\n"
    "  forget       takes back what was learned of each message\n"
    "  status       how many messages were learned, and whether they are enough\n"
    "  import       what another filter has learned, with how often it saw each word: the output of `bogoutil -d`, or\n"
    "               of `sa-learn --backup`. SpamAssassin keeps digests instead of words; those of words that come in\n"
    "               mail under --words are found again. It is added to what was learned, once\n"
    "\n"
    "  PATH         a message, an mbox, a Maildir or a folder of messages; - is standard input\n"
    "  --for WHOM   learn for a domain or an address alone, where `per` of the check says so\n"
    "  --words PATH mail, as PATH is, whose words are tried on a dump of SpamAssassin\n"
    "  --json       one JSON object\n"
    "  -c FILE      the configuration (default: /etc/postern/gateway.conf when there is one)\n"
    "\n"
    "Exit status: 0; 2 for usage or configuration; 3 when the store fails, a file cannot be read, or Ctrl-C ended it:\n"
    "what was done until then stands, and the same command goes on from there.\n"
    "\n"
    "  postern learn spam ~/Maildir/.Junk\n"
    "  postern learn ham ~/Maildir/.Archive sent.mbox\n"
    "\n"
    "It says nothing before it has learned 200 of each; a thousand of each are better, and of the mail of all users.\n";

enum { ARENA_BYTES_MOST = 1 << 26, PATHS_MOST = 100 };

static bool learn_message(void *arg, struct span bytes)
{
    struct learning *l = arg;
    struct message *m = message_new(bytes, &message_limits_most);
    struct store_op op;
    struct arena a;

    arena_init(&a, ARENA_BYTES_MOST);
    if (bayes_learn_op(&a, l->conf, l->class, m, l->as, clock_wall_ms(), &op))
        learn_ask(l, &op);
    else
        l->empty++;
    arena_release(&a);
    message_free(m);
    l->messages++;
    progress_show(&l->progress, l->messages, "messages", false);
    return !l->why[0] && !learn_is_interrupted();
}

static void note_bytes(void *arg, uint64_t bytes)
{
    ((struct learning *)arg)->progress.done = bytes;
}

static void print_outcomes(const struct learning *l)
{
    const char *as = l->as == BAYES_SPAM ? "spam" : "ham", *other = l->as == BAYES_SPAM ? "ham" : "spam";

    if (l->is_json) {
        const struct learn_number numbers[] = {
            { "messages", (double)l->messages },
            { "empty", (double)l->empty },
            { "learned", (double)l->outcomes[BAYES_LEARNED] },
            { "relearned", (double)l->outcomes[BAYES_RELEARNED] },
            { "already", (double)l->outcomes[BAYES_ALREADY] },
            { "forgotten", (double)l->outcomes[BAYES_FORGOTTEN] },
            { "unknown", (double)l->outcomes[BAYES_UNKNOWN] },
        };

        learn_print(numbers, COUNT(numbers));
    } else if (l->as == BAYES_FORGET) {
        printf("%" PRIu64 " messages: %" PRIu64 " forgotten, %" PRIu64 " had not been learned\n", l->messages,
               l->outcomes[BAYES_FORGOTTEN], l->outcomes[BAYES_UNKNOWN]);
    } else {
        printf("%" PRIu64 " messages: %" PRIu64 " learned as %s, %" PRIu64 " of them had been learned as %s, %" PRIu64
               " were known as %s already\n",
               l->messages, l->outcomes[BAYES_LEARNED] + l->outcomes[BAYES_RELEARNED], as, l->outcomes[BAYES_RELEARNED],
               other, l->outcomes[BAYES_ALREADY], as);
    }
    if (l->empty && !l->is_json)
        printf("%" PRIu64 " of them had nothing in them\n", l->empty);
}

static bool learn_messages(struct learning *l)
{
    bool is_good;

    progress_start(&l->progress, letters_bytes(l->paths));
    is_good = letters_read(l->paths, learn_message, note_bytes, l);
    learn_wait(l, 0);
    progress_show(&l->progress, l->messages, "messages", true);
    print_outcomes(l);
    return is_good;
}

/* ---- status ---- */

static void on_totals(void *arg, const struct store_answer *answer)
{
    struct learning *l = arg;

    l->open--;
    if (answer->state == STORE_OK)
        l->totals = answer->bayes.totals;
    else
        learn_note_failure(l, answer);
}

static bool status(struct learning *l)
{
    const struct store_op op = { .kind = STORE_BAYES_LOOK, .key = l->class, .now_ms = clock_wall_ms() };
    double least = (double)l->conf->learned_least;

    l->open++;
    store_ask(l->store, &op, 0, on_totals, l);
    learn_wait(l, 0);
    if (l->why[0])
        return true;
    if (l->is_json) {
        const struct learn_number numbers[] = { { "spam", l->totals.spam },
                                                { "ham", l->totals.ham },
                                                { "least", least } };

        learn_print(numbers, COUNT(numbers));
        return true;
    }
    printf("spam  %.0f messages learned\nham   %.0f messages learned\n", l->totals.spam, l->totals.ham);
    if (l->totals.spam < least || l->totals.ham < least)
        printf("too few: the check \"bayes\" says nothing before there are %.0f of each\n", least);
    return true;
}

/* ---- the command line ---- */

enum { OPTION_FOR = 256, OPTION_WORDS, OPTION_JSON };

static const struct option options[] = {
    { "config", required_argument, NULL, 'c' },
    { "for", required_argument, NULL, OPTION_FOR },
    { "words", required_argument, NULL, OPTION_WORDS },
    { "json", no_argument, NULL, OPTION_JSON },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

static const struct bayes_conf *conf_of(const struct loaded *loaded)
{
    for (size_t i = 0; i < settings_count(); i++)
        if (strcmp(loaded->checks[i].check->name, "bayes") == 0)
            return loaded->checks[i].conf;
    BUG("there is no check \"bayes\"");
}

/* What is taught for somebody whom nobody asks about is taught in vain. */
static void doubt_whom(const struct learning *l)
{
    static const char *const hows[] = { "all", "domain", "recipient" };
    bool is_address = strchr(l->whom, '@');
    int per = is_address ? BAYES_PER_RECIPIENT : BAYES_PER_DOMAIN;

    if (l->whom[0] && l->conf->per != per)
        fprintf(stderr,
                "postern: check \"bayes\" has per = %s: what is learned for %s is not asked for until it is %s\n",
                hows[l->conf->per], l->whom, hows[per]);
}

static bool do_it(struct learning *l)
{
    doubt_whom(l);
    learn_heed_interrupts();
    bool is_good = l->verb == LEARN_STATUS ? status(l) : l->verb == LEARN_IMPORT ? learn_import(l) : learn_messages(l);

    if (l->why[0])
        fprintf(stderr, "postern: the store fails: %s\n", l->why);
    if (learn_is_interrupted())
        fprintf(stderr, "postern: interrupted; what was done stands, and the same command goes on from there\n");
    return is_good && !l->why[0] && !learn_is_interrupted() && !fflush(stdout);
}

static int run(struct learning *l)
{
    int code = EXIT_OTHER;

    if (!config_load_or_tell(l->config, &l->loaded))
        return EXIT_CONFIG;
    log_configure(LOG_LOGFMT, LOG_WARN);
    l->conf = conf_of(&l->loaded);
    arena_init(&l->arena, ARENA_BYTES_MOST);
    l->class = bayes_class(&l->arena, span_of(l->whom));
    l->loop = loop_new();
    l->store = cli_store_open(l->loop, l->loaded.values);
    if (l->store && do_it(l))
        code = EXIT_OK;
    store_free(l->store);
    loop_free(l->loop);
    arena_release(&l->arena);
    config_free(&l->loaded);
    return code;
}

static const char *take_words(struct learning *l, int argc, char **argv)
{
    static const char *const verbs[] = { "forget", "spam", "ham", "status", "import" };
    const char *verb = optind < argc ? argv[optind++] : "";
    size_t i = 0;

    while (i < COUNT(verbs) && strcmp(verbs[i], verb) != 0)
        i++;
    if (i == COUNT(verbs))
        return "learn: say spam, ham, forget, status or import";
    l->verb = (enum learn_verb)i;
    l->as = i <= BAYES_HAM ? (enum bayes_as)i : BAYES_FORGET;
    l->paths = argv + optind;
    if (strlen(l->whom) > ADDRESS_MAX)
        return "learn: that is too long for a domain or an address";
    if (l->verb == LEARN_STATUS && optind < argc)
        return "learn: that is one word too many";
    if (l->verb == LEARN_IMPORT && optind + 1 != argc)
        return "learn: name one file with the dump, or - for standard input";
    if (l->verb <= LEARN_HAM && optind == argc)
        return "learn: name messages, mailboxes or folders, or - for standard input";
    return l->word_paths[0] && l->verb != LEARN_IMPORT ? "learn: --words goes with import" : NULL;
}

int cli_learn(int argc, char **argv)
{
    static char *word_paths[PATHS_MOST + 1];
    struct learning *l = mem_alloc(sizeof *l);
    const char *wrong = NULL;
    size_t words = 0;
    int option, code;

    *l = (struct learning){ .config = config_usual_path(), .whom = "", .word_paths = word_paths };
    while (!wrong && (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c')
            l->config = optarg;
        else if (option == OPTION_FOR)
            l->whom = optarg;
        else if (option == OPTION_JSON)
            l->is_json = true;
        else if (option == OPTION_WORDS && words < PATHS_MOST)
            word_paths[words++] = optarg;
        else
            wrong = option == 'h' ? usage : "learn: that option is not known, or given too often";
    }
    if (!wrong)
        wrong = take_words(l, argc, argv);
    code = wrong ? cli_usage(usage, wrong == usage ? NULL : wrong) : run(l);
    free(l);
    return code;
}

/* cli/store.c - postern store info|export|import: the state store, also while the gateway runs.
 *
 * The store is opened as the gateway's user, so that its file never becomes root's; files that are named on the command
 * line are opened as who calls.
 */
#include "gateway/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/cli/cli_store.h"
#include "gateway/cli/store_line.h"

static const char usage[] =
    "usage: postern store info [-c FILE] [--json]\n"
    "       postern store export [-c FILE] [-o OUT]\n"
    "       postern store import [-c FILE] [IN]\n"
    "\n"
    "What the gateway remembers between messages: greylisting, rates, counters, recipients. It may run meanwhile.\n"
    "\n"
    "  info      which store it is, how large, how many records of each kind, when the first and the last expire\n"
    "  export    writes all records to OUT, or to standard output: a JSON object per line\n"
    "  import    reads such lines from IN, or from standard input, into the store; a record that is there already\n"
    "            stays when it lives as long or longer; lines that are wrong are named and left out\n"
    "\n"
    "  -c FILE   the configuration (default: /etc/postern/gateway.conf when there is one)\n"
    "  -o OUT    the file to write, which then has mode 0600; it appears when it is complete\n"
    "  --json    one JSON object\n"
    "\n"
    "Exit status: 0; 2 for usage or configuration; 3 when the store or a file fails, or a line was left out.\n"
    "\n"
    "To move from one backend to the other:\n"
    "\n"
    "  postern store export -c old.conf | postern store import -c new.conf\n";

enum {
    OPEN_MOST = 256, /* records on their way to the store */
    NAMED_MOST = 20, /* bad lines that are named */
    PATH_MAX_BYTES = 4096,
};

/* What the store holds. */
struct summary {
    uint64_t records, of_kind[RECORD_KIND_COUNT], endless;
    int64_t first_ms, last_ms; /* when they expire; 0: none does */
};

/* What became of the lines. */
struct tally {
    uint64_t lines, bad, expired, stored, kept;
    unsigned open;
};

struct command {
    const char *config, *out;
    bool is_json;
    struct loaded loaded;
    struct loop *loop;
    struct store *store;
    struct summary summary;
    struct tally tally;
    FILE *file;
    struct strbuf line;
    char why[500]; /* the store fails; "": it does not */
    bool is_over;  /* of a walk */
};

/* ---- opening ---- */

static bool open_store(struct command *c)
{
    c->loop = loop_new();
    c->store = cli_store_open(c->loop, c->loaded.values);
    return c->store != NULL;
}

static void close_store(struct command *c)
{
    store_free(c->store);
    loop_free(c->loop);
}

static void on_end(void *arg, const char *why)
{
    struct command *c = arg;

    c->is_over = true;
    if (why)
        snprintf(c->why, sizeof c->why, "%s", why);
}

static bool is_well(const struct command *c)
{
    if (c->why[0])
        fprintf(stderr, "postern: the store fails: %s\n", c->why);
    return !c->why[0];
}

static bool walk(struct command *c, store_walk_fn *fn)
{
    store_walk(c->store, SPAN(""), fn, on_end, c);
    while (!c->is_over)
        loop_run_once(c->loop, -1);
    return is_well(c);
}

/* ---- info ---- */

static void count_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    struct summary *s = &((struct command *)arg)->summary;

    s->records++;
    s->of_kind[record_kind_of(key, value)]++;
    if (!expires_ms) {
        s->endless++;
        return;
    }
    if (!s->first_ms || expires_ms < s->first_ms)
        s->first_ms = expires_ms;
    if (expires_ms > s->last_ms)
        s->last_ms = expires_ms;
}

static void where_is(const struct config *config, char out[PATH_MAX_BYTES])
{
    const struct store_conf *conf = &config->store;
    char server[ENDPOINT_TEXT_MAX] = "";

    if (conf->backend == STORE_LMDB) {
        snprintf(out, PATH_MAX_BYTES, "%s/store.mdb", config->state);
        return;
    }
    if (conf->servers.count)
        endpoint_text(&conf->servers.items[0], server);
    snprintf(out, PATH_MAX_BYTES, "%s%s", server, conf->servers.count > 1 ? ", ..." : "");
}

static json_t *json_time(int64_t ms)
{
    char text[CLOCK_TEXT_MAX];

    return ms ? json_string(clock_iso(ms, text)) : json_null();
}

static void info_json(const struct summary *s, const char *backend, const char *where, uint64_t bytes, uint64_t most)
{
    json_t *root = json_object(), *by_kind = json_object();

    for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++)
        json_object_set_new(by_kind, record_kind_text(kind), json_integer((json_int_t)s->of_kind[kind]));
    json_object_set_new(root, "backend", json_string(backend));
    json_object_set_new(root, "where", json_string(where));
    json_object_set_new(root, "bytes", bytes ? json_integer((json_int_t)bytes) : json_null());
    json_object_set_new(root, "bytes_most", most ? json_integer((json_int_t)most) : json_null());
    json_object_set_new(root, "records", json_integer((json_int_t)s->records));
    json_object_set_new(root, "by_kind", by_kind);
    json_object_set_new(root, "never_expire", json_integer((json_int_t)s->endless));
    json_object_set_new(root, "first_expires", json_time(s->first_ms));
    json_object_set_new(root, "last_expires", json_time(s->last_ms));
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static void print_size(const char *what, uint64_t bytes)
{
    printf(bytes < 1 << 20 ? "%s%.0f KiB" : "%s%.1f MiB", what, (double)bytes / (bytes < 1 << 20 ? 1024 : 1 << 20));
}

static void info_text(const struct summary *s, const char *backend, const char *where, uint64_t bytes, uint64_t most)
{
    char text[CLOCK_TEXT_MAX];

    printf("backend        %s\nwhere          %s\n", backend, where);
    if (bytes) {
        print_size("size           ", bytes);
        if (most)
            print_size(" of ", most);
        putchar('\n');
    }
    printf("records        %llu\n", (unsigned long long)s->records);
    for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++)
        if (s->of_kind[kind])
            printf("  %-12s %llu\n", record_kind_text(kind), (unsigned long long)s->of_kind[kind]);
    if (s->first_ms)
        printf("first expires  %s\n", clock_iso(s->first_ms, text));
    if (s->last_ms)
        printf("last expires   %s\n", clock_iso(s->last_ms, text));
    if (s->endless)
        printf("never expire   %llu\n", (unsigned long long)s->endless);
}

static int info(struct command *c)
{
    struct store_counters counters;
    char where[PATH_MAX_BYTES];
    const struct config *config = c->loaded.values;
    bool is_lmdb = config->store.backend == STORE_LMDB;

    if (!walk(c, count_record))
        return EXIT_OTHER;
    store_counters(c->store, &counters);
    where_is(config, where);
    (c->is_json ? info_json : info_text)(&c->summary, is_lmdb ? "lmdb" : "redis", where, counters.bytes,
                                         is_lmdb ? config->store.size_most_bytes : 0);
    return fflush(stdout) ? EXIT_OTHER : EXIT_OK;
}

/* ---- export ---- */

static void export_record(void *arg, struct span key, struct span value, int64_t expires_ms)
{
    struct command *c = arg;

    strbuf_clear(&c->line);
    store_line_write(&c->line, key, value, expires_ms);
    fwrite(c->line.data, 1, c->line.len, c->file);
}

static FILE *open_new(char *path)
{
    int fd = mkostemp(path, O_CLOEXEC);

    return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool close_new(FILE *file, const char *path, const char *name)
{
    bool is_good = !fflush(file) && !ferror(file) && !fsync(fileno(file));

    is_good = !fclose(file) && is_good;
    if (is_good && !rename(path, name))
        return true;
    fprintf(stderr, "postern: cannot write %s: %s\n", name, strerror(errno));
    unlink(path);
    return false;
}

static int export_to_stdout(struct command *c)
{
    c->file = stdout;
    bool is_good = walk(c, export_record);

    if (!fflush(stdout) && !ferror(stdout))
        return is_good ? EXIT_OK : EXIT_OTHER;
    fprintf(stderr, "postern: cannot write: %s\n", strerror(errno));
    return EXIT_OTHER;
}

static int export(struct command *c)
{
    char path[PATH_MAX_BYTES];

    if (!c->out)
        return export_to_stdout(c);
    if (snprintf(path, sizeof path, "%s.XXXXXX", c->out) >= (int)sizeof path)
        return cli_usage(usage, "store: that name is too long");
    c->file = open_new(path);
    if (!c->file) {
        fprintf(stderr, "postern: cannot write %s: %s\n", c->out, strerror(errno));
        return EXIT_OTHER;
    }
    if (walk(c, export_record))
        return close_new(c->file, path, c->out) ? EXIT_OK : EXIT_OTHER;
    fclose(c->file);
    unlink(path);
    return EXIT_OTHER;
}

/* ---- import ---- */

static void on_loaded(void *arg, const struct store_answer *answer)
{
    struct command *c = arg;

    c->tally.open--;
    c->tally.stored += answer->state == STORE_OK;
    c->tally.kept += answer->state == STORE_ABSENT;
    if (answer->state != STORE_OK && answer->state != STORE_ABSENT && !c->why[0])
        snprintf(c->why, sizeof c->why, "%s", answer->why[0] ? answer->why : "no answer in time");
}

static void wait_until(struct command *c, unsigned open)
{
    while (c->tally.open > open)
        loop_run_once(c->loop, -1);
    poll(NULL, 0, 1); /* a gateway that shares the file gets its turn */
}

static void take_line(struct command *c, const char *name, struct span text)
{
    struct tally *t = &c->tally;
    struct store_line line;
    const char *wrong;

    t->lines++;
    if (!span_trim(text).len)
        return;
    wrong = store_line_read(text, &line);
    if (wrong) {
        if (++t->bad <= NAMED_MOST)
            fprintf(stderr, "%s:%llu: %s\n", name, (unsigned long long)t->lines, wrong);
        return;
    }
    if (line.expires_ms && line.expires_ms <= clock_wall_ms()) {
        t->expired++;
        return;
    }
    t->open++;
    store_load(c->store, span_make(line.key, line.key_len), span_make(line.value, line.value_len), line.expires_ms,
               on_loaded, c);
    if (t->open >= OPEN_MOST)
        wait_until(c, 0);
}

static bool take_lines(struct command *c, const char *name)
{
    struct progress progress;
    struct stat file;
    char *text = NULL;
    size_t room = 0;
    ssize_t len;

    bool is_sized = !fstat(fileno(c->file), &file) && S_ISREG(file.st_mode);

    progress_start(&progress, is_sized ? (uint64_t)file.st_size : 0);
    while (!c->why[0] && (len = getline(&text, &room, c->file)) > 0) {
        progress.done += (uint64_t)len;
        take_line(c, name, span_make(text, (size_t)len - (text[len - 1] == '\n')));
        progress_show(&progress, c->tally.lines, "lines", false);
    }
    free(text);
    wait_until(c, 0);
    progress_show(&progress, c->tally.lines, "lines", true);
    if (!ferror(c->file))
        return true;
    fprintf(stderr, "postern: cannot read %s: %s\n", name, strerror(errno));
    return false;
}

static int import(struct command *c, const char *name)
{
    const struct tally *t = &c->tally;
    bool is_good = take_lines(c, name) && is_well(c);

    if (t->bad > NAMED_MOST)
        fprintf(stderr, "%s: %llu more lines are wrong\n", name, (unsigned long long)t->bad - NAMED_MOST);
    printf("%llu lines: %llu imported, %llu kept as they are in the store, %llu had expired, %llu wrong\n",
           (unsigned long long)t->lines, (unsigned long long)t->stored, (unsigned long long)t->kept,
           (unsigned long long)t->expired, (unsigned long long)t->bad);
    if (!is_good)
        fprintf(stderr, "postern: not all lines were taken; it does no harm to import them again\n");
    return is_good && !t->bad ? EXIT_OK : EXIT_OTHER;
}

/* ---- the command line ---- */

enum { OPTION_JSON = 256 };

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "output", required_argument, NULL, 'o' },
                                         { "json", no_argument, NULL, OPTION_JSON },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static int with_store(struct command *c, const char *verb, const char *in)
{
    int status = EXIT_OTHER;

    if (!config_load_or_tell(c->config, &c->loaded))
        return EXIT_CONFIG;
    log_configure(LOG_LOGFMT, LOG_WARN);
    strbuf_init(&c->line, STORE_LINE_MAX);
    if (open_store(c)) {
        status = in ? import(c, in) : strcmp(verb, "info") == 0 ? info(c) : export(c);
    }
    close_store(c);
    strbuf_release(&c->line);
    config_free(&c->loaded);
    return status;
}

static int import_from(struct command *c, const char *in)
{
    bool is_stdin = !in || strcmp(in, "-") == 0;

    c->file = is_stdin ? stdin : fopen(in, "re");
    if (!c->file) {
        fprintf(stderr, "postern: cannot read %s: %s\n", in, strerror(errno));
        return EXIT_OTHER;
    }
    int status = with_store(c, "import", is_stdin ? "standard input" : in);

    if (!is_stdin)
        fclose(c->file);
    return status;
}

int cli_store(int argc, char **argv)
{
    struct command c = { .config = config_usual_path() };
    int option;

    while ((option = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1) {
        switch (option) {
        case 'h': return cli_usage(usage, NULL);
        case 'c': c.config = optarg; break;
        case 'o': c.out = optarg; break;
        case OPTION_JSON: c.is_json = true; break;
        default: return cli_usage(usage, "store: that option is not known");
        }
    }
    const char *verb = optind < argc ? argv[optind] : "";
    int words = argc - optind;

    if (strcmp(verb, "import") == 0 && words <= 2 && !c.out && !c.is_json)
        return import_from(&c, words == 2 ? argv[optind + 1] : NULL);
    if (strcmp(verb, "export") == 0 && words == 1 && !c.is_json)
        return with_store(&c, verb, NULL);
    if (strcmp(verb, "info") == 0 && words == 1 && !c.out)
        return with_store(&c, verb, NULL);
    return cli_usage(usage, "store: say info, export or import");
}

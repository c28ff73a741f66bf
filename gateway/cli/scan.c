/* cli/scan.c - postern scan: the engine on one message from a file, with no daemon and no privileges. */
#include "gateway/cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/cli/report.h"

static const char usage[] =
    "usage: postern scan [OPTION...] FILE|-\n"
    "\n"
    "Judges the message in FILE (- for standard input) as the gateway would, and says why.\n"
    "\n"
    "  -c FILE              the configuration (default: /etc/postern/gateway.conf when there is one)\n"
    "  --client-ip IP       the client that sent it; without it, checks of the client find nothing\n"
    "  --client-name PTR    its name, instead of looking it up\n"
    "  --helo NAME          what it said in EHLO\n"
    "  --from ADDR          the envelope's sender; \"\" for a bounce\n"
    "  --rcpt ADDR          a recipient; may be given more than once\n"
    "  --user NAME          the login of an authenticated client\n"
    "  --json               one JSON object\n"
    "\n"
    "Exit status: 0 when a verdict was given, whatever it is; 2 for usage or configuration; 3 otherwise.\n"
    "\n"
    "  postern scan --client-ip 192.0.2.7 --helo mail.example.org --from a@example.org --rcpt b@example.net mail.eml\n";

enum { SCAN_RECIPIENTS_MAX = 1000 };

struct scan {
    const char *config, *file;
    const char *client_ip, *client_name, *helo, *from, *user;
    const char *recipients[SCAN_RECIPIENTS_MAX];
    size_t recipient_count;
    bool is_json;

    struct loaded loaded;
    struct loop *loop;
    struct engine engine;
    struct strbuf bytes;
    struct pipeline *pipeline;
    bool is_judged;
};

/* ---- the command line ---- */

enum { OPTION_IP = 256, OPTION_NAME, OPTION_HELO, OPTION_FROM, OPTION_RCPT, OPTION_USER, OPTION_JSON };

static const struct option options[] = {
    { "client-ip", required_argument, NULL, OPTION_IP },
    { "client-name", required_argument, NULL, OPTION_NAME },
    { "helo", required_argument, NULL, OPTION_HELO },
    { "from", required_argument, NULL, OPTION_FROM },
    { "rcpt", required_argument, NULL, OPTION_RCPT },
    { "user", required_argument, NULL, OPTION_USER },
    { "config", required_argument, NULL, 'c' },
    { "json", no_argument, NULL, OPTION_JSON },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

static bool take_option(struct scan *scan, int option)
{
    switch (option) {
    case 'c': scan->config = optarg; return true;
    case OPTION_IP: scan->client_ip = optarg; return true;
    case OPTION_NAME: scan->client_name = optarg; return true;
    case OPTION_HELO: scan->helo = optarg; return true;
    case OPTION_FROM: scan->from = optarg; return true;
    case OPTION_USER: scan->user = optarg; return true;
    case OPTION_JSON: scan->is_json = true; return true;
    case OPTION_RCPT:
        if (scan->recipient_count == SCAN_RECIPIENTS_MAX)
            return false;
        scan->recipients[scan->recipient_count++] = optarg;
        return true;
    default: return false;
    }
}

/* ---- the engine ---- */

static bool open_engine(struct scan *scan)
{
    const struct config *config = scan->loaded.values;
    char error[512] = "";

    scan->loop = loop_new();
    scan->engine = (struct engine){ .loop = scan->loop,
                                    .dns = dns_new(scan->loop, &config->dns, error, sizeof error),
                                    .crew = crew_new(scan->loop, 1, 16, 16),
                                    .hostname = config->hostname,
                                    .conf = &config->engine,
                                    .actions = &config->actions,
                                    .checks = scan->loaded.checks,
                                    .check_count = settings_count(),
                                    .profiles = scan->loaded.profiles,
                                    .is_thorough = true };
    if (!scan->engine.dns)
        fprintf(stderr, "postern: dns: %s\n", error);
    return scan->engine.dns != NULL;
}

static void close_engine(struct scan *scan)
{
    pipeline_free(scan->pipeline);
    crew_free(scan->engine.crew);
    if (scan->engine.dns)
        dns_free(scan->engine.dns);
    loop_free(scan->loop);
}

static struct span kept(struct session *s, const char *text)
{
    return arena_copy(s->tx_arena, span_of(text ? text : ""));
}

static bool parse_address(struct session *s, const char *text, struct address *out)
{
    struct span copy = kept(s, text);

    if (copy.len >= 2 && copy.ptr[0] == '<' && copy.ptr[copy.len - 1] == '>') /* as it stands in SMTP */
        copy = span_first(span_skip(copy, 1), copy.len - 2);
    if (!copy.len || !address_parse(copy, out))
        return true;
    fprintf(stderr, "postern: \"%s\" is no mail address\n", text);
    return false;
}

static bool fill_session(struct scan *scan, struct session *s)
{
    if (scan->client_ip && addr_parse(span_of(scan->client_ip), &s->client)) {
        fprintf(stderr, "postern: \"%s\" is no IP address\n", scan->client_ip);
        return false;
    }
    s->client_ptr = kept(s, scan->client_name);
    s->helo = kept(s, scan->helo);
    s->is_esmtp = true;
    s->auth_user = kept(s, scan->user);
    s->recipients = arena_alloc(s->tx_arena, (scan->recipient_count + 1) * sizeof *s->recipients);
    for (size_t i = 0; i < scan->recipient_count; i++) {
        struct address *to = &s->recipients[s->recipient_count++].address;

        if (!parse_address(s, scan->recipients[i], to))
            return false;
        s->is_smtputf8 |= to->is_utf8;
    }
    bool is_good = parse_address(s, scan->from, &s->mail_from);

    s->is_smtputf8 |= s->mail_from.is_utf8;
    return is_good;
}

static void warn_of_profiles(struct pipeline *p)
{
    const struct session *s = pipeline_session(p);

    for (size_t i = 1; i < s->recipient_count; i++)
        if (!pipeline_takes(p, &s->recipients[i].address))
            fprintf(stderr, "postern: %.*s has another profile than the first recipient; judged by that of the first\n",
                    SPAN_ARG(s->recipients[i].address.text));
}

static void on_verdict(void *arg, const struct verdict *verdict)
{
    struct scan *scan = arg;
    const struct config *config = scan->loaded.values;
    struct edits edits;
    struct strbuf out;

    strbuf_init(&out, CLI_MESSAGE_BYTES_MAX);
    dress(scan->pipeline, verdict, &config->headers, &edits);
    if (verdict->action != ACTION_ACCEPT && verdict->action != ACTION_TAG)
        edits.count = 0;
    if (scan->is_json)
        report_json(scan->pipeline, verdict, &edits, &out);
    else
        report_text(scan->pipeline, verdict, &edits, cli_is_colour(STDOUT_FILENO), &out);
    fwrite(strbuf_span(&out).ptr, 1, out.len, stdout);
    strbuf_release(&out);
    scan->is_judged = true;
    loop_stop(scan->loop);
}

static int judge(struct scan *scan)
{
    const struct smtp_conf *smtp = &scan->loaded.values->smtp;
    const struct message_limits limits = { smtp->header_bytes_most, (size_t)smtp->header_fields_most };
    struct pipeline *p = scan->pipeline = pipeline_new(&scan->engine, "scan");

    if (!fill_session(scan, pipeline_session(p)))
        return EXIT_CONFIG;
    warn_of_profiles(p);
    pipeline_take_message(p, message_new(strbuf_span(&scan->bytes), &limits));
    for (enum stage stage = STAGE_CONNECT; stage < STAGE_COUNT; stage++)
        pipeline_reach(p, stage);
    pipeline_decide(p, STAGE_MESSAGE, 0, on_verdict, scan);
    loop_run(scan->loop);
    return scan->is_judged ? EXIT_OK : EXIT_OTHER;
}

static int scan_file(struct scan *scan)
{
    int status = EXIT_OTHER;

    if (!config_load_or_tell(scan->config, &scan->loaded))
        return EXIT_CONFIG;
    log_configure(LOG_LOGFMT, LOG_WARN);
    if (cli_read_message(scan->file, &scan->bytes)) {
        if (open_engine(scan))
            status = judge(scan);
        close_engine(scan);
    }
    strbuf_release(&scan->bytes);
    config_free(&scan->loaded);
    return status;
}

static int run_with(struct scan *scan, int argc, char **argv)
{
    int option;

    scan->config = config_usual_path();
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h')
            return cli_usage(usage, NULL);
        if (!take_option(scan, option))
            return cli_usage(usage, "scan: that option is not known, or given too often");
    }
    if (optind + 1 != argc)
        return cli_usage(usage, "scan: name one file, or - for standard input");
    scan->file = argv[optind];
    return scan_file(scan);
}

int cli_scan(int argc, char **argv)
{
    struct scan *scan = mem_alloc(sizeof *scan);
    int status = run_with(scan, argc, argv);

    free(scan);
    return status;
}

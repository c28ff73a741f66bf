/* cli/dns.c - postern dns: what a domain behind this gateway should have in the DNS, and what it has. */
#include "gateway/cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/cli/records.h"
#include "gateway/mail/domain.h"
#include "gateway/net/dns.h"

static const char usage[] =
    "usage: postern dns [OPTION...] DOMAIN\n"
    "\n"
    "Looks at the DNS records of a domain whose mail comes in through this gateway: MX, the mail host's addresses and\n"
    "their names, SPF, DKIM, DMARC, MTA-STS, TLSA and TLS-RPT. Says of each whether it is ok, missing, wrong or\n"
    "unknown, what is there, and the line to publish in the zone.\n"
    "\n"
    "  -c FILE           the configuration: hostname, smtp.tls_certificate and dns are used\n"
    "                    (default: /etc/postern/gateway.conf when there is one)\n"
    "  --selector NAME   a selector of a DKIM key; may be given more than once\n"
    "  --json            one JSON object\n"
    "\n"
    "TLSA records count when they are proved by DNSSEC: set dns.dnssec to see it.\n"
    "Exit status: 0 when nothing is missing or wrong; 1 when something is; 2 for usage or configuration; 3 when the "
    "DNS\n"
    "did not answer.\n"
    "\n"
    "  postern dns -c gateway.conf --selector s2026 example.org\n";

enum { SELECTORS_MOST = 16, FAILURES_MOST = 3, EXIT_WRONG = 1 };

struct command {
    const char *config;
    const char *selectors[SELECTORS_MOST];
    size_t selector_count;
    bool is_json;
    struct loaded loaded;
    struct loop *loop;
    struct dns *dns;
    struct arena arena;
    unsigned failures;
    const struct dns_answer *answer;
    char domain[DOMAIN_MAX], hostname[DOMAIN_MAX];
    const char *certificates[2];
    size_t certificate_count;
};

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "selector", required_argument, NULL, 's' },
                                         { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

/* NULL, or what is wrong; `usage` itself: help is wanted. */
static const char *take_options(struct command *c, int argc, char **argv)
{
    char normal[DOMAIN_MAX];
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': c->config = optarg; break;
        case 'j': c->is_json = true; break;
        case 's':
            if (c->selector_count == SELECTORS_MOST || domain_normal(span_of(optarg), normal))
                return "dns: that selector is no name, or one too many";
            c->selectors[c->selector_count++] = optarg;
            break;
        case 'h': return usage;
        default: return "dns: that option is not known";
        }
    }
    if (optind + 1 != argc)
        return "dns: name one domain";
    return domain_normal(span_of(argv[optind]), c->domain) ? "dns: that is no domain name" : NULL;
}

/* ---- look-ups, one after the other ---- */

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct command *c = arg;

    c->answer = dns_answer_copy(&c->arena, answer);
    loop_stop(c->loop);
}

/* A resolver that is out would else be waited for with each question. */
static const struct dns_answer *look(void *arg, const char *name, enum dns_type type)
{
    struct command *c = arg;

    if (c->failures >= FAILURES_MOST) {
        struct dns_answer *late = arena_alloc(&c->arena, sizeof *late);

        *late = (struct dns_answer){ .name = name, .type = type, .state = DNS_TIMEOUT };
        return late;
    }
    dns_ask(c->dns, name, type, 0, on_answer, c);
    loop_run(c->loop);
    c->failures = c->answer->state == DNS_TIMEOUT ? c->failures + 1 : 0;
    return c->answer;
}

/* ---- the command ---- */

static int say(struct command *c, const struct records *r)
{
    struct strbuf out;
    bool is_wrong = false;

    strbuf_init(&out, 1 << 20);
    if (c->is_json)
        records_print_json(r, &out);
    else
        records_print_text(r, cli_is_colour(STDOUT_FILENO), &out);
    fwrite(strbuf_span(&out).ptr, 1, out.len, stdout);
    strbuf_release(&out);
    for (size_t i = 0; i < r->count; i++)
        is_wrong |= r->items[i].state == RECORD_MISSING || r->items[i].state == RECORD_WRONG;
    return r->has_trouble ? EXIT_OTHER : is_wrong ? EXIT_WRONG : EXIT_OK;
}

static void add_certificate(struct command *c, const char *file)
{
    if (file && *file)
        c->certificates[c->certificate_count++] = file;
}

/* What is shown to clients that ask for the mail host's name, as those do that go by TLSA [RFC7672 8.1]. */
static void find_certificates(struct command *c, const struct smtp_conf *smtp)
{
    const struct smtp_tls_name *names = smtp->tls_names.items, *own = NULL;

    for (size_t i = 0; i < smtp->tls_names.count; i++)
        if (span_iis(span_of(names[i].title), c->hostname))
            own = &names[i];
    add_certificate(c, own ? own->certificate : smtp->tls_certificate);
    add_certificate(c, own ? own->alt_certificate : smtp->tls_alt_certificate);
}

static int look_at_all(struct command *c)
{
    struct records *r = arena_alloc(&c->arena, sizeof *r);

    find_certificates(c, &c->loaded.values->smtp);
    *r = (struct records){ .arena = &c->arena,
                           .look = look,
                           .arg = c,
                           .domain = c->domain,
                           .hostname = c->hostname,
                           .selectors = c->selectors,
                           .selector_count = c->selector_count,
                           .certificates = c->certificates,
                           .certificate_count = c->certificate_count,
                           .now_ms = clock_wall_ms() };
    records_check(r);
    return say(c, r);
}

static int run(struct command *c)
{
    char error[512] = "";
    int status = EXIT_OTHER;

    if (domain_normal(span_of(c->loaded.values->hostname), c->hostname)) {
        fprintf(stderr, "postern: dns: hostname \"%s\" is no domain name\n", c->loaded.values->hostname);
        return EXIT_CONFIG;
    }
    log_configure(LOG_LOGFMT, LOG_WARN);
    c->loop = loop_new();
    c->dns = dns_new(c->loop, &c->loaded.values->dns, error, sizeof error);
    if (c->dns)
        status = look_at_all(c);
    else
        fprintf(stderr, "postern: dns: %s\n", error);
    dns_free(c->dns);
    loop_free(c->loop);
    return status;
}

int cli_dns(int argc, char **argv)
{
    struct command c = { .config = config_usual_path() };
    const char *wrong = take_options(&c, argc, argv);

    if (wrong)
        return cli_usage(usage, wrong == usage ? NULL : wrong);
    if (!config_load_or_tell(c.config, &c.loaded))
        return EXIT_CONFIG;
    arena_init(&c.arena, SIZE_MAX);
    int status = run(&c);

    arena_release(&c.arena);
    config_free(&c.loaded);
    return status;
}

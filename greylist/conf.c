/* greylist/conf.c - what the operator says of greylisting, and the lists that are read for it. */
#include "greylist/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/core/symbol_conf.h"
#include "gateway/mail/domain.h"

enum { TEXT_MOST = 200, READ_BYTES = 128 * 1024 };

#define AT(member) offsetof(struct greylist_conf, member)

static const struct conf_key greylist_keys[] = {
    { .name = "when",
      .type = CONF_ENUM,
      .at = AT(when),
      .initial = "suspicious",
      .least = "never suspicious always",
      .help =
          "which mail has to come again at RCPT: suspicious, what has `suspicious` points by then; always, all that "
          "is not exempt; never, none (what the whole message scores is the affair of check \"greylist_message\")" },
    { .name = "suspicious",
      .type = CONF_POINTS,
      .at = AT(suspicious),
      .initial = "2.00",
      .help =
          "points at RCPT from which mail is suspicious: no confirmed reverse name, a name as dial-up lines have, a "
          "false HELO, a block list; it is, too, when the block lists cannot be asked" },
    { .name = "delay",
      .type = CONF_TIME,
      .at = AT(delay_ms),
      .initial = "5m",
      .least = "1s",
      .most = "1d",
      .help = "how long new mail has to wait" },
    { .name = "retry_window",
      .type = CONF_TIME,
      .at = AT(window_ms),
      .initial = "2d",
      .least = "1m",
      .most = "30d",
      .help = "how long after its first try it may come again; later counts as new" },
    { .name = "life",
      .type = CONF_TIME,
      .at = AT(life_ms),
      .initial = "35d",
      .least = "1h",
      .most = "400d",
      .help = "how long what passed is remembered, from its last mail on" },
    { .name = "client_passes",
      .type = CONF_INT,
      .at = AT(passes),
      .initial = "5",
      .least = "0",
      .most = "1000",
      .help = "passes after which a client, or an authenticated domain, need not wait any more; 0: always" },
    { .name = "client_pass_gap",
      .type = CONF_TIME,
      .at = AT(pass_gap_ms),
      .initial = "1h",
      .least = "0",
      .most = "1d",
      .help = "passes that are closer together count as one" },
    { .name = "ip4_bits",
      .type = CONF_INT,
      .at = AT(ip4_bits),
      .initial = "24",
      .least = "8",
      .most = "32",
      .help = "clients of one such network are taken for one another, for senders have several" },
    { .name = "ip6_bits",
      .type = CONF_INT,
      .at = AT(ip6_bits),
      .initial = "64",
      .least = "16",
      .most = "128",
      .help = "the same for IPv6" },
    { .name = "by_domain",
      .type = CONF_BOOL,
      .at = AT(by_domain),
      .initial = "yes",
      .help = "where SPF passes (or DMARC or DKIM, once the message is here), its domain stands for the network: then "
              "all servers of a large sender are one" },
    { .name = "partners",
      .type = CONF_TIME,
      .at = AT(partners_ms),
      .initial = "90d",
      .least = "0",
      .most = "3650d",
      .help = "how long those to whom our users wrote may write back without waiting; 0: off" },
    { .name = "private",
      .type = CONF_BOOL,
      .at = AT(is_private),
      .initial = "no",
      .help = "keep digests of addresses instead of the addresses in the state store" },
    { .name = "text",
      .type = CONF_STR,
      .at = AT(text),
      .initial = "Greylisted, please try again in %s seconds",
      .help = "what the client is told; %s: the seconds left, %r: the recipient's domain" },
    { .name = "skip",
      .type = CONF_ADDRS,
      .at = AT(skip),
      .initial = "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fc00::/7 fe80::/10",
      .help = "clients that need not wait; authenticated ones and those in relay_clients never do" },
    { .name = "clients", .type = CONF_STRS, .at = AT(clients), .help = "more of them, in the writing of clients_file" },
    { .name = "clients_file",
      .type = CONF_STRS,
      .at = AT(clients_files),
      .help = "files as postgrey's whitelist_clients, by their whole paths: networks, host names (with what is under "
              "them), /regular expressions/. Watched. One that ends in .local may be missing" },
    { .name = "recipients",
      .type = CONF_STRS,
      .at = AT(recipients),
      .initial = "postmaster@ abuse@",
      .help = "to whom mail need not wait, in the writing of recipients_file" },
    { .name = "recipients_file",
      .type = CONF_STRS,
      .at = AT(recipients_files),
      .help = "files as postgrey's whitelist_recipients: user@example.org, user@, example.org, /regular expressions/" },
    { .name = "symbols",
      .type = CONF_STRS,
      .at = AT(symbols),
      .initial = "RCVD_IN_DNSWL_MED RCVD_IN_DNSWL_HI",
      .help = "findings whose mail need not wait: what an allow list says, for instance" },
    { 0 },
};

static const char *check_entries(struct arena *a, const struct conf_strs *entries, enum exempt_kind kind)
{
    struct exempt *e = exempt_new(kind, entries->count);
    const char *wrong = NULL;

    for (size_t i = 0; i < entries->count && !wrong; i++) {
        wrong = exempt_add(e, span_of(entries->items[i]), 0);
        if (wrong)
            wrong = arena_printf(a, "\"%s\" %s", entries->items[i], wrong);
    }
    exempt_free(e);
    return wrong;
}

static const char *check_paths(struct arena *a, const struct conf_strs *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        if (paths->items[i][0] != '/')
            return arena_printf(a, "\"%s\" is no whole path; write it from / on", paths->items[i]);
    return NULL;
}

static const char *greylist_check(struct arena *a, void *values)
{
    const struct greylist_conf *conf = values;
    const char *wrong = NULL;

    if (conf->delay_ms >= conf->window_ms)
        return "delay is not below retry_window: nothing could ever pass; make retry_window longer";
    if (!conf->text[0] || strlen(conf->text) > TEXT_MOST || !reply_text_fits(span_of(conf->text)))
        return "text is empty, longer than 200 characters, or not ASCII; it stands in a reply";
    wrong = check_entries(a, &conf->clients, EXEMPT_CLIENTS);
    wrong = wrong ? wrong : check_entries(a, &conf->recipients, EXEMPT_RECIPIENTS);
    wrong = wrong ? wrong : check_paths(a, &conf->clients_files);
    return wrong ? wrong : check_paths(a, &conf->recipients_files);
}

const struct conf_section greylist_section = {
    .name = "greylist",
    .help = "Mail of unknown senders is put off once: who comes again after some minutes is a mail server.",
    .size = sizeof(struct greylist_conf),
    .keys = greylist_keys,
    .check = greylist_check,
};

/* ---- the lists ---- */

static bool may_be_missing(const char *path)
{
    return span_ends(span_of(path), SPAN(".local")) && access(path, F_OK) && errno == ENOENT;
}

static const char *open_lists(struct arena *a, struct exempt_lists *lists, enum exempt_kind kind,
                              const struct conf_strs *entries, const struct conf_strs *paths)
{
    lists->own = exempt_new(kind, entries->count);
    for (size_t i = 0; i < entries->count; i++)
        exempt_add(lists->own, span_of(entries->items[i]), 0); /* the configuration has checked them */
    lists->files = mem_alloc((paths->count + 1) * sizeof *lists->files);
    lists->file_count = paths->count;
    for (size_t i = 0; i < paths->count; i++) {
        struct access_file *f = &lists->files[i];

        if (!access_file_open_as(f, paths->items[i], &exempt_reader, kind) && !may_be_missing(paths->items[i]))
            return arena_dup(a, strbuf_span(&f->refusal));
    }
    return NULL;
}

static void close_lists(struct exempt_lists *lists)
{
    for (size_t i = 0; i < lists->file_count; i++)
        access_file_close(&lists->files[i]);
    free(lists->files);
    exempt_free(lists->own);
    *lists = (struct exempt_lists){ 0 };
}

void greylist_close(void *values)
{
    struct greylist_conf *conf = values;

    if (!conf->lists)
        return;
    close_lists(&conf->lists->clients);
    close_lists(&conf->lists->recipients);
    free(conf->lists);
    conf->lists = NULL;
}

const char *greylist_open(struct arena *a, void *values)
{
    struct greylist_conf *conf = values;
    struct greylist_lists *lists = conf->lists = mem_alloc(sizeof *lists);
    const char *wrong = open_lists(a, &lists->clients, EXEMPT_CLIENTS, &conf->clients, &conf->clients_files);

    if (!wrong)
        wrong = open_lists(a, &lists->recipients, EXEMPT_RECIPIENTS, &conf->recipients, &conf->recipients_files);
    if (!wrong && !domain_is_public_suffix("com")) /* which loads the list, while we may still read files */
        wrong = "the public suffix list cannot be loaded; install the package publicsuffix";
    if (wrong)
        greylist_close(values);
    return wrong;
}

static void look_at(struct inquiry *q, struct exempt_lists *lists)
{
    for (size_t i = 0; i < lists->file_count; i++) {
        struct access_file *f = &lists->files[i];
        struct span rest, first = { 0 };

        if (access_file_look(f, READ_BYTES))
            log_info("list_reloaded", "%s: %zu entries", f->path, exempt_count(f->set));
        if (!f->refusal.len || f->reading || (!f->set && may_be_missing(f->path)))
            continue;
        rest = strbuf_span(&f->refusal);
        span_cut(&rest, '\n', &first);
        finding_alarm(q, f->path, "greylisting goes on with the list as it was: %.*s", SPAN_ARG(first));
    }
}

void greylist_read_files(struct inquiry *q)
{
    const struct greylist_conf *conf = q->conf;

    look_at(q, &conf->lists->clients);
    look_at(q, &conf->lists->recipients);
}

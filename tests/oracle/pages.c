/* tests/oracle/pages.c - prints doc/checks.md and doc/gateway.conf.5 from the tables in the code, so that they cannot
 * drift: tests/lint/test_pages.py compares. usage: pages checks | pages conf
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/bug.h"
#include "gateway/checks.h"
#include "gateway/config.h"
#include "scanners/dnsbl_known.h"

/* ---- doc/checks.md ---- */

static const char *const stages[] = { "CONNECT", "HELO", "MAIL", "RCPT", "MESSAGE" };
static const char *const places[] = { "on the loop", "on a worker", "on a worker, after quick work" };
static const char *const failures[] = { "it is left out", "mail is deferred (451)", "mail is tagged" };

/* What ends a sentence: nothing more when it has its sign already. */
static const char *stop_of(const char *sentence)
{
    size_t n = strlen(sentence);

    return n && strchr(".?!", sentence[n - 1]) ? "" : ".";
}

static void print_sentence(const char *text)
{
    char first = ascii_is_alpha(text[0]) ? (char)(ascii_lower(text[0]) - 32) : text[0];

    printf("%c%s%s\n", first, text + 1, stop_of(text));
}

static void print_failure(const struct check *check)
{
    enum fail inbound = check->on_failure[DIRECTION_INBOUND], ours = check->on_failure[DIRECTION_AUTHENTICATED];

    printf(" When it cannot do its work, %s", failures[inbound]);
    if (ours != inbound)
        printf(" (for our own users' mail: %s)", failures[ours]);
    printf(".%s\n", check->is_off ? " Off unless configured." : "");
}

static void print_check(const struct check *check)
{
    const struct check_module *module = check->module;

    printf("\n## %s\n\n", check->name);
    if (module->section && module->section->help && module->section->help[0]) {
        print_sentence(module->section->help);
        puts("");
    }
    printf("Stage %s, %s; %d ms and %u look-ups at most", stages[check->stage], places[check->place], check->budget_ms,
           check->asks);
    if (check->after && strcmp(check->after, "*") == 0)
        printf("; after all above that are not of a later stage");
    else if (check->after)
        printf("; after `%s`", check->after);
    putchar('.');
    print_failure(check);
    if (!module->symbols || !module->symbols[0].name)
        return;
    printf("\n| Symbol | Score | Meaning |\n|---|---:|---|\n");
    for (const struct symbol *s = module->symbols; s->name; s++)
        printf("| `%s` | %.2f | %s |\n", s->name, s->points / 100.0, s->help);
}

/* Several names may be those of one list's parts. */
static const struct dnsbl_known *first_with(const struct dnsbl_known_answer *answers)
{
    size_t i = 0;

    while (dnsbl_known_at(i)->answers != answers)
        i++;
    return dnsbl_known_at(i);
}

static void print_known_list(const struct dnsbl_known *list, const struct dnsbl_known *first)
{
    const char *of = list->hash ? "mail addresses" : list->lists_domains ? "domains" : "addresses";

    if (list != first) {
        printf("| %s | %s | as %s | | |\n", list->zone, of, first->zone);
        return;
    }
    for (const struct dnsbl_known_answer *a = list->answers; a->answer; a++)
        printf("| %s | %s | %s | `%s` | %.2f |\n", list->zone, of, a->answer, a->symbol, a->points / 100.0);
}

static void print_url_answers(const struct dnsbl_known *list)
{
    for (const struct dnsbl_known_answer *a = list->url_answers; a && a->answer; a++)
        printf("| %s | hosts of URLs | %s | `%s` | %.2f |\n", list->zone, a->answer, a->symbol, a->points / 100.0);
}

static void print_known_lists(void)
{
    const struct dnsbl_known *list;

    puts("\n## Known lists\n\n"
         "What `zone \"NAME\" {}` in `check \"dnsbl\"` (lists of addresses), `check \"rhsbl\"` (lists of domains) and\n"
         "`check \"uribl\"` (any) counts when it says nothing else. None is asked unless it is named.\n\n"
         "| List | Of | Answer | Symbol | Score |\n|---|---|---|---|---:|");
    for (size_t i = 0; (list = dnsbl_known_at(i)); i++)
        print_known_list(list, first_with(list->answers));
    for (size_t i = 0; (list = dnsbl_known_at(i)); i++)
        print_url_answers(list);
}

static void print_checks(void)
{
    puts("# Checks and their symbols\n\n"
         "Printed from the tables in the code (`pages checks`); a test holds this page against them. Scores are added "
         "up;\n"
         "`actions` in gateway.conf says from where mail is tagged or refused. A score is changed with\n"
         "`check \"NAME\" { symbol \"SYMBOL\" { score = 1.5 } }`, a check is turned off with `mode = off`, watched "
         "with\n"
         "`mode = shadow`. Symbols that a list in the configuration names come in addition.");
    for (size_t i = 0; i < checks_count; i++)
        print_check(&checks[i]);
    print_known_lists();
}

/* ---- doc/gateway.conf.5 ---- */

static const char *const kinds[] = {
    [CONF_BOOL] = "yes | no",
    [CONF_INT] = "number",
    [CONF_MS] = "time",
    [CONF_TIME] = "time",
    [CONF_BYTES] = "size",
    [CONF_POINTS] = "points",
    [CONF_STR] = "text",
    [CONF_STRS] = "list of texts",
    [CONF_FILE] = "file",
    [CONF_ADDRS] = "list of networks",
    [CONF_ENDPOINTS] = "list of endpoints",
    [CONF_CUSTOM] = "text",
    [CONF_CUSTOMS] = "list of texts",
};

/* Text for mdoc: backslashes are escaped, and no line begins with a dot or a quote. */
static void put_text(const char *text)
{
    char previous = '\n';

    for (const char *c = text; *c; previous = *c++) {
        if (previous == '\n' && (*c == '.' || *c == '\''))
            fputs("\\&", stdout);
        if (*c == ' ' && strchr(".?!", previous)) { /* mdoc wants a line for each sentence */
            putchar('\n');
            continue;
        }
        if (*c == '\\')
            fputs("\\e", stdout);
        else
            putchar(*c);
    }
}

static void put_sentence(const char *text)
{
    if (!text || !text[0])
        return;
    put_text(text);
    puts(stop_of(text));
}

static void put_kind(const struct conf_key *key)
{
    if (key->type != CONF_ENUM) {
        fputs(kinds[key->type], stdout);
        return;
    }
    for (const char *c = key->least; *c; c++)
        fputs(*c == ' ' ? " | " : (char[]){ *c, '\0' }, stdout);
}

static void put_bounds(const struct conf_key *key)
{
    bool has_bounds = key->type != CONF_ENUM && (key->least || key->most);

    if (key->is_required)
        puts("Required.");
    if (key->initial && key->initial[0]) {
        fputs("Initially ", stdout);
        put_text(key->initial);
        puts(has_bounds ? ";" : ".");
    }
    if (has_bounds && key->least && key->most)
        printf("from %s to %s.\n", key->least, key->most);
    else if (has_bounds)
        printf("%s %s.\n", key->least ? "at least" : "at most", key->least ? key->least : key->most);
}

static void print_keys(const struct conf_section *section);

static void print_key(const struct conf_key *key)
{
    bool is_section = key->type == CONF_SECTION || key->type == CONF_SECTIONS;

    if (is_section && (!key->section || key->section->by_title))
        return;
    printf(".It Ic %s", key->name);
    if (is_section) {
        puts(key->type == CONF_SECTIONS ? " Qo Ar title Qc No { ... }" : " No { ... }");
        put_sentence(key->help ? key->help : key->section->help);
        print_keys(key->section);
        return;
    }
    fputs(" No = Ar ", stdout);
    put_kind(key);
    putchar('\n');
    put_sentence(key->help);
    put_bounds(key);
}

static void print_list(const struct conf_key *from, const struct conf_key *end)
{
    if (from == end || !from->name)
        return;
    puts(".Bl -tag -width Ds");
    for (const struct conf_key *key = from; key != end && key->name; key++)
        print_key(key);
    puts(".El");
}

static void print_keys(const struct conf_section *section)
{
    print_list(section->keys, NULL);
}

/* Every check begins with the same keys: they are told once, and later only where they begin. */
static const char last_common[] = "symbol";

static const struct conf_key *own_keys(const struct conf_section *section)
{
    const struct conf_key *key = section->keys;

    while (key->name && strcmp(key->name, last_common) != 0)
        key++;
    return key->name ? key + 1 : key;
}

static void print_check_section(const char *title)
{
    const struct conf_section *section = settings_section.by_title(title);
    const struct conf_key *own = own_keys(section);
    const char *comma = "Initially ";

    printf(".Ss %s\n", title);
    put_sentence(section->help);
    for (const struct conf_key *key = section->keys; key != own; key++, comma = ", ")
        if (key->initial)
            printf("%s%s = %s", comma, key->name, key->initial);
    puts(".");
    print_list(own, NULL);
}

static void print_conf(void)
{
    fputs(".\\\" Printed from the tables in the code (pages conf); a test holds this page against them.\n"
          ".Dd November 23, 2026\n.Dt GATEWAY.CONF 5\n.Os\n.Sh NAME\n.Nm gateway.conf\n"
          ".Nd configuration of the Postern mail gateway\n.Sh DESCRIPTION\n"
          "Keys are given as\n.Ic key No = Ar value ,\nsections in braces, lists as\n"
          ".No { Ns Ar a , b Ns No } ;\na hash mark begins a comment.\n"
          "A text with anything but letters and digits is quoted.\n"
          "A time needs its unit (250ms, 3s, 5m, 2h, 7d); a size may have one (256KiB, 10MiB, 1GiB).\n"
          "Whatever is not known is an error:\n.Dq postern config check\n"
          "says where, and what to write instead.\n.Dq postern config default\n"
          "prints all of it as a file to begin with.\n.Sh KEYS\n",
          stdout);
    print_keys(&config_section);
    puts(".Sh CHECKS\nEach check has a section\n.Ic check Qo Ar name Qc No { ... } .\nThese keys are in all of them:");
    const struct conf_section *first = settings_section.by_title(settings_section.titles(0));

    print_list(first->keys, own_keys(first));
    for (size_t i = 0; settings_section.titles(i); i++)
        print_check_section(settings_section.titles(i));
    puts(".Sh SEE ALSO\n.Xr postern 8");
}

int main(int argc, char **argv)
{
    config_prepare();
    if (argc == 2 && strcmp(argv[1], "checks") == 0)
        print_checks();
    else if (argc == 2 && strcmp(argv[1], "conf") == 0)
        print_conf();
    else
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

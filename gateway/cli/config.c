/* cli/config.c - postern config check|show|default|rules. */
#include "gateway/cli/cli.h"

#include <getopt.h>
#include <stdio.h>

#include "gateway/cli/rules_list.h"
#include "rules/rules_conf.h"

static const char usage[] =
    "usage: postern config check|show|default|rules [-c FILE]\n"
    "\n"
    "  check     reads FILE as `postern run` would; exit status 0 when it is good, else 2 with file:line,\n"
    "            what is wrong and what to write\n"
    "  show      prints the effective configuration: FILE and, where it is silent, the initial values;\n"
    "            without any FILE, what is built in\n"
    "  rules     names each rule that FILE loads and that is not supported, with its file, its line and why\n"
    "  default   prints every key with its meaning and initial value; a good file to begin with\n"
    "\n"
    "  -c FILE   the configuration file (default: /etc/postern/gateway.conf when there is one)\n";

/* The set of the check "rules"; NULL: it is off. */
static const struct ruleset *ruleset_of(const struct loaded *loaded)
{
    size_t row = settings_row("rules");

    if (row == settings_count() || !settings_is_used(&loaded->checks[row]))
        return NULL;
    return ((const struct rules_conf *)loaded->checks[row].conf)->set;
}

static int list_rules(const char *path)
{
    struct loaded loaded;
    struct strbuf out;

    if (!config_load_or_tell(path, &loaded))
        return EXIT_CONFIG;
    const struct ruleset *set = ruleset_of(&loaded);

    strbuf_init(&out, 64 << 20);
    if (set) {
        rules_list_print(set, &out);
        rules_list_count(set, &out);
    } else {
        strbuf_puts(&out, "the check \"rules\" is off\n");
    }
    fputs(strbuf_span(&out).ptr, stdout);
    strbuf_release(&out);
    config_free(&loaded);
    return EXIT_OK;
}

static int check(const char *path)
{
    struct loaded loaded;
    struct strbuf counts;

    if (!config_load_or_tell(path, &loaded))
        return EXIT_CONFIG;
    const struct ruleset *set = ruleset_of(&loaded);

    strbuf_init(&counts, 4096);
    if (set)
        rules_list_count(set, &counts);
    if (set && set->unsupported + set->note_count)
        strbuf_puts(&counts, "       `postern config rules` names what is not supported, and what was noted\n");
    printf("%s: good (sha256 %.16s)\n%s", path ? path : "built-in configuration", conf_digest(loaded.conf),
           strbuf_span(&counts).ptr);
    strbuf_release(&counts);
    config_free(&loaded);
    return EXIT_OK;
}

static int show(const char *path)
{
    struct loaded loaded;
    struct strbuf out;

    if (!config_load_or_tell(path, &loaded))
        return EXIT_CONFIG;
    strbuf_init(&out, 16 << 20);
    conf_print(loaded.conf, &out);
    fputs(strbuf_span(&out).ptr, stdout);
    strbuf_release(&out);
    config_free(&loaded);
    return EXIT_OK;
}

static int print_default(void)
{
    struct strbuf out;

    config_prepare();
    strbuf_init(&out, 16 << 20);
    conf_print_default(&config_section, &out);
    fputs(strbuf_span(&out).ptr, stdout);
    strbuf_release(&out);
    return EXIT_OK;
}

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

int cli_config(int argc, char **argv)
{
    const char *path = config_usual_path();
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h')
            return cli_usage(usage, NULL);
        if (option != 'c')
            return cli_usage(usage, "config: that option is not known");
        path = optarg;
    }
    const char *verb = optind + 1 == argc ? argv[optind] : "";

    if (strcmp(verb, "check") == 0)
        return check(path);
    if (strcmp(verb, "show") == 0)
        return show(path);
    if (strcmp(verb, "rules") == 0)
        return list_rules(path);
    if (strcmp(verb, "default") == 0)
        return print_default();
    return cli_usage(usage, "config: say check, show, default or rules; a file is named with -c");
}

/* gateway/main.c - the program: finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "gateway/base/bug.h"
#include "gateway/cli/cli.h"

static const char usage[] = "Postern, a mail filtering gateway: one decision engine behind several doors.\n"
                            "\n"
                            "usage: postern COMMAND [OPTION...]\n"
                            "\n"
                            "  run      start the gateway in the foreground; prints `ready` when all listeners are up\n"
                            "  config   check, show or default: the configuration\n"
                            "  scan     judge a message from a file, without a daemon\n"
                            "  mime     the parts of a message, what is odd about them, and how else they may be read\n"
                            "  dns      what a domain should have in the DNS, and what it has\n"
                            "  rates    who is limited by rate now, and why; lets go of one\n"
                            "  learn    what spam and ham look like, from mail that people have sorted\n"
                            "  store    info, export or import: what is remembered between messages\n"
                            "\n"
                            "`postern COMMAND --help` tells more. Manual: postern(8), gateway.conf(5).\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "run", cli_run },         { "config", cli_config },
    { "scan", cli_scan },       { "dns", cli_dns },
    { "mime", cli_mime },       { "rates", cli_rates },
    { "store", cli_store },     { "learn", cli_learn },
    { "gateway", cli_gateway }, { "compile-rules", cli_compile_rules },
};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        puts("postern " POSTERN_VERSION);
        return EXIT_OK;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        return cli_usage(usage, NULL);
    return cli_usage(usage, name[0] ? "there is no such command" : "say what to do");
}

/* cli/run.c - postern run: the gateway in the foreground. */
#include "gateway/cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/supervisor.h"

static const char usage[] =
    "usage: postern run [-c FILE]\n"
    "\n"
    "Starts the gateway in the foreground. Logs to standard error; prints `ready` when all listeners are up.\n"
    "\n"
    "  -c FILE   the configuration (default: /etc/postern/gateway.conf when there is one, else what is\n"
    "            built in: SMTP on 127.0.0.1:2525, from this machine alone, into a Maildir in /var/lib/postern, or "
    "for\n"
    "            a user who is not root in ~/.local/state/postern; `postern config show` prints it)\n"
    "\n"
    "SIGHUP reads the configuration anew: a bad one is refused and named in the log, a good one takes over without\n"
    "dropping a connection. SIGTERM (or Ctrl-C) finishes what is under way and ends; a second one ends at once.\n"
    "Exit status: 0, or 2 for a bad configuration, or 3 otherwise.\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

int cli_run(int argc, char **argv)
{
    const char *path = config_usual_path();
    char program[4096];
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h')
            return cli_usage(usage, NULL);
        if (option != 'c')
            return cli_usage(usage, "run: that option is not known");
        path = optarg;
    }
    if (optind < argc)
        return cli_usage(usage, "run: too many arguments; a file is named with -c");
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);

    if (n < 0) {
        perror("postern: /proc/self/exe");
        return EXIT_OTHER;
    }
    program[n] = '\0';
    return supervisor_run(program, path);
}

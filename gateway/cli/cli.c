/* cli/cli.c - what the commands share. */
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int cli_usage(const char *text, const char *wrong)
{
    if (!wrong) {
        fputs(text, stdout);
        return EXIT_OK;
    }
    fprintf(stderr, "postern: %s\n\n%s", wrong, text);
    return EXIT_CONFIG;
}

bool cli_is_colour(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

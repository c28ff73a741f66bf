/* cli/cli.h - the commands of `postern`. Each returns the program's exit status: 0, 2 for usage or configuration,
 * 3 otherwise.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "gateway/base/strbuf.h"
#include "gateway/config.h"

int cli_run(int argc, char **argv);
int cli_gateway(int argc, char **argv);       /* the supervisor's child; not for people */
int cli_compile_rules(int argc, char **argv); /* the gateway's child; not for people */
int cli_config(int argc, char **argv);
int cli_scan(int argc, char **argv);
int cli_rates(int argc, char **argv);
int cli_store(int argc, char **argv);
int cli_dns(int argc, char **argv);
int cli_learn(int argc, char **argv);
int cli_mime(int argc, char **argv);

/* cli_usage - prints `text`; to standard error and with status 2 when `wrong` says why. */
int cli_usage(const char *text, const char *wrong);
/* cli_is_colour - whether `fd` is a terminal that wants colours (NO_COLOR, TERM). */
bool cli_is_colour(int fd);

enum { CLI_MESSAGE_BYTES_MAX = 512 * 1024 * 1024 };

/* cli_read_file - from `file` (- for standard input) into `out`, which it initialises, lines in CRLF; false: it has
 * told why not. cli_read_message - the same without the line that an mbox file begins with. */
bool cli_read_file(const char *file, struct strbuf *out);
/* cli_read_piece - what read() gives next, added to `out` in the same way; *last, '\n' at first, is its own. */
ssize_t cli_read_piece(int fd, struct strbuf *out, char *last);
bool cli_read_message(const char *file, struct strbuf *out);

#endif

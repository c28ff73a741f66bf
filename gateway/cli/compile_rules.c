/* cli/compile_rules.c - `postern compile-rules`: the gateway's child that compiles the sieve of its rules
 * (rules/sieve/sieve_make.h). Not for people: it reads a request from standard input and writes a file to standard
 * output.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/cli/cli.h"
#include "rules/sieve/sieve_make.h"

enum { PROCESSOR_S_MAX = 1800 }; /* of each process, should the gateway not end it */

/* What a build with a sanitizer reserves is more than any limit. */
static bool has_small_address_space(void)
{
    char text[100] = "";
    uint64_t pages = 0;
    struct span rest, first;
    FILE *about = fopen("/proc/self/statm", "re");

    if (!about)
        return false;
    rest = span_of(fgets(text, sizeof text, about));
    fclose(about);
    return span_word(&rest, &first) && span_u64(first, UINT64_MAX, &pages) == FAULT_NONE &&
           pages * 4096 < (uint64_t)SIEVE_MEMORY_BYTES_MAX;
}

int cli_compile_rules(int argc, char **argv)
{
    struct rlimit memory = { SIEVE_MEMORY_BYTES_MAX, SIEVE_MEMORY_BYTES_MAX }, core = { 0, 0 };
    struct rlimit processor = { PROCESSOR_S_MAX, PROCESSOR_S_MAX };

    (void)argv;
    if (argc != 1 || isatty(STDIN_FILENO))
        return cli_usage("usage: postern compile-rules <REQUEST >FILE; the gateway runs it\n", "it is not for people");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nice(19) < 0)
        fputs("compile-rules: it cannot be nice\n", stderr);
    setrlimit(RLIMIT_CORE, &core);
    setrlimit(RLIMIT_CPU, &processor);
    if (has_small_address_space())
        setrlimit(RLIMIT_AS, &memory);
    const char *wrong = sieve_make(STDIN_FILENO, STDOUT_FILENO, SIEVE_PATTERN_MS_MAX);

    if (wrong)
        fprintf(stderr, "compile-rules: %s\n", wrong);
    return wrong ? 3 : EXIT_OK;
}

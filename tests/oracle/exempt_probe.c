/* link: */
/* tests/oracle/exempt_probe.c - what greylist/exempt.c makes of a white list of postgrey's, for a test that asks
 * postgrey's own code the same. usage: exempt_probe clients|recipients FILE; a line of input is "ADDRESS NAME" or a
 * recipient, the answer to it 1 or 0.
 */
#include <stdio.h>
#include <string.h>

#include "greylist/exempt.h"

static bool has(const struct access_file *f, struct span line)
{
    struct access_match match;
    struct address to = { .text = line };
    struct span name = line, word = { 0 };
    struct addr client;
    char text[512];

    if (f->kind == EXEMPT_RECIPIENTS) {
        size_t at = span_rfind(line, '@');

        to.local = at == SPAN_NPOS ? line : span_first(line, at);
        to.domain = at == SPAN_NPOS ? (struct span){ "", 0 } : span_skip(line, at + 1);
        return exempt_has_recipient(f->set, &to, &match);
    }
    if (!span_cut(&name, ' ', &word) || addr_parse(word, &client) || span_copy(name, text, sizeof text))
        return false;
    return exempt_has_client(f->set, &client, text, &match);
}

int main(int argc, char **argv)
{
    struct access_file f;
    char line[1024];

    if (argc != 3)
        return 2;
    enum exempt_kind kind = strcmp(argv[1], "clients") == 0 ? EXEMPT_CLIENTS : EXEMPT_RECIPIENTS;

    if (!access_file_open_as(&f, argv[2], &exempt_reader, kind)) {
        fprintf(stderr, "%s\n", f.refusal.data);
        return 1;
    }
    while (fgets(line, sizeof line, stdin))
        puts(has(&f, span_trim(span_of(line))) ? "1" : "0");
    access_file_close(&f);
    return 0;
}

/* tests/bench/bench_urls.c - how fast URLs are found: ordinary text, text full of links, and bombs; MB/s of each.
 *
 *     bench_urls [FILE]...     the same of files
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/content/url.h"
#include "tests/kit/url_pieces.h"

enum { BYTES = 10 * 1000 * 1000 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(const char *name, struct span text)
{
    struct urls urls = { 0 };
    struct arena a;
    double start = now();

    arena_init(&a, SIZE_MAX);
    urls_in_text(&a, &urls, text, URL_TEXT, SPAN(""));
    double s = now() - start;

    printf("%-34s %8.1f ms %8.0f MB/s %6zu URLs %6zu addresses%s %8zu KB kept\n", name, s * 1e3,
           (double)text.len / 1e6 / s, urls.count, urls.email_count, urls.is_cut ? ", cut" : "", a.used_bytes / 1024);
    arena_release(&a);
}

static void measure_piece(const char *name, const char *piece)
{
    char *text = malloc(BYTES);
    size_t len = strlen(piece);

    for (size_t i = 0; i < BYTES; i++)
        text[i] = piece[i % len];
    measure(name, span_make(text, BYTES));
    free(text);
}

static void measure_file(const char *path)
{
    char *text = malloc(BYTES);
    FILE *file = fopen(path, "rb");

    if (!file || !text)
        exit(1);
    measure(path, span_make(text, fread(text, 1, BYTES, file)));
    fclose(file);
    free(text);
}

int main(int argc, char **argv)
{
    static const char ordinary[] =
        "the quick brown fox jumps over the lazy dog and there is nothing to see here, and so on; he said.\n";

    for (int i = 1; i < argc; i++)
        measure_file(argv[i]);
    if (argc > 1)
        return 0;
    measure_piece("(ordinary text)", ordinary);
    for (size_t i = 0; i < COUNT(url_pieces); i++)
        measure_piece(url_pieces[i], url_pieces[i]);
    return 0;
}

/* tests/bench/bench_html.c - reading HTML: html_read(), and libxml2's SAX reader with callbacks that do nothing, in CPU
 * time of one core. usage: bench_html [FILE...]; without files, of what a mail is made of.
 */
#include <libxml/HTMLparser.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/content/html.h"
#include "gateway/content/html_token.h"

enum { LEAST_CPU_MS = 1000, CHUNK = 16384, FILES_MOST = 5000 };

static const char *const newsletter[] = {
    "<tr><td align=\"center\" valign=\"top\" style=\"padding:0 20px 10px 20px;font-family:Arial,Helvetica,sans-serif;"
    "font-size:14px;line-height:20px;color:#333333;background-color:#ffffff\">\n",
    "Dear reader, this week&rsquo;s offers are <b>better</b> than ever: have a look at what our authors wrote, and "
    "tell "
    "your friends about it. &nbsp; It costs nothing &amp; takes a minute.<br>\n",
    "<a href=\"https://www.example.com/click?u=1234567890&amp;id=abcdef&amp;e=0123456789\" style=\"color:#0066cc;"
    "text-decoration:none\" target=\"_blank\">Read more</a>\n",
    "<img src=\"https://img.example.com/news/header.png\" width=\"600\" height=\"120\" alt=\"Header\" "
    "style=\"display:block;border:0\"></td></tr>\n",
};
static const char *const word[] = {
    "<p class=MsoNormal style='margin-bottom:0cm'><span lang=EN-US style='font-size:11.0pt;font-family:\"Calibri\","
    "sans-serif'>The minutes of the meeting are attached, please send corrections by Friday.<o:p></o:p></span></p>\n",
    "<p class=MsoNormal><o:p>&nbsp;</o:p></p>\n",
};
static const char *const text[] = {
    "<p>On Monday somebody wrote that we should measure before we guess, and guess before we argue; nobody did, and so "
    "the argument went on until Tuesday, when the measurements came in and everybody had been wrong.</p>\n",
};

static int64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void read_own(struct span s)
{
    struct arena arena;

    arena_init(&arena, SIZE_MAX);
    html_read(&arena, s);
    arena_release(&arena);
}

static void read_tokens(struct span s)
{
    struct html_tokens tokens;
    struct html_token token;

    html_tokens_init(&tokens, s);
    while (html_tokens_next(&tokens, &token))
        ;
}

static void on_start(void *unused, const xmlChar *name, const xmlChar **attributes)
{
    (void)unused, (void)name, (void)attributes;
}

static void on_end(void *unused, const xmlChar *name)
{
    (void)unused, (void)name;
}

static void on_text(void *unused, const xmlChar *bytes, int length)
{
    (void)unused, (void)bytes, (void)length;
}

static void read_libxml2(struct span s)
{
    htmlSAXHandler sax = { .startElement = on_start, .endElement = on_end, .characters = on_text };
    htmlParserCtxtPtr parser = htmlCreatePushParserCtxt(&sax, NULL, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

    htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                                   HTML_PARSE_IGNORE_ENC);
    for (size_t i = 0; i < s.len; i += CHUNK)
        htmlParseChunk(parser, s.ptr + i, (int)(s.len - i < CHUNK ? s.len - i : CHUNK), 0);
    htmlParseChunk(parser, NULL, 0, 1);
    xmlFreeDoc(parser->myDoc);
    htmlFreeParserCtxt(parser);
}

static double rate(void (*reader)(struct span), const struct span *parts, size_t count)
{
    int64_t start = cpu_us(), now;
    double bytes = 0;

    do {
        for (size_t i = 0; i < count; i++) {
            reader(parts[i]);
            bytes += (double)parts[i].len;
        }
        now = cpu_us();
    } while (now - start < LEAST_CPU_MS * 1000);
    return bytes / (double)(now - start);
}

static void measure(const char *what, const struct span *parts, size_t count)
{
    double bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += (double)parts[i].len;
    printf("%-12s %5zu parts %10.0f bytes  own %4.0f MB/s (tokens alone %5.0f)   libxml2 %4.0f MB/s\n", what, count,
           bytes, rate(read_own, parts, count), rate(read_tokens, parts, count), rate(read_libxml2, parts, count));
    fflush(stdout);
}

static void measure_made(struct arena *a, const char *what, const char *const *lines, size_t count, size_t bytes)
{
    struct strbuf b;

    strbuf_init(&b, 64 << 20);
    for (size_t i = 0; b.len < bytes; i++)
        strbuf_puts(&b, lines[i % count]);
    struct span part = arena_copy(a, strbuf_span(&b));

    strbuf_release(&b);
    measure(what, &part, 1);
}

static struct span file_read(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    char *bytes = arena_alloc(a, 8 << 20);

    if (!f)
        BUG("%s cannot be read", path);
    size_t n = fread(bytes, 1, 8 << 20, f);

    fclose(f);
    struct span out = arena_copy(a, span_make(bytes, n));

    return out;
}

int main(int argc, char **argv)
{
    static struct span parts[FILES_MOST];
    struct arena arena;
    size_t count = 0;

    arena_init(&arena, SIZE_MAX);
    for (int i = 1; i < argc && count < FILES_MOST; i++) {
        struct arena one;

        arena_init(&one, SIZE_MAX);
        parts[count++] = arena_copy(&arena, file_read(&one, argv[i]));
        arena_release(&one);
    }
    if (count) {
        measure("files", parts, count);
    } else {
        measure_made(&arena, "newsletter", newsletter, COUNT(newsletter), 10000);
        measure_made(&arena, "newsletter", newsletter, COUNT(newsletter), 100000);
        measure_made(&arena, "word", word, COUNT(word), 100000);
        measure_made(&arena, "text", text, COUNT(text), 100000);
    }
    arena_release(&arena);
    return 0;
}

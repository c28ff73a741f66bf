/* cli/message_file.c - a message out of a file, as SMTP would have brought it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/cli/cli.h"

/* Files have LF where SMTP has CRLF. `last` is the byte before `text`. */
static void put_lines(struct strbuf *out, struct span text, char *last)
{
    while (text.len) {
        size_t lf = span_find(text, '\n');
        struct span line = lf == SPAN_NPOS ? text : span_first(text, lf);

        strbuf_put(out, line);
        if (line.len)
            *last = line.ptr[line.len - 1];
        if (lf == SPAN_NPOS)
            return;
        strbuf_puts(out, *last == '\r' ? "\n" : "\r\n");
        *last = '\n';
        text = span_skip(text, lf + 1);
    }
}

/* The line that an mbox file has before each message. */
static void drop_mbox_line(struct strbuf *out)
{
    if (span_starts(strbuf_span(out), SPAN("From ")) && span_find(strbuf_span(out), '\n') != SPAN_NPOS)
        strbuf_drop(out, span_find(strbuf_span(out), '\n') + 1);
}

ssize_t cli_read_piece(int fd, struct strbuf *out, char *last)
{
    char piece[65536];
    ssize_t n = read(fd, piece, sizeof piece);

    if (n > 0)
        put_lines(out, span_make(piece, (size_t)n), last);
    return n;
}

bool cli_read_file(const char *file, struct strbuf *out)
{
    int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    char last = '\n';
    ssize_t n = -1;

    strbuf_init(out, CLI_MESSAGE_BYTES_MAX);
    while (fd >= 0 && (n = cli_read_piece(fd, out, &last)) > 0)
        ;
    if (n < 0)
        fprintf(stderr, "postern: %s: %s\n", file, strerror(errno));
    else if (span_find(strbuf_span(out), '\0') != SPAN_NPOS)
        fprintf(stderr, "postern: %s has NUL bytes: over SMTP it would be refused unread, with 550\n", file);
    if (out->is_full)
        fprintf(stderr, "postern: %s: larger than %d MiB\n", file, CLI_MESSAGE_BYTES_MAX >> 20);
    if (fd > STDIN_FILENO)
        close(fd);
    return n == 0 && !out->is_full;
}

bool cli_read_message(const char *file, struct strbuf *out)
{
    bool is_read = cli_read_file(file, out);

    drop_mbox_line(out);
    return is_read;
}

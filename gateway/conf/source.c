/* conf/source.c - one file of configuration as tokens. */
#include "gateway/conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(struct conf_load *load, int fd, size_t size, struct span *out)
{
    char *bytes = arena_alloc(&load->scratch, size + 1);
    size_t got = 0;

    while (got <= size) { /* one byte more than it had: a file that grows meanwhile is cut, not trusted */
        ssize_t n = read(fd, bytes + got, size + 1 - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *out = span_make(bytes, got <= size ? got : size);
    return true;
}

static bool read_regular(struct conf_load *load, struct conf_place from, const char *path, int fd, struct source *out)
{
    struct stat st;

    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        load_fault(load, from, "%s is no regular file; name a file", path);
    } else if (st.st_size > CONF_FILE_BYTES_MOST) {
        load_fault(load, from, "%s has %lld bytes; at most 1 MiB: long lists belong into files of their own", path,
                   (long long)st.st_size);
    } else if (!read_all(load, fd, (size_t)st.st_size, &out->text)) {
        load_fault(load, from, "%s cannot be read (%s); check the disk", path, strerror(errno));
    } else {
        out->dev = st.st_dev;
        out->ino = st.st_ino;
        return true;
    }
    return false;
}

bool source_read(struct conf_load *load, struct conf_place from, const char *path, struct source *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *out = (struct source){ .name = path, .line = 1 };
    if (fd < 0) {
        load_fault(load, from, "%s cannot be opened (%s); check its name and its permissions", path, strerror(errno));
        return false;
    }
    bool is_read = read_regular(load, from, path, fd, out);

    close(fd);
    return is_read;
}

bool source_check(struct conf_load *load, const struct source *source)
{
    unsigned line = 1;

    for (size_t i = 0; i < source->text.len; i++) {
        unsigned char c = (unsigned char)source->text.ptr[i];

        if (c == '\n')
            line++;
        else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
            load_fault(load, (struct conf_place){ source->name, line },
                       "a control character (0x%02x) stands here; remove it: configuration is plain text", c);
            return false;
        }
    }
    return true;
}

static char peek(const struct source *s, size_t ahead)
{
    return s->pos + ahead < s->text.len ? s->text.ptr[s->pos + ahead] : '\0';
}

static bool is_word_byte(char c)
{
    return ascii_is_alnum(c) || (c && strchr("_.:/@%-", c));
}

/* Over a comment in C's style; false when it has no end. */
static bool skip_block_comment(struct source *s)
{
    size_t end = span_search(span_skip(s->text, s->pos + 2), SPAN("*/"));

    if (end == SPAN_NPOS)
        return false;
    for (size_t stop = s->pos + 2 + end + 2; s->pos < stop; s->pos++)
        s->line += s->text.ptr[s->pos] == '\n';
    return true;
}

static void skip_line(struct source *s)
{
    size_t n = span_find(span_skip(s->text, s->pos), '\n');

    s->pos = n == SPAN_NPOS ? s->text.len : s->pos + n;
}

/* Over blanks and comments; false when a comment has no end. */
static bool skip_blanks(struct source *s)
{
    if (s->pos == 0 && span_starts(s->text, SPAN("\xef\xbb\xbf")))
        s->pos = 3; /* a byte order mark, as some editors leave it */
    while (s->pos < s->text.len) {
        char c = peek(s, 0);

        if (c == '\n' || ascii_is_wsp(c) || c == '\r') {
            s->line += c == '\n';
            s->pos++;
        } else if (c == '#' || (c == '/' && peek(s, 1) == '/')) {
            skip_line(s);
        } else if (c == '/' && peek(s, 1) == '*') {
            if (!skip_block_comment(s))
                return false;
        } else {
            break;
        }
    }
    return true;
}

/* What libconfuse makes of a string must be what its writer sees: no surprise by escapes and variables. */
static const char *odd_in_string(struct span s, size_t i, char quote)
{
    char c = s.ptr[i], after = i + 1 < s.len ? s.ptr[i + 1] : '\0';

    if (quote == '\'')
        return NULL;
    if (c == '$' && after == '{')
        return "\"${\" has no meaning here; write {env:NAME} for an environment variable, or use single quotes";
    if (c == '\\' && (!after || !strchr("\"\\nrt", after)))
        return "a backslash stands before none of \\ \" n r t; write \\\\ for a backslash, or use single quotes";
    return NULL;
}

static struct token bad(struct conf_load *load, struct conf_place at, const char *what)
{
    load_fault(load, at, "%s", what);
    load->is_hopeless = true;
    return (struct token){ .kind = TOKEN_BAD, .at = at };
}

static struct token value(struct conf_load *load, struct source *s, enum token_kind kind, size_t len)
{
    struct conf_place at = { s->name, s->line };
    struct span text = span_first(span_skip(s->text, s->pos), len);

    if (len > CONF_VALUE_BYTES_MOST)
        return bad(load, at, "a value has more than 8192 bytes; shorten it, or put it into a file");
    s->pos += len;
    return (struct token){ kind, text, at };
}

static struct token read_string(struct conf_load *load, struct source *s)
{
    struct conf_place at = { s->name, s->line };
    struct span rest = span_skip(s->text, s->pos);
    char quote = rest.ptr[0];

    for (size_t i = 1; i < rest.len && rest.ptr[i] != '\n'; i++) {
        const char *what = odd_in_string(rest, i, quote);

        if (what)
            return bad(load, at, what);
        if (rest.ptr[i] == quote)
            return value(load, s, TOKEN_STRING, i + 1);
        if (rest.ptr[i] == '\\' && i + 1 < rest.len && rest.ptr[i + 1] != '\n')
            i++;
    }
    return bad(load, at,
               "a string does not end on its line; write the closing quote (\\n inside \"...\" is a new line)");
}

static struct token bad_character(struct conf_load *load, struct conf_place at, char c)
{
    if (c == ';')
        return bad(load, at, "there is no ';' in this language; write each key on a line of its own");
    if (c == '+')
        return bad(load, at, "there is no '+' in this language; write a list in one place, with '='");
    if (c < 0x20 || c > 0x7e)
        return bad(load, at, "a character other than ASCII stands outside of quotes; write the value in \"...\"");
    return bad(load, at, arena_printf(&load->scratch, "'%c' stands outside of quotes; write the value in \"...\"", c));
}

struct token source_next(struct conf_load *load, struct source *s)
{
    if (!skip_blanks(s))
        return bad(load, (struct conf_place){ s->name, s->line }, "a comment has no end; write */ where it ends");
    struct conf_place at = { s->name, s->line };
    struct span rest = span_skip(s->text, s->pos);
    size_t n = 0;

    if (!rest.len)
        return (struct token){ .kind = TOKEN_END, .at = at };
    if (rest.ptr[0] == '"' || rest.ptr[0] == '\'')
        return read_string(load, s);
    if (strchr("{}()=,", rest.ptr[0])) {
        s->pos++;
        return (struct token){ TOKEN_MARK, span_first(rest, 1), at };
    }
    while (n < rest.len && is_word_byte(rest.ptr[n]))
        n++;
    if (!n)
        return bad_character(load, at, rest.ptr[0]);
    if (n < rest.len && rest.ptr[n] == '#')
        return bad(load, at, "'#' stands right behind a word; write a blank before a comment, or the value in \"...\"");
    return value(load, s, TOKEN_WORD, n);
}

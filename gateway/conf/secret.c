/* conf/secret.c - {file:/path} and {env:NAME} inside of values. */
#include "gateway/conf/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/conf/value.h"

static const char *line_of_file(struct conf_load *load, const char *path, struct span *out)
{
    struct arena *a = &load->scratch;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return arena_printf(a, "the secret's file %s cannot be opened (%s); check its name and its permissions", path,
                            strerror(errno));
    char *bytes = arena_alloc(a, CONF_SECRET_BYTES_MOST + 1);
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, bytes, CONF_SECRET_BYTES_MOST + 1) : -1;

    close(fd);
    if (n < 0)
        return arena_printf(a, "the secret's file %s cannot be read; name a regular file", path);
    struct span rest = span_make(bytes, (size_t)n), line = { 0 };

    span_cut(&rest, '\n', &line);
    *out = span_trim(line);
    if (line.len > CONF_SECRET_BYTES_MOST)
        return arena_printf(a, "the first line of %s has more than %d bytes; a secret is shorter", path,
                            CONF_SECRET_BYTES_MOST);
    if (!out->len || span_find(*out, '\0') != SPAN_NPOS)
        return arena_printf(a, "the first line of %s holds no secret; write it there", path);
    load_add_file(load, path);
    return NULL;
}

static const char *from_environment(struct arena *a, struct span name, struct span *out)
{
    const char *value = getenv(arena_dup(a, name));

    if (!value)
        return arena_printf(a, "the environment has no variable %.*s; set it, or name a file with {file:/path}",
                            SPAN_ARG(name));
    *out = span_of(value);
    return NULL;
}

/* One reference, from behind its brace up to the closing one. */
static const char *refer(struct conf_load *load, const char *beside, struct span what, struct span *out)
{
    if (span_starts(what, SPAN("file:")))
        return line_of_file(load, conf_beside(&load->scratch, beside, span_skip(what, 5)), out);
    return from_environment(&load->scratch, span_skip(what, 4), out);
}

static size_t next_reference(struct span s)
{
    size_t file = span_search(s, SPAN("{file:")), env = span_search(s, SPAN("{env:"));

    return file < env ? file : env;
}

const char *secret_expand(struct conf_load *load, const char *beside, const char *text, bool *is_secret,
                          const char **what)
{
    struct span rest = span_of(text);
    struct strbuf whole;
    size_t at;

    strbuf_init(&whole, CONF_FILE_BYTES_MOST);
    while (!*what && (at = next_reference(rest)) != SPAN_NPOS) {
        struct span value = { 0 };
        size_t end = span_find(span_skip(rest, at), '}');

        *is_secret = true;
        if (end == SPAN_NPOS) {
            *what = "a reference has no end; write {file:/path} or {env:NAME}";
            break;
        }
        strbuf_put(&whole, span_first(rest, at));
        *what = refer(load, beside, span_first(span_skip(rest, at + 1), end - 1), &value);
        strbuf_put(&whole, value);
        rest = span_skip(rest, at + end + 1);
    }
    strbuf_put(&whole, rest);
    if (whole.is_full && !*what)
        *what = "the value is longer than 1 MiB; shorten it";
    const char *copy = arena_dup(load->arena, strbuf_span(&whole));

    strbuf_release(&whole);
    return copy;
}

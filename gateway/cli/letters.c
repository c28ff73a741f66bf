/* cli/letters.c - the messages in files, Maildirs, folders and mailboxes, one by one. */
#include "gateway/cli/letters.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/cli.h"

enum { PATH_BYTES_MAX = 4096 };

/* ---- mailboxes ---- */

/* ">From " at the beginning of a line was "From ". */
static void put_unquoted(struct strbuf *out, struct span text)
{
    while (text.len) {
        size_t end = span_find(text, '\n'), quotes = 0;
        struct span line = end == SPAN_NPOS ? text : span_first(text, end + 1);

        while (quotes < line.len && line.ptr[quotes] == '>')
            quotes++;
        if (quotes && span_starts(span_skip(line, quotes), SPAN("From ")))
            strbuf_put(out, span_skip(line, 1));
        else
            strbuf_put(out, line);
        text = span_skip(text, line.len);
    }
}

/* Where the next message of an mbox begins: a "From " after an empty line. */
static size_t next_from(struct span rest)
{
    size_t at = span_search(rest, SPAN("\r\n\r\nFrom "));

    return at == SPAN_NPOS ? rest.len : at + 4;
}

bool letters_of(struct span file, letter_fn *fn, void *arg)
{
    struct strbuf letter;
    bool goes_on = true;

    if (!span_starts(file, SPAN("From ")))
        return !file.len || fn(arg, file);
    strbuf_init(&letter, CLI_MESSAGE_BYTES_MAX);
    while (goes_on && file.len) {
        size_t end = next_from(file), line = span_find(file, '\n');

        strbuf_clear(&letter);
        if (line != SPAN_NPOS && line + 1 <= end)
            put_unquoted(&letter, span_skip(span_first(file, end), line + 1));
        if (letter.len)
            goes_on = fn(arg, strbuf_span(&letter));
        file = span_skip(file, end);
    }
    strbuf_release(&letter);
    return goes_on;
}

/* ---- folders ---- */

/* In a Maildir mail is in cur and new; what lies beside them is its server's. */
static bool is_mail(const FTSENT *e)
{
    const FTSENT *folder = e->fts_parent;
    char beside[PATH_BYTES_MAX];

    if (e->fts_level == 0)
        return true;
    if (e->fts_name[0] == '.' || strcmp(folder->fts_name, "tmp") == 0)
        return false;
    if (strcmp(folder->fts_name, "cur") == 0 || strcmp(folder->fts_name, "new") == 0)
        return true;
    int len = snprintf(beside, sizeof beside, "%.*s/cur", (int)(e->fts_pathlen - e->fts_namelen - 1), e->fts_path);

    return len < (int)sizeof beside && access(beside, F_OK) != 0;
}

struct reading {
    letter_fn *fn;
    letters_seen_fn *seen;
    void *arg;
    uint64_t bytes;
    bool is_good, goes_on;
};

static void read_file(struct reading *r, const char *path)
{
    struct strbuf bytes;

    if (!cli_read_file(path, &bytes))
        r->is_good = false;
    else
        r->goes_on = letters_of(strbuf_span(&bytes), r->fn, r->arg);
    strbuf_release(&bytes);
}

/* All files under `paths`: with `r` they are read, else their bytes are added up. */
static uint64_t walk(char *const *paths, struct reading *r)
{
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    uint64_t bytes = 0;
    FTSENT *e;

    while (tree && (!r || r->goes_on) && (e = fts_read(tree))) {
        bool is_file = e->fts_info == FTS_F || (e->fts_level == 0 && e->fts_info == FTS_DEFAULT);

        if (r && (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)) {
            fprintf(stderr, "postern: %s: %s\n", e->fts_path, strerror(e->fts_errno));
            r->is_good = false;
        }
        if (!is_file || !is_mail(e))
            continue;
        if (r)
            read_file(r, e->fts_accpath);
        if (e->fts_statp && e->fts_info == FTS_F)
            bytes += (uint64_t)e->fts_statp->st_size;
        if (r && r->seen)
            r->seen(r->arg, r->bytes + bytes);
    }
    if (tree)
        fts_close(tree);
    return bytes;
}

uint64_t letters_bytes(char *const *paths)
{
    uint64_t bytes = 0;

    for (; *paths; paths++) {
        char *one[] = { *paths, NULL };

        if (strcmp(*paths, "-") == 0)
            return 0;
        bytes += walk(one, NULL);
    }
    return bytes;
}

bool letters_read(char *const *paths, letter_fn *fn, letters_seen_fn *seen, void *arg)
{
    struct reading r = { .fn = fn, .seen = seen, .arg = arg, .is_good = true, .goes_on = true };

    for (; *paths && r.goes_on; paths++) {
        char *one[] = { *paths, NULL };

        if (strcmp(*paths, "-") == 0)
            read_file(&r, "-");
        else
            r.bytes += walk(one, &r);
    }
    return r.is_good;
}

/* cli/letters.c - the messages in files, Maildirs, folders and mailboxes, one by one. */
#include "gateway/cli/letters.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/cli.h"

enum { PATH_BYTES_MAX = 4096 };

_Static_assert(CLI_MESSAGE_BYTES_MAX == 512 << 20, "it is told as 512 MiB");

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

/* What has been read of an mbox, one or more messages, of which only the last may be there in part. */
struct mbox {
    struct strbuf bytes, letter;
    size_t at;       /* the first byte that was not given */
    size_t searched; /* in which no message begins behind it */
};

/* False: fn has had enough. */
static bool give(struct mbox *box, size_t end, letter_fn *fn, void *arg)
{
    struct span whole = span_skip(span_first(strbuf_span(&box->bytes), end), box->at);
    size_t line = span_find(whole, '\n');

    strbuf_clear(&box->letter);
    if (line != SPAN_NPOS)
        put_unquoted(&box->letter, span_skip(whole, line + 1));
    box->at = box->searched = end;
    return !box->letter.len || fn(arg, strbuf_span(&box->letter));
}

/* Those that are there as a whole: the next one begins with a "From " after an empty line. */
static bool give_all(struct mbox *box, letter_fn *fn, void *arg)
{
    const struct span mark = SPAN("\r\n\r\nFrom ");
    bool goes_on = true;

    while (goes_on) {
        size_t found = span_search(span_skip(strbuf_span(&box->bytes), box->searched), mark);

        if (found == SPAN_NPOS)
            break;
        goes_on = give(box, box->searched + found + 4, fn, arg);
    }
    strbuf_drop(&box->bytes, box->at);
    box->at = 0;
    box->searched = box->bytes.len > mark.len ? box->bytes.len - mark.len : 0;
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

static void tell_failure(struct reading *r, const char *path, const char *why)
{
    fprintf(stderr, "postern: %s: %s\n", strcmp(path, "-") == 0 ? "standard input" : path, why);
    r->is_good = false;
}

/* The whole file, or one message of an mbox after the other. */
static void read_letters(struct reading *r, int fd, const char *path, struct mbox *box)
{
    const struct span from = SPAN("From ");
    bool is_mailbox = false;
    char last = '\n';
    ssize_t n = 0;

    while (r->goes_on && (n = cli_read_piece(fd, &box->bytes, &last)) > 0 && !box->bytes.is_full) {
        is_mailbox = is_mailbox || span_starts(strbuf_span(&box->bytes), from);
        if (is_mailbox)
            r->goes_on = give_all(box, r->fn, r->arg);
    }
    if (!r->goes_on)
        return;
    if (box->bytes.is_full || n < 0)
        tell_failure(r, path, n < 0 ? strerror(errno) : "a message of it is larger than 512 MiB");
    else if (is_mailbox)
        r->goes_on = give(box, box->bytes.len, r->fn, r->arg);
    else if (box->bytes.len)
        r->goes_on = r->fn(r->arg, strbuf_span(&box->bytes));
}

static void read_file(struct reading *r, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct mbox box = { .at = 0 };

    if (fd < 0) {
        tell_failure(r, path, strerror(errno));
        return;
    }
    strbuf_init(&box.bytes, CLI_MESSAGE_BYTES_MAX);
    strbuf_init(&box.letter, CLI_MESSAGE_BYTES_MAX);
    read_letters(r, fd, path, &box);
    strbuf_release(&box.bytes);
    strbuf_release(&box.letter);
    if (!is_stdin)
        close(fd);
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

/* mail/access_file.c - an access_set that is kept in a file. */
#include "gateway/mail/access_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"

enum { REFUSAL_BYTES_MOST = 4096, FAULTS_MOST = 5, BYTES_PER_ENTRY = 8, PIECE_BYTES = 65536 };

struct access_reading {
    int fd;
    struct access_stamp stamp;
    void *set;
    struct strbuf rest; /* of a line that is not complete yet */
    unsigned line, faults;
    struct strbuf joined; /* of an entry that may go on */
    unsigned joined_line;
};

/* ---- access sets ---- */

static void *set_make(int kind, size_t expected)
{
    return access_set_new((enum access_kind)kind, expected);
}

static void set_free(void *set)
{
    access_set_free(set);
}

/* Without the comment: a local part may hold `#`, so one counts only in front or behind a blank. */
static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || ascii_is_wsp(line.ptr[i - 1])))
            return span_first(line, i);
    return line;
}

struct span access_entry_of(struct span line)
{
    return span_trim(without_comment(line));
}

static const char *set_add(void *set, struct span line, unsigned number)
{
    struct span entry = access_entry_of(line), rest = entry, word;

    if (!span_word(&rest, &word))
        return NULL;
    return rest.len ? "has something behind its first word; write one entry a line"
                    : access_set_add(set, entry, number);
}

static const struct access_reader set_reader = { .make = set_make, .add = set_add, .free = set_free };

/* ---- files ---- */

static struct access_stamp stamp_of(const struct stat *st)
{
    return (struct access_stamp){ st->st_dev, st->st_ino, st->st_size, st->st_mtim };
}

static bool is_same(const struct access_stamp *a, const struct access_stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static void refuse(struct access_file *f, const char *what, const char *why)
{
    strbuf_clear(&f->refusal);
    strbuf_putf(&f->refusal, "%s %s (%s)", f->path, what, why);
}

/* Opens the file for reading; false when that cannot be done, and f->refusal says why. */
static bool reading_open(struct access_file *f)
{
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    strbuf_clear(&f->refusal);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        refuse(f, "cannot be opened", fd < 0 ? strerror(errno) : "it is no regular file");
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (st.st_size > ACCESS_FILE_BYTES_MOST) {
        refuse(f, "cannot be taken", "it has more than 64 MiB");
        f->stamp = stamp_of(&st);
        close(fd);
        return false;
    }
    struct access_reading *r = mem_alloc(sizeof *r);

    *r = (struct access_reading){ .fd = fd, .stamp = stamp_of(&st) };
    r->set = f->reader->make(f->kind, (size_t)st.st_size / BYTES_PER_ENTRY);
    strbuf_init(&r->rest, PIECE_BYTES + ACCESS_LINE_MOST + 2);
    strbuf_init(&r->joined, ACCESS_LINE_MOST + 2);
    f->reading = r;
    return true;
}

static void reading_drop(struct access_file *f)
{
    if (!f->reading)
        return;
    close(f->reading->fd);
    f->reader->free(f->reading->set);
    strbuf_release(&f->reading->rest);
    strbuf_release(&f->reading->joined);
    free(f->reading);
    f->reading = NULL;
}

static void fault(struct access_file *f, unsigned number, struct span line, const char *wrong)
{
    struct access_reading *r = f->reading;

    if (r->faults++ >= FAULTS_MOST)
        return;
    strbuf_putf(&f->refusal, "%s%s:%u: \"", f->refusal.len ? "\n" : "", f->path, number);
    strbuf_put_escaped(&f->refusal, line, 80);
    strbuf_putf(&f->refusal, "\" %s", wrong);
}

/* An entry that is whole now. */
static void take_joined(struct access_file *f)
{
    struct access_reading *r = f->reading;
    struct span entry = strbuf_span(&r->joined);
    const char *wrong = NULL;

    if (!entry.len)
        return;
    if (r->joined.is_full)
        wrong = "and what follows it is longer than 1024 bytes; shorten it";
    else
        wrong = f->reader->add(r->set, entry, r->joined_line);
    if (wrong)
        fault(f, r->joined_line, entry, wrong);
    strbuf_clear(&r->joined);
}

static void join_line(struct access_file *f, struct span line)
{
    struct access_reading *r = f->reading;
    struct span text = span_trim(line);

    if (!text.len || text.ptr[0] == '#')
        return;
    if (ascii_is_wsp(line.ptr[0]) && r->joined.len) {
        strbuf_putc(&r->joined, ' ');
        strbuf_put(&r->joined, text);
        return;
    }
    take_joined(f);
    strbuf_put(&r->joined, text);
    r->joined_line = r->line;
}

static void take_line(struct access_file *f, struct span line)
{
    struct access_reading *r = f->reading;

    r->line++;
    if (line.len > ACCESS_LINE_MOST) {
        fault(f, r->line, line, "is longer than 1024 bytes; write one entry a line");
        return;
    }
    if (r->line == 1 && span_starts(line, SPAN("\xef\xbb\xbf")))
        line = span_skip(line, 3);
    const char *wrong = NULL;

    if (f->reader->joins_lines)
        join_line(f, line);
    else
        wrong = f->reader->add(r->set, line, r->line);
    if (wrong)
        fault(f, r->line, span_trim(line), wrong);
}

static void take_lines(struct access_file *f, bool is_end)
{
    struct access_reading *r = f->reading;
    struct span rest = strbuf_span(&r->rest), line;
    size_t used = 0, end;

    while ((end = span_find(rest, '\n')) != SPAN_NPOS) {
        line = span_first(rest, end);
        take_line(f, line);
        rest = span_skip(rest, end + 1);
        used += end + 1;
    }
    if (rest.len && (is_end || rest.len > ACCESS_LINE_MOST)) {
        take_line(f, rest);
        used += rest.len;
        r->line -= !is_end; /* what still comes belongs to the same line: it is a fault again, or empty */
    }
    strbuf_drop(&r->rest, used);
}

/* One piece more; false at the end of the file. */
static bool read_piece(struct access_file *f)
{
    struct access_reading *r = f->reading;
    char *to = strbuf_room(&r->rest, PIECE_BYTES);
    ssize_t n = to ? read(r->fd, to, PIECE_BYTES) : 0;

    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0) {
        r->faults++;
        refuse(f, "cannot be read", strerror(errno));
        return false;
    }
    r->rest.len += (size_t)n;
    if (r->rest.data)
        r->rest.data[r->rest.len] = '\0';
    take_lines(f, n == 0);
    return n > 0;
}

/* The file has been read to its end: it is in force now, or refused, or was changed meanwhile and is read again. */
static bool reading_finish(struct access_file *f)
{
    struct access_reading *r = f->reading;
    struct stat st;
    struct access_stamp now = { 0 };

    take_joined(f);
    bool is_good = r->faults == 0;

    if (fstat(r->fd, &st) == 0)
        now = stamp_of(&st);
    if (f->set && !is_same(&now, &r->stamp)) {
        strbuf_clear(&f->refusal);
        reading_drop(f);
        return false;
    }
    if (r->faults > FAULTS_MOST)
        strbuf_putf(&f->refusal, "\nand %u more", r->faults - FAULTS_MOST);
    f->stamp = r->stamp;
    if (is_good) {
        if (f->keeps_replaced)
            f->replaced = f->set;
        else
            f->reader->free(f->set);
        f->set = r->set;
        r->set = NULL;
    }
    reading_drop(f);
    return is_good;
}

bool access_file_open(struct access_file *f, const char *path, enum access_kind kind)
{
    return access_file_open_as(f, path, &set_reader, kind);
}

bool access_file_open_as(struct access_file *f, const char *path, const struct access_reader *reader, int kind)
{
    *f = (struct access_file){ .path = path, .reader = reader, .kind = kind };
    strbuf_init(&f->refusal, REFUSAL_BYTES_MOST);
    if (!reading_open(f))
        return false;
    f->seen = f->reading->stamp;
    while (read_piece(f))
        ;
    return reading_finish(f);
}

void access_file_close(struct access_file *f)
{
    reading_drop(f);
    if (f->set)
        f->reader->free(f->set);
    f->set = NULL;
    strbuf_release(&f->refusal);
}

/* Whether there is a version that we have not read, and that nobody writes any more. */
static bool has_changed(struct access_file *f)
{
    struct stat st;
    struct access_stamp now = { 0 };

    if (stat(f->path, &st)) {
        refuse(f, "cannot be looked at", strerror(errno));
        f->stamp = now; /* should the very same come back, it is read again, and the refusal is over */
        f->seen = now;
        return false;
    }
    now = stamp_of(&st);
    bool stands_still = is_same(&now, &f->seen);

    f->seen = now;
    return stands_still && !is_same(&now, &f->stamp);
}

bool access_file_look(struct access_file *f, size_t bytes)
{
    if (!f->reading && (!has_changed(f) || !reading_open(f)))
        return false;
    for (size_t done = 0; done < bytes; done += PIECE_BYTES)
        if (!read_piece(f))
            return reading_finish(f);
    return false;
}

/* FNV-1a; 0 is nothing. */
static uint64_t digest_of(struct span text)
{
    uint64_t h = 14695981039346656037U;

    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.ptr[i]) * 1099511628211U;
    return text.len ? h | 1 : 0;
}

struct span access_file_complaint(struct access_file *f)
{
    struct span rest = strbuf_span(&f->refusal), first = { 0 };
    uint64_t digest = digest_of(rest);

    if (f->reading || digest == f->told)
        return first;
    f->told = digest;
    span_cut(&rest, '\n', &first);
    return first;
}

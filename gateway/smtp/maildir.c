/* smtp/maildir.c - delivery into a Maildir. */
#include "gateway/smtp/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"

enum { BUFFER_BYTES = 65536, NAME_TRIES = 100, ENVELOPE_MOST = 1 << 20 };

/* One delivery under way. */
struct delivery {
    int dir, tmp, new; /* descriptors of the Maildir and of its two directories */
    int file;
    char name[MAILDIR_NAME_MAX];
    char *buffer;
    size_t used;
    bool held_cr; /* the last byte was a CR: it goes when an LF follows */
    const char *failed_at;
};

static enum fault fail(char *error, const char *what, const char *path)
{
    snprintf(error, MAILDIR_ERROR_MAX, "%s %.200s: %s", what, path, strerror(errno));
    return FAULT_IO;
}

enum fault maildir_prepare(const char *path, char *error)
{
    static const char *const parts[] = { "", "/tmp", "/new", "/cur" };
    char full[4096];

    for (size_t i = 0; i < COUNT(parts); i++) {
        struct stat st;

        if ((size_t)snprintf(full, sizeof full, "%s%s", path, parts[i]) >= sizeof full) {
            errno = ENAMETOOLONG;
            return fail(error, "cannot make", path);
        }
        if (mkdir(full, 0700) != 0 && errno != EEXIST)
            return fail(error, "cannot make", full);
        if (stat(full, &st) != 0)
            return fail(error, "cannot look at", full);
        if (!S_ISDIR(st.st_mode)) {
            errno = ENOTDIR;
            return fail(error, "cannot use", full);
        }
    }
    return FAULT_NONE;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool flush(struct delivery *d)
{
    size_t len = d->used;

    d->used = 0;
    return write_all(d->file, d->buffer, len);
}

static bool put(struct delivery *d, const char *bytes, size_t len)
{
    while (len) {
        size_t room = BUFFER_BYTES - d->used, n = len < room ? len : room;

        memcpy(d->buffer + d->used, bytes, n);
        d->used += n;
        bytes += n;
        len -= n;
        if (d->used == BUFFER_BYTES && !flush(d))
            return false;
    }
    return true;
}

/* CRLF becomes LF, also where a piece ends between the two; every other byte stays. */
static bool put_lines(struct delivery *d, struct span s)
{
    while (s.len) {
        if (d->held_cr && *s.ptr != '\n' && !put(d, "\r", 1))
            return false;
        d->held_cr = false;
        size_t cr = span_find(s, '\r');

        if (cr == SPAN_NPOS)
            return put(d, s.ptr, s.len);
        if (!put(d, s.ptr, cr))
            return false;
        d->held_cr = true;
        s = span_skip(s, cr + 1);
    }
    return true;
}

static bool put_envelope(struct delivery *d, const struct session *session)
{
    struct strbuf b;

    strbuf_init(&b, ENVELOPE_MOST);
    strbuf_putf(&b, "Return-Path: <%.*s>\n", SPAN_ARG(session->mail_from.text));
    for (size_t i = 0; i < session->recipient_count; i++)
        strbuf_putf(&b, "Delivered-To: %.*s\n", SPAN_ARG(session->recipients[i].address.text));
    bool is_put = put(d, strbuf_span(&b).ptr, b.len);

    strbuf_release(&b);
    return is_put;
}

/* Time, our id, host name: the id is random enough to be unique; a taken name is tried again with a number. */
static bool make_file(struct delivery *d, const struct session *session)
{
    char host[65];
    size_t n = 0;

    for (const char *h = session->hostname; *h && n < sizeof host - 1; h++)
        host[n++] = *h == '/' || *h == ':' ? '_' : *h;
    host[n] = '\0';
    for (unsigned i = 0; i < NAME_TRIES; i++) {
        if (i)
            snprintf(d->name, sizeof d->name, "%" PRId64 ".%s_%u.%s", session->started_wall_ms / 1000, session->id, i,
                     host);
        else
            snprintf(d->name, sizeof d->name, "%" PRId64 ".%s.%s", session->started_wall_ms / 1000, session->id, host);
        d->file = openat(d->tmp, d->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (d->file >= 0 || errno != EEXIST)
            break;
    }
    return d->file >= 0;
}

/* A link fails when the name is taken, where a rename would put the old message away. File systems without links
 * have to take the rename. */
static bool publish(struct delivery *d)
{
    if (linkat(d->tmp, d->name, d->new, d->name, 0) == 0) {
        unlinkat(d->tmp, d->name, 0); /* left over, it is swept away by any Maildir reader after 36 hours */
        return true;
    }
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return false;
    return renameat(d->tmp, d->name, d->new, d->name) == 0;
}

static bool open_directories(struct delivery *d, const char *path)
{
    d->failed_at = "opening";
    d->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->dir < 0)
        return false;
    d->tmp = openat(d->dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    d->new = openat(d->dir, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return d->tmp >= 0 && d->new >= 0;
}

static bool store(struct delivery *d, const struct session *session, const struct pieces *message)
{
    d->failed_at = "creating a file in";
    if (!make_file(d, session))
        return false;
    d->failed_at = "writing to";
    bool is_put = put_envelope(d, session);

    for (size_t i = 0; i < message->count && is_put; i++)
        is_put = put_lines(d, message->items[i]);
    if (is_put && d->held_cr)
        is_put = put(d, "\r", 1);
    if (!is_put || !flush(d))
        return false;
    d->failed_at = "flushing a file in";
    if (fsync(d->file) != 0)
        return false;
    d->failed_at = "moving a message in";
    if (!publish(d))
        return false;
    d->failed_at = "flushing";
    if (fsync(d->new) == 0)
        return true;
    int kept = errno;

    unlinkat(d->new, d->name, 0); /* or it would be here, and come again */
    errno = kept;
    return false;
}

static void close_all(struct delivery *d)
{
    const int fds[] = { d->file, d->new, d->tmp, d->dir };

    for (size_t i = 0; i < COUNT(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(d->buffer);
}

enum fault maildir_write(const char *path, const struct session *session, const struct pieces *message, char *name,
                         char *error)
{
    struct delivery d = { .dir = -1, .tmp = -1, .new = -1, .file = -1, .buffer = mem_alloc(BUFFER_BYTES) };
    enum fault fault = FAULT_NONE;

    if (!open_directories(&d, path) || !store(&d, session, message)) {
        fault = fail(error, d.failed_at, path);
        if (d.file >= 0)
            unlinkat(d.tmp, d.name, 0);
    } else {
        snprintf(name, MAILDIR_NAME_MAX, "%s", d.name);
    }
    close_all(&d);
    return fault;
}

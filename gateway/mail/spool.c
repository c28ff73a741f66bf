/* mail/spool.c - a message's bytes: memory first, then an unlinked file that is mapped when it is complete.
 *
 * The file has no name from the start (O_TMPFILE, or unlinked at once), so that a crash leaves nothing behind.
 */
#include "gateway/mail/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"

enum { SPOOL_WRITE_BYTES = 256 * 1024 };

struct spool {
    const char *directory;
    struct strbuf memory; /* all of it, or what is not yet written */
    size_t memory_most_bytes, size_most_bytes;
    size_t bytes;   /* put so far, kept or not */
    size_t written; /* to the file */
    unsigned more_owners;
    int fd;
    enum fault fault;
    void *map;
};

struct spool *spool_new(const char *directory, size_t memory_most_bytes, size_t size_most_bytes)
{
    struct spool *s = mem_alloc(sizeof *s);

    *s = (struct spool){
        .directory = directory, .memory_most_bytes = memory_most_bytes, .size_most_bytes = size_most_bytes, .fd = -1
    };
    strbuf_init(&s->memory, memory_most_bytes + SPOOL_WRITE_BYTES);
    return s;
}

void spool_free(struct spool *s)
{
    if (!s || s->more_owners--)
        return;
    if (s->map)
        munmap(s->map, s->written);
    if (s->fd >= 0)
        close(s->fd);
    strbuf_release(&s->memory);
    free(s);
}

struct spool *spool_hold(struct spool *s)
{
    s->more_owners++;
    return s;
}

static int open_unlinked(const char *directory)
{
    char path[4096];
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if (snprintf(path, sizeof path, "%s/spool.XXXXXX", directory) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static enum fault write_all(struct spool *s, struct span bytes)
{
    while (bytes.len) {
        ssize_t n = write(s->fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAULT_IO;
        bytes = span_skip(bytes, (size_t)n);
        s->written += (size_t)n;
    }
    return FAULT_NONE;
}

static enum fault flush(struct spool *s)
{
    if (s->fd < 0)
        s->fd = open_unlinked(s->directory);
    if (s->fd < 0)
        return FAULT_IO;
    enum fault fault = write_all(s, strbuf_span(&s->memory));

    strbuf_clear(&s->memory);
    return fault;
}

static enum fault give_up(struct spool *s, enum fault fault)
{
    strbuf_release(&s->memory);
    s->fault = fault;
    return fault;
}

static enum fault put_piece(struct spool *s, struct span bytes)
{
    size_t most = s->fd >= 0 ? SPOOL_WRITE_BYTES : s->memory_most_bytes;

    if (s->memory.len + bytes.len > most) {
        enum fault fault = flush(s);

        if (fault)
            return fault;
        if (bytes.len > SPOOL_WRITE_BYTES)
            return write_all(s, bytes);
    }
    strbuf_put(&s->memory, bytes);
    return s->memory.is_full ? FAULT_FULL : FAULT_NONE;
}

enum fault spool_put(struct spool *s, struct span bytes)
{
    if (s->map)
        BUG("a sealed spool is written to");
    s->bytes += bytes.len;
    if (s->fault)
        return s->fault;
    if (s->bytes > s->size_most_bytes)
        return s->fault = FAULT_FULL;
    enum fault fault = put_piece(s, bytes);

    return fault ? give_up(s, fault) : FAULT_NONE;
}

size_t spool_bytes(const struct spool *s)
{
    return s->bytes;
}

bool spool_is_file(const struct spool *s)
{
    return s->fd >= 0;
}

enum fault spool_seal(struct spool *s, struct span *out)
{
    if (s->fault)
        return s->fault;
    if (s->fd < 0) {
        *out = strbuf_span(&s->memory);
        return FAULT_NONE;
    }
    enum fault fault = s->map ? FAULT_NONE : flush(s);

    if (fault)
        return give_up(s, fault);
    if (!s->map)
        s->map = mmap(NULL, s->written, PROT_READ, MAP_PRIVATE, s->fd, 0);
    if (s->map == MAP_FAILED) {
        s->map = NULL;
        return give_up(s, FAULT_IO);
    }
    strbuf_release(&s->memory);
    *out = span_make(s->map, s->written);
    return FAULT_NONE;
}

void spool_cut(struct spool *s)
{
    if (s->fault == FAULT_FULL)
        s->fault = FAULT_NONE;
}

/* smtp/in_flight.c - a hash table of message ids in a mapped file. */
#include "gateway/smtp/in_flight.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#define FILE_PREFIX "in-flight."

enum { SLOTS = 2 * IN_FLIGHT_MOST, NAMED_MOST = IN_FLIGHT_MOST, RETRY_MS = 1000 };

struct slot {
    volatile uint32_t is_used; /* written last: a process that dies meanwhile leaves no half of a slot */
    char id[ULID_SIZE];
    char client[ADDR_TEXT_MAX];
    int64_t begun_ms; /* wall clock */
};

struct in_flight {
    char path[512];
    int fd;
    struct slot *slots; /* SLOTS of them; NULL: there is no file */
    size_t count;
    int64_t tried_ms; /* to begin it */
};

/* ---- what others left behind ---- */

static void name_one(const struct slot *slot)
{
    char since[CLOCK_TEXT_MAX];
    struct log_line line;

    log_start(&line, LOG_WARN, "interrupted");
    log_str(&line, "id", span_first(span_make(slot->id, sizeof slot->id - 1), strnlen(slot->id, sizeof slot->id - 1)));
    log_str(&line, "client", span_make(slot->client, strnlen(slot->client, sizeof slot->client - 1)));
    log_cstr(&line, "since", clock_iso(slot->begun_ms, since));
    log_cstr(&line, "possible_duplicate", "yes");
    log_send(&line);
}

static void name_all(int fd)
{
    struct stat st;
    size_t named = 0;

    if (fstat(fd, &st) || (size_t)st.st_size != SLOTS * sizeof(struct slot))
        return;
    const struct slot *slots = mmap(NULL, SLOTS * sizeof *slots, PROT_READ, MAP_PRIVATE, fd, 0);

    if (slots == MAP_FAILED)
        return;
    for (size_t i = 0; i < SLOTS && named < NAMED_MOST; i++) {
        if (!slots[i].is_used)
            continue;
        name_one(&slots[i]);
        named++;
    }
    munmap((void *)slots, SLOTS * sizeof *slots);
}

/* One whose process lives is locked by it. */
static void look_at(const char *directory, const char *name)
{
    char path[512];

    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return;
    if (!flock(fd, LOCK_EX | LOCK_NB)) {
        name_all(fd);
        unlink(path);
    }
    close(fd);
}

static void look_for_dead(const char *directory)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (span_starts(span_of(entry->d_name), SPAN(FILE_PREFIX)))
            look_at(directory, entry->d_name);
    if (dir)
        closedir(dir);
}

/* ---- ours ---- */

/* Its bytes are on the disk before they are mapped: a store into a hole of a full disk would end the process. */
static const char *map_file(struct in_flight *f)
{
    size_t bytes = SLOTS * sizeof *f->slots;

    unlink(f->path); /* of a process that had our number, and no permission for others to look */
    f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return strerror(errno);
    if (flock(f->fd, LOCK_EX | LOCK_NB))
        return strerror(errno);
    int fault = posix_fallocate(f->fd, 0, (off_t)bytes);

    if (fault)
        return strerror(fault);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);

    if (map == MAP_FAILED)
        return strerror(errno);
    f->slots = map;
    return NULL;
}

static void drop_file(struct in_flight *f)
{
    if (f->slots)
        munmap(f->slots, SLOTS * sizeof *f->slots);
    if (f->fd >= 0) {
        unlink(f->path);
        close(f->fd);
    }
    f->slots = NULL;
    f->fd = -1;
}

static const char *begin_file(struct in_flight *f)
{
    const char *wrong = map_file(f);

    f->tried_ms = clock_mono_ms();
    if (wrong)
        drop_file(f);
    return wrong;
}

struct in_flight *in_flight_open(const char *directory, char *error, size_t size)
{
    struct in_flight *f = mem_alloc(sizeof *f);

    *f = (struct in_flight){ .fd = -1 };
    error[0] = '\0';
    look_for_dead(directory);
    if ((size_t)snprintf(f->path, sizeof f->path, "%s/" FILE_PREFIX "%d", directory, (int)getpid()) >= sizeof f->path) {
        snprintf(error, size, "%.200s...: %s", directory, strerror(ENAMETOOLONG));
        free(f);
        return NULL;
    }
    const char *wrong = begin_file(f);

    if (wrong)
        snprintf(error, size,
                 "%s: %s: until this can be written, the log will not name after a crash which messages may come twice",
                 f->path, wrong);
    return f;
}

void in_flight_close(struct in_flight *f)
{
    if (!f)
        return;
    drop_file(f);
    free(f);
}

/* A disk that was full when we began has room again, as a rule; messages are what it is asked for by. */
static bool is_ready(struct in_flight *f)
{
    if (f->slots)
        return true;
    if (clock_mono_ms() - f->tried_ms < RETRY_MS || begin_file(f))
        return false;
    log_info("in_flight", "%s: can be written now", f->path);
    return true;
}

static size_t hash(const char *id)
{
    size_t h = 0;

    for (const char *c = id; *c; c++)
        h = h * 31 + (unsigned char)*c;
    return h;
}

/* Where it is, or where it would go. */
static size_t place_of(const struct in_flight *f, const char *id)
{
    size_t i = hash(id) % SLOTS;

    while (f->slots[i].is_used && strcmp(f->slots[i].id, id) != 0)
        i = (i + 1) % SLOTS;
    return i;
}

void in_flight_begin(struct in_flight *f, const char *id, const struct addr *client)
{
    if (!f || !is_ready(f) || f->count >= IN_FLIGHT_MOST)
        return;
    struct slot *slot = &f->slots[place_of(f, id)];

    if (slot->is_used)
        return;
    snprintf(slot->id, sizeof slot->id, "%s", id);
    addr_text(client, slot->client);
    slot->begun_ms = clock_wall_ms();
    slot->is_used = true;
    f->count++;
}

/* Those behind that could not have the place they wanted move up, so that a search may end at the first free place. A
 * process that dies meanwhile leaves one twice, not none. */
static void move_up(struct in_flight *f, size_t hole)
{
    for (size_t i = (hole + 1) % SLOTS; f->slots[i].is_used; i = (i + 1) % SLOTS) {
        size_t wanted = hash(f->slots[i].id) % SLOTS;

        if ((i + SLOTS - wanted) % SLOTS < (i + SLOTS - hole) % SLOTS)
            continue; /* the hole lies before its place */
        f->slots[hole] = f->slots[i];
        f->slots[i].is_used = false;
        hole = i;
    }
}

void in_flight_end(struct in_flight *f, const char *id)
{
    if (!f || !f->slots)
        return;
    size_t i = place_of(f, id);

    if (!f->slots[i].is_used)
        return;
    f->slots[i].is_used = false;
    f->count--;
    move_up(f, i);
}

size_t in_flight_count(const struct in_flight *f)
{
    return f ? f->count : 0;
}

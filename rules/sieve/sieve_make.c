/* rules/sieve/sieve_make.c - the child that compiles a sieve.
 *
 * Each pattern is tried by itself in a helper process, which tells how it can be read and how long that took; when one
 * takes too long the helper is ended, the pattern is left out, and a new helper goes on behind it. Then each group is
 * compiled in a helper, too; when that does not come to an end, without those that took longest.
 *
 * Threads: none. Memory: the process ends soon.
 */
#include "rules/sieve/sieve_make.h"

#include <errno.h>
#include <hs/hs.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "rules/sieve/pattern_tree.h"

enum {
    REQUEST_BYTES_MAX = 64 * 1024 * 1024,
    LOOK_EVERY_MS = 20,
    COMPILE_TRIES = 4,
    SAID_BYTES_MAX = 32 * 1024,
    FILE_BYTES_MAX = 512 * 1024 * 1024
};

enum reading { READ_NOT, READ_EXACTLY, READ_LOOSELY };

struct entry {
    struct sieve_pattern pattern;
    const char *said[PATTERN_MANNERS];   /* more and more loosely; NULL: it is not tried so */
    const struct beginnings *beginnings; /* it is not compiled, but tried where it may begin; NULL */
    bool may_be_tried_at_places;
    unsigned group;
    enum reading reading;
    enum pattern_manner manner;
    uint32_t took_us;
};

struct making {
    unsigned char key[SIEVE_KEY_BYTES];
    uint32_t patterns; /* of the set */
    struct entry *entries;
    size_t count;
    struct sieve_group *groups;
    size_t group_count;
    int pattern_ms;
    struct arena arena;
    struct strbuf beginnings; /* of a group */
};

/* What a helper tells of one pattern. */
struct told {
    uint32_t place;
    uint32_t manner;
    uint32_t reading;
    uint32_t took_us;
};

/* ---- request ---- */

static bool read_all(int fd, struct strbuf *out)
{
    for (;;) {
        char *room = strbuf_room(out, 65536);
        ssize_t got = room ? read(fd, room, 65536) : -1;

        if (got < 0 && errno == EINTR && room)
            continue;
        if (got <= 0)
            return got == 0;
        out->len += (size_t)got;
    }
}

static bool take(struct span *rest, void *out, size_t bytes)
{
    if (rest->len < bytes)
        return false;
    memcpy(out, rest->ptr, bytes);
    *rest = span_skip(*rest, bytes);
    return true;
}

static bool take_entry(struct making *m, struct span *rest, unsigned group)
{
    uint32_t numbers[3];

    if (!take(rest, numbers, sizeof numbers) || numbers[2] > rest->len || numbers[0] >= m->patterns ||
        m->count >= m->patterns)
        return false;
    bool may_be_tried_at_places = numbers[1] & SIEVE_FLAG_PLACES;
    unsigned flags = numbers[1] & ~(unsigned)SIEVE_FLAG_PLACES;

    m->entries[m->count++] =
        (struct entry){ .may_be_tried_at_places = may_be_tried_at_places,
                        .pattern = { numbers[0], flags, arena_dup(&m->arena, span_first(*rest, numbers[2])) },
                        .group = group };
    *rest = span_skip(*rest, numbers[2]);
    return true;
}

static bool take_request(struct making *m, struct span rest)
{
    uint32_t groups, head[2];

    if (!take(&rest, m->key, sizeof m->key) || !take(&rest, &m->patterns, sizeof m->patterns) ||
        !take(&rest, &groups, sizeof groups) || m->patterns > REQUEST_BYTES_MAX || groups > m->patterns)
        return false;
    m->entries = mem_alloc((m->patterns + 1) * sizeof *m->entries);
    m->groups = mem_alloc((groups + 1) * sizeof *m->groups);
    for (uint32_t i = 0; i < groups; i++) {
        if (!take(&rest, head, sizeof head))
            return false;
        m->groups[m->group_count++] = (struct sieve_group){ .index = head[0] };
        for (uint32_t k = 0; k < head[1]; k++)
            if (!take_entry(m, &rest, i))
                return false;
    }
    return rest.len == 0;
}

/* ---- helpers ---- */

static int64_t processor_ms(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return INT64_MAX;
    return used.tv_sec * 1000LL + used.tv_nsec / 1000000;
}

/* The helper's end of a pipe in *fd; 0 in the helper itself, -1: there is none. */
static pid_t start_helper(int *fd)
{
    int ends[2];
    pid_t parent = getpid();

    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();

    if (pid == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        *fd = ends[1];
        return 0;
    }
    close(ends[1]);
    if (pid < 0)
        close(ends[0]);
    *fd = ends[0];
    return pid;
}

/* Something to read, or its end: true. It has used so much of the processor since `since_ms`: false. */
static bool wait_for(int fd, pid_t pid, int64_t since_ms, int64_t most_ms)
{
    struct pollfd want = { .fd = fd, .events = POLLIN };

    for (;;) {
        int ready = poll(&want, 1, LOOK_EVERY_MS);

        if (ready > 0 || (ready < 0 && errno != EINTR))
            return ready > 0;
        if (processor_ms(pid) - since_ms > most_ms)
            return false;
    }
}

static bool end_helper(pid_t pid, int fd, bool is_to_be_killed)
{
    int status = 0;

    close(fd);
    if (is_to_be_killed)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool write_all(int fd, const void *bytes, size_t count)
{
    const char *from = bytes;

    while (count) {
        ssize_t done = write(fd, from, count);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        from += done;
        count -= (size_t)done;
    }
    return true;
}

/* ---- one by one ---- */

/* For those without words. false: a match may begin nearly anywhere. */
static bool find_beginnings(struct making *m, struct entry *entry, const struct pattern_node *tree)
{
    struct beginnings *these = arena_alloc(&m->arena, sizeof *these);
    struct arena a;

    arena_init(&a, SIZE_MAX);
    if (beginnings_of(&a, tree, entry->pattern.flags & HS_FLAG_CASELESS, these))
        entry->beginnings = these;
    arena_release(&a);
    return entry->beginnings;
}

/* What is too heavy is not tried; nor is what would be said as before. */
static void say_all(struct making *m, struct entry *entry)
{
    const struct pattern_node *tree = pattern_read(&m->arena, span_of(entry->pattern.text), false);
    const char *before = NULL;

    entry->said[PATTERN_AS_IS] = entry->pattern.text[0] ? entry->pattern.text : NULL;
    if (!tree)
        return;
    for (enum pattern_manner manner = PATTERN_WORDS; manner < PATTERN_MANNERS; manner++) {
        struct strbuf out;

        strbuf_init(&out, SAID_BYTES_MAX);
        if (manner != PATTERN_AS_IS)
            entry->said[manner] = pattern_say(tree, manner, &out) ? arena_dup(&m->arena, strbuf_span(&out)) : NULL;
        strbuf_release(&out);
        if (entry->said[manner] && before && strcmp(entry->said[manner], before) == 0)
            entry->said[manner] = NULL;
        else
            before = entry->said[manner];
        if (manner == PATTERN_WORDS && !before && entry->may_be_tried_at_places && find_beginnings(m, entry, tree)) {
            entry->said[PATTERN_AS_IS] = NULL;
            return;
        }
    }
    if (tree->weight > SIEVE_PATTERN_WEIGHT_MAX)
        entry->said[PATTERN_AS_IS] = NULL;
}

static bool compiles(const char *text, unsigned flags)
{
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    size_t bytes = 0;
    bool is_done = hs_compile(text, flags, HS_MODE_BLOCK, NULL, &database, &error) == HS_SUCCESS &&
                   hs_database_size(database, &bytes) == HS_SUCCESS && bytes <= SIEVE_PATTERN_BYTES_MAX;

    hs_free_compile_error(error);
    hs_free_database(database);
    return is_done;
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

_Noreturn static void try_from(const struct making *m, size_t place, unsigned manner, int fd)
{
    for (; place < m->count; place++, manner = 0) {
        const struct entry *entry = &m->entries[place];
        struct told told = { .place = (uint32_t)place };
        unsigned flags = entry->pattern.flags;

        for (; manner < PATTERN_MANNERS && !told.reading; manner++) {
            const char *text = entry->said[manner];
            int64_t start = now_us();

            if (text && compiles(text, flags))
                told.reading = READ_EXACTLY;
            else if (text && compiles(text, flags | HS_FLAG_PREFILTER))
                told.reading = READ_LOOSELY;
            told.manner = manner;
            told.took_us = (uint32_t)(now_us() - start);
            if (!write_all(fd, &told, sizeof told))
                _exit(1);
        }
    }
    _exit(0);
}

static bool hear(int fd, struct told *out)
{
    char *to = (char *)out;
    size_t got = 0;

    while (got < sizeof *out) {
        ssize_t bytes = read(fd, to + got, sizeof *out - got);

        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes <= 0)
            return false;
        got += (size_t)bytes;
    }
    return true;
}

/* What is tried next. */
struct turn {
    size_t place;
    unsigned manner;
};

static void next_turn(struct turn *turn, bool is_read)
{
    if (is_read || ++turn->manner == PATTERN_MANNERS)
        *turn = (struct turn){ turn->place + 1, 0 };
}

/* Until all are tried, or the helper is ended at one that takes too long: the next helper goes on behind that. */
static void try_some(struct making *m, struct turn *turn)
{
    int fd;
    pid_t pid = start_helper(&fd);
    int64_t since_ms = 0;
    struct told told;

    if (pid == 0)
        try_from(m, turn->place, turn->manner, fd);
    if (pid < 0)
        turn->place = m->count;
    while (turn->place < m->count && wait_for(fd, pid, since_ms, m->pattern_ms) && hear(fd, &told) &&
           told.place == turn->place && told.manner == turn->manner) {
        struct entry *entry = &m->entries[turn->place];

        entry->reading = (enum reading)told.reading;
        entry->manner = (enum pattern_manner)told.manner;
        entry->took_us = told.took_us;
        since_ms = processor_ms(pid);
        next_turn(turn, told.reading);
    }
    if (pid > 0)
        end_helper(pid, fd, turn->place < m->count);
    if (turn->place < m->count)
        next_turn(turn, false);
}

/* ---- by groups ---- */

struct expressions {
    const char **texts;
    unsigned *flags, *ids;
    unsigned count;
};

static struct expressions expressions_of(struct making *m, unsigned group, uint32_t most_us)
{
    struct expressions e = { .texts = mem_alloc((m->count + 1) * sizeof *e.texts),
                             .flags = mem_alloc((m->count + 1) * sizeof *e.flags),
                             .ids = mem_alloc((m->count + 1) * sizeof *e.ids) };

    for (size_t i = 0; i < m->count; i++) {
        const struct entry *entry = &m->entries[i];

        if (entry->group != group || entry->reading == READ_NOT || entry->took_us > most_us)
            continue;
        e.texts[e.count] = entry->said[entry->manner];
        e.ids[e.count] = entry->pattern.id;
        e.flags[e.count++] = entry->pattern.flags | (entry->reading == READ_LOOSELY ? HS_FLAG_PREFILTER : 0);
    }
    return e;
}

static void expressions_free(struct expressions *e)
{
    free(e->texts);
    free(e->flags);
    free(e->ids);
}

_Noreturn static void compile_group(const struct expressions *e, int fd)
{
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    char *bytes = NULL;
    size_t count = 0;

    if (hs_compile_multi(e->texts, e->flags, e->ids, e->count, HS_MODE_BLOCK, NULL, &database, &error) != HS_SUCCESS)
        _exit(2);
    if (hs_serialize_database(database, &bytes, &count) != HS_SUCCESS || !write_all(fd, bytes, count))
        _exit(3);
    _exit(0);
}

/* The time is for all of it: it is written in one piece at the end. */
static bool hear_group(int fd, pid_t pid, struct strbuf *out)
{
    return wait_for(fd, pid, 0, SIEVE_GROUP_MS_MAX) && read_all(fd, out);
}

static bool make_database(struct making *m, unsigned group, uint32_t most_us, struct span *out)
{
    struct expressions e = expressions_of(m, group, most_us);
    struct strbuf bytes;
    bool is_done = false;
    int fd;

    strbuf_init(&bytes, FILE_BYTES_MAX);
    if (e.count) {
        pid_t pid = start_helper(&fd);

        if (pid == 0)
            compile_group(&e, fd);
        is_done = pid > 0 && hear_group(fd, pid, &bytes);
        if (pid > 0)
            is_done = end_helper(pid, fd, !is_done) && is_done;
    }
    if (is_done)
        *out = arena_copy(&m->arena, strbuf_span(&bytes));
    strbuf_release(&bytes);
    expressions_free(&e);
    return is_done && out->len;
}

static void note_always(struct making *m, unsigned group, uint32_t most_us)
{
    struct sieve_group *g = &m->groups[group];
    uint32_t *always = arena_alloc(&m->arena, (m->count + 1) * sizeof *always);

    g->always_count = 0;
    strbuf_clear(&m->beginnings);
    for (size_t i = 0; i < m->count; i++) {
        const struct entry *entry = &m->entries[i];

        if (entry->group == group && (entry->reading == READ_NOT || entry->took_us > most_us))
            always[g->always_count++] = entry->pattern.id;
        if (entry->group == group && entry->beginnings)
            sieve_put_beginnings(&m->beginnings, entry->pattern.id, entry->beginnings);
    }
    g->always = always;
    g->beginnings = arena_copy(&m->arena, strbuf_span(&m->beginnings));
}

static void make_group(struct making *m, unsigned group)
{
    uint32_t most_us = UINT32_MAX;

    for (int tries = 0; tries < COMPILE_TRIES; tries++) {
        if (make_database(m, group, most_us, &m->groups[group].database)) {
            note_always(m, group, most_us);
            return;
        }
        most_us = most_us == UINT32_MAX ? 200000 : most_us / 4;
    }
}

/* ---- all of it ---- */

static const char *make(struct making *m, struct strbuf *out)
{
    size_t made = 0;

    for (size_t i = 0; i < m->count; i++)
        say_all(m, &m->entries[i]);
    for (struct turn turn = { 0 }; turn.place < m->count;)
        try_some(m, &turn);
    for (unsigned i = 0; i < m->group_count; i++) {
        make_group(m, i);
        if (m->groups[i].database.len)
            m->groups[made++] = m->groups[i];
    }
    if (!made)
        return "no group of patterns can be compiled";
    sieve_write(m->key, m->groups, made, m->patterns, out);
    return out->is_full ? "the patterns take too much room" : NULL;
}

const char *sieve_make(int from, int to, int pattern_ms)
{
    struct making m = { .pattern_ms = pattern_ms };
    struct strbuf request, file;
    const char *wrong = NULL;

    arena_init(&m.arena, SIZE_MAX);
    strbuf_init(&request, REQUEST_BYTES_MAX);
    strbuf_init(&m.beginnings, FILE_BYTES_MAX);
    strbuf_init(&file, FILE_BYTES_MAX);
    if (!read_all(from, &request) || !take_request(&m, strbuf_span(&request)))
        wrong = "the request cannot be read";
    if (!wrong)
        wrong = make(&m, &file);
    if (!wrong && !write_all(to, file.data, file.len))
        wrong = "the file cannot be written";
    strbuf_release(&request);
    strbuf_release(&file);
    strbuf_release(&m.beginnings);
    arena_release(&m.arena);
    free(m.entries);
    free(m.groups);
    return wrong;
}

/* rules/lists/map_file.c - versions of a set, published to workers.
 *
 * Who holds one writes so in his own place and then looks again: either it is still the version in force, or he takes
 * the newer one. So whoever replaces a version and finds it in nobody's place may free it.
 */
#include "rules/lists/map_file.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/core/check.h"

enum { REPLACED_MOST = 4 };

struct map_file {
    struct access_file file;
    _Atomic(const void *) now;
    _Atomic(const void *) held[RUNNERS_MAX];
    void *replaced[REPLACED_MOST];
    unsigned replaced_count;
};

struct map_file *map_file_open(struct arena *a, const char *path, const struct access_reader *reader, int kind,
                               const char **wrong)
{
    struct map_file *f = mem_alloc(sizeof *f);
    bool is_good = reader ? access_file_open_as(&f->file, path, reader, kind)
                          : access_file_open(&f->file, path, (enum access_kind)kind);

    f->replaced_count = 0;
    f->file.keeps_replaced = true;
    atomic_init(&f->now, f->file.set);
    for (unsigned i = 0; i < RUNNERS_MAX; i++)
        atomic_init(&f->held[i], NULL);
    if (is_good)
        return f;
    *wrong = arena_dup(a, strbuf_span(&f->file.refusal));
    map_file_close(f);
    return NULL;
}

static bool is_held(const struct map_file *f, const void *set)
{
    for (unsigned i = 0; i < RUNNERS_MAX; i++)
        if (atomic_load(&f->held[i]) == set)
            return true;
    return false;
}

static void free_replaced(struct map_file *f)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < f->replaced_count; i++)
        if (is_held(f, f->replaced[i]))
            f->replaced[kept++] = f->replaced[i];
        else
            f->file.reader->free(f->replaced[i]);
    f->replaced_count = kept;
}

void map_file_close(struct map_file *f)
{
    if (!f)
        return;
    free_replaced(f);
    access_file_close(&f->file);
    free(f);
}

bool map_file_look(struct map_file *f, size_t bytes)
{
    free_replaced(f);
    if (f->replaced_count == REPLACED_MOST) /* all are held: somebody's search takes very long */
        return false;
    if (!access_file_look(&f->file, bytes))
        return false;
    f->replaced[f->replaced_count++] = f->file.replaced;
    f->file.replaced = NULL;
    atomic_store(&f->now, f->file.set);
    free_replaced(f);
    return true;
}

struct span map_file_complaint(struct map_file *f)
{
    return f->file.reading ? (struct span){ 0 } : access_file_complaint(&f->file);
}

const void *map_file_hold(struct map_file *f, unsigned runner)
{
    const void *set;

    do {
        set = atomic_load(&f->now);
        atomic_store(&f->held[runner], set);
    } while (atomic_load(&f->now) != set);
    return set;
}

void map_file_let_go(struct map_file *f, unsigned runner)
{
    atomic_store(&f->held[runner], NULL);
}

unsigned map_file_replaced(const struct map_file *f)
{
    return f->replaced_count;
}

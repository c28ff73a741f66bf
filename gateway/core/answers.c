/* core/answers.c - the book of answers: a small open hash table over an arena. */
#include "gateway/core/answers.h"

#include "gateway/base/bug.h"

enum { ANSWERS_SLOTS_LEAST = 32, ANSWERS_ARENA_BYTES = 4 * 1024 * 1024 };

void answers_init(struct answers *book)
{
    *book = (struct answers){ .slots = NULL };
    arena_init(&book->arena, ANSWERS_ARENA_BYTES);
    book->last = book->unfetched = &book->first;
}

void answers_release(struct answers *book)
{
    arena_release(&book->arena);
    answers_init(book);
}

void answers_clear(struct answers *book)
{
    struct arena kept = book->arena;

    arena_clear(&kept);
    *book = (struct answers){ .arena = kept };
    book->last = book->unfetched = &book->first;
}

static uint64_t hash_of(const char *name, enum dns_type type)
{
    uint64_t h = 14695981039346656037ULL ^ (uint64_t)type;

    for (; *name; name++)
        h = (h ^ (uint8_t)ascii_lower(*name)) * 1099511628211ULL;
    return h ^ h >> 29;
}

static bool is_entry(const struct answer_entry *e, struct span name, enum dns_type type)
{
    return e->type == type && span_iis(name, e->name);
}

struct answer_entry *answers_find(const struct answers *book, const char *name, enum dns_type type)
{
    if (!book->slot_count)
        return NULL;
    struct answer_entry *e = book->slots[hash_of(name, type) & (book->slot_count - 1)];

    while (e && !is_entry(e, span_of(name), type))
        e = e->next_in_slot;
    return e;
}

static void put_in_slot(struct answers *book, struct answer_entry *e)
{
    struct answer_entry **slot = &book->slots[hash_of(e->name, e->type) & (book->slot_count - 1)];

    e->next_in_slot = *slot;
    *slot = e;
}

static void grow(struct answers *book)
{
    book->slot_count = book->slot_count ? book->slot_count * 2 : ANSWERS_SLOTS_LEAST;
    book->slots = arena_alloc(&book->arena, book->slot_count * sizeof(struct answer_entry *));
    for (struct answer_entry *e = book->first; e; e = e->next)
        put_in_slot(book, e);
}

struct answer_entry *answers_want(struct answers *book, const char *name, enum dns_type type)
{
    struct answer_entry *e = answers_find(book, name, type);

    if (e)
        return e;
    if (book->count >= book->slot_count)
        grow(book);
    char *lower = arena_dup(&book->arena, span_of(name));

    for (char *c = lower; *c; c++)
        *c = ascii_lower(*c);
    e = arena_alloc(&book->arena, sizeof *e);
    e->name = lower;
    e->type = type;
    put_in_slot(book, e);
    *book->last = e;
    book->last = &e->next;
    book->count++;
    book->awaited++;
    return e;
}

void answers_put(struct answers *book, const char *name, enum dns_type type, const struct dns_answer *answer)
{
    struct answer_entry *e = answers_want(book, name, type);

    if (e->answer)
        return;
    e->answer = dns_answer_copy(&book->arena, answer);
    book->awaited--;
}

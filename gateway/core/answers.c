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
    *book = (struct answers){ .arena = kept, .turns = book->turns };
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
    return e->name && e->type == type && span_iis(name, e->name);
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
    uint64_t hash = e->op ? op_hash(e->op) : hash_of(e->name, e->type);
    struct answer_entry **slot = &book->slots[hash & (book->slot_count - 1)];

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

static struct answer_entry *enter(struct answers *book, const struct answer_entry *entry)
{
    struct answer_entry *e = arena_alloc(&book->arena, sizeof *e);

    *e = *entry;
    if (book->count >= book->slot_count)
        grow(book);
    put_in_slot(book, e);
    *book->last = e;
    book->last = &e->next;
    book->count++;
    book->awaited++;
    return e;
}

struct answer_entry *answers_want(struct answers *book, const char *name, enum dns_type type)
{
    struct answer_entry *e = answers_find(book, name, type);

    if (e)
        return e;
    char *lower = arena_dup(&book->arena, span_of(name));

    for (char *c = lower; *c; c++)
        *c = ascii_lower(*c);
    book->lookups++;
    return enter(book, &(struct answer_entry){ .name = lower, .type = type });
}

void answers_put(struct answers *book, const char *name, enum dns_type type, const struct dns_answer *answer)
{
    struct answer_entry *e = answers_want(book, name, type);

    if (e->answer)
        return;
    e->answer = dns_answer_copy(&book->arena, answer);
    book->awaited--;
}

struct answer_entry *answers_find_op(const struct answers *book, const struct store_op *op)
{
    if (!book->slot_count)
        return NULL;
    struct answer_entry *e = book->slots[op_hash(op) & (book->slot_count - 1)];

    while (e && !(e->op && op_eq(e->op, op)))
        e = e->next_in_slot;
    return e;
}

struct answer_entry *answers_want_op(struct answers *book, const struct store_op *op)
{
    struct answer_entry *e = answers_find_op(book, op);

    if (e)
        return e;
    struct store_op *copy = arena_alloc(&book->arena, sizeof *copy);

    *copy = op_copy(&book->arena, op);
    book->operations++;
    return enter(book, &(struct answer_entry){ .op = copy });
}

void answers_put_op(struct answers *book, const struct store_op *op, const struct store_answer *answer)
{
    struct answer_entry *e = answers_want_op(book, op);

    if (e->stored)
        return;
    e->stored = store_answer_copy(&book->arena, op, answer);
    book->awaited--;
}

/* core/answers.h - the book of answers: every question of a connection or transaction, asked or answered, to the DNS
 * and to the state store.
 *
 * The pipeline keeps two books (connection, transaction); replay fills one from the journal; tests fill one by hand.
 * Memory: an arena of its own. Threads: whoever holds the inquiry.
 */
#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include "gateway/net/dns_answer.h"
#include "gateway/store/op.h"

struct answer_entry {
    const char *name; /* of a DNS look-up, lower case; else NULL */
    enum dns_type type;
    const struct store_op *op;       /* of a store operation; else NULL */
    const struct dns_answer *answer; /* NULL while awaited */
    const struct store_answer *stored;
    uint64_t waiting;     /* the rows of checks.c that wait for it, a bit each */
    int timeout_ms;       /* as the check that asked first has it; 0: the resolver's */
    const char *asked_by; /* name of that check */
    int64_t took_us;      /* from asking to the answer, as the fetcher saw it */
    const void *seen_by;  /* the run that counted it last, and which turn of that run it was */
    unsigned seen_turn;
    struct answer_entry *next_in_slot, *next;
};

struct answers {
    struct arena arena;
    struct answer_entry **slots; /* hash table */
    size_t slot_count, count, awaited;
    size_t lookups, operations;         /* of the count */
    unsigned turns;                     /* that were run on it; answers_clear() goes on counting */
    struct answer_entry *first, **last; /* in the order of asking */
    struct answer_entry **unfetched;    /* where the fetcher goes on: all before it are under way */
};

void answers_init(struct answers *book);
void answers_release(struct answers *book);
void answers_clear(struct answers *book);
struct answer_entry *answers_find(const struct answers *book, const char *name, enum dns_type type);
/* answers_want - the entry, made when there is none. */
struct answer_entry *answers_want(struct answers *book, const char *name, enum dns_type type);
/* answers_put - copies `answer` into the book; an entry that has one already is left as it is. */
void answers_put(struct answers *book, const char *name, enum dns_type type, const struct dns_answer *answer);
/* The same for operations of the state store. */
struct answer_entry *answers_find_op(const struct answers *book, const struct store_op *op);
struct answer_entry *answers_want_op(struct answers *book, const struct store_op *op);
void answers_put_op(struct answers *book, const struct store_op *op, const struct store_answer *answer);
static inline bool answer_is_here(const struct answer_entry *e)
{
    return e->answer || e->stored;
}

#endif

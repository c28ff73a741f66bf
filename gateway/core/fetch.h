/* core/fetch.h - whence answers come: turns the questions of a book into look-ups, and puts what comes back into it.
 *
 * While a worker holds the inquiry the fetcher is held: answers that come meanwhile wait aside, so that the book never
 * changes under a check. Without a store (NULL) its questions are answered STORE_FAILED. Threads: the loop's.
 */
#ifndef CORE_FETCH_H
#define CORE_FETCH_H

#include "gateway/core/answers.h"
#include "gateway/net/dns.h"
#include "gateway/store/store.h"

struct fetching;

struct fetcher {
    struct dns *dns;
    struct store *store;
    struct answers *book;
    void (*on_news)(void *arg, uint64_t waiting); /* answers are in the book; `waiting`: the rows that wanted them */
    void *arg;
    struct fetching *under_way;
    bool is_held;
};

void fetcher_init(struct fetcher *f, struct dns *dns, struct store *store, struct answers *book,
                  void (*on_news)(void *, uint64_t), void *arg);
/* fetcher_start - starts every look-up of the book that is not yet under way. */
void fetcher_start(struct fetcher *f);
void fetcher_hold(struct fetcher *f);
/* fetcher_release - puts what came meanwhile into the book; on_news is called for it before this returns. */
void fetcher_release(struct fetcher *f);
/* fetcher_stop - cancels what is under way; the book keeps what it has. */
void fetcher_stop(struct fetcher *f);

#endif

/* net/crew.h - the CPU workers: jobs go out by two bounded queues (quick before heavy) and come back on the loop.
 *
 * One lock guards both queues; with log.c's write() it is the only place where threads meet. A job belongs to the
 * worker between crew_give() and its `done`. At least one worker takes quick jobs only when there are two or more,
 * so that heavy ones never hold them up.
 */
#ifndef NET_CREW_H
#define NET_CREW_H

#include "gateway/net/loop.h"

enum crew_lane { LANE_QUICK, LANE_HEAVY };

struct job {
    void (*work)(struct job *job); /* on a worker */
    void (*done)(struct job *job); /* on the loop, afterwards */
    struct job *next;              /* the crew's */
    unsigned worker;               /* the crew's: who works on it, from 1 */
};

enum { CREW_WORKERS_MAX = 64 };

struct crew;

/* crew_new - `workers` 1 to CREW_WORKERS_MAX; `most_quick`, `most_heavy`: jobs waiting. */
struct crew *crew_new(struct loop *loop, unsigned workers, unsigned most_quick, unsigned most_heavy);
/* crew_free - finishes what is running and waiting, calls its `done`, and ends the threads. NULL is fine. */
void crew_free(struct crew *crew);
/* crew_give - false: that queue is full, and the job stays the caller's. */
bool crew_give(struct crew *crew, enum crew_lane lane, struct job *job);
unsigned crew_waiting(struct crew *crew, enum crew_lane lane);
/* crew_is_busy - a queue is at least `percent` full: admission control's question. */
bool crew_is_busy(struct crew *crew, unsigned percent);

#endif

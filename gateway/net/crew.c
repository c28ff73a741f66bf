/* net/crew.c - the CPU workers.
 *
 * Each worker has a condition variable of its own, so that giving a job wakes exactly one idle worker that may take
 * it. Jobs that are done are collected in a list; an eventfd tells the loop, once per list and not once per job.
 *
 * Whoever is woken wants the lock: it is given back first.
 */
#include "gateway/net/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gateway/base/bug.h"

enum { LANES = 2 };

struct queue {
    struct job *first, **last;
    unsigned count, most;
};

struct worker {
    struct crew *crew;
    pthread_t thread;
    pthread_cond_t has_work;
    bool is_idle; /* waits for has_work, and nobody has woken it yet */
    bool is_for_quick;
};

struct crew {
    struct watch *watch;
    int done_fd;
    pthread_mutex_t lock; /* guards all below */
    struct queue lanes[LANES];
    struct queue done;
    bool is_ending;
    unsigned worker_count;
    struct worker workers[CREW_WORKERS_MAX];
};

static void queue_init(struct queue *q, unsigned most)
{
    *q = (struct queue){ .most = most };
    q->last = &q->first;
}

static void queue_put(struct queue *q, struct job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
    q->count++;
}

static struct job *queue_take(struct queue *q)
{
    struct job *job = q->first;

    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = &q->first;
    q->count--;
    return job;
}

/* --- on a worker --- */

static void tell_loop(const struct crew *crew)
{
    uint64_t one = 1;

    while (write(crew->done_fd, &one, sizeof one) < 0 && errno == EINTR)
        ; /* nothing else can fail: the loop reads the counter long before it is full */
}

/* Holds the lock before and after. */
static void work_on(struct crew *crew, struct job *job)
{
    pthread_mutex_unlock(&crew->lock);
    job->work(job);
    pthread_mutex_lock(&crew->lock);
    bool is_first = !crew->done.first;

    queue_put(&crew->done, job);
    if (!is_first)
        return;
    pthread_mutex_unlock(&crew->lock);
    tell_loop(crew);
    pthread_mutex_lock(&crew->lock);
}

static struct job *next_job(struct worker *w)
{
    struct job *job = queue_take(&w->crew->lanes[LANE_QUICK]);

    return job || w->is_for_quick ? job : queue_take(&w->crew->lanes[LANE_HEAVY]);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct crew *crew = w->crew;

    pthread_mutex_lock(&crew->lock);
    for (;;) {
        struct job *job = next_job(w);

        if (job) {
            job->worker = (unsigned)(w - crew->workers) + 1;
            work_on(crew, job);
        } else if (crew->is_ending) {
            break;
        } else {
            w->is_idle = true;
            while (w->is_idle)
                pthread_cond_wait(&w->has_work, &crew->lock);
        }
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* --- on the loop --- */

static void give_back(void *arg)
{
    struct crew *crew = arg;
    uint64_t count = 0;
    ssize_t got = read(crew->done_fd, &count, sizeof count);

    (void)got; /* EAGAIN: nothing to reset */
    pthread_mutex_lock(&crew->lock);
    struct job *first = crew->done.first;

    queue_init(&crew->done, 0);
    pthread_mutex_unlock(&crew->lock);
    for (struct job *job = first, *next; job; job = next) {
        next = job->next;
        job->next = NULL;
        job->done(job);
    }
}

static void start_worker(struct crew *crew, unsigned i)
{
    struct worker *w = &crew->workers[i];
    char name[16];

    w->crew = crew;
    w->is_for_quick = i == 0 && crew->worker_count > 1;
    pthread_cond_init(&w->has_work, NULL);
    int error = pthread_create(&w->thread, NULL, worker_main, w);

    if (error)
        BUG("cannot start worker %u: %s", i, strerror(error));
    snprintf(name, sizeof name, "crew/%u", i);
    pthread_setname_np(w->thread, name);
}

struct crew *crew_new(struct loop *loop, unsigned workers, unsigned most_quick, unsigned most_heavy)
{
    struct crew *crew = mem_alloc(sizeof *crew);
    sigset_t all, before;

    if (workers < 1 || workers > CREW_WORKERS_MAX)
        BUG("a crew of %u", workers);
    queue_init(&crew->lanes[LANE_QUICK], most_quick);
    queue_init(&crew->lanes[LANE_HEAVY], most_heavy);
    queue_init(&crew->done, 0);
    pthread_mutex_init(&crew->lock, NULL);
    crew->worker_count = workers;
    crew->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (crew->done_fd < 0)
        BUG("eventfd: %s", strerror(errno));
    crew->watch = watch_read(loop, crew->done_fd, give_back, crew);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    for (unsigned i = 0; i < workers; i++)
        start_worker(crew, i);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return crew;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->is_ending = true;
    for (unsigned i = 0; i < crew->worker_count; i++) {
        crew->workers[i].is_idle = false;
        pthread_cond_signal(&crew->workers[i].has_work);
    }
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->worker_count; i++) {
        pthread_join(crew->workers[i].thread, NULL);
        pthread_cond_destroy(&crew->workers[i].has_work);
    }
    give_back(crew);
    watch_free(crew->watch);
    close(crew->done_fd);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

/* One that waits for such a job, and now no longer; NULL. */
static struct worker *take_idle(struct crew *crew, enum crew_lane lane)
{
    for (unsigned i = 0; i < crew->worker_count; i++) {
        struct worker *w = &crew->workers[i];

        if (w->is_idle && (lane == LANE_QUICK || !w->is_for_quick)) {
            w->is_idle = false;
            return w;
        }
    }
    return NULL;
}

bool crew_give(struct crew *crew, enum crew_lane lane, struct job *job)
{
    struct queue *q = &crew->lanes[lane];
    struct worker *idle = NULL;

    pthread_mutex_lock(&crew->lock);
    bool is_taken = q->count < q->most && !crew->is_ending;

    if (is_taken) {
        queue_put(q, job);
        idle = take_idle(crew, lane);
    }
    pthread_mutex_unlock(&crew->lock);
    if (idle)
        pthread_cond_signal(&idle->has_work);
    return is_taken;
}

unsigned crew_waiting(struct crew *crew, enum crew_lane lane)
{
    pthread_mutex_lock(&crew->lock);
    unsigned count = crew->lanes[lane].count;

    pthread_mutex_unlock(&crew->lock);
    return count;
}

bool crew_is_busy(struct crew *crew, unsigned percent)
{
    bool is_busy = false;

    pthread_mutex_lock(&crew->lock);
    for (size_t i = 0; i < LANES; i++) {
        const struct queue *q = &crew->lanes[i];

        is_busy = is_busy || (uint64_t)q->count * 100 >= (uint64_t)q->most * percent;
    }
    pthread_mutex_unlock(&crew->lock);
    return is_busy;
}

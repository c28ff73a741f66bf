/* tests/unit/test_crew.c - jobs go out and come back. Run under ThreadSanitizer, too. */
#include "tests/kit/expect.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gateway/net/crew.h"

struct desk {
    struct loop *loop;
    struct crew *crew;
    unsigned done;
    char order[64]; /* of done() */
    sem_t started, gate;
};

struct work {
    struct job job; /* first: a job is its work */
    struct desk *desk;
    unsigned long input, result;
    pthread_t by, at;
    bool waits;
    char letter;
};

static void work_it(struct job *job)
{
    struct work *w = (struct work *)(void *)job;

    w->by = pthread_self();
    if (w->waits) {
        sem_post(&w->desk->started);
        sem_wait(&w->desk->gate);
    }
    for (unsigned long i = 0; i < 1000; i++)
        w->result += w->input ^ i;
}

static void note_done(struct job *job)
{
    struct work *w = (struct work *)(void *)job;

    w->at = pthread_self();
    if (w->letter && w->desk->done < sizeof w->desk->order - 1)
        w->desk->order[w->desk->done] = w->letter;
    w->desk->done++;
}

static struct work work_of(struct desk *d, char letter, bool waits)
{
    return (struct work){
        .job = { .work = work_it, .done = note_done }, .desk = d, .input = 7, .letter = letter, .waits = waits
    };
}

static void desk_open(struct desk *d, unsigned workers, unsigned most_quick, unsigned most_heavy)
{
    *d = (struct desk){ .loop = loop_new() };
    sem_init(&d->started, 0, 0);
    sem_init(&d->gate, 0, 0);
    d->crew = crew_new(d->loop, workers, most_quick, most_heavy);
}

static void desk_close(struct desk *d)
{
    crew_free(d->crew);
    loop_free(d->loop);
}

static void wait_done(struct desk *d, unsigned count)
{
    for (int i = 0; i < 100000 && d->done < count; i++)
        loop_run_once(d->loop, 100);
    EXPECT_INT(count, d->done);
}

static void every_job_comes_back_once_on_the_loop(void **state)
{
    enum { JOBS = 5000 };
    struct work *works = calloc(JOBS, sizeof *works);
    struct desk d;
    unsigned given = 0;

    (void)state;
    desk_open(&d, 4, 100, 50);
    while (given < JOBS) {
        works[given] = work_of(&d, 0, false);
        works[given].input = given;
        if (crew_give(d.crew, given % 3 ? LANE_QUICK : LANE_HEAVY, &works[given].job))
            given++;
        else
            loop_run_once(d.loop, 10);
    }
    wait_done(&d, JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        unsigned long want = 0;

        for (unsigned long k = 0; k < 1000; k++)
            want += i ^ k;
        EXPECT_TRUE(want == works[i].result);
        EXPECT_TRUE(pthread_equal(works[i].at, pthread_self()));
        EXPECT_FALSE(pthread_equal(works[i].by, pthread_self()));
    }
    desk_close(&d);
    free(works);
}

static void a_full_queue_refuses(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d, 1, 2, 1);
    struct work first = work_of(&d, 'a', true), b = work_of(&d, 'b', false), c = work_of(&d, 'c', false),
                more = work_of(&d, 'x', false), heavy = work_of(&d, 'h', false);

    EXPECT_FALSE(crew_is_busy(d.crew, 50));
    EXPECT_TRUE(crew_give(d.crew, LANE_QUICK, &first.job));
    sem_wait(&d.started);
    EXPECT_INT(0, crew_waiting(d.crew, LANE_QUICK));
    EXPECT_TRUE(crew_give(d.crew, LANE_HEAVY, &heavy.job));
    EXPECT_TRUE(crew_is_busy(d.crew, 100));
    EXPECT_TRUE(crew_give(d.crew, LANE_QUICK, &b.job));
    EXPECT_TRUE(crew_give(d.crew, LANE_QUICK, &c.job));
    EXPECT_FALSE(crew_give(d.crew, LANE_QUICK, &more.job));
    EXPECT_FALSE(crew_give(d.crew, LANE_HEAVY, &more.job));
    EXPECT_INT(2, crew_waiting(d.crew, LANE_QUICK));
    EXPECT_INT(1, crew_waiting(d.crew, LANE_HEAVY));
    sem_post(&d.gate);
    wait_done(&d, 4);
    EXPECT_STR("abch", d.order); /* quick before heavy */
    EXPECT_FALSE(crew_is_busy(d.crew, 1));
    desk_close(&d);
}

static void heavy_jobs_do_not_hold_up_quick_ones(void **state)
{
    struct desk d;
    struct work heavy[8], quick;

    (void)state;
    desk_open(&d, 2, 10, 10);
    for (size_t i = 0; i < COUNT(heavy); i++) {
        heavy[i] = work_of(&d, 'h', true);
        EXPECT_TRUE(crew_give(d.crew, LANE_HEAVY, &heavy[i].job));
    }
    sem_wait(&d.started); /* one worker has one; the other takes none */
    quick = work_of(&d, 'q', false);
    EXPECT_TRUE(crew_give(d.crew, LANE_QUICK, &quick.job));
    wait_done(&d, 1);
    EXPECT_STR("q", d.order);
    EXPECT_INT(COUNT(heavy) - 1, crew_waiting(d.crew, LANE_HEAVY));
    for (size_t i = 0; i < COUNT(heavy); i++)
        sem_post(&d.gate);
    wait_done(&d, 9);
    desk_close(&d);
}

static void every_worker_is_woken_when_there_is_work_for_all(void **state)
{
    struct desk d;
    struct work works[4];

    (void)state;
    desk_open(&d, 4, 10, 10);
    loop_run_once(d.loop, 20); /* let them fall asleep */
    for (size_t i = 0; i < COUNT(works); i++) {
        works[i] = work_of(&d, 'w', true);
        EXPECT_TRUE(crew_give(d.crew, LANE_QUICK, &works[i].job));
    }
    for (size_t i = 0; i < COUNT(works); i++)
        sem_wait(&d.started); /* all four at once, or this never ends */
    for (size_t i = 0; i < COUNT(works); i++)
        sem_post(&d.gate);
    wait_done(&d, 4);
    desk_close(&d);
}

static void an_end_finishes_what_waits(void **state)
{
    struct desk d;
    struct work works[20];

    (void)state;
    for (unsigned workers = 1; workers <= 3; workers++) {
        desk_open(&d, workers, 20, 20);
        for (size_t i = 0; i < COUNT(works); i++) {
            works[i] = work_of(&d, 'w', false);
            EXPECT_TRUE(crew_give(d.crew, i % 2 ? LANE_QUICK : LANE_HEAVY, &works[i].job));
        }
        crew_free(d.crew);
        EXPECT_INT(COUNT(works), d.done);
        loop_free(d.loop);
    }
    crew_free(NULL);
}

RUN_TESTS(TEST(every_job_comes_back_once_on_the_loop), TEST(a_full_queue_refuses),
          TEST(heavy_jobs_do_not_hold_up_quick_ones), TEST(every_worker_is_woken_when_there_is_work_for_all),
          TEST(an_end_finishes_what_waits))

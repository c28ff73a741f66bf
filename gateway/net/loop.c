/* net/loop.c - one event loop, on libevent.
 *
 * A turn is one wait for events and the calls that follow from it, then the tasks that wait for its end. The time is
 * read once per turn. Timers are lazy: one that is moved later stays where it is in libevent's heap, and is put off
 * when it comes up, so that a time-out restarted by every line of a dialogue costs a store and no heap.
 */
#include "gateway/net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

struct loop {
    struct event_base *base;
    struct event *wait; /* ends the wait of loop_run_once() */
    int64_t now_ms;     /* 0: not read yet in this turn */
    struct task *tasks, **last_task;
    struct task mark; /* in `tasks`, while they are run: what stands behind it is for the next turn */
    struct task *at_end;
    bool is_stopped;
};

static void wait_is_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg; /* that it was called ends the turn */
}

struct loop *loop_new(void)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    struct event_config *config = event_config_new();

    if (!config)
        fatal_memory(0);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (!loop->base)
        BUG("no event loop");
    loop->wait = evtimer_new(loop->base, wait_is_over, NULL);
    if (!loop->wait)
        fatal_memory(0);
    loop->last_task = &loop->tasks;
    signal(SIGPIPE, SIG_IGN);
    return loop;
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

int64_t loop_now_ms(struct loop *loop)
{
    if (!loop->now_ms)
        loop->now_ms = clock_mono_ms();
    return loop->now_ms;
}

/* --- tasks --- */

void loop_run_task(struct loop *loop, struct task *task)
{
    if (task->link)
        return;
    task->next = NULL;
    task->link = loop->last_task;
    *loop->last_task = task;
    loop->last_task = &task->next;
}

void loop_drop_task(struct loop *loop, struct task *task)
{
    if (!task->link)
        return;
    *task->link = task->next;
    if (task->next)
        task->next->link = task->link;
    if (loop->last_task == &task->next)
        loop->last_task = task->link;
    task->link = NULL;
}

void loop_at_end(struct loop *loop, struct task *task)
{
    if (task->link)
        return;
    task->next = loop->at_end;
    task->link = &loop->at_end;
    if (task->next)
        task->next->link = &task->next;
    loop->at_end = task;
}

static void run_tasks(struct loop *loop)
{
    if (!loop->tasks)
        return;
    loop_run_task(loop, &loop->mark);
    while (loop->tasks != &loop->mark) {
        struct task *task = loop->tasks;

        loop_drop_task(loop, task);
        task->fn(task->arg);
    }
    loop_drop_task(loop, &loop->mark);
}

struct soon {
    struct task task;
    loop_fn *fn;
    void *arg;
};

static void soon_is_now(void *arg)
{
    struct soon *soon = arg;
    loop_fn *fn = soon->fn;
    void *its_arg = soon->arg;

    free(soon);
    fn(its_arg);
}

void loop_soon(struct loop *loop, loop_fn *fn, void *arg)
{
    struct soon *soon = mem_alloc(sizeof *soon);

    *soon = (struct soon){ .task = { .fn = soon_is_now, .arg = soon }, .fn = fn, .arg = arg };
    loop_run_task(loop, &soon->task);
}

static void forget_tasks(struct loop *loop)
{
    while (loop->tasks) {
        struct task *task = loop->tasks;

        loop_drop_task(loop, task);
        if (task->fn == soon_is_now)
            free(task->arg);
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->at_end) {
        struct task *task = loop->at_end;

        loop_drop_task(loop, task);
        task->fn(task->arg);
    }
    forget_tasks(loop);
    event_free(loop->wait);
    event_base_free(loop->base);
    free(loop);
}

/* --- turns --- */

static void turn(struct loop *loop, bool may_wait)
{
    bool is_waiting = may_wait && !loop->tasks;

    loop->now_ms = 0;
    event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY | (is_waiting ? 0 : EVLOOP_NONBLOCK));
    run_tasks(loop);
    loop->now_ms = 0;
}

void loop_run(struct loop *loop)
{
    while (!loop->is_stopped)
        turn(loop, true);
    loop->is_stopped = false;
}

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

void loop_run_once(struct loop *loop, int wait_ms)
{
    struct timeval wait = timeval_of(wait_ms);

    if (wait_ms > 0)
        evtimer_add(loop->wait, &wait);
    turn(loop, wait_ms != 0);
    if (wait_ms > 0)
        evtimer_del(loop->wait);
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

/* --- timers --- */

struct timer {
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    struct event event;
    int64_t due_ms;    /* when fn is to be called */
    int64_t wakeup_ms; /* when libevent calls us, if is_armed: at due_ms or before */
    bool is_running, is_armed;
};

static void arm(struct timer *timer)
{
    int64_t after_ms = timer->due_ms - loop_now_ms(timer->loop);
    struct timeval after = timeval_of(after_ms > 0 ? after_ms : 0);

    timer->wakeup_ms = timer->due_ms;
    timer->is_armed = true;
    if (evtimer_add(&timer->event, &after))
        fatal_memory(0);
}

static void timer_came_up(evutil_socket_t fd, short what, void *arg)
{
    struct timer *timer = arg;

    (void)fd, (void)what;
    timer->is_armed = false;
    if (!timer->is_running)
        return;
    if (loop_now_ms(timer->loop) < timer->due_ms) {
        arm(timer);
        return;
    }
    timer->is_running = false;
    timer->fn(timer->arg);
}

struct timer *timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
    struct timer *timer = mem_alloc(sizeof *timer);

    *timer = (struct timer){ .loop = loop, .fn = fn, .arg = arg };
    if (evtimer_assign(&timer->event, loop->base, timer_came_up, timer))
        BUG("evtimer_assign");
    return timer;
}

void timer_start(struct timer *timer, int after_ms)
{
    timer->due_ms = loop_now_ms(timer->loop) + (after_ms > 0 ? after_ms : 0);
    timer->is_running = true;
    if (!timer->is_armed || timer->wakeup_ms > timer->due_ms)
        arm(timer);
}

void timer_stop(struct timer *timer)
{
    timer->is_running = false;
}

bool timer_is_running(const struct timer *timer)
{
    return timer->is_running;
}

void timer_free(struct timer *timer)
{
    if (!timer)
        return;
    evtimer_del(&timer->event);
    free(timer);
}

/* --- watches --- */

struct watch {
    struct event event;
    loop_fn *fn;
    void *arg;
};

static void watch_came_up(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;

    (void)fd, (void)what;
    watch->fn(watch->arg);
}

static struct watch *watch_new(struct loop *loop, int fd, short what, loop_fn *fn, void *arg)
{
    struct watch *watch = mem_alloc(sizeof *watch);

    watch->fn = fn;
    watch->arg = arg;
    if (event_assign(&watch->event, loop->base, fd, (short)(what | EV_PERSIST), watch_came_up, watch) ||
        event_add(&watch->event, NULL))
        BUG("cannot watch %d", fd);
    return watch;
}

struct watch *watch_read(struct loop *loop, int fd, loop_fn *fn, void *arg)
{
    return watch_new(loop, fd, EV_READ, fn, arg);
}

struct watch *watch_signal(struct loop *loop, int signal, loop_fn *fn, void *arg)
{
    return watch_new(loop, signal, EV_SIGNAL, fn, arg);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    event_del(&watch->event);
    free(watch);
}

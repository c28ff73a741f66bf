/* net/loop.h - one event loop: sockets, timers, signals. A thin coat over libevent, so that nothing else knows it.
 *
 * Threads: everything here is called on the loop's own thread.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
struct watch;
struct event_base;

typedef void loop_fn(void *arg);

/* loop_new - SIGPIPE is ignored from then on. */
struct loop *loop_new(void);
void loop_free(struct loop *loop); /* after all that stands on it; calls that wait are forgotten. NULL is fine */
/* loop_run - until loop_stop(); loop_run_once - one turn, waiting at most `wait_ms` (below 0: for ever). */
void loop_run(struct loop *loop);
void loop_run_once(struct loop *loop, int wait_ms);
void loop_stop(struct loop *loop);
/* loop_now_ms - monotonic, as of this turn of the loop (cached). */
int64_t loop_now_ms(struct loop *loop);
/* loop_base - for net/ only: libevent's own. */
struct event_base *loop_base(struct loop *loop);

/* timer_new - calls fn(arg) on the loop, once per timer_start(), never early. timer_start() again moves it; moving it
 * later costs next to nothing. It may be freed inside its own call. */
struct timer *timer_new(struct loop *loop, loop_fn *fn, void *arg);
void timer_start(struct timer *timer, int after_ms);
void timer_stop(struct timer *timer);
bool timer_is_running(const struct timer *timer);
void timer_free(struct timer *timer); /* NULL is fine */

/* watch_read - calls fn(arg) whenever `fd` is readable (or has an end of file). It may be freed inside its call. */
struct watch *watch_read(struct loop *loop, int fd, loop_fn *fn, void *arg);
struct watch *watch_signal(struct loop *loop, int signal, loop_fn *fn, void *arg);
void watch_free(struct watch *watch); /* NULL is fine */

/* loop_soon - calls fn(arg) at the end of this turn: for breaking recursion. What is asked for from such a call comes
 * at the end of the next turn. It cannot be taken back: for an `arg` that may go first there are tasks. */
void loop_soon(struct loop *loop, loop_fn *fn, void *arg);

/* A call at the end of this turn that can be taken back; it lies in its owner, zeroed, with fn and arg set. */
struct task {
    loop_fn *fn;
    void *arg;
    struct task *next, **link; /* the loop's; `link` is NULL when it does not wait */
};

void loop_run_task(struct loop *loop, struct task *task); /* again before its call: nothing */
void loop_drop_task(struct loop *loop, struct task *task);
/* loop_at_end - the task is run by loop_free(), unless it is dropped before: for what frees itself some time. */
void loop_at_end(struct loop *loop, struct task *task);

#endif

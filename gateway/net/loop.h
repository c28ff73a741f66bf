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

struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* loop_run - until loop_stop(); loop_run_once - one turn, waiting at most `wait_ms`. */
void loop_run(struct loop *loop);
void loop_run_once(struct loop *loop, int wait_ms);
void loop_stop(struct loop *loop);
/* loop_now_ms - monotonic, as of this turn of the loop (cached). */
int64_t loop_now_ms(struct loop *loop);
/* loop_base - for net/ only: libevent's own. */
struct event_base *loop_base(struct loop *loop);

/* timer_new - calls fn(arg) on the loop, once per timer_start(). timer_start() again moves it. */
struct timer *timer_new(struct loop *loop, loop_fn *fn, void *arg);
void timer_start(struct timer *timer, int after_ms);
void timer_stop(struct timer *timer);
bool timer_is_running(const struct timer *timer);
void timer_free(struct timer *timer); /* NULL is fine */

/* watch_read - calls fn(arg) whenever `fd` is readable (or has an end of file). */
struct watch *watch_read(struct loop *loop, int fd, loop_fn *fn, void *arg);
struct watch *watch_signal(struct loop *loop, int signal, loop_fn *fn, void *arg);
void watch_free(struct watch *watch); /* NULL is fine */

/* loop_soon - calls fn(arg) later in this or the next turn: for breaking recursion. */
void loop_soon(struct loop *loop, loop_fn *fn, void *arg);

#endif

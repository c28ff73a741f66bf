/* tests/unit/test_loop.c - turns, timers, tasks, watches and signals. */
#include "tests/kit/expect.h"

#include <signal.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/net/loop.h"

struct notes {
    struct loop *loop;
    struct timer *timer;
    struct watch *watch;
    struct task task;
    int calls;
    char order[32];
    int fd;
};

static void note(void *arg)
{
    ((struct notes *)arg)->calls++;
}

static void note_and_stop(void *arg)
{
    struct notes *n = arg;

    n->calls++;
    loop_stop(n->loop);
}

static void timers_come_once_and_never_early(void **state)
{
    static const int waits[] = { 0, 1, 7, 30 };
    struct notes n = { .loop = loop_new() };

    (void)state;
    n.timer = timer_new(n.loop, note_and_stop, &n);
    for (size_t i = 0; i < COUNT(waits); i++) {
        int64_t before_us = clock_mono_us();

        timer_start(n.timer, waits[i]);
        EXPECT_TRUE(timer_is_running(n.timer));
        loop_run(n.loop);
        EXPECT_FALSE(timer_is_running(n.timer));
        EXPECT_INT(i + 1, n.calls);
        EXPECT_TRUE(clock_mono_us() - before_us > (int64_t)(waits[i] - 1) * 1000);
        loop_run_once(n.loop, 0);
        EXPECT_INT(i + 1, n.calls);
    }
    timer_free(n.timer);
    loop_free(n.loop);
}

static void a_timer_can_be_moved_and_stopped(void **state)
{
    struct notes n = { .loop = loop_new() };
    struct notes end = { .loop = n.loop };

    (void)state;
    n.timer = timer_new(n.loop, note, &n);
    end.timer = timer_new(n.loop, note_and_stop, &end);
    timer_start(n.timer, 5);
    timer_start(n.timer, 100000); /* later */
    timer_start(end.timer, 30);
    loop_run(n.loop);
    EXPECT_INT(0, n.calls);
    timer_start(n.timer, 1); /* earlier */
    timer_start(end.timer, 30);
    loop_run(n.loop);
    EXPECT_INT(1, n.calls);
    timer_start(n.timer, 1);
    timer_stop(n.timer);
    timer_start(end.timer, 20);
    loop_run(n.loop);
    EXPECT_INT(1, n.calls);
    timer_start(n.timer, 1); /* stopped, then started again */
    timer_start(end.timer, 20);
    loop_run(n.loop);
    EXPECT_INT(2, n.calls);
    timer_free(n.timer);
    timer_free(end.timer);
    timer_free(NULL);
    loop_free(n.loop);
}

static void free_own_timer(void *arg)
{
    struct notes *n = arg;

    timer_free(n->timer);
    n->timer = NULL;
    note_and_stop(n);
}

static void a_timer_may_be_freed_in_its_call(void **state)
{
    struct notes n = { .loop = loop_new() };

    (void)state;
    n.timer = timer_new(n.loop, free_own_timer, &n);
    timer_start(n.timer, 1);
    loop_run(n.loop);
    EXPECT_INT(1, n.calls);
    loop_free(n.loop);
}

static void time_stands_still_within_a_turn(void **state)
{
    struct loop *loop = loop_new();
    int64_t before = loop_now_ms(loop);

    (void)state;
    usleep(5000);
    EXPECT_INT(before, loop_now_ms(loop));
    loop_run_once(loop, 0);
    EXPECT_TRUE(loop_now_ms(loop) >= before + 5);
    loop_free(loop);
}

static void a_turn_ends_after_its_wait(void **state)
{
    struct loop *loop = loop_new();
    int64_t before_us = clock_mono_us();

    (void)state;
    loop_run_once(loop, 20);
    EXPECT_TRUE(clock_mono_us() - before_us > 10000);
    before_us = clock_mono_us();
    loop_run_once(loop, 0);
    EXPECT_TRUE(clock_mono_us() - before_us < 5000000);
    loop_free(loop);
}

struct letter {
    struct notes *notes;
    char letter;
    bool is_repeating;
};

static void write_letter(void *arg)
{
    struct letter *l = arg;

    strncat(l->notes->order, &l->letter, 1);
    if (l->is_repeating)
        loop_soon(l->notes->loop, write_letter, l);
}

static void what_is_soon_comes_in_order_and_does_not_starve_the_loop(void **state)
{
    struct notes n = { .loop = loop_new() };
    struct letter a = { &n, 'a', true }, b = { &n, 'b', false };

    (void)state;
    loop_soon(n.loop, write_letter, &a);
    loop_soon(n.loop, write_letter, &b);
    EXPECT_STR("", n.order);
    loop_run_once(n.loop, -1); /* does not wait: something is to be done */
    EXPECT_STR("ab", n.order);
    loop_run_once(n.loop, -1);
    EXPECT_STR("aba", n.order);
    loop_free(n.loop); /* forgets the next */
}

static void tasks_can_be_taken_back(void **state)
{
    struct notes n = { .loop = loop_new() };
    struct letter letters[] = { { &n, 'a', false }, { &n, 'b', false }, { &n, 'c', false }, { &n, 'd', false } };
    struct task tasks[COUNT(letters)];

    (void)state;
    for (size_t i = 0; i < COUNT(letters); i++) {
        tasks[i] = (struct task){ .fn = write_letter, .arg = &letters[i] };
        loop_run_task(n.loop, &tasks[i]);
        loop_run_task(n.loop, &tasks[i]); /* once is enough */
    }
    loop_drop_task(n.loop, &tasks[1]);
    loop_drop_task(n.loop, &tasks[3]);
    loop_drop_task(n.loop, &tasks[3]);
    loop_run_task(n.loop, &tasks[1]);
    loop_run_once(n.loop, 0);
    EXPECT_STR("acb", n.order);
    loop_free(n.loop);
}

static void drop_the_next(void *arg)
{
    struct notes *n = arg;

    note(n);
    loop_drop_task(n->loop, &n->task);
}

static void a_task_can_take_back_the_next(void **state)
{
    struct notes n = { .loop = loop_new() };
    struct task first = { .fn = drop_the_next, .arg = &n };

    (void)state;
    n.task = (struct task){ .fn = note, .arg = &n };
    loop_run_task(n.loop, &first);
    loop_run_task(n.loop, &n.task);
    loop_run_once(n.loop, 0);
    EXPECT_INT(1, n.calls);
    loop_run_once(n.loop, 0);
    EXPECT_INT(1, n.calls);
    loop_free(n.loop);
}

static void a_loop_that_goes_runs_its_last_tasks(void **state)
{
    struct notes n = { .loop = loop_new() };
    struct task tasks[3];

    (void)state;
    for (size_t i = 0; i < COUNT(tasks); i++) {
        tasks[i] = (struct task){ .fn = note, .arg = &n };
        loop_at_end(n.loop, &tasks[i]);
        loop_at_end(n.loop, &tasks[i]);
    }
    loop_drop_task(n.loop, &tasks[1]);
    loop_run_once(n.loop, 0);
    EXPECT_INT(0, n.calls);
    loop_free(n.loop);
    EXPECT_INT(2, n.calls);
}

static void read_and_unwatch(void *arg)
{
    struct notes *n = arg;
    char byte = 0;

    n->calls++;
    if (read(n->fd, &byte, 1) <= 0) {
        watch_free(n->watch);
        n->watch = NULL;
    }
}

static void a_watch_sees_bytes_and_the_end(void **state)
{
    struct notes n = { .loop = loop_new() };
    int ends[2];

    (void)state;
    EXPECT_INT(0, pipe(ends));
    n.fd = ends[0];
    n.watch = watch_read(n.loop, ends[0], read_and_unwatch, &n);
    loop_run_once(n.loop, 0);
    EXPECT_INT(0, n.calls);
    EXPECT_INT(2, write(ends[1], "xy", 2));
    close(ends[1]);
    for (int i = 0; i < 5; i++)
        loop_run_once(n.loop, 0);
    EXPECT_INT(3, n.calls);
    EXPECT_NULL(n.watch);
    close(ends[0]);
    loop_free(n.loop);
}

static void signals_come_on_the_loop(void **state)
{
    struct notes n = { .loop = loop_new() };

    (void)state;
    n.watch = watch_signal(n.loop, SIGUSR1, note_and_stop, &n);
    raise(SIGUSR1);
    EXPECT_INT(0, n.calls);
    loop_run(n.loop);
    EXPECT_INT(1, n.calls);
    watch_free(n.watch);
    watch_free(NULL);
    loop_free(n.loop);
}

static void writing_to_nobody_is_no_signal(void **state)
{
    struct loop *loop = loop_new();
    int ends[2];

    (void)state;
    EXPECT_INT(0, pipe(ends));
    close(ends[0]);
    EXPECT_INT(-1, write(ends[1], "x", 1));
    close(ends[1]);
    loop_free(loop);
}

RUN_TESTS(TEST(timers_come_once_and_never_early), TEST(a_timer_can_be_moved_and_stopped),
          TEST(a_timer_may_be_freed_in_its_call), TEST(time_stands_still_within_a_turn),
          TEST(a_turn_ends_after_its_wait), TEST(what_is_soon_comes_in_order_and_does_not_starve_the_loop),
          TEST(tasks_can_be_taken_back), TEST(a_task_can_take_back_the_next),
          TEST(a_loop_that_goes_runs_its_last_tasks), TEST(a_watch_sees_bytes_and_the_end),
          TEST(signals_come_on_the_loop), TEST(writing_to_nobody_is_no_signal))

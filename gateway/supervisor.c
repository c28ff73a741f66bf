/* gateway/supervisor.c - the first process. See supervisor.h for what it promises. */
#include "gateway/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config.h"
#include "gateway/net/loop.h"
#include "gateway/notify.h"
#include "gateway/sockets.h"

enum {
    PAUSE_LEAST_MS = 100,
    PAUSE_MOST_MS = 30000,
    STEADY_MS = 60000, /* a gateway that lived so long begins with the least pause again */
    STOP_MS = 90000,   /* from SIGTERM to SIGKILL: longer than the gateway's own drain */
    TICK_MS = 1000,
    GENERATIONS_MAX = 16, /* alive at once: the current one, a new one, and old ones that retire */
};

struct generation {
    struct supervisor *supervisor;
    pid_t pid; /* 0: this place is free */
    int status_fd;
    struct watch *watch;
    unsigned number;
    bool is_ready, is_draining;
    int64_t started_ms, heard_ms;
};

struct supervisor {
    const char *program, *config;
    struct loop *loop;
    struct sockets sockets;
    struct generation generations[GENERATIONS_MAX];
    struct generation *current, *next; /* next: a reload's, not ready yet */
    struct sockets next_sockets;
    unsigned number;
    int pause_ms;
    struct timer *restart, *tick, *kill;
    bool is_stopping, was_ready;
    int64_t watchdog_told_ms;
    int status; /* what supervisor_run returns */
};

/* ---- one generation ---- */

static struct generation *free_place(struct supervisor *s)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        if (!s->generations[i].pid)
            return &s->generations[i];
    return NULL;
}

/* The child begins with all signals blocked. The supervisor's handlers are not for it: they would write into the
 * supervisor's own pipe, which would take a SIGTERM to the child for one to itself. */
static void take_own_signals(pid_t supervisor)
{
    sigset_t none;

    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != supervisor) /* it has died already */
        _exit(EXIT_OTHER);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: what it inherits is told by the environment; every other descriptor closes itself. */
static _Noreturn void become_gateway(const struct supervisor *s, const struct sockets *sockets, int status_fd)
{
    char status[16];
    struct strbuf text;

    strbuf_init(&text, 1 << 16);
    sockets_to_text(sockets, &text);
    snprintf(status, sizeof status, "%d", status_fd);
    setenv("POSTERN_SOCKETS", strbuf_span(&text).ptr, 1);
    setenv("POSTERN_STATUS", status, 1);
    for (size_t i = 0; i < sockets->count; i++)
        fcntl(sockets->items[i].fd, F_SETFD, 0);
    fcntl(status_fd, F_SETFD, 0);
    if (s->config)
        execl(s->program, "postern", "gateway", "-c", s->config, (char *)NULL);
    else
        execl(s->program, "postern", "gateway", (char *)NULL);
    fprintf(stderr, "postern: %s: %s\n", s->program, strerror(errno));
    _exit(EXIT_OTHER);
}

/* A gateway without any door would run, and do nothing. */
static const char no_door[] =
    "no door is open: say where mail comes in, such as smtp { listen = {\"0.0.0.0:25\"} }, or "
    "milter, policy or http { listen = ... }";

static void make_current(struct supervisor *s);

static void on_ready(struct generation *g)
{
    struct supervisor *s = g->supervisor;

    g->is_ready = true;
    log_info("ready", "generation %u, process %d", g->number, (int)g->pid);
    if (g == s->next)
        make_current(s);
    if (!s->was_ready) {
        s->was_ready = true;
        puts("ready");
        fflush(stdout);
    }
    notify_send("READY=1");
}

static void on_status(void *arg)
{
    struct generation *g = arg;
    char bytes[64];
    ssize_t n = read(g->status_fd, bytes, sizeof bytes);

    if (n <= 0) { /* it ends: SIGCHLD tells the rest */
        watch_free(g->watch);
        g->watch = NULL;
        return;
    }
    g->heard_ms = clock_mono_ms();
    if (!g->is_ready && memchr(bytes, STATUS_READY, (size_t)n))
        on_ready(g);
}

static struct generation *generation_start(struct supervisor *s, const struct sockets *sockets)
{
    struct generation *g = free_place(s);
    int ends[2];

    if (!g || pipe2(ends, O_CLOEXEC)) {
        log_error("start", "cannot start a gateway: %s", g ? strerror(errno) : "too many old ones still have sessions");
        return NULL;
    }
    pid_t supervisor = getpid();
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();

    if (pid == 0) {
        take_own_signals(supervisor);
        become_gateway(s, sockets, ends[1]);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0) {
        log_error("start", "cannot start a gateway: %s", strerror(errno));
        close(ends[0]);
        return NULL;
    }
    *g = (struct generation){
        .supervisor = s, .pid = pid, .status_fd = ends[0], .number = ++s->number, .started_ms = clock_mono_ms()
    };
    g->heard_ms = g->started_ms;
    g->watch = watch_read(s->loop, g->status_fd, on_status, g);
    return g;
}

static void generation_drain(struct generation *g)
{
    g->is_draining = true;
    kill(g->pid, SIGTERM);
}

/* ---- starting and restarting ---- */

static void start_current(void *arg)
{
    struct supervisor *s = arg;

    if (s->is_stopping || s->current)
        return;
    s->current = generation_start(s, &s->sockets);
    if (!s->current)
        timer_start(s->restart, PAUSE_MOST_MS);
}

static void restart_later(struct supervisor *s, const struct generation *dead)
{
    bool was_steady = clock_mono_ms() - dead->started_ms >= STEADY_MS;

    s->pause_ms = was_steady || !s->pause_ms ? PAUSE_LEAST_MS : s->pause_ms * 2;
    if (s->pause_ms > PAUSE_MOST_MS)
        s->pause_ms = PAUSE_MOST_MS;
    log_warn("restart", "a new gateway starts in %d ms", s->pause_ms);
    timer_start(s->restart, s->pause_ms);
}

static void make_current(struct supervisor *s)
{
    struct generation *old = s->current;

    s->current = s->next;
    s->next = NULL;
    sockets_close_others(&s->sockets, &s->next_sockets);
    s->sockets = s->next_sockets;
    timer_stop(s->restart);
    if (old) {
        old->is_draining = true;
        kill(old->pid, STATUS_RETIRE_SIGNAL);
    }
    log_info("reload", "generation %u has taken over", s->current->number);
}

static bool is_any_alive(const struct supervisor *s)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        if (s->generations[i].pid)
            return true;
    return false;
}

static void log_end(const struct generation *g, int status)
{
    if (WIFSIGNALED(status))
        log_error("died", "gateway process %d was ended by signal %d (%s)", (int)g->pid, WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    else if (!g->is_draining || WEXITSTATUS(status))
        log_error("died", "gateway process %d ended with status %d", (int)g->pid, WEXITSTATUS(status));
    else
        log_info("drained", "generation %u has ended", g->number);
}

static void stop_with(struct supervisor *s, int status)
{
    s->status = status;
    s->is_stopping = true;
    loop_stop(s->loop);
}

static void on_dead(struct supervisor *s, struct generation *g, int status)
{
    struct generation dead = *g;

    log_end(g, status);
    watch_free(g->watch);
    close(g->status_fd);
    *g = (struct generation){ 0 };
    if (g == s->next) {
        s->next = NULL;
        sockets_close_others(&s->next_sockets, &s->sockets);
        log_error("reload", "the new gateway did not become ready; the old one goes on");
        notify_send("READY=1");
    } else if (g == s->current) {
        s->current = NULL;
        if (s->is_stopping)
            ;
        else if (!s->was_ready) /* a first start that fails is for the operator to see, not to be tried again */
            stop_with(s, WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_OTHER);
        else
            restart_later(s, &dead);
    }
    if (s->is_stopping && !is_any_alive(s))
        loop_stop(s->loop);
}

static void on_child(void *arg)
{
    struct supervisor *s = arg;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < GENERATIONS_MAX; i++)
            if (s->generations[i].pid == pid)
                on_dead(s, &s->generations[i], status);
}

/* ---- what the operator wants ---- */

static void refuse(struct span faults)
{
    struct span line;

    while (span_cut(&faults, '\n', &line))
        if (line.len)
            log_error("reload", "%.*s", SPAN_ARG(line));
    log_error("reload", "the new configuration is refused, the old one stays");
}

static bool load_next(struct supervisor *s)
{
    struct loaded loaded;
    struct strbuf faults;
    char error[512] = "";

    strbuf_init(&faults, 1 << 20);
    bool is_good = config_load(s->config, &loaded, &faults);

    if (!is_good)
        refuse(strbuf_span(&faults));
    strbuf_release(&faults);
    if (!is_good)
        return false;
    is_good = sockets_open(loaded.values, &s->sockets, &s->next_sockets, error, sizeof error);
    if (is_good && !s->next_sockets.count)
        snprintf(error, sizeof error, "%s", no_door);
    if (error[0])
        refuse(span_of(error));
    config_free(&loaded);
    return !error[0];
}

static void on_hangup(void *arg)
{
    struct supervisor *s = arg;

    if (s->is_stopping)
        return;
    if (s->next) {
        log_warn("reload", "a reload is under way; send SIGHUP again when it is done");
        return;
    }
    notify_send("RELOADING=1");
    log_info("reload", "reading %s", s->config ? s->config : "the built-in configuration");
    if (load_next(s)) {
        s->next = generation_start(s, &s->next_sockets);
        if (!s->next)
            sockets_close_others(&s->next_sockets, &s->sockets);
    }
    if (!s->next)
        notify_send("READY=1");
}

static void kill_all(void *arg)
{
    struct supervisor *s = arg;

    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        if (s->generations[i].pid)
            kill(s->generations[i].pid, SIGKILL);
}

static void on_stop(void *arg)
{
    struct supervisor *s = arg;

    if (s->is_stopping) { /* a second Ctrl-C */
        kill_all(s);
        return;
    }
    s->is_stopping = true;
    notify_send("STOPPING=1");
    log_info("stop", "draining");
    sockets_close_others(&s->sockets, NULL);
    timer_stop(s->restart);
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        if (s->generations[i].pid)
            generation_drain(&s->generations[i]);
    timer_start(s->kill, STOP_MS);
    if (!is_any_alive(s))
        loop_stop(s->loop);
}

/* ---- is it alive? ---- */

static void check_silence(struct generation *g, int64_t now)
{
    if (!g->pid || now - g->heard_ms < STATUS_SILENCE_MS)
        return;
    log_error("silent", "gateway process %d has said nothing for %d s and is replaced", (int)g->pid,
              STATUS_SILENCE_MS / 1000);
    kill(g->pid, SIGABRT);
    g->heard_ms = now;
}

static void on_tick(void *arg)
{
    struct supervisor *s = arg;
    int64_t now = clock_mono_ms();
    int watchdog_ms = notify_watchdog_ms();

    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        check_silence(&s->generations[i], now);
    if (watchdog_ms && now - s->watchdog_told_ms >= watchdog_ms) {
        notify_send("WATCHDOG=1");
        s->watchdog_told_ms = now;
    }
    timer_start(s->tick, TICK_MS);
}

/* ---- all of it ---- */

static bool open_first(struct supervisor *s)
{
    struct loaded loaded;
    char error[512] = "";

    if (!config_load_or_tell(s->config, &loaded)) {
        s->status = EXIT_CONFIG;
        return false;
    }
    log_configure((enum log_format)loaded.values->log.format, (enum log_level)loaded.values->log.level);
    bool is_good = sockets_open(loaded.values, NULL, &s->sockets, error, sizeof error);

    config_free(&loaded);
    if (is_good && s->sockets.count)
        return true;
    fprintf(stderr, "postern: %s\n", is_good ? no_door : error);
    s->status = is_good ? EXIT_CONFIG : EXIT_OTHER;
    return false;
}

static void watch_over(struct supervisor *s)
{
    static const struct {
        int signal;
        loop_fn *fn;
    } signals[] = { { SIGCHLD, on_child }, { SIGHUP, on_hangup }, { SIGTERM, on_stop }, { SIGINT, on_stop } };
    struct watch *watches[COUNT(signals)];
    sigset_t all;

    s->loop = loop_new();
    s->restart = timer_new(s->loop, start_current, s);
    s->tick = timer_new(s->loop, on_tick, s);
    s->kill = timer_new(s->loop, kill_all, s);
    for (size_t i = 0; i < COUNT(signals); i++)
        watches[i] = watch_signal(s->loop, signals[i].signal, signals[i].fn, s);
    timer_start(s->restart, 0);
    timer_start(s->tick, TICK_MS);
    loop_run(s->loop);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* a second SIGTERM would find no handler, and be told as our status */
    for (size_t i = 0; i < COUNT(signals); i++)
        watch_free(watches[i]);
    timer_free(s->restart);
    timer_free(s->tick);
    timer_free(s->kill);
    loop_free(s->loop);
}

int supervisor_run(const char *program, const char *config)
{
    struct supervisor *s = mem_alloc(sizeof *s);
    int status;

    *s = (struct supervisor){ .program = program, .config = config };
    if (open_first(s))
        watch_over(s);
    status = s->status;
    free(s);
    return status;
}

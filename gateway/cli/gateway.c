/* cli/gateway.c - the supervisor's child: the process that talks to the network.
 *
 * It reads the configuration and all that only root may read, takes over the listening sockets, gives up its
 * privileges, and serves until SIGTERM; then it drains. It tells the supervisor by its status pipe that it is ready and
 * that it is alive.
 */
#include "gateway/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/descriptors.h"
#include "gateway/doors.h"
#include "gateway/privileges.h"
#include "gateway/sockets.h"
#include "gateway/supervisor.h"

struct made_door {
    const struct door_kind *kind;
    void *door;
};

struct gateway {
    struct loaded loaded;
    struct sockets sockets;
    int status_fd; /* -1: nobody listens */
    struct loop *loop;
    struct engine engine;
    struct made_door doors[DOORS_MAX]; /* those that have a listener */
    size_t door_count;
    struct timer *alive;
    struct watch *term, *retire;
    struct timer *drain;
    bool is_draining;
    int64_t end_ms; /* of draining, or of retirement; 0: neither */
};

enum { RETIRE_MS = 600000, DRAIN_MS = 60000, DRAIN_TURN_MS = 50 };

static void on_term(void *arg);

static void tell(struct gateway *g, char what)
{
    if (g->status_fd >= 0 && write(g->status_fd, &what, 1) < 0 && errno == EPIPE)
        g->status_fd = -1;
}

static void on_alive(void *arg)
{
    struct gateway *g = arg;

    bool had_supervisor = g->status_fd >= 0;

    tell(g, STATUS_ALIVE);
    if (had_supervisor && g->status_fd < 0) {
        log_warn("drain", "the supervisor is gone");
        on_term(g);
    }
    timer_start(g->alive, STATUS_ALIVE_MS);
}

static bool is_idle(const struct gateway *g)
{
    for (size_t i = 0; i < g->door_count; i++)
        if (!g->doors[i].kind->is_idle(g->doors[i].door))
            return false;
    return true;
}

/* Until the last session has ended. Those of a retired gateway are drained when its time is up; what is left of a
 * draining one is cut, and its client comes again. */
static void on_drain(void *arg)
{
    struct gateway *g = arg;
    bool is_late = clock_mono_ms() >= g->end_ms;

    if (is_idle(g) || (is_late && g->is_draining))
        loop_stop(g->loop);
    else if (is_late)
        on_term(g);
    else
        timer_start(g->drain, DRAIN_TURN_MS);
}

static void on_retire(void *arg)
{
    struct gateway *g = arg;

    if (g->end_ms)
        return;
    g->end_ms = clock_mono_ms() + RETIRE_MS;
    log_info("retire", "a new gateway takes the connections; sessions under way go on here");
    for (size_t i = 0; i < g->door_count; i++)
        g->doors[i].kind->retire(g->doors[i].door);
    on_drain(g);
}

static void on_term(void *arg)
{
    struct gateway *g = arg;

    if (g->is_draining)
        return;
    g->is_draining = true;
    g->end_ms = clock_mono_ms() + DRAIN_MS;
    log_info("drain", "no new connections; transactions under way are finished");
    for (size_t i = 0; i < g->door_count; i++)
        g->doors[i].kind->drain(g->doors[i].door);
    on_drain(g);
}

/* One for each core that this process may run on. */
static unsigned worker_count(const struct engine_conf *conf)
{
    cpu_set_t set;

    if (conf->workers)
        return (unsigned)conf->workers;
    int cores = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);

    return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

static bool fail(const char *what, const char *error)
{
    fprintf(stderr, "postern: %s: %s\n", what, error);
    return false;
}

static bool open_engine(struct gateway *g)
{
    const struct config *config = g->loaded.values;
    char error[512] = "";

    g->loop = loop_new();
    g->engine = (struct engine){ .loop = g->loop,
                                 .dns = dns_new(g->loop, &config->dns, error, sizeof error),
                                 .hostname = config->hostname,
                                 .state = config->state,
                                 .config_digest = conf_digest(g->loaded.conf),
                                 .conf = &config->engine,
                                 .actions = &config->actions,
                                 .checks = g->loaded.checks,
                                 .check_count = settings_count(),
                                 .profiles = g->loaded.profiles };
    return g->engine.dns || fail("dns", error);
}

static bool has_listener(const struct gateway *g, const char *door)
{
    for (size_t i = 0; i < g->sockets.count; i++)
        if (strcmp(g->sockets.items[i].door, door) == 0)
            return true;
    return false;
}

static bool make_doors(struct gateway *g)
{
    char error[512] = "";

    for (size_t i = 0; i < door_kind_count; i++) {
        const struct door_kind *kind = &door_kinds[i];

        if (!has_listener(g, kind->name))
            continue;
        void *door = kind->make(&g->engine, g->loaded.values, error, sizeof error);

        if (!door)
            return fail(kind->name, error);
        g->doors[g->door_count++] = (struct made_door){ kind, door };
    }
    return true;
}

static bool open_doors(struct gateway *g)
{
    char error[512] = "";

    for (size_t i = 0; i < g->door_count; i++)
        if (!g->doors[i].kind->open(g->doors[i].door, error, sizeof error))
            return fail(g->doors[i].kind->name, error);
    return true;
}

/* First, as root if we are, what only root may; then, as the gateway's user, all the rest. */
static bool open_all(struct gateway *g)
{
    const struct config *config = g->loaded.values;
    char error[512] = "";

    if (!open_engine(g))
        return false;
    if (!privileges_prepare(config->user, config->state, error, sizeof error))
        return fail("state", error);
    if (!make_doors(g))
        return false;
    if (!privileges_drop(config->user, error, sizeof error))
        return fail("user", error);
    if (!privileges_suffice(config->state, error, sizeof error))
        return fail("state", error);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* becoming another user has cleared it */
    g->engine.crew = crew_new(g->loop, worker_count(&config->engine), (unsigned)config->engine.quick_most,
                              (unsigned)config->engine.heavy_most);
    g->engine.store = store_new(g->loop, &config->store, config->state, error, sizeof error);
    if (!g->engine.store)
        return fail("store", error);
    return open_doors(g);
}

static void listen_on(struct gateway *g, const struct open_socket *socket)
{
    for (size_t i = 0; i < g->door_count; i++)
        if (strcmp(g->doors[i].kind->name, socket->door) == 0)
            g->doors[i].kind->listen(g->doors[i].door, socket->fd, &socket->at);
}

static void serve(struct gateway *g)
{
    g->alive = timer_new(g->loop, on_alive, g);
    g->drain = timer_new(g->loop, on_drain, g);
    g->term = watch_signal(g->loop, SIGTERM, on_term, g);
    g->retire = watch_signal(g->loop, STATUS_RETIRE_SIGNAL, on_retire, g);
    engine_start(&g->engine);
    for (size_t i = 0; i < g->sockets.count; i++)
        listen_on(g, &g->sockets.items[i]);
    tell(g, STATUS_READY);
    on_alive(g);
    loop_run(g->loop);
}

static void close_all(struct gateway *g)
{
    for (size_t i = 0; i < g->door_count; i++)
        g->doors[i].kind->free(g->doors[i].door);
    engine_stop(&g->engine);
    if (g->engine.crew)
        crew_free(g->engine.crew);
    timer_free(g->alive);
    timer_free(g->drain);
    watch_free(g->term);
    watch_free(g->retire);
    if (g->engine.dns)
        dns_free(g->engine.dns);
    store_free(g->engine.store);
    if (g->loop)
        loop_free(g->loop);
    config_free(&g->loaded);
}

static bool inherit(struct gateway *g)
{
    const char *sockets = getenv("POSTERN_SOCKETS"), *status = getenv("POSTERN_STATUS");
    uint64_t fd = 0;

    if (!sockets || !status || !sockets_from_text(span_of(sockets), &g->sockets) ||
        span_u64(span_of(status), 1 << 20, &fd))
        return fail("gateway", "this command is the supervisor's; start `postern run`");
    g->status_fd = (int)fd;
    return true;
}

static int open_and_serve(struct gateway *g)
{
    const struct log_conf *log = &g->loaded.values->log;
    int status = EXIT_OTHER;

    log_configure((enum log_format)log->format, (enum log_level)log->level);
    descriptors_raise(g->loaded.values);
    if (open_all(g)) {
        serve(g);
        status = EXIT_OK;
    }
    close_all(g);
    return status;
}

int cli_gateway(int argc, char **argv)
{
    struct gateway *g = mem_alloc(sizeof *g);
    const char *path = NULL;
    int option, status = EXIT_OTHER;

    while ((option = getopt(argc, argv, "c:")) != -1)
        path = option == 'c' ? optarg : path;
    signal(SIGINT, SIG_IGN); /* the supervisor's: it tells us by SIGTERM */
    signal(SIGHUP, SIG_IGN);
    g->status_fd = -1;
    if (!inherit(g))
        status = EXIT_CONFIG;
    else if (!config_load_or_tell(path, &g->loaded))
        status = EXIT_CONFIG;
    else
        status = open_and_serve(g);
    free(g);
    return status;
}

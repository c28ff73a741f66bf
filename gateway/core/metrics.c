/* core/metrics.c - what the gateway counts of itself. */
#include "gateway/core/metrics.h"

const int64_t histogram_bounds_us[HISTOGRAM_BUCKETS] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000, 60000000,
};

void histogram_add(struct histogram *h, int64_t us)
{
    size_t i = 0;

    while (i < HISTOGRAM_BUCKETS && us > histogram_bounds_us[i])
        i++;
    if (i < HISTOGRAM_BUCKETS)
        h->buckets[i]++;
    h->count++;
    h->sum_us += us > 0 ? us : 0;
}

struct door_metrics *metrics_door(struct metrics *m, const char *name)
{
    for (size_t i = 0; i < METRICS_DOORS_MAX; i++) {
        struct door_metrics *door = &m->doors[i];

        if (!door->name)
            door->name = name;
        if (door->name == name || strcmp(door->name, name) == 0)
            return door;
    }
    return NULL;
}

void metrics_session(struct metrics *m, const char *door, int change)
{
    struct door_metrics *d = metrics_door(m, door);

    if (!d)
        return;
    d->sessions += change;
    d->sessions_total += change > 0;
}

void metrics_verdict(struct metrics *m, const char *door, enum action action)
{
    struct door_metrics *d = metrics_door(m, door);

    if (d)
        d->verdicts[action]++;
}

void metrics_latency(struct metrics *m, const char *door, int64_t us)
{
    struct door_metrics *d = metrics_door(m, door);

    if (d)
        histogram_add(&d->latency, us);
}

void metrics_run(struct metrics *m, const struct run *run)
{
    struct check_metrics *c = &m->checks[run->settings->index];

    switch (run->state) {
    case RUN_DONE:
        c->done++;
        histogram_add(&c->latency, run->took_us);
        break;
    case RUN_FAILED:
        c->failed++;
        c->timed_out += run->is_late;
        break;
    case RUN_SKIPPED: c->skipped++; break;
    default: break;
    }
}

void metrics_add_hop(struct hop_metrics *m, struct hop_figures *hop)
{
    hop->previous = NULL;
    hop->next = m->hops;
    if (hop->next)
        hop->next->previous = hop;
    m->hops = hop;
}

void metrics_remove_hop(struct hop_metrics *m, struct hop_figures *hop)
{
    if (hop->next)
        hop->next->previous = hop->previous;
    if (hop->previous)
        hop->previous->next = hop->next;
    else if (m->hops == hop)
        m->hops = hop->next;
}

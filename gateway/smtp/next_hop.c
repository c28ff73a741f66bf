/* smtp/next_hop.c - several targets that stand for each other. */
#include "gateway/smtp/next_hop.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/smtp/hop_choice.h"

enum { NAME_MOST = 8192 };

struct next_hop {
    unsigned holders;
    void (*on_unused)(void *arg);
    void *arg;
    size_t count;
    struct hop *hops[HOP_TARGETS_MOST];
    struct hop_choice choices[HOP_TARGETS_MOST];
    char name[];
};

struct next_hop *next_hop_new(const struct hop_targets *targets, struct hop *const *hops, void (*on_unused)(void *arg),
                              void *arg)
{
    struct strbuf name;

    strbuf_init(&name, NAME_MOST);
    for (size_t i = 0; i < targets->count; i++)
        strbuf_putf(&name, "%s%s", i ? "," : "", targets->items[i].text);
    struct next_hop *nh = mem_alloc(sizeof *nh + name.len + 1);

    memcpy(nh->name, name.data, name.len);
    strbuf_release(&name);
    nh->holders = 1;
    nh->on_unused = on_unused;
    nh->arg = arg;
    nh->count = targets->count;
    for (size_t i = 0; i < targets->count; i++) {
        nh->hops[i] = hops[i];
        nh->choices[i] =
            (struct hop_choice){ .priority = targets->items[i].priority, .weight = targets->items[i].weight };
    }
    return nh;
}

struct next_hop *next_hop_hold(struct next_hop *nh)
{
    nh->holders++;
    return nh;
}

void next_hop_drop(struct next_hop *nh)
{
    if (!nh || --nh->holders)
        return;
    nh->on_unused(nh->arg);
    free(nh);
}

const char *next_hop_name(const struct next_hop *nh)
{
    return nh->name;
}

enum hop_kind next_hop_kind(const struct next_hop *nh)
{
    return hop_target(nh->hops[0])->kind;
}

const struct hop_settings *next_hop_settings(const struct next_hop *nh)
{
    return hop_settings(nh->hops[0]);
}

bool next_hop_is_local(const struct next_hop *nh)
{
    for (size_t i = 0; i < nh->count; i++)
        if (hop_target_is_local(hop_target(nh->hops[i])))
            return true;
    return false;
}

const char *next_hop_auth(const struct next_hop *nh)
{
    return hop_auth(nh->hops[0]);
}

bool next_hop_is_private(const struct next_hop *nh)
{
    return hop_settings(nh->hops[0])->is_private;
}

/* ---- tasks ---- */

/* Where a task was before, it may go once more: an idle connection that has just been closed says nothing of a hop. */
bool next_hop_submit(struct next_hop *nh, struct hop_task *task)
{
    for (size_t i = 0; i < nh->count; i++) {
        nh->choices[i].is_open = !(task->tried & (1U << i)) && !hop_is_down(nh->hops[i]);
        nh->choices[i].is_doubtful = hop_is_doubtful(nh->hops[i]);
        nh->choices[i].is_busy = hop_is_busy(nh->hops[i]);
    }
    for (;;) {
        int chosen = hop_choose(nh->choices, nh->count);

        if (chosen == HOP_CHOICE_NONE)
            return false;
        nh->choices[chosen].is_open = false;
        if (task->is_again)
            task->tried |= 1U << chosen;
        if (hop_submit(nh->hops[chosen], task)) {
            task->is_again = true;
            return true;
        }
    }
}

bool next_hop_is_down(const struct next_hop *nh)
{
    for (size_t i = 0; i < nh->count; i++)
        if (!hop_is_down(nh->hops[i]))
            return false;
    return true;
}

/* ---- what they offer ---- */

unsigned next_hop_extensions(const struct next_hop *nh)
{
    unsigned all = EXTENSIONS_ALL;

    for (size_t i = 0; i < nh->count; i++)
        if (hop_is_known(nh->hops[i]))
            all &= hop_extensions(nh->hops[i]);
    return all;
}

bool next_hop_may_require_tls(const struct next_hop *nh)
{
    for (size_t i = 0; i < nh->count; i++)
        if (hop_may_require_tls(nh->hops[i]))
            return true;
    return false;
}

void hop_most_add(struct hop_most *m, uint64_t its)
{
    m->has_none = m->has_none || !its;
    m->most = its > m->most ? its : m->most;
}

uint64_t next_hop_size_most(const struct next_hop *nh)
{
    struct hop_most m = { 0 };

    for (size_t i = 0; i < nh->count; i++)
        hop_most_add(&m, hop_size_most(nh->hops[i]));
    return hop_most(&m);
}

static uint64_t least_of(const struct next_hop *nh, uint64_t (*tell)(const struct hop *hop))
{
    uint64_t least = 0;

    for (size_t i = 0; i < nh->count; i++)
        least = hop_less(least, tell(nh->hops[i]));
    return least;
}

uint64_t next_hop_recipients_most(const struct next_hop *nh)
{
    return least_of(nh, hop_recipients_most);
}

uint64_t next_hop_domains_most(const struct next_hop *nh)
{
    return least_of(nh, hop_domains_most);
}

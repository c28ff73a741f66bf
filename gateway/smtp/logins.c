/* smtp/logins.c - a private hop for each user who logs in. */
#include "gateway/smtp/logins.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"

struct logins {
    struct next_hop *auth_hop;
    struct loop *loop;
    size_t count;
    struct hop **retired;
    size_t retired_count;
    struct task sweep;
};

/* What its next hop needs to retire it. */
struct ward {
    struct logins *logins;
    struct hop *hop;
};

static void sweep(void *arg)
{
    struct logins *l = arg;

    while (l->retired_count) {
        struct hop *hop = l->retired[--l->retired_count];

        hop_abandon(hop);
        hop_free(hop);
        l->count--;
    }
}

struct logins *logins_new(struct next_hop *auth_hop)
{
    struct logins *l = mem_alloc(sizeof *l);

    l->auth_hop = auth_hop;
    l->loop = next_hop_settings(auth_hop)->loop;
    l->sweep = (struct task){ .fn = sweep, .arg = l };
    return l;
}

void logins_free(struct logins *l)
{
    if (!l)
        return;
    sweep(l);
    if (l->count)
        BUG("%zu users are logged in", l->count);
    loop_drop_task(l->loop, &l->sweep);
    free(l->retired);
    free(l);
}

const char *logins_offer(const struct logins *l)
{
    return next_hop_auth(l->auth_hop);
}

enum hop_client logins_client(const struct logins *l)
{
    return (enum hop_client)next_hop_settings(l->auth_hop)->ways->client;
}

static size_t most_of(const struct logins *l)
{
    return (size_t)next_hop_settings(l->auth_hop)->conf->hop_connections_most;
}

bool logins_are_scarce(const struct logins *l)
{
    return 2 * l->count > most_of(l);
}

struct hop *logins_connect(struct logins *l)
{
    struct hop_settings settings = *next_hop_settings(l->auth_hop);

    if (l->count >= most_of(l))
        return NULL;
    settings.is_private = true;
    settings.news = NULL;
    l->count++;
    return hop_new(&settings);
}

void logins_retire(struct logins *l, struct hop *hop)
{
    if (!hop)
        return;
    l->retired = mem_grow(l->retired, (l->retired_count + 1) * sizeof *l->retired);
    l->retired[l->retired_count++] = hop;
    loop_run_task(l->loop, &l->sweep);
}

static void on_unused(void *arg)
{
    struct ward *w = arg;

    logins_retire(w->logins, w->hop);
    free(w);
}

struct next_hop *logins_next_hop(struct logins *l, struct hop *hop, const char *user)
{
    char name[600];
    struct hop_target target = *hop_target(hop);
    const struct hop_targets targets = { &target, 1 };
    struct ward *w = mem_alloc(sizeof *w);

    snprintf(name, sizeof name, "%.300s as %s", target.text, user);
    target.text = name;
    *w = (struct ward){ l, hop };
    return next_hop_new(&targets, &hop, on_unused, w);
}

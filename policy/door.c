/* policy/door.c - the policy service's door. */
#include "policy/door.h"

#include <malloc.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "policy/server.h"

enum { YOUNG_MS = 60000, OUT_MOST = 1 << 20 };

/* Who has been silent for a minute gives up what it holds: the message is sent, or the client is gone. When all have,
 * after a storm of them, the memory goes back to the system. */
static void sweep(void *arg)
{
    struct policy_door *door = arg;
    int64_t now = loop_now_ms(door->engine->loop);

    for (struct policy_server *s = door->oldest, *newer; s && now - s->used_ms >= YOUNG_MS; s = newer) {
        newer = s->newer;
        if (!s->is_waiting)
            policy_server_forget(s);
    }
    if (door->oldest)
        timer_start(door->sweep, POLICY_SWEEP_MS);
    else
        malloc_trim(0);
}

struct policy_door *policy_door_new(struct engine *engine, const struct policy_conf *conf,
                                    const struct dress_conf *dress)
{
    struct policy_door *door = mem_alloc(sizeof *door);

    *door = (struct policy_door){ .engine = engine, .conf = conf, .dress = dress };
    door->sweep = timer_new(engine->loop, sweep, door);
    strbuf_init(&door->out, OUT_MOST);
    return door;
}

bool policy_door_open(struct policy_door *door, char *error, size_t size)
{
    (void)door, (void)error, (void)size;
    return true;
}

static void on_connection(void *arg, int fd, const struct addr *peer, unsigned port)
{
    (void)port;
    policy_server_new(arg, fd, peer);
}

void policy_door_listen(struct policy_door *door, int fd, const struct endpoint *at)
{
    (void)at; /* all places are alike */
    door->listeners = mem_grow(door->listeners, (door->listener_count + 1) * sizeof *door->listeners);
    door->listeners[door->listener_count++] = listener_new(door->engine->loop, fd, on_connection, door);
}

static void stop_listening(struct policy_door *door)
{
    for (size_t i = 0; i < door->listener_count; i++)
        listener_free(door->listeners[i]);
    door->listener_count = 0;
}

void policy_door_drain(struct policy_door *door)
{
    door->is_draining = true;
    stop_listening(door);
    for (struct policy_server *s = door->servers, *next; s; s = next) {
        next = s->next;
        policy_server_drain(s);
    }
}

void policy_door_retire(struct policy_door *door)
{
    policy_door_drain(door);
}

bool policy_door_is_idle(const struct policy_door *door)
{
    return !door->servers;
}

void policy_door_free(struct policy_door *door)
{
    if (!door)
        return;
    stop_listening(door);
    while (door->servers)
        policy_server_free(door->servers);
    timer_free(door->sweep);
    strbuf_release(&door->out);
    free(door->listeners);
    free(door);
}

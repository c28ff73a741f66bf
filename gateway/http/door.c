/* http/door.c - the scan API: listeners, and the connections that are here. */
#include "gateway/http/door.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/http/caller.h"
#include "gateway/net/listener.h"

/* ---- connections ---- */

void door_add_caller(struct http_door *door, struct caller *c)
{
    c->older = door->newest;
    c->newer = NULL;
    *(c->older ? &c->older->newer : &door->oldest) = c;
    door->newest = c;
    door->caller_count++;
}

void door_remove_caller(struct http_door *door, struct caller *c)
{
    *(c->newer ? &c->newer->older : &door->newest) = c->older;
    *(c->older ? &c->older->newer : &door->oldest) = c->newer;
    door->caller_count--;
}

void door_touch_caller(struct http_door *door, struct caller *c)
{
    if (door->newest == c)
        return;
    door_remove_caller(door, c);
    door_add_caller(door, c);
}

static void on_connection(void *arg, int fd, const struct addr *peer, unsigned port)
{
    caller_new(arg, fd, peer, port);
}

/* ---- life ---- */

struct http_door *http_door_new(const struct http_door_settings *settings, char *error, size_t size)
{
    struct http_door *door = mem_alloc(sizeof *door);

    (void)error, (void)size; /* nothing here needs root, or can fail */
    door->settings = *settings;
    door->conf = settings->conf;
    door->engine = settings->engine;
    return door;
}

bool http_door_open(struct http_door *door, char *error, size_t size)
{
    (void)door, (void)error, (void)size;
    return true;
}

void http_door_listen(struct http_door *door, int fd, const struct endpoint *at)
{
    (void)at; /* all places are alike */
    door->listeners = mem_grow(door->listeners, (door->listener_count + 1) * sizeof *door->listeners);
    door->listeners[door->listener_count++] = listener_new(door->engine->loop, fd, on_connection, door);
}

/* A connection that is kept for further requests would stay with a retired gateway for as long as its client asks
 * something now and then: it ends as in draining, and its client comes again, to the new one. */
void http_door_retire(struct http_door *door)
{
    door->is_draining = true;
    for (size_t i = 0; i < door->listener_count; i++)
        listener_free(door->listeners[i]);
    door->listener_count = 0;
    for (struct caller *c = door->oldest, *next; c; c = next) {
        next = c->newer;
        caller_drain(c);
    }
}

void http_door_drain(struct http_door *door)
{
    http_door_retire(door);
}

bool http_door_is_idle(const struct http_door *door)
{
    return !door->caller_count;
}

void http_door_free(struct http_door *door)
{
    if (!door)
        return;
    http_door_retire(door);
    while (door->oldest)
        caller_free(door->oldest);
    free(door->listeners);
    free(door->since);
    free(door);
}

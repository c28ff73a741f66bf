/* smtp/door.c - the SMTP door: listeners, next hops, and the connections that are here. */
#include "gateway/smtp/door.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/net/listener.h"
#include "gateway/smtp/maildir.h"
#include "gateway/smtp/server.h"

enum { DRAIN_TURN_MS = 50, RESOLVER_QUEUE = 64 };

static bool is_set(const char *text)
{
    return text && *text;
}

static const struct smtp_route *route_at(const struct smtp_conf *conf, size_t index)
{
    return &((const struct smtp_route *)conf->routes.items)[index];
}

/* ---- next hops ---- */

static struct hop *find_hop(const struct smtp_door *door, const struct hop_target *target, enum hop_tls tls)
{
    for (size_t i = 0; i < door->hop_count; i++)
        if (strcmp(door->hops[i].target->text, target->text) == 0 && door->hops[i].tls == tls)
            return door->hops[i].hop;
    return NULL;
}

static bool make_tls(struct smtp_door *door, enum hop_tls tls, struct tls_context **out, char *error, size_t size)
{
    const char *ca = is_set(door->conf->next_hop_ca) ? door->conf->next_hop_ca : NULL;
    struct tls_context **context = tls == HOP_TLS_VERIFY ? &door->hop_tls_verify : &door->hop_tls;

    *out = NULL;
    if (tls == HOP_TLS_NONE)
        return true;
    if (!*context)
        *context = tls_client_new(tls == HOP_TLS_VERIFY ? TLS_VERIFY_NAME : TLS_VERIFY_NONE, ca, error, size);
    *out = *context;
    return *out != NULL;
}

static bool add_hop(struct smtp_door *door, const struct hop_target *target, enum hop_tls tls, char *error, size_t size)
{
    struct hop_settings settings = { .loop = door->engine->loop,
                                     .crew = door->engine->crew,
                                     .conf = door->conf,
                                     .target = target,
                                     .tls = tls,
                                     .hostname = door->engine->hostname,
                                     .metrics = &door->engine->metrics.hop };
    char wrong[MAILDIR_ERROR_MAX];

    if (find_hop(door, target, tls))
        return true;
    if (!make_tls(door, tls, &settings.tls_context, error, size))
        return false;
    if (target->at.host[0] && !door->resolver)
        door->resolver = crew_new(door->engine->loop, 1, RESOLVER_QUEUE, RESOLVER_QUEUE);
    settings.resolver = door->resolver;
    if (target->kind == HOP_MAILDIR && maildir_prepare(target->maildir, wrong)) {
        snprintf(error, size, "smtp.next_hop: %s; make it, or let it be writable for the gateway's user", wrong);
        return false;
    }
    door->hops[door->hop_count++] = (struct door_hop){ target, tls, hop_new(&settings) };
    return true;
}

static bool add_hops(struct smtp_door *door, char *error, size_t size)
{
    const struct smtp_conf *conf = door->conf;

    door->hops = mem_alloc((conf->routes.count + 1) * sizeof *door->hops);
    if (!add_hop(door, &conf->next_hop, (enum hop_tls)conf->next_hop_tls, error, size))
        return false;
    for (size_t i = 0; i < conf->routes.count; i++)
        if (!add_hop(door, &route_at(conf, i)->next_hop, (enum hop_tls)route_at(conf, i)->tls, error, size))
            return false;
    return true;
}

struct hop *door_hop(const struct smtp_door *door, const char *domain)
{
    const struct smtp_route *route = smtp_conf_route(door->conf, domain);

    return route ? find_hop(door, &route->next_hop, (enum hop_tls)route->tls) : door->hops[0].hop;
}

/* ---- connections ---- */

void door_add(struct smtp_door *door, struct server *s)
{
    s->next = door->servers;
    if (s->next)
        s->next->previous = s;
    door->servers = s;
    door->server_count++;
    metrics_session(&door->engine->metrics, "smtp", 1);
}

void door_remove(struct smtp_door *door, struct server *s)
{
    *(s->previous ? &s->previous->next : &door->servers) = s->next;
    if (s->next)
        s->next->previous = s->previous;
    door->server_count--;
    metrics_session(&door->engine->metrics, "smtp", -1);
}

static void on_connection(void *arg, int fd, const struct addr *peer, unsigned port)
{
    server_new(arg, fd, peer, port);
}

/* ---- life ---- */

struct smtp_door *smtp_door_new(const struct smtp_door_settings *settings, char *error, size_t size)
{
    struct smtp_door *door = mem_alloc(sizeof *door);
    const struct smtp_conf *conf = settings->conf;

    door->settings = *settings;
    door->conf = conf;
    door->engine = settings->engine;
    door->verify = verify_new(conf, door->engine);
    if (is_set(conf->tls_certificate)) {
        door->tls = tls_server_new(conf->tls_certificate, conf->tls_key, error, size);
        if (!door->tls) {
            smtp_door_free(door);
            return NULL;
        }
    }
    return door;
}

bool smtp_door_open(struct smtp_door *door, char *error, size_t size)
{
    return add_hops(door, error, size);
}

void smtp_door_listen(struct smtp_door *door, int fd)
{
    door->listeners = mem_grow(door->listeners, (door->listener_count + 1) * sizeof *door->listeners);
    door->listeners[door->listener_count++] = listener_new(door->engine->loop, fd, on_connection, door);
}

static void stop_listening(struct smtp_door *door)
{
    for (size_t i = 0; i < door->listener_count; i++)
        listener_free(door->listeners[i]);
    door->listener_count = 0;
}

void smtp_door_retire(struct smtp_door *door)
{
    stop_listening(door);
}

void smtp_door_drain(struct smtp_door *door)
{
    door->is_draining = true;
    stop_listening(door);
    for (struct server *s = door->servers, *next; s; s = next) {
        next = s->next;
        server_drain(s);
    }
}

bool smtp_door_is_idle(const struct smtp_door *door)
{
    return !door->servers;
}

/* Closes a connection; one that a worker or the next hop still has is waited for. */
static bool cut(struct server *s)
{
    if (s->delivery && !server_call_off(s))
        return false;
    server_free(s);
    return true;
}

void smtp_door_free(struct smtp_door *door)
{
    if (!door)
        return;
    stop_listening(door);
    for (struct server *s = door->servers, *next; s; s = next) {
        next = s->next;
        cut(s);
    }
    while (door->servers) {
        smtp_door_drain(door);
        loop_run_once(door->engine->loop, DRAIN_TURN_MS);
    }
    verify_free(door->verify);
    for (size_t i = 0; i < door->hop_count; i++)
        hop_free(door->hops[i].hop);
    crew_free(door->resolver);
    tls_context_free(door->tls);
    tls_context_free(door->hop_tls);
    tls_context_free(door->hop_tls_verify);
    free(door->hops);
    free(door->listeners);
    free(door);
}

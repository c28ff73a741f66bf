/* smtp/door.c - the SMTP door: listeners, next hops, and the connections that are here. */
#include "gateway/smtp/door.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/net/listener.h"
#include "gateway/smtp/certificates.h"
#include "gateway/smtp/server.h"

enum { DRAIN_TURN_MS = 50 };

static bool is_set(const char *text)
{
    return text && *text;
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
    door_note_load(door);
}

void door_remove(struct smtp_door *door, struct server *s)
{
    *(s->previous ? &s->previous->next : &door->servers) = s->next;
    if (s->next)
        s->next->previous = s->previous;
    door->server_count--;
    metrics_session(&door->engine->metrics, "smtp", -1);
    door_note_load(door);
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
    door->places = mem_alloc((conf->places.count + 1) * sizeof *door->places);
    door->verify = verify_new(conf, door->engine);
    door->guests = guests_new(&conf->clients, door->engine);
    door->handshakes = handshakes_new(door->engine->loop, (size_t)conf->tls_handshakes_most);
    if (is_set(conf->tls_certificate)) {
        door->certificates = certificates_new(conf, door->engine->loop, &door->engine->alarms, error, size);
        if (!door->certificates) {
            smtp_door_free(door);
            return NULL;
        }
        door->tls = certificates_context(door->certificates);
    }
    return door;
}

bool smtp_door_open(struct smtp_door *door, char *error, size_t size)
{
    char wrong[600];

    door->in_flight = in_flight_open(door->settings.spool_directory, wrong, sizeof wrong);
    if (wrong[0])
        log_warn("in_flight", "%s", wrong);
    door->routes = routes_new(door->engine, door->conf, error, size);
    if (door->routes && routes_auth(door->routes))
        door->logins = logins_new(routes_auth(door->routes));
    return door->routes;
}

void smtp_door_listen(struct smtp_door *door, int fd, const struct endpoint *at)
{
    struct door_place *place = &door->places[door->place_count++];

    *place = (struct door_place){ .door = door, .ways = smtp_conf_listener(door->conf, at) };
    place->listener = listener_new(door->engine->loop, fd, on_connection, place);
}

static void stop_listening(struct smtp_door *door)
{
    for (size_t i = 0; i < door->place_count; i++)
        listener_free(door->places[i].listener);
    door->place_count = 0;
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

/* Closes a connection; one that a worker or the next hop still has is waited for. What is delivered already, and not
 * told, is named. */
static bool cut(struct server *s)
{
    if (s->delivery && !server_call_off(s))
        return false;
    if (s->stream && s->unanswered.len && stream_receipt(s->stream) != STREAM_RECEIVED)
        server_log_left(s);
    if (s->state >= SERVER_MAIL)
        server_log_gone(s, "cut off: the gateway had to end");
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
    guests_free(door->guests);
    verify_free(door->verify);
    logins_free(door->logins);
    routes_free(door->routes);
    in_flight_close(door->in_flight);
    handshakes_free(door->handshakes);
    certificates_free(door->certificates);
    free(door->places);
    free(door);
}

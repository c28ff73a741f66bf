/* milter/door.c - the milter door: listeners, the sessions that are here, and what is asked of every MTA. */
#include "milter/door.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/core/profile.h"
#include "milter/session.h"

/* ---- what we ask for ---- */

/* Whether a check of whole messages is on; with `informing`, one that has something to say in the header. */
static bool is_any_on(const struct check_settings *checks, size_t count, bool informing)
{
    for (size_t i = 0; i < count; i++)
        if (checks[i].check->stage == STAGE_MESSAGE && checks[i].mode != MODE_OFF &&
            (!informing || checks[i].check->informs))
            return true;
    return false;
}

static bool has_check(const struct engine *engine, bool informing)
{
    const struct profiles *profiles = engine->profiles;

    for (size_t i = 0; profiles && i < profiles->count; i++)
        if (is_any_on(profiles->items[i].checks, engine->check_count, informing))
            return true;
    return is_any_on(engine->checks, engine->check_count, informing);
}

/* As few round trips as decisions allow: none for what only goes into the pipeline. The client may still authenticate
 * after HELO, so the first decision is MAIL's, and the usual one RCPT's. */
static uint32_t wanted_protocol(const struct milter_door *door)
{
    uint32_t wanted = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_UNKN | SMFIP_NOUNKNOWN |
                      SMFIP_HDR_LEADSPC | SMFIP_RCPT_REJ | SMFIP_MDS_256K | SMFIP_MDS_1M;

    if (!door->engine->actions->early)
        wanted |= SMFIP_NR_MAIL;
    if (!door->needs_message)
        return wanted | SMFIP_NOBODY;
    wanted |= SMFIP_NR_DATA;
    /* When each message's body is needed for what we tell of it, there is nothing to answer to its pieces. */
    return wanted | (has_check(door->engine, true) ? SMFIP_NR_BODY : SMFIP_SKIP);
}

/* ---- sessions ---- */

void milter_door_add(struct milter_door *door, struct milter_session *s)
{
    s->next = door->sessions;
    if (s->next)
        s->next->previous = s;
    door->sessions = s;
    door->session_count++;
    metrics_session(&door->engine->metrics, "milter", 1);
}

void milter_door_remove(struct milter_door *door, struct milter_session *s)
{
    *(s->previous ? &s->previous->next : &door->sessions) = s->next;
    if (s->next)
        s->next->previous = s->previous;
    door->session_count--;
    metrics_session(&door->engine->metrics, "milter", -1);
}

/* What the MTA does without us is its own configuration's to say (milter_default_action, F=). */
void milter_door_serve(struct milter_door *door, int fd)
{
    if (door->session_count < (size_t)door->conf->connections_most) {
        milter_session_new(door, fd);
        return;
    }
    alarms_raise(&door->engine->alarms, "milter connections",
                 "as many connections as milter.connections allows: the mail server is turned away");
    close(fd);
}

static void on_connection(void *arg, int fd, const struct addr *peer, unsigned port)
{
    (void)peer;
    (void)port;
    milter_door_serve(arg, fd);
}

/* ---- life ---- */

struct milter_door *milter_door_new(const struct milter_door_settings *settings, char *error, size_t size)
{
    struct milter_door *door = mem_alloc(sizeof *door);

    (void)error;
    (void)size;
    door->settings = *settings;
    door->conf = settings->conf;
    door->engine = settings->engine;
    door->dress = *settings->dress;
    door->dress.received = false;
    door->needs_message = has_check(door->engine, false);
    door->wanted_protocol = wanted_protocol(door);
    return door;
}

bool milter_door_open(struct milter_door *door, char *error, size_t size)
{
    (void)door;
    (void)error;
    (void)size;
    return true;
}

void milter_door_listen(struct milter_door *door, int fd, const struct endpoint *at)
{
    (void)at; /* all places are alike */
    door->listeners = mem_grow(door->listeners, (door->listener_count + 1) * sizeof *door->listeners);
    door->listeners[door->listener_count++] = listener_new(door->engine->loop, fd, on_connection, door);
}

void milter_door_retire(struct milter_door *door)
{
    for (size_t i = 0; i < door->listener_count; i++)
        listener_free(door->listeners[i]);
    door->listener_count = 0;
}

void milter_door_drain(struct milter_door *door)
{
    door->is_draining = true;
    milter_door_retire(door);
    for (struct milter_session *s = door->sessions, *next; s; s = next) {
        next = s->next;
        milter_session_drain(s);
    }
}

bool milter_door_is_idle(const struct milter_door *door)
{
    return !door->sessions;
}

void milter_door_free(struct milter_door *door)
{
    if (!door)
        return;
    milter_door_retire(door);
    while (door->sessions)
        milter_session_free(door->sessions);
    free(door->listeners);
    free(door);
}

/* smtp/door.h - the SMTP door: its listeners, its next hops, and what all its connections share.
 *
 * Threads: the loop's. Memory: smtp_door_new() to smtp_door_free(); settings are borrowed and outlive it.
 */
#ifndef SMTP_DOOR_H
#define SMTP_DOOR_H

#include "gateway/core/dress.h"
#include "gateway/core/engine.h"
#include "gateway/smtp/conf.h"

struct smtp_door;

struct smtp_door_settings {
    struct engine *engine;
    const struct smtp_conf *conf;
    const struct dress_conf *dress;
    const char *spool_directory; /* for messages that do not fit smtp.memory */
};

/* smtp_door_new - as root: reads what only root may (the certificate's key). smtp_door_open - as the gateway's user:
 * connects to the next hops, makes Maildirs. NULL and false come with a sentence for the operator in `error`. */
struct smtp_door *smtp_door_new(const struct smtp_door_settings *settings, char *error, size_t size);
bool smtp_door_open(struct smtp_door *door, char *error, size_t size);
/* smtp_door_listen - takes over a listening descriptor; `at` is one of conf->places. */
void smtp_door_listen(struct smtp_door *door, int fd, const struct endpoint *at);
/* smtp_door_retire - takes no more connections; those that are here go on until they end by themselves. */
void smtp_door_retire(struct smtp_door *door);
/* smtp_door_drain - takes no more connections; those that are here get 421 after their transaction. */
void smtp_door_drain(struct smtp_door *door);
/* smtp_door_is_idle - no connection is left. */
bool smtp_door_is_idle(const struct smtp_door *door);
/* smtp_door_free - cuts the connections that are left. What is on its way into a Maildir gets there first: it turns
 * the loop until then. NULL is fine. */
void smtp_door_free(struct smtp_door *door);

#endif

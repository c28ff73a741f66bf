/* milter/door.h - the milter door: its listeners, and what all its sessions share.
 *
 * Threads: the loop's. Memory: milter_door_new() to milter_door_free(); settings are borrowed and outlive it.
 */
#ifndef MILTER_DOOR_H
#define MILTER_DOOR_H

#include "gateway/core/dress.h"
#include "gateway/core/engine.h"
#include "milter/conf.h"

struct milter_door;

struct milter_door_settings {
    struct engine *engine;
    const struct milter_conf *conf;
    const struct dress_conf *dress;
    const char *spool_directory; /* for messages that do not fit milter.memory */
};

struct milter_door *milter_door_new(const struct milter_door_settings *settings, char *error, size_t size);
bool milter_door_open(struct milter_door *door, char *error, size_t size);
/* milter_door_listen - takes over a listening descriptor. */
void milter_door_listen(struct milter_door *door, int fd, const struct endpoint *at);
/* milter_door_serve - the same with a connection; for tests. */
void milter_door_serve(struct milter_door *door, int fd);
/* milter_door_retire - takes no more connections; the mail server's sessions go on here until it ends them. */
void milter_door_retire(struct milter_door *door);
/* milter_door_drain - takes no more connections; those that are here are closed after their message. */
void milter_door_drain(struct milter_door *door);
bool milter_door_is_idle(const struct milter_door *door);
/* milter_door_free - cuts what is left; the mail server then does what it is configured to. NULL is fine. */
void milter_door_free(struct milter_door *door);

#endif

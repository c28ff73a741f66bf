/* http/door.h - the scan API: its listeners, and what all its connections share.
 *
 * One port for rspamd's HTTP, RSPAMC and SPAMC (http/head.h), for metrics and health. Threads: the loop's. Memory:
 * http_door_new() to http_door_free(); settings are borrowed and outlive it.
 */
#ifndef HTTP_DOOR_H
#define HTTP_DOOR_H

#include "gateway/core/dress.h"
#include "gateway/core/engine.h"
#include "gateway/http/conf.h"

struct http_door;

struct http_door_settings {
    struct engine *engine;
    const struct http_conf *conf;
    const struct dress_conf *dress;
    const char *spool_directory; /* for messages that do not fit http.memory */
};

/* http_door_new, http_door_open - NULL and false come with a sentence for the operator in `error`. */
struct http_door *http_door_new(const struct http_door_settings *settings, char *error, size_t size);
bool http_door_open(struct http_door *door, char *error, size_t size);
/* http_door_listen - takes over a listening descriptor. */
void http_door_listen(struct http_door *door, int fd, const struct endpoint *at);
/* http_door_retire, http_door_drain - takes no more connections; each that is here is closed, after the request that is
 * under way. */
void http_door_retire(struct http_door *door);
void http_door_drain(struct http_door *door);
bool http_door_is_idle(const struct http_door *door);
void http_door_free(struct http_door *door); /* cuts what is left; NULL is fine */

#endif

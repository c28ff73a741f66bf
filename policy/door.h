/* policy/door.h - the policy service's door: its listeners, and the connections that are here.
 *
 * Threads: the loop's. Memory: policy_door_new() to policy_door_free(); settings are borrowed and outlive it.
 */
#ifndef POLICY_DOOR_H
#define POLICY_DOOR_H

#include "gateway/core/dress.h"
#include "gateway/core/engine.h"
#include "policy/conf.h"

struct policy_door;

struct policy_door *policy_door_new(struct engine *engine, const struct policy_conf *conf,
                                    const struct dress_conf *dress);
/* policy_door_open - nothing is left to be done. */
bool policy_door_open(struct policy_door *door, char *error, size_t size);
/* policy_door_listen - takes over a listening descriptor. */
void policy_door_listen(struct policy_door *door, int fd, const struct endpoint *at);
/* policy_door_retire, policy_door_drain - no more connections, and those that are here are closed when they have no
 * answer to wait for: Postfix keeps them for many minutes, and connects again when one is gone. */
void policy_door_retire(struct policy_door *door);
void policy_door_drain(struct policy_door *door);
/* policy_door_is_idle - no connection is left. */
bool policy_door_is_idle(const struct policy_door *door);
/* policy_door_free - cuts the connections that are left. NULL is fine. */
void policy_door_free(struct policy_door *door);

#endif

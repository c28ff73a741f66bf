/* smtp/in_flight.h - messages that the next hop may have and whose sender has not heard so, in a file: when this
 * process is killed between the two, the next one names them in its log, since their senders come again.
 *
 * The file (STATE/in-flight.PID) is mapped memory: noting a message is a few stores, no system call, and what was
 * stored survives the process, whatever ends it. (Not the machine: but then the next hop's own log tells.) It is locked
 * for as long as its process lives, which is how others know that it has died.
 *
 * Threads: the loop's. Memory: in_flight_open() to in_flight_close().
 */
#ifndef SMTP_IN_FLIGHT_H
#define SMTP_IN_FLIGHT_H

#include "gateway/base/addr.h"
#include "gateway/base/ulid.h"

enum { IN_FLIGHT_MOST = 4096 }; /* more at once are not noted */

struct in_flight;

/* in_flight_open - names in the log what processes that have died left behind, and begins a file of our own. When there
 * can be none now (the disk is full), `error` has a sentence for the operator, otherwise "": mail flows without it, and
 * as messages come it is tried again. NULL when there can never be one: the path is too long. */
struct in_flight *in_flight_open(const char *directory, char *error, size_t size);
void in_flight_close(struct in_flight *f); /* removes the file; NULL is fine */

/* in_flight_begin - the next hop is about to be given the end of message `id`. in_flight_end - its sender knows what
 * became of it (of a delivery, when it goes on after our 250), or the log has named it; one that was never begun is
 * fine. */
void in_flight_begin(struct in_flight *f, const char *id, const struct addr *client);
void in_flight_end(struct in_flight *f, const char *id);
size_t in_flight_count(const struct in_flight *f);

#endif

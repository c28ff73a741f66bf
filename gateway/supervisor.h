/* gateway/supervisor.h - the first process: opens the sockets, starts the gateway, and sees to it that one runs.
 *
 * It reads the configuration, and nothing that comes from the network. SIGHUP: a new generation is started with the
 * new configuration while the old one goes on; when the new one is ready, the old one retires: its sessions go on
 * there until they end. SIGTERM, SIGINT: the gateway drains, then all ends. A gateway that dies, or stops answering, is
 * replaced, with a growing pause.
 */
#ifndef GATEWAY_SUPERVISOR_H
#define GATEWAY_SUPERVISOR_H

#include <signal.h>

/* What the gateway writes into its status pipe (POSTERN_STATUS), a byte each. */
enum { STATUS_READY = 'R', STATUS_ALIVE = 'A' };

/* What the supervisor tells a gateway whose successor is ready: take no more connections, end with the last session. */
#define STATUS_RETIRE_SIGNAL SIGUSR1

/* How often the gateway says that it is alive; silent for SILENCE, it is killed and replaced. */
enum { STATUS_ALIVE_MS = 5000, STATUS_SILENCE_MS = 60000 };

/* supervisor_run - until it is told to stop. `config`: NULL for initial values. `program`: what is run as the gateway.
 * Returns the exit status. */
int supervisor_run(const char *program, const char *config);

#endif

/* gateway/notify.h - what we tell systemd: readiness, reloading, stopping, and that we are alive [sd_notify(3)].
 *
 * Without NOTIFY_SOCKET in the environment these do nothing.
 */
#ifndef GATEWAY_NOTIFY_H
#define GATEWAY_NOTIFY_H

/* notify_send - "READY=1", "STOPPING=1", "WATCHDOG=1", ... */
void notify_send(const char *state);
/* notify_watchdog_ms - how often WATCHDOG=1 is due: half of WATCHDOG_USEC; 0: never. */
int notify_watchdog_ms(void);

#endif

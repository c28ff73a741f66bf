/* smtp/conf_clients.h - the section `clients` of the section `smtp`: what a client may cost us. */
#ifndef SMTP_CONF_CLIENTS_H
#define SMTP_CONF_CLIENTS_H

#include "gateway/conf/conf.h"

/* Of all connections of one client, or of one network. 0: as many as it likes. */
struct client_limits {
    int64_t connections;                             /* at once */
    int64_t rate_most, recipients_most, errors_most; /* a minute: new connections, recipients, errors */
    int64_t bits4, bits6;                            /* of an address: who shares them is one */
};

struct clients_conf {
    struct conf_nets known;
    struct client_limits address, network;

    int greet_wait_ms, greet_wait_busy_ms; /* 0: none waits */
    int greet_vouch;                       /* hundredths: a score that ends the wait */
    int64_t greet_pass_ms, good_pass_ms;

    size_t data_rate_least; /* bytes a second; 0: any */
    int session_most_ms;
    int tarpit_most_ms;
    int64_t busy_percent;
    int busy_timeout_ms;
};

extern const struct conf_section clients_section;

#endif

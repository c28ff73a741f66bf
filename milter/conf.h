/* milter/conf.h - the section `milter` of gateway.conf. */
#ifndef MILTER_CONF_H
#define MILTER_CONF_H

#include "gateway/base/endpoint.h"
#include "gateway/conf/conf.h"

/* The words of the keys on_failure and too_large, in this order. */
enum milter_answer { MILTER_TEMPFAIL, MILTER_ACCEPT, MILTER_REJECT };

struct milter_conf {
    struct conf_endpoints listen;
    struct conf_nets relay_clients;
    struct conf_strs relay_daemons;
    int on_failure, too_large; /* enum milter_answer */
    size_t size_most, memory_most, header_bytes_most;
    int64_t header_fields_most, recipients_most, connections_most;
    int idle_ms, packet_ms, rcpt_wait_ms, progress_ms, tarpit_most_ms;
};

extern const struct conf_section milter_section;

#endif

/* tests/kit/sample_conf.h - a configuration with every type of key in it, for the tests and the fuzzing of conf. */
#ifndef KIT_SAMPLE_CONF_H
#define KIT_SAMPLE_CONF_H

#include "gateway/base/endpoint.h"
#include "gateway/conf/conf.h"

struct route {
    const char *title;
    const char *next_hop;
    int64_t weight;
};

struct tls {
    const char *cert;
    int mode;
};

struct smtp {
    struct conf_endpoints listen;
    struct conf_nets relay_clients;
    struct conf_strs domains;
    struct conf_array routes;
    struct tls tls;
    int timeout_ms;
    size_t message_bytes;
    bool is_early;
    const char *password;
};

struct spf {
    const char *title;
    int mode;
    int points;
};

struct zone {
    const char *title;
    int points;
};

struct dnsbl {
    const char *title;
    int mode;
    struct conf_array zones;
    int64_t sum;
};

struct sample {
    const char *hostname;
    struct smtp smtp;
    struct conf_array checks;
    int64_t even;
};

/* sample_section - of struct sample; check_section - the kind of its titled sections "spf" and "dnsbl". */
extern const struct conf_section sample_section, check_section;

#endif

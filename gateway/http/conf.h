/* http/conf.h - the section `http` of gateway.conf. */
#ifndef HTTP_CONF_H
#define HTTP_CONF_H

#include "gateway/base/endpoint.h"
#include "gateway/conf/conf.h"

struct http_conf {
    struct conf_endpoints listen;
    struct conf_nets clients;       /* may ask; who connects to a unix socket may, too */
    struct conf_nets relay_clients; /* of the mail server that asks: its mail is our users' */
    struct conf_nets trusted;       /* may change state without the password; the same */
    const char *password;           /* for changing state; "": only the trusted may */
    size_t size_most, memory_most;
    int64_t connections_most, ratio_most;
    int idle_ms, head_ms, body_ms, body_total_ms;
};

extern const struct conf_section http_section;

/* http_conf_has - whether one of the networks holds the address. */
bool http_conf_has(const struct conf_nets *nets, const struct addr *addr);

#endif

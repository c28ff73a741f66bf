/* smtp/conf.h - the section `smtp` of gateway.conf. */
#ifndef SMTP_CONF_H
#define SMTP_CONF_H

#include "gateway/base/endpoint.h"
#include "gateway/conf/conf.h"
#include "gateway/net/tls.h"
#include "gateway/smtp/conf_clients.h"

enum hop_kind { HOP_SMTP, HOP_LMTP, HOP_MAILDIR };

/* none: never. may: when offered, whoever answers. encrypt: always, whoever answers. verify: always, and only a
 * certificate for the host's name. dane: always, and only a certificate that the host's TLSA records name, which must
 * be there and be signed [RFC7672]. The words of the key `next_hop_tls`, in this order. */
enum hop_tls { HOP_TLS_NONE, HOP_TLS_MAY, HOP_TLS_ENCRYPT, HOP_TLS_VERIFY, HOP_TLS_DANE };

/* How it is told who the client is. The words of the key `next_hop_client`, in this order. */
enum hop_client { HOP_CLIENT_NONE, HOP_CLIENT_XFORWARD, HOP_CLIENT_XCLIENT };

enum smtp_protocol { SMTP_PROTOCOL_SMTP, SMTP_PROTOCOL_LMTP };

/* The words of a listener's key `tls`, in this order. */
enum smtp_listener_tls { SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT, SMTP_TLS_NONE };

/* What clients' certificates are to us. The words of the key `tls_client_certificates`, in this order. */
enum smtp_tls_clients { SMTP_TLS_CLIENTS_NO, SMTP_TLS_CLIENTS_ASK, SMTP_TLS_CLIENTS_REQUIRE };

/* tls "mail.example.com" { certificate = ...  key = ... }: for clients that ask for this name. */
struct smtp_tls_name {
    const char *title;
    const char *certificate, *key, *alt_certificate, *alt_key;
};

/* A place to take mail on, with its own ways: listener "0.0.0.0:465" { tls = implicit }. Those of the key `listen` have
 * the initial values. */
struct smtp_listener {
    const char *title; /* as written */
    struct endpoint at;
    int protocol; /* enum smtp_protocol */
    int tls;      /* enum smtp_listener_tls */
    bool auth;    /* AUTH is passed on to auth_hop */
};

/* Where accepted mail goes: "smtp://host[:port]", "smtp:unix:/path", the same with "lmtp:", "smtps://host[:port]", or
 * "maildir:/path". */
struct hop_target {
    enum hop_kind kind;
    struct endpoint at;  /* HOP_SMTP, HOP_LMTP */
    bool is_implicit;    /* smtps: TLS from the first byte [RFC8314 3.3] */
    const char *maildir; /* HOP_MAILDIR */
    const char *text;    /* as written, without the words behind it */
    unsigned priority;   /* the least that is up takes the mail */
    unsigned weight;     /* its share among those of its priority */
};

enum { HOP_TARGETS_MOST = 16, HOP_PRIORITY_MOST = 65535, HOP_WEIGHT_MOST = 1000 };

/* One target or several: "smtp://10.0.0.2:25 priority=10 weight=2". A Maildir stands alone. */
struct hop_targets {
    struct hop_target *items;
    size_t count;
};

/* How they are spoken to: the keys next_hop_*, of `smtp` and of each route. */
struct hop_ways {
    int tls;    /* enum hop_tls */
    int client; /* enum hop_client */
};

/* Who knows whether a recipient exists. UNSAID: as in the section around it. */
enum verify_kind { VERIFY_UNSAID, VERIFY_NONE, VERIFY_RCPT, VERIFY_LIST };

struct verify_rule {
    enum verify_kind kind;
    const char *path; /* VERIFY_LIST */
};

struct smtp_route {
    const char *title; /* the recipients' domain; in normal form after loading. ".example.org": those below it */
    struct hop_targets next_hop;
    struct hop_ways ways;
    struct verify_rule verify;
};

struct smtp_conf {
    struct conf_endpoints listen;
    struct conf_array listeners;  /* struct smtp_listener */
    struct conf_endpoints places; /* after loading: all of `listen` and `listeners` */
    struct smtp_listener *ways;   /* after loading: of each of the places */
    struct hop_targets next_hop;
    struct hop_ways next_hop_ways;
    const char *next_hop_ca;                         /* "": the system's */
    const char *next_hop_certificate, *next_hop_key; /* ours, for a next hop that asks; both "": none */
    struct conf_array routes;                        /* struct smtp_route, sorted by title */
    const char *routes_file;                         /* "": none */
    bool has_dane_in_file;                           /* after loading: as it was then */
    const char *recipient_delimiter;
    struct conf_strs relay_domains; /* normal form, sorted; those of routes count, too */
    struct conf_nets relay_clients;
    struct hop_targets auth_hop; /* after loading: one, or none when no listener has `auth` */
    struct conf_strs auth_mechanisms;
    const char *auth_list; /* after loading: those in one text */
    struct conf_nets xclient_clients;
    struct conf_nets xforward_clients;
    struct conf_nets proxy_clients;
    const char *tls_certificate, *tls_key; /* both "": no TLS */
    const char *tls_alt_certificate, *tls_alt_key;
    struct conf_array tls_names; /* struct smtp_tls_name */
    int tls_least;               /* enum tls_version */
    const char *tls_ciphers, *tls_ciphersuites;
    int tls_clients; /* enum smtp_tls_clients */
    const char *tls_client_ca;
    int tls_handshake_ms;
    int64_t tls_handshakes_most;

    int bare_newline; /* enum bare_newline */
    size_t size_most, line_most, header_bytes_most, memory_most;
    int64_t header_fields_most, received_most, recipients_most, connections_most;
    int64_t errors_soft, errors_hard;
    int command_timeout_ms, data_timeout_ms, data_total_ms;
    struct clients_conf clients;
    int rcpt_wait_ms;

    bool prdr;
    struct verify_rule verify_recipients; /* never VERIFY_UNSAID */
    int verify_good_ms, verify_bad_ms;
    int64_t verify_entries;

    int64_t hop_connections_most;
    int hop_connect_ms, hop_command_ms, hop_final_ms, hop_idle_ms, hop_age_ms, hop_probe_ms, hop_rest_ms;
    int64_t hop_uses_most, hop_failures;
};

extern const struct conf_section smtp_section;

/* conf_tls.c; for the tables in conf.c */
extern const struct conf_section smtp_tls_name_section;
/* smtp_conf_check_tls - NULL, or what is wrong with certificates and ciphers. */
const char *smtp_conf_check_tls(struct arena *a, const struct smtp_conf *conf);

/* conf_route.c; for the tables in conf.c */
extern const struct conf_section smtp_route_section;
extern const char hop_tls_words[], hop_client_words[];
/* hop_target_parse - a target without words behind it; `text` is borrowed. hop_targets_parse - one with its words, for
 * CONF_CUSTOMS: adds it to *out, a struct hop_targets. NULL, or what is wrong. */
const char *hop_target_parse(struct arena *a, const char *text, struct hop_target *out);
const char *hop_targets_parse(struct arena *a, const char *text, void *out);
/* hop_ways_wrong - NULL, or what is wrong with targets that are spoken to like that. */
const char *hop_ways_wrong(struct arena *a, const struct hop_targets *targets, const struct hop_ways *ways);
/* smtp_conf_hop_tls - a context for next hops; NULL with a sentence in `error`. */
struct tls_context *smtp_conf_hop_tls(const struct smtp_conf *conf, enum tls_verify verify, char *error, size_t size);
bool smtp_conf_needs_dnssec(const struct smtp_conf *conf); /* some next hop is verified by DANE */
bool hop_ways_eq(const struct hop_ways *a, const struct hop_ways *b);
/* verify_rule_parse - "rcpt", "none", "list:/path"; also "yes" and "no". For CONF_CUSTOM: into a struct verify_rule. */
const char *verify_rule_parse(struct arena *a, const char *text, void *out);
/* smtp_conf_loop - NULL, or which target is a place of our own. */
const char *smtp_conf_loop(struct arena *a, const struct smtp_conf *conf);
/* smtp_conf_normalise_routes - relay domains and routes into normal form, sorted; NULL, or what is wrong. */
const char *smtp_conf_normalise_routes(struct arena *a, struct smtp_conf *conf);

const char *hop_tls_text(enum hop_tls tls);
const char *hop_client_text(enum hop_client client);
int hop_tls_of(struct span word); /* -1: no such word */

/* hop_target_is_local - on this machine. */
bool hop_target_is_local(const struct hop_target *target);

/* smtp_conf_listener - the one at that place, which must be in conf->places. */
const struct smtp_listener *smtp_conf_listener(const struct smtp_conf *conf, const struct endpoint *at);
/* smtp_conf_route - the route of a recipient's domain (normal form); NULL: the section's own next_hop. The longest
 * title wins: "a.example.org", then ".example.org", then ".org". */
const struct smtp_route *smtp_conf_route(const struct smtp_conf *conf, const char *domain);
/* smtp_conf_takes - a relay domain, or a route's. */
bool smtp_conf_takes(const struct smtp_conf *conf, const char *domain);

#endif

/* smtp/conf.c - the section `smtp`: its keys, and what its lists mean. */
#include "gateway/smtp/conf.h"

#include "gateway/base/bug.h"
#include "gateway/net/tls.h"
#include "gateway/smtp/route_file.h"
#include "gateway/smtp/sasl.h"

#define AT(member) offsetof(struct smtp_conf, member)

#define AT_LISTENER(member) offsetof(struct smtp_listener, member)

static const struct conf_key listener_keys[] = {
    { .name = "protocol",
      .type = CONF_ENUM,
      .at = AT_LISTENER(protocol),
      .initial = "smtp",
      .least = "smtp lmtp",
      .help = "what is spoken there: smtp, or lmtp (an answer for each recipient)" },
    { .name = "tls",
      .type = CONF_ENUM,
      .at = AT_LISTENER(tls),
      .initial = "starttls",
      .least = "starttls implicit none",
      .help = "starttls (offered when there is a certificate), implicit (from the first byte), none" },
    { .name = "auth",
      .type = CONF_BOOL,
      .at = AT_LISTENER(auth),
      .initial = "no",
      .help = "pass logins (AUTH, over TLS only) on to smtp.auth_hop, and the mail of those who log in" },
    { 0 },
};

static const struct conf_section listener_section = {
    .name = "listener",
    .help = "a place to take mail on that has its own ways: listener \"0.0.0.0:465\" { tls = implicit }; needs no "
            "place in `listen`",
    .size = sizeof(struct smtp_listener),
    .keys = listener_keys,
};

static const struct conf_key smtp_keys[] = {
    { .name = "listen",
      .type = CONF_ENDPOINTS,
      .at = AT(listen),
      .help = "addresses and ports to take mail on; none: this door is closed" },
    { .name = "listener",
      .type = CONF_SECTIONS,
      .at = AT(listeners),
      .help = "places with their own ways",
      .section = &listener_section },
    { .name = "next_hop",
      .type = CONF_CUSTOMS,
      .at = AT(next_hop),
      .initial = "smtp://127.0.0.1:10025",
      .help = "where mail goes: smtp://HOST:PORT, smtp:unix:/PATH, the same with lmtp:, smtps://HOST:PORT (TLS from "
              "the first byte), or maildir:/PATH; several may share it: "
              "{\"smtp://10.0.0.2:25 priority=10 weight=2\", \"smtp://10.0.0.3:25 priority=20\"}: the lowest "
              "priority that is up takes the mail, those of one priority by weight (both are 10 unless written)",
      .parse = hop_targets_parse },
    { .name = "next_hop_tls",
      .type = CONF_ENUM,
      .at = AT(next_hop_ways.tls),
      .initial = "may",
      .least = hop_tls_words,
      .help = "TLS with the next hop: none, may (STARTTLS when offered), encrypt (always), verify (and its "
              "certificate), dane (and its certificate is the one of its TLSA records, which must be there; needs "
              "dns.dnssec)" },
    { .name = "next_hop_client",
      .type = CONF_ENUM,
      .at = AT(next_hop_ways.client),
      .initial = "xforward",
      .least = hop_client_words,
      .help = "how a next hop that offers it is told who the client is: xforward (for its log), xclient (for its own "
              "restrictions, too: it needs a connection for each client), none" },
    { .name = "next_hop_ca",
      .type = CONF_FILE,
      .at = AT(next_hop_ca),
      .help = "certificates that next_hop_tls = verify trusts; the system's unless set" },
    { .name = "next_hop_certificate",
      .type = CONF_FILE,
      .at = AT(next_hop_certificate),
      .help = "certificate chain in PEM that is shown to a next hop that asks for one; with next_hop_key" },
    { .name = "next_hop_key", .type = CONF_FILE, .at = AT(next_hop_key), .help = "its private key in PEM" },
    { .name = "route",
      .type = CONF_SECTIONS,
      .at = AT(routes),
      .help = "other next hops",
      .section = &smtp_route_section },
    { .name = "routes",
      .type = CONF_FILE,
      .at = AT(routes_file),
      .help = "a file of other next hops, watched: a line for each address, domain, .domain or *, such as: "
              "example.org smtp://10.0.0.2:25 smtp://10.0.0.3:25 priority=20 tls=verify verify=none" },
    { .name = "recipient_delimiter",
      .type = CONF_STR,
      .at = AT(recipient_delimiter),
      .initial = "",
      .help = "characters that begin an extension of a local part: with \"+\" user+list@ is looked up as user@, too, "
              "in routes and in lists of recipients" },
    { .name = "relay_domains",
      .type = CONF_STRS,
      .at = AT(relay_domains),
      .help = "recipient domains that we take mail for; \".example.org\" means those below; routes count, too" },
    { .name = "relay_clients",
      .type = CONF_ADDRS,
      .at = AT(relay_clients),
      .help = "clients that may send to any recipient" },
    { .name = "auth_hop",
      .type = CONF_CUSTOMS,
      .at = AT(auth_hop),
      .help = "for listeners with auth = yes: the submission server that judges logins and takes the mail of who has "
              "logged in, \"smtp://HOST:587\", over next_hop_tls; unless set, the first of next_hop",
      .parse = hop_targets_parse },
    { .name = "auth_mechanisms",
      .type = CONF_STRS,
      .at = AT(auth_mechanisms),
      .initial = "PLAIN LOGIN SCRAM-* XOAUTH2 OAUTHBEARER",
      .help = "mechanisms of AUTH that are passed on, as far as auth_hop offers them" },
    { .name = "xclient_clients",
      .type = CONF_ADDRS,
      .at = AT(xclient_clients),
      .help = "peers that may tell who their client is, by XCLIENT" },
    { .name = "xforward_clients",
      .type = CONF_ADDRS,
      .at = AT(xforward_clients),
      .help = "mail servers that may tell whose message they hand on, by XFORWARD: Postfix with smtpd_proxy_filter" },
    { .name = "proxy_clients",
      .type = CONF_ADDRS,
      .at = AT(proxy_clients),
      .help = "proxies in front of us: their connections must begin with a header of the PROXY protocol (version 1 or "
              "2), which says who the client is" },
    { .name = "tls_certificate",
      .type = CONF_FILE,
      .at = AT(tls_certificate),
      .help = "certificate chain in PEM; with tls_key it makes STARTTLS offered" },
    { .name = "tls_key", .type = CONF_FILE, .at = AT(tls_key), .help = "private key in PEM" },
    { .name = "tls_alt_certificate",
      .type = CONF_FILE,
      .at = AT(tls_alt_certificate),
      .help = "another certificate, with a key of another kind (ECDSA beside RSA)" },
    { .name = "tls_alt_key", .type = CONF_FILE, .at = AT(tls_alt_key), .help = "its private key" },
    { .name = "tls",
      .type = CONF_SECTIONS,
      .at = AT(tls_names),
      .help = "certificates for other names",
      .section = &smtp_tls_name_section },
    { .name = "tls_min_version",
      .type = CONF_ENUM,
      .at = AT(tls_least),
      .initial = "TLSv1.2",
      .least = TLS_VERSION_WORDS,
      .help = "the oldest TLS that clients may speak" },
    { .name = "tls_ciphers",
      .type = CONF_STR,
      .at = AT(tls_ciphers),
      .help = "ciphers of TLS 1.2 for clients, as openssl-ciphers(1) has them; OpenSSL's choice unless set" },
    { .name = "tls_ciphersuites",
      .type = CONF_STR,
      .at = AT(tls_ciphersuites),
      .help = "the same of TLS 1.3: \"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256\"" },
    { .name = "tls_client_certificates",
      .type = CONF_ENUM,
      .at = AT(tls_clients),
      .initial = "no",
      .least = "no ask require",
      .help = "ask clients for a certificate and log it; require: take mail only with TLS and a trusted one" },
    { .name = "tls_client_ca",
      .type = CONF_FILE,
      .at = AT(tls_client_ca),
      .help = "certificates of the authorities that are trusted for clients, in PEM" },
    { .name = "tls_handshake",
      .type = CONF_MS,
      .at = AT(tls_handshake_ms),
      .initial = "30s",
      .least = "1s",
      .most = "5m",
      .help = "how long a TLS handshake may take, and may wait for its turn" },
    { .name = "tls_handshakes",
      .type = CONF_INT,
      .at = AT(tls_handshakes_most),
      .initial = "100",
      .least = "1",
      .most = "10000",
      .help = "TLS handshakes at once; others wait for their turn; a quarter of them for one client" },
    { .name = "bare_newline",
      .type = CONF_ENUM,
      .at = AT(bare_newline),
      .initial = "reject",
      .least = "reject normalise",
      .help = "what to do with bare CR or LF in a message: reject it, or make each CRLF" },
    { .name = "message_size",
      .type = CONF_BYTES,
      .at = AT(size_most),
      .initial = "50MiB",
      .least = "64KiB",
      .most = "1GiB",
      .help = "the largest message that is taken" },
    { .name = "line_length",
      .type = CONF_BYTES,
      .at = AT(line_most),
      .initial = "1MiB",
      .least = "1000",
      .most = "1GiB",
      .help = "the longest line of a message; RFC 5321 allows 998 bytes, and many a sender more" },
    { .name = "header_size",
      .type = CONF_BYTES,
      .at = AT(header_bytes_most),
      .initial = "256KiB",
      .least = "16KiB",
      .most = "1MiB",
      .help = "the largest header section" },
    { .name = "header_fields",
      .type = CONF_INT,
      .at = AT(header_fields_most),
      .initial = "1000",
      .least = "50",
      .most = "5000",
      .help = "header fields at most" },
    { .name = "received",
      .type = CONF_INT,
      .at = AT(received_most),
      .initial = "50",
      .least = "5",
      .most = "1000",
      .help = "Received fields at most: more is taken for a mail loop" },
    { .name = "memory",
      .type = CONF_BYTES,
      .at = AT(memory_most),
      .initial = "256KiB",
      .least = "4KiB",
      .most = "64MiB",
      .help = "a message larger than that goes into a file" },
    { .name = "recipients",
      .type = CONF_INT,
      .at = AT(recipients_most),
      .initial = "1000",
      .least = "100",
      .most = "10000",
      .help = "recipients of one message at most" },
    { .name = "prdr",
      .type = CONF_BOOL,
      .at = AT(prdr),
      .initial = "yes",
      .help = "offer SMTP clients an answer for each recipient (PRDR), as LMTP clients have it" },
    { .name = "connections",
      .type = CONF_INT,
      .at = AT(connections_most),
      .initial = "2000",
      .least = "1",
      .most = "100000",
      .help = "clients at once" },
    { .name = "clients",
      .type = CONF_SECTION,
      .at = AT(clients),
      .help = "what a client may cost us: waiting, limits, slowness",
      .section = &clients_section },
    { .name = "errors_soft",
      .type = CONF_INT,
      .at = AT(errors_soft),
      .initial = "10",
      .least = "1",
      .most = "1000",
      .help = "after that many errors replies are held back, a second longer for each further one" },
    { .name = "errors_hard",
      .type = CONF_INT,
      .at = AT(errors_hard),
      .initial = "20",
      .least = "1",
      .most = "1000",
      .help = "after that many errors the connection is closed" },
    { .name = "command_timeout",
      .type = CONF_MS,
      .at = AT(command_timeout_ms),
      .initial = "300s",
      .least = "1s",
      .most = "1h",
      .help = "how long a client may take for its next command" },
    { .name = "data_timeout",
      .type = CONF_MS,
      .at = AT(data_timeout_ms),
      .initial = "180s",
      .least = "1s",
      .most = "1h",
      .help = "how long a client may pause inside a message" },
    { .name = "data_total",
      .type = CONF_MS,
      .at = AT(data_total_ms),
      .initial = "30m",
      .least = "1s",
      .most = "1d",
      .help = "how long a whole message may take to arrive" },
    { .name = "rcpt_wait",
      .type = CONF_MS,
      .at = AT(rcpt_wait_ms),
      .initial = "5s",
      .least = "100ms",
      .most = "60s",
      .help = "how long a reply to RCPT may wait for the checks of connection and envelope" },
    { .name = "verify_recipients",
      .type = CONF_CUSTOM,
      .at = AT(verify_recipients),
      .initial = "rcpt",
      .help = "who knows whether a recipient exists: rcpt (the next hop is asked), none (not asked), or "
              "list:/path of a file of addresses and @domains, which is watched",
      .parse = verify_rule_parse },
    { .name = "verify_good",
      .type = CONF_MS,
      .at = AT(verify_good_ms),
      .initial = "1h",
      .least = "0",
      .most = "24d",
      .help = "how long a recipient that the next hop takes is remembered" },
    { .name = "verify_bad",
      .type = CONF_MS,
      .at = AT(verify_bad_ms),
      .initial = "5m",
      .least = "0",
      .most = "24d",
      .help = "how long a recipient that it refuses is remembered" },
    { .name = "verify_entries",
      .type = CONF_INT,
      .at = AT(verify_entries),
      .initial = "50000",
      .least = "10",
      .most = "10000000",
      .help = "recipients that are remembered at most" },
    { .name = "hop_connections",
      .type = CONF_INT,
      .at = AT(hop_connections_most),
      .initial = "50",
      .least = "1",
      .most = "10000",
      .help = "connections to a next hop at most" },
    { .name = "hop_connect",
      .type = CONF_MS,
      .at = AT(hop_connect_ms),
      .initial = "10s",
      .least = "100ms",
      .most = "5m",
      .help = "how long connecting to a next hop may take" },
    { .name = "hop_command",
      .type = CONF_MS,
      .at = AT(hop_command_ms),
      .initial = "60s",
      .least = "100ms",
      .most = "10m",
      .help = "how long its greeting and each of its replies may take" },
    { .name = "hop_final",
      .type = CONF_MS,
      .at = AT(hop_final_ms),
      .initial = "5m",
      .least = "100ms",
      .most = "30m",
      .help = "how long its reply to the end of a message may take" },
    { .name = "hop_idle",
      .type = CONF_MS,
      .at = AT(hop_idle_ms),
      .initial = "30s",
      .least = "0",
      .most = "10m",
      .help = "how long an unused connection to a next hop is kept; less than that server's own patience" },
    { .name = "hop_uses",
      .type = CONF_INT,
      .at = AT(hop_uses_most),
      .initial = "1000",
      .least = "1",
      .most = "1000000",
      .help = "messages and questions over one connection to a next hop at most" },
    { .name = "hop_age",
      .type = CONF_MS,
      .at = AT(hop_age_ms),
      .initial = "10m",
      .least = "0",
      .most = "1d",
      .help = "how long a connection to a next hop is used at most; 0: for ever" },
    { .name = "hop_failures",
      .type = CONF_INT,
      .at = AT(hop_failures),
      .initial = "1",
      .least = "1",
      .most = "100",
      .help = "a next hop is down after that many connections within a minute have failed and none works" },
    { .name = "hop_rest",
      .type = CONF_MS,
      .at = AT(hop_rest_ms),
      .initial = "60s",
      .least = "1s",
      .most = "1h",
      .help = "a next hop that is down is tried again after a second, then after twice as long each time, up to this" },
    { .name = "hop_probe",
      .type = CONF_MS,
      .at = AT(hop_probe_ms),
      .initial = "0",
      .least = "0",
      .most = "1d",
      .help = "a next hop that has had nothing to do for so long is asked whether it is there; 0: never" },
    { 0 },
};

static bool is_set(const char *text)
{
    return text && *text;
}

struct tls_context *smtp_conf_hop_tls(const struct smtp_conf *conf, enum tls_verify verify, char *error, size_t size)
{
    struct tls_context *tls = tls_client_new(verify, is_set(conf->next_hop_ca) ? conf->next_hop_ca : NULL, error, size);

    if (tls && is_set(conf->next_hop_certificate) &&
        tls_client_identify(tls, conf->next_hop_certificate, conf->next_hop_key, error, size)) {
        tls_context_free(tls);
        return NULL;
    }
    return tls;
}

static const char *check_hop_tls(struct arena *a, const struct smtp_conf *conf)
{
    bool verifies = is_set(conf->next_hop_ca);
    char error[512] = "";

    if (is_set(conf->next_hop_certificate) != is_set(conf->next_hop_key))
        return "next_hop_certificate and next_hop_key go together; set both or none";
    if (!verifies && !is_set(conf->next_hop_certificate))
        return NULL;
    struct tls_context *tls =
        smtp_conf_hop_tls(conf, verifies ? TLS_VERIFY_NAME : TLS_VERIFY_NONE, error, sizeof error);

    tls_context_free(tls);
    if (!tls)
        return arena_printf(a, "next_hop_ca, next_hop_certificate: %s; name files in PEM, the key without a password",
                            error);
    return NULL;
}

/* ---- listeners ---- */

static const char *check_ways(struct arena *a, const struct smtp_conf *conf, const struct smtp_listener *l)
{
    if (l->tls == SMTP_TLS_IMPLICIT && !is_set(conf->tls_certificate))
        return arena_printf(a, "listener \"%s\" has tls = implicit; that needs tls_certificate and tls_key", l->title);
    if (l->auth && l->protocol == SMTP_PROTOCOL_LMTP)
        return arena_printf(a, "listener \"%s\" has auth = yes; users log in where protocol is smtp", l->title);
    return NULL;
}

static const char *place_listener(struct arena *a, struct smtp_listener *l, const struct conf_endpoints *listen)
{
    if (endpoint_parse(span_of(l->title), 0, &l->at) || l->at.host[0])
        return arena_printf(a,
                            "listener \"%s\" is no place to listen on; write \"0.0.0.0:25\", \"[::]:25\" or "
                            "\"unix:/run/postern/lmtp\"",
                            l->title);
    for (size_t i = 0; i < listen->count; i++)
        if (endpoint_eq(&listen->items[i], &l->at))
            return arena_printf(a, "listener \"%s\" stands in `listen`, too; leave one", l->title);
    return NULL;
}

/* One row for each place, and how it is used. */
static const char *join_listeners(struct arena *a, struct smtp_conf *conf)
{
    struct smtp_listener *with_ways = conf->listeners.items;
    size_t count = conf->listen.count + conf->listeners.count;
    struct smtp_listener *all = arena_alloc(a, (count + 1) * sizeof *all);
    struct endpoint *places = arena_alloc(a, (count + 1) * sizeof *places);

    for (size_t i = 0; i < conf->listeners.count; i++) {
        const char *wrong = place_listener(a, &with_ways[i], &conf->listen);

        if (!wrong)
            wrong = check_ways(a, conf, &with_ways[i]);
        if (wrong)
            return wrong;
        all[conf->listen.count + i] = with_ways[i];
    }
    for (size_t i = 0; i < conf->listen.count; i++)
        all[i] = (struct smtp_listener){ .title = "", .at = conf->listen.items[i] };
    for (size_t i = 0; i < count; i++)
        places[i] = all[i].at;
    conf->ways = all;
    conf->places = (struct conf_endpoints){ places, count };
    return NULL;
}

const struct smtp_listener *smtp_conf_listener(const struct smtp_conf *conf, const struct endpoint *at)
{
    for (size_t i = 0; i < conf->places.count; i++)
        if (endpoint_eq(&conf->ways[i].at, at))
            return &conf->ways[i];
    BUG("no listener there");
}

/* Told by `config check` and before a reload, as everything that can be known then. */
static const char *check_routes_file(struct arena *a, struct smtp_conf *conf)
{
    const struct file_route *route;
    struct access_file file;
    bool is_good = access_file_open_as(&file, conf->routes_file, &route_reader, conf->next_hop_ways.tls);
    const char *wrong = is_good ? NULL : arena_printf(a, "routes: %s", file.refusal.data);

    for (size_t i = 0; is_good && (route = route_table_route(file.set, i)); i++)
        conf->has_dane_in_file |= route->tls == HOP_TLS_DANE;
    access_file_close(&file);
    return wrong;
}

/* ---- AUTH ---- */

static bool has_auth(const struct smtp_conf *conf)
{
    const struct smtp_listener *l = conf->listeners.items;

    for (size_t i = 0; i < conf->listeners.count; i++)
        if (l[i].auth)
            return true;
    return false;
}

static const char *check_auth(struct arena *a, struct smtp_conf *conf)
{
    const char *list = "";

    for (size_t i = 0; i < conf->auth_mechanisms.count; i++) {
        const char *word = conf->auth_mechanisms.items[i];

        if (!sasl_is_pattern(span_of(word)))
            return arena_printf(a, "auth_mechanisms: \"%s\" cannot be passed on; write some of " SASL_ALL, word);
        list = arena_printf(a, "%s%s%s", list, i ? " " : "", word);
    }
    conf->auth_list = list;
    if (conf->auth_hop.count > 1)
        return "auth_hop has several servers, but one connection is for the login and its mail; name one";
    const char *wrong = hop_ways_wrong(a, &conf->auth_hop, &conf->next_hop_ways);

    if (wrong)
        return arena_printf(a, "auth_hop: %s", wrong);
    if (!has_auth(conf)) {
        conf->auth_hop.count = 0;
        return NULL;
    }
    if (!is_set(conf->tls_certificate))
        return "a listener has auth = yes, but logins go over TLS only: set tls_certificate and tls_key";
    if (!conf->auth_hop.count)
        conf->auth_hop = conf->next_hop;
    conf->auth_hop.count = 1;
    if (conf->auth_hop.items[0].kind != HOP_SMTP)
        return "a listener has auth = yes, but next_hop knows no logins; write auth_hop = \"smtp://HOST:587\"";
    return NULL;
}

static const char *check_smtp(struct arena *a, void *values)
{
    struct smtp_conf *conf = values;
    const char *wrong = smtp_conf_check_tls(a, conf);

    if (!wrong)
        wrong = hop_ways_wrong(a, &conf->next_hop, &conf->next_hop_ways);
    if (!wrong)
        wrong = check_hop_tls(a, conf);
    if (!wrong)
        wrong = join_listeners(a, conf);
    if (!wrong)
        wrong = smtp_conf_loop(a, conf);
    if (!wrong && is_set(conf->routes_file))
        wrong = check_routes_file(a, conf);
    if (!wrong)
        wrong = check_auth(a, conf);
    if (wrong)
        return wrong;
    if (conf->errors_hard < conf->errors_soft)
        return "errors_hard is below errors_soft; write a larger one";
    return smtp_conf_normalise_routes(a, conf);
}

const struct conf_section smtp_section = {
    .name = "smtp",
    .help = "the SMTP proxy",
    .size = sizeof(struct smtp_conf),
    .keys = smtp_keys,
    .check = check_smtp,
};

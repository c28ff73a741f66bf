/* smtp/conf_clients.c - the section `clients`: its keys. Initial values suit a small MX: no honest sender that we know
 * of comes near them, and one address cannot take all that there is. */
#include "gateway/smtp/conf_clients.h"

#define AT(member) offsetof(struct client_limits, member)
#define RATE_MOST  "1000000"

/* One row of limits; two sections have them, with initial values of their own. */
#define LIMIT(key, member, value, low, high, text)                                                                     \
    {                                                                                                                  \
        .name = key, .type = CONF_INT, .at = AT(member), .initial = value, .least = low, .most = high, .help = text    \
    }

/* clang-format off */
#define LIMITS(connections_value, rate_value, recipients_value, errors_value, bits4_value, bits6_value)               \
    LIMIT("connections", connections, connections_value, "0", "100000",                                               \
          "connections at once, counted by each gateway for itself; 0: any number"),                                  \
    LIMIT("rate", rate_most, rate_value, "0", "1000000", "new connections a minute; 0: any number"),                  \
    LIMIT("recipients", recipients_most, recipients_value, "0", "1000000", "recipients a minute; 0: any number"),     \
    LIMIT("errors", errors_most, errors_value, "0", "1000000",                                                        \
          "refused commands a minute, and those that lead nowhere; 0: any number"),                                   \
    LIMIT("ip4_bits", bits4, bits4_value, "8", "32", "IPv4 addresses that begin with so many same bits are one"),     \
    LIMIT("ip6_bits", bits6, bits6_value, "16", "128", "the same of IPv6 addresses"),                                 \
    { 0 }
/* clang-format on */

static const struct conf_key address_keys[] = { LIMITS("50", "120", "1000", "60", "32", "64") };
static const struct conf_key network_keys[] = { LIMITS("200", "600", "5000", "300", "24", "48") };
#undef AT

static const struct conf_section address_section = {
    .name = "address",
    .help = "limits of one client",
    .size = sizeof(struct client_limits),
    .keys = address_keys,
};

static const struct conf_section network_section = {
    .name = "network",
    .help = "limits of all clients of one network",
    .size = sizeof(struct client_limits),
    .keys = network_keys,
};

#define AT(member) offsetof(struct clients_conf, member)
static const struct conf_key clients_keys[] = {
    { .name = "known",
      .type = CONF_ADDRS,
      .at = AT(known),
      .initial = "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fe80::/10 fc00::/7",
      .help = "clients that never wait and have no limits, besides relay_clients and xclient_clients" },
    { .name = "address",
      .type = CONF_SECTION,
      .at = AT(address),
      .help = "what one client may do; above: 421 4.7.0",
      .section = &address_section },
    { .name = "network",
      .type = CONF_SECTION,
      .at = AT(network),
      .help = "what all clients of one network may do together",
      .section = &network_section },
    { .name = "greet_wait",
      .type = CONF_MS,
      .at = AT(greet_wait_ms),
      .initial = "6s",
      .least = "0",
      .most = "60s",
      .help = "how long a stranger waits for our greeting: who speaks before it is no mail server; 0: nobody waits" },
    { .name = "greet_wait_busy",
      .type = CONF_MS,
      .at = AT(greet_wait_busy_ms),
      .initial = "2s",
      .least = "0",
      .most = "60s",
      .help = "the same while connections are scarce" },
    { .name = "greet_vouch",
      .type = CONF_POINTS,
      .at = AT(greet_vouch),
      .initial = "-1.00",
      .help = "the wait ends as soon as the checks of the connection (allow lists among dnsbl's zones) find that or "
              "less" },
    { .name = "greet_pass",
      .type = CONF_TIME,
      .at = AT(greet_pass_ms),
      .initial = "1d",
      .least = "0",
      .most = "365d",
      .help = "how long a client that has waited need not wait again" },
    { .name = "good_pass",
      .type = CONF_TIME,
      .at = AT(good_pass_ms),
      .initial = "30d",
      .least = "0",
      .most = "365d",
      .help = "the same for one whose mail was taken, since then" },
    { .name = "data_rate",
      .type = CONF_BYTES,
      .at = AT(data_rate_least),
      .initial = "500",
      .least = "0",
      .most = "1MiB",
      .help = "bytes a second that a message must come with, after data_timeout; 0: any" },
    { .name = "session",
      .type = CONF_MS,
      .at = AT(session_most_ms),
      .initial = "2h",
      .least = "1s",
      .most = "7d",
      .help = "how long a connection may last: then no command is awaited any more" },
    { .name = "tarpit",
      .type = CONF_MS,
      .at = AT(tarpit_most_ms),
      .initial = "4s",
      .least = "0",
      .most = "60s",
      .help = "the longest that replies to a client that misbehaves are held back; 0: not at all" },
    { .name = "busy",
      .type = CONF_INT,
      .at = AT(busy_percent),
      .initial = "80",
      .least = "1",
      .most = "100",
      .help = "connections are scarce above that part of `connections`, in per cent" },
    { .name = "busy_timeout",
      .type = CONF_MS,
      .at = AT(busy_timeout_ms),
      .initial = "10s",
      .least = "1s",
      .most = "1h",
      .help = "command_timeout of clients that are not known to be good, while connections are scarce" },
    { 0 },
};

const struct conf_section clients_section = {
    .name = "clients",
    .help = "what a client may cost us: waiting, limits, slowness",
    .size = sizeof(struct clients_conf),
    .keys = clients_keys,
};

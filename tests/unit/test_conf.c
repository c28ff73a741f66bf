/* tests/unit/test_conf.c - gateway.conf into typed structs. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kit/expect.h"

#include "gateway/base/endpoint.h"
#include "gateway/conf/conf.h"

/* ---- a configuration with everything in it ---- */

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

struct root {
    const char *hostname;
    struct smtp smtp;
    struct conf_array checks;
    int64_t even;
};

static const char *parse_even(struct arena *a, const char *text, void *out)
{
    int64_t value = strtoll(text, NULL, 10);

    if (value % 2)
        return arena_printf(a, "is odd; write %lld", (long long)value + 1);
    *(int64_t *)out = value;
    return NULL;
}

static const char *sum_zones(struct arena *a, void *values)
{
    struct dnsbl *conf = values;
    struct zone *zones = conf->zones.items;

    for (size_t i = 0; i < conf->zones.count; i++)
        conf->sum += zones[i].points;
    return conf->sum > 10000 ? arena_printf(a, "scores add up to %lld; write less", (long long)conf->sum / 100) : NULL;
}

#define MODES "off shadow tag enforce"

static const struct conf_key route_keys[] = {
    { .name = "next_hop", .type = CONF_STR, .at = offsetof(struct route, next_hop), .is_required = true },
    { .name = "weight",
      .type = CONF_INT,
      .at = offsetof(struct route, weight),
      .initial = "10",
      .least = "-5",
      .most = "100" },
    { 0 },
};
static const struct conf_section route_section = { .name = "route", .size = sizeof(struct route), .keys = route_keys };

static const struct conf_key tls_keys[] = {
    { .name = "cert", .type = CONF_FILE, .at = offsetof(struct tls, cert), .help = "certificate" },
    { .name = "mode",
      .type = CONF_ENUM,
      .at = offsetof(struct tls, mode),
      .initial = "may",
      .least = "none may encrypt" },
    { 0 },
};
static const struct conf_section tls_section = { .name = "tls", .size = sizeof(struct tls), .keys = tls_keys };

#define AT(member) offsetof(struct smtp, member)
static const struct conf_key smtp_keys[] = {
    { .name = "listen",
      .type = CONF_ENDPOINTS,
      .at = AT(listen),
      .initial = "127.0.0.1:2525 [::1]:2525",
      .help = "where" },
    { .name = "relay_clients", .type = CONF_ADDRS, .at = AT(relay_clients), .help = "who may relay" },
    { .name = "domains", .type = CONF_STRS, .at = AT(domains), .help = "ours" },
    { .name = "route", .type = CONF_SECTIONS, .at = AT(routes), .section = &route_section, .help = "by domain" },
    { .name = "tls", .type = CONF_SECTION, .at = AT(tls), .section = &tls_section },
    { .name = "timeout",
      .type = CONF_MS,
      .at = AT(timeout_ms),
      .initial = "5m",
      .least = "100ms",
      .most = "1h",
      .help = "how long" },
    { .name = "message_bytes", .type = CONF_BYTES, .at = AT(message_bytes), .initial = "10MiB", .least = "1KiB" },
    { .name = "early", .type = CONF_BOOL, .at = AT(is_early), .initial = "no" },
    { .name = "password", .type = CONF_STR, .at = AT(password), .is_secret = true },
    { 0 },
};
#undef AT
static const struct conf_section smtp_section = {
    .name = "smtp", .help = "the proxy", .size = sizeof(struct smtp), .keys = smtp_keys
};

static const struct conf_key zone_keys[] = {
    { .name = "score",
      .type = CONF_POINTS,
      .at = offsetof(struct zone, points),
      .initial = "4.00",
      .least = "-20",
      .most = "20" },
    { 0 },
};
static const struct conf_section zone_section = { .name = "zone", .size = sizeof(struct zone), .keys = zone_keys };

static const struct conf_key dnsbl_keys[] = {
    { .name = "mode", .type = CONF_ENUM, .at = offsetof(struct dnsbl, mode), .initial = "enforce", .least = MODES },
    { .name = "zone", .type = CONF_SECTIONS, .at = offsetof(struct dnsbl, zones), .section = &zone_section },
    { 0 },
};
static const struct conf_section dnsbl_section = {
    .name = "dnsbl", .size = sizeof(struct dnsbl), .keys = dnsbl_keys, .check = sum_zones
};

static const struct conf_key spf_keys[] = {
    { .name = "mode", .type = CONF_ENUM, .at = offsetof(struct spf, mode), .initial = "shadow", .least = MODES },
    { .name = "score", .type = CONF_POINTS, .at = offsetof(struct spf, points), .initial = "-1.5" },
    { 0 },
};
static const struct conf_section spf_section = { .name = "spf", .size = sizeof(struct spf), .keys = spf_keys };

static const struct conf_section *check_by_title(const char *title)
{
    return strcmp(title, "spf") == 0 ? &spf_section : strcmp(title, "dnsbl") == 0 ? &dnsbl_section : NULL;
}

static const char *check_titles(size_t i)
{
    static const char *const titles[] = { "spf", "dnsbl", NULL };

    return titles[i];
}

static const struct conf_section check_section = { .name = "check",
                                                   .by_title = check_by_title,
                                                   .titles = check_titles };

static const struct conf_key root_keys[] = {
    { .name = "hostname",
      .type = CONF_STR,
      .at = offsetof(struct root, hostname),
      .initial = "localhost",
      .help = "our name" },
    { .name = "even", .type = CONF_CUSTOM, .at = offsetof(struct root, even), .parse = parse_even, .initial = "2" },
    { .name = "smtp", .type = CONF_SECTION, .at = offsetof(struct root, smtp), .section = &smtp_section },
    { .name = "check", .type = CONF_SECTIONS, .at = offsetof(struct root, checks), .section = &check_section },
    { 0 },
};
static const struct conf_section root_section = { .name = "root", .size = sizeof(struct root), .keys = root_keys };

/* ---- the tests ---- */

static struct conf *load(const char *text, struct root **root, struct strbuf *faults)
{
    void *values = NULL;

    strbuf_init(faults, 65536);
    struct conf *conf = conf_load_text(&root_section, "t", span_of(text), &values, faults);

    *root = values;
    return conf;
}

static struct conf *load_well(const char *text, struct root **root)
{
    struct strbuf faults;
    struct conf *conf = load(text, root, &faults);

    if (!conf)
        fail_msg("%s", faults.data);
    EXPECT_INT(0, faults.len);
    strbuf_release(&faults);
    return conf;
}

static void every_type_is_filled(void **state)
{
    struct root *root;
    struct conf *conf = load_well("hostname = mx.example.org   # a comment\n"
                                  "even = 4 // another\n"
                                  "/* and\n one more */ smtp {\n"
                                  "  listen = { \"0.0.0.0:25\", '[::]:25', unix:/run/p.sock, }\n"
                                  "  relay_clients = {192.0.2.0/24, \"2001:db8::/32\"}\n"
                                  "  domains = one.example\n"
                                  "  timeout = 90s message_bytes = 256KiB early = yes\r\n"
                                  "  password = \"a\\\"b\\\\c\\n\"\n"
                                  "  route \"x.example\" { next_hop = 'smtp://\\\\' }\n"
                                  "  route y.example { next_hop = smtp://127.0.0.1:10025 weight = -5 }\n"
                                  "  tls { mode = encrypt }\n"
                                  "}\n"
                                  "check dnsbl { zone \"a\" { score = 6.5 } zone \"b\" { } }\n",
                                  &root);

    (void)state;
    EXPECT_STR("mx.example.org", root->hostname);
    EXPECT_INT(4, root->even);
    EXPECT_INT(3, root->smtp.listen.count);
    EXPECT_INT(25, root->smtp.listen.items[1].port);
    EXPECT_STR("/run/p.sock", root->smtp.listen.items[2].path);
    EXPECT_INT(2, root->smtp.relay_clients.count);
    EXPECT_INT(24, root->smtp.relay_clients.items[0].bits);
    EXPECT_INT(1, root->smtp.domains.count);
    EXPECT_STR("one.example", root->smtp.domains.items[0]);
    EXPECT_INT(90000, root->smtp.timeout_ms);
    EXPECT_INT(262144, root->smtp.message_bytes);
    EXPECT_TRUE(root->smtp.is_early);
    EXPECT_STR("a\"b\\c\n", root->smtp.password);
    const struct route *routes = root->smtp.routes.items;

    EXPECT_INT(2, root->smtp.routes.count);
    EXPECT_STR("x.example", routes[0].title);
    EXPECT_STR("smtp://\\", routes[0].next_hop);
    EXPECT_INT(10, routes[0].weight);
    EXPECT_STR("y.example", routes[1].title);
    EXPECT_STR("smtp://127.0.0.1:10025", routes[1].next_hop);
    EXPECT_INT(-5, routes[1].weight);
    EXPECT_INT(2, root->smtp.tls.mode);
    EXPECT_INT(1, root->checks.count);
    const struct dnsbl *dnsbl = ((void **)root->checks.items)[0];

    EXPECT_STR("dnsbl", dnsbl->title);
    EXPECT_INT(3, dnsbl->mode);
    EXPECT_INT(1050, dnsbl->sum);
    const struct spf *spf = conf_by_title(conf, &check_section, "spf");

    EXPECT_INT(-150, spf->points);
    EXPECT_STR("spf", spf->title);
    EXPECT_TRUE(conf_by_title(conf, &check_section, "dnsbl") == (const void *)dnsbl);
    EXPECT_NULL(conf_by_title(conf, &check_section, "none"));
    conf_free(conf);
}

RUN_TESTS(TEST(every_type_is_filled))

/* tests/kit/sample_conf.c - a configuration with every type of key in it. */
#include "tests/kit/sample_conf.h"

static const char *parse_even(struct arena *a, const char *text, void *out)
{
    uint64_t value = 0;

    if (span_u64(span_of(text), 1000, &value))
        return "is no number up to 1000; write such as 2";
    if (value % 2)
        return arena_printf(a, "is odd; write %llu", (unsigned long long)value + 1);
    *(int64_t *)out = (int64_t)value;
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
    { .name = "domains", .type = CONF_STRS, .at = AT(domains), .initial = "a.example b.example", .help = "ours" },
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

const struct conf_section check_section = { .name = "check", .by_title = check_by_title, .titles = check_titles };

static const struct conf_key sample_keys[] = {
    { .name = "hostname",
      .type = CONF_STR,
      .at = offsetof(struct sample, hostname),
      .initial = "localhost",
      .help = "our name" },
    { .name = "even", .type = CONF_CUSTOM, .at = offsetof(struct sample, even), .parse = parse_even, .initial = "2" },
    { .name = "smtp", .type = CONF_SECTION, .at = offsetof(struct sample, smtp), .section = &smtp_section },
    { .name = "check", .type = CONF_SECTIONS, .at = offsetof(struct sample, checks), .section = &check_section },
    { 0 },
};
const struct conf_section sample_section = { .name = "root", .size = sizeof(struct sample), .keys = sample_keys };

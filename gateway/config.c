/* gateway/config.c - the whole of gateway.conf: every module's section in one table. */
#include "gateway/config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/checks.h"
#include "gateway/mail/domain.h"

#define LOG(member) offsetof(struct log_conf, member)

static const struct conf_key log_keys[] = {
    { .name = "format",
      .type = CONF_ENUM,
      .at = LOG(format),
      .initial = "logfmt",
      .least = "logfmt json",
      .help = "one line per event, as key=value or as a JSON object" },
    { .name = "level",
      .type = CONF_ENUM,
      .at = LOG(level),
      .initial = "info",
      .least = "error warn info debug",
      .help = "what is logged" },
    { 0 },
};

static const struct conf_section log_section = {
    .name = "log", .help = "what is logged, to standard error", .size = sizeof(struct log_conf), .keys = log_keys
};

static const char *parse_hostname(struct arena *a, const char *text, void *out)
{
    char name[DOMAIN_MAX];

    if (domain_normal(span_of(text), name))
        return arena_printf(a, "\"%s\" is no host name; write it like \"mx.example.org\"", text);
    *(const char **)out = arena_dup(a, span_of(name));
    return NULL;
}

/* "0660", as chmod takes it. */
static const char *parse_mode(struct arena *a, const char *text, void *out)
{
    struct span s = span_of(text);
    unsigned mode = 0;

    for (size_t i = 0; i < s.len && mode <= 0777; i++)
        mode = s.ptr[i] >= '0' && s.ptr[i] <= '7' ? mode * 8 + (unsigned)(s.ptr[i] - '0') : 01000;
    if (!s.len || mode > 0777)
        return arena_printf(a, "\"%s\" is no file mode; write \"0660\"", text);
    *(unsigned *)out = mode;
    return NULL;
}

#define AT(member) offsetof(struct config, member)

static const struct conf_key config_keys[] = {
    { .name = "hostname",
      .type = CONF_CUSTOM,
      .at = AT(hostname),
      .parse = parse_hostname,
      .help = "our name in the greeting and in Received, and the authserv-id; unset: the machine's" },
    { .name = "state",
      .type = CONF_STR,
      .at = AT(state),
      .help = "directory for the spool and for what outlives a restart; unset: /var/lib/postern, or for a user who is "
              "not root ~/.local/state/postern" },
    { .name = "user",
      .type = CONF_STR,
      .at = AT(user),
      .help = "who the gateway becomes after it has opened its sockets, when it is started as root; unset: postern "
              "when there is such a user, else nobody" },
    { .name = "socket_mode",
      .type = CONF_CUSTOM,
      .at = AT(socket_mode),
      .initial = "0660",
      .parse = parse_mode,
      .help = "permissions of unix sockets that we listen on" },
    { .name = "socket_group",
      .type = CONF_STR,
      .at = AT(socket_group),
      .initial = "",
      .help = "their group, so that a mail server may connect: \"postfix\", \"smmsp\"; unset: ours" },
    { .name = "log", .type = CONF_SECTION, .at = AT(log), .section = &log_section },
    { .name = "engine", .type = CONF_SECTION, .at = AT(engine), .section = &engine_section },
    { .name = "dns", .type = CONF_SECTION, .at = AT(dns), .section = &dns_section },
    { .name = "store", .type = CONF_SECTION, .at = AT(store), .section = &store_section },
    { .name = "actions", .type = CONF_SECTION, .at = AT(actions), .section = &actions_section },
    { .name = "headers", .type = CONF_SECTION, .at = AT(headers), .section = &dress_section },
    { .name = "smtp", .type = CONF_SECTION, .at = AT(smtp), .section = &smtp_section },
    { .name = "http", .type = CONF_SECTION, .at = AT(http), .section = &http_section },
    { .name = "policy", .type = CONF_SECTION, .at = AT(policy), .section = &policy_section },
    { .name = "milter", .type = CONF_SECTION, .at = AT(milter), .section = &milter_section },
    { .name = "check", .type = CONF_SECTIONS, .at = AT(checks), .section = &settings_section },
    { .name = "profile",
      .type = CONF_SECTIONS,
      .at = AT(profiles),
      .section = &profile_section,
      .help = "other thresholds and modes of checks for some mail; the first profile that fits holds" },
    { 0 },
};

static const char *machine_name(struct arena *a)
{
    char name[DOMAIN_MAX + 1] = "", normal[DOMAIN_MAX];

    if (gethostname(name, sizeof name - 1) || domain_normal(span_of(name), normal))
        return "localhost";
    return arena_dup(a, span_of(normal));
}

static const char var_state[] = "/var/lib/postern";

static const char *usual_state(struct arena *a)
{
    const char *home = getenv("HOME");

    if (geteuid() == 0 || !home || home[0] != '/')
        return var_state;
    return arena_printf(a, "%s/.local/state/postern", home);
}

/* One of them covers the other: the same, or the same port of any address of this machine. */
static bool is_same_place(const struct endpoint *a, const struct endpoint *b)
{
    static const struct addr none;

    if (endpoint_eq(a, b))
        return true;
    if (a->path[0] || b->path[0] || a->port != b->port || !a->port || a->addr.family != b->addr.family)
        return false;
    return !memcmp(a->addr.bytes, none.bytes, sizeof none.bytes) ||
           !memcmp(b->addr.bytes, none.bytes, sizeof none.bytes);
}

enum { PLACES_MAX = 64 };

struct listening_place {
    const char *door;
    const struct endpoint *at;
};

static size_t list_places(const struct config *config, struct listening_place *out)
{
    const struct {
        const char *door;
        const struct conf_endpoints *at;
    } doors[] = { { "smtp", &config->smtp.places },
                  { "http", &config->http.listen },
                  { "policy", &config->policy.listen },
                  { "milter", &config->milter.listen } };
    size_t count = 0;

    for (size_t i = 0; i < COUNT(doors); i++)
        for (size_t j = 0; j < doors[i].at->count && count < PLACES_MAX; j++)
            out[count++] = (struct listening_place){ doors[i].door, &doors[i].at->items[j] };
    return count;
}

/* What would only come out when the doors are opened, and then with a reason that misleads. */
static const char *check_places(struct arena *a, const struct config *config)
{
    struct listening_place places[PLACES_MAX];
    size_t count = list_places(config, places);
    char one[ENDPOINT_TEXT_MAX], other[ENDPOINT_TEXT_MAX];

    for (size_t i = 0; i < count; i++) {
        endpoint_text(places[i].at, one);
        if (places[i].at->host[0])
            return arena_printf(a, "%s.listen: %s is a name; write its address, such as 127.0.0.1:%u", places[i].door,
                                one, places[i].at->port);
        for (size_t j = 0; j < i; j++)
            if (is_same_place(places[i].at, places[j].at))
                return arena_printf(
                    a, "%s listens on %s and %s on %s, which is the same place; write another port or path",
                    places[j].door, endpoint_text(places[j].at, other), places[i].door, one);
    }
    return NULL;
}

static bool is_unset(const char *text)
{
    return !text || !text[0];
}

/* What depends on the machine and on who we are, where the file says nothing. */
static const char *config_check(struct arena *a, void *values)
{
    struct config *config = values;

    if (is_unset(config->hostname))
        config->hostname = machine_name(a);
    if (is_unset(config->state))
        config->state = usual_state(a);
    if (is_unset(config->user))
        config->user = getpwnam("postern") ? "postern" : "nobody";
    if (config->state[0] != '/')
        return "state is no absolute path: write state = \"/var/lib/postern\"";
    if (smtp_conf_needs_dnssec(&config->smtp) && !config->dns.dnssec)
        return "next_hop_tls = dane trusts signed answers alone: write dns { dnssec = yes }";
    return check_places(a, config);
}

const struct conf_section config_section = {
    .name = "", .help = "gateway.conf", .size = sizeof(struct config), .keys = config_keys, .check = config_check
};

void config_prepare(void)
{
    settings_use(checks, checks_count);
}

const char *config_usual_path(void)
{
    static const char path[] = "/etc/postern/gateway.conf";

    return access(path, F_OK) == 0 ? path : NULL;
}

static const char built_in[] = "built-in configuration";

/* Without a file: mail is taken from this machine alone, and kept on it. */
static struct conf *load_built_in(void **values, struct strbuf *faults)
{
    struct arena scratch;

    arena_init(&scratch, SIZE_MAX);
    const char *state = usual_state(&scratch);

    if (strpbrk(state, "\"\\{}")) /* signs that mean something inside of a string */
        state = var_state;
    const char *text = arena_printf(&scratch,
                                    "smtp {\n"
                                    "    listen = {\"127.0.0.1:2525\"}\n"
                                    "    next_hop = \"maildir:%s/mail\"\n"
                                    "    relay_clients = {\"127.0.0.0/8\"}\n"
                                    "}\n",
                                    state);
    struct conf *conf = conf_load_text(&config_section, built_in, span_of(text), values, faults);

    arena_release(&scratch);
    return conf;
}

bool config_load(const char *path, struct loaded *out, struct strbuf *faults)
{
    const char *wrong = NULL;
    void *values = NULL;

    *out = (struct loaded){ 0 };
    config_prepare();
    out->conf = path ? conf_load(&config_section, path, &values, faults) : load_built_in(&values, faults);
    if (!out->conf)
        return false;
    out->values = values;
    arena_init(&out->arena, SIZE_MAX);
    out->checks = settings_resolve(&out->arena, out->conf, profiles_rows(&out->values->profiles), &wrong);
    if (out->checks)
        out->profiles =
            profiles_resolve(&out->arena, &out->values->profiles, &out->values->actions, out->checks, &wrong);
    if (!out->profiles) {
        strbuf_putf(faults, "%s: %s\n", path ? path : built_in, wrong);
        config_free(out);
        return false;
    }
    return true;
}

bool config_load_or_tell(const char *path, struct loaded *out)
{
    struct strbuf faults;

    strbuf_init(&faults, 1 << 20);
    bool is_good = config_load(path, out, &faults);

    if (!is_good)
        fputs(strbuf_span(&faults).ptr, stderr);
    strbuf_release(&faults);
    return is_good;
}

void config_free(struct loaded *loaded)
{
    profiles_close(loaded->profiles);
    if (loaded->checks)
        settings_close(loaded->checks);
    if (loaded->conf)
        conf_free(loaded->conf);
    arena_release(&loaded->arena);
    *loaded = (struct loaded){ 0 };
}

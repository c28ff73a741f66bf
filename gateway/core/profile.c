/* core/profile.c - whose rules hold. */
#include "gateway/core/profile.h"

#include "gateway/base/bug.h"
#include "gateway/core/settings.h"
#include "gateway/core/symbol_conf.h"

/* What a profile says, or leaves as it is outside. */
struct maybe_text {
    bool is_said;
    const char *text;
};

struct profile_actions {
    struct maybe_points greylist, tag, reject;
    struct maybe_text subject;
};

struct profile_check {
    const char *title;
    int mode;
};

struct profile_conf {
    const char *title;
    struct conf_strs recipients;
    const char *recipients_file;
    struct conf_nets clients;
    int direction; /* enum wanted_direction */
    struct conf_strs doors;
    struct profile_actions actions;
    struct conf_array checks;
};

enum wanted_direction { WANTED_ANY, WANTED_INBOUND, WANTED_AUTHENTICATED };

/* ---- keys ---- */

static const char *parse_text(struct arena *a, const char *text, void *out)
{
    *(struct maybe_text *)out = (struct maybe_text){ true, arena_dup(a, span_of(text)) };
    return NULL;
}

#define AT(member) offsetof(struct profile_actions, member)
static const struct conf_key actions_keys[] = {
    { .name = "greylist",
      .type = CONF_CUSTOM,
      .at = AT(greylist),
      .parse = maybe_points_parse,
      .help = "points from which mail of unknown senders has to come again later; unset: as in actions" },
    { .name = "tag",
      .type = CONF_CUSTOM,
      .at = AT(tag),
      .parse = maybe_points_parse,
      .help = "points from which a message is tagged; 1000 for never; unset: as in actions" },
    { .name = "reject",
      .type = CONF_CUSTOM,
      .at = AT(reject),
      .parse = maybe_points_parse,
      .help = "points from which a message is refused; 1000 for never; unset: as in actions" },
    { .name = "subject",
      .type = CONF_CUSTOM,
      .at = AT(subject),
      .parse = parse_text,
      .help = "put before the Subject of tagged mail; unset: as in actions" },
    { 0 },
};
#undef AT

static const struct conf_section actions_part = {
    .name = "actions",
    .help = "other thresholds; what is not said here is as in actions",
    .size = sizeof(struct profile_actions),
    .keys = actions_keys,
};

static const struct conf_key check_keys[] = {
    { .name = "mode",
      .type = CONF_ENUM,
      .at = offsetof(struct profile_check, mode),
      .least = "off shadow tag enforce",
      .is_required = true,
      .help = "instead of the mode that the check has outside of profiles" },
    { 0 },
};

static const char *verify_check(struct arena *a, void *values)
{
    const struct profile_check *check = values;

    if (settings_row(check->title) < settings_count())
        return NULL;
    return arena_printf(a, "there is no check \"%s\"; doc/checks.md lists them", check->title);
}

static const struct conf_section check_part = {
    .name = "check",
    .help = "another mode for a check",
    .size = sizeof(struct profile_check),
    .keys = check_keys,
    .check = verify_check,
};

#define AT(member) offsetof(struct profile_conf, member)
static const struct conf_key profile_keys[] = {
    { .name = "recipients",
      .type = CONF_STRS,
      .at = AT(recipients),
      .help = "for whom: example.org; .example.org for what is under it; user@example.org; user@; unset: anybody" },
    { .name = "recipients_file",
      .type = CONF_FILE,
      .at = AT(recipients_file),
      .help = "the same from a file, one a line; read at start and reload" },
    { .name = "clients",
      .type = CONF_ADDRS,
      .at = AT(clients),
      .help = "from whom: addresses and networks of clients; unset: any" },
    { .name = "direction",
      .type = CONF_ENUM,
      .at = AT(direction),
      .initial = "any",
      .least = "any inbound authenticated",
      .help = "mail of strangers, of authenticated and relay clients, or both" },
    { .name = "doors",
      .type = CONF_STRS,
      .at = AT(doors),
      .help = "by which it comes in: smtp, milter, policy, http, scan; unset: any" },
    { .name = "actions", .type = CONF_SECTION, .at = AT(actions), .section = &actions_part },
    { .name = "check",
      .type = CONF_SECTIONS,
      .at = AT(checks),
      .section = &check_part,
      .help = "another mode for a check" },
    { 0 },
};
#undef AT

static bool is_door(const char *name)
{
    static const char *const doors[] = { "smtp", "milter", "policy", "http", "scan" };

    for (size_t i = 0; i < COUNT(doors); i++)
        if (strcmp(doors[i], name) == 0)
            return true;
    return false;
}

static const char *verify_profile(struct arena *a, void *values)
{
    const struct profile_conf *conf = values;

    for (size_t i = 0; i < conf->recipients.count; i++) {
        const char *wrong = access_entry_wrong(ACCESS_ADDRESSES, span_of(conf->recipients.items[i]));

        if (wrong)
            return arena_printf(a, "the recipient \"%s\" %s", conf->recipients.items[i], wrong);
    }
    for (size_t i = 0; i < conf->doors.count; i++)
        if (!is_door(conf->doors.items[i]))
            return arena_printf(a, "there is no door \"%s\"; write smtp, milter, policy, http or scan",
                                conf->doors.items[i]);
    return NULL;
}

const struct conf_section profile_section = {
    .name = "profile",
    .help = "other thresholds and modes of checks for some mail; the first profile that fits holds",
    .size = sizeof(struct profile_conf),
    .keys = profile_keys,
    .check = verify_profile,
};

/* ---- resolving ---- */

uint64_t profiles_rows(const struct conf_array *conf)
{
    const struct profile_conf *profiles = conf->items;
    uint64_t rows = 0;

    for (size_t i = 0; i < conf->count; i++) {
        const struct profile_check *checks = profiles[i].checks.items;

        for (size_t j = 0; j < profiles[i].checks.count; j++)
            if (checks[j].mode != MODE_OFF)
                rows |= 1ULL << settings_row(checks[j].title);
    }
    return rows;
}

static struct check_settings *copy_of(struct arena *a, const struct check_settings *checks)
{
    size_t bytes = settings_count() * sizeof *checks;
    struct check_settings *copy = arena_alloc(a, bytes);

    if (bytes)
        memcpy(copy, checks, bytes);
    return copy;
}

/* Who writes to postmaster because he is refused by mistake must not be refused there, too [RFC5321 4.5.1]
 * [RFC2142 4]. */
static const struct check_settings *exempt_of(struct arena *a, const struct check_settings *checks)
{
    struct check_settings *all = copy_of(a, checks);

    for (size_t i = 0; i < settings_count(); i++)
        if (all[i].mode == MODE_ENFORCE && !all[i].check->module->covers_exempt)
            all[i].mode = MODE_TAG;
    return all;
}

static struct access_set *set_of(const struct conf_strs *entries)
{
    struct access_set *set = entries->count ? access_set_new(ACCESS_ADDRESSES, entries->count) : NULL;

    for (size_t i = 0; i < entries->count; i++)
        access_set_add(set, span_of(entries->items[i]), 0); /* the configuration has checked them */
    return set;
}

static void merge_actions(const struct profile_actions *said, struct actions_conf *out)
{
    out->greylist = said->greylist.is_said ? said->greylist.points : out->greylist;
    out->tag = said->tag.is_said ? said->tag.points : out->tag;
    out->reject = said->reject.is_said ? said->reject.points : out->reject;
    out->subject = said->subject.is_said ? said->subject.text : out->subject;
}

static void merge_checks(const struct profile_conf *conf, struct check_settings *out)
{
    const struct profile_check *checks = conf->checks.items;

    for (size_t i = 0; i < conf->checks.count; i++) {
        struct check_settings *s = &out[settings_row(checks[i].title)];

        s->mode = s->is_idle ? MODE_OFF : (enum mode)checks[i].mode;
    }
}

static const char *resolve_one(struct arena *a, const struct profile_conf *conf, const struct profile *base,
                               struct profile *out)
{
    struct check_settings *checks = copy_of(a, base->checks);

    *out = (struct profile){ .name = conf->title, .actions = base->actions, .conf = conf };
    merge_actions(&conf->actions, &out->actions);
    if (out->actions.tag > out->actions.reject)
        return arena_printf(a, "profile \"%s\": tag is above reject: write tag as the lower of the two", conf->title);
    merge_checks(conf, checks);
    out->checks = checks;
    out->exempt_checks = exempt_of(a, checks);
    out->recipients = set_of(&conf->recipients);
    if (!conf->recipients_file[0] || access_file_open(&out->recipients_file, conf->recipients_file, ACCESS_ADDRESSES))
        return NULL;
    return arena_printf(a, "profile \"%s\": %s", conf->title, arena_dup(a, strbuf_span(&out->recipients_file.refusal)));
}

struct profiles *profiles_resolve(struct arena *a, const struct conf_array *conf, const struct actions_conf *actions,
                                  const struct check_settings *checks, const char **wrong)
{
    const struct profile_conf *said = conf->items;
    struct profiles *all = arena_alloc(a, sizeof *all);

    *wrong = NULL;
    all->base =
        (struct profile){ .name = "", .actions = *actions, .checks = checks, .exempt_checks = exempt_of(a, checks) };
    all->exempt = set_of(&actions->exempt);
    all->items = arena_alloc(a, (conf->count + 1) * sizeof *all->items);
    while (all->count < conf->count && !*wrong) {
        *wrong = resolve_one(a, &said[all->count], &all->base, &all->items[all->count]);
        all->count++;
    }
    if (!*wrong)
        return all;
    profiles_close(all);
    return NULL;
}

void profiles_close(struct profiles *profiles)
{
    if (!profiles)
        return;
    access_set_free(profiles->exempt);
    for (size_t i = 0; i < profiles->count; i++) {
        access_set_free(profiles->items[i].recipients);
        if (profiles->items[i].conf->recipients_file[0])
            access_file_close(&profiles->items[i].recipients_file);
    }
}

/* ---- finding ---- */

static bool has_client(const struct profile_conf *conf, const struct addr *client)
{
    for (size_t i = 0; i < conf->clients.count; i++)
        if (addr_in(client, &conf->clients.items[i]))
            return true;
    return !conf->clients.count;
}

static bool has_door(const struct profile_conf *conf, const char *door)
{
    for (size_t i = 0; i < conf->doors.count; i++)
        if (strcmp(conf->doors.items[i], door) == 0)
            return true;
    return !conf->doors.count;
}

static bool fits_session(const struct profile_conf *conf, const struct session *s)
{
    bool is_inbound = session_direction(s) == DIRECTION_INBOUND;

    return (conf->direction == WANTED_ANY || is_inbound == (conf->direction == WANTED_INBOUND)) &&
           has_client(conf, &s->client) && has_door(conf, s->door);
}

static bool is_for_anybody(const struct profile *profile)
{
    return !profile->recipients && !profile->recipients_file.set;
}

static bool has_recipient(const struct profile *profile, const struct address *recipient)
{
    return (profile->recipients && access_set_has_address(profile->recipients, recipient, NULL)) ||
           (profile->recipients_file.set && access_set_has_address(profile->recipients_file.set, recipient, NULL));
}

const struct profile *profiles_find(const struct profiles *profiles, const struct session *session,
                                    const struct address *recipient)
{
    for (size_t i = 0; i < profiles->count; i++) {
        const struct profile *profile = &profiles->items[i];

        if (!fits_session(profile->conf, session))
            continue;
        if (is_for_anybody(profile))
            return profile;
        if (!recipient)
            return NULL;
        if (has_recipient(profile, recipient))
            return profile;
    }
    return &profiles->base;
}

bool profiles_exempt(const struct profiles *profiles, const struct session *session)
{
    for (size_t i = 0; i < session->recipient_count; i++)
        if (!profiles->exempt || !access_set_has_address(profiles->exempt, &session->recipients[i].address, NULL))
            return false;
    return session->recipient_count > 0;
}

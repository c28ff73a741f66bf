/* rules/lists/multimap_conf.c - what maps there are. */
#include "rules/lists/multimap_conf.h"

#include "gateway/core/symbol_conf.h"

#define AT(member)  offsetof(struct map, member)
#define NUMBER_MOST "1000000000000"

static const struct conf_key map_keys[] = {
    { .name = "select",
      .type = CONF_STR,
      .at = AT(select),
      .is_required = true,
      .help = "what is looked up: ip, helo, hostname, user, from, from(mime), rcpt, to, reply_to, subject, "
              "header(NAME), url, url_host, email, text, attachment or size, and what is made of it, behind dots: "
              "domain, local, name, registrable, type, size, extension, lower, first(N), last(N), length, count" },
    { .name = "entries",
      .type = CONF_STRS,
      .at = AT(entries),
      .help = "what it is compared with: addresses, domains and networks as in lists, else texts without case; an "
              "entry between slashes is a regular expression" },
    { .name = "file", .type = CONF_FILE, .at = AT(path), .help = "the same, one a line; watched" },
    { .name = "least",
      .type = CONF_INT,
      .at = AT(least),
      .initial = "-1",
      .least = "-1",
      .most = NUMBER_MOST,
      .help = "a number that is at least so great; -1: no bound" },
    { .name = "most",
      .type = CONF_INT,
      .at = AT(most),
      .initial = "-1",
      .least = "-1",
      .most = NUMBER_MOST,
      .help = "a number that is at most so great; -1: no bound" },
    { .name = "not",
      .type = CONF_BOOL,
      .at = AT(is_negated),
      .initial = "no",
      .help = "found when there are values, and none of them fits" },
    { .name = "score", .type = CONF_POINTS, .at = AT(points), .initial = "0", .help = "points when it is found" },
    FORCE_KEY(AT(action), "that it is found in"),
    { .name = "symbol", .type = CONF_STR, .at = AT(symbol), .help = "its name; MAP_ and the title by default" },
    REPLY_TEXT_KEY(AT(text)),
    { 0 },
};

bool map_is_of_texts(const struct map *map)
{
    return map->selector.type == SELECT_TEXT;
}

enum access_kind map_kind(const struct map *map)
{
    switch (map->selector.type) {
    case SELECT_IP: return ACCESS_NETS;
    case SELECT_ADDRESS: return ACCESS_ADDRESSES;
    case SELECT_DOMAIN:
    case SELECT_TEXT:
    case SELECT_NUMBER:
    case SELECT_ATTACHMENT: break;
    }
    return ACCESS_NAMES;
}

static const char *entry_wrong(struct arena *a, const struct map *map, struct text_set *texts, const char *entry)
{
    const char *wrong = map_is_of_texts(map) ? text_set_add(texts, span_of(entry), 0)
                                             : access_entry_wrong(map_kind(map), span_of(entry));

    return wrong ? arena_printf(a, "the entry \"%s\" %s", entry, wrong) : NULL;
}

static const char *check_entries(struct arena *a, const struct map *map)
{
    struct text_set *texts = text_set_new();
    const char *wrong = NULL;

    for (size_t i = 0; i < map->entries.count && !wrong; i++)
        wrong = entry_wrong(a, map, texts, map->entries.items[i]);
    text_set_free(texts);
    return wrong;
}

static const char *check_against(struct arena *a, const struct map *map)
{
    bool has_bounds = map->least >= 0 || map->most >= 0, has_entries = map->path[0] || map->entries.count;

    if (map->selector.type != SELECT_NUMBER && has_bounds)
        return arena_printf(a, "select = \"%s\" is %s; least and most are for numbers", map->select,
                            select_type_text(map->selector.type));
    if (map->selector.type == SELECT_NUMBER && has_entries)
        return arena_printf(a, "select = \"%s\" is a number; write least = N or most = N", map->select);
    if (!has_bounds && !has_entries)
        return "a map without entries; write entries = {\"...\"} or file = \"...\", for numbers least or most";
    return NULL;
}

static const char *check_map(struct arena *a, void *values)
{
    struct map *map = values;
    const char *wrong = selector_parse(a, map->select, &map->selector);

    if (wrong)
        return arena_printf(a, "select = \"%s\": %s", map->select, wrong);
    if ((wrong = check_against(a, map)))
        return wrong;
    if (!map->symbol[0])
        map->symbol = symbol_of_title(a, "MAP_", map->title);
    if (!symbol_is_name(map->symbol))
        return arena_printf(a, "symbol = \"%s\" is no name; write up to 64 letters, digits and _", map->symbol);
    if (map->action == FORCE_NOTHING && !map->points)
        return "a map that does nothing; write score = 5.00, or an action";
    if ((wrong = reply_text_wrong(map->text)))
        return wrong;
    return check_entries(a, map);
}

static const struct conf_section map_section = {
    .name = "map",
    .help = "a list about one part of a mail",
    .size = sizeof(struct map),
    .keys = map_keys,
    .check = check_map,
};

static const struct conf_key multimap_keys[] = {
    { .name = "time",
      .type = CONF_MS,
      .at = offsetof(struct multimap_conf, time_ms),
      .initial = "100ms",
      .least = "0ms",
      .most = "10s",
      .help =
          "how long the regular expressions of all maps may take for one message: those that are left are skipped" },
    { .name = "map",
      .type = CONF_SECTIONS,
      .at = offsetof(struct multimap_conf, maps),
      .section = &map_section,
      .help = "a list about one part of a mail" },
    { 0 },
};

const struct conf_section multimap_section = {
    .name = "multimap",
    .help = "lists of your own about any part of a mail",
    .size = sizeof(struct multimap_conf),
    .keys = multimap_keys,
};

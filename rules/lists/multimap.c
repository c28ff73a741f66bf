/* rules/lists/multimap.c - lists of the operator's about any part of a mail, by selectors (rules/lists/selector.h).
 *
 *     map "disk images" { select = "attachment.name.extension"  entries = {"iso", "img"}  score = 4.00 }
 *
 * The lists of check "lists" are about the envelope, and decide before the message comes; these see all of it.
 *
 * Threads: a worker; upkeep() on the loop publishes new versions of files. Memory: sets are the module's, from open()
 * to close().
 */
#include "rules/lists/multimap.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/core/symbol_conf.h"
#include "rules/lists/multimap_conf.h"

/* As for lists: what is new of a file is read in pieces, so that the loop is not held up. */
enum { UPKEEP_MS = 500, UPKEEP_BYTES = 128 * 1024 };

enum { LEFT_OUT };

static const struct symbol symbols[] = {
    [LEFT_OUT] = { "MAPS_LEFT_OUT", 0,
                   "maps whose regular expressions were not all tried to their end: they took too long" },
    { 0 },
};

/* One map's values on their way through its entries. */
struct search {
    const struct map *map;
    const void *file; /* the version of its file that is held; NULL: none */
    int64_t until_us; /* then no expression is tried any more */
    enum patterns_end end;
};

static bool set_has(struct search *s, const void *set, const struct selected *one, struct access_match *out)
{
    if (!set)
        return false;
    switch (s->map->selector.type) {
    case SELECT_IP: return access_set_has_addr(set, &one->ip, out);
    case SELECT_ADDRESS: return access_set_has_address(set, &one->address, out);
    case SELECT_DOMAIN: return access_set_has_name(set, one->text, out);
    case SELECT_TEXT: return text_set_has(set, one->text, s->until_us, &s->end, out);
    case SELECT_NUMBER:
    case SELECT_ATTACHMENT: break;
    }
    return false;
}

static bool is_within(const struct map *map, uint64_t number)
{
    return (map->least < 0 || number >= (uint64_t)map->least) && (map->most < 0 || number <= (uint64_t)map->most);
}

static bool fits(struct search *s, const struct selected *one, struct access_match *out)
{
    if (s->map->selector.type == SELECT_NUMBER)
        return is_within(s->map, one->number);
    return set_has(s, s->file, one, out) || set_has(s, s->map->set, one, out);
}

static bool has_patterns(const struct search *s)
{
    return map_is_of_texts(s->map) &&
           ((s->map->set && text_set_has_patterns(s->map->set)) || (s->file && text_set_has_patterns(s->file)));
}

static void force(struct inquiry *q, const struct map *map)
{
    enum action action;

    if (force_action(map->action, MODE_ENFORCE, &action))
        finding_force_for(q, map->symbol, action, map->text[0] ? map->text : NULL);
}

static void tell(struct inquiry *q, const struct map *map, const struct selected *values, size_t count, size_t at,
                 const struct access_match *match)
{
    if (map->is_negated)
        finding_name(q, map->symbol, map->points, "%s: none of %zu is in map \"%s\", such as %.*s", map->select, count,
                     map->title, SPAN_ARG(span_first(values[0].text, 100)));
    else
        finding_name(q, map->symbol, map->points, "%s: %.*s is in map \"%s\"%s%s", map->select,
                     SPAN_ARG(span_first(values[at].text, 100)), map->title, match->text[0] ? " as " : "", match->text);
    force(q, map);
}

static void tell_left_out(struct inquiry *q, const struct search *s, size_t count)
{
    const struct map *map = s->map;

    if (s->end == PATTERNS_LATE) {
        finding_add(q, LEFT_OUT, "%s: the time for regular expressions was up, map \"%s\" has not seen all of %zu",
                    map->select, map->title, count);
        finding_alarm(q, "multimap/time",
                      "the regular expressions of map \"%s\" took too long; simplify them, or raise `time`",
                      map->title);
    } else {
        finding_add(q, LEFT_OUT, "%s: a regular expression of map \"%s\" took too many steps and was given up",
                    map->select, map->title);
        finding_alarm(q, "multimap/steps",
                      "a regular expression of map \"%s\" takes too many steps, such as (a+)+ does; simplify it",
                      map->title);
    }
}

static void look_up(struct inquiry *q, struct search *s)
{
    struct selected *values;
    size_t count = selector_values(&s->map->selector, q, &values), at = 0;
    struct access_match match = { 0 };

    while (at < count && !fits(s, &values[at], &match))
        at++;
    bool is_found = at < count;

    if (!is_found && s->end != PATTERNS_TRIED)
        tell_left_out(q, s, count);
    else if (count && is_found != s->map->is_negated)
        tell(q, s->map, values, count, at, &match);
}

/* *left_us: what is left for the expressions of all maps. Texts are looked up even when it is used up. */
static void find(struct inquiry *q, const struct map *map, int64_t *left_us)
{
    int64_t start_us = clock_mono_us();
    struct search s = { .map = map,
                        .file = map->file ? map_file_hold(map->file, q->runner) : NULL,
                        .until_us = start_us + *left_us };

    look_up(q, &s);
    if (has_patterns(&s))
        *left_us -= clock_mono_us() - start_us;
    if (map->file)
        map_file_let_go(map->file, q->runner);
}

static enum step run(struct inquiry *q)
{
    const struct multimap_conf *conf = q->conf;
    const struct map *maps = conf->maps.items;
    int64_t left_us = conf->time_ms * INT64_C(1000);

    for (size_t i = 0; i < conf->maps.count; i++)
        find(q, &maps[i], &left_us);
    return STEP_DONE;
}

static void bounds(const void *values, const int *points, struct bounds *out)
{
    const struct multimap_conf *conf = values;
    const struct map *maps = conf->maps.items;

    *(points[LEFT_OUT] < 0 ? &out->least : &out->most) += points[LEFT_OUT];
    for (size_t i = 0; i < conf->maps.count; i++) {
        *(maps[i].points < 0 ? &out->least : &out->most) += maps[i].points;
        force_bounds(maps[i].action, MODE_ENFORCE, out);
    }
}

/* ---- open, close, upkeep ---- */

static void free_set(const struct map *map, void *set)
{
    if (map_is_of_texts(map))
        text_set_free(set);
    else
        access_set_free(set);
}

/* The configuration has checked the entries. */
static void open_entries(struct map *map)
{
    if (!map->entries.count)
        return;
    map->set = map_is_of_texts(map) ? (void *)text_set_new() : access_set_new(map_kind(map), map->entries.count);
    for (size_t i = 0; i < map->entries.count; i++) {
        struct span entry = span_of(map->entries.items[i]);

        if (map_is_of_texts(map))
            text_set_add(map->set, entry, 0);
        else
            access_set_add(map->set, entry, 0);
    }
}

static void close_maps(void *values)
{
    struct multimap_conf *conf = values;
    struct map *maps = conf->maps.items;

    for (size_t i = 0; i < conf->maps.count; i++) {
        free_set(&maps[i], maps[i].set);
        maps[i].set = NULL;
        map_file_close(maps[i].file);
        maps[i].file = NULL;
    }
}

static const char *open_maps(struct arena *a, void *values)
{
    struct multimap_conf *conf = values;
    struct map *maps = conf->maps.items;

    for (size_t i = 0; i < conf->maps.count; i++) {
        const char *wrong = NULL;
        bool is_of_texts = map_is_of_texts(&maps[i]);

        open_entries(&maps[i]);
        if (!maps[i].path[0])
            continue;
        maps[i].file = map_file_open(a, maps[i].path, is_of_texts ? &text_set_reader : NULL,
                                     is_of_texts ? 0 : (int)map_kind(&maps[i]), &wrong);
        if (maps[i].file)
            continue;
        close_maps(values);
        return arena_printf(a, "map \"%s\": %s", maps[i].title, wrong);
    }
    return NULL;
}

static enum step upkeep(struct inquiry *q)
{
    const struct multimap_conf *conf = q->conf;
    struct map *maps = conf->maps.items;

    for (size_t i = 0; i < conf->maps.count; i++) {
        struct map_file *file = maps[i].file;

        if (!file)
            continue;
        if (map_file_look(file, UPKEEP_BYTES))
            log_info("list_reloaded", "%s: map \"%s\"", maps[i].path, maps[i].title);
        struct span complaint = map_file_complaint(file);

        if (complaint.len)
            finding_alarm(q, maps[i].path, "map \"%s\" stays as it was: %.*s", maps[i].title, SPAN_ARG(complaint));
    }
    return STEP_DONE;
}

static bool is_idle(const void *values)
{
    return !((const struct multimap_conf *)values)->maps.count;
}

const struct check_module multimap_module = {
    .section = &multimap_section,
    .symbols = symbols,
    .run = run,
    .bounds = bounds,
    .open = open_maps,
    .close = close_maps,
    .upkeep = upkeep,
    .upkeep_ms = UPKEEP_MS,
    .is_idle = is_idle,
};

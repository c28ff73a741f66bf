/* core/settings.c - the configuration of checks.
 *
 * A check's section has two parts that lie one behind the other in memory: the keys that every check has, and its
 * module's struct. The key tables are joined once, when settings_use() is told the table of checks.
 *
 * Memory: the joined tables live as long as the program. Threads: one, at start.
 */
#include "gateway/core/settings.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/core/symbol_conf.h"

struct symbol_conf {
    const char *title;
    struct maybe_points score;
    int action; /* enum force */
    const char *text;
};

struct common {
    const char *title;
    int mode;
    int on_failure[2];
    int budget_ms;
    struct conf_array symbols;
};

#define AT(member) offsetof(struct common, member)

static const struct conf_key symbol_keys[] = {
    { .name = "score",
      .type = CONF_CUSTOM,
      .at = offsetof(struct symbol_conf, score),
      .parse = maybe_points_parse,
      .help = "points of this symbol, instead of those in doc/checks.md" },
    FORCE_KEY(offsetof(struct symbol_conf, action), "that it is found in"),
    REPLY_TEXT_KEY(offsetof(struct symbol_conf, text)),
    { 0 },
};

static const char *check_symbol(struct arena *a, void *values)
{
    const struct symbol_conf *conf = values;

    (void)a;
    return reply_text_wrong(conf->text);
}

static const struct conf_section symbol_section = { .name = "symbol",
                                                    .help = "other points for a symbol, or an action of its own",
                                                    .size = sizeof(struct symbol_conf),
                                                    .keys = symbol_keys,
                                                    .check = check_symbol };

static const struct conf_key common_keys[] = {
    { .name = "mode",
      .type = CONF_ENUM,
      .at = AT(mode),
      .least = "off shadow tag enforce",
      .help = "off: not run; shadow: run and recorded, counts nothing; tag: can tag and no more; enforce: counts" },
    { .name = "timeout",
      .type = CONF_MS,
      .at = AT(budget_ms),
      .least = "10ms",
      .most = "5m",
      .help = "from its start; then it has failed" },
    { .name = "on_failure",
      .type = CONF_ENUM,
      .at = AT(on_failure[DIRECTION_INBOUND]),
      .least = "skip defer tag",
      .help = "when it could not do its work: go on without it, 451, or tag the message" },
    { .name = "on_failure_authenticated",
      .type = CONF_ENUM,
      .at = AT(on_failure[DIRECTION_AUTHENTICATED]),
      .least = "skip defer tag",
      .help = "the same for authenticated and relay clients" },
    { .name = "symbol",
      .type = CONF_SECTIONS,
      .at = AT(symbols),
      .section = &symbol_section,
      .help = "other points for a symbol, or an action of its own" },
};

static const size_t common_size = (sizeof(struct common) + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

static const struct check *table;
static size_t table_count;
static struct conf_section *sections;

size_t settings_row(const char *title)
{
    for (size_t i = 0; i < table_count; i++)
        if (strcmp(table[i].name, title) == 0)
            return i;
    return table_count;
}

static void *module_part(void *values)
{
    return (char *)values + common_size;
}

static const char *check_values(struct arena *a, void *values)
{
    const struct common *common = values;
    const struct conf_section *own = table[settings_row(common->title)].module->section;

    return own && own->check ? own->check(a, module_part(values)) : NULL;
}

static size_t key_count(const struct conf_key *keys)
{
    size_t n = 0;

    while (keys && keys[n].name)
        n++;
    return n;
}

/* Initial values of the common keys are the row's. */
static void fill_common(struct conf_key *keys, const struct check *check)
{
    static const char *const failures[] = { "skip", "defer", "tag" };
    char *budget = mem_alloc(24);

    snprintf(budget, 24, "%dms", check->budget_ms);
    memcpy(keys, common_keys, sizeof common_keys);
    keys[0].initial = check->is_off ? "off" : "enforce";
    keys[1].initial = budget;
    keys[2].initial = failures[check->on_failure[DIRECTION_INBOUND]];
    keys[3].initial = failures[check->on_failure[DIRECTION_AUTHENTICATED]];
}

static void join(const struct check *check, struct conf_section *out)
{
    const struct conf_section *own = check->module->section;
    size_t count = own ? key_count(own->keys) : 0;
    struct conf_key *keys = mem_alloc((COUNT(common_keys) + count + 1) * sizeof *keys);

    fill_common(keys, check);
    for (size_t i = 0; i < count; i++) {
        keys[COUNT(common_keys) + i] = own->keys[i];
        keys[COUNT(common_keys) + i].at += common_size;
    }
    *out = (struct conf_section){ .name = "check",
                                  .help = own && own->help ? own->help : "",
                                  .size = common_size + (own ? own->size : 0),
                                  .keys = keys,
                                  .check = check_values };
}

void settings_use(const struct check *checks, size_t count)
{
    if (count > CHECKS_MAX)
        BUG("%zu checks", count);
    if (table == checks)
        return;
    table = checks;
    table_count = count;
    sections = mem_alloc(count * sizeof *sections);
    for (size_t i = 0; i < count; i++) {
        if (checks[i].place != ON_LOOP && checks[i].stage != STAGE_MESSAGE)
            BUG("%s: a worker may have a session only when it stands still", checks[i].name);
        join(&checks[i], &sections[i]);
    }
}

size_t settings_count(void)
{
    return table_count;
}

static const struct conf_section *section_by_title(const char *title)
{
    size_t row = settings_row(title);

    return row < table_count ? &sections[row] : NULL;
}

static const char *title_at(size_t i)
{
    return i < table_count ? table[i].name : NULL;
}

const struct conf_section settings_section = {
    .name = "check", .help = "how one check works, and what it counts", .by_title = section_by_title, .titles = title_at
};

/* ---- resolving ---- */

static size_t symbol_count(const struct symbol *symbols)
{
    size_t n = 0;

    while (symbols && symbols[n].name)
        n++;
    return n;
}

static struct demand demand_of(const struct symbol_conf *conf, const char *usual)
{
    struct demand demand = { .text = conf->text[0] ? conf->text : usual };

    demand.is_made = force_action(conf->action, MODE_ENFORCE, &demand.action);
    return demand;
}

/* What the file says of symbols, into points and demands. */
static const char *resolve_symbols(struct arena *a, const struct check *check, const struct common *common,
                                   struct check_settings *out)
{
    const struct symbol *symbols = check->module->symbols;
    const struct symbol_conf *said = common->symbols.items;
    size_t count = symbol_count(symbols), s = 0;
    int *points = arena_alloc(a, (count + 1) * sizeof *points);
    struct demand *demands = arena_alloc(a, (count + 1) * sizeof *demands);

    for (size_t i = 0; i < count; i++)
        points[i] = symbols[i].points;
    for (size_t i = 0; i < common->symbols.count; i++) {
        for (s = 0; s < count && strcmp(symbols[s].name, said[i].title) != 0; s++)
            ;
        if (s == count)
            return arena_printf(a, "check \"%s\": there is no symbol \"%s\"; doc/checks.md lists them", check->name,
                                said[i].title);
        points[s] = said[i].score.is_said ? said[i].score.points : points[s];
        demands[s] = demand_of(&said[i], check->module->replies ? check->module->replies[s] : NULL);
    }
    out->points = points;
    out->demands = demands;
    return NULL;
}

static struct bounds bounds_of(const struct check_settings *s)
{
    const struct check_module *module = s->check->module;
    struct bounds b = { 0 };

    if (module->bounds)
        module->bounds(s->conf, s->points, &b);
    for (size_t i = 0; i < symbol_count(module->symbols); i++) {
        if (!module->bounds)
            *(s->points[i] < 0 ? &b.least : &b.most) += s->points[i];
        b.may_force_reject |= s->demands[i].is_made;
        b.may_force_discard |= s->demands[i].is_made && s->demands[i].action == ACTION_DISCARD;
    }
    return b;
}

static uint64_t rows_named(const char *names, size_t own)
{
    struct span rest = span_of(names ? names : ""), word;
    uint64_t rows = 0;

    for (size_t row = 0; span_is(rest, "*") && row < own; row++)
        rows |= (uint64_t)(table[row].stage <= table[own].stage) << row;
    if (rows)
        return rows;
    while (span_word(&rest, &word)) {
        size_t row = 0;

        while (row < table_count && !span_is(word, table[row].name))
            row++;
        if (row == table_count)
            BUG("a check comes after \"%.*s\", which is none", SPAN_ARG(word));
        rows |= 1ULL << row;
    }
    return rows;
}

static const char *resolve_one(struct arena *a, struct conf *conf, size_t row, bool is_wanted,
                               struct check_settings *out)
{
    const struct check *check = &table[row];
    struct common *common = conf_by_title(conf, &settings_section, check->name);

    *out = (struct check_settings){
        .check = check,
        .index = (unsigned)row,
        .after = rows_named(check->after, row),
        .mode = (enum mode)common->mode,
        .is_wanted = is_wanted,
        .on_failure = { (enum fail)common->on_failure[0], (enum fail)common->on_failure[1] },
        .budget_ms = common->budget_ms,
        .conf = module_part(common),
    };
    const char *wrong = resolve_symbols(a, check, common, out);

    if (wrong)
        return wrong;
    if (check->module->is_idle && check->module->is_idle(out->conf)) {
        out->mode = MODE_OFF;
        out->is_idle = true;
        out->is_wanted = false;
    }
    if (settings_is_used(out) && check->module->open)
        wrong = check->module->open(a, out->conf);
    if (wrong)
        return arena_printf(a, "check \"%s\": %s", check->name, wrong);
    out->bounds = bounds_of(out); /* they may follow from what open() has read */
    if (check->module->removable)
        out->removable = check->module->removable(out->conf, &out->removable_count);
    return NULL;
}

static void close_one(struct check_settings *s)
{
    if (settings_is_used(s) && s->check->module->close)
        s->check->module->close(s->conf);
}

struct check_settings *settings_resolve(struct arena *a, struct conf *conf, uint64_t wanted, const char **wrong)
{
    struct check_settings *all = arena_alloc(a, table_count * sizeof *all);

    for (size_t i = 0; i < table_count; i++) {
        *wrong = resolve_one(a, conf, i, wanted & 1ULL << i, &all[i]);
        if (!*wrong)
            continue;
        while (i-- > 0)
            close_one(&all[i]);
        return NULL;
    }
    return all;
}

void settings_close(struct check_settings *settings)
{
    for (size_t i = 0; i < table_count; i++)
        close_one(&settings[i]);
}

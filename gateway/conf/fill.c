/* conf/fill.c - the walked text through libconfuse, and its values, typed, into the structs.
 *
 * libconfuse keeps no line of a value: its validate callback, which is called at each, notes them in a table by
 * option. The callback has no argument of ours, hence the one static pointer (one load at a time, see load.h).
 */
#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/conf/print.h"
#include "gateway/conf/secret.h"
#include "gateway/conf/value.h"

struct noted {
    const cfg_opt_t *opt;
    unsigned order; /* line of the walked text */
    size_t count;   /* notes before this one */
};

static struct fill {
    struct conf_load *load;
    struct noted *notes;
    size_t count, capacity;
    unsigned last_error_line;
} * filling;

/* Where a section is: its title or name for people, the line where it stands, how deep it is for printing. */
struct level {
    const char *path;
    unsigned order;
    unsigned depth;
    bool is_root;
};

static void fill_section(struct fill *f, const struct conf_section *section, cfg_t *cfg, void *values,
                         struct level level);

static int note_value(cfg_t *cfg, cfg_opt_t *opt)
{
    struct fill *f = filling;

    if (f->count == f->capacity) {
        f->capacity = f->capacity ? f->capacity * 2 : 256;
        f->notes = arena_grow(&f->load->scratch, f->notes, f->count, f->capacity, sizeof *f->notes);
    }
    f->notes[f->count] = (struct noted){ opt, (unsigned)cfg->line, f->count };
    f->count++;
    return 0;
}

static void report_error(cfg_t *cfg, const char *format, va_list args)
{
    const char *text = arena_vprintf(&filling->load->scratch, format, args);

    load_fault_at(filling->load, (unsigned)cfg->line, "%s; check the braces and quotes here and above", text);
}

static int compare_notes(const void *a, const void *b)
{
    const struct noted *x = a, *y = b;

    if (x->opt != y->opt)
        return (uintptr_t)x->opt < (uintptr_t)y->opt ? -1 : 1;
    return x->count < y->count ? -1 : x->count > y->count;
}

/* The line of an option's index'th value. */
static unsigned noted_line(const struct fill *f, const cfg_opt_t *opt, size_t index, unsigned otherwise)
{
    size_t low = 0, high = f->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if ((uintptr_t)f->notes[middle].opt < (uintptr_t)opt)
            low = middle + 1;
        else
            high = middle;
    }
    low += index;
    return low < f->count && f->notes[low].opt == opt ? f->notes[low].order : otherwise;
}

static size_t count_titles(const struct conf_section *section)
{
    size_t n = 0;

    if (!section->titles)
        BUG("section %s has by_title, but no titles", section->name);
    while (section->titles(n))
        n++;
    return n;
}

static bool is_by_title(const struct conf_key *key)
{
    return key->type == CONF_SECTIONS && key->section->by_title;
}

static size_t count_options(const struct conf_section *section)
{
    size_t n = 2; /* CONF_AT and the end */

    for (const struct conf_key *key = section->keys; key && key->name; key++)
        n += is_by_title(key) ? count_titles(key->section) : 1;
    return n;
}

static cfg_opt_t *options_of(struct arena *a, const struct conf_section *section, unsigned depth);

static cfg_opt_t section_option(struct arena *a, const char *name, const struct conf_section *section, bool is_titled,
                                unsigned depth)
{
    cfg_opt_t *inner = options_of(a, section, depth + 1);
    cfg_opt_t option = CFG_SEC(name, inner, CFGF_NONE);

    if (is_titled)
        option.flags = CFGF_MULTI | CFGF_TITLE;
    return option;
}

static cfg_opt_t value_option(const struct conf_key *key)
{
    cfg_opt_t one = CFG_STR(key->name, NULL, CFGF_NONE), list = CFG_STR_LIST(key->name, NULL, CFGF_NONE);
    cfg_opt_t option = conf_is_list(key) ? list : one;

    option.validcb = note_value;
    return option;
}

static cfg_opt_t *options_of(struct arena *a, const struct conf_section *section, unsigned depth)
{
    const cfg_opt_t at = CFG_STR(CONF_AT, NULL, CFGF_NONE), end = CFG_END();
    cfg_opt_t *options = arena_alloc(a, count_options(section) * sizeof *options), *to = options;

    if (depth > CONF_SCHEMA_DEPTH_MOST)
        BUG("section %s is nested in itself", section->name);
    for (const struct conf_key *key = section->keys; key && key->name; key++) {
        if (is_by_title(key)) {
            const char *title;

            for (size_t i = 0; (title = key->section->titles(i)); i++)
                *to++ = section_option(a, arena_printf(a, "%s:%s", key->name, title), key->section->by_title(title),
                                       true, depth);
        } else if (key->type == CONF_SECTION || key->type == CONF_SECTIONS) {
            *to++ = section_option(a, key->name, key->section, key->type == CONF_SECTIONS, depth);
        } else {
            *to++ = value_option(key);
        }
    }
    *to++ = at;
    *to = end;
    for (const cfg_opt_t *o = options; o < to; o++)
        for (const cfg_opt_t *other = options; other < o; other++)
            if (strcmp(o->name, other->name) == 0)
                BUG("two keys of section %s are called %s", section->name, o->name);
    return options;
}

/* The line where a section stands, 0 when it is not in the file. */
static unsigned section_order(cfg_t *cfg)
{
    const char *at = cfg ? cfg_getstr(cfg, CONF_AT) : NULL;
    uint64_t order = 0;

    return at && !span_u64(span_of(at), UINT32_MAX, &order) ? (unsigned)order : 0;
}

/* What the file says of a key, or its initial value: the items, and for each the line where it stands (0: initial). */
struct given {
    struct conf_item *items;
    const char **shown; /* as `config show` may print them */
    unsigned *orders;
    size_t count;
    unsigned order;
    bool is_written, is_broken;
};

static void given_initially(struct arena *a, const struct conf_key *key, struct given *g)
{
    if (key->initial && conf_is_list(key)) {
        g->count = conf_words(a, key->initial, &g->items);
    } else if (key->initial) {
        g->items = arena_alloc(a, sizeof *g->items);
        g->items[0].text = key->initial;
        g->count = 1;
    }
    g->shown = arena_alloc(a, (g->count + 1) * sizeof *g->shown);
    for (size_t i = 0; i < g->count; i++)
        g->shown[i] = g->items[i].text;
}

static void given_in_file(struct fill *f, const struct conf_key *key, cfg_opt_t *opt, const struct level *level,
                          struct given *g)
{
    struct conf_load *load = f->load;

    g->count = cfg_opt_size(opt);
    g->items = arena_alloc(load->arena, (g->count + 1) * sizeof *g->items);
    g->shown = arena_alloc(&load->scratch, (g->count + 1) * sizeof *g->shown);
    g->orders = arena_alloc(&load->scratch, (g->count + 1) * sizeof *g->orders);
    g->order = level->order;
    g->is_written = true;
    for (size_t i = 0; i < g->count; i++) {
        const char *text = cfg_opt_getnstr(opt, (unsigned)i), *what = NULL;
        bool is_secret = key->is_secret;

        g->orders[i] = noted_line(f, opt, i, level->order);
        if (i == 0)
            g->order = g->orders[i];
        const char *file = load->places[g->orders[i] - 1].file;

        g->items[i] = (struct conf_item){ secret_expand(load, file, text ? text : "", &is_secret, &what), file };
        g->shown[i] = is_secret ? "(secret)" : g->items[i].text;
        if (what) {
            load_fault_at(load, g->orders[i], "%s: %s", key->name, what);
            g->is_broken = true;
        }
    }
}

static void fill_key(struct fill *f, const struct conf_key *key, cfg_t *cfg, char *values, const struct level *level)
{
    cfg_opt_t *opt = cfg ? cfg_getopt(cfg, key->name) : NULL;
    struct arena *a = f->load->arena;
    struct given g = { 0 };
    size_t wrong = 0;

    if (opt && (opt->flags & CFGF_MODIFIED))
        given_in_file(f, key, opt, level, &g);
    else
        given_initially(a, key, &g);
    if (!g.is_written && key->is_required && (level->order || (level->is_root && f->load->name)))
        load_fault_at(f->load, level->order, "%s%s'%s' is missing; write %s = %s", level->path,
                      level->path[0] ? ": " : "", key->name, key->name, conf_example(&f->load->scratch, key));
    if (!g.is_broken && !g.count && g.is_written && key->type == CONF_CUSTOMS) {
        load_fault_at(f->load, level->order, "%s is empty; write at least one", key->name);
    } else if (!g.is_broken && (g.count || conf_is_list(key))) {
        const char *what = conf_value(a, key, g.items, g.count, values + key->at, &wrong);

        if (what && !g.is_written)
            BUG("initial value of key %s %s", key->name, what);
        if (what)
            load_fault_at(f->load, g.orders[wrong], "%s = \"%s\" %s", key->name, g.shown[wrong], what);
    } else if (key->type == CONF_STR || key->type == CONF_FILE) {
        *(const char **)(void *)(values + key->at) = "";
    }
    print_key(f->load, key, g.shown, g.count, g.is_written || g.count > 0, g.order, level->depth);
}

static void *instance_new(struct fill *f, const struct conf_section *section, const char *title)
{
    char *values = arena_alloc(f->load->arena, section->size);

    memcpy(values, &title, sizeof title);
    return values;
}

static void fill_instance(struct fill *f, const struct conf_section *section, cfg_t *cfg, void *values,
                          const char *kind, unsigned depth)
{
    const char *title;
    struct level level = { "", section_order(cfg), depth, false };

    memcpy(&title, values, sizeof title);
    level.path = arena_printf(&f->load->scratch, "%s \"%s\"", kind, title);
    print_open(f->load, kind, title, level.order, depth - 1);
    fill_section(f, section, cfg, values, level);
    print_close(f->load, depth - 1);
}

static void fill_titled(struct fill *f, const struct conf_key *key, cfg_t *cfg, char *values, unsigned depth)
{
    unsigned count = cfg ? cfg_size(cfg, key->name) : 0;
    char *items = arena_alloc(f->load->arena, count * key->section->size + 1);

    for (unsigned i = 0; i < count; i++) {
        cfg_t *inner = cfg_getnsec(cfg, key->name, i);
        const char *title = arena_dup(f->load->arena, span_of(cfg_title(inner)));

        memcpy(items + i * key->section->size, &title, sizeof title);
        fill_instance(f, key->section, inner, items + i * key->section->size, key->name, depth + 1);
    }
    *(struct conf_array *)(void *)(values + key->at) = (struct conf_array){ items, count };
}

struct by_title {
    void *values;
    unsigned order;
};

static int compare_order(const void *a, const void *b)
{
    const struct by_title *x = a, *y = b;

    return x->order < y->order ? -1 : x->order > y->order;
}

/* Sections whose keys depend on their title: all of them get values; those of the file are the array, in its order. */
static void fill_by_title(struct fill *f, const struct conf_key *key, cfg_t *cfg, char *values, unsigned depth)
{
    struct arena *a = f->load->arena;
    size_t titles = count_titles(key->section), count = 0;
    struct by_title *written = arena_alloc(&f->load->scratch, (titles + 1) * sizeof *written);

    for (size_t i = 0; i < titles; i++) {
        const char *title = key->section->titles(i);
        const struct conf_section *section = key->section->by_title(title);
        char *name = arena_printf(&f->load->scratch, "%s:%s", key->name, title);
        cfg_t *inner = cfg && cfg_size(cfg, name) ? cfg_getnsec(cfg, name, 0) : NULL;
        struct conf_instance *instance = arena_alloc(a, sizeof *instance);

        *instance =
            (struct conf_instance){ key->section, title, instance_new(f, section, title), f->load->conf->instances };
        f->load->conf->instances = instance;
        fill_instance(f, section, inner, instance->values, key->name, depth + 1);
        if (inner)
            written[count++] = (struct by_title){ instance->values, section_order(inner) };
    }
    qsort(written, count, sizeof *written, compare_order);
    void **items = arena_alloc(a, (count + 1) * sizeof *items);

    for (size_t i = 0; i < count; i++)
        items[i] = written[i].values;
    *(struct conf_array *)(void *)(values + key->at) = (struct conf_array){ items, count };
}

static void fill_in_place(struct fill *f, const struct conf_key *key, cfg_t *cfg, char *values, unsigned depth)
{
    cfg_t *inner = cfg ? cfg_getsec(cfg, key->name) : NULL;
    struct level level = { key->name, section_order(inner), depth + 1, false };

    print_open(f->load, key->name, NULL, level.order, depth);
    fill_section(f, key->section, level.order ? inner : NULL, values + key->at, level);
    print_close(f->load, depth);
}

static void fill_section(struct fill *f, const struct conf_section *section, cfg_t *cfg, void *values,
                         struct level level)
{
    size_t faults = f->load->fault_count;

    for (const struct conf_key *key = section->keys; key && key->name; key++) {
        if (is_by_title(key))
            fill_by_title(f, key, cfg, values, level.depth);
        else if (key->type == CONF_SECTIONS)
            fill_titled(f, key, cfg, values, level.depth);
        else if (key->type == CONF_SECTION)
            fill_in_place(f, key, cfg, values, level.depth);
        else
            fill_key(f, key, cfg, values, &level);
    }
    if (section->check && f->load->fault_count == faults) {
        const char *what = section->check(f->load->arena, values);

        if (what)
            load_fault_at(f->load, level.order ? level.order : 1, "%s%s%s", level.path, level.path[0] ? ": " : "",
                          what);
    }
}

void *load_fill(struct conf_load *load, const struct conf_section *root)
{
    struct fill fill = { .load = load };
    void *values = NULL;
    cfg_t *cfg = cfg_init(options_of(&load->scratch, root, 0), CFGF_NONE);

    if (!cfg)
        fatal_memory(sizeof *cfg);
    filling = &fill;
    cfg_set_error_function(cfg, report_error);
    int state = load->text.len ? cfg_parse_buf(cfg, load->text.data) : CFG_SUCCESS;

    if (state == CFG_SUCCESS) {
        if (fill.count)
            qsort(fill.notes, fill.count, sizeof *fill.notes, compare_notes);
        values = arena_alloc(load->arena, root->size);
        fill_section(&fill, root, cfg, values, (struct level){ "", load->line_count ? 1 : 0, 0, true });
    } else if (!load->fault_count) {
        load_fault_at(load, 1, "the file cannot be parsed; check its braces and quotes");
    }
    cfg_free(cfg);
    filling = NULL;
    return values;
}

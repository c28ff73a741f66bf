/* conf/print.c - configuration as text: the initial one with its help, and the effective one with its places. */
#include "gateway/conf/print.h"

#include "gateway/conf/value.h"

static void put_indent(struct strbuf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        strbuf_puts(out, "    ");
}

/* In a form that reads back as the same bytes. */
static void put_quoted(struct strbuf *out, const char *text)
{
    bool is_single = strstr(text, "${") != NULL; /* which double quotes refuse */

    strbuf_putc(out, is_single ? '\'' : '"');
    for (const char *c = text; *c; c++) {
        if (is_single && (*c == '\'' || *c == '\\'))
            strbuf_putf(out, "\\%c", *c);
        else if (!is_single && strchr("\"\\", *c))
            strbuf_putf(out, "\\%c", *c);
        else if (!is_single && strchr("\n\r\t", *c))
            strbuf_puts(out, *c == '\n' ? "\\n" : *c == '\r' ? "\\r" : "\\t");
        else
            strbuf_putc(out, *c);
    }
    strbuf_putc(out, is_single ? '\'' : '"');
}

/* A title has no backslashes, and so quotes of one kind at most. */
static void put_title(struct strbuf *out, const char *title)
{
    char quote = strchr(title, '"') || strstr(title, "${") ? '\'' : '"';

    strbuf_putf(out, " %c%s%c", quote, title, quote);
}

static bool is_bare(const struct conf_key *key)
{
    return key->type == CONF_BOOL || key->type == CONF_INT || key->type == CONF_POINTS;
}

static void put_value(struct strbuf *out, const struct conf_key *key, const char *const *items, size_t count)
{
    if (conf_is_list(key))
        strbuf_putc(out, '{');
    for (size_t i = 0; i < count; i++) {
        strbuf_puts(out, i ? ", " : "");
        if (is_bare(key))
            strbuf_puts(out, items[i]);
        else
            put_quoted(out, items[i]);
    }
    if (conf_is_list(key))
        strbuf_putc(out, '}');
    else if (!count)
        strbuf_puts(out, is_bare(key) ? "" : "\"\"");
}

static void put_key(struct strbuf *out, const struct conf_key *key, const char *const *items, size_t count,
                    unsigned depth)
{
    put_indent(out, depth);
    strbuf_putf(out, "%s = ", key->name);
    put_value(out, key, items, count);
}

static void put_place(struct conf_load *load, unsigned order)
{
    struct strbuf *out = &load->conf->shown;

    if (order)
        strbuf_putf(out, "  # %s:%u\n", load->places[order - 1].file, load->places[order - 1].line);
    else
        strbuf_putc(out, '\n');
}

void print_key(struct conf_load *load, const struct conf_key *key, const char *const *items, size_t count, bool is_set,
               unsigned order, unsigned depth)
{
    if (!is_set) {
        put_indent(&load->conf->shown, depth);
        strbuf_putf(&load->conf->shown, "# %s is not set\n", key->name);
        return;
    }
    put_key(&load->conf->effective, key, items, count, depth);
    strbuf_putc(&load->conf->effective, '\n');
    put_key(&load->conf->shown, key, items, count, depth);
    put_place(load, order);
}

void print_open(struct conf_load *load, const char *kind, const char *title, unsigned order, unsigned depth)
{
    struct strbuf *const outs[] = { &load->conf->effective, &load->conf->shown };

    for (size_t i = 0; i < 2; i++) {
        put_indent(outs[i], depth);
        strbuf_puts(outs[i], kind);
        if (title)
            put_title(outs[i], title);
        strbuf_puts(outs[i], " {");
    }
    strbuf_putc(&load->conf->effective, '\n');
    put_place(load, order);
}

void print_close(struct conf_load *load, unsigned depth)
{
    put_indent(&load->conf->effective, depth);
    strbuf_puts(&load->conf->effective, "}\n");
    put_indent(&load->conf->shown, depth);
    strbuf_puts(&load->conf->shown, "}\n");
}

void conf_print(const struct conf *conf, struct strbuf *out)
{
    strbuf_put(out, strbuf_span(&conf->shown));
}

/* ---- the initial configuration, with help ---- */

struct default_print {
    struct strbuf *out;
    struct arena scratch;
    unsigned depth;
    const char *mark; /* "# " inside of an example that is not in force */
};

static void print_section_body(struct default_print *p, const struct conf_section *section);

static void put_start(struct default_print *p)
{
    put_indent(p->out, p->depth);
    strbuf_puts(p->out, p->mark);
}

/* Help in lines of at most 100 characters, as comments. */
static void put_help(struct default_print *p, const char *help, const char *range)
{
    struct span rest = span_of(range[0] ? arena_printf(&p->scratch, "%s (%s)", help ? help : "", range) : help);
    struct span word;
    size_t column = 0;

    while (span_word(&rest, &word)) {
        if (column == 0 || column + word.len > 100) {
            strbuf_puts(p->out, column ? "\n" : "");
            put_indent(p->out, p->depth);
            strbuf_puts(p->out, "#");
            column = 1;
        }
        strbuf_putf(p->out, " %.*s", SPAN_ARG(word));
        column += word.len + 1;
    }
    strbuf_puts(p->out, column ? "\n" : "");
}

static void print_value_key(struct default_print *p, const struct conf_key *key)
{
    struct conf_item *items = NULL;
    const char *one[] = { key->initial };
    const char *const *shown = one;
    size_t count = key->initial ? 1 : 0;

    put_help(p, key->help, conf_range(&p->scratch, key));
    if (key->initial && conf_is_list(key)) {
        count = conf_words(&p->scratch, key->initial, &items);
        const char **texts = arena_alloc(&p->scratch, (count + 1) * sizeof *texts);

        for (size_t i = 0; i < count; i++)
            texts[i] = items[i].text;
        shown = texts;
    }
    put_start(p);
    if (!key->initial && !*p->mark)
        strbuf_puts(p->out, "# ");
    if (key->initial) {
        strbuf_putf(p->out, "%s = ", key->name);
        put_value(p->out, key, shown, count);
    } else {
        strbuf_putf(p->out, "%s = %s", key->name, conf_example(&p->scratch, key));
    }
    strbuf_puts(p->out, key->is_required ? "  # must be set\n" : "\n");
}

static bool has_required(const struct conf_section *section)
{
    for (const struct conf_key *key = section->keys; key && key->name; key++)
        if ((key->is_required && !key->initial) || (key->type == CONF_SECTION && has_required(key->section)))
            return true;
    return false;
}

static void print_one_section(struct default_print *p, const struct conf_key *key, const char *title,
                              const struct conf_section *section, bool is_example)
{
    const char *outer = p->mark;

    strbuf_putc(p->out, '\n');
    put_help(p, section->help ? section->help : key->help, "");
    if (is_example || has_required(section))
        p->mark = "# ";
    put_start(p);
    strbuf_puts(p->out, key->name);
    if (title)
        put_title(p->out, title);
    strbuf_puts(p->out, " {\n");
    p->depth++;
    print_section_body(p, section);
    p->depth--;
    put_start(p);
    strbuf_puts(p->out, "}\n");
    p->mark = outer;
}

static void print_section_key(struct default_print *p, const struct conf_key *key)
{
    const struct conf_section *section = key->section;
    const char *title;

    if (key->type == CONF_SECTION) {
        print_one_section(p, key, NULL, section, false);
    } else if (!section->by_title) {
        print_one_section(p, key, "title", section, true);
    } else {
        for (size_t i = 0; (title = section->titles(i)); i++)
            print_one_section(p, key, title, section->by_title(title), false);
    }
}

static bool is_section(const struct conf_key *key)
{
    return key->type == CONF_SECTION || key->type == CONF_SECTIONS;
}

/* Values first, then what is inside: reads better, in whatever order the table is. */
static void print_section_body(struct default_print *p, const struct conf_section *section)
{
    for (const struct conf_key *key = section->keys; key && key->name; key++)
        if (!is_section(key))
            print_value_key(p, key);
    for (const struct conf_key *key = section->keys; key && key->name; key++)
        if (is_section(key))
            print_section_key(p, key);
}

void conf_print_default(const struct conf_section *root, struct strbuf *out)
{
    struct default_print p = { .out = out, .mark = "" };

    arena_init(&p.scratch, CONF_TEXT_BYTES_MOST);
    strbuf_puts(out, "# gateway.conf of Postern " POSTERN_VERSION ": every key with its initial value.\n"
                     "# Keys that are commented out have none; what is in brackets is what a key takes.\n\n");
    print_section_body(&p, root);
    arena_release(&p.scratch);
}

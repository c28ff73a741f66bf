/* conf/walk.c - follows the tokens of a configuration along the tables of keys.
 *
 * Tells every unknown name, repetition and misplaced brace with its file and line, follows includes, and writes what
 * is sound into load->text in the few forms that libconfuse takes without surprises:
 *
 *     key = "value"           key = { "value", "value" }
 *     section { ... }         kind "title" { ... }         kind:title "title" { ... } where keys depend on the title
 *
 * Each section begins with `__at = N`, the line of load->text where it stands, so that fill.c knows that it was
 * written at all, and where.
 */
#include <glob.h>
#include <stdio.h>

#include "gateway/conf/source.h"
#include "gateway/conf/value.h"

struct seen {
    const struct conf_key *key;
    struct span title;
    struct conf_place at;
    struct seen *next;
};

/* A section that is open. */
struct scope {
    const struct conf_section *section;
    const char *path; /* for people: "", "smtp", "check \"dnsbl\"" */
    struct seen *seen;
};

static void walk_statements(struct conf_load *load, struct scope *scope, struct source *s,
                            const struct conf_place *opened);

/* One word more of what libconfuse gets, on a line of its own for each line that it came from. */
static void emit(struct conf_load *load, struct conf_place at, struct span text, const char *quote)
{
    if (load_is_here(load, at)) {
        strbuf_putc(&load->text, ' ');
    } else {
        if (load->line_count == load->line_capacity) {
            load->line_capacity = load->line_capacity ? load->line_capacity * 2 : 256;
            load->places =
                arena_grow(&load->scratch, load->places, load->line_count, load->line_capacity, sizeof *load->places);
        }
        if (load->line_count)
            strbuf_putc(&load->text, '\n');
        load->places[load->line_count++] = at;
    }
    strbuf_puts(&load->text, quote);
    strbuf_put(&load->text, text);
    strbuf_puts(&load->text, quote);
}

static void emit_token(struct conf_load *load, const struct token *t)
{
    emit(load, t->at, t->text, t->kind == TOKEN_WORD ? "\"" : "");
}

static bool is_value(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_STRING;
}

/* The next token, taken only when it is that mark. */
static bool take(struct conf_load *load, struct source *s, char mark)
{
    struct source before = *s;
    struct token t = source_next(load, s);

    if (token_is(&t, mark))
        return true;
    if (t.kind != TOKEN_BAD)
        *s = before;
    return false;
}

static void hopeless(struct conf_load *load, const struct token *t, const char *wanted)
{
    if (!load->is_hopeless) {
        if (t->kind == TOKEN_END)
            load_fault(load, t->at, "the file ends here; write %s", wanted);
        else
            load_fault(load, t->at, "'%.*s' stands here; write %s", (int)(t->text.len < 60 ? t->text.len : 60),
                       t->text.ptr, wanted);
    }
    load->is_hopeless = true;
}

/* Over a block whose opening brace has been read. */
static void skip_block(struct conf_load *load, struct source *s, struct conf_place opened)
{
    for (unsigned depth = 1; depth;) {
        struct token t = source_next(load, s);

        if (t.kind == TOKEN_BAD)
            return;
        if (t.kind == TOKEN_END) {
            load_fault(load, opened, "the brace '{' is never closed; write '}'");
            load->is_hopeless = true;
            return;
        }
        depth += token_is(&t, '{');
        depth -= token_is(&t, '}');
    }
}

/* Over what follows a name that is refused: = value, = { ... }, { ... }, "title" { ... } */
static void skip_rest(struct conf_load *load, struct source *s)
{
    struct source before = *s;
    struct token t = source_next(load, s);

    if (token_is(&t, '=') || is_value(&t)) {
        bool is_assigned = token_is(&t, '=');

        t = source_next(load, s);
        if (is_value(&t) && is_assigned)
            return;
    }
    if (token_is(&t, '{'))
        skip_block(load, s, t.at);
    else if (t.kind != TOKEN_BAD)
        *s = before;
}

static const char *key_name(const void *section, size_t i)
{
    return ((const struct conf_section *)section)->keys[i].name;
}

static const char *title_name(const void *section, size_t i)
{
    return ((const struct conf_section *)section)->titles(i);
}

static const struct conf_key *find_key(const struct conf_section *section, struct span name)
{
    for (const struct conf_key *key = section->keys; key->name; key++)
        if (span_is(name, key->name))
            return key;
    return NULL;
}

static void unknown_key(struct conf_load *load, const struct scope *scope, const struct token *t)
{
    const char *near = conf_nearest(t->text, key_name, scope->section);
    int len = (int)(t->text.len < 60 ? t->text.len : 60);
    const char *in = scope->path[0] ? " in " : "";

    if (near)
        load_fault(load, t->at, "unknown key '%.*s'%s%s; did you mean '%s'?", len, t->text.ptr, in, scope->path, near);
    else
        load_fault(load, t->at, "unknown key '%.*s'%s%s; `postern config default` lists the keys", len, t->text.ptr, in,
                   scope->path);
}

static bool is_repeated(struct conf_load *load, struct scope *scope, const struct conf_key *key, struct span title,
                        struct conf_place at)
{
    for (const struct seen *seen = scope->seen; seen; seen = seen->next) {
        if (seen->key != key || !span_eq(seen->title, title))
            continue;
        if (title.len)
            load_fault(load, at, "%s \"%.*s\" was given at %s:%u already; write its keys into one section", key->name,
                       SPAN_ARG(title), seen->at.file, seen->at.line);
        else
            load_fault(load, at, "'%s' was given at %s:%u already; keep one of them", key->name, seen->at.file,
                       seen->at.line);
        return true;
    }
    struct seen *seen = arena_alloc(&load->scratch, sizeof *seen);

    *seen = (struct seen){ key, title, at, scope->seen };
    scope->seen = seen;
    return false;
}

/* A file named by include(), into the same section. */
static void include_file(struct conf_load *load, struct scope *scope, struct source *s, struct conf_place at,
                         const char *path)
{
    struct source included;
    unsigned depth = 0;

    if (load->conf->files.count >= CONF_FILES_MOST) {
        load_fault(load, at, "more than %d files; include fewer", CONF_FILES_MOST);
        load->is_hopeless = true;
        return;
    }
    if (!source_read(load, at, path, &included))
        return;
    included.name = arena_dup(load->arena, span_of(path));
    load_add_file(load, path);
    for (const struct source *up = s; up; up = up->parent) {
        if (up->ino == included.ino && up->dev == included.dev && up->ino) {
            load_fault(load, at, "%s includes %s, which is where we come from; break the circle", s->name, path);
            return;
        }
        if (++depth >= CONF_INCLUDE_DEPTH_MOST) {
            load_fault(load, at, "includes are nested deeper than %d; include from fewer levels",
                       CONF_INCLUDE_DEPTH_MOST);
            return;
        }
    }
    load->byte_count += included.text.len;
    if (load->byte_count > CONF_TEXT_BYTES_MOST / 2) {
        load_fault(load, at, "all files together have more than %d bytes; long lists belong into files of their own",
                   CONF_TEXT_BYTES_MOST / 2);
        load->is_hopeless = true;
        return;
    }
    included.parent = s;
    if (source_check(load, &included))
        walk_statements(load, scope, &included, NULL);
    else
        load->is_hopeless = true;
}

static void include_pattern(struct conf_load *load, struct scope *scope, struct source *s, struct conf_place at,
                            struct span pattern)
{
    const char *path = conf_beside(&load->scratch, s->name, pattern);
    glob_t found = { 0 };
    int state = glob(path, GLOB_ERR, NULL, &found);

    if (state == GLOB_NOMATCH && !strpbrk(path, "*?["))
        load_fault(load, at, "%s does not exist; name a file, or a pattern such as \"conf.d/*.conf\"", path);
    else if (state && state != GLOB_NOMATCH)
        load_fault(load, at, "%s cannot be read; check its name and its permissions", path);
    for (size_t i = 0; !state && i < found.gl_pathc && !load->is_hopeless; i++)
        include_file(load, scope, s, at, found.gl_pathv[i]);
    globfree(&found);
}

static void walk_include(struct conf_load *load, struct scope *scope, struct source *s)
{
    struct token pattern = source_next(load, s);
    struct token end = source_next(load, s);
    struct span path = { 0 };

    if (!is_value(&pattern) || !token_is(&end, ')')) {
        hopeless(load, is_value(&pattern) ? &end : &pattern, "include(\"conf.d/*.conf\")");
        return;
    }
    if (!conf_plain(pattern.text, &path) || !path.len)
        load_fault(load, pattern.at, "no file is named here; write include(\"conf.d/*.conf\")");
    else
        include_pattern(load, scope, s, pattern.at, path);
}

static void walk_list(struct conf_load *load, struct source *s, struct conf_place opened)
{
    emit(load, opened, SPAN("{"), "");
    for (unsigned count = 0;; count++) {
        struct token t = source_next(load, s);

        if (token_is(&t, '}')) {
            emit_token(load, &t);
            return;
        }
        if (!is_value(&t) || count == CONF_LIST_MOST) {
            hopeless(load, &t,
                     is_value(&t) ? "fewer than 10000 values into a list" : "a value, or '}' to end the list");
            return;
        }
        emit_token(load, &t);
        t = source_next(load, s);
        if (token_is(&t, '}')) {
            emit_token(load, &t);
            return;
        }
        if (!token_is(&t, ',')) {
            hopeless(load, &t, "',' between the values of a list, or '}' to end it");
            return;
        }
        emit_token(load, &t); /* a comma after the last value is no fault */
    }
}

static void walk_assignment(struct conf_load *load, struct scope *scope, struct source *s, const struct token *name,
                            const struct conf_key *key)
{
    struct source before = *s;
    struct token t = source_next(load, s);

    if (!token_is(&t, '=')) {
        hopeless(load, &t, arena_printf(&load->scratch, "%s = and a value", key->name));
        return;
    }
    if (is_repeated(load, scope, key, SPAN(""), name->at)) {
        *s = before;
        skip_rest(load, s);
        return;
    }
    t = source_next(load, s);
    if (token_is(&t, '{') && !conf_is_list(key)) {
        load_fault(load, t.at, "'%s' takes one value, not a list; write %s = %s", key->name, key->name,
                   conf_example(&load->scratch, key));
        skip_block(load, s, t.at);
        return;
    }
    if (!is_value(&t) && !token_is(&t, '{')) {
        hopeless(
            load, &t,
            arena_printf(&load->scratch, "a value, such as %s = %s", key->name, conf_example(&load->scratch, key)));
        return;
    }
    emit(load, name->at, name->text, "");
    emit(load, name->at, SPAN("="), "");
    if (!is_value(&t)) {
        walk_list(load, s, t.at);
        return;
    }
    emit_token(load, &t);
    if (take(load, s, ','))
        hopeless(load, &t,
                 conf_is_list(key)
                     ? arena_printf(&load->scratch, "a list in braces: %s = {\"...\", \"...\"}", key->name)
                     : arena_printf(&load->scratch, "one value: '%s' takes no list", key->name));
}

/* The title, as plain text in *title; false when it was refused. */
static bool walk_title(struct conf_load *load, const struct conf_key *key, const struct token *t, struct span *title)
{
    if (!is_value(t)) {
        hopeless(load, t, arena_printf(&load->scratch, "a title: %s \"...\" {", key->name));
        return false;
    }
    if (!conf_plain(t->text, title) || !title->len || title->len > CONF_TITLE_MOST) {
        load_fault(load, t->at, "a title of 1 to %d characters without backslashes stands behind '%s'", CONF_TITLE_MOST,
                   key->name);
        return false;
    }
    if (key->section->by_title) {
        if (key->section->by_title(arena_dup(&load->scratch, *title)))
            return true;
        const char *near = conf_nearest(*title, title_name, key->section);

        load_fault(load, t->at, "there is no %s \"%.*s\"; %s%s%s", key->name, SPAN_ARG(*title),
                   near ? "did you mean \"" : "`postern config default` lists them", near ? near : "",
                   near ? "\"?" : "");
        return false;
    }
    return true;
}

static void emit_head(struct conf_load *load, const struct token *name, const struct conf_key *key, struct span title,
                      const struct token *title_token)
{
    char at[16];

    if (key->type == CONF_SECTIONS && key->section->by_title)
        emit(load, name->at, span_of(arena_printf(&load->scratch, "%s:%.*s", key->name, SPAN_ARG(title))), "");
    else
        emit(load, name->at, name->text, "");
    unsigned order = (unsigned)load->line_count;

    if (key->type == CONF_SECTIONS)
        emit_token(load, title_token);
    snprintf(at, sizeof at, "%u", order);
    emit(load, name->at, SPAN("{ " CONF_AT " ="), "");
    emit(load, name->at, span_of(at), "");
}

static void walk_section(struct conf_load *load, struct scope *scope, struct source *s, const struct token *name,
                         const struct conf_key *key)
{
    struct source before = *s;
    struct token t = source_next(load, s), title_token = t;
    struct scope inner = { .section = key->section };
    struct span title = { "", 0 };
    bool is_sound = true;

    if (token_is(&t, '=')) {
        load_fault(load, name->at, "'%s' is a section, not a value; write %s %s{ ... }", key->name, key->name,
                   key->type == CONF_SECTIONS ? "\"title\" " : "");
        *s = before;
        skip_rest(load, s);
        return;
    }
    if (key->type == CONF_SECTIONS) {
        is_sound = walk_title(load, key, &t, &title);
        if (load->is_hopeless)
            return;
        t = source_next(load, s);
    }
    if (!token_is(&t, '{')) {
        hopeless(load, &t, "'{' to open the section");
        return;
    }
    if (!is_sound || is_repeated(load, scope, key, title, name->at)) {
        skip_block(load, s, t.at);
        return;
    }
    if (++load->section_count > CONF_SECTIONS_MOST) {
        load_fault(load, name->at, "more than %d sections; long lists belong into files", CONF_SECTIONS_MOST);
        load->is_hopeless = true;
        return;
    }
    if (title.len) {
        inner.path = arena_printf(&load->scratch, "%s \"%.*s\"", key->name, SPAN_ARG(title));
        if (key->section->by_title)
            inner.section = key->section->by_title(arena_dup(&load->scratch, title));
    } else {
        inner.path = key->name;
    }
    emit_head(load, name, key, title, &title_token);
    walk_statements(load, &inner, s, &name->at);
}

static void walk_statement(struct conf_load *load, struct scope *scope, struct source *s, const struct token *name)
{
    if (span_is(name->text, "include") && take(load, s, '(')) {
        walk_include(load, scope, s);
        return;
    }
    const struct conf_key *key = find_key(scope->section, name->text);

    if (load->is_hopeless)
        return;
    if (!key) {
        unknown_key(load, scope, name);
        skip_rest(load, s);
    } else if (key->type == CONF_SECTION || key->type == CONF_SECTIONS) {
        walk_section(load, scope, s, name, key);
    } else {
        walk_assignment(load, scope, s, name, key);
    }
}

/* Up to the end of the section that was opened at *opened, or of the file when that is NULL. */
static void walk_statements(struct conf_load *load, struct scope *scope, struct source *s,
                            const struct conf_place *opened)
{
    while (!load->is_hopeless) {
        struct token t = source_next(load, s);

        if (t.kind == TOKEN_WORD) {
            walk_statement(load, scope, s, &t);
        } else if (token_is(&t, '}') && opened) {
            emit_token(load, &t);
            return;
        } else if (t.kind == TOKEN_END && !opened) {
            return;
        } else if (t.kind == TOKEN_END) {
            load_fault(load, *opened, "the section '%s' is never closed; write '}' where it ends", scope->path);
            load->is_hopeless = true;
        } else if (token_is(&t, '}')) {
            hopeless(load, &t, "no '}' here: no section is open in this file");
        } else {
            hopeless(load, &t, "a key here, without quotes");
        }
    }
}

static void walk(struct conf_load *load, const struct conf_section *root, struct source *s)
{
    struct scope scope = { .section = root, .path = "" };

    load->byte_count = s->text.len;
    if (source_check(load, s))
        walk_statements(load, &scope, s, NULL);
    else
        load->is_hopeless = true;
}

void load_walk_file(struct conf_load *load, const struct conf_section *root, const char *path)
{
    struct source source;

    if (!source_read(load, (struct conf_place){ path, 1 }, path, &source)) {
        load->is_hopeless = true;
        return;
    }
    source.name = arena_dup(load->arena, span_of(path));
    load_add_file(load, path);
    walk(load, root, &source);
}

void load_walk_text(struct conf_load *load, const struct conf_section *root, const char *name, struct span text)
{
    struct source source = { .name = arena_dup(load->arena, span_of(name)), .text = text, .line = 1 };

    if (text.len > CONF_FILE_BYTES_MOST) {
        load_fault(load, (struct conf_place){ name, 1 }, "%zu bytes; at most 1 MiB", text.len);
        load->is_hopeless = true;
        return;
    }
    walk(load, root, &source);
}

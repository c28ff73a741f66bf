/* rules/lists/text_set.c - a set of texts and regular expressions. */
#include "rules/lists/text_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/table.h"

struct text_entry {
    struct keyed keyed;
    struct text_entry *next;
    unsigned line;
    char text[];
};

struct text_set {
    struct table table;
    struct text_entry *entries;
    struct patterns *patterns;
};

struct text_set *text_set_new(void)
{
    struct text_set *set = mem_alloc(sizeof *set);

    table_init(&set->table);
    set->patterns = patterns_new();
    return set;
}

void text_set_free(struct text_set *set)
{
    if (!set)
        return;
    for (struct text_entry *e = set->entries, *next; e; e = next) {
        next = e->next;
        free(e);
    }
    table_release(&set->table);
    patterns_free(set->patterns);
    free(set);
}

size_t text_set_count(const struct text_set *set)
{
    return set->table.count + patterns_count(set->patterns);
}

static void lower(char *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] = ascii_lower(text.ptr[i]);
    out[text.len] = '\0';
}

const char *text_set_add(struct text_set *set, struct span entry, unsigned line)
{
    if (!entry.len)
        return "is empty; write a text or /an expression/";
    if (span_find(entry, '\0') != SPAN_NPOS)
        return "has a NUL inside; take it out";
    if (entry.len > 2 && entry.ptr[0] == '/' && entry.ptr[entry.len - 1] == '/')
        return patterns_add(set->patterns, span_make(entry.ptr + 1, entry.len - 2), line);
    if (entry.len > TEXT_ENTRY_MOST)
        return "is longer than 500 bytes; shorten it";
    struct text_entry *e = mem_alloc(sizeof *e + entry.len + 1);

    lower(e->text, entry);
    if (table_find(&set->table, e->text)) {
        free(e);
        return NULL;
    }
    e->line = line;
    e->keyed.key = e->text;
    e->next = set->entries;
    set->entries = e;
    table_add(&set->table, &e->keyed);
    return NULL;
}

bool text_set_has_patterns(const struct text_set *set)
{
    return patterns_count(set->patterns);
}

bool text_set_has(const struct text_set *set, struct span text, int64_t until_us, enum patterns_end *end,
                  struct access_match *out)
{
    char key[TEXT_ENTRY_MOST + 1];
    const struct text_entry *e = NULL;

    if (text.len <= TEXT_ENTRY_MOST && (!text.len || span_find(text, '\0') == SPAN_NPOS)) {
        lower(key, text);
        e = (const struct text_entry *)table_find(&set->table, key);
    }
    if (!e)
        return patterns_fit(set->patterns, text, until_us, end, out);
    out->line = e->line;
    snprintf(out->text, sizeof out->text, "%s", e->text);
    return true;
}

/* ---- files ---- */

static void *reader_make(int kind, size_t expected)
{
    (void)kind;
    (void)expected;
    return text_set_new();
}

static const char *reader_add(void *set, struct span line, unsigned number)
{
    struct span entry = access_entry_of(line);

    return entry.len ? text_set_add(set, entry, number) : NULL;
}

static void reader_free(void *set)
{
    text_set_free(set);
}

const struct access_reader text_set_reader = { .make = reader_make, .add = reader_add, .free = reader_free };

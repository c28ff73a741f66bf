/* smtp/route_file.c - lines of routes into a table, and recipients through it. */
#include "gateway/smtp/route_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/table.h"

/* Lines that say the same are one. */
struct shared_route {
    struct keyed keyed; /* the first member: the words behind the pattern */
    struct file_route route;
    struct shared_route *next;
};

struct line {
    struct shared_route *route;
    unsigned number;
};

struct route_table {
    struct arena arena;
    int tls;                     /* of lines that do not say */
    struct access_set *patterns; /* what they have for a line number is an index into `lines` */
    struct line *lines;
    size_t count, capacity;
    struct line others; /* "*" */
    struct table by_text;
    struct shared_route **routes;
    size_t route_count, route_capacity;
};

/* ---- a line's words ---- */

static bool take_tls(struct span value, struct file_route *route)
{
    route->tls = hop_tls_of(value);
    return route->tls >= 0;
}

/* "tls=verify", "verify=none". True when it is one of these; *wrong says what is wrong with it. */
static bool take_word(struct arena *a, struct span word, struct file_route *route, const char **wrong)
{
    if (span_starts(word, SPAN("tls="))) {
        if (!take_tls(span_skip(word, 4), route))
            *wrong = arena_printf(a, "has \"%.*s\"; write tls= and one of: %s", SPAN_ARG(word), hop_tls_words);
        return true;
    }
    if (!span_starts(word, SPAN("verify=")))
        return false;
    *wrong = verify_rule_parse(a, arena_dup(a, span_skip(word, 7)), &route->verify);
    if (*wrong)
        *wrong = arena_printf(a, "has \"%.*s\", which %s", SPAN_ARG(word), *wrong);
    return true;
}

static bool is_target(struct span word)
{
    return span_find(word, ':') != SPAN_NPOS && span_find(span_first(word, span_find(word, ':')), '=') == SPAN_NPOS;
}

/* A target ends where the next one begins, or a word of the line. A Maildir has no words of its own, and here no
 * blanks in its path. */
static const char *take_target(struct arena *a, struct span *rest, struct span target, struct hop_targets *out)
{
    struct span before = *rest, word;
    bool has_words = !span_starts(target, SPAN("maildir:"));

    while (has_words && span_word(rest, &word) &&
           (span_starts(word, SPAN("priority=")) || span_starts(word, SPAN("weight=")))) {
        target.len = (size_t)(word.ptr + word.len - target.ptr);
        before = *rest;
    }
    *rest = before;
    const char *wrong = hop_targets_parse(a, arena_dup(a, target), out);

    if (!wrong || wrong[0] == '"')
        return wrong ? arena_printf(a, "is wrong: %s", wrong) : NULL;
    return arena_printf(a, "has \"%.*s\", which %s", SPAN_ARG(target), wrong);
}

static const char *parse_route(struct arena *a, struct span text, int usual_tls, struct file_route *out)
{
    struct span rest = text, word;
    const char *wrong = NULL;

    *out = (struct file_route){ .tls = -1 };
    while (!wrong && span_word(&rest, &word)) {
        if (take_word(a, word, out, &wrong))
            continue;
        if (is_target(word))
            wrong = take_target(a, &rest, word, &out->targets);
        else
            wrong = arena_printf(a, "has \"%.*s\", which is neither a target nor tls= or verify=", SPAN_ARG(word));
    }
    if (!wrong && !out->targets.count)
        return "has no target behind its pattern; write such as: example.org smtp://10.0.0.2:25";
    const struct hop_ways ways = { .tls = out->tls >= 0 ? out->tls : usual_tls };

    return wrong ? wrong : hop_ways_wrong(a, &out->targets, &ways);
}

/* `text` is of ACCESS_LINE_MOST bytes at most. */
static struct span without_doubled_blanks(struct span text, char out[ACCESS_LINE_MOST + 1])
{
    struct span word;
    size_t len = 0;

    while (span_word(&text, &word)) {
        if (len)
            out[len++] = ' ';
        memcpy(out + len, word.ptr, word.len);
        len += word.len;
    }
    out[len] = '\0';
    return span_make(out, len);
}

static const char *route_of(struct route_table *t, struct span words, struct shared_route **out)
{
    char text[ACCESS_LINE_MOST + 1];
    struct span said = without_doubled_blanks(words, text);
    struct file_route route;

    *out = (struct shared_route *)table_find(&t->by_text, text);
    if (*out)
        return NULL;
    const char *wrong = parse_route(&t->arena, said, t->tls, &route);

    if (wrong)
        return wrong;
    struct shared_route *shared = arena_alloc(&t->arena, sizeof *shared);

    shared->keyed.key = arena_dup(&t->arena, said);
    shared->route = route;
    table_add(&t->by_text, &shared->keyed);
    if (t->route_count == t->route_capacity) {
        t->route_capacity = t->route_capacity ? t->route_capacity * 2 : 16;
        t->routes = mem_grow(t->routes, t->route_capacity * sizeof *t->routes);
    }
    t->routes[t->route_count++] = shared;
    *out = shared;
    return NULL;
}

/* ---- patterns ---- */

static const char *twice(struct route_table *t, unsigned line)
{
    return arena_printf(&t->arena, "has a pattern that stands in line %u already; leave one", line);
}

static const char *add_pattern(struct route_table *t, struct span pattern, const struct line *line)
{
    size_t before = access_set_count(t->patterns);
    struct access_match match;

    if (pattern.ptr[pattern.len - 1] == '@' || span_is(pattern, "<>"))
        return "has a pattern without a domain; write user@example.org, example.org, .example.org or *";
    const char *wrong = access_set_add(t->patterns, pattern, (unsigned)t->count);

    if (wrong)
        return wrong;
    if (access_set_count(t->patterns) == before)
        return access_set_has_entry(t->patterns, pattern, &match) ? twice(t, t->lines[match.line].number) : NULL;
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 64;
        t->lines = mem_grow(t->lines, t->capacity * sizeof *t->lines);
    }
    t->lines[t->count++] = *line;
    return NULL;
}

static const char *table_take_line(void *set, struct span text, unsigned number)
{
    struct route_table *t = set;
    struct span rest = access_entry_of(text), pattern;
    struct line line = { .number = number };

    if (!span_word(&rest, &pattern))
        return NULL;
    const char *wrong = route_of(t, rest, &line.route);

    if (wrong)
        return wrong;
    if (!span_is(pattern, "*"))
        return add_pattern(t, pattern, &line);
    if (t->others.route)
        return twice(t, t->others.number);
    t->others = line;
    return NULL;
}

/* ---- life ---- */

static void *table_make(int kind, size_t expected)
{
    struct route_table *t = mem_alloc(sizeof *t);

    t->tls = kind;
    arena_init(&t->arena, SIZE_MAX);
    table_init(&t->by_text);
    t->patterns = access_set_new(ACCESS_ADDRESSES, expected / 4);
    return t;
}

static void table_free(void *set)
{
    struct route_table *t = set;

    if (!t)
        return;
    for (size_t i = 0; i < t->route_count; i++)
        next_hop_drop(t->routes[i]->route.next_hop);
    table_release(&t->by_text);
    access_set_free(t->patterns);
    arena_release(&t->arena);
    free(t->lines);
    free(t->routes);
    free(t);
}

const struct access_reader route_reader = { .make = table_make, .add = table_take_line, .free = table_free };

/* ---- looking up ---- */

size_t route_table_count(const struct route_table *t)
{
    return t->count + (t->others.route != NULL);
}

static bool is_address(const struct access_match *match)
{
    return strchr(match->text, '@');
}

/* The address itself, or without its extension. */
static bool find_address(const struct route_table *t, const struct address *recipient, const char *delimiters,
                         struct access_match *match)
{
    struct address bare = *recipient;
    size_t at = 1; /* an extension of nothing is none */

    if (!recipient->domain.len)
        return false;
    if (access_set_has_address(t->patterns, recipient, match) && is_address(match))
        return true;
    while (at < bare.local.len && !strchr(delimiters, bare.local.ptr[at]))
        at++;
    if (at >= bare.local.len)
        return false;
    bare.local = span_first(bare.local, at);
    return access_set_has_address(t->patterns, &bare, match) && is_address(match);
}

bool route_table_find(const struct route_table *t, const struct address *recipient, const char *domain,
                      const char *delimiters, struct file_match *out)
{
    struct access_match match;
    const struct line *line = &t->others;

    snprintf(match.text, sizeof match.text, "*");
    if (find_address(t, recipient, delimiters, &match) || access_set_has_name(t->patterns, span_of(domain), &match))
        line = &t->lines[match.line];
    if (!line->route)
        return false;
    out->route = &line->route->route;
    memcpy(out->pattern, match.text, sizeof out->pattern);
    return true;
}

struct file_route *route_table_route(const struct route_table *t, size_t index)
{
    return index < t->route_count ? &t->routes[index]->route : NULL;
}

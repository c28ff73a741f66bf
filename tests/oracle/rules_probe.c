/* link: jansson */
/* tests/oracle/rules_probe.c - what a set of rules finds in messages: all hits, parts of metas among them.
 *
 *     rules_probe [-t] RULE-FILES... <list of message files
 *
 * A line of JSON for the set (its active rules, and why others are not supported), and one for each message. -t: the
 * texts that the rules saw, too. No network, no sister checks: no evidence. Messages are read as from a mail server's
 * pipe: without a line "From " on top, lines in LF or CRLF.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "rules/eval/eval.h"
#include "rules/evaluate.h"
#include "rules/view/relays.h"

enum { FILE_MOST = 64 << 20, PATH_MOST = 4096 };

static json_t *text_of(struct span s)
{
    char *out = malloc(2 * s.len + 1); /* bytes as Latin-1 */
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x80) {
            out[n++] = (char)c;
        } else {
            out[n++] = (char)(0xc0 | c >> 6);
            out[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    json_t *text = json_stringn(out, n);
    free(out);
    return text;
}

static json_t *lines_of(const struct rule_lines *lines)
{
    json_t *list = json_array();

    for (size_t i = 0; i < lines->count; i++)
        json_array_append_new(list, text_of(lines->items[i]));
    return list;
}

static void print(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT | JSON_SORT_KEYS);
    putchar('\n');
    json_decref(line);
}

/* Lines in CRLF, without the mailbox's "From " line. */
static struct span read_message(struct arena *a, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = arena_alloc(a, FILE_MOST), *out;
    size_t len = file ? fread(bytes, 1, FILE_MOST, file) : 0, n = 0;

    if (!file)
        BUG("%s cannot be read", path);
    fclose(file);
    struct span text = span_make(bytes, len), ignored;
    if (span_starts(text, SPAN("From ")))
        span_cut(&text, '\n', &ignored);
    out = arena_alloc(a, 2 * text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r'))
            out[n++] = '\r';
        out[n++] = text.ptr[i];
    }
    return span_make(out, n);
}

static void add_texts(json_t *line, struct scanning *s)
{
    const struct relays *r = relays_of(s);
    const struct mime_tree *tree = message_mime(s->q->message);
    struct span sender;
    json_int_t readings = 0;

    for (size_t i = 0; i < tree->count; i++)
        readings += tree->parts[i]->reading_of != NULL || tree->parts[i]->is_unpacked;
    json_object_set_new(line, "readings", json_integer(readings));
    json_object_set_new(line, "body", lines_of(&s->body));
    json_object_set_new(line, "rawbody", lines_of(&s->rawbody));
    json_object_set_new(line, "uris", lines_of(&s->uris));
    json_object_set_new(line, "relays",
                        json_pack("{s:o,s:o,s:o,s:o}", "trusted", text_of(r->trusted_text), "untrusted",
                                  text_of(r->untrusted_text), "internal", text_of(r->internal_text), "external",
                                  text_of(r->external_text)));
    json_object_set_new(line, "unparseable", json_integer((json_int_t)r->unparseable));
    json_object_set_new(line, "envelope", relays_sender(s, &sender) ? text_of(sender) : json_null());
}

static void scan(const struct ruleset *set, struct matcher *matcher, const struct rule_order *order, const char *path,
                 bool has_texts)
{
    static const struct message_limits limits = { HEADER_BYTES_MAX, HEADER_FIELDS_MAX };
    struct evidence evidence = { 0 };
    struct arena arena;
    struct scanning s;
    struct evaluation e;

    arena_init(&arena, SIZE_MAX);
    struct session session = { .arena = &arena, .tx_arena = &arena, .door = "scan", .hostname = "mx.example.net" };
    struct inquiry q = { .session = &session,
                         .message = message_new(read_message(&arena, path), &limits),
                         .evidence = &evidence,
                         .arena = &arena,
                         .now_ms = 1800000000000 };
    scanning_begin(&s, &q, set, matcher, INT64_MAX);
    evaluate(&s, order, &e);
    json_t *hits = json_array(), *line = json_pack("{s:s}", "file", path);
    for (size_t i = 0; i < set->count; i++)
        if (s.hits[i])
            json_array_append_new(hits, json_string(set->rules[i].name));
    json_object_set_new(line, "hits", hits);
    json_object_set_new(line, "given_up", json_integer((json_int_t)e.given_up_count));
    if (has_texts)
        add_texts(line, &s);
    print(line);
    message_free(q.message);
    arena_release(&arena);
}

static void tell_set(const struct ruleset *set)
{
    json_t *active = json_array(), *unsupported = json_object();

    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];
        if (rule->state == RULE_ACTIVE)
            json_array_append_new(active, json_string(rule->name));
        else if (rule->state == RULE_UNSUPPORTED)
            json_object_set_new(unsupported, rule->name, json_string(rule->why));
    }
    print(json_pack("{s:o,s:o}", "active", active, "unsupported", unsupported));
}

int main(int argc, char **argv)
{
    const struct ruleset_options options = { .find_eval = eval_find, .has_plugin = eval_has_plugin };
    bool has_texts = argc > 1 && strcmp(argv[1], "-t") == 0;
    int first = 1 + has_texts;
    const char *wrong = NULL;
    char path[PATH_MOST];
    struct strbuf faults;
    struct arena arena;

    arena_init(&arena, SIZE_MAX);
    strbuf_init(&faults, 1 << 20);
    const struct ruleset *set =
        ruleset_load(&arena, (const char *const *)argv + first, (size_t)(argc - first), &options, &wrong);
    if (!set) {
        fprintf(stderr, "%s\n", wrong);
        return 1;
    }
    struct matcher *matcher = matcher_new(set, &faults);
    struct rule_order order = rule_order(&arena, set, matcher);
    order.may_wait = NULL; /* hits that matter to nobody are wanted, too */
    fputs(faults.len ? faults.data : "", stderr);
    tell_set(set);
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        scan(set, matcher, &order, path, has_texts);
    }
    matcher_free(matcher);
    strbuf_release(&faults);
    arena_release(&arena);
    return 0;
}

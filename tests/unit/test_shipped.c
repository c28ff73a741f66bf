/* tests/unit/test_shipped.c - our own rules: each hits a message that it is written for, and leaves another one alone.
 *
 * The messages stand in tests/rules/; the head of headers.txt there says how they are written.
 */
#include "rules/cf/shipped.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/core/run.h"
#include "rules/eval/eval.h"
#include "rules/evaluate.h"
#include "tests/kit/expect.h"

enum { FILE_MOST = 1 << 20, RULES_MOST = 1000 };

/* What every message has that does not say otherwise. */
static const char *const usual[][2] = {
    { "From", "Anna Berg <anna@example.org>" },
    { "To", "Bob <bob@example.net>" },
    { "Date", "Mon, 05 Jan 2026 10:00:00 +0000" },
    { "Message-ID", "<20260105.1@mail.example.org>" },
    { "Subject", "Lunch" },
};

struct room {
    struct arena arena;
    struct ruleset *set;
    struct matcher *matcher;
    struct rule_order order;
    bool has_hit[RULES_MOST], has_missed[RULES_MOST];
    unsigned wrong; /* all are told, not the first alone */
};

static void room_open(struct room *room)
{
    static const struct ruleset_options options = {
        .has_net = true, .has_bayes = true, .has_shipped = true, .find_eval = eval_find, .has_plugin = eval_has_plugin
    };
    struct strbuf faults;
    const char *wrong = NULL;

    *room = (struct room){ 0 };
    arena_init(&room->arena, (size_t)64 << 20);
    strbuf_init(&faults, 10000);
    room->set = ruleset_load(&room->arena, NULL, 0, &options, &wrong);
    assert_non_null(room->set);
    room->matcher = matcher_new(room->set, &faults);
    if (faults.len)
        fail_msg("%s", faults.data);
    room->order = rule_order(&room->arena, room->set, room->matcher);
    assert_in_range(room->set->count, 1, RULES_MOST);
    strbuf_release(&faults);
}

static void room_close(struct room *room)
{
    matcher_free(room->matcher);
    arena_release(&room->arena);
}

/* ---- messages ---- */

static struct span read_all(struct arena *a, const char *path)
{
    char *bytes = arena_alloc(a, FILE_MOST);
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    size_t len = fread(bytes, 1, FILE_MOST, file);

    fclose(file);
    return span_make(bytes, len);
}

/* Whether the head has a line that begins with `sign`, the name and `end`. */
static bool has_line(struct span head, const char *sign, const char *name, const char *end)
{
    char start[100];
    struct span line;

    snprintf(start, sizeof start, "%s%s%s", sign, name, end);
    while (span_cut(&head, '\n', &line))
        if (span_istarts(line, span_of(start)))
            return true;
    return false;
}

static void put_line(struct strbuf *out, struct span line)
{
    strbuf_put(out, line);
    strbuf_puts(out, "\r\n");
}

static void make_message(struct span text, struct strbuf *out)
{
    size_t end = text.len && text.ptr[0] == '\n' ? 0 : span_search(text, SPAN("\n\n"));
    struct span head = span_first(text, end), body = span_skip(text, end ? end + 2 : 1), line;

    for (size_t i = 0; i < COUNT(usual); i++)
        if (!has_line(head, "-", usual[i][0], "") && !has_line(head, "", usual[i][0], ":"))
            strbuf_putf(out, "%s: %s\r\n", usual[i][0], usual[i][1]);
    while (head.len && span_cut(&head, '\n', &line))
        if (!span_starts(line, SPAN("-")))
            put_line(out, line);
    strbuf_puts(out, "\r\n");
    while (span_cut(&body, '\n', &line))
        put_line(out, line);
}

static unsigned *hits_of(struct arena *a, const struct room *room, struct span bytes, struct message **message)
{
    static const struct message_limits limits = { .header_bytes_most = 1 << 20, .header_fields_most = 1000 };
    struct session *session = arena_alloc(a, sizeof *session);
    struct inquiry *q = arena_alloc(a, sizeof *q);
    struct scanning scanning;
    struct evaluation evaluation = { 0 };

    session->arena = session->tx_arena = a;
    *message = message_new(bytes, &limits);
    *q = (struct inquiry){ .session = session,
                           .message = *message,
                           .evidence = arena_alloc(a, sizeof(struct evidence)),
                           .arena = a,
                           .now_ms = 1767609000000 };
    assert_int_equal(0, address_parse(SPAN("anna@example.org"), &session->mail_from));
    scanning_begin(&scanning, q, room->set, room->matcher, INT64_MAX);
    evaluate(&scanning, &room->order, &evaluation);
    assert_null(evaluation.first_skipped);
    assert_int_equal(0, evaluation.given_up_count);
    return scanning.hits;
}

/* ---- cases: "hits A B misses C" and a message ---- */

static void check_rule(struct room *room, const unsigned *hits, struct span name, bool is_to_hit, const char *where)
{
    const struct rule *rule = ruleset_find(room->set, name);

    if (!rule)
        fail_msg("%s: there is no rule %.*s", where, SPAN_ARG(name));
    if ((hits[rule->index] != 0) != is_to_hit) {
        print_error("%s: %.*s %s\n", where, SPAN_ARG(name), is_to_hit ? "does not hit" : "hits");
        room->wrong++;
    }
    (is_to_hit ? room->has_hit : room->has_missed)[rule->index] = true;
}

static void check_case(struct room *room, struct span text, const char *where)
{
    struct arena a;
    struct span wanted, word;
    struct strbuf bytes;
    struct message *message;
    bool is_to_hit = false;

    arena_init(&a, (size_t)64 << 20);
    strbuf_init(&bytes, FILE_MOST);
    assert_true(span_cut(&text, '\n', &wanted));
    make_message(text, &bytes);
    unsigned *hits = hits_of(&a, room, strbuf_span(&bytes), &message);

    while (span_word(&wanted, &word)) {
        if (span_is(word, "hits") || span_is(word, "misses"))
            is_to_hit = span_is(word, "hits");
        else
            check_rule(room, hits, word, is_to_hit, where);
    }
    message_free(message);
    strbuf_release(&bytes);
    arena_release(&a);
}

static void check_file(struct room *room, const char *path)
{
    struct arena a;

    arena_init(&a, FILE_MOST);
    struct span rest = read_all(&a, path);
    size_t at = span_search(rest, SPAN("\n=== "));

    for (unsigned number = 1; at != SPAN_NPOS; number++) {
        char where[200];

        rest = span_skip(rest, at + 5);
        at = span_search(rest, SPAN("\n=== "));
        snprintf(where, sizeof where, "%s, message %u", path, number);
        check_case(room, at == SPAN_NPOS ? rest : span_first(rest, at), where);
    }
    arena_release(&a);
}

static void each_rule_hits_and_misses(void **state)
{
    struct room *room = mem_alloc(sizeof *room);
    glob_t files;

    (void)state;
    room_open(room);
    assert_int_equal(0, glob("tests/rules/*.txt", 0, NULL, &files));
    for (size_t i = 0; i < files.gl_pathc; i++)
        check_file(room, files.gl_pathv[i]);
    globfree(&files);
    assert_int_equal(0, room->wrong);
    for (size_t i = 0; i < room->set->count; i++) {
        const struct rule *rule = &room->set->rules[i];

        if (!rule->is_sub && !(room->has_hit[i] && room->has_missed[i]))
            fail_msg("%s has no message that it %s", rule->name, room->has_hit[i] ? "leaves alone" : "hits");
    }
    room_close(room);
    free(room);
}

static void all_of_them_are_understood_and_described(void **state)
{
    struct room *room = mem_alloc(sizeof *room);

    (void)state;
    room_open(room);
    for (size_t i = 0; i < room->set->note_count; i++)
        fail_msg("%s:%u: %s", room->set->notes[i].file, room->set->notes[i].line, room->set->notes[i].text);
    for (size_t i = 0; i < room->set->count; i++) {
        const struct rule *rule = &room->set->rules[i];

        if (rule->state != RULE_ACTIVE)
            fail_msg("%s: %s", rule->name, rule->why ? rule->why : "is off");
        if (!rule->is_sub && !(rule->is_scored && rule->describe[0]))
            fail_msg("%s has no score or no description", rule->name);
    }
    room_close(room);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_are_understood_and_described),
        cmocka_unit_test(each_rule_hits_and_misses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

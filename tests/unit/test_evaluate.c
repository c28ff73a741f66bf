/* tests/unit/test_evaluate.c - what rules see of a message, and which of them hit. */
#include "tests/kit/expect.h"
#include "tests/kit/hand_rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "rules/eval/eval.h"
#include "rules/evaluate.h"
#include "rules/meta.h"
#include "rules/sieve/sieve_make.h"

/* A message, a set of rules, and what came of it. */
struct desk {
    struct arena arena;
    struct ruleset set;
    struct matcher *matcher;
    struct message *message;
    struct session session;
    struct evidence evidence;
    struct inquiry q;
    struct scanning scanning;
    struct evaluation evaluation;
    struct strbuf bytes;
};

static const struct message_limits limits = { 1 << 20, 5000 };

static void desk_open(struct desk *d, struct rule *rules, size_t count)
{
    struct strbuf faults;

    memset(d, 0, sizeof *d);
    arena_init(&d->arena, SIZE_MAX);
    strbuf_init(&faults, 10000);
    strbuf_init(&d->bytes, 1 << 28);
    d->set = hand_rules(rules, count);
    d->matcher = matcher_new(&d->set, &faults);
    EXPECT_STR("", faults.len ? faults.data : "");
    strbuf_release(&faults);
    d->session =
        (struct session){ .arena = &d->arena, .tx_arena = &d->arena, .door = "desk", .hostname = "mx.example" };
    d->session.mail_from.text = SPAN("bounce@sender.example");
}

static void desk_close(struct desk *d)
{
    message_free(d->message);
    matcher_free(d->matcher);
    strbuf_release(&d->bytes);
    arena_release(&d->arena);
}

/* LF becomes CRLF. */
static void read_message(struct desk *d, struct span text)
{
    message_free(d->message);
    strbuf_clear(&d->bytes);
    while (text.len) {
        size_t end = span_find(text, '\n');
        struct span line = end == SPAN_NPOS ? text : span_first(text, end);

        strbuf_put(&d->bytes, line);
        if (end != SPAN_NPOS)
            strbuf_puts(&d->bytes, "\r\n");
        text = span_skip(text, line.len + 1);
    }
    d->message = message_new(strbuf_span(&d->bytes), &limits);
    d->q =
        (struct inquiry){ .session = &d->session, .message = d->message, .evidence = &d->evidence, .arena = &d->arena };
}

static void run_until(struct desk *d, struct span text, int64_t until_us)
{
    struct rule_order order = rule_order(&d->arena, &d->set, d->matcher);

    read_message(d, text);
    scanning_begin(&d->scanning, &d->q, &d->set, d->matcher, until_us);
    evaluate(&d->scanning, &order, &d->evaluation);
}

static void run(struct desk *d, const char *text)
{
    run_until(d, span_of(text), clock_mono_us() + 60 * 1000000LL);
}

static const char sample[] = "Received: from a.example by b.example; Mon, 23 Nov 2026 05:46:00 +0000\n"
                             "From: \"Ann\n"
                             " Example\" <ann@example.org>\n"
                             "To: b@example.net, (Cee) <c@example.net>\n"
                             "Cc: d@example.net (Dee)\n"
                             "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n"
                             "  from afar\n"
                             "Message-ID: <1@example.org>\n"
                             "X-Message-Id: <2@example.org>\n"
                             "X-Twice: one\n"
                             "X-Twice: two\n"
                             "X-Origin: [192.0.2.55] at host.example.com (x)\n"
                             "MIME-Version: 1.0\n"
                             "Content-Type: multipart/mixed; boundary=b\n"
                             "\n"
                             "--b\n"
                             "Content-Type: text/plain; charset=utf-8\n"
                             "Content-Transfer-Encoding: quoted-printable\n"
                             "\n"
                             "The first  paragraph=\n"
                             " goes on\n"
                             "here.\n"
                             "\n"
                             "The second one, see www.example.com/x?y and\n"
                             "http://other.example.com:80/z.\n"
                             "--b\n"
                             "Content-Type: text/html\n"
                             "Content-Disposition: inline\n"
                             "\n"
                             "<p>Hello <b>world</b><p>Click <a href=\"http://link.example.com/%41\">here</a>\n"
                             "--b\n"
                             "Content-Type: application/pdf; name=\"a.pdf\"\n"
                             "\n"
                             "pdf text\n"
                             "--b--\n";

#define HEADER(of, mask) .kind = RULE_HEADER, .field = (of), .pattern = (mask)
#define BODY(mask)       .kind = RULE_BODY, .pattern = (mask)
#define RAWBODY(mask)    .kind = RULE_RAWBODY, .pattern = (mask)
#define URI(mask)        .kind = RULE_URI, .pattern = (mask)
#define FULL(mask)       .kind = RULE_FULL, .pattern = (mask)
#define PART(of, mask)   .kind = RULE_MIMEHEADER, .field = (of), .pattern = (mask)

/* A rule, how often it hits, and what it shows of it. */
struct want {
    struct rule rule;
    unsigned hits;
    const char *shown; /* NULL: nothing is asked */
};

static void expect_all(const struct want *wants, size_t count)
{
    struct rule *rules = mem_alloc(count * sizeof *rules);
    struct desk d;

    for (size_t i = 0; i < count; i++) {
        rules[i] = wants[i].rule;
        rules[i].name = "R";
    }
    desk_open(&d, rules, count);
    run(&d, sample);
    EXPECT_NULL(d.evaluation.first_skipped);
    EXPECT_INT(0, d.evaluation.given_up_count);
    for (size_t i = 0; i < count; i++) {
        if (wants[i].hits != d.scanning.hits[i])
            print_error("%s =~ /%s/\n", rules[i].field ? rules[i].field : "", rules[i].pattern ? rules[i].pattern : "");
        EXPECT_INT(wants[i].hits, d.scanning.hits[i]);
        if (wants[i].shown)
            EXPECT_SPAN(wants[i].shown, d.scanning.shown[i]);
    }
    desk_close(&d);
    free(rules);
}

static void header_rules_see_fields(void **state)
{
    static const struct want wants[] = {
        { { HEADER("Subject", "^Gr\xc3\xbc\xc3\x9f"
                              "e from afar\\n\\z") },
          1,
          NULL },
        { { HEADER("subject", "afar") }, 1, "afar" },
        { { HEADER("Subject", "afar"), .is_negated = true }, 0, NULL },
        { { HEADER("Subject", "nowhere"), .is_negated = true }, 1, NULL },
        { { HEADER("Subject", "^ =\\?utf-8.*\\n  from afar\\n$"), .form = HEADER_RAW }, 1, NULL },
        { { HEADER("From", "^ann@example\\.org$"), .form = HEADER_ADDR }, 1, NULL },
        { { HEADER("From", "^Ann Example$"), .form = HEADER_NAME }, 1, NULL },
        { { HEADER("To", "^b@example.net\nc@example.net$"), .form = HEADER_ADDR }, 1, NULL },
        { { HEADER("Cc", "^Dee$"), .form = HEADER_NAME }, 1, NULL },
        { { HEADER("X-Twice", "^one\ntwo\n$") }, 1, NULL },
        { { HEADER("X-Twice:first", "^one\n$") }, 1, NULL },
        { { HEADER("X-Twice:last", "^two\n$") }, 1, NULL },
        { { HEADER("X-Twice", "o"), .tflags = RULE_MULTIPLE }, 2, "o" },
        { { HEADER("X-Twice", "o"), .tflags = RULE_MULTIPLE, .hits_most = 1 }, 1, "o" },
        { { HEADER("X-Origin:ip", "^192\\.0\\.2\\.55$") }, 1, NULL },
        { { HEADER("X-Origin:revip", "^55\\.2\\.0\\.192$") }, 1, NULL },
        { { HEADER("X-Origin:host", "^host\\.example\\.com$") }, 1, NULL },
        { { HEADER("X-Origin:domain", "^example\\.com$") }, 1, NULL },
        { { HEADER("From:addr:host", "^example\\.org$") }, 1, NULL },
        { { HEADER("ToCc", "b@.*\n.*d@example") }, 1, NULL },
        { { HEADER("MESSAGEID", "^<2@.*\n<1@example.org>\n$") }, 1, NULL },
        { { HEADER("EnvelopeFrom", "^bounce@sender\\.example$") }, 1, NULL },
        { { HEADER("ALL", "^From: \"Ann Example\" <ann"), .options = PCRE2_MULTILINE }, 1, NULL },
        { { HEADER("ALL", "^From: \"Ann\n Example\" <ann"), .options = PCRE2_MULTILINE, .form = HEADER_RAW }, 1, NULL },
        { { HEADER("X-None", "x") }, 0, NULL },
        { { HEADER("X-None", "x"), .is_negated = true }, 1, NULL },
        { { HEADER("X-None", "^$") }, 1, NULL },
        { { HEADER("X-None", "^unset$"), .if_unset = "unset" }, 1, NULL },
        { { HEADER("X-Twice", "unset"), .if_unset = "unset" }, 0, NULL },
        { { .kind = RULE_HEADER, .field = "X-Twice", .is_exists = true }, 1, NULL },
        { { .kind = RULE_HEADER, .field = "X-None", .is_exists = true }, 0, NULL },
        { { .kind = RULE_HEADER, .field = "X-None", .is_exists = true, .is_negated = true }, 1, NULL },
    };

    (void)state;
    expect_all(wants, COUNT(wants));
}

static void body_rules_see_texts(void **state)
{
    static const struct want wants[] = {
        { { BODY("^Gr\xc3\xbc") }, 1, NULL }, /* the subject is its first paragraph */
        { { BODY("^Gr\xc3\xbc"), .tflags = RULE_NOSUBJECT }, 0, NULL },
        { { BODY("^The first paragraph goes on here\\.$") }, 1, NULL },
        { { BODY("here.*second"), .options = PCRE2_DOTALL }, 0, NULL }, /* each paragraph by itself */
        { { BODY("Hello world") }, 1, "Hello world" },
        { { BODY("<b>") }, 0, NULL },
        { { BODY("pdf") }, 0, NULL },
        { { BODY("The"), .tflags = RULE_MULTIPLE }, 2, NULL },
        { { BODY("[a-z]"), .tflags = RULE_MULTIPLE, .hits_most = 7 }, 7, NULL },
        { { RAWBODY("first  paragraph goes on\nhere") }, 1, NULL },
        { { RAWBODY("<b>world</b>") }, 1, NULL },
        { { RAWBODY("pdf") }, 0, NULL },
        { { FULL("paragraph=\n goes") }, 1, NULL },
        { { FULL("pdf text\n--b--\n\\z") }, 1, NULL },
        { { FULL("\r") }, 0, NULL },
        { { URI("^http://link\\.example\\.com/%41$") }, 1, NULL },
        { { URI("^http://link\\.example\\.com/A$") }, 1, NULL },
        { { URI("^http://www\\.example\\.com/x\\?y$") }, 1, NULL },
        { { URI("^http://other\\.example\\.com:80/z$") }, 1, NULL },
        { { URI("^http://other\\.example\\.com/z$") }, 1, NULL },
        { { URI("nowhere") }, 0, NULL },
    };

    (void)state;
    expect_all(wants, COUNT(wants));
}

static void mimeheader_rules_see_parts(void **state)
{
    static const struct want wants[] = {
        { { PART("Content-Type", "^application/pdf") }, 1, NULL },
        { { PART("Content-Type", "^multipart/mixed") }, 1, NULL },
        { { PART("Content-Type", "/"), .tflags = RULE_MULTIPLE }, 4, NULL },
        { { PART("Content-Type", "/"), .tflags = RULE_MULTIPLE, .hits_most = 3 }, 3, NULL },
        { { PART("Content-Type", "/"), .tflags = RULE_MULTIPLE | RULE_RANGE, .range_first = 2, .range_last = 3 },
          2,
          NULL },
        { { PART("Content-Type", "pdf"), .tflags = RULE_RANGE, .range_first = 1, .range_last = 3 }, 0, NULL },
        { { PART("Content-Type", "text/plain.*\ntext/html.*\n"), .tflags = RULE_CONCAT }, 1, NULL },
        { { PART("Content-Type", "image"), .is_negated = true }, 1, NULL },
        { { PART("Content-Type", "pdf"), .is_negated = true }, 0, NULL },
        { { PART("Content-Disposition", "^unset$"), .if_unset = "unset" }, 1, NULL },
        { { PART("Content-Disposition", "^$") }, 1, NULL },
        { { PART("Content-Type", "^application/pdf"), .form = HEADER_RAW }, 1, NULL },
        { { PART("Content-Type", "^ multipart/mixed"), .form = HEADER_RAW }, 1, NULL },
        { { PART("X-None", "x") }, 0, NULL },
        { { PART("ALL", "^Content-Transfer-Encoding: quoted"), .options = PCRE2_MULTILINE }, 1, NULL },
    };

    (void)state;
    expect_all(wants, COUNT(wants));
}

static void a_message_without_anything_has_no_hits(void **state)
{
    struct rule rules[] = { { .name = "A", HEADER("Subject", "x") },
                            { .name = "B", BODY("x") },
                            { .name = "C", RAWBODY("x") },
                            { .name = "D", URI("x") },
                            { .name = "E", FULL("x") },
                            { .name = "F", PART("Content-Type", "x") },
                            { .name = "G", HEADER("Subject", "^$") },
                            { .name = "H", BODY("^$") } };
    static const unsigned want[] = { 0, 0, 0, 0, 0, 0, 1, 1 };
    struct desk d;

    (void)state;
    desk_open(&d, rules, COUNT(rules));
    run(&d, "\n");
    for (size_t i = 0; i < COUNT(rules); i++)
        EXPECT_INT(want[i], d.scanning.hits[i]);
    desk_close(&d);
}

static void a_shortcut_ends_it(void **state)
{
    struct rule rules[] = { { .name = "LATER", BODY("Hello"), .priority = 5 },
                            { .name = "CUT", HEADER("Subject", "afar"), .priority = -10, .shortcut = SHORTCUT_ON },
                            { .name = "SAME", HEADER("From", "Ann"), .priority = -10 },
                            { .name = "NEXT", HEADER("From", "Ann") } };
    struct desk d;

    (void)state;
    desk_open(&d, rules, COUNT(rules));
    run(&d, sample);
    EXPECT_TRUE(d.evaluation.shortcut == &rules[1]);
    EXPECT_NULL(d.evaluation.first_skipped);
    EXPECT_INT(0, d.scanning.hits[0]);
    EXPECT_INT(1, d.scanning.hits[2]);
    EXPECT_INT(0, d.scanning.hits[3]);
    run(&d, "From: Ann\n\nHello\n");
    EXPECT_NULL(d.evaluation.shortcut);
    EXPECT_INT(1, d.scanning.hits[0]);
    EXPECT_INT(1, d.scanning.hits[3]);
    desk_close(&d);
}

/* What nobody has looked at to its end is no hit, whichever way round the rule asks. */
static void a_rule_that_is_given_up_does_not_hit(void **state)
{
    struct rule rules[] = { { .name = "SLOW", HEADER("X-Slow", "(?:a+)+$(?<!a)") },
                            { .name = "SLOW_NOT", HEADER("X-Slow", "(?:a+)+$(?<!a)"), .is_negated = true },
                            { .name = "FINE_NOT", HEADER("X-Slow", "b"), .is_negated = true } };
    struct desk d;
    char text[2000] = "X-Slow: ";

    (void)state;
    memset(text + 8, 'a', 1000);
    strcpy(text + 1008, "\n\nx\n");
    desk_open(&d, rules, COUNT(rules));
    run(&d, text);
    EXPECT_INT(2, d.evaluation.given_up_count);
    EXPECT_INT(0, d.scanning.hits[0]);
    EXPECT_INT(0, d.scanning.hits[1]);
    EXPECT_INT(1, d.scanning.hits[2]);
    desk_close(&d);
}

static void what_is_left_when_the_time_is_up_is_told(void **state)
{
    struct rule rules[] = { { .name = "SECOND", BODY("Hello"), .priority = 5 }, { .name = "FIRST", BODY("Hello") } };
    struct desk d;

    (void)state;
    desk_open(&d, rules, COUNT(rules));
    run_until(&d, span_of(sample), clock_mono_us());
    EXPECT_TRUE(d.evaluation.first_skipped == &rules[1]);
    EXPECT_INT(2, d.evaluation.skipped);
    EXPECT_INT(0, d.scanning.hits[0] + d.scanning.hits[1]);
    desk_close(&d);
}

/* The time ends a moment after the first rule, in the middle of the second, which would have gone on for long. */
static unsigned end_soon(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    s->until_us = clock_mono_us() + 1000;
    return 0;
}

static void a_rule_that_the_end_of_the_time_found_at_work_is_not_to_blame(void **state)
{
    enum { BYTES = 1 << 20 };
    static const struct eval_function soon = { .name = "soon", .run = end_soon };
    struct rule rules[] = { { .name = "SOON", .kind = RULE_HEADER, .is_eval = true, .eval = { .known = &soon } },
                            { .name = "SQUARE", RAWBODY("a*a*[bc]") },
                            { .name = "BEHIND", RAWBODY("x") } };
    struct desk d;
    struct strbuf text;

    (void)state;
    desk_open(&d, rules, COUNT(rules));
    strbuf_init(&text, 2 * BYTES);
    strbuf_puts(&text, "Subject: bomb\n\n");
    memset(strbuf_room(&text, BYTES), 'a', BYTES);
    text.len += BYTES;
    strbuf_puts(&text, "\nx\n");
    run_until(&d, strbuf_span(&text), clock_mono_us() + 60 * 1000000LL);
    EXPECT_STR("SQUARE", d.evaluation.first_skipped ? d.evaluation.first_skipped->name : "");
    EXPECT_INT(2, d.evaluation.skipped);
    EXPECT_INT(0, d.evaluation.given_up_count);
    EXPECT_INT(0, d.scanning.hits[1] + d.scanning.hits[2]);
    strbuf_release(&text);
    desk_close(&d);
}

/* Of three rules the one whose words are longer than the paragraphs does not look at them. */
static void lines_shorter_than_a_match_are_passed_over(void **state)
{
    struct rule rules[] = { { .name = "WORD", BODY("(?:pills|drugs)[^x]") },
                            { .name = "LETTER", BODY("(?<!c)z") },
                            { .name = "BEHIND", BODY("(?<=!)!$") } };
    struct desk d;
    struct strbuf text;

    (void)state;
    desk_open(&d, rules, COUNT(rules));
    strbuf_init(&text, 1 << 20);
    strbuf_puts(&text, "Content-Type: text/html\n\n");
    for (int i = 0; i < 500; i++)
        strbuf_puts(&text, "<p>a");
    strbuf_puts(&text, "<p>!!");
    run_until(&d, strbuf_span(&text), clock_mono_us() + 60 * 1000000LL);
    EXPECT_INT(0, d.evaluation.given_up_count);
    EXPECT_TRUE(d.scanning.body.count > 500);
    uint64_t calls = matcher_work(d.matcher, 0)->calls;

    EXPECT_INT(1, d.scanning.hits[2]);
    EXPECT_TRUE(calls < 2 * d.scanning.body.count + 100);
    strbuf_release(&text);
    desk_close(&d);
}

/* Ten megabytes of a letter that patterns love. What it costs is counted, not timed. */
static void bombs_cost_little(void **state)
{
    enum { BYTES = 10 * 1024 * 1024 };
    struct rule rules[] = { { .name = "NESTED", BODY("(?:a+)+$(?<!a)") },
                            { .name = "SQUARE", RAWBODY("a*a*[bc]") },
                            {
                                .name = "WIDE",
                                FULL("(?:a+)+b"),
                            },
                            { .name = "MANY", BODY("a"), .tflags = RULE_MULTIPLE },
                            { .name = "FINE", HEADER("Subject", "bomb") } };
    struct desk d;
    struct strbuf text;

    (void)state;
    desk_open(&d, rules, COUNT(rules));
    strbuf_init(&text, 2 * BYTES);
    strbuf_puts(&text, "Subject: bomb\n\n");
    char *letters = strbuf_room(&text, BYTES);

    memset(letters, 'a', BYTES);
    text.len += BYTES;
    strbuf_puts(&text, "\nxb\n");
    run_until(&d, strbuf_span(&text), clock_mono_us() + 60 * 1000000LL);
    EXPECT_NULL(d.evaluation.first_skipped);
    EXPECT_INT(3, d.evaluation.given_up_count); /* two at the first piece, the quadratic one soon */
    EXPECT_INT(0, d.scanning.hits[0]);
    EXPECT_INT(0, d.scanning.hits[2]);
    EXPECT_INT(RULE_HITS_MAX, d.scanning.hits[3]);
    EXPECT_INT(1, d.scanning.hits[4]);
    EXPECT_TRUE(matcher_work(d.matcher, 0)->calls < RULE_HITS_MAX + 1000);
    EXPECT_INT(2, matcher_work(d.matcher, 0)->limits);
    EXPECT_TRUE(d.scanning.body.count < 30); /* of the 50 KB that are looked at */
    EXPECT_TRUE(d.scanning.rawbody.count < 300);
    strbuf_release(&text);
    desk_close(&d);
}

static unsigned end_time(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    s->until_us = 0;
    return 1;
}

static const struct eval_function *find_end_time(const char *name)
{
    static const struct eval_function end = { .name = "end_time", .run = end_time };

    return strcmp(name, end.name) == 0 ? &end : NULL;
}

/* A set from a file's text, with metas, over the message. */
static void run_text(struct desk *d, const char *text, bool is_thorough, int64_t until_us)
{
    static const struct ruleset_options options = { .find_eval = find_end_time };
    struct strbuf faults;

    desk_open(d, NULL, 0);
    matcher_free(d->matcher);
    strbuf_init(&faults, 10000);
    d->set = *ruleset_load_text(&d->arena, "test.cf", span_of(text), &options);
    d->matcher = matcher_new(&d->set, &faults);
    strbuf_release(&faults);
    struct rule_order order = rule_order(&d->arena, &d->set, d->matcher);

    if (is_thorough)
        order.may_wait = NULL;
    read_message(d, span_of(sample));
    scanning_begin(&d->scanning, &d->q, &d->set, d->matcher, until_us);
    evaluate(&d->scanning, &order, &d->evaluation);
}

static unsigned hits_of(const struct desk *d, const char *name)
{
    return d->scanning.hits[ruleset_find(&d->set, span_of(name))->index];
}

static void sub_rules_are_run_where_a_meta_needs_them(void **state)
{
    static const char text[] = "body __HELLO /Hello/\nbody __CLICK /Click/\nbody __NONE /nowhere/\n"
                               "rawbody __RAW /(?:para|graph)/\nheader __TO To =~ /b@/\nbody __ALONE /Hello/\n"
                               "meta BOTH __HELLO && __CLICK\nmeta NEITHER __NONE && __RAW\nmeta ANY __TO || __RAW\n"
                               "meta CUT __HELLO && __NONE\n";
    int64_t later_us = clock_mono_us() + 60 * 1000000LL;
    struct desk d;

    (void)state;
    run_text(&d, text, false, later_us);
    EXPECT_INT(1, hits_of(&d, "__HELLO"));
    EXPECT_INT(1, hits_of(&d, "__CLICK"));
    EXPECT_INT(1, hits_of(&d, "__TO"));
    EXPECT_INT(0, hits_of(&d, "__RAW") + hits_of(&d, "__ALONE")); /* nobody has asked */
    EXPECT_INT(2, hits_of(&d, "BOTH") + hits_of(&d, "ANY"));
    EXPECT_INT(0, hits_of(&d, "NEITHER") + hits_of(&d, "CUT"));
    EXPECT_NULL(d.evaluation.first_skipped);
    uint64_t calls = matcher_work(d.matcher, 0)->calls;

    desk_close(&d);
    run_text(&d, text, true, later_us);
    EXPECT_INT(2, hits_of(&d, "__RAW") + hits_of(&d, "__ALONE"));
    EXPECT_INT(2, hits_of(&d, "BOTH") + hits_of(&d, "ANY"));
    EXPECT_TRUE(matcher_work(d.matcher, 0)->calls > calls);
    desk_close(&d);
}

static void what_waits_when_the_time_is_up_is_skipped(void **state)
{
    struct desk d;

    (void)state;
    run_text(&d,
             "full EXPIRE eval:end_time()\nbody __HELLO /Hello/\nbody __NONE /nowhere/\nheader __TO To =~ /b@/\n"
             "meta NOT_KNOWN __TO && !__NONE\nmeta KNOWN __TO && EXPIRE\nmeta NOT_NEEDED __HELLO && !__TO\n",
             false, clock_mono_us() + 60 * 1000000LL);
    EXPECT_INT(1, hits_of(&d, "KNOWN"));
    EXPECT_INT(0, hits_of(&d, "NOT_KNOWN") + hits_of(&d, "NOT_NEEDED"));
    EXPECT_STR("__NONE", d.evaluation.first_skipped ? d.evaluation.first_skipped->name : "");
    EXPECT_INT(2, d.evaluation.skipped);
    desk_close(&d);
}

/* A meta that ends it must be known in time, so nothing that it needs waits. */
static void what_may_end_it_does_not_wait(void **state)
{
    struct desk d;

    (void)state;
    run_text(&d,
             "body __HELLO /Hello/\nmeta __M __HELLO\nmeta CUT __M\npriority CUT -10\nshortcircuit CUT on\n"
             "body LATER /Hello/\n",
             false, clock_mono_us() + 60 * 1000000LL);
    EXPECT_TRUE(d.evaluation.shortcut && !strcmp(d.evaluation.shortcut->name, "CUT"));
    EXPECT_INT(0, hits_of(&d, "LATER"));
    desk_close(&d);
}

/* By way of files, as the child has them. */
static void use_sieve(struct desk *d)
{
    FILE *in = tmpfile(), *out = tmpfile();
    unsigned char key[SIEVE_KEY_BYTES];
    struct strbuf request, file;
    const char *wrong;

    strbuf_init(&request, 1 << 24);
    strbuf_init(&file, 1 << 26);
    EXPECT_TRUE(sieve_request(d->matcher, &d->set, &request, key));
    EXPECT_INT(request.len, fwrite(request.data, 1, request.len, in));
    rewind(in);
    EXPECT_NULL(sieve_make(fileno(in), fileno(out), SIEVE_PATTERN_MS_MAX));
    fseek(out, 0, SEEK_END);
    size_t bytes = (size_t)ftell(out);

    rewind(out);
    EXPECT_INT(bytes, fread(strbuf_room(&file, bytes), 1, bytes, out));
    file.len = bytes;
    matcher_use(d->matcher, sieve_load(strbuf_span(&file), key, d->set.count, &wrong));
    EXPECT_NULL(wrong);
    fclose(in);
    fclose(out);
    strbuf_release(&request);
    strbuf_release(&file);
}

enum { PARAGRAPHS = 400 };

/* A body of many paragraphs, of which each tenth has the one word, and the last the other. */
static void put_paragraphs(struct strbuf *text)
{
    strbuf_puts(text, "Subject: elephants\n\n");
    for (unsigned i = 1; i < PARAGRAPHS; i++)
        strbuf_putf(text, "%u: nothing to be seen here but what stands in all of them%s.\n\n", i,
                    i % 10 ? "" : " and giraffes");
    strbuf_puts(text, "The last has rhinoceros.\n");
}

/* A sifted text is tried only near what the sieve has found, and the hits are those of all of it. */
static void what_passes_the_sieve_is_tried_where_it_passed(void **state)
{
    struct rule rules[] = {
        { .name = "LAST", .kind = RULE_BODY, .pattern = "rhinoceros" },
        { .name = "ALL", .kind = RULE_BODY, .pattern = "nothing to be seen", .tflags = RULE_MULTIPLE },
        { .name = "TENTH", .kind = RULE_BODY, .pattern = "giraffes?\\b", .tflags = RULE_MULTIPLE },
        { .name = "SUBJECT", .kind = RULE_BODY, .pattern = "elephants" },
        { .name = "NOT_SUBJECT", .kind = RULE_BODY, .pattern = "elephants", .tflags = RULE_NOSUBJECT },
        { .name = "BEGIN", .kind = RULE_BODY, .pattern = "^The last" },
        { .name = "NEITHER", .kind = RULE_BODY, .pattern = "armadillo" },
        { .name = "DISGUISED", .kind = RULE_BODY, .pattern = "g[i1l!|][r2psb][a4uxj][f7wqy]", .tflags = RULE_MULTIPLE },
        { .name = "DISGUISED_SUBJECT", .kind = RULE_BODY, .pattern = "[e3xyz][l1q!|][e3xyz][pqbdo]" },
        { .name = "NOT_THAT_SUBJECT",
          .kind = RULE_BODY,
          .pattern = "[e3xyz][l1q!|][e3xyz][pqbdo]",
          .tflags = RULE_NOSUBJECT },
        { .name = "DISGUISED_BEGIN", .kind = RULE_BODY, .pattern = "^[T7xyz][h6qwj][e3xyz]\\W[l1qwj]" },
        { .name = "DISGUISED_NEITHER", .kind = RULE_BODY, .pattern = "[z2][e3xyz][b8jqw][r2jqw][a4jqw]" },
    };
    static const unsigned want[] = {
        1, PARAGRAPHS - 1, PARAGRAPHS / 10 - 1, 1, 0, 1, 0, PARAGRAPHS / 10 - 1, 1, 0, 1, 0
    };
    uint64_t calls[2];
    struct strbuf text;
    struct desk d;

    (void)state;
    strbuf_init(&text, 1 << 20);
    put_paragraphs(&text);
    desk_open(&d, rules, COUNT(rules));
    for (size_t i = 0; i < COUNT(calls); i++) {
        uint64_t before = matcher_work(d.matcher, 0)->calls;

        run(&d, text.data);
        calls[i] = matcher_work(d.matcher, 0)->calls - before;
        for (size_t k = 0; k < COUNT(rules); k++)
            EXPECT_INT(want[k], d.scanning.hits[k]);
        if (!i)
            use_sieve(&d);
    }
    EXPECT_TRUE(calls[0] > 10ULL * PARAGRAPHS);
    EXPECT_TRUE(calls[1] < 4ULL * PARAGRAPHS); /* ALL and TENTH need three; the others' come to some stretches */
    desk_close(&d);
    strbuf_release(&text);
}

RUN_TESTS(TEST(what_passes_the_sieve_is_tried_where_it_passed), TEST(header_rules_see_fields),
          TEST(body_rules_see_texts), TEST(mimeheader_rules_see_parts), TEST(a_message_without_anything_has_no_hits),
          TEST(a_shortcut_ends_it), TEST(a_rule_that_is_given_up_does_not_hit),
          TEST(what_is_left_when_the_time_is_up_is_told),
          TEST(a_rule_that_the_end_of_the_time_found_at_work_is_not_to_blame),
          TEST(lines_shorter_than_a_match_are_passed_over), TEST(bombs_cost_little),
          TEST(sub_rules_are_run_where_a_meta_needs_them), TEST(what_may_end_it_does_not_wait),
          TEST(what_waits_when_the_time_is_up_is_skipped))

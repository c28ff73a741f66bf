/* tests/unit/test_http_answer.c - verdicts in each protocol's words: what clients compare must say what we mean. */
#include "tests/kit/expect.h"

#include <jansson.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/http/answer.h"

static const struct symbol symbols[] = { { "BAD_THING", 700, "a bad thing" }, { "GOOD_THING", -5, "" }, { 0 } };

static enum step find_both(struct inquiry *q)
{
    finding_add(q, 1, "%s", "");
    finding_add(q, 0, "\"quoted\" \xff");
    return STEP_DONE;
}

static const struct check_module module = { .symbols = symbols, .run = find_both };

struct room {
    struct check checks[2];
    struct check_settings settings[2];
    int points[2];
    struct engine_conf conf;
    struct actions_conf actions;
    struct dress_conf headers;
    struct engine engine;
    struct pipeline *pipeline;
    struct head head;
    struct arena arena;
    struct verdict verdict;
    bool is_judged;
    struct answer answer;
    struct strbuf out;
    struct lines lines;
    struct original message;
};

static void on_verdict(void *arg, const struct verdict *verdict)
{
    struct room *r = arg;

    r->verdict = *verdict;
    r->is_judged = true;
}

static void judge(struct room *r, const char *message)
{
    static const struct message_limits limits = { 10000, 100 };
    int64_t end = clock_mono_ms() + 20000;

    r->pipeline = pipeline_new(&r->engine, "http");
    pipeline_take_message(r->pipeline, message_new(span_of(message), &limits));
    for (enum stage stage = STAGE_CONNECT; stage < STAGE_COUNT; stage++)
        pipeline_reach(r->pipeline, stage);
    pipeline_decide(r->pipeline, STAGE_MESSAGE, 0, on_verdict, r);
    while (!r->is_judged && clock_mono_ms() < end)
        loop_run_once(r->engine.loop, 50);
    EXPECT_TRUE(r->is_judged);
}

/* A check that counts and one in the shadow, both with two findings. */
static struct room *room_open(const char *first_line, const char *message)
{
    struct room *r = mem_alloc(sizeof *r);
    struct span line;

    r->points[0] = 700;
    r->points[1] = -5;
    r->conf = (struct engine_conf){
        .quick_most = 4, .heavy_most = 4, .deadline_ms = 2000, .lookups_most = 200, .transactions_most = 10
    };
    r->actions = (struct actions_conf){ .greylist = 400, .tag = 600, .reject = 1500, .subject = "" };
    r->headers = (struct dress_conf){ .received = true, .authentication_results = true, .spam = DRESS_SPAM_ALWAYS };
    for (unsigned i = 0; i < 2; i++) {
        r->checks[i] = (struct check){
            .name = i ? "shadowy" : "thing", .stage = STAGE_MESSAGE, .place = ON_LOOP, .module = &module
        };
        r->settings[i] = (struct check_settings){ .check = &r->checks[i],
                                                  .index = i,
                                                  .mode = i ? MODE_SHADOW : MODE_ENFORCE,
                                                  .points = r->points,
                                                  .budget_ms = 1000,
                                                  .bounds = { -5, 700, false, false } };
    }
    r->engine = (struct engine){ .loop = loop_new(),
                                 .hostname = "mx.example.org",
                                 .conf = &r->conf,
                                 .actions = &r->actions,
                                 .checks = r->settings,
                                 .check_count = 2 };
    r->engine.crew = crew_new(r->engine.loop, 1, 4, 4);
    arena_init(&r->arena, 1 << 20);
    EXPECT_INT(HEAD_OK, head_parse(&r->arena, span_of(first_line), &r->head, &line));
    strbuf_init(&r->out, 1 << 20);
    judge(r, message);
    r->answer = (struct answer){ .pipeline = r->pipeline,
                                 .verdict = &r->verdict,
                                 .actions = &r->actions,
                                 .dress = &r->headers,
                                 .head = &r->head,
                                 .arena = pipeline_session(r->pipeline)->tx_arena,
                                 .took_us = 210000,
                                 .lines = &r->lines };
    return r;
}

static void room_close(struct room *r)
{
    pipeline_free(r->pipeline);
    crew_free(r->engine.crew);
    loop_free(r->engine.loop);
    arena_release(&r->arena);
    strbuf_release(&r->out);
    free(r);
}

#define HTTP   "POST /checkv2 HTTP/1.1\r\n\r\n"
#define HEADER "From: a@example.com\r\nX-Spam-Flag: no\r\nSubject: hello\r\nMessage-ID: <x@y>\r\n\r\n"
#define MAIL   HEADER "body\r\n"

static json_t *answer_of(struct room *r, void (*write)(const struct answer *, struct strbuf *))
{
    answer_prepare(&r->answer);
    strbuf_clear(&r->out);
    write(&r->answer, &r->out);
    json_t *read = json_loadb(r->out.data, r->out.len, 0, NULL);

    assert_non_null(read);
    return read;
}

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void json_has_what_clients_of_rspamd_read(void **state)
{
    struct room *r = room_open(HTTP, MAIL);
    json_t *o = answer_of(r, answer_json), *symbol, *milter;

    (void)state;
    EXPECT_TRUE(json_is_false(json_object_get(o, "is_skipped")));
    EXPECT_TRUE(json_is_real(json_object_get(o, "score")));
    EXPECT_INT(695, (int)(json_real_value(json_object_get(o, "score")) * 100 + 0.5));
    EXPECT_STR("add header", text_at(o, "action"));
    EXPECT_STR("x@y", text_at(o, "message-id"));
    EXPECT_TRUE(json_is_real(json_object_get(o, "time_real")));
    EXPECT_TRUE(json_is_real(json_object_get(json_object_get(o, "thresholds"), "add header")));
    EXPECT_INT(2, json_object_size(json_object_get(o, "symbols")));
    symbol = json_object_get(json_object_get(o, "symbols"), "BAD_THING");
    EXPECT_STR("BAD_THING", text_at(symbol, "name"));
    EXPECT_TRUE(json_is_real(json_object_get(symbol, "score")));
    EXPECT_INT(7, (int)json_real_value(json_object_get(symbol, "score")));
    EXPECT_STR("a bad thing", text_at(symbol, "description"));
    EXPECT_STR("\"quoted\" \xef\xbf\xbd", json_string_value(json_array_get(json_object_get(symbol, "options"), 0)));
    EXPECT_NULL(json_object_get(json_object_get(json_object_get(o, "symbols"), "GOOD_THING"), "options"));
    EXPECT_NULL(json_object_get(o, "groups"));
    EXPECT_INT(0, json_object_size(json_object_get(o, "messages")));
    milter = json_object_get(o, "milter");
    EXPECT_NULL(json_object_get(json_object_get(milter, "add_headers"), "Received"));
    EXPECT_STR("YES", text_at(json_object_get(json_object_get(milter, "add_headers"), "X-Spam-Flag"), "value"));
    EXPECT_INT(0, json_integer_value(json_object_get(json_object_get(milter, "remove_headers"), "X-Spam-Flag")));
    assert_non_null(strstr(text_at(json_object_get(json_object_get(milter, "add_headers"), "X-Spam-Status"), "value"),
                           "required=6.00\n\ttests="));
    json_decref(o);
    room_close(r);
}

static void groups_come_when_they_are_asked_for(void **state)
{
    struct room *r = room_open(HTTP, MAIL);

    (void)state;
    r->answer.flags.groups = true;
    json_t *o = answer_of(r, answer_json), *group = json_object_get(json_object_get(o, "groups"), "thing");

    EXPECT_INT(695, (int)(json_real_value(json_object_get(group, "score")) * 100 + 0.5));
    json_decref(o);
    room_close(r);
}

static void actions_have_the_words_of_rspamd(void **state)
{
    static const struct {
        enum action action;
        const char *word, *milter_reject;
        bool has_message;
    } cases[] = {
        { ACTION_ACCEPT, "no action", NULL, false },
        { ACTION_TAG, "add header", NULL, false },
        { ACTION_GREYLIST, "soft reject", NULL, true },
        { ACTION_DEFER, "soft reject", NULL, true },
        { ACTION_QUARANTINE, "quarantine", "quarantine", true },
        { ACTION_REJECT, "reject", NULL, true },
        { ACTION_DISCARD, "discard", "discard", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct room *r = room_open(HTTP, MAIL);

        r->verdict.action = cases[i].action;
        r->actions.subject = cases[i].action == ACTION_TAG ? "" : "[SPAM] ";
        json_t *o = answer_of(r, answer_json);
        const char *message = text_at(json_object_get(o, "messages"), "smtp_message");

        EXPECT_STR(cases[i].word, text_at(o, "action"));
        EXPECT_TRUE((message != NULL && *message) == cases[i].has_message);
        if (cases[i].milter_reject)
            EXPECT_STR(cases[i].milter_reject, text_at(json_object_get(o, "milter"), "reject"));
        else
            EXPECT_NULL(json_object_get(json_object_get(o, "milter"), "reject"));
        /* a client that delivers it all the same has a mark to put on, and takes the forged one off */
        json_t *milter = json_object_get(o, "milter"), *added = json_object_get(milter, "add_headers");
        bool is_spam = cases[i].action == ACTION_TAG || cases[i].action >= ACTION_QUARANTINE;

        EXPECT_TRUE((json_object_get(added, "X-Spam-Flag") != NULL) == is_spam);
        assert_non_null(json_object_get(added, "X-Spam-Status"));
        assert_non_null(json_object_get(json_object_get(milter, "remove_headers"), "X-Spam-Flag"));
        EXPECT_NULL(json_object_get(added, "Subject"));
        json_decref(o);
        room_close(r);
    }
}

static void a_subject_is_told_and_not_added(void **state)
{
    static const char *const mails[] = { MAIL, "From: a@example.com\r\n\r\nbody\r\n" };

    (void)state;
    for (size_t i = 0; i < COUNT(mails); i++) {
        struct room *r = room_open(HTTP, mails[i]);

        r->actions.subject = "[SPAM] ";
        json_t *o = answer_of(r, answer_json);

        EXPECT_STR("rewrite subject", text_at(o, "action"));
        EXPECT_STR(i ? "[SPAM]" : "[SPAM] hello", text_at(o, "subject"));
        EXPECT_NULL(json_object_get(json_object_get(json_object_get(o, "milter"), "add_headers"), "Subject"));
        EXPECT_NULL(json_object_get(json_object_get(json_object_get(o, "milter"), "remove_headers"), "Subject"));
        json_decref(o);
        room_close(r);
    }
}

/* Only our own Authentication-Results go: the others keep their place, and ours are told by number. */
static void fields_are_removed_by_their_place_when_others_stay(void **state)
{
    struct room *r = room_open(HTTP, "Authentication-Results: other.example; spf=pass\r\n"
                                     "Authentication-Results: mx.example.org; spf=pass\r\n"
                                     "Authentication-Results: third.example; spf=pass\r\n"
                                     "authentication-results: mx.example.org; dkim=pass\r\n\r\n");
    json_t *o = answer_of(r, answer_json);
    json_t *places =
        json_object_get(json_object_get(json_object_get(o, "milter"), "remove_headers"), "Authentication-Results");

    (void)state;
    EXPECT_INT(2, json_array_size(places));
    EXPECT_INT(2, json_integer_value(json_array_get(places, 0)));
    EXPECT_INT(4, json_integer_value(json_array_get(places, 1)));
    json_decref(o);
    room_close(r);
}

static void legacy_json_has_all_in_default(void **state)
{
    struct room *r = room_open("POST /check HTTP/1.1\r\n\r\n", MAIL);
    json_t *o = answer_of(r, answer_json_legacy), *metric = json_object_get(o, "default");

    (void)state;
    EXPECT_TRUE(json_is_false(json_object_get(metric, "is_spam")));
    EXPECT_STR("add header", text_at(metric, "action"));
    EXPECT_STR("BAD_THING", text_at(json_object_get(metric, "BAD_THING"), "name"));
    EXPECT_STR("x@y", text_at(o, "message-id"));
    json_decref(o);
    room_close(r);
}

static void a_request_that_wants_no_verdict_gets_none(void **state)
{
    struct room *r = room_open(HTTP, MAIL);

    (void)state;
    r->answer.verdict = NULL;
    json_t *o = answer_of(r, answer_json);

    EXPECT_TRUE(json_is_true(json_object_get(o, "is_skipped")));
    EXPECT_STR("no action", text_at(o, "action"));
    EXPECT_INT(0, json_object_size(json_object_get(o, "symbols")));
    json_decref(o);
    room_close(r);
}

/* ---- RSPAMC ---- */

static void exim_reads_the_lines_that_it_expects(void **state)
{
    static const struct {
        enum action action;
        int score;
        const char *start;
    } cases[] = {
        { ACTION_ACCEPT, 123,
          "RSPAMD/1.3 0 EX_OK\r\nMetric: default; False; 1.23 / 15.00 / 0.0\r\nAction: no action\r\n" },
        { ACTION_REJECT, 1604,
          "RSPAMD/1.3 0 EX_OK\r\nMetric: default; True; 16.04 / 15.00 / 0.0\r\nAction: reject\r\n" },
        /* forced, against the score: the numbers go with the action */
        { ACTION_REJECT, 200,
          "RSPAMD/1.3 0 EX_OK\r\nMetric: default; True; 15.00 / 15.00 / 0.0\r\nAction: reject\r\n" },
        { ACTION_ACCEPT, 9900,
          "RSPAMD/1.3 0 EX_OK\r\nMetric: default; False; 14.99 / 15.00 / 0.0\r\nAction: no action\r\n" },
        { ACTION_DEFER, -250,
          "RSPAMD/1.3 0 EX_OK\r\nMetric: default; False; -2.50 / 15.00 / 0.0\r\nAction: soft reject\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct room *r = room_open("CHECK RSPAMC/1.3\r\n\r\n", MAIL);

        r->verdict.action = cases[i].action;
        r->verdict.score = cases[i].score;
        answer_prepare(&r->answer);
        answer_rspamc(&r->answer, &r->out);
        EXPECT_INT(0, strncmp(cases[i].start, r->out.data, strlen(cases[i].start)));
        assert_non_null(strstr(r->out.data, "Symbol: BAD_THING(7.00)\r\n"));
        assert_non_null(strstr(r->out.data, "Message-ID: x@y\r\n"));
        room_close(r);
    }
}

/* ---- SPAMC ---- */

static const char *spamc(struct room *r, const char *command, unsigned minor)
{
    r->head.protocol = PROTOCOL_SPAMC;
    r->head.method = span_of(command);
    r->head.minor = minor;
    answer_prepare(&r->answer);
    strbuf_clear(&r->out);
    answer_spamc(&r->answer, &r->out, &r->message);
    return r->out.data;
}

static void spamc_gets_what_its_version_knows(void **state)
{
    struct room *r = room_open(HTTP, MAIL);

    (void)state;
    EXPECT_STR("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 7.0 / 6.0\r\n\r\n", spamc(r, "CHECK", 5));
    EXPECT_STR("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 7.0 / 6.0\r\n\r\n", spamc(r, "CHECK", 2));
    EXPECT_STR("SPAMD/1.1 0 EX_OK\r\nContent-length: 20\r\nSpam: True ; 7.0 / 6.0\r\n\r\nBAD_THING,GOOD_THING",
               spamc(r, "SYMBOLS", 5));
    EXPECT_STR("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 7.0 / 6.0\r\n\r\nBAD_THING,GOOD_THING\r\n", spamc(r, "SYMBOLS", 2));
    EXPECT_INT(0, strncmp("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 7.0 / 6.0\r\n\r\nExamined", spamc(r, "REPORT", 2), 53));
    assert_non_null(strstr(spamc(r, "REPORT_IFSPAM", 5), "Spam: Yes ; 7.0 / 6.0\r\n\r\nExamined by"));
    assert_non_null(strstr(r->out.data, "\n 7.0 BAD_THING              a bad thing\n"));
    r->verdict.action = ACTION_ACCEPT;
    r->verdict.score = 100;
    EXPECT_STR("SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: No ; 1.0 / 6.0\r\n\r\n", spamc(r, "REPORT_IFSPAM", 3));
    room_close(r);
}

static void spamc_compares_numbers_that_go_with_the_verdict(void **state)
{
    static const struct {
        enum action action;
        int score;
        const char *line;
    } cases[] = {
        { ACTION_TAG, 596, "Spam: True ; 6.0 / 6.0" },          { ACTION_ACCEPT, 596, "Spam: False ; 5.9 / 6.0" },
        { ACTION_REJECT, 0, "Spam: True ; 6.0 / 6.0" },         { ACTION_ACCEPT, -12, "Spam: False ; -0.1 / 6.0" },
        { ACTION_ACCEPT, -16, "Spam: False ; -0.2 / 6.0" },     { ACTION_DEFER, 300, "Spam: False ; 3.0 / 6.0" },
        { ACTION_QUARANTINE, 2000, "Spam: True ; 20.0 / 6.0" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct room *r = room_open(HTTP, MAIL);

        r->verdict.action = cases[i].action;
        r->verdict.score = cases[i].score;
        assert_non_null(strstr(spamc(r, "CHECK", 5), cases[i].line));
        room_close(r);
    }
}

static size_t joined(struct room *r, char *out, size_t size)
{
    struct span stretch;
    size_t n = 0;

    while (original_next(&r->message, &stretch))
        for (size_t k = 0; k < stretch.len && n + 1 < size; k++)
            out[n++] = stretch.ptr[k];
    out[n] = '\0';
    return n;
}

static void the_message_comes_back_whole_or_its_header_alone(void **state)
{
    struct room *r = room_open(HTTP, MAIL);
    char text[4000], length[64];

    (void)state;
    spamc(r, "PROCESS", 5);
    size_t bytes = joined(r, text, sizeof text);

    snprintf(length, sizeof length, "\r\nContent-length: %zu\r\nSpam: True ; 7.0 / 6.0\r\n\r\n", bytes);
    assert_non_null(strstr(r->out.data, length));
    assert_non_null(strstr(text, "X-Spam-Flag: YES\r\n"));
    assert_null(strstr(text, "X-Spam-Flag: no"));
    EXPECT_STR("\r\n\r\nbody\r\n", text + bytes - 10);
    spamc(r, "HEADERS", 5);
    bytes = joined(r, text, sizeof text);
    snprintf(length, sizeof length, "\r\nContent-length: %zu\r\n", bytes);
    assert_non_null(strstr(r->out.data, length));
    EXPECT_STR("<x@y>\r\n\r\n", text + bytes - 9);
    spamc(r, "PROCESS", 2);
    EXPECT_NULL(strstr(r->out.data, "Spam:"));
    /* for who sent LF, the length is that of what goes back with LF */
    r->lines.has_lf_first = true;
    spamc(r, "PROCESS", 5);
    bytes = joined(r, text, sizeof text);
    assert_null(strchr(text, '\r'));
    EXPECT_STR("\n\nbody\n", text + bytes - 7);
    snprintf(length, sizeof length, "\r\nContent-length: %zu\r\n", bytes);
    assert_non_null(strstr(r->out.data, length));
    room_close(r);
}

/* spamc has no word for "refuse it": what comes back is delivered. */
static void spam_comes_back_marked_however_hard_the_verdict_is(void **state)
{
    static const enum action actions[] = { ACTION_TAG, ACTION_QUARANTINE, ACTION_REJECT, ACTION_DISCARD };
    char text[4000];

    (void)state;
    for (size_t i = 0; i < COUNT(actions); i++) {
        struct room *r = room_open(HTTP, MAIL);

        r->verdict.action = actions[i];
        r->actions.subject = "[SPAM] ";
        assert_non_null(strstr(spamc(r, "PROCESS", 5), "Spam: True ; "));
        joined(r, text, sizeof text);
        assert_non_null(strstr(text, "X-Spam-Flag: YES\r\n"));
        assert_non_null(strstr(text, "X-Spam-Status: Yes, "));
        assert_non_null(strstr(text, "Subject: [SPAM] hello\r\n"));
        assert_null(strstr(text, "X-Spam-Flag: no"));
        room_close(r);
    }
}

RUN_TESTS(TEST(json_has_what_clients_of_rspamd_read), TEST(groups_come_when_they_are_asked_for),
          TEST(actions_have_the_words_of_rspamd), TEST(a_subject_is_told_and_not_added),
          TEST(fields_are_removed_by_their_place_when_others_stay), TEST(legacy_json_has_all_in_default),
          TEST(a_request_that_wants_no_verdict_gets_none), TEST(exim_reads_the_lines_that_it_expects),
          TEST(spamc_gets_what_its_version_knows), TEST(spamc_compares_numbers_that_go_with_the_verdict),
          TEST(the_message_comes_back_whole_or_its_header_alone),
          TEST(spam_comes_back_marked_however_hard_the_verdict_is))

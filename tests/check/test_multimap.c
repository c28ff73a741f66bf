/* tests/check/test_multimap.c - selectors, and the operator's lists about what they select. */
#include "rules/lists/multimap.h"

#include "rules/lists/selector.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

static const char letter[] = "From: \"Anna Berg\" <Anna@News.Example.co.uk>\n"
                             "To: bob@example.net, Carl <carl@example.net>\n"
                             "Reply-To: anna.berg@gmail.com\n"
                             "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= from afar\n"
                             "X-Mailer: Old Mailer 2\n"
                             "X-Mailer: Another\n"
                             "MIME-Version: 1.0\n"
                             "Content-Type: multipart/mixed; boundary=b\n"
                             "\n"
                             "--b\n"
                             "Content-Type: text/plain\n"
                             "\n"
                             "See https://www.shop.example.co.uk/a?b=c or write to dora@example.org.\n"
                             "--b\n"
                             "Content-Type: application/octet-stream\n"
                             "Content-Disposition: attachment; filename=\"Report.v2.ISO\"; filename=other.Exe\n"
                             "Content-Transfer-Encoding: base64\n"
                             "\n"
                             "QUJDREVG\n"
                             "--b--\n";

static struct desk *desk_of(const char *conf)
{
    struct desk *d = desk_open(&multimap_module, conf);

    desk_client(d, "192.0.2.7");
    desk_helo(d, "mail.example.org");
    desk_from(d, "bounce@lists.example.org");
    desk_rcpt(d, "bob@example.net");
    desk_rcpt(d, "carl@example.net");
    desk_message(d, letter);
    return d;
}

/* All values, joined by "|". */
static const char *selected(struct arena *a, struct desk *d, const char *text)
{
    struct selector selector;
    struct selected *values;
    struct inquiry q = { .session = &d->session,
                         .message = d->message,
                         .evidence = &d->evidence,
                         .arena = a,
                         .now_ms = d->now_ms,
                         .run = &d->run };
    const char *wrong = selector_parse(a, text, &selector);
    const char *all = "";

    if (wrong)
        return wrong;
    size_t count = selector_values(&selector, &q, &values);

    for (size_t i = 0; i < count; i++)
        all = arena_printf(a, "%s%s%.*s", all, i ? "|" : "", SPAN_ARG(values[i].text));
    return all;
}

static void each_selector_selects(void **state)
{
    static const struct {
        const char *select, *values;
    } cases[] = {
        { "ip", "192.0.2.7" },
        { "helo", "mail.example.org" },
        { "helo.registrable", "example.org" },
        { "hostname", "" },
        { "user", "" },
        { "from", "bounce@lists.example.org" },
        { "from.domain", "lists.example.org" },
        { "from.local", "bounce" },
        { "from(mime)", "Anna@News.Example.co.uk" },
        { "from(mime).name", "Anna Berg" },
        { "from(mime).name.lower", "anna berg" },
        { "from(mime).domain.registrable", "example.co.uk" },
        { "rcpt", "bob@example.net|carl@example.net" },
        { "rcpt.count", "2" },
        { "to.local", "bob|carl" },
        { "reply_to.domain", "gmail.com" },
        { "subject", "Grüße from afar" },
        { "subject.last(4)", "afar" },
        { "header(X-Mailer)", "Old Mailer 2|Another" },
        { "header(X-Mailer).first(3)", "Old|Ano" },
        { "header(X-None)", "" },
        { "header(X-None).count", "0" },
        { "url_host", "www.shop.example.co.uk" },
        { "url_host.registrable", "example.co.uk" },
        { "email", "dora@example.org" },
        { "attachment.name", "Report.v2.ISO|other.Exe" },
        { "attachment.name.extension.lower", "iso|exe" },
        { "attachment.type", "application/octet-stream" },
        { "attachment.size", "6" },
        { "attachment.count", "1" },
        { "subject.length", "17" },
    };

    (void)state;
    struct desk *d = desk_of(NULL);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;

        arena_init(&a, 1 << 20);
        EXPECT_STR(cases[i].values, selected(&a, d, cases[i].select));
        arena_release(&a);
    }
    desk_close(d);
}

static void what_is_no_selector_is_told(void **state)
{
    static const struct {
        const char *select, *wrong;
    } cases[] = {
        { "", "selects nothing" },
        { "colour", "colour is nothing to select" },
        { "header", "selects which field" },
        { "header()", "selects which field" },
        { "header(X", "selects nothing" },
        { "ip(4)", "takes nothing in parentheses" },
        { "from(smtp)", "from(mime) the header field's" },
        { "from.", "selects nothing" },
        { "from..domain", "has a step that is none" },
        { "from.lower", "lower cannot be made of an address; write one of: count, domain, local, name" },
        { "subject.domain", "domain cannot be made of a text" },
        { "subject.first", "takes a number" },
        { "subject.first(0)", "takes a number" },
        { "subject.first(x)", "takes a number" },
        { "subject.lower(2)", "takes nothing in parentheses" },
        { "attachment", "attachment is no text" },
        { "subject.lower.lower.lower.lower.lower.lower.lower.lower.lower", "more than 8 steps" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        struct selector selector;

        arena_init(&a, 1 << 20);
        const char *wrong = selector_parse(&a, cases[i].select, &selector);

        assert_non_null(wrong);
        if (!strstr(wrong, cases[i].wrong))
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].select, wrong, cases[i].wrong);
        arena_release(&a);
    }
}

static void what_a_map_has_is_found(void **state)
{
    static const struct {
        const char *conf, *symbol, *reason;
        int points;
    } cases[] = {
        { "map \"disk images\" { select = \"attachment.name.extension\" entries = {\"iso\", \"img\"} score = 4 }",
          "MAP_DISK_IMAGES", "attachment.name.extension: ISO is in map \"disk images\" as iso", 400 },
        { "map \"m\" { select = \"attachment.name\" entries = {\"/^report.*iso$/\"} score = 1 symbol = \"REPORT\" }",
          "REPORT", "attachment.name: Report.v2.ISO is in map \"m\" as /^report.*iso$/", 100 },
        { "map \"net\" { select = \"ip\" entries = {\"192.0.2.0/24\"} score = -1 }", "MAP_NET",
          "ip: 192.0.2.7 is in map \"net\" as 192.0.2.0/24", -100 },
        { "map \"dom\" { select = \"url_host\" entries = {\".example.co.uk\"} score = 2 }", "MAP_DOM",
          "url_host: www.shop.example.co.uk is in map \"dom\" as .example.co.uk", 200 },
        { "map \"who\" { select = \"reply_to\" entries = {\"anna.berg@gmail.com\"} score = 2 }", "MAP_WHO",
          "reply_to: anna.berg@gmail.com is in map \"who\" as anna.berg@gmail.com", 200 },
        { "map \"many\" { select = \"rcpt.count\" least = 2 score = 2 }", "MAP_MANY",
          "rcpt.count: 2 is in map \"many\"", 200 },
        { "map \"few\" { select = \"rcpt.count\" most = 1 score = 2 }", NULL, NULL, 0 },
        { "map \"other\" { select = \"from(mime).domain\" not = yes entries = {\"example.org\"} score = 2 }",
          "MAP_OTHER", "from(mime).domain: none of 1 is in map \"other\", such as News.Example.co.uk", 200 },
        { "map \"none\" { select = \"user\" not = yes entries = {\"anna\"} score = 2 }", NULL, NULL, 0 },
        { "map \"none\" { select = \"user\" entries = {\"anna\"} score = 2 }", NULL, NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_of(cases[i].conf);
        struct demand demand;

        desk_settle(d);
        EXPECT_INT(cases[i].points, desk_points(d));
        if (cases[i].symbol) {
            assert_non_null(desk_finding(d, cases[i].symbol));
            EXPECT_STR(cases[i].reason, desk_finding(d, cases[i].symbol)->reason);
        }
        EXPECT_FALSE(desk_forced(d, &demand));
        desk_close(d);
    }
}

static void a_long_text_hides_nothing(void **state)
{
    static const size_t places[] = { 10, 65530, 65536, 200000, 1000000 };

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct desk *d =
            desk_open(&multimap_module, "map \"x\" { select = \"text\" entries = {\"/needle in a stack/\"} "
                                        "score = 1 }");
        struct strbuf text;

        strbuf_init(&text, 2 << 20);
        strbuf_puts(&text, "From: a@example.org\n\n");
        for (size_t line = 0; line < places[i] / 10; line++)
            strbuf_puts(&text, "hay hay h\n");
        strbuf_puts(&text, "needle in a stack\n");
        for (size_t line = 0; line < 20000; line++)
            strbuf_puts(&text, "hay hay h\n");
        strbuf_putc(&text, '\0');
        desk_message(d, text.data);
        strbuf_release(&text);
        desk_settle(d);
        EXPECT_INT(100, desk_points(d));
        desk_close(d);
    }
}

static void files_are_known_by_what_readers_make_of_them(void **state)
{
    static const struct {
        const char *fields, *select, *values;
    } cases[] = {
        { "Content-Type: application/x-msdownload\n", "attachment.type", "application/x-msdownload" },
        { "Content-Type: application/x-msdownload\n", "attachment.count", "1" },
        { "Content-Type: text/plain\n", "attachment.count", "0" },
        { "Content-Type: image/png\n", "attachment.count", "0" },
        { "Content-Type: image/png; name=\"a.exe.\"\n", "attachment.name.extension", "exe" },
        { "Content-Type: image/png; name=\"a.exe . \"\n", "attachment.name.extension", "exe" },
        { "Content-Type: image/png; name=\"...\"\n", "attachment.name.extension", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&multimap_module, NULL);
        struct arena a;

        arena_init(&a, 1 << 20);
        desk_message(d, arena_printf(&a, "MIME-Version: 1.0\n%s\nabc\n", cases[i].fields));
        EXPECT_STR(cases[i].values, selected(&a, d, cases[i].select));
        arena_release(&a);
        desk_close(d);
    }
}

static void a_map_may_refuse(void **state)
{
    struct desk *d = desk_of("map \"x\" { select = \"from.domain\" entries = {\"lists.example.org\"} action = reject "
                             "text = \"5.7.1 Not from there\" }");
    struct demand demand;

    (void)state;
    desk_settle(d);
    EXPECT_TRUE(desk_forced(d, &demand));
    EXPECT_INT(ACTION_REJECT, demand.action);
    EXPECT_STR("5.7.1 Not from there", demand.text);
    desk_close(d);
}

/* What was not looked at is said; texts cost nothing, and are. */
static void expressions_have_their_time(void **state)
{
    static const struct {
        const char *conf, *symbols;
    } cases[] = {
        { "map x { select = \"subject\" entries = {\"/afar/\"} score = 1 }", "MAPS_LEFT_OUT" },
        { "map x { select = \"subject\" entries = {\"/nothing/\"} not = yes score = 1 }", "MAPS_LEFT_OUT" },
        { "map x { select = \"header(X-Mailer)\" entries = {\"/old/\", another} score = 1 }", "MAP_X" },
        { "map x { select = \"helo\" entries = {\"mail.example.org\"} score = 1 }", "MAP_X" },
        { "map x { select = \"subject\" entries = {nothing} not = yes score = 1 }", "MAP_X" },
        { "map x { select = \"header(X-None)\" entries = {\"/a/\"} score = 1 }", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[300], found[512];

        snprintf(conf, sizeof conf, "time = 0ms\n%s", cases[i].conf);
        struct desk *d = desk_of(conf);

        desk_settle(d);
        if (strcmp(cases[i].symbols, desk_symbols(d, found)) != 0)
            fail_msg("%s: %s", cases[i].conf, found);
        EXPECT_INT(strcmp(found, "MAPS_LEFT_OUT") == 0, d->run.raised_count);
        desk_close(d);
    }
    struct desk *d = desk_of("time = 0ms\nmap x { select = \"subject\" entries = {\"/afar/\"} score = 1 }");

    desk_settle(d);
    EXPECT_STR("subject: the time for regular expressions was up, map \"x\" has not seen all of 1",
               desk_finding(d, "MAPS_LEFT_OUT")->reason);
    desk_close(d);
    d = desk_of("map x { select = \"text\" entries = {\"/(w+)+[.]$/\"} score = 1 }");
    desk_message(d, "Subject: s\n\nwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww.x\n");
    desk_settle(d);
    EXPECT_STR("text: a regular expression of map \"x\" took too many steps and was given up",
               desk_finding(d, "MAPS_LEFT_OUT")->reason);
    EXPECT_INT(1, d->run.raised_count);
    desk_close(d);
}

static void faults_of_the_configuration_are_told(void **state)
{
    static const struct {
        const char *conf, *says;
    } cases[] = {
        { "map x { entries = {a} score = 1 }", "'select' is missing" },
        { "map x { select = \"colour\" entries = {a} score = 1 }", "select = \"colour\": colour is nothing to select" },
        { "map x { select = \"helo\" score = 1 }", "a map without entries" },
        { "map x { select = \"helo\" least = 2 score = 1 }", "is a domain; least and most are for numbers" },
        { "map x { select = \"size\" entries = {2} score = 1 }", "is a number; write least = N" },
        { "map x { select = \"helo\" entries = {a} }", "a map that does nothing" },
        { "map x { select = \"helo\" entries = {\"a@b\"} score = 1 }", "the entry \"a@b\" is no domain" },
        { "map x { select = \"subject\" entries = {\"/(/\"} score = 1 }", "the entry \"/(/\"" },
        { "map x { select = \"helo\" entries = {a} score = 1 symbol = \"A B\" }", "symbol = \"A B\" is no name" },
        { "map x { select = \"helo\" entries = {a} action = reject text = \"a\\nb\" }", "others than ASCII's" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf faults;
        void *values = NULL;

        strbuf_init(&faults, 10000);
        EXPECT_NULL(conf_load_text(multimap_module.section, "t", span_of(cases[i].conf), &values, &faults));
        if (!strstr(faults.data, cases[i].says))
            fail_msg("case %zu: %s", i, faults.data);
        strbuf_release(&faults);
    }
}

RUN_TESTS(TEST(each_selector_selects), TEST(what_is_no_selector_is_told), TEST(what_a_map_has_is_found),
          TEST(a_long_text_hides_nothing), TEST(files_are_known_by_what_readers_make_of_them), TEST(a_map_may_refuse),
          TEST(expressions_have_their_time), TEST(faults_of_the_configuration_are_told))

/* tests/unit/test_conf.c - gateway.conf into typed structs: values, faults, and how it is shown. */
#include <stdlib.h>

#include "tests/kit/expect.h"
#include "tests/kit/sample_conf.h"

static struct conf *load(const char *text, struct sample **root, struct strbuf *faults)
{
    void *values = NULL;

    strbuf_init(faults, 65536);
    struct conf *conf = conf_load_text(&sample_section, "t", span_of(text), &values, faults);

    *root = values;
    return conf;
}

static struct conf *load_well(const char *text, struct sample **root)
{
    struct strbuf faults;
    struct conf *conf = load(text, root, &faults);

    if (!conf)
        fail_msg("%s", faults.data);
    EXPECT_INT(0, faults.len);
    strbuf_release(&faults);
    return conf;
}

static void every_type_is_filled(void **state)
{
    struct sample *root;
    struct conf *conf = load_well("hostname = mx.example.org   # a comment\n"
                                  "even = 4 // another\n"
                                  "/* and\n one more */ smtp {\n"
                                  "  listen = { \"0.0.0.0:25\", '[::]:25', unix:/run/p.sock, }\n"
                                  "  relay_clients = {192.0.2.0/24, \"2001:db8::/32\"}\n"
                                  "  domains = one.example\n"
                                  "  timeout = 90s message_bytes = 256KiB early = yes\r\n"
                                  "  password = \"a\\\"b\\\\c\\n\"\n"
                                  "  route \"x.example\" { next_hop = 'smtp://\\\\' }\n"
                                  "  route y.example { next_hop = smtp://127.0.0.1:10025 weight = -5 }\n"
                                  "  tls { mode = encrypt }\n"
                                  "}\n"
                                  "check dnsbl { zone \"a\" { score = 6.5 } zone \"b\" { } }\n",
                                  &root);

    (void)state;
    EXPECT_STR("mx.example.org", root->hostname);
    EXPECT_INT(4, root->even);
    EXPECT_INT(3, root->smtp.listen.count);
    EXPECT_INT(25, root->smtp.listen.items[1].port);
    EXPECT_STR("/run/p.sock", root->smtp.listen.items[2].path);
    EXPECT_INT(2, root->smtp.relay_clients.count);
    EXPECT_INT(24, root->smtp.relay_clients.items[0].bits);
    EXPECT_INT(1, root->smtp.domains.count);
    EXPECT_STR("one.example", root->smtp.domains.items[0]);
    EXPECT_INT(90000, root->smtp.timeout_ms);
    EXPECT_INT(262144, root->smtp.message_bytes);
    EXPECT_TRUE(root->smtp.is_early);
    EXPECT_STR("a\"b\\c\n", root->smtp.password);
    const struct route *routes = root->smtp.routes.items;

    EXPECT_INT(2, root->smtp.routes.count);
    EXPECT_STR("x.example", routes[0].title);
    EXPECT_STR("smtp://\\", routes[0].next_hop);
    EXPECT_INT(10, routes[0].weight);
    EXPECT_STR("y.example", routes[1].title);
    EXPECT_STR("smtp://127.0.0.1:10025", routes[1].next_hop);
    EXPECT_INT(-5, routes[1].weight);
    EXPECT_INT(2, root->smtp.tls.mode);
    EXPECT_INT(1, root->checks.count);
    const struct dnsbl *dnsbl = ((void **)root->checks.items)[0];

    EXPECT_STR("dnsbl", dnsbl->title);
    EXPECT_INT(3, dnsbl->mode);
    EXPECT_INT(1050, dnsbl->sum);
    const struct spf *spf = conf_by_title(conf, &check_section, "spf");

    EXPECT_INT(-150, spf->points);
    EXPECT_STR("spf", spf->title);
    EXPECT_TRUE(conf_by_title(conf, &check_section, "dnsbl") == (const void *)dnsbl);
    EXPECT_NULL(conf_by_title(conf, &check_section, "none"));
    conf_free(conf);
}

static void faults_say_where_and_what(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *says; /* part of it */
    } cases[] = {
        /* names */
        { "hostnam = \"x\"", 1, "unknown key 'hostnam'; did you mean 'hostname'?" },
        { "hsotname = \"x\"", 1, "did you mean 'hostname'?" },
        { "\n\nfrobnicate = 1", 3, "`postern config default` lists the keys" },
        { "smtp {\n lsten = {\"a:1\"}\n}", 2, "unknown key 'lsten' in smtp; did you mean 'listen'?" },
        { "check \"spf\" {\n zone \"x\" { }\n}", 2, "unknown key 'zone' in check \"spf\"" },
        { "check \"spff\" { mode = off }", 1, "there is no check \"spff\"; did you mean \"spf\"?" },
        { "check \"quite other\" { }", 1, "`postern config default` lists them" },
        { "check:spf \"spf\" { }", 1, "unknown key 'check:spf'" },
        { "__at = 3", 1, "unknown key '__at'" },
        { "smtp|timeout = 3s", 1, "'|' stands outside of quotes" },
        { "include = \"x\"", 1, "unknown key 'include'" },
        { "HOSTNAME = x", 1, "did you mean 'hostname'?" },
        /* repetitions */
        { "hostname = a\nhostname = b", 2, "'hostname' was given at t:1 already" },
        { "smtp { }\n\nsmtp { early = yes }", 3, "'smtp' was given at t:1 already" },
        { "check \"spf\" { }\ncheck spf { mode = off }", 2, "check \"spf\" was given at t:1 already" },
        { "smtp {\n route \"a\" { next_hop = x }\n route 'a' { next_hop = y } }", 3, "route \"a\" was given at t:2" },
        /* forms */
        { "hostname \"x\"", 1, "write hostname = and a value" },
        { "hostname =\n", 2, "the file ends here; write a value" },
        { "hostname = { \"a\" }", 1, "'hostname' takes one value, not a list; write hostname = \"...\"" },
        { "smtp = { }", 1, "'smtp' is a section, not a value; write smtp { ... }" },
        { "check = \"spf\"", 1, "write check \"title\" { ... }" },
        { "check { mode = off }", 1, "'{' stands here; write a title: check \"...\" {" },
        { "check \"\" { }", 1, "a title of 1 to 255 characters" },
        { "smtp \"x\" { }", 1, "write '{' to open the section" },
        { "\nsmtp {\n early = yes\n", 2, "the section 'smtp' is never closed" },
        { "smtp { early = yes } }", 1, "no section is open" },
        { "smtp {\n listen = { \"a:1\" \"b:2\" }\n}", 2, "',' between the values of a list" },
        { "smtp {\n listen = { \"a:1\", , }\n}", 2, "write a value, or '}'" },
        { "smtp {\n listen = { \"a:1\",\n", 3, "write a value, or '}'" },
        { "smtp { domains += {\"a\"} }", 1, "there is no '+'" },
        { "\"hostname\" = x", 1, "write a key here, without quotes" },
        { "hostname = x;", 1, "there is no ';'" },
        { "hostname = a*b", 1, "'*' stands outside of quotes" },
        { "hostname = b\xc3\xbc", 1, "other than ASCII stands outside of quotes" },
        { "smtp { domains = a, b }", 1, "write a list in braces: domains = {" },
        { "hostname = a, b", 1, "write one value: 'hostname' takes no list" },
        /* strings and comments */
        { "smtp { password = abc#def }", 1, "'#' stands right behind a word" },
        { "hostname = \"x\neven = 2\"", 1, "does not end on its line" },
        { "hostname = 'x", 1, "does not end on its line" },
        { "hostname = \"x\\", 1, "backslash" },
        { "hostname = \"\\d\"", 1, "write \\\\ for a backslash" },
        { "hostname = \"\\x41\"", 1, "write \\\\ for a backslash" },
        { "hostname = \"\\9\"", 1, "write \\\\ for a backslash" },
        { "hostname = \"a${HOME}b\"", 1, "write {env:NAME}" },
        { "hostname = ${HOME}", 1, "'$' stands outside of quotes" },
        { "hostname = x\n/* no end\n", 2, "a comment has no end" },
        { "hostname = x\n\x01", 2, "control character (0x01)" },
        { "hostname = \"a\x7f\"", 1, "control character (0x7f)" },
        /* values */
        { "smtp { timeout = 90 }", 1, "timeout = \"90\" is no duration" },
        { "smtp { timeout = \"3 s\" }", 1, "is no duration" },
        { "smtp { timeout = 3S }", 1, "is no duration" },
        { "smtp { timeout = 99999999d }", 1, "is no duration" },
        { "smtp {\n\n timeout\n=\n\"50ms\" }", 5, "is out of range; write 100ms to 1h" },
        { "smtp { timeout = 61m }", 1, "is out of range; write 100ms to 1h" },
        { "smtp { message_bytes = 10MB }", 1, "is no size" },
        { "smtp { message_bytes = 99999999999GiB }", 1, "is no size" },
        { "smtp { message_bytes = -1 }", 1, "is no size" },
        { "smtp { message_bytes = 0 }", 1, "out of range; write at least 1KiB" },
        { "smtp { early = maybe }", 1, "is neither yes nor no" },
        { "smtp { early = \"\" }", 1, "is neither yes nor no" },
        { "smtp { tls { mode = must } }", 1, "write one of: none may encrypt" },
        { "smtp { tls { cert = \"/nonexistent/x\" } }", 1, "cannot be opened as /nonexistent/x (No such file" },
        { "smtp { tls { cert = \"/tmp\" } }", 1, "is a folder; name a file" },
        { "smtp { relay_clients = {\n\"192.0.2.0/24\",\n\"192.0.2.1/24\" } }", 3, "write \"192.0.2.0/24\"" },
        { "smtp { relay_clients = \"192.0.2.0/33\" }", 1, "is no address or network" },
        { "smtp { relay_clients = {example.org} }", 1, "is no address or network" },
        { "smtp { listen = {\"127.0.0.1\"} }", 1, "is no address with a port" },
        { "smtp { listen = {\"a:65536\"} }", 1, "is no address with a port" },
        { "smtp { listen = {\"a:1\",\n \"a:1\"} }", 2, "stands in this list twice" },
        { "smtp { route \"a\" {\n weight = 1.5 next_hop = x } }", 2, "is no whole number" },
        { "smtp { route \"a\" {\n next_hop = x weight = 101 } }", 2, "is out of range; write -5 to 100" },
        { "smtp { route \"a\" { weight = 9223372036854775808 next_hop = x } }", 1, "is no whole number" },
        { "smtp {\n route \"a\" { } }", 2, "route \"a\": 'next_hop' is missing; write next_hop = \"...\"" },
        { "check \"spf\" { score = 1.234 }", 1, "is no score" },
        { "check \"spf\" { score = 1000.01 }", 1, "is no score" },
        { "check \"spf\" { score = . }", 1, "is no score" },
        { "check \"dnsbl\" {\n zone \"a\" { score = 20.01 } }", 2, "is out of range; write -20 to 20" },
        { "even = 2\n# x\ncheck \"dnsbl\" { zone \"a\" { score = 20 } zone \"b\" { score = 20 } zone c { score = 20 }\n"
          "zone d { score = 20 } zone e { score = 20 } zone f { score = 20 } }",
          3, "check \"dnsbl\": scores add up to 120; write less" },
        { "even = 3", 1, "even = \"3\" is odd; write 4" },
        /* includes and secrets */
        { "include(\"/nonexistent/a.conf\")", 1, "/nonexistent/a.conf does not exist" },
        { "include(\"\")", 1, "no file is named here" },
        { "include(a", 1, "write include(\"conf.d/*.conf\")" },
        { "hostname = \"{env:POSTERN_TEST_NOT_SET}\"", 1, "no variable POSTERN_TEST_NOT_SET" },
        { "hostname = \"{env:X\"", 1, "a reference has no end" },
        { "hostname = \"{file:/nonexistent}\"", 1, "/nonexistent cannot be opened" },
        { "hostname = \"{file:/tmp}\"", 1, "cannot be read; name a regular file" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sample *root;
        struct strbuf faults;
        struct conf *conf = load(cases[i].text, &root, &faults);
        char start[32];

        snprintf(start, sizeof start, "t:%d: ", cases[i].line);
        if (conf || !faults.len || strncmp(faults.data, start, strlen(start)) || !strstr(faults.data, cases[i].says))
            fail_msg("case %zu: %s\nwanted %s...%s...\ngot    %s", i, cases[i].text, start, cases[i].says,
                     faults.data ? faults.data : "no fault");
        if (strchr(faults.data, '\n') != faults.data + faults.len - 1)
            fail_msg("case %zu: more than one fault: %s", i, faults.data);
        EXPECT_NULL(root);
        strbuf_release(&faults);
    }
}

static void all_faults_are_told_in_the_order_of_the_file(void **state)
{
    struct sample *root;
    struct strbuf faults;
    struct conf *conf = load("hostnam = x\n"
                             "even = 5\n"
                             "smtp { timeout = 3 }\n"
                             "frob \"x\" { a = b  c { d = {e} } }\n"
                             "smtp { early = no }\n"
                             "check \"spf\" { mode = \"on\" }\n",
                             &root, &faults);

    (void)state;
    EXPECT_NULL(conf);
    struct span rest = strbuf_span(&faults), line;
    static const char *const want[] = { "t:1: ", "t:2: ", "t:3: ", "t:4: ", "t:5: ", "t:6: " };

    for (size_t i = 0; i < COUNT(want); i++) {
        EXPECT_TRUE(span_cut(&rest, '\n', &line));
        EXPECT_SPAN(want[i], span_first(line, 5));
    }
    EXPECT_INT(0, rest.len);
    strbuf_release(&faults);
}

static void faults_are_counted_not_endless(void **state)
{
    struct sample *root;
    struct strbuf faults, text;

    (void)state;
    strbuf_init(&text, 100000);
    for (int i = 0; i < 5000; i++)
        strbuf_putf(&text, "frob%d = 1\n", i);
    EXPECT_NULL(load(text.data, &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "and perhaps more") != NULL);
    EXPECT_FALSE(faults.is_full);
    strbuf_release(&faults);
    strbuf_release(&text);
}

static void initial_values_need_no_file(void **state)
{
    void *values = NULL;
    struct strbuf faults;

    (void)state;
    strbuf_init(&faults, 1000);
    struct conf *conf = conf_load(&sample_section, NULL, &values, &faults);
    const struct sample *root = values;

    EXPECT_STR("localhost", root->hostname);
    EXPECT_INT(2, root->smtp.listen.count);
    EXPECT_INT(2, root->smtp.domains.count);
    EXPECT_STR("b.example", root->smtp.domains.items[1]);
    EXPECT_INT(300000, root->smtp.timeout_ms);
    EXPECT_INT(10485760, root->smtp.message_bytes);
    EXPECT_STR("", root->smtp.password);
    EXPECT_STR("", root->smtp.tls.cert);
    EXPECT_INT(0, root->checks.count);
    EXPECT_INT(0, conf_files(conf)->count);
    EXPECT_INT(64, strlen(conf_digest(conf)));
    conf_free(conf);
}

static void what_is_required_is_missed_in_an_empty_file(void **state)
{
    static const struct conf_key keys[] = {
        { .name = "must", .type = CONF_INT, .is_required = true, .least = "3" },
        { 0 },
    };
    static const struct conf_section section = { .name = "root", .size = sizeof(int64_t), .keys = keys };
    struct strbuf faults;
    void *values = NULL;

    (void)state;
    strbuf_init(&faults, 1000);
    EXPECT_NULL(conf_load_text(&section, "t", SPAN("# nothing\n"), &values, &faults));
    EXPECT_STR("t:1: 'must' is missing; write must = 3\n", faults.data);
    struct conf *conf = conf_load(&section, NULL, &values, &faults);

    EXPECT_TRUE(conf != NULL);
    conf_free(conf);
    strbuf_release(&faults);
}

static void an_empty_list_is_not_the_initial_one(void **state)
{
    struct sample *root;
    struct conf *conf = load_well("smtp { listen = {} }", &root);

    (void)state;
    EXPECT_INT(0, root->smtp.listen.count);
    conf_free(conf);
}

static char *digest_of(const char *text)
{
    static char digests[4][65];
    static unsigned next;
    struct sample *root;
    struct conf *conf = load_well(text, &root);
    char *digest = digests[next++ % 4];

    snprintf(digest, 65, "%s", conf_digest(conf));
    conf_free(conf);
    return digest;
}

static void the_digest_is_of_what_is_in_force(void **state)
{
    (void)state;
    EXPECT_STR(digest_of(""), digest_of("# nothing\n"));
    EXPECT_STR(digest_of("even = 4 hostname = x"), digest_of("hostname = \"x\"\neven = \"4\"\n"));
    EXPECT_STR(digest_of(""), digest_of("hostname = localhost"));
    EXPECT_TRUE(strcmp(digest_of(""), digest_of("hostname = x")) != 0);
}

static void the_default_loads_as_it_is_printed(void **state)
{
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 100000);
    conf_print_default(&sample_section, &text);
    EXPECT_TRUE(strstr(text.data, "timeout = \"5m\"") != NULL);
    EXPECT_TRUE(strstr(text.data, "# how long (100ms to 1h)") != NULL);
    EXPECT_TRUE(strstr(text.data, "# route \"title\" {") != NULL);
    EXPECT_STR(digest_of(""), digest_of(text.data));
    strbuf_release(&text);
}

static void what_is_shown_loads_again_and_hides_secrets(void **state)
{
    static const char text[] = "hostname = \"{env:POSTERN_TEST_NAME}.example\"\n"
                               "smtp { password = geheim domains = {\"a b\", 'c\"${d}\\\\', \"e\\tf\"}\n"
                               "route \"it's\" { next_hop = x } }";
    struct strbuf shown;
    struct sample *root, *again;

    (void)state;
    setenv("POSTERN_TEST_NAME", "verborgen", 1);
    struct conf *conf = load_well(text, &root);

    strbuf_init(&shown, 100000);
    conf_print(conf, &shown);
    EXPECT_STR("verborgen.example", root->hostname);
    EXPECT_STR("geheim", root->smtp.password);
    EXPECT_NULL(strstr(shown.data, "geheim"));
    EXPECT_NULL(strstr(shown.data, "verborgen"));
    EXPECT_TRUE(strstr(shown.data, "hostname = \"(secret)\"  # t:1\n") != NULL);
    EXPECT_TRUE(strstr(shown.data, "    password = \"(secret)\"  # t:2\n") != NULL);
    EXPECT_TRUE(strstr(shown.data, "    route \"it's\" {  # t:3\n") != NULL);
    struct conf *conf_again = load_well(shown.data, &again);

    for (size_t i = 0; i < 3; i++)
        EXPECT_STR(root->smtp.domains.items[i], again->smtp.domains.items[i]);
    conf_free(conf);
    conf_free(conf_again);
    strbuf_release(&shown);
}

static void big_and_deep_texts_end_soon(void **state)
{
    static const struct {
        const char *part;
        size_t times;
    } cases[] = { { "smtp {", 100000 },  { "x {", 200000 }, { "\"", 500000 }, { "x=", 300000 }, { "{", 900000 },
                  { "include(", 90000 }, { "#\n", 400000 }, { "/*", 400000 }, { "a ", 400000 }, { "smtp{}", 150000 } };
    struct sample *root;
    struct strbuf faults, text;

    (void)state;
    strbuf_init(&text, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t k = 0; k < cases[i].times; k++)
            strbuf_puts(&text, cases[i].part);
        conf_free(load(text.data, &root, &faults));
        strbuf_release(&faults);
        strbuf_clear(&text);
    }
    strbuf_puts(&text, "smtp {\n");
    for (int i = 0; i < 5000; i++)
        strbuf_putf(&text, "route r%d { next_hop = x }\n", i);
    strbuf_puts(&text, "}\n");
    EXPECT_NULL(load(text.data, &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "t:4097: more than 4096 sections") != NULL);
    strbuf_release(&faults);
    strbuf_clear(&text);
    for (int i = 0; i < 8192; i++)
        strbuf_putc(&text, 'x');
    EXPECT_NULL(load(text.data, &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "unknown key 'xxx") != NULL);
    strbuf_release(&faults);
    strbuf_putc(&text, 'x');
    EXPECT_NULL(load(text.data, &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "t:1: a value has more than 8192 bytes") != NULL);
    strbuf_release(&faults);
    strbuf_clear(&text);
    strbuf_puts(&text, "smtp { domains = {");
    for (int i = 0; i < 10000; i++)
        strbuf_putf(&text, "d%d.example,", i);
    strbuf_puts(&text, "}}");
    struct conf *conf = load_well(text.data, &root);

    EXPECT_INT(10000, root->smtp.domains.count);
    EXPECT_STR("d9999.example", root->smtp.domains.items[9999]);
    conf_free(conf);
    text.len -= 2;
    strbuf_puts(&text, "one-more}}");
    EXPECT_NULL(load(text.data, &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "fewer than 10000 values") != NULL);
    strbuf_release(&faults);
    strbuf_release(&text);
}

RUN_TESTS(TEST(every_type_is_filled), TEST(faults_say_where_and_what),
          TEST(all_faults_are_told_in_the_order_of_the_file), TEST(faults_are_counted_not_endless),
          TEST(initial_values_need_no_file), TEST(what_is_required_is_missed_in_an_empty_file),
          TEST(an_empty_list_is_not_the_initial_one), TEST(the_digest_is_of_what_is_in_force),
          TEST(the_default_loads_as_it_is_printed), TEST(what_is_shown_loads_again_and_hides_secrets),
          TEST(big_and_deep_texts_end_soon))

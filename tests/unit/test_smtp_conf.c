/* tests/unit/test_smtp_conf.c - the section `smtp`: what it takes, what it refuses, which route a domain has. */
#include "tests/kit/expect.h"

#include "gateway/smtp/conf.h"

struct root {
    struct smtp_conf smtp;
};

static const struct conf_key root_keys[] = {
    { .name = "smtp", .type = CONF_SECTION, .at = 0, .help = "smtp", .section = &smtp_section },
    { 0 },
};

static const struct conf_section root_section = {
    .name = "", .help = "", .size = sizeof(struct root), .keys = root_keys
};

static struct conf *load(const char *text, struct smtp_conf **out, struct strbuf *faults)
{
    void *values = NULL;

    strbuf_init(faults, 10000);
    struct conf *conf = conf_load_text(&root_section, "t.conf", span_of(text), &values, faults);

    *out = conf ? &((struct root *)values)->smtp : NULL;
    return conf;
}

static void initial_values_are_those_of_the_rfc(void **state)
{
    struct smtp_conf *smtp;
    struct strbuf faults;
    struct conf *conf = load("", &smtp, &faults);

    (void)state;
    assert_non_null(conf);
    EXPECT_INT(300000, smtp->command_timeout_ms);
    EXPECT_INT(1000, smtp->recipients_most);
    EXPECT_INT(0, smtp->listen.count);
    EXPECT_INT(0, smtp->relay_domains.count);
    assert_int_equal(1, smtp->next_hop.count);
    EXPECT_INT(HOP_SMTP, smtp->next_hop.items[0].kind);
    EXPECT_INT(10025, smtp->next_hop.items[0].at.port);
    EXPECT_INT(HOP_TLS_MAY, smtp->next_hop_ways.tls);
    EXPECT_FALSE(smtp_conf_takes(smtp, "example.org"));
    conf_free(conf);
    strbuf_release(&faults);
}

static void listeners_join_the_places(void **state)
{
    struct smtp_conf *smtp;
    struct strbuf faults;
    struct conf *conf = load("smtp { listen = {\"127.0.0.1:25\"}\n"
                             "  listener \"[::1]:465\" { tls = none }\n"
                             "  listener \"unix:/run/lmtp\" { protocol = lmtp tls = none } }",
                             &smtp, &faults);

    (void)state;
    EXPECT_SPAN("", strbuf_span(&faults));
    assert_non_null(conf);
    EXPECT_INT(3, smtp->places.count);
    const struct smtp_listener *plain = smtp_conf_listener(smtp, &smtp->places.items[0]);
    const struct smtp_listener *second = smtp_conf_listener(smtp, &smtp->places.items[1]);
    const struct smtp_listener *local = smtp_conf_listener(smtp, &smtp->places.items[2]);

    EXPECT_INT(SMTP_TLS_STARTTLS, plain->tls);
    EXPECT_INT(SMTP_PROTOCOL_SMTP, plain->protocol);
    EXPECT_INT(465, second->at.port);
    EXPECT_INT(SMTP_TLS_NONE, second->tls);
    EXPECT_INT(SMTP_PROTOCOL_LMTP, local->protocol);
    EXPECT_STR("/run/lmtp", local->at.path);
    conf_free(conf);
    strbuf_release(&faults);
}

static void next_hops_are_read_or_refused(void **state)
{
    static const struct {
        const char *text;
        int kind; /* -1: refused */
        const char *host, *path;
        unsigned port;
    } cases[] = {
        { "smtp://127.0.0.1:2525", HOP_SMTP, "", NULL, 2525 },
        { "smtp://127.0.0.1", HOP_SMTP, "", NULL, 25 },
        { "smtp://[::1]:26", HOP_SMTP, "", NULL, 26 },
        { "smtp://mail.example.org", HOP_SMTP, "mail.example.org", NULL, 25 },
        { "smtps://mail.example.org", HOP_SMTP, "mail.example.org", NULL, 465 },
        { "smtps://[::1]:1465", HOP_SMTP, "", NULL, 1465 },
        { "smtp://mail.example.org.:26", HOP_SMTP, "mail.example.org", NULL, 26 },
        { "smtps:unix:/run/mta.sock", -1, NULL, NULL, 0 },
        { "smtp:unix:/run/mta.sock", HOP_SMTP, "", "/run/mta.sock", 0 },
        { "maildir:/var/mail/x", HOP_MAILDIR, "", "/var/mail/x", 0 },
        { "maildir:/var/mail/with blanks", HOP_MAILDIR, "", "/var/mail/with blanks", 0 },
        { "maildir:relative", -1, NULL, NULL, 0 },
        { "lmtp:unix:/run/lmtp", HOP_LMTP, "", "/run/lmtp", 0 },
        { "lmtp://127.0.0.1", HOP_LMTP, "", NULL, 24 },
        { "lmtp://mail.example.org:2003", HOP_LMTP, "mail.example.org", NULL, 2003 },
        { "lmtp:/run/x", -1, NULL, NULL, 0 },
        { "uucp://127.0.0.1:25", -1, NULL, NULL, 0 },
        { "127.0.0.1:25", -1, NULL, NULL, 0 },
        { "smtp://", -1, NULL, NULL, 0 },
        { "smtp://a:99999", -1, NULL, NULL, 0 },
        { "", -1, NULL, NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];
        struct smtp_conf *smtp;
        struct strbuf faults;

        snprintf(text, sizeof text, "smtp { next_hop = \"%s\" }", cases[i].text);
        struct conf *conf = load(text, &smtp, &faults);

        if (!conf == (cases[i].kind >= 0))
            print_error("%s: %s\n", cases[i].text, faults.data ? faults.data : "taken");
        EXPECT_INT(cases[i].kind >= 0, conf != NULL);
        if (conf) {
            const struct hop_target *target = &smtp->next_hop.items[0];

            EXPECT_INT(1, smtp->next_hop.count);
            EXPECT_INT(cases[i].kind, target->kind);
            EXPECT_STR(cases[i].host, target->at.host);
            EXPECT_INT(cases[i].port, target->at.port);
            EXPECT_STR(cases[i].text, target->text);
            EXPECT_INT(strncmp(cases[i].text, "smtps", 5) == 0, target->is_implicit);
            if (cases[i].path)
                EXPECT_STR(cases[i].path, cases[i].kind == HOP_MAILDIR ? target->maildir : target->at.path);
            conf_free(conf);
        }
        strbuf_release(&faults);
    }
}

static void targets_have_priority_and_weight(void **state)
{
    static const struct {
        const char *list, *fault;  /* fault "": good */
        unsigned priority, weight; /* of the last */
    } cases[] = {
        { "{\"smtp://10.0.0.2\"}", "", 10, 10 },
        { "{\"smtp://10.0.0.2  priority=0\"}", "", 0, 10 },
        { "{\"smtp://10.0.0.2:25 priority=10 weight=2\", \"smtp://10.0.0.3:25 weight=1000 priority=65535\"}", "", 65535,
          1000 },
        { "{}", "is empty", 0, 0 },
        { "{\"smtp://10.0.0.2\", \"smtp://10.0.0.2:25\"}", "twice", 0, 0 },
        { "{\"smtp://10.0.0.2\", \"maildir:/x\"}", "the only one", 0, 0 },
        { "{\"maildir:/x\", \"smtp://10.0.0.2\"}", "the only one", 0, 0 },
        { "{\"smtp://10.0.0.2 weight=0\"}", "weight=1 to 1000", 0, 0 },
        { "{\"smtp://10.0.0.2 weight=1001\"}", "weight=1 to 1000", 0, 0 },
        { "{\"smtp://10.0.0.2 priority=65536\"}", "priority=0 to 65535", 0, 0 },
        { "{\"smtp://10.0.0.2\", \"lmtp://10.0.0.3\"}", "another protocol", 0, 0 },
        { "{\"smtp://10.0.0.2 priority\"}", "means nothing", 0, 0 },
        { "{\"smtp://10.0.0.2 priority=\"}", "means nothing", 0, 0 },
        { "{\"smtp://10.0.0.2 10\"}", "means nothing", 0, 0 },
        { "{\"smtp://h1\",\"smtp://h2\",\"smtp://h3\",\"smtp://h4\",\"smtp://h5\",\"smtp://h6\",\"smtp://h7\","
          "\"smtp://h8\",\"smtp://h9\",\"smtp://h10\",\"smtp://h11\",\"smtp://h12\",\"smtp://h13\",\"smtp://h14\","
          "\"smtp://h15\",\"smtp://h16\",\"smtp://h17\"}",
          "16", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[1000];
        struct smtp_conf *smtp;
        struct strbuf faults;

        snprintf(text, sizeof text, "smtp { next_hop = %s }", cases[i].list);
        struct conf *conf = load(text, &smtp, &faults);

        EXPECT_INT(!*cases[i].fault, conf != NULL);
        if (conf) {
            EXPECT_INT(cases[i].priority, smtp->next_hop.items[smtp->next_hop.count - 1].priority);
            EXPECT_INT(cases[i].weight, smtp->next_hop.items[smtp->next_hop.count - 1].weight);
        } else if (span_search(strbuf_span(&faults), span_of(cases[i].fault)) == SPAN_NPOS) {
            fail_msg("%s: %s", cases[i].list, faults.data ? faults.data : "");
        }
        conf_free(conf);
        strbuf_release(&faults);
    }
}

static void recipients_are_verified_by_whom_it_says(void **state)
{
    static const struct {
        const char *text;
        enum verify_kind kind, of_route;
    } cases[] = {
        { "", VERIFY_RCPT, VERIFY_UNSAID },
        { "verify_recipients = yes", VERIFY_RCPT, VERIFY_UNSAID },
        { "verify_recipients = no", VERIFY_NONE, VERIFY_UNSAID },
        { "verify_recipients = none", VERIFY_NONE, VERIFY_UNSAID },
        { "verify_recipients = \"list:/etc/passwd\"", VERIFY_LIST, VERIFY_UNSAID },
        { "route \"b.example\" { next_hop = \"smtp://h\" verify_recipients = none }", VERIFY_RCPT, VERIFY_NONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[300];
        struct smtp_conf *smtp;
        struct strbuf faults;

        snprintf(text, sizeof text, "smtp { %s route \"a.example\" { next_hop = \"smtp://h\" } }", cases[i].text);
        struct conf *conf = load(text, &smtp, &faults);

        assert_non_null(conf);
        const struct smtp_route *routes = smtp->routes.items;

        EXPECT_INT(cases[i].kind, smtp->verify_recipients.kind);
        EXPECT_INT(cases[i].of_route, routes[smtp->routes.count - 1].verify.kind);
        if (cases[i].kind == VERIFY_LIST)
            EXPECT_STR("/etc/passwd", smtp->verify_recipients.path);
        conf_free(conf);
        strbuf_release(&faults);
    }
}

static void domains_have_their_routes(void **state)
{
    static const struct {
        const char *domain;
        bool is_taken;
        const char *route;
    } cases[] = {
        { "example.org", true, NULL },
        { "a.example.org", false, NULL },
        { "a.example.net", true, NULL },
        { "b.a.example.net", true, NULL },
        { "example.net", false, NULL },
        { "example.com", true, "example.com" },
        { "x.example.com", true, ".example.com" },
        { "y.x.example.com", true, ".example.com" },
        { "special.example.com", true, "special.example.com" },
        { "xn--mnchen-3ya.example", true, NULL },
        { "com", false, NULL },
        { "other.example", false, NULL },
    };
    struct smtp_conf *smtp;
    struct strbuf faults;
    struct conf *conf = load("smtp { relay_domains = {\"Example.ORG\", \".example.net\", \"m\xc3\xbcnchen.example\"}\n"
                             "route \"Example.com\" { next_hop = \"smtp://127.0.0.1:1\" }\n"
                             "route \".example.com\" { next_hop = \"smtp://127.0.0.1:2\" next_hop_tls = verify }\n"
                             "route \"special.example.com\" { next_hop = \"smtp://127.0.0.1:3\" } }",
                             &smtp, &faults);

    (void)state;
    if (!conf)
        print_error("%s\n", faults.data);
    assert_non_null(conf);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct smtp_route *route = smtp_conf_route(smtp, cases[i].domain);

        EXPECT_INT(cases[i].is_taken, smtp_conf_takes(smtp, cases[i].domain));
        EXPECT_STR(cases[i].route ? cases[i].route : "none", route ? route->title : "none");
    }
    EXPECT_INT(HOP_TLS_VERIFY, smtp_conf_route(smtp, "x.example.com")->ways.tls);
    conf_free(conf);
    strbuf_release(&faults);
}

static void a_neighbour_of_ours_is_a_next_hop(void **state)
{
    static const char *const texts[] = {
        "smtp { listen = {\"0.0.0.0:25\"} next_hop = \"smtp://127.0.0.1:10025\" }",
        "smtp { listen = {\"192.0.2.1:25\"} next_hop = \"smtp://127.0.0.1:25\" }",
        "smtp { listen = {\"0.0.0.0:25\"} next_hop = \"smtp://[::1]:25\" }",
        "smtp { listen = {\"0.0.0.0:25\"} next_hop = \"smtp://192.0.2.1:25\" }",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct smtp_conf *smtp;
        struct strbuf faults;
        struct conf *conf = load(texts[i], &smtp, &faults);

        if (!conf)
            print_error("%s: %s\n", texts[i], faults.data);
        EXPECT_INT(1, conf != NULL);
        conf_free(conf);
        strbuf_release(&faults);
    }
}

static void what_cannot_be_meant_is_refused(void **state)
{
    static const char *const texts[] = {
        "smtp { relay_domains = {\"*\"} }",
        "smtp { relay_domains = {\"a..b\"} }",
        "smtp { tls_key = \"/etc/passwd\" }",
        "smtp { tls_certificate = \"/etc/passwd\" tls_key = \"/etc/passwd\" }", /* no PEM */
        "smtp { next_hop_ca = \"/etc/passwd\" }",
        "smtp { errors_soft = 30 }",
        "smtp { route \"a.example\" { } }",
        "smtp { route \"A.example\" { next_hop = \"smtp://a\" } route \"a.example\" { next_hop = \"smtp://a\" } }",
        "smtp { next_hop_tls = always }",
        "smtp { verify_recipients = perhaps }",
        "smtp { verify_recipients = \"list:relative\" }",
        "smtp { verify_recipients = \"list:/does/not/exist\" }",
        "smtp { routes = \"/does/not/exist\" }",
        "smtp { routes = \"/etc/passwd\" }", /* no routes */
        "smtp { hop_failures = 0 }",
        "smtp { next_hop = \"smtps://a\" next_hop_tls = none }",
        "smtp { next_hop = \"smtp://127.0.0.1\" next_hop_tls = dane }",
        "smtp { next_hop = \"smtp:unix:/run/x\" next_hop_tls = dane }",
        "smtp { next_hop_certificate = \"/etc/passwd\" }",
        "smtp { next_hop_certificate = \"/etc/passwd\" next_hop_key = \"/etc/passwd\" }",
        "smtp { route \"a.example\" { next_hop = \"smtps://a\" next_hop_tls = none } }",
        "smtp { bare_newline = accept }",
        "smtp { listener \"mx.example.org:25\" {} }",
        "smtp { listen = {\"127.0.0.1:25\"} listener \"127.0.0.1:25\" {} }",
        "smtp { listener \"127.0.0.1:25\" { tls = sometimes } }",
        "smtp { listener \"127.0.0.1:25\" { tls = implicit } }", /* without a certificate */
        "smtp { relay_clients = {\"all\"} }",
        "smtp { auth_mechanisms = {\"GSSAPI\"} }",
        "smtp { auth_hop = {\"smtp://127.0.0.1:587\", \"smtp://127.0.0.2:587\"} }",
        "smtp { auth_hop = \"smtps://127.0.0.1:465\" next_hop_tls = none }",
        "smtp { auth_mechanisms = {\"SCRAM-SHA-1-PLUS\"} }",
        "smtp { listener \"127.0.0.1:587\" { auth = yes } }", /* no certificate */
        "smtp { listener \"127.0.0.1:24\" { auth = yes protocol = lmtp } }",
        /* mail would come back */
        "smtp { listen = {\"127.0.0.1:25\"} next_hop = \"smtp://127.0.0.1:25\" }",
        "smtp { listen = {\"0.0.0.0:25\"} next_hop = {\"smtp://10.0.0.1\", \"smtp://127.0.0.1\"} }",
        "smtp { listen = {\"[::]:25\"} route \"a.example\" { next_hop = \"smtp://localhost\" } }",
        "smtp { listener \"unix:/run/x\" { protocol = lmtp } next_hop = \"lmtp:unix:/run/x\" }",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct smtp_conf *smtp;
        struct strbuf faults;
        struct conf *conf = load(texts[i], &smtp, &faults);

        if (conf)
            print_error("taken: %s\n", texts[i]);
        EXPECT_NULL(conf);
        EXPECT_TRUE(faults.len > 0);
        strbuf_release(&faults);
    }
}

RUN_TESTS(TEST(initial_values_are_those_of_the_rfc), TEST(listeners_join_the_places),
          TEST(next_hops_are_read_or_refused), TEST(targets_have_priority_and_weight),
          TEST(recipients_are_verified_by_whom_it_says), TEST(domains_have_their_routes),
          TEST(a_neighbour_of_ours_is_a_next_hop), TEST(what_cannot_be_meant_is_refused))

/* tests/unit/test_http_conf.c - the section `http`: who is let in when nothing is said, and what is refused. */
#include "tests/kit/expect.h"

#include "gateway/base/strbuf.h"
#include "gateway/http/conf.h"

static struct conf *load(const char *text, struct http_conf **out, struct strbuf *faults)
{
    void *values = NULL;
    struct conf *conf = conf_load_text(&http_section, "test", span_of(text), &values, faults);

    *out = values;
    return conf;
}

static bool has(const struct conf_nets *nets, const char *text)
{
    struct addr addr;

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(text), &addr));
    return http_conf_has(nets, &addr);
}

static void this_machine_may_ask_and_nobody_may_change(void **state)
{
    struct strbuf faults;
    struct http_conf *http;

    (void)state;
    strbuf_init(&faults, 10000);
    struct conf *conf = load("", &http, &faults);

    assert_non_null(conf);
    EXPECT_INT(0, http->listen.count);
    EXPECT_TRUE(has(&http->clients, "127.0.0.1") && has(&http->clients, "127.8.9.10") && has(&http->clients, "::1"));
    EXPECT_FALSE(has(&http->clients, "192.0.2.1") || has(&http->clients, "2001:db8::1"));
    EXPECT_TRUE(has(&http->relay_clients, "127.0.0.1"));
    EXPECT_INT(0, http->trusted.count);
    EXPECT_STR("", http->password);
    conf_free(conf);
    strbuf_release(&faults);
}

static void what_is_written_holds(void **state)
{
    struct strbuf faults, shown;
    struct http_conf *http;

    (void)state;
    strbuf_init(&faults, 10000);
    strbuf_init(&shown, 100000);
    struct conf *conf = load("listen = {\"[::1]:80\", 127.0.0.1, \"unix:/run/x\"}\nclients = {\"192.0.2.0/24\"}\n"
                             "relay_clients = {}\npassword = \"hush-hush\"\n",
                             &http, &faults);

    assert_non_null(conf);
    EXPECT_INT(3, http->listen.count);
    EXPECT_INT(11333, http->listen.items[1].port);
    EXPECT_TRUE(has(&http->clients, "192.0.2.200"));
    EXPECT_FALSE(has(&http->clients, "127.0.0.1") || has(&http->relay_clients, "127.0.0.1"));
    conf_print(conf, &shown);
    EXPECT_NULL(strstr(shown.data, "hush"));
    conf_free(conf);
    strbuf_release(&faults);
    strbuf_release(&shown);
}

static void nonsense_is_refused(void **state)
{
    static const char *const bad[] = { "connections = 0",   "message_size = 2GiB",       "compression_ratio = 1",
                                       "idle_timeout = 10", "clients = {\"somewhere\"}", "lsten = {}" };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct strbuf faults;
        struct http_conf *http;

        strbuf_init(&faults, 10000);
        EXPECT_NULL(load(bad[i], &http, &faults));
        EXPECT_TRUE(faults.len > 0);
        strbuf_release(&faults);
    }
}

RUN_TESTS(TEST(this_machine_may_ask_and_nobody_may_change), TEST(what_is_written_holds), TEST(nonsense_is_refused))

/* tests/unit/test_dns.c - look-ups through libunbound, against a name server of the test's own on loopback.
 *
 * The server runs on the same loop. The first label of a name says how it answers: "ok-7" 192.0.2.7, "nx" NXDOMAIN,
 * "fail" SERVFAIL, "silent" not at all until the test lets it.
 */
#include "tests/kit/expect.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/endpoint.h"
#include "gateway/net/dns.h"
#include "gateway/net/dns_name.h"

enum { NOTES_MOST = 2000 };

struct note {
    struct desk *desk;
    int answers;
    enum dns_state state;
    char text[100], name[300];
    struct dns_query *query;
    const char *then_ask; /* in the answer's call */
    struct note *then_cancel;
    int again;
};

struct desk {
    struct loop *loop;
    struct dns *dns;
    struct endpoint server;
    struct dns_conf conf;
    struct watch *watch;
    int fd, queries, answered;
    bool is_talkative; /* "silent" names are answered */
    char last_query[DNS_ESCAPED_MAX];
    struct note notes[NOTES_MOST];
    int note_count;
};

/* --- the server --- */

static size_t reply(struct desk *d, uint8_t *packet, size_t len)
{
    uint8_t wire[DNS_WIRE_MAX];
    size_t end = 0;
    static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2 };

    if (len < 12 || !dns_name_unpack(span_make((const char *)packet, len), 12, wire, &end) || len < end + 4)
        return 0;
    dns_name_text(wire, d->last_query, sizeof d->last_query);
    bool is_silent = strncmp(d->last_query, "silent", 6) == 0;

    if (is_silent && !d->is_talkative)
        return 0;
    end += 4;
    packet[2] = 0x84;
    packet[3] = 0;
    memset(packet + 6, 0, 6);
    if (strncmp(d->last_query, "nx", 2) == 0) {
        packet[3] = 3;
    } else if (strncmp(d->last_query, "fail", 4) == 0) {
        packet[3] = 2;
    } else if (packet[end - 3] == DNS_A) {
        packet[7] = 1;
        memcpy(packet + end, a, sizeof a);
        end += sizeof a;
        packet[end++] = is_silent ? 99 : (uint8_t)strtoul(d->last_query + 3, NULL, 10);
    }
    return end;
}

static void serve(void *arg)
{
    struct desk *d = arg;
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    uint8_t packet[1500];
    ssize_t len = recvfrom(d->fd, packet, 512, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

    if (len <= 0)
        return;
    d->queries++;
    size_t out = reply(d, packet, (size_t)len);

    if (out)
        sendto(d->fd, packet, out, 0, (struct sockaddr *)&from, from_len);
}

/* --- the desk --- */

static void desk_open(struct desk *d)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    char error[300] = "";

    memset(d, 0, sizeof *d);
    d->loop = loop_new();
    d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(d->fd, (struct sockaddr *)&at, sizeof at));
    assert_int_equal(0, getsockname(d->fd, (struct sockaddr *)&at, &len));
    addr_from_sockaddr((struct sockaddr *)&at, &d->server.addr, &d->server.port);
    d->watch = watch_read(d->loop, d->fd, serve, d);
    d->conf = (struct dns_conf){
        .servers = { &d->server, 1 }, .timeout_ms = 20000, .cache_bytes = 1 << 20, .inflight_most = 64
    };
    d->dns = dns_new(d->loop, &d->conf, error, sizeof error);
    EXPECT_STR("", error);
}

static void desk_close(struct desk *d)
{
    dns_free(d->dns);
    watch_free(d->watch);
    close(d->fd);
    loop_free(d->loop);
}

static struct note *ask(struct desk *d, const char *name, int timeout_ms);

static void noted(void *arg, const struct dns_answer *answer)
{
    struct note *n = arg;
    struct strbuf text;

    strbuf_init(&text, sizeof n->text - 1);
    dns_answer_print(answer, &text);
    snprintf(n->text, sizeof n->text, "%s", text.data);
    snprintf(n->name, sizeof n->name, "%s", answer->name);
    strbuf_release(&text);
    n->state = answer->state;
    n->answers++;
    n->query = NULL;
    n->desk->answered++;
    if (n->then_cancel) {
        dns_cancel(n->desk->dns, n->then_cancel->query);
        n->then_cancel->query = NULL;
    }
    if (n->then_ask && n->again > 0) {
        struct note *next = ask(n->desk, n->then_ask, 0);

        next->then_ask = n->then_ask;
        next->again = n->again - 1;
    }
}

static struct note *ask(struct desk *d, const char *name, int timeout_ms)
{
    struct note *n = &d->notes[d->note_count++];
    int before = d->answered;

    assert_true(d->note_count < NOTES_MOST);
    n->desk = d;
    n->query = dns_ask(d->dns, name, DNS_A, timeout_ms, noted, n);
    EXPECT_INT(before, d->answered); /* never before dns_ask() has returned */
    return n;
}

static void wait_answers(struct desk *d, int count)
{
    for (int i = 0; i < 20000 && d->answered < count; i++)
        loop_run_once(d->loop, 10);
    EXPECT_INT(count, d->answered);
}

/* --- cases --- */

static void every_state_is_answered(void **state)
{
    static const struct {
        const char *asked, *name, *text;
    } cases[] = {
        { "ok-1.test", "ok-1.test", "192.0.2.1" },
        { "OK-2.Test.", "ok-2.test", "192.0.2.2" },
        { "nx.test", "nx.test", "NXDOMAIN" },
        { "fail.test", "fail.test", "SERVFAIL" },
        { "", "", "NXDOMAIN" },
        { "a..test", "a..test", "NXDOMAIN" },
        { ".test", ".test", "NXDOMAIN" },
        { "ok-3.2.0.192.in-addr.arpa", "ok-3.2.0.192.in-addr.arpa", "192.0.2.3" },
        { "ok-4.10.in-addr.arpa", "ok-4.10.in-addr.arpa", "192.0.2.4" },
        { "ok-5.invalid", "ok-5.invalid", "192.0.2.5" },
        { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.test",
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.test", "NXDOMAIN" },
    };
    struct desk d;

    (void)state;
    desk_open(&d);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct note *n = ask(&d, cases[i].asked, 0);

        wait_answers(&d, (int)i + 1);
        EXPECT_STR(cases[i].text, n->text);
        EXPECT_STR(cases[i].name, n->name);
    }
    EXPECT_INT(0, dns_inflight(d.dns));
    desk_close(&d);
}

static void a_name_too_long_for_the_dns_does_not_exist(void **state)
{
    struct desk d;
    char name[2000];

    (void)state;
    desk_open(&d);
    for (size_t len = 250; len < sizeof name; len += len < 260 ? 1 : 400) {
        memset(name, 'x', len);
        for (size_t i = 50; i < len; i += 50)
            name[i] = '.';
        name[len] = '\0';
        struct note *n = ask(&d, name, 300);

        if (len > 253) {
            loop_run_once(d.loop, 0);
            EXPECT_INT(1, n->answers);
            EXPECT_STR("NXDOMAIN", n->text);
        }
    }
    desk_close(&d);
}

static void bytes_of_a_name_stand_for_themselves(void **state)
{
    static const struct {
        const char *name, *asked;
    } cases[] = {
        { "ok-1\\.x.test", "ok-1\\092.x.test" },
        { "ok-1\\046x.test", "ok-1\\092046x.test" },
        { "ok-1 \"$@(;)\n.test", "ok-1\\032\\034\\036\\064\\040\\059\\041\\010.test" },
        { "ok-1\xc3\xa9.test", "ok-1\\195\\169.test" },
        { "ok-1*.test", "ok-1\\042.test" },
        { "_dmarc.test", "_dmarc.test" },
    };
    struct desk d;

    (void)state;
    desk_open(&d);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct note *n = ask(&d, cases[i].name, 0);

        wait_answers(&d, (int)i + 1);
        EXPECT_STR(cases[i].asked, d.last_query);
        EXPECT_STR(cases[i].name, n->name);
        EXPECT_INT(DNS_OK, n->state);
    }
    desk_close(&d);
}

static void identical_look_ups_are_joined_and_answers_kept(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    struct note *a = ask(&d, "ok-1.test", 0), *b = ask(&d, "OK-1.test.", 0);

    EXPECT_INT(1, dns_inflight(d.dns));
    wait_answers(&d, 2);
    EXPECT_STR("192.0.2.1", a->text);
    EXPECT_STR("192.0.2.1", b->text);
    EXPECT_INT(1, d.queries);
    struct note *c = ask(&d, "ok-1.test", 0);

    loop_run_once(d.loop, 0); /* out of the cache: in this turn */
    EXPECT_STR("192.0.2.1", c->text);
    EXPECT_INT(1, d.queries);
    desk_close(&d);
}

static void each_asker_has_a_time_out_and_the_look_up_goes_on(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    struct note *hasty = ask(&d, "silent.test", 30), *patient = ask(&d, "silent.test", 15000);

    wait_answers(&d, 1);
    EXPECT_STR("TIMEOUT", hasty->text);
    EXPECT_STR("silent.test", hasty->name);
    EXPECT_INT(0, patient->answers);
    d.is_talkative = true; /* the next try of the resolver is answered */
    wait_answers(&d, 2);
    EXPECT_STR("192.0.2.99", patient->text);

    d.is_talkative = false;
    struct note *alone = ask(&d, "silent2.test", 30);

    wait_answers(&d, 3);
    EXPECT_INT(DNS_TIMEOUT, alone->state);
    EXPECT_INT(1, dns_inflight(d.dns));
    d.is_talkative = true;
    for (int i = 0; i < 2000 && dns_inflight(d.dns); i++)
        loop_run_once(d.loop, 10);
    int before = d.queries;
    struct note *later = ask(&d, "silent2.test", 0);

    loop_run_once(d.loop, 0);
    EXPECT_STR("192.0.2.99", later->text);
    EXPECT_INT(before, d.queries);
    desk_close(&d);
}

static void a_cancelled_asker_hears_nothing(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    struct note *a = ask(&d, "ok-1.test", 0), *b = ask(&d, "ok-1.test", 0), *c = ask(&d, "ok-2.test", 0);

    dns_cancel(d.dns, a->query);
    dns_cancel(d.dns, c->query);
    wait_answers(&d, 1);
    EXPECT_INT(1, b->answers);
    struct note *cached = ask(&d, "ok-1.test", 0); /* answered already, but not told yet */

    dns_cancel(d.dns, cached->query);
    for (int i = 0; i < 10; i++)
        loop_run_once(d.loop, 5);
    EXPECT_INT(0, a->answers + c->answers + cached->answers);
    EXPECT_INT(0, dns_inflight(d.dns));

    struct note *first = ask(&d, "ok-3.test", 0), *second = ask(&d, "ok-3.test", 0);

    first->then_cancel = second; /* whichever is told first takes the other one back */
    second->then_cancel = first;
    wait_answers(&d, 2);
    for (int i = 0; i < 10; i++)
        loop_run_once(d.loop, 5);
    EXPECT_INT(1, first->answers + second->answers);
    desk_close(&d);
}

static void asking_in_an_answer_neither_recurses_nor_starves(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    struct note *n = ask(&d, "ok-1.test", 0);

    wait_answers(&d, 1);
    n = ask(&d, "ok-1.test", 0);
    n->then_ask = "ok-1.test";
    n->again = 500;
    loop_run_once(d.loop, 0);
    EXPECT_INT(2, d.answered); /* one for each turn: the loop lives */
    wait_answers(&d, 502);
    EXPECT_INT(1, d.queries);
    desk_close(&d);
}

static void more_look_ups_than_allowed_fail_at_once(void **state)
{
    struct desk d;
    char name[32];

    (void)state;
    desk_open(&d);
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "silent-%d.test", i);
        ask(&d, name, 0);
    }
    EXPECT_INT(64, dns_inflight(d.dns));
    struct note *joined = ask(&d, "silent-5.test", 0), *refused = ask(&d, "silent-64.test", 0);

    loop_run_once(d.loop, 0);
    EXPECT_STR("SERVFAIL", refused->text);
    EXPECT_INT(0, joined->answers);
    desk_close(&d); /* which answers all the others */
    EXPECT_INT(66, d.answered);
    EXPECT_STR("SERVFAIL", joined->text);
}

static void the_end_answers_everybody(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    struct note *waits = ask(&d, "silent.test", 0), *cached = ask(&d, "ok-1.test", 0), *never = ask(&d, "x..y", 0);

    waits->then_ask = "ok-2.test"; /* in despair */
    waits->again = 3;
    desk_close(&d);
    EXPECT_INT(DNS_FAILED, waits->state);
    EXPECT_INT(DNS_FAILED, cached->state);
    EXPECT_INT(DNS_NXDOMAIN, never->state);
    EXPECT_INT(6, d.answered);
    dns_free(NULL);
}

static void thousands_are_all_answered(void **state)
{
    struct desk d;
    char name[32], error[200];

    (void)state;
    desk_open(&d);
    dns_free(d.dns);
    d.conf.inflight_most = 4096;
    d.dns = dns_new(d.loop, &d.conf, error, sizeof error);
    for (int i = 0; i < NOTES_MOST - 1; i++) {
        snprintf(name, sizeof name, "ok-%d.n%d.test", i % 250, i);
        ask(&d, name, 0);
        if (i % 50 == 0) /* no more at once than a socket's buffer takes */
            wait_answers(&d, i + 1);
    }
    wait_answers(&d, NOTES_MOST - 1);
    for (int i = 0; i < NOTES_MOST - 1; i++) {
        snprintf(name, sizeof name, "192.0.2.%d", i % 250);
        EXPECT_STR(name, d.notes[i].text);
    }
    desk_close(&d);
}

static void what_cannot_be_set_up_is_told(void **state)
{
    struct loop *loop = loop_new();
    struct endpoint server = { .host = "ns.example", .port = 53 };
    struct dns_conf conf = { .servers = { &server, 1 }, .timeout_ms = 1, .cache_bytes = 1 << 20, .inflight_most = 64 };
    char error[300];

    (void)state;
    EXPECT_NULL(dns_new(loop, &conf, error, sizeof error));
    EXPECT_STR("the resolver: dns.servers takes addresses, not \"ns.example\"", error);
    conf.servers.count = 0;
    conf.recurse = conf.dnssec = true;
    conf.trust_anchor = "/nonexistent/root.key";
    EXPECT_NULL(dns_new(loop, &conf, error, sizeof error));
    EXPECT_TRUE(strstr(error, "/nonexistent/root.key; install dns-root-data") != NULL);
    loop_free(loop);
}

/* --- the section --- */

struct root {
    struct dns_conf dns;
};

static const struct conf_key root_keys[] = {
    { .name = "dns", .type = CONF_SECTION, .at = offsetof(struct root, dns), .section = &dns_section },
    { 0 },
};

static const struct conf_section root_section = { .name = "", .size = sizeof(struct root), .keys = root_keys };

static void the_section_has_defaults_and_refuses_what_makes_no_sense(void **state)
{
    static const struct {
        const char *text, *fault; /* NULL: none */
    } cases[] = {
        { "", NULL },
        { "dns { servers = {\"127.0.0.1:53\", \"[::1]:5353\"} }", NULL },
        { "dns { recurse = yes dnssec = yes }", NULL },
        { "dns { servers = {\"ns.example:53\"} }", "takes addresses" },
        { "dns { servers = {\"127.0.0.1:53\"} recurse = yes }", "exclude each other" },
        { "dns { timeout = 1ms }", "timeout" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf faults;
        void *values = NULL;

        strbuf_init(&faults, 10000);
        struct conf *conf = conf_load_text(&root_section, "test", span_of(cases[i].text), &values, &faults);

        EXPECT_INT(cases[i].fault == NULL, conf != NULL);
        if (cases[i].fault)
            EXPECT_TRUE(strstr(faults.data, cases[i].fault) != NULL);
        else
            EXPECT_INT(5000, ((const struct root *)values)->dns.timeout_ms);
        conf_free(conf);
        strbuf_release(&faults);
    }
}

RUN_TESTS(TEST(every_state_is_answered), TEST(a_name_too_long_for_the_dns_does_not_exist),
          TEST(bytes_of_a_name_stand_for_themselves), TEST(identical_look_ups_are_joined_and_answers_kept),
          TEST(each_asker_has_a_time_out_and_the_look_up_goes_on), TEST(a_cancelled_asker_hears_nothing),
          TEST(asking_in_an_answer_neither_recurses_nor_starves), TEST(more_look_ups_than_allowed_fail_at_once),
          TEST(the_end_answers_everybody), TEST(thousands_are_all_answered), TEST(what_cannot_be_set_up_is_told),
          TEST(the_section_has_defaults_and_refuses_what_makes_no_sense))

/* tests/unit/test_hop_client.c - XFORWARD and XCLIENT as their READMEs want them, whatever a client says of itself. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/smtp/hop_client.h"

static const char XFORWARD_ALL[] = "NAME ADDR PORT PROTO HELO IDENT SOURCE";
static const char XCLIENT_ALL[] = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

struct client {
    const char *ip, *name, *helo, *login;
    bool is_nameless, is_old, is_relay;
};

static unsigned commands(struct strbuf *out, enum hop_client how, const char *offered, const struct client *c)
{
    struct session s = { .client_port = 4711,
                         .client_name = span_of(c->name),
                         .is_nameless = c->is_nameless,
                         .helo = span_of(c->helo),
                         .is_esmtp = !c->is_old,
                         .is_relay_client = c->is_relay,
                         .auth_user = span_of(c->login),
                         .id = "01ARZ3NDEKTSV4RRFFQ69G5FAV" };
    struct strbuf description;

    if (c->ip)
        assert_int_equal(FAULT_NONE, addr_parse(span_of(c->ip), &s.client));
    strbuf_init(&description, HOP_CLIENT_WORDS_MAX);
    strbuf_init(out, 10000);
    hop_client_describe(&description, how, &s);
    EXPECT_FALSE(description.is_full);
    unsigned count = hop_client_commands(out, how, hop_client_attributes(span_of(offered)), strbuf_span(&description));

    strbuf_release(&description);
    return count;
}

static void a_client_is_told_as_far_as_the_hop_takes_it(void **state)
{
    static const struct {
        enum hop_client how;
        const char *offered;
        struct client client;
        const char *want;
    } cases[] = {
        { HOP_CLIENT_XFORWARD,
          XFORWARD_ALL,
          { "192.0.2.7", "mail.example.com", "helo.example.com", NULL, 0, 0, 0 },
          "XFORWARD PORT=4711 NAME=mail.example.com PROTO=ESMTP IDENT=01ARZ3NDEKTSV4RRFFQ69G5FAV SOURCE=REMOTE "
          "HELO=helo.example.com ADDR=192.0.2.7\r\n" },
        { HOP_CLIENT_XFORWARD,
          "name addr proto helo",
          { "2001:db8::1", NULL, "x", NULL, 0, 1, 0 },
          "XFORWARD NAME=[UNAVAILABLE] PROTO=SMTP HELO=x ADDR=IPV6:2001:db8::1\r\n" },
        { HOP_CLIENT_XFORWARD,
          "SOURCE ADDR",
          { NULL, NULL, NULL, NULL, 0, 0, 1 },
          "XFORWARD SOURCE=LOCAL ADDR=[UNAVAILABLE]\r\n" },
        { HOP_CLIENT_XFORWARD, "COLOUR", { "192.0.2.7", NULL, "x", NULL, 0, 0, 0 }, "" },
        { HOP_CLIENT_XFORWARD, "", { "192.0.2.7", NULL, "x", NULL, 0, 0, 0 }, "" },
        { HOP_CLIENT_NONE, XFORWARD_ALL, { "192.0.2.7", NULL, "x", NULL, 0, 0, 0 }, "" },
        { HOP_CLIENT_XCLIENT,
          XCLIENT_ALL,
          { "192.0.2.7", "mail.example.com", "h", "ada@example.org", 0, 0, 0 },
          "XCLIENT PORT=4711 NAME=mail.example.com PROTO=ESMTP LOGIN=ada@example.org HELO=h ADDR=192.0.2.7\r\n" },
        { HOP_CLIENT_XCLIENT,
          "NAME ADDR",
          { "192.0.2.7", NULL, "h", NULL, 0, 0, 0 },
          "XCLIENT NAME=[TEMPUNAVAIL] ADDR=192.0.2.7\r\n" },
        { HOP_CLIENT_XCLIENT,
          "NAME ADDR LOGIN",
          { "192.0.2.7", NULL, "h", NULL, 1, 0, 0 },
          "XCLIENT NAME=[UNAVAILABLE] LOGIN=[UNAVAILABLE] ADDR=192.0.2.7\r\n" },
        { HOP_CLIENT_XFORWARD,
          "HELO",
          { "192.0.2.7", NULL, "a+b=c d\r\nMAIL FROM:<x@y>\xff", NULL, 0, 0, 0 },
          "XFORWARD HELO=a+2Bb+3Dc?d??MAIL?FROM:?x?y??\r\n" },
        { HOP_CLIENT_XFORWARD,
          "HELO",
          { "192.0.2.7", NULL, "[192.0.2.7]", NULL, 0, 0, 0 },
          "XFORWARD HELO=[192.0.2.7]\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf out;

        EXPECT_INT(cases[i].want[0] != '\0', commands(&out, cases[i].how, cases[i].offered, &cases[i].client));
        EXPECT_SPAN(cases[i].want, strbuf_span(&out));
        strbuf_release(&out);
    }
}

static void no_command_is_longer_than_smtp_allows(void **state)
{
    static const enum hop_client ways[] = { HOP_CLIENT_XFORWARD, HOP_CLIENT_XCLIENT };

    (void)state;
    for (size_t len = 1; len < 400; len += 7)
        for (size_t w = 0; w < COUNT(ways); w++) {
            char text[401];
            struct strbuf out;
            struct span rest, line;
            size_t lines = 0;

            memset(text, 'a', len);
            text[len] = '\0';
            const struct client client = { "2001:db8::1", text, text, text, 0, 0, 0 };
            unsigned count = commands(&out, ways[w], w ? XCLIENT_ALL : XFORWARD_ALL, &client);

            rest = span_first(strbuf_span(&out), out.len - 1);
            while (span_cut(&rest, '\n', &line)) {
                EXPECT_TRUE(line.len + 1 <= 512 && span_ends(line, SPAN("\r")));
                lines++;
                if (!rest.ptr) /* who is told an address may not trust us with more */
                    EXPECT_TRUE(span_ends(line, SPAN(" ADDR=IPV6:2001:db8::1\r")));
                else if (w && len < 200) /* the greeting and the login would be forgotten */
                    EXPECT_TRUE(span_search(line, SPAN("HELO=")) == SPAN_NPOS &&
                                span_search(line, SPAN("LOGIN=")) == SPAN_NPOS);
            }
            EXPECT_INT(count, lines);
            EXPECT_INT(len > 255, span_search(strbuf_span(&out), SPAN("HELO=[UNAVAILABLE]")) != SPAN_NPOS);
            strbuf_release(&out);
        }
}

/* What speaks of no mailbox is kept for whom the next hop was told of, and no other. */
static void an_answer_holds_for_whom_it_was_told_to(void **state)
{
    static const struct {
        enum hop_client how;
        const char *want;
    } cases[] = {
        { HOP_CLIENT_NONE, "a@example.com" },
        { HOP_CLIENT_XFORWARD, "a@example.com 192.0.2.7" },
        { HOP_CLIENT_XCLIENT, "a@example.com 192.0.2.7 h ada" },
    };
    struct session s = { .mail_from.text = SPAN("a@example.com"), .helo = SPAN("h"), .auth_user = SPAN("ada") };

    (void)state;
    assert_int_equal(FAULT_NONE, addr_parse(SPAN("192.0.2.7"), &s.client));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf out;

        strbuf_init(&out, 1000);
        hop_client_who(&out, cases[i].how, &s);
        EXPECT_SPAN(cases[i].want, strbuf_span(&out));
        strbuf_release(&out);
    }
}

static void the_greeting_can_be_had_from_a_description(void **state)
{
    static const struct {
        const char *helo, *want; /* NULL: it is not known */
    } cases[] = { { "mail.example.com", "mail.example.com" },
                  { "a+b=c d\r\n", "a+b=c?d??" },
                  { "[192.0.2.7]", "[192.0.2.7]" },
                  { "=+", "=+" },
                  { "", NULL } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct session s = { .helo = span_of(cases[i].helo) };
        char helo[HOP_CLIENT_HELO_MAX] = "";
        struct strbuf words;

        strbuf_init(&words, HOP_CLIENT_WORDS_MAX);
        hop_client_describe(&words, HOP_CLIENT_XCLIENT, &s);
        EXPECT_INT(cases[i].want != NULL, hop_client_helo(strbuf_span(&words), helo));
        EXPECT_STR(cases[i].want ? cases[i].want : "", helo);
        strbuf_release(&words);
    }
}

RUN_TESTS(TEST(an_answer_holds_for_whom_it_was_told_to), TEST(a_client_is_told_as_far_as_the_hop_takes_it),
          TEST(no_command_is_longer_than_smtp_allows), TEST(the_greeting_can_be_had_from_a_description))

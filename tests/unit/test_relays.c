/* tests/unit/test_relays.c - Received fields taken apart, and the way split into what is trusted and what is not. */
#include "tests/kit/expect.h"

#include "gateway/base/strbuf.h"
#include "rules/view/relays.h"

static struct arena arena;

static const char *read_line(const char *line)
{
    struct relay r;
    unsigned steps = 100000;

    switch (relay_read(&arena, span_of(line), &steps, &r)) {
    case RELAY_IGNORED: return "ignored";
    case RELAY_FETCHED: return "fetched";
    case RELAY_UNREADABLE: return "unreadable";
    case RELAY_READ: break;
    }
    return arena_printf(&arena, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%d", SPAN_ARG(r.ip), SPAN_ARG(r.rdns),
                        SPAN_ARG(r.helo), SPAN_ARG(r.by), SPAN_ARG(r.ident), SPAN_ARG(r.envfrom), SPAN_ARG(r.id),
                        SPAN_ARG(r.auth), r.has_no_rdns);
}

/* ip|rdns|helo|by|ident|envfrom|id|auth|has no rdns */
static void lines_are_taken_apart(void **state)
{
    static const struct {
        const char *line, *parts;
    } cases[] = {
        { "from mail.example.org (host.example.org [192.0.2.9])\n\tby mx.example.net (Postfix) with ESMTP id 4ABC12\n\t"
          "for <a@example.net>; Tue, 23 May 2006 13:06:35 -0400 (EDT)",
          "192.0.2.9|host.example.org|mail.example.org|mx.example.net|||4ABC12||0" },
        { "from pc (unknown [192.0.2.9]) by mx.example.net (Postfix) with ESMTP id 4ABC12; 23 May 2006 13:06:35 -0400",
          "192.0.2.9||pc|mx.example.net|||4ABC12||1" },
        { "from pc (unknown [IPv6:2001:db8::9]) (Authenticated sender: ann) by mx.example.net (Postfix) with ESMTPSA "
          "id "
          "X123; Tue, 23 May 2006 13:06:35 -0400",
          "2001:db8::9||pc|mx.example.net|||X123|ESMTPSA|1" },
        { "from pc (pc.example.org [192.0.2.9]) (Authenticated sender: ann@example.org) by mx.example.net (Postfix) "
          "with "
          "SMTP id X123; Tue, 23 May 2006 13:06:35 -0400",
          "192.0.2.9|pc.example.org|pc|mx.example.net|||X123|Postfix|0" },
        { "from relay (joe@host.example.org [192.0.2.9] (may be forged)) by mx.example.net (8.12.8/8.12.8) with ESMTP "
          "id "
          "h2F0c2x31856 for <b@example.net>; Sat, 15 Mar 2003 00:38:03 GMT",
          "192.0.2.9|host.example.org|relay|mx.example.net|joe||h2F0c2x31856||0" },
        { "from gw.example.org ([192.0.2.9]) by mx.example.net (8.11.6/8.11.6) with ESMTP id h2FH0Z; Sat, 15 Mar 2003 "
          "17:00:41 GMT",
          "192.0.2.9||gw.example.org|mx.example.net|||h2FH0Z||1" },
        { "from [192.0.2.9] (helo=there ident=me) by mx with smtp (Exim 4.50) id 18t2z0-0001NX-00 for b@example.net; "
          "Wed, 12 Mar 2003 01:57:10 -0800",
          "192.0.2.9||there|mx|me||18t2z0-0001NX-00||0" },
        { "from host.example.org ([192.0.2.9]:52313 helo=me.example.org) by mx.example.net with esmtps "
          "(TLS1.2:RSA) (Exim 4.94) (envelope-from <ann@example.org>) id 1GzVLs-0002Oz-7b; Tue, 1 Jun 2021 01:02:03 "
          "+0000",
          "192.0.2.9|host.example.org|me.example.org|mx.example.net||ann@example.org|1GzVLs-0002Oz-7b||0" },
        { "from host.example.org (HELO me.example.org) (ann@192.0.2.9) by mx.example.net with SMTP; 14 Nov 2003 "
          "08:05:50 "
          "-0000",
          "192.0.2.9|host.example.org|me.example.org|mx.example.net|ann||||0" },
        { "from unknown (HELO me) (192.0.2.9) by mx.example.net with SMTP; 14 Nov 2003 08:05:50 -0000",
          "192.0.2.9||me|mx.example.net|||||0" },
        { "from unknown (HELO me) ([192.0.2.9]) (envelope-sender <ann@example.org>) by mx (qmail-ldap-1.03) with SMTP "
          "for "
          "<b@example.net>; 12 Feb 2003 18:23:19 -0000",
          "192.0.2.9||me|mx||ann@example.org|||0" },
        { "from host.example.org (192.0.2.9) by mx.example.net with SMTP; 14 Nov 2003 08:05:50 -0000",
          "192.0.2.9|host.example.org|host.example.org|mx.example.net|||||0" },
        { "from EX1.example.org (192.0.2.9) by EX2.example.net (192.0.2.10) with Microsoft SMTP Server (TLS) id "
          "15.0.1497.2; Tue, 1 Jun 2021 01:02:03 +0000",
          "192.0.2.9|EX1.example.org|EX1.example.org|EX2.example.net|||15.0.1497.2||0" },
        { "from EX1.example.org ([fe80::19bd%6]) by EX2.example.net ([fe80::2%14]) with mapi id 15.20.1943.023; Tue, 1 "
          "Jun "
          "2021 01:02:03 +0000",
          "fe80::19bd||EX1.example.org|EX2.example.net|||||0" },
        { "from mta.example.org ([192.0.2.9]) by mx.example.net with Microsoft SMTPSVC(6.0.3790.4675); Mon, 5 Jan 2009 "
          "10:11:12 -0500",
          "192.0.2.9||mta.example.org|mx.example.net|||||0" },
        { "from mail-a.example.com (mail-a.example.com. [192.0.2.9]) by mx.google.com with ESMTPS id "
          "y1-20020a056402si9.2023.01.02.03.04.05 for <b@example.net> (version=TLS1_3 cipher=TLS_AES bits=256/256); "
          "Mon, "
          "02 Jan 2023 03:04:05 -0800 (PST)",
          "192.0.2.9|mail-a.example.com|mail-a.example.com|mx.google.com|||y1-20020a056402si9.2023.01.02.03.04.05||0" },
        { "from 192.0.2.9 (SquirrelMail authenticated user ann) by webmail.example.net with HTTP; Sat, 3 Apr 2004 "
          "10:33:43 "
          "-0500 (EST)",
          "192.0.2.9|||webmail.example.net||||HTTP|0" },
        { "from [192.0.2.9] by web1.example.com via HTTP; Wed, 12 Feb 2003 14:22:21 PST",
          "192.0.2.9|||web1.example.com|||||0" },
        { "from oem [192.0.2.9] by mx.example.net (SMTPD32-7.07) id A4CE7F2A0028; Sat, 01 Feb 2003 21:39:10 -0500",
          "192.0.2.9||oem|mx.example.net|||A4CE7F2A0028||0" },
        { "FROM helo.example.org (host.example.org [192.0.2.9]) BY mx.example.net ID 434B508E.174A6.13932 ; 11 Oct "
          "2005 "
          "01:41:34 -0400",
          "192.0.2.9|host.example.org|helo.example.org|mx.example.net|||434B508E.174A6.13932||0" },
        { "from X-Originating-IP: 192.0.2.9\n", "192.0.2.9|||||||"
                                                "|0" },
        { "(qmail 27981 invoked by uid 225); 14 Mar 2003 07:24:34 -0000", "ignored" },
        { "by mx.example.net (Postfix, from userid 1002) id DABBD1BED3; Thu, 13 Feb 2003 14:02:21 +0100", "ignored" },
        { "from a.example.org by mx.example.net; Thu, 20 Feb 2003 23:32:58 +0100", "ignored" },
        { "from ann by mx.example.net with local (Exim 4.12) id 18xeL6-000Dn1-00; Tue, 25 Mar 2003 02:39:00 +0000",
          "ignored" },
        { "from x (y@localhost) by mx.example.net (8.9.3/8.8.7) with ESMTP id KAA14788; Fri, 7 Mar 2003 10:37:56 -0500",
          "ignored" },
        { "from pop.example.org by mx with POP3 (fetchmail-5.9.0); Thu, 13 Mar 2003 20:39:56 -0800", "fetched" },
        { "from nobody knows who this is", "unreadable" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_STR(cases[i].parts, read_line(cases[i].line));
    arena_release(&arena);
}

#define OURS                                                                                                           \
    "Received: from gw ([10.0.0.7]) by mx.example.net (8.11.6/8.11.6) with ESMTP id A1234; 1 Jan 2026 00:00:00 "       \
    "+0000\r\n"
#define CLIENT                                                                                                         \
    "Received: from pc (pc.example.org [192.0.2.9]) by gw (Postfix) with ESMTP id B1234; 1 Jan 2026 00:00:00 "         \
    "+0000\r\n"
#define LOGIN                                                                                                          \
    "Received: from me ([198.51.100.3]) by pc.example.org with ESMTPSA id C1234; 1 Jan 2026 00:00:00 +0000\r\n"

static const struct relays *read_header(const char *text, const struct session *session,
                                        const struct ruleset_settings *settings)
{
    struct header_index h;

    header_parse(&arena, span_of(text), HEADER_BYTES_MAX, HEADER_FIELDS_MAX, &h);
    return relays_read(&arena, &h, session, settings);
}

static void what_is_private_is_trusted_when_nothing_is_said(void **state)
{
    const struct relays *r = read_header(OURS CLIENT LOGIN "\r\n", NULL, NULL);

    (void)state;
    EXPECT_INT(3, r->count);
    EXPECT_INT(1, r->trusted);
    EXPECT_INT(1, r->internal);
    EXPECT_INT(1, r->trusted_fields);
    EXPECT_INT(0, r->unparseable);
    EXPECT_SPAN("[ ip=10.0.0.7 rdns= helo=gw by=mx.example.net ident= envfrom= intl=1 id=A1234 auth= msa=0 ]",
                r->trusted_text);
    EXPECT_SPAN(
        "[ ip=192.0.2.9 rdns=pc.example.org helo=pc by=gw ident= envfrom= intl=0 id=B1234 auth= msa=0 ] "
        "[ ip=198.51.100.3 rdns= helo=me by=pc.example.org ident= envfrom= intl=0 id=C1234 auth=ESMTPSA msa=0 ]",
        r->untrusted_text);
    arena_release(&arena);
}

static void networks_that_are_told_decide(void **state)
{
    static struct net_rule nets[2];
    struct ruleset_settings settings = { 0 };

    (void)state;
    assert_int_equal(0, addr_net_parse(SPAN("10.0.0.0/8"), &nets[0].net));
    assert_int_equal(0, addr_net_parse(SPAN("192.0.2.0/24"), &nets[1].net));
    settings.trusted = (struct net_rules){ .items = nets, .count = 2, .is_configured = true };
    settings.internal = (struct net_rules){ .items = nets, .count = 1, .is_configured = true };
    const struct relays *r = read_header(OURS CLIENT LOGIN "\r\n", NULL, &settings);
    EXPECT_INT(3, r->trusted); /* the third was authenticated by the second, that is trusted */
    EXPECT_INT(1, r->internal);
    settings.msa = (struct net_rules){ .items = nets, .count = 1, .is_configured = true };
    settings.trusted.count = 1;
    r = read_header(OURS CLIENT "\r\n", NULL, &settings);
    EXPECT_INT(2, r->trusted); /* behind a submission server all are */
    EXPECT_TRUE(r->items[0].is_msa);
    nets[0].is_excluded = true;
    EXPECT_INT(0, read_header(OURS "\r\n", NULL, &settings)->trusted);
    nets[0].is_excluded = false;
    arena_release(&arena);
}

static void the_client_comes_first(void **state)
{
    struct session s = { .hostname = "mx.example.net", .helo = SPAN("me<x>"), .client_name = SPAN("host.example.org") };

    (void)state;
    addr_parse(SPAN("192.0.2.77"), &s.client);
    s.mail_from.text = SPAN("ann@example.org");
    const struct relays *r = read_header(CLIENT "\r\n", &s, NULL);
    EXPECT_INT(2, r->count);
    EXPECT_INT(0, r->trusted);
    EXPECT_TRUE(r->has_client);
    EXPECT_SPAN("192.0.2.77", r->items[0].ip);
    EXPECT_SPAN("me!x!", r->items[0].helo);
    EXPECT_SPAN("ann@example.org", r->items[0].envfrom);
    s.auth_user = SPAN("ann");
    EXPECT_INT(1, read_header(CLIENT "\r\n", &s, NULL)->trusted);
    arena_release(&arena);
}

/* Those of relay_clients are trusted, unless the rule files say whom they trust. */
static void relay_clients_are_ours(void **state)
{
    struct session s = { .hostname = "mx.example.net", .is_relay_client = true };
    struct ruleset_settings settings = { .trusted = { .is_configured = true } };

    (void)state;
    addr_parse(SPAN("192.0.2.77"), &s.client);
    EXPECT_INT(1, read_header(CLIENT "\r\n", &s, NULL)->trusted);
    EXPECT_INT(0, read_header(CLIENT "\r\n", &s, &settings)->trusted);
    arena_release(&arena);
}

#define LOCAL                                                                                                          \
    "Received: from localhost (localhost [127.0.0.1]) by mx (Postfix) with ESMTP id L1234; 1 Jan 2026 00:00:00 "       \
    "+0000\r\n"

static void our_own_machine_is_always_internal(void **state)
{
    struct ruleset_settings settings = { .trusted = { .is_configured = true } };
    struct session s = { .hostname = "mx.example.net" };

    (void)state;
    EXPECT_INT(1, read_header(LOCAL CLIENT "\r\n", NULL, &settings)->trusted);
    EXPECT_INT(1, read_header(LOCAL CLIENT "\r\n", NULL, &settings)->internal);
    addr_parse(SPAN("::1"), &s.client);
    EXPECT_INT(1, read_header(CLIENT "\r\n", &s, &settings)->internal);
    arena_release(&arena);
}

/* A mail server that asks us by the scan API has written its field already: that is the same handover. */
static void a_handover_is_told_once(void **state)
{
    struct session s = { .hostname = "mx.example.net" };

    (void)state;
    addr_parse(SPAN("192.0.2.9"), &s.client);
    const struct relays *r = read_header(CLIENT LOGIN "\r\n", &s, NULL);
    EXPECT_INT(2, r->count);
    EXPECT_SPAN("mx.example.net", r->items[0].by);
    EXPECT_SPAN("198.51.100.3", r->items[1].ip);
    EXPECT_INT(0, r->trusted);
    EXPECT_INT(0, r->trusted_fields);
    EXPECT_INT(3, read_header(LOGIN CLIENT "\r\n", &s, NULL)->count); /* only the newest can be it */
    arena_release(&arena);
}

/* A megabyte of what begins like a greeting and is none: quadratic, that is a minute. */
static void greetings_without_end_cost_little(void **state)
{
    enum { LINES = 120, WORDS = 1300 };
    struct strbuf text;

    (void)state;
    strbuf_init(&text, HEADER_BYTES_MAX);
    for (int i = 0; i < LINES; i++) {
        strbuf_puts(&text, "Received: from a ");
        for (int k = 0; k < WORDS; k++)
            strbuf_puts(&text, "xhelo=");
        strbuf_puts(&text, "\r\n");
    }
    strbuf_puts(&text, "\r\n");
    EXPECT_INT(LINES, read_header(text.data, NULL, NULL)->unparseable);
    strbuf_release(&text);
    arena_release(&arena);
}

static void what_was_fetched_starts_anew(void **state)
{
    const struct relays *r = read_header(
        OURS "Received: from pop.example.org by mx with POP3 (fetchmail-5.9.0); 1 Jan 2026\r\n" CLIENT "\r\n", NULL,
        NULL);

    (void)state;
    EXPECT_INT(1, r->count);
    EXPECT_SPAN("192.0.2.9", r->items[0].ip);
    arena_release(&arena);
}

static void many_lines_are_bounded(void **state)
{
    char *text = arena_alloc(&arena, 5000 * sizeof CLIENT);
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 5000; i++, n += sizeof CLIENT - 1)
        memcpy(text + n, CLIENT, sizeof CLIENT);
    const struct relays *r = read_header(text, NULL, NULL);
    EXPECT_INT(RELAYS_MAX, r->count);
    EXPECT_INT(5000 - RELAYS_MAX, r->unparseable);
    arena_release(&arena);
}

RUN_TESTS(TEST(lines_are_taken_apart), TEST(what_is_private_is_trusted_when_nothing_is_said),
          TEST(networks_that_are_told_decide), TEST(the_client_comes_first), TEST(what_was_fetched_starts_anew),
          TEST(relay_clients_are_ours), TEST(our_own_machine_is_always_internal), TEST(a_handover_is_told_once),
          TEST(greetings_without_end_cost_little), TEST(many_lines_are_bounded))

/* tests/unit/test_eval_origin.c - does a message come from the service that it names. */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

struct origin_case {
    const char *function, *text;
    unsigned hits;
};

static void run(const struct origin_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct eval_desk *d = eval_desk_open(cases[i].text);
        unsigned hits = EVAL(d, cases[i].function);

        if (hits != cases[i].hits)
            print_error("%s on %s\n", cases[i].function, cases[i].text);
        EXPECT_INT(cases[i].hits, hits);
        eval_desk_close(d);
    }
}

#define OTHER                                                                                                          \
    "Received: from pc (pc.example.org [192.0.2.9]) by mx.example.net (Postfix) with ESMTP id A1; 1 Jan 2026\n"

static void services_leave_their_marks(void **state)
{
    static const struct origin_case cases[] = {
        { "check_for_forged_gmail_received_headers", OTHER "From: a@gmail.com\n\n", 1 },
        { "check_for_forged_gmail_received_headers",
          OTHER "X-Received: by 2002:a17:90a:b:: with SMTP id x1\nFrom: a@gmail.com\n\n", 0 },
        { "check_for_forged_gmail_received_headers", OTHER "From: a@notgmail.com\n\n", 0 },
        { "check_for_forged_yahoo_received_headers", OTHER "From: a@yahoo.com\n\n", 1 },
        { "check_for_forged_yahoo_received_headers",
          OTHER "Received: from [192.0.2.1] by web1.mail.bf1.yahoo.com via HTTP; 1 Jan 2026\nFrom: a@yahoo.com\n\n",
          0 },
        { "check_for_forged_yahoo_received_headers",
          "Received: from x (sonic.consmr.mail.yahoo.com [192.0.2.9]) by mx (Postfix) with ESMTP id A1; 1 Jan 2026\n"
          "From: a@yahoo.com\n\n",
          0 },
        { "check_for_forged_yahoo_received_headers", "From: a@yahoo.com\n\n", 0 },
        { "check_for_forged_hotmail_received_headers",
          "Received: from mail.hotmail.com (pc.example.org [192.0.2.9]) by mx (Postfix) with SMTP id A; 1 Jan 2026\n"
          "From: a@hotmail.com\n\n",
          1 },
        { "check_for_forged_hotmail_received_headers",
          "Received: from hotmail.com (f1.law8.hotmail.com [192.0.2.9]) by mx (8.9) with SMTP id A; 1 Jan 2026\n"
          "X-Originating-IP: [192.0.2.1]\nFrom: a@hotmail.com\n\n",
          0 },
        { "check_for_no_hotmail_received_headers", OTHER "From: a@hotmail.com\n\n", 1 },
        { "check_for_no_hotmail_received_headers", OTHER "From: a@example.org\n\n", 0 },
        { "check_for_forged_juno_received_headers", OTHER "From: a@juno.com\n\n", 1 },
        { "check_for_forged_juno_received_headers",
          "Received: from m1.juno.com (m1.juno.com [192.0.2.9]) by mx (8.9) with SMTP id A; 1 Jan 2026\n"
          "X-Originating-IP: 192.0.2.1\nX-Mailer: Juno 4.0\nFrom: a@juno.com\n\n",
          0 },
        { "check_for_forged_eudoramail_received_headers", OTHER "From: a@eudoramail.com\n\n", 1 },
        { "check_for_forged_eudoramail_received_headers", OTHER "From: a@example.org\n\n", 0 },
        { "check_for_fake_aol_relay_in_rcvd",
          "Received: from x (HELO y) by rly-xw01.mx.aol.com with QMQP; 1 Jan 2026\n\n", 1 },
        { "check_for_fake_aol_relay_in_rcvd",
          "Received: from x by rly-ip01.mx.aol.com (8.8.8/8.8.8/AOL-5.0.0) with ESMTP id N; 1 Jan 2026\n\n", 0 },
        { "gated_through_received_hdr_remover", "From: a@example.org\n\n", 1 },
        { "gated_through_received_hdr_remover", OTHER "From: a@example.org\n\n", 0 },
        { "gated_through_received_hdr_remover",
          "Received: (qmail 27981 invoked by uid 225); 14 Mar 2003 07:24:34 -0000\nDelivered-To: mailing list "
          "a@example.org\n"
          "Mailing-List: contact a-help@example.org; run by ezmlm\n\n",
          1 },
        { "check_for_msn_groups_headers",
          "Received: from mail pickup service by p04.groups.msn.com with Microsoft SMTPSVC; 5 May 2005\n"
          "Message-Id: <X@p04.groups.msn.com>\nTo: \"M\" <notifications@groups.msn.com>\n\n",
          1 },
        { "check_for_msn_groups_headers", OTHER "To: <notifications@groups.msn.com>\n\n", 0 },
        { "check_messageid_not_usable", OTHER "List-Unsubscribe: <mailto:leave-x-1@example.org>\n\n", 1 },
        { "check_messageid_not_usable", OTHER "List-Unsubscribe: <mailto:a@example.org>\n\n", 0 },
        { "check_for_forged_gw05_received_headers",
          OTHER "Received: from m.example.org by gw05 with ESMTP; Thu, 21 Jun 2001 02:28:32 -0400\n\n", 1 },
        { "check_for_forged_gw05_received_headers",
          OTHER "Received: from m.example.org by gw.example with ESMTP; Thu, 21 Jun 2001 02:28:32 -0400\n\n", 0 },
    };

    (void)state;
    run(cases, COUNT(cases));
}

static void the_way_is_judged(void **state)
{
    static const struct origin_case cases[] = {
        { "check_no_relays", "From: a\n\n", 1 },
        { "check_no_relays", OTHER "\n", 0 },
        { "check_all_trusted", "Received: from a ([10.0.0.1]) by b (8.9) with ESMTP id A1; 1 Jan 2026\n\n", 1 },
        { "check_all_trusted", OTHER "\n", 0 },
        { "check_relays_unparseable", "Received: from what is this\n\n", 1 },
        { "check_relays_unparseable", OTHER "\n", 0 },
        { "check_for_numeric_helo",
          "Received: from 192.0.2.1 (pc.example.org [192.0.2.9]) by b (Postfix) with ESMTP id A; 1 Jan 2026\n\n", 1 },
        { "check_for_numeric_helo", OTHER "\n", 0 },
        { "helo_ip_mismatch",
          "Received: from 198.51.100.1 (pc.example.org [192.0.2.9]) by b (Postfix) with ESMTP id A; 1 Jan 2026\n\n",
          1 },
        { "helo_ip_mismatch",
          "Received: from 192.0.2.1 (pc.example.org [192.0.2.9]) by b (Postfix) with ESMTP id A; 1 Jan 2026\n\n", 0 },
        { "check_for_no_rdns_dotcom_helo",
          "Received: from mx.hotmail.com (unknown [192.0.2.9]) by b (Postfix) with ESMTP id A; 1 Jan 2026\n\n", 1 },
        { "check_for_no_rdns_dotcom_helo",
          "Received: from mx.hotmail.com (x.hotmail.com [192.0.2.9]) by b (Postfix) with ESMTP id A; 1 Jan 2026\n\n",
          0 },
        { "check_for_sender_no_reverse", OTHER "\n", 1 },
        { "check_for_sender_no_reverse",
          "Received: from pc (unknown [192.0.2.9]) by b (Postfix) with ESMTP id A; 1 Jan 2026\n\n", 0 },
        { "check_for_forged_received_trail",
          "Received: from a (a.example.com [192.0.2.1]) by m.example.net (Postfix) with ESMTP id A; 1 Jan 2026\n"
          "Received: from b (b.example.com [192.0.2.2]) by m.example.org (Postfix) with ESMTP id A; 1 Jan 2026\n"
          "Received: from c (c.example.com [192.0.2.3]) by m.example.net (Postfix) with ESMTP id A; 1 Jan 2026\n\n",
          1 },
        { "check_for_forged_received_trail", OTHER OTHER "\n", 0 },
        { "check_for_forged_received_ip_helo",
          "Received: from 198.51.100.1 (pc.example.org [192.0.2.9]) by m.example.net (Postfix) with ESMTP id A; 1 "
          "Jan\n\n",
          1 },
        { "check_for_forged_received_ip_helo", OTHER "\n", 0 },
        { "have_any_bounce_relays", OTHER "\n", 0 },
        { "check_welcomelist_bounce_relays", OTHER "\nReceived: from a by b\n", 0 },
    };

    (void)state;
    run(cases, COUNT(cases));
}

static void a_domain_is_looked_for_in_the_way(void **state)
{
    struct eval_desk *d = eval_desk_open("Received: from a (a.example.org [192.0.2.1]) by b.example.org (Postfix) with "
                                         "ESMTP id A; 1 Jan 2026\nFrom: x@example.org\n\n");

    (void)state;
    EXPECT_INT(1, EVAL(d, "check_for_from_domain_in_received_headers", "example.org", "true"));
    EXPECT_INT(0, EVAL(d, "check_for_from_domain_in_received_headers", "example.org", "false"));
    EXPECT_INT(0, EVAL(d, "check_for_from_domain_in_received_headers", "example.com", "true"));
    eval_desk_close(d);
}

static struct eval_desk *greeted(const char *helo, const char *name)
{
    struct eval_desk *d = eval_desk_open("From: a@hotmail.com\nX-Originating-IP: [192.0.2.1]\n\n");

    addr_parse(SPAN("192.0.2.9"), &d->session.client);
    d->session.hostname = "mx.example.net";
    d->session.helo = span_of(helo);
    d->session.client_name = span_of(name);
    return d;
}

/* In the gateway the last server's own field is not in the message yet: it is the client that it would tell of. */
static void what_our_own_field_will_tell_counts(void **state)
{
    struct eval_desk *d = eval_desk_open("From: a@hotmail.com\nX-Originating-IP: [192.0.2.1]\n\n");

    (void)state;
    EXPECT_INT(0, EVAL(d, "check_for_no_hotmail_received_headers")); /* the way was cut out: nobody knows */
    EXPECT_INT(1, EVAL(d, "gated_through_received_hdr_remover"));
    eval_desk_close(d);
    d = greeted("pc.example.org", "");
    EXPECT_INT(1, EVAL(d, "check_for_no_hotmail_received_headers"));
    EXPECT_INT(0, EVAL(d, "gated_through_received_hdr_remover"));
    eval_desk_close(d);
    d = greeted("bay0.hotmail.com", "bay0.hotmail.com");
    EXPECT_INT(0, EVAL(d, "check_for_no_hotmail_received_headers"));
    EXPECT_INT(0, EVAL(d, "check_for_forged_hotmail_received_headers"));
    eval_desk_close(d);
}

/* Thousands of fields, each of which a shape tries in all ways. */
static void many_fields_cost_little(void **state)
{
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 2 << 20);
    strbuf_puts(&text, "From: a@juno.com\nX-Originating-IP: 192.0.2.1\n");
    for (int i = 0; i < 3000; i++) {
        strbuf_puts(&text, "Received: ");
        for (int k = 0; k < 20; k++)
            strbuf_puts(&text, "from juno.com ");
        strbuf_puts(&text, "\n");
    }
    strbuf_puts(&text, "\n");
    struct eval_desk *d = eval_desk_open(text.data);

    EXPECT_INT(1, EVAL(d, "check_for_forged_juno_received_headers"));
    eval_desk_close(d);
    strbuf_release(&text);
}

RUN_TESTS(TEST(what_our_own_field_will_tell_counts), TEST(many_fields_cost_little), TEST(services_leave_their_marks),
          TEST(the_way_is_judged), TEST(a_domain_is_looked_for_in_the_way))

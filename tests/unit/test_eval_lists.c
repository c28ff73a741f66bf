/* tests/unit/test_eval_lists.c - eval functions over lists of the rule files, and over what sister checks found. */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

static struct eval_desk *open_desk(const char *text, const char *rules)
{
    struct eval_desk *d = eval_desk_open(text);

    eval_desk_scan(d, rules);
    return d;
}

#define RELAY "Received: from pc (mail.example.org [192.0.2.9]) by mx (Postfix) with ESMTP id A1; 1 Jan 2026\n"
#define MAIL                                                                                                           \
    RELAY "From: Ann <ann@example.org>\nReply-To: bob@free.example\nTo: carl@example.net\nSubject: Bug 12\n\nx\n"

static void addresses_are_listed(void **state)
{
    struct eval_desk *d = open_desk(MAIL, "welcomelist_from *@example.org\nblocklist_from *@example.com\n"
                                          "blocklist_to carl@*\nmore_spam_to carl@example.net\n"
                                          "all_spam_to x@example.net\nwelcomelist_to *@example.net\n"
                                          "enlist_addrlist (MINE) ann@example.org bob@free.example\n"
                                          "def_welcomelist_from_rcvd *@example.org example.org\n"
                                          "welcomelist_subject Bug *\nblocklist_subject Make money\n");

    (void)state;
    EXPECT_INT(1, EVAL(d, "check_from_in_welcomelist"));
    EXPECT_INT(0, EVAL(d, "check_from_in_blocklist"));
    EXPECT_INT(1, EVAL(d, "check_to_in_blocklist"));
    EXPECT_INT(1, EVAL(d, "check_to_in_more_spam"));
    EXPECT_INT(0, EVAL(d, "check_to_in_all_spam"));
    EXPECT_INT(1, EVAL(d, "check_to_in_welcomelist"));
    EXPECT_INT(1, EVAL(d, "check_from_in_list", "MINE"));
    EXPECT_INT(1, EVAL(d, "check_replyto_in_list", "MINE"));
    EXPECT_INT(0, EVAL(d, "check_to_in_list", "MINE"));
    EXPECT_INT(0, EVAL(d, "check_from_in_list", "OTHERS"));
    EXPECT_INT(1, EVAL(d, "check_from_in_default_welcomelist"));
    EXPECT_INT(0, EVAL(d, "check_forged_in_default_welcomelist"));
    EXPECT_INT(1, EVAL(d, "check_subject_in_welcomelist"));
    EXPECT_INT(0, EVAL(d, "check_subject_in_blocklist"));
    eval_desk_close(d);
}

static void a_listed_sender_comes_from_his_relay(void **state)
{
    static const struct {
        const char *rules;
        unsigned listed, forged;
    } cases[] = {
        { "welcomelist_from_rcvd *@example.org example.org\n", 1, 0 },
        { "welcomelist_from_rcvd *@example.org [192.0.2.9]\n", 1, 0 },
        { "welcomelist_from_rcvd *@example.org [192.0.2.0/24]\n", 1, 0 },
        { "welcomelist_from_rcvd *@example.org [192.0.2]\n", 1, 0 },
        { "welcomelist_from_rcvd *@example.org example.com\n", 0, 1 },
        { "welcomelist_from_rcvd *@example.org [198.51.100.1]\n", 0, 1 },
        { "welcomelist_from_rcvd *@example.org example.com\nwelcomelist_allows_relays *@example.org\n", 0, 0 },
        { "welcomelist_from_rcvd *@example.net example.org\n", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct eval_desk *d = open_desk(MAIL, cases[i].rules);

        EXPECT_INT(cases[i].listed, EVAL(d, "check_from_in_welcomelist"));
        EXPECT_INT(cases[i].forged, EVAL(d, "check_forged_in_welcomelist"));
        eval_desk_close(d);
    }
}

static void the_envelope_is_of_the_relay(void **state)
{
    struct eval_desk *d = open_desk("Return-Path: <ann@example.org>\n" MAIL, NULL);

    (void)state;
    EXPECT_INT(1, EVAL(d, "check_mailfrom_matches_rcvd"));
    eval_desk_close(d);
    d = open_desk("Return-Path: <ann@example.com>\n" MAIL, NULL);
    EXPECT_INT(0, EVAL(d, "check_mailfrom_matches_rcvd"));
    eval_desk_close(d);
}

static void hosts_are_listed(void **state)
{
    struct eval_desk *d = open_desk("Subject: x\n\nhttp://www.evil.com/ http://good.evil.org/\n",
                                    "enlist_uri_host (BAD) evil.com\nblocklist_uri_host evil.org\n"
                                    "blocklist_uri_host !good.evil.org\n");

    (void)state;
    EXPECT_INT(1, EVAL(d, "check_uri_host_listed", "BAD"));
    EXPECT_INT(0, EVAL(d, "check_uri_host_listed", "WORSE"));
    EXPECT_INT(0, EVAL(d, "check_uri_host_in_blocklist"));
    EXPECT_INT(0, EVAL(d, "check_uri_host_in_welcomelist"));
    eval_desk_close(d);
}

#define FREE "freemail_domains free.example.com *.mail.example.com gratis.org\nutil_rb_tld com org\n"

static void free_services_are_known(void **state)
{
    struct eval_desk *d = open_desk("From: a@free.example.com\nReply-To: b@gratis.org\nTo: c@x.mail.example.com\n\n"
                                    "Write to me at ann@free.example.com please.\n",
                                    FREE);

    (void)state;
    EXPECT_INT(1, EVAL(d, "check_freemail_from"));
    EXPECT_INT(1, EVAL(d, "check_freemail_from", "/^a@/"));
    EXPECT_INT(0, EVAL(d, "check_freemail_from", "/^b@/"));
    EXPECT_INT(1, EVAL(d, "check_freemail_header", "To"));
    EXPECT_INT(1, EVAL(d, "check_freemail_body"));
    EXPECT_INT(1, EVAL(d, "check_freemail_replyto"));
    eval_desk_close(d);
    d = open_desk("From: a@example.com\nTo: postmaster@gratis.org\n\nann@example.com, <b@gratis.org>, c@gratis.org "
                  "wrote: d\n",
                  FREE);
    EXPECT_INT(0, EVAL(d, "check_freemail_from"));
    EXPECT_INT(0, EVAL(d, "check_freemail_header", "To"));
    EXPECT_INT(0, EVAL(d, "check_freemail_body"));
    EXPECT_INT(0, EVAL(d, "check_freemail_replyto"));
    eval_desk_close(d);
}

static void evidence_is_asked(void **state)
{
    struct dkim_evidence dkim = { .result = AUTH_PASS, .domain = "example.org" };
    struct eval_desk *d = open_desk("Return-Path: <ann@example.org>\n" MAIL,
                                    "welcomelist_from_spf *@example.org\nwelcomelist_from_dkim *@example.org\n"
                                    "def_welcomelist_auth *@example.com\n");

    (void)state;
    EXPECT_INT(0, EVAL(d, "check_for_spf_pass"));
    EXPECT_INT(0, EVAL(d, "check_for_spf_none"));
    EXPECT_INT(0, EVAL(d, "check_dkim_valid"));
    EXPECT_INT(0, EVAL(d, "check_bayes", "0.40", "0.60"));
    d->evidence.spf_mailfrom.result = AUTH_PASS;
    d->evidence.spf_helo.result = AUTH_FAIL;
    d->evidence.dkim = &dkim;
    d->evidence.dkim_count = 1;
    d->evidence.dkim_result = AUTH_PASS;
    d->evidence.dmarc = (struct dmarc_evidence){ .result = AUTH_FAIL, .policy = "reject" };
    d->evidence.arc = (struct arc_evidence){ .result = AUTH_PASS, .sets = 1 };
    d->evidence.bayes = (struct bayes_evidence){ .is_known = true, .probability = 0.5 };
    EXPECT_INT(1, EVAL(d, "check_for_spf_pass"));
    EXPECT_INT(0, EVAL(d, "check_for_spf_fail"));
    EXPECT_INT(1, EVAL(d, "check_for_spf_helo_fail"));
    EXPECT_INT(0, EVAL(d, "check_for_spf_helo_pass"));
    EXPECT_INT(1, EVAL(d, "check_for_spf_welcomelist_from"));
    EXPECT_INT(0, EVAL(d, "check_for_def_spf_welcomelist_from"));
    EXPECT_INT(1, EVAL(d, "check_dkim_signed"));
    EXPECT_INT(1, EVAL(d, "check_dkim_valid", "example.com", "example.org"));
    EXPECT_INT(0, EVAL(d, "check_dkim_valid", "example.com"));
    EXPECT_INT(1, EVAL(d, "check_dkim_valid_author_sig"));
    EXPECT_INT(1, EVAL(d, "check_dkim_valid_envelopefrom"));
    EXPECT_INT(1, EVAL(d, "check_for_dkim_welcomelist_from"));
    EXPECT_INT(0, EVAL(d, "check_for_def_dkim_welcomelist_from"));
    EXPECT_INT(0, EVAL(d, "check_dkim_testing"));
    EXPECT_INT(0, EVAL(d, "check_dkim_adsp", "*"));
    EXPECT_INT(1, EVAL(d, "check_dmarc_reject"));
    EXPECT_INT(0, EVAL(d, "check_dmarc_pass"));
    EXPECT_INT(1, EVAL(d, "check_arc_signed"));
    EXPECT_INT(1, EVAL(d, "check_arc_valid"));
    EXPECT_INT(1, EVAL(d, "check_bayes", "0.40", "0.60"));
    EXPECT_INT(0, EVAL(d, "check_bayes", "0.60", "0.80"));
    eval_desk_close(d);
}

static void adsp_is_what_the_files_say(void **state)
{
    struct eval_desk *d = open_desk(MAIL, "adsp_override example.org custom_high\n");

    (void)state;
    d->evidence.dkim_result = AUTH_NONE;
    EXPECT_INT(1, EVAL(d, "check_dkim_adsp", "3"));
    EXPECT_INT(0, EVAL(d, "check_dkim_adsp", "D"));
    EXPECT_INT(1, EVAL(d, "check_dkim_adsp", "*", "example.org"));
    EXPECT_INT(0, EVAL(d, "check_dkim_adsp", "*", "example.com"));
    eval_desk_close(d);
}

RUN_TESTS(TEST(addresses_are_listed), TEST(a_listed_sender_comes_from_his_relay), TEST(the_envelope_is_of_the_relay),
          TEST(hosts_are_listed), TEST(free_services_are_known), TEST(evidence_is_asked),
          TEST(adsp_is_what_the_files_say))

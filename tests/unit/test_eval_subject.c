/* tests/unit/test_eval_subject.c - senders, recipients and subjects. */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

#include "rules/view/field_mailbox.h"

static unsigned hits(const char *text, const char *function, const char *a, const char *b)
{
    struct eval_desk *d = eval_desk_open(text);
    unsigned n = !a ? EVAL(d, function) : !b ? EVAL(d, function, a) : EVAL(d, function, a, b);

    eval_desk_close(d);
    return n;
}

static void recipients_are_compared(void **state)
{
    static const char sorted[] = "To: a@example.org, b@example.org, c@example.org, d@example.org, e@example.org,\n"
                                 " f@example.org, g@example.org\n\n";
    static const char mixed[] = "To: g@example.org, b@example.org, c@example.org, d@example.org, e@example.org,\n"
                                " f@example.org, a@example.org\n\n";
    static const char alike[] =
        "To: anna@a.example, annb@a.example, annc@a.example, annd@a.example, anne@a.example\n\n";

    (void)state;
    EXPECT_INT(1, hits(sorted, "sorted_recipients", NULL, NULL));
    EXPECT_INT(0, hits(mixed, "sorted_recipients", NULL, NULL));
    EXPECT_INT(1, hits(alike, "similar_recipients", "0.65", "undef"));
    EXPECT_INT(0, hits(mixed, "similar_recipients", "0.65", "undef"));
}

static void capitals_are_seen(void **state)
{
    (void)state;
    EXPECT_INT(1, hits("Subject: BUY NOW CHEAP\n\n", "subject_is_all_caps", NULL, NULL));
    EXPECT_INT(1, hits("Subject: Re: BUY NOW CHEAP\n\n", "subject_is_all_caps", NULL, NULL));
    EXPECT_INT(0, hits("Subject: BUY NOW cheap\n\n", "subject_is_all_caps", NULL, NULL));
    EXPECT_INT(0, hits("Subject: BUYNOWCHEAP\n\n", "subject_is_all_caps", NULL, NULL));
    EXPECT_INT(0, hits("Subject: BUY NOW\n\n", "subject_is_all_caps", NULL, NULL));
    EXPECT_INT(0, hits("Subject: =?koi8-r?Q?BUY_NOW_CHEAP?=\n\n", "subject_is_all_caps", NULL, NULL));
}

static void the_recipient_is_named_in_the_subject(void **state)
{
    (void)state;
    EXPECT_INT(
        1, hits("To: ann@example.org\nSubject: ann@example.org won\n\n", "check_for_to_in_subject", "address", NULL));
    EXPECT_INT(0,
               hits("To: ann@example.org\nSubject: joann@example.org\n\n", "check_for_to_in_subject", "address", NULL));
    EXPECT_INT(1, hits("To: ann@example.org\nSubject: ann, you won\n\n", "check_for_to_in_subject", "user", NULL));
    EXPECT_INT(1, hits("To: ann@example.org\nSubject: Re: ann\n\n", "check_for_to_in_subject", "user", NULL));
    EXPECT_INT(0, hits("To: ann@example.org\nSubject: you won, ann!!\n\n", "check_for_to_in_subject", "user", NULL));
}

static void programs_for_spam_leave_traces(void **state)
{
    (void)state;
    EXPECT_INT(1, hits("X-Mailer: %RANDOM\n\n", "check_unresolved_template", NULL, NULL));
    EXPECT_INT(0, hits("Subject: %RANDOM\n\n", "check_unresolved_template", NULL, NULL));
    EXPECT_INT(1,
               hits("Message-Id: <ABCDEFGHIJKLMNOPQRSTUVWXYZAB.ann@example.org>\nFrom: \"Ann\" <ann@example.org>\n\n",
                    "check_ratware_name_id", NULL, NULL));
    EXPECT_INT(0,
               hits("Message-Id: <ABCDEFGHIJKLMNOPQRSTUVWXYZAB.bob@example.org>\nFrom: \"Ann\" <ann@example.org>\n\n",
                    "check_ratware_name_id", NULL, NULL));
    EXPECT_INT(1, hits("Return-Path: <x-example.org-ann@list.example>\nTo: ann@example.org\n\n",
                       "check_ratware_envelope_from", NULL, NULL));
    EXPECT_INT(
        0, hits("Return-Path: <ann@example.org>\nTo: ann@example.org\n\n", "check_ratware_envelope_from", NULL, NULL));
}

static void from_and_the_envelope_are_compared(void **state)
{
    static const char same[] = "Return-Path: <ann@example.org>\nFrom: Ann <ANN@example.org>\n\n";
    static const char other[] = "Return-Path: <ann@example.com>\nFrom: Ann <ann@mail.example.org>\n\n";

    (void)state;
    EXPECT_INT(1, hits(same, "check_for_matching_env_and_hdr_from", NULL, NULL));
    EXPECT_INT(0, hits(other, "check_for_matching_env_and_hdr_from", NULL, NULL));
    EXPECT_INT(0, hits(same, "check_equal_from_domains", NULL, NULL));
    EXPECT_INT(1, hits(other, "check_equal_from_domains", NULL, NULL));
    /* one below a Received field is another delivery's: then none can be relied on */
    EXPECT_INT(0, hits("Return-Path: <ann@example.org>\nReceived: by a; 1 Jan 2026\nReturn-Path: <bob@example.org>\n"
                       "From: ann@example.org\n\n",
                       "check_for_matching_env_and_hdr_from", NULL, NULL));
    EXPECT_INT(0, hits("Subject: =?gb2312?Q?x?=\n\n", "check_for_faraway_charset_in_headers", NULL, NULL));
}

static void mailboxes_are_read_as_rules_expect(void **state)
{
    static const struct {
        const char *value, *found; /* name|address, for each */
    } cases[] = {
        { "Ann <ann@example.org>", "Ann |ann@example.org" },
        { "\"A \\\"B\\\"\" <ann@example.org> (x)", "A \"B\" |ann@example.org" },
        { "ann@example.org (Ann)", "Ann|ann@example.org" },
        { "Shop, <ann@example.org>", "Shop|-;-|ann@example.org" },
        { "ann@example.org, b@example.net", "-|ann@example.org;-|b@example.net" },
        { "ann@example.org <ann@example.org>", "ann@example.org |ann@example.org" },
        { "friends: a@example.org, b@example.org;", "-|a@example.org;-|b@example.org" },
        { "=?UTF-8?Q?\"Ann\"_<ann@example.org>?=", "-|ann@example.org" },
        { "<>", "-|-" },
        { "Ann", "Ann|-" },
        { "", "" },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct field_mailboxes all = field_mailboxes(&arena, span_of(cases[i].value));
        const char *found = "";

        for (size_t k = 0; k < all.count; k++)
            found = arena_printf(&arena, "%s%s%.*s|%.*s", found, k ? ";" : "",
                                 SPAN_ARG(all.items[k].has_name ? all.items[k].name : SPAN("-")),
                                 SPAN_ARG(all.items[k].has_address ? all.items[k].address : SPAN("-")));
        EXPECT_STR(cases[i].found, found);
    }
    arena_release(&arena);
}

RUN_TESTS(TEST(recipients_are_compared), TEST(capitals_are_seen), TEST(the_recipient_is_named_in_the_subject),
          TEST(programs_for_spam_leave_traces), TEST(from_and_the_envelope_are_compared),
          TEST(mailboxes_are_read_as_rules_expect))

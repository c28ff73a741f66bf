/* tests/check/test_dkim.c - the check "dkim": results, symbols and evidence, with a signer of our own. */
#include "scanners/dkim.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"
#include "tests/kit/signer_room.h"

#define MESSAGE "From: Joe <joe@example.org>\r\nTo: a@example.net\r\nSubject: s\r\n\r\nLine  one\r\nline two\r\n"
#define TAGS    "v=1; a=ed25519-sha256; d=example.org; s=sel; h=from:to:subject"
#define NAME    "sel._domainkey.example.org"

static const char *const engines[] = { "engine = \"own\"", "engine = \"libopendkim\"" };
static struct span sign(const char *tags, struct span message)
{
    return signer_signed(signer, &arena, "DKIM-Signature", tags, message);
}

static struct span join(const char *head, struct span message, const char *tail)
{
    return span_of(arena_printf(&arena, "%s%.*s%s", head, SPAN_ARG(message), tail));
}

static struct desk *judge(const char *conf, struct span message, const char *answer)
{
    struct desk *d = desk_open(&dkim_module, conf);

    desk_message_bytes(d, message);
    if (answer)
        desk_dns(d, NAME, DNS_TXT, answer);
    desk_settle(d);
    return d;
}

static void expect(const char *conf, struct span message, const char *answer, const char *result, const char *symbol)
{
    struct desk *d = judge(conf, message, answer);

    if (strcmp(result, auth_text(d->evidence.dkim_result)) != 0 || !desk_finding(d, symbol))
        fail_msg("%s; key %s; %s: wanted %s %s, got %s", conf ? conf : "", answer, message.ptr, result, symbol,
                 auth_text(d->evidence.dkim_result));
    desk_close(d);
}

/* Own engine and libopendkim come to the same. */
static void each_fault_has_its_result_whoever_verifies(void **state)
{
    const char *p = signer_p(signer);
    const struct {
        const char *tags, *record, *result, *symbol;
    } cases[] = {
        { TAGS, "v=DKIM1; k=ed25519; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS "; c=relaxed/relaxed", "k=ed25519; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS "; c=relaxed", "k=ed25519; p=%s; g=other; n=x", "pass", "R_DKIM_ALLOW" },
        { TAGS "; c=simple/relaxed", "v=DKIM1; k=ed25519; s=email; t=s; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS ":to:cc:cc:date", "v=DKIM1; k=ed25519; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS "; l=17; c=relaxed/relaxed", "v=DKIM1; k=ed25519; p=%s", "policy", "DKIM_PARTIAL" },
        { TAGS "; l=20; c=relaxed/relaxed", "v=DKIM1; k=ed25519; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS "; l=21; c=relaxed/relaxed", "v=DKIM1; k=ed25519; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS "; i=joe@sub.example.org", "v=DKIM1; k=ed25519; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS "; i=joe@sub.example.org", "v=DKIM1; k=ed25519; t=s; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS "; i=joe@example.com", "v=DKIM1; k=ed25519; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS "; x=1767225400", "v=DKIM1; k=ed25519; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS "; x=1767224800", "v=DKIM1; k=ed25519; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS "; t=1767225901", "v=DKIM1; k=ed25519; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { "v=1; a=ed25519-sha256; d=example.org; s=sel; h=to", "v=DKIM1; k=ed25519; p=%s", "permerror",
          "R_DKIM_PERMFAIL" },
        { "v=2; a=ed25519-sha256; d=example.org; s=sel; h=from", "v=DKIM1; k=ed25519; p=%s", "neutral",
          "R_DKIM_PERMFAIL" },
        { TAGS, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=%.0s", "fail", "R_DKIM_REJECT" },
        { TAGS, "v=DKIM1; k=ed25519; p=%.0s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "v=DKIM1; k=ed25519; h=sha1; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "v=DKIM1; k=ed25519; s=chat; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "v=DKIM1; k=rsa; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "v=DKIM1; k=new; p=%s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "v=spf1 -all%.0s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "v=spf1 -all | v=DKIM1; k=ed25519; p=%s", "pass", "R_DKIM_ALLOW" },
        { TAGS, "NXDOMAIN%.0s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "NODATA%.0s", "permerror", "R_DKIM_PERMFAIL" },
        { TAGS, "SERVFAIL%.0s", "temperror", "R_DKIM_TEMPFAIL" },
        { TAGS, "TIMEOUT%.0s", "temperror", "R_DKIM_TEMPFAIL" },
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        char record[300];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(record, sizeof record, cases[i / 2].record, p);
#pragma GCC diagnostic pop
        expect(engines[i % 2], sign(cases[i / 2].tags, SPAN(MESSAGE)), record, cases[i / 2].result,
               cases[i / 2].symbol);
    }
}

static void of_several_keys_the_best_counts(void **state)
{
    const char *both = arena_printf(&arena, "v=DKIM1; k=ed25519; p= | v=DKIM1; k=ed25519; p=%s", signer_p(signer));

    (void)state;
    expect(NULL, sign(TAGS, SPAN(MESSAGE)), both, "pass", "R_DKIM_ALLOW");
}

static void scores_are_those_of_the_table(void **state)
{
    struct span good = sign(TAGS, SPAN(MESSAGE));
    const struct {
        struct span message;
        const char *answer;
        int points;
    } cases[] = {
        { good, signer_record(signer), -20 },
        { join("", good, "more\r\n"), signer_record(signer), 100 },
        { good, "TIMEOUT", 0 },
        { good, "NXDOMAIN", 0 },
        { SPAN(MESSAGE), NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = judge(NULL, cases[i].message, cases[i].answer);

        EXPECT_INT(cases[i].points, desk_points(d));
        desk_close(d);
    }
}

static void changes_are_noticed_where_they_are_signed(void **state)
{
    struct span signed_simple = sign(TAGS "; c=simple/simple", SPAN(MESSAGE));
    struct span signed_relaxed = sign(TAGS "; c=relaxed/relaxed", SPAN(MESSAGE));
    struct span oversigned = sign(TAGS ":from:cc; c=relaxed/relaxed", SPAN(MESSAGE));
    const struct {
        struct span message;
        const char *result;
    } cases[] = {
        { join("X-New: field\r\n", signed_simple, ""), "pass" },
        { join("", signed_simple, "\r\n\r\n"), "pass" },
        { join("", signed_simple, " \r\n"), "fail" },
        { join("", signed_relaxed, " \t\r\n \r\n"), "pass" },
        { join("", signed_relaxed, "x\r\n"), "fail" },
        { join("From: Evil <evil@example.com>\r\n", signed_relaxed, ""), "policy" }, /* the lower one is signed */
        { join("From: Evil <evil@example.com>\r\n", oversigned, ""), "fail" },
        { join("Cc: b@example.net\r\n", oversigned, ""), "fail" },
        { join("Cc: b@example.net\r\n", signed_relaxed, ""), "pass" },
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        struct desk *d = judge(engines[i % 2], cases[i / 2].message, signer_record(signer));

        EXPECT_STR(cases[i / 2].result, auth_text(d->evidence.dkim_result));
        desk_close(d);
    }
}

static void a_partly_signed_body_is_worth_what_the_configuration_says(void **state)
{
    struct span message = sign(TAGS "; l=10", SPAN(MESSAGE));

    (void)state;
    expect(NULL, message, signer_record(signer), "policy", "DKIM_PARTIAL");
    expect("body_length = \"neutral\"", message, signer_record(signer), "neutral", "DKIM_PARTIAL");
    expect("body_length = \"accept\"", message, signer_record(signer), "pass", "R_DKIM_ALLOW");
    struct desk *d = judge("body_length = \"accept\"", message, signer_record(signer));

    EXPECT_TRUE(d->evidence.dkim[0].covers_prefix);
    EXPECT_STR("l= leaves 11 bytes of the body unsigned", d->evidence.dkim[0].reason);
    desk_close(d);
}

static void evidence_tells_all(void **state)
{
    struct desk *d = judge(NULL, sign(TAGS "; i=joe@a.example.org", SPAN(MESSAGE)), signer_record(signer));
    const struct dkim_evidence *e = d->evidence.dkim;

    (void)state;
    EXPECT_INT(1, d->evidence.dkim_count);
    EXPECT_INT(AUTH_PASS, e->result);
    EXPECT_STR("example.org", e->domain);
    EXPECT_STR("joe@a.example.org", e->identity);
    EXPECT_STR("sel", e->selector);
    EXPECT_STR("ed25519-sha256", e->algorithm);
    EXPECT_INT(8, strlen(e->b_start));
    EXPECT_STR("", e->reason);
    EXPECT_INT(256, e->key_bits);
    EXPECT_STR(NAME, e->key->name);
    EXPECT_FALSE(e->is_testing || e->covers_prefix || e->is_weak);
    desk_close(d);
}

static void a_key_in_testing_counts_nothing(void **state)
{
    struct span good = sign(TAGS, SPAN(MESSAGE));
    const char *testing = arena_printf(&arena, "v=DKIM1; k=ed25519; t=y; p=%s", signer_p(signer));

    (void)state;
    for (int is_broken = 0; is_broken < 2; is_broken++) {
        struct desk *d = judge(NULL, join("", good, is_broken ? "more\r\n" : ""), testing);

        EXPECT_STR(is_broken ? "fail" : "pass", auth_text(d->evidence.dkim_result));
        EXPECT_TRUE(d->evidence.dkim[0].is_testing);
        EXPECT_TRUE(desk_finding(d, "DKIM_TESTING") != NULL);
        EXPECT_INT(0, desk_points(d));
        desk_close(d);
    }
}

static void weak_rsa_never_passes(void **state)
{
    static const struct {
        unsigned bits;
        const char *algorithm, *result;
        bool is_weak;
    } cases[] = {
        { 512, "rsa-sha256", "policy", true },
        { 1024, "rsa-sha256", "pass", false },
        { 2048, "rsa-sha1", "permerror", true },
        { 2048, "rsa-sha256", "pass", false },
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        struct signer *rsa = signer_new(cases[i / 2].bits);
        const char *tags = arena_printf(&arena, "v=1; a=%s; d=example.org; s=sel; h=from", cases[i / 2].algorithm);
        struct span message = signer_signed(rsa, &arena, "DKIM-Signature", tags, SPAN(MESSAGE));
        struct desk *d = judge(engines[i % 2], message, signer_record(rsa));

        EXPECT_STR(cases[i / 2].result, auth_text(d->evidence.dkim_result));
        EXPECT_INT(cases[i / 2].is_weak, d->evidence.dkim[0].is_weak);
        EXPECT_INT(cases[i / 2].is_weak, desk_finding(d, "DKIM_WEAK") != NULL);
        desk_close(d);
        signer_free(rsa);
    }
}

static void a_good_signature_makes_up_for_bad_ones(void **state)
{
    struct span good = sign(TAGS, SPAN(MESSAGE));
    struct span broken = join("", sign(TAGS, SPAN(MESSAGE "lost\r\n")), "");
    struct span field = span_first(broken, span_search(broken, SPAN("From:")));
    struct desk *d;

    (void)state;
    d = judge(NULL, join(arena_dup(&arena, field), good, ""), signer_record(signer));
    EXPECT_INT(2, d->evidence.dkim_count);
    EXPECT_INT(AUTH_FAIL, d->evidence.dkim[0].result);
    EXPECT_INT(AUTH_PASS, d->evidence.dkim[1].result);
    EXPECT_INT(AUTH_PASS, d->evidence.dkim_result);
    EXPECT_INT(-20, desk_points(d));
    EXPECT_NULL(desk_finding(d, "R_DKIM_REJECT"));
    desk_close(d);
}

/* libopendkim overruns its heap when h= selects the signature itself; ours stands in for it then. */
static void signatures_may_name_signatures(void **state)
{
    static const char *const names[] = { "DKIM-Signature", "dkim-\r\n signature", "dkim-signature:dkim-signature" };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(names); i++) {
        const char *tags =
            arena_printf(&arena, "v=1; a=ed25519-sha256; d=example.org; s=sel; h=from:to:subject:%s", names[i / 2]);
        struct desk *d = judge(engines[i % 2], sign(tags, sign(TAGS, SPAN(MESSAGE))), signer_record(signer));

        EXPECT_INT(2, d->evidence.dkim_count);
        EXPECT_INT(i / 2 == 2 ? AUTH_FAIL : AUTH_PASS, d->evidence.dkim[0].result); /* nobody can sign his own b= */
        EXPECT_INT(AUTH_PASS, d->evidence.dkim[1].result);
        desk_close(d);
    }
}

static void while_one_key_is_missing_the_others_prove_nothing(void **state)
{
    struct span broken = sign(TAGS, SPAN(MESSAGE "lost\r\n"));
    struct span field = span_first(broken, span_search(broken, SPAN("From:")));
    struct span other = sign("v=1; a=ed25519-sha256; d=example.com; s=sel; h=from", SPAN(MESSAGE));
    struct desk *d = desk_open(&dkim_module, NULL);

    (void)state;
    desk_message_bytes(d, join(arena_dup(&arena, field), other, ""));
    desk_dns(d, NAME, DNS_TXT, signer_record(signer));
    desk_dns(d, "sel._domainkey.example.com", DNS_TXT, "TIMEOUT");
    desk_settle(d);
    EXPECT_INT(AUTH_TEMPERROR, d->evidence.dkim_result);
    EXPECT_INT(0, desk_points(d));
    desk_close(d);
}

static void all_keys_are_asked_for_in_one_wave(void **state)
{
    struct span message = SPAN(MESSAGE);
    struct desk *d = desk_open(&dkim_module, "signatures_most = 3");

    (void)state;
    for (int i = 0; i < 5; i++)
        message = sign(arena_printf(&arena, "v=1; a=ed25519-sha256; d=d%d.example; s=s; h=from", i), message);
    desk_message_bytes(d, message);
    EXPECT_INT(STEP_WAIT, desk_run(d));
    EXPECT_INT(3, d->book.count);
    desk_settle(d);
    EXPECT_INT(1, d->rounds);
    EXPECT_INT(3, d->evidence.dkim_count);
    EXPECT_STR("d4.example", d->evidence.dkim[0].domain);
    const struct finding *many = desk_finding(d, "DKIM_MANY");

    EXPECT_TRUE(strstr(many->reason, "2 of 5 signatures are not looked at; number 4: v=1; a=ed25519-sha256; d=d1"));
    desk_close(d);
}

static void a_limit_of_look_ups_is_no_temporary_error(void **state)
{
    struct desk *d = desk_open(&dkim_module, NULL);

    (void)state;
    d->run.most_asks = 0;
    desk_message_bytes(d, sign(TAGS, SPAN(MESSAGE)));
    desk_settle(d);
    EXPECT_INT(AUTH_POLICY, d->evidence.dkim_result);
    desk_close(d);
}

static void hostile_fields_are_only_malformed(void **state)
{
    static const char *const fields[] = {
        "DKIM-Signature:\r\n",
        "DKIM-Signature: \r\n \r\n",
        "DKIM-Signature: ;;;\r\n",
        "DKIM-Signature: v\r\n",
        "DKIM-Signature: b=\r\n",
        "dkim-signature: v=1; a=; b=; bh=; d=; h=; s=\r\n",
        "DKIM-Signature: v=1; a=rsa-sha256; b=AA; bh=AA; d=a.b; h=from; s=\xff\xfe\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct desk *d = judge(NULL, join(fields[i], SPAN(MESSAGE), ""), NULL);

        EXPECT_INT(AUTH_NEUTRAL, d->evidence.dkim_result);
        EXPECT_INT(0, d->rounds);
        desk_close(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_fault_has_its_result_whoever_verifies),
        TEST(of_several_keys_the_best_counts),
        TEST(scores_are_those_of_the_table),
        TEST(changes_are_noticed_where_they_are_signed),
        TEST(a_partly_signed_body_is_worth_what_the_configuration_says),
        TEST(evidence_tells_all),
        TEST(a_key_in_testing_counts_nothing),
        TEST(weak_rsa_never_passes),
        TEST(a_good_signature_makes_up_for_bad_ones),
        TEST(signatures_may_name_signatures),
        TEST(while_one_key_is_missing_the_others_prove_nothing),
        TEST(all_keys_are_asked_for_in_one_wave),
        TEST(a_limit_of_look_ups_is_no_temporary_error),
        TEST(hostile_fields_are_only_malformed),
    };

    return cmocka_run_group_tests(tests, signer_start, signer_stop);
}

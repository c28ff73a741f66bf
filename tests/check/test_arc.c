/* tests/check/test_arc.c - the check "arc": chains of a signer of our own, broken in every way. */
#include "scanners/arc.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"
#include "tests/kit/signer_room.h"

#define MESSAGE "From: Joe <joe@example.org>\r\nTo: a@example.net\r\nSubject: s\r\n\r\nLine  one\r\nline two\r\n"
#define RESULTS "mx.example; dmarc=pass header.from=example.org; spf=fail"

static struct span chain_on(struct span message, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++)
        message = signer_arc(signer, &arena, i, arena_printf(&arena, "d%u.example", i), i == 1 ? "none" : "pass",
                             RESULTS, message);
    return message;
}

static struct span chain(unsigned sets)
{
    return chain_on(SPAN(MESSAGE), 1, sets);
}

static struct desk *judge(const char *conf, struct span message)
{
    struct desk *d = desk_open(&arc_module, conf);

    for (int i = 1; i <= 50; i++)
        desk_dns(d, arena_printf(&arena, "arc._domainkey.d%d.example", i), DNS_TXT, signer_record(signer));
    d->run.most_asks = 200;
    desk_message_bytes(d, message);
    desk_settle(d);
    return d;
}

static void expect(struct span message, enum auth_result result, const char *symbol, const char *reason)
{
    struct desk *d = judge(NULL, message);

    EXPECT_STR(auth_text(result), auth_text(d->evidence.arc.result));
    if (!desk_finding(d, symbol))
        fail_msg("no %s", symbol);
    if (!strstr(d->evidence.arc.reason, reason))
        fail_msg("\"%s\" does not say \"%s\"", d->evidence.arc.reason, reason);
    desk_close(d);
}

/* The message with `what` replaced where it first stands. */
static struct span swap(struct span message, const char *what, const char *with)
{
    size_t at = span_search(message, span_of(what));

    assert_int_not_equal(SPAN_NPOS, at);
    return span_of(arena_printf(&arena, "%.*s%s%.*s", SPAN_ARG(span_first(message, at)), with,
                                SPAN_ARG(span_skip(message, at + strlen(what)))));
}

static void chains_of_one_to_fifty_sets_pass(void **state)
{
    static const unsigned sets[] = { 1, 2, 3, 10, 50 };

    (void)state;
    for (size_t i = 0; i < COUNT(sets); i++) {
        struct desk *d = judge(NULL, chain(sets[i]));

        EXPECT_STR("", d->evidence.arc.reason);
        EXPECT_INT(AUTH_PASS, d->evidence.arc.result);
        EXPECT_INT(sets[i], d->evidence.arc.sets);
        EXPECT_INT(sets[i], d->evidence.arc.sealer_count);
        EXPECT_STR(arena_printf(&arena, "d%u.example", sets[i]), d->evidence.arc.sealers[0]);
        EXPECT_STR("d1.example", d->evidence.arc.sealers[sets[i] - 1]);
        EXPECT_INT(0, d->evidence.arc.oldest_pass);
        EXPECT_STR("", d->evidence.arc.trusted_sealer);
        EXPECT_INT(-100, desk_points(d));
        EXPECT_INT(1, d->rounds);
        desk_close(d);
    }
}

static void a_message_without_a_chain_has_none(void **state)
{
    (void)state;
    expect(SPAN(MESSAGE), AUTH_NONE, "ARC_NA", "");
    expect(SPAN("ARC-Other: i=1\r\n" MESSAGE), AUTH_NONE, "ARC_NA", "");
}

static void malformed_chains_are_invalid(void **state)
{
    struct span one = chain(1), two = chain(2);
    size_t from = span_search(one, SPAN("From:")), seal_end = span_search(one, SPAN("ARC-Message"));
    const struct {
        struct span message;
        const char *reason;
    } cases[] = {
        { span_skip(one, seal_end), "an instance is incomplete" },
        { SPAN("ARC-Seal: i=1\r\n" MESSAGE), "an instance is incomplete" },
        { swap(one, "Results: i=1;", "Results: i=2;"), "an instance is incomplete" },
        { swap(one, "Results: i=1;", "Results: "), "an ARC-Authentication-Results has no instance" },
        { swap(one, "Results: i=1;", "Results: i=0;"), "an ARC-Authentication-Results has no instance" },
        { swap(one, "Results: i=1;", "Results: i=51;"), "an ARC-Authentication-Results has no instance" },
        { swap(one, "Seal: i=1;", "Seal: i=51;"), "an ARC-Seal has no instance" },
        { swap(one, "Signature: i=1;", "Signature: "), "an ARC-Message-Signature has no instance" },
        { swap(two, "Seal: i=2;", "Seal: i=1;"), "an instance has two ARC-Seal" },
        { swap(two, "Signature: i=2;", "Signature: i=1;"), "an instance has two ARC-Message-Signature" },
        { swap(two, "Results: i=2;", "Results: i=1;"), "an instance has two ARC-Authentication-Results" },
        { swap(one, "cv=none", "cv=pass"), "the first cv= is not none" },
        { swap(two, "cv=pass", "cv=none"), "a cv= is not pass" },
        { swap(one, "cv=none", "cv=maybe"), "an ARC-Seal is malformed" },
        { swap(one, "c=relaxed", "c=loose"), "an ARC-Message-Signature is malformed" },
        { span_of(arena_printf(&arena, "%.*s%.*s", SPAN_ARG(span_first(one, from)), SPAN_ARG(one))),
          "an instance has two ARC-Seal" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(cases[i].message, AUTH_FAIL, "ARC_INVALID", cases[i].reason);
}

static void broken_chains_fail(void **state)
{
    struct span one = chain(1), two = chain(2);
    struct span failed = signer_arc(signer, &arena, 2, "d2.example", "fail", RESULTS, one);
    const struct {
        struct span message;
        const char *reason;
    } cases[] = {
        { failed, "cv=fail" },
        { swap(one, "line two", "line 2"), "message signature of instance 1 (d=d1.example): the body was changed" },
        { swap(one, "Subject: s", "Subject: t"), "message signature of instance 1 (d=d1.example): the signature" },
        { swap(one, "spf=fail", "spf=pass"), "seal of instance 1 (d=d1.example): the signature does not verify" },
        { swap(swap(two, "spf=fail", "spf=pass"), "d1.example", "d1.example"), "seal of instance 2" },
        { swap(one, "s=arc; b=", "s=none; b="), "seal of instance 1 (d=d1.example): there is no key in the DNS" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(cases[i].message, AUTH_FAIL, "ARC_REJECT", cases[i].reason);
}

static void a_partly_signed_body_does_not_pass(void **state)
{
    struct span message = span_of(arena_printf(&arena, "ARC-Authentication-Results: i=1; %s\r\n%s", RESULTS, MESSAGE));

    (void)state;
    message = signer_signed(signer, &arena, "ARC-Message-Signature",
                            "i=1; a=ed25519-sha256; d=d1.example; s=arc; h=from; l=5", message);
    message = signer_signed(signer, &arena, "ARC-Seal", "i=1; a=ed25519-sha256; cv=none; d=d1.example; s=arc", message);
    expect(message, AUTH_FAIL, "ARC_REJECT", "l= leaves a part of the body unsigned");
}

static void a_change_between_two_sealers_is_found(void **state)
{
    struct span changed = chain_on(swap(chain(2), "Subject: s", "Subject: [list] s"), 3, 5);
    struct desk *d = judge(NULL, changed);

    (void)state;
    EXPECT_INT(AUTH_PASS, d->evidence.arc.result);
    EXPECT_INT(3, d->evidence.arc.oldest_pass);
    desk_close(d);
}

static void a_missing_key_is_temporary_unless_the_chain_is_broken_anyway(void **state)
{
    struct span two = chain(2);
    const struct {
        struct span message;
        enum auth_result result;
        const char *symbol;
    } cases[] = {
        { two, AUTH_TEMPERROR, "ARC_DNSFAIL" },
        { swap(two, "spf=fail", "spf=pass"), AUTH_FAIL, "ARC_REJECT" },
        { swap(two, "line two", "line 2"), AUTH_FAIL, "ARC_REJECT" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&arc_module, NULL);

        desk_dns(d, "arc._domainkey.d1.example", DNS_TXT, "TIMEOUT");
        desk_dns(d, "arc._domainkey.d2.example", DNS_TXT, signer_record(signer));
        desk_message_bytes(d, cases[i].message);
        desk_settle(d);
        EXPECT_STR(auth_text(cases[i].result), auth_text(d->evidence.arc.result));
        EXPECT_TRUE(desk_finding(d, cases[i].symbol) != NULL);
        desk_close(d);
    }
}

static void expect_trusted(const char *conf, struct span message, const char *sealer)
{
    struct desk *d = judge(conf, message);

    EXPECT_INT(AUTH_PASS, d->evidence.arc.result);
    EXPECT_STR(sealer, d->evidence.arc.trusted_sealer);
    EXPECT_INT(*sealer != 0, desk_finding(d, "ARC_TRUSTED_SEALER") != NULL);
    desk_close(d);
}

static void trust_reaches_only_to_who_saw_the_message_as_it_is(void **state)
{
    struct span three = chain(3), changed = chain_on(swap(chain(2), "line two", "spam"), 3, 3);
    struct span no_pass = signer_arc(signer, &arena, 1, "d1.example", "none",
                                     "mx.example; dmarc=fail (dmarc=pass) reason=\"; dmarc=pass\"", SPAN(MESSAGE));

    (void)state;
    expect_trusted("trusted_sealers = {\"D3.example\"}", three, "d3.example");
    expect_trusted("trusted_sealers = {\"d1.example\"}", three, "d1.example");
    expect_trusted("trusted_sealers = {\"d1.example\", \"d2.example\"}", three, "d2.example");
    expect_trusted("trusted_sealers = {\"other.example\"}", three, "");
    expect_trusted("trusted_sealers = {\"example\"}", three, "");
    expect_trusted("trusted_sealers = {\"d2.example\"}", changed, "");
    expect_trusted("trusted_sealers = {\"d3.example\"}", changed, "d3.example");
    expect_trusted("trusted_sealers = {\"d1.example\"}", no_pass, "");
    expect_trusted("trusted_sealers = {\"d1.example\"}\ntrusted_dmarc_pass = no", no_pass, "d1.example");
}

static void from_must_be_signed_to_be_trusted(void **state)
{
    struct span message = span_of(arena_printf(&arena, "ARC-Authentication-Results: i=1; %s\r\n%s", RESULTS, MESSAGE));

    (void)state;
    message = signer_signed(signer, &arena, "ARC-Message-Signature",
                            "i=1; a=ed25519-sha256; d=d1.example; s=arc; h=subject", message);
    message = signer_signed(signer, &arena, "ARC-Seal", "i=1; a=ed25519-sha256; cv=none; d=d1.example; s=arc", message);
    expect_trusted("trusted_sealers = {\"d1.example\"}", message, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chains_of_one_to_fifty_sets_pass),
        TEST(a_message_without_a_chain_has_none),
        TEST(malformed_chains_are_invalid),
        TEST(broken_chains_fail),
        TEST(a_partly_signed_body_does_not_pass),
        TEST(a_change_between_two_sealers_is_found),
        TEST(a_missing_key_is_temporary_unless_the_chain_is_broken_anyway),
        TEST(trust_reaches_only_to_who_saw_the_message_as_it_is),
        TEST(from_must_be_signed_to_be_trusted),
    };

    return cmocka_run_group_tests(tests, signer_start, signer_stop);
}

/* tests/unit/test_signature.c - reading signature fields, and verifying them with one key and with several. */
#include "gateway/mail/signature.h"

#include "tests/kit/expect.h"
#include "tests/kit/signer_room.h"

#define B  "; b=AAAA"
#define BH "; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define OK "v=1; a=rsa-sha256; d=example.org; s=sel; h=From" BH B

static struct signature read_text(enum signature_form form, enum signature_era era, const char *tags)
{
    const char *text = arena_printf(&arena, "S: %s\r\n\r\n", tags);
    struct header_index *index = arena_alloc(&arena, sizeof *index);
    struct signature s;

    header_parse(&arena, span_of(text), 1 << 20, 10, index);
    EXPECT_INT(1, index->count);
    signature_read(&arena, form, era, &index->fields[0], &s);
    return s;
}

static void fields_are_judged_by_their_tags(void **state)
{
    static const struct {
        const char *tags;
        enum signature_state state;
        const char *reason;
    } cases[] = {
        { OK, SIGNATURE_PENDING, "" },
        { OK "; c=relaxed/relaxed; q=dns/txt; i=joe@sub.example.org; t=1; x=2; l=0; z=From:a", SIGNATURE_PENDING, "" },
        { OK "; q=other:dns/txt", SIGNATURE_PENDING, "" },
        { OK "; i=@example.org; unknown=tag", SIGNATURE_PENDING, "" },
        { OK "; t=99999999999999999999999", SIGNATURE_PENDING, "" },
        { OK "; c=RELAXED/Simple", SIGNATURE_PENDING, "" },
        { OK "; v=1", SIGNATURE_NEUTRAL, "it is no list of tags" },
        { OK ";;", SIGNATURE_NEUTRAL, "it is no list of tags" },
        { "garbage", SIGNATURE_NEUTRAL, "it is no list of tags" },
        { "a=rsa-sha256; d=example.org; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "v= is missing" },
        { "v=2; a=rsa-sha256; d=example.org; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "unknown version in v=" },
        { "v=1; d=example.org; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "a= is missing" },
        { "v=1; a=rsa-md5; d=example.org; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "unknown algorithm in a=" },
        { "v=1; a=rsa-sha1; d=example.org; s=sel; h=From" BH B, SIGNATURE_PERMERROR,
          "rsa-sha1 must not be used [RFC8301 3.1]" },
        { "v=1; a=rsa-sha256; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "d= is missing" },
        { "v=1; a=rsa-sha256; d=org; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "d= is no domain name" },
        { "v=1; a=rsa-sha256; d=a..org; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "d= is no domain name" },
        { "v=1; a=rsa-sha256; d=example.org.; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "d= is no domain name" },
        { "v=1; a=rsa-sha256; d=; s=sel; h=From" BH B, SIGNATURE_NEUTRAL, "d= is no domain name" },
        { "v=1; a=rsa-sha256; d=example.org; h=From" BH B, SIGNATURE_NEUTRAL, "s= is missing" },
        { "v=1; a=rsa-sha256; d=example.org; s=a b; h=From" BH B, SIGNATURE_NEUTRAL, "s= is no selector" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel; h=From" BH, SIGNATURE_NEUTRAL, "b= is missing" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel; h=From; b=" BH, SIGNATURE_NEUTRAL, "b= holds no signature" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel; h=From; b=A*" BH, SIGNATURE_NEUTRAL, "b= holds no signature" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel; h=From" B, SIGNATURE_NEUTRAL, "bh= is missing" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel; h=From; bh=AAAA" B, SIGNATURE_NEUTRAL,
          "bh= holds no hash of its kind" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel" BH B, SIGNATURE_NEUTRAL, "h= is missing" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel; h=To : Subject" BH B, SIGNATURE_PERMERROR,
          "h= does not name From" },
        { "v=1; a=rsa-sha256; d=example.org; s=sel; h=From::To" BH B, SIGNATURE_NEUTRAL, "h= holds an empty name" },
        { OK "; c=loose", SIGNATURE_NEUTRAL, "unknown canonicalization in c=" },
        { OK "; c=relaxed/", SIGNATURE_NEUTRAL, "unknown canonicalization in c=" },
        { OK "; i=example.org", SIGNATURE_NEUTRAL, "i= holds no @" },
        { OK "; i=joe@", SIGNATURE_NEUTRAL, "i= holds no domain name" },
        { OK "; i==@example.org", SIGNATURE_NEUTRAL, "i= is malformed" },
        { OK "; i=joe@example.com", SIGNATURE_PERMERROR, "i= is not within d=" },
        { OK "; i=joe@notexample.org", SIGNATURE_PERMERROR, "i= is not within d=" },
        { OK "; i=@example.com@example.org", SIGNATURE_PENDING, "" },
        { OK "; l=-1", SIGNATURE_NEUTRAL, "l= is no number" },
        { OK "; q=dns", SIGNATURE_NEUTRAL, "unknown query method in q=" },
        { OK "; t=soon", SIGNATURE_NEUTRAL, "t= is no time" },
        { OK "; x=", SIGNATURE_NEUTRAL, "x= is no time" },
        { OK "; t=5; x=5", SIGNATURE_NEUTRAL, "x= is not after t=" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct signature s = read_text(SIGNATURE_DKIM, SIGNATURE_TODAY, cases[i].tags);

        EXPECT_STR(cases[i].reason, s.reason);
        EXPECT_INT(cases[i].state, s.state);
        EXPECT_TRUE(*signature_state_text(s.state));
    }
}

static void arc_fields_have_rules_of_their_own(void **state)
{
    static const struct {
        enum signature_form form;
        const char *tags;
        const char *reason;
    } cases[] = {
        { SIGNATURE_AMS, "i=1; a=rsa-sha256; d=example.org; s=sel; h=To:" BH B, "" },
        { SIGNATURE_AMS, "i=50; a=rsa-sha256; d=example.org; s=sel; h=" BH B, "" },
        { SIGNATURE_AMS, "a=rsa-sha256; d=example.org; s=sel; h=From" BH B, "i= is missing" },
        { SIGNATURE_AMS, "i=0; a=rsa-sha256; d=example.org; s=sel; h=From" BH B, "i= is no instance from 1 to 50" },
        { SIGNATURE_AMS, "i=51; a=rsa-sha256; d=example.org; s=sel; h=From" BH B, "i= is no instance from 1 to 50" },
        { SIGNATURE_AMS, "i=1; a=rsa-sha256; d=example.org; s=sel; h=From:Arc-Seal" BH B, "h= names ARC-Seal" },
        { SIGNATURE_SEAL, "i=2; a=rsa-sha256; cv=Pass; d=example.org; s=sel" B, "" },
        { SIGNATURE_SEAL, "i=2; a=rsa-sha256; d=example.org; s=sel" B, "cv= is missing" },
        { SIGNATURE_SEAL, "i=2; a=rsa-sha256; cv=ok; d=example.org; s=sel" B, "unknown word in cv=" },
        { SIGNATURE_SEAL, "i=2; a=rsa-sha256; cv=pass; h=From; d=example.org; s=sel" B,
          "a tag that a seal must not have" },
        { SIGNATURE_SEAL, "i=2; a=rsa-sha256; cv=pass; d=example.org; s=sel" BH B, "a tag that a seal must not have" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct signature s = read_text(cases[i].form, SIGNATURE_TODAY, cases[i].tags);

        EXPECT_STR(cases[i].reason, s.reason);
    }
}

static void what_a_field_says_is_normalised(void **state)
{
    struct signature s;

    (void)state;
    s = read_text(SIGNATURE_DKIM, SIGNATURE_TODAY,
                  "v=1; a=RSA-SHA256; d=Example.ORG; s=Sel.A; i=j=6Fe@Mail.example.org; h=From; l=7; b=QUJD\r\n "
                  "REVGR0hJ" BH);
    EXPECT_STR("", s.reason);
    EXPECT_STR("example.org", s.domain);
    EXPECT_STR("sel.a", s.selector);
    EXPECT_STR("sel.a._domainkey.example.org", s.key_name);
    EXPECT_STR("joe@Mail.example.org", s.identity);
    EXPECT_STR("RSA-SHA256", s.algorithm_text);
    EXPECT_STR("QUJDREVG", s.b_start);
    EXPECT_SPAN("ABCDEFGHI", s.b);
    EXPECT_INT(7, s.length);
    EXPECT_INT(CANON_SIMPLE, s.body_canon);
    s = read_text(SIGNATURE_DKIM, SIGNATURE_TODAY,
                  "v=1; a=rsa-sha256; d=b\xc3\xbc"
                  "cher.example; s=x; h=From" BH B);
    EXPECT_STR("xn--bcher-kva.example", s.domain); /* [RFC8616] */
    EXPECT_STR("@xn--bcher-kva.example", s.identity);
    s = read_text(SIGNATURE_DKIM, SIGNATURE_TODAY, "v=1; d=example.org; s=sel; i=x");
    EXPECT_STR("example.org", s.domain); /* for the report, although a= is missing */
}

static void clocks_may_differ_a_little(void **state)
{
    static const struct {
        const char *tags;
        enum signature_state state;
    } cases[] = {
        { OK "; t=1000", SIGNATURE_PENDING },
        { OK "; t=1300", SIGNATURE_PENDING },
        { OK "; t=1301", SIGNATURE_PERMERROR },
        { OK "; x=1000", SIGNATURE_PENDING },
        { OK "; x=700", SIGNATURE_PENDING },
        { OK "; x=699", SIGNATURE_PERMERROR },
        { OK "; x=0", SIGNATURE_PERMERROR },
        { OK "; x=9999999999999", SIGNATURE_PENDING },
        { OK "; t=9999999999999", SIGNATURE_PERMERROR },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct signature s = read_text(SIGNATURE_DKIM, SIGNATURE_TODAY, cases[i].tags);

        signature_check_time(&s, 1000, 300);
        EXPECT_INT(cases[i].state, s.state);
    }
}

static void an_unsigned_from_is_noticed(void **state)
{
    static const struct {
        const char *h, *header;
        enum signature_state state;
    } cases[] = {
        { "from", "From: a\r\n\r\n", SIGNATURE_PENDING },
        { "from", "To: a\r\n\r\n", SIGNATURE_PENDING },
        { "from:from", "From: a\r\n\r\n", SIGNATURE_PENDING },
        { "from:From", "From: a\r\nFROM: b\r\n\r\n", SIGNATURE_PENDING },
        { "from", "From: a\r\nFrom : b\r\n\r\n", SIGNATURE_POLICY },
        { "from:from", "From: a\r\nFrom: b\r\nfrom: c\r\n\r\n", SIGNATURE_POLICY },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct header_index header;
        struct signature s =
            read_text(SIGNATURE_DKIM, SIGNATURE_TODAY,
                      arena_printf(&arena, "v=1; a=rsa-sha256; d=example.org; s=sel; h=%s" BH B, cases[i].h));

        header_parse(&arena, span_of(cases[i].header), 1 << 20, 10, &header);
        signature_check_from(&s, &header);
        EXPECT_INT(cases[i].state, s.state);
    }
}

#define MESSAGE "From: a@example.org\r\nSubject: s\r\n\r\nbody\r\n"
#define TAGS    "v=1; a=ed25519-sha256; d=example.org; s=sel; h=from:subject"

static struct signature verify(struct span bytes, const struct span *records, size_t count)
{
    static const struct message_limits limits = { 1 << 20, 100 };
    struct message *m = message_new(bytes, &limits);
    struct signature s;

    signature_read(&arena, SIGNATURE_DKIM, SIGNATURE_TODAY, header_find(&m->header, "DKIM-Signature", 0), &s);
    signature_verify(&s, m, picker_new(&arena, &m->header), records, count);
    message_free(m);
    return s;
}

static void of_several_records_the_best_counts(void **state)
{
    struct span good = span_of(signer_record(signer)), foreign = SPAN("v=spf1 -all");
    struct span revoked = SPAN("v=DKIM1; k=ed25519; p="),
                other = SPAN("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    const struct {
        struct span records[6];
        size_t count;
        enum signature_state state;
    } cases[] = {
        { { good }, 1, SIGNATURE_PASS },
        { { foreign, good }, 2, SIGNATURE_PASS },
        { { revoked, good }, 2, SIGNATURE_PASS },
        { { good, revoked }, 2, SIGNATURE_PASS },
        { { other, good }, 2, SIGNATURE_PASS },
        { { other, revoked }, 2, SIGNATURE_FAIL },
        { { revoked, other }, 2, SIGNATURE_FAIL },
        { { revoked }, 1, SIGNATURE_PERMERROR },
        { { foreign }, 1, SIGNATURE_PERMERROR },
        { { revoked }, 0, SIGNATURE_PERMERROR },
        { { foreign, foreign, foreign, foreign, foreign, good }, 6, SIGNATURE_PASS },
        { { other, other, other, other, good }, 5, SIGNATURE_FAIL }, /* no more than four keys */
    };
    struct span bytes = signer_signed(signer, &arena, "DKIM-Signature", TAGS, SPAN(MESSAGE));

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].state, verify(bytes, cases[i].records, cases[i].count).state);
}

static void every_changed_byte_is_noticed(void **state)
{
    struct span bytes = signer_signed(signer, &arena, "DKIM-Signature", TAGS "; c=simple/simple", SPAN(MESSAGE));
    struct span record = span_of(signer_record(signer));

    (void)state;
    EXPECT_INT(SIGNATURE_PASS, verify(bytes, &record, 1).state);
    for (size_t i = span_search(bytes, SPAN("From:")); i < bytes.len; i++) {
        char *copy = arena_dup(&arena, bytes);

        if (copy[i] == '\r' || copy[i] == '\n' || copy[i] == ':')
            continue; /* not the same message any more */
        copy[i] ^= 1;
        EXPECT_INT(SIGNATURE_FAIL, verify(span_make(copy, bytes.len), &record, 1).state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_are_judged_by_their_tags), TEST(arc_fields_have_rules_of_their_own),
        TEST(what_a_field_says_is_normalised), TEST(clocks_may_differ_a_little),
        TEST(an_unsigned_from_is_noticed),     TEST(of_several_records_the_best_counts),
        TEST(every_changed_byte_is_noticed),
    };

    return cmocka_run_group_tests(tests, signer_start, signer_stop);
}

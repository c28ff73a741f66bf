/* tests/unit/test_verify_shared.c - what gateways tell each other of recipients: keys, and records of any bytes. */
#include "tests/kit/expect.h"

#include "gateway/smtp/conf.h"
#include "gateway/smtp/verify_cache.h"
#include "gateway/smtp/verify_shared.h"

static struct span key_of(struct arena *a, const char *hop, const char *hostname, const char *recipient)
{
    struct hop_target target;
    struct address address;

    EXPECT_INT(FAULT_NONE, address_parse(span_of(recipient), &address));
    EXPECT_TRUE(hop_target_parse(a, hop, &target) == NULL);
    return verify_record_key(a, hop, hop_target_is_local(&target), hostname, &address);
}

static void a_hop_of_the_machine_itself_is_nobody_elses(void **state)
{
    static const struct {
        const char *hop, *key;
    } cases[] = {
        { "smtp://192.0.2.1:25", "v:smtp://192.0.2.1:25 Joe@example.org" },
        { "smtp://mail.example.org", "v:smtp://mail.example.org Joe@example.org" },
        { "smtp://127.0.0.1:10025", "v:mx.example.org!smtp://127.0.0.1:10025 Joe@example.org" },
        { "smtp://[::1]:10025", "v:mx.example.org!smtp://[::1]:10025 Joe@example.org" },
        { "smtp://LocalHost:10025", "v:mx.example.org!smtp://LocalHost:10025 Joe@example.org" },
        { "smtp:unix:/run/x.sock", "v:mx.example.org!smtp:unix:/run/x.sock Joe@example.org" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_SPAN(cases[i].key, key_of(&a, cases[i].hop, "mx.example.org", "Joe@Example.ORG"));
    arena_release(&a);
}

static void a_record_is_read_as_written(void **state)
{
    static const struct verify_record records[] = {
        { 1763900000000, 250, { "", 0 } },
        { 1, 550, { "5.1.1 no such user\nreally", 25 } },
        { INT64_MAX, 550, { "5.1.1", 5 } },
    };
    struct strbuf b;

    (void)state;
    strbuf_init(&b, VERIFY_RECORD_MAX);
    for (size_t i = 0; i < COUNT(records); i++) {
        struct verify_record again;

        strbuf_clear(&b);
        verify_record_write(&b, &records[i]);
        EXPECT_INT(FAULT_NONE, verify_record_read(strbuf_span(&b), &again));
        EXPECT_INT(records[i].until_ms, again.until_ms);
        EXPECT_INT(records[i].code, again.code);
        EXPECT_TRUE(span_eq(records[i].text, again.text));
    }
    strbuf_release(&b);
}

static void the_longest_record_fits(void **state)
{
    char text[VERIFY_TEXT_MAX + 10] = "5.1.1 ";
    struct verify_record record = { INT64_MAX, 550, span_make(text, sizeof text) }, again;
    struct strbuf b;

    (void)state;
    memset(text + 6, 'x', sizeof text - 6);
    strbuf_init(&b, VERIFY_RECORD_MAX);
    verify_record_write(&b, &record);
    EXPECT_FALSE(b.is_full);
    EXPECT_INT(FAULT_NONE, verify_record_read(strbuf_span(&b), &again));
    EXPECT_INT(VERIFY_TEXT_MAX, again.text.len);
    strbuf_release(&b);
}

/* Whoever can write into the store must not have mail of others refused for what is not the mailbox's. */
static void what_is_no_record_is_none(void **state)
{
    static const char *const values[] = {
        "",
        "x",
        "1763900000000",
        "1763900000000 ",
        "1763900000000 550",
        " 550 5.1.1 x",
        "-1 550 5.1.1 x",
        "99999999999999999999 550 5.1.1 x",
        "1763900000000 600 5.1.1 x",
        "1763900000000 450 4.2.0 later",
        "1763900000000 354 go on",
        "1763900000000 0 ",
        "1763900000000 550 5.7.1 spam",
        "1763900000000 550 no such user",
    };
    struct verify_record record;

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++)
        EXPECT_TRUE(verify_record_read(span_of(values[i]), &record) != FAULT_NONE);
    EXPECT_TRUE(verify_record_read(span_make(NULL, 0), &record) != FAULT_NONE);
}

RUN_TESTS(TEST(a_hop_of_the_machine_itself_is_nobody_elses), TEST(a_record_is_read_as_written),
          TEST(the_longest_record_fits), TEST(what_is_no_record_is_none))

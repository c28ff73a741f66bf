/* tests/unit/test_arcset.c - what ARC-Authentication-Results say. Sets are shown by tests/check/test_arc.c. */
#include "gateway/mail/arcset.h"

#include "tests/kit/expect.h"

static void results_are_read_without_comments_and_quotes(void **state)
{
    static const struct {
        const char *body;
        bool says;
    } cases[] = {
        { "i=1; mx.example; dmarc=pass", true },
        { "i=1; mx.example; dmarc = pass header.from=a.example", true },
        { "i=1; mx.example; spf=fail; DMARC=Pass (p=none) header.from=a", true },
        { "i=1; mx.example; dmarc/1=pass", true },
        { "i=1; mx.example;\r\n dmarc=pass;", true },
        { "i=1; mx.example; dmarc (of old) = (good) pass", true },
        { "i=1; mx.example; dmarc=fail", false },
        { "i=1; mx.example; dmarc=passed", false },
        { "i=1; mx.example; dmarc=fail; dmarc=pass", false }, /* the first one counts */
        { "i=1; mx.example; dmarc=fail (; dmarc=pass)", false },
        { "i=1; mx.example (; dmarc=pass; )", false },
        { "i=1; mx.example; spf=pass reason=\"; dmarc=pass\"", false },
        { "i=1; mx.example; spf=pass reason=\"\\\"; dmarc=pass; \"", false },
        { "i=1; mx.example; spf=pass ((; dmarc=pass);dmarc=pass", false },
        { "i=1; mx.example; x-dmarc=pass", false },
        { "i=1; dmarc", false },
        { "", false },
        { "=;=;", false },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].says, arc_results_say(&a, span_of(cases[i].body), "dmarc", "pass"));
    arena_release(&a);
}

static void instances_may_stand_among_comments(void **state)
{
    static const struct {
        const char *field;
        bool is_read;
    } cases[] = {
        { "ARC-Authentication-Results: i=7; x\r\n", true },
        { "arc-authentication-results:\r\n (c(o)\\)m) i (a) = (b) 7 (c) ; x\r\n", true },
        { "ARC-Authentication-Results: I=7; x\r\n", false },
        { "ARC-Authentication-Results: i=7 x\r\n", false },
        { "ARC-Authentication-Results: i=7\r\n", false },
        { "ARC-Authentication-Results: i=; x\r\n", false },
        { "ARC-Authentication-Results: (i=7; x\r\n", false },
        { "ARC-Authentication-Results: (\\", false },
        { "ARC-Authentication-Results: i", false },
        { "ARC-Authentication-Results: i=", false },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct header_index header;
        struct arc_chain chain;

        header_parse(&a, span_of(cases[i].field), 1 << 20, 10, &header);
        arc_chain_read(&a, &header, &chain);
        EXPECT_INT(cases[i].is_read ? 7 : 0, chain.count);
        EXPECT_TRUE(chain.problem != NULL);
    }
    arena_release(&a);
}

RUN_TESTS(TEST(results_are_read_without_comments_and_quotes), TEST(instances_may_stand_among_comments))

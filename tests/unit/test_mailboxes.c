/* tests/unit/test_mailboxes.c - mailbox lists of header fields, and the tricks that are played with them. */
#include "gateway/base/strbuf.h"
#include "gateway/mail/address.h"
#include "tests/kit/expect.h"

enum {
    NONE = 0,
    SYNTAX = ADDRESS_ODD_SYNTAX,
    MANY = ADDRESS_ODD_MANY,
    CONTROL = ADDRESS_ODD_NUL,
    ROUTE = ADDRESS_ODD_ROUTE,
    GROUP = ADDRESS_ODD_GROUP,
    DISPLAY = ADDRESS_ODD_DISPLAY_AT,
    ENCODED = ADDRESS_ODD_ENCODED,
    NOBODY = ADDRESS_ODD_NO_ADDRESS,
    DOMAIN = ADDRESS_ODD_DOMAIN,
    CUT = ADDRESS_ODD_CUT,
    INSIDE = ADDRESS_ODD_INSIDE,
    LOCAL = ADDRESS_ODD_LOCAL,
};

/* What was read, as "display|address" of each mailbox, lenient ones with "~" and without display, parted by "; ". */
static const char *readings(struct arena *a, const struct mailbox_list *list)
{
    struct strbuf b;

    strbuf_init(&b, 1 << 20);
    for (size_t i = 0; i < list->count; i++) {
        const struct mailbox *m = &list->items[i];

        strbuf_putf(&b, "%s%s%.*s%s%.*s", i ? "; " : "", m->is_lenient ? "~" : "", SPAN_ARG(m->display),
                    m->display.len ? "|" : "", SPAN_ARG(m->address.text));
    }
    const char *text = arena_dup(a, strbuf_span(&b));

    strbuf_release(&b);
    return text;
}

struct example {
    struct span body;
    unsigned oddities;
    const char *readings;
};

static void expect_readings(const struct example *cases, size_t count)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < count; i++) {
        struct arena a;
        struct mailbox_list list;

        arena_init(&a, 1 << 20);
        address_mailboxes(&a, cases[i].body, &list);
        if (list.oddities != cases[i].oddities || strcmp(readings(&a, &list), cases[i].readings) != 0) {
            print_error("%.*s\n   wanted %#x %s\n   got    %#x %s\n", SPAN_ARG(cases[i].body), cases[i].oddities,
                        cases[i].readings, list.oddities, readings(&a, &list));
            wrong++;
        }
        arena_release(&a);
    }
    EXPECT_INT(0, wrong);
}

static void well_formed_fields_are_read_without_oddity(void **state)
{
    static const struct example cases[] = {
        { SPAN(" joe@b.example"), NONE, "joe@b.example" },
        { SPAN("Joe Doe <joe@b.example>"), NONE, "Joe Doe|joe@b.example" },
        { SPAN("<joe@b.example>"), NONE, "joe@b.example" },
        { SPAN("\"Doe, \\\"J\\\" \\\\\" <joe@b.example>"), NONE, "Doe, \"J\" \\|joe@b.example" },
        { SPAN("Joe\r\n Doe\r\n\t<joe@b.example>\r\n"), NONE, "Joe Doe|joe@b.example" },
        { SPAN("J. Doe <joe@b.example>"), NONE, "J. Doe|joe@b.example" },
        { SPAN("joe@b.example (Joe (the one) Doe)"), NONE, "joe@b.example" },
        { SPAN("(x) Joe (y) < joe@b.example > (z)"), NONE, "Joe|joe@b.example" },
        { SPAN("=?utf-8?q?J=C3=B6e?= <joe@b.example>"), NONE, "=?utf-8?q?J=C3=B6e?=|joe@b.example" },
        { SPAN("J\xc3\xb6 <j\xc3\xb6@b\xc3\xbc.example>"), NONE, "J\xc3\xb6|j\xc3\xb6@b\xc3\xbc.example" },
        { SPAN("\"joe doe\"@b.example"), NONE, "\"joe doe\"@b.example" },
        { SPAN("joe..doe.@mobile.example"), NONE, "joe..doe.@mobile.example" },
        { SPAN("joe@[192.0.2.1]"), DOMAIN, "joe@[192.0.2.1]" },
        { SPAN("root@localhost"), NONE, "root@localhost" },
        { SPAN("\"joe@b.example\" <joe@b.example>"), NONE, "joe@b.example|joe@b.example" },
    };

    (void)state;
    expect_readings(cases, COUNT(cases));
}

static void several_mailboxes_and_groups_are_all_read(void **state)
{
    static const struct example cases[] = {
        { SPAN("a@b.example, C <c@d.example>"), MANY, "a@b.example; C|c@d.example" },
        { SPAN(",, a@b.example,,c@d.example,"), MANY, "a@b.example; c@d.example" },
        { SPAN("Team: a@b.example, c@d.example;"), GROUP | MANY, "a@b.example; c@d.example" },
        { SPAN("Nobody:;"), GROUP | NOBODY, "" },
        { SPAN("A: b@c.example;, d@e.example"), GROUP | MANY, "b@c.example; d@e.example" },
        { SPAN("A: b@c.example"), GROUP | SYNTAX, "b@c.example" },
        { SPAN("a@b.example; c@d.example"), SYNTAX | MANY, "a@b.example; c@d.example" },
    };

    (void)state;
    expect_readings(cases, COUNT(cases));
}

static void every_trick_is_told_and_every_address_is_listed(void **state)
{
    static const struct example cases[] = {
        /* nothing, or names alone */
        { SPAN(""), NOBODY, "" },
        { SPAN("   "), NOBODY, "" },
        { SPAN("The Boss"), SYNTAX | NOBODY, "" },
        { SPAN("<>"), SYNTAX | NOBODY, "" },
        { SPAN("<postmaster>"), SYNTAX | NOBODY, "" },
        { SPAN("joe@"), SYNTAX | DOMAIN | NOBODY, "" },
        { SPAN("@b.example"), SYNTAX | NOBODY, "~@b.example" },
        /* quotes and display names */
        { SPAN("\"boss@bank.example\" <x@evil.example>"), DISPLAY, "boss@bank.example|x@evil.example" },
        { SPAN("=?utf-8?q?boss=40bank.example?= <x@evil.example>"), DISPLAY,
          "=?utf-8?q?boss=40bank.example?=|x@evil.example" },
        { SPAN("=?utf-7?q?boss+AEA-bank.example?= <x@evil.example>"), DISPLAY,
          "=?utf-7?q?boss+AEA-bank.example?=|x@evil.example" },
        { SPAN("=?utf-16be?q?=00a=00=40=00b=00.=00c?= <x@evil.example>"), DISPLAY,
          "=?utf-16be?q?=00a=00=40=00b=00.=00c?=|x@evil.example" },
        { SPAN("=?utf-8?b?Ym9zc0BiYW5rLmV4YW1wbGU=?= <x@evil.example>"), DISPLAY,
          "=?utf-8?b?Ym9zc0BiYW5rLmV4YW1wbGU=?=|x@evil.example" },
        { SPAN("\"boss\xef\xbc\xa0"
               "bank.example\" <x@evil.example>"),
          DISPLAY,
          "boss\xef\xbc\xa0"
          "bank.example|x@evil.example" },
        { SPAN("boss@bank.example <x@evil.example>"), SYNTAX | DISPLAY,
          "boss@bank.example|x@evil.example; ~boss@bank.example" },
        { SPAN("Sales @ Shop <x@shop.example>"), SYNTAX, "Sales @ Shop|x@shop.example" },
        { SPAN("\"boss@bank.example\"@evil.example"), LOCAL,
          "\"boss@bank.example\"@evil.example; ~boss@bank.example; ~@evil.example" },
        { SPAN("\"boss@bank.example <x\"@evil.example"), LOCAL,
          "\"boss@bank.example <x\"@evil.example; ~boss@bank.example; ~@evil.example" },
        { SPAN("\"boss@bank.example <x@evil.example>"), SYNTAX | DISPLAY,
          "\"boss@bank.example|x@evil.example; ~boss@bank.example" },
        /* angle brackets */
        { SPAN("<boss@bank.example> <x@evil.example>"), SYNTAX | MANY, "boss@bank.example; x@evil.example" },
        { SPAN("Joe <joe@b.example"), SYNTAX, "Joe|joe@b.example" },
        { SPAN("Joe joe@b.example>"), SYNTAX, "joe@b.example" },
        { SPAN("<<joe@b.example>>"), SYNTAX, "joe@b.example" },
        { SPAN("<boss@bank.example>@evil.example"), SYNTAX, "boss@bank.example; ~@evil.example" },
        { SPAN("<boss@bank.example <x@evil.example>>"), SYNTAX | MANY, "boss@bank.example; x@evil.example" },
        { SPAN("<x@evil.example>boss@bank.example"), SYNTAX | MANY, "x@evil.example; boss@bank.example" },
        /* comments */
        { SPAN("(boss@bank.example) x@evil.example"), INSIDE, "x@evil.example; ~boss@bank.example" },
        { SPAN("x@evil.example ((boss@bank.example))"), INSIDE, "x@evil.example; ~boss@bank.example" },
        { SPAN("<boss@bank.example(>, <x@evil.example)>"), INSIDE, "boss@bank.example; ~x@evil.example" },
        { SPAN("boss@bank.example(.evil.example)"), NONE, "boss@bank.example" },
        { SPAN("boss@bank.example(c).evil.example"), INSIDE, "boss@bank.example.evil.example; ~boss@bank.example" },
        { SPAN("boss@(x)bank.example"), INSIDE, "boss@bank.example" },
        { SPAN("(unclosed <x@evil.example>"), SYNTAX, "(unclosed|x@evil.example" },
        { SPAN("x@evil.example \\(boss@bank.example"), SYNTAX, "x@evil.example; ~boss@bank.example" },
        /* blanks and folding */
        { SPAN("joe . doe @ b . example"), INSIDE, "joe.doe@b.example" },
        { SPAN("boss@bank.example .evil.example"), INSIDE, "boss@bank.example.evil.example; ~boss@bank.example" },
        { SPAN("boss@bank\r\n .example"), INSIDE, "boss@bank.example" },
        { SPAN("boss@ba\r\n nk.example"), SYNTAX, "boss@ba; ~boss@bank.example" },
        { SPAN("boss@bank.example x@evil.example"), SYNTAX, "boss@bank.example; ~x@evil.example" },
        { SPAN("Joe Doe joe@b.example"), SYNTAX, "joe@b.example" },
        /* at signs */
        { SPAN("boss@bank.example@evil.example"), SYNTAX, "boss@bank.example; ~bank.example@evil.example" },
        { SPAN("<boss@bank.example@evil.example>"), SYNTAX, "boss@bank.example; ~bank.example@evil.example" },
        { SPAN("boss\xef\xbc\xa0"
               "bank.example"),
          SYNTAX | NOBODY, "~boss@bank.example" },
        { SPAN("boss\xef\xb9\xab"
               "bank.example <x@evil.example>"),
          DISPLAY,
          "boss\xef\xb9\xab"
          "bank.example|x@evil.example" },
        { SPAN("boss\xef\xbc\xa0"
               "bank.example@evil.example"),
          LOCAL,
          "boss\xef\xbc\xa0"
          "bank.example@evil.example; ~boss@bank.example; ~bank.example@evil.example" },
        { SPAN("x@evil.example\xef\xbc\xa0"
               "bank.example"),
          DOMAIN,
          "x@evil.example\xef\xbc\xa0"
          "bank.example; ~x@evil.example; ~evil.example@bank.example" },
        /* routes */
        { SPAN("<@bank.example:x@evil.example>"), ROUTE, "x@evil.example; ~@bank.example" },
        { SPAN("<@a.example,@bank.example:x@evil.example>"), ROUTE, "x@evil.example; ~@a.example; ~@bank.example" },
        { SPAN("<@bank.example x@evil.example>"), ROUTE | SYNTAX, "x@evil.example; ~@bank.example" },
        /* NUL and other control characters */
        { SPAN("boss@bank.example\0@evil.example"), CONTROL | SYNTAX, "boss@bank.example; ~@evil.example" },
        { SPAN("boss@bank.example\0.evil.example"), CONTROL | SYNTAX, "boss@bank.example" },
        { SPAN("<boss@bank.example>\1<x@evil.example>"), CONTROL | SYNTAX | MANY,
          "boss@bank.example; \1|x@evil.example" },
        { SPAN("x@evil.example (\r)"), CONTROL, "x@evil.example" },
        { SPAN("x@evil.example\nFrom: boss@bank.example"), CONTROL | SYNTAX, "x@evil.example; ~boss@bank.example" },
        /* encoded words */
        { SPAN("=?utf-8?q?boss=40bank.example?="), SYNTAX | NOBODY | ENCODED, "~boss@bank.example" },
        { SPAN("=?utf-8?q?boss=40bank=2Eexample?=@evil.example"), ENCODED,
          "=?utf-8?q?boss=40bank=2Eexample?=@evil.example; ~boss@bank.example; ~bank.example@evil.example" },
        { SPAN("=?utf-8?b?Ym9zc0BiYW5rLmV4YW1wbGU=?==?utf-8?Q?=00?=@evil.example"), ENCODED,
          "=?utf-8?b?Ym9zc0BiYW5rLmV4YW1wbGU=?==?utf-8?Q?=00?=@evil.example; ~boss@bank.example; ~@evil.example" },
        { SPAN("<=?utf-8?q?boss@bank.example?=>"), ENCODED | DOMAIN,
          "=?utf-8?q?boss@bank.example?=; ~=?utf-8?q?boss@bank.example; ~boss@bank.example" },
        { SPAN("x@=?utf-8?q?bank?=.example"), ENCODED | DOMAIN, "x@=?utf-8?q?bank?=.example; ~x@bank.example" },
        /* domains */
        { SPAN("boss@bank.example."), SYNTAX | DOMAIN, "boss@bank.example.; ~boss@bank.example" },
        { SPAN("boss@bank..example"), SYNTAX | DOMAIN, "boss@bank..example" },
        { SPAN("boss@.bank.example"), SYNTAX | DOMAIN, "boss@.bank.example; ~boss@bank.example" },
        { SPAN("boss@bank.exa!mple"), DOMAIN, "boss@bank.exa!mple; ~boss@bank.exa" },
        { SPAN("boss@\xff.example"), DOMAIN, "boss@\xff.example" },
        { SPAN("\xff@b.example"), SYNTAX, "\xff@b.example" },
        { SPAN("boss@x"), NONE, "boss@x" },
    };

    (void)state;
    expect_readings(cases, COUNT(cases));
}

static void long_fields_cost_little_and_are_cut(void **state)
{
    static const char *const units[] = {
        "a@b.example,", "<",   "\"",   "(",   "[",     "\\\"", "a@b ",  "@",
        "=?u?q?x ",     "=?b", "a:b;", "(a)", "\r\n ", ".",    "<a@b>", "\xc3\xbc@\xc3\xbc."
    };
    static char body[1 << 20];

    (void)state;
    for (size_t i = 0; i < COUNT(units); i++) {
        struct arena a;
        struct mailbox_list list;

        for (size_t n = 0; n < sizeof body; n++)
            body[n] = units[i][n % strlen(units[i])];
        arena_init(&a, 1 << 24);
        address_mailboxes(&a, span_make(body, sizeof body), &list);
        EXPECT_TRUE(list.oddities & CUT);
        EXPECT_TRUE(list.count <= ADDRESS_LIST_MAX);
        EXPECT_TRUE(a.used_bytes < 8u << 20);
        arena_release(&a);
    }
}

RUN_TESTS(TEST(well_formed_fields_are_read_without_oddity), TEST(several_mailboxes_and_groups_are_all_read),
          TEST(every_trick_is_told_and_every_address_is_listed), TEST(long_fields_cost_little_and_are_cut))

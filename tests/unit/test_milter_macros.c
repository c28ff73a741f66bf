/* tests/unit/test_milter_macros.c - macros of the MTA: used when there, not missed when not, bounded. */
#include "tests/kit/expect.h"

#include "milter/macros.h"

#define BYTES(literal) ((struct span){ literal, sizeof(literal) - 1 })

static void known_ones_are_kept(void **state)
{
    struct macros m = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    macros_take(&m, &a,
                BYTES("j\0mta.example\0{daemon_name}\0smtpd\0{client_ptr}\0c.example\0client_port\0"
                      "25\0"
                      "{auth_authen}\0ada\0{not_known}\0x\0{tls_version}\0TLSv1.3\0i\0"
                      "4Abc\0"));
    EXPECT_SPAN("mta.example", m.values[MACRO_MTA]);
    EXPECT_SPAN("smtpd", m.values[MACRO_DAEMON]);
    EXPECT_SPAN("c.example", m.values[MACRO_CLIENT_PTR]);
    EXPECT_SPAN("25", m.values[MACRO_CLIENT_PORT]);
    EXPECT_SPAN("ada", m.values[MACRO_AUTH_USER]);
    EXPECT_SPAN("TLSv1.3", m.values[MACRO_TLS_VERSION]);
    EXPECT_SPAN("4Abc", m.values[MACRO_QUEUE_ID]);
    EXPECT_INT(0, m.values[MACRO_AUTH_TYPE].len);
    arena_release(&a);
}

static void odd_packets_do_no_harm(void **state)
{
    static const struct span packets[] = { BYTES(""),        BYTES("\0"),      BYTES("i"),      BYTES("i\0"),
                                           BYTES("{}\0x\0"), BYTES("{\0x\0"),  BYTES("\0\0\0"), BYTES("{i}\0\0"),
                                           BYTES("{i\0x\0"), BYTES("i}\0x\0"), BYTES("I\0x\0") };
    struct macros m = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(packets); i++)
        macros_take(&m, &a, packets[i]);
    for (size_t i = 0; i < MACRO_COUNT; i++)
        EXPECT_INT(0, m.values[i].len);
    arena_release(&a);
}

static void what_is_told_again_costs_nothing(void **state)
{
    struct macros m = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    macros_take(&m, &a,
                BYTES("{rcpt_mailer}\0smtp\0i\0"
                      "4Abc\0"));
    size_t used = a.used_bytes;

    for (int i = 0; i < 1000; i++)
        macros_take(&m, &a,
                    BYTES("i\0"
                          "4Abc\0"));
    EXPECT_INT(used, a.used_bytes);
    macros_forget_recipient(&m);
    EXPECT_INT(0, m.values[MACRO_RCPT_MAILER].len);
    EXPECT_SPAN("4Abc", m.values[MACRO_QUEUE_ID]);
    arena_release(&a);
}

static void there_is_an_end_to_what_is_kept(void **state)
{
    static const char *const packets[] = { "i\0004Abc\0", "i\0004Def\0" };
    struct macros m = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, 200);
    for (int i = 0; i < 1000; i++)
        macros_take(&m, &a, span_make(packets[i % 2], 7));
    EXPECT_TRUE(a.used_bytes < 300);
    EXPECT_INT(0, m.values[MACRO_QUEUE_ID].len);
    arena_release(&a);
}

static void long_values_are_cut(void **state)
{
    static char packet[3 + 5000] = "i";
    struct macros m = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    memset(packet + 2, 'x', 5000);
    macros_take(&m, &a, span_make(packet, sizeof packet));
    EXPECT_INT(MACRO_VALUE_MOST, m.values[MACRO_QUEUE_ID].len);
    arena_release(&a);
}

RUN_TESTS(TEST(known_ones_are_kept), TEST(odd_packets_do_no_harm), TEST(what_is_told_again_costs_nothing),
          TEST(there_is_an_end_to_what_is_kept), TEST(long_values_are_cut))

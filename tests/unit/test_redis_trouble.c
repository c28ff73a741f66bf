/* tests/unit/test_redis_trouble.c - what errors of a server mean. */
#include "tests/kit/expect.h"

#include "gateway/store/redis_trouble.h"

static struct redis_trouble trouble_of(const char *text)
{
    struct redis_trouble trouble;
    struct endpoint asked;

    EXPECT_INT(FAULT_NONE, endpoint_parse(SPAN("[2001:db8::1]:7000"), 0, &asked));
    redis_trouble_of(span_of(text), &asked, &trouble);
    return trouble;
}

static void errors_have_their_kinds(void **state)
{
    static const struct {
        const char *text;
        enum redis_trouble_kind kind;
    } cases[] = {
        { "ERR unknown command", TROUBLE_OWN },
        { "WRONGTYPE Operation against a key holding the wrong kind of value", TROUBLE_OWN },
        { "", TROUBLE_OWN },
        { "OOMPH", TROUBLE_OWN },
        { "OOM command not allowed when used memory > 'maxmemory'.", TROUBLE_OUTAGE },
        { "ERR Error running script (call to f_0): @user_script:2: -OOM command not allowed", TROUBLE_OUTAGE },
        { "ERR Error running script (call to f_0): @user_script:2: no such thing", TROUBLE_OWN },
        { "MISCONF Redis is configured to save RDB snapshots", TROUBLE_OUTAGE },
        { "NOPERM this user has no permissions", TROUBLE_OUTAGE },
        { "BUSY Redis is busy running a script.", TROUBLE_OUTAGE },
        { "LOADING Redis is loading the dataset in memory", TROUBLE_LEAVE },
        { "READONLY You can't write against a read only replica.", TROUBLE_LEAVE },
        { "MASTERDOWN Link with MASTER is down", TROUBLE_LEAVE },
        { "NOAUTH Authentication required.", TROUBLE_LEAVE },
        { "WRONGPASS invalid username-password pair", TROUBLE_LEAVE },
        { "NOSCRIPT No matching script. Please use EVAL.", TROUBLE_SCRIPT },
        { "TRYAGAIN Multiple keys request during rehashing of slot", TROUBLE_SPLIT },
        { "CLUSTERDOWN Hash slot not served", TROUBLE_LATER },
        { "MOVED 16383 192.0.2.7:6379", TROUBLE_MOVED },
        { "ASK 0 192.0.2.7:6379", TROUBLE_ASK },
        { "MOVED", TROUBLE_OWN },
        { "MOVED 5", TROUBLE_OWN },
        { "MOVED 16384 192.0.2.7:6379", TROUBLE_OWN },
        { "MOVED 5 192.0.2.7", TROUBLE_OWN },
        { "MOVED 5 192.0.2.7:0", TROUBLE_OWN },
        { "MOVED 5 192.0.2.7:65536", TROUBLE_OWN },
        { "MOVED 5 bad\001name:1", TROUBLE_OWN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].kind, trouble_of(cases[i].text).kind);
}

static void redirections_say_where(void **state)
{
    static const struct {
        const char *text, *to;
    } cases[] = {
        { "MOVED 3999 192.0.2.7:6381", "192.0.2.7:6381" }, { "MOVED 3999 2001:db8::7:6381", "[2001:db8::7]:6381" },
        { "MOVED 3999 :6381", "[2001:db8::1]:6381" },      { "ASK 3999 node7.example:6381", "node7.example:6381" },
        { "MOVED 3999 ?:6381", "[2001:db8::1]:6381" },
    };
    char text[ENDPOINT_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct redis_trouble trouble = trouble_of(cases[i].text);

        EXPECT_INT(3999, trouble.slot);
        EXPECT_STR(cases[i].to, endpoint_text(&trouble.to, text));
    }
}

static void people_are_told(void **state)
{
    struct redis_trouble trouble = trouble_of("OOM no \"memory\"\n");
    char text[200];

    (void)state;
    EXPECT_STR("the server's memory is full (its maxmemory): OOM no \\\"memory\\\"\\x0a",
               redis_trouble_text(SPAN("OOM no \"memory\"\n"), &trouble, text, sizeof text));
    trouble = trouble_of("ERR x");
    EXPECT_STR("ERR x", redis_trouble_text(SPAN("ERR x"), &trouble, text, sizeof text));
}

RUN_TESTS(TEST(errors_have_their_kinds), TEST(redirections_say_where), TEST(people_are_told))

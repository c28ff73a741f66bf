/* tests/unit/test_redis_slots.c - slots of keys, and maps of clusters. */
#include "tests/kit/expect.h"

#include "gateway/store/redis_slots.h"

static void keys_have_the_slots_that_redis_gives_them(void **state)
{
    static const struct {
        const char *key;
        unsigned slot;
    } cases[] = {
        /* redis-cli cluster keyslot */
        { "123456789", 12739 }, /* CRC-16/XMODEM's check value, 0x31c3 */
        { "", 0 },
        { "foo", 12182 },
        { "{foo}", 12182 },
        { "postern:g:{foo}/x/y", 12182 },
        { "a{foo}{bar}", 12182 },
        { "foo{}", 5542 },
        { "{", 4092 },
        { "a}b{foo}", 12182 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].slot, redis_slot(span_of(cases[i].key)));
}

static enum fault read_map(const char *text, struct redis_map *map)
{
    struct redis_reader *r = redis_reader_new();
    const struct redis_reply *reply = NULL;
    struct endpoint asked;

    EXPECT_INT(FAULT_NONE, endpoint_parse(SPAN("192.0.2.1:7000"), 0, &asked));
    redis_reader_feed(r, span_of(text));
    EXPECT_INT(REDIS_READ_REPLY, redis_reader_next(r, &reply));
    enum fault fault = redis_map_read(reply, &asked, map);

    redis_reader_free(r);
    return fault;
}

#define HOST(host) "$9\r\n" host "\r\n"

static void maps_are_read(void **state)
{
    struct redis_map map;
    char text[ENDPOINT_TEXT_MAX];

    (void)state;
    EXPECT_INT(
        FAULT_NONE,
        read_map("*4\r\n"
                 "*4\r\n:0\r\n:5460\r\n*3\r\n" HOST(
                     "192.0.2.1") ":7001\r\n$2\r\nid\r\n"
                                  "*2\r\n" HOST("192.0.2.9") ":7009\r\n"
                                                             "*3\r\n:5461\r\n:10922\r\n*2\r\n$-1\r\n:7002\r\n"
                                                             "*3\r\n:10923\r\n:16382\r\n*2\r\n" HOST(
                                                                 "node.test") ":7003\r\n"
                                                                              "*3\r\n:16383\r\n:16383\r\n*2\r\n" HOST(
                                                                                  "192.0.2.1") ":7001\r\n",
                 &map));
    EXPECT_INT(3, map.count);
    EXPECT_STR("192.0.2.1:7001", endpoint_text(&map.masters[map.owner[0]], text));
    EXPECT_STR("192.0.2.1:7001", endpoint_text(&map.masters[map.owner[16383]], text));
    EXPECT_STR("192.0.2.1:7002", endpoint_text(&map.masters[map.owner[5461]], text)); /* the one that was asked */
    EXPECT_STR("node.test:7003", endpoint_text(&map.masters[map.owner[16382]], text));
    redis_map_release(&map);
    EXPECT_INT(FAULT_NONE, read_map("*0\r\n", &map));
    EXPECT_INT(REDIS_NO_OWNER, map.owner[7]);
    redis_map_release(&map);
}

static void what_is_no_map_is_refused(void **state)
{
    static const char *const cases[] = {
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n" HOST("192.0.2.1") ":7001\r\n",
        "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n" HOST("192.0.2.1") ":7001\r\n",
        "*1\r\n*3\r\n:-1\r\n:4\r\n*2\r\n" HOST("192.0.2.1") ":7001\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n" HOST("192.0.2.1") ":0\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n" HOST("192.0.2.1") ":65536\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n" HOST("not a one") ":7001\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*1\r\n" HOST("192.0.2.1"),
        "*2\r\n*3\r\n:0\r\n:4\r\n*2\r\n" HOST("192.0.2.1") ":1\r\n*3\r\n:4\r\n:4\r\n*2\r\n" HOST("192.0.2.1") ":2\r\n",
    };
    struct redis_map map;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(FAULT_SYNTAX, read_map(cases[i], &map));
}

RUN_TESTS(TEST(keys_have_the_slots_that_redis_gives_them), TEST(maps_are_read), TEST(what_is_no_map_is_refused))

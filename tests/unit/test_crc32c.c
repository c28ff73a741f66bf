/* tests/unit/test_crc32c.c - the checksum, by published values [RFC3720 B.4]. */
#include "tests/kit/expect.h"

#include "gateway/base/crc32c.h"

static void published_values(void **state)
{
    char bytes[32];

    (void)state;
    EXPECT_INT(0, crc32c(CRC32C_START, SPAN("")));
    EXPECT_INT(0xe3069283, crc32c(CRC32C_START, SPAN("123456789")));
    memset(bytes, 0, sizeof bytes);
    EXPECT_INT(0x8a9136aa, crc32c(CRC32C_START, span_make(bytes, sizeof bytes)));
    memset(bytes, 0xff, sizeof bytes);
    EXPECT_INT(0x62a8ab43, crc32c(CRC32C_START, span_make(bytes, sizeof bytes)));
}

static void it_goes_on_where_it_was(void **state)
{
    (void)state;
    EXPECT_INT(0xe3069283, crc32c(crc32c(CRC32C_START, SPAN("1234")), SPAN("56789")));
}

RUN_TESTS(TEST(published_values), TEST(it_goes_on_where_it_was))

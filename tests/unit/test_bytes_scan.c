/* tests/unit/test_bytes_scan.c - bytes looked through in blocks: the same as one by one, wherever the edges lie. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/mail/bytes_scan.h"

static size_t find_one_by_one(struct span bytes, size_t from)
{
    for (size_t i = from; i + 1 < bytes.len; i++)
        if (bytes.ptr[i] == '-' && bytes.ptr[i + 1] == '-' && (i == 0 || bytes.ptr[i - 1] == '\n'))
            return i;
    return SPAN_NPOS;
}

static unsigned facts_one_by_one(struct span bytes)
{
    unsigned facts = 0;
    size_t line = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i], next = i + 1 < bytes.len ? bytes.ptr[i + 1] : '\0', last = i ? bytes.ptr[i - 1] : '\0';

        facts |= c == '\0' ? BYTES_NUL : 0;
        facts |= (unsigned char)c > 0x7f ? BYTES_8BIT : 0;
        facts |= c == '\r' && next != '\n' ? BYTES_BARE_CR : 0;
        facts |= c == '\n' && last != '\r' ? BYTES_BARE_LF : 0;
        line = c == '\n' ? 0 : line + 1;
        facts |= line > 998 && !(line == 999 && c == '\r' && next == '\n') ? BYTES_LONG_LINE : 0;
    }
    return facts;
}

/* Few different bytes, so that everything comes often. The copy is exact, so that reading over the end is seen. */
static struct span random_text(size_t len, const char *alphabet, size_t letters)
{
    char *text = mem_alloc(len ? len : 1);

    for (size_t i = 0; i < len; i++)
        text[i] = alphabet[(size_t)rand() % letters];
    return span_make(text, len);
}

static void lines_are_found_wherever_they_begin(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 3000; round++) {
        struct span text = random_text((size_t)rand() % 200, round % 2 ? "-\nxyzxyzxyz" : "--\n", round % 2 ? 11 : 3);

        for (size_t from = 0; from <= text.len; from++)
            EXPECT_INT(find_one_by_one(text, from), line_start_find(text, from, '-', '-'));
        free((char *)text.ptr);
    }
}

static void facts_are_the_same_in_blocks(void **state)
{
    (void)state;
    srand(2);
    for (int round = 0; round < 20000; round++) {
        struct span text = random_text((size_t)rand() % 150, "aaaaaaaaaaaaaaaaaaaa\r\n\x80\0", round % 2 ? 24 : 22);

        EXPECT_INT(facts_one_by_one(text), bytes_facts(text));
        free((char *)text.ptr);
    }
}

static void lines_over_998_bytes_are_long(void **state)
{
    (void)state;
    for (size_t len = 990; len < 1005; len++) {
        for (unsigned end = 0; end < 8; end++) {
            struct span text = random_text(len * 2 + 4, "a", 1);
            char *bytes = (char *)text.ptr;

            memcpy(bytes + len, end & 1 ? "\r\n" : "b\n", 2);
            memcpy(bytes + text.len - 2, end & 2 ? "\r\n" : "bb", 2);
            if (end & 4)
                bytes[end * 50] = '\n';
            EXPECT_INT(facts_one_by_one(text), bytes_facts(text));
            free(bytes);
        }
    }
}

static void a_near_byte_is_found_wherever_it_stands(void **state)
{
    char text[50];

    (void)state;
    for (size_t length = 0; length <= sizeof text; length++)
        for (size_t at = 0; at <= length; at++) {
            memset(text, 'a', sizeof text);
            if (at < length)
                text[at] = '\n';
            EXPECT_INT(at < length ? at : SPAN_NPOS, byte_find_near(span_make(text, length), '\n'));
        }
}

RUN_TESTS(TEST(a_near_byte_is_found_wherever_it_stands), TEST(lines_are_found_wherever_they_begin),
          TEST(facts_are_the_same_in_blocks), TEST(lines_over_998_bytes_are_long))

/* tests/unit/test_tnef.c - what is in a winmail.dat. */
#include "gateway/mail/tnef.h"

#include "gateway/base/strbuf.h"
#include "gateway/mail/tnef_props.h"
#include "tests/kit/expect.h"

enum { AMPLE = 1000000 };

#define BYTES(literal) span_make(literal, sizeof(literal) - 1)

static void put_number(struct strbuf *b, uint32_t n, unsigned bytes)
{
    for (; bytes; bytes--, n >>= 8)
        strbuf_putc(b, (char)(n & 0xff));
}

static void put_start(struct strbuf *b)
{
    strbuf_init(b, AMPLE);
    put_number(b, 0x223e9f78, 4);
    put_number(b, 1, 2);
}

static void put_attribute(struct strbuf *b, unsigned level, uint32_t id, struct span data)
{
    unsigned sum = 0;

    put_number(b, level, 1);
    put_number(b, id, 4);
    put_number(b, (uint32_t)data.len, 4);
    strbuf_put(b, data);
    for (size_t i = 0; i < data.len; i++)
        sum += (unsigned char)data.ptr[i];
    put_number(b, sum, 2);
}

static void put_counted(struct strbuf *b, unsigned type, unsigned id, struct span value)
{
    put_number(b, type, 2);
    put_number(b, id, 2);
    put_number(b, 1, 4);
    put_number(b, (uint32_t)value.len, 4);
    strbuf_put(b, value);
    put_number(b, 0, (4 - value.len % 4) % 4);
}

static void a_message_with_an_attachment_is_read(void **state)
{
    struct strbuf b, props;
    struct arena a;
    struct tnef t;

    (void)state;
    arena_init(&a, AMPLE);
    put_start(&b);
    put_attribute(&b, 1, 0x00069007, BYTES("\xe4\x04\0\0\0\0\0\0")); /* code page 1252 */
    put_attribute(&b, 1, 0x0002800c, BYTES("Gr\xfc\xdf\x65\0"));
    put_attribute(&b, 2, 0x00069002, BYTES("\1\0"));
    put_attribute(&b, 2, 0x00018010, BYTES("F\xdcNF~1.TXT\0"));
    put_attribute(&b, 2, 0x0006800f, BYTES("the bytes"));
    strbuf_init(&props, AMPLE);
    put_number(&props, 5, 4);
    put_number(&props, 0x0003, 2); /* a property that is nothing to us */
    put_number(&props, 0x0e20, 2);
    put_number(&props, 9, 4);
    put_number(&props, 0x001f, 2); /* one with a name */
    put_number(&props, 0x8001, 2);
    strbuf_put(&props, BYTES("0123456789abcdef"));
    put_number(&props, 1, 4);
    put_number(&props, 2, 4);
    strbuf_put(&props, BYTES("n\0\0\0"));
    put_number(&props, 1, 4);
    put_number(&props, 2, 4);
    strbuf_put(&props, BYTES("v\0\0\0"));
    put_counted(&props, MAPI_UNICODE, 0x3707, BYTES("f\0\xfc\0n\0f\0.\0e\0x\0e\0\0\0"));
    put_counted(&props, MAPI_STRING, 0x370e, BYTES("text/plain\0"));
    put_counted(&props, MAPI_STRING, 0x3712, BYTES("id@example.org\0"));
    put_attribute(&b, 2, 0x00069005, strbuf_span(&props));
    tnef_read(&a, strbuf_span(&b), AMPLE, &t);
    EXPECT_INT(0, t.flaws);
    EXPECT_INT(2, t.count);
    EXPECT_INT(TNEF_TEXT, t.items[0].kind);
    EXPECT_SPAN("Gr\xfc\xdf\x65", t.items[0].bytes);
    EXPECT_STR("cp1252", t.items[0].charset);
    EXPECT_INT(TNEF_ATTACHMENT, t.items[1].kind);
    EXPECT_SPAN("f\xc3\xbcnf.exe", t.items[1].name);
    EXPECT_SPAN("text/plain", t.items[1].type);
    EXPECT_SPAN("id@example.org", t.items[1].content_id);
    EXPECT_SPAN("the bytes", t.items[1].bytes);
    strbuf_release(&b);
    strbuf_release(&props);
    arena_release(&a);
}

static void bodies_among_the_properties_are_read(void **state)
{
    static const char rtf[] = "\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4\x4b\x51\x41\0\x04 WXYZ\r\x6e\x7d\x01\x0e\xb0";
    struct strbuf b, props;
    struct arena a;
    struct tnef t;

    (void)state;
    arena_init(&a, AMPLE);
    put_start(&b);
    strbuf_init(&props, AMPLE);
    put_number(&props, 4, 4);
    put_number(&props, MAPI_LONG, 2);
    put_number(&props, 0x3fde, 2);
    put_number(&props, 65001, 4);
    put_counted(&props, MAPI_BINARY, 0x1013, BYTES("<b>\xc3\xbc</b>"));
    put_counted(&props, MAPI_BINARY, 0x1009, BYTES(rtf));
    put_counted(&props, MAPI_UNICODE, 0x1000, BYTES("h\0i\0\0\0"));
    put_attribute(&b, 1, 0x00069003, strbuf_span(&props));
    tnef_read(&a, strbuf_span(&b), AMPLE, &t);
    EXPECT_INT(0, t.flaws);
    EXPECT_INT(4, t.count);
    EXPECT_INT(TNEF_HTML, t.items[0].kind);
    EXPECT_STR("utf-8", t.items[0].charset);
    EXPECT_SPAN("<b>\xc3\xbc</b>", t.items[0].bytes);
    EXPECT_INT(TNEF_RTF_TEXT, t.items[1].kind);
    EXPECT_SPAN("{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}", t.items[1].bytes);
    EXPECT_INT(TNEF_TEXT, t.items[2].kind);
    EXPECT_SPAN("WXYZWXYZWXYZWXYZWXYZ", t.items[2].bytes);
    EXPECT_STR("utf-8", t.items[2].charset);
    EXPECT_STR("utf-16le", t.items[3].charset);
    EXPECT_INT(4, t.items[3].bytes.len);
    EXPECT_INT(48, t.unpacked);
    tnef_read(&a, strbuf_span(&b), 10, &t); /* with a limit */
    EXPECT_INT(TNEF_TOO_MANY, t.flaws);
    EXPECT_TRUE(t.items[1].bytes.len <= 10);
    strbuf_release(&b);
    strbuf_release(&props);
    arena_release(&a);
}

/* A message in `depth` others; in `b`, which is released before. */
static void put_nested(struct strbuf *out, unsigned depth)
{
    struct strbuf inner, object, props;

    put_start(out);
    put_attribute(out, 1, 0x0002800c, BYTES("body"));
    if (depth == 0)
        return;
    put_nested(&inner, depth - 1);
    strbuf_init(&object, AMPLE);
    strbuf_put(&object, BYTES("\x07\x03\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"));
    strbuf_put(&object, strbuf_span(&inner));
    strbuf_init(&props, AMPLE);
    put_number(&props, 1, 4);
    put_counted(&props, MAPI_OBJECT, 0x3701, strbuf_span(&object));
    put_attribute(out, 2, 0x00069002, BYTES("\1\0"));
    put_attribute(out, 2, 0x00069005, strbuf_span(&props));
    strbuf_release(&inner);
    strbuf_release(&object);
    strbuf_release(&props);
}

static void messages_in_messages_are_read_to_a_depth(void **state)
{
    struct strbuf b;
    struct arena a;
    struct tnef t;

    (void)state;
    arena_init(&a, AMPLE);
    put_nested(&b, 2);
    tnef_read(&a, strbuf_span(&b), AMPLE, &t);
    EXPECT_INT(0, t.flaws);
    EXPECT_INT(5, t.count); /* body, attachment, body, attachment, body */
    EXPECT_SPAN("body", t.items[4].bytes);
    EXPECT_INT(2, t.items[4].depth);
    strbuf_release(&b);
    put_nested(&b, TNEF_DEPTH_MAX + 2);
    tnef_read(&a, strbuf_span(&b), AMPLE, &t);
    EXPECT_INT(TNEF_TOO_MANY, t.flaws);
    EXPECT_INT(TNEF_DEPTH_MAX, t.items[t.count - 1].depth);
    strbuf_release(&b);
    arena_release(&a);
}

static void what_is_broken_is_named(void **state)
{
    struct strbuf b, good;
    struct arena a;
    struct tnef t;

    (void)state;
    arena_init(&a, AMPLE);
    tnef_read(&a, SPAN("no such thing"), AMPLE, &t);
    EXPECT_INT(TNEF_SIGNATURE, t.flaws);
    put_start(&good);
    put_attribute(&good, 2, 0x0006800f, BYTES("the bytes"));
    tnef_read(&a, span_first(strbuf_span(&good), good.len - 4), AMPLE, &t); /* cut inside the bytes */
    EXPECT_INT(TNEF_TRUNCATED, t.flaws);
    EXPECT_SPAN("the byt", t.items[0].bytes);
    good.data[good.len - 1] ^= 1;
    tnef_read(&a, strbuf_span(&good), AMPLE, &t);
    EXPECT_INT(TNEF_CHECKSUM, t.flaws);
    EXPECT_SPAN("the bytes", t.items[0].bytes);
    put_start(&b);
    put_attribute(&b, 1, 0x00069003, BYTES("\xff\0\0\0\x1e\0\0\x10\1\0\0\0\xff\xff\xff\xff"));
    put_attribute(&b, 2, 0x0006800f, BYTES("one"));
    put_attribute(&b, 2, 0x0006800f, BYTES("other"));
    tnef_read(&a, strbuf_span(&b), AMPLE, &t);
    EXPECT_INT(TNEF_PROPS, t.flaws);
    EXPECT_INT(2, t.count); /* readers take the one or the other */
    EXPECT_SPAN("other", t.items[1].bytes);
    strbuf_release(&b);
    strbuf_release(&good);
    arena_release(&a);
}

static void rtf_is_unpacked(void **state)
{
    static const char packed[] = "\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel\x09\0 bw"
                                 "\x05\xb0ld}\x0a\x80\x0f\xa0";
    unsigned flaws = 0;
    struct arena a;

    (void)state;
    arena_init(&a, AMPLE);
    EXPECT_SPAN("{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n", rtf_unpack(&a, BYTES(packed), AMPLE, &flaws));
    EXPECT_INT(0, flaws);
    EXPECT_SPAN("{}", rtf_unpack(&a, BYTES("\x0e\0\0\0\2\0\0\0MELA\0\0\0\0{}"), AMPLE, &flaws));
    EXPECT_INT(0, flaws);
    rtf_unpack(&a, span_first(BYTES(packed), sizeof packed - 4), AMPLE, &flaws);
    EXPECT_INT(TNEF_RTF, flaws);
    arena_release(&a);
}

RUN_TESTS(TEST(a_message_with_an_attachment_is_read), TEST(bodies_among_the_properties_are_read),
          TEST(messages_in_messages_are_read_to_a_depth), TEST(what_is_broken_is_named), TEST(rtf_is_unpacked))

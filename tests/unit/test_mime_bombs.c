/* tests/unit/test_mime_bombs.c - messages made to cost much: the work, the parts and the memory stay in proportion to
 * their size, whatever they repeat.
 */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "tests/kit/mime_invariants.h"
#include "tests/kit/mime_view.h"

#define V   "MIME-Version: 1.0\r\n"
#define MIX V "Content-Type: multipart/mixed; boundary="
#define END "\r\n\r\n"

enum { BOMB_BYTES = 500 * 1000, LOOKS_MOST = 20, ARENA_TIMES = 8, ARENA_BYTES_LEAST = 8 << 20 };

static const struct {
    const char *what, *head, *again;
} cases[] = {
    { "boundary lines of nobody", MIX "b" END, "--\r\n" },
    { "lines of dashes", MIX "-b" END, "----------------------------------------\r\n" },
    { "empty lines", MIX "b" END, "\r\n" },
    { "line feeds", MIX "b" END, "\n" },
    { "carriage returns", MIX "b" END, "\r" },
    { "boundaries behind carriage returns", MIX "b" END, "\r--b" },
    { "parts", MIX "b" END, "--b\r\n\r\nx\r\n" },
    { "parts without a header's end", MIX "b" END, "--b\r\nx:\r\n" },
    { "parts in a digest", V "Content-Type: multipart/digest; boundary=b" END, "--b\r\n\r\n\r\n" },
    { "parts with three types", MIX "b" END,
      "--b\r\nContent-Type: a/b\r\nContent-Type: multipart/mixed; boundary=c\r\n"
      "Content-Type: multipart/mixed; boundary=d" END "--c" END "--d\r\n" },
    { "headers of short fields", MIX "b" END "--b\r\n", "a:\r\n" },
    { "types in one header", V, "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: a/b\r\n" },
    { "parameters", V "Content-Type: multipart/mixed;", "\r\n boundary=a;" },
    { "lines of blanks", V "X: y\r\n", " \r\nY: z\r\n" },
    { "bad lines", MIX "b" END, "--b\r\nbad\r\nContent-Type: a/b\r\nbad\r\n" },
    { "messages in messages", V, "Content-Type: message/rfc822" END },
    { "uuencoded files without an end", V "\r\n", "begin 644 a\r\n#86)C\r\n" },
    { "uuencoded files", V "\r\n", "begin 644 a\r\n#86)C\r\n`\r\nend\r\n" },
    { "uuencoded lines cut short", V "\r\nbegin 644 a\r\n#86)C\r\n", "M!!\r\n" },
    { "what begins like a file", V "\r\n", "begin 644 a\r\n" },
    { "yEnc without an end", V "\r\n", "=ybegin line=128 size=1 name=a\r\n" },
    { "base64 that ends all the time", V "Content-Transfer-Encoding: base64" END, "eA==\r\n" },
    { "lines behind the last part", MIX "b" END "--b" END "--b--\r\n", "--c\r\n" },
    { "without MIME-Version", "Content-Type: multipart/mixed; boundary=b" END,
      "--b\r\nContent-Transfer-Encoding: base64" END "eHl6\r\n" },
};

static void expect_bounded(const char *what, struct span bytes)
{
    const struct message_limits limits = { HEADER_BYTES_MAX, HEADER_FIELDS_MAX };
    struct message *m = message_new(bytes, &limits);
    const struct mime_tree *tree = message_mime(m);

    check_mime(m);
    if (tree->looked_at > LOOKS_MOST * (uint64_t)bytes.len)
        fail_msg("%s: %llu bytes looked at for %zu", what, (unsigned long long)tree->looked_at, bytes.len);
    if (m->arena.used_bytes > ARENA_TIMES * bytes.len + ARENA_BYTES_LEAST)
        fail_msg("%s: %zu bytes of memory for %zu", what, m->arena.used_bytes, bytes.len);
    message_free(m);
}

static void repetition_costs_no_more_than_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf bytes;

        strbuf_init(&bytes, 2 * BOMB_BYTES);
        strbuf_puts(&bytes, cases[i].head);
        while (bytes.len < BOMB_BYTES)
            strbuf_puts(&bytes, cases[i].again);
        expect_bounded(cases[i].what, strbuf_span(&bytes));
        strbuf_release(&bytes);
    }
}

/* `text` with a number for each # in it. */
static void put_numbered(struct strbuf *out, const char *text, int number)
{
    for (; *text; text++) {
        if (*text == '#')
            strbuf_putf(out, "%d", number);
        else
            strbuf_putc(out, *text);
    }
}

/* `levels` multiparts in each other, each with a boundary of its own (#) or the same, then lines of all of them. */
static void expect_nested(const char *what, int levels, const char *level, const char *line)
{
    struct strbuf bytes;

    strbuf_init(&bytes, 64 << 20);
    strbuf_puts(&bytes, V);
    for (int i = 0; i < levels; i++)
        put_numbered(&bytes, level, i);
    for (int i = 0; bytes.len < 2 * BOMB_BYTES; i++)
        put_numbered(&bytes, line, i % levels);
    expect_bounded(what, strbuf_span(&bytes));
    strbuf_release(&bytes);
}

static void nesting_costs_no_more_than_its_bytes(void **state)
{
    (void)state;
    expect_nested("20,000 multiparts", 20000, "Content-Type: multipart/mixed; boundary=b#_" END "--b#_\r\n", "#\r\n");
    expect_nested("boundaries of 39 levels", 39, "Content-Type: multipart/mixed; boundary=b#_" END "--b#_\r\n",
                  "--b#_" END "x\r\n");
    expect_nested("the same boundary in 200 levels", 200, "Content-Type: multipart/mixed; boundary=b" END "--b\r\n",
                  "--b\r\nhello #\r\n");
    expect_nested("two readings in 200 levels", 200,
                  "Content-Type: multipart/mixed; boundary=b#_\r\nContent-Type: multipart/mixed; boundary=c#_" END
                  "--b#_" END "--c#_\r\n",
                  "--b#_\r\n");
}

static void base64_put(struct strbuf *out, struct span bytes)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i + 2 < bytes.len; i += 3) {
        unsigned group = (unsigned)(unsigned char)bytes.ptr[i] << 16 | (unsigned)(unsigned char)bytes.ptr[i + 1] << 8 |
                         (unsigned char)bytes.ptr[i + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            strbuf_putc(out, letters[group >> shift & 63]);
        if (i % 54 == 51)
            strbuf_puts(out, "\r\n");
    }
}

static void expect_packed(const char *what, const char *head, const char *before)
{
    struct strbuf inner, outer;

    strbuf_init(&inner, 64 << 20);
    for (int i = 0; i < 20000; i++)
        strbuf_puts(&inner, "hello, hello\r\n");
    for (int level = 0; level < 8; level++) {
        struct strbuf packed;

        strbuf_init(&packed, 64 << 20);
        strbuf_init(&outer, 64 << 20);
        strbuf_puts(&packed, before);
        strbuf_put(&packed, strbuf_span(&inner));
        strbuf_puts(&packed, "\r\n  ");
        strbuf_puts(&outer, head);
        base64_put(&outer, strbuf_span(&packed));
        strbuf_release(&packed);
        strbuf_release(&inner);
        inner = outer;
    }
    expect_bounded(what, strbuf_span(&inner));
    strbuf_release(&inner);
}

static void packing_costs_no_more_than_its_bytes(void **state)
{
    (void)state;
    expect_packed("messages in base64", "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64" END, "");
    expect_packed("multiparts in base64",
                  "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64" END, "--b\r\n");
}

static void limits_are_told(void **state)
{
    static const struct {
        const char *head, *again;
        enum mime_anomaly anomaly;
    } limits[] = {
        { V, "Content-Type: message/rfc822" END, MIME_DEPTH_REACHED },
        { MIX "b" END, "--b\r\n\r\nx\r\n", MIME_PARTS_REACHED },
        { MIX "b" END "--b\r\n", "a: b\r\n", MIME_HEADER_REACHED },
        { V "\r\nbegin 644 a\r\n#86)C\r\n", "M!!\r\n", MIME_BYTES_REACHED },
        { MIX "b" END, "--b\r\nContent-Type: a/b\r\nContent-Type: a/c" END, MIME_READINGS_REACHED },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct strbuf bytes;

        strbuf_init(&bytes, 8 << 20);
        strbuf_puts(&bytes, limits[i].head);
        while (bytes.len < (limits[i].anomaly == MIME_BYTES_REACHED ? 4 : 1) * BOMB_BYTES)
            strbuf_puts(&bytes, limits[i].again);
        struct message *m = message_new(strbuf_span(&bytes), &mime_view_limits);
        const struct mime_tree *tree = message_mime(m);

        for (size_t k = 0; k < tree->count; k++) {
            struct mime_part *part = tree->parts[k];
            struct span shown = mime_bytes(m, part);

            if (mime_has(part, MIME_BYTES_REACHED) && !part->is_reading) /* who looks for something sees it yet */
                EXPECT_TRUE(shown.len == part->encoded.len && shown.len > 0);
        }
        if (!(tree->anomalies >> limits[i].anomaly & 1))
            fail_msg("%s is not told", mime_anomaly_name(limits[i].anomaly));
        message_free(m);
        strbuf_release(&bytes);
    }
}

/* Whoever decodes other readings first leaves enough for the standard one. */
static void readings_leave_room_for_what_is_said(void **state)
{
    struct strbuf bytes;

    (void)state;
    strbuf_init(&bytes, 16 << 20);
    strbuf_puts(&bytes, V "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n"
                          "Content-Transfer-Encoding: quoted-printable\r\n"
                          "Content-Transfer-Encoding: x-uuencode" END);
    while (bytes.len < 1600 * 1000)
        strbuf_puts(&bytes, "M!!\r\n"); /* 45 bytes by uuencode */
    struct message *m = message_new(strbuf_span(&bytes), &mime_view_limits);
    const struct mime_tree *tree = message_mime(m);

    EXPECT_TRUE(tree->count >= 3);
    for (size_t i = tree->count; i-- > 0;)
        if (i == 0)
            EXPECT_TRUE(mime_bytes(m, tree->parts[i]).len > 0);
        else
            mime_bytes(m, tree->parts[i]);
    message_free(m);
    strbuf_release(&bytes);
}

RUN_TESTS(TEST(repetition_costs_no_more_than_its_bytes), TEST(nesting_costs_no_more_than_its_bytes),
          TEST(packing_costs_no_more_than_its_bytes), TEST(limits_are_told), TEST(readings_leave_room_for_what_is_said))

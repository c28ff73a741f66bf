/* tests/unit/test_tokens.c - a message as a set of tokens. */
#include "rules/bayes/tokens.h"

#include <stdlib.h>

#include "gateway/base/strbuf.h"
#include "tests/kit/expect.h"

static const struct message_limits limits = { 262144, 1000 };
static struct message *message;
static char *bytes;

static const struct tokens *read(const char *text)
{
    size_t len = 0;

    message_free(message);
    free(bytes);
    bytes = mem_alloc(2 * strlen(text) + 1);
    for (; *text; text++) {
        if (*text == '\n')
            bytes[len++] = '\r';
        bytes[len++] = *text;
    }
    message = message_new(span_make(bytes, len), &limits);
    return tokens_of(&message->arena, message);
}

static int done(void **state)
{
    (void)state;
    message_free(message);
    free(bytes);
    message = NULL;
    bytes = NULL;
    return 0;
}

static bool has(const struct tokens *t, enum token_kind kind, const char *text)
{
    uint64_t hash = token_hash(kind, span_of(text));

    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].hash == hash && t->items[i].kind == kind)
            return true;
    return false;
}

static bool has_pair(const struct tokens *t, const char *text)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].kind == TOKEN_PAIR && span_is(t->items[i].text, text))
            return true;
    return false;
}

static void words_as_people_read_them(void **state)
{
    const struct tokens *t = read("Subject: Free OFFER\nContent-Type: text/plain; charset=utf-8\n"
                                  "Content-Transfer-Encoding: 8bit\n\n"
                                  "Don't wait: www.example.com, $100 or 1,000.00!!!\n"
                                  "Caf\xc3\x89 \xd0\x9f\xd0\xa0\xd0\x98\xd0\x92\xd0\x95\xd0\xa2 Vi\xe2\x80\x8b"
                                  "agra\n"
                                  "aaaaaaaaaabbbbbbbbbbcccccccccc\n");

    (void)state;
    EXPECT_TRUE(has(t, TOKEN_WORD, "don't") && has(t, TOKEN_WORD, "DON'T"));
    EXPECT_TRUE(has(t, TOKEN_WORD, "www.example.com") && has(t, TOKEN_WORD, "100") &&
                has(t, TOKEN_WORD, "1,000.00!!!"));
    EXPECT_TRUE(has(t, TOKEN_WORD, "caf\xc3\xa9"));
    EXPECT_TRUE(has(t, TOKEN_WORD, "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"));
    EXPECT_TRUE(has(t, TOKEN_WORD, "viagra"));                         /* what nobody sees does not part it */
    EXPECT_TRUE(has(t, TOKEN_WORD, "axxxxxxxxxxxxxxxxxxxxxxxxxxxxx")); /* its beginning and about how long it is */
    EXPECT_TRUE(has(t, TOKEN_SUBJECT, "offer") && has(t, TOKEN_WORD, "offer"));
    EXPECT_FALSE(has(t, TOKEN_SUBJECT, "wait"));
    EXPECT_TRUE(has_pair(t, "Don't wait") && has_pair(t, "100 or"));
    EXPECT_FALSE(has(t, TOKEN_WORD, "wait:"));
}

static void scripts_without_blanks_by_two(void **state)
{
    const struct tokens *t = read("Subject: x\nContent-Type: text/plain; charset=utf-8\n"
                                  "Content-Transfer-Encoding: 8bit\n\n"
                                  "\xe5\x85\x8d\xe8\xb4\xb9\xe5\x8f\x91\xe7\xa5\xa8 abc \xe5\x85\x8d.\n");

    (void)state;
    EXPECT_TRUE(has(t, TOKEN_WORD, "\xe5\x85\x8d\xe8\xb4\xb9") && has(t, TOKEN_WORD, "\xe8\xb4\xb9\xe5\x8f\x91") &&
                has(t, TOKEN_WORD, "\xe5\x8f\x91\xe7\xa5\xa8") && has(t, TOKEN_WORD, "abc"));
    EXPECT_FALSE(has(t, TOKEN_WORD, "\xe5\x85\x8d\xe8\xb4\xb9\xe5\x8f\x91\xe7\xa5\xa8"));
}

static void what_the_header_says_of_the_sender(void **state)
{
    const struct tokens *t = read("Received: from there by here\nX-Spam-Flag: YES\nList-Id: <list.example>\n"
                                  "From: \"Joe Miller\" <joe@Example.com>\nReply-To: x@other.example\n"
                                  "To: ann@here.example\nX-Mailer: Thing 4.2\nX-Odd: 1\n"
                                  "Message-ID: <AB12cd.9@Host.example>\n\nText\n");

    (void)state;
    EXPECT_TRUE(has(t, TOKEN_FROM, "joe") && has(t, TOKEN_FROM, "miller") && has(t, TOKEN_FROM_DOMAIN, "example.com"));
    EXPECT_TRUE(has(t, TOKEN_FROM_DOMAIN, "other.example") && has(t, TOKEN_TO, "ann"));
    EXPECT_TRUE(has(t, TOKEN_MAILER, "thing") && has(t, TOKEN_FIELD, "x-odd") && has(t, TOKEN_FIELD, "X-Mailer"));
    EXPECT_TRUE(has(t, TOKEN_ID, "<A0a.0") && has(t, TOKEN_ID, "host.example"));
    EXPECT_FALSE(has(t, TOKEN_FIELD, "received") || has(t, TOKEN_FIELD, "x-spam-flag") ||
                 has(t, TOKEN_FIELD, "list-id"));
}

static void parts_links_and_html(void **state)
{
    const struct tokens *t =
        read("From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
             "Content-Type: text/html; charset=iso-8859-1\n\n"
             "<p style=\"display:none\">unseen<p>See <a href=\"http://www.shop.example.com/win/prize?x=1\">here</a>\n"
             "--x\nContent-Type: application/zip; name=a.ZIP\nContent-Disposition: attachment; filename=a.ZIP\n"
             "Content-Transfer-Encoding: base64\n\nUEsDBA==\n--x--\n");

    (void)state;
    EXPECT_TRUE(has(t, TOKEN_PART, "type=multipart/mixed") && has(t, TOKEN_PART, "type=text/html"));
    EXPECT_TRUE(has(t, TOKEN_PART, "charset=iso-8859-1") && has(t, TOKEN_PART, "encoding=base64"));
    EXPECT_TRUE(has(t, TOKEN_PART, "extension=zip") && has(t, TOKEN_PART, "attachment"));
    EXPECT_TRUE(has(t, TOKEN_HOST, "www.shop.example.com") && has(t, TOKEN_DOMAIN, "example.com"));
    EXPECT_TRUE(has(t, TOKEN_PATH, "win") && has(t, TOKEN_PATH, "prize") && has(t, TOKEN_TAG, "a"));
    EXPECT_TRUE(has(t, TOKEN_WORD, "here"));
    EXPECT_FALSE(has(t, TOKEN_WORD, "unseen"));
}

/* What is put in on the way, and how the lines of the header are folded, changes neither tokens nor digest. */
static void a_message_is_the_same_everywhere(void **state)
{
    const char *there = "From: a@b.example\nSubject: Hello\nMessage-ID: <1@b.example>\n\nHow are you?\n";
    const char *here = "Return-Path: <a@b.example>\nDelivered-To: me\nReceived: from b by c\n"
                       "Authentication-Results: c; spf=pass\nX-Spam-Status: No\nDKIM-Signature: x\n"
                       "From: a@b.example\nSubject: Hello\nMessage-ID: <1@b.example>\nStatus: RO\n\nHow are you?\n";
    uint8_t digest[STORE_DIGEST_BYTES], other[STORE_DIGEST_BYTES];
    size_t count;

    (void)state;
    tokens_digest(read(there), digest);
    count = read(there)->count;
    EXPECT_INT(count, read(here)->count);
    tokens_digest(read(here), other);
    EXPECT_TRUE(memcmp(digest, other, sizeof digest) == 0);
    tokens_digest(read("From: a@b.example\nMessage-ID: <2@b.example>\nSubject: Hello\n\nHow are you?\n"), other);
    EXPECT_FALSE(memcmp(digest, other, sizeof digest) == 0);
}

static void they_are_sorted_and_bounded(void **state)
{
    enum { WORDS = 40000 };
    struct strbuf text;
    const struct tokens *t;

    (void)state;
    strbuf_init(&text, 1 << 20);
    strbuf_puts(&text, "From: a@b.example\nX-One: 1\n\nlast\n");
    for (int i = 0; i < WORDS; i++)
        strbuf_putf(&text, "word%d%c", i, i % 10 ? ' ' : '\n');
    t = read(text.data);
    strbuf_release(&text);
    EXPECT_INT(TOKENS_MOST, t->count);
    EXPECT_TRUE(t->is_cut && has(t, TOKEN_FIELD, "x-one") && has(t, TOKEN_WORD, "last"));
    for (size_t i = 0; i < t->count; i++) {
        EXPECT_TRUE(t->hashes[i] == t->items[i].hash);
        EXPECT_TRUE(!i || t->hashes[i - 1] < t->hashes[i]);
    }
    t = read("\n");
    EXPECT_TRUE(t->count < 10 && !t->is_cut);
}

/* Who fills the room with words that nobody sees, or far from what he has to say, gains nothing. */
static void put_words(struct strbuf *out, const char *what, int count)
{
    for (int i = 0; i < count; i++)
        strbuf_putf(out, "%s%d%c", what, i, i % 10 ? ' ' : '\n');
}

static void no_text_crowds_out_another(void **state)
{
    static const char *const types[] = { "text/plain", "text/html" };

    (void)state;
    for (size_t first = 0; first < COUNT(types); first++) {
        for (int same = 0; same < 2; same++) {
            struct strbuf text;

            strbuf_init(&text, 1 << 22);
            strbuf_putf(&text,
                        "From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n"
                        "--x\nContent-Type: %s\n\n",
                        types[first]);
            put_words(&text, same ? "same" : "other", same ? 1 : 20000);
            for (int i = 0; same && i < 100000; i++)
                strbuf_puts(&text, "same ");
            strbuf_putf(&text, "\n--x\nContent-Type: %s\n\nCheap pills for sale\n--x--\n", types[!first]);
            const struct tokens *t = read(text.data);

            strbuf_release(&text);
            EXPECT_TRUE(has(t, TOKEN_WORD, "cheap") && has(t, TOKEN_WORD, "sale") && has_pair(t, "Cheap pills"));
            EXPECT_TRUE(t->count <= TOKENS_MOST && t->is_cut);
        }
    }
}

static void of_a_long_text_all_is_tried(void **state)
{
    struct strbuf text;
    size_t found = 0;
    char word[20];

    (void)state;
    strbuf_init(&text, 1 << 22);
    strbuf_puts(&text, "From: a@b.example\n\nearliest\n");
    put_words(&text, "random", 3000);
    put_words(&text, "spam", 400);
    const struct tokens *t = read(text.data);

    strbuf_release(&text);
    for (int i = 0; i < 400; i++) {
        snprintf(word, sizeof word, "spam%d", i);
        found += has(t, TOKEN_WORD, word);
    }
    EXPECT_TRUE(has(t, TOKEN_WORD, "earliest") && found >= 40);
    EXPECT_TRUE(t->is_cut);
    EXPECT_FALSE(read("From: a@b.example\n\nA short one\n")->is_cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_as_people_read_them),          TEST(scripts_without_blanks_by_two),
        TEST(what_the_header_says_of_the_sender), TEST(parts_links_and_html),
        TEST(a_message_is_the_same_everywhere),   TEST(they_are_sorted_and_bounded),
        TEST(no_text_crowds_out_another),         TEST(of_a_long_text_all_is_tried),
    };

    return cmocka_run_group_tests(tests, NULL, done);
}

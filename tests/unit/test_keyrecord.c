/* tests/unit/test_keyrecord.c - key records: what they say, which keys are taken, and the cache. */
#include "gateway/mail/keyrecord.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/kit/expect.h"
#include "tests/kit/signer.h"

#define ED "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void records_say_what_a_key_is_for(void **state)
{
    static const struct {
        const char *text;
        enum key_state state;
        bool is_testing, is_strict, sha256, sha1, mail;
    } cases[] = {
        { "v=DKIM1; k=ed25519; " ED, KEY_USABLE, 0, 0, 1, 1, 1 },
        { "k=ed25519; " ED, KEY_USABLE, 0, 0, 1, 1, 1 },
        { "k=ED25519; " ED, KEY_USABLE, 0, 0, 1, 1, 1 },
        { "v=DKIM1; k=ed25519; t=y; " ED, KEY_USABLE, 1, 0, 1, 1, 1 },
        { "v=DKIM1; k=ed25519; t=s : y:x; " ED, KEY_USABLE, 1, 1, 1, 1, 1 },
        { "v=DKIM1; k=ed25519; h=sha256; " ED, KEY_USABLE, 0, 0, 1, 0, 1 },
        { "v=DKIM1; k=ed25519; h=sha1; " ED, KEY_USABLE, 0, 0, 0, 1, 1 },
        { "v=DKIM1; k=ed25519; h=sha1:sha256; " ED, KEY_USABLE, 0, 0, 1, 1, 1 },
        { "v=DKIM1; k=ed25519; s=email; " ED, KEY_USABLE, 0, 0, 1, 1, 1 },
        { "v=DKIM1; k=ed25519; s=*; " ED, KEY_USABLE, 0, 0, 1, 1, 1 },
        { "v=DKIM1; k=ed25519; s=chat; " ED, KEY_USABLE, 0, 0, 1, 1, 0 },
        { "v=DKIM1; k=ed25519; g=nobody; n=note; zz=1; " ED, KEY_USABLE, 0, 0, 1, 1, 1 },
        { "v=DKIM1; k=ed25519; p=", KEY_REVOKED, 0, 0, 1, 1, 1 },
        { "p=", KEY_REVOKED, 0, 0, 1, 1, 1 },
        { "v=DKIM1; k=foo; " ED, KEY_UNKNOWN, 0, 0, 1, 1, 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct key_record key;

        key_record_parse(span_of(cases[i].text), &key);
        EXPECT_INT(cases[i].state, key.state);
        EXPECT_INT(cases[i].is_testing, key.is_testing);
        EXPECT_INT(cases[i].is_strict, key.is_strict);
        EXPECT_INT(cases[i].sha256, key.allows[HASH_SHA256]);
        EXPECT_INT(cases[i].sha1, key.allows[HASH_SHA1]);
        EXPECT_INT(cases[i].mail, key.allows_mail);
        key_record_release(&key);
    }
}

static void other_records_are_told_from_broken_ones(void **state)
{
    static const struct {
        const char *text;
        enum key_state state;
    } cases[] = {
        { "", KEY_FOREIGN },
        { "v=spf1 -all", KEY_FOREIGN },
        { "v=DMARC1; p=none", KEY_FOREIGN },
        { "v=DKIM2; k=ed25519; " ED, KEY_FOREIGN },
        { "v=dkim1; k=ed25519; " ED, KEY_FOREIGN },
        { "k=ed25519; v=DKIM1; " ED, KEY_FOREIGN }, /* v= must be first [RFC6376 3.6.1] */
        { "k=ed25519", KEY_FOREIGN },
        { "some words", KEY_FOREIGN },
        { "v=DKIM1; k=ed25519; t; " ED, KEY_MALFORMED },
        { "v=DKIM1; k=ed25519; " ED "; " ED, KEY_MALFORMED },
        { "v=DKIM1; k=ed25519; p=!!!!", KEY_MALFORMED },
        { "v=DKIM1; k=ed25519; p=AAAA", KEY_MALFORMED },
        { "v=DKIM1; p=AAAA", KEY_MALFORMED },
        { "v=DKIM1; " ED, KEY_MALFORMED }, /* an Ed25519 key is no RSA key */
        { "v=DKIM1; p=MIIB", KEY_MALFORMED },
        { "v=DKIM1; p=MIAA", KEY_MALFORMED },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct key_record key;

        key_record_parse(span_of(cases[i].text), &key);
        EXPECT_INT(cases[i].state, key.state);
        EXPECT_NULL(key.key);
        EXPECT_TRUE(*key_state_text(key.state));
        key_record_release(&key);
    }
}

static char *record_of(const unsigned char *der, int len)
{
    char *text = malloc(4096);
    size_t head = (size_t)snprintf(text, 4096, "v=DKIM1; p=");

    EVP_EncodeBlock((unsigned char *)text + head, der, len);
    return text;
}

static void expect_record(enum key_state want, unsigned bits, char *text)
{
    struct key_record key;

    key_record_parse(span_of(text), &key);
    EXPECT_INT(want, key.state);
    EXPECT_INT(bits, key.bits);
    key_record_release(&key);
    free(text);
}

static void rsa_keys_are_taken_from_1024_to_4096_bits(void **state)
{
    static const struct {
        unsigned bits;
        enum key_state state;
    } cases[] = {
        { 512, KEY_SHORT }, { 768, KEY_SHORT }, { 1016, KEY_SHORT }, { 1024, KEY_USABLE }, { 2048, KEY_USABLE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        EVP_PKEY *rsa = EVP_RSA_gen(cases[i].bits);
        unsigned char *spki = NULL, *pkcs1 = NULL;
        int spki_len = i2d_PUBKEY(rsa, &spki), pkcs1_len = i2d_PublicKey(rsa, &pkcs1);

        expect_record(cases[i].state, cases[i].bits, record_of(spki, spki_len));
        expect_record(cases[i].state, cases[i].bits, record_of(pkcs1, pkcs1_len));
        for (int cut = 1; cut < pkcs1_len; cut += 7)
            expect_record(KEY_MALFORMED, 0, record_of(pkcs1, cut));
        OPENSSL_free(spki);
        OPENSSL_free(pkcs1);
        EVP_PKEY_free(rsa);
    }
}

/* SEQUENCE { INTEGER of `bytes` bytes ff, INTEGER exponent } */
static char *made_up(size_t bytes, struct span exponent)
{
    unsigned char der[1200];
    size_t inner = 4 + 1 + bytes + 2 + exponent.len, at = 0;

    der[at++] = 0x30;
    der[at++] = 0x82;
    der[at++] = (unsigned char)(inner >> 8);
    der[at++] = (unsigned char)inner;
    der[at++] = 0x02;
    der[at++] = 0x82;
    der[at++] = (unsigned char)((bytes + 1) >> 8);
    der[at++] = (unsigned char)(bytes + 1);
    der[at++] = 0;
    memset(der + at, 0xff, bytes);
    at += bytes;
    der[at++] = 0x02;
    der[at++] = (unsigned char)exponent.len;
    memcpy(der + at, exponent.ptr, exponent.len);
    return record_of(der, (int)(at + exponent.len));
}

static void numbers_that_make_no_key_are_refused(void **state)
{
    (void)state;
    expect_record(KEY_USABLE, 2048, made_up(256, SPAN("\x01\x00\x01")));
    expect_record(KEY_USABLE, 4096, made_up(512, SPAN("\x03")));
    expect_record(KEY_LONG, 4104, made_up(513, SPAN("\x03")));
    expect_record(KEY_LONG, 8192, made_up(1024, SPAN("\x03")));
    expect_record(KEY_MALFORMED, 2048, made_up(256, SPAN("\x01")));
    expect_record(KEY_MALFORMED, 2048, made_up(256, SPAN("\x02")));
    expect_record(KEY_MALFORMED, 0, made_up(256, SPAN("\x00")));
    expect_record(KEY_MALFORMED, 0, made_up(256, SPAN("\xff")));
    expect_record(KEY_MALFORMED, 2048, made_up(256, SPAN("\x01\x00\x00\x00\x00\x00\x00\x00\x01"))); /* slow */
}

static void the_cache_gives_the_same_key_again(void **state)
{
    char text[100];
    const struct key_record *first;

    (void)state;
    first = key_record_of(SPAN("v=DKIM1; k=ed25519; " ED));
    EXPECT_INT(KEY_USABLE, first->state);
    EXPECT_TRUE(first == key_record_of(SPAN("v=DKIM1; k=ed25519; " ED)));
    EXPECT_INT(KEY_REVOKED, key_record_of(SPAN("v=DKIM1; k=ed25519; p="))->state);
    for (int i = 0; i < 4 * KEYS_KEPT; i++) { /* more than there is room for */
        snprintf(text, sizeof text, "v=DKIM1; k=ed25519; n=%d; " ED, i);
        EXPECT_INT(KEY_USABLE, key_record_of(span_of(text))->state);
    }
    EXPECT_INT(KEY_USABLE, key_record_of(SPAN("v=DKIM1; k=ed25519; " ED))->state);
}

static void *look_up(void *is_usable)
{
    *(bool *)is_usable = key_record_of(SPAN("v=DKIM1; k=ed25519; " ED))->state == KEY_USABLE;
    return NULL;
}

static void each_thread_has_its_own_and_gives_it_back(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        bool is_usable = false;

        EXPECT_INT(0, pthread_create(&thread, NULL, look_up, &is_usable));
        EXPECT_INT(0, pthread_join(thread, NULL));
        EXPECT_TRUE(is_usable);
    }
    crypto_forget();
    EXPECT_INT(KEY_USABLE, key_record_of(SPAN("v=DKIM1; k=ed25519; " ED))->state);
    crypto_forget();
    crypto_forget();
}

RUN_TESTS(TEST(records_say_what_a_key_is_for), TEST(other_records_are_told_from_broken_ones),
          TEST(rsa_keys_are_taken_from_1024_to_4096_bits), TEST(numbers_that_make_no_key_are_refused),
          TEST(the_cache_gives_the_same_key_again), TEST(each_thread_has_its_own_and_gives_it_back))

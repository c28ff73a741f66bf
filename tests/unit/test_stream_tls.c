/* tests/unit/test_stream_tls.c - STARTTLS between two streams of ours, and against what a peer may do wrong. */
#include "tests/kit/expect.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/kit/certificates.h"
#include "tests/kit/two_ends.h"

static char folder[] = "/tmp/postern-test-XXXXXX";
static char cert_file[64], key_file[64], other_key_file[64];

/* --- a certificate of the test's own --- */

static int make_files(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *certificate = certificate_make(&(struct certificate_order){
        .common_name = "mx.example", .names = "DNS:mx.example,IP:127.0.0.1", .key = key, .is_authority = true });

    (void)state;
    assert_true(mkdtemp(folder) != NULL);
    snprintf(cert_file, sizeof cert_file, "%s/cert.pem", folder);
    snprintf(key_file, sizeof key_file, "%s/key.pem", folder);
    snprintf(other_key_file, sizeof other_key_file, "%s/other.pem", folder);
    certificate_write_key(key_file, key);
    certificate_write_key(other_key_file, other);
    certificate_write(cert_file, certificate, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(cert_file);
    unlink(key_file);
    unlink(other_key_file);
    return rmdir(folder);
}

static void desk_open(struct two_ends *d, enum tls_verify verify)
{
    char error[300];
    struct tls_context *server = two_ends_server(cert_file, key_file, error, sizeof error);
    struct tls_context *client = tls_client_new(verify, cert_file, error, sizeof error);

    assert_true(server && client);
    two_ends_open(d, server, client);
}

/* --- cases --- */

static void expect_facts(const struct two_ends *d)
{
    struct tls_facts facts;

    stream_tls_facts(d->client.stream, &facts);
    EXPECT_STR("TLSv1.3", facts.version);
    EXPECT_STR("CN=mx.example", facts.subject);
    EXPECT_STR("CN=mx.example", facts.issuer);
    EXPECT_INT(64, strlen(facts.fingerprint));
    EXPECT_STR("none", tls_verified_text(facts.verified));
    EXPECT_FALSE(facts.is_resumed);
    stream_tls_facts(d->server.stream, &facts);
    EXPECT_STR("TLSv1.3", facts.version);
    EXPECT_STR("", facts.subject);
    EXPECT_STR("", facts.fingerprint);
}

static void a_handshake_protects_both_ways(void **state)
{
    struct two_ends d;

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    EXPECT_FALSE(stream_is_tls(d.server.stream));
    EXPECT_STR("", stream_tls_version(d.server.stream));
    two_ends_shake(&d, &(struct tls_peer){ .name = "mx.example" });
    EXPECT_INT(1, d.server.shakes);
    EXPECT_INT(1, d.client.shakes);
    EXPECT_TRUE(stream_is_tls(d.server.stream));
    EXPECT_STR("TLSv1.3", stream_tls_version(d.server.stream));
    EXPECT_STR(stream_tls_cipher(d.client.stream), stream_tls_cipher(d.server.stream));
    EXPECT_TRUE(stream_tls_bits(d.server.stream) >= 128);
    expect_facts(&d);
    stream_write(d.client.stream, SPAN("EHLO a\r\n"));
    stream_write(d.server.stream, SPAN("250 b\r\n"));
    two_ends_turn(&d, 10);
    EXPECT_SPAN("EHLO a\r\n", strbuf_span(&d.server.got));
    EXPECT_SPAN("250 b\r\n", strbuf_span(&d.client.got));
    EXPECT_INT(1, d.client.drains);
    stream_finish(d.client.stream, 1000);
    d.client.stream = NULL;
    two_ends_turn(&d, 10);
    EXPECT_INT(1, d.server.ends);
    EXPECT_INT(STREAM_EOF, d.server.why);
    two_ends_close(&d);
}

static void what_is_unsent_goes_in_clear_and_what_comes_after_is_secret(void **state)
{
    struct two_ends d;

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    stream_write(d.server.stream, SPAN("220 go ahead\r\n"));
    stream_start_tls(d.server.stream, d.server_tls, NULL);
    stream_write(d.server.stream, SPAN("secret\r\n"));
    two_ends_turn(&d, 3);
    EXPECT_SPAN("220 go ahead\r\n", strbuf_span(&d.client.got));
    strbuf_clear(&d.client.got);
    stream_start_tls(d.client.stream, d.client_tls, NULL);
    two_ends_turn(&d, 20);
    EXPECT_SPAN("secret\r\n", strbuf_span(&d.client.got));
    two_ends_close(&d);
}

static void input_in_clear_is_thrown_away(void **state)
{
    struct two_ends d;
    static const char injected[] = "MAIL FROM:<evil@example>\r\n";

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    stream_hold(d.server.stream); /* these bytes stay in the kernel */
    stream_write(d.client.stream, span_of(injected));
    two_ends_turn(&d, 3);
    EXPECT_INT(0, d.server.datas);
    EXPECT_INT(sizeof injected - 1, stream_start_tls(d.server.stream, d.server_tls, NULL));
    stream_release(d.server.stream);
    stream_write(d.client.stream, SPAN("RCPT TO:<x>\r\n")); /* before our 220 can be there */
    stream_write(d.server.stream, SPAN("x"));
    two_ends_turn(&d, 1);
    stream_start_tls(d.client.stream, d.client_tls, NULL);
    two_ends_turn(&d, 20);
    EXPECT_SPAN("", strbuf_span(&d.server.got));
    two_ends_close(&d);
}

static void input_between_the_command_and_our_go_ahead_is_thrown_away(void **state)
{
    struct two_ends d;

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    stream_write(d.server.stream, SPAN("220 go ahead\r\n"));
    EXPECT_INT(0, stream_start_tls(d.server.stream, d.server_tls, NULL));
    EXPECT_INT(6, write(d.fds[1], "EVIL\r\n", 6)); /* the 220 goes out at the end of this turn */
    two_ends_turn(&d, 3);
    stream_start_tls(d.client.stream, d.client_tls, NULL);
    two_ends_turn(&d, 20);
    EXPECT_INT(1, d.server.shakes);
    EXPECT_SPAN("", strbuf_span(&d.server.got));
    stream_write(d.client.stream, SPAN("NOOP\r\n"));
    two_ends_turn(&d, 5);
    EXPECT_SPAN("NOOP\r\n", strbuf_span(&d.server.got));
    two_ends_close(&d);
}

static void tls_from_the_first_byte_loses_none(void **state)
{
    static const int read_before[] = { 0, 1, 100, 10000 }; /* of the client's hello, when the server begins */

    (void)state;
    for (size_t i = 0; i < COUNT(read_before); i++) {
        struct two_ends d;
        struct span early;

        desk_open(&d, TLS_VERIFY_NONE);
        d.server.keeps = true;
        stream_set_read_most(d.server.stream, (size_t)read_before[i]);
        if (!read_before[i])
            stream_hold(d.server.stream);
        stream_begin_tls(d.client.stream, d.client_tls, NULL);
        two_ends_turn(&d, 3);
        early = stream_input(d.server.stream);
        EXPECT_TRUE(read_before[i] == 10000 ? early.len > 100 : early.len == (size_t)read_before[i]);
        stream_begin_tls(d.server.stream, d.server_tls, NULL);
        stream_release(d.server.stream);
        stream_set_read_most(d.server.stream, 65536);
        d.server.keeps = false;
        two_ends_turn(&d, 20);
        EXPECT_INT(1, d.server.shakes);
        EXPECT_INT(1, d.client.shakes);
        stream_write(d.client.stream, SPAN("EHLO a\r\n"));
        two_ends_turn(&d, 5);
        EXPECT_SPAN("EHLO a\r\n", strbuf_span(&d.server.got));
        two_ends_close(&d);
    }
}

/* Bytes that come do not make it last longer. */
static void a_trickling_handshake_times_out(void **state)
{
    struct two_ends d;

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    stream_set_timeouts(d.server.stream, 60, 0);
    stream_begin_tls(d.server.stream, d.server_tls, NULL);
    stream_write(d.client.stream, SPAN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"));
    for (int64_t begun = loop_now_ms(d.loop), last = begun; !d.server.ends && last < begun + 20000;) {
        loop_run_once(d.loop, 5);
        if (loop_now_ms(d.loop) >= last + 5) {
            stream_write(d.client.stream, SPAN("\x03"));
            last = loop_now_ms(d.loop);
        }
    }
    EXPECT_INT(STREAM_TIMEOUT, d.server.why);
    EXPECT_STR("no TLS handshake within 60 ms", stream_error_text(d.server.stream));
    two_ends_close(&d);
}

static void names_are_verified(void **state)
{
    static const struct {
        const char *name;
        bool is_good;
    } cases[] = {
        { "mx.example", true },    { "MX.Example", true },    { "127.0.0.1", true },
        { "mail.example", false }, { "x.mx.example", false }, { "127.0.0.2", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct two_ends d;

        desk_open(&d, TLS_VERIFY_NAME);
        two_ends_shake(&d, &(struct tls_peer){ .name = cases[i].name });
        EXPECT_INT(cases[i].is_good, d.client.shakes);
        EXPECT_INT(!cases[i].is_good, d.client.ends);
        if (cases[i].is_good) {
            struct tls_facts facts;

            stream_tls_facts(d.client.stream, &facts);
            EXPECT_STR("name", tls_verified_text(facts.verified));
        }
        if (!cases[i].is_good) {
            EXPECT_INT(STREAM_TLS_FAILED, d.client.why);
            EXPECT_TRUE(strstr(stream_error_text(d.client.stream), "mismatch") != NULL);
        }
        two_ends_close(&d);
    }
}

static void an_unknown_authority_fails(void **state)
{
    struct two_ends d;
    char error[300];

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    tls_context_free(d.client_tls);
    d.client_tls = tls_client_new(TLS_VERIFY_NAME, NULL, error, sizeof error);
    assert_true(d.client_tls != NULL);
    two_ends_shake(&d, &(struct tls_peer){ .name = "mx.example" });
    EXPECT_INT(STREAM_TLS_FAILED, d.client.why);
    EXPECT_STR("TLS: self-signed certificate", stream_error_text(d.client.stream));
    two_ends_turn(&d, 5);
    EXPECT_INT(STREAM_TLS_FAILED, d.server.why);
    EXPECT_TRUE(strstr(stream_error_text(d.server.stream), "alert") != NULL);
    two_ends_close(&d);
}

static void what_is_no_handshake_fails(void **state)
{
    struct two_ends d;

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    stream_start_tls(d.server.stream, d.server_tls, NULL);
    two_ends_turn(&d, 2);
    stream_write(d.client.stream, SPAN("GET / HTTP/1.0\r\n\r\n"));
    two_ends_turn(&d, 5);
    EXPECT_INT(1, d.server.ends);
    EXPECT_INT(STREAM_TLS_FAILED, d.server.why);
    EXPECT_INT(0, d.server.datas);
    stream_write(d.server.stream, SPAN("nobody reads this"));
    two_ends_turn(&d, 3);
    two_ends_close(&d);

    desk_open(&d, TLS_VERIFY_NONE);
    stream_start_tls(d.server.stream, d.server_tls, NULL);
    stream_free(d.client.stream);
    d.client.stream = NULL;
    two_ends_turn(&d, 5);
    EXPECT_INT(STREAM_TLS_FAILED, d.server.why);
    two_ends_close(&d);
}

static void a_silent_handshake_times_out(void **state)
{
    struct two_ends d;

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    stream_set_timeouts(d.server.stream, 40, 0);
    stream_start_tls(d.server.stream, d.server_tls, NULL);
    for (int i = 0; i < 100 && !d.server.ends; i++)
        loop_run_once(d.loop, 20);
    EXPECT_INT(STREAM_TIMEOUT, d.server.why);
    two_ends_close(&d);
}

static void much_goes_through_with_a_small_window(void **state)
{
    enum { TOTAL = 3000000 };
    struct two_ends d;
    char *big = mem_alloc(TOTAL);

    (void)state;
    for (size_t i = 0; i < TOTAL; i++)
        big[i] = (char)(i * 7 + i / 251);
    desk_open(&d, TLS_VERIFY_NONE);
    two_ends_shake(&d, NULL);
    stream_set_read_most(d.server.stream, 5000); /* less than a record: the rest waits in OpenSSL */
    for (size_t i = 0; i < TOTAL; i += TOTAL / 10)
        stream_write(d.client.stream, span_make(big + i, TOTAL / 10));
    for (int i = 0; i < 100000 && d.server.got.len < TOTAL; i++) {
        loop_run_once(d.loop, 1);
        if (i % 50 == 0)
            stream_hold(d.server.stream);
        if (i % 50 == 5)
            stream_release(d.server.stream);
        if (i % 70 == 0)
            stream_write(d.server.stream, SPAN("answer"));
    }
    EXPECT_INT(TOTAL, d.server.got.len);
    EXPECT_INT(0, memcmp(big, d.server.got.data, TOTAL));
    EXPECT_INT(1, d.client.drains);
    EXPECT_INT(0, d.server.ends + d.client.ends);
    free(big);
    two_ends_close(&d);
}

static void it_may_be_freed_in_any_event(void **state)
{
    struct two_ends d;

    (void)state;
    for (int when = FREE_ON_TLS; when <= FREE_ON_END; when++) {
        desk_open(&d, TLS_VERIFY_NONE);
        d.server.does = when;
        two_ends_shake(&d, NULL);
        if (d.client.stream)
            stream_write(d.client.stream, SPAN("x"));
        two_ends_turn(&d, 5);
        stream_free(d.client.stream);
        d.client.stream = NULL;
        two_ends_turn(&d, 5);
        EXPECT_NULL(d.server.stream);
        two_ends_close(&d);
    }
}

static void finishing_says_goodbye(void **state)
{
    struct two_ends d;
    char byte = 0;

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    two_ends_shake(&d, NULL);
    stream_write(d.server.stream, SPAN("221 bye\r\n"));
    stream_finish(d.server.stream, 1000);
    d.server.stream = NULL;
    two_ends_turn(&d, 10);
    EXPECT_SPAN("221 bye\r\n", strbuf_span(&d.client.got));
    EXPECT_INT(STREAM_EOF, d.client.why);
    EXPECT_INT(0, recv(d.fds[1], &byte, 1, MSG_DONTWAIT)); /* nothing but the end is left */
    two_ends_close(&d);
}

static void peers_below_tls_1_2_are_refused(void **state)
{
    struct two_ends d;
    SSL_CTX *old = SSL_CTX_new(TLS_client_method());

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    SSL_CTX_set_security_level(old, 0);
    SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
    SSL *ssl = SSL_new(old);

    int fd = dup(d.fds[1]);

    stream_free(d.client.stream);
    d.client.stream = NULL;
    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    stream_start_tls(d.server.stream, d.server_tls, NULL);
    two_ends_turn(&d, 1);
    for (int i = 0; i < 10; i++) {
        SSL_do_handshake(ssl);
        two_ends_turn(&d, 2);
    }
    EXPECT_INT(0, d.server.shakes);
    EXPECT_INT(STREAM_TLS_FAILED, d.server.why);
    SSL_free(ssl);
    SSL_CTX_free(old);
    close(fd);
    two_ends_close(&d);
}

static void faults_of_the_files_are_told(void **state)
{
    char error[300], encrypted[80];
    FILE *file = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");

    (void)state;
    EXPECT_NULL(two_ends_server("/nonexistent.pem", key_file, error, sizeof error));
    EXPECT_STR("cannot use the certificate /nonexistent.pem: No such file or directory", error);
    EXPECT_NULL(two_ends_server(cert_file, cert_file, error, sizeof error));
    EXPECT_TRUE(strstr(error, "cannot use the key") != NULL);
    EXPECT_NULL(two_ends_server(cert_file, other_key_file, error, sizeof error));
    EXPECT_TRUE(strstr(error, other_key_file) != NULL);
    EXPECT_NULL(tls_client_new(TLS_VERIFY_NAME, "/nonexistent.pem", error, sizeof error));
    EXPECT_TRUE(strstr(error, "/nonexistent.pem") != NULL);
    snprintf(encrypted, sizeof encrypted, "%s/encrypted.pem", folder);
    file = fopen(encrypted, "we");
    assert_true(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), NULL, 0, NULL, (void *)(uintptr_t) "secret"));
    fclose(file);
    EXPECT_NULL(two_ends_server(cert_file, encrypted, error, sizeof error)); /* and nobody is asked for a password */
    EXPECT_TRUE(strstr(error, "cannot use the key") != NULL);
    unlink(encrypted);
    EVP_PKEY_free(key);
    tls_context_free(NULL);
}

static void a_client_may_bear_a_certificate(void **state)
{
    char error[300] = "";
    struct tls_context *tls = tls_client_new(TLS_VERIFY_NONE, NULL, error, sizeof error);

    (void)state;
    EXPECT_INT(FAULT_NONE, tls_client_identify(tls, cert_file, key_file, error, sizeof error));
    EXPECT_STR("", error);
    EXPECT_INT(FAULT_UNKNOWN, tls_client_identify(tls, cert_file, other_key_file, error, sizeof error));
    EXPECT_TRUE(strstr(error, other_key_file) != NULL);
    tls_context_free(tls);
}

static void versions_and_ciphers_may_be_restricted(void **state)
{
    struct two_ends d;
    char error[300];

    (void)state;
    desk_open(&d, TLS_VERIFY_NONE);
    EXPECT_INT(FAULT_UNKNOWN,
               tls_context_restrict(d.client_tls, &(struct tls_terms){ .ciphers = "GREEN" }, error, sizeof error));
    EXPECT_STR("no such cipher of TLS 1.2: GREEN: no cipher match", error);
    EXPECT_INT(FAULT_UNKNOWN,
               tls_context_restrict(d.client_tls, &(struct tls_terms){ .ciphersuites = "RED" }, error, sizeof error));
    EXPECT_STR("no such cipher suite of TLS 1.3: RED: no cipher match", error);
    EXPECT_INT(FAULT_NONE,
               tls_context_restrict(d.client_tls, &(struct tls_terms){ TLS_1_3, NULL, "TLS_CHACHA20_POLY1305_SHA256" },
                                    error, sizeof error));
    two_ends_shake(&d, NULL);
    EXPECT_STR("TLS_CHACHA20_POLY1305_SHA256", stream_tls_cipher(d.server.stream));
    two_ends_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handshake_protects_both_ways),
        TEST(what_is_unsent_goes_in_clear_and_what_comes_after_is_secret),
        TEST(input_in_clear_is_thrown_away),
        TEST(input_between_the_command_and_our_go_ahead_is_thrown_away),
        TEST(tls_from_the_first_byte_loses_none),
        TEST(a_trickling_handshake_times_out),
        TEST(names_are_verified),
        TEST(an_unknown_authority_fails),
        TEST(what_is_no_handshake_fails),
        TEST(a_silent_handshake_times_out),
        TEST(much_goes_through_with_a_small_window),
        TEST(it_may_be_freed_in_any_event),
        TEST(finishing_says_goodbye),
        TEST(peers_below_tls_1_2_are_refused),
        TEST(faults_of_the_files_are_told),
        TEST(a_client_may_bear_a_certificate),
        TEST(versions_and_ciphers_may_be_restricted),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}

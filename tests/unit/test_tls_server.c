/* tests/unit/test_tls_server.c - which certificate a client is shown, files that change, tickets, clients'
 * certificates, records without data. The client is OpenSSL's own. */
#include "tests/kit/expect.h"

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/certificates.h"
#include "tests/kit/two_ends.h"

enum { NAMES = 6, PATH_BYTES = 80 };

static char folder[] = "/tmp/postern-test-XXXXXX";

/* of each: FOLDER/NAME.crt and .key */
static const struct {
    const char *name, *names;
    bool is_rsa;
} made[NAMES] = {
    { "default", "DNS:mx.example.org,DNS:*.shared.example", false },
    { "rsa", "DNS:mx.example.org", true },
    { "named", "DNS:other.example", false },
    { "wild", "DNS:*.wild.example", false },
    { "borne", "DNS:borne.example,DNS:*.many.example", false },
    { "renewed", "DNS:mx.example.org", false },
};
static char certs[NAMES][PATH_BYTES], keys[NAMES][PATH_BYTES], ca_file[PATH_BYTES];

static void make_pair(size_t i, X509 *issuer, EVP_PKEY *issuer_key)
{
    EVP_PKEY *key = made[i].is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *certificate = certificate_make(&(struct certificate_order){
        .common_name = made[i].name, .names = made[i].names, .key = key, .issuer = issuer, .issuer_key = issuer_key });

    snprintf(certs[i], PATH_BYTES, "%s/%s.crt", folder, made[i].name);
    snprintf(keys[i], PATH_BYTES, "%s/%s.key", folder, made[i].name);
    certificate_write(certs[i], certificate, NULL);
    certificate_write_key(keys[i], key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static int make_files(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *root =
        certificate_make(&(struct certificate_order){ .common_name = "root", .key = key, .is_authority = true });

    (void)state;
    assert_true(mkdtemp(folder) != NULL);
    snprintf(ca_file, sizeof ca_file, "%s/ca.crt", folder);
    certificate_write(ca_file, root, NULL);
    for (size_t i = 0; i < NAMES; i++)
        make_pair(i, root, key);
    X509_free(root);
    EVP_PKEY_free(key);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        unlink(certs[i]);
        unlink(keys[i]);
    }
    unlink(ca_file);
    return rmdir(folder);
}

/* ---- a server of ours and a client of OpenSSL's ---- */

static int64_t now_ms;

static int64_t tell_time(void)
{
    return now_ms;
}

struct wish {
    const char *name; /* SNI */
    const char *sigalgs;
    int most; /* version */
    const char *suites;
    SSL_SESSION *session;
    size_t certificate; /* that the client shows, + 1 */
    size_t chain;       /* so many certificates behind it */
    size_t updates;     /* that it sends when it is up, of its keys */
    size_t data_after;  /* so many of them */
    bool says_half;     /* when it is up: the first half of such a message */
};

struct outcome {
    bool is_up, is_resumed;
    char subject[64], version[16], cipher[64], error[240];
    struct tls_facts facts; /* of the server's side */
    SSL_SESSION *session;
};

/* ---- a record of the test's own [RFC8446 5.2] ---- */

static unsigned char client_secret[32];

static void note_secret(const SSL *ssl, const char *line)
{
    const char *word = "CLIENT_TRAFFIC_SECRET_0 ", *hex = strrchr(line, ' ');

    (void)ssl;
    for (size_t i = 0; strncmp(line, word, strlen(word)) == 0 && i < sizeof client_secret; i++)
        assert_int_equal(1, sscanf(hex + 1 + 2 * i, "%2hhx", &client_secret[i]));
}

/* HKDF-Expand-Label, of one block [RFC8446 7.1] */
static void expand(const char *label, unsigned char bytes, unsigned char *out)
{
    unsigned char info[32] = { 0, bytes, (unsigned char)(strlen("tls13 ") + strlen(label)) };
    size_t len = 3 + (size_t)snprintf((char *)info + 3, sizeof info - 3, "tls13 %s", label);

    info[len + 1] = 1;
    assert_non_null(HMAC(EVP_sha256(), client_secret, sizeof client_secret, info, len + 2, out, NULL));
}

/* The head of a KeyUpdate, whose body never comes; the first record of the client's. */
static void say_half(SSL *ssl)
{
    enum { INSIDE = 5, TAG = 16, HEAD = 5 };
    static const unsigned char inside[INSIDE] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, SSL3_RT_HANDSHAKE };
    unsigned char record[HEAD + INSIDE + TAG] = { SSL3_RT_APPLICATION_DATA, 3, 3, 0, INSIDE + TAG };
    unsigned char key[EVP_MAX_MD_SIZE], iv[EVP_MAX_MD_SIZE];
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;

    expand("key", 16, key);
    expand("iv", 12, iv);
    assert_true(EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, iv));
    assert_true(EVP_EncryptUpdate(c, NULL, &len, record, HEAD));
    assert_true(EVP_EncryptUpdate(c, record + HEAD, &len, inside, INSIDE));
    assert_true(EVP_EncryptFinal_ex(c, record + HEAD + INSIDE, &len));
    assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, record + HEAD + INSIDE));
    assert_int_equal(sizeof record, write(SSL_get_fd(ssl), record, sizeof record));
    EVP_CIPHER_CTX_free(c);
}

static SSL_CTX *make_client(const struct wish *wish)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_keylog_callback(ctx, note_secret);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* a cache forgets sessions when it goes */
    assert_true(!wish->most || SSL_CTX_set_max_proto_version(ctx, wish->most));
    assert_true(!wish->suites || SSL_CTX_set_ciphersuites(ctx, wish->suites));
    assert_true(!wish->sigalgs || SSL_CTX_set1_sigalgs_list(ctx, wish->sigalgs));
    if (wish->certificate) {
        assert_true(SSL_CTX_use_certificate_chain_file(ctx, certs[wish->certificate - 1]) == 1);
        assert_true(SSL_CTX_use_PrivateKey_file(ctx, keys[wish->certificate - 1], SSL_FILETYPE_PEM) == 1);
        for (size_t i = 0; i < wish->chain; i++)
            assert_true(SSL_CTX_add1_chain_cert(ctx, SSL_CTX_get0_certificate(ctx)) == 1);
    }
    return ctx;
}

static void update_keys(struct two_ends *d, SSL *ssl, const struct wish *wish)
{
    char byte[100];

    for (size_t i = 1; i <= wish->updates && !d->server.ends; i++) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(ssl);
        if (wish->data_after && i % wish->data_after == 0)
            SSL_write(ssl, "x", 1);
        two_ends_turn(d, 1);
        SSL_read(ssl, byte, sizeof byte);
    }
}

static void talk(struct two_ends *d, SSL *ssl, const struct wish *wish, struct outcome *out)
{
    char answer[10];

    for (int i = 0; i < 20 && !(out->is_up = SSL_do_handshake(ssl) == 1 && d->server.shakes); i++)
        two_ends_turn(d, 2);
    if (out->is_up) {
        if (wish->says_half) {
            say_half(ssl);
            two_ends_turn(d, 2);
        }
        stream_tls_facts(d->server.stream, &out->facts);
        update_keys(d, ssl, wish);
        stream_write(d->server.stream, SPAN("220 ok\r\n"));
        for (int i = 0; i < 20 && SSL_read(ssl, answer, sizeof answer) <= 0; i++)
            two_ends_turn(d, 1);
    }
    snprintf(out->error, sizeof out->error, "%s", stream_error_text(d->server.stream));
}

static void describe(SSL *ssl, struct outcome *out)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);

    if (certificate)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out->subject,
                                  sizeof out->subject);
    snprintf(out->version, sizeof out->version, "%s", SSL_get_version(ssl));
    snprintf(out->cipher, sizeof out->cipher, "%s", SSL_get_cipher(ssl));
    out->is_resumed = SSL_session_reused(ssl);
    out->session = SSL_get1_session(ssl);
}

/* One connection; the context stays the caller's. */
static struct outcome connect_to(struct tls_context *server, const struct wish *wish)
{
    struct outcome out = { 0 };
    struct two_ends d;
    SSL_CTX *ctx = make_client(wish);
    SSL *ssl = SSL_new(ctx);

    two_ends_open(&d, server, NULL);
    int fd = dup(d.fds[1]);

    stream_free(d.client.stream);
    d.client.stream = NULL;
    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    if (wish->name)
        SSL_set_tlsext_host_name(ssl, wish->name);
    if (wish->session)
        SSL_set_session(ssl, wish->session);
    stream_begin_tls(d.server.stream, server, NULL);
    talk(&d, ssl, wish, &out);
    describe(ssl, &out);
    SSL_shutdown(ssl); /* else OpenSSL thinks ill of the session */
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    d.server_tls = NULL;
    two_ends_close(&d);
    return out;
}

static struct outcome connect_once(struct tls_context *server, const struct wish *wish)
{
    struct outcome out = connect_to(server, wish);

    SSL_SESSION_free(out.session);
    out.session = NULL;
    return out;
}

static struct tls_context *open_server(const struct tls_server_settings *settings)
{
    char error[300] = "";
    struct tls_context *tls = tls_server_open(settings, error, sizeof error);

    EXPECT_STR("", error);
    assert_non_null(tls);
    return tls;
}

/* ---- names ---- */

static void the_name_chooses_the_certificate(void **state)
{
    static const struct {
        const char *name, *subject;
    } cases[] = {
        { NULL, "default" },
        { "mx.example.org", "default" },
        { "unknown.example", "default" },
        { "other.example", "named" },
        { "OTHER.example", "named" },
        { "a.other.example", "default" },
        { "a.wild.example", "wild" },
        { "a.b.wild.example", "default" },
        { "wild.example", "default" },
        { "special.wild.example", "named" }, /* a whole name comes before a wildcard */
        { "borne.example", "borne" },        /* as it stands in the certificate */
        { "x.many.example", "borne" },
        { "x.shared.example", "default" },
    };
    const struct tls_identity identities[] = {
        { NULL, { { certs[0], keys[0] } } },
        { "*.wild.example", { { certs[3], keys[3] } } },
        { "other.example", { { certs[2], keys[2] } } },
        { "special.wild.example", { { certs[2], keys[2] } } },
        { "mail.borne.example", { { certs[4], keys[4] } } },
    };
    const struct tls_server_settings settings = { .identities = identities, .identity_count = COUNT(identities) };
    struct tls_context *server = open_server(&settings);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct outcome o = connect_once(server, &(struct wish){ .name = cases[i].name, .most = version });

            EXPECT_TRUE(o.is_up);
            EXPECT_STR(cases[i].subject, o.subject);
            EXPECT_STR(cases[i].name ? cases[i].name : "", o.facts.server_name);
        }
    }
    tls_context_free(server);
}

static void a_name_may_have_keys_of_two_kinds(void **state)
{
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] }, { certs[1], keys[1] } } };
    const struct tls_identity alike = { NULL, { { certs[0], keys[0] }, { certs[2], keys[2] } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1 };
    struct tls_context *server = open_server(&settings);
    struct tls_certificate certificate;
    char error[300];

    (void)state;
    EXPECT_STR("default", connect_once(server, &(struct wish){ 0 }).subject);
    EXPECT_STR("rsa", connect_once(server, &(struct wish){ .sigalgs = "rsa_pss_rsae_sha256:RSA+SHA256" }).subject);
    EXPECT_TRUE(tls_server_certificate(server, 1, &certificate));
    EXPECT_STR(certs[1], certificate.file);
    EXPECT_FALSE(tls_server_certificate(server, 2, &certificate));
    tls_context_free(server);
    EXPECT_NULL(tls_server_open(&(struct tls_server_settings){ .identities = &alike, .identity_count = 1 }, error,
                                sizeof error));
    EXPECT_TRUE(strstr(error, "keys of the same kind") != NULL);
}

static void terms_hold_whatever_the_name(void **state)
{
    const struct tls_identity identities[] = { { NULL, { { certs[0], keys[0] } } },
                                               { "other.example", { { certs[2], keys[2] } } } };
    static const struct tls_terms ciphers = { .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
                                              .ciphersuites = "TLS_AES_128_GCM_SHA256" },
                                  least = { .least = TLS_1_3 }, nonsense = { .ciphers = "GREEN" };
    struct tls_server_settings settings = { .identities = identities, .identity_count = 2, .terms = ciphers };
    struct tls_context *server = open_server(&settings);
    const struct wish wish_12 = { .name = "other.example", .most = TLS1_2_VERSION };
    char error[300];

    (void)state;
    EXPECT_STR("ECDHE-ECDSA-AES128-GCM-SHA256", connect_once(server, &wish_12).cipher);
    EXPECT_STR("TLS_AES_128_GCM_SHA256", connect_once(server, &(struct wish){ .name = "other.example" }).cipher);
    tls_context_free(server);
    settings.terms = least;
    server = open_server(&settings);
    EXPECT_FALSE(connect_once(server, &wish_12).is_up);
    EXPECT_TRUE(connect_once(server, &(struct wish){ 0 }).is_up);
    tls_context_free(server);
    settings.terms = nonsense;
    EXPECT_NULL(tls_server_open(&settings, error, sizeof error));
    EXPECT_STR("no such cipher of TLS 1.2: GREEN: no cipher match", error);
}

/* ---- files that change ---- */

struct heard {
    int count;
    enum tls_news_kind kind;
    char text[300];
};

static void on_news(void *arg, const struct tls_news *news)
{
    struct heard *heard = arg;

    heard->count++;
    heard->kind = news->kind;
    snprintf(heard->text, sizeof heard->text, "%s", news->text);
}

static void copy(const char *from, const char *to)
{
    char bytes[20000];
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    size_t len = fread(bytes, 1, sizeof bytes, in);

    assert_true(fwrite(bytes, 1, len, out) == len);
    fclose(in);
    fclose(out);
}

static void changed_files_are_taken_when_they_fit(void **state)
{
    char cert[PATH_BYTES], key[PATH_BYTES];
    const struct tls_identity identity = { NULL, { { cert, key } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1 };
    struct heard heard = { 0 };

    (void)state;
    snprintf(cert, sizeof cert, "%s/used.crt", folder);
    snprintf(key, sizeof key, "%s/used.key", folder);
    copy(certs[0], cert);
    copy(keys[0], key);
    struct tls_context *server = open_server(&settings);
    struct outcome before = connect_to(server, &(struct wish){ 0 });

    tls_server_look(server, on_news, &heard);
    EXPECT_INT(0, heard.count);
    copy(certs[5], cert); /* whose key is still to come */
    tls_server_look(server, on_news, &heard);
    EXPECT_INT(0, heard.count); /* perhaps it is still being written */
    tls_server_look(server, on_news, &heard);
    EXPECT_INT(1, heard.count);
    EXPECT_INT(TLS_NEWS_REFUSED, heard.kind);
    EXPECT_TRUE(strstr(heard.text, "does not belong") != NULL || strstr(heard.text, "cannot use the key") != NULL);
    tls_server_look(server, on_news, &heard);
    EXPECT_INT(1, heard.count); /* told once */
    EXPECT_STR("default", connect_once(server, &(struct wish){ 0 }).subject);
    copy(keys[5], key);
    tls_server_look(server, on_news, &heard);
    tls_server_look(server, on_news, &heard);
    EXPECT_INT(2, heard.count);
    EXPECT_INT(TLS_NEWS_TAKEN, heard.kind);
    EXPECT_STR("renewed", connect_once(server, &(struct wish){ 0 }).subject);
    EXPECT_TRUE(connect_once(server, &(struct wish){ .session = before.session }).is_resumed); /* tickets stay */
    unlink(key);
    tls_server_look(server, on_news, &heard);
    tls_server_look(server, on_news, &heard);
    EXPECT_INT(TLS_NEWS_REFUSED, heard.kind);
    EXPECT_STR("renewed", connect_once(server, &(struct wish){ 0 }).subject);
    SSL_SESSION_free(before.session);
    tls_context_free(server);
    unlink(cert);
}

static void the_end_of_a_certificate_is_known(void **state)
{
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1 };
    struct tls_context *server = open_server(&settings);
    struct tls_certificate certificate;

    (void)state;
    EXPECT_TRUE(tls_server_certificate(server, 0, &certificate));
    int64_t left_s = certificate.expires_wall_ms / 1000 - (int64_t)time(NULL);

    EXPECT_TRUE(left_s > 3000 && left_s <= 3600);
    tls_context_free(server);
}

/* ---- tickets ---- */

static void a_session_is_resumed_until_its_key_is_too_old(void **state)
{
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1, .now_ms = tell_time };

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        now_ms = 1;
        struct tls_context *server = open_server(&settings);
        struct outcome first = connect_to(server, &(struct wish){ .most = version });
        const struct wish again = { .most = version, .session = first.session };

        EXPECT_FALSE(first.is_resumed);
        EXPECT_TRUE(connect_once(server, &again).is_resumed);
        EXPECT_TRUE(connect_once(server, &again).facts.is_resumed);
        now_ms += 7200 * 1000; /* the key before */
        EXPECT_TRUE(connect_once(server, &again).is_resumed);
        now_ms += 7200 * 1000; /* forgotten */
        struct outcome o = connect_once(server, &again);

        EXPECT_TRUE(o.is_up);
        EXPECT_FALSE(o.is_resumed);
        SSL_SESSION_free(first.session);
        tls_context_free(server);
    }
}

static void keys_of_long_ago_are_forgotten_at_once(void **state)
{
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1, .now_ms = tell_time };

    (void)state;
    now_ms = 1;
    struct tls_context *server = open_server(&settings);
    struct outcome first = connect_to(server, &(struct wish){ 0 });

    now_ms += 5 * 7200 * 1000; /* a quiet night */
    EXPECT_FALSE(connect_once(server, &(struct wish){ .session = first.session }).is_resumed);
    EXPECT_INT(0, SSL_SESSION_get_max_early_data(first.session)); /* no 0-RTT */
    SSL_SESSION_free(first.session);
    tls_context_free(server);
}

/* Looking at the files is what forgets them. */
static void keys_go_when_nobody_comes(void **state)
{
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1, .now_ms = tell_time };
    struct heard heard = { 0 };

    (void)state;
    now_ms = 1;
    struct tls_context *server = open_server(&settings);
    struct outcome first = connect_to(server, &(struct wish){ 0 });

    now_ms += 3 * 3600 * 1000;
    tls_server_look(server, on_news, &heard);
    EXPECT_TRUE(connect_once(server, &(struct wish){ .session = first.session }).is_resumed);
    now_ms += 3600 * 1000;
    tls_server_look(server, on_news, &heard);
    EXPECT_FALSE(connect_once(server, &(struct wish){ .session = first.session }).is_resumed);
    SSL_SESSION_free(first.session);
    tls_context_free(server);
}

/* ---- clients' certificates ---- */

static void what_clients_show_is_told(void **state)
{
    const struct tls_identity identities[] = { { NULL, { { certs[0], keys[0] } } },
                                               { "other.example", { { certs[2], keys[2] } } } };
    struct tls_server_settings settings = {
        .identities = identities, .identity_count = 2, .asks_client = true, .client_ca = ca_file
    };
    struct tls_context *server = open_server(&settings);

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct wish wish = { .name = i % 2 ? "other.example" : NULL,
                             .certificate = 5,
                             .most = i < 2 ? TLS1_2_VERSION : TLS1_3_VERSION };
        struct outcome o = connect_to(server, &wish);

        EXPECT_STR("CN=borne", o.facts.subject);
        EXPECT_STR("CN=root", o.facts.issuer);
        EXPECT_STR("authority", tls_verified_text(o.facts.verified));
        wish.session = o.session; /* the ticket remembers it */
        o = connect_once(server, &wish);
        EXPECT_TRUE(o.facts.is_resumed);
        EXPECT_STR("CN=borne", o.facts.subject);
        EXPECT_STR("authority", tls_verified_text(o.facts.verified));
        SSL_SESSION_free(wish.session);
        wish.certificate = 0;
        wish.session = NULL;
        o = connect_once(server, &wish);
        EXPECT_TRUE(o.is_up);
        EXPECT_STR("", o.facts.subject);
    }
    tls_context_free(server);
    settings.client_ca = certs[4]; /* of nobody's authority */
    server = open_server(&settings);
    struct outcome o = connect_once(server, &(struct wish){ .certificate = 3 });

    EXPECT_TRUE(o.is_up);
    EXPECT_STR("CN=named", o.facts.subject);
    EXPECT_STR("none", tls_verified_text(o.facts.verified));
    tls_context_free(server);
}

static void a_chain_may_be_long_but_not_endless(void **state)
{
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] } } };
    const struct tls_server_settings settings = {
        .identities = &identity, .identity_count = 1, .asks_client = true, .client_ca = ca_file
    };
    struct tls_context *server = open_server(&settings);

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct outcome o = connect_once(server, &(struct wish){ .most = version, .certificate = 5, .chain = 20 });

        EXPECT_TRUE(o.is_up);
        EXPECT_STR("authority", tls_verified_text(o.facts.verified));
        o = connect_once(server, &(struct wish){ .most = version, .certificate = 5, .chain = 1000 });
        EXPECT_FALSE(o.is_up);
        EXPECT_STR("TLS: excessive message size", o.error);
    }
    tls_context_free(server);
}

/* ---- records without data ---- */

static void a_flood_of_new_keys_is_ended(void **state)
{
    static const struct {
        size_t updates, data_after;
        bool is_ended;
    } cases[] = { { 50, 0, false }, { 1000, 0, true }, { 1000, 10, false } };
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1 };
    struct tls_context *server = open_server(&settings);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct wish wish = { .updates = cases[i].updates, .data_after = cases[i].data_after };

        EXPECT_STR(cases[i].is_ended ? "TLS: too many records without data" : "", connect_once(server, &wish).error);
    }
    tls_context_free(server);
}

/* OpenSSL is in the middle of a handshake then, as it sees it; the connection has TLS all the same. */
static void half_a_message_does_not_end_tls(void **state)
{
    const struct tls_identity identity = { NULL, { { certs[0], keys[0] } } };
    const struct tls_server_settings settings = { .identities = &identity, .identity_count = 1 };
    struct tls_context *server = open_server(&settings);
    const struct wish wish = { .suites = "TLS_AES_128_GCM_SHA256", .says_half = true };
    struct outcome o = connect_once(server, &wish);

    (void)state;
    EXPECT_TRUE(o.is_up);
    EXPECT_STR("TLSv1.3", o.facts.version);
    EXPECT_STR("TLS_AES_128_GCM_SHA256", o.facts.cipher);
    EXPECT_STR("", o.error);
    tls_context_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_name_chooses_the_certificate),       TEST(a_name_may_have_keys_of_two_kinds),
        TEST(terms_hold_whatever_the_name),           TEST(changed_files_are_taken_when_they_fit),
        TEST(the_end_of_a_certificate_is_known),      TEST(a_session_is_resumed_until_its_key_is_too_old),
        TEST(keys_of_long_ago_are_forgotten_at_once), TEST(what_clients_show_is_told),
        TEST(a_chain_may_be_long_but_not_endless),    TEST(keys_go_when_nobody_comes),
        TEST(a_flood_of_new_keys_is_ended),           TEST(half_a_message_does_not_end_tls),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}

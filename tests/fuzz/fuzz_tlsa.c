/* tests/fuzz/fuzz_tlsa.c - TLSA records of strangers: what is taken points into their bytes, and OpenSSL takes it. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "gateway/base/bug.h"
#include "gateway/net/tlsa.h"

static SSL *make_client(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;

    if (ctx && SSL_CTX_dane_enable(ctx) > 0)
        ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (!ssl || SSL_dane_enable(ssl, "mx.example") <= 0)
        BUG("no client");
    return ssl;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rdata = span_make((const char *)data, size);
    struct tlsa tlsa;

    if (tlsa_parse(rdata, &tlsa))
        return 0;
    if (tlsa.data.ptr != rdata.ptr + 3 || tlsa.data.len + 3 != size || tlsa.usage < TLSA_DANE_TA)
        BUG("%zu bytes of %zu", tlsa.data.len, size);
    SSL *ssl = make_client();

    if (SSL_dane_tlsa_add(ssl, tlsa.usage, tlsa.selector, tlsa.matching, (const unsigned char *)tlsa.data.ptr,
                          tlsa.data.len) <= 0)
        BUG("OpenSSL does not take it");
    ERR_clear_error();
    SSL_free(ssl);
    return 0;
}

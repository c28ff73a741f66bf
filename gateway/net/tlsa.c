/* net/tlsa.c - TLSA records [RFC6698 2.1]. */
#include "gateway/net/tlsa.h"

#include <openssl/err.h>
#include <openssl/x509.h>

enum { FIXED_BYTES = 3, SHA256_BYTES = 32, SHA512_BYTES = 64 };

static bool is_whole_certificate(struct span der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    bool is_good = certificate && X509_get0_pubkey(certificate) && at == (const unsigned char *)der.ptr + der.len;

    X509_free(certificate);
    ERR_clear_error();
    return is_good;
}

static bool is_whole_key(struct span der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
    bool is_good = key && at == (const unsigned char *)der.ptr + der.len;

    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_good;
}

static bool is_data_good(const struct tlsa *tlsa)
{
    switch (tlsa->matching) {
    case TLSA_SHA256: return tlsa->data.len == SHA256_BYTES;
    case TLSA_SHA512: return tlsa->data.len == SHA512_BYTES;
    default: return tlsa->selector == TLSA_KEY ? is_whole_key(tlsa->data) : is_whole_certificate(tlsa->data);
    }
}

enum fault tlsa_parse(struct span rdata, struct tlsa *out)
{
    const unsigned char *bytes = (const unsigned char *)rdata.ptr;

    if (rdata.len <= FIXED_BYTES)
        return FAULT_SYNTAX;
    if (rdata.len > FIXED_BYTES + TLSA_DATA_MAX)
        return FAULT_TOO_LONG;
    if ((bytes[0] != TLSA_DANE_TA && bytes[0] != TLSA_DANE_EE) || bytes[1] > TLSA_KEY || bytes[2] > TLSA_SHA512)
        return FAULT_UNKNOWN;
    const struct tlsa tlsa = { bytes[0], bytes[1], bytes[2], span_skip(rdata, FIXED_BYTES) };

    if (!is_data_good(&tlsa))
        return FAULT_SYNTAX;
    *out = tlsa;
    return FAULT_NONE;
}

const char *tlsa_usage_text(enum tlsa_usage usage)
{
    static const char *const texts[] = { "pkix-ta", "pkix-ee", "dane-ta", "dane-ee" };

    return texts[usage];
}

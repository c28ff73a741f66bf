/* scanners/dnsbl_hash.c - names under which lists of hashes are asked. Base32 is RFC 4648's (6). */
#include "scanners/dnsbl_hash.h"

#include <openssl/evp.h>
#include <string.h>

static const char *name_of(enum dnsbl_hash kind)
{
    return kind == DNSBL_MD5 ? "MD5" : kind == DNSBL_SHA1 || kind == DNSBL_SHA1_BASE32 ? "SHA1" : "SHA256";
}

static void put_hex(const unsigned char *hash, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[hash[i] >> 4];
        *out++ = digits[hash[i] & 15];
    }
    *out = '\0';
}

static void put_base32(const unsigned char *hash, size_t n, char *out)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned bits = 0, held = 0;

    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | hash[i]) & 0xffffu;
        for (held += 8; held >= 5; held -= 5)
            *out++ = digits[bits >> (held - 5) & 31];
    }
    if (held)
        *out++ = digits[bits << (5 - held) & 31];
    *out = '\0';
}

const char *dnsbl_hash(enum dnsbl_hash kind, const char *text, char out[DNSBL_HASH_TEXT_MAX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    size_t n = 0;

    if (!EVP_Q_digest(NULL, name_of(kind), NULL, text, strlen(text), hash, &n))
        return NULL;
    if (kind == DNSBL_SHA1_BASE32 || kind == DNSBL_SHA256_BASE32)
        put_base32(hash, n, out);
    else
        put_hex(hash, n, out);
    return out;
}

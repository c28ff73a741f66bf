/* cli/records_tlsa.c - the TLSA records of the mail host [RFC7672]: computed from the certificates that clients are
 * shown, and compared with what is in the DNS. And what those certificates are worth to who goes by MTA-STS.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/base/bug.h"
#include "gateway/cli/records.h"
#include "gateway/net/tlsa.h"

enum { CHAIN_MOST = 10 };

/* A certificate file: the server's own comes first. */
struct chain {
    X509 *certificates[CHAIN_MOST];
    size_t count;
};

static void chain_read(struct chain *chain, const char *file)
{
    BIO *bio = BIO_new_file(file, "r");
    X509 *next;

    while (bio && chain->count < CHAIN_MOST && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        chain->certificates[chain->count++] = next;
    BIO_free(bio);
}

static void chain_release(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        X509_free(chain->certificates[i]);
}

static bool is_for_strangers(const char *file, const char *host)
{
    struct chain chain = { .count = 0 };

    chain_read(&chain, file);
    X509 *own = chain.count ? chain.certificates[0] : NULL;
    bool is = own && X509_check_host(own, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1 &&
              X509_NAME_cmp(X509_get_subject_name(own), X509_get_issuer_name(own)) != 0;

    chain_release(&chain);
    return is;
}

bool records_are_certified(const struct records *r)
{
    for (size_t i = 0; i < r->certificate_count; i++)
        if (!is_for_strangers(r->certificates[i], r->hostname))
            return false;
    return r->certificate_count > 0;
}

/* What a record with this selector and matching type has of the certificate. */
static struct span association(X509 *x, enum tlsa_selector selector, enum tlsa_matching matching, struct arena *a)
{
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int n = selector == TLSA_KEY ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : i2d_X509(x, &der);
    struct span out = SPAN("");

    if (n > 0 && matching == TLSA_WHOLE)
        out = arena_copy(a, span_make((const char *)der, (size_t)n));
    else if (n > 0 &&
             EVP_Digest(der, (size_t)n, digest, &size, matching == TLSA_SHA256 ? EVP_sha256() : EVP_sha512(), NULL))
        out = arena_copy(a, span_make((const char *)digest, size));
    OPENSSL_free(der);
    return out;
}

static bool fits(struct records *r, const struct tlsa *record, const struct chain *chain)
{
    size_t first = record->usage == TLSA_DANE_EE ? 0 : 1, end = record->usage == TLSA_DANE_EE ? 1 : chain->count;

    for (size_t i = first; i < end && i < chain->count; i++)
        if (span_eq(association(chain->certificates[i], record->selector, record->matching, r->arena), record->data))
            return true;
    return false;
}

static bool is_named(struct records *r, const struct dns_answer *answer, const struct chain *chain)
{
    struct tlsa record;

    for (uint32_t i = 0; i < answer->count; i++)
        if (!tlsa_parse(answer->records[i].data, &record) && fits(r, &record, chain))
            return true;
    return false;
}

static const char *hex(struct records *r, struct span bytes)
{
    struct strbuf b;

    strbuf_init(&b, RECORDS_TEXT_MOST);
    for (size_t i = 0; i < bytes.len; i++)
        strbuf_putf(&b, "%02x", (unsigned)(unsigned char)bytes.ptr[i]);
    const char *kept = arena_printf(r->arena, "%s", b.len ? b.data : "");

    strbuf_release(&b);
    return kept;
}

static void show(struct records *r, const struct dns_answer *answer, struct record_item *item)
{
    for (uint32_t i = 0; i < answer->count; i++) {
        struct span data = answer->records[i].data;

        if (data.len >= 3)
            item->found = arena_printf(r->arena, "%s%s%u %u %u %s", item->found, i ? "\n" : "",
                                       (unsigned)(unsigned char)data.ptr[0], (unsigned)(unsigned char)data.ptr[1],
                                       (unsigned)(unsigned char)data.ptr[2], hex(r, span_skip(data, 3)));
    }
}

/* True when the certificate is named by a record. */
static bool check_certificate(struct records *r, const struct dns_answer *answer, const char *file,
                              struct record_item *item)
{
    struct chain chain = { .count = 0 };
    bool is_good = false;

    chain_read(&chain, file);
    if (chain.count) {
        struct span key = association(chain.certificates[0], TLSA_KEY, TLSA_SHA256, r->arena);

        item->publish = arena_printf(r->arena, "%s%s%s. IN TLSA 3 1 1 %s", item->publish, *item->publish ? "\n" : "",
                                     item->name, hex(r, key));
        is_good = is_named(r, answer, &chain);
    }
    chain_release(&chain);
    return is_good;
}

static void judge(struct records *r, const struct dns_answer *answer, size_t named, struct record_item *item)
{
    if (!r->certificate_count && answer->count)
        record_is_wrong(item, "there is no smtp.tls_certificate: senders that go by TLSA will not deliver");
    else if (named < r->certificate_count)
        record_is_wrong(item, answer->security == DNS_SECURE
                                  ? "it does not fit our certificate: senders that go by TLSA will not deliver"
                                  : "it does not fit our certificate");
    else if (answer->security != DNS_SECURE) {
        item->state = RECORD_UNKNOWN;
        item->why = "it fits, but was not proved by DNSSEC: senders take no notice of it unless the zone is signed "
                    "(dns.dnssec = yes lets us see)";
    }
}

void records_check_tlsa(struct records *r)
{
    const char *name = arena_printf(r->arena, "_25._tcp.%s", r->hostname);
    const struct dns_answer *answer = records_ask(r, name, DNS_TLSA);
    struct record_item *item;
    bool is_known = records_add(r, "TLSA", name, answer, &item);
    size_t named = 0;

    show(r, answer, item);
    for (size_t i = 0; i < r->certificate_count; i++)
        named += check_certificate(r, answer, r->certificates[i], item);
    if (is_known && answer->count) {
        judge(r, answer, named, item);
    } else if (is_known && !r->certificate_count) {
        item->state = RECORD_UNKNOWN;
        item->why = "there is no smtp.tls_certificate, so there is nothing to publish";
    } else if (is_known) {
        item->why = "only for a zone that is signed with DNSSEC";
    }
}

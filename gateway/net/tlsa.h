/* net/tlsa.h - TLSA records: which certificate a server bears, as its domain says in the DNS [RFC6698 2.1], and which
 * of them count for mail [RFC7672 3.1].
 *
 * Pure. Memory: `data` points into what was parsed.
 */
#ifndef NET_TLSA_H
#define NET_TLSA_H

#include "gateway/base/span.h"

/* TLSA_DATA_MAX: a whole certificate may stand in a record. */
enum { TLSA_DATA_MAX = 16384 };

enum tlsa_usage { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };
enum tlsa_selector { TLSA_CERTIFICATE, TLSA_KEY };
enum tlsa_matching { TLSA_WHOLE, TLSA_SHA256, TLSA_SHA512 };

struct tlsa {
    enum tlsa_usage usage;
    enum tlsa_selector selector;
    enum tlsa_matching matching;
    struct span data;
};

/* tlsa_parse - from the bytes of a record, when a mail server can be verified by it. FAULT_SYNTAX: cut short, a digest
 * of the wrong length, no certificate or key. FAULT_TOO_LONG. FAULT_UNKNOWN: a usage, selector or matching type that
 * does not count for mail, such as PKIX-TA and PKIX-EE [RFC7672 3.1.3]. Any fault: act as if it were not there; a
 * domain with such records alone wants encryption, whoever answers [RFC7672 2.2]. */
enum fault tlsa_parse(struct span rdata, struct tlsa *out);
/* tlsa_usage_text - "dane-ee", ... */
const char *tlsa_usage_text(enum tlsa_usage usage);

#endif

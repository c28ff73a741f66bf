/* net/dns_answer.h - what the DNS said: plain data, kept with the message and later in the journal.
 *
 * A look-up always ends in an answer; its state says how. An answer is immutable once given and is one block of
 * an arena (or of malloc, before it is copied there).
 */
#ifndef NET_DNS_ANSWER_H
#define NET_DNS_ANSWER_H

#include "gateway/base/addr.h"
#include "gateway/base/arena.h"
#include "gateway/base/strbuf.h"

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52
};

enum dns_state {
    DNS_OK,       /* there are records of the type asked for: count > 0 */
    DNS_NODATA,   /* the name exists, without records of this type */
    DNS_NXDOMAIN, /* there is no such name [RFC8020] */
    DNS_FAILED,   /* SERVFAIL, refused, bogus under DNSSEC, malformed */
    DNS_TIMEOUT,  /* no answer in time */
    DNS_CAPPED,   /* not asked: the check's or the message's limit of look-ups was reached */
};

enum dns_security { DNS_INSECURE, DNS_SECURE, DNS_BOGUS };

enum { DNS_NAME_MAX = 254, DNS_RECORDS_MAX = 256, DNS_TXT_MAX = 65535 };

struct dns_record {
    struct addr ip;      /* DNS_A, DNS_AAAA */
    unsigned preference; /* DNS_MX */
    struct span name;    /* DNS_NS, DNS_CNAME, DNS_PTR, DNS_MX: as text, without final dot, lower case, NUL after it;
                            "" is the root [RFC7505]; bytes of no host name are \DDD (net/dns_name.h) */
    struct span data;    /* DNS_TXT: its strings joined [RFC7208 3.3]; DNS_TLSA: the rdata; NUL after it */
};

struct dns_answer {
    const char *name; /* as asked, lower case */
    enum dns_type type;
    enum dns_state state;
    enum dns_security security;
    uint32_t ttl_s;
    uint32_t count; /* of records, at most DNS_RECORDS_MAX; the rest is cut and is_cut set */
    bool is_cut;
    const struct dns_record *records;
};

/* dns_answer_copy - a deep copy in `a`. */
const struct dns_answer *dns_answer_copy(struct arena *a, const struct dns_answer *answer);
/* dns_answer_text - from one line, for tests, replay and samples:
 *     "NXDOMAIN" "NODATA" "SERVFAIL" "TIMEOUT" "CAPPED", or records of the type separated by " | ":
 *     A/AAAA "192.0.2.1 | 192.0.2.2"  MX "10 mail.example | 20 b.example"  PTR/NS/CNAME names  TXT "v=spf1 -all"
 *     TLSA "3 1 1 0123abcd"
 * An optional "secure " or "bogus " before it sets `security`; a last record "..." sets is_cut. In TXT, \DDD and \X
 * stand for a byte and "" alone is an empty string; the root is ".". FAULT_SYNTAX. All of it lies in `a`. */
enum fault dns_answer_text(struct arena *a, const char *name, enum dns_type type, struct span text,
                           const struct dns_answer **out);
/* dns_answer_print - the reverse; printable ASCII only. */
void dns_answer_print(const struct dns_answer *answer, struct strbuf *out);
/* dns_answer_wire - from a response message [RFC1035 4]; FAULT_SYNTAX for a malformed one. `rcode` and emptiness set
 * the state; CNAME chains are followed within the message. */
enum fault dns_answer_wire(struct arena *a, const char *name, enum dns_type type, struct span packet,
                           const struct dns_answer **out);

const char *dns_state_text(enum dns_state state);
const char *dns_type_text(enum dns_type type);
bool dns_type_parse(struct span text, enum dns_type *out);

#endif

/* net/dns_wire.c - a response message into an answer [RFC1035 4].
 *
 * What is read here was packed by the resolver library, out of bytes that a stranger's name server sent: every length
 * is checked, a compression pointer only goes backwards, a CNAME chain has CHAIN_MOST links, and records past
 * DNS_RECORDS_MAX are cut.
 */
#include "gateway/net/dns_answer.h"

#include "gateway/base/bug.h"
#include "gateway/net/dns_name.h"

enum { HEADER_BYTES = 12, CLASS_IN = 1, TYPE_SOA = 6, CHAIN_MOST = 16, RCODE_NXDOMAIN = 3, TLSA_LEAST = 4 };

struct name {
    uint8_t wire[DNS_WIRE_MAX];
    size_t len;
};

/* A resource record where it lies. */
struct rr {
    struct name owner;
    unsigned type, class;
    uint32_t ttl_s;
    size_t at, len; /* of its data */
};

struct reading {
    struct arena *arena;
    struct span packet;
    size_t answers_at, authority_at;
    unsigned answer_count, authority_count;
    struct dns_answer *out;
    struct dns_record *records;
    bool is_malformed;
};

static unsigned u16_at(struct span packet, size_t at)
{
    const uint8_t *p = (const uint8_t *)packet.ptr + at;

    return (unsigned)(p[0] << 8 | p[1]);
}

static uint32_t u32_at(struct span packet, size_t at)
{
    return (uint32_t)u16_at(packet, at) << 16 | u16_at(packet, at + 2);
}

static bool name_eq(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

static bool read_name(struct span packet, size_t *at, struct name *out)
{
    out->len = dns_name_unpack(packet, *at, out->wire, at);
    return out->len > 0;
}

/* the record at *at, which moves past it */
static bool read_rr(struct span packet, size_t *at, struct rr *out)
{
    if (!read_name(packet, at, &out->owner) || packet.len - *at < 10)
        return false;
    out->type = u16_at(packet, *at);
    out->class = u16_at(packet, *at + 2);
    out->ttl_s = u32_at(packet, *at + 4);
    out->len = u16_at(packet, *at + 8);
    out->at = *at + 10;
    if (out->ttl_s > INT32_MAX)
        out->ttl_s = 0; /* [RFC2181 8] */
    if (out->len > packet.len - out->at)
        return false;
    *at = out->at + out->len;
    return true;
}

/* a name that fills the record's data from `skip` on */
static bool data_name(struct span packet, const struct rr *rr, size_t skip, struct name *out)
{
    size_t at = rr->at + skip;

    return rr->len > skip && read_name(packet, &at, out) && at == rr->at + rr->len;
}

static void least_ttl(struct dns_answer *answer, uint32_t ttl_s)
{
    if (ttl_s < answer->ttl_s)
        answer->ttl_s = ttl_s;
}

/* its strings, joined without anything between them [RFC7208 3.3] */
static bool take_txt(struct reading *r, const struct rr *rr, struct dns_record *out)
{
    char *data = arena_alloc(r->arena, rr->len + 1);
    size_t len = 0;

    if (rr->len == 0)
        return false;
    for (size_t at = rr->at, end = rr->at + rr->len; at < end;) {
        size_t bytes = (uint8_t)r->packet.ptr[at++];

        if (bytes > end - at)
            return false;
        memcpy(data + len, r->packet.ptr + at, bytes);
        len += bytes;
        at += bytes;
    }
    out->data = span_make(data, len);
    return true;
}

/* *is_fit becomes false for a name that is well-formed, but whose text is too long with its escapes */
static bool take_name(struct reading *r, const struct rr *rr, size_t skip, struct dns_record *out, bool *is_fit)
{
    struct name name;
    char text[DNS_NAME_MAX];

    if (!data_name(r->packet, rr, skip, &name))
        return false;
    *is_fit = !dns_name_text(name.wire, text, sizeof text);
    if (*is_fit)
        out->name = arena_copy(r->arena, span_of(text));
    return true;
}

static bool take_data(struct reading *r, const struct rr *rr, struct dns_record *out, bool *is_fit)
{
    const char *data = r->packet.ptr + rr->at;

    switch (r->out->type) {
    case DNS_A:
    case DNS_AAAA:
        if (rr->len != (r->out->type == DNS_A ? 4 : 16))
            return false;
        addr_from_bytes(r->out->type == DNS_A ? ADDR_IP4 : ADDR_IP6, data, &out->ip);
        return true;
    case DNS_TXT: return take_txt(r, rr, out);
    case DNS_TLSA: out->data = arena_copy(r->arena, span_make(data, rr->len)); return rr->len >= TLSA_LEAST;
    case DNS_MX:
        if (rr->len < 3)
            return false;
        out->preference = u16_at(r->packet, rr->at);
        return take_name(r, rr, 2, out, is_fit);
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR: return take_name(r, rr, 0, out, is_fit);
    }
    return false;
}

static void take_record(struct reading *r, const struct rr *rr)
{
    struct dns_answer *answer = r->out;
    struct dns_record record = { 0 };
    bool is_fit = true;

    if (answer->count == DNS_RECORDS_MAX) {
        answer->is_cut = true;
        return;
    }
    if (!take_data(r, rr, &record, &is_fit)) {
        r->is_malformed = true;
        return;
    }
    least_ttl(answer, rr->ttl_s);
    if (!is_fit) {
        answer->is_cut = true;
        return;
    }
    if ((answer->count & (answer->count - 1)) == 0) /* the room has run out: it is a power of two */
        r->records =
            arena_grow(r->arena, r->records, answer->count, answer->count ? 2 * answer->count : 1, sizeof *r->records);
    r->records[answer->count++] = record;
}

/* One pass over the answer section for the records of `owner`; its alias, when there is one, goes to *alias. */
static bool take_owner(struct reading *r, const struct name *owner, struct name *alias)
{
    struct rr rr;
    size_t at = r->answers_at;
    bool has_alias = false;

    for (unsigned i = 0; i < r->answer_count && !r->is_malformed; i++) {
        if (!read_rr(r->packet, &at, &rr)) {
            r->is_malformed = true;
        } else if (rr.class == CLASS_IN && name_eq(&rr.owner, owner)) {
            if (rr.type == (unsigned)r->out->type) {
                take_record(r, &rr);
            } else if (rr.type == DNS_CNAME && !has_alias) {
                has_alias = data_name(r->packet, &rr, 0, alias);
                r->is_malformed = !has_alias;
                least_ttl(r->out, rr.ttl_s);
            }
        }
    }
    r->authority_at = at;
    return has_alias;
}

/* how long a "no" holds: the SOA's TTL or its last number, whichever is less [RFC2308 5] */
static void read_negative_ttl(struct reading *r)
{
    struct rr rr;
    size_t at = r->authority_at;
    bool has_soa = false;

    for (unsigned i = 0; i < r->authority_count && read_rr(r->packet, &at, &rr); i++) {
        if (rr.type != TYPE_SOA || rr.len < 22)
            continue;
        has_soa = true;
        least_ttl(r->out, rr.ttl_s);
        least_ttl(r->out, u32_at(r->packet, rr.at + rr.len - 4));
    }
    if (!has_soa)
        r->out->ttl_s = 0;
}

/* the question must be ours; the answer section starts after it */
static bool read_question(struct reading *r, const struct name *asked)
{
    struct name name;
    size_t at = HEADER_BYTES;

    if (u16_at(r->packet, 4) != 1 || !read_name(r->packet, &at, &name) || r->packet.len - at < 4)
        return false;
    r->answers_at = at + 4;
    return name_eq(&name, asked) && u16_at(r->packet, at) == (unsigned)r->out->type &&
           u16_at(r->packet, at + 2) == CLASS_IN;
}

static void read_records(struct reading *r, const struct name *asked)
{
    struct name owner = *asked, alias;
    unsigned links = 0;

    while (take_owner(r, &owner, &alias) && r->out->count == 0) {
        if (++links > CHAIN_MOST) {
            r->out->state = DNS_FAILED;
            return;
        }
        owner = alias;
    }
    if (r->out->count == 0)
        read_negative_ttl(r);
}

static enum dns_state state_of(const struct reading *r, unsigned flags)
{
    unsigned rcode = flags & 15;
    bool is_truncated = flags & 0x0200;

    if (is_truncated || (rcode != 0 && rcode != RCODE_NXDOMAIN) || r->out->state == DNS_FAILED)
        return DNS_FAILED;
    if (rcode == RCODE_NXDOMAIN)
        return DNS_NXDOMAIN;
    if (r->out->count)
        return DNS_OK;
    return r->out->is_cut ? DNS_FAILED : DNS_NODATA; /* cut to nothing: there is something that we cannot say */
}

enum fault dns_answer_wire(struct arena *a, const char *name, enum dns_type type, struct span packet,
                           const struct dns_answer **out)
{
    struct dns_answer *answer = arena_alloc(a, sizeof *answer);
    struct reading r = { .arena = a, .packet = packet, .out = answer };
    struct name asked;
    char *lower = arena_dup(a, span_of(name));

    for (char *c = lower; *c; c++)
        *c = ascii_lower(*c);
    *answer = (struct dns_answer){ .name = lower, .type = type, .ttl_s = INT32_MAX };
    asked.len = dns_name_pack(span_of(name), asked.wire);
    if (!asked.len || packet.len < HEADER_BYTES)
        return FAULT_SYNTAX;
    unsigned flags = u16_at(packet, 2);

    r.answer_count = u16_at(packet, 6);
    r.authority_count = u16_at(packet, 8);
    if (!(flags & 0x8000) || !read_question(&r, &asked))
        return FAULT_SYNTAX;
    read_records(&r, &asked);
    if (r.is_malformed)
        return FAULT_SYNTAX;
    answer->state = state_of(&r, flags);
    answer->records = r.records;
    if (answer->state != DNS_OK) {
        answer->count = 0;
        answer->is_cut = false;
    }
    if (answer->state == DNS_FAILED)
        answer->ttl_s = 0;
    *out = answer;
    return FAULT_NONE;
}

/* net/dns_answer.c - what the DNS said: copied, printed, and read from a line of text. */
#include "gateway/net/dns_answer.h"

#include "gateway/base/bug.h"
#include "gateway/net/dns_name.h"

enum { TEXT_TTL_S = 300, TLSA_LEAST = 4 };

static const char *const state_texts[] = {
    [DNS_OK] = "OK",           [DNS_NODATA] = "NODATA",   [DNS_NXDOMAIN] = "NXDOMAIN",
    [DNS_FAILED] = "SERVFAIL", [DNS_TIMEOUT] = "TIMEOUT", [DNS_CAPPED] = "CAPPED",
};

static const struct {
    enum dns_type type;
    const char *text;
} type_texts[] = {
    { DNS_A, "A" },   { DNS_NS, "NS" },   { DNS_CNAME, "CNAME" }, { DNS_PTR, "PTR" },
    { DNS_MX, "MX" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" },   { DNS_TLSA, "TLSA" },
};

const char *dns_state_text(enum dns_state state)
{
    return (size_t)state < COUNT(state_texts) ? state_texts[state] : "?";
}

const char *dns_type_text(enum dns_type type)
{
    for (size_t i = 0; i < COUNT(type_texts); i++)
        if (type_texts[i].type == type)
            return type_texts[i].text;
    return "?";
}

bool dns_type_parse(struct span text, enum dns_type *out)
{
    for (size_t i = 0; i < COUNT(type_texts); i++)
        if (span_iis(text, type_texts[i].text)) {
            *out = type_texts[i].type;
            return true;
        }
    return false;
}

const struct dns_answer *dns_answer_copy(struct arena *a, const struct dns_answer *answer)
{
    struct dns_answer *copy = arena_alloc(a, sizeof *copy);

    *copy = *answer;
    copy->name = arena_dup(a, span_of(answer->name));
    struct dns_record *records = arena_grow(a, answer->records, answer->count, answer->count, sizeof *records);

    for (uint32_t i = 0; i < answer->count; i++) {
        if (records[i].name.ptr)
            records[i].name = arena_copy(a, records[i].name);
        if (records[i].data.ptr)
            records[i].data = arena_copy(a, records[i].data);
    }
    copy->records = records;
    return copy;
}

/* --- from text --- */

static enum fault name_from_text(struct arena *a, struct span text, struct span *out)
{
    uint8_t wire[DNS_WIRE_MAX];
    char name[DNS_NAME_MAX];

    if (!dns_name_pack_escaped(text, wire) || dns_name_text(wire, name, sizeof name))
        return FAULT_SYNTAX;
    *out = arena_copy(a, span_of(name));
    return FAULT_NONE;
}

static enum fault mx_from_text(struct arena *a, struct span text, struct dns_record *out)
{
    struct span word;
    uint64_t preference = 0;

    if (!span_word(&text, &word) || span_u64(word, 65535, &preference))
        return FAULT_SYNTAX;
    out->preference = (unsigned)preference;
    return name_from_text(a, span_trim(text), &out->name);
}

static bool escaped_byte(struct span text, size_t *i, char *out)
{
    uint64_t value = 0;

    if (*i + 3 < text.len && !span_u64(span_make(text.ptr + *i + 1, 3), 255, &value)) {
        *i += 3;
        *out = (char)value;
        return true;
    }
    if (*i + 1 >= text.len || ascii_is_digit(text.ptr[*i + 1]))
        return false;
    *out = text.ptr[++*i];
    return true;
}

static enum fault txt_from_text(struct arena *a, struct span text, struct span *out)
{
    char *data = arena_alloc(a, text.len + 1);
    size_t len = 0;

    if (span_is(text, "\"\""))
        text.len = 0;
    for (size_t i = 0; i < text.len; i++, len++) {
        data[len] = text.ptr[i];
        if (text.ptr[i] == '\\' && !escaped_byte(text, &i, &data[len]))
            return FAULT_SYNTAX;
    }
    if (len > DNS_TXT_MAX)
        return FAULT_SYNTAX;
    *out = span_make(data, len);
    return FAULT_NONE;
}

/* "3 1 1 0123abcd": usage, selector, matching type, certificate data [RFC6698 2.2] */
static enum fault tlsa_from_text(struct arena *a, struct span text, struct span *out)
{
    char *data = arena_alloc(a, text.len + 1);
    struct span word;

    for (size_t i = 0; i < 3; i++) {
        uint64_t value = 0;

        if (!span_word(&text, &word) || span_u64(word, 255, &value))
            return FAULT_SYNTAX;
        data[i] = (char)value;
    }
    if (!span_word(&text, &word) || word.len % 2 || span_trim(text).len)
        return FAULT_SYNTAX;
    for (size_t i = 0; i < word.len; i += 2) {
        int high = ascii_hex(word.ptr[i]), low = ascii_hex(word.ptr[i + 1]);

        if (high < 0 || low < 0)
            return FAULT_SYNTAX;
        data[3 + i / 2] = (char)(high << 4 | low);
    }
    *out = span_make(data, 3 + word.len / 2);
    return FAULT_NONE;
}

static enum fault ip_from_text(struct span text, enum dns_type type, struct addr *out)
{
    bool is_ip6 = span_find(text, ':') != SPAN_NPOS;

    return is_ip6 == (type == DNS_AAAA) ? addr_parse(text, out) : FAULT_SYNTAX;
}

static enum fault record_from_text(struct arena *a, enum dns_type type, struct span text, struct dns_record *out)
{
    switch (type) {
    case DNS_A:
    case DNS_AAAA: return ip_from_text(text, type, &out->ip);
    case DNS_MX: return mx_from_text(a, text, out);
    case DNS_TXT: return txt_from_text(a, text, &out->data);
    case DNS_TLSA: return tlsa_from_text(a, text, &out->data);
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR: return name_from_text(a, text, &out->name);
    }
    return FAULT_SYNTAX;
}

/* takes the part before " | " off the front of *rest, as span_cut() does */
static bool cut_record(struct span *rest, struct span *part)
{
    if (!rest->ptr)
        return false;
    size_t bar = span_search(*rest, SPAN(" | "));

    *part = span_trim(span_first(*rest, bar));
    *rest = bar == SPAN_NPOS ? (struct span){ 0 } : span_skip(*rest, bar + 3);
    return true;
}

static enum fault records_from_text(struct arena *a, struct span text, struct dns_answer *answer)
{
    struct dns_record *records = NULL;
    struct span part;

    while (cut_record(&text, &part)) {
        if (span_is(part, "...") && !text.ptr && answer->count) {
            answer->is_cut = true;
            break;
        }
        if (!part.len || answer->count == DNS_RECORDS_MAX)
            return FAULT_SYNTAX;
        if ((answer->count & (answer->count - 1)) == 0) /* the room has run out: it is a power of two */
            records = arena_grow(a, records, answer->count, answer->count ? 2 * answer->count : 1, sizeof *records);
        enum fault fault = record_from_text(a, answer->type, part, &records[answer->count]);

        if (fault)
            return fault;
        answer->count++;
    }
    answer->records = records;
    return FAULT_NONE;
}

static enum dns_security cut_security(struct span *text)
{
    if (span_starts(*text, SPAN("secure "))) {
        *text = span_skip(*text, strlen("secure "));
        return DNS_SECURE;
    }
    if (span_starts(*text, SPAN("bogus "))) {
        *text = span_skip(*text, strlen("bogus "));
        return DNS_BOGUS;
    }
    return DNS_INSECURE;
}

enum fault dns_answer_text(struct arena *a, const char *name, enum dns_type type, struct span text,
                           const struct dns_answer **out)
{
    struct dns_answer *answer = arena_alloc(a, sizeof *answer);
    char *lower = arena_dup(a, span_of(name));

    for (char *c = lower; *c; c++)
        *c = ascii_lower(*c);
    text = span_trim(text);
    *answer = (struct dns_answer){ .name = lower, .type = type, .ttl_s = TEXT_TTL_S };
    answer->security = cut_security(&text);
    for (size_t i = DNS_NODATA; i < COUNT(state_texts); i++)
        if (span_is(text, state_texts[i]))
            answer->state = (enum dns_state)i;
    if (answer->state == DNS_OK) {
        enum fault fault = records_from_text(a, text, answer);

        if (fault)
            return fault;
    }
    *out = answer;
    return FAULT_NONE;
}

/* --- to text --- */

static void print_byte(struct strbuf *out, char byte)
{
    unsigned char c = (unsigned char)byte;

    if (c <= 0x20 || c > 0x7e || c == '\\' || c == '|')
        strbuf_putf(out, "\\%03u", c);
    else
        strbuf_putc(out, byte);
}

/* words that would be taken for something else, were they the whole record */
static bool is_ambiguous(struct span data)
{
    for (size_t i = DNS_NODATA; i < COUNT(state_texts); i++)
        if (span_is(data, state_texts[i]))
            return true;
    return span_is(data, "\"\"") || span_is(data, "...") || span_starts(data, SPAN("secure ")) ||
           span_starts(data, SPAN("bogus "));
}

static void print_txt(struct strbuf *out, struct span data)
{
    size_t i = 0;

    if (!data.len)
        strbuf_puts(out, "\"\"");
    if (is_ambiguous(data))
        strbuf_putf(out, "\\%03u", (unsigned char)data.ptr[i++]);
    for (; i < data.len; i++) {
        bool is_inner_blank = data.ptr[i] == ' ' && i > 0 && i + 1 < data.len;

        if (is_inner_blank)
            strbuf_putc(out, ' ');
        else
            print_byte(out, data.ptr[i]);
    }
}

static void print_tlsa(struct strbuf *out, struct span data)
{
    const unsigned char *bytes = (const unsigned char *)data.ptr;

    if (data.len < TLSA_LEAST)
        BUG("a TLSA record of %zu bytes", data.len);
    strbuf_putf(out, "%u %u %u ", bytes[0], bytes[1], bytes[2]);
    for (size_t i = 3; i < data.len; i++)
        strbuf_putf(out, "%02x", bytes[i]);
}

static void print_ip(struct strbuf *out, enum dns_type type, const struct addr *ip)
{
    char text[ADDR_TEXT_MAX];

    if (type == DNS_AAAA && ip->family == ADDR_IP4) /* it came as a mapped address */
        strbuf_puts(out, "::ffff:");
    strbuf_puts(out, addr_text(ip, text));
}

static void print_record(struct strbuf *out, enum dns_type type, const struct dns_record *record)
{
    switch (type) {
    case DNS_A:
    case DNS_AAAA: print_ip(out, type, &record->ip); return;
    case DNS_TXT: print_txt(out, record->data); return;
    case DNS_TLSA: print_tlsa(out, record->data); return;
    case DNS_MX: strbuf_putf(out, "%u ", record->preference); break;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR: break;
    }
    strbuf_put(out, record->name.len ? record->name : SPAN("."));
}

void dns_answer_print(const struct dns_answer *answer, struct strbuf *out)
{
    static const char *const security[] = { "", "secure ", "bogus " };

    strbuf_puts(out, security[answer->security]);
    if (answer->state != DNS_OK) {
        strbuf_puts(out, dns_state_text(answer->state));
        return;
    }
    for (uint32_t i = 0; i < answer->count; i++) {
        strbuf_puts(out, i ? " | " : "");
        print_record(out, answer->type, &answer->records[i]);
    }
    strbuf_puts(out, answer->is_cut ? " | ..." : "");
}

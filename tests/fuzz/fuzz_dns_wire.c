/* tests/fuzz/fuzz_dns_wire.c - response messages from hostile name servers. The first byte chooses the type asked for;
 * the name asked for is the message's own. Whatever comes out is plain text, and reads back as the same answer.
 */
#include "gateway/base/bug.h"
#include "gateway/net/dns_answer.h"
#include "gateway/net/dns_name.h"

static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };

static void expect_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
            BUG("byte %d in an answer's text", text.ptr[i]);
}

static void expect_safe_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_is_alnum(name.ptr[i]) && !strchr("-_/.\\", name.ptr[i]))
            BUG("byte %d in a name", name.ptr[i]);
    if (name.len >= DNS_NAME_MAX || (name.ptr && name.ptr[name.len]))
        BUG("a name of %zu bytes", name.len);
}

static void read_back(struct arena *a, const struct dns_answer *answer)
{
    struct strbuf first, second;
    const struct dns_answer *again = NULL;

    strbuf_init(&first, 1 << 20);
    strbuf_init(&second, 1 << 20);
    dns_answer_print(dns_answer_copy(a, answer), &first);
    expect_plain(strbuf_span(&first));
    if (dns_answer_text(a, answer->name, answer->type, strbuf_span(&first), &again))
        BUG("does not read back: %s", first.data);
    dns_answer_print(again, &second);
    if (strcmp(first.data, second.data) != 0 || again->count != answer->count || again->is_cut != answer->is_cut)
        BUG("reads back as another answer: %s, %s", first.data, second.data);
    strbuf_release(&first);
    strbuf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t wire[DNS_WIRE_MAX];
    char name[DNS_NAME_MAX];
    const struct dns_answer *answer = NULL;
    struct arena arena;

    if (size < 1)
        return 0;
    struct span packet = span_make((const char *)data + 1, size - 1);

    if (!dns_name_unpack(packet, 12, wire, NULL) || dns_name_text(wire, name, sizeof name))
        return 0;
    arena_init(&arena, 1 << 24);
    if (!dns_answer_wire(&arena, name, types[data[0] % COUNT(types)], packet, &answer)) {
        if ((answer->state == DNS_OK) != (answer->count > 0) || answer->count > DNS_RECORDS_MAX)
            BUG("%u records in state %d", answer->count, (int)answer->state);
        for (uint32_t i = 0; i < answer->count; i++)
            expect_safe_name(answer->records[i].name);
        read_back(&arena, answer);
    }
    arena_release(&arena);
    return 0;
}

/* tests/fuzz/fuzz_dns_answer.c - answers from a line of text (a journal's, a sample's): what is read prints as a text
 * that reads as the same. The first byte chooses the type.
 */
#include "gateway/base/bug.h"
#include "gateway/net/dns_answer.h"

static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct strbuf first, second;
    const struct dns_answer *answer = NULL, *again = NULL;

    if (size < 1)
        return 0;
    enum dns_type type = types[data[0] % COUNT(types)];

    arena_init(&arena, 1 << 24);
    strbuf_init(&first, 1 << 22);
    strbuf_init(&second, 1 << 22);
    if (!dns_answer_text(&arena, "Name.Example", type, span_make((const char *)data + 1, size - 1), &answer)) {
        dns_answer_print(answer, &first);
        if (dns_answer_text(&arena, "name.example", type, strbuf_span(&first), &again))
            BUG("does not read back: %s", first.data);
        dns_answer_print(again, &second);
        if (strcmp(first.data, second.data) != 0 || again->security != answer->security)
            BUG("reads back as another answer: %s, %s", first.data, second.data);
    }
    strbuf_release(&first);
    strbuf_release(&second);
    arena_release(&arena);
    return 0;
}

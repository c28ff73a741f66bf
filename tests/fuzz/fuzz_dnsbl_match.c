/* tests/fuzz/fuzz_dnsbl_match.c - answers of DNS lists as an operator may write them: what is taken means at least one
 * address that a list can answer, and nothing outside of 127.0.0.0/8.
 */
#include "gateway/base/bug.h"
#include "scanners/dnsbl_match.h"

/* One address of each kind of match: its lowest, its lowest bit, its lowest numbers. */
static struct addr example_of(const struct dnsbl_match *m)
{
    uint32_t n = m->kind == DNSBL_MATCH_RANGE ? m->low : UINT32_C(127) << 24 | (m->mask & (~m->mask + 1));
    uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
    struct addr a;

    for (int place = 1; place < 4 && m->kind == DNSBL_MATCH_PATTERN; place++) {
        unsigned octet = 0;

        while (octet < 255 && !(m->allowed[place][octet / 32] >> (octet % 32) & 1))
            octet++;
        bytes[place] = (uint8_t)octet;
    }
    addr_from_bytes(ADDR_IP4, bytes, &a);
    return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t outside[][4] = { { 126, 255, 255, 255 }, { 128, 0, 0, 0 }, { 10, 0, 0, 2 }, { 0, 0, 0, 0 } };
    struct dnsbl_match m;

    if (dnsbl_match_parse(span_make((const char *)data, size), &m))
        return 0;
    struct addr inside = example_of(&m);

    if (!dnsbl_match_has(&m, &inside))
        BUG("a match that can never come was taken");
    for (size_t i = 0; i < COUNT(outside); i++) {
        struct addr a;

        addr_from_bytes(ADDR_IP4, outside[i], &a);
        if (dnsbl_match_has(&m, &a))
            BUG("a match reaches outside of 127.0.0.0/8");
    }
    return 0;
}

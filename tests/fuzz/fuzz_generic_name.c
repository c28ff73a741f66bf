/* tests/fuzz/fuzz_generic_name.c - names that strangers put into their reverse zones: the first byte chooses the
 * client's family, the next 16 are its address, the rest is the name.
 */
#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"
#include "scanners/generic_name.h"

enum { PREFIX = 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[DOMAIN_MAX];
    struct addr client;

    if (size < PREFIX || domain_normal(span_make((const char *)data + PREFIX, size - PREFIX), name))
        return 0;
    addr_from_bytes(data[0] & 1 ? ADDR_IP6 : ADDR_IP4, data + 1, &client);
    enum generic kind = generic_name(name, &client);

    if (kind > GENERIC_DYNAMIC)
        BUG("a kind of name that is none: %d", kind);
    return 0;
}

/* tests/fuzz/fuzz_access.c - entries of lists, a line each: what is taken is found again, and its normal form is an
 * entry of its own that means the same. The first byte says what kind of list it is.
 */
#include "gateway/base/bug.h"
#include "gateway/mail/access_set.h"

static void take_again(enum access_kind kind, const struct access_match *match)
{
    struct access_set *set = access_set_new(kind, 1);
    const char *wrong = access_set_add(set, span_of(match->text), 1);

    if (wrong || access_set_count(set) != 1)
        BUG("the normal form \"%s\" %s", match->text, wrong ? wrong : "is lost");
    access_set_free(set);
}

static bool look_up(const struct access_set *set, enum access_kind kind, struct span line, struct access_match *match)
{
    struct addr_net net;
    struct address address = { 0 };

    if (kind == ACCESS_NETS)
        return !addr_net_parse(line, &net) && access_set_has_addr(set, &net.base, match);
    if (kind == ACCESS_NAMES)
        return access_set_has_name(set, line, match);
    return !address_parse(line, &address) && access_set_has_address(set, &address, match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    enum access_kind kind = (enum access_kind)(data[0] % 3);
    struct span rest = span_make((const char *)data + 1, size - 1), line;
    struct access_set *set = access_set_new(kind, 0);

    while (span_cut(&rest, '\n', &line)) {
        struct access_match match;
        size_t before = access_set_count(set);
        const char *wrong = access_set_add(set, line, 1);

        if ((wrong != NULL) != (access_entry_wrong(kind, line) != NULL))
            BUG("an entry is wrong only sometimes");
        if (wrong && access_set_count(set) != before)
            BUG("an entry that is wrong was added");
        if (!wrong && kind == ACCESS_NETS && !look_up(set, kind, line, &match))
            BUG("a network is not found");
        if (look_up(set, kind, line, &match))
            take_again(kind, &match);
    }
    access_set_free(set);
    return 0;
}

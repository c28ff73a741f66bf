/* tests/fuzz/fuzz_address.c - addresses of the envelope and of header fields.
 *
 * The input is read as a path, as an address and as the body of a From field. What is found must be in order: an
 * address that was taken is taken again, a domain's normal form is its own normal form, no list outgrows its limit.
 */
#include "gateway/base/bug.h"
#include "gateway/mail/address.h"
#include "gateway/mail/domain.h"

static void check_normal(struct span text)
{
    char once[DOMAIN_MAX], twice[DOMAIN_MAX];

    if (domain_normal(text, once))
        return;
    if (domain_normal(span_of(once), twice) || strcmp(once, twice) != 0)
        BUG("the normal form %s is not normal", once);
    const char *org = domain_org_psl(once);

    if (org && !domain_is_under(once, org))
        BUG("%s is not under its organization %s", once, org);
    domain_is_fqdn(text);
    domain_is_public_suffix(once);
}

static void check_path(struct span input)
{
    struct span rest = input;
    struct address a, again;

    if (!address_path(&rest, true, &a)) {
        if (rest.ptr + rest.len != input.ptr + input.len || a.text.len > ADDRESS_MAX)
            BUG("a path out of bounds");
        if (a.domain.len && (address_parse(a.text, &again) || !address_eq(&a, &again)))
            BUG("%.*s is taken once, not twice", SPAN_ARG(a.text));
    }
    if (!address_parse(input, &a) && (a.local.len + 1 + a.domain.len != input.len))
        BUG("an address that is not all of its text");
}

static void check_mailboxes(struct arena *arena, struct span input)
{
    struct mailbox_list list;
    bool is_lenient = false;

    address_mailboxes(arena, input, &list);
    if (list.count > ADDRESS_LIST_MAX || (list.count == 0) > !!(list.oddities & ADDRESS_ODD_NO_ADDRESS))
        BUG("%zu mailboxes, oddities %#x", list.count, list.oddities);
    for (size_t i = 0; i < list.count; i++) {
        const struct mailbox *m = &list.items[i];

        if (is_lenient > m->is_lenient || m->address.domain.len == 0)
            BUG("mailbox %zu of %zu", i, list.count);
        if (m->address.text.len > input.len * (m->is_lenient ? 3 : 1)) /* a byte may become a character of UTF-8 */
            BUG("mailbox %zu of %zu", i, list.count);
        is_lenient = m->is_lenient;
        check_normal(m->address.domain);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size);
    struct arena arena;

    arena_init(&arena, 1 << 24);
    check_path(input);
    check_normal(input);
    check_mailboxes(&arena, input);
    arena_release(&arena);
    return 0;
}

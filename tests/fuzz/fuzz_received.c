/* tests/fuzz/fuzz_received.c - Received fields: one, and a header section of as many as there are lines.
 *
 * What was read holds no blank and no bracket, and the pseudo fields are well formed.
 */
#include "gateway/base/bug.h"
#include "rules/view/relays.h"

static void check_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || strchr(" \t\r\n#[]()<>|", text.ptr[i]))
            BUG("byte %d in a part", text.ptr[i]);
}

static void check_relay(const struct relay *r)
{
    check_text(r->ip);
    check_text(r->rdns);
    check_text(r->helo);
    check_text(r->by);
    check_text(r->ident);
    check_text(r->envfrom);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size);
    unsigned steps = 100000;
    struct header_index h;
    struct arena arena;
    struct relay one;

    arena_init(&arena, 1 << 24);
    if (relay_read(&arena, input, &steps, &one) == RELAY_READ)
        check_relay(&one);
    header_parse(&arena, input, HEADER_BYTES_MAX, HEADER_FIELDS_MAX, &h);
    const struct relays *all = relays_read(&arena, &h, NULL, NULL);
    if (all->internal > all->trusted || all->trusted > all->count || all->count > RELAYS_MAX)
        BUG("%zu internal, %zu trusted of %zu", all->internal, all->trusted, all->count);
    for (size_t i = 0; i < all->count; i++)
        check_relay(&all->items[i]);
    arena_release(&arena);
    return 0;
}

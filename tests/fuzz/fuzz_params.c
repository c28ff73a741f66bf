/* tests/fuzz/fuzz_params.c - parameters: bounded, UTF-8, found by their names. */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *a, const struct params *p, const struct param *item)
{
    if (item->name.len == 0 || !utf8_is_valid(item->value) || item->value.len > PARAM_VALUE_MAX)
        BUG("a parameter without a name, or a value that is no UTF-8");
    for (size_t i = 0; i < item->name.len; i++)
        if (item->name.ptr[i] != ascii_lower(item->name.ptr[i]) || item->name.ptr[i] == '*')
            BUG("a name with stars or capitals");
    if (span_find(item->name, 0) == SPAN_NPOS && !params_find(p, arena_dup(a, item->name), 0))
        BUG("a parameter is not found");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct params p;
    struct arena a;

    arena_init(&a, 1 << 26);
    params_read(&a, span_make((const char *)data, size), &p);
    if (p.count > PARAMS_MAX || p.value.len > size)
        BUG("%zu parameters", p.count);
    for (size_t i = 0; i < p.count; i++)
        check(&a, &p, &p.items[i]);
    arena_release(&a);
    return 0;
}

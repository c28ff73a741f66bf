/* tests/fuzz/fuzz_tnef.c - winmail.dat: bounded, and every byte of an item is one of the stream's or of the arena's. */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/rtf.h"
#include "gateway/mail/tnef.h"
#include "gateway/mail/tnef_props.h"

enum { UNPACKED_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum_of(struct span s)
{
    unsigned sum = 0;

    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.ptr[i];
    return sum;
}

static void check_rtf(struct arena *a, struct span rtf)
{
    struct rtf_text shown;

    for (size_t most = UNPACKED_MAX; most; most = most > rtf.len ? rtf.len % 40 : 0) {
        rtf_read(a, rtf, most, &shown);
        if (shown.text.len > most || !utf8_is_valid(shown.text))
            BUG("RTF shows %zu bytes of %zu, or no UTF-8", shown.text.len, most);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span stream = span_make((const char *)data, size);
    unsigned flaws = 0, sum = 0;
    struct arena a;
    struct tnef t;

    arena_init(&a, 1 << 26);
    tnef_read(&a, stream, UNPACKED_MAX, &t);
    if (t.count > TNEF_ITEMS_MAX)
        BUG("%zu items", t.count);
    for (size_t i = 0; i < t.count; i++) {
        const struct tnef_item *item = &t.items[i];

        if (item->depth > TNEF_DEPTH_MAX || !item->charset)
            BUG("an item at depth %u", item->depth);
        if (!utf8_is_valid(item->name) || !utf8_is_valid(item->type) || !utf8_is_valid(item->content_id))
            BUG("a name that is no UTF-8");
        sum += sum_of(item->bytes); /* the sanitizer looks on */
    }
    if (t.unpacked > UNPACKED_MAX)
        BUG("%zu bytes unpacked, sum %u", t.unpacked, sum);
    if (rtf_unpack(&a, stream, UNPACKED_MAX, &flaws).len > (size > UNPACKED_MAX ? size : UNPACKED_MAX))
        BUG("RTF is longer than its limit");
    check_rtf(&a, stream);
    arena_release(&a);
    return 0;
}

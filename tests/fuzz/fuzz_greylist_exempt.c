/* tests/fuzz/fuzz_greylist_exempt.c - postgrey's white lists, and the senders that greylisting folds.
 *
 * The first byte says which kind of list it is; the lines up to an empty one are its entries, those behind are looked
 * up: as clients' names and addresses, as recipients, and as senders to be folded.
 */
#include "greylist/exempt.h"

#include "gateway/base/bug.h"
#include "greylist/sender.h"

static struct address address_of(struct span text)
{
    struct address a = { .text = text };
    size_t at = span_rfind(text, '@');

    a.local = at == SPAN_NPOS ? text : span_first(text, at);
    a.domain = at == SPAN_NPOS ? (struct span){ "", 0 } : span_skip(text, at + 1);
    return a;
}

/* A folded sender is no longer than it was, and folded again it is no longer than that. */
static void fold(struct arena *a, struct span line)
{
    struct address sender = address_of(line);
    struct span once = sender_fold(a, &sender);
    struct address folded = address_of(once);

    if (once.len > line.len + 1 || sender_fold(a, &folded).len > once.len + 1)
        BUG("a folded sender has grown");
    for (size_t i = 0; i < folded.local.len; i++)
        if (ascii_is_digit(folded.local.ptr[i]))
            BUG("a number is left");
}

static void look_up(const struct exempt *e, struct arena *a, struct span line)
{
    struct access_match match;
    struct addr client;

    if (addr_parse(line, &client))
        addr_parse(SPAN("192.0.2.7"), &client);
    if (exempt_has_client(e, &client, arena_dup(a, span_first(line, 255)), &match) && !match.text[0])
        BUG("an entry without text");
    struct address to = address_of(span_first(line, 320));

    if (exempt_has_recipient(e, &to, &match) && !match.text[0])
        BUG("an entry without text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct exempt *e = exempt_new((enum exempt_kind)(data[0] % 2), 0);
    struct span rest = span_make((const char *)data + 1, size - 1), line;
    unsigned number = 0;
    struct arena a;

    arena_init(&a, SIZE_MAX);
    while (span_cut(&rest, '\n', &line) && line.len) {
        size_t before = exempt_count(e);

        if (exempt_add(e, line, ++number) && exempt_count(e) != before)
            BUG("an entry that is wrong was added");
    }
    for (int i = 0; i < 20 && span_cut(&rest, '\n', &line); i++) {
        look_up(e, &a, line);
        fold(&a, line);
    }
    arena_release(&a);
    exempt_free(e);
    return 0;
}

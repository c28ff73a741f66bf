/* tests/fuzz/fuzz_store_import.c - lines of `postern store import`: what is taken is written as a line that says the
 * same, and is within the store's bounds.
 */
#include "gateway/base/bug.h"
#include "gateway/cli/store_line.h"

static void take_again(const struct store_line *line)
{
    struct span key = span_make(line->key, line->key_len), value = span_make(line->value, line->value_len);
    static struct store_line again;
    struct strbuf text;

    strbuf_init(&text, STORE_LINE_MAX);
    store_line_write(&text, key, value, line->expires_ms);
    const char *wrong = store_line_read(span_first(strbuf_span(&text), text.len - 1), &again);

    if (wrong || text.is_full)
        BUG("%s: %s", strbuf_span(&text).ptr, wrong ? wrong : "full");
    if (!span_eq(key, span_make(again.key, again.key_len)) || line->expires_ms != again.expires_ms ||
        !span_eq(value, span_make(again.value, again.value_len)))
        BUG("%s: another record", strbuf_span(&text).ptr);
    strbuf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), text;
    static struct store_line line;

    while (span_cut(&rest, '\n', &text)) {
        if (store_line_read(text, &line))
            continue;
        if (!line.key_len || line.key_len > STORE_KEY_MAX || !line.value_len || line.value_len > STORE_VALUE_MAX)
            BUG("out of bounds");
        take_again(&line);
    }
    return 0;
}

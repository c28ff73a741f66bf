/* tests/fuzz/fuzz_rates.c - how limits are written, a line each, and what the store's keys say.
 *
 * What is taken is written again so that it means the same; a key that is made from an envelope of any bytes is read
 * back.
 */
#include "gateway/base/bug.h"
#include "policy/rates_take.h"

static void fuzz_key(struct arena *a, const char *line)
{
    struct rates_key key, again;

    if (rates_key_parse(a, line, &key))
        return;
    const char *text = rates_key_text(a, &key);

    if (rates_key_parse(a, text, &again))
        BUG("\"%s\" is not taken again", text);
    if (again.count != key.count || again.has_recipient != key.has_recipient)
        BUG("\"%s\" means something else", text);
    if (strcmp(rates_key_text(a, &again), text) != 0)
        BUG("\"%s\" is written in two ways", text);
}

static void fuzz_window(struct arena *a, const char *line)
{
    struct rates_window window, again;
    double count;

    if (!rates_count_parse(a, line, &count) && !(count >= 1 && count <= 1e15))
        BUG("a count of %f", count);
    if (rates_window_parse(a, line, &window))
        return;
    const char *text = arena_printf(a, "%.0f / %s", window.count, window.span);

    if (rates_window_parse(a, text, &again))
        BUG("\"%s\" is not taken again", text);
    if (again.count != window.count || again.per_ms != window.per_ms || strcmp(again.span, window.span) != 0)
        BUG("\"%s\" means something else", text);
}

static void look_at(void *arg, const struct rates_take *take)
{
    struct rates_name name;
    unsigned *count = arg;

    ++*count;
    if (take->op.key.len > STORE_KEY_MAX)
        BUG("a key of %zu bytes", take->op.key.len);
    if (!rates_name_parse(take->op.key, &name) || !span_is(name.limit, "fuzz") || !span_is(name.window, "1h"))
        BUG("a key that is not read back: %.*s", SPAN_ARG(take->op.key));
    for (size_t i = 0; i < take->op.key.len; i++)
        if (take->op.key.ptr[i] < ' ' || take->op.key.ptr[i] > '~')
            BUG("a byte that nobody can read in a key");
}

/* The same bytes as every part of an envelope. */
static void fuzz_envelope(struct arena *a, struct span line)
{
    struct address address = { .text = line, .local = line };
    size_t at = span_rfind(line, '@');
    struct recipient recipients[2] = { { .address = {
                                             .text = SPAN("a@b"), .local = SPAN("a"), .domain = SPAN("b") } } };
    struct rates_limit limit = { .title = "fuzz", .direction = RATES_BOTH, .window_count = 1 };
    struct session s = { .hostname = "mx.example", .helo = line, .auth_user = line, .recipients = recipients };
    unsigned count = 0;
    const struct rates_taker taker = { .take = look_at, .arg = &count };

    if (at != SPAN_NPOS) {
        address.local = span_first(line, at);
        address.domain = span_skip(line, at + 1);
    }
    s.mail_from = recipients[1].address = address;
    s.recipient_count = 2;
    limit.windows[0] = (struct rates_window){ .count = 1, .burst = 1, .per_ms = 3600000, .span = "1h" };
    if (rates_key_parse(a, "user+helo+sender+sender_domain+sender_organization+recipient+recipient_organization",
                        &limit.key))
        BUG("a key that is right is refused");
    rates_takes(&limit, &s, NULL, &taker);
    limit.key.parts[0] = limit.key.parts[2];
    limit.key.count = 1;
    limit.key.has_recipient = false;
    rates_takes(&limit, &s, NULL, &taker);
    if (line.len && !count)
        BUG("a sender that is there is not counted");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), line;
    struct rates_name name;
    struct arena a;

    if (!size)
        return 0;
    arena_init(&a, SIZE_MAX);
    rates_name_parse(rest, &name);
    while (span_cut(&rest, '\n', &line)) {
        const char *text = arena_dup(&a, line);

        fuzz_key(&a, text);
        fuzz_window(&a, text);
        fuzz_envelope(&a, line);
    }
    arena_release(&a);
    return 0;
}

/* tests/fuzz/fuzz_scanning.c - any bytes as a message, against rules of all kinds: what rules see lies in what was
 * there, pieces are as short as they have to be, and what hit can be shown. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "rules/evaluate.h"
#include "rules/view/texts.h"
#include "rules/view/uris.h"
#include "tests/kit/hand_rules.h"

#define HEADER(title, of) .name = (title), .kind = RULE_HEADER, .field = (of), .pattern = "[a-z]@?"

static struct rule rules[] = {
    { HEADER("H1", "Subject") },
    { HEADER("H2", "Subject"), .form = HEADER_RAW },
    { HEADER("H3", "From"), .form = HEADER_ADDR, .tflags = RULE_MULTIPLE },
    { HEADER("H4", "From"), .form = HEADER_NAME },
    { HEADER("H5", "ALL") },
    { HEADER("H6", "ALL"), .form = HEADER_RAW },
    { HEADER("H7", "ToCc") },
    { HEADER("H8", "MESSAGEID:host") },
    { HEADER("H9", "From:addr:domain") },
    { HEADER("H10", "Received:revip:last") },
    { HEADER("H11", "EnvelopeFrom"), .if_unset = "x" },
    { HEADER("H12", "X-Spam-Relays-Untrusted"), .is_negated = true },
    { HEADER("H13", "ALL-TRUSTED") },
    { HEADER("H14", "ALL-EXTERNAL") },
    { .name = "B1", .kind = RULE_BODY, .pattern = "(\\w+)\\s+\\1", .tflags = RULE_MULTIPLE },
    { .name = "B2", .kind = RULE_BODY, .pattern = "^(?:\\w+\\s?)+$", .tflags = RULE_NOSUBJECT },
    { .name = "R1", .kind = RULE_RAWBODY, .pattern = "<[^>]*>", .tflags = RULE_MULTIPLE, .hits_most = 5 },
    { .name = "U1", .kind = RULE_URI, .pattern = "^https?://[^/]*\\d" },
    { .name = "F1", .kind = RULE_FULL, .pattern = "\\n\\n.*\\n\\z" },
    { .name = "M1", .kind = RULE_MIMEHEADER, .field = "Content-Type", .pattern = "name", .tflags = RULE_MULTIPLE },
    { .name = "M2", .kind = RULE_MIMEHEADER, .field = "ALL", .pattern = "\\d", .tflags = RULE_CONCAT },
};

static void check_lines(const struct rule_lines *lines, size_t most)
{
    size_t bytes = 0;

    for (size_t i = 0; i < lines->count; i++) {
        const struct span *piece = &lines->items[i];

        bytes += piece->len + 1;
        if (piece->len > most)
            BUG("a piece of %zu bytes", piece->len);
        if (piece->len && (piece->ptr < lines->joined.ptr || piece->ptr[piece->len] != '\n'))
            BUG("a piece does not lie in its text");
    }
    if (bytes != lines->joined.len)
        BUG("%zu bytes of pieces are joined to %zu", bytes, lines->joined.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct message_limits limits = { 1 << 20, 5000 };
    static struct ruleset set;
    static struct matcher *matcher;
    struct strbuf faults;
    struct arena a;
    struct scanning s;
    struct evaluation e;

    if (!matcher) {
        strbuf_init(&faults, 10000);
        set = hand_rules(rules, COUNT(rules));
        matcher = matcher_new(&set, &faults);
        strbuf_release(&faults);
    }
    arena_init(&a, SIZE_MAX);
    struct evidence evidence = { 0 };
    struct session session = {
        .arena = &a, .tx_arena = &a, .door = "fuzz", .hostname = "mx.example", .tls_version = "", .tls_cipher = ""
    };
    struct message *m = message_new(span_make((const char *)data, size), &limits);
    struct inquiry q = { .session = &session, .message = m, .evidence = &evidence, .arena = &a };
    struct rule_order order = rule_order(&a, &set, matcher);

    scanning_begin(&s, &q, &set, matcher, clock_mono_us() + 10 * 1000000LL);
    evaluate(&s, &order, &e);
    check_lines(&s.body, TEXT_PIECE_BYTES);
    check_lines(&s.rawbody, 2 * TEXT_PIECE_BYTES);
    check_lines(&s.uris, URI_BYTES_MAX);
    for (size_t i = 0; i < set.count; i++)
        if (s.hits[i] > RULE_HITS_MAX || (s.hits[i] && !rules[i].is_negated && !s.shown[i].ptr && !rules[i].if_unset))
            BUG("%s hits %u times and shows nothing", rules[i].name, s.hits[i]);
    message_free(m);
    arena_release(&a);
    return 0;
}

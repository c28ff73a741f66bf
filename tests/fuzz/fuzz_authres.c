/* tests/fuzz/fuzz_authres.c - Authentication-Results, of others and ours.
 *
 * The input is a field's body, and then every piece of evidence that a field of ours is built from. That field must
 * hold no line end but folding, no control character, no line too long, and be known as ours.
 */
#include "gateway/base/bug.h"
#include "gateway/core/authres.h"

static void check_field(struct span field)
{
    struct span rest = field, line;
    bool is_first = true;

    while (span_cut(&rest, '\n', &line)) {
        if (line.len > 998 || (!is_first && (line.len < 2 || line.ptr[0] != '\t')))
            BUG("a line of %zu bytes", line.len);
        if (rest.ptr && (line.len == 0 || line.ptr[line.len - 1] != '\r'))
            BUG("a bare line feed");
        for (size_t i = is_first ? 0 : 1; i + (rest.ptr ? 1 : 0) < line.len; i++)
            if ((unsigned char)line.ptr[i] < ' ' || line.ptr[i] == 0x7f)
                BUG("control character %d", line.ptr[i]);
        is_first = false;
    }
    if (!authres_is_from(field, "mx.example.org"))
        BUG("our own field is not ours");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size), rest = input, part;
    struct session session = { .hostname = "mx.example.org", .is_smtputf8 = size % 2 };
    const char *texts[8] = { "", "", "", "", "", "", "", "" };
    struct strbuf field;
    struct arena arena;

    authres_is_from(input, "mx.example.org");
    arena_init(&arena, 1 << 24);
    for (size_t i = 0; i < COUNT(texts) && span_cut(&rest, '|', &part); i++)
        texts[i] = arena_dup(&arena, part);
    session.auth_user = span_of(texts[0]);
    struct dkim_evidence dkim = { .result = AUTH_FAIL,
                                  .domain = texts[1],
                                  .identity = texts[2],
                                  .selector = texts[3],
                                  .algorithm = texts[4],
                                  .b_start = texts[5],
                                  .reason = texts[6] };
    struct evidence e = {
        .iprev = { .result = AUTH_PASS, .name = texts[1] },
        .spf_helo = { .result = AUTH_FAIL, .sender = texts[6], .reason = texts[7] },
        .spf_mailfrom = { .result = AUTH_SOFTFAIL, .sender = texts[0], .reason = texts[3] },
        .dkim = &dkim,
        .dkim_count = 1,
        .dkim_result = AUTH_FAIL,
        .dmarc = { .result = AUTH_FAIL,
                   .domain = texts[1],
                   .policy = "reject",
                   .disposition = texts[7],
                   .override_reason = texts[6],
                   .reason = texts[2] },
        .arc = { .result = AUTH_PASS, .sets = 2, .reason = texts[3] },
    };

    strbuf_init(&field, 1 << 20);
    authres_build("mx.example.org", &e, &session, &field);
    check_field(strbuf_span(&field));
    strbuf_release(&field);
    arena_release(&arena);
    return 0;
}

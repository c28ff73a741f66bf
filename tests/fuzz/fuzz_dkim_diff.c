/* tests/fuzz/fuzz_dkim_diff.c - our DKIM verdicts beside libopendkim's, on the same message with the same key.
 *
 * The first line is the tags of a signature but v=, a=, d=, s=, bh= and b=; the rest is a message, which our own signer
 * signs with it before both verify: so any header and any body is canonicalised by both. With "!" as the first byte
 * the message is taken as it is, with the signatures that it brings.
 *
 * Where both understand a signature they must agree whether it verifies. They need not agree on which signatures are
 * understood: our reading is the stricter one (grammar, domain names, key kinds), libopendkim's is elsewhere (below).
 */
#include <stdbool.h>
#include <opendkim/dkim.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/signature.h"
#include "gateway/mail/tagvalue.h"
#include "tests/kit/signer.h"

enum { SIGNATURES_MOST = 8 };

static const struct message_limits limits = { 1 << 18, 2000 };
static struct signer *signer;
static DKIM_LIB *lib;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static DKIM_CBSTAT give_key(DKIM *dkim, DKIM_SIGINFO *info, u_char *out, size_t size)
{
    (void)dkim;
    (void)info;
    snprintf((char *)out, size, "%s", signer_record(signer));
    return DKIM_CBSTAT_CONTINUE;
}

static void start(void)
{
    u_int flags = DKIM_LIBFLAGS_BADSIGHANDLES;
    uint64_t drift = 365 * 86400;

    signer = signer_new(0);
    lib = dkim_init(NULL, NULL);
    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof drift);
    dkim_set_key_lookup(lib, give_key);
}

/* As the doors leave it: lines end in CRLF. Without what libopendkim takes differently: NUL ends a string there, and VT
 * and FF are white space as in C, where RFC 6376 knows only SP and TAB. */
static struct span normalised(struct arena *a, struct span text)
{
    char *out = arena_alloc(a, 2 * text.len + 3);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\r' || c == '\0' || c == '\v' || c == '\f')
            continue;
        if (c == '\n')
            out[len++] = '\r';
        out[len++] = c;
    }
    if (len && out[len - 1] != '\n') {
        out[len++] = '\r';
        out[len++] = '\n';
    }
    return span_make(out, len);
}

static size_t verify_own(struct arena *a, struct message *m, struct signature *out)
{
    struct picker *picker = picker_new(a, &m->header);
    struct span record = span_of(signer_record(signer));
    size_t count = 0;

    for (size_t i = 0; i < m->header.count && count < SIGNATURES_MOST; i++) {
        if (!span_iis(m->header.fields[i].name, "DKIM-Signature"))
            continue;
        signature_read(a, SIGNATURE_DKIM, SIGNATURE_HISTORIC, &m->header.fields[i], &out[count]);
        signature_verify(&out[count++], m, picker, &record, 1);
    }
    return count;
}

/* libopendkim takes the end of "zb=" for "b=", and cuts the wrong value out before it hashes. */
static bool has_tag_like_b(struct span body)
{
    struct tag_list tags;

    tags_parse(body, &tags);
    for (size_t i = 0; i < tags.count; i++)
        if (tags.items[i].name.len > 1 && span_ends(tags.items[i].name, SPAN("b")))
            return true;
    return false;
}

/* libopendkim overruns its heap when h= selects the signature itself; scanners/dkim_opendkim.c keeps such mail away. */
static bool is_dangerous(struct arena *a, const struct message *m)
{
    for (size_t i = 0; i < m->header.count; i++) {
        struct span body = m->header.fields[i].body;
        char *bare = arena_alloc(a, body.len + 1);
        size_t len = 0;

        for (size_t k = 0; k < body.len; k++)
            if ((unsigned char)body.ptr[k] > ' ')
                bare[len++] = body.ptr[k];
        if (span_isearch(span_make(bare, len), SPAN("dkim-signature")) != SPAN_NPOS)
            return true;
    }
    return false;
}

/* What libopendkim makes a signature fail for, and we do not. */
static bool is_other_rule(const struct signature *s, int error)
{
    switch (error) {
    case DKIM_SIGERROR_EXPIRED: /* the clock is not a part of this comparison */
    case DKIM_SIGERROR_FUTURE:
    case DKIM_SIGERROR_TIMESTAMPS: return true;
    default: return has_tag_like_b(s->field->body) || !ascii_is_all(s->field->body); /* it knows no [RFC8616] */
    }
}

static void compare(const struct signature *s, DKIM_SIGINFO *info)
{
    bool passes = dkim_sig_getflags(info) & DKIM_SIGFLAG_PASSED && dkim_sig_getbh(info) == DKIM_SIGBH_MATCH;
    int error = dkim_sig_geterror(info);

    if (passes && s->state == SIGNATURE_FAIL)
        BUG("libopendkim passes what we fail: %s", s->reason);
    if (!passes && s->state == SIGNATURE_PASS && !is_other_rule(s, error))
        BUG("we pass what libopendkim does not: error %d (%s), body hash %d", error, dkim_sig_geterrorstr(error),
            dkim_sig_getbh(info));
}

static void verify_both(struct arena *a, struct message *m)
{
    struct signature own[SIGNATURES_MOST];
    size_t count = verify_own(a, m, own);
    DKIM_SIGINFO **infos = NULL;
    DKIM_STAT status;
    int info_count = 0;
    DKIM *dkim = dkim_verify(lib, (const u_char *)"fuzz", NULL, &status);

    if (!dkim)
        fatal_memory(0);
    for (size_t i = 0; i < m->header.count; i++)
        dkim_header(dkim, (u_char *)(uintptr_t)m->header.fields[i].whole.ptr, m->header.fields[i].whole.len - 2);
    status = dkim_eoh(dkim);
    if (status == DKIM_STAT_OK && m->body.len)
        dkim_body(dkim, (u_char *)(uintptr_t)m->body.ptr, m->body.len);
    if (status == DKIM_STAT_OK)
        dkim_eom(dkim, NULL);
    if (status == DKIM_STAT_OK && dkim_getsiglist(dkim, &infos, &info_count) == DKIM_STAT_OK)
        for (size_t i = 0; i < count && i < (size_t)info_count; i++)
            compare(&own[i], infos[i]);
    dkim_free(dkim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), tags = { "", 0 };
    struct arena a;

    if (!lib)
        start();
    bool is_ready = rest.len && rest.ptr[0] == '!';

    if (is_ready)
        rest = span_skip(rest, 1);
    else if (!span_cut(&rest, '\n', &tags) || !rest.ptr || span_find(tags, '\0') != SPAN_NPOS ||
             span_find(tags, '\r') != SPAN_NPOS)
        return 0;
    arena_init(&a, 1 << 26);
    struct span message = normalised(&a, rest);

    if (!is_ready)
        message = signer_signed(signer, &a, "DKIM-Signature",
                                arena_printf(&a, "v=1; a=ed25519-sha256; d=example.org; s=sel; %.*s", SPAN_ARG(tags)),
                                message);
    struct message *m = message_new(message, &limits);

    if (!is_dangerous(&a, m))
        verify_both(&a, m);
    message_free(m);
    arena_release(&a);
    return 0;
}

/* tests/fuzz/fuzz_signature.c - the signature engine: tag lists, key records, canonicalisation, verifying.
 *
 * The first line is a key record, the rest a message. Each of its DKIM-Signature fields is verified with that record
 * and with a good one. What must hold for any input: canonical text is canonical, hashes do not depend on what was
 * asked before, a signature that passes has a good body hash and a key that may be used.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/signature.h"
#include "gateway/mail/tagvalue.h"
#include "tests/kit/signer.h"

static const struct message_limits limits = { 1 << 18, 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Canonical text of `body` into *out; again, it must not change. */
static void check_canonical(struct span body, enum canon canon)
{
    unsigned char hash[HASH_BYTES_MAX];
    struct strbuf once, twice;
    struct hasher h;

    strbuf_init(&once, 1 << 24);
    strbuf_init(&twice, 1 << 24);
    hasher_start(&h, HASH_SHA256, HASHER_ALL);
    h.copy = &once;
    canon_body(&h, canon, body);
    hasher_end(&h, hash);
    hasher_start(&h, HASH_SHA256, HASHER_ALL);
    h.copy = &twice;
    canon_body(&h, canon, strbuf_span(&once));
    hasher_end(&h, hash);
    if (!span_eq(strbuf_span(&once), strbuf_span(&twice)) || h.total != twice.len)
        BUG("canonicalisation %d is not idempotent", (int)canon);
    strbuf_release(&once);
    strbuf_release(&twice);
}

static void check_texts(struct span text)
{
    unsigned char bytes[64];
    char decoded[64];
    struct tag_list tags;
    size_t len = 0;

    tags_parse(text, &tags);
    for (size_t i = 0; i < tags.count; i++) {
        if (tags_find(&tags, "p") && tags.items[i].value.len > tags.items[i].raw.len)
            BUG("a value is longer than what it was taken from");
        if (!tag_base64(tags.items[i].value, bytes, sizeof bytes, &len) && len > sizeof bytes)
            BUG("base64 wrote %zu bytes", len);
        tag_quoted(tags.items[i].value, decoded, sizeof decoded);
    }
}

static void check_passed(const struct signature *s, struct message *m)
{
    const struct body_hash *body = body_hash(m, s->body_canon, s->hash, s->covers_prefix ? s->length : BODY_WHOLE);

    if (!body || memcmp(body->hash, s->bh, hash_bytes(s->hash)) != 0 || !s->from_count)
        BUG("a signature passed that cannot");
}

static void verify_all(struct arena *a, struct message *m, const struct span *records, size_t count)
{
    struct picker *picker = picker_new(a, &m->header);

    for (size_t i = 0; i < m->header.count; i++) {
        struct signature s;

        if (!span_iis(m->header.fields[i].name, "DKIM-Signature"))
            continue;
        signature_read(a, SIGNATURE_DKIM, i % 2 ? SIGNATURE_HISTORIC : SIGNATURE_TODAY, &m->header.fields[i], &s);
        signature_check_time(&s, 1700000000, 300);
        signature_verify(&s, m, picker, records, count);
        if (s.state == SIGNATURE_PENDING)
            BUG("a signature was not judged");
        if (s.state == SIGNATURE_PASS)
            check_passed(&s, m);
        signature_read(a, SIGNATURE_AMS, SIGNATURE_TODAY, &m->header.fields[i], &s);
        signature_verify(&s, m, picker, records, count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct signer *signer;
    struct span rest = span_make((const char *)data, size), record;
    struct key_record key;
    struct arena a;

    if (!signer)
        signer = signer_new(0);
    if (!span_cut(&rest, '\n', &record) || !rest.ptr)
        return 0;
    arena_init(&a, 1 << 26);
    check_texts(record);
    key_record_parse(record, &key);
    if ((key.state == KEY_USABLE) != (key.key != NULL) && key.state != KEY_SHORT)
        BUG("a key that is none");
    key_record_release(&key);

    struct message *m = message_new(rest, &limits);
    struct span records[] = { record, span_of(signer_record(signer)) };

    check_canonical(m->body, CANON_SIMPLE);
    check_canonical(m->body, CANON_RELAXED);
    verify_all(&a, m, records, COUNT(records));
    message_free(m);
    arena_release(&a);
    return 0;
}

/* mail/signature_verify.c - verifying what signature.c has read: key, body hash, header hash, signature. */
#include "gateway/mail/domain.h"
#include "gateway/mail/signature.h"
#include "gateway/mail/tagvalue.h"

/* [RFC6376 3.6.1] t=s: what stands behind the @ of i= is d= itself. */
static bool is_identity_strict(const struct signature *s)
{
    struct span identity = span_of(s->identity);
    char domain[DOMAIN_MAX];

    if (s->form != SIGNATURE_DKIM)
        return true;
    return !domain_normal(span_skip(identity, span_rfind(identity, '@') + 1), domain) && strcmp(domain, s->domain) == 0;
}

/* What speaks against using this key for this signature [RFC6376 6.1.2]; NULL. */
static const char *objection(const struct signature *s, const struct key_record *key)
{
    if (key->state != KEY_USABLE && (key->state != KEY_SHORT || s->era == SIGNATURE_TODAY))
        return key_state_text(key->state);
    if ((key->kind == KEY_ED25519) != (s->algorithm == ALGORITHM_ED25519_SHA256))
        return "key is of another kind than a= says";
    if (!key->allows[s->hash])
        return "key does not allow the hash of a= (h=)";
    if (!key->allows_mail)
        return "key is not for mail (s=)";
    if (key->is_strict && !is_identity_strict(s))
        return "key demands the same domain in i= and d= (t=s)";
    return NULL;
}

bool signature_takes_key(struct signature *s, const struct key_record *key)
{
    const char *problem = objection(s, key);
    bool is_only_short = key->state == KEY_SHORT && s->era == SIGNATURE_TODAY;

    s->is_testing = key->is_testing;
    s->key_bits = key->bits;
    s->is_weak |= key->state == KEY_SHORT;
    if (problem)
        signature_set(s, is_only_short ? SIGNATURE_POLICY : SIGNATURE_PERMERROR, problem);
    return !problem;
}

static void try_key(struct signature *s, const struct key_record *key, const unsigned char *hash)
{
    if (!signature_takes_key(s, key))
        return;
    if (!hash)
        signature_set(s, SIGNATURE_FAIL, "the body was changed (its hash is not bh=)");
    else if (!key_verifies(key, s->hash, hash, s->b))
        signature_set(s, SIGNATURE_FAIL, "the signature does not verify");
    else
        signature_set(s, SIGNATURE_PASS, "");
}

static bool is_better(enum signature_state a, enum signature_state b)
{
    static const int rank[] = {
        [SIGNATURE_PASS] = 4, [SIGNATURE_FAIL] = 3, [SIGNATURE_POLICY] = 2, [SIGNATURE_PERMERROR] = 1
    };

    return b == SIGNATURE_PENDING || rank[a] > rank[b];
}

/* Tries the keys; no hash means that the body's was wrong. */
static void try_keys(struct signature *s, const unsigned char *hash, const struct span *records, size_t count)
{
    struct signature best = *s;
    size_t tried = 0;

    for (size_t i = 0; i < count && tried < SIGNATURE_KEYS_TRIED; i++) {
        const struct key_record *key = key_record_of(records[i]);
        struct signature now = *s;

        if (key->state == KEY_FOREIGN)
            continue;
        tried++;
        try_key(&now, key, hash);
        if (is_better(now.state, best.state))
            best = now;
    }
    if (!tried)
        signature_set(&best, SIGNATURE_PERMERROR, key_state_text(KEY_FOREIGN));
    *s = best;
}

void signature_hash(const struct signature *s, struct picker *picker, unsigned char out[HASH_BYTES_MAX])
{
    struct span rest = s->headers, name;
    struct hasher h;

    picker_restart(picker);
    hasher_start(&h, s->hash, HASHER_ALL);
    while (tag_item(&rest, &name)) {
        const struct header_field *field = picker_next(picker, name);

        if (field) /* a name too many is signed as "there is none further" [RFC6376 5.4] */
            canon_field(&h, s->header_canon, field);
    }
    canon_signature(&h, s->header_canon, s->field, s->b_raw);
    hasher_end(&h, out);
}

/* Compares bh=; a fault that no key can mend is set. */
static bool is_body_intact(struct signature *s, struct message *m)
{
    const struct body_hash *body = body_hash(m, s->body_canon, s->hash, BODY_WHOLE);

    if (body && s->length < body->whole_bytes) {
        s->covers_prefix = true;
        s->uncovered_bytes = body->whole_bytes - s->length;
        body = body_hash(m, s->body_canon, s->hash, s->length);
    } else if (body && s->length != BODY_WHOLE && s->length > body->whole_bytes) {
        signature_set(s, SIGNATURE_PERMERROR, "l= is longer than the body");
    }
    if (!body)
        signature_set(s, SIGNATURE_POLICY, "the signatures have too many different l=");
    return body && memcmp(body->hash, s->bh, hash_bytes(s->hash)) == 0;
}

void signature_verify(struct signature *s, struct message *m, struct picker *picker, const struct span *records,
                      size_t count)
{
    unsigned char hash[HASH_BYTES_MAX];

    if (s->state != SIGNATURE_PENDING)
        return;
    bool is_intact = is_body_intact(s, m);

    if (s->state != SIGNATURE_PENDING)
        return;
    if (is_intact)
        signature_hash(s, picker, hash);
    try_keys(s, is_intact ? hash : NULL, records, count);
}

void signature_verify_hash(struct signature *s, const unsigned char *hash, const struct span *records, size_t count)
{
    if (s->state == SIGNATURE_PENDING)
        try_keys(s, hash, records, count);
}

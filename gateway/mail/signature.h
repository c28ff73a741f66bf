/* mail/signature.h - the signature engine that DKIM and ARC share [RFC6376, RFC8301, RFC8463, RFC8617].
 *
 * signature_read() turns a field into a struct and judges its syntax; the caller fetches the key's records by
 * `key_name`; signature_verify() or signature_verify_hash() judges the rest. Signing and sealing hash by the same
 * functions.
 *
 * Threads: any; a signature belongs to one. Memory: texts lie in the arena, spans in the message.
 */
#ifndef MAIL_SIGNATURE_H
#define MAIL_SIGNATURE_H

#include "gateway/mail/canon.h"
#include "gateway/mail/keyrecord.h"
#include "gateway/mail/picker.h"

enum signature_form {
    SIGNATURE_DKIM, /* DKIM-Signature */
    SIGNATURE_AMS,  /* ARC-Message-Signature [RFC8617 4.1.2] */
    SIGNATURE_SEAL, /* ARC-Seal [RFC8617 4.1.3] */
};

/* As RFC 8601 2.7.1 has them; see doc of the dkim check for which fault becomes which. */
enum signature_state {
    SIGNATURE_PENDING, /* well-formed, not verified yet */
    SIGNATURE_PASS,
    SIGNATURE_FAIL,      /* the message or the signature was changed, or another key made it */
    SIGNATURE_POLICY,    /* made by means that must not count [RFC8301] */
    SIGNATURE_NEUTRAL,   /* the signature field itself is malformed */
    SIGNATURE_TEMPERROR, /* set by callers: the key could not be fetched now */
    SIGNATURE_PERMERROR, /* it can never be verified */
};

/* Historic mail is verified with what was good enough then: rsa-sha1, and keys below 1024 bits. No check does. */
enum signature_era { SIGNATURE_TODAY, SIGNATURE_HISTORIC };

enum signature_algorithm { ALGORITHM_UNKNOWN, ALGORITHM_RSA_SHA256, ALGORITHM_ED25519_SHA256, ALGORITHM_RSA_SHA1 };

enum arc_cv { ARC_CV_ABSENT, ARC_CV_NONE, ARC_CV_PASS, ARC_CV_FAIL };

enum {
    SIGNATURE_BYTES_MAX = 1024,  /* of b=, decoded */
    SIGNATURE_FIELDS_MAX = 1000, /* names in h= */
    SIGNATURE_B_START = 8,       /* characters of b= that tell signatures apart [RFC6008 4] */
    SIGNATURE_KEYS_TRIED = 4,    /* key records of one name; several are undefined [RFC6376 3.6.2.2] */
};

struct signature {
    enum signature_form form;
    enum signature_era era;
    const struct header_field *field;
    enum signature_state state;
    const char *reason; /* of the state, for people; "" */

    /* What the field says; texts are "" where it does not say. */
    const char *domain;         /* d=, normal form */
    const char *selector;       /* s=, the same */
    const char *key_name;       /* selector._domainkey.domain */
    const char *identity;       /* i=, decoded; "@domain" by default; DKIM only */
    const char *algorithm_text; /* a= as given */
    const char *b_start;
    enum signature_algorithm algorithm;
    enum hash_kind hash;
    enum canon header_canon, body_canon;
    struct span headers; /* h= */
    struct span b_raw;   /* where b= stands in the field: cut out for hashing */
    struct span b;       /* decoded */
    unsigned char bh[HASH_BYTES_MAX];
    uint64_t length;                   /* l=; BODY_WHOLE */
    int64_t signed_at_s, expires_at_s; /* t=, x=; -1 */
    unsigned instance;                 /* i= of ARC */
    enum arc_cv cv;
    size_t from_count; /* how often h= names From */

    /* What verifying found out. */
    bool is_testing;    /* the key's t=y */
    bool is_weak;       /* the algorithm or the key is below RFC 8301 */
    bool covers_prefix; /* l= leaves a part of the body unsigned */
    uint64_t uncovered_bytes;
    unsigned key_bits;
};

/* signature_read - never fails: state is SIGNATURE_PENDING, or says what is wrong. What could be read is read even
 * when something else is wrong. */
void signature_read(struct arena *a, enum signature_form form, enum signature_era era, const struct header_field *field,
                    struct signature *out);
/* signature_check_time - t= and x= against the clock, with `skew_s` of tolerance [RFC6376 3.5]. */
void signature_check_time(struct signature *s, int64_t now_s, int64_t skew_s);
/* signature_check_from - no From may stand in the header that it leaves unsigned [RFC6376 8.15]: whoever adds one on
 * top shows his own above another's good signature. */
void signature_check_from(struct signature *s, const struct header_index *header);
/* signature_set - a state that the caller found; nothing once there is one. */
void signature_set(struct signature *s, enum signature_state state, const char *reason);

/* signature_verify - a pending DKIM signature or AMS, by the text of each record of its key. When there are several,
 * records of other things are passed over, up to SIGNATURE_KEYS_TRIED keys are tried, and the best outcome counts, so
 * that it does not depend on their order. */
void signature_verify(struct signature *s, struct message *m, struct picker *picker, const struct span *records,
                      size_t count);
/* signature_verify_hash - the same for what has been hashed already; seals. */
void signature_verify_hash(struct signature *s, const unsigned char *hash, const struct span *records, size_t count);

/* signature_takes_key - whether this key may be used for it [RFC6376 6.1.2]; if not, the state says why. */
bool signature_takes_key(struct signature *s, const struct key_record *key);

/* signature_hash - of the fields that h= names, and of the signature's own. */
void signature_hash(const struct signature *s, struct picker *picker, unsigned char out[HASH_BYTES_MAX]);

const char *signature_state_text(enum signature_state state);

#endif

/* tests/kit/signer.h - makes signatures for tests, benches and seeds: keys of our own, fields by our own engine.
 *
 * That the engine agrees with the rest of the world is shown elsewhere (conformance/test_sign.py, interop); here it
 * need only agree with itself.
 */
#ifndef KIT_SIGNER_H
#define KIT_SIGNER_H

#include "gateway/base/arena.h"

struct signer;

/* signer_new - bits 0: Ed25519 (always the same key); else RSA. signer_free - NULL is fine. */
struct signer *signer_new(unsigned bits);
void signer_free(struct signer *s);
/* signer_p - the value of p=. signer_record - "v=DKIM1; k=...; p=..." */
const char *signer_p(const struct signer *s);
const char *signer_record(const struct signer *s);

/* signer_field - "NAME: TAGS; bh=...; b=...\r\n" for a message (CRLF); TAGS is all but bh= and b=, "; " between. In
 * `a`, NUL after it. For ARC-Seal, no bh= is made, and `message` must begin with the set that it seals. */
struct span signer_field(struct signer *s, struct arena *a, const char *name, const char *tags, struct span message);
/* signer_signed - the same field in front of the message. */
struct span signer_signed(struct signer *s, struct arena *a, const char *name, const char *tags, struct span message);
/* signer_arc - a whole ARC set in front of the message: results "i=N; RESULTS", message signature and seal. */
struct span signer_arc(struct signer *s, struct arena *a, unsigned instance, const char *domain, const char *cv,
                       const char *results, struct span message);

#endif

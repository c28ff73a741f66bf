/* scanners/key_answer.h - what the DNS says of a signature's key, for dkim and arc. */
#ifndef SCANNERS_KEY_ANSWER_H
#define SCANNERS_KEY_ANSWER_H

#include "gateway/core/check.h"
#include "gateway/mail/signature.h"

enum { KEY_RECORDS_MAX = 16 };

/* key_ask - the answer with the key of a pending signature; NULL while it is not here. An answer without records sets
 * the signature's state. */
const struct dns_answer *key_ask(struct inquiry *q, struct signature *s);
/* key_records - the text of its records, the first KEY_RECORDS_MAX; how many. No answer has none. */
size_t key_records(const struct dns_answer *answer, struct span out[KEY_RECORDS_MAX]);

#endif

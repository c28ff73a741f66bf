/* mail/pkcs7.h - what was signed in an S/MIME message that is not in the clear (smime.p7m): readers show it as if it
 * were the message [RFC5652 5, RFC8551 3.5.2].
 *
 * Nothing is verified: it is only unwrapped, so that checks see what people see. What is encrypted stays so.
 * Threads: any. Memory: the result lies in `wrapped`, or in `a`.
 */
#ifndef MAIL_PKCS7_H
#define MAIL_PKCS7_H

#include "gateway/base/arena.h"

enum pkcs7_kind {
    PKCS7_OTHER,  /* none of it, or encrypted, or without content */
    PKCS7_SIGNED, /* *content is what was signed */
    PKCS7_BROKEN, /* the same, up to where it breaks or reaches `most` bytes */
};

enum pkcs7_kind pkcs7_signed(struct arena *a, struct span wrapped, size_t most, struct span *content);

#endif

/* scanners/dkim.h - the check "dkim": DKIM signatures [RFC6376, RFC8301, RFC8463, RFC8616].
 *
 * Stage MESSAGE, on a quick worker. Evidence: dkim[], dkim_result. Which fault becomes which result [RFC8601 2.7.1]:
 *
 *     pass       it verifies
 *     fail       it does not: message or signature were changed, or another key made it
 *     policy     it may verify, but must not count: RSA below 1024 bits [RFC8301 3.2]; l= leaves a part of the body
 *                unsigned (key body_length); a From is unsigned; more look-ups than this message may have
 *     neutral    the DKIM-Signature field is malformed, or in terms that we do not know
 *     temperror  the DNS failed
 *     permerror  it can never verify: no key, revoked or unusable key, From not signed, i= outside d=, expired, made in
 *                the future, rsa-sha1 [RFC8301 3.1]
 */
#ifndef SCANNERS_DKIM_H
#define SCANNERS_DKIM_H

#include "gateway/core/check.h"

extern const struct check_module dkim_module;

#endif

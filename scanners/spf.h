/* scanners/spf.h - the check "spf": Sender Policy Framework [RFC7208], for the HELO and the MAIL FROM identity.
 *
 * Stage MAIL, on the loop. Evidence: spf_helo and spf_mailfrom.
 */
#ifndef SCANNERS_SPF_H
#define SCANNERS_SPF_H

#include "gateway/core/check.h"

extern const struct check_module spf_module;

#endif

/* scanners/arc.h - the check "arc": Authenticated Received Chain [RFC8617].
 *
 * Stage MESSAGE, on a quick worker. Evidence: arc. Its result is none, pass or fail as RFC 8617 has them, or temperror
 * when the DNS did not give a key that the chain needs: nobody may then say that the chain has failed.
 *
 * `trusted_sealer` is set only in a chain that passes, for a sealer that trusted_sealers names and whose message
 * signature still verifies: what a trusted sealer saw proves nothing of a message that others have changed since.
 */
#ifndef SCANNERS_ARC_H
#define SCANNERS_ARC_H

#include "gateway/core/check.h"

extern const struct check_module arc_module;

#endif

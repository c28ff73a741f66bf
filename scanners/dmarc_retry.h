/* scanners/dmarc_retry.h - has mail that DMARC could not judge been put off already? */
#ifndef SCANNERS_DMARC_RETRY_H
#define SCANNERS_DMARC_RETRY_H

#include "gateway/core/check.h"

/* dmarc_retry - *has_waited: it has come again, a minute or more after its first try. `domain` is where the policy was
 * found. While the state store is out nobody has. STEP_WAIT: the store is being asked. */
enum step dmarc_retry(struct inquiry *q, const char *domain, bool *has_waited);

#endif

/* scanners/dmarc.h - the check "dmarc": is the author's domain vouched for? [RFC9989]
 *
 * Stage MESSAGE, on the loop, after spf, dkim and arc. Evidence: dmarc.
 */
#ifndef SCANNERS_DMARC_H
#define SCANNERS_DMARC_H

#include "gateway/core/check.h"

extern const struct check_module dmarc_module;

#endif

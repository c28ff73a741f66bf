/* gateway/checks.h - the table of all checks. */
#ifndef GATEWAY_CHECKS_H
#define GATEWAY_CHECKS_H

#include "gateway/core/check.h"

extern const struct check checks[];
extern const size_t checks_count;

#endif

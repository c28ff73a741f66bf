/* scanners/helo.h - the check of the name that the client greets with. */
#ifndef SCANNERS_HELO_H
#define SCANNERS_HELO_H

#include "gateway/core/check.h"

extern const struct check_module helo_module;

#endif

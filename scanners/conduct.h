/* scanners/conduct.h - the check of how a client behaves on the wire. */
#ifndef SCANNERS_CONDUCT_H
#define SCANNERS_CONDUCT_H

#include "gateway/core/check.h"

extern const struct check_module conduct_module;

#endif

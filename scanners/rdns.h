/* scanners/rdns.h - the check of the client's name. */
#ifndef SCANNERS_RDNS_H
#define SCANNERS_RDNS_H

#include "gateway/core/check.h"

extern const struct check_module rdns_module;

#endif

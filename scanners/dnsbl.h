/* scanners/dnsbl.h - the checks of DNS lists: of the client's address, and of domains. */
#ifndef SCANNERS_DNSBL_H
#define SCANNERS_DNSBL_H

#include "gateway/core/check.h"

extern const struct check_module dnsbl_module, rhsbl_module;

#endif

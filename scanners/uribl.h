/* scanners/uribl.h - the check of DNS lists about the URLs and mail addresses in a message. */
#ifndef SCANNERS_URIBL_H
#define SCANNERS_URIBL_H

#include "gateway/core/check.h"

extern const struct check_module uribl_module;

#endif

/* scanners/urls.h - the check of what the URLs in a message look like. */
#ifndef SCANNERS_URLS_H
#define SCANNERS_URLS_H

#include "gateway/core/check.h"

extern const struct check_module urls_module;

#endif

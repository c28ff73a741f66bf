/* rules/lists/multimap.h - lists of the operator's about any part of a mail, chosen by selectors. */
#ifndef RULES_MULTIMAP_H
#define RULES_MULTIMAP_H

#include "gateway/core/check.h"

extern const struct check_module multimap_module;

#endif

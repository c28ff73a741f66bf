/* rules/lists/lists.h - allow and block lists by configuration: networks, names and addresses, in the file or in
 * others. */
#ifndef RULES_LISTS_H
#define RULES_LISTS_H

#include "gateway/core/check.h"

extern const struct check_module lists_module;

#endif

/* rules/composites.h - symbols that follow from what other checks have found, and the actions that they force. */
#ifndef RULES_COMPOSITES_H
#define RULES_COMPOSITES_H

#include "gateway/core/check.h"

extern const struct check_module composites_module;

#endif

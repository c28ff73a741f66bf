/* rules/rules.h - what the message says, by rules in SpamAssassin's language. */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "gateway/core/check.h"

extern const struct check_module rules_module;

#endif

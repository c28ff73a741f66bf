/* rules/glob.h - patterns with * (anything) and ? (one byte). Pure; linear in most cases, and never worse than the
 * product of both lengths.
 */
#ifndef RULES_GLOB_H
#define RULES_GLOB_H

#include "gateway/base/span.h"

bool glob_matches(struct span pattern, struct span text);

#endif

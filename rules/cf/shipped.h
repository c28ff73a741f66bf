/* rules/cf/shipped.h - the rules of our own (rules/[0-9][0-9]_*.cf), which the program carries with it: made by
 * rules/embed.cmake when it is built.
 */
#ifndef RULES_SHIPPED_H
#define RULES_SHIPPED_H

#include "gateway/base/span.h"

struct shipped_file {
    const char *name; /* "rules/10_headers.cf" */
    struct span text;
};

/* In the order of their names. */
extern const struct shipped_file shipped_files[];
extern const size_t shipped_count;

#endif

/* rules/mime.h - what the structure of a message and its HTML say of who wrote it. */
#ifndef RULES_MIME_H
#define RULES_MIME_H

#include "gateway/core/check.h"

extern const struct check_module mime_module;

#endif

/* scanners/recipient.h - recipients that no honest envelope has. */
#ifndef SCANNERS_RECIPIENT_H
#define SCANNERS_RECIPIENT_H

#include "gateway/core/check.h"

extern const struct check_module recipient_module;

#endif

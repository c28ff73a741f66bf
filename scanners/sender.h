/* scanners/sender.h - could anybody answer to the sender, and may this client write as him? */
#ifndef SCANNERS_SENDER_H
#define SCANNERS_SENDER_H

#include "gateway/core/check.h"

extern const struct check_module sender_module;

#endif

/* greylist/greylist.h - the check "greylist": unknown senders have to come again.
 *
 * Stage RCPT, on the loop. Evidence: greylist.
 */
#ifndef GREYLIST_GREYLIST_H
#define GREYLIST_GREYLIST_H

#include "gateway/core/check.h"

extern const struct check_module greylist_module;

#endif

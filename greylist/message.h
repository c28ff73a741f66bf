/* greylist/message.h - the check "greylist_message": suspicious messages of unknown senders have to come again.
 *
 * Stage MESSAGE, on the loop, after all others.
 */
#ifndef GREYLIST_MESSAGE_H
#define GREYLIST_MESSAGE_H

#include "gateway/core/check.h"

extern const struct check_module greylist_message_module;

#endif

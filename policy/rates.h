/* policy/rates.h - limits by rate: at RCPT, and when the message is here. */
#ifndef POLICY_RATES_H
#define POLICY_RATES_H

#include "gateway/core/check.h"

extern const struct check_module rates_module, rates_message_module;

#endif

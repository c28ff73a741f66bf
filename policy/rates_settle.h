/* policy/rates_settle.h - how what was taken for a transaction is settled when it has ended. */
#ifndef POLICY_RATES_SETTLE_H
#define POLICY_RATES_SETTLE_H

#include "gateway/core/check.h"

/* rates_settle - gives back what was taken for what was not taken in, corrects sizes that were only announced, and
 * makes buckets larger or smaller by the verdict: one operation for each bucket that changes, none for the rest. The
 * first is for limits held at RCPT, the second for those held when the message is here. */
void rates_settle(struct inquiry *q, const struct settlement *end);
void rates_message_settle(struct inquiry *q, const struct settlement *end);

#endif

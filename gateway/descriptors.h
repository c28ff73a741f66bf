/* gateway/descriptors.h - as many open files as the configuration may need: each connection takes one, and a large
 * message in it another.
 *
 * Threads: before there are any.
 */
#ifndef GATEWAY_DESCRIPTORS_H
#define GATEWAY_DESCRIPTORS_H

#include "gateway/config.h"

/* descriptors_wanted - at most, with every door full. */
uint64_t descriptors_wanted(const struct config *config);
/* descriptors_raise - this process's limit, as far as it may; root may go beyond what it was given. What is missing
 * goes into the log, for the operator. */
void descriptors_raise(const struct config *config);

#endif

/* smtp/delivery.h - what every kind of delivery begins with; between deliver.c and its kinds. */
#ifndef SMTP_DELIVERY_H
#define SMTP_DELIVERY_H

#include "gateway/smtp/deliver.h"

struct delivery {
    delivery_fn *fn;
    void *arg;
    bool (*cancel)(struct delivery *d);
};

/* hop_deliver_start - in hop_deliver.c; the caller fills in fn and arg. */
struct delivery *hop_deliver_start(struct verify *verify, struct next_hop *next_hop, const struct session *session,
                                   const struct pieces *message, bool tells_each, struct delivery_outcome *at_once);

#endif

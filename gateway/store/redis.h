/* store/redis.h - the driver of the state store for Redis: one server, Sentinel, or Cluster. Threads: the loop's. */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include "gateway/store/driver.h"

extern const struct store_driver redis_driver;

#endif

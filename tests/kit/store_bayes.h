/* tests/kit/store_bayes.h - Bayes' operations, as every backend of the state store does them alike: part of
 * store_suite(). */
#ifndef KIT_STORE_BAYES_H
#define KIT_STORE_BAYES_H

#include "tests/kit/store_suite.h"

void store_bayes_suite(const struct store_bench *bench);

#endif

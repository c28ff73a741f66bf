/* tests/kit/store_model.h - a backend of the state store held against op_apply(), bit for bit.
 *
 * Random operations on a few records, with clocks that run back and jump, and bytes in the records that none of ours
 * would write; the same on a model in memory, which op_apply() changes. Each answer must be the model's, and at the end
 * each record, with its time. POSTERN_STORE_SEED repeats a run.
 */
#ifndef KIT_STORE_MODEL_H
#define KIT_STORE_MODEL_H

#include "tests/kit/store_suite.h"

void store_model_run(const struct store_bench *bench, int batches);

#endif

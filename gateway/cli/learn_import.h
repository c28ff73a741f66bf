/* cli/learn_import.h - postern learn import. Threads: one. */
#ifndef CLI_LEARN_IMPORT_H
#define CLI_LEARN_IMPORT_H

#include "gateway/cli/learning.h"

/* learn_import - false: a file could not be read, or is no dump; it was told. */
bool learn_import(struct learning *l);

#endif

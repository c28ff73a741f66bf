/* conf/print.h - `postern config show`: written while values are filled in, so that it shows what was taken. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "gateway/conf/load.h"

/* print_key - `order`: the line where it stands, 0 for an initial value. */
void print_key(struct conf_load *load, const struct conf_key *key, const char *const *items, size_t count, bool is_set,
               unsigned order, unsigned depth);
void print_open(struct conf_load *load, const char *kind, const char *title, unsigned order, unsigned depth);
void print_close(struct conf_load *load, unsigned depth);

#endif

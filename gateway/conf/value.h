/* conf/value.h - the types of values: text into the types of conf_key, and the words for what is wrong with it.
 * Pure, but for CONF_FILE, which looks whether the file can be read. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "gateway/conf/conf.h"

/* The name of the key that walk.c puts into every section. */
#define CONF_AT "__at"

struct conf_item {
    const char *text;
    const char *file; /* where it was written, NULL for initial values */
};

bool conf_is_list(const struct conf_key *key);
/* conf_value - `count` items (one, unless it is a list) into *out, which has the key's type. NULL, or what is wrong
 * and what to write; *wrong is the item that it is about. */
const char *conf_value(struct arena *a, const struct conf_key *key, const struct conf_item *items, size_t count,
                       void *out, size_t *wrong);
/* conf_example - a value that the key would take, as it is written in a file. */
const char *conf_example(struct arena *a, const struct conf_key *key);
/* conf_range - "100ms to 30s", "at least 1", a list of words; "" when anything goes. */
const char *conf_range(struct arena *a, const struct conf_key *key);
/* conf_words - text at its blanks; how initial values of lists are written. */
size_t conf_words(struct arena *a, const char *text, struct conf_item **out);
/* conf_plain - what stands in a token's quotes; false when it has escapes. */
bool conf_plain(struct span token, struct span *out);
/* conf_beside - `path`, relative to the folder of the file `beside`. */
const char *conf_beside(struct arena *a, const char *beside, struct span path);

#endif

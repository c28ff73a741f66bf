/* rules/lists/multimap_conf.h - what maps there are: the configuration of rules/lists/multimap.c. */
#ifndef RULES_MULTIMAP_CONF_H
#define RULES_MULTIMAP_CONF_H

#include "gateway/conf/conf.h"
#include "rules/lists/map_file.h"
#include "rules/lists/selector.h"
#include "rules/lists/text_set.h"

struct map {
    const char *title;
    const char *select;
    const char *path;
    struct conf_strs entries;
    int64_t least, most; /* of numbers; -1: no bound */
    bool is_negated;
    int points;
    int action; /* enum force */
    const char *symbol;
    const char *text;

    struct selector selector;
    /* state: from open() to close() */
    void *set;             /* of `entries`: struct access_set or, for texts, struct text_set; NULL: none */
    struct map_file *file; /* NULL: none */
};

struct multimap_conf {
    int time_ms;
    struct conf_array maps; /* of struct map */
};

extern const struct conf_section multimap_section;

/* map_is_of_texts - its entries are a struct text_set; else map_kind() of an access_set. */
bool map_is_of_texts(const struct map *map);
enum access_kind map_kind(const struct map *map);

#endif

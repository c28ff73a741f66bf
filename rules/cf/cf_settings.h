/* rules/cf/cf_settings.h - settings while rule files are read: what cf_settings.c fills and settings.c reads. */
#ifndef RULES_CF_SETTINGS_H
#define RULES_CF_SETTINGS_H

#include "rules/names.h"
#include "rules/settings.h"

/* Patterns by their literal end: from the last @ or . behind the last wildcard on. Those that end otherwise are in
 * `others`. */
struct address_list {
    const char *name;
    struct names texts; /* the patterns, in their order */
    struct address_pattern *items;
    bool *is_removed;
    size_t room;
    struct names tails;
    size_t *first; /* by tail: 1 + the number of a pattern with it; 0: none */
    size_t *next;  /* by pattern: the same, the next one */
    size_t tail_room;
    size_t *others;
    size_t other_count;
};

struct words {
    struct names texts;
    bool *is_negated, *is_removed;
    size_t room;
};

struct word_list {
    const char *name;
    bool is_hosts;
    struct words words;
};

struct setting_lists {
    struct address_list **addresses;
    size_t address_count, address_room;
    struct word_list **words;
    size_t word_count, word_room;
};

struct ruleset_settings *settings_new(struct arena *a);
/* settings_index - once all is read: what addresses_match() goes by. */
void settings_index(struct arena *a, struct ruleset_settings *s);
struct address_list *settings_make_addresses(struct arena *a, struct ruleset_settings *s, struct span name);
struct words *settings_make_words(struct arena *a, struct ruleset_settings *s, struct span name, bool is_hosts);
bool settings_has_addresses(const struct ruleset_settings *s, struct span name);
bool settings_has_hosts(const struct ruleset_settings *s, struct span name);

#endif

/* rules/sieve/pattern_parts.h - what the files that take a pattern apart share. See rules/sieve/pattern_tree.h. */
#ifndef RULES_PATTERN_PARTS_H
#define RULES_PATTERN_PARTS_H

#include "rules/sieve/pattern_tree.h"

struct pattern_reader {
    struct arena *arena;
    const char *at, *end;
    struct span definitions; /* of groups that are only called */
    bool is_extended, is_wrong;
    unsigned depth, nodes;
    unsigned flags; /* groups around it that have flags of their own */
};

struct pattern_node *pattern_node_new(struct pattern_reader *r, enum pattern_node_kind kind);
struct pattern_node *pattern_leaf(struct pattern_reader *r, enum pattern_node_kind kind, struct span text,
                                  unsigned bytes);
/* pattern_wrong - what is at hand cannot be read: reading is over. */
struct pattern_node *pattern_wrong(struct pattern_reader *r);
char pattern_peek(const struct pattern_reader *r, size_t ahead); /* NUL: it is behind the end */
bool pattern_take(struct pattern_reader *r, const char *text);

/* At the bracket, at the backslash. */
struct pattern_node *pattern_read_class(struct pattern_reader *r);
struct pattern_node *pattern_read_escape(struct pattern_reader *r);
struct pattern_node *pattern_literal(struct pattern_reader *r, char c);

#endif

/* rules/composites_conf.h - what composites there are, and their expressions. */
#ifndef RULES_COMPOSITES_CONF_H
#define RULES_COMPOSITES_CONF_H

#include "gateway/core/check.h"
#include "rules/expression.h"

/* In the order of the words of the key `policy`. */
enum composite_policy { POLICY_LEAVE, POLICY_REMOVE_WEIGHT, POLICY_REMOVE_SYMBOL };

/* composite "NAME" { ... } */
struct composite {
    const char *title;
    const char *text_of_expression;
    int points;
    const char *describe;
    int policy; /* enum composite_policy */
    int mode;   /* enum mode */
    int action; /* enum force */
    const char *text;
    const char *subject;

    /* state: once the configuration is checked */
    struct expression expression;
    unsigned *atoms; /* that it names, each once */
    size_t atom_count;
};

enum atom_kind {
    ATOM_SYMBOL,
    ATOM_COMPOSITE, /* `composite` */
    ATOM_PATTERN,   /* with * or ?: how many there are */
    ATOM_CHECK,     /* g:NAME: how many that check has found; g+: and g-: for and against the mail */
};

struct atom {
    const char *text; /* without mark */
    enum atom_kind kind;
    size_t composite;
    int sign;       /* ATOM_CHECK: 0, 1, -1 */
    unsigned owner; /* the composite whose it is: marks are its own */
    char mark;      /* 0, '~', '-', '^' */
};

struct composites_conf {
    struct conf_array composites; /* of struct composite */

    /* state: once the configuration is checked */
    struct atom *atoms;
    size_t atom_count;
    size_t *order; /* of composites, each after those that it names */
    const char *const *removable;
    size_t removable_count;
};

enum { COMPOSITES_MAX = 1000 };

extern const struct conf_section composites_section;

/* composite_removal - what becomes of an atom's symbol when the composite holds; *is_forced: whatever others say. */
enum removal composite_removal(const struct composite *c, const struct atom *atom, bool *is_forced);
/* composites_compile - what the section's check does; NULL, or what is wrong. */
const char *composites_compile(struct arena *a, struct composites_conf *conf);

#endif

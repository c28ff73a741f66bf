/* rules/ruleset.h - a set of rules in SpamAssassin's language, as read from files: the model that everything in rules/
 * works on.
 *
 * ruleset_load() reads files; what the language has and we do not is kept as a rule of state RULE_UNSUPPORTED, with why.
 * Order, later definitions, scores, metas and their dependencies are as Mail::SpamAssassin::Conf documents them.
 *
 * Memory: the arena given; immutable afterwards, but for what `matcher` keeps. Threads: load on one, read on any.
 */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include "gateway/base/arena.h"
#include "gateway/base/strbuf.h"
#include "gateway/conf/conf.h"

/* What a rule looks at. */
enum rule_kind { RULE_HEADER, RULE_BODY, RULE_RAWBODY, RULE_URI, RULE_FULL, RULE_MIMEHEADER, RULE_META };

enum rule_state {
    RULE_ACTIVE,
    RULE_OFF,         /* score 0 and no meta needs it, or switched off */
    RULE_UNSUPPORTED, /* `why` */
};

/* header rules: which value of the field(s). */
enum header_form { HEADER_TEXT, HEADER_RAW, HEADER_ADDR, HEADER_NAME };

enum rule_tflag {
    RULE_MULTIPLE = 1 << 0,
    RULE_NICE = 1 << 1,
    RULE_NET = 1 << 2,
    RULE_USERCONF = 1 << 3,
    RULE_LEARN = 1 << 4,
    RULE_NOAUTOLEARN = 1 << 5,
    RULE_AUTOLEARN_FORCE = 1 << 6,
    RULE_NOSUBJECT = 1 << 7,
    RULE_NOTRIM = 1 << 8,
    RULE_CONCAT = 1 << 9, /* mimeheader */
    RULE_RANGE = 1 << 10,
    RULE_PUBLISH = 1 << 11,
};

struct rule_mode_conf;
struct meta;    /* rules/meta.h */
struct matcher; /* rules/matcher.h */

/* name(argument, ...) of an eval rule; arguments without their quotes. */
struct rule_eval {
    const char *function;
    const char **arguments;
    size_t argument_count;
    const struct eval_function *known; /* rules/eval.h; NULL: not supported */
};

struct rule {
    const char *name;
    unsigned index; /* in the set */
    enum rule_kind kind;
    enum rule_state state;
    const char *why;      /* RULE_UNSUPPORTED */
    const char *describe; /* "" */
    const char *file;
    unsigned line;
    bool is_sub;     /* starts with __: it has no score of its own */
    bool is_eval;    /* `eval` */
    bool is_negated; /* !~ */
    bool is_exists;  /* header NAME exists:Field */
    bool is_scored;  /* by a score line; else 1, or -1 with nice, 0.01 with T_ */
    int scores[4];   /* thousandths: no net no Bayes, net, Bayes, both */
    int points;      /* hundredths, of the set in force */
    unsigned tflags;
    unsigned hits_most; /* maxhits; 0: no limit */
    int priority;
    bool is_shortcircuit;
    /* header, mimeheader */
    const char *field; /* "Subject", or ALL, ToCc, MESSAGEID, EnvelopeFrom, ALL-TRUSTED, ... */
    enum header_form form;
    const char *if_unset; /* NULL: unsaid */
    /* patterns: PCRE2's syntax, replace_tags done, without delimiters */
    const char *pattern;
    unsigned options; /* PCRE2_CASELESS, ... */
    struct rule_eval eval;
    const struct meta *meta;
};

struct ruleset_options {
    bool has_bayes, has_net;    /* which of the four scores */
    const char *const *plugins; /* for ifplugin: the names that we stand for; NULL-terminated */
    const char *version;        /* of SpamAssassin whose language this is: "4.0.1" */
    const char *language;       /* for `lang` lines; "" */
};

struct ruleset {
    struct rule *rules; /* in the order of their first definition */
    size_t count;
    size_t active, unsupported;
    struct ruleset_settings *settings; /* what other lines set: trusted_networks, freemail_domains, util_rb_tld, ...;
                                          rules/settings.h */
    struct strbuf *notes;              /* what was not understood, a line each: "file:line: ..." */
};

/* ruleset_load - all files in their order (globs sorted as SpamAssassin sorts them). A file that cannot be read is a
 * fault: NULL, and a sentence for the operator in *wrong. What is in them never is: see `notes`. */
struct ruleset *ruleset_load(struct arena *a, const char *const *files, size_t count,
                             const struct ruleset_options *options, const char **wrong);
/* ruleset_find - NULL: none of that name. */
const struct rule *ruleset_find(const struct ruleset *set, struct span name);

#endif

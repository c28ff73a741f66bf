/* rules/ruleset.h - a set of rules in SpamAssassin's language, as read from files: the model that everything in rules/
 * works on.
 *
 * ruleset_load() reads files; what the language has and we do not is kept as a rule of state RULE_UNSUPPORTED, with
 * why. Order, later definitions, scores, metas and their dependencies are as Mail::SpamAssassin::Conf documents them.
 *
 * Memory: the arena given; immutable afterwards. Threads: load on one, read on any.
 */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include "gateway/base/arena.h"
#include "gateway/base/strbuf.h"
#include "gateway/core/symbol_conf.h"

/* What a rule looks at. */
enum rule_kind { RULE_HEADER, RULE_BODY, RULE_RAWBODY, RULE_URI, RULE_FULL, RULE_MIMEHEADER, RULE_META };

/* Only active rules are run; all others are 0 in metas. */
enum rule_state {
    RULE_ACTIVE,
    RULE_OFF,         /* score 0 in the set in force, or switched off by configuration */
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
    RULE_NOLOG = 1 << 12,
};

struct meta; /* rules/meta.h */

/* rule "NAME" { ... } of gateway.conf. */
struct rule_conf {
    const char *title;
    int mode; /* enum mode */
    struct maybe_points score;
    int action; /* enum force */
    const char *text;
};

/* shortcircuit: once the rule has hit, what comes after in order of priority is not run. */
enum rule_shortcut { SHORTCUT_NONE, SHORTCUT_ON, SHORTCUT_HAM, SHORTCUT_SPAM };

/* name(argument, ...) of an eval rule; arguments without their quotes. */
/* How `why` begins where a pattern is wrong, and not merely beyond us. */
#define RULE_REFUSED "PCRE2 does not take"

struct rule_eval {
    const char *function;
    const char **arguments;
    size_t argument_count;
    const struct eval_function *known; /* rules/eval/eval.h; NULL: not supported */
};

struct rule {
    const char *name;
    unsigned index; /* in the set */
    enum rule_kind kind;
    enum rule_state state;
    const char *why;      /* RULE_UNSUPPORTED: a sentence without a full stop */
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
    unsigned hits_most;               /* maxhits; 0: no limit */
    unsigned range_first, range_last; /* RULE_RANGE: mimeheader rules look at the parts of these numbers, from 1 */
    int priority;
    enum rule_shortcut shortcut;
    /* header, mimeheader */
    const char *field; /* "Subject", or ALL, ToCc, MESSAGEID, EnvelopeFrom, ALL-TRUSTED, ... */
    enum header_form form;
    const char *if_unset; /* NULL: unsaid */
    /* patterns: PCRE2's syntax for bytes, replace_tags done, without delimiters; they have been compiled once. Compile
     * with PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, too */
    const char *pattern;
    const char *template; /* with %{NAME} in it (rules/captures.h): `pattern` matches wherever that may; else NULL */
    bool captures;        /* it has groups with names that others may say */
    unsigned options;     /* PCRE2_CASELESS, MULTILINE, DOTALL, EXTENDED, EXTENDED_MORE, NO_AUTO_CAPTURE, DUPNAMES */
    struct rule_eval eval;
    struct meta *meta;            /* NULL: it is none that can be evaluated */
    const struct rule_conf *said; /* what gateway.conf says of it; NULL: nothing */
};

struct ruleset_options {
    bool has_bayes, has_net; /* which of the four scores */
    bool has_shipped;        /* our own rules (rules/cf/shipped.h), before the files */
    /* rules/eval/eval.h's eval_find() and eval_has_plugin(); NULL: there are no eval functions, no plugins but the
     * language's own (MIMEHeader, ReplaceTags, Shortcircuit). */
    const struct eval_function *(*find_eval)(const char *name);
    bool (*has_plugin)(const char *name);
    const char *version;          /* of SpamAssassin whose language this is; NULL: "4.0.1" */
    const char *language;         /* for `lang` lines; NULL or "": "en_US" */
    int scale;                    /* hundredths: what scores of files are multiplied by; 0: 100 */
    const struct rule_conf *said; /* of single rules */
    size_t said_count;
};

/* What was not understood, or is not done, and is no rule. */
struct rule_note {
    const char *file;
    unsigned line;
    const char *text;
};

struct ruleset {
    struct rule *rules; /* in the order of their first definition */
    size_t count;
    size_t active, unsupported; /* what is neither is off */
    const struct rule **metas;  /* those that are evaluated, each after those that it needs */
    size_t meta_count;
    struct meta_plan *plan;
    struct ruleset_settings *settings; /* what other lines set: trusted_networks, freemail_domains, util_rb_tld, ...;
                                          rules/settings.h */
    const struct rule_note *notes;     /* at most RULESET_NOTES_MAX */
    size_t note_count;
    struct names *names; /* for ruleset_find() */
};

enum { RULESET_NOTES_MAX = 1000 };

/* ruleset_load - all files in their order (globs sorted as SpamAssassin sorts them). A file that cannot be read is a
 * fault: NULL, and a sentence for the operator in *wrong. What is in them never is: see `notes` and `why`.
 * Limits: 4 MiB a file, 32 MiB and 1000 files in all, 64 Ki rules, 10 levels of include. */
struct ruleset *ruleset_load(struct arena *a, const char *const *files, size_t count,
                             const struct ruleset_options *options, const char **wrong);
/* ruleset_load_text - the same of a text in memory, named `name`; never NULL. For tests and fuzzing. */
struct ruleset *ruleset_load_text(struct arena *a, const char *name, struct span text,
                                  const struct ruleset_options *options);
/* ruleset_find - NULL: none of that name. */
const struct rule *ruleset_find(const struct ruleset *set, struct span name);

#endif

/* rules/cf/cf.h - what the files cf_*.c share, and nobody else sees: rule files on their way into a set of rules.
 *
 *   cf_lines    files, includes, lines, comments
 *   cf_if       if, ifplugin, else, endif
 *   cf_keys     who takes a line
 *   cf_rules    lines that define rules
 *   cf_marks    lines that say something of a rule: score, describe, tflags, ...
 *   cf_replace  replace_tag and its like
 *   cf_settings all other lines
 *   cf_pattern  a Perl pattern as PCRE2 takes it
 *   cf_capture  patterns that capture for others, and those others
 *
 * Memory: the arena of the set. Threads: the one that loads.
 */
#ifndef RULES_CF_H
#define RULES_CF_H

#include "rules/names.h"
#include "rules/ruleset.h"
#include "rules/settings.h"

enum {
    CF_FILE_MAX = 4 << 20,
    CF_TOTAL_MAX = 32 << 20,
    CF_LINE_MAX = 64 << 10,
    CF_PATTERN_MAX = 64 << 10, /* with its tags replaced */
    CF_RULES_MAX = 64 << 10,
    CF_NAME_MAX = 100,
    CF_DEPTH_MAX = 10,
    CF_FILES_MAX = 1000,
    CF_IF_MAX = 64,
};

/* A rule as far as lines have told of it, in any order. */
struct draft {
    struct rule rule;
    bool is_defined;
    size_t order;            /* of its first definition */
    bool is_replaced;        /* replace_rules names it */
    const char *skipped_for; /* it stands in a block of that condition, which does not hold for lack of a plugin */
    const char *skipped_file;
    unsigned skipped_line;
    const char *scored_file; /* where a score line stands that names it */
    unsigned scored_line;
    const char *text; /* the pattern as written, with delimiters; a meta's expression */
};

/* An open if. */
struct cf_block {
    unsigned line;
    bool was_skipping;       /* when it began */
    const char *skipped_for; /* it does not hold, for lack of a plugin: the condition */
};

struct cf {
    struct arena *arena;
    const struct ruleset_options *options;
    const char *language;
    double version; /* 4.000001 */

    const char *file;
    unsigned line;
    unsigned depth;
    size_t total_bytes, files;
    struct cf_block blocks[CF_IF_MAX];
    unsigned block_count;
    unsigned beyond; /* open ones that did not fit in */
    bool is_skipping;

    struct names names; /* of the drafts */
    struct draft *drafts;
    size_t room;
    size_t definitions;

    struct names compat;  /* enable_compat */
    struct names tags[4]; /* enum cf_tag_kind */
    const char **tag_texts[4];
    size_t tag_room[4];
    const char *tag_start, *tag_end;

    struct rule_note *notes;
    size_t note_count, note_room;
    struct names keys;
    unsigned *key_counts;         /* of lines that have no meaning here, by key */
    struct rule_note *key_places; /* where they began */

    struct ruleset_settings *settings;
    size_t redirector_room, adsp_room; /* of what is in it */
};

enum cf_tag_kind { CF_TAG, CF_TAG_PRE, CF_TAG_INTER, CF_TAG_POST };

/* ---- cf_lines ---- */

/* cf_read - a file; false and a sentence in *wrong when it cannot be read. cf_text - the same from memory. */
bool cf_read(struct cf *cf, const char *path, const char **wrong);
void cf_text(struct cf *cf, const char *name, struct span text);
/* cf_note - of the line at hand. */
void cf_note(struct cf *cf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* cf_word - takes the first word off *rest, and the blanks around it. */
bool cf_word(struct span *rest, struct span *word);
struct span cf_trim(struct span s);
bool cf_is_blank(char c);
/* cf_draft - of that name, new if need be; NULL: no name for a rule, which has been noted. */
struct draft *cf_draft(struct cf *cf, struct span name);

/* ---- cf_if ---- */

/* cf_conditional - whether the line was if, ifplugin, else or endif. */
bool cf_conditional(struct cf *cf, struct span key, struct span value);
/* cf_close_blocks - at the end of a file: those from `since` on. */
void cf_close_blocks(struct cf *cf, unsigned since);
/* cf_skipped_for - the condition for lack of whose plugin lines are skipped; NULL: for other reasons. */
const char *cf_skipped_for(const struct cf *cf);

/* ---- cf_keys: lines by their first word ---- */

/* `to`: what the table of keys says, for functions that take several of them. */
typedef void cf_line_fn(struct cf *cf, const char *to, struct span value);

void cf_keys_init(struct cf *cf);
void cf_take(struct cf *cf, struct span key, struct span value);
/* cf_skip - a line in a block whose condition does not hold. */
void cf_skip(struct cf *cf, struct span key, struct span value);
/* cf_keys_note - once all is read: what had no meaning, and how often. */
void cf_keys_note(struct cf *cf);

cf_line_fn cf_header, cf_text_rule, cf_mimeheader, cf_meta, cf_foreign_rule;
cf_line_fn cf_score, cf_describe, cf_tflags, cf_priority, cf_shortcircuit;
cf_line_fn cf_replace_tag, cf_replace_limit, cf_replace_rules;
cf_line_fn cf_enable_compat;
cf_line_fn cf_addresses, cf_address_values, cf_remove_addresses, cf_remove_value, cf_enlist_addresses;
cf_line_fn cf_words, cf_originating_headers, cf_hosts, cf_enlist_hosts, cf_delist_hosts;
cf_line_fn cf_networks, cf_number, cf_redirector, cf_adsp, cf_subject, cf_freemail_domains, cf_clear;

/* cf_replace - `pattern` with the tags in it replaced; NULL when it has outgrown its limit. `with_calls`: what it is
 * replaced by stands in it once, as a group that is called: much smaller, and nothing for Hyperscan. */
const char *cf_replace(struct cf *cf, const char *pattern, bool with_calls);

/* ---- cf_pattern ---- */

/* cf_pattern_split - /pattern/modifiers, m{pattern}modifiers: the part between the delimiters, and PCRE2's options for
 * what stands behind. NULL, or what is wrong. */
const char *cf_pattern_split(struct arena *a, struct span text, struct span *pattern, unsigned *options);
/* cf_pattern_convert - Perl's pattern as PCRE2 takes it for bytes, tried out. NULL, or why it cannot be. */
const char *cf_pattern_convert(struct arena *a, struct span pattern, unsigned options, const char **out);

/* ---- cf_capture ---- */

/* cf_capture - of a rule that has its pattern: what it captures, and what it needs of others. NULL, or what is wrong.
 * cf_capture_refuse - rules that need what no active rule captures. */
const char *cf_capture(struct arena *a, struct rule *rule);
void cf_capture_refuse(struct ruleset *set, struct arena *a);

#endif

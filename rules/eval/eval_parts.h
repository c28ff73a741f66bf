/* rules/eval/eval_parts.h - what the eval functions share: their groups, their arguments, and what is found out once
 * for a message.
 */
#ifndef RULES_EVAL_PARTS_H
#define RULES_EVAL_PARTS_H

#include "rules/eval/eval.h"

/* The functions of a group of plugins; tables end with a NULL name. */
extern const struct eval_function eval_header_functions[];
extern const struct eval_function eval_date_functions[];
extern const struct eval_function eval_origin_functions[];
extern const struct eval_function eval_subject_functions[];
extern const struct eval_function eval_relay_functions[];
extern const struct eval_function eval_html_functions[];
extern const struct eval_function eval_mime_functions[];
extern const struct eval_function eval_mime_more_functions[];
extern const struct eval_function eval_body_functions[];
extern const struct eval_function eval_uri_functions[];
extern const struct eval_function eval_freemail_functions[];
extern const struct eval_function eval_list_functions[];
extern const struct eval_function eval_auth_functions[];
extern const struct eval_function eval_image_functions[];

#define SA_PLUGIN(name) "Mail::SpamAssassin::Plugin::" name

/* One scanning's findings that more than one rule asks for. Zeroed at first. */
struct eval_memo {
    struct eval_dates *dates;                          /* eval_date.c */
    struct eval_recipients *recipients;                /* eval_subject.c */
    struct eval_mime *mime;                            /* eval_mime.c */
    struct eval_alternatives *alternatives;            /* eval_body.c */
    struct eval_emails *emails;                        /* eval_freemail.c: of the body */
    struct eval_pattern *patterns;                     /* eval_tool.c */
    struct eval_images *images;                        /* eval_image.c */
    size_t *base64_line;                               /* eval_mime_more.c: how long the longest is */
    const struct rule_lines *senders, *recipients_all; /* eval_list.c */
};

struct eval_memo *eval_memo(struct scanning *s);

/* eval_argument - the nth, without its quotes; NULL: there are fewer. eval_number - the nth as a number; `fallback`
 * when it is not there. eval_is_unset - it is not there, or says 'undef'. */
const char *eval_argument(const struct rule *rule, size_t nth);
double eval_number(const struct rule *rule, size_t nth, double fallback);
bool eval_is_unset(const struct rule *rule, size_t nth);
/* eval_decimal - as far as it is a number: "1.5x" is 1.5; 0 for none. */
double eval_decimal(struct span text);

/* eval_raw_all - the fields of that name as they stand after the colon, one after the other: lines end in LF, one at
 * the end; empty: none. eval_raw_header - all fields with their names, the same. */
struct span eval_raw_all(struct scanning *s, const char *field);
struct span eval_raw_header(struct scanning *s);

/* eval_text - a field as header rules see it, decoded, all of that name; empty: there is none. eval_address - the first
 * address in it; empty: none. eval_addresses - all. */
struct span eval_text(struct scanning *s, const char *field);
struct span eval_address(struct scanning *s, const char *field);
const struct rule_lines *eval_addresses(struct scanning *s, const char *field);
/* eval_senders - all addresses that a message says it comes from: From, the envelope and others; Resent-From alone,
 * when that is there. */
const struct rule_lines *eval_senders(struct scanning *s);
/* eval_one_line - with every run of blanks as one space. eval_lower - in lower case. */
struct span eval_one_line(struct scanning *s, struct span text);
struct span eval_lower(struct scanning *s, struct span text);

/* eval_starts, eval_has - by rules/shape.h. eval_has_ip - an address stands somewhere in it. */
bool eval_starts(struct span text, const char *shape);
bool eval_has(struct span text, const char *shape);
bool eval_has_any_case(struct span text, const char *shape);
bool eval_has_ip(struct span text);
/* eval_found - the text in slot `slot` of the first place where the shape stands; empty: nowhere. */
struct span eval_found(struct span text, const char *shape, char slot);

/* eval_is_under - the text ends in that domain, as a word of its own; without case. */
bool eval_is_under(struct span text, const char *domain);
/* eval_domain - the registered domain of a host, lower case; the host itself when it has none. eval_is_host - it ends
 * in a top level domain that there is. */
struct span eval_domain(struct scanning *s, struct span host);
bool eval_is_host(struct scanning *s, struct span host);
/* eval_behind_at - what follows the last @. */
struct span eval_behind_at(struct span address);

/* eval_charset_is_foreign - text of that charset is of no locale that ok_locales names (never, when it names all).
 * eval_charset_has_capitals - its encoded text is full of capitals. */
bool eval_charset_is_foreign(struct scanning *s, struct span charset);
bool eval_charset_has_capitals(struct span charset);

/* eval_part_next - goes through the message's parts as the standards have them; NULL after the last. *at: 0 at first.
 * eval_html_next - through what was rendered as HTML. */
struct mime_part *eval_part_next(struct scanning *s, size_t *at);
const struct content_text *eval_html_next(struct scanning *s, size_t *at);
/* eval_part_type - as mail rules have it: odd kinds of text are text/plain. eval_part_field - the last field of that
 * name, unfolded, lower case; empty: none. eval_part_is_leaf - it has no parts. */
struct span eval_part_type(const struct mime_part *part);
struct span eval_part_field(struct scanning *s, struct mime_part *part, const char *field);
bool eval_part_is_leaf(const struct mime_part *part);

/* eval_pattern_fault - why that is no regular expression; NULL: it is one. */
const char *eval_pattern_fault(struct arena *a, const char *argument);
/* eval_matches - `text` matches the rule's nth argument, a regular expression as Perl writes it (/.../i, or without its
 * frame). false, too, when it cannot be compiled. */
bool eval_matches(struct scanning *s, const struct rule *rule, size_t nth, struct span text);

/* eval_date_parse - a date in the lenient reading that mail rules use; false: none in it. */
bool eval_date_parse(struct span text, int64_t *out);

#endif

/* rules/view/scanning.h - one message against a set of rules: the texts that rules see, and what has hit.
 *
 * Threads: one at a time, who holds the message. Memory: the inquiry's arena.
 */
#ifndef RULES_SCANNING_H
#define RULES_SCANNING_H

#include "gateway/content/content.h"
#include "gateway/core/check.h"
#include "rules/ruleset.h"

struct eval_memo; /* rules/eval/eval_parts.h */
struct relays;    /* rules/view/relays.h: Received fields taken apart, trusted and untrusted */

/* Pieces of text that a kind of rule is matched against one by one. */
struct rule_lines {
    struct span *items;
    size_t count;
    struct span joined; /* all of them behind each other, each with a LF that belongs to none: rules/sieve/matcher.h */
};

struct fields;  /* rules/view/fields.c's own */
struct matcher; /* rules/sieve/matcher.h */

struct scanning {
    struct inquiry *q;
    const struct ruleset *set;
    const struct content *content;
    struct relays *relays;     /* NULL: not asked for yet; relays_of() */
    struct eval_memo *eval;    /* the eval functions' own; NULL at first */
    struct rule_lines body;    /* paragraphs as seen, Subject first [Mail::SpamAssassin::Conf, body] */
    struct rule_lines rawbody; /* decoded text, not rendered */
    struct rule_lines uris;
    struct span full; /* the message, lines in LF */
    struct fields *fields;
    struct matcher *matcher;
    unsigned *hits;     /* by rule index: how often; 0: not */
    struct span *shown; /* by rule index: what a rule with a pattern found first */
    int64_t until_us;   /* monotonic: then what is left is skipped, and the check says so */
};

/* scanning_begin - all but `full` of the texts that rules see, ready to be read; nothing has hit yet. */
void scanning_begin(struct scanning *s, struct inquiry *q, const struct ruleset *set, struct matcher *matcher,
                    int64_t until_us);
/* scanning_full - `full`, made when first asked for. */
struct span scanning_full(struct scanning *s);

/* scanning_header - a field's value as header rules have it: every field of that name, each with LF at its end, decoded
 * unless HEADER_RAW; pseudo-fields (ALL, ToCc, MESSAGEID, EnvelopeFrom, X-Spam-Relays-Untrusted, ...) too. HEADER_ADDR
 * and HEADER_NAME: all addresses and names in them, with LF between. `field` may bear modifiers, as in
 * "From:addr:host", "Received:first" [Mail::SpamAssassin::PerMsgStatus, get]. false: there is none.
 * scanning_values - the same, one by one. */
bool scanning_header(struct scanning *s, const char *field, enum header_form form, struct span *out);
const struct rule_lines *scanning_values(struct scanning *s, const char *field, enum header_form form);
/* scanning_part_values - of a part of the message. Only fields and ALL. */
struct rule_lines scanning_part_values(struct scanning *s, struct mime_part *part, const char *field,
                                       enum header_form form);

#endif

/* rules/scanning.h - one message against a set of rules: the texts that rules see, and what has hit.
 *
 * Threads: one at a time, who holds the message. Memory: the inquiry's arena.
 */
#ifndef RULES_SCANNING_H
#define RULES_SCANNING_H

#include "gateway/content/content.h"
#include "gateway/core/check.h"
#include "rules/ruleset.h"

struct eval_memo; /* rules/eval_parts.h */
struct relays;    /* rules/relays.h: Received fields taken apart, trusted and untrusted */

/* Pieces of text that a kind of rule is matched against one by one. */
struct rule_lines {
    struct span *items;
    size_t count;
};

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
    unsigned *hits;   /* by rule index: how often; 0: not */
    int64_t until_us; /* monotonic: then what is left is skipped, and the check says so */
};

/* scanning_header - a field's value as header rules have it: every field of that name, each with LF at its end, decoded
 * unless HEADER_RAW; pseudo-fields (ALL, ToCc, MESSAGEID, EnvelopeFrom, X-Spam-Relays-Untrusted, ...) too. false: there
 * is none. */
bool scanning_header(struct scanning *s, const char *field, enum header_form form, struct span *out);

#endif

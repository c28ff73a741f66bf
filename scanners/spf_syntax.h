/* scanners/spf_syntax.h - the grammar of macros and domain-specs [RFC7208 7.1].
 *
 * Faults are sentences that can stand behind the name of a term. Threads: any; all functions are pure.
 */
#ifndef SCANNERS_SPF_SYNTAX_H
#define SCANNERS_SPF_SYNTAX_H

#include "gateway/base/span.h"

/* Where the text stands: %{c}, %{r} and %{t} are for explanations alone [RFC7208 7.2]. */
enum spf_macro_use { SPF_MACRO_DOMAIN, SPF_MACRO_EXPLANATION };

/* A macro or an escape, taken apart. */
struct spf_macro {
    char letter;     /* lower case; 0: an escape, which stands for `literal` */
    bool is_escaped; /* an upper case letter: escape as in a URL */
    bool is_reversed;
    unsigned keep;      /* right-hand parts to keep; 0: all */
    struct span splits; /* delimiters; empty: a dot */
    struct span literal;
    size_t len; /* in the text */
};

/* spf_macro_parse - the macro or escape at the start of `text`, which begins with "%". NULL, or what is wrong. */
const char *spf_macro_parse(struct span text, enum spf_macro_use use, struct spf_macro *out);
/* spf_macro_check - NULL, or what is wrong with `text` as a macro-string (in explanations: with blanks). */
const char *spf_macro_check(struct span text, enum spf_macro_use use);
/* spf_domain_spec_check - the same for a domain-spec: a macro-string that ends in a macro or in a top label. */
const char *spf_domain_spec_check(struct span text);
/* spf_macro_uses - whether a macro of `letter` (lower case) is in checked `text`. */
bool spf_macro_uses(struct span text, char letter);

#endif

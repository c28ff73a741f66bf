/* mail/words.h - text in header fields: encoded words [RFC2047], parameters with charset, language and continuations
 * [RFC2231], as UTF-8; both as the standards have them and as readers read them.
 *
 * Linear in the length. Threads: any. Memory: results lie in `a` or in the input.
 */
#ifndef MAIL_WORDS_H
#define MAIL_WORDS_H

#include "gateway/mail/charset.h"

enum words_flaw {
    WORDS_BROKEN = 1 << 0,    /* looks like an encoded word and is none: left as it is */
    WORDS_CHARSET = 1 << 1,   /* unknown charset, or bytes that it does not have */
    WORDS_SPLIT = 1 << 2,     /* a character was split over two encoded words: joined, as readers do */
    WORDS_8BIT = 1 << 3,      /* raw bytes above 0x7f (that are valid UTF-8 or not) */
    WORDS_IN_QUOTES = 1 << 4, /* encoded words where the standard has none (inside quotes, in parameters): decoded */
    WORDS_TOO_LONG = 1 << 5,  /* over the limit: its beginning */
};

/* words_decode - an unstructured body (Subject, phrase, comment), unfolded and decoded: valid UTF-8 of at most `most`
 * bytes, without blanks at both ends. words_decode_all - the same of text that is unfolded already, blanks and all. */
struct span words_decode(struct arena *a, struct span body, size_t most, unsigned *flaws);
struct span words_decode_all(struct arena *a, struct span text, size_t most, unsigned *flaws);

/* A structured field's value with parameters: "text/plain; charset=utf-8; name*0*=utf-8''a". */
struct param {
    struct span name;      /* lower case, without *, *0, *0* */
    struct span value;     /* decoded, UTF-8 */
    struct span raw;       /* as it came in but for quotes, backslashes and folding: a boundary's bytes */
    bool is_extended;      /* by RFC 2231 */
    bool is_word_decoded;  /* by RFC 2047 */
    bool is_other_reading; /* where readers differ over a value that is not quoted well: what the others see */
};

enum params_flaw {
    PARAMS_DUPLICATE = 1 << 0,    /* the same name twice with different values: both are in the list, in their order */
    PARAMS_CONFLICT = 1 << 1,     /* name= and name*= differ */
    PARAMS_COMMENT = 1 << 2,      /* comments */
    PARAMS_UNQUOTED = 1 << 3,     /* a value that should be quoted is not, or a quote that does not end */
    PARAMS_CONTINUATION = 1 << 4, /* continuations with gaps, out of order, twice */
    PARAMS_SYNTAX = 1 << 5,       /* what is no parameter, left out; a semicolon that is missing */
    PARAMS_ENCODED = 1 << 6,      /* encoded words in values */
    PARAMS_TOO_MANY = 1 << 7,
    PARAMS_CHARSET = 1 << 8, /* unknown charset, or bytes that it does not have */
};

/* Some of the pieces are kept for the names that matter, so that no number of others hides these. */
enum {
    PARAMS_MAX = 64,
    PARAMS_PIECES_MAX = 256,
    PARAMS_PIECES_OF_OTHERS = 160,
    PARAM_OTHER_MAX = 1000,
    PARAM_VALUE_MAX = 65536
};

struct params {
    struct span value; /* before the first `;`, without comments and blanks: "text/plain" */
    struct param *items;
    size_t count;
    unsigned flaws;
};

/* params_read - of Content-Type, Content-Disposition. Never fails: see `flaws`. Of the same name, what readers prefer
 * comes first: RFC 2231's before a plain one, and of those the first. */
void params_read(struct arena *a, struct span body, struct params *out);
/* params_find - the `nth` of that name, without case; NULL. */
const struct param *params_find(const struct params *p, const char *name, size_t nth);

#endif

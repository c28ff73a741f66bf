/* rules/bayes/tokens.h - a message as a set of tokens, for Bayes: words as shown, neighbouring words, what header
 * fields, URLs, HTML and MIME say.
 *
 * A token is 64 bits of a hash of its kind and its folded text, and comes once however often it stands there. What is
 * written by the way and not by the sender is left out (trace fields, results of others' filters, mailing lists'
 * fields): the same message has the same tokens when it comes in, in the mailbox, and when it is learned from there. So
 * tokens_digest(), over the tokens and the Message-ID, is the message for STORE_BAYES_LEARN, and unlearning is exact.
 *
 * Text is read as UTF-8 in linear time: letters of any script (some scripts' capitals are folded), scripts without
 * blanks between words by pairs of characters; invisible characters inside of words are skipped. At most TOKENS_MOST.
 *
 * Threads: who holds the message. Memory: `a`; texts lie in the message's.
 */
#ifndef RULES_TOKENS_H
#define RULES_TOKENS_H

#include "gateway/content/content.h"
#include "gateway/store/op.h"

/* Add, don't change: the numbers are in the hashes. */
enum token_kind {
    TOKEN_WORD,
    TOKEN_PAIR, /* two neighbours */
    TOKEN_SUBJECT,
    TOKEN_SUBJECT_PAIR,
    TOKEN_FIELD, /* that a header field is there */
    TOKEN_FROM,  /* words of From, Sender, Reply-To; domains of their addresses */
    TOKEN_FROM_DOMAIN,
    TOKEN_REPLY,
    TOKEN_TO, /* To, Cc */
    TOKEN_MAILER,
    TOKEN_TYPE,  /* Content-Type, Content-Transfer-Encoding, MIME-Version of the message */
    TOKEN_OTHER, /* Organization, importance, priority */
    TOKEN_ID,    /* Message-ID: its shape, its domain */
    TOKEN_HOST,  /* of URLs */
    TOKEN_DOMAIN,
    TOKEN_PATH,
    TOKEN_URL, /* what is odd about one */
    TOKEN_TAG, /* HTML element */
    TOKEN_HTML,
    TOKEN_PART, /* MIME type, charset, encoding, filename's extension, anomaly */
    TOKEN_KIND_COUNT,
};

enum { TOKENS_MOST = 1500, TOKEN_LETTERS_MOST = 20 };

struct token {
    uint64_t hash;
    enum token_kind kind;
    struct span text; /* as it stands in the message */
};

struct tokens {
    struct token *items; /* ascending by hash */
    uint64_t *hashes;    /* the same */
    size_t count;
    bool is_cut;            /* there were more */
    struct span message_id; /* in the message's header */
};

/* tokens_of - of a whole message. Never NULL, perhaps empty. */
const struct tokens *tokens_of(struct arena *a, struct message *m);
void tokens_digest(const struct tokens *t, uint8_t out[STORE_DIGEST_BYTES]);
/* token_hash - of a word by itself, as it would be in a message; it is folded. */
uint64_t token_hash(enum token_kind kind, struct span text);
/* token_kind_text - "", "subject:", "from:", ... */
const char *token_kind_text(enum token_kind kind);
static inline struct span tokens_span(const struct tokens *t)
{
    return span_make((const char *)t->hashes, t->count * sizeof *t->hashes);
}

#endif

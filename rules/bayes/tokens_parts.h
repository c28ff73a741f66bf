/* rules/bayes/tokens_parts.h - what rules/bayes/tokens.c, tokens_text.c and tokens_header.c share; nobody else includes
 * it. */
#ifndef RULES_TOKENS_PARTS_H
#define RULES_TOKENS_PARTS_H

#include "rules/bayes/tokens.h"

enum { TOKEN_SLOTS = 4096 };

/* The tokens so far; no token comes twice. */
struct token_set {
    struct token items[TOKENS_MOST];
    uint16_t slots[TOKEN_SLOTS]; /* index + 1, by hash; 0: free */
    size_t count, most;          /* `most`: of this stage, see tokens.c */
    bool is_cut;
};

/* token_add - false: there is no room. */
bool token_add(struct token_set *set, uint64_t hash, enum token_kind kind, struct span text);
/* token_add_text - what is a token by itself. */
void token_add_text(struct token_set *set, enum token_kind kind, struct span text);

/* A hash that grows by characters. */
struct token_hasher {
    uint64_t h;
};

static inline struct token_hasher token_hasher_of(enum token_kind kind)
{
    return (struct token_hasher){ 0x9e3779b97f4a7c15ULL * ((uint64_t)kind + 1) };
}

static inline void token_hasher_put(struct token_hasher *hasher, uint32_t character)
{
    hasher->h = (hasher->h ^ character) * 0x100000001b3ULL;
}

static inline uint64_t token_hasher_end(const struct token_hasher *hasher)
{
    uint64_t h = hasher->h;

    h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return h ^ h >> 33;
}

/* token_pair - of two words' hashes. */
static inline uint64_t token_pair(enum token_kind kind, uint64_t a, uint64_t b)
{
    struct token_hasher hasher = token_hasher_of(kind);

    hasher.h ^= a * 0x9fb21c651e98df25ULL ^ (b << 29 | b >> 35);
    return token_hasher_end(&hasher);
}

/* Words of UTF-8 text. With `pair` (TOKEN_KIND_COUNT: none) neighbours, too; with `also` each word again as that kind.
 * `marks` are punctuation that may stand inside of a word. */
struct token_text {
    enum token_kind word, pair, also;
};

/* A text that is read as far as there is room. */
struct token_reader {
    struct token_set *set;
    const struct token_text *how;
    struct span text;
    size_t at;
    uint64_t last; /* word's hash; 0: the text begins */
    size_t last_at;
    bool is_full;
};

struct token_reader token_reader_of(struct token_set *set, const struct token_text *how, struct span text);
/* token_reader_go - on from where it was. False: there is no room for what comes next; it can be tried again. */
bool token_reader_go(struct token_reader *r);

void tokens_text(struct token_set *set, const struct token_text *how, struct span text);
void tokens_header(struct token_set *set, struct arena *a, struct message *m);
void tokens_body(struct token_set *set, struct arena *a, const struct content *content);

#endif

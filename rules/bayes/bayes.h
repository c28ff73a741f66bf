/* rules/bayes/bayes.h - the check "bayes": what its section says, for who learns, too. */
#ifndef RULES_BAYES_H
#define RULES_BAYES_H

#include "gateway/core/check.h"
#include "rules/bayes/tokens.h"

enum bayes_per { BAYES_PER_ALL, BAYES_PER_DOMAIN, BAYES_PER_RECIPIENT };

struct bayes_conf {
    int per; /* enum bayes_per */
    int64_t learned_least;
    int64_t tokens_most;
    int64_t remember_ms, life_ms;
    bool autolearn;
    int autolearn_spam, autolearn_ham;
};

extern const struct check_module bayes_module;

/* bayes_class - the key of what was learned for `whom`: an address, a domain, or empty: all. In `a`. */
struct span bayes_class(struct arena *a, struct span whom);
/* bayes_op - an operation on those tokens; they and `class` are borrowed. */
struct store_op bayes_op(const struct bayes_conf *conf, enum store_kind kind, struct span class,
                         const struct tokens *tokens, int64_t now_ms);
/* bayes_learn_op - what a message teaches, the same whoever asks; `class` is borrowed. False: it has nothing in it. */
bool bayes_learn_op(struct arena *a, const struct bayes_conf *conf, struct span class, struct message *m,
                    enum bayes_as as, int64_t now_ms, struct store_op *out);

#endif

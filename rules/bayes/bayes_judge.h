/* rules/bayes/bayes_judge.h - how likely a message is spam, by its tokens and what was learned of them. doc/bayes.md
 * says why so and not otherwise.
 *
 * Each token speaks by the logarithm of the odds that a message with it is spam, drawn towards none as far as it was
 * seldom seen [Robinson]; the message's evidence is their mean (not their sum, which makes a long message certain), and
 * its probability the logistic function of that. Pure. Threads: any.
 */
#ifndef RULES_BAYES_JUDGE_H
#define RULES_BAYES_JUDGE_H

#include "rules/bayes/tokens.h"

enum { BAYES_STRONGEST = 5, BAYES_TOKENS_LEAST = 5 };

struct bayes_opinion {
    bool is_known; /* tokens enough have a word in it */
    double evidence, probability;
    size_t speaking; /* tokens that have */
    struct bayes_voice {
        const struct token *token;
        double probability, odds;
    } strongest[BAYES_STRONGEST]; /* for its side, the strongest first */
    size_t strongest_count;
};

/* bayes_judge - `answer` is STORE_BAYES_LOOK's for these tokens. */
void bayes_judge(const struct tokens *t, const struct store_answer *answer, struct bayes_opinion *out);

#endif

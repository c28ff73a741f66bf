/* cli/learning.h - `postern learn` under way: its store, what it counts, how it is ended. Threads: one. */
#ifndef CLI_LEARNING_H
#define CLI_LEARNING_H

#include "gateway/cli/cli_store.h"
#include "rules/bayes/bayes.h"

/* The first three are enum bayes_as. */
enum learn_verb { LEARN_FORGET, LEARN_SPAM, LEARN_HAM, LEARN_STATUS, LEARN_IMPORT };

struct learning {
    const char *config, *whom;
    bool is_json;
    int64_t turned_ms; /* when answers were last looked for */
    enum learn_verb verb;
    enum bayes_as as;
    char **paths, **word_paths; /* each ends with NULL */
    struct loaded loaded;
    const struct bayes_conf *conf;
    struct arena arena;
    struct span class;
    struct loop *loop;
    struct store *store;
    struct progress progress;
    unsigned open; /* questions under way */
    uint64_t messages, empty, outcomes[BAYES_UNKNOWN + 1];
    struct store_bayes_totals totals;
    char why[500]; /* the store fails; "": it does not */
};

/* learn_ask - waits when too much is under way. learn_wait - until no more than `open` questions are. */
void learn_ask(struct learning *l, const struct store_op *op);
void learn_wait(struct learning *l, unsigned open);
/* learn_note_failure - the first one is told at the end. */
void learn_note_failure(struct learning *l, const struct store_answer *answer);
/* learn_heed_interrupts - from here on. The second Ctrl-C ends it at once; a read that waits is broken off. */
void learn_heed_interrupts(void);
/* learn_is_interrupted - by Ctrl-C: what is under way is done, and no more is begun. */
bool learn_is_interrupted(void);
/* learn_print - the result as JSON, one object with numbers under these names; `count` of them. */
struct learn_number {
    const char *name;
    double number;
};
void learn_print(const struct learn_number *numbers, size_t count);

#endif

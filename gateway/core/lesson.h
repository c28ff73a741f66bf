/* core/lesson.h - a message that somebody has sorted, taught to the check that learns: what doors do when they are told
 * so.
 *
 * A worker cuts the message into what the check keeps of it (check_module.learn), behind all mail that waits for its
 * verdict; the store does the rest. Threads: the loop's. Memory: a lesson is its own.
 */
#ifndef CORE_LESSON_H
#define CORE_LESSON_H

#include "gateway/core/engine.h"

struct lesson_end {
    const char *trouble; /* it is not known to be learned: why. NULL: `outcome` is so, and kept */
    bool is_empty;       /* there is nothing in it to learn, and nothing was changed */
    enum bayes_outcome outcome;
};

struct lesson;
typedef void lesson_fn(void *arg, const struct lesson_end *end);

/* lesson_new - takes over the message; fn(arg, end) is called once, later, and the lesson is gone with it. NULL: there
 * is too much to do now, and nothing was taken over. */
struct lesson *lesson_new(struct engine *engine, const struct taught *asked, lesson_fn *fn, void *arg);
/* lesson_drop - nobody waits for its end; it may be learned all the same. NULL is fine. */
void lesson_drop(struct lesson *lesson);

/* bayes_as_text - "spam", "ham", "forget". bayes_outcome_text - "learned", "relearned", "already", ... */
const char *bayes_as_text(enum bayes_as as);
const char *bayes_outcome_text(enum bayes_outcome outcome);

#endif

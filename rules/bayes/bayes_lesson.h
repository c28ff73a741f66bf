/* rules/bayes/bayes_lesson.h - autolearn's guards: what a message may be learned as, by what the checks have found.
 * Pure. Threads: any. */
#ifndef RULES_BAYES_LESSON_H
#define RULES_BAYES_LESSON_H

#include "gateway/core/check.h"

struct lesson_points {
    int spam, ham; /* from, up to: hundredths */
};

/* bayes_lesson - BAYES_FORGET: nothing. */
enum bayes_as bayes_lesson(const struct inquiry *q, const struct settlement *end, const struct lesson_points *points);

#endif

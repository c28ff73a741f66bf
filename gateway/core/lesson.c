/* core/lesson.c - a message on its way to the check that learns: worker, store, and who waits for it. */
#include "gateway/core/lesson.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

enum { LESSON_ARENA_BYTES = 1 << 26 };

struct lesson {
    struct job job; /* the first member: a job is its lesson */
    struct engine *engine;
    const struct check_settings *pupil;
    struct taught asked;
    struct arena arena;
    struct store_op op;
    bool is_empty;
    lesson_fn *fn; /* NULL: dropped */
    void *arg;
};

const char *bayes_as_text(enum bayes_as as)
{
    static const char *const texts[] = { [BAYES_FORGET] = "forget", [BAYES_SPAM] = "spam", [BAYES_HAM] = "ham" };

    return texts[as];
}

const char *bayes_outcome_text(enum bayes_outcome outcome)
{
    static const char *const texts[] = { [BAYES_LEARNED] = "learned",
                                         [BAYES_RELEARNED] = "relearned",
                                         [BAYES_ALREADY] = "already",
                                         [BAYES_FORGOTTEN] = "forgotten",
                                         [BAYES_UNKNOWN] = "unknown" };

    return texts[outcome];
}

static void end(struct lesson *l, const struct lesson_end *how)
{
    l->engine->metrics.learned += !how->trouble && !how->is_empty && how->outcome <= BAYES_RELEARNED;
    if (l->fn)
        l->fn(l->arg, how);
    message_free(l->asked.message);
    arena_release(&l->arena);
    free(l);
}

static void on_stored(void *arg, const struct store_answer *answer)
{
    struct lesson_end how = { .trouble = NULL };

    if (answer->state == STORE_OK)
        how.outcome = answer->bayes.outcome;
    else
        how.trouble = answer->why[0] ? answer->why : "no answer of the state store in time";
    end(arg, &how);
}

static void work(struct job *job)
{
    struct lesson *l = (struct lesson *)job;

    l->is_empty = !l->pupil->check->module->learn(&l->arena, l->pupil->conf, &l->asked, &l->op);
}

static void done(struct job *job)
{
    struct lesson *l = (struct lesson *)job;

    if (!l->fn)
        end(l, &(struct lesson_end){ .trouble = "nobody waits for it" });
    else if (l->is_empty)
        end(l, &(struct lesson_end){ .is_empty = true });
    else if (!l->engine->store)
        end(l, &(struct lesson_end){ .trouble = "there is no state store" });
    else
        store_ask(l->engine->store, &l->op, 0, on_stored, l);
}

static const struct check_settings *find_pupil(const struct engine *engine)
{
    for (size_t i = 0; i < engine->check_count; i++)
        if (engine->checks[i].check->module->learn)
            return &engine->checks[i];
    BUG("no check learns");
}

struct lesson *lesson_new(struct engine *engine, const struct taught *asked, lesson_fn *fn, void *arg)
{
    struct lesson *l = mem_alloc(sizeof *l);

    *l = (struct lesson){ .job = { .work = work, .done = done },
                          .engine = engine,
                          .pupil = find_pupil(engine),
                          .asked = *asked,
                          .fn = fn,
                          .arg = arg };
    arena_init(&l->arena, LESSON_ARENA_BYTES);
    l->asked.recipient = arena_copy(&l->arena, asked->recipient);
    if (!crew_give(engine->crew, LANE_HEAVY, &l->job)) {
        arena_release(&l->arena);
        free(l);
        return NULL;
    }
    return l;
}

void lesson_drop(struct lesson *l)
{
    if (l)
        l->fn = NULL;
}

/* cli/learning.c - what `postern learn` asks of the state store, and how it is ended. */
#include "gateway/cli/learning.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#include "gateway/base/clock.h"

enum { OPEN_MOST = 64, TURN_MS = 50 };

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

bool learn_is_interrupted(void)
{
    return is_interrupted;
}

void learn_heed_interrupts(void)
{
    const struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- JSON ---- */

void learn_print(const struct learn_number *numbers, size_t count)
{
    json_t *root = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(root, numbers[i].name, json_integer((json_int_t)numbers[i].number));
    json_object_set_new(root, "interrupted", json_boolean(is_interrupted));
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

/* ---- the store ---- */

void learn_wait(struct learning *l, unsigned open)
{
    while (l->open > open)
        loop_run_once(l->loop, -1);
}

void learn_note_failure(struct learning *l, const struct store_answer *answer)
{
    if (!l->why[0])
        snprintf(l->why, sizeof l->why, "%s", answer->why[0] ? answer->why : "no answer in time");
}

static void on_learned(void *arg, const struct store_answer *answer)
{
    struct learning *l = arg;

    l->open--;
    if (answer->state == STORE_OK)
        l->outcomes[answer->bayes.outcome]++;
    else
        learn_note_failure(l, answer);
}

void learn_ask(struct learning *l, const struct store_op *op)
{
    l->open++;
    store_ask(l->store, op, 0, on_learned, l);
    learn_wait(l, OPEN_MOST - 1);
    int64_t now_ms = clock_mono_ms();

    if (now_ms - l->turned_ms >= TURN_MS) { /* large messages take long: what was asked is to go out meanwhile */
        loop_run_once(l->loop, 0);
        l->turned_ms = now_ms;
    }
}

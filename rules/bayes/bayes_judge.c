/* rules/bayes/bayes_judge.c - how likely a message is spam, by its tokens. */
#include "rules/bayes/bayes_judge.h"

#include <math.h>

/* Chosen by measurement: doc/bayes.md. */
static const double strength = 0.3;  /* of the assumption that a token says nothing: as so many sightings of it */
static const double least_dev = 0.1; /* tokens nearer to 0.5 have no word in it */
static const double silent = 10;     /* tokens that say nothing are added, so that few do not speak for many */
static const double steepness = 10;  /* of evidence into probability */

static double probability_of(struct store_token_count count, const struct store_bayes_totals *totals)
{
    double spam = count.spam / totals->spam, ham = count.ham / totals->ham, seen = (double)count.spam + count.ham;

    spam = spam > 1 ? 1 : spam; /* learned by somebody else, who counted otherwise */
    ham = ham > 1 ? 1 : ham;
    return (strength * 0.5 + seen * (spam / (spam + ham))) / (strength + seen);
}

/* The strongest of one side; `sign` is 1 for spam, -1 for ham. */
struct side {
    struct bayes_voice voices[BAYES_STRONGEST];
    size_t count;
    double sign;
};

static void note(struct side *side, const struct bayes_voice *voice)
{
    double weight = side->sign * voice->odds;
    size_t at = side->count;

    while (at && weight > side->sign * side->voices[at - 1].odds)
        at--;
    if (at == BAYES_STRONGEST)
        return;
    if (side->count < BAYES_STRONGEST)
        side->count++;
    for (size_t i = side->count - 1; i > at; i--)
        side->voices[i] = side->voices[i - 1];
    side->voices[at] = *voice;
}

static bool voice_of(const struct tokens *t, size_t i, const struct store_answer *answer, struct bayes_voice *out)
{
    struct store_token_count count = store_token_count_at(answer, i);

    if (!count.spam && !count.ham)
        return false;
    out->token = &t->items[i];
    out->probability = probability_of(count, &answer->bayes.totals);
    if (fabs(out->probability - 0.5) < least_dev)
        return false;
    out->odds = log(out->probability / (1 - out->probability));
    return true;
}

void bayes_judge(const struct tokens *t, const struct store_answer *answer, struct bayes_opinion *out)
{
    struct side spam = { .sign = 1 }, ham = { .sign = -1 };
    struct bayes_voice voice;
    double sum = 0;

    *out = (struct bayes_opinion){ .probability = 0.5 };
    if (!(answer->bayes.totals.spam > 0) || !(answer->bayes.totals.ham > 0))
        return;
    for (size_t i = 0; i < t->count; i++) {
        if (!voice_of(t, i, answer, &voice))
            continue;
        note(voice.odds > 0 ? &spam : &ham, &voice);
        sum += voice.odds;
        out->speaking++;
    }
    out->is_known = out->speaking >= BAYES_TOKENS_LEAST;
    if (!out->is_known)
        return;
    const struct side *side = sum > 0 ? &spam : &ham;

    out->evidence = sum / ((double)out->speaking + silent);
    out->probability = 1 / (1 + exp(-steepness * out->evidence));
    memcpy(out->strongest, side->voices, sizeof out->strongest);
    out->strongest_count = side->count;
}

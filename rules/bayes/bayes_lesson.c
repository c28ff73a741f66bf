/* rules/bayes/bayes_lesson.c - autolearn's guards: what of a message's points says enough for a lesson.
 *
 * Nobody corrects such a lesson, and who sends spam would like to give one. So:
 *   - what Bayes itself has found does not count, nor do rules that say so (tflags learn, userconf, noautolearn);
 *   - spam: part of the points must be of what the message says. A client that is on lists could else teach that the
 *     words of somebody's honest mail are spam;
 *   - ham: somebody must answer for it: a user of ours with a password; or, where the author's domain is bare for, an
 *     allow list, for everybody can have a domain. That a message is signed by who sends it makes it no better.
 */
#include "rules/bayes/bayes_lesson.h"

enum { SAID_LEAST = 300 };

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names;
}

struct sums {
    int all;         /* but for what does not count */
    int bare;        /* without what only says that the sender is who he says he is */
    int said;        /* of what the message says */
    bool is_allowed; /* a list speaks well of it */
    bool has_rules;  /* they count */
};

static void add(struct sums *s, const struct sister_finding *f)
{
    static const char *const senders[] = { "spf", "dkim", "arc", "dmarc", NULL };
    static const char *const contents[] = { "rules", "urls", "uribl", "mime", NULL };
    static const char *const lists[] = { "dnsbl", "rhsbl", "lists", "multimap", NULL };

    if (strcmp(f->check, "bayes") == 0)
        return;
    s->all += f->points;
    s->bare += f->points < 0 && is_one_of(f->check, senders) ? 0 : f->points;
    s->said += is_one_of(f->check, contents) ? f->points : 0;
    s->has_rules |= strcmp(f->check, "rules") == 0;
    s->is_allowed |= f->points < 0 && is_one_of(f->check, lists);
}

enum bayes_as bayes_lesson(const struct inquiry *q, const struct settlement *end, const struct lesson_points *points)
{
    const struct bayes_evidence *bayes = &q->evidence->bayes;
    struct sums s = { .all = 0 };

    for (size_t i = 0; i < end->found_count; i++)
        add(&s, &end->found[i]);
    int untaught = s.has_rules ? q->evidence->rules_untaught : 0;

    s.all -= untaught;
    s.bare -= untaught;
    s.said -= untaught;
    if (s.all >= points->spam && s.said >= SAID_LEAST && !(bayes->is_known && bayes->probability < 0.5))
        return BAYES_SPAM;
    if (s.bare > points->ham || (bayes->is_known && bayes->probability > 0.5))
        return BAYES_FORGET;
    bool is_ours = q->session->auth_user.len; /* not a relay client: nobody knows who wrote what it sends */

    return is_ours || (q->evidence->dmarc.result == AUTH_PASS && s.is_allowed) ? BAYES_HAM : BAYES_FORGET;
}

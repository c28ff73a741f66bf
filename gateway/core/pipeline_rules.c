/* core/pipeline_rules.c - whose rules hold for a transaction: its profile (core/profile.h), as far as it is known.
 *
 * Until the recipients are known the checks run that anybody's rules have on, and no refusal is certain unless the
 * profile is. A check of the connection that is off for one transaction keeps its state for the next: a stand-in takes
 * its place in the view.
 */
#include "gateway/core/pipeline_state.h"
#include "gateway/core/weight.h"

static void take_connections(struct pipeline *p, size_t row, const struct check_settings *settings)
{
    struct run *run = p->runs[row];

    run->settings = settings;
    p->tx->view[row] = run;
    if (settings->mode != MODE_OFF)
        return;
    struct run *stand_in = arena_alloc(&p->tx->work, sizeof *stand_in);

    stand_in->settings = settings;
    stand_in->state = RUN_OFF;
    p->tx->view[row] = stand_in;
}

/* What was off under the rules so far has it all before it. */
static void take_transactions(struct run *run, const struct check_settings *settings)
{
    run->settings = settings;
    if (settings->mode == MODE_OFF) {
        run->state = RUN_OFF;
    } else if (run->state == RUN_OFF) {
        run->state = RUN_IDLE;
        run->runs = 0;
    }
}

static void take_rules(struct pipeline *p, const struct profile *profile)
{
    struct transaction *tx = p->tx;
    const struct check_settings *checks = tx->is_exempt ? profile->exempt_checks : profile->checks;

    tx->profile = profile;
    if (tx->checks == checks)
        return;
    tx->checks = checks;
    for (uint64_t left = p->rows; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);

        if (p->runs[i])
            take_connections(p, i, &checks[i]);
        else
            take_transactions(tx->runs[i], &checks[i]);
    }
}

void rules_begin(struct pipeline *p)
{
    for (uint64_t left = p->earlier; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);

        p->runs[i]->settings = &p->engine->checks[i];
    }
    p->tx->checks = p->engine->checks;
}

void rules_choose(struct pipeline *p, enum stage stage)
{
    const struct profiles *profiles = p->engine->profiles;
    const struct session *s = &p->session;
    const struct address none = { 0 };
    const struct address *first = s->recipient_count ? &s->recipients[0].address : NULL;

    if (!profiles || stage < STAGE_MAIL)
        return;
    if (!first && stage == STAGE_MESSAGE)
        first = &none;
    const struct profile *profile = profiles_find(profiles, s, first);

    p->tx->is_exempt = profiles_exempt(profiles, s);
    if (profile)
        take_rules(p, profile);
}

bool rules_are_known(const struct pipeline *p)
{
    return !p->engine->profiles || !p->engine->profiles->count || p->tx->profile;
}

const struct actions_conf *rules_actions(const struct transaction *tx)
{
    return tx->profile ? &tx->profile->actions : tx->pipeline->engine->actions;
}

/* ---- for the doors ---- */

bool pipeline_takes(struct pipeline *p, const struct address *recipient)
{
    const struct profiles *profiles = p->engine->profiles;
    const struct session *s = &p->session;

    return !profiles || !s->recipient_count ||
           profiles_find(profiles, s, recipient) == profiles_find(profiles, s, &s->recipients[0].address);
}

const struct actions_conf *pipeline_actions(struct pipeline *p)
{
    return rules_actions(p->tx);
}

const char *pipeline_profile(struct pipeline *p)
{
    return p->tx->profile ? p->tx->profile->name : "";
}

/* ---- what counts ---- */

const char *idle_text(enum idleness why)
{
    static const char *const texts[] = {
        [IDLE_NOT] = "", [IDLE_SHADOW] = "shadow", [IDLE_MOOT] = "moot", [IDLE_REMOVED] = "removed"
    };

    return texts[why];
}

struct idle pipeline_idle(const struct pipeline *p, const struct verdict *verdict, const struct run *run,
                          const struct finding *f)
{
    struct idle idle = { .by = "" };
    const struct removed *removed = weight_removal(p->tx->view, p->engine->check_count, f->symbol);

    if (weight_mode(run, f) == MODE_SHADOW)
        idle.why = IDLE_SHADOW;
    else if (verdict_is_moot(p->tx->view, p->engine->check_count, verdict, run))
        idle.why = IDLE_MOOT;
    else if (removed)
        idle = (struct idle){ IDLE_REMOVED, removed->removal, removed->by };
    return idle;
}

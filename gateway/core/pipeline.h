/* core/pipeline.h - when: one connection's way through the checks, transaction by transaction.
 *
 * A door makes a pipeline per connection, fills pipeline_session() as the dialogue goes on, and tells each stage when
 * its fields are complete. Checks start at once and run while the client is still talking. The door asks for a
 * decision when it needs one.
 *
 *     p = pipeline_new(engine, "smtp");   s = pipeline_session(p);   s->client = ...;
 *     pipeline_reach(p, STAGE_CONNECT);  s->helo = ...;  pipeline_reach(p, STAGE_HELO);
 *     pipeline_begin(p);  s->mail_from = ...;  pipeline_reach(p, STAGE_MAIL);
 *     add a recipient to s->recipients;  pipeline_reach(p, STAGE_RCPT);
 *     pipeline_decide(p, STAGE_RCPT, 5000, on_rcpt, arg);          -> on_rcpt(arg, verdict)
 *     pipeline_take_message(p, message);  pipeline_reach(p, STAGE_MESSAGE);
 *     pipeline_decide(p, STAGE_MESSAGE, 0, on_message, arg);        -> on_message(arg, verdict)
 *     pipeline_settle(p, is_delivered);                             the next hop (the mail server) has it, or has not
 *     pipeline_end(p);                                              RSET, or the transaction is done
 *
 * Strings of CONNECT and HELO go into session->arena, of MAIL and later into session->tx_arena. From pipeline_reach()
 * on, a stage's fields stand still until the transaction (EHLO, for HELO) begins anew.
 *
 * Threads: the loop's. A worker that still holds a transaction when the door ends it or closes keeps it alive by
 * itself; the door need not wait.
 */
#ifndef CORE_PIPELINE_H
#define CORE_PIPELINE_H

#include "gateway/core/engine.h"
#include "gateway/core/verdict.h"

struct pipeline;

/* The verdict is borrowed until pipeline_end() or the next verdict. */
typedef void pipeline_fn(void *arg, const struct verdict *verdict);

struct pipeline *pipeline_new(struct engine *engine, const char *door);
/* pipeline_new_until - for a door that never has what comes after `last`: checks of later stages are off, and what is
 * not done at the deadline of a decision for `last` has failed. */
struct pipeline *pipeline_new_until(struct engine *engine, const char *door, enum stage last);
/* pipeline_new_resting - as after pipeline_rest(). */
struct pipeline *pipeline_new_resting(struct engine *engine, const char *door);
/* pipeline_renew - for the next connection: all that is known of this one is forgotten, its memory is kept. False: a
 * worker still holds a transaction of it; free it and make another. */
bool pipeline_renew(struct pipeline *p);
void pipeline_free(struct pipeline *p); /* NULL is fine; no callback comes any more */
struct session *pipeline_session(struct pipeline *p);

/* pipeline_rest - no mail is under way, and none may come for long: what a transaction takes of memory is given back,
 * as soon as the checks of the connection are done. session->tx_arena is NULL from then on, until pipeline_begin(). */
void pipeline_rest(struct pipeline *p);
/* pipeline_begin - a new transaction: a new id, an empty envelope, a fresh tx_arena. */
void pipeline_begin(struct pipeline *p);
void pipeline_reach(struct pipeline *p, enum stage stage);
/* pipeline_be_thorough - every check of this connection's mail runs to its end, even when the verdict is certain. */
void pipeline_be_thorough(struct pipeline *p);
/* pipeline_takes - whether this recipient is judged by the same rules as those before it (core/profile.h). If not, the
 * door does not add it and answers 452 4.5.3: it is to come in a transaction of its own. */
bool pipeline_takes(struct pipeline *p, const struct address *recipient);
/* pipeline_limit_tarpit - a tarpit holds this connection's answers back no longer than that: what waits for them may
 * give up first. TARPIT_MOST_MS unless told. */
void pipeline_limit_tarpit(struct pipeline *p, int most_ms);
/* pipeline_take_message - the message is the pipeline's from now on, until pipeline_end(). */
void pipeline_take_message(struct pipeline *p, struct message *message);
struct message *pipeline_message(struct pipeline *p);
/* pipeline_decide - fn is called exactly once, later, unless the transaction ends before: when every check up to
 * `stage` has finished, when nothing that is still to come can change the verdict, or after `budget_ms` (0: the
 * message's deadline). Before STAGE_MESSAGE a verdict that is not certain means: go on. At STAGE_MESSAGE checks that
 * are not done by the deadline have failed. */
void pipeline_decide(struct pipeline *p, enum stage stage, int budget_ms, pipeline_fn *fn, void *arg);
/* pipeline_await - the same, but fn is called only when every check up to `stage` has finished, or the verdict is
 * certain, or the time is up: for who wants to know what they say of a good client, too. */
void pipeline_await(struct pipeline *p, enum stage stage, int budget_ms, pipeline_fn *fn, void *arg);
/* pipeline_settle - how the transaction ended, for checks that remember: given back is what a limit had taken for mail
 * that was not taken in. A transaction that ends without it was not delivered. */
void pipeline_settle(struct pipeline *p, bool is_delivered);
void pipeline_end(struct pipeline *p);

/* For headers, logs and records, after a verdict: valid until pipeline_end(). */
const struct evidence *pipeline_evidence(struct pipeline *p);
size_t pipeline_run_count(const struct pipeline *p);
const struct run *pipeline_run(const struct pipeline *p, size_t index);
/* pipeline_actions - the thresholds that hold for this mail. pipeline_profile - the name of its profile, or "". */
const struct actions_conf *pipeline_actions(struct pipeline *p);
const char *pipeline_profile(struct pipeline *p);
/* pipeline_reply - what the sender is told for the verdict. */
struct verdict_reply pipeline_reply(struct pipeline *p, const struct verdict *verdict);
/* pipeline_idle - why a finding of that run is not in the verdict's score: in shadow mode; moot, verdict_is_moot();
 * removed by a composite, by name (`by`; else ""), of which the points or all are gone (`removal`). Those for which
 * there is no reason add up to the score. idle_text - "shadow", "moot", "removed"; "" for IDLE_NOT. */
enum idleness { IDLE_NOT, IDLE_SHADOW, IDLE_MOOT, IDLE_REMOVED };
struct idle {
    enum idleness why;
    enum removal removal;
    const char *by;
};
struct idle pipeline_idle(const struct pipeline *p, const struct verdict *verdict, const struct run *run,
                          const struct finding *f);
const char *idle_text(enum idleness why);
/* pipeline_is_over - the connection or transaction has used up its memory: 421 4.3.1 and close. */
bool pipeline_is_over(const struct pipeline *p);

#endif

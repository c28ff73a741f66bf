/* core/check.h - what a check is, and what it may ask for.
 *
 * A check is a pure function of one message and the answers that are here. It never blocks and keeps nothing between
 * runs: while ask_dns() returns NULL it goes on asking for all else that it can foresee, returns STEP_WAIT, and is
 * later run again FROM ITS START, with more answers. What a run that ends in STEP_WAIT has found is thrown away.
 *
 * Threads: on the loop or on a worker, as its row in checks.c says; never two checks at once for a message.
 * Memory:  what must outlive run() comes from q->arena, and goes with the transaction (with the connection, for
 *          STAGE_CONNECT and STAGE_HELO).
 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include "gateway/conf/conf.h"
#include "gateway/core/evidence.h"
#include "gateway/mail/message.h"
#include "gateway/mail/session.h"
#include "gateway/net/dns_answer.h"
#include "gateway/store/op.h"

enum step { STEP_DONE, STEP_WAIT };

/* In the order of SMTP. A check starts as soon as its stage is reached. */
enum stage { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_MESSAGE, STAGE_COUNT };

/* ON_LOOP for what costs microseconds; workers only at STAGE_MESSAGE, when the envelope stands still. */
enum place { ON_LOOP, ON_QUICK, ON_HEAVY };

enum fail { FAIL_SKIP, FAIL_DEFER, FAIL_TAG };

/* off: not run. shadow: run and recorded, counts nothing. tag: can tag a message, and no more. enforce: counts. */
enum mode { MODE_OFF, MODE_SHADOW, MODE_TAG, MODE_ENFORCE };

/* finding_remove(): of what a sister has found the points, or all of it. */
enum removal { REMOVAL_NONE, REMOVAL_WEIGHT, REMOVAL_SYMBOL };

/* From mildest to hardest; an action that is forced beats one by score. */
enum action {
    ACTION_ACCEPT,
    ACTION_TAG,
    ACTION_GREYLIST,
    ACTION_DEFER,
    ACTION_QUARANTINE,
    ACTION_REJECT,
    ACTION_DISCARD,
};

/* A symbol: a name that a finding bears, what it counts by default (hundredths), and what it says. The names and
 * scores are rspamd's where it has one. Tables end with a NULL name. */
struct symbol {
    const char *name;
    int points;
    const char *help;
};

/* What one of them has found, for another. */
struct sister_finding {
    const char *check, *symbol;
    int points;
};

/* Who may run checks: the loop (0) and the workers (1 and up). */
enum { RUNNERS_MAX = 65 };

struct actions_conf; /* core/verdict.h: the thresholds that hold for this mail */
struct run;          /* core/run.h: one check's state in a transaction */

/* What a check is given. Everything but `evidence` (its own part of it) is read only. */
struct inquiry {
    const struct session *session;
    struct message *message; /* NULL before STAGE_MESSAGE */
    const void *conf;        /* this check's section */
    const struct actions_conf *actions;
    struct evidence *evidence;
    struct arena *arena;
    int64_t now_ms;    /* wall clock, the same in all runs of a transaction */
    bool is_exempt;    /* all recipients so far are exempt from refusals (actions.exempt: postmaster, abuse) */
    unsigned runner;   /* below RUNNERS_MAX; of the checks that run at the same time each has another one: for working
                        memory that a module keeps for each */
    const char *state; /* upkeep()'s alone: the folder for what outlives a restart; NULL: there is none */
    struct run *run;
};

/* ask_dns - the answer for a name and type, or NULL while it is not here yet.
 *
 * name   without the final dot, any case; copied
 * type   DNS_A, DNS_TXT, ... [RFC1035 3.2.2]
 *
 * Cannot fail: a look-up that timed out is an answer in state DNS_TIMEOUT; any look-up past this check's limit (asks,
 * in its row) or the message's is DNS_CAPPED; a name that cannot exist is DNS_NXDOMAIN.
 */
const struct dns_answer *ask_dns(struct inquiry *q, const char *name, enum dns_type type);

/* ask_store - the answer to an operation, or NULL while it is not here yet. It is done once in a transaction, however
 * often the check is run: the same question (all but its time, which is q->now_ms) is the same operation. Once asked
 * it stands: ask when all that the key depends on is known. `op` is copied. Cannot fail: an outage is an answer in
 * state STORE_TIMEOUT or STORE_FAILED. */
const struct store_answer *ask_store(struct inquiry *q, const struct store_op *op);
/* asked_store - from settle(): goes through what this check has asked the store in this transaction, in the order of
 * asking. *at is NULL at first; false: that was all. *answer is NULL for what was never answered, but may be done. */
bool asked_store(struct inquiry *q, const void **at, const struct store_op **op, const struct store_answer **answer);
/* run_memo - room of this check's own that lasts for the transaction; zeroed at first. For what follows from the
 * inquiry and would cost too much to find out anew in every run (of a thousand recipients, for each of them): what a
 * run asks and finds must be the same without it. */
void *run_memo(struct inquiry *q, size_t bytes);
/* run_known - the same for each recipient: an array of `bytes` each, in the order of session.recipients. A place is
 * zeroed again when another recipient has come into it, for his was refused. The next call may move the array. */
void *run_known(struct inquiry *q, size_t bytes);

/* tell_store - an operation whose answer does not matter. Only from settle(), which is called once. */
void tell_store(struct inquiry *q, const struct store_op *op);

/* Of the checks that this one's row comes after; only checks ON_LOOP may ask for them.
 * score_of_sisters - hundredths: what they have found, as it counts (enforce and tag). enforced_by_sisters - of those
 * alone that may refuse. sister_forced - the hardest action that one of them demands; ACTION_ACCEPT beats all, as in
 * the verdict. False: none does. sister_permits - one has permitted the envelope: finding_permit(). */
int score_of_sisters(const struct inquiry *q);
int enforced_by_sisters(const struct inquiry *q);
bool sister_forced(const struct inquiry *q, enum action *out);
bool sister_permits(const struct inquiry *q);
/* sister_found - one of them has found this symbol. sister_failed - the first of those that ask the DNS that could not
 * do its work, or NULL: what it would have said is not known. */
bool sister_found(const struct inquiry *q, const char *symbol);
/* sister_next - goes through what they have found that counts, in the order of the rows; *at is 0 at first. False: that
 * was all. */
bool sister_next(const struct inquiry *q, size_t *at, struct sister_finding *out);
const char *sister_failed(const struct inquiry *q);

/* finding_add - the index'th symbol of this check's table, with its configured points, and why (for people; foreign
 * bytes are escaped where they are printed). A symbol counts once: adding it again only adds a reason.
 * finding_weigh - the same symbol with points of the caller's. finding_name - a symbol that is in no table (a list's,
 * by configuration); `name` is copied. finding_name_as - the same, which counts in that mode at most. Of more than
 * FINDINGS_MAX findings those that weigh most are kept. */
void finding_add(struct inquiry *q, unsigned index, const char *format, ...) __attribute__((format(printf, 3, 4)));
void finding_weigh(struct inquiry *q, unsigned index, int points, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void finding_name(struct inquiry *q, const char *name, int points, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* symbol_points - what the index'th symbol counts, as configured: for finding_weigh() of a part of it. */
int symbol_points(const struct inquiry *q, unsigned index);
void finding_name_as(struct inquiry *q, const char *name, int points, enum mode mode, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* finding_only_tags - what was found last counts towards a tag, as all of a check of mode tag does, and refuses no
 * mail. */
void finding_only_tags(struct inquiry *q);
/* finding_remove - what sisters have found under that name does not count, or has not been found at all. Only what
 * removable() names, and only a check that enforces. `by` is for people: what of this check took it out; copied. */
void finding_remove(struct inquiry *q, const char *symbol, enum removal removal, const char *by);
/* finding_subject - put before the Subject of this mail when it is tagged, instead of what the configuration has for
 * all. */
void finding_subject(struct inquiry *q, const char *prefix);
/* finding_force - demands an action, whatever the score, with the text that the sender is told (NULL: the action's
 * usual one). It may begin with an enhanced status code, or with a reply code and one: "504 5.5.2 Need a full name";
 * codes of the other class, or that close connections, become the action's. ACTION_ACCEPT is an allow list's: it beats
 * every score and every other forced action. The hardest of several wins otherwise. */
void finding_force(struct inquiry *q, enum action action, const char *text);
/* finding_force_for - the same because of a symbol that this check has found: when a later one takes that out, nothing
 * is demanded. `symbol` is not copied. */
void finding_force_for(struct inquiry *q, const char *symbol, enum action action, const char *text);
/* finding_permit - Postfix's OK: what the checks before STAGE_MESSAGE find and demand does not count for this mail (but
 * for this check's own); the message's do. Declared by bounds' may_force_accept. */
void finding_permit(struct inquiry *q);
/* finding_tarpit - the reply is held back so long (the longest of several wins; at most TARPIT_MOST_MS). */
void finding_tarpit(struct inquiry *q, int ms);
/* finding_header - a header field for the message, when it is let through; both are copied. Fields of that name that
 * came from outside are taken out. */
void finding_header(struct inquiry *q, const char *name, const char *value);
/* finding_fail - this check could not do its work (not: "found nothing"): its failure policy applies. */
void finding_fail(struct inquiry *q, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* finding_alarm - something is wrong in our world (a list refuses us): logged, at most once an hour per `key`. */
void finding_alarm(struct inquiry *q, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What a check can add to the score, in hundredths, for early verdicts. */
struct bounds {
    int least, most;
    bool may_force_accept, may_force_reject; /* reject: anything but accept */
    bool may_force_discard;
};

enum { TARPIT_MOST_MS = 60000 };

/* How a transaction ended, for settle(). */
struct settlement {
    enum action action; /* the last verdict's; ACTION_ACCEPT when there was none */
    int score;
    bool has_verdict;                   /* at STAGE_MESSAGE, or the door's last one */
    bool is_delivered;                  /* the next hop, the mail server or the quarantine has it */
    const struct sister_finding *found; /* by all checks, that counts in the score */
    size_t found_count;
};

/* A message that somebody has sorted. */
struct taught {
    enum bayes_as as;
    struct message *message;
    struct span recipient; /* whose mail it was; empty: nobody's, or several people's */
    int64_t now_ms;
};

struct check_module {
    const struct conf_section *section; /* its keys, besides those that every check has; NULL: none */
    const struct symbol *symbols;
    /* replies - what the sender is told when the configuration lets a symbol refuse mail, by the symbol's index, as
     * finding_force() has it; NULL, or NULL for a symbol: the action's usual text. */
    const char *const *replies;
    enum step (*run)(struct inquiry *q);
    /* bounds - NULL: the sums of the negative and of the positive symbols, and nothing forced. `points` are the
     * configured ones, by index. */
    void (*bounds)(const void *conf, const int *points, struct bounds *out);
    /* removable - the symbols for which it may call finding_remove(), for early verdicts. NULL: it never does. */
    const char *const *(*removable)(const void *conf, size_t *count);
    /* foresee - run as soon as the check's stage is reached, before the checks it comes after are done: asks what run()
     * will ask (ask_dns() only). What it finds is thrown away. NULL: none. */
    void (*foresee)(struct inquiry *q);
    /* settle - after a transaction for which run() has been done (not failed or skipped): on the loop, once, with its
     * last answers; tells the store what is to be remembered. NULL: none. */
    void (*settle)(struct inquiry *q, const struct settlement *end);
    bool settles_unfinished; /* settle() also when run() has not been done: what it asked the store is done */
    /* open, close - at start and stop, as root and single-threaded: read files, warm caches. open() returns NULL or a
     * sentence for the operator (in `a`). They may change `conf`'s own state part. */
    const char *(*open)(struct arena *a, void *conf);
    void (*close)(void *conf);
    /* upkeep - a check of the check itself (a list's test points, changed files): run on the loop at start and every
     * `upkeep_ms` after that, under the same contract; q->session and q->message are NULL. It may change `conf`'s
     * own state part, which only checks ON_LOOP may read; what workers read is published to them, and never changes
     * (rules/lists/map_file.h). NULL: none. */
    enum step (*upkeep)(struct inquiry *q);
    int upkeep_ms;
    /* learn - what a sorted message teaches, as an operation for the store, in `a`; on a worker. False: there is
     * nothing in it. One check learns at most; NULL: the others. */
    bool (*learn)(struct arena *a, const void *conf, const struct taught *taught, struct store_op *out);
    /* is_idle - the configuration gives it nothing to do: it is off, whatever its mode. NULL: it never is. */
    bool (*is_idle)(const void *conf);
    bool reads_content; /* ON_LOOP: run() reads message_content(), which a worker has made before */
    bool hides_names;   /* names that it asks for may hold a key: nobody is to show them */
    bool covers_exempt; /* it refuses mail to exempt recipients, too: it is no policy, or spares them itself */
};

/* A row of gateway/checks.c. */
struct check {
    const char *name;
    enum stage stage;
    enum place place;
    int budget_ms;           /* from its first run to STEP_DONE; then it has failed */
    unsigned asks;           /* DNS look-ups at most */
    enum fail on_failure[2]; /* by enum direction; configurable */
    const char *after;       /* names, separated by blanks; "*": all rows above but those of later stages; NULL */
    bool is_off;             /* unless the configuration turns it on */
    bool informs;            /* its evidence goes into headers: it runs even when an accept is already certain */
    const struct check_module *module;
};

#endif

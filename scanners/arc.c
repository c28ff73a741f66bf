/* scanners/arc.c - the check "arc": validates the chain [RFC8617 5.2] and looks for a sealer that we trust.
 *
 * The order is the RFC's: structure, newest message signature, then all seals. Keys of the seals and of all message
 * signatures are asked for at once; the older message signatures only tell since when the message is unchanged
 * (oldest-pass), so their keys may fail.
 *
 * Threads: any, but never twice at once for a message. Memory: the transaction's arena.
 */
#include "scanners/arc.h"

#include "gateway/mail/arcset.h"
#include "gateway/mail/domain.h"
#include "scanners/key_answer.h"

struct arc_conf {
    struct conf_strs trusted_sealers;
    bool needs_dmarc_pass;
    int clock_skew_ms;
};

#define AT(member) offsetof(struct arc_conf, member)

static const struct conf_key arc_keys[] = {
    { .name = "trusted_sealers",
      .type = CONF_STRS,
      .at = AT(trusted_sealers),
      .help = "domains (d= of ARC-Seal) whose word DMARC takes for a message that failed here: forwarders and mailing "
              "lists that check what they take in" },
    { .name = "trusted_dmarc_pass",
      .type = CONF_BOOL,
      .at = AT(needs_dmarc_pass),
      .initial = "yes",
      .help = "a trusted sealer's word counts only when its ARC-Authentication-Results say dmarc=pass; no: its seal is "
              "enough" },
    { .name = "clock_skew",
      .type = CONF_MS,
      .at = AT(clock_skew_ms),
      .initial = "5m",
      .least = "0",
      .most = "1d",
      .help = "how far a signer's clock may be from ours (t=, x=)" },
    { .name = NULL },
};

/* Trusted domains in the form of d=, so that they can be compared. */
static const char *normalise(struct arena *a, void *values)
{
    struct arc_conf *conf = values;

    for (size_t i = 0; i < conf->trusted_sealers.count; i++) {
        char name[DOMAIN_MAX];

        if (domain_normal(span_of(conf->trusted_sealers.items[i]), name))
            return arena_printf(a, "trusted_sealers: \"%s\" is no domain name; write it as d= of the sealer has it",
                                conf->trusted_sealers.items[i]);
        conf->trusted_sealers.items[i] = arena_dup(a, span_of(name));
    }
    return NULL;
}

static const struct conf_section arc_section = {
    .name = "arc",
    .help = "Authenticated Received Chain",
    .size = sizeof(struct arc_conf),
    .keys = arc_keys,
    .check = normalise,
};

enum arc_symbol { ALLOW, REJECT, INVALID, DNSFAIL, NOTHING, TRUSTED };

static const struct symbol arc_symbols[] = {
    [ALLOW] = { "ARC_ALLOW", -100, "the ARC chain verifies" },
    [REJECT] = { "ARC_REJECT", 100, "the ARC chain does not verify" },
    [INVALID] = { "ARC_INVALID", 50, "the ARC chain is malformed" },
    [DNSFAIL] = { "ARC_DNSFAIL", 0, "the DNS did not give a key of the ARC chain" },
    [NOTHING] = { "ARC_NA", 0, "there is no ARC chain" },
    [TRUSTED] = { "ARC_TRUSTED_SEALER", 0, "a sealer that the configuration trusts vouches for the message" },
    { NULL, 0, NULL },
};

/* One run. Answers are by set: [i] of the seal and of the message signature. */
struct arc_work {
    struct inquiry *q;
    struct arc_chain chain;
    const struct dns_answer *seal_keys[ARC_SETS_MAX], *ams_keys[ARC_SETS_MAX];
    struct arc_evidence *out;
};

static void conclude(struct arc_work *w, enum auth_result result, enum arc_symbol symbol, const char *reason)
{
    w->out->result = result;
    w->out->reason = reason;
    finding_add(w->q, symbol, "%zu sets%s%s", w->chain.count, *reason ? ": " : "", reason);
}

/* Seals first and from the newest down: what the verdict needs most comes before any limit of look-ups. */
static enum step ask_keys(struct arc_work *w)
{
    enum step step = STEP_DONE;

    for (size_t i = w->chain.count; i-- > 0;) {
        w->seal_keys[i] = key_ask(w->q, &w->chain.sets[i].seal);
        if (!w->seal_keys[i])
            step = STEP_WAIT;
    }
    for (size_t i = w->chain.count; i-- > 0;) {
        w->ams_keys[i] = key_ask(w->q, &w->chain.sets[i].ams);
        if (!w->ams_keys[i])
            step = STEP_WAIT;
    }
    return step;
}

static bool seal_verifies(struct arc_work *w, size_t i)
{
    struct span records[KEY_RECORDS_MAX];
    unsigned char hash[HASH_BYTES_MAX];

    arc_seal_hash(&w->chain, i + 1, hash);
    signature_verify_hash(&w->chain.sets[i].seal, hash, records, key_records(w->seal_keys[i], records));
    return w->chain.sets[i].seal.state == SIGNATURE_PASS;
}

/* l= must not leave anything unsigned here: a chain vouches for messages as they came. */
static bool ams_verifies(struct arc_work *w, struct picker *picker, size_t i)
{
    struct signature *ams = &w->chain.sets[i].ams;
    struct span records[KEY_RECORDS_MAX];
    size_t count = key_records(w->ams_keys[i], records);

    signature_verify(ams, w->q->message, picker, records, count);
    if (ams->covers_prefix && ams->state == SIGNATURE_PASS) {
        ams->state = SIGNATURE_POLICY;
        ams->reason = "l= leaves a part of the body unsigned";
    }
    return ams->state == SIGNATURE_PASS;
}

/* Says why the chain does not pass: `s` of instance `i` + 1. */
static void blame(struct arc_work *w, const struct signature *s, const char *what, size_t i)
{
    const char *reason = arena_printf(w->q->arena, "%s of instance %zu (d=%s): %s", what, i + 1, s->domain, s->reason);

    if (s->state == SIGNATURE_TEMPERROR)
        conclude(w, AUTH_TEMPERROR, DNSFAIL, reason);
    else
        conclude(w, AUTH_FAIL, REJECT, reason);
}

/* [RFC8617 5.2] steps 4 and 6. A failure is told before a missing key: no key can mend it. */
static bool chain_verifies(struct arc_work *w, struct picker *picker)
{
    const struct signature *bad = NULL;
    size_t newest = w->chain.count - 1, at = newest;

    if (!ams_verifies(w, picker, newest))
        bad = &w->chain.sets[newest].ams;
    for (size_t i = w->chain.count; i-- > 0 && (!bad || bad->state == SIGNATURE_TEMPERROR);) {
        bool is_good = seal_verifies(w, i);
        const struct signature *seal = &w->chain.sets[i].seal;

        if (is_good || (bad && seal->state == SIGNATURE_TEMPERROR))
            continue;
        bad = seal;
        at = i;
    }
    if (bad)
        blame(w, bad, bad->form == SIGNATURE_AMS ? "message signature" : "seal", at);
    return !bad;
}

/* The oldest instance since when the message is unchanged, as each signed it [RFC8617 5.2] step 5; 0: all. */
static unsigned oldest_pass(struct arc_work *w, struct picker *picker)
{
    for (size_t i = w->chain.count - 1; i-- > 0;) {
        signature_check_time(&w->chain.sets[i].ams, w->q->now_ms / 1000, 0);
        if (!ams_verifies(w, picker, i))
            return (unsigned)i + 2;
    }
    return 0;
}

static bool is_trusted(const struct arc_conf *conf, const char *domain)
{
    for (size_t i = 0; i < conf->trusted_sealers.count; i++)
        if (strcmp(conf->trusted_sealers.items[i], domain) == 0)
            return true;
    return false;
}

/* The newest trusted sealer since whom nothing was changed, who signed From, and whose word is good. */
static void find_trusted(struct arc_work *w)
{
    const struct arc_conf *conf = w->q->conf;

    for (size_t i = w->chain.count; i-- > 0;) {
        const struct arc_set *set = &w->chain.sets[i];

        if (set->ams.state != SIGNATURE_PASS)
            return;
        if (!is_trusted(conf, set->seal.domain) || !set->ams.from_count)
            continue;
        if (conf->needs_dmarc_pass && !arc_results_say(w->q->arena, set->results->body, "dmarc", "pass"))
            continue;
        w->out->trusted_sealer = set->seal.domain;
        finding_add(w->q, TRUSTED, "d=%s, instance %zu", set->seal.domain, i + 1);
        return;
    }
}

static void list_sealers(struct arc_work *w)
{
    const char **sealers = arena_alloc(w->q->arena, (w->chain.count + 1) * sizeof *sealers);

    for (size_t i = w->chain.count; i-- > 0;)
        if (w->chain.sets[i].seal.field)
            sealers[w->out->sealer_count++] = w->chain.sets[i].seal.domain;
    w->out->sealers = sealers;
    w->out->sets = (unsigned)w->chain.count;
}

static enum step arc_run(struct inquiry *q)
{
    struct arc_work w = { .q = q, .out = &q->evidence->arc };
    const struct arc_conf *conf = q->conf;

    *w.out = (struct arc_evidence){ .trusted_sealer = "", .reason = "" };
    arc_chain_read(q->arena, &q->message->header, &w.chain);
    list_sealers(&w);
    if (w.chain.problem)
        conclude(&w, AUTH_FAIL, INVALID, w.chain.problem);
    else if (!w.chain.count)
        conclude(&w, AUTH_NONE, NOTHING, "");
    else if (w.chain.has_failed)
        conclude(&w, AUTH_FAIL, REJECT, "the newest sealer says that the chain has failed (cv=fail)");
    if (w.out->result != AUTH_ABSENT)
        return STEP_DONE;
    signature_check_time(&w.chain.sets[w.chain.count - 1].ams, q->now_ms / 1000, conf->clock_skew_ms / 1000);
    if (ask_keys(&w) == STEP_WAIT)
        return STEP_WAIT;
    struct picker *picker = picker_new(q->arena, &q->message->header);

    if (!chain_verifies(&w, picker))
        return STEP_DONE;
    w.out->oldest_pass = oldest_pass(&w, picker);
    conclude(&w, AUTH_PASS, ALLOW, "");
    find_trusted(&w);
    return STEP_DONE;
}

const struct check_module arc_module = { .section = &arc_section, .symbols = arc_symbols, .run = arc_run };

/* scanners/dkim.c - the check "dkim": which signatures are looked at, and what their results come to.
 *
 * Keys of all signatures are asked for at once, so the whole check costs one round trip. A good signature makes up for
 * any number of bad ones: mailing lists break the author's and add their own [RFC6376 6.1]. While one could not be
 * verified for want of the DNS, the others' failing proves nothing. A signature by a key in testing (t=y) that fails
 * counts as none [RFC6376 3.6.1].
 *
 * Whichever engine verifies, what a signature says is read, and its limits are set, by our own reader: so results,
 * policy and evidence are the same, and libopendkim never waits for the DNS.
 *
 * Threads: any, but never twice at once for a message. Memory: the transaction's arena.
 */
#include "scanners/dkim.h"

#include "gateway/base/bug.h"
#include "scanners/dkim_engine.h"
#include "scanners/key_answer.h"

#define AT(member) offsetof(struct dkim_conf, member)

static const struct conf_key dkim_keys[] = {
    { .name = "engine",
      .type = CONF_ENUM,
      .at = AT(engine),
      .initial = "own",
      .least = "own libopendkim",
      .help = "who verifies: Postern itself, or libopendkim, which takes five to fifteen times the CPU" },
    { .name = "signatures_most",
      .type = CONF_INT,
      .at = AT(signatures_most),
      .initial = "10",
      .least = "1",
      .most = "16",
      .help = "signatures looked at, from the top; the others are named in the reason" },
    { .name = "clock_skew",
      .type = CONF_MS,
      .at = AT(clock_skew_ms),
      .initial = "5m",
      .least = "0",
      .most = "1d",
      .help = "how far a signer's clock may be from ours (t=, x=)" },
    { .name = "body_length",
      .type = CONF_ENUM,
      .at = AT(body_length),
      .initial = "policy",
      .least = "policy neutral accept",
      .help =
          "result of a good signature whose l= leaves a part of the body unsigned, to which anybody may have added; "
          "accept: pass, which DMARC then builds on" },
    { .name = NULL },
};

static const struct conf_section dkim_section = {
    .name = "dkim", .help = "DKIM signatures", .size = sizeof(struct dkim_conf), .keys = dkim_keys
};

enum dkim_symbol { ALLOW, REJECT, TEMPFAIL, PERMFAIL, NOTHING, WEAK, PARTIAL, TESTING, MANY };

static const struct symbol dkim_symbols[] = {
    [ALLOW] = { "R_DKIM_ALLOW", -20, "a DKIM signature verifies" },
    [REJECT] = { "R_DKIM_REJECT", 100, "DKIM signatures fail, and none verifies" },
    [TEMPFAIL] = { "R_DKIM_TEMPFAIL", 0, "the DNS did not give a DKIM key" },
    [PERMFAIL] = { "R_DKIM_PERMFAIL", 0, "a DKIM signature can never verify (malformed, no key, expired)" },
    [NOTHING] = { "R_DKIM_NA", 0, "there is no DKIM signature" },
    [WEAK] = { "DKIM_WEAK", 0, "a DKIM signature by rsa-sha1 or by a key below 1024 bits" },
    [PARTIAL] = { "DKIM_PARTIAL", 0, "a DKIM signature that leaves a part of the body unsigned (l=)" },
    [TESTING] = { "DKIM_TESTING", 0, "a DKIM signature by a key in testing (t=y)" },
    [MANY] = { "DKIM_MANY", 0, "more DKIM signatures than are looked at" },
    { NULL, 0, NULL },
};

/* The signatures' fields, at most `most`; how many there are in *found. */
static const struct header_field **collect(struct inquiry *q, size_t most, size_t *found)
{
    const struct header_index *header = &q->message->header;
    const struct header_field **fields = arena_alloc(q->arena, most * sizeof(struct header_field *));

    *found = 0;
    for (size_t i = 0; i < header->count; i++) {
        if (!span_iis(header->fields[i].name, "DKIM-Signature"))
            continue;
        if (*found < most)
            fields[*found] = &header->fields[i];
        ++*found;
    }
    return fields;
}

/* A good signature that leaves a part of the body unsigned is worth what the configuration says. */
static void weigh_prefix(const struct dkim_conf *conf, struct dkim_evidence *e)
{
    if (!e->covers_prefix || e->result != AUTH_PASS)
        return;
    if (conf->body_length == PREFIX_POLICY)
        e->result = AUTH_POLICY;
    else if (conf->body_length == PREFIX_NEUTRAL)
        e->result = AUTH_NEUTRAL;
}

static enum auth_result best_result(const struct evidence *evidence)
{
    static const int rank[] = {
        [AUTH_PASS] = 6, [AUTH_TEMPERROR] = 5, [AUTH_POLICY] = 4,
        [AUTH_FAIL] = 3, [AUTH_PERMERROR] = 2, [AUTH_NEUTRAL] = 1,
    };
    enum auth_result best = AUTH_NEUTRAL;

    for (size_t i = 0; i < evidence->dkim_count; i++)
        if (rank[evidence->dkim[i].result] > rank[best])
            best = evidence->dkim[i].result;
    return best;
}

static void add(struct inquiry *q, enum dkim_symbol symbol, const struct dkim_evidence *e)
{
    finding_add(q, symbol, "d=%s s=%s b=%s%s%s", e->domain, e->selector, e->b_start, *e->reason ? ": " : "", e->reason);
}

/* Which symbol a result calls for, given the best one of all. */
static void add_result(struct inquiry *q, const struct dkim_evidence *e, enum auth_result best)
{
    switch (e->result) {
    case AUTH_PASS:
        if (!e->is_testing)
            add(q, ALLOW, e);
        break;
    case AUTH_TEMPERROR: add(q, TEMPFAIL, e); break;
    case AUTH_FAIL:
        if (!e->is_testing && best != AUTH_PASS && best != AUTH_TEMPERROR)
            add(q, REJECT, e);
        break;
    case AUTH_PERMERROR:
    case AUTH_NEUTRAL:
    case AUTH_POLICY:
        if (!e->covers_prefix && best != AUTH_PASS)
            add(q, PERMFAIL, e);
        break;
    default: break;
    }
}

static void report(struct inquiry *q)
{
    struct evidence *evidence = q->evidence;

    evidence->dkim_result = best_result(evidence);
    for (size_t i = 0; i < evidence->dkim_count; i++) {
        const struct dkim_evidence *e = &evidence->dkim[i];

        add_result(q, e, evidence->dkim_result);
        if (e->is_weak)
            add(q, WEAK, e);
        if (e->covers_prefix)
            add(q, PARTIAL, e);
        if (e->is_testing)
            add(q, TESTING, e);
    }
}

/* Names what is not looked at, so that nobody need guess. */
static void report_rest(struct inquiry *q, size_t most, size_t found)
{
    const struct header_index *header = &q->message->header;
    size_t at = 0, named = 0;

    if (found <= most)
        return;
    for (size_t i = 0; i < header->count && named < 4; i++) {
        const struct header_field *field = &header->fields[i];

        if (!span_iis(field->name, "DKIM-Signature") || at++ < most)
            continue;
        struct span text = header_unfold(q->arena, field->body);

        finding_add(q, MANY, "%zu of %zu signatures are not looked at; number %zu: %.*s", found - most, found, at,
                    SPAN_ARG(span_first(text, 80)));
        named++;
    }
}

static enum auth_result result_of(enum signature_state state)
{
    switch (state) {
    case SIGNATURE_PASS: return AUTH_PASS;
    case SIGNATURE_FAIL: return AUTH_FAIL;
    case SIGNATURE_POLICY: return AUTH_POLICY;
    case SIGNATURE_TEMPERROR: return AUTH_TEMPERROR;
    case SIGNATURE_PERMERROR: return AUTH_PERMERROR;
    case SIGNATURE_PENDING:
    case SIGNATURE_NEUTRAL: break;
    }
    return AUTH_NEUTRAL;
}

static void fill(struct inquiry *q, const struct dkim_work *work, struct dkim_evidence *out)
{
    const struct signature *s = &work->signature;

    *out = (struct dkim_evidence){ .result = result_of(s->state),
                                   .domain = s->domain,
                                   .identity = s->identity,
                                   .selector = s->selector,
                                   .algorithm = s->algorithm_text,
                                   .b_start = s->b_start,
                                   .reason = s->reason,
                                   .is_testing = s->is_testing,
                                   .covers_prefix = s->covers_prefix,
                                   .is_weak = s->is_weak,
                                   .key_bits = s->key_bits,
                                   .key = work->key };
    if (s->covers_prefix && s->state == SIGNATURE_PASS)
        out->reason =
            arena_printf(q->arena, "l= leaves %llu bytes of the body unsigned", (unsigned long long)s->uncovered_bytes);
    weigh_prefix(q->conf, out);
}

/* Reads the signatures, and asks for all keys that they need. */
static enum step prepare(struct inquiry *q, const struct header_field **fields, struct dkim_work *works, size_t count)
{
    const struct dkim_conf *conf = q->conf;
    enum step step = STEP_DONE;

    for (size_t i = 0; i < count; i++) {
        struct signature *s = &works[i].signature;

        signature_read(q->arena, SIGNATURE_DKIM, SIGNATURE_TODAY, fields[i], s);
        signature_check_time(s, q->now_ms / 1000, conf->clock_skew_ms / 1000);
        signature_check_from(s, &q->message->header);
        if (s->state != SIGNATURE_PENDING)
            continue; /* needs no key */
        works[i].key = key_ask(q, s);
        if (!works[i].key)
            step = STEP_WAIT; /* and ask for the other keys meanwhile */
    }
    return step;
}

static enum step dkim_run(struct inquiry *q)
{
    const struct dkim_conf *conf = q->conf;
    size_t most = (size_t)conf->signatures_most, found;
    const struct header_field **fields = collect(q, most, &found);
    size_t count = found < most ? found : most;

    if (!count) {
        q->evidence->dkim_result = AUTH_NONE;
        finding_add(q, NOTHING, "no signature");
        return STEP_DONE;
    }
    struct dkim_work *works = arena_alloc(q->arena, count * sizeof *works);

    if (prepare(q, fields, works, count) == STEP_WAIT)
        return STEP_WAIT;
    if (conf->engine == ENGINE_LIBOPENDKIM)
        dkim_opendkim(q, works, count);
    else
        dkim_own(q, works, count);
    q->evidence->dkim = arena_alloc(q->arena, count * sizeof(struct dkim_evidence));
    q->evidence->dkim_count = count;
    for (size_t i = 0; i < count; i++)
        fill(q, &works[i], &q->evidence->dkim[i]);
    report(q);
    report_rest(q, most, found);
    return STEP_DONE;
}

static const char *dkim_open(struct arena *a, void *values)
{
    struct dkim_conf *conf = values;

    (void)a;
    if (conf->engine == ENGINE_LIBOPENDKIM && !(conf->lib = dkim_opendkim_open()))
        return "dkim: libopendkim cannot be set up; write engine = \"own\"";
    return NULL;
}

static void dkim_close(void *values)
{
    struct dkim_conf *conf = values;

    dkim_opendkim_close(conf->lib);
    conf->lib = NULL;
}

const struct check_module dkim_module = {
    .section = &dkim_section, .symbols = dkim_symbols, .run = dkim_run, .open = dkim_open, .close = dkim_close
};

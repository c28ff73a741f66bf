/* scanners/dkim_opendkim.c - DKIM signatures verified by libopendkim: canonicalisation, hashes, keys and RSA are its.
 *
 * Our reader has judged the fields already, and the keys are here: what it refused, and what is past the limit, the
 * library is told to ignore. It knows neither limits nor RFC 8301, and its clock is not the inquiry's, so that a replay
 * would differ: t= and x= are our reader's, and so is what a key is for. Of several keys the first is used: the
 * library takes one.
 *
 * Threads: one DKIM_LIB for all, which the library allows; a DKIM belongs to one run.
 */
#include <stdbool.h>
#include <opendkim/dkim.h>

#include "scanners/dkim_engine.h"
#include "scanners/key_answer.h"

enum { WORKS_MAX = 64 };

struct context {
    struct dkim_work *works;
    size_t count;
    DKIM_SIGINFO *infos[WORKS_MAX]; /* of each of `works`, once the library has shown them */
    struct span keys[WORKS_MAX];
};

/* Shows all signatures, those with bad syntax too (DKIM_LIBFLAGS_BADSIGHANDLES), in the order of the header. */
static DKIM_CBSTAT prescreen(DKIM *dkim, DKIM_SIGINFO **infos, int count)
{
    struct context *c = dkim_get_user_context(dkim);

    for (int i = 0; i < count; i++) {
        bool is_wanted = (size_t)i < c->count && c->works[i].signature.state == SIGNATURE_PENDING;

        if (is_wanted)
            c->infos[i] = infos[i];
        else
            dkim_sig_ignore(infos[i]);
    }
    return DKIM_CBSTAT_CONTINUE;
}

static DKIM_CBSTAT give_key(DKIM *dkim, DKIM_SIGINFO *info, u_char *out, size_t size)
{
    const struct context *c = dkim_get_user_context(dkim);

    for (size_t i = 0; i < c->count; i++)
        if (c->infos[i] == info)
            return span_copy(c->keys[i], (char *)out, size) ? DKIM_CBSTAT_ERROR : DKIM_CBSTAT_CONTINUE;
    return DKIM_CBSTAT_NOTFOUND;
}

/* The first record that is a key's, judged by our rules: the library takes an Ed25519 key that is called RSA. */
static void choose_key(struct context *c, size_t i)
{
    struct span records[KEY_RECORDS_MAX];
    size_t count = key_records(c->works[i].key, records);

    for (size_t k = 0; k < count; k++) {
        const struct key_record *key = key_record_of(records[k]);

        if (key->state == KEY_FOREIGN)
            continue;
        c->keys[i] = records[k];
        signature_takes_key(&c->works[i].signature, key);
        return;
    }
    signature_set(&c->works[i].signature, SIGNATURE_PERMERROR, key_state_text(KEY_FOREIGN));
}

void *dkim_opendkim_open(void)
{
    DKIM_LIB *lib = dkim_init(NULL, NULL);
    u_int flags = DKIM_LIBFLAGS_BADSIGHANDLES, bits = RSA_BITS_LEAST;
    uint64_t drift = 365 * 86400; /* a year: the clock is our reader's */

    if (!lib)
        return NULL;
    if (dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) != DKIM_STAT_OK ||
        dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits) != DKIM_STAT_OK ||
        dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof drift) != DKIM_STAT_OK ||
        dkim_set_prescreen(lib, prescreen) != DKIM_STAT_OK || dkim_set_key_lookup(lib, give_key) != DKIM_STAT_OK) {
        dkim_close(lib);
        return NULL;
    }
    return lib;
}

void dkim_opendkim_close(void *lib)
{
    if (lib)
        dkim_close(lib);
}

/* What l= leaves out, which the library does not tell in canonical bytes. */
static void note_prefix(struct inquiry *q, struct signature *s)
{
    const struct body_hash *body = body_hash(q->message, s->body_canon, s->hash, BODY_WHOLE);

    if (!body || s->length >= body->whole_bytes)
        return;
    s->covers_prefix = true;
    s->uncovered_bytes = body->whole_bytes - s->length;
}

/* It will not look at a signature that is years old or of a clock far ahead, even when the inquiry's time is the same
 * (a replay): those are left to our engine. */
static bool is_of_its_clock(int error)
{
    return error == DKIM_SIGERROR_EXPIRED || error == DKIM_SIGERROR_FUTURE;
}

static void take_result(struct inquiry *q, struct dkim_work *work, DKIM_SIGINFO *info)
{
    struct signature *s = &work->signature;
    unsigned flags = dkim_sig_getflags(info);
    int error = dkim_sig_geterror(info), body = dkim_sig_getbh(info);

    if (is_of_its_clock(error))
        return;
    if (s->length != BODY_WHOLE)
        note_prefix(q, s);
    if (flags & DKIM_SIGFLAG_PASSED && body == DKIM_SIGBH_MATCH)
        signature_set(s, SIGNATURE_PASS, "");
    else if (error != DKIM_SIGERROR_OK && error != DKIM_SIGERROR_UNKNOWN && error != DKIM_SIGERROR_BADSIG)
        signature_set(s, SIGNATURE_PERMERROR, dkim_sig_geterrorstr(error));
    else if (body == DKIM_SIGBH_MISMATCH)
        signature_set(s, SIGNATURE_FAIL, "the body was changed (its hash is not bh=)");
    else
        signature_set(s, SIGNATURE_FAIL, "the signature does not verify");
}

/* The library takes no const; it does not write. */
static void feed(DKIM *dkim, const struct message *m)
{
    for (size_t i = 0; i < m->header.count; i++) {
        struct span field = m->header.fields[i].whole;

        while (field.len && (field.ptr[field.len - 1] == '\n' || field.ptr[field.len - 1] == '\r'))
            field.len--;
        dkim_header(dkim, (u_char *)(uintptr_t)field.ptr, field.len);
    }
    if (dkim_eoh(dkim) == DKIM_STAT_OK && m->body.len)
        dkim_body(dkim, (u_char *)(uintptr_t)m->body.ptr, m->body.len);
    dkim_eom(dkim, NULL);
}

/* Whether `text` holds "dkim-signature" when its white space is removed, as the library removes it. */
static bool names_signature(struct span text)
{
    static const char name[] = "dkim-signature";

    for (size_t i = 0, at = 0; i < text.len; i++) {
        char c = ascii_lower(text.ptr[i]);

        if ((unsigned char)c <= ' ')
            continue;
        at = c == name[at] ? at + 1 : c == name[0];
        if (!name[at])
            return true;
    }
    return false;
}

/* libopendkim 2.11 writes past an array of the heap when h= selects the signature itself: it has room for each field
 * of the header once, and none for the end. Whatever might do so is not shown to it. */
static bool is_dangerous(const struct message *m)
{
    for (size_t i = 0; i < m->header.count; i++)
        if (span_iis(m->header.fields[i].name, "DKIM-Signature") && names_signature(m->header.fields[i].body))
            return true;
    return false;
}

void dkim_opendkim(struct inquiry *q, struct dkim_work *works, size_t count)
{
    if (is_dangerous(q->message)) {
        dkim_own(q, works, count);
        return;
    }
    const struct dkim_conf *conf = q->conf;
    struct context c = { .works = works, .count = count < WORKS_MAX ? count : WORKS_MAX };
    DKIM_STAT status = DKIM_STAT_OK;
    DKIM *dkim = dkim_verify(conf->lib, (const u_char *)q->session->id, NULL, &status);

    if (!dkim) {
        finding_fail(q, "libopendkim: %s", dkim_getresultstr(status));
        return;
    }
    for (size_t i = 0; i < c.count; i++)
        if (works[i].signature.state == SIGNATURE_PENDING)
            choose_key(&c, i);
    dkim_set_user_context(dkim, &c);
    feed(dkim, q->message);
    for (size_t i = 0; i < c.count; i++) {
        if (c.infos[i])
            take_result(q, &works[i], c.infos[i]);
        else
            signature_set(&works[i].signature, SIGNATURE_NEUTRAL, "libopendkim does not take it for a signature");
    }
    dkim_free(dkim);
    dkim_own(q, works, count);
}

/* core/dress.c - what a verdict changes in the message. */
#include "gateway/core/dress.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/core/authres.h"

#define AT(member) offsetof(struct dress_conf, member)

static const struct conf_key dress_keys[] = {
    { .name = "received", .type = CONF_BOOL, .at = AT(received), .initial = "yes", .help = "add a Received field" },
    { .name = "authentication_results",
      .type = CONF_BOOL,
      .at = AT(authentication_results),
      .initial = "yes",
      .help = "add Authentication-Results, with `hostname` as authserv-id" },
    { .name = "spam",
      .type = CONF_ENUM,
      .at = AT(spam),
      .initial = "always",
      .least = "never tagged always",
      .help = "add X-Spam-Status, X-Spam-Score and X-Spam-Level; X-Spam-Flag only to tagged mail" },
    { 0 },
};

const struct conf_section dress_section = {
    .name = "headers", .help = "which header fields mail gets", .size = sizeof(struct dress_conf), .keys = dress_keys
};

enum { DRESS_VALUE_MAX = 64 * 1024, DRESS_LINE = 76, LEVEL_MAX = 50, TESTS_MAX = 100, REMOVED_SHOWN = 20 };

/* ---- what goes ---- */

static bool is_forged(const struct header_field *f, const struct session *s)
{
    static const char *const ours[] = { "X-Spam-Flag", "X-Spam-Status", "X-Spam-Level", "X-Spam-Score" };

    for (size_t i = 0; i < COUNT(ours); i++)
        if (span_iis(f->name, ours[i]))
            return true;
    return span_iis(f->name, "Authentication-Results") && authres_is_from(f->body, s->hostname);
}

static void rewrite_subject(const struct header_field *f, const char *prefix, struct edits *out)
{
    struct strbuf value;

    strbuf_init(&value, DRESS_VALUE_MAX);
    strbuf_puts(&value, prefix);
    strbuf_put(&value, span_trim(f->body));
    if (!value.is_full && !span_istarts(span_trim(f->body), span_trim(span_of(prefix))))
        edits_replace(out, f, strbuf_span(&value));
    strbuf_release(&value);
}

/* The i-th run's, for those whose word counts. */
static size_t added_by(struct pipeline *p, size_t i, const struct added_header **out)
{
    const struct run *run = pipeline_run(p, i);

    *out = run->headers;
    return run->state == RUN_DONE && run->settings->mode > MODE_SHADOW ? run->header_count : 0;
}

/* A check adds one of that name: what comes from outside is not to be taken for it. */
static bool is_added(struct pipeline *p, const struct header_field *f)
{
    const struct added_header *added;

    for (size_t i = 0; i < pipeline_run_count(p); i++)
        for (size_t n = added_by(p, i, &added); n-- > 0;)
            if (span_iis(f->name, added[n].name))
                return true;
    return false;
}

/* One pass, top to bottom; the subject is rewritten where it stands. Returns whether there is a Subject. */
static bool change_fields(struct pipeline *p, bool is_inbound, const char *prefix, struct edits *out)
{
    const struct session *s = pipeline_session(p);
    const struct message *m = pipeline_message(p);
    bool has_subject = false;

    for (size_t i = 0; i < m->header.count; i++) {
        const struct header_field *f = &m->header.fields[i];

        if ((is_inbound && is_forged(f, s)) || is_added(p, f)) {
            edits_remove(out, f);
        } else if (!has_subject && span_iis(f->name, "Subject")) {
            has_subject = true;
            if (prefix)
                rewrite_subject(f, prefix, out);
        }
    }
    return has_subject;
}

/* ---- X-Spam-* ---- */

static int by_weight(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    int weight = abs(b->points) - abs(a->points);

    return weight ? weight : strcmp(a->symbol, b->symbol);
}

/* What a composite has taken all of is no test that was met. */
static size_t collect_findings(struct pipeline *p, const struct verdict *v, struct finding *out, size_t most)
{
    size_t n = 0;

    for (size_t i = 0; i < pipeline_run_count(p); i++) {
        const struct run *run = pipeline_run(p, i);

        if (run->state != RUN_DONE || run->settings->mode == MODE_SHADOW)
            continue;
        for (size_t f = 0; f < run->finding_count && n < most; f++) {
            struct idle idle = pipeline_idle(p, v, run, &run->findings[f]);

            if (idle.removal == REMOVAL_SYMBOL || idle.why == IDLE_SHADOW)
                continue;
            out[n] = run->findings[f];
            out[n++].points *= !idle.why;
        }
    }
    qsort(out, n, sizeof *out, by_weight);
    return n;
}

static void put_points(struct strbuf *b, int hundredths)
{
    strbuf_putf(b, "%s%d.%02d", hundredths < 0 ? "-" : "", abs(hundredths) / 100, abs(hundredths) % 100);
}

/* "removed=A(4.00:COMPOSITE),B(1.00:COMPOSITE) ": with the points that they would have had. */
static void put_removed(struct pipeline *p, const struct verdict *v, struct strbuf *b)
{
    size_t shown = 0;

    for (size_t i = 0; i < pipeline_run_count(p); i++) {
        const struct run *run = pipeline_run(p, i);

        for (size_t f = 0; run->state == RUN_DONE && f < run->finding_count && shown < REMOVED_SHOWN; f++) {
            struct idle idle = pipeline_idle(p, v, run, &run->findings[f]);

            if (idle.why != IDLE_REMOVED)
                continue;
            strbuf_putf(b, "%s%s(", shown++ ? ",\r\n\t" : "removed=", run->findings[f].symbol);
            put_points(b, run->findings[f].points);
            strbuf_putf(b, ":%s)", idle.by);
        }
    }
    if (shown)
        strbuf_puts(b, "\r\n\t");
}

/* "Yes, score=9.90 required=6.00 tests=A,B,C version=..." folded as SpamAssassin's users know it. */
static void put_status(struct pipeline *p, const struct verdict *v, struct strbuf *b)
{
    struct finding findings[TESTS_MAX];
    size_t count = collect_findings(p, v, findings, TESTS_MAX), line = 0;

    strbuf_puts(b, v->action == ACTION_TAG ? "Yes" : "No");
    strbuf_puts(b, ", score=");
    put_points(b, v->score);
    strbuf_puts(b, " required=");
    put_points(b, v->tag);
    strbuf_puts(b, "\r\n\ttests=");
    line = 14;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(findings[i].symbol) + 1;

        if (line + length > DRESS_LINE) {
            strbuf_puts(b, "\r\n\t");
            line = 8;
        }
        strbuf_putf(b, "%s%s", findings[i].symbol, i + 1 < count ? "," : "");
        line += length;
    }
    strbuf_puts(b, count ? "\r\n\t" : "none\r\n\t");
    put_removed(p, v, b);
    if (v->missing_count) {
        strbuf_puts(b, "missing=");
        for (size_t i = 0; i < v->missing_count; i++)
            strbuf_putf(b, "%s%s", i ? "," : "", v->missing[i].check);
        strbuf_puts(b, " ");
    }
    strbuf_puts(b, "autolearn=no version=Postern-" POSTERN_VERSION);
}

static void prepend(struct edits *out, const char *name, struct strbuf *value)
{
    edits_prepend(out, name, strbuf_span(value));
    strbuf_clear(value);
}

static void add_spam(struct pipeline *p, const struct verdict *v, struct edits *out)
{
    struct strbuf b;

    strbuf_init(&b, DRESS_VALUE_MAX);
    put_status(p, v, &b);
    prepend(out, "X-Spam-Status", &b);
    for (int i = 0; i < v->score / 100 && i < LEVEL_MAX; i++)
        strbuf_putc(&b, '*');
    if (b.len)
        prepend(out, "X-Spam-Level", &b);
    put_points(&b, v->score);
    prepend(out, "X-Spam-Score", &b);
    if (v->action == ACTION_TAG)
        edits_prepend(out, "X-Spam-Flag", SPAN("YES"));
    strbuf_release(&b);
}

/* ---- Received [RFC5321 4.4] ---- */

/* What a client says of itself, as an atom: whatever could end or open a comment or a line becomes '?'. */
static void put_foreign(struct strbuf *b, struct span text)
{
    for (size_t i = 0; i < text.len && i < 255; i++) {
        char c = text.ptr[i];

        strbuf_putc(b, c > 0x20 && c < 0x7f && !strchr("()<>\\\";,@", c) ? c : '?');
    }
}

/* [RFC3848] and [RFC6531 4.3]: "ESMTPSA", "LMTP", "UTF8SMTPS". */
static void put_protocol(const struct session *s, bool is_utf8, struct strbuf *b)
{
    if (!s->is_esmtp) {
        strbuf_puts(b, "SMTP");
        return;
    }
    strbuf_puts(b, is_utf8 ? "UTF8" : s->is_lmtp ? "" : "E");
    strbuf_puts(b, s->is_lmtp ? "LMTP" : "SMTP");
    strbuf_puts(b, s->tls_version[0] ? "S" : "");
    strbuf_puts(b, s->auth_user.len ? "A" : "");
}

static void put_client(const struct session *s, const struct evidence *e, struct strbuf *b)
{
    char ip[ADDR_TEXT_MAX];
    bool is_confirmed = e && e->iprev.result == AUTH_PASS && e->iprev.name && e->iprev.name[0];
    struct span name = s->helo.len ? s->helo : s->lhlo;

    strbuf_puts(b, "from ");
    if (name.len)
        put_foreign(b, name);
    else
        strbuf_puts(b, "unknown");
    if (s->is_lmtp && s->client.family == ADDR_NONE)
        return;
    strbuf_puts(b, " (");
    put_foreign(b, span_of(is_confirmed ? e->iprev.name : "unknown"));
    strbuf_putf(b, " [%s%s])", s->client.family == ADDR_IP6 ? "IPv6:" : "", addr_text(&s->client, ip));
}

/* A proxy that ended the client's TLS does not tell all of it. */
static void put_tls(const struct session *s, struct strbuf *b)
{
    strbuf_puts(b, "\r\n\t(using ");
    put_foreign(b, span_of(s->tls_version));
    if (s->tls_cipher[0]) {
        strbuf_puts(b, " with cipher ");
        put_foreign(b, span_of(s->tls_cipher));
    }
    if (s->tls_bits)
        strbuf_putf(b, " (%u bits)", s->tls_bits);
    strbuf_puts(b, ")");
}

static void put_received(const struct session *s, const struct evidence *e, struct strbuf *b)
{
    const struct session *from = s->via ? s->via : s; /* who tells of another client has traced it already */
    char date[CLOCK_TEXT_MAX];

    put_client(from, from == s ? e : NULL, b);
    if (from->tls_version[0])
        put_tls(from, b);
    strbuf_putf(b, "\r\n\tby %s (Postern) with ", s->hostname);
    put_protocol(from, s->is_smtputf8, b);
    strbuf_putf(b, " id %s", s->id);
    if (s->recipient_count == 1 && (s->is_smtputf8 || !s->recipients[0].address.is_utf8)) {
        strbuf_puts(b, "\r\n\tfor <");
        strbuf_put(b, s->recipients[0].address.text);
        strbuf_puts(b, ">");
    }
    strbuf_putf(b, ";\r\n\t%s", clock_rfc5322(s->started_wall_ms, date));
}

/* ---- all of it ---- */

static void add_found(struct pipeline *p, struct edits *out)
{
    const struct added_header *added;

    for (size_t i = 0; i < pipeline_run_count(p); i++)
        for (size_t n = added_by(p, i, &added); n-- > 0;)
            edits_prepend(out, added[n].name, span_of(added[n].value));
}

static void add_trace(const struct session *s, const struct evidence *e, const struct dress_conf *conf, bool is_inbound,
                      struct edits *out)
{
    struct strbuf b;

    strbuf_init(&b, DRESS_VALUE_MAX);
    if (conf->received) {
        put_received(s, e, &b);
        prepend(out, "Received", &b);
    }
    if (conf->authentication_results && is_inbound) {
        authres_build(s->hostname, e, s, &b);
        prepend(out, "Authentication-Results", &b);
    }
    strbuf_release(&b);
}

/* A check may have another for this mail: finding_subject(). */
static const char *subject_prefix(struct pipeline *p)
{
    for (size_t i = pipeline_run_count(p); i-- > 0;) {
        const struct run *run = pipeline_run(p, i);

        if (run->state == RUN_DONE && run->settings->mode > MODE_SHADOW && run->subject)
            return run->subject;
    }
    return pipeline_actions(p)->subject;
}

void dress(struct pipeline *p, const struct verdict *verdict, const struct dress_conf *conf, struct edits *out)
{
    const struct session *s = pipeline_session(p);
    bool is_inbound = session_direction(s) == DIRECTION_INBOUND;
    bool is_tagged = verdict->action == ACTION_TAG;
    const char *subject = subject_prefix(p);
    const char *prefix = is_tagged && is_inbound && subject[0] ? subject : NULL;

    edits_init(out, s->tx_arena);
    if (!change_fields(p, is_inbound, prefix, out) && prefix)
        edits_prepend(out, "Subject", span_of(prefix));
    if (is_inbound && (conf->spam == DRESS_SPAM_ALWAYS || (conf->spam == DRESS_SPAM_TAGGED && is_tagged)))
        add_spam(p, verdict, out);
    add_found(p, out);
    add_trace(s, pipeline_evidence(p), conf, is_inbound, out);
}

void dress_unexamined(struct pipeline *p, struct edits *out)
{
    const struct session *s = pipeline_session(p);

    edits_init(out, s->tx_arena);
    change_fields(p, session_direction(s) == DIRECTION_INBOUND, NULL, out);
}

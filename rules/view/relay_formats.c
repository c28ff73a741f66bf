/* rules/view/relay_formats.c - see relay_formats.h.
 *
 * The lines of the servers that are in use, and of those that old mail came through. What stands further up is tried
 * first: a shape further down may take less exact lines.
 */
#include "rules/view/relay_formats.h"

#include <stddef.h>

#define QMAIL (RELAY_IS_QMAIL | RELAY_LOOKS_UP)

const struct relay_format relay_web_formats[] = {
    { "{a}{i:i}{b}{a}by {s:b} with HTTP", 0, " ({SquirrelMail|NaSMail} authenticated user " },
    { "{a}{i:i} by {s:b} ({i}) with HTTP (WebMailUI)", 0, "aol.com" },
    { 0 },
};

static const struct relay_format smtpsvc[] = {
    { "{S:h} ([{i:i}]) by {s:b} with Microsoft SMTPSVC", 0, NULL },
    { "{S:h} ([{i:i}]{p}) by {s:b} with Microsoft SMTPSVC", 0, NULL },
    { "mail pickup service by {s} with Microsoft SMTPSVC{$}", RELAY_IS_IGNORED, NULL },
    { 0 },
};

static const struct relay_format exchange[] = {
    { "{s:h} ({?[}{i:i}{?]}) by {s:b} ", RELAY_HAS_NO_ID, NULL },
    { "{s:h} ({?[}{i:i}%{P}{?]}) by {s:b} ", RELAY_HAS_NO_ID, NULL },
    { 0 },
};

static const struct relay_format xmail[] = {
    { "{s:h} ({?[}{i:i}{?]}:{d}) by {s:b} with [XMail", RELAY_IS_XMAIL, NULL },
    { "{s:h} ({?[}{i:i}{?]}:{d}) by {s:b} ({s}) with [XMail", RELAY_IS_XMAIL, NULL },
    { 0 },
};

static const struct relay_format ecelerity[] = {
    { "([{i:i}:{d}] helo={s:h}) by {s:b} ", 0, NULL },
    { "{s} ([{i:i}:{d}]) by {s:b} ", 0, NULL },
    { 0 },
};

static const struct relay_format exim[] = {
    { "{a}{b}with local ", RELAY_IS_IGNORED, NULL },
    { "{a}{b}with local-{s} ", RELAY_IS_IGNORED, NULL },
    { "[{i:i}] ({a:x}) by {s:b} ", RELAY_HAS_LIST, NULL },
    { "{s:r} ([{i:i}]{a:x}) by {s:b} ", RELAY_HAS_LIST | RELAY_SAME_HELO, NULL },
    { "{s:r} [{i:i}] by {s:b} ", RELAY_SAME_HELO, NULL },
    { "{s:r} [{i:i}]:{d} by {s:b} ", RELAY_SAME_HELO, NULL },
    { "{s:r} ({s:h}) [{i:i}] {a}by {s:b} ", 0, NULL },
    { "{s:r} ({s:h}) [{i:i}.{d}] {a}by {s:b} ", 0, NULL },
    { "{s:r} {a} [{i:i}] {a}by {s:b} ", 0, NULL },
    { 0 },
};

static const struct relay_format postfix[] = {
    { "{s:h} ({s:r} [{i:i}]) by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "{s:h} ({s:r}[{i:i}]) by {s:b} ", RELAY_LOOKS_UP, NULL },
    { 0 },
};

static const struct relay_format scalix[] = {
    { "{s:h} ({? }{i:i}) by {s:b}", 0, NULL },
    { 0 },
};

static const struct relay_format domino[] = {
    { "{s:h} ([{i:i}]) by {s:b} (Lotus", 0, NULL },
    { 0 },
};

static const char *const smtpsvc_marks[] = { " SMTPSVC", NULL };
static const char *const exchange_marks[] = {
    " with {Microsoft SMTP Server|mapi id} {d}.{d}.{d}.{d} ",
    " with {Microsoft SMTP Server|mapi id} {d}.{d}.{d}.{d}{$}",
    " with {Microsoft SMTP Server|mapi id} ({p}) {d}.{d}.{d}.{d} ",
    " with {Microsoft SMTP Server|mapi id} ({p}) {d}.{d}.{d}.{d}{$}",
    NULL,
};
static const char *const xmail_marks[] = { "[XMail ", NULL };
static const char *const ecelerity_marks[] = { "(ecelerity{b}", NULL };
static const char *const exim_marks[] = { "Exim", NULL };
static const char *const postfix_marks[] = { " (Postfix) with", NULL };
static const char *const scalix_marks[] = { "(Scalix SMTP Relay", NULL };
static const char *const domino_marks[] = { " (Lotus Domino ", NULL };

const struct relay_maker relay_makers[] = {
    { smtpsvc_marks, smtpsvc },     { exchange_marks, exchange }, { xmail_marks, xmail },
    { ecelerity_marks, ecelerity }, { exim_marks, exim },         { postfix_marks, postfix },
    { scalix_marks, scalix },       { domino_marks, domino },     { NULL, NULL },
};

const struct relay_format relay_formats[] = {
    { "{i:i} ([{i}]) by {s:b}", 0, "{b}with HTTP{b}" },
    { "{s:h} ({s:r} [{i:i}]{A}) by {s:b} (", RELAY_LOOKS_UP | RELAY_HAS_IDENT | RELAY_NOT_QMAIL, NULL },
    { "{s:h} ({s:r} [{i:i}]) by {s:b} with {s} (", RELAY_LOOKS_UP, NULL },
    { "{s:r} ([{i:i}] helo={s:h}) by {s:b} with ", 0, NULL },
    { "{s:h} (<unknown{S}>[{i:i}]) by {s:b} ", 0, NULL },
    { "{s:h} ({s:r}[{i:i}]) by {s:b} ", RELAY_LOOKS_UP | RELAY_DOTTED, NULL },
    { "{s:h} ({S:n}@[{i:i}]{A}) by {s:b} (", RELAY_LOOKS_UP, NULL },
    { "{i:i} by {s:b} ", 0, "by {s}.hotmail.msn.com " },
    { "{s:r} ({HELO|EHLO} {S:h}) ({i:i}) by {s:b} (qpsmtpd/{s}) with {ESMTP|SMTP}", 0, NULL },
    { "{s:r} (LHLO {S:h}) ({i:i}) by {s:b} with LMTP", 0, NULL },
    { "{s:r} ({HELO|EHLO} {S:h}) [{i:i}] by {s:b} ({p}) with {ESMTP|SMTP}", 0, NULL },
    { "{s:h} ([{i:i}]) by {s:b} via smtpd (for {s}) with SMTP(", 0, NULL },
    { "{s:r} ({HELO|EHLO} {P:h}) ({S:n}@{?[}{i:i}{?]}) by {s:b}", QMAIL, NULL },
    { "{s:r} ({HELO|EHLO} {P:h}) ({?[}{i:i}{?]}) by {s:b}", QMAIL, NULL },
    { "{s:r} ({S:n}@{?[}{i:i}{?]}) by {s:b}", QMAIL | RELAY_SAME_HELO, NULL },
    { "{s:r} ({?[}{i:i}{?]}) by {s:b}", QMAIL | RELAY_SAME_HELO, NULL },
    { "[{i:i}] by {s:b} via HTTP{$}", 0, NULL },
    { "{s} ( [{i:i}]){a} by {s:b} ", 0, NULL },
    { "({s:h} [{i:i}]) by {s:b} ", 0, NULL },
    { "[{i:i}] by {s:b} ", 0, NULL },
    { "({?[}{i:i}{?]}) by {s:b} ", 0, NULL },
    { "{s:h} [{i:i}] by {s:b} [{i}] with ", RELAY_LOOKS_UP, NULL },
    { "{s:h} [({i:i})] by {s:b} ({i}) ", 0, NULL },
    { "{s:h} ([{i:i}]) by {s:b} (", RELAY_LOOKS_UP, NULL },
    { "{s:h} ({s:r} [{i:i}]){a} by {s:b}{b}", RELAY_LOOKS_UP | RELAY_SOFT_NAME, NULL },
    { "{s:h} ([{i:i}]){a} by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "{s:h} ([{i:i}:{d}]){a} by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "{s:h} ([{i:i}.{d}]){a} by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "", RELAY_IS_FETCHED, "with {POP3|IMAP}" },
    { "{s:r} ({HELO|EHLO} {p:h}) ({S:n}@{?[}{i:i}{?]}){A} by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "{s:r} ({HELO|EHLO} {p:h}) ({?[}{i:i}{?]}){A} by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "{s:r} ({HELO|EHLO} ) ({?[}{i:i}{?]}){A} by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "{s:r} ({S:n}@{?[}{i:i}{?]}){A} by {s:b} ", RELAY_LOOKS_UP | RELAY_SAME_HELO, NULL },
    { "{s:r} ({?[}{i:i}{?]}){A} by {s:b} ", RELAY_LOOKS_UP | RELAY_SAME_HELO, NULL },
    { "{s:r}({i:i}) by {s:b} via smap ", RELAY_LOOKS_UP, NULL },
    { "{s:r}({i:i}, {HELO|EHLO} {S:h}) by {s:b} via smap ", RELAY_LOOKS_UP, NULL },
    { "{i:i} by {s:b} ({SMTPL|InterScan}{b}", 0, NULL },
    { "{s} by {s} with BSMTP", RELAY_IS_IGNORED, NULL },
    { "{s:r} ({HELO|EHLO} {S:h}) ({s:n}@{i:i}{a}) by {s:b} with ", RELAY_LOOKS_UP, NULL },
    { "{s:r} ({HELO|EHLO} {S:h}) ({i:i}{a}) by {s:b} with ", RELAY_LOOKS_UP, NULL },
    { "[{i:i}] ({HELO|EHLO} {S:h}) by {s:b} (", 0, NULL },
    { "[{i:i}] (account {s} {HELO|EHLO} {S:h}) by {s:b} (", 0, NULL },
    { "{s:r} ([{i:i}] verified) by {s:b} (", RELAY_LOOKS_UP | RELAY_SAME_HELO, " (CommuniGate Pro" },
    { "{s} ({s}) by {s} (Content Technologies ", RELAY_IS_IGNORED, NULL },
    { "{s:h} ([{i:i}] [{s}]) by {s:b} with ", 0, NULL },
    { "{i:i} by {s:b} with ", 0, NULL },
    { "{s:h} ({s:r}[{i:i}]) by {s:b} ", RELAY_LOOKS_UP, NULL },
    { "[{i:i}]{s} ({HELO|EHLO} {S:h}) by {s:b} ", 0, NULL },
    { "{i:i} ({HELO|EHLO} {S:h}) by {s:b} ", 0, NULL },
    { "{s:h} [{i:i}] by {s:b} ", 0, NULL },
    { "{s:r}({i:i}) by {s:b} ", 0, NULL },
    { "{i:i} ({p:x}) by {s:b} with ", RELAY_IS_COMMENT, NULL },
    { "[{i:i}] ({p:x}) by {s:b} ", RELAY_HAS_LIST, NULL },
    { "{s:r}({i:i}) via {s} by {s:b},", RELAY_LOOKS_UP, NULL },
    { "{s:r}({i:i}), claiming to be \"{s:h}\" via {s} by {s:b},", RELAY_LOOKS_UP, NULL },
    { "{s:h} ({s}@{i:i} with login) by {s:b} with SMTP", RELAY_IS_YAHOO, NULL },
    { "X-Originating-IP: {i:i}{$}", 0, NULL },
    { 0 },
};

const struct relay_format relay_ignored[] = {
    { "{s} ({P}@{l}) by {s} (", 0, NULL },
    { "{s} {s} by {s} with {local-smtp|local-esmtp} ", 0, NULL },
    { "127.0.0.1 (AVG SMTP {s} [{s}])", 0, NULL },
    { "{s}@{s} by {s} ", 0, NULL },
    { "Unknown/Local (", 0, NULL },
    { "{l} ({l}{)|[}", 0, NULL },
    { "{l} ({s}@{l}{)|[}", 0, NULL },
    { "{s} ({l}) ", 0, NULL },
    { "{s} ({s}@{l}) ", 0, NULL },
    { "{s} ({s}@{s} [{l}]) ", 0, NULL },
    { "(AUTH: {s}) by {s} with ", 0, NULL },
    { "localhost (localhost [[UNIX: localhost]]) by ", 0, NULL },
    { "{s} ([unix socket]) by {s} (Cyrus v{s}) with LMTPA", 0, NULL },
    { "{s} by {s} {with|via|for|(}", 0, NULL },
    { "{s} {with|via|for} {s} by{b}", 0, NULL },
    { "{s} (unverified) by{b}", 0, NULL },
    { "{s} (unknown) by {s} (SG) with ", 0, NULL },
    { "{s} ({s} [local]) by {s} (OpenSMTPD) with ", 0, NULL },
    { "{a}(LSMTP for", 0, NULL },
    { "([{l}]) with MailEnable ", 0, NULL },
    { "facebook.com ({p}) by facebook.com with Thrift id {s}{$}", 0, NULL },
    { "{s} named {s} by gmailapi.google.com with HTTPREST{$}", 0, NULL },
    { "{s} id {s}{$}", 0, NULL },
    { "[<{a} (Jetsend", 0, NULL },
    { 0 },
};

const struct relay_format relay_upper_formats[] = {
    { "{s:h} ({s:r} [{i:i}]) BY {s:b} ID {s:d}{$}", RELAY_LOOKS_UP, NULL },
    { "{s:h} ({s:r} [{i:i}]) BY {s:b} ({p}) WITH SMTP ID {s:d}", RELAY_LOOKS_UP, NULL },
    { 0 },
};

const struct relay_format relay_paren_formats[] = {
    { "{S:h} [{i:i}]) by {s:b} (NAVGW {a}) with ", 0, NULL },
    { "{s}@localhost) by {s} ", RELAY_IS_IGNORED, NULL },
    { "{s}@{p}) by {s}(jqueuemail) id ", RELAY_IS_IGNORED, NULL },
    { 0 },
};

/* ---- reading ---- */

bool relay_in_words(struct span word, const char *words)
{
    struct span rest = span_of(words), one;

    while (span_word(&rest, &one))
        if (span_eq(one, word))
            return true;
    return false;
}

struct shape_run relay_run(const struct relay_reader *r)
{
    return (struct shape_run){ .text = r->line, .steps = r->steps };
}

bool relay_has(struct relay_reader *r, const char *shape)
{
    struct shape_run run = relay_run(r);
    bool does = shape_has(&run, shape);

    r->steps = run.steps;
    return does;
}

struct span relay_found(struct relay_reader *r, const char *shape, char slot)
{
    struct shape_run run = relay_run(r);

    shape_has(&run, shape);
    r->steps = run.steps;
    return shape_slot(&run, slot);
}

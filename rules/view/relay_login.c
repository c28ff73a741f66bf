/* rules/view/relay_login.c - how the client of a handover was authenticated, by what the Received field says. */
#include "rules/view/relay_formats.h"

static struct span transport_that_authenticates(struct span line)
{
    static const char words[] = "esmtpa esmtpsa lmtpa lmtpsa utf8smtpa utf8smtpsa utf8lmtpa utf8lmtpsa asmtp http "
                                "https httpu";

    if (span_search(line, SPAN(" by ")) == SPAN_NPOS)
        return SPAN("");
    for (size_t at; (at = span_isearch(line, SPAN(" with "))) != SPAN_NPOS;) {
        char lower[16];
        size_t n = 0;

        line = span_skip(line, at + 6);
        while (n < line.len && n < sizeof lower && line.ptr[n] != ' ' && line.ptr[n] != ';') {
            lower[n] = ascii_lower(line.ptr[n]);
            n++;
        }
        if (n < sizeof lower && relay_in_words(span_make(lower, n), words))
            return span_first(line, n);
        if (line.len)
            line.ptr--, line.len++;
    }
    return SPAN("");
}

/* The client's part is over, and some comment behind it says so. */
static bool is_sendmail_authenticated(struct relay_reader *r)
{
    static const char *const shapes[] = {
        "]) {a}({a}authenticated{a}){a} by",
        ")] {a}({a}authenticated{a}){a} by",
        "] ({P})) {a}({a}authenticated{a}){a} by",
        "] (may be forged)) {a}({a}authenticated{a}){a} by",
    };

    for (size_t i = 0; span_search(r->line, SPAN("authenticated")) != SPAN_NPOS && i < 4; i++)
        if (relay_has(r, shapes[i]))
            return true;
    return false;
}

static struct span courier_login(struct relay_reader *r)
{
    struct span login = relay_found(r, "]) (AUTH: {s:a} {s}) by ", 'a');

    if (login.len == 0)
        login = relay_found(r, "]) (AUTH: {s:a} {s}, {a}) by ", 'a');
    return relay_in_words(login, "LOGIN PLAIN DIGEST-MD5 CRAM-MD5") ? login : SPAN("");
}

static struct span postfix_login(struct relay_reader *r)
{
    struct span name = relay_found(r, ") (Authenticated sender: {s}) by {s} ({p:a}) with ", 'a');

    if (name.len == 0 || span_is(name, "Postfix"))
        return name;
    return span_of(arena_printf(r->a, "Postfix (%.*s)", SPAN_ARG(name)));
}

static struct span gmail_login(struct relay_reader *r)
{
    struct shape_run run = relay_run(r);
    bool fits = span_search(r->line, SPAN(" by mx.google.com with ESMTPS id ")) != SPAN_NPOS &&
                shape_has(&run, " by mx.google.com with ESMTPS id {w:w}.{d}.{d}.{d}.{d}.{d}.{d}.{d}") &&
                span_search(shape_slot(&run, 'w'), SPAN("sm")) != SPAN_NPOS &&
                shape_has(&run, "(version={s:v} cipher={p:c})");

    r->steps = run.steps;
    return !fits ? SPAN("")
                 : span_of(arena_printf(r->a, "GMail - transport=%.*s cipher=%.*s", SPAN_ARG(shape_slot(&run, 'v')),
                                        SPAN_ARG(shape_slot(&run, 'c'))));
}

static struct span gmx_login(struct relay_reader *r)
{
    struct shape_run run = relay_run(r);
    bool fits = span_search(r->line, SPAN("mail.gmx.")) != SPAN_NPOS &&
                shape_has(&run, "from {S} ({HELO|EHLO} {S}) [{i}] by mail.gmx.{s:m} ({p}) with {S:p}");

    r->steps = run.steps;
    if (!fits)
        return SPAN("");
    struct span with = span_starts(shape_slot(&run, 'p'), SPAN("ESMTP")) ? SPAN("ESMTP") : SPAN("SMTP");
    return span_of(arena_printf(r->a, "GMX (%.*s / mail.gmx.%.*s)", SPAN_ARG(with), SPAN_ARG(shape_slot(&run, 'm'))));
}

struct span relay_login(struct relay_reader *r)
{
    struct span login = transport_that_authenticates(r->line);
    struct span (*const readers[])(struct relay_reader *) = { gmail_login, courier_login };

    for (size_t i = 0; login.len == 0 && i < 2; i++)
        login = readers[i](r);
    if (login.len)
        return login;
    if (is_sendmail_authenticated(r))
        return SPAN("Sendmail");
    if ((login = gmx_login(r)).len || (login = postfix_login(r)).len)
        return login;
    if (span_search(r->line, SPAN(" (account ")) != SPAN_NPOS && relay_has(r, "CommuniGate Pro {HTTP|SMTP|XIMSS|IMAP}"))
        return SPAN("Communigate");
    if (relay_has(r, " with Microsoft Exchange Server HTTP-DAV{b}"))
        return SPAN("HTTP-DAV");
    return relay_has(r, " by ") ? relay_found(r, " (via {HTTP:}{w:a})", 'a') : SPAN("");
}

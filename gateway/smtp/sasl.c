/* smtp/sasl.c - mechanisms, and the login in their messages: PLAIN [RFC4616], LOGIN, CRAM-MD5 [RFC2195], SCRAM
 * [RFC5802], XOAUTH2 (Google's), OAUTHBEARER [RFC7628]. */
#include "gateway/smtp/sasl.h"

#include <string.h>

#include "gateway/base/bug.h"
#include "gateway/mail/tagvalue.h"

enum { DECODED_MAX = SASL_LINE_MAX * 3 / 4 + 3 };

/* ---- mechanisms ---- */

static enum sasl_kind kind_of(struct span mechanism)
{
    static const struct {
        const char *name;
        enum sasl_kind kind;
    } rows[] = {
        { "PLAIN", SASL_PLAIN },
        { "LOGIN", SASL_LOGIN },
        { "CRAM-MD5", SASL_CRAM },
        { "XOAUTH2", SASL_XOAUTH2 },
        { "OAUTHBEARER", SASL_OAUTHBEARER },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (span_iis(mechanism, rows[i].name))
            return rows[i].kind;
    if (mechanism.len > SASL_MECHANISM_MAX || !span_istarts(mechanism, SPAN("SCRAM-")) ||
        span_iends(mechanism, SPAN("-PLUS")))
        return SASL_NONE;
    for (size_t i = 0; i < mechanism.len; i++)
        if (!ascii_is_alnum(mechanism.ptr[i]) && mechanism.ptr[i] != '-' && mechanism.ptr[i] != '_')
            return SASL_NONE;
    return mechanism.len > strlen("SCRAM-") ? SASL_SCRAM : SASL_NONE;
}

bool sasl_is_pattern(struct span word)
{
    return span_iis(word, "SCRAM-*") || kind_of(word) != SASL_NONE;
}

static bool has_word(struct span list, struct span word)
{
    struct span one;

    while (span_word(&list, &one))
        if (span_ieq(one, word) || (span_iis(one, "SCRAM-*") && kind_of(word) == SASL_SCRAM))
            return true;
    return false;
}

void sasl_filter(struct span offered, struct span allowed, char *out)
{
    struct span word;
    size_t len = 0;

    out[0] = '\0';
    while (span_word(&offered, &word)) {
        if (!kind_of(word) || !has_word(allowed, word) || has_word(span_make(out, len), word))
            continue;
        if (len + word.len + 2 > SASL_LIST_MAX)
            return;
        if (len)
            out[len++] = ' ';
        for (size_t i = 0; i < word.len; i++)
            out[len++] = (char)(ascii_is_alpha(word.ptr[i]) ? word.ptr[i] & ~0x20 : word.ptr[i]);
        out[len] = '\0';
    }
}

bool sasl_begin(struct sasl *x, struct span mechanism, struct span list)
{
    struct span word;

    *x = (struct sasl){ .kind = SASL_NONE };
    while (span_word(&list, &word)) {
        if (!span_ieq(word, mechanism) || span_copy(word, x->mechanism, sizeof x->mechanism))
            continue;
        x->kind = kind_of(word);
        return x->kind != SASL_NONE;
    }
    return false;
}

/* ---- the login in a message ---- */

/* A name for the log and for limits: of printing bytes. */
static bool set_user(struct sasl *x, struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
            return false;
    return name.len && !span_copy(name, x->user, sizeof x->user);
}

/* authzid NUL authcid NUL password. Whom the client would like to act as (authzid) is a wish that many a server takes
 * no notice of: the user is the one whose password it is. */
static bool take_plain(struct sasl *x, struct span message)
{
    struct span authzid = { 0 }, authcid = { 0 };

    return span_cut(&message, '\0', &authzid) && message.ptr && span_cut(&message, '\0', &authcid) && message.ptr &&
           set_user(x, authcid);
}

/* "user 0123456789abcdef" */
static bool take_cram(struct sasl *x, struct span message)
{
    size_t blank = span_rfind(message, ' ');

    return blank != SPAN_NPOS && set_user(x, span_first(message, blank));
}

/* "=2C" and "=3D" stand for "," and "=". */
static bool set_saslname(struct sasl *x, struct span name)
{
    char plain[SASL_USER_MAX];
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (len == sizeof plain)
            return false;
        if (c == '=') {
            struct span code = span_first(span_skip(name, i), 3);

            if (!span_is(code, "=2C") && !span_is(code, "=3D"))
                return false;
            c = code.ptr[1] == '2' ? ',' : '=';
            i += 2;
        }
        plain[len++] = c;
    }
    return set_user(x, span_make(plain, len));
}

/* The beginning that SCRAM and OAUTHBEARER have in common: "n,a=authzid," - or "y,", which says that the client could
 * bind the exchange to its TLS connection; but not that it does. */
static bool take_gs2(struct span *message, struct span *authzid)
{
    struct span flag = { 0 };

    if (!span_cut(message, ',', &flag) || !span_cut(message, ',', authzid) || !message->ptr)
        return false;
    return (span_is(flag, "n") || span_is(flag, "y")) && (!authzid->len || span_starts(*authzid, SPAN("a=")));
}

/* As with PLAIN, the user is whose password it is. */
static bool take_scram(struct sasl *x, struct span message)
{
    struct span authzid = { 0 }, name = { 0 };

    return take_gs2(&message, &authzid) && span_cut(&message, ',', &name) && span_starts(name, SPAN("n=")) &&
           set_saslname(x, span_skip(name, 2));
}

/* There is no other name: the token says to the server whose it is. */
static bool take_oauthbearer(struct sasl *x, struct span message)
{
    struct span authzid = { 0 };

    return take_gs2(&message, &authzid) && authzid.len && set_saslname(x, span_skip(authzid, 2));
}

/* "user=" name ^A "auth=Bearer " token ^A ^A */
static bool take_xoauth2(struct sasl *x, struct span message)
{
    struct span name = { 0 };

    return span_cut(&message, '\1', &name) && message.ptr && span_starts(name, SPAN("user=")) &&
           set_user(x, span_skip(name, 5));
}

static bool take_message(struct sasl *x, struct span message)
{
    if (x->user[0]) /* what follows is the next hop's business */
        return true;
    switch (x->kind) {
    case SASL_PLAIN: return take_plain(x, message);
    case SASL_LOGIN: return set_user(x, message);
    case SASL_CRAM: return take_cram(x, message);
    case SASL_SCRAM: return take_scram(x, message);
    case SASL_XOAUTH2: return take_xoauth2(x, message);
    case SASL_OAUTHBEARER: return take_oauthbearer(x, message);
    default: return false;
    }
}

static bool is_base64(struct span line)
{
    size_t pads = 0;

    while (pads < 2 && line.len && line.ptr[line.len - 1] == '=') {
        line.len--;
        pads++;
    }
    for (size_t i = 0; i < line.len; i++)
        if (!ascii_is_alnum(line.ptr[i]) && line.ptr[i] != '+' && line.ptr[i] != '/')
            return false;
    return (line.len + pads) % 4 == 0;
}

bool sasl_take(struct sasl *x, struct span line)
{
    unsigned char decoded[DECODED_MAX];
    size_t len = 0;

    if (!x->responses++ && span_is(line, "="))
        line = SPAN("");
    bool is_good = line.len <= SASL_LINE_MAX && is_base64(line) && !tag_base64(line, decoded, sizeof decoded, &len) &&
                   take_message(x, span_make((const char *)decoded, len));

    explicit_bzero(decoded, sizeof decoded);
    return is_good;
}

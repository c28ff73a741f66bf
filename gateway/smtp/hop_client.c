/* smtp/hop_client.c - who the client is, told to a next hop by XFORWARD or XCLIENT. */
#include "gateway/smtp/hop_client.h"

#include <stdio.h>

enum { COMMAND_MAX = 512, VALUE_MAX = 255 };

/* ADDR last: who has told it is mostly not trusted to tell more. */
enum attribute {
    ATTRIBUTE_PROTO,
    ATTRIBUTE_IDENT,
    ATTRIBUTE_SOURCE,
    ATTRIBUTE_LOGIN,
    ATTRIBUTE_HELO,
    ATTRIBUTE_PORT,
    ATTRIBUTE_NAME,
    ATTRIBUTE_ADDR,
    ATTRIBUTE_COUNT
};

static const char *const names[ATTRIBUTE_COUNT] = {
    [ATTRIBUTE_PROTO] = "PROTO", [ATTRIBUTE_IDENT] = "IDENT", [ATTRIBUTE_SOURCE] = "SOURCE",
    [ATTRIBUTE_LOGIN] = "LOGIN", [ATTRIBUTE_HELO] = "HELO",   [ATTRIBUTE_PORT] = "PORT",
    [ATTRIBUTE_NAME] = "NAME",   [ATTRIBUTE_ADDR] = "ADDR",
};

/* 0: no attribute of ours */
static unsigned attribute_of(struct span name)
{
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
        if (span_iis(name, names[i]))
            return 1U << i;
    return 0;
}

unsigned hop_client_attributes(struct span words)
{
    unsigned attributes = 0;
    struct span word;

    while (span_word(&words, &word))
        attributes |= attribute_of(word);
    return attributes;
}

/* ---- the description ---- */

static void put_word(struct strbuf *out, enum attribute which, const char *value)
{
    strbuf_putf(out, "%s%s=%s", out->len ? " " : "", names[which], value);
}

static bool is_special(char c)
{
    return c <= ' ' || c > '~' || strchr("()<>@,;\\\"", c);
}

/* What the client says of itself, or others of it: `none` when it says nothing, or too much. A login may be an address,
 * and bear an at sign. */
static void put_foreign(struct strbuf *out, enum attribute which, struct span value, const char *none)
{
    char text[3 * VALUE_MAX + 1];
    size_t n = 0;

    for (size_t i = 0; i < value.len && n <= VALUE_MAX; i++) {
        char c = value.ptr[i];

        if (is_special(c) && !(c == '@' && which == ATTRIBUTE_LOGIN))
            c = '?';
        if (c == '+' || c == '=')
            n += (size_t)snprintf(text + n, 4, "+%02X", (unsigned)c);
        else
            text[n++] = c;
    }
    text[n] = '\0';
    put_word(out, which, n && n <= VALUE_MAX ? text : none);
}

static void put_address(struct strbuf *out, const struct session *s)
{
    char text[ADDR_TEXT_MAX + 8], ip[ADDR_TEXT_MAX];

    snprintf(text, sizeof text, "%s%s", s->client.family == ADDR_IP6 ? "IPV6:" : "", addr_text(&s->client, ip));
    put_word(out, ATTRIBUTE_ADDR, s->client.family == ADDR_NONE ? "[UNAVAILABLE]" : text);
}

static void put_port(struct strbuf *out, const struct session *s)
{
    char text[16];

    snprintf(text, sizeof text, "%u", s->client_port);
    put_word(out, ATTRIBUTE_PORT, s->client_port ? text : "[UNAVAILABLE]");
}

void hop_client_describe(struct strbuf *out, enum hop_client how, const struct session *s)
{
    bool is_named = s->client_name.len || s->is_nameless || how == HOP_CLIENT_XFORWARD;

    if (how == HOP_CLIENT_NONE)
        return;
    put_port(out, s);
    put_foreign(out, ATTRIBUTE_NAME, s->client_name, is_named ? "[UNAVAILABLE]" : "[TEMPUNAVAIL]");
    put_word(out, ATTRIBUTE_PROTO, s->is_esmtp ? "ESMTP" : "SMTP");
    if (how == HOP_CLIENT_XFORWARD) {
        put_word(out, ATTRIBUTE_IDENT, s->id);
        put_word(out, ATTRIBUTE_SOURCE, session_direction(s) == DIRECTION_INBOUND ? "REMOTE" : "LOCAL");
    } else {
        put_foreign(out, ATTRIBUTE_LOGIN, s->auth_user, "[UNAVAILABLE]");
    }
    put_foreign(out, ATTRIBUTE_HELO, s->helo, "[UNAVAILABLE]");
    put_address(out, s);
}

/* ---- commands ---- */

/* Each XCLIENT makes the greeting and the login of the one before forgotten: they stand in the last. */
static bool is_for_last(unsigned attribute)
{
    return attribute & (1U << ATTRIBUTE_PROTO | 1U << ATTRIBUTE_LOGIN | 1U << ATTRIBUTE_HELO);
}

unsigned hop_client_commands(struct strbuf *out, enum hop_client how, unsigned attributes, struct span description)
{
    const char *verb = how == HOP_CLIENT_XCLIENT ? "XCLIENT" : "XFORWARD";
    size_t line = 0; /* octets of the command that is being written */
    unsigned count = 0;
    bool is_last = false;
    struct span word;

    while (span_word(&description, &word)) {
        unsigned attribute = attribute_of(span_first(word, span_find(word, '=')));

        if (!(attribute & attributes))
            continue;
        bool begins_last = how == HOP_CLIENT_XCLIENT && !is_last && is_for_last(attribute);
        size_t needs = 1 + word.len + 2 + (begins_last ? description.len : 0);

        is_last |= begins_last;
        if (line && line + needs > COMMAND_MAX) {
            strbuf_puts(out, "\r\n");
            line = 0;
        }
        size_t before = out->len;

        if (!line) {
            strbuf_puts(out, verb);
            count++;
        }
        strbuf_putc(out, ' ');
        strbuf_put(out, word);
        line += out->len - before;
    }
    if (count)
        strbuf_puts(out, "\r\n");
    return count;
}

/* As put_foreign() has written it. */
static char take_character(struct span *rest)
{
    char c = *rest->ptr;
    bool is_coded = c == '+' && rest->len >= 3;

    if (is_coded)
        c = rest->ptr[2] == 'B' ? '+' : '=';
    *rest = span_skip(*rest, is_coded ? 3 : 1);
    return c;
}

bool hop_client_helo(struct span description, char *out)
{
    struct span word;
    size_t n = 0;

    while (span_word(&description, &word)) {
        struct span rest = span_skip(word, 5);

        if (!span_starts(word, SPAN("HELO=")) || span_is(rest, "[UNAVAILABLE]"))
            continue;
        while (rest.len && n + 1 < HOP_CLIENT_HELO_MAX)
            out[n++] = take_character(&rest);
        out[n] = '\0';
        return true;
    }
    return false;
}

void hop_client_who(struct strbuf *out, enum hop_client how, const struct session *s)
{
    char ip[ADDR_TEXT_MAX];

    strbuf_put(out, s->mail_from.text);
    if (how != HOP_CLIENT_NONE)
        strbuf_putf(out, " %s", addr_text(&s->client, ip));
    if (how == HOP_CLIENT_XCLIENT)
        strbuf_putf(out, " %.*s %.*s", SPAN_ARG(s->helo), SPAN_ARG(s->auth_user));
}

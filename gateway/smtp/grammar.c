/* smtp/grammar.c - command lines: a table of verbs. */
#include "gateway/smtp/grammar.h"

#include "gateway/base/bug.h"
#include "gateway/smtp/parameter.h"

enum { CHUNK_MOST = INT32_MAX }; /* more than any message may be */

enum argument { ARGUMENT_NONE, ARGUMENT_SOME, ARGUMENT_ANY };

static const struct verb_row {
    const char *name;
    enum smtp_verb verb;
    enum argument argument;
} verbs[] = {
    { "EHLO", VERB_EHLO, ARGUMENT_SOME },         { "HELO", VERB_HELO, ARGUMENT_SOME },
    { "MAIL", VERB_MAIL, ARGUMENT_SOME },         { "RCPT", VERB_RCPT, ARGUMENT_SOME },
    { "DATA", VERB_DATA, ARGUMENT_NONE },         { "BDAT", VERB_BDAT, ARGUMENT_ANY },
    { "RSET", VERB_RSET, ARGUMENT_NONE },         { "NOOP", VERB_NOOP, ARGUMENT_ANY },
    { "VRFY", VERB_VRFY, ARGUMENT_SOME },         { "HELP", VERB_HELP, ARGUMENT_ANY },
    { "QUIT", VERB_QUIT, ARGUMENT_NONE },         { "STARTTLS", VERB_STARTTLS, ARGUMENT_NONE },
    { "XCLIENT", VERB_XCLIENT, ARGUMENT_SOME },   { "EXPN", VERB_OTHER, ARGUMENT_ANY },
    { "AUTH", VERB_AUTH, ARGUMENT_SOME },         { "ETRN", VERB_OTHER, ARGUMENT_ANY },
    { "TURN", VERB_OTHER, ARGUMENT_ANY },         { "SEND", VERB_OTHER, ARGUMENT_ANY },
    { "SOML", VERB_OTHER, ARGUMENT_ANY },         { "SAML", VERB_OTHER, ARGUMENT_ANY },
    { "XFORWARD", VERB_XFORWARD, ARGUMENT_SOME }, { "LHLO", VERB_LHLO, ARGUMENT_SOME },
    { "GET", VERB_FOREIGN, ARGUMENT_ANY },        { "POST", VERB_FOREIGN, ARGUMENT_ANY },
    { "HEAD", VERB_FOREIGN, ARGUMENT_ANY },       { "PUT", VERB_FOREIGN, ARGUMENT_ANY },
    { "CONNECT", VERB_FOREIGN, ARGUMENT_ANY },    { "OPTIONS", VERB_FOREIGN, ARGUMENT_ANY },
};

static const struct verb_row *find_verb(struct span word)
{
    static const struct verb_row unknown = { "", VERB_UNKNOWN, ARGUMENT_ANY };

    for (size_t i = 0; i < COUNT(verbs); i++)
        if (span_iis(word, verbs[i].name))
            return &verbs[i];
    return &unknown;
}

static bool has_control(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.ptr[i] < ' ' ? line.ptr[i] != '\t' : line.ptr[i] == 0x7f)
            return true;
    return false;
}

static struct span trim_left(struct span s)
{
    while (s.len && ascii_is_wsp(*s.ptr))
        s = span_skip(s, 1);
    return s;
}

/* The name is judged by the checks; here it need only be something that can stand in a header and in a log. */
static enum reply parse_helo(struct smtp_command *out)
{
    struct span name = out->argument;

    if (name.len > SMTP_HELO_MAX)
        return REPLY_BAD_HELO;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || strchr("()<>@,;\\\"", name.ptr[i]))
            return REPLY_BAD_HELO;
    return REPLY_NONE;
}

static enum reply parse_parameters(struct span rest, unsigned extensions, struct smtp_command *out)
{
    if (rest.len && !ascii_is_wsp(*rest.ptr))
        return out->verb == VERB_MAIL ? REPLY_BAD_MAIL : REPLY_BAD_RCPT;
    out->parameters = span_trim(rest);
    enum reply wrong = parameter_parse_all(rest, extensions, out);

    if (!wrong && out->verb == VERB_MAIL && out->is_utf8 && !out->is_smtputf8)
        return REPLY_UTF8_UNSAID;
    return wrong;
}

/* "BDAT size [LAST]" [RFC3030 2] */
static enum reply parse_chunk(struct smtp_command *out)
{
    struct span rest = out->argument, word;

    if (!span_word(&rest, &word) || span_u64(word, CHUNK_MOST, &out->size))
        return REPLY_BAD_CHUNK;
    if (span_word(&rest, &word)) {
        out->is_last = span_iis(word, "LAST");
        if (!out->is_last || span_word(&rest, &word))
            return REPLY_BAD_CHUNK;
    }
    return REPLY_NONE;
}

static enum reply parse_path(struct span prefix, unsigned extensions, struct smtp_command *out)
{
    bool is_mail = out->verb == VERB_MAIL;

    if (!span_istarts(out->argument, prefix))
        return is_mail ? REPLY_BAD_MAIL : REPLY_BAD_RCPT;
    struct span rest = trim_left(span_skip(out->argument, prefix.len));

    if (!rest.len || *rest.ptr != '<')
        return is_mail ? REPLY_BAD_MAIL : REPLY_BAD_RCPT;
    if (address_path(&rest, is_mail, &out->path))
        return is_mail ? REPLY_BAD_SENDER : REPLY_BAD_RECIPIENT;
    out->is_utf8 = out->path.is_utf8;
    if (out->is_utf8 && !(extensions & EXTENSION_SMTPUTF8))
        return REPLY_UTF8_ADDRESS;
    return parse_parameters(rest, extensions, out);
}

static enum reply parse_argument(enum argument wants, unsigned extensions, struct smtp_command *out)
{
    if (wants == ARGUMENT_NONE && out->argument.len)
        return REPLY_ARGUMENT;
    if (wants == ARGUMENT_SOME && !out->argument.len)
        return REPLY_NO_ARGUMENT;
    switch (out->verb) {
    case VERB_EHLO:
    case VERB_LHLO:
    case VERB_HELO: return parse_helo(out);
    case VERB_MAIL: return parse_path(SPAN("FROM:"), extensions, out);
    case VERB_RCPT: return parse_path(SPAN("TO:"), extensions, out);
    case VERB_BDAT: return parse_chunk(out);
    case VERB_OTHER: return REPLY_NOT_IMPLEMENTED;
    case VERB_UNKNOWN: return REPLY_UNKNOWN_COMMAND;
    case VERB_FOREIGN: return REPLY_FOREIGN_PROTOCOL;
    default: return REPLY_NONE;
    }
}

enum reply grammar_parse(struct span line, unsigned extensions, struct smtp_command *out)
{
    struct span rest = line, word = { NULL, 0 };

    *out = (struct smtp_command){ 0 };
    bool has_verb = span_word(&rest, &word) && word.ptr == line.ptr;
    const struct verb_row *row = find_verb(word);

    if (has_verb)
        out->verb = row->verb;
    if (has_control(line))
        return REPLY_BAD_BYTES;
    if (!has_verb)
        return REPLY_UNKNOWN_COMMAND;
    out->argument = span_trim(rest);
    return parse_argument(row->argument, extensions, out);
}

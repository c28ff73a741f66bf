/* smtp/grammar.c - command lines: a table of verbs, and a table of MAIL's parameters. */
#include "gateway/smtp/grammar.h"

#include "gateway/base/bug.h"

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

const char *grammar_verb_text(enum smtp_verb verb)
{
    for (size_t i = 0; i < COUNT(verbs); i++)
        if (verbs[i].verb == verb && verb != VERB_OTHER && verb != VERB_FOREIGN)
            return verbs[i].name;
    return "another command";
}

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

static enum reply set_size(struct span value, struct smtp_command *out)
{
    /* 20 digits at most [RFC1870 3]: what does not fit 64 bits is larger than any limit */
    enum fault fault = span_u64(value, UINT64_MAX, &out->size);

    if (fault == FAULT_RANGE && value.len <= 20)
        out->size = UINT64_MAX;
    else if (fault)
        return REPLY_BAD_PARAMETER;
    return REPLY_NONE;
}

static enum reply set_body(struct span value, struct smtp_command *out)
{
    out->is_8bit = span_iis(value, "8BITMIME");
    out->is_binary = span_iis(value, "BINARYMIME");
    return out->is_8bit || out->is_binary || span_iis(value, "7BIT") ? REPLY_NONE : REPLY_BAD_PARAMETER;
}

static enum reply set_prdr(struct span value, struct smtp_command *out)
{
    out->is_prdr = true;
    return value.ptr ? REPLY_BAD_PARAMETER : REPLY_NONE;
}

static const struct parameter {
    const char *name;
    unsigned extension; /* one of these, at least */
    enum reply (*set)(struct span value, struct smtp_command *out);
} mail_parameters[] = {
    { "SIZE", EXTENSION_SIZE, set_size },
    { "BODY", EXTENSION_8BITMIME | EXTENSION_BINARYMIME, set_body },
    { "PRDR", EXTENSION_PRDR, set_prdr },
};

static enum reply parse_parameter(struct span word, unsigned extensions, unsigned *seen, struct smtp_command *out)
{
    struct span name;

    span_cut(&word, '=', &name);
    for (size_t i = 0; out->verb == VERB_MAIL && i < COUNT(mail_parameters); i++) {
        const struct parameter *p = &mail_parameters[i];

        if (!span_iis(name, p->name) || !(extensions & p->extension))
            continue;
        if (*seen & p->extension)
            return REPLY_BAD_PARAMETER;
        *seen |= p->extension;
        return word.ptr || p->extension == EXTENSION_PRDR ? p->set(word, out) : REPLY_BAD_PARAMETER;
    }
    return REPLY_UNKNOWN_PARAMETER;
}

static enum reply parse_parameters(struct span rest, unsigned extensions, struct smtp_command *out)
{
    struct span word;
    unsigned seen = 0;

    if (rest.len && !ascii_is_wsp(*rest.ptr))
        return out->verb == VERB_MAIL ? REPLY_BAD_MAIL : REPLY_BAD_RCPT;
    out->parameters = span_trim(rest);
    while (span_word(&rest, &word)) {
        enum reply wrong = parse_parameter(word, extensions, &seen, out);

        if (wrong)
            return wrong;
    }
    return out->is_binary && !(extensions & EXTENSION_BINARYMIME) ? REPLY_BAD_PARAMETER : REPLY_NONE;
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
    if (out->path.is_utf8)
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

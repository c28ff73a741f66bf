/* rules/lists/access_action.c - what stands on the right side of an access map. */
#include "rules/lists/access_action.h"

#include <stddef.h>

#include "gateway/base/bug.h"
#include "gateway/core/symbol_conf.h"

struct verb_row {
    const char *word;
    enum access_verb verb;
    const char *wrong; /* Postfix knows it, we do not do it; what to write */
};

static const struct verb_row verbs[] = {
    { "OK", ACCESS_PERMIT, NULL },
    { "PERMIT", ACCESS_PERMIT, NULL },
    { "RELAY", ACCESS_PERMIT, NULL },
    { "DUNNO", ACCESS_DUNNO, NULL },
    { "REJECT", ACCESS_REJECT, NULL },
    { "DEFER", ACCESS_DEFER, NULL },
    { "DEFER_IF_PERMIT", ACCESS_DEFER, NULL },
    { "DISCARD", ACCESS_DISCARD, NULL },
    { "HOLD", ACCESS_HOLD, NULL },
    { "WARN", ACCESS_TELL, NULL },
    { "INFO", ACCESS_TELL, NULL },
    { "PREPEND", ACCESS_PREPEND, NULL },
    { "DEFER_IF_REJECT", ACCESS_DUNNO, "wants DEFER_IF_REJECT, which is not done here; write DEFER or DUNNO" },
    { "BCC", ACCESS_DUNNO, "wants BCC, which is not done here; leave it to the mail server" },
    { "FILTER", ACCESS_DUNNO, "wants FILTER, which is not done here; leave it to the mail server" },
    { "REDIRECT", ACCESS_DUNNO, "wants REDIRECT, which is not done here; leave it to the mail server" },
};

static bool is_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_digit(s.ptr[i]))
            return false;
    return s.len > 0;
}

bool access_header(struct span text, struct span *name, struct span *value)
{
    size_t colon = span_find(text, ':');

    if (colon == SPAN_NPOS || colon == 0)
        return false;
    *name = span_first(text, colon);
    *value = span_trim(span_skip(text, colon + 1));
    for (size_t i = 0; i < name->len; i++)
        if (name->ptr[i] <= ' ' || name->ptr[i] > '~') /* [RFC5322 3.6.8] */
            return false;
    return value->len > 0;
}

/* "550 5.7.1 text"; digits alone are an old way to say OK. */
static const char *parse_number(struct span value, struct span word, struct span rest, struct access_action *out)
{
    bool is_code = word.len == 3 && (word.ptr[0] == '4' || word.ptr[0] == '5');

    if (is_code && !rest.len)
        return "is a code without a text; write such as 550 5.7.1 Not wanted here, or REJECT";
    if (!is_code && rest.len)
        return "begins with a number that is no reply code; write 4NN or 5NN and a text";
    out->verb = !is_code ? ACCESS_PERMIT : word.ptr[0] == '4' ? ACCESS_DEFER : ACCESS_REJECT;
    out->text = is_code ? value : rest;
    return NULL;
}

static const char *parse_word(struct span word, struct span rest, struct access_action *out)
{
    struct span name, body;

    for (size_t i = 0; i < COUNT(verbs); i++) {
        if (!span_iis(word, verbs[i].word))
            continue;
        if (verbs[i].verb == ACCESS_PREPEND && !access_header(rest, &name, &body))
            return "has no header field behind PREPEND; write PREPEND X-Name: value";
        *out = (struct access_action){ verbs[i].verb, rest };
        return verbs[i].wrong;
    }
    return "is none of the actions that are done here; write OK, DUNNO, REJECT, DEFER, DISCARD, HOLD, WARN, INFO, "
           "PREPEND or a reply such as 550 5.7.1 Not wanted here";
}

const char *access_action_parse(struct span value, struct access_action *out)
{
    struct span rest = value, word;

    *out = (struct access_action){ .verb = ACCESS_DUNNO };
    if (!span_word(&rest, &word))
        return "has nothing behind it; write what becomes of its mail, such as REJECT";
    rest = span_trim(rest);
    if (!reply_text_fits(rest))
        return "has a text of more than 300 characters, or others than ASCII's; it stands in a reply";
    return is_digits(word) ? parse_number(value, word, rest, out) : parse_word(word, rest, out);
}

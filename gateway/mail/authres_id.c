/* mail/authres_id.c - whose Authentication-Results field is this?
 *
 * The authserv-id stands first: a token or a quoted string, with comments and folding around it, then perhaps a
 * version, then a semicolon or the end [RFC8601 2.2]. Linear. Memory: the stack.
 */
#include "gateway/mail/authres_id.h"

#include "gateway/mail/domain.h"

enum { AUTHSERV_ID_MAX = 512 };

/* Blanks, folding and nested comments [RFC5322 3.2.2]; false when a comment is not closed. */
static bool skip_cfws(struct span *rest)
{
    size_t depth = 0;

    while (rest->len) {
        char c = rest->ptr[0];

        if (c == '(')
            depth++;
        else if (depth && c == ')')
            depth--;
        else if (depth && c == '\\')
            *rest = span_skip(*rest, 1);
        else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return true;
        *rest = span_skip(*rest, 1);
    }
    return depth == 0;
}

static bool take_quoted(struct span *rest, char *out, size_t *len)
{
    size_t n = 0, i = 1;

    for (; i < rest->len && rest->ptr[i] != '"'; i++) {
        char c = rest->ptr[i];

        if (c == '\\' && i + 1 < rest->len)
            c = rest->ptr[++i];
        if (n == AUTHSERV_ID_MAX)
            return false;
        if (c != '\r' && c != '\n')
            out[n++] = c;
    }
    *len = n;
    if (i >= rest->len)
        return false;
    *rest = span_skip(*rest, i + 1);
    return true;
}

/* Token [RFC2045 5.1], and whatever else is neither blank nor the beginning of something. */
static bool take_token(struct span *rest, char *out, size_t *len)
{
    size_t n = 0;

    while (n < rest->len && (unsigned char)rest->ptr[n] > ' ' && !strchr("();\"", rest->ptr[n]))
        n++;
    if (n == 0 || n > AUTHSERV_ID_MAX)
        return false;
    memcpy(out, rest->ptr, n);
    *len = n;
    *rest = span_skip(*rest, n);
    return true;
}

/* Version: digits, and then nothing more. */
static bool ends_well(struct span rest)
{
    if (!skip_cfws(&rest))
        return false;
    while (rest.len && ascii_is_digit(rest.ptr[0]))
        rest = span_skip(rest, 1);
    return skip_cfws(&rest) && (rest.len == 0 || rest.ptr[0] == ';');
}

static bool names_agree(struct span a, struct span b)
{
    char left[DOMAIN_MAX], right[DOMAIN_MAX];

    if (span_ieq(a, b))
        return true;
    return !domain_normal(a, left) && !domain_normal(b, right) && strcmp(left, right) == 0;
}

bool authres_is_from(struct span body, const char *authserv_id)
{
    struct span rest = body, mine = span_of(authserv_id);
    char id[AUTHSERV_ID_MAX];
    size_t len = 0, end = span_find(body, ';');
    bool is_well = skip_cfws(&rest) && rest.len &&
                   (rest.ptr[0] == '"' ? take_quoted(&rest, id, &len) : take_token(&rest, id, &len)) && ends_well(rest);

    if (is_well)
        return names_agree(span_make(id, len), mine);
    return span_isearch(end == SPAN_NPOS ? body : span_first(body, end), mine) != SPAN_NPOS;
}

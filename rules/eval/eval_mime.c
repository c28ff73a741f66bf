/* rules/eval/eval_mime.c - MIMEEval's functions that look at the parts as they came in, line by line: found out for all
 * of them in one pass.
 */
#include "rules/eval/eval_parts.h"
#include "rules/view/texts.h"

struct eval_mime {
    unsigned base64_count, qp_count, html_count, text_count, attachments;
    unsigned ascii_illegal; /* lines of text/plain in ASCII that are not */
    bool has_base64_text, has_bad_iso_charset, has_faraway_charset, has_missing_boundary, has_alternative, has_long_qp;
    bool has_capital_charset;
    double multipart_ratio, qp_ratio, unicode_ratio;
    bool has_capitals; /* `capitals` has been found out */
    double capitals;   /* percent of the letters shown */
    /* its own */
    size_t qp_bytes, qp_escapes, plain_bytes, unicode_escapes;
    bool has_text_size, has_html_size;
    size_t text_size, html_size; /* of the last parts in the message */
};

/* One part's fields, once for all its lines. */
struct view {
    struct span type, encoding, disposition, charset;
    bool is_leaf, is_plain, is_html, is_attached, is_ascii;
};

static bool has(struct span text, const char *word)
{
    return span_search(text, span_of(word)) != SPAN_NPOS;
}

static bool is_ascii_name(struct span charset)
{
    static const char *const names[] = {
        "ansi_x3.4-1968", "iso-ir-6", "ansi_x3.4-1986", "iso_646.irv:1991", "ascii", "iso646-us", "us",
        "ibm367",         "cp367"
    };

    if (charset.len == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (has(charset, names[i]))
            return true;
    return false;
}

/* "iso-8859-15a", "iso-2022-xx": no such charset. */
static bool is_bad_iso(struct span charset)
{
    size_t at = span_search(charset, SPAN("iso-"));
    struct span rest = at == SPAN_NPOS ? SPAN("") : span_skip(charset, at + 4);
    size_t dash = span_find(rest, '-');

    if (dash == SPAN_NPOS || dash == 0 || dash + 1 == rest.len)
        return false;
    if (span_starts(rest, SPAN("2022-")))
        return !eval_starts(span_skip(rest, 5), "{jp|kr}{b}");
    rest = span_starts(rest, SPAN("8859-")) ? span_skip(rest, 5) : SPAN("");
    size_t n = 0;
    while (n < rest.len && ascii_is_digit(rest.ptr[n]))
        n++;
    bool ends = n == rest.len || !(ascii_is_alnum(rest.ptr[n]) || rest.ptr[n] == '_');
    return n == 0 || n > 2 || !ends;
}

static void count_part(struct scanning *s, struct eval_mime *m, const struct view *v)
{
    bool is_base64 = has(v->encoding, "base64");

    if (v->is_html)
        m->html_count++;
    else if (span_starts(v->type, SPAN("text")))
        m->text_count++;
    m->base64_count += is_base64;
    m->qp_count += !is_base64 && has(v->encoding, "quoted-printable");
    m->attachments += has(v->disposition, "attachment");
    if (span_starts(v->type, SPAN("text")) && is_base64 && is_ascii_name(v->charset) &&
        !span_starts(v->disposition, SPAN("attachment")) && !span_starts(v->disposition, SPAN("inline")))
        m->has_base64_text = true;
    m->has_bad_iso_charset |= is_bad_iso(v->charset);
    m->has_faraway_charset |= v->charset.len && eval_charset_is_foreign(s, v->charset);
    m->has_capital_charset |= v->charset.len && eval_charset_has_capitals(v->charset);
}

static bool is_plain_escape(char a, char b)
{
    if (a == '0')
        return b == '9';
    if (a == '3')
        return ascii_is_digit(b) || (b && strchr("ABCEF", b));
    if (a == '7')
        return ascii_is_digit(b) || (b >= 'A' && b <= 'E');
    return a && strchr("2456", a) && (ascii_is_digit(b) || (b >= 'A' && b <= 'F'));
}

/* Quoted-printable escapes of what needs none; those of blanks at the end of a line are right. */
static size_t needless_escapes(struct span line)
{
    size_t n = 0;

    for (struct span rest = line; rest.len;) {
        size_t at = span_find(rest, '=');
        if (at == SPAN_NPOS || at + 2 >= rest.len)
            break;
        bool is_one = is_plain_escape(rest.ptr[at + 1], rest.ptr[at + 2]);
        n += is_one;
        rest = span_skip(rest, at + (is_one ? 3 : 1));
    }
    if (n == 0)
        return 0;
    struct span end = span_trim(line);
    while (n && (span_ends(end, SPAN("=20")) || span_ends(end, SPAN("=09")))) {
        end = span_first(end, end.len - 3);
        n--;
    }
    return n;
}

/* &#x0041; and the like; returns how many. */
static size_t unicode_escapes(struct span line)
{
    size_t n = 0;

    for (size_t at; (at = span_search(line, SPAN("&#x"))) != SPAN_NPOS;) {
        line = span_skip(line, at + 3);
        size_t digits = 0;
        while (digits < 4 && digits < line.len &&
               (ascii_is_digit(line.ptr[digits]) || (line.ptr[digits] >= 'A' && line.ptr[digits] <= 'F')))
            digits++;
        n += digits == 4 && line.len > 4 && line.ptr[4] == ';';
    }
    return n;
}

static bool is_illegal_ascii(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.ptr[i] >= 0x80 || line.ptr[i] == '\0' || line.ptr[i] == '\r')
            return true;
    return false;
}

/* A line, without its end, which counts as one byte. */
static void count_line(struct eval_mime *m, const struct view *v, struct span line)
{
    enum { QP_LINE_MOST = 78 };
    size_t bytes = line.len + 1;

    if (span_is(v->encoding, "quoted-printable") && !span_starts(line, SPAN("SPAM: "))) {
        m->has_long_qp |= line.len > QP_LINE_MOST;
        m->qp_bytes += bytes;
        m->qp_escapes += needless_escapes(line);
    }
    if (!v->is_plain)
        return;
    m->ascii_illegal += v->is_ascii && is_illegal_ascii(line);
    if (v->encoding.len == 0 || span_is(v->encoding, "7bit") || span_is(v->encoding, "8bit")) {
        size_t escapes = unicode_escapes(line);
        m->unicode_escapes += escapes;
        m->plain_bytes += bytes - escapes * strlen("&#x0000;");
    }
}

/* Returns the part's bytes, with line ends of one byte. */
static size_t count_lines(struct eval_mime *m, const struct view *v, struct span encoded)
{
    size_t bytes = 0;

    for (struct span rest = encoded, line; rest.len && span_cut(&rest, '\n', &line);) {
        if (span_ends(line, SPAN("\r")))
            line.len--;
        bytes += line.len + 1;
        count_line(m, v, line);
    }
    return bytes;
}

static struct view view_of(struct scanning *s, struct mime_part *part)
{
    struct view v = { .type = eval_part_type(part),
                      .encoding = eval_part_field(s, part, "Content-Transfer-Encoding"),
                      .disposition = eval_part_field(s, part, "Content-Disposition"),
                      .charset = span_of(part->charset),
                      .is_leaf = eval_part_is_leaf(part) };

    v.is_plain = span_is(v.type, "text/plain");
    v.is_html = span_is(v.type, "text/html");
    v.is_attached = has(v.disposition, "attachment");
    v.is_ascii = v.charset.len == 0 || span_is(v.charset, "us-ascii");
    return v;
}

static void read_part(struct scanning *s, struct eval_mime *m, struct mime_part *part)
{
    struct view v = view_of(s, part);

    m->has_alternative |= span_is(v.type, "multipart/alternative");
    m->has_missing_boundary |= mime_has(part, MIME_BOUNDARY_UNCLOSED);
    count_part(s, m, &v);
    if (!v.is_leaf)
        return;
    bool has_size = !v.is_attached && (v.is_plain || v.is_html);

    if (!has_size && !v.is_plain && !span_is(v.encoding, "quoted-printable")) /* nothing is asked of its lines */
        return;
    size_t bytes = count_lines(m, &v, part->encoded);
    if (!has_size)
        return;
    bytes = m->has_alternative ? bytes : 0;
    if (v.is_html) {
        m->has_html_size = true;
        m->html_size = bytes;
    } else {
        m->has_text_size = true;
        m->text_size = bytes;
    }
}

static struct eval_mime *mime_of(struct scanning *s)
{
    struct eval_memo *memo = eval_memo(s);
    struct mime_part *part;

    if (memo->mime)
        return memo->mime;
    struct eval_mime *m = arena_alloc(s->q->arena, sizeof *m);
    for (size_t at = 0; (part = eval_part_next(s, &at));)
        read_part(s, m, part);
    m->qp_ratio = m->qp_bytes ? (double)m->qp_escapes / (double)m->qp_bytes : 0;
    if (m->qp_bytes)
        m->qp_count = (unsigned)m->qp_escapes; /* its name notwithstanding: SpamAssassin's, too */
    m->unicode_ratio = m->plain_bytes ? (double)m->unicode_escapes / (double)m->plain_bytes : 0;
    m->multipart_ratio = 1;
    if (m->has_alternative && m->has_text_size && m->has_html_size && m->html_size)
        m->multipart_ratio = (double)m->text_size / (double)m->html_size;
    memo->mime = m;
    return m;
}

static unsigned for_mime(struct scanning *s, const struct rule *rule)
{
    const struct eval_mime *m = mime_of(s);
    const struct {
        const char *name;
        bool is_set;
    } facts[] = {
        { "mime_base64_count", m->base64_count > 0 },
        { "mime_base64_encoded_text", m->has_base64_text },
        { "mime_body_html_count", m->html_count > 0 },
        { "mime_body_text_count", m->text_count > 0 },
        { "mime_faraway_charset", m->has_faraway_charset },
        { "mime_missing_boundary", m->has_missing_boundary },
        { "mime_multipart_alternative", m->has_alternative },
        { "mime_multipart_ratio", m->multipart_ratio > 0 },
        { "mime_qp_count", m->qp_count > 0 },
        { "mime_qp_long_line", m->has_long_qp },
        { "mime_qp_ratio", m->qp_ratio > 0 },
        { "mime_ascii_text_illegal", m->ascii_illegal > 0 },
        { "mime_text_unicode_ratio", m->unicode_ratio > 0 },
        { "mime_attachment", m->attachments > 0 },
        { "mime_bad_iso_charset", m->has_bad_iso_charset },
    };

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (strcmp(facts[i].name, eval_argument(rule, 0)) == 0)
            return facts[i].is_set;
    return 0;
}

static bool is_html_message(struct scanning *s)
{
    return span_istarts(span_trim(eval_text(s, "Content-Type")), SPAN("text/html"));
}

static unsigned mime_html(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return is_html_message(s) || mime_of(s)->html_count > 0;
}

static unsigned mime_html_only(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return is_html_message(s) || (mime_of(s)->html_count > 0 && mime_of(s)->text_count == 0);
}

static unsigned multipart_ratio(struct scanning *s, const struct rule *rule)
{
    double ratio = mime_of(s)->multipart_ratio;

    return ratio >= eval_number(rule, 0, 0) && ratio < eval_number(rule, 1, 0);
}

static unsigned ascii_illegal(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return mime_of(s)->ascii_illegal > 0;
}

static unsigned abundant_unicode(struct scanning *s, const struct rule *rule)
{
    return mime_of(s)->unicode_ratio >= eval_number(rule, 0, 0);
}

static unsigned qp_ratio(struct scanning *s, const struct rule *rule)
{
    return mime_of(s)->qp_ratio >= eval_number(rule, 0, 0);
}

/* ---- capitals ---- */

/* What stands after charset= in Content-Type. */
static struct span charset_of(struct scanning *s)
{
    struct span type = eval_text(s, "Content-Type");
    size_t at = span_isearch(type, SPAN("charset="));
    struct span rest = at == SPAN_NPOS ? SPAN("") : span_skip(type, at + 8), word;

    if (rest.len > 1 && (rest.ptr[0] == '"' || rest.ptr[0] == '\'')) {
        size_t end = span_find(span_skip(rest, 1), rest.ptr[0]);
        if (end != SPAN_NPOS && end > 0)
            return span_make(rest.ptr + 1, end);
    }
    return rest.len && span_word(&rest, &word) ? span_trim(word) : SPAN("");
}

/* Two runs of base64 of a line's length each, with a space behind. */
static bool is_base64(struct span line)
{
    for (int run = 0; run < 2; run++) {
        size_t n = 0;

        while (n < line.len && (ascii_is_alnum(line.ptr[n]) || (line.ptr[n] && strchr("+/=", line.ptr[n]))))
            n++;
        if (n < 60 || n > 76 || n == line.len || line.ptr[n] != ' ')
            return false;
        line = span_skip(line, n + 1);
    }
    return true;
}

static bool has_inner_blank(struct span line)
{
    line = span_trim(line);
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == ' ' || (line.ptr[i] >= '\t' && line.ptr[i] <= '\r'))
            return true;
    return false;
}

static double percent_of_capitals(struct scanning *s)
{
    enum { LEAST_BYTES = 200 };
    size_t bytes = 0, lower = 0, upper = 0;

    if (mime_of(s)->has_capital_charset || eval_charset_has_capitals(charset_of(s)))
        return 0;
    for (size_t i = 0; i < s->body.count; i++) {
        struct span line = s->body.items[i];

        if (!has_inner_blank(line) || is_base64(line))
            continue;
        bytes += line.len;
        for (size_t k = 0; k < line.len; k++) {
            char c = line.ptr[k];
            lower += (c >= 'a' && c <= 'z') || ascii_is_digit(c);
            upper += c >= 'A' && c <= 'Z';
        }
    }
    return bytes < LEAST_BYTES || upper + lower == 0 ? 0 : (double)upper / (double)(upper + lower) * 100;
}

static unsigned uppercase(struct scanning *s, const struct rule *rule)
{
    struct eval_mime *m = mime_of(s);

    if (!m->has_capitals)
        m->capitals = percent_of_capitals(s);
    m->has_capitals = true;
    double percent = m->capitals;

    return percent > eval_number(rule, 0, 0) && percent <= eval_number(rule, 1, 0);
}

static unsigned faraway_charset(struct scanning *s, const struct rule *rule)
{
    struct span charset = charset_of(s);
    size_t high = 0, low = 0;

    (void)rule;
    if (charset.len == 0 || !eval_charset_is_foreign(s, charset))
        return 0;
    for (size_t i = 0; i < s->body.count; i++)
        for (size_t k = 0; k < s->body.items[i].len; k++)
            *((unsigned char)s->body.items[i].ptr[k] >= 0x80 ? &high : &low) += 1;
    return low <= high && high > 3;
}

#define MIME SA_PLUGIN("MIMEEval")

const struct eval_function eval_mime_functions[] = {
    { "check_for_mime", MIME, for_mime, 1, 1 },
    { "check_for_mime_html", MIME, mime_html, 0, 0 },
    { "check_for_mime_html_only", MIME, mime_html_only, 0, 0 },
    { "check_mime_multipart_ratio", MIME, multipart_ratio, 2, 2 },
    { "check_for_ascii_text_illegal", MIME, ascii_illegal, 0, 0 },
    { "check_abundant_unicode_ratio", MIME, abundant_unicode, 1, 1 },
    { "check_qp_ratio", MIME, qp_ratio, 1, 1 },
    { "check_for_uppercase", MIME, uppercase, 2, 2 },
    { "check_for_faraway_charset", MIME, faraway_charset, 0, 0 },
    { 0 },
};

/* content/html_token.c - the tokens of HTML, as its standard reads them [HTML 13.2.5]. */
#include "gateway/content/html_token.h"

static bool is_alpha(char c)
{
    return ascii_is_alpha(c);
}

void html_tokens_init(struct html_tokens *t, struct span source)
{
    *t = (struct html_tokens){ source.ptr, source.ptr + source.len, HTML_EL_UNKNOWN, false };
}

static const char *find(const char *from, const char *end, char byte)
{
    const char *p = from < end ? memchr(from, byte, (size_t)(end - from)) : NULL;

    return p ? p : end;
}

/* ---- attributes ---- */

struct known_attribute {
    const char *name;
    enum html_attribute id;
};

/* By length; a name is compared with a few others only. */
static const struct known_attribute of_2[] = { { "id", HTML_AT_ID }, { NULL, 0 } };
static const struct known_attribute of_3[] = { { "src", HTML_AT_SRC }, { "alt", HTML_AT_ALT }, { NULL, 0 } };
static const struct known_attribute of_4[] = {
    { "href", HTML_AT_HREF }, { "size", HTML_AT_SIZE }, { "face", HTML_AT_FACE }, { "text", HTML_AT_TEXT },
    { "type", HTML_AT_TYPE }, { "data", HTML_AT_DATA }, { "open", HTML_AT_OPEN }, { NULL, 0 },
};
static const struct known_attribute of_5[] = {
    { "style", HTML_AT_STYLE },
    { "class", HTML_AT_CLASS },
    { "width", HTML_AT_WIDTH },
    { "color", HTML_AT_COLOR },
    { "value", HTML_AT_VALUE },
    { "media", HTML_AT_MEDIA },
    { NULL, 0 },
};
static const struct known_attribute of_6[] = {
    { "height", HTML_AT_HEIGHT },
    { "hidden", HTML_AT_HIDDEN },
    { "action", HTML_AT_ACTION },
    { "srcset", HTML_AT_SRCSET },
    { "poster", HTML_AT_POSTER },
    { "srcdoc", HTML_AT_SRCDOC },
    { NULL, 0 },
};
static const struct known_attribute of_7[] = {
    { "bgcolor", HTML_AT_BGCOLOR },
    { "content", HTML_AT_CONTENT },
    { NULL, 0 },
};
static const struct known_attribute of_10[] = {
    { "http-equiv", HTML_AT_HTTP_EQUIV },
    { "background", HTML_AT_BACKGROUND },
    { "formaction", HTML_AT_FORMACTION },
    { "xlink:href", HTML_AT_XLINK_HREF },
    { NULL, 0 },
};
static const struct known_attribute of_11[] = { { "placeholder", HTML_AT_PLACEHOLDER }, { NULL, 0 } };
static const struct known_attribute of_20[] = { { "data-saferedirecturl", HTML_AT_SAFE_REDIRECT }, { NULL, 0 } };

static const struct known_attribute *const by_length[] = {
    [2] = of_2, [3] = of_3, [4] = of_4, [5] = of_5, [6] = of_6, [7] = of_7, [10] = of_10, [11] = of_11, [20] = of_20,
};

static void attribute_add(struct html_attributes *a, struct span name, struct span value)
{
    a->count++;
    if (name.len > 2 && (name.ptr[0] | 32) == 'o' && (name.ptr[1] | 32) == 'n' && is_alpha(name.ptr[2]))
        a->has_event = true;
    if (name.len >= sizeof by_length / sizeof *by_length || !by_length[name.len])
        return;
    for (const struct known_attribute *k = by_length[name.len]; k->name; k++) {
        if (!span_ieq(name, span_make(k->name, name.len)))
            continue;
        if (!html_has(a, k->id)) {
            a->has |= (uint64_t)1 << k->id;
            a->value[k->id] = value;
        }
        return;
    }
}

static bool ends_name(char c)
{
    return html_is_space(c) || c == '/' || c == '>';
}

/* The value behind `=`; moves *at behind it. */
static struct span attribute_value(const char **at, const char *end)
{
    const char *p = *at;

    while (p < end && html_is_space(*p))
        p++;
    if (p < end && (*p == '"' || *p == '\'')) {
        const char *from = p + 1;

        p = find(from, end, *p);
        *at = p < end ? p + 1 : end;
        return span_make(from, (size_t)(p - from));
    }
    const char *from = p;

    while (p < end && !html_is_space(*p) && *p != '>')
        p++;
    *at = p;
    return span_make(from, (size_t)(p - from));
}

/* From behind the name to behind the `>`; false: the source ends before. */
static bool scan_attributes(const char **at, const char *end, struct html_attributes *a)
{
    const char *p = *at;

    for (;;) {
        const char *gap = p;

        while (p < end && (html_is_space(*p) || *p == '/'))
            p++;
        a->has_slash = p > gap && p[-1] == '/';
        if (p == end || *p == '>')
            break;
        const char *from = p++;

        a->has_odd |= *from == '"' || *from == '\'' || *from == '<' || *from == '=';
        for (; p < end && !ends_name(*p) && *p != '='; p++)
            a->has_odd |= *p == '"' || *p == '\'' || *p == '<';
        struct span name = span_make(from, (size_t)(p - from)), value = SPAN("");

        while (p < end && html_is_space(*p))
            p++;
        if (p < end && *p == '=') {
            p++;
            value = attribute_value(&p, end);
        }
        attribute_add(a, name, value);
    }
    *at = p < end ? p + 1 : end;
    return p < end;
}

/* ---- tags, comments, texts ---- */

static void read_tag(struct html_tokens *t, struct html_token *out)
{
    const char *from = t->at, *p = from + (from[1] == '/' ? 2 : 1), *name = p;

    out->kind = from[1] == '/' ? HTML_END : HTML_START;
    while (p < t->end && !ends_name(*p))
        p++;
    out->name = span_make(name, (size_t)(p - name));
    out->element = html_element(out->name);
    out->attributes.has = 0;
    out->attributes.count = 0;
    out->attributes.has_event = out->attributes.has_odd = out->attributes.has_slash = false;
    bool has_slash = p < t->end && *p == '/';

    out->is_unclosed = !scan_attributes(&p, t->end, &out->attributes);
    out->is_odd = out->attributes.has_odd || (out->attributes.count && (has_slash || out->kind == HTML_END));
    t->at = p;
    if (out->kind == HTML_START && html_nature(out->element) & (HTML_RAW_TEXT | HTML_PLAIN_TEXT))
        t->raw = out->element;
}

/* Where the comment whose content begins at `from` ends: *behind it is where reading goes on. */
static const char *comment_end(const char *from, const char *end, const char **behind)
{
    if (from < end && *from == '>') {
        *behind = from + 1;
        return from;
    }
    if (end - from >= 2 && from[0] == '-' && from[1] == '>') {
        *behind = from + 2;
        return from;
    }
    for (const char *p = from; (p = find(p, end, '>')) < end; p++) {
        size_t before = (size_t)(p - from);
        size_t closing = before >= 2 && !memcmp(p - 2, "--", 2) ? 2 : before >= 3 && !memcmp(p - 3, "--!", 3) ? 3 : 0;

        if (!closing)
            continue;
        *behind = p + 1;
        return p - closing;
    }
    *behind = end;
    return end;
}

/* <!doctype>, <?xml?>, </ >, <![endif]>: up to the next >. */
static void read_bogus(struct html_tokens *t, struct html_token *out)
{
    const char *content = t->at + 2, *until = find(content, t->end, '>');

    out->kind = HTML_COMMENT;
    out->is_bogus = true;
    out->is_unclosed = until == t->end;
    if (t->at[1] == '!' && until - content >= 7 && span_ieq(span_make(content, 7), SPAN("doctype")))
        out->kind = HTML_DECLARATION;
    out->text = span_make(content, (size_t)(until - content));
    t->at = until < t->end ? until + 1 : t->end;
}

static bool begins_comment(const char *p, const char *end)
{
    return end - p >= 4 && !memcmp(p, "<!--", 4);
}

/* One that never ends hides all the rest from people, and nothing from us: its first tag's worth is taken for it. */
static void read_comment(struct html_tokens *t, struct html_token *out)
{
    const char *content = t->at + 4, *behind = t->end, *until = t->end;

    if (!t->has_no_comment_end)
        until = comment_end(content, t->end, &behind);
    if (until == t->end) {
        t->has_no_comment_end = true;
        read_bogus(t, out);
        out->is_unclosed = true;
        return;
    }
    out->kind = HTML_COMMENT;
    out->text = span_make(content, (size_t)(until - content));
    out->is_odd = until == content ? *content != '-' || content[1] != '-' : *until == '-' && until[2] == '!';
    t->at = behind;
}

/* Whether what begins with the `<` at `p` is markup, not text. */
static bool is_markup(const char *p, const char *end)
{
    if (end - p < 2)
        return false;
    return is_alpha(p[1]) || p[1] == '!' || p[1] == '?' || (p[1] == '/' && end - p > 2);
}

static void read_text(struct html_tokens *t, struct html_token *out)
{
    const char *from = t->at, *p = from;

    while ((p = find(p, t->end, '<')) < t->end && !is_markup(p, t->end))
        p++;
    out->kind = HTML_TEXT;
    out->text = span_make(from, (size_t)(p - from));
    t->at = p;
}

/* What stands in a script, a style sheet, a title: up to its end tag. <plaintext> has none. */
static void read_raw(struct html_tokens *t, struct html_token *out)
{
    struct span name = span_of(html_element_name(t->raw));
    const char *from = t->at, *p = from;

    for (; (p = find(p, t->end, '<')) < t->end; p++) {
        size_t left = (size_t)(t->end - p);

        if (t->raw == HTML_EL_PLAINTEXT || left < name.len + 3 || p[1] != '/')
            continue;
        if (ends_name(p[2 + name.len]) && span_ieq(span_make(p + 2, name.len), name))
            break;
    }
    out->kind = HTML_TEXT;
    out->text = span_make(from, (size_t)(p - from));
    out->is_raw = html_nature(t->raw) & HTML_RAW_TEXT;
    out->element = t->raw;
    out->is_unclosed = p == t->end && t->raw != HTML_EL_PLAINTEXT;
    t->raw = HTML_EL_UNKNOWN;
    t->at = p;
}

static void read_markup(struct html_tokens *t, struct html_token *out)
{
    const char *p = t->at;

    if (is_alpha(p[1]) || (p[1] == '/' && is_alpha(p[2])))
        read_tag(t, out);
    else if (begins_comment(p, t->end))
        read_comment(t, out);
    else
        read_bogus(t, out);
}

bool html_tokens_next(struct html_tokens *t, struct html_token *out)
{
    if (t->at == t->end)
        return false;
    const char *from = t->at;

    out->text = out->name = SPAN("");
    out->element = HTML_EL_UNKNOWN;
    out->is_raw = out->is_unclosed = out->is_bogus = out->is_odd = false;
    if (t->raw != HTML_EL_UNKNOWN)
        read_raw(t, out);
    if (t->at == from) {
        out->is_raw = out->is_unclosed = false;
        out->element = HTML_EL_UNKNOWN;
        if (*from == '<' && is_markup(from, t->end))
            read_markup(t, out);
        else
            read_text(t, out);
    }
    out->whole = span_make(from, (size_t)(t->at - from));
    return true;
}

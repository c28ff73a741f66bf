/* rules/mime.c - what the structure of a message and its HTML say of who wrote it: where readers would see different
 * things, what is broken, what is hidden [RFC2045, RFC2046].
 *
 * Mail programs make few mistakes, and hardly ever the same ones as those who build a message so that a filter and a
 * reader see two different ones. Each symbol stands for a group of anomalies (mail/mime.h) or of facts about HTML
 * (content/html.h); the reason names them, and the part.
 *
 * It runs before the other checks of the content and works out, on a worker, what they share.
 */
#include "rules/mime.h"

#include "gateway/base/bug.h"
#include "gateway/content/content.h"

enum {
    AMBIGUOUS,
    BOUNDARY,
    UNCLOSED,
    ENCODING,
    CTYPE,
    BROKEN_HEADERS,
    CTE_7BIT,
    NO_VERSION,
    CHARSET,
    PARTIAL,
    EXTERNAL,
    OLD_ENCODING,
    LIMIT,
    HTML_ONLY,
    ZERO_FONT,
    HIDDEN,
    PASSWORD,
    SCRIPT,
    REFRESH,
    DATA_LINK,
    OBJECT,
};

static const struct symbol symbols[] = {
    [AMBIGUOUS] = { "MIME_AMBIGUOUS", 250, "mail readers would see different things in it" },
    [BOUNDARY] = { "MIME_BAD_BOUNDARY", 150, "the boundary of a multipart is missing, never comes, or is odd" },
    [UNCLOSED] = { "MIME_UNCLOSED", 20, "a multipart without its final boundary" },
    [ENCODING] = { "MIME_BAD_ENCODING", 100,
                   "base64, quoted-printable or a packed file that is broken, or another encoding" },
    [CTYPE] = { "BROKEN_CONTENT_TYPE", 150, "a Content-Type that is none" },
    [BROKEN_HEADERS] = { "BROKEN_HEADERS", 200, "lines among the header fields that are none, NUL or bare CR" },
    [CTE_7BIT] = { "BAD_CTE_7BIT", 50, "bytes above 127 in what says that it has none" },
    [NO_VERSION] = { "MISSING_MIME_VERSION", 10, "MIME without MIME-Version" },
    [CHARSET] = { "R_BAD_CHARSET", 80, "a charset that nobody knows, or text that it does not have" },
    [PARTIAL] = { "MIME_PARTIAL", 300, "a piece of a message, which nobody can examine" },
    [EXTERNAL] = { "MIME_EXTERNAL_BODY", 200, "a part that lies elsewhere" },
    [OLD_ENCODING] = { "MIME_UUENCODE", 50, "a file inside of text, in uuencode or yEnc" },
    [LIMIT] = { "MIME_LIMIT", 300, "more parts, levels or bytes than can be looked at" },
    [HTML_ONLY] = { "MIME_HTML_ONLY", 20, "HTML without the same in plain text" },
    [ZERO_FONT] = { "ZERO_FONT", 100, "HTML with text that is too small to read" },
    [HIDDEN] = { "HTML_HIDDEN_TEXT", 120, "HTML that hides more text than it shows" },
    [PASSWORD] = { "HTML_PASSWORD_FIELD", 300, "a field for a password in the message itself" },
    [SCRIPT] = { "HTML_SCRIPT_WRITES", 150, "script that builds a page or a file" },
    [REFRESH] = { "HTML_META_REFRESH", 180, "HTML that goes elsewhere by itself" },
    [DATA_LINK] = { "HTML_DATA_PAGE", 300, "a link that carries its own page" },
    [OBJECT] = { "HTML_OBJECT", 20, "HTML with an object, applet or frame" },
    { 0 },
};

#define BIT(anomaly) (1ULL << (anomaly))

/* Which anomalies each symbol stands for. */
static const struct {
    unsigned symbol;
    uint64_t anomalies;
} groups[] = {
    { AMBIGUOUS, BIT(MIME_DUPLICATE_TYPE) | BIT(MIME_DUPLICATE_ENCODING) | BIT(MIME_DUPLICATE_DISPOSITION) |
                     BIT(MIME_DUPLICATE_PARAM) | BIT(MIME_PARAM_CONFLICT) | BIT(MIME_BOUNDARY_NESTED) },
    { BOUNDARY, BIT(MIME_NO_BOUNDARY) | BIT(MIME_BOUNDARY_ABSENT) | BIT(MIME_BOUNDARY_ODD) },
    { UNCLOSED, BIT(MIME_BOUNDARY_UNCLOSED) },
    { ENCODING, BIT(MIME_BAD_BASE64) | BIT(MIME_BAD_QUOTED_PRINTABLE) | BIT(MIME_UNKNOWN_ENCODING) |
                    BIT(MIME_MULTIPART_ENCODED) | BIT(MIME_BAD_PACKED) },
    { CTYPE, BIT(MIME_BAD_TYPE) },
    { BROKEN_HEADERS, BIT(MIME_BAD_HEADER_LINE) | BIT(MIME_HEADER_IN_BODY) | BIT(MIME_NUL) | BIT(MIME_BARE_CR) },
    { CTE_7BIT, BIT(MIME_8BIT_IN_7BIT) },
    { NO_VERSION, BIT(MIME_NO_VERSION) },
    { CHARSET, BIT(MIME_CHARSET_UNKNOWN) | BIT(MIME_CHARSET_INVALID) },
    { PARTIAL, BIT(MIME_PARTIAL) },
    { EXTERNAL, BIT(MIME_EXTERNAL_BODY) },
    { OLD_ENCODING, BIT(MIME_UUENCODED) | BIT(MIME_YENCODED) },
    { LIMIT, BIT(MIME_DEPTH_REACHED) | BIT(MIME_PARTS_REACHED) | BIT(MIME_HEADER_REACHED) | BIT(MIME_BYTES_REACHED) |
                 BIT(MIME_READINGS_REACHED) },
};

static const char *anomaly_names(struct inquiry *q, uint64_t anomalies)
{
    const char *names = "";

    for (unsigned i = 0; i < MIME_ANOMALY_COUNT; i++)
        if (anomalies & BIT(i))
            names = arena_printf(q->arena, "%s%s%s", names, names[0] ? ", " : "", mime_anomaly_name(i));
    return names;
}

/* The first part that has any of them, as `postern mime` counts: 0 is the message itself. */
static unsigned first_with(const struct mime_tree *tree, uint64_t anomalies)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->parts[i]->anomalies & anomalies)
            return tree->parts[i]->index;
    return 0;
}

static void judge_structure(struct inquiry *q, const struct mime_tree *tree)
{
    for (size_t i = 0; i < COUNT(groups); i++) {
        uint64_t found = tree->anomalies & groups[i].anomalies;

        if (found)
            finding_add(q, groups[i].symbol, "part %u: %s", first_with(tree, found), anomaly_names(q, found));
    }
}

/* Letters that nobody sees: a few are a preheader's, as honest newsletters have them. */
enum { HIDDEN_LETTERS_LEAST = 300 };

static void judge_html(struct inquiry *q, const struct content_text *text)
{
    static const struct {
        unsigned fact, symbol;
        const char *what;
    } facts[] = {
        { HTML_HAS_PASSWORD, PASSWORD, "an input of type password" },
        { HTML_SCRIPT_WRITES, SCRIPT, "script that writes or decodes" },
        { HTML_HAS_REFRESH, REFRESH, "meta refresh" },
        { HTML_HAS_OBJECT | HTML_HAS_IFRAME, OBJECT, "object, embed, applet or iframe" },
    };
    const struct html *html = text->html;
    unsigned part = text->part->index;

    for (size_t i = 0; i < COUNT(facts); i++)
        if (html->facts & facts[i].fact)
            finding_add(q, facts[i].symbol, "part %u: %s", part, facts[i].what);
    if (html->tiny_letters)
        finding_add(q, ZERO_FONT, "part %u: %zu letters", part, html->tiny_letters);
    if (html->hidden_letters >= HIDDEN_LETTERS_LEAST && html->hidden_letters > html->shown_letters)
        finding_add(q, HIDDEN, "part %u: %zu letters are hidden, %zu shown", part, html->hidden_letters,
                    html->shown_letters);
}

static bool is_page(struct span target)
{
    return span_istarts(target, SPAN("data:text/html")) || span_istarts(target, SPAN("data:application/"));
}

static void judge_links(struct inquiry *q, const struct content_text *text)
{
    for (size_t i = 0; i < text->html->link_count; i++) {
        const struct html_link *link = &text->html->links[i];

        if (link->kind == HTML_IMG || !is_page(link->target))
            continue;
        finding_add(q, DATA_LINK, "part %u: %.*s", text->part->index, SPAN_ARG(span_first(link->target, 60)));
        return;
    }
}

static void judge_texts(struct inquiry *q, const struct content *content)
{
    unsigned plain = 0, html = 0;

    for (size_t i = 0; i < content->text_count; i++) {
        const struct content_text *text = &content->texts[i];

        plain += !text->html && !text->is_attachment;
        html += text->html && !text->is_attachment;
        if (!text->html)
            continue;
        judge_html(q, text);
        judge_links(q, text);
    }
    if (html && !plain)
        finding_add(q, HTML_ONLY, "no text/plain part");
}

static enum step run(struct inquiry *q)
{
    const struct content *content = message_content(q->message);

    judge_structure(q, content->mime);
    judge_texts(q, content);
    return STEP_DONE;
}

const struct check_module mime_module = { .symbols = symbols, .run = run };

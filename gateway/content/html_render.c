/* content/html_render.c - text as SpamAssassin renders it, for rules that were written against that
 * [Mail::SpamAssassin::HTML]: hidden text and titles too, blanks for cells, line ends for br and div, empty lines for
 * paragraphs. */
#include "gateway/content/html_parts.h"

void html_render_init(struct html_render *render)
{
    *render = (struct html_render){ .last_at = 0 };
    strbuf_init(&render->text, HTML_TEXT_MAX + 8);
}

/* A piece that is blank by a tag's nature; the piece of text before it loses its last blank. */
static void put_space(struct html_render *render, struct span space)
{
    struct strbuf *b = &render->text;

    if (render->has_piece && !render->last_is_space && !render->last_is_unseen && b->len > render->last_at &&
        b->data[b->len - 1] == ' ')
        b->len--;
    render->last_at = b->len;
    strbuf_put(b, space);
    render->is_cut |= b->is_full;
    render->has_piece = render->last_is_space = true;
    render->last_is_unseen = false;
}

void html_render_end(struct html_reading *r, enum html_element e)
{
    unsigned nature = html_nature(e);

    if (nature & HTML_SA_LINE)
        put_space(&r->render, SPAN("\n"));
    else if (nature & HTML_SA_SPACE)
        put_space(&r->render, SPAN(" "));
    else if (nature & HTML_SA_PARAGRAPH)
        put_space(&r->render, SPAN("\n\n"));
}

void html_render_tag(struct html_reading *r)
{
    unsigned nature = html_nature(r->token.element);

    html_render_end(r, r->token.element);
    if (r->token.kind != HTML_START || !(nature & (HTML_SA_ELEMENT | HTML_SA_TRICK)))
        return;
    if (r->token.element == HTML_EL_IMG && html_is_inside(r, HTML_EL_A) && r->anchors.list.count)
        strbuf_puts(&r->anchor_text, "<img>\n");
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Letters and digits, but no ASCII punctuation: where words are taken apart by tags without blanks. */
static bool is_wordlike(char c)
{
    return ascii_is_alnum(c) || (unsigned char)c >= 0x7f || (c > 0 && (unsigned char)c < ' ' && !is_blank(c));
}

static bool has_ink(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_blank(text.ptr[i]))
            return true;
    return false;
}

static bool is_quote(struct span s)
{
    return span_starts(s, SPAN("\xe2\x80\x9c")) || span_starts(s, SPAN("\xe2\x80\x9d"));
}

/* Typographic quotes become plain ones, in place: rules are written with those. */
static void put_plain_quotes(struct strbuf *b, struct span text)
{
    char *to = strbuf_room(b, text.len), *start = to;

    if (!to)
        return;
    for (size_t i = 0; i < text.len; i++) {
        bool is_one = text.ptr[i] == '\xe2' && is_quote(span_skip(text, i));

        *to++ = is_one ? '"' : text.ptr[i];
        i += is_one ? 2 : 0;
    }
    b->len += (size_t)(to - start);
}

static void put_text(struct html_render *render, struct span joined, bool is_unseen, bool has_quotes)
{
    struct strbuf *b = &render->text;
    struct span cut = html_cut(joined, HTML_TEXT_MAX - (b->len < HTML_TEXT_MAX ? b->len : HTML_TEXT_MAX));

    render->is_cut |= cut.len < joined.len;
    if (render->has_piece && render->last_is_space && !is_unseen && cut.len && cut.ptr[0] == ' ')
        cut = span_skip(cut, 1);
    render->last_at = b->len;
    if (!has_quotes)
        strbuf_put(b, cut);
    else
        put_plain_quotes(b, cut);
    render->has_piece = true;
    render->last_is_space = false;
    render->last_is_unseen = is_unseen;
}

void html_render_text(struct html_reading *r, struct span text, struct span joined)
{
    struct html_render *render = &r->render;
    const struct strbuf *b = &render->text;

    if (!text.len)
        return;
    if (html_is_inside(r, HTML_EL_A) && r->anchors.list.count)
        strbuf_put(&r->anchor_text, text);
    bool is_unseen = has_ink(text) && html_paint_hides(r);
    /* only as written, not &ldquo; */
    bool has_quotes = text.ptr == r->token.text.ptr && span_find(text, '\xe2') != SPAN_NPOS;

    if (render->has_piece && b->len > render->last_at && is_wordlike(b->data[b->len - 1]) && is_wordlike(text.ptr[0]) &&
        !html_blank(text) && !(has_quotes && is_quote(text)))
        r->out->counts.obfuscations++;
    put_text(render, joined, is_unseen, has_quotes);
}

/* content/content.c - what a message says, gathered when it is first asked for.
 *
 * Texts of other readings are there, too, but for those that say what another one says.
 */
#include "gateway/content/content.h"

#include "gateway/base/bug.h"

enum { FIELD_BYTES_MAX = 8192, FIELD_COPIES_MOST = 4 };

/* Fields in which readers show addresses and make links. */
static const char *const fields[] = { "Subject", "From", "Reply-To", "Sender", "Disposition-Notification-To" };

static bool is_same_text(const struct mime_part *a, const struct mime_part *b)
{
    return a->encoded.ptr == b->encoded.ptr && a->encoded.len == b->encoded.len && a->encoding == b->encoding &&
           a->is_html == b->is_html && a->is_flowed == b->is_flowed && strcmp(a->charset, b->charset) == 0 &&
           strcmp(a->reading, b->reading) == 0;
}

static bool is_known(const struct content *content, const struct mime_part *part)
{
    for (size_t i = 0; part->is_reading && i < content->text_count; i++)
        if (is_same_text(content->texts[i].part, part))
            return true;
    return false;
}

static void read_html(struct message *m, struct content *content, struct content_text *text)
{
    const struct html *html = html_read(&m->arena, text->source);

    text->html = html;
    text->shown = html->shown;
    for (size_t i = 0; i < html->link_count; i++)
        urls_add(&m->arena, &content->urls, html->links[i].target, html->base, html->links[i].text, URL_LINK,
                 (int)html->links[i].kind);
    urls_in_text(&m->arena, &content->urls, html->shown, URL_SHOWN, SPAN(""));
    urls_in_text(&m->arena, &content->urls, html->hidden, URL_HIDDEN, SPAN(""));
    urls_in_text(&m->arena, &content->urls, html->outlook, URL_HIDDEN, SPAN(""));
}

/* An attachment that opens in a browser, whatever its type is said to be. */
static bool is_html_file(const struct mime_part *part)
{
    static const char *const ends[] = { ".htm", ".html", ".shtm", ".shtml", ".xht", ".xhtml", ".svg" };

    for (size_t i = 0; i < COUNT(ends) && !part->is_multipart && !part->children; i++)
        if (mime_is_named(part, ends[i]))
            return true;
    return false;
}

static void add_text(struct message *m, struct content *content, struct mime_part *part)
{
    struct content_text *text = &content->texts[content->text_count++];

    text->part = part;
    text->source = text->shown = mime_text(m, part);
    text->is_attachment = part->disposition == MIME_ATTACHMENT;
    if (part->is_html || is_html_file(part))
        read_html(m, content, text);
    else
        urls_in_text(&m->arena, &content->urls, text->source, URL_TEXT, SPAN(""));
}

static void read_texts(struct message *m, struct content *content)
{
    const struct mime_tree *tree = content->mime;

    content->texts = arena_alloc(&m->arena, tree->count * sizeof *content->texts);
    for (size_t i = 0; i < tree->count; i++)
        if ((tree->parts[i]->is_text || is_html_file(tree->parts[i])) && !is_known(content, tree->parts[i]))
            add_text(m, content, tree->parts[i]);
}

static void read_field(struct message *m, struct content *content, const struct header_field *field)
{
    unsigned flaws = 0;
    struct span text = words_decode(&m->arena, field->body, FIELD_BYTES_MAX, &flaws);

    if (!content->subject.len && span_iis(field->name, "subject"))
        content->subject = text;
    urls_in_text(&m->arena, &content->urls, text, URL_HEADER, field->name);
}

static void read_fields(struct message *m, struct content *content)
{
    const struct header_field *field;

    content->subject = SPAN("");
    for (size_t i = 0; i < COUNT(fields); i++)
        for (size_t n = 0; n < FIELD_COPIES_MOST && (field = header_find(&m->header, fields[i], n)); n++)
            read_field(m, content, field);
}

const struct content *message_content(struct message *m)
{
    if (m->content)
        return m->content;
    struct content *content = arena_alloc(&m->arena, sizeof *content);

    content->mime = message_mime(m);
    read_fields(m, content);
    read_texts(m, content);
    m->content = content;
    return content;
}

/* content/content.c - what a message says, gathered when it is first asked for.
 *
 * Texts of other readings are there, too, but for those that say what another one says.
 */
#include "gateway/content/content.h"

#include "gateway/base/bug.h"

enum { FIELD_BYTES_MAX = 8192, FIELD_COPIES_MOST = 4, PROGRAM_BYTES_MAX = 256 * 1024 };

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

/* An attachment that opens in a browser, whatever its type is said to be; Gmail's own kind of page. */
static bool is_html_file(const struct mime_part *part)
{
    static const char *const ends[] = { ".htm", ".html", ".shtm", ".shtml", ".xht", ".xhtml", ".svg", ".hta" };

    if (part->is_multipart || part->children)
        return false;
    for (size_t i = 0; i < COUNT(ends); i++)
        if (mime_is_named(part, ends[i]))
            return true;
    return strcmp(part->type, "image/svg+xml") == 0 || strcmp(part->type, "text/x-amp-html") == 0;
}

static bool is_folded(const struct mime_part *part)
{
    static const char *const types[] = { "text/calendar", "text/vcard", "text/x-vcard", "text/x-vcalendar",
                                         "text/directory" };

    for (size_t i = 0; i < COUNT(types); i++)
        if (strcmp(part->type, types[i]) == 0)
            return true;
    return false;
}

/* Lines that go on behind a blank are one, wherever they were cut; `\n` is a line end [RFC5545 3.1, 3.3.11]. */
static struct span unfolded(struct arena *a, struct span text)
{
    char *out = arena_alloc(a, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], next = i + 1 < text.len ? text.ptr[i + 1] : '\0';

        if (c == '\n' && (next == ' ' || next == '\t'))
            i++;
        else if (c == '\\' && next && strchr("nN,;\\", next))
            out[len++] = ascii_lower(text.ptr[++i]) == 'n' ? '\n' : next;
        else
            out[len++] = c;
    }
    return span_make(out, len);
}

static void add_text(struct message *m, struct content *content, struct mime_part *part)
{
    struct content_text *text = &content->texts[content->text_count++];

    text->part = part;
    text->source = text->shown = mime_text(m, part);
    text->is_attachment = part->disposition == MIME_ATTACHMENT;
    if (part->is_html || is_html_file(part)) {
        text->html = html_read(&m->arena, text->source);
        text->shown = text->html->shown;
    } else if (is_folded(part)) {
        text->shown = unfolded(&m->arena, text->source);
    }
}

static void read_texts(struct message *m, struct content *content)
{
    const struct mime_tree *tree = content->mime;

    content->texts = arena_alloc(&m->arena, tree->count * sizeof *content->texts);
    for (size_t i = 0; i < tree->count; i++)
        if ((tree->parts[i]->is_text || is_html_file(tree->parts[i])) && !is_known(content, tree->parts[i]))
            add_text(m, content, tree->parts[i]);
}

/* ---- URLs: what is clicked on first, for their number is limited ---- */

enum pass { CLICKED, SHOWN, PLAIN, UNSEEN, PASSES };

static void add_links(struct message *m, struct content *content, const struct html *html, bool are_clicked)
{
    for (size_t i = 0; i < html->link_count; i++) {
        const struct html_link *link = &html->links[i];

        if (html_is_clicked(link) == are_clicked)
            urls_add(&m->arena, &content->urls, link->target, html->base, link->text,
                     link->is_hidden ? URL_UNSEEN : URL_LINK, (int)link->kind);
    }
}

static void add_unseen(struct message *m, struct content *content, const struct content_text *text)
{
    const struct html *html = text->html;

    add_links(m, content, html, false);
    urls_in_text(&m->arena, &content->urls, html->hidden, URL_HIDDEN, SPAN(""));
    urls_in_text(&m->arena, &content->urls, html->outlook, URL_HIDDEN, SPAN(""));
    if (!text->is_attachment && !is_html_file(text->part))
        return; /* mail readers run no scripts, a browser that opens an attachment does */
    for (size_t i = 0; i < html->scripts.count; i++)
        urls_in_code(&m->arena, &content->urls, html->scripts.items[i]);
    for (size_t i = 0; i < html->handlers.count; i++)
        urls_in_code(&m->arena, &content->urls, html->handlers.items[i]);
}

/* Shortcuts and scripts: who opens them goes where they say. */
static bool is_program(const struct mime_part *part)
{
    static const char *const ends[] = { ".url", ".website", ".webloc", ".desktop", ".js",  ".jse",
                                        ".vbs", ".vbe",     ".wsf",    ".ps1",     ".bat", ".cmd" };

    if (part->is_multipart || part->children || part->is_text)
        return false;
    for (size_t i = 0; i < COUNT(ends); i++)
        if (mime_is_named(part, ends[i]))
            return true;
    return false;
}

static void read_programs(struct message *m, struct content *content)
{
    for (size_t i = 0; i < content->mime->count; i++)
        if (is_program(content->mime->parts[i]))
            urls_in_code(&m->arena, &content->urls,
                         span_first(mime_text(m, content->mime->parts[i]), PROGRAM_BYTES_MAX));
}

static struct span without_blanks(struct arena *a, struct span s)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_wsp(s.ptr[i]))
            out[n++] = s.ptr[i];
    return span_make(out, n);
}

/* Of a body that lies elsewhere readers show a link to it: blanks in it were put there on the way [RFC2017 3]. */
static void read_external(struct message *m, struct content *content)
{
    for (size_t i = 0; i < content->mime->count; i++) {
        const struct mime_part *part = content->mime->parts[i];
        const struct header_field *type = header_find(&part->header, "Content-Type", 0);
        struct params p;

        if (!mime_has(part, MIME_EXTERNAL_BODY) || !type)
            continue;
        params_read(&m->arena, type->body, &p);
        const struct param *url = params_find(&p, "url", 0);

        if (url)
            urls_in_text(&m->arena, &content->urls, without_blanks(&m->arena, url->value), URL_TEXT, SPAN(""));
    }
}

static void add_urls(struct message *m, struct content *content, const struct content_text *text, enum pass pass)
{
    if (pass == CLICKED && text->html)
        add_links(m, content, text->html, true);
    else if (pass == SHOWN && text->html)
        urls_in_text(&m->arena, &content->urls, text->shown, URL_SHOWN, SPAN(""));
    else if (pass == PLAIN && !text->html)
        urls_in_text(&m->arena, &content->urls, text->shown, URL_TEXT, SPAN(""));
    else if (pass == UNSEEN && text->html)
        add_unseen(m, content, text);
}

static void read_urls(struct message *m, struct content *content)
{
    for (int attached = 0; attached < 2; attached++)
        for (enum pass pass = CLICKED; pass < PASSES; pass++)
            for (size_t i = 0; i < content->text_count; i++)
                if (content->texts[i].is_attachment == attached)
                    add_urls(m, content, &content->texts[i], pass);
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
    read_urls(m, content);
    read_programs(m, content);
    read_external(m, content);
    m->content = content;
    return content;
}

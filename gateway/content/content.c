/* content/content.c - what a message says, gathered when it is first asked for. */
#include "gateway/content/content.h"

enum { SUBJECT_BYTES_MAX = 8192 };

static void add_text(struct message *m, struct content *content, struct mime_part *part)
{
    struct content_text *text = &content->texts[content->text_count++];

    text->part = part;
    text->source = text->shown = mime_text(m, part);
    text->is_attachment = part->disposition == MIME_ATTACHMENT;
}

static void read_texts(struct message *m, struct content *content)
{
    const struct mime_tree *tree = content->mime;

    content->texts = arena_alloc(&m->arena, tree->count * sizeof *content->texts);
    for (size_t i = 0; i < tree->count; i++)
        if (tree->parts[i]->is_text)
            add_text(m, content, tree->parts[i]);
}

static void read_subject(struct message *m, struct content *content)
{
    const struct header_field *subject = header_find(&m->header, "subject", 0);
    unsigned flaws = 0;

    content->subject = SPAN("");
    if (subject)
        content->subject = words_decode(&m->arena, subject->body, SUBJECT_BYTES_MAX, &flaws);
}

const struct content *message_content(struct message *m)
{
    if (m->content)
        return m->content;
    struct content *content = arena_alloc(&m->arena, sizeof *content);

    content->mime = message_mime(m);
    read_texts(m, content);
    read_subject(m, content);
    m->content = content;
    return content;
}

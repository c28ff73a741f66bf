/* rules/view/scanning.c - the texts that rules see: of bodies what is shown and what was decoded, addresses, the whole.
 * */
#include "rules/view/scanning.h"

#include "rules/settings.h"
#include "rules/view/texts.h"
#include "rules/view/uris.h"

enum { BODY_BYTES = 50000, RAWBODY_BYTES = 500000 };

struct gathering {
    struct scanning *s;
    struct arena *arena;
    size_t most; /* bytes of a part */
    char *text;
    size_t len;
};

/* ---- what is shown ---- */

static bool is_shown_type(const struct content_text *text)
{
    return text->html || !strcmp(text->part->type, "text/plain");
}

/* What a reader shows that knows nothing of MIME: the code of pictures and the like, of which rules about words would
 * make words. Rules about the whole message see it. */
static bool is_code(const struct mime_part *part)
{
    return part->is_reading && strcmp(part->reading, "without MIME") == 0;
}

/* Another reading of a part is looked at where it says something else. */
static bool is_repeated(const struct content *content, size_t i)
{
    const struct content_text *text = &content->texts[i];

    if (is_code(text->part))
        return true;
    if (!text->part->reading_of)
        return false;
    for (size_t k = 0; k < i; k++) {
        const struct mime_part *other = content->texts[k].part;

        if ((other == text->part->reading_of || other->reading_of == text->part->reading_of) &&
            span_eq(content->texts[k].shown, text->shown))
            return true;
    }
    return false;
}

enum { PIECES_MAX = 3 };

/* Of HTML also what nobody sees: it is there for filters. Where that uses up the room of `most` bytes, what is seen
 * comes once more by itself. */
static size_t pieces_of(const struct content_text *text, size_t most, struct span out[PIECES_MAX])
{
    const struct html *html = text->html;
    size_t n = 0;

    out[n++] = html ? html->rendered : text->source;
    if (html && html->outlook.len)
        out[n++] = html->outlook;
    if (html && most && html->rendered.len > most && html->shown.len + most / 2 < html->rendered.len)
        out[n++] = html->shown;
    return n;
}

static void gather(struct gathering *g, struct span piece)
{
    struct span cut = text_cut(piece, g->most, "\n ");

    if (g->len)
        g->text[g->len++] = '\n';
    if (cut.len)
        memcpy(g->text + g->len, cut.ptr, cut.len);
    g->len += cut.len;
}

static size_t most_bytes(const struct gathering *g)
{
    const struct content *content = g->s->content;
    size_t bytes = 0;

    for (size_t i = 0; i < content->text_count; i++) {
        struct span pieces[PIECES_MAX];
        size_t count = pieces_of(&content->texts[i], g->most, pieces);

        for (size_t k = 0; k < count; k++)
            bytes += text_cut(pieces[k], g->most, "\n ").len + 1;
    }
    return bytes;
}

static void read_body(struct scanning *s)
{
    const struct rule_lines *subject = scanning_values(s, "Subject:last", HEADER_TEXT);
    const struct ruleset_settings *settings = s->set->settings;
    struct gathering g = { .s = s, .arena = s->q->arena };
    size_t room = 0;

    g.most = settings ? settings->body_part_scan_bytes : BODY_BYTES;
    g.text = arena_alloc(g.arena, most_bytes(&g) + 1);
    for (size_t i = 0; i < s->content->text_count; i++) {
        struct span pieces[PIECES_MAX];
        size_t count = pieces_of(&s->content->texts[i], g.most, pieces);

        if (!is_shown_type(&s->content->texts[i]) || is_repeated(s->content, i))
            continue;
        for (size_t k = 0; k < count; k++)
            gather(&g, pieces[k]);
    }
    char *squeezed = arena_alloc(g.arena, g.len + 1);

    text_paragraphs(g.arena, &s->body, &room, subject->count ? subject->items[0] : SPAN("\n"));
    text_paragraphs(g.arena, &s->body, &room, span_make(squeezed, text_squeeze(span_make(g.text, g.len), squeezed)));
    lines_join(g.arena, &s->body);
}

/* ---- what was decoded ---- */

static bool is_rawbody_part(const struct mime_part *part)
{
    struct span type = span_of(part->type);

    if (part->children || part->is_multipart || span_is(type, "text/calendar"))
        return false;
    return part->is_text || part->is_html || span_starts(type, SPAN("text/")) || span_starts(type, SPAN("message/"));
}

static void read_rawbody(struct scanning *s)
{
    const struct ruleset_settings *settings = s->set->settings;
    size_t most = settings ? settings->rawbody_part_scan_bytes : RAWBODY_BYTES;
    const struct mime_tree *tree = s->content->mime;
    struct span last = { 0 };
    size_t room = 0;

    for (size_t i = 0; i < tree->count; i++) {
        struct mime_part *part = tree->parts[i];

        if (!is_rawbody_part(part) || is_code(part))
            continue;
        struct span bytes = mime_bytes(s->q->message, part); /* half of them may be CR */
        struct span text = text_lf(s->q->arena, most ? span_first(bytes, 2 * most + TEXT_PIECE_BYTES) : bytes);

        text = text_cut(text, most, "\n> ");

        if (!part->reading_of || !span_eq(text, last))
            text_pieces(s->q->arena, &s->rawbody, &room, text);
        last = text;
    }
    lines_join(s->q->arena, &s->rawbody);
}

/* ---- all ---- */

struct span scanning_full(struct scanning *s)
{
    if (!s->full.ptr)
        s->full = text_lf(s->q->arena, s->q->message->bytes);
    return s->full;
}

void scanning_begin(struct scanning *s, struct inquiry *q, const struct ruleset *set, struct matcher *matcher,
                    int64_t until_us)
{
    *s = (struct scanning){ .q = q, .set = set, .matcher = matcher, .until_us = until_us };
    s->content = message_content(q->message);
    s->hits = arena_alloc(q->arena, (set->count + 1) * sizeof *s->hits);
    s->shown = arena_alloc(q->arena, (set->count + 1) * sizeof *s->shown);
    read_body(s);
    read_rawbody(s);
    s->uris = uris_of(s);
}

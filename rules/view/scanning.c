/* rules/view/scanning.c - the texts that rules see: of bodies what is shown and what was decoded, addresses, the whole.
 * */
#include "rules/view/scanning.h"

#include "rules/settings.h"
#include "rules/view/texts.h"
#include "rules/view/uris.h"

enum { BODY_BYTES = 50000, RAWBODY_BYTES = 500000 };

/* What body and rawbody have of all parts together is so many times what they have of one: a thousand parts that say as
 * much as one may would cost a thousand times as much. */
enum { BODY_TIMES = 20, RAWBODY_TIMES = 8 };

static size_t bytes_with(const struct rule_lines *pieces, size_t most)
{
    size_t bytes = 0;

    for (size_t i = 0; i < pieces->count; i++)
        bytes += pieces->items[i].len < most ? pieces->items[i].len : most;
    return bytes;
}

/* How much each piece may have: `most`, or, where all of them would have more than `all` bytes then, as much less as it
 * takes. So the long ones are cut, and no part hides behind another. */
static size_t fair_share(const struct rule_lines *pieces, size_t most, size_t all)
{
    size_t least = 1;

    if (!most || bytes_with(pieces, most) <= all)
        return most;
    while (least + 1 < most) {
        size_t middle = least + (most - least) / 2;

        *(bytes_with(pieces, middle) <= all ? &least : &most) = middle;
    }
    return least;
}

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

/* Pieces behind each other. */
static struct span together(struct arena *a, const struct rule_lines *pieces, size_t most)
{
    size_t bytes = 0, n = 0;

    for (size_t i = 0; i < pieces->count; i++)
        bytes += text_cut(pieces->items[i], most, "\n ").len + 1;
    char *out = arena_alloc(a, bytes + 1);

    for (size_t i = 0; i < pieces->count; i++) {
        struct span cut = text_cut(pieces->items[i], most, "\n ");

        if (n)
            out[n++] = '\n';
        if (cut.len)
            memcpy(out + n, cut.ptr, cut.len);
        n += cut.len;
    }
    return span_make(out, n);
}

/* What all texts show, if each may have `most` bytes. */
static struct rule_lines all_pieces(struct scanning *s, size_t most)
{
    struct rule_lines all = { 0 };
    size_t room = 0;

    for (size_t i = 0; i < s->content->text_count; i++) {
        struct span pieces[PIECES_MAX];
        size_t count = pieces_of(&s->content->texts[i], most, pieces);

        if (!is_shown_type(&s->content->texts[i]) || is_repeated(s->content, i))
            continue;
        for (size_t k = 0; k < count; k++)
            lines_add(s->q->arena, &all, &room, pieces[k]);
    }
    return all;
}

static void read_body(struct scanning *s)
{
    const struct rule_lines *subject = scanning_values(s, "Subject:last", HEADER_TEXT);
    const struct ruleset_settings *settings = s->set->settings;
    size_t most = settings ? settings->body_part_scan_bytes : BODY_BYTES, all = BODY_TIMES * most, room = 0;
    struct rule_lines shown = all_pieces(s, most);
    struct arena *a = s->q->arena;
    size_t share = fair_share(&shown, most, all);

    if (share < most) {
        shown = all_pieces(s, share); /* what nobody sees may use up the smaller room, too */
        share = fair_share(&shown, share, all);
    }
    struct span text = together(a, &shown, share);
    char *squeezed = arena_alloc(a, text.len + 1);

    text_paragraphs(a, &s->body, &room, subject->count ? subject->items[0] : SPAN("\n"));
    text_paragraphs(a, &s->body, &room, span_make(squeezed, text_squeeze(text, squeezed)));
    lines_join(a, &s->body);
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
    struct rule_lines texts = { 0 };
    struct arena *a = s->q->arena;
    struct span last = { 0 };
    size_t room = 0;

    for (size_t i = 0; i < tree->count; i++) {
        struct mime_part *part = tree->parts[i];

        if (!is_rawbody_part(part) || is_code(part))
            continue;
        struct span bytes = mime_bytes(s->q->message, part); /* half of them may be CR */
        struct span text = text_lf(a, most ? span_first(bytes, 2 * most + TEXT_PIECE_BYTES) : bytes);

        text = text_cut(text, most, "\n> ");
        if (!part->reading_of || !span_eq(text, last))
            lines_add(a, &texts, &room, text);
        last = text;
    }
    size_t share = fair_share(&texts, most, RAWBODY_TIMES * most);

    room = 0;
    for (size_t i = 0; i < texts.count; i++)
        text_pieces(a, &s->rawbody, &room, text_cut(texts.items[i], share, "\n> "));
    lines_join(a, &s->rawbody);
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

/* rules/bayes/tokens_body.c - the words of a message's texts.
 *
 * The room is bounded, and who writes spam knows that: he would fill it with words that no reader shows, or that stand
 * far from what he wants to say. So what readers show comes first; plain text beside HTML, attachments and other
 * readings of a part have a small share, and what is then left. Each text has its share of room and bytes, and of a
 * long one several pieces have theirs, from its beginning to its end. What one does not need is for the others.
 */
#include "rules/bayes/tokens_parts.h"

enum {
    TEXTS_READ = 64,
    PIECES_MOST = 32, /* of a text */
    PIECE_BYTES = 1024,
    ASIDE_SHARE = 8,              /* of the room, for what stands aside */
    BLANK_WITHIN = 64,            /* bytes in which a piece begins with a word */
    TEXT_BYTES_MOST = 256 * 1024, /* of all texts */
};

/* ---- which texts ---- */

static bool is_alternative(const struct mime_part *part)
{
    return strcmp(part->type, "multipart/alternative") == 0;
}

/* Notes all alternatives with HTML in them; as long as there is any. */
static void note_html(const struct mime_part *part, bool *has_html)
{
    for (; part->parent; part = part->parent)
        if (is_alternative(part->parent))
            has_html[part->parent->index] = true;
}

static bool stands_beside_html(const struct mime_part *part, const bool *has_html)
{
    for (; part->parent; part = part->parent)
        if (has_html[part->parent->index])
            return true;
    return false;
}

static bool is_aside(const struct content_text *text)
{
    return text->is_attachment || text->part->is_reading;
}

/* First those that readers show; their number in *shown. */
static size_t choose(struct arena *a, const struct content *content, struct span texts[TEXTS_READ], size_t *shown)
{
    bool *has_html = arena_alloc(a, content->mime->count * sizeof *has_html);
    size_t count = 0;

    for (size_t i = 0; i < content->text_count; i++)
        if (content->texts[i].html && !is_aside(&content->texts[i]))
            note_html(content->texts[i].part, has_html);
    for (int is_first = 1; is_first >= 0; is_first--) {
        for (size_t i = 0; i < content->text_count && count < TEXTS_READ; i++) {
            const struct content_text *text = &content->texts[i];
            bool is_shown = !is_aside(text) && (text->html || !stands_beside_html(text->part, has_html));

            if (is_shown == is_first && text->shown.len)
                texts[count++] = text->shown;
        }
        if (is_first)
            *shown = count;
    }
    return count;
}

/* ---- pieces ---- */

/* Where the first word behind `at` begins, if that is near. */
static size_t word_behind(struct span text, size_t at)
{
    for (size_t i = at; at && i < text.len && i < at + BLANK_WITHIN; i++)
        if (text.ptr[i] == ' ' || text.ptr[i] == '\n')
            return i + 1;
    return at;
}

static size_t cut(struct token_set *set, struct span text, size_t bytes, struct token_reader *out)
{
    static const struct token_text body = { TOKEN_WORD, TOKEN_PAIR, TOKEN_KIND_COUNT };
    size_t read = text.len < bytes ? text.len : bytes, count = read / PIECE_BYTES + 1;

    count = count > PIECES_MOST ? PIECES_MOST : count;
    for (size_t i = 0; i < count; i++) {
        size_t from = word_behind(text, text.len / count * i);
        size_t till = i + 1 == count ? text.len : word_behind(text, text.len / count * (i + 1));

        till = till - from > read / count + BLANK_WITHIN ? from + read / count : till;
        out[i] = token_reader_of(set, &body, span_make(text.ptr + from, till - from));
    }
    set->is_cut |= read < text.len;
    return count;
}

/* Those of some texts; *left bytes may be read. */
static size_t cut_all(struct token_set *set, const struct span *texts, size_t count, size_t *left,
                      struct token_reader *out)
{
    size_t pieces = 0;

    for (size_t i = 0; i < count; i++) {
        size_t share = *left / (count - i);

        pieces += cut(set, texts[i], share, out + pieces);
        *left -= texts[i].len < share ? texts[i].len : share;
    }
    return pieces;
}

/* Each has its share of the room up to `most`; what one leaves is for those behind it. */
static void share(struct token_set *set, struct token_reader *pieces, size_t count, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        set->most = set->count + (most - set->count) / (count - i);
        token_reader_go(&pieces[i]);
    }
    set->most = most;
    for (size_t i = 0; i < count; i++)
        token_reader_go(&pieces[i]);
}

void tokens_body(struct token_set *set, struct arena *a, const struct content *content)
{
    struct span texts[TEXTS_READ];
    size_t shown = 0, left = TEXT_BYTES_MOST, count = choose(a, content, texts, &shown), most = set->most;
    struct token_reader *pieces = arena_alloc(a, (count * PIECES_MOST + 1) * sizeof *pieces);
    size_t before = cut_all(set, texts, shown, &left, pieces);
    size_t all = before + cut_all(set, texts + shown, count - shown, &left, pieces + before);
    bool is_cut = set->is_cut;

    share(set, pieces, before, most - (most - set->count) / ASIDE_SHARE);
    share(set, pieces + before, all - before, most);
    for (size_t i = 0; i < all; i++)
        is_cut |= !token_reader_go(&pieces[i]);
    set->is_cut = is_cut;
}

/* rules/bayes/tokens.c - a message as a set of tokens.
 *
 * Facts come before text, so that a long text cannot crowd them out; each source has a share of the room.
 */
#include "rules/bayes/tokens.h"

#include <openssl/evp.h>

#include "gateway/base/bug.h"
#include "rules/bayes/tokens_parts.h"

enum {
    HEADER_MOST = 250, /* tokens so far at most, when the header is read, ... */
    PARTS_MOST = 350,
    URLS_MOST = 550,
    SUBJECT_MOST = 620,
    HTML_MOST = 700,
    PARTS_READ = 50,
    URLS_READ = 200,
    TAGS_READ = 100,
    PATH_BYTES_READ = 200,
    EXTENSION_MOST = 8,
    LABELS = 256,
};

static const char *const kind_words[TOKEN_KIND_COUNT] = {
    [TOKEN_WORD] = "",
    [TOKEN_PAIR] = "",
    [TOKEN_SUBJECT] = "subject:",
    [TOKEN_SUBJECT_PAIR] = "subject:",
    [TOKEN_FIELD] = "field:",
    [TOKEN_FROM] = "from:",
    [TOKEN_FROM_DOMAIN] = "from-domain:",
    [TOKEN_REPLY] = "reply-to:",
    [TOKEN_TO] = "to:",
    [TOKEN_MAILER] = "mailer:",
    [TOKEN_TYPE] = "type:",
    [TOKEN_OTHER] = "header:",
    [TOKEN_ID] = "message-id:",
    [TOKEN_HOST] = "host:",
    [TOKEN_DOMAIN] = "domain:",
    [TOKEN_PATH] = "path:",
    [TOKEN_URL] = "url:",
    [TOKEN_TAG] = "tag:",
    [TOKEN_HTML] = "html:",
    [TOKEN_PART] = "part:",
};

const char *token_kind_text(enum token_kind kind)
{
    return kind_words[kind];
}

/* ---- the set ---- */

bool token_add(struct token_set *set, uint64_t hash, enum token_kind kind, struct span text)
{
    size_t at = hash % TOKEN_SLOTS;

    while (set->slots[at]) {
        if (set->items[set->slots[at] - 1].hash == hash)
            return true;
        at = (at + 1) % TOKEN_SLOTS;
    }
    if (set->count == set->most) {
        set->is_cut = true;
        return false;
    }
    set->items[set->count] = (struct token){ hash, kind, text };
    set->slots[at] = (uint16_t)++set->count;
    return true;
}

void token_add_text(struct token_set *set, enum token_kind kind, struct span text)
{
    token_add(set, token_hash(kind, text), kind, text);
}

/* ---- parts, HTML, URLs ---- */

static void add_word(struct token_set *set, struct arena *a, enum token_kind kind, const char *what, const char *word)
{
    if (word[0])
        token_add_text(set, kind, span_of(arena_printf(a, "%s%.60s", what, word)));
}

static const char *const encodings[] = { "7bit", "8bit", "binary", "base64", "qp", "uuencode", "yenc", "unknown" };

static void add_part(struct token_set *set, struct arena *a, const struct mime_part *part)
{
    struct span name = span_of(part->filename);
    size_t dot = span_rfind(name, '.');

    if (part->reading_of)
        return;
    add_word(set, a, TOKEN_PART, "type=", part->type);
    add_word(set, a, TOKEN_PART, "charset=", part->charset);
    add_word(set, a, TOKEN_PART, "encoding=", encodings[part->encoding]);
    if (part->disposition == MIME_ATTACHMENT)
        add_word(set, a, TOKEN_PART, "", "attachment");
    if (dot != SPAN_NPOS && name.len - dot - 1 <= EXTENSION_MOST)
        add_word(set, a, TOKEN_PART, "extension=", name.ptr + dot + 1);
}

static void add_parts(struct token_set *set, struct arena *a, const struct mime_tree *mime)
{
    for (size_t i = 0; i < mime->count && i < PARTS_READ; i++)
        add_part(set, a, mime->parts[i]);
    for (unsigned i = 0; i < MIME_ANOMALY_COUNT; i++)
        if (mime->anomalies >> i & 1)
            add_word(set, a, TOKEN_PART, "", mime_anomaly_name((enum mime_anomaly)i));
}

static void add_bits(struct token_set *set, struct arena *a, enum token_kind kind, const char *what, unsigned bits)
{
    for (unsigned i = 0; i < 8 * sizeof bits; i++)
        if (bits >> i & 1)
            token_add_text(set, kind, span_of(arena_printf(a, "%s%u", what, i)));
}

static void add_html(struct token_set *set, struct arena *a, const struct html *html)
{
    static const char *const results[] = { "min_size", "max_size" };

    for (size_t i = 0; i < html->tag_kinds && i < TAGS_READ; i++)
        token_add_text(set, TOKEN_TAG, span_first(html->tags[i].name, TOKEN_LETTERS_MOST));
    add_bits(set, a, TOKEN_HTML, "fact ", html->facts);
    add_bits(set, a, TOKEN_HTML, "hidden by ", html->hidings);
    if (html->images)
        token_add_text(set, TOKEN_HTML, span_of(html->images > 4 ? "many images" : "images"));
    for (size_t i = 0; i < COUNT(results); i++) {
        double value = 0;

        if (html_result(html, results[i], &value))
            token_add_text(set, TOKEN_HTML, span_of(arena_printf(a, "%s %.0f", results[i], value)));
    }
}

static void add_url(struct token_set *set, struct arena *a, const struct url *url)
{
    static const struct token_text path = { TOKEN_PATH, TOKEN_KIND_COUNT, TOKEN_KIND_COUNT };

    if (url->source == URL_HEADER || !url->host[0])
        return;
    token_add_text(set, TOKEN_HOST, span_of(url->host));
    token_add_text(set, TOKEN_DOMAIN, span_of(url->domain));
    tokens_text(set, &path, span_first(url->path, PATH_BYTES_READ));
    add_bits(set, a, TOKEN_URL, "flag ", url->flags);
    if (url->port)
        token_add_text(set, TOKEN_URL, span_of(arena_printf(a, "port %u", url->port)));
}

/* ---- sorted ---- */

/* By the first byte of the hash, which is as good as random, then by inserting: few are in each place. */
static void sort(const struct token *from, size_t count, struct token *to)
{
    size_t at[LABELS + 1] = { 0 };

    for (size_t i = 0; i < count; i++)
        at[(from[i].hash >> 56) + 1]++;
    for (size_t i = 1; i <= LABELS; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < count; i++)
        to[at[from[i].hash >> 56]++] = from[i];
    for (size_t i = 1; i < count; i++) {
        struct token one = to[i];
        size_t place = i;

        for (; place && to[place - 1].hash > one.hash; place--)
            to[place] = to[place - 1];
        to[place] = one;
    }
}

void tokens_digest(const struct tokens *t, uint8_t out[STORE_DIGEST_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL) ||
        !EVP_DigestUpdate(md, t->message_id.ptr ? t->message_id.ptr : "", t->message_id.len) ||
        !EVP_DigestUpdate(md, t->hashes, t->count * sizeof *t->hashes) || !EVP_DigestFinal_ex(md, digest, NULL))
        BUG("no SHA-256");
    EVP_MD_CTX_free(md);
    memcpy(out, digest, STORE_DIGEST_BYTES);
}

const struct tokens *tokens_of(struct arena *a, struct message *m)
{
    static const struct token_text subject = { TOKEN_SUBJECT, TOKEN_SUBJECT_PAIR, TOKEN_WORD };
    const struct content *content = message_content(m);
    struct token_set *set = arena_alloc(a, sizeof *set);
    struct tokens *t = arena_alloc(a, sizeof *t);
    const struct header_field *id = header_find(&m->header, "Message-ID", 0);

    set->most = HEADER_MOST;
    tokens_header(set, a, m);
    set->most = PARTS_MOST;
    add_parts(set, a, content->mime);
    set->most = URLS_MOST;
    for (size_t i = 0; i < content->urls.count && i < URLS_READ; i++)
        add_url(set, a, &content->urls.items[i]);
    set->most = SUBJECT_MOST;
    tokens_text(set, &subject, content->subject);
    set->most = HTML_MOST;
    for (size_t i = 0; i < content->text_count; i++)
        if (content->texts[i].html && !content->texts[i].part->reading_of)
            add_html(set, a, content->texts[i].html);
    set->most = TOKENS_MOST;
    tokens_body(set, a, content);
    t->count = set->count;
    t->is_cut = set->is_cut;
    t->items = arena_alloc(a, (set->count + 1) * sizeof *t->items);
    t->hashes = arena_alloc(a, (set->count + 1) * sizeof *t->hashes);
    sort(set->items, set->count, t->items);
    for (size_t i = 0; i < t->count; i++)
        t->hashes[i] = t->items[i].hash;
    t->message_id = id ? span_trim(id->body) : SPAN("");
    return t;
}

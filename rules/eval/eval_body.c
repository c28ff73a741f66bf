/* rules/eval/eval_body.c - BodyEval's functions: alternatives that differ, blank lines, words down a column, lengths.
 */
#include "gateway/base/clock.h"
#include "gateway/base/utf8.h"
#include "rules/eval/eval_parts.h"

/* Alternatives may stand in each other: of one so many bytes are looked at, and of all of them together so many. */
enum { WORDS_MAX = 50000, ALTERNATIVE_BYTES = 512 * 1024, ALTERNATIVES_BYTES = 2 * 1024 * 1024 };

struct eval_alternatives {
    double difference; /* percent of the HTML's words that the text has not */
    size_t html, text; /* different words, of the last alternative */
};

/* ---- multipart/alternative ---- */

enum { IN_HTML, IN_TEXT, KINDS };

/* A word, and how often it stands in each. */
struct word {
    struct span text;
    uint64_t hash;
    unsigned counts[KINDS];
};

struct bag {
    struct arena *arena;
    struct word *words; /* each once */
    size_t count, room;
    uint32_t *slots; /* by hash: 1 + the place in words; 0: free */
    size_t slot_count;
    size_t taken[KINDS]; /* words, however often they stand there */
    size_t left[KINDS];  /* bytes that may be looked at */
    uint64_t seed;       /* whose mail it is does not know in what slot a word comes to lie */
};

static size_t blank_length(struct span s)
{
    size_t n = utf8_length(s);

    if (n == 1)
        return s.ptr[0] == ' ' || (s.ptr[0] >= '\t' && s.ptr[0] <= '\r');
    if (n == 0)
        return 0;
    uint32_t c = utf8_code_point(s, n);
    bool is_blank = c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
                    c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
    return is_blank ? n : 0;
}

/* Signs that stand in text beyond ASCII: these alone make no word. */
static bool is_sign(uint32_t c)
{
    return (c >= 0x80 && c <= 0xbf && c != 0xaa && c != 0xb5 && c != 0xba) || c == 0xd7 || c == 0xf7 ||
           (c >= 0x2010 && c <= 0x203e) || (c >= 0x2041 && c <= 0x206f) || (c >= 0x20a0 && c <= 0x20cf) ||
           (c >= 0x2190 && c <= 0x2bff) || (c >= 0x3001 && c <= 0x3020) || (c >= 0xe000 && c <= 0xf8ff) ||
           (c >= 0xff01 && c <= 0xff0f) || c >= 0xfffd;
}

static bool has_letter(struct span word)
{
    while (word.len) {
        size_t n = utf8_length(word);

        if (n == 1 && (ascii_is_alnum(word.ptr[0]) || word.ptr[0] == '_'))
            return true;
        if (n > 1 && !is_sign(utf8_code_point(word, n)))
            return true;
        word = span_skip(word, n ? n : 1);
    }
    return false;
}

static uint64_t hash_of(const struct bag *bag, struct span word)
{
    uint64_t hash = bag->seed ^ word.len;

    for (size_t at = 0; at < word.len; at += sizeof hash) {
        uint64_t bytes = 0;

        memcpy(&bytes, word.ptr + at, word.len - at < sizeof bytes ? word.len - at : sizeof bytes);
        hash = (hash ^ bytes) * 0x9e3779b97f4a7c15u;
        hash = (hash ^ hash >> 32) + bag->seed;
    }
    return hash ^ hash >> 29;
}

/* Of that word, or where it would come. */
static uint32_t *slot_of(const struct bag *bag, struct span word, uint64_t hash)
{
    for (size_t at = hash;; at++) {
        uint32_t *slot = &bag->slots[at & (bag->slot_count - 1)];
        const struct word *there = *slot ? &bag->words[*slot - 1] : NULL;

        if (!there || (there->hash == hash && span_eq(there->text, word)))
            return slot;
    }
}

static void bag_grow(struct bag *bag)
{
    bag->room = bag->room ? bag->room * 2 : 512;
    bag->words = arena_grow(bag->arena, bag->words, bag->count, bag->room, sizeof *bag->words);
    bag->slot_count = bag->room * 2;
    bag->slots = arena_alloc(bag->arena, bag->slot_count * sizeof *bag->slots);
    for (size_t i = 0; i < bag->count; i++)
        *slot_of(bag, bag->words[i].text, bag->words[i].hash) = (uint32_t)i + 1;
}

static void put_word(struct bag *bag, int kind, struct span text)
{
    if (text.len == 0 || bag->taken[kind] == WORDS_MAX || !has_letter(text))
        return;
    if (bag->count == bag->room)
        bag_grow(bag);
    uint64_t hash = hash_of(bag, text);
    uint32_t *slot = slot_of(bag, text, hash);

    if (!*slot) {
        bag->words[bag->count++] = (struct word){ .text = text, .hash = hash };
        *slot = (uint32_t)bag->count;
    }
    bag->words[*slot - 1].counts[kind]++;
    bag->taken[kind]++;
}

static void put_words(struct bag *bag, int kind, struct span text)
{
    size_t from = 0;

    text = span_first(text, bag->left[kind]);
    bag->left[kind] -= text.len;
    for (size_t at = 0; at < text.len && bag->taken[kind] < WORDS_MAX;) {
        unsigned char c = (unsigned char)text.ptr[at];
        size_t blank = c > ' ' && c < 0x80 ? 0 : blank_length(span_skip(text, at));

        if (!blank) {
            at++;
            continue;
        }
        put_word(bag, kind, span_make(text.ptr + from, at - from));
        from = at += blank;
    }
    put_word(bag, kind, span_skip(text, from));
}

/* How many different words there are in each, and how many of the HTML's the text does not have as often. */
static size_t compare(const struct bag *bag, struct eval_alternatives *out)
{
    size_t left = 0;

    for (size_t i = 0; i < bag->count; i++) {
        const unsigned *counts = bag->words[i].counts;

        out->html += counts[IN_HTML] > 0;
        out->text += counts[IN_TEXT] > 0;
        left += counts[IN_TEXT] < counts[IN_HTML];
    }
    return left;
}

static bool is_inside(const struct mime_part *part, const struct mime_part *outer)
{
    while (part && part != outer)
        part = part->parent;
    return part != NULL;
}

static void compare_alternative(struct scanning *s, const struct mime_part *outer, size_t *left,
                                struct eval_alternatives *out)
{
    const struct content *content = message_content(s->q->message);
    size_t most = *left / 2 < ALTERNATIVE_BYTES ? *left / 2 : ALTERNATIVE_BYTES;
    struct bag bag = { .arena = s->q->arena, .left = { most, most } };
    struct eval_alternatives now = { 0 };
    bool has_image = false;

    bag.seed = (uint64_t)clock_mono_us() * 0x9e3779b97f4a7c15u ^ (uintptr_t)outer;
    for (size_t i = 0; i < content->text_count; i++) {
        const struct content_text *one = &content->texts[i];

        if (one->part->is_reading || !is_inside(one->part, outer))
            continue;
        if (one->html) {
            put_words(&bag, IN_HTML, one->html->rendered);
            has_image |= !bag.taken[IN_HTML] && html_tag_find(one->html, "img");
        } else if (span_is(eval_part_type(one->part), "text/plain")) {
            put_words(&bag, IN_TEXT, one->source);
        }
    }
    *left -= 2 * most - bag.left[IN_HTML] - bag.left[IN_TEXT];
    if (!bag.taken[IN_HTML] && !has_image)
        return;
    size_t missing = compare(&bag, &now);
    if (!bag.taken[IN_HTML])
        now.html = missing = 1; /* a picture stands for words */
    out->html = now.html;
    out->text = now.text;
    double difference = (double)missing / (double)now.html * 100;
    out->difference = difference > out->difference ? difference : out->difference;
}

/* An invitation: HTML and a calendar's entry, by design not the same. */
static bool is_invitation(struct scanning *s)
{
    const struct mime_tree *tree = message_mime(s->q->message);

    return tree->count == 3 && strcmp(tree->parts[0]->type, "multipart/alternative") == 0 &&
           strcmp(tree->parts[1]->type, "text/html") == 0 && strcmp(tree->parts[2]->type, "text/calendar") == 0;
}

static const struct eval_alternatives *alternatives_of(struct scanning *s)
{
    struct eval_memo *memo = eval_memo(s);
    size_t left = ALTERNATIVES_BYTES;
    struct mime_part *part;

    if (memo->alternatives)
        return memo->alternatives;
    struct eval_alternatives *all = arena_alloc(s->q->arena, sizeof *all);
    memo->alternatives = all;
    for (size_t at = 0; !is_invitation(s) && (part = eval_part_next(s, &at));)
        if (strcmp(part->type, "multipart/alternative") == 0)
            compare_alternative(s, part, &left, all);
    return all;
}

static unsigned alternative_difference(struct scanning *s, const struct rule *rule)
{
    double difference = alternatives_of(s)->difference, least = eval_number(rule, 0, 0);

    return (least <= 0 || difference > least) && (eval_is_unset(rule, 1) || difference <= eval_number(rule, 1, 0));
}

static unsigned alternative_count(struct scanning *s, const struct rule *rule)
{
    const struct eval_alternatives *all = alternatives_of(s);

    return (double)all->html > eval_number(rule, 1, 0) && all->html &&
           (double)all->text / (double)all->html > eval_number(rule, 0, 0);
}

/* ---- lines ---- */

static unsigned blank_line_ratio(struct scanning *s, const struct rule *rule)
{
    double least_lines = eval_number(rule, 2, 1), least = eval_number(rule, 0, 0), most = eval_number(rule, 1, 0);
    size_t lines = 0, blank = 0;

    for (size_t i = 0; i < s->rawbody.count; i++)
        for (struct span rest = s->rawbody.items[i], line; rest.len && span_cut(&rest, '\n', &line);) {
            lines++;
            blank += span_trim(line).len == 0;
        }
    if (least_lines < 1)
        least_lines = 1;
    double ratio = (double)lines < least_lines ? -1 : 100 * (double)blank / (double)lines;
    return ratio <= most && (least <= 0 || ratio > least);
}

static unsigned vertical_words(struct scanning *s, const struct rule *rule)
{
    double least = eval_number(rule, 0, 0), most = eval_number(rule, 1, 0);
    long percent = -1;

    for (size_t i = 0; i < s->body.count; i++) {
        size_t spaces = 0, bytes = s->body.items[i].len;

        if (bytes <= 5)
            continue;
        for (size_t k = 0; k < bytes; k++)
            spaces += s->body.items[i].ptr[k] == ' ';
        size_t others = bytes - spaces;
        long one = spaces > others ? 100 : (long)(100 * spaces / others);
        percent = one > percent ? one : percent;
    }
    return (double)percent >= least && (double)percent < (most >= 100 ? 101 : most);
}

static unsigned body_length(struct scanning *s, const struct rule *rule)
{
    struct span body = s->q->message->body;
    size_t bytes = body.len;

    if ((double)(bytes / 2) > eval_number(rule, 0, 0)) /* no more than half of it are CR */
        return 0;
    for (struct span rest = body, line; rest.len && span_cut(&rest, '\n', &line);)
        bytes -= rest.ptr && span_ends(line, SPAN("\r")); /* as after a mail server: lines end in LF */
    return (double)bytes <= eval_number(rule, 0, 0);
}

/* ---- plain text: its body and its signature ---- */

static bool plain_text(struct scanning *s, struct span *out)
{
    struct mime_part *part;

    for (size_t at = 0; (part = eval_part_next(s, &at));)
        if (span_is(eval_part_type(part), "text/plain") && eval_part_is_leaf(part)) {
            *out = mime_bytes(s->q->message, part);
            return true;
        }
    return false;
}

struct lengths {
    bool is_there;
    size_t body, signature;
};

/* "-- " alone in a line, the last one that has something behind it. */
static struct lengths lengths_of(struct scanning *s)
{
    struct span text;
    struct lengths n = { 0 };

    if (!plain_text(s, &text))
        return n;
    n = (struct lengths){ .is_there = true, .body = text.len };
    for (struct span rest = text, line; rest.len && span_cut(&rest, '\n', &line);) {
        struct span mark = span_ends(line, SPAN("\r")) ? span_first(line, line.len - 1) : line;
        size_t left = (size_t)(text.ptr + text.len - (line.ptr + line.len));

        if ((span_is(mark, "--") || span_is(mark, "-- ")) && left > 4) {
            n.body = (size_t)(line.ptr - text.ptr);
            n.signature = left;
        }
    }
    return n;
}

static bool is_between(double value, const struct rule *rule)
{
    return value >= eval_number(rule, 0, 0) && (eval_is_unset(rule, 1) || value <= eval_number(rule, 1, 0));
}

static unsigned plaintext_body(struct scanning *s, const struct rule *rule)
{
    struct lengths n = lengths_of(s);

    return n.is_there && is_between((double)n.body, rule);
}

static unsigned plaintext_signature(struct scanning *s, const struct rule *rule)
{
    struct lengths n = lengths_of(s);

    return n.is_there && is_between((double)n.signature, rule);
}

static unsigned plaintext_ratio(struct scanning *s, const struct rule *rule)
{
    struct lengths n = lengths_of(s);

    return n.is_there && is_between(n.signature ? (double)n.body / (double)n.signature : 1e6, rule);
}

/* ---- stock tips: "Target price: 3.50" ---- */

static const char *const stock_words[] = {
    "tradedate", "tradingdate",    "company",      "companyname",       "target",
    "ticker",    "openingp",       "openingprice", "currentp",          "currentprice",
    "projected", "position",       "expectations", "weekhigh",          "weekshigh",
    "sector",    "recommendation", "rating",       "marketperformance",
};

/* year, week, month, day, price with target, estimate, estimates behind. */
static int stock_period(struct span word)
{
    static const char *const periods[] = { "year", "week", "month", "day", "price" };
    static const char *const ends[] = { "target", "estimate", "estimates" };

    for (int p = 0; p < 5; p++)
        for (int e = 0; e < 3; e++) {
            struct span end = span_of(ends[e]);
            if (span_ends(word, end) && span_ends(span_first(word, word.len - end.len), span_of(periods[p])))
                return p * 3 + e;
        }
    return -1;
}

/* The word ends in these letters, with at most one other before each but the first. */
static bool ends_spaced(struct span word, struct span letters)
{
    if (letters.len == 0)
        return true;
    if (word.len == 0)
        return false;
    char last = letters.ptr[letters.len - 1];
    struct span before = span_first(word, word.len - 1), fewer = span_first(letters, letters.len - 1);
    if (word.ptr[word.len - 1] != last)
        return false;
    if (fewer.len == 0)
        return true;
    return ends_spaced(before, fewer) || (before.len && ends_spaced(span_first(before, before.len - 1), fewer));
}

static bool is_symbol(struct span word)
{
    return ends_spaced(word, SPAN("stock")) || ends_spaced(word, SPAN("symbol")) || ends_spaced(word, SPAN("sym"));
}

/* Which of the words a label ends in; -1: none. */
static int stock_word(struct span label)
{
    enum { PERIODS = 100, SYMBOL = 200 };
    size_t n = sizeof stock_words / sizeof *stock_words;

    for (size_t i = 0; i < n; i++)
        if (i < 2 ? span_is(label, stock_words[i]) : span_ends(label, span_of(stock_words[i])))
            return (int)i;
    int period = stock_period(label);
    if (period >= 0)
        return PERIODS + period;
    return is_symbol(label) ? SYMBOL : -1;
}

static unsigned stock_info(struct scanning *s, const struct rule *rule)
{
    enum { LABEL_LEAST = 3, LABEL_MOST = 30 };
    bool seen[256] = { false };
    struct span text;
    double count = 0;

    if (!plain_text(s, &text))
        return eval_number(rule, 0, 0) <= 0;
    for (struct span rest = text, line; rest.len && span_cut(&rest, '\n', &line);) {
        struct span trimmed = span_trim(line);
        size_t colon = span_find(trimmed, ':'), n = 0;
        char label[LABEL_MOST];

        if (colon == SPAN_NPOS || colon < LABEL_LEAST || colon > LABEL_MOST || colon + 1 == trimmed.len)
            continue;
        for (size_t i = 0; i < colon; i++)
            if (ascii_is_alpha(trimmed.ptr[i]))
                label[n++] = ascii_lower(trimmed.ptr[i]);
        int word = stock_word(span_make(label, n));
        if (word >= 0 && !seen[word]) {
            seen[word] = true;
            count++;
        }
    }
    return count >= eval_number(rule, 0, 0);
}

#define BODY SA_PLUGIN("BodyEval")

const struct eval_function eval_body_functions[] = {
    { "multipart_alternative_difference", BODY, alternative_difference, 2, 2 },
    { "multipart_alternative_difference_count", BODY, alternative_count, 2, 2 },
    { "check_blank_line_ratio", BODY, blank_line_ratio, 2, 3 },
    { "tvd_vertical_words", BODY, vertical_words, 2, 2 },
    { "check_stock_info", BODY, stock_info, 1, 1 },
    { "check_body_length", BODY, body_length, 1, 1 },
    { "plaintext_body_length", BODY, plaintext_body, 1, 2 },
    { "plaintext_sig_length", BODY, plaintext_signature, 1, 2 },
    { "plaintext_body_sig_ratio", BODY, plaintext_ratio, 1, 2 },
    { 0 },
};

/* rules/sieve/pattern_words.c - a pattern said as words, of which one stands in whatever matches it. See
 * rules/sieve/pattern_tree.h.
 *
 * What a part of a pattern matches is either known in full, as a short list, or not; and of each part there may be a
 * list of words of which every match of it has one. Lists of parts that stand one behind the other are multiplied as
 * long as that stays short. Case does not count.
 */
#include "rules/sieve/pattern_tree.h"

enum {
    WORDS_MAX = 64, /* of a list */
    WORD_BYTES_MAX = 16,
    SET_MAX = 4,      /* different bytes that are still multiplied */
    TIMES_MAX = 8,    /* that a part is written out */
    BITS_ENOUGH = 36, /* more of them do not make a list better */
    BITS_LEAST = 14,
};

struct words {
    struct span items[WORDS_MAX];
    size_t count; /* 0: there is no such list */
};

struct known {
    bool is_all; /* `all` is what it matches, no more and no less */
    struct words all, best;
};

static struct known known_of(struct arena *a, const struct pattern_node *node);

/* ---- lists ---- */

static int bits_of_byte(char c)
{
    if (strchr(" etaoinsrhl", c))
        return c ? 3 : 6;
    return strchr("dcumpfgwy", c) ? 4 : ascii_is_alnum(c) ? 5 : 6;
}

static int bits_of_word(struct span word)
{
    int bits = 0;

    for (size_t i = 0; i < word.len; i++)
        bits += bits_of_byte(word.ptr[i]);
    return bits;
}

/* What the word tells that tells least. */
static int bits_of_words(const struct words *words)
{
    int least = BITS_ENOUGH;

    for (size_t i = 0; i < words->count; i++) {
        int bits = bits_of_word(words->items[i]);

        least = bits < least ? bits : least;
    }
    return words->count ? least : 0;
}

/* Of equally good lists the shortest. */
static int worth(const struct words *words)
{
    return bits_of_words(words) * WORDS_MAX - (int)words->count;
}

static void better(struct words *best, const struct words *words)
{
    if (worth(words) > worth(best))
        *best = *words;
}

/* false: it is full. */
static bool put(struct words *words, struct span word)
{
    for (size_t i = 0; i < words->count; i++)
        if (span_eq(words->items[i], word))
            return true;
    if (words->count == WORDS_MAX)
        return false;
    words->items[words->count++] = word;
    return true;
}

static bool put_all(struct words *words, const struct words *more)
{
    for (size_t i = 0; i < more->count; i++)
        if (!put(words, more->items[i]))
            return false;
    return true;
}

/* Each of the one with each of the other behind it. false: there are too many, or they are too long. */
static bool multiply(struct arena *a, struct words *words, const struct words *behind)
{
    struct words out = { .count = 0 };

    for (size_t i = 0; i < words->count; i++)
        for (size_t k = 0; k < behind->count; k++) {
            struct span first = words->items[i], second = behind->items[k];
            char *both = arena_alloc(a, first.len + second.len + 1);

            if (first.len + second.len > WORD_BYTES_MAX)
                return false;
            memcpy(both, first.ptr, first.len);
            memcpy(both + first.len, second.ptr, second.len);
            if (!put(&out, span_make(both, first.len + second.len)))
                return false;
        }
    *words = out;
    return true;
}

/* The empty text. */
static struct words only_nothing(void)
{
    return (struct words){ .items = { SPAN("") }, .count = 1 };
}

/* ---- bytes ---- */

static int hex_value(struct span two)
{
    static const char digits[] = "0123456789abcdef";
    int value = 0;

    for (size_t i = 0; i < 2; i++) {
        const char *found = i < two.len && two.ptr[i] ? strchr(digits, ascii_lower(two.ptr[i])) : NULL;

        if (!found)
            return -1;
        value = value * 16 + (int)(found - digits);
    }
    return value;
}

/* One byte that is written plainly, as \x9f, or as \ and a sign; -1: it is something else. */
static int take_byte(struct span *text)
{
    char c = text->len ? text->ptr[0] : '\0', next = text->len > 1 ? text->ptr[1] : '\0';
    size_t len = 1;
    int value = text->len ? (unsigned char)c : -1;

    if (c == '\\' && next == 'x') {
        value = hex_value(span_first(span_skip(*text, 2), 2));
        len = 4;
    } else if (c == '\\') {
        value = text->len > 1 && !ascii_is_alnum(next) ? (unsigned char)next : -1;
        len = 2;
    } else if (c == '[' && (next == ':' || next == '.' || next == '=')) {
        value = -1;
    }
    *text = span_skip(*text, len);
    return value;
}

/* false: it has too many, or is not understood here. */
static bool put_bytes(struct arena *a, struct words *words, int from, int upto)
{
    for (int c = from; c <= upto; c++) {
        char *one = arena_alloc(a, 1);

        *one = ascii_lower((char)c);
        if (!put(words, span_make(one, 1)) || words->count > SET_MAX)
            return false;
    }
    return true;
}

static bool put_class(struct arena *a, struct words *words, struct span inner)
{
    if (!inner.len || inner.ptr[0] == '^')
        return false;
    while (inner.len) {
        int from = take_byte(&inner), upto = from;

        if (inner.len > 1 && inner.ptr[0] == '-') {
            inner = span_skip(inner, 1);
            upto = take_byte(&inner);
        }
        if (from < 0 || upto < from || !put_bytes(a, words, from, upto))
            return false;
    }
    return true;
}

static bool put_byte(struct arena *a, struct words *words, struct span text)
{
    if (span_is(text, ".") || !text.len)
        return false;
    if (text.ptr[0] == '[' && text.len > 2)
        return put_class(a, words, span_make(text.ptr + 1, text.len - 2));
    int c = take_byte(&text);

    return c >= 0 && !text.len && put_bytes(a, words, c, c);
}

/* ---- nodes ---- */

/* What stands behind it can begin anew. */
static void end_run(struct known *known, struct words *run)
{
    better(&known->best, run);
    *run = only_nothing();
    known->is_all = false;
}

static void go_on(struct arena *a, struct known *known, struct words *run, const struct words *next)
{
    struct words longer = *run;

    if (multiply(a, &longer, next)) {
        *run = longer;
        return;
    }
    end_run(known, run);
    *run = *next;
}

/* At least so often: written out once or some times; then, if it may come more often, what is behind the last. */
static void go_on_repeated(struct arena *a, struct known *known, struct words *run, const struct pattern_node *repeat)
{
    struct known one = known_of(a, repeat->first);

    if (repeat->least)
        better(&known->best, &one.best);
    if (!one.is_all || !repeat->least) {
        end_run(known, run);
        return;
    }
    bool is_exact = repeat->least == repeat->most && repeat->least <= TIMES_MAX;

    for (unsigned i = 0; i < (is_exact ? repeat->least : 1); i++)
        go_on(a, known, run, &one.all);
    if (is_exact)
        return;
    end_run(known, run);
    *run = one.all;
}

static void go_on_with(struct arena *a, struct known *known, struct words *run, const struct pattern_node *child)
{
    bool is_repeated = child->kind == PATTERN_REPEAT && !(child->least == 0 && child->most == 1);

    if (is_repeated) {
        go_on_repeated(a, known, run, child);
        return;
    }
    struct known one = known_of(a, child);

    better(&known->best, &one.best);
    if (one.is_all)
        go_on(a, known, run, &one.all);
    else
        end_run(known, run);
}

static struct known known_of_row(struct arena *a, const struct pattern_node *node)
{
    struct known known = { .is_all = true };
    struct words run = only_nothing();

    for (const struct pattern_node *child = node->first; child; child = child->next)
        go_on_with(a, &known, &run, child);
    better(&known.best, &run);
    if (known.is_all)
        known.all = run;
    return known;
}

static struct known known_of_repeat(struct arena *a, const struct pattern_node *node)
{
    struct known known = { .is_all = true };
    struct words run = only_nothing();

    go_on_repeated(a, &known, &run, node);
    better(&known.best, &run);
    if (known.is_all)
        known.all = run;
    return known;
}

static struct known known_of_choice(struct arena *a, const struct pattern_node *node)
{
    struct known known = { .is_all = true };
    bool has_best = true;

    for (const struct pattern_node *child = node->first; child; child = child->next) {
        struct known one = known_of(a, child);

        if (one.is_all)
            better(&one.best, &one.all);
        known.is_all = known.is_all && one.is_all && put_all(&known.all, &one.all);
        has_best = has_best && one.best.count && put_all(&known.best, &one.best);
    }
    if (!has_best)
        known.best.count = 0;
    return known;
}

static struct known known_of_maybe(struct arena *a, const struct pattern_node *node)
{
    struct known known = known_of(a, node->first);

    known.best.count = 0;
    known.is_all = known.is_all && put(&known.all, SPAN(""));
    return known;
}

static struct known known_of(struct arena *a, const struct pattern_node *node)
{
    struct known known = { .is_all = true, .all = only_nothing() };

    switch (node->kind) {
    case PATTERN_NOTHING:
    case PATTERN_PLACE: return known;
    case PATTERN_ALL:
    case PATTERN_FLAGS: return known_of_row(a, node);
    case PATTERN_ONE_OF: return known_of_choice(a, node);
    case PATTERN_ANY: break;
    case PATTERN_BYTE:
        known.all.count = 0;
        known.is_all = put_byte(a, &known.all, node->text);
        return known;
    case PATTERN_REPEAT: return !node->least && node->most == 1 ? known_of_maybe(a, node) : known_of_repeat(a, node);
    }
    return (struct known){ 0 };
}

bool pattern_say_words(const struct pattern_node *node, struct strbuf *out)
{
    struct arena a;

    arena_init(&a, SIZE_MAX);
    struct known known = known_of(&a, node);

    if (known.is_all)
        better(&known.best, &known.all);
    bool is_good = bits_of_words(&known.best) >= BITS_LEAST;

    for (size_t i = 0; is_good && i < known.best.count; i++) {
        strbuf_puts(out, i ? "|" : "(?i:");
        for (size_t k = 0; k < known.best.items[i].len; k++) {
            char c = known.best.items[i].ptr[k];

            strbuf_putf(out, ascii_is_alnum(c) ? "%c" : "\\x%02x", (unsigned char)c);
        }
    }
    strbuf_puts(out, is_good ? ")" : "");
    arena_release(&a);
    return is_good && !out->is_full;
}

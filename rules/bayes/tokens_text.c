/* rules/bayes/tokens_text.c - the words of a text.
 *
 * A word begins with a letter or digit, may have ' - . $ ! , _ inside, and ends with a letter, a digit, _ $ or !: so
 * prices, host names and shouting stay whole. Longer ones than TOKEN_LETTERS_MOST are known by their first letter and
 * about how long they are. In scripts that leave no blanks between words each two neighbouring characters are a word.
 */
#include "gateway/base/utf8.h"
#include "rules/bayes/tokens_parts.h"

enum sort { OTHER, LETTER, ENDING, INNER, DENSE, INVISIBLE };

/* ENDING: may stand inside and last; INNER: inside alone. */
static const uint8_t ascii[128] = {
    ['0'] = LETTER, ['1'] = LETTER, ['2'] = LETTER, ['3'] = LETTER, ['4'] = LETTER, ['5'] = LETTER, ['6'] = LETTER,
    ['7'] = LETTER, ['8'] = LETTER, ['9'] = LETTER, ['A'] = LETTER, ['B'] = LETTER, ['C'] = LETTER, ['D'] = LETTER,
    ['E'] = LETTER, ['F'] = LETTER, ['G'] = LETTER, ['H'] = LETTER, ['I'] = LETTER, ['J'] = LETTER, ['K'] = LETTER,
    ['L'] = LETTER, ['M'] = LETTER, ['N'] = LETTER, ['O'] = LETTER, ['P'] = LETTER, ['Q'] = LETTER, ['R'] = LETTER,
    ['S'] = LETTER, ['T'] = LETTER, ['U'] = LETTER, ['V'] = LETTER, ['W'] = LETTER, ['X'] = LETTER, ['Y'] = LETTER,
    ['Z'] = LETTER, ['a'] = LETTER, ['b'] = LETTER, ['c'] = LETTER, ['d'] = LETTER, ['e'] = LETTER, ['f'] = LETTER,
    ['g'] = LETTER, ['h'] = LETTER, ['i'] = LETTER, ['j'] = LETTER, ['k'] = LETTER, ['l'] = LETTER, ['m'] = LETTER,
    ['n'] = LETTER, ['o'] = LETTER, ['p'] = LETTER, ['q'] = LETTER, ['r'] = LETTER, ['s'] = LETTER, ['t'] = LETTER,
    ['u'] = LETTER, ['v'] = LETTER, ['w'] = LETTER, ['x'] = LETTER, ['y'] = LETTER, ['z'] = LETTER, ['_'] = ENDING,
    ['$'] = ENDING, ['!'] = ENDING, ['-'] = INNER,  ['.'] = INNER,  ['\''] = INNER, [','] = INNER,
};

/* Ranges that are not letters; between them all are. Ascending. */
static const struct {
    uint32_t first, last;
    enum sort sort;
} ranges[] = {
    { 0x80, 0xa9, OTHER },           { 0xab, 0xac, OTHER },         { 0xad, 0xad, INVISIBLE },
    { 0xae, 0xb4, OTHER },           { 0xb6, 0xb9, OTHER },         { 0xbb, 0xbf, OTHER },
    { 0xd7, 0xd7, OTHER },           { 0xf7, 0xf7, OTHER },         { 0x34f, 0x34f, INVISIBLE },
    { 0xe00, 0xeff, DENSE },         { 0x1000, 0x109f, DENSE },     { 0x1780, 0x17ff, DENSE },
    { 0x180b, 0x180e, INVISIBLE },   { 0x2000, 0x200a, OTHER },     { 0x200b, 0x200f, INVISIBLE },
    { 0x2010, 0x2029, OTHER },       { 0x202a, 0x202e, INVISIBLE }, { 0x202f, 0x205f, OTHER },
    { 0x2060, 0x206f, INVISIBLE },   { 0x2070, 0x2bff, OTHER },     { 0x2e00, 0x2e7f, OTHER },
    { 0x3000, 0x3004, OTHER },       { 0x3008, 0x3020, OTHER },     { 0x3030, 0x3030, OTHER },
    { 0x303d, 0x303f, OTHER },       { 0x3041, 0x31ff, DENSE },     { 0x3200, 0x33ff, OTHER },
    { 0x3400, 0x4dbf, DENSE },       { 0x4e00, 0x9fff, DENSE },     { 0xac00, 0xd7af, DENSE },
    { 0xe000, 0xf8ff, OTHER },       { 0xf900, 0xfaff, DENSE },     { 0xfe00, 0xfe0f, INVISIBLE },
    { 0xfe10, 0xfe6f, OTHER },       { 0xfeff, 0xfeff, INVISIBLE }, { 0xff01, 0xff0f, OTHER },
    { 0xff1a, 0xff20, OTHER },       { 0xff3b, 0xff40, OTHER },     { 0xff5b, 0xff65, OTHER },
    { 0xfff0, 0xffff, OTHER },       { 0x1f000, 0x1faff, OTHER },   { 0x20000, 0x3ffff, DENSE },
    { 0xe0000, 0xe0fff, INVISIBLE },
};

static enum sort sort_of(uint32_t c)
{
    size_t low = 0, high = sizeof ranges / sizeof *ranges;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof ranges / sizeof *ranges && c >= ranges[low].first ? ranges[low].sort : LETTER;
}

static uint32_t fold(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x100 && c <= 0x137)
        return c | 1;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    return c >= 0xff21 && c <= 0xff3a ? c - 0xff21 + 'a' : c >= 0xff41 && c <= 0xff5a ? c - 0xff41 + 'a' : c;
}

/* The character at `at`, and what it is; its length in *len. What is no UTF-8 is no letter. */
static uint32_t character(const struct token_reader *r, size_t at, enum sort *sort, size_t *len)
{
    uint8_t byte = (uint8_t)r->text.ptr[at];

    if (byte < 0x80) {
        *sort = (enum sort)ascii[byte];
        *len = 1;
        return byte;
    }
    struct span rest = span_skip(r->text, at);
    size_t length = utf8_length(rest);

    *len = length ? length : 1;
    *sort = OTHER;
    if (!length)
        return 0xfffd;
    uint32_t c = utf8_code_point(rest, length);

    *sort = sort_of(c);
    return c;
}

static void add(struct token_reader *r, uint64_t raw, size_t from, size_t till)
{
    const struct token_text *how = r->how;
    struct span text = span_make(r->text.ptr + from, till - from);
    struct token_hasher hasher = { raw ^ token_hasher_of(how->word).h };

    r->is_full |= !token_add(r->set, token_hasher_end(&hasher), how->word, text);
    if (how->also != TOKEN_KIND_COUNT) {
        hasher.h = raw ^ token_hasher_of(how->also).h;
        r->is_full |= !token_add(r->set, token_hasher_end(&hasher), how->also, text);
    }
    if (how->pair != TOKEN_KIND_COUNT && r->last)
        r->is_full |= !token_add(r->set, token_pair(how->pair, r->last, raw), how->pair,
                                 span_make(r->text.ptr + r->last_at, till - r->last_at));
    r->last = raw;
    r->last_at = from;
}

/* Characters of a script without blanks, two by two; one by itself is a word, too. */
static void dense(struct token_reader *r)
{
    size_t first = r->at, previous = r->at, count = 0, len;
    uint32_t before = 0, c;
    enum sort sort = DENSE;

    while (r->at < r->text.len && !r->is_full) {
        c = character(r, r->at, &sort, &len);
        if (sort != DENSE && sort != INVISIBLE)
            break;
        if (sort == DENSE) {
            struct token_hasher hasher = { 0 };

            token_hasher_put(&hasher, before);
            token_hasher_put(&hasher, c);
            if (count)
                add(r, hasher.h, previous, r->at + len);
            previous = r->at;
            before = c;
            count++;
        }
        r->at += len;
    }
    if (count == 1) {
        struct token_hasher hasher = { 0 };

        token_hasher_put(&hasher, before);
        add(r, hasher.h, first, previous + 1 < r->at ? r->at : previous + 1);
    }
    r->last = 0; /* no pairs of pairs with words */
}

/* What a word longer than the limit is known by. */
static uint64_t long_word(uint32_t first, size_t letters)
{
    struct token_hasher hasher = { 0 };
    size_t tens = letters / 10;

    token_hasher_put(&hasher, '~');
    token_hasher_put(&hasher, first);
    token_hasher_put(&hasher, (uint32_t)(tens < 100 ? tens : 100));
    return hasher.h;
}

static void word(struct token_reader *r)
{
    struct token_hasher hasher = { 0 }, whole = { 0 };
    size_t from = r->at, end = r->at, letters = 0, counted = 0, len;
    uint32_t first = 0;

    while (r->at < r->text.len) {
        enum sort sort;
        uint32_t c = character(r, r->at, &sort, &len);

        if (sort == OTHER || sort == DENSE)
            break;
        r->at += len;
        if (sort == INVISIBLE)
            continue;
        c = fold(c);
        if (!letters)
            first = c;
        letters++;
        token_hasher_put(&hasher, c);
        if (sort == INNER)
            continue;
        whole = hasher; /* a mark that is not followed by anything is not of the word */
        counted = letters;
        end = r->at;
    }
    add(r, counted > TOKEN_LETTERS_MOST ? long_word(first, counted) : whole.h, from, end);
}

struct token_reader token_reader_of(struct token_set *set, const struct token_text *how, struct span text)
{
    return (struct token_reader){ .set = set, .how = how, .text = text };
}

bool token_reader_go(struct token_reader *r)
{
    r->is_full = false;
    while (r->at < r->text.len) {
        const size_t at = r->at, last_at = r->last_at;
        const uint64_t last = r->last;
        enum sort sort;
        size_t len;

        character(r, r->at, &sort, &len);
        if (sort == LETTER)
            word(r);
        else if (sort == DENSE)
            dense(r);
        else
            r->at += len;
        if (r->is_full) {
            r->at = at; /* all of it again, when there is room */
            r->last = last;
            r->last_at = last_at;
            return false;
        }
    }
    return true;
}

void tokens_text(struct token_set *set, const struct token_text *how, struct span text)
{
    struct token_reader r = token_reader_of(set, how, text);

    token_reader_go(&r);
}

uint64_t token_hash(enum token_kind kind, struct span text)
{
    struct token_hasher hasher = { 0 };
    struct token_reader r = { .text = text };
    uint32_t first = 0;
    size_t letters = 0;

    while (r.at < text.len) {
        enum sort sort;
        size_t len;
        uint32_t c = fold(character(&r, r.at, &sort, &len));

        r.at += len;
        if (sort == INVISIBLE)
            continue;
        if (!letters++)
            first = c;
        token_hasher_put(&hasher, c);
    }
    if (letters > TOKEN_LETTERS_MOST)
        hasher.h = long_word(first, letters);
    hasher.h ^= token_hasher_of(kind).h;
    return token_hasher_end(&hasher);
}

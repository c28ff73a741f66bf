/* rules/sieve/beginnings.c - which bytes a match may begin with. See rules/sieve/beginnings.h.
 *
 * What a part of a pattern may begin with is a list of rows of sets of bytes. Rows of parts that stand one behind the
 * other are put together until they are long enough. Where there are too many, those two become one that lose least by
 * it: a row is the better, the more seldom it is met in mail.
 */
#include "rules/sieve/beginnings.h"

#include "gateway/base/bug.h"

enum { ROWS_MAX = 40, STEPS_MAX = 200000 };

/* What begins at more places than that is better looked for at all of them. */
static const double often_most = 0.10;
/* A row more costs what trying a pattern at so many places does. */
static const double loss_worth_a_row = 0.0005;

struct row {
    struct beginning sets;           /* at places behind its end: any */
    unsigned len;                    /* places that are said; the first is that before it */
    bool is_whole;                   /* what comes behind it goes on there: it is what a part matches, all of it */
    double shares[BEGINNING_PLACES]; /* of mail's bytes, that a place's set has */
    double often;                    /* all of them at once */
};

struct rows {
    struct row items[ROWS_MAX + 1];
    size_t count;
};

struct beginner {
    struct arena *arena;
    unsigned steps;     /* repetitions in repetitions would take any number of them */
    double shares[256]; /* of a byte, in mail */
};

/* ---- sets ---- */

static void set_put(uint64_t set[4], unsigned c)
{
    set[c / 64] |= 1ULL << c % 64;
}

static bool set_has(const uint64_t set[4], unsigned c)
{
    return set[c / 64] >> c % 64 & 1;
}

static void set_fill(uint64_t set[4])
{
    for (int i = 0; i < 4; i++)
        set[i] = UINT64_MAX;
}

static bool set_is_full(const uint64_t set[4])
{
    return (set[0] & set[1] & set[2] & set[3]) == UINT64_MAX;
}

static void set_join(uint64_t set[4], const uint64_t other[4])
{
    for (int i = 0; i < 4; i++)
        set[i] |= other[i];
}

/* How often a byte of mail is this one, in thousandths, about. */
static double often_of_byte(unsigned c)
{
    static const char letters[] = "etaoinsrhldcumpfgwybvkxjqz";
    static const unsigned char often[] = { 95, 75, 65, 62, 58, 56, 52, 50, 38, 34, 30, 26, 24,
                                           20, 18, 17, 16, 15, 15, 12, 8,  6,  3,  2,  2,  2 };
    const char *found = c && ascii_is_alpha((char)c) ? strchr(letters, ascii_lower((char)c)) : NULL;

    if (found)
        return often[found - letters] * (ascii_lower((char)c) == (char)c ? 0.9 : 0.1);
    if (c == ' ')
        return 150;
    if (c >= '0' && c <= '9')
        return 4;
    return c >= 0x80 ? 0.3 : c < ' ' ? (c == '\n' ? 10 : 0.1) : 2;
}

/* What the one has that the other has not. */
static double share_beyond(const struct beginner *b, const uint64_t set[4], const uint64_t without[4])
{
    double sum = 0;

    for (unsigned i = 0; i < 4; i++)
        for (uint64_t left = set[i] & ~without[i]; left; left &= left - 1)
            sum += b->shares[i * 64 + (unsigned)__builtin_ctzll(left)];
    return sum;
}

/* ---- what a byte may be ---- */

static void put_range(uint64_t set[4], unsigned from, unsigned upto)
{
    for (unsigned c = from; c <= upto; c++)
        set_put(set, c);
}

/* \d \w \s and what is none of them. false: it is another escape. */
static bool put_kind(uint64_t set[4], char kind)
{
    uint64_t these[4] = { 0 };

    switch (ascii_lower(kind)) {
    case 'w':
        put_range(these, 'a', 'z');
        put_range(these, 'A', 'Z');
        put_range(these, '_', '_');
        put_range(these, '0', '9');
        break;
    case 'd': put_range(these, '0', '9'); break;
    case 's':
        put_range(these, '\t', '\r');
        put_range(these, ' ', ' ');
        break;
    default: return false;
    }
    for (int i = 0; i < 4; i++)
        set[i] |= ascii_lower(kind) == kind ? these[i] : ~these[i];
    return true;
}

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
    char c = text->ptr[0], next = text->len > 1 ? text->ptr[1] : '\0';
    int value = (unsigned char)c;
    size_t len = 1;

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

/* false: it is not known what it has. */
static bool put_class(uint64_t set[4], struct span inner)
{
    bool is_not = inner.len && inner.ptr[0] == '^';

    inner = span_skip(inner, is_not);
    while (inner.len) {
        if (inner.len > 1 && inner.ptr[0] == '\\' && put_kind(set, inner.ptr[1])) {
            inner = span_skip(inner, 2);
            continue;
        }
        int from = take_byte(&inner), upto = from;

        if (inner.len > 1 && inner.ptr[0] == '-') {
            inner = span_skip(inner, 1);
            upto = take_byte(&inner);
        }
        if (from < 0 || upto < from)
            return false;
        put_range(set, (unsigned)from, (unsigned)upto);
    }
    return !is_not || (set[0] = ~set[0], set[1] = ~set[1], set[2] = ~set[2], set[3] = ~set[3], true);
}

/* What is not understood may be any byte. */
static void put_byte(uint64_t set[4], struct span text)
{
    bool is_class = text.len > 2 && text.ptr[0] == '[';
    struct span rest = text;

    if (is_class && put_class(set, span_make(text.ptr + 1, text.len - 2)))
        return;
    if (!is_class && text.len == 2 && text.ptr[0] == '\\' && put_kind(set, text.ptr[1]))
        return;
    int c = is_class || !text.len || span_is(text, ".") ? -1 : take_byte(&rest);

    if (c >= 0 && !rest.len)
        set_put(set, (unsigned)c);
    else
        set_fill(set);
}

static void fold_case(uint64_t set[4])
{
    for (unsigned c = 'a'; c <= 'z'; c++) {
        unsigned upper = c - 'a' + 'A';

        if (set_has(set, c) || set_has(set, upper)) {
            set_put(set, c);
            set_put(set, upper);
        }
    }
}

/* ---- rows ---- */

static void row_weigh(struct row *row)
{
    row->often = 1;
    for (unsigned i = 0; i < BEGINNING_PLACES; i++)
        row->often *= row->shares[i];
}

static void row_say(const struct beginner *b, struct row *row, unsigned place, const uint64_t set[4])
{
    static const uint64_t none[4];

    memcpy(row->sets.bytes[place], set, sizeof row->sets.bytes[place]);
    row->shares[place] = set_is_full(set) ? 1 : share_beyond(b, set, none);
    row_weigh(row);
}

static struct row empty_row(void)
{
    struct row row = { .len = 1, .is_whole = true, .often = 1 };

    for (unsigned i = 0; i < BEGINNING_PLACES; i++) {
        set_fill(row.sets.bytes[i]);
        row.shares[i] = 1;
    }
    return row;
}

static double often_joined(const struct beginner *b, const struct row *one, const struct row *other)
{
    double often = 1;

    for (unsigned i = 0; i < BEGINNING_PLACES; i++)
        often *= one->shares[i] + share_beyond(b, other->sets.bytes[i], one->sets.bytes[i]);
    return often;
}

static void row_join(const struct beginner *b, struct row *one, const struct row *other)
{
    for (unsigned i = 0; i < BEGINNING_PLACES; i++) {
        one->shares[i] += share_beyond(b, other->sets.bytes[i], one->sets.bytes[i]);
        set_join(one->sets.bytes[i], other->sets.bytes[i]);
    }
    row_weigh(one);
}

/* Only those that go on at the same place can be one. */
static bool may_join(const struct row *one, const struct row *other)
{
    return one->len == other->len && one->is_whole == other->is_whole;
}

/* With which it loses least: how much more often the two would be met as one. */
static struct row *best_mate(const struct beginner *b, struct rows *rows, const struct row *row, double *loss)
{
    struct row *best = NULL;

    for (size_t i = 0; i < rows->count; i++) {
        struct row *mate = &rows->items[i];

        if (mate == row || !may_join(mate, row))
            continue;
        double more = often_joined(b, mate, row) - mate->often - row->often;

        if (!best || more < *loss) {
            best = mate;
            *loss = more;
        }
    }
    return best;
}

/* false: it would lose too much. */
static bool join_two(const struct beginner *b, struct rows *rows, double most)
{
    struct row *first = NULL, *second = NULL;
    double least = 0, loss = 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct row *mate = best_mate(b, rows, &rows->items[i], &loss);

        if (mate && (!first || loss < least)) {
            first = &rows->items[i];
            second = mate;
            least = loss;
        }
    }
    if (!first || least > most)
        return false;
    row_join(b, first, second);
    *second = rows->items[--rows->count];
    return true;
}

/* There are fewer lengths than rows: when the list is full and it has no mate, two others have one. */
static void put(const struct beginner *b, struct rows *rows, const struct row *row)
{
    double loss = 0;
    struct row *mate = best_mate(b, rows, row, &loss);

    if (mate && (loss <= 0 || rows->count == ROWS_MAX)) {
        row_join(b, mate, row);
        return;
    }
    rows->items[rows->count++] = *row;
    if (rows->count > ROWS_MAX && !join_two(b, rows, 2))
        BUG("no two rows can be joined");
}

static void put_all(const struct beginner *b, struct rows *rows, const struct rows *more)
{
    for (size_t i = 0; i < more->count; i++)
        put(b, rows, &more->items[i]);
}

/* ---- nodes ---- */

static bool is_open(const struct row *row)
{
    return row->is_whole && row->len < BEGINNING_PLACES;
}

static bool any_open(const struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        if (is_open(&rows->items[i]))
            return true;
    return false;
}

static void go_on(struct beginner *b, struct rows *rows, const struct pattern_node *node, bool is_caseless);

static void go_on_byte(const struct beginner *b, struct rows *rows, const struct pattern_node *node, bool is_caseless)
{
    uint64_t set[4] = { 0 };

    put_byte(set, node->text);
    if (is_caseless)
        fold_case(set);
    for (size_t i = 0; i < rows->count; i++)
        if (is_open(&rows->items[i]))
            row_say(b, &rows->items[i], rows->items[i].len++, set);
}

/* ^ where nothing has been said yet: a LF stands before. */
static void go_on_place(const struct beginner *b, struct rows *rows, const struct pattern_node *node)
{
    if (!span_is(node->text, "^"))
        return;
    uint64_t set[4] = { 0 };

    set_put(set, '\n');
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].len == 1 && rows->items[i].is_whole)
            row_say(b, &rows->items[i], 0, set);
}

/* From here on any text may follow. */
static void end_all(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        rows->items[i].is_whole = false;
        rows->items[i].len = BEGINNING_PLACES;
    }
}

static void go_on_choice(struct beginner *b, struct rows *rows, const struct pattern_node *node, bool is_caseless)
{
    struct rows *out = arena_alloc(b->arena, sizeof *out), *one = arena_alloc(b->arena, sizeof *one);

    for (const struct pattern_node *child = node->first; child; child = child->next) {
        *one = *rows;
        go_on(b, one, child, is_caseless);
        put_all(b, out, one);
    }
    *rows = *out;
}

/* Written out as often as it must and may come, as far as that is looked at; a part may match nothing, too. */
static void go_on_repeat(struct beginner *b, struct rows *rows, const struct pattern_node *node, bool is_caseless)
{
    struct rows *out = arena_alloc(b->arena, sizeof *out);
    unsigned times = 0;

    for (; times < node->most && times < 2 * BEGINNING_BYTES && any_open(rows); times++) {
        if (times >= node->least)
            put_all(b, out, rows);
        go_on(b, rows, node->first, is_caseless);
    }
    if (times < node->most)
        end_all(rows);
    put_all(b, out, rows);
    *rows = *out;
}

static void go_on(struct beginner *b, struct rows *rows, const struct pattern_node *node, bool is_caseless)
{
    if (!any_open(rows))
        return;
    if (++b->steps > STEPS_MAX) {
        end_all(rows);
        return;
    }
    switch (node->kind) {
    case PATTERN_NOTHING: break;
    case PATTERN_BYTE: go_on_byte(b, rows, node, is_caseless); break;
    case PATTERN_PLACE: go_on_place(b, rows, node); break;
    case PATTERN_ANY: end_all(rows); break;
    case PATTERN_ONE_OF: go_on_choice(b, rows, node, is_caseless); break;
    case PATTERN_REPEAT: go_on_repeat(b, rows, node, is_caseless); break;
    case PATTERN_FLAGS: is_caseless = true; __attribute__((fallthrough));
    case PATTERN_ALL:
        for (const struct pattern_node *child = node->first; child; child = child->next)
            go_on(b, rows, child, is_caseless);
        break;
    }
}

bool beginnings_of(struct arena *a, const struct pattern_node *tree, bool is_caseless, struct beginnings *out)
{
    struct beginner b = { .arena = a };
    struct rows *rows = arena_alloc(a, sizeof *rows);
    double often = 0;

    for (unsigned c = 0; c < 256; c++)
        b.shares[c] = often_of_byte(c) / 1000;
    rows->items[rows->count++] = empty_row();
    go_on(&b, rows, tree, is_caseless);
    end_all(rows);
    while (rows->count > 1 && join_two(&b, rows, rows->count > BEGINNINGS_MAX ? 2 : loss_worth_a_row))
        ;
    out->count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        often += rows->items[i].often;
        out->items[out->count++] = rows->items[i].sets;
    }
    return out->count && often <= often_most;
}

/* ---- many of them ---- */

uint64_t beginnings_add(struct beginnings_table *table, const struct beginnings *these)
{
    uint64_t bits = 0;

    if (table->count + these->count > BEGINNINGS_TOGETHER_MAX)
        return 0;
    for (size_t i = 0; i < these->count; i++) {
        uint64_t bit = 1ULL << table->count++;

        bits |= bit;
        for (unsigned place = 0; place < BEGINNING_PLACES; place++)
            for (unsigned c = 0; c < 256; c++)
                table->masks[place][c] |= set_has(these->items[i].bytes[place], c) ? bit : 0;
    }
    return bits;
}

uint64_t beginnings_at(const struct beginnings_table *table, struct span text, size_t at)
{
    const unsigned char *p = (const unsigned char *)text.ptr + at;
    uint64_t bits = table->masks[0][at ? p[-1] : '\n'];

    if (text.len - at >= BEGINNING_BYTES)
        return bits & table->masks[1][p[0]] & table->masks[2][p[1]] & table->masks[3][p[2]] & table->masks[4][p[3]];
    for (size_t i = 0; i < BEGINNING_BYTES; i++)
        bits &= table->masks[i + 1][at + i < text.len ? p[i] : 0];
    return bits;
}

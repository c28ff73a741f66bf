/* rules/sieve/pattern_tree.c - a pattern taken apart. What a byte, a class or an escape is goes on as it was written.
 * */
#include "rules/sieve/pattern_tree.h"

#include "gateway/base/bug.h"

enum { DEPTH_MAX = 60, NODES_MAX = 30000, COUNT_MAX = 65535, WEIGHT_MAX = 1 << 24 };

struct reader {
    struct arena *arena;
    const char *at, *end;
    bool is_extended, is_wrong;
    unsigned depth, nodes;
};

static struct pattern_node *read_choice(struct reader *r);

static struct pattern_node *node_new(struct reader *r, enum pattern_node_kind kind)
{
    struct pattern_node *node = arena_alloc(r->arena, sizeof *node);

    r->is_wrong |= ++r->nodes > NODES_MAX;
    node->kind = kind;
    return node;
}

static void add(struct pattern_node *parent, struct pattern_node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

static struct pattern_node *wrong(struct reader *r)
{
    r->is_wrong = true;
    r->at = r->end;
    return node_new(r, PATTERN_NOTHING);
}

static char peek(const struct reader *r, size_t ahead)
{
    return (size_t)(r->end - r->at) > ahead ? r->at[ahead] : '\0';
}

static bool take(struct reader *r, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

static struct pattern_node *leaf(struct reader *r, enum pattern_node_kind kind, struct span text, unsigned bytes)
{
    struct pattern_node *node = node_new(r, kind);

    node->text = text;
    node->bytes = bytes;
    return node;
}

/* ---- bytes ---- */

/* How many bytes a class has: roughly, for nothing depends on it but what is looked for. */
static unsigned class_size(struct span inner)
{
    unsigned count = 0;
    bool is_not = inner.len && inner.ptr[0] == '^';

    for (size_t i = is_not; i < inner.len; i++) {
        unsigned char c = (unsigned char)inner.ptr[i];

        if (c == '\\' && i + 1 < inner.len) {
            char what = inner.ptr[++i];

            count += strchr("wWDS", what) ? 63 : strchr("ds", what) ? 8 : 1;
            i += what == 'x' ? 2 : 0;
        } else if (c == '[') {
            count += 30;
        } else if (c == '-' && i > is_not && i + 1 < inner.len) {
            unsigned from = (unsigned char)inner.ptr[i - 1], to = (unsigned char)inner.ptr[i + 1];

            count += to > from ? to - from : 20;
            i++;
        } else {
            count++;
        }
    }
    count = count < 255 ? count : 255;
    return is_not ? 256 - count : count ? count : 1;
}

static struct pattern_node *read_class(struct reader *r)
{
    const char *from = r->at++;

    r->at += peek(r, 0) == '^';
    r->at += peek(r, 0) == ']';
    while (r->at < r->end && *r->at != ']') {
        if (*r->at == '\\') {
            if (strchr("QE", peek(r, 1)))
                return wrong(r);
            r->at++;
        } else if (*r->at == '[' && strchr(":.=", peek(r, 1)) && peek(r, 1)) {
            const char *close = memmem(r->at, (size_t)(r->end - r->at), ":]", 2);

            if (peek(r, 1) != ':' || !close)
                return wrong(r);
            r->at = close + 1;
        }
        r->at += r->at < r->end;
    }
    if (r->at >= r->end)
        return wrong(r);
    r->at++;
    return leaf(r, PATTERN_BYTE, span_make(from, (size_t)(r->at - from)),
                class_size(span_make(from + 1, (size_t)(r->at - from) - 2)));
}

static struct pattern_node *literal(struct reader *r, char c)
{
    bool is_plain = ascii_is_alnum(c) || c == '_';
    const char *text = is_plain ? arena_printf(r->arena, "%c", c) : arena_printf(r->arena, "\\x%02x", (unsigned char)c);

    return leaf(r, PATTERN_BYTE, span_of(text), ascii_is_alpha(c) ? 2 : 1);
}

/* \Q...\E, behind the Q. */
static struct pattern_node *read_quoted(struct reader *r)
{
    struct pattern_node *all = node_new(r, PATTERN_ALL);

    while (r->at < r->end && !take(r, "\\E"))
        add(all, literal(r, *r->at++));
    return all;
}

/* -1: it is none. */
static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, ascii_lower(c)) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* \x9, \x9f, \x{9f}; at the x. */
static struct pattern_node *read_hex(struct reader *r)
{
    bool has_brace = peek(r, 1) == '{';
    unsigned value = 0, digits = 0;

    r->at += has_brace ? 2 : 1;
    for (; hex_digit(peek(r, 0)) >= 0 && (has_brace || digits < 2) && value < 256; digits++)
        value = value * 16 + (unsigned)hex_digit(*r->at++);
    if (value > 255 || (has_brace && !take(r, "}")))
        return wrong(r);
    return literal(r, (char)value);
}

static struct pattern_node *read_octal(struct reader *r)
{
    unsigned value = 0;

    for (int digits = 0; digits < 3 && peek(r, 0) >= '0' && peek(r, 0) <= '7'; digits++)
        value = value * 8 + (unsigned)(*r->at++ - '0');
    return literal(r, (char)value);
}

/* Escapes that stand for a place or for a set: what Hyperscan is given for them. */
static const struct escape {
    char letter;
    enum pattern_node_kind kind;
    const char *text;
    unsigned bytes;
} escapes[] = {
    { 'A', PATTERN_PLACE, "^", 0 },
    { 'G', PATTERN_PLACE, "^", 0 },
    { 'z', PATTERN_PLACE, "$", 0 },
    { 'Z', PATTERN_PLACE, "$", 0 },
    { 'b', PATTERN_PLACE, "\\b", 0 },
    { 'B', PATTERN_PLACE, "\\B", 0 },
    { 'K', PATTERN_NOTHING, "", 0 },
    { 'd', PATTERN_BYTE, "\\d", 10 },
    { 'D', PATTERN_BYTE, "\\D", 246 },
    { 'w', PATTERN_BYTE, "\\w", 63 },
    { 'W', PATTERN_BYTE, "\\W", 193 },
    { 's', PATTERN_BYTE, "\\s", 6 },
    { 'S', PATTERN_BYTE, "\\S", 250 },
    { 'h', PATTERN_BYTE, "[\\x09\\x20\\xa0]", 3 },
    { 'H', PATTERN_BYTE, "[^\\x09\\x20\\xa0]", 253 },
    { 'v', PATTERN_BYTE, "[\\x0a-\\x0d\\x85]", 5 },
    { 'V', PATTERN_BYTE, "[^\\x0a-\\x0d\\x85]", 251 },
    { 'N', PATTERN_BYTE, "[^\\x0a]", 255 },
    { 'n', PATTERN_BYTE, "\\x0a", 1 },
    { 'r', PATTERN_BYTE, "\\x0d", 1 },
    { 't', PATTERN_BYTE, "\\x09", 1 },
    { 'f', PATTERN_BYTE, "\\x0c", 1 },
    { 'a', PATTERN_BYTE, "\\x07", 1 },
    { 'e', PATTERN_BYTE, "\\x1b", 1 },
};

static struct pattern_node *read_reference(struct reader *r)
{
    while (peek(r, 0) >= '0' && peek(r, 0) <= '9')
        r->at++;
    return node_new(r, PATTERN_ANY);
}

/* \g{1}, \k<name> and their like. */
static struct pattern_node *read_named_reference(struct reader *r)
{
    char close = peek(r, 1) == '{' ? '}' : peek(r, 1) == '<' ? '>' : peek(r, 1) == '\'' ? '\'' : '\0';
    bool is_call = peek(r, 0) == 'g' && close != '}';

    r->at++;
    if (is_call || !close)
        return wrong(r);
    r->at++;
    while (r->at < r->end && *r->at != close)
        r->at++;
    if (!peek(r, 0))
        return wrong(r);
    r->at++;
    return node_new(r, PATTERN_ANY);
}

static struct pattern_node *read_escape(struct reader *r)
{
    char c = (++r->at, peek(r, 0));

    if (r->at >= r->end)
        return wrong(r);
    for (size_t i = 0; i < COUNT(escapes); i++)
        if (escapes[i].letter == c) {
            r->at++;
            return leaf(r, escapes[i].kind, span_of(escapes[i].text), escapes[i].bytes);
        }
    switch (c) {
    case 'Q': r->at++; return read_quoted(r);
    case 'E': r->at++; return node_new(r, PATTERN_NOTHING);
    case 'x': return read_hex(r);
    case '0': return read_octal(r);
    case 'g':
    case 'k': return read_named_reference(r);
    default: break;
    }
    if (c >= '1' && c <= '9')
        return read_reference(r);
    if (ascii_is_alpha(c))
        return wrong(r);
    r->at++;
    return literal(r, c);
}

/* ---- groups ---- */

/* Up to the bracket that closes it. */
static struct pattern_node *read_inner(struct reader *r)
{
    bool was_extended = r->is_extended;
    struct pattern_node *inner = r->depth++ < DEPTH_MAX ? read_choice(r) : wrong(r);

    r->depth--;
    r->is_extended = was_extended;
    return take(r, ")") ? inner : wrong(r);
}

/* What is looked at without being taken: left out. */
static struct pattern_node *read_look(struct reader *r)
{
    read_inner(r);
    return node_new(r, PATTERN_NOTHING);
}

static bool take_name(struct reader *r, char close)
{
    while (ascii_is_alnum(peek(r, 0)) || peek(r, 0) == '_')
        r->at++;
    if (peek(r, 0) != close)
        return false;
    r->at++;
    return true;
}

/* (?i) holds to the end of the group that it stands in, (?i:...) for what is in it. At the flags. */
static struct pattern_node *read_flags(struct reader *r)
{
    struct pattern_node *flags = node_new(r, PATTERN_FLAGS);
    struct strbuf kept;
    bool is_off = false;

    strbuf_init(&kept, 16);
    for (; ascii_is_alpha(peek(r, 0)) || peek(r, 0) == '-'; r->at++) {
        char c = *r->at;

        /* (?-m) would turn off how anchors are read; (?xx) changes what stands in classes */
        if (!strchr("imsn-x", c) || (c == 'm' && is_off) || (c == 'x' && peek(r, 1) == 'x'))
            r->is_wrong = true;
        is_off |= c == '-';
        if (c == 'x')
            r->is_extended = !is_off;
        else if (c != 'n')
            strbuf_putc(&kept, c);
    }
    flags->text = arena_copy(r->arena, strbuf_span(&kept));
    strbuf_release(&kept);
    if (take(r, ":")) {
        add(flags, r->depth++ < DEPTH_MAX ? read_choice(r) : wrong(r));
        r->depth--;
        return take(r, ")") ? flags : wrong(r);
    }
    if (!take(r, ")"))
        return wrong(r);
    add(flags, read_choice(r));
    return flags;
}

/* Behind the opening bracket. `is_first`: nothing stands before it in its group. */
static struct pattern_node *read_group(struct reader *r, bool is_first)
{
    bool was_extended = r->is_extended;
    struct pattern_node *node;

    if (peek(r, 0) == '*')
        return wrong(r);
    if (!take(r, "?"))
        return read_inner(r);
    if (take(r, ":") || take(r, ">") || take(r, "|"))
        return read_inner(r);
    if (take(r, "=") || take(r, "!") || take(r, "<=") || take(r, "<!"))
        return read_look(r);
    if (take(r, "#")) {
        while (r->at < r->end && *r->at != ')')
            r->at++;
        return take(r, ")") ? node_new(r, PATTERN_NOTHING) : wrong(r);
    }
    if (take(r, "P<") || take(r, "<"))
        return take_name(r, '>') ? read_inner(r) : wrong(r);
    if (take(r, "'"))
        return take_name(r, '\'') ? read_inner(r) : wrong(r);
    const char *close = r->at;

    while (close < r->end && (ascii_is_alpha(*close) || *close == '-'))
        close++;
    bool is_to_the_end = close < r->end && *close == ')';

    if (close == r->at || (is_to_the_end && !is_first))
        return wrong(r);
    node = read_flags(r);
    if (!is_to_the_end)
        r->is_extended = was_extended;
    return node;
}

/* ---- sequences ---- */

static bool take_number(struct reader *r, unsigned *out)
{
    unsigned value = 0, digits = 0;

    for (; peek(r, 0) >= '0' && peek(r, 0) <= '9' && value <= COUNT_MAX; digits++)
        value = value * 10 + (unsigned)(*r->at++ - '0');
    *out = value;
    return digits && value <= COUNT_MAX;
}

/* {2}, {2,}, {2,3}; anything else in braces is text. */
static bool take_count(struct reader *r, unsigned *least, unsigned *most)
{
    const char *from = r->at;

    if (take(r, "{") && take_number(r, least)) {
        *most = *least;
        if (take(r, "}"))
            return true;
        if (take(r, ",")) {
            if (take(r, "}")) {
                *most = PATTERN_ENDLESS;
                return true;
            }
            if (take_number(r, most) && take(r, "}"))
                return true;
        }
    }
    r->at = from;
    return false;
}

static void skip_blanks(struct reader *r)
{
    while (r->is_extended && r->at < r->end && strchr(" \t\n\v\f\r#", *r->at) && *r->at) {
        bool is_comment = *r->at == '#';

        while (is_comment && r->at < r->end && *r->at != '\n')
            r->at++;
        r->at += r->at < r->end;
    }
}

/* What stands behind it says how often it comes. */
static struct pattern_node *repeated(struct reader *r, struct pattern_node *node)
{
    unsigned least = 1, most = 1;

    skip_blanks(r);
    if (take(r, "*"))
        least = 0, most = PATTERN_ENDLESS;
    else if (take(r, "+"))
        most = PATTERN_ENDLESS;
    else if (take(r, "?"))
        least = 0;
    else if (!take_count(r, &least, &most))
        return node;
    if (!take(r, "?"))
        take(r, "+");
    if (node->kind == PATTERN_NOTHING || node->kind == PATTERN_PLACE) /* nothing is left of a condition that may fail */
        return least ? node : node_new(r, PATTERN_NOTHING);
    struct pattern_node *repeat = node_new(r, PATTERN_REPEAT);

    repeat->least = least;
    repeat->most = most;
    add(repeat, node);
    return repeat;
}

static struct pattern_node *read_piece(struct reader *r, bool is_first)
{
    char c = *r->at;

    switch (c) {
    case '(': r->at++; return read_group(r, is_first);
    case '[': return read_class(r);
    case '\\': return read_escape(r);
    case '^':
    case '$': r->at++; return leaf(r, PATTERN_PLACE, span_make(r->at - 1, 1), 0);
    case '.': r->at++; return leaf(r, PATTERN_BYTE, span_make(r->at - 1, 1), 255);
    case '*':
    case '+':
    case '?': return wrong(r);
    default: r->at++; return literal(r, c);
    }
}

static struct pattern_node *read_sequence(struct reader *r, bool is_first)
{
    struct pattern_node *all = node_new(r, PATTERN_ALL);

    for (skip_blanks(r); r->at < r->end && *r->at != '|' && *r->at != ')' && !r->is_wrong; skip_blanks(r)) {
        struct pattern_node *piece = repeated(r, read_piece(r, is_first && !all->first));

        if (piece->kind != PATTERN_NOTHING)
            add(all, piece);
    }
    return all;
}

static struct pattern_node *read_choice(struct reader *r)
{
    struct pattern_node *first = read_sequence(r, true), *choice;

    if (peek(r, 0) != '|')
        return first;
    choice = node_new(r, PATTERN_ONE_OF);
    add(choice, first);
    while (take(r, "|"))
        add(choice, read_sequence(r, false));
    return choice;
}

/* ---- weight ---- */

static void weigh(struct pattern_node *node)
{
    uint64_t sum = node->kind == PATTERN_BYTE || node->kind == PATTERN_ANY;

    for (struct pattern_node *child = node->first; child; child = child->next) {
        weigh(child);
        sum += child->weight;
    }
    if (node->kind == PATTERN_REPEAT) {
        unsigned times = node->most == PATTERN_ENDLESS ? node->least : node->most;

        sum *= times ? times : 1;
    }
    node->weight = sum < WEIGHT_MAX ? sum : WEIGHT_MAX;
}

const struct pattern_node *pattern_read(struct arena *a, struct span pattern, bool is_extended)
{
    struct reader r = { .arena = a, .at = pattern.ptr, .end = pattern.ptr + pattern.len, .is_extended = is_extended };
    struct pattern_node *root = read_choice(&r);

    if (r.is_wrong || r.at < r.end)
        return NULL;
    weigh(root);
    return root;
}

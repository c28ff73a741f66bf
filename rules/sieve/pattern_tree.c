/* rules/sieve/pattern_tree.c - a pattern taken apart: groups, alternatives, counts. */
#include "rules/sieve/pattern_parts.h"

#include "gateway/base/bug.h"

enum { DEPTH_MAX = 60, NODES_MAX = 30000, COUNT_MAX = 65535, WEIGHT_MAX = 1 << 24 };

static const struct span define = SPAN("(?(DEFINE)(?<");

static struct pattern_node *read_choice(struct pattern_reader *r);

struct pattern_node *pattern_node_new(struct pattern_reader *r, enum pattern_node_kind kind)
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

struct pattern_node *pattern_wrong(struct pattern_reader *r)
{
    r->is_wrong = true;
    r->at = r->end;
    return pattern_node_new(r, PATTERN_NOTHING);
}

char pattern_peek(const struct pattern_reader *r, size_t ahead)
{
    return (size_t)(r->end - r->at) > ahead ? r->at[ahead] : '\0';
}

bool pattern_take(struct pattern_reader *r, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

struct pattern_node *pattern_leaf(struct pattern_reader *r, enum pattern_node_kind kind, struct span text,
                                  unsigned bytes)
{
    struct pattern_node *node = pattern_node_new(r, kind);

    node->text = text;
    node->bytes = bytes;
    return node;
}

/* ---- groups ---- */

/* Up to the bracket that closes it. */
static struct pattern_node *read_inner(struct pattern_reader *r)
{
    bool was_extended = r->is_extended;
    struct pattern_node *inner = r->depth++ < DEPTH_MAX ? read_choice(r) : pattern_wrong(r);

    r->depth--;
    r->is_extended = was_extended;
    return pattern_take(r, ")") ? inner : pattern_wrong(r);
}

/* What is looked at without being taken: left out. */
static struct pattern_node *read_look(struct pattern_reader *r)
{
    read_inner(r);
    return pattern_node_new(r, PATTERN_NOTHING);
}

static bool take_name(struct pattern_reader *r, char close)
{
    while (ascii_is_alnum(pattern_peek(r, 0)) || pattern_peek(r, 0) == '_')
        r->at++;
    if (pattern_peek(r, 0) != close)
        return false;
    r->at++;
    return true;
}

/* A second group of a name would be called in place of what is defined. */
static struct pattern_node *read_named(struct pattern_reader *r, char close)
{
    return take_name(r, close) && !r->definitions.len ? read_inner(r) : pattern_wrong(r);
}

/* What is in the group that has them; of (?i) to the end of the group that it stands in. */
static struct pattern_node *read_flagged(struct pattern_reader *r)
{
    bool is_group = pattern_take(r, ":");
    struct pattern_node *inner;

    if (r->depth == DEPTH_MAX || (!is_group && !pattern_take(r, ")")))
        return pattern_wrong(r);
    r->depth++;
    r->flags++;
    inner = read_choice(r);
    r->flags--;
    r->depth--;
    return is_group && !pattern_take(r, ")") ? pattern_wrong(r) : inner;
}

/* Takes "(?(DEFINE)(?<name>meaning))" off the front; *out is "name>meaning". false: there is none. */
static bool take_definition(struct span *definitions, struct span *out)
{
    struct span rest = span_skip(*definitions, define.len);
    size_t next = span_search(rest, define);
    size_t len = next == SPAN_NPOS ? rest.len : next;

    if (!span_starts(*definitions, define) || len < 2 || rest.ptr[len - 1] != ')' || rest.ptr[len - 2] != ')')
        return false;
    *out = span_first(rest, len - 2);
    *definitions = span_skip(rest, len);
    return true;
}

static struct span definition(struct span definitions, struct span name)
{
    for (struct span one; take_definition(&definitions, &one);) {
        size_t close = span_find(one, '>');

        if (close != SPAN_NPOS && span_eq(span_first(one, close), name))
            return span_skip(one, close + 1);
    }
    return (struct span){ 0 };
}

/* (?&name), behind the &. The flags of its place do not hold in what it calls. */
static struct pattern_node *read_call(struct pattern_reader *r)
{
    struct span name = span_make(r->at, (size_t)(r->end - r->at));
    struct pattern_reader inner = *r;

    name = span_first(name, take_name(r, ')') ? (size_t)(r->at - name.ptr) - 1 : 0);
    struct span meaning = definition(r->definitions, name);

    if (!meaning.ptr || r->flags || r->depth == DEPTH_MAX)
        return pattern_wrong(r);
    inner.at = meaning.ptr;
    inner.end = meaning.ptr + meaning.len;
    inner.depth++;
    struct pattern_node *node = read_choice(&inner);

    r->nodes = inner.nodes;
    r->is_wrong |= inner.is_wrong || inner.at < inner.end;
    return node;
}

/* At the flags. */
static struct pattern_node *read_flags(struct pattern_reader *r)
{
    struct pattern_node *flags = pattern_node_new(r, PATTERN_FLAGS);
    struct strbuf kept;
    bool is_off = false;

    strbuf_init(&kept, 16);
    for (; ascii_is_alpha(pattern_peek(r, 0)) || pattern_peek(r, 0) == '-'; r->at++) {
        char c = *r->at;

        /* (?-m) would turn off how anchors are read; (?xx) changes what stands in classes */
        if (!strchr("imsn-x", c) || (c == 'm' && is_off) || (c == 'x' && pattern_peek(r, 1) == 'x'))
            r->is_wrong = true;
        is_off |= c == '-';
        if (c == 'x')
            r->is_extended = !is_off;
        else if (c != 'n')
            strbuf_putc(&kept, c);
    }
    flags->text = arena_copy(r->arena, strbuf_span(&kept));
    strbuf_release(&kept);
    add(flags, read_flagged(r));
    return flags;
}

/* Behind the opening bracket. `is_first`: nothing stands before it in its group. */
static struct pattern_node *read_group(struct pattern_reader *r, bool is_first)
{
    bool was_extended = r->is_extended;
    struct pattern_node *node;

    if (pattern_peek(r, 0) == '*')
        return pattern_wrong(r);
    if (!pattern_take(r, "?"))
        return read_inner(r);
    if (pattern_take(r, ":") || pattern_take(r, ">") || pattern_take(r, "|"))
        return read_inner(r);
    if (pattern_take(r, "=") || pattern_take(r, "!") || pattern_take(r, "<=") || pattern_take(r, "<!"))
        return read_look(r);
    if (pattern_take(r, "&"))
        return read_call(r);
    if (pattern_take(r, "P<") || pattern_take(r, "<"))
        return read_named(r, '>');
    if (pattern_take(r, "'"))
        return read_named(r, '\'');
    const char *close = r->at;

    while (close < r->end && (ascii_is_alpha(*close) || *close == '-'))
        close++;
    bool is_to_the_end = close < r->end && *close == ')';

    if (close == r->at || (is_to_the_end && !is_first))
        return pattern_wrong(r);
    node = read_flags(r);
    if (!is_to_the_end)
        r->is_extended = was_extended;
    return node;
}

/* ---- sequences ---- */

static bool take_number(struct pattern_reader *r, unsigned *out)
{
    unsigned value = 0, digits = 0;

    for (; pattern_peek(r, 0) >= '0' && pattern_peek(r, 0) <= '9' && value <= COUNT_MAX; digits++)
        value = value * 10 + (unsigned)(*r->at++ - '0');
    *out = value;
    return digits && value <= COUNT_MAX;
}

/* {2}, {2,}, {2,3}; anything else in braces is text. */
static bool take_count(struct pattern_reader *r, unsigned *least, unsigned *most)
{
    const char *from = r->at;

    if (pattern_take(r, "{") && take_number(r, least)) {
        *most = *least;
        if (pattern_take(r, "}"))
            return true;
        if (pattern_take(r, ",")) {
            if (pattern_take(r, "}")) {
                *most = PATTERN_ENDLESS;
                return true;
            }
            if (take_number(r, most) && pattern_take(r, "}"))
                return true;
        }
    }
    r->at = from;
    return false;
}

/* What means nothing wherever it stands: (?#...), and in an extended pattern blanks and # to the end of a line. */
static void skip_blanks(struct pattern_reader *r)
{
    while (r->at < r->end) {
        bool is_group = pattern_take(r, "(?#");
        bool is_comment = is_group || (r->is_extended && *r->at == '#');

        if (!is_comment && !(r->is_extended && strchr(" \t\n\v\f\r", *r->at) && *r->at))
            return;
        while (is_comment && r->at < r->end && *r->at != (is_group ? ')' : '\n'))
            r->at++;
        if (is_group && r->at == r->end)
            pattern_wrong(r);
        r->at += r->at < r->end;
    }
}

static bool take_quantifier(struct pattern_reader *r, unsigned *least, unsigned *most)
{
    *least = *most = 1;
    skip_blanks(r);
    if (pattern_take(r, "*"))
        *least = 0, *most = PATTERN_ENDLESS;
    else if (pattern_take(r, "+"))
        *most = PATTERN_ENDLESS;
    else if (pattern_take(r, "?"))
        *least = 0;
    else
        return take_count(r, least, most);
    return true;
}

/* What stands behind it says how often it comes. */
static struct pattern_node *repeated(struct pattern_reader *r, struct pattern_node *node)
{
    unsigned least, most, again;

    if (!take_quantifier(r, &least, &most))
        return node;
    if (!pattern_take(r, "?"))
        pattern_take(r, "+");
    if (take_quantifier(r, &again, &again)) /* Perl does not have that */
        return pattern_wrong(r);
    if (node->kind == PATTERN_NOTHING || node->kind == PATTERN_PLACE) /* nothing is left of a condition that may fail */
        return least ? node : pattern_node_new(r, PATTERN_NOTHING);
    struct pattern_node *repeat = pattern_node_new(r, PATTERN_REPEAT);

    repeat->least = least;
    repeat->most = most;
    add(repeat, node);
    return repeat;
}

static struct pattern_node *read_piece(struct pattern_reader *r, bool is_first)
{
    char c = *r->at;

    switch (c) {
    case '(': r->at++; return read_group(r, is_first);
    case '[': return pattern_read_class(r);
    case '\\': return pattern_read_escape(r);
    case '^':
    case '$': r->at++; return pattern_leaf(r, PATTERN_PLACE, span_make(r->at - 1, 1), 0);
    case '.': r->at++; return pattern_leaf(r, PATTERN_BYTE, span_make(r->at - 1, 1), 255);
    case '*':
    case '+':
    case '?': return pattern_wrong(r);
    default: r->at++; return pattern_literal(r, c);
    }
}

static struct pattern_node *read_sequence(struct pattern_reader *r, bool is_first)
{
    struct pattern_node *all = pattern_node_new(r, PATTERN_ALL);

    for (skip_blanks(r); r->at < r->end && *r->at != '|' && *r->at != ')' && !r->is_wrong; skip_blanks(r)) {
        struct pattern_node *piece = repeated(r, read_piece(r, is_first && !all->first));

        if (piece->kind != PATTERN_NOTHING)
            add(all, piece);
    }
    return all;
}

static struct pattern_node *read_choice(struct pattern_reader *r)
{
    struct pattern_node *first = read_sequence(r, true), *choice;

    if (pattern_peek(r, 0) != '|')
        return first;
    choice = pattern_node_new(r, PATTERN_ONE_OF);
    add(choice, first);
    while (pattern_take(r, "|"))
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

/* Nothing stands behind the pattern but definitions, each of which can be read. */
static bool are_definitions(struct pattern_reader r)
{
    struct span rest = r.definitions;

    for (struct span one; take_definition(&rest, &one);) {
        r.at = one.ptr;
        r.end = one.ptr + one.len;
        r.nodes = 0;
        if (!take_name(&r, '>'))
            return false;
        read_choice(&r);
        if (r.is_wrong || r.at < r.end)
            return false;
    }
    return !rest.len;
}

const struct pattern_node *pattern_read(struct arena *a, struct span pattern, bool is_extended)
{
    size_t at = span_search(pattern, define), len = at == SPAN_NPOS ? pattern.len : at;
    struct pattern_reader r = { .arena = a,
                                .at = pattern.ptr,
                                .end = pattern.ptr + len,
                                .definitions = span_skip(pattern, len),
                                .is_extended = is_extended };

    if (!are_definitions(r))
        return NULL;
    struct pattern_node *root = read_choice(&r);

    if (r.is_wrong || r.at < r.end)
        return NULL;
    weigh(root);
    return root;
}

/* content/html_sheet.c - style sheets [CSS2 4, 6]: one pass over the bytes, a hash table of selectors. */
#include "gateway/content/html_sheet.h"

#include "gateway/content/html_token.h"

enum { PROBES_MAX = 16, SHEET_BYTES = SHEET_RULES_MAX * 512, SELECTOR_MOST = 200 };

void sheet_init(struct html_sheet *sheet)
{
    *sheet = (struct html_sheet){ .slots = NULL };
    arena_init(&sheet->room, SHEET_BYTES);
}

void sheet_release(struct html_sheet *sheet)
{
    arena_release(&sheet->room);
}

/* ---- the table ---- */

static uint32_t hash_more(uint32_t hash, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)ascii_lower(s.ptr[i])) * 16777619u;
    return (hash ^ '/') * 16777619u;
}

static uint32_t hash_of(struct span element, char sign, struct span name)
{
    uint32_t hash = hash_more(2166136261u, element);

    return hash_more((hash ^ (unsigned char)sign) * 16777619u, name);
}

static bool is_for(const struct html_sheet_rule *rule, uint32_t hash, struct span element, char sign, struct span name)
{
    if (rule->hash != hash || !span_ieq(rule->element, element))
        return false;
    if (!sign)
        return !rule->name.len;
    return rule->name.len == name.len + 1 && rule->name.ptr[0] == sign && span_ieq(span_skip(rule->name, 1), name);
}

/* The place of a selector: its rule, or an empty one; NULL: too many have come here. */
static struct html_sheet_rule **place(const struct html_sheet *sheet, struct span element, char sign, struct span name)
{
    uint32_t hash = hash_of(element, sign, name);

    for (uint32_t i = 0; i < PROBES_MAX; i++) {
        struct html_sheet_rule **slot = &sheet->slots[(hash + i) % SHEET_SLOTS];

        if (!*slot || is_for(*slot, hash, element, sign, name))
            return slot;
    }
    return NULL;
}

static void merge_rule(struct html_style *out, const struct html_sheet_rule *rule)
{
    struct html_style style; /* only what is set */
    unsigned n = 0;

    style.set = rule->set;
    style.important = rule->important;
    for (uint32_t left = rule->set; left; left &= left - 1)
        style.value[__builtin_ctz(left)] = rule->values[n++];
    style_merge(out, &style);
}

static void rule_merge(struct arena *a, struct html_sheet_rule *rule, const struct html_style *more)
{
    struct html_style style = { .set = 0 };
    unsigned n = 0;

    merge_rule(&style, rule);
    style_merge(&style, more);
    if (rule->set != style.set)
        rule->values = arena_alloc(a, (size_t)__builtin_popcount(style.set) * sizeof *rule->values);
    for (uint32_t left = style.set; left; left &= left - 1)
        rule->values[n++] = style.value[__builtin_ctz(left)];
    rule->set = style.set;
    rule->important = style.important;
}

static void rule_add(struct html_sheet *sheet, struct span element, struct span name, const struct html_style *style)
{
    struct arena *a = &sheet->room;
    char sign = name.len ? name.ptr[0] : 0;

    if (!sheet->slots)
        sheet->slots = arena_alloc(a, SHEET_SLOTS * sizeof(struct html_sheet_rule *));
    struct html_sheet_rule **slot = place(sheet, element, sign, span_skip(name, 1));

    if (!slot || (!*slot && sheet->count == SHEET_RULES_MAX)) {
        sheet->is_cut = true;
        return;
    }
    if (!*slot) {
        *slot = arena_alloc(a, sizeof **slot);
        (*slot)->hash = hash_of(element, sign, span_skip(name, 1));
        (*slot)->element = element;
        (*slot)->name = name;
        sheet->count++;
    }
    (*slot)->turn = ++sheet->turns;
    rule_merge(a, *slot, style);
}

/* ---- finding ---- */

static const struct html_sheet_rule *find(const struct html_sheet *sheet, struct span element, char sign,
                                          struct span name)
{
    struct html_sheet_rule **slot = place(sheet, element, sign, name);

    return slot ? *slot : NULL;
}

static void merge_found(struct html_style *out, const struct html_sheet_rule *rule)
{
    if (rule)
        merge_rule(out, rule);
}

/* Rules of the same weight, in the order in which they were written. */
static void merge_in_turn(struct html_style *out, const struct html_sheet_rule **found, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && found[k - 1]->turn > found[k]->turn; k--) {
            const struct html_sheet_rule *swapped = found[k];

            found[k] = found[k - 1];
            found[k - 1] = swapped;
        }
    for (size_t i = 0; i < count; i++)
        merge_rule(out, found[i]);
}

static void merge_classes(const struct html_sheet *sheet, struct span element, struct span classes,
                          struct html_style *out)
{
    const struct html_sheet_rule *found[SHEET_CLASSES_MAX];
    size_t count = 0, seen = 0, i = 0;

    while (i < classes.len && seen < SHEET_CLASSES_MAX) {
        size_t from = i;

        while (i < classes.len && !html_is_space(classes.ptr[i]))
            i++;
        if (i > from) {
            seen++;
            found[count] = find(sheet, element, '.', span_make(classes.ptr + from, i - from));
            count += found[count] != NULL;
        }
        i++;
    }
    merge_in_turn(out, found, count);
}

void sheet_style(const struct html_sheet *sheet, struct span element, struct span classes, struct span id,
                 struct html_style *out)
{
    if (!sheet->count)
        return;
    merge_found(out, find(sheet, SPAN(""), 0, SPAN("")));
    merge_found(out, find(sheet, element, 0, SPAN("")));
    merge_classes(sheet, SPAN(""), classes, out);
    merge_classes(sheet, element, classes, out);
    if (!id.len)
        return;
    merge_found(out, find(sheet, SPAN(""), '#', id));
    merge_found(out, find(sheet, element, '#', id));
}

/* ---- reading ---- */

static bool is_name(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static size_t name_length(struct span s)
{
    size_t i = 0;

    while (i < s.len && is_name(s.ptr[i]))
        i++;
    return i;
}

/* One compound: p, .a, p.a, #b, p#b, *; false: anything else. */
static bool read_selector(struct span s, struct span *element, struct span *name)
{
    size_t n = name_length(s);

    if (span_istarts(s, SPAN("body ")) || span_istarts(s, SPAN("html ")))
        return read_selector(span_trim(span_skip(s, 5)), element, name);
    *element = span_first(s, n);
    s = span_skip(s, n);
    if (!n && s.len && s.ptr[0] == '*')
        s = span_skip(s, 1);
    else if (!n && (!s.len || (s.ptr[0] != '.' && s.ptr[0] != '#')))
        return false;
    *name = SPAN("");
    if (!s.len)
        return true;
    n = name_length(span_skip(s, 1));
    *name = span_first(s, n + 1);
    return (s.ptr[0] == '.' || s.ptr[0] == '#') && n && n + 1 == s.len;
}

/* Behind the `}` that ends the block whose content begins at *s: takes the content off. */
static struct span take_block(struct span *s)
{
    size_t depth = 1, i = 0, comment;
    char quote = 0;

    for (; i < s->len && depth; i++) {
        char c = s->ptr[i];

        if (c == '\\') {
            i++;
        } else if (quote) {
            if (c == quote || c == '\n')
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '/' && (comment = style_comment(span_skip(*s, i)))) {
            i += comment - 1;
        } else {
            depth += c == '{';
            depth -= c == '}';
        }
    }
    i = i < s->len ? i : s->len;
    struct span block = span_first(*s, depth ? i : i - 1);

    *s = span_skip(*s, i);
    return block;
}

static void read_rule(struct html_sheet *sheet, struct span selectors, struct span block)
{
    struct html_style style = { .set = 0 };
    struct span rest = selectors, one, element, name;

    style_read(&style, block);
    if (!style.set)
        return;
    while (span_cut(&rest, ',', &one)) {
        char room[SELECTOR_MOST];
        struct span plain = style_plain(one, room, sizeof room);

        if (plain.ptr == room)
            plain = arena_copy(&sheet->room, plain);
        if (read_selector(plain, &element, &name))
            rule_add(sheet, element, name, &style);
    }
}

/* The window of a mail reader on a desk. */
enum { DESK_WIDTH = 1000, DESK_HEIGHT = 700, QUERY_MOST = 200 };

/* "width >= 600px", "400px < width": the side of the window and the number, whichever comes first. */
static bool range_holds(struct span s)
{
    size_t sign = 0, end;
    float px;

    while (sign < s.len && s.ptr[sign] != '<' && s.ptr[sign] != '>' && s.ptr[sign] != '=')
        sign++;
    end = sign + 1 + (sign + 1 < s.len && s.ptr[sign + 1] == '=');
    if (sign == s.len)
        return false;
    struct span left = span_trim(span_first(s, sign)), right = span_trim(span_skip(s, end));
    bool is_first = span_iis(left, "width") || span_iis(left, "height");
    struct span side = is_first ? left : right;
    float window = span_iis(side, "width") ? DESK_WIDTH : span_iis(side, "height") ? DESK_HEIGHT : -1;

    if (window < 0 || !style_pixels(is_first ? right : left, &px))
        return false;
    if (s.ptr[sign] == '=')
        return px == window;
    return (s.ptr[sign] == '>') == is_first ? window >= px : window <= px;
}

/* What browsers on desks say of themselves. */
static bool is_true_of_desk(struct span name, struct span value)
{
    static const struct {
        const char *name, *value;
    } facts[] = {
        { "prefers-color-scheme", "light" },
        { "orientation", "landscape" },
        { "hover", "hover" },
        { "any-hover", "hover" },
        { "pointer", "fine" },
        { "any-pointer", "fine" },
        { "update", "fast" },
        { "grid", "0" },
        { "-webkit-min-device-pixel-ratio", "0" },
        { "-webkit-min-device-pixel-ratio", "1" },
    };
    static const char *const alone[] = { "width", "height", "color", "hover", "pointer", "any-hover", "any-pointer" };

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (span_iis(name, facts[i].name) && span_iis(value, facts[i].value))
            return true;
    for (size_t i = 0; i < sizeof alone / sizeof *alone && !value.len; i++)
        if (span_iis(name, alone[i]))
            return true;
    return false;
}

/* One of "(min-width: 600px)", "(prefers-color-scheme: light)"; what we do not know does not hold. */
static bool condition_holds(struct span s)
{
    static const struct {
        const char *name;
        float window;
        bool is_least;
    } sizes[] = {
        { "min-width", DESK_WIDTH, true },          { "max-width", DESK_WIDTH, false },
        { "min-height", DESK_HEIGHT, true },        { "max-height", DESK_HEIGHT, false },
        { "min-device-width", DESK_WIDTH, true },   { "max-device-width", DESK_WIDTH, false },
        { "min-device-height", DESK_HEIGHT, true }, { "max-device-height", DESK_HEIGHT, false },
    };
    struct span name;

    if (!span_starts(s, SPAN("(")) || !span_ends(s, SPAN(")")))
        return false;
    s = span_make(s.ptr + 1, s.len - 2);
    if (span_find(s, ':') == SPAN_NPOS)
        return range_holds(s) || is_true_of_desk(span_trim(s), SPAN(""));
    span_cut(&s, ':', &name);
    name = span_trim(name);
    s = span_trim(s);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float px;

        if (span_iis(name, sizes[i].name))
            return style_pixels(s, &px) && (sizes[i].is_least ? px <= sizes[i].window : px >= sizes[i].window);
    }
    return is_true_of_desk(name, s);
}

/* "only screen and (min-width: 600px) and ...", "(...) or (...)" */
static bool query_holds(struct span s)
{
    bool is_first = true;

    s = span_trim(s);
    if (span_istarts(s, SPAN("not ")))
        return !query_holds(span_first(span_skip(s, 4), QUERY_MOST));
    if (span_istarts(s, SPAN("only ")))
        s = span_trim(span_skip(s, 5));
    for (; s.len; is_first = false) {
        size_t end = s.ptr[0] == '(' ? span_find(s, ')') : span_find(s, ' ');
        struct span one = span_first(s, end == SPAN_NPOS ? s.len : end + (s.ptr[0] == '('));
        bool is_type = is_first && (span_iis(one, "screen") || span_iis(one, "all"));
        bool holds = is_type || condition_holds(one);

        s = span_trim(span_skip(s, one.len));
        bool is_either = span_istarts(s, SPAN("or"));

        if (!s.len || (is_either && holds))
            return holds;
        if (!is_either && (!holds || !span_istarts(s, SPAN("and"))))
            return false;
        s = span_trim(span_skip(s, is_either ? 2 : 3));
    }
    return true;
}

bool sheet_is_for_screen(struct span queries)
{
    struct span one;

    if (!span_trim(queries).len)
        return true;
    while (span_cut(&queries, ',', &one))
        if (query_holds(one))
            return true;
    return false;
}

/* Whether the rules in the block of an @rule are there for the reader. */
static bool is_entered(struct span prelude)
{
    if (span_istarts(prelude, SPAN("@media")))
        return sheet_is_for_screen(span_skip(prelude, 6));
    if (span_istarts(prelude, SPAN("@supports")))
        return !span_istarts(span_trim(span_skip(prelude, 9)), SPAN("not"));
    return span_istarts(prelude, SPAN("@layer"));
}

/* Blanks, comments, and the <!-- --> that old authors put around it all. */
static struct span skip_space(struct span s)
{
    for (;;) {
        while (s.len && (html_is_space(s.ptr[0]) || s.ptr[0] == '}' || s.ptr[0] == ';'))
            s = span_skip(s, 1);
        if (style_comment(s))
            s = span_skip(s, style_comment(s));
        else if (span_starts(s, SPAN("<!--")) || span_starts(s, SPAN("-->")))
            s = span_skip(s, s.ptr[0] == '<' ? 4 : 3);
        else
            return s;
    }
}

/* Up to the block, or the end of an @rule without one; not by what stands in quotes or comments. */
static size_t prelude_length(struct span s)
{
    size_t comment;
    char quote = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '\\') {
            i++;
        } else if (quote) {
            if (c == quote || c == '\n')
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '/' && (comment = style_comment(span_skip(s, i)))) {
            i += comment - 1;
        } else if (c == '{' || c == '}' || (c == ';' && s.ptr[0] == '@')) {
            return i;
        }
    }
    return s.len;
}

void sheet_read(struct html_sheet *sheet, struct span css)
{
    for (struct span s = skip_space(css); s.len; s = skip_space(s)) {
        size_t n = prelude_length(s);
        struct span prelude = span_first(s, n);
        bool has_block = n < s.len && s.ptr[n] == '{';

        s = span_skip(s, n + 1);
        if (!has_block)
            continue;
        if (!prelude.len || prelude.ptr[0] != '@')
            read_rule(sheet, prelude, take_block(&s));
        else if (!is_entered(prelude))
            take_block(&s);
        /* else its rules come next, and its own } is a blank to skip_space() */
    }
}

/* tests/unit/test_sieve_pattern.c - whatever a pattern is: what PCRE2 finds in a piece, Hyperscan finds by what it is
 * told of the pattern. Patterns and texts are by chance, the same each time.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs/hs.h>
#include <pcre2.h>

#include "rules/sieve/beginnings.h"
#include "rules/sieve/pattern_tree.h"
#include "rules/sieve/sieve_make.h"
#include "rules/view/texts.h"
#include "tests/kit/expect.h"

enum { PATTERNS = 1500, TEXTS = 12, PIECES = 3, PIECE_BYTES = 10, PATTERN_BYTES = 300 };

static uint64_t state;

static unsigned chance(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % below);
}

static const char *const atoms[] = {
    "a",
    "b",
    "A",
    "x",
    "1",
    "_",
    "-",
    " ",
    ".",
    ".",
    "\xe4",
    "\\d",
    "\\w",
    "\\s",
    "\\D",
    "\\W",
    "\\S",
    "\\h",
    "\\H",
    "\\v",
    "\\V",
    "\\N",
    "\\n",
    "\\r",
    "\\e",
    "\\x41",
    "\\x{61}",
    "\\x",
    "\\0",
    "\\012",
    "\\101",
    "\\o{101}",
    "\\cA",
    "\\R",
    "\\X",
    "\\C",
    "[a-c]",
    "[^a-c]",
    "[]a]",
    "[^]a]",
    "[[:alpha:]]",
    "[[:^alpha:]]",
    "[^[:upper:]]",
    "[\\w-]",
    "[^\\W_]",
    "[\\101]",
    "[\\b]",
    "[\\-a]",
    "[\\]a]",
    "[[:a]b:]",
    "[a b]",
    "[a&&b]",
    "[\\x80-\\xff]",
    "[A-z]",
    "[\\Q]\\E]",
    "^",
    "$",
    "\\b",
    "\\B",
    "\\A",
    "\\z",
    "\\Z",
    "\\G",
    "\\K",
    "\\1",
    "\\g{-1}",
    "\\k<n>",
    "\\Qa.b\\E",
    "\\Qab\\E",
    "\\E",
    "(?#c)",
    "(?# ( [)",
    "(?i)",
    "(?-i)",
    "(?s)",
    "(?m)",
    "(?x)",
    "(?-m)",
    "(?^)",
    "(?R)",
    "(?1)",
    "(?&n)",
    "(*ACCEPT)",
    "(*F)",
    "(*SKIP)",
    "\n",
    "#",
    "# x\n",
    "\\ ",
    "]",
    "{",
    "{,2}",
    "|",
    "|",
    "\\.",
};
static const char *const counts[] = {
    "*",  "+",      "?",     "{2}", "{0}",    "{0,1}",    "{1,2}",  "{2,}", "*?",    "{2}?",
    "*+", "{1,3}+", "{3,9}", " +",  "(?#x)+", "(?#x){2}", "{2}{2}", "+{2}", "#x\n*", "\\E+",
};
static const char *const groups[] = {
    "(",     "(?:",   "(?:",  "(?>",   "(?|",  "(?=",  "(?!",    "(?<=",  "(?<!",    "(?<n>",           "(?i:",
    "(?-i:", "(?s:",  "(?m:", "(?-m:", "(?x:", "(?^:", "(?i-s:", "(?(1)", "(?(?=a)", "(?(DEFINE)(?<n>", "(?:(?i)",
    "(?:^",  "(?:$|", "(?:|",
};

static void put_sequence(struct strbuf *out, unsigned depth)
{
    for (unsigned left = 1 + chance(depth ? 3 : 5); left && out->len < PATTERN_BYTES; left--) {
        if (depth < 3 && chance(4) == 0) {
            const char *open = groups[chance(COUNT(groups))];

            strbuf_puts(out, open);
            put_sequence(out, depth + 1);
            strbuf_puts(out, strstr(open, "DEFINE") ? "))" : ")");
        } else {
            strbuf_puts(out, atoms[chance(chance(2) ? 9 : COUNT(atoms))]);
        }
        if (chance(3) == 0)
            strbuf_puts(out, counts[chance(COUNT(counts))]);
        if (chance(9) == 0)
            strbuf_putc(out, '|');
    }
}

static unsigned chance_options(void)
{
    return PCRE2_DUPNAMES | (chance(3) ? 0 : PCRE2_CASELESS) | (chance(4) ? 0 : PCRE2_DOTALL) |
           (chance(4) ? 0 : PCRE2_MULTILINE) | (chance(6) ? 0 : PCRE2_EXTENDED);
}

struct hyperscan {
    hs_database_t *databases[PATTERN_MANNERS];
    hs_scratch_t *scratch;
};

static hs_database_t *compile(const char *text, unsigned flags)
{
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;

    if (hs_compile(text, flags, HS_MODE_BLOCK, NULL, &database, &error) != HS_SUCCESS)
        hs_free_compile_error(error);
    return database;
}

/* As rules/sieve/sieve_make.c tries them. */
static unsigned compile_all(struct arena *a, const struct sieve_pattern *pattern, struct hyperscan *h)
{
    const struct pattern_node *tree = pattern_read(a, span_of(pattern->text), false);
    const char *before = "";
    unsigned made = 0;

    EXPECT_TRUE(tree);
    for (enum pattern_manner manner = PATTERN_WORDS; manner < PATTERN_MANNERS; manner++) {
        struct strbuf out;

        strbuf_init(&out, 32768);
        const char *text = pattern_say(tree, manner, &out) && out.len ? arena_dup(a, strbuf_span(&out)) : before;

        strbuf_release(&out);
        h->databases[manner] = NULL;
        if (strcmp(text, before) == 0)
            continue;
        h->databases[manner] = compile(text, pattern->flags);
        if (!h->databases[manner])
            h->databases[manner] = compile(text, pattern->flags | HS_FLAG_PREFILTER);
        made += h->databases[manner] != NULL;
        before = text;
    }
    return made;
}

static int note(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    (void)id, (void)from, (void)to, (void)flags;
    *(bool *)arg = true;
    return 0;
}

static bool passes(struct hyperscan *h, enum pattern_manner manner, struct span text)
{
    bool is_found = !h->databases[manner];

    if (is_found)
        return true;
    EXPECT_INT(HS_SUCCESS, hs_alloc_scratch(h->databases[manner], &h->scratch));
    EXPECT_INT(HS_SUCCESS, hs_scan(h->databases[manner], text.ptr ? text.ptr : "", (unsigned)text.len, 0, h->scratch,
                                   note, &is_found));
    return is_found;
}

/* Pieces behind each other, or a single one as header fields are. */
static struct rule_lines chance_text(struct arena *a)
{
    static const char bytes[] = "aabbAB11__- xx\n\n\r\v.]\\\x85\xa0\xe4\0#{2}";
    struct rule_lines lines = { 0 };
    size_t room = 0;

    for (unsigned pieces = chance(PIECES + 1); pieces || !lines.count; pieces -= pieces != 0) {
        char *piece = arena_alloc(a, PIECE_BYTES);
        unsigned len = chance(PIECE_BYTES);

        for (unsigned i = 0; i < len; i++)
            piece[i] = bytes[chance(sizeof bytes - 1)];
        lines_add(a, &lines, &room, span_make(piece, len));
        lines.joined = lines.items[0];
        if (!pieces)
            return lines;
    }
    lines_join(a, &lines);
    return lines;
}

/* How many of them match. */
static unsigned compare(struct arena *a, const struct rule *rule, pcre2_code *code, struct hyperscan *h)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    unsigned matched = 0;

    for (int i = 0; i < TEXTS; i++) {
        struct rule_lines lines = chance_text(a);
        bool is_match = false;

        for (size_t k = 0; k < lines.count; k++)
            is_match |= pcre2_match(code, (PCRE2_SPTR)lines.items[k].ptr, lines.items[k].len, 0, 0, data, NULL) >= 0;
        matched += is_match;
        for (enum pattern_manner manner = PATTERN_WORDS; is_match && manner < PATTERN_MANNERS; manner++) {
            if (!passes(h, manner, lines.joined))
                print_error("/%s/ with options %x is held back, in manner %d, from \"%.*s\"\n", rule->pattern,
                            rule->options, (int)manner, SPAN_ARG(lines.joined));
            EXPECT_TRUE(passes(h, manner, lines.joined));
        }
    }
    pcre2_match_data_free(data);
    return matched;
}

/* Wherever it matches, one of its beginnings stands. */
static unsigned compare_beginnings(struct arena *a, const struct rule *rule, pcre2_code *code)
{
    const struct pattern_node *tree = pattern_read(a, span_of(rule->pattern), rule->options & PCRE2_EXTENDED);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    struct beginnings_table table = { .count = 0 };
    struct beginnings these;
    unsigned passed_by = 0;

    EXPECT_TRUE(tree);
    beginnings_of(a, tree, rule->options & PCRE2_CASELESS, &these);
    EXPECT_TRUE(beginnings_add(&table, &these));
    for (int i = 0; i < TEXTS; i++) {
        struct span text = chance_text(a).items[0];

        for (size_t at = 0; at <= text.len; at++) {
            bool is_match = pcre2_match(code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, at, PCRE2_ANCHORED,
                                        data, NULL) >= 0;

            if (is_match && !beginnings_at(&table, text, at))
                print_error("/%s/ with options %x does not begin at %zu of \"%.*s\"\n", rule->pattern, rule->options,
                            at, SPAN_ARG(text));
            EXPECT_TRUE(!is_match || beginnings_at(&table, text, at));
            passed_by += !beginnings_at(&table, text, at);
        }
    }
    pcre2_match_data_free(data);
    return passed_by;
}

/* Repetitions in repetitions, of which each may be nothing. */
static void beginnings_are_found_in_time(void **unused)
{
    struct beginnings these;
    struct strbuf text;
    struct arena a;

    (void)unused;
    arena_init(&a, SIZE_MAX);
    strbuf_init(&text, 1000);
    for (int i = 0; i < 40; i++)
        strbuf_puts(&text, "(?:b|");
    strbuf_puts(&text, "a?");
    for (int i = 0; i < 40; i++)
        strbuf_puts(&text, "c?)*");
    EXPECT_FALSE(beginnings_of(&a, pattern_read(&a, strbuf_span(&text), false), false, &these));
    strbuf_release(&text);
    arena_release(&a);
}

static void what_pcre2_finds_hyperscan_finds(void **unused)
{
    unsigned made = 0, matched = 0, passed_by = 0;
    struct hyperscan h = { 0 };

    (void)unused;
    state = 0x9e3779b97f4a7c15;
    for (int i = 0; i < PATTERNS; i++) {
        struct rule rule = { .options = chance_options() };
        struct sieve_pattern pattern;
        struct strbuf text;
        struct arena a;
        PCRE2_SIZE at;
        int error;

        arena_init(&a, 1 << 24);
        strbuf_init(&text, 10000);
        put_sequence(&text, 0);
        rule.pattern = text.data;
        pcre2_code *code = pcre2_compile((PCRE2_SPTR)text.data, text.len, rule.options, &error, &at, NULL);

        if (code && sieve_pattern(&a, &rule, &pattern)) {
            made += compile_all(&a, &pattern, &h);
            matched += compare(&a, &rule, code, &h);
            passed_by += i % 4 ? 0 : compare_beginnings(&a, &rule, code);
            for (enum pattern_manner manner = PATTERN_WORDS; manner < PATTERN_MANNERS; manner++)
                hs_free_database(h.databases[manner]);
        }
        pcre2_code_free(code);
        strbuf_release(&text);
        arena_release(&a);
    }
    hs_free_scratch(h.scratch);
    EXPECT_TRUE(made > PATTERNS / 3 && matched > PATTERNS && passed_by > PATTERNS);
}

RUN_TESTS(TEST(beginnings_are_found_in_time), TEST(what_pcre2_finds_hyperscan_finds))

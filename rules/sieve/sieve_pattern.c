/* rules/sieve/sieve_pattern.c - a rule's pattern as Hyperscan is to read it, and the request of all of them.
 *
 * In a joined text (rules/sieve/matcher.h) a LF stands at each end of a piece, beside the one that the piece may end
 * in. So ^ and $ that hold at lines hold there too, and a pattern that is anchored with them is found wherever PCRE2
 * finds it in a piece: perhaps elsewhere as well, which does not matter.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs/hs.h>
#include <pcre2.h>

#include "gateway/base/bug.h"
#include "gateway/mail/crypto.h"
#include "rules/sieve/pattern_tree.h"
#include "rules/sieve/sieve_make.h"

enum { EXPANDED_BYTES_MAX = 128 * 1024, EXPANDED_DEPTH_MAX = 4 };

/* (?-m) and (?^) would turn our reading of anchors off inside of the pattern. */
static bool turns_lines_off(const char *pattern)
{
    for (const char *p = pattern; (p = strstr(p, "(?"));) {
        bool is_off = false;

        for (p += 2; ascii_is_alpha(*p) || *p == '-' || *p == '^'; p++) {
            if (*p == '^' || (*p == 'm' && is_off))
                return true;
            is_off |= *p == '-';
        }
    }
    return false;
}

/* Behind the closing bracket of the class that begins at `p`. */
static const char *behind_class(const char *p)
{
    p += p[1] == '^' ? 2 : 1;
    p += *p == ']';
    while (*p && *p != ']') {
        if (p[0] == '\\' && p[1])
            p++;
        else if (p[0] == '[' && p[1] == ':' && strstr(p + 2, ":]"))
            p = strstr(p + 2, ":]") + 1;
        p++;
    }
    return *p ? p + 1 : p;
}

/* \A and \G become ^, \z and \Z become $. */
static const char *anchored_at_lines(struct arena *a, const char *pattern)
{
    char *out = arena_alloc(a, strlen(pattern) + 1), *to = out;

    for (const char *p = pattern; *p;) {
        const char *end = p + 1;

        if (p[0] == '\\' && p[1] == 'Q') {
            end = strstr(p, "\\E");
            end = end ? end + 2 : p + strlen(p);
        } else if (p[0] == '\\' && p[1]) {
            end = p + 2;
            if (strchr("AGzZ", p[1])) {
                *to++ = p[1] == 'A' || p[1] == 'G' ? '^' : '$';
                p = end;
                continue;
            }
        } else if (p[0] == '[') {
            end = behind_class(p);
        }
        memcpy(to, p, (size_t)(end - p));
        to += end - p;
        p = end;
    }
    *to = 0;
    return out;
}

/* What replace_tags put into a pattern once, and names where it stands (rules/cf/cf_replace.c), which Hyperscan cannot
 * read: "(?&tag3)", and behind the pattern "(?(DEFINE)(?<tag3>...))". */
static const char define[] = "(?(DEFINE)(?<", call[] = "(?&";

static struct span definition(struct span definitions, struct span name)
{
    const struct span begin = SPAN("(?(DEFINE)(?<");

    for (size_t at; (at = span_search(definitions, begin)) != SPAN_NPOS;) {
        definitions = span_skip(definitions, at + begin.len);
        size_t end = span_search(definitions, begin), close = span_find(definitions, '>');
        struct span one = end == SPAN_NPOS ? definitions : span_first(definitions, end);

        if (close != SPAN_NPOS && close + 3 <= one.len && span_eq(span_first(one, close), name))
            return span_skip(span_first(one, one.len - 2), close + 1);
    }
    return (struct span){ 0 };
}

/* false: it is too long, or is not as we know it. */
static bool put_expanded(struct strbuf *out, struct span text, struct span definitions, unsigned depth)
{
    for (size_t at; (at = span_search(text, span_of(call))) != SPAN_NPOS;) {
        strbuf_put(out, span_first(text, at));
        text = span_skip(text, at + strlen(call));
        size_t end = span_find(text, ')');
        struct span meaning = definition(definitions, span_first(text, end == SPAN_NPOS ? 0 : end));

        if (!meaning.ptr || depth == EXPANDED_DEPTH_MAX || out->is_full)
            return false;
        strbuf_puts(out, "(?:");
        if (!put_expanded(out, meaning, definitions, depth + 1))
            return false;
        strbuf_putc(out, ')');
        text = span_skip(text, end + 1);
    }
    strbuf_put(out, text);
    return !out->is_full;
}

/* NULL: it cannot be said without its tags. */
static const char *without_tags(struct arena *a, const char *pattern)
{
    struct span whole = span_of(pattern);
    size_t at = span_search(whole, span_of(define));
    struct strbuf out;

    if (at == SPAN_NPOS)
        return pattern;
    strbuf_init(&out, EXPANDED_BYTES_MAX);
    bool is_good = put_expanded(&out, span_first(whole, at), span_skip(whole, at), 0);
    const char *text = is_good ? arena_dup(a, strbuf_span(&out)) : NULL;

    strbuf_release(&out);
    return text;
}

/* Blanks and comments of an extended pattern are left out. */
static const char *without_blanks(struct arena *a, const char *pattern)
{
    const struct pattern_node *tree = pattern_read(a, span_of(pattern), true);
    struct strbuf out;

    strbuf_init(&out, EXPANDED_BYTES_MAX);
    const char *text = tree && pattern_say(tree, PATTERN_AS_IS, &out) ? arena_dup(a, strbuf_span(&out)) : NULL;

    strbuf_release(&out);
    return text;
}

bool sieve_pattern(struct arena *a, const struct rule *rule, struct sieve_pattern *out)
{
    const unsigned known =
        PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_MULTILINE | PCRE2_NO_AUTO_CAPTURE | PCRE2_DUPNAMES | PCRE2_EXTENDED;

    if (rule->options & ~known || turns_lines_off(rule->pattern))
        return false;
    out->id = rule->index;
    out->flags = HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE;
    out->flags |= rule->options & PCRE2_CASELESS ? HS_FLAG_CASELESS : 0;
    out->flags |= rule->options & PCRE2_DOTALL ? HS_FLAG_DOTALL : 0;
    const char *text = without_tags(a, rule->pattern);

    if (text && rule->options & PCRE2_EXTENDED)
        text = without_blanks(a, text);
    out->text = text ? anchored_at_lines(a, text) : "";
    return text;
}

/* ---- request ---- */

static void put_number(struct strbuf *out, size_t number)
{
    uint32_t value = (uint32_t)number;

    strbuf_put(out, span_make((const char *)&value, sizeof value));
}

static void put_group(struct arena *a, const struct matcher_group *group, struct strbuf *out)
{
    put_number(out, group->index);
    put_number(out, group->count);
    for (size_t i = 0; i < group->count; i++) {
        struct sieve_pattern pattern = { .id = group->rules[i]->index, .text = "" };
        bool is_readable = sieve_pattern(a, group->rules[i], &pattern);

        put_number(out, pattern.id);
        put_number(out, pattern.flags);
        put_number(out, is_readable ? strlen(pattern.text) : 0);
        strbuf_put(out, is_readable ? span_of(pattern.text) : SPAN(""));
    }
}

/* Of what patterns, compiled by what, for what processor, by which rules of ours. */
static void make_key(struct span request, unsigned char key[SIEVE_KEY_BYTES])
{
    static const char ours[] = "sieve 3, limits 200 48 300 60000";
    struct crypto *c = crypto_here();
    hs_platform_info_t platform = { 0 };

    hs_populate_platform(&platform);
    crypto_hash_start(c, HASH_SHA256);
    crypto_hash_put(c, span_make(ours, sizeof ours));
    crypto_hash_put(c, span_of(hs_version()));
    crypto_hash_put(c, span_make((const char *)&platform, sizeof platform));
    crypto_hash_put(c, request);
    crypto_hash_end(c, key);
}

bool sieve_request(const struct matcher *m, const struct ruleset *set, struct strbuf *out,
                   unsigned char key[SIEVE_KEY_BYTES])
{
    struct strbuf body;
    struct arena a;
    size_t count, worth = 0;
    const struct matcher_group *groups = matcher_groups(m, &count);

    arena_init(&a, SIZE_MAX);
    strbuf_init(&body, out->most_bytes);
    for (size_t i = 0; i < count; i++)
        if (groups[i].count >= SIEVE_LEAST_PATTERNS) {
            put_group(&a, &groups[i], &body);
            worth++;
        }
    make_key(strbuf_span(&body), key);
    strbuf_put(out, span_make((const char *)key, SIEVE_KEY_BYTES));
    put_number(out, set->count);
    put_number(out, worth);
    strbuf_put(out, strbuf_span(&body));
    bool is_whole = worth && !out->is_full && !body.is_full;

    strbuf_release(&body);
    arena_release(&a);
    return is_whole;
}

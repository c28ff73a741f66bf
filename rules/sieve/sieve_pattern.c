/* rules/sieve/sieve_pattern.c - a rule's pattern as Hyperscan is to read it, and the request of all of them.
 *
 * Hyperscan never sees a pattern as a rule has it, but what rules/sieve/pattern_tree.h made of it: what that does not
 * know is not sifted, so nothing depends on what Hyperscan would make of it.
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

enum { SAID_BYTES_MAX = 128 * 1024 };

/* NULL: it cannot be said so. */
static const char *said(struct arena *a, const struct rule *rule)
{
    const struct pattern_node *tree = pattern_read(a, span_of(rule->pattern), rule->options & PCRE2_EXTENDED);
    struct strbuf out;

    strbuf_init(&out, SAID_BYTES_MAX);
    const char *text = tree && pattern_say(tree, PATTERN_AS_IS, &out) ? arena_dup(a, strbuf_span(&out)) : NULL;

    strbuf_release(&out);
    return text;
}

bool sieve_pattern(struct arena *a, const struct rule *rule, struct sieve_pattern *out)
{
    const unsigned known =
        PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_MULTILINE | PCRE2_NO_AUTO_CAPTURE | PCRE2_DUPNAMES | PCRE2_EXTENDED;

    out->text = "";
    if (rule->options & ~known)
        return false;
    out->id = rule->index;
    out->flags = HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE;
    out->flags |= rule->options & PCRE2_CASELESS ? HS_FLAG_CASELESS : 0;
    out->flags |= rule->options & PCRE2_DOTALL ? HS_FLAG_DOTALL : 0;
    const char *text = said(a, rule);

    if (text)
        out->text = text;
    return text;
}

/* ---- request ---- */

static void put_number(struct strbuf *out, size_t number)
{
    uint32_t value = (uint32_t)number;

    strbuf_put(out, span_make((const char *)&value, sizeof value));
}

/* Only texts of pieces are gone through for beginnings; \G stands where a search begins. */
static bool may_be_tried_at_places(const struct rule *rule)
{
    bool is_of_pieces = rule->kind == RULE_BODY || rule->kind == RULE_RAWBODY || rule->kind == RULE_URI;

    return is_of_pieces && !strstr(rule->pattern, "\\G");
}

static void put_group(struct arena *a, const struct matcher_group *group, struct strbuf *out)
{
    put_number(out, group->index);
    put_number(out, group->count);
    for (size_t i = 0; i < group->count; i++) {
        struct sieve_pattern pattern = { .id = group->rules[i]->index, .text = "" };
        bool is_readable = sieve_pattern(a, group->rules[i], &pattern);

        put_number(out, pattern.id);
        put_number(out, pattern.flags | (may_be_tried_at_places(group->rules[i]) ? SIEVE_FLAG_PLACES : 0));
        put_number(out, is_readable ? strlen(pattern.text) : 0);
        strbuf_put(out, is_readable ? span_of(pattern.text) : SPAN(""));
    }
}

/* Of what patterns, compiled by what, for what processor, by which rules of ours. */
static void make_key(struct span request, unsigned char key[SIEVE_KEY_BYTES])
{
    static const char ours[] = "sieve 5, limits 200 48 300 60000";
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

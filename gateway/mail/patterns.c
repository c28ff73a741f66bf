/* mail/patterns.c - regular expressions that an operator wrote into a list. */
#include "gateway/mail/patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

/* A pattern that does not come to an end within these is a bad one. */
enum { MATCH_STEPS = 20000, MATCH_DEPTH = 500, MATCH_HEAP_KIB = 1000, PATTERN_BYTES_MOST = 500 };

struct pattern {
    pcre2_code *code;
    char *text;
    unsigned line;
};

struct patterns {
    struct pattern *items;
    size_t count;
    pcre2_match_context *limits;
    char wrong[300];
};

struct patterns *patterns_new(void)
{
    struct patterns *p = mem_alloc(sizeof *p);

    p->limits = pcre2_match_context_create(NULL);
    if (!p->limits)
        fatal_memory(sizeof *p);
    pcre2_set_match_limit(p->limits, MATCH_STEPS);
    pcre2_set_depth_limit(p->limits, MATCH_DEPTH);
    pcre2_set_heap_limit(p->limits, MATCH_HEAP_KIB);
    return p;
}

void patterns_free(struct patterns *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++) {
        pcre2_code_free(p->items[i].code);
        free(p->items[i].text);
    }
    free(p->items);
    pcre2_match_context_free(p->limits);
    free(p);
}

size_t patterns_count(const struct patterns *p)
{
    return p->count;
}

static const char *syntax_error(struct patterns *p, int error, size_t at)
{
    unsigned char why[128];

    pcre2_get_error_message(error, why, sizeof why);
    snprintf(p->wrong, sizeof p->wrong, "is no regular expression (%s, at character %zu); mend it or take it out",
             (const char *)why, at + 1);
    return p->wrong;
}

const char *patterns_add(struct patterns *p, struct span text, unsigned line)
{
    int error = 0;
    size_t at = 0;

    if (text.len > PATTERN_BYTES_MOST)
        return "is a regular expression of more than 500 bytes; split it";
    if (p->count == PATTERNS_MOST)
        return "is one more than the 5000 regular expressions that a list may have; write names instead";
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text.ptr, text.len, PCRE2_CASELESS | PCRE2_NEVER_UTF, &error, &at, NULL);

    if (!code)
        return syntax_error(p, error, at);
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is none, matching is slower */
    if ((p->count & (p->count - 1)) == 0)
        p->items = mem_grow(p->items, (p->count ? 2 * p->count : 1) * sizeof *p->items);
    struct pattern *new = &p->items[p->count++];

    *new = (struct pattern){ .code = code, .text = mem_alloc(text.len + 1), .line = line };
    memcpy(new->text, text.ptr, text.len);
    return NULL;
}

/* More than nothing: it matches. Where JIT's stack is too small for it, the slower way is gone. */
static int match(const struct patterns *p, const struct pattern *one, struct span text, pcre2_match_data *data)
{
    int found = pcre2_match(one->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, data, p->limits);

    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(one->code, (PCRE2_SPTR)text.ptr, text.len, 0, PCRE2_NO_JIT, data, p->limits);
    return found;
}

static void note(enum patterns_end *end, enum patterns_end how)
{
    if (end)
        *end = how;
}

bool patterns_fit(const struct patterns *p, struct span text, int64_t until_us, enum patterns_end *end,
                  struct access_match *out)
{
    pcre2_match_data *data = p->count ? pcre2_match_data_create(1, NULL) : NULL;
    bool has_found = false;

    if (p->count && !data)
        fatal_memory(sizeof *p);
    for (size_t i = 0; i < p->count && !has_found; i++) {
        const struct pattern *one = &p->items[i];

        if (clock_mono_us() >= until_us) {
            note(end, PATTERNS_LATE);
            break;
        }
        int found = match(p, one, text, data);

        has_found = found >= 0;
        if (has_found) {
            out->line = one->line;
            snprintf(out->text, sizeof out->text, "/%s/", one->text);
        } else if (found != PCRE2_ERROR_NOMATCH) {
            note(end, PATTERNS_GIVEN_UP);
        }
    }
    pcre2_match_data_free(data);
    return has_found;
}

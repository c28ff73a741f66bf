/* rules/eval/eval_tool.c - what the eval functions share: fields, shapes, domains, parts. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "gateway/mail/domain.h"
#include "rules/eval/eval_parts.h"
#include "rules/settings.h"
#include "rules/shape.h"

enum { SHAPE_STEPS = 200000, REGEX_STEPS = 100000, REGEX_HEAP_KIB = 1024 };

struct span eval_text(struct scanning *s, const char *field)
{
    struct span text;

    return scanning_header(s, field, HEADER_TEXT, &text) ? text : SPAN("");
}

const struct rule_lines *eval_addresses(struct scanning *s, const char *field)
{
    return scanning_values(s, field, HEADER_ADDR);
}

struct span eval_address(struct scanning *s, const char *field)
{
    const struct rule_lines *all = eval_addresses(s, field);

    return all->count ? span_trim(all->items[0]) : SPAN("");
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span eval_one_line(struct scanning *s, struct span text)
{
    char *out = arena_alloc(s->q->arena, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        if (!is_blank(text.ptr[i]))
            out[n++] = text.ptr[i];
        else if (n == 0 || out[n - 1] != ' ')
            out[n++] = ' ';
    return span_make(out, n);
}

struct span eval_lower(struct scanning *s, struct span text)
{
    char *out = arena_alloc(s->q->arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        out[i] = ascii_lower(text.ptr[i]);
    return span_make(out, text.len);
}

/* ---- shapes ---- */

bool eval_starts(struct span text, const char *shape)
{
    struct shape_run run = { .text = text, .steps = SHAPE_STEPS };

    return shape_starts(&run, shape);
}

bool eval_has(struct span text, const char *shape)
{
    struct shape_run run = { .text = text, .steps = SHAPE_STEPS };

    return shape_has(&run, shape);
}

bool eval_has_any_case(struct span text, const char *shape)
{
    struct shape_run run = { .text = text, .steps = SHAPE_STEPS, .is_any_case = true };

    return shape_has(&run, shape);
}

struct span eval_found(struct span text, const char *shape, char slot)
{
    struct shape_run run = { .text = text, .steps = SHAPE_STEPS };

    return shape_has(&run, shape) ? shape_slot(&run, slot) : SPAN("");
}

bool eval_has_ip(struct span text)
{
    for (size_t at = 0; at < text.len; at++)
        if (shape_address(text, at))
            return true;
    return false;
}

/* ---- domains ---- */

bool eval_is_under(struct span text, const char *domain)
{
    struct span name = span_of(domain);

    if (!span_iends(text, name))
        return false;
    char before = text.len > name.len ? text.ptr[text.len - name.len - 1] : ' ';
    return !ascii_is_alnum(before) && before != '_';
}

struct span eval_domain(struct scanning *s, struct span host)
{
    char normal[DOMAIN_MAX];

    if (domain_normal(host, normal) != 0)
        return eval_lower(s, host);
    const char *domain = domain_org_psl(normal);
    return span_of(arena_printf(s->q->arena, "%s", domain ? domain : normal));
}

bool eval_is_host(struct scanning *s, struct span host)
{
    const struct ruleset_settings *settings = s->set->settings;
    const struct words *tlds = settings ? settings_words(settings, "util_rb_tld") : NULL;
    char normal[DOMAIN_MAX];

    if (domain_normal(host, normal) != 0 || domain_labels(normal) < 2)
        return false;
    const char *tld = strrchr(normal, '.') + 1;
    return tlds && words_count(tlds) ? words_have(tlds, span_of(tld), NULL) : domain_is_registry_suffix(tld);
}

struct span eval_behind_at(struct span address)
{
    size_t at = span_rfind(address, '@');

    return at == SPAN_NPOS ? SPAN("") : span_skip(address, at + 1);
}

/* ---- charsets ---- */

static const struct {
    const char *locale, *charsets;
} locale_charsets[] = {
    { "ja", "EUCJP JISX020119760 JISX020819830 JISX020819900 JISX020819970 JISX021219900 JISX021320001 JISX021320002 "
            "SHIFT_JIS SHIFTJIS ISO2022JP SJIS JIS7 JISX0201 JISX0208 JISX0212" },
    { "ko", "EUCKR KSC56011987" },
    { "ru", "KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866" },
    { "ka", "KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866" },
    { "tg", "KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866" },
    { "be", "KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866" },
    { "uk", "KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866" },
    { "bg", "KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866" },
    { "th", "TIS620" },
    { "zh", "GB1988 GB2312 GB231219800 GB18030 GBK BIG5HKSCS BIG5 EUCTW ISO2022CN" },
};

/* Everybody's: Latin ones, and those of all scripts. */
static bool is_common(struct span name)
{
    static const char *const starts[] = { "ISO8859", "ISO10646", "UTF", "UCS", "CP125", "WINDOWS", "UNICODE11UTF" };
    static const char *const names[] = { "USASCII", "ASCII", "IBM852", "XUNKNOWN", "ISO" };

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(name, span_of(starts[i])))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(name, names[i]))
            return true;
    return false;
}

static bool has_word(const char *words, struct span word)
{
    struct span rest = span_of(words), one;

    while (span_word(&rest, &one))
        if (span_eq(one, word))
            return true;
    return false;
}

bool eval_charset_is_foreign(struct scanning *s, struct span charset)
{
    const struct ruleset_settings *settings = s->set->settings;
    const struct words *locales = settings ? settings_words(settings, "ok_locales") : NULL;
    char name[40];
    size_t n = 0;

    if (!locales || words_count(locales) == 0 || words_have(locales, SPAN("all"), NULL))
        return false;
    for (size_t i = 0; i < charset.len && n < sizeof name; i++)
        if (ascii_is_alnum(charset.ptr[i]))
            name[n++] = ascii_is_alpha(charset.ptr[i]) ? (char)(charset.ptr[i] & ~0x20) : charset.ptr[i];
    struct span plain = span_make(name, n);
    if (span_starts(plain, SPAN("3D")))
        plain = span_skip(plain, 2);
    if (is_common(plain))
        return false;
    for (size_t i = 0; i < words_count(locales); i++) {
        struct span locale = span_first(span_of(words_at(locales, i)), 2);

        for (size_t k = 0; k < sizeof locale_charsets / sizeof *locale_charsets; k++)
            if (span_ieq(locale, span_of(locale_charsets[k].locale)) && has_word(locale_charsets[k].charsets, plain))
                return false;
    }
    return true;
}

bool eval_charset_has_capitals(struct span charset)
{
    static const char *const marks[] = { "koi",   "jp",     "jis",          "euc",        "gb",    "big5",
                                         "isoir", "cp1251", "windows-1251", "georgianps", "pt154", "tis" };

    for (size_t i = 0; i < charset.len; i++)
        if (!ascii_is_alnum(charset.ptr[i]) && charset.ptr[i] != '-' && charset.ptr[i] != '_')
            return false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (span_isearch(charset, span_of(marks[i])) != SPAN_NPOS)
            return true;
    return false;
}

/* ---- parts ---- */

struct mime_part *eval_part_next(struct scanning *s, size_t *at)
{
    const struct mime_tree *tree = message_mime(s->q->message);

    while (*at < tree->count) {
        struct mime_part *part = tree->parts[(*at)++];
        if (!part->is_reading && !part->is_unpacked)
            return part;
    }
    return NULL;
}

const struct content_text *eval_html_next(struct scanning *s, size_t *at)
{
    const struct content *content = message_content(s->q->message);

    while (*at < content->text_count) {
        const struct content_text *text = &content->texts[(*at)++];
        if (text->html && text->source.len && !text->part->is_reading)
            return text;
    }
    return NULL;
}

struct span eval_part_type(const struct mime_part *part)
{
    struct span type = span_of(part->type);

    if (type.len == 0)
        return SPAN("text/plain");
    if (span_starts(type, SPAN("text")) && (type.len == 4 || !(ascii_is_alnum(type.ptr[4]) || type.ptr[4] == '_')) &&
        !span_is(type, "text/html") && !span_is(type, "text/calendar") && !span_is(type, "text/x-vcard"))
        return SPAN("text/plain");
    return type;
}

struct span eval_part_field(struct scanning *s, struct mime_part *part, const char *field)
{
    size_t fields = header_count(&part->header, field);
    const struct header_field *f = fields ? header_find(&part->header, field, fields - 1) : NULL;

    return f ? eval_lower(s, header_unfold(s->q->arena, f->body)) : SPAN("");
}

bool eval_part_is_leaf(const struct mime_part *part)
{
    return part->children == 0 && !part->is_multipart;
}

/* ---- patterns ---- */

/* /.../flags, m{...}flags, or the bare expression. */
static struct span expression(struct span text, uint32_t *options)
{
    static const char ends[] = "}])>";
    static const char begins[] = "{[(<";

    *options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
    struct span rest = text;
    if (rest.len > 1 && rest.ptr[0] == 'm' && !ascii_is_alnum(rest.ptr[1]))
        rest = span_skip(rest, 1);
    else if (!span_starts(rest, SPAN("/")))
        return text;
    const char *pair = strchr(begins, rest.ptr[0]);
    size_t end = span_rfind(rest, pair && *pair ? ends[pair - begins] : rest.ptr[0]);
    if (end == 0 || end == SPAN_NPOS)
        return text;
    for (size_t i = end + 1; i < rest.len; i++)
        *options |= rest.ptr[i] == 'i'   ? PCRE2_CASELESS
                    : rest.ptr[i] == 's' ? PCRE2_DOTALL
                    : rest.ptr[i] == 'm' ? PCRE2_MULTILINE
                    : rest.ptr[i] == 'x' ? PCRE2_EXTENDED
                                         : 0;
    return span_make(rest.ptr + 1, end - 1);
}

const char *eval_pattern_fault(struct arena *a, const char *argument)
{
    uint32_t options;
    int error;
    size_t where;
    struct span body = expression(span_of(argument), &options);
    unsigned char text[160] = "";
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)body.ptr, body.len, options, &error, &where, NULL);

    pcre2_code_free(code);
    if (code)
        return NULL;
    pcre2_get_error_message(error, text, sizeof text);
    return arena_printf(a, RULE_REFUSED " its pattern: %s", (const char *)text);
}

/* A rule's expression, compiled once for a message: it lies in the arena, as all that PCRE2 asks for here. */
struct eval_pattern {
    const char *argument;
    pcre2_code *code; /* NULL: it cannot be compiled */
    pcre2_match_data *data;
    pcre2_match_context *limits;
    struct eval_pattern *next;
};

static void *take(size_t bytes, void *arena)
{
    return arena_alloc(arena, bytes);
}

static void leave(void *memory, void *arena)
{
    (void)memory;
    (void)arena;
}

static struct eval_pattern *pattern_of(struct scanning *s, const char *argument)
{
    struct eval_memo *memo = eval_memo(s);
    uint32_t options;
    int error;
    size_t where;

    for (struct eval_pattern *p = memo->patterns; p; p = p->next)
        if (p->argument == argument)
            return p;
    struct eval_pattern *p = arena_alloc(s->q->arena, sizeof *p);
    pcre2_general_context *memory = pcre2_general_context_create(take, leave, s->q->arena);
    pcre2_compile_context *compiling = pcre2_compile_context_create(memory);
    struct span body = expression(span_of(argument), &options);

    p->argument = argument;
    p->code = pcre2_compile((PCRE2_SPTR)body.ptr, body.len, options, &error, &where, compiling);
    p->data = pcre2_match_data_create(1, memory);
    p->limits = pcre2_match_context_create(memory);
    pcre2_set_match_limit(p->limits, REGEX_STEPS);
    pcre2_set_heap_limit(p->limits, REGEX_HEAP_KIB);
    p->next = memo->patterns;
    memo->patterns = p;
    return p;
}

bool eval_matches(struct scanning *s, const struct rule *rule, size_t nth, struct span text)
{
    const char *argument = eval_argument(rule, nth);
    struct eval_pattern *p = argument ? pattern_of(s, argument) : NULL;

    return p && p->code &&
           pcre2_match(p->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0, p->data, p->limits) >= 0;
}

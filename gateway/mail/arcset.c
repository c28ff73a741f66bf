/* mail/arcset.c - the ARC sets of a message [RFC8617]. Reading stops at the first problem, so that thousands of
 * fields cost no more than the 150 that a chain can have. */
#include "gateway/mail/arcset.h"

#include "gateway/base/bug.h"

enum part { PART_RESULTS, PART_AMS, PART_SEAL, PART_NONE };

static enum part part_of(struct span name)
{
    static const char *const names[] = {
        [PART_RESULTS] = "ARC-Authentication-Results",
        [PART_AMS] = "ARC-Message-Signature",
        [PART_SEAL] = "ARC-Seal",
    };

    if (!span_istarts(name, SPAN("ARC-")))
        return PART_NONE;
    for (size_t i = 0; i < COUNT(names); i++)
        if (span_iis(name, names[i]))
            return (enum part)i;
    return PART_NONE;
}

/* Without folding white space and comments at its front [RFC5322 3.2.2]. */
static struct span skip_cfws(struct span s)
{
    size_t depth = 0, i = 0;

    for (; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (c == '\\' && depth)
            i++;
        else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            break;
    }
    return span_skip(s, i);
}

/* "i=N;" at the front of ARC-Authentication-Results [RFC8617 4.1.1]; 0 when it is not there. */
static unsigned results_instance(struct span body)
{
    struct span rest = skip_cfws(body);
    uint64_t number = 0;
    size_t digits = 0;

    if (!rest.len || rest.ptr[0] != 'i')
        return 0;
    rest = skip_cfws(span_skip(rest, 1));
    if (!rest.len || rest.ptr[0] != '=')
        return 0;
    rest = skip_cfws(span_skip(rest, 1));
    while (digits < rest.len && ascii_is_digit(rest.ptr[digits]))
        digits++;
    if (span_u64(span_first(rest, digits), ARC_SETS_MAX, &number))
        return 0;
    rest = skip_cfws(span_skip(rest, digits));
    return rest.len && rest.ptr[0] == ';' ? (unsigned)number : 0;
}

/* The set of that instance, made with all before it when there is none. */
static struct arc_set *set_of(struct arena *a, struct arc_chain *chain, unsigned instance)
{
    if (instance > chain->count) {
        chain->sets = arena_grow(a, chain->sets, chain->count, instance, sizeof *chain->sets);
        chain->count = instance;
    }
    return &chain->sets[instance - 1];
}

static const char *add_signature(struct arena *a, struct arc_chain *chain, enum part part,
                                 const struct header_field *field)
{
    enum signature_form form = part == PART_AMS ? SIGNATURE_AMS : SIGNATURE_SEAL;
    struct signature read;

    signature_read(a, form, SIGNATURE_TODAY, field, &read);
    if (!read.instance)
        return part == PART_AMS ? "an ARC-Message-Signature has no instance" : "an ARC-Seal has no instance";
    struct arc_set *set = set_of(a, chain, read.instance);
    struct signature *place = part == PART_AMS ? &set->ams : &set->seal;

    if (place->field)
        return part == PART_AMS ? "an instance has two ARC-Message-Signature" : "an instance has two ARC-Seal";
    *place = read;
    return NULL;
}

static const char *add_results(struct arena *a, struct arc_chain *chain, const struct header_field *field)
{
    unsigned instance = results_instance(field->body);

    if (!instance)
        return "an ARC-Authentication-Results has no instance";
    struct arc_set *set = set_of(a, chain, instance);

    if (set->results)
        return "an instance has two ARC-Authentication-Results";
    set->results = field;
    return NULL;
}

/* [RFC8617 5.2] step 3. */
static const char *structure_problem(const struct arc_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct arc_set *set = &chain->sets[i];

        if (!set->results || !set->ams.field || !set->seal.field)
            return "an instance is incomplete";
        if (set->seal.state != SIGNATURE_PENDING)
            return "an ARC-Seal is malformed";
        if (set->ams.state != SIGNATURE_PENDING)
            return "an ARC-Message-Signature is malformed";
    }
    return NULL;
}

static const char *cv_problem(const struct arc_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->sets[i].seal.cv != (i == 0 ? ARC_CV_NONE : ARC_CV_PASS))
            return i == 0 ? "the first cv= is not none" : "a cv= is not pass";
    return NULL;
}

void arc_chain_read(struct arena *a, const struct header_index *header, struct arc_chain *out)
{
    *out = (struct arc_chain){ 0 };
    for (size_t i = 0; i < header->count && !out->problem; i++) {
        const struct header_field *field = &header->fields[i];
        enum part part = part_of(field->name);

        if (part == PART_RESULTS)
            out->problem = add_results(a, out, field);
        else if (part != PART_NONE)
            out->problem = add_signature(a, out, part, field);
    }
    if (!out->problem)
        out->problem = structure_problem(out);
    if (!out->problem && out->count) {
        out->has_failed = out->sets[out->count - 1].seal.cv == ARC_CV_FAIL;
        out->problem = out->has_failed ? NULL : cv_problem(out);
    }
}

void arc_seal_hash(const struct arc_chain *chain, size_t instance, unsigned char out[HASH_BYTES_MAX])
{
    struct hasher h;

    hasher_start(&h, HASH_SHA256, HASHER_ALL);
    for (size_t i = 0; i < instance; i++) {
        const struct arc_set *set = &chain->sets[i];

        canon_field(&h, CANON_RELAXED, set->results);
        canon_field(&h, CANON_RELAXED, set->ams.field);
        if (i + 1 < instance)
            canon_field(&h, CANON_RELAXED, set->seal.field);
        else
            canon_signature(&h, CANON_RELAXED, set->seal.field, set->seal.b_raw);
    }
    hasher_end(&h, out);
}

/* Without comments and quoted strings; white space is left. */
static struct span bare_text(struct arena *a, struct span body)
{
    char *to = arena_dup(a, body);
    struct span out = span_make(to, 0);
    size_t depth = 0;
    bool is_quoted = false;

    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];

        if (c == '\\' && (depth || is_quoted))
            i++;
        else if (c == '"' && !depth)
            is_quoted = !is_quoted;
        else if (c == '(' && !is_quoted)
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (!depth && !is_quoted)
            to[out.len++] = c == '\r' || c == '\n' ? ' ' : c;
    }
    return out;
}

bool arc_results_say(struct arena *a, struct span body, const char *method, const char *result)
{
    struct span rest = bare_text(a, body), part, name, word;

    while (span_cut(&rest, ';', &part)) {
        if (!span_cut(&part, '=', &name) || !part.ptr)
            continue;
        struct span slash = name;

        span_cut(&slash, '/', &name); /* method/version [RFC8601 2.2] */
        if (span_iis(span_trim(name), method))
            return span_word(&part, &word) && span_iis(word, result);
    }
    return false;
}

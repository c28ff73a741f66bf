/* mail/signature.c - reading a signature field: a table of tags, one function each. */
#include "gateway/mail/signature.h"

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"
#include "gateway/mail/tagvalue.h"

struct reader {
    struct arena *arena;
    struct signature *out;
    enum signature_state state; /* that a fault in this tag means */
};

static const char *read_version(struct reader *r, struct span value)
{
    (void)r;
    return span_is(value, "1") ? NULL : "unknown version in v=";
}

static const struct {
    const char *name;
    enum signature_algorithm algorithm;
} algorithms[] = {
    { "rsa-sha256", ALGORITHM_RSA_SHA256 },
    { "ed25519-sha256", ALGORITHM_ED25519_SHA256 },
    { "rsa-sha1", ALGORITHM_RSA_SHA1 },
};

static const char *read_algorithm(struct reader *r, struct span value)
{
    r->out->algorithm_text = arena_dup(r->arena, span_first(value, 40));
    for (size_t i = 0; i < COUNT(algorithms); i++)
        if (span_iis(value, algorithms[i].name))
            r->out->algorithm = algorithms[i].algorithm;
    r->out->hash = r->out->algorithm == ALGORITHM_RSA_SHA1 ? HASH_SHA1 : HASH_SHA256;
    r->out->is_weak = r->out->algorithm == ALGORITHM_RSA_SHA1;
    if (r->out->is_weak && r->out->era == SIGNATURE_TODAY) {
        r->state = SIGNATURE_PERMERROR;
        return "rsa-sha1 must not be used [RFC8301 3.1]";
    }
    return r->out->algorithm == ALGORITHM_UNKNOWN ? "unknown algorithm in a=" : NULL;
}

/* The domain names of d= and s= [RFC6376 3.5, RFC8616]. */
static const char *read_name(struct reader *r, struct span value)
{
    char name[DOMAIN_MAX];

    if (value.len == 0 || value.ptr[value.len - 1] == '.' || domain_normal(value, name))
        return NULL;
    return arena_dup(r->arena, span_of(name));
}

static const char *read_domain(struct reader *r, struct span value)
{
    const char *name = read_name(r, value);

    if (!name || !strchr(name, '.'))
        return "d= is no domain name";
    r->out->domain = name;
    return NULL;
}

static const char *read_selector(struct reader *r, struct span value)
{
    const char *name = read_name(r, value);

    if (!name)
        return "s= is no selector";
    r->out->selector = name;
    return NULL;
}

static void keep_b_start(struct reader *r, struct span value)
{
    char *start = arena_alloc(r->arena, SIGNATURE_B_START + 1);
    size_t n = 0;

    for (size_t i = 0; i < value.len && n < SIGNATURE_B_START; i++)
        if ((unsigned char)value.ptr[i] > ' ')
            start[n++] = value.ptr[i];
    r->out->b_start = start;
}

static const char *read_b(struct reader *r, struct span value)
{
    unsigned char bytes[SIGNATURE_BYTES_MAX];
    size_t len = 0;

    keep_b_start(r, value);
    if (tag_base64(value, bytes, sizeof bytes, &len) || len == 0)
        return "b= holds no signature";
    r->out->b = arena_copy(r->arena, span_make((const char *)bytes, len));
    return NULL;
}

static const char *read_bh(struct reader *r, struct span value)
{
    size_t len = 0;

    if (tag_base64(value, r->out->bh, sizeof r->out->bh, &len) || len != hash_bytes(r->out->hash))
        return "bh= holds no hash of its kind";
    return NULL;
}

static bool read_canon(struct span word, enum canon *out)
{
    if (span_iis(word, "relaxed"))
        *out = CANON_RELAXED;
    else if (span_iis(word, "simple"))
        *out = CANON_SIMPLE;
    else
        return false;
    return true;
}

static const char *read_canons(struct reader *r, struct span value)
{
    struct span header, rest = value;

    if (!span_cut(&rest, '/', &header) || !read_canon(header, &r->out->header_canon))
        return "unknown canonicalization in c=";
    r->out->body_canon = CANON_SIMPLE;
    if (rest.ptr && !read_canon(rest, &r->out->body_canon))
        return "unknown canonicalization in c=";
    return NULL;
}

/* [RFC6376 5.4] for DKIM; [RFC8617 4.1.2] forbids a seal in an AMS, which would break with the next set. */
static const char *read_headers(struct reader *r, struct span value)
{
    struct span rest = value, item;
    size_t count = 0;
    bool names_seal = false;

    while (tag_item(&rest, &item)) {
        if (item.len == 0 && r->out->form == SIGNATURE_DKIM)
            return "h= holds an empty name";
        if (++count > SIGNATURE_FIELDS_MAX)
            return "h= names too many header fields";
        r->out->from_count += span_iis(item, "from");
        names_seal |= span_iis(item, "arc-seal");
    }
    r->out->headers = value;
    if (r->out->form == SIGNATURE_AMS)
        return names_seal ? "h= names ARC-Seal" : NULL;
    r->state = SIGNATURE_PERMERROR;
    return r->out->from_count ? NULL : "h= does not name From";
}

static const char *read_identity(struct reader *r, struct span value)
{
    char text[512];
    size_t at;

    if (tag_quoted(value, text, sizeof text))
        return "i= is malformed";
    at = span_rfind(span_of(text), '@');
    if (at == SPAN_NPOS)
        return "i= holds no @";
    r->out->identity = arena_dup(r->arena, span_of(text));
    return NULL;
}

static const char *read_instance(struct reader *r, struct span value)
{
    uint64_t number = 0;

    if (span_u64(value, 50, &number) || number == 0)
        return "i= is no instance from 1 to 50";
    r->out->instance = (unsigned)number;
    return NULL;
}

static const char *read_i(struct reader *r, struct span value)
{
    return r->out->form == SIGNATURE_DKIM ? read_identity(r, value) : read_instance(r, value);
}

static const char *read_length(struct reader *r, struct span value)
{
    enum fault fault = span_u64(value, BODY_WHOLE - 1, &r->out->length);

    if (fault == FAULT_RANGE)
        r->out->length = BODY_WHOLE - 1; /* longer than any body */
    return fault == FAULT_SYNTAX ? "l= is no number" : NULL;
}

/* What has more than 12 digits is as good as infinite [RFC6376 3.5]. */
static bool read_seconds(struct span value, int64_t *out)
{
    uint64_t seconds = 0;
    enum fault fault = span_u64(value, 999999999999, &seconds);

    if (fault == FAULT_SYNTAX)
        return false;
    *out = fault ? INT64_MAX : (int64_t)seconds;
    return true;
}

static const char *read_signed_at(struct reader *r, struct span value)
{
    return read_seconds(value, &r->out->signed_at_s) ? NULL : "t= is no time";
}

static const char *read_expires_at(struct reader *r, struct span value)
{
    return read_seconds(value, &r->out->expires_at_s) ? NULL : "x= is no time";
}

static const char *read_query(struct reader *r, struct span value)
{
    (void)r;
    return tag_has_item(value, "dns/txt") ? NULL : "unknown query method in q=";
}

static const char *read_cv(struct reader *r, struct span value)
{
    static const char *const cv_words[] = { [ARC_CV_NONE] = "none", [ARC_CV_PASS] = "pass", [ARC_CV_FAIL] = "fail" };

    for (size_t i = ARC_CV_NONE; i < COUNT(cv_words); i++)
        if (span_iis(value, cv_words[i]))
            r->out->cv = (enum arc_cv)i;
    return r->out->cv == ARC_CV_ABSENT ? "unknown word in cv=" : NULL;
}

enum { IN_DKIM = 1 << SIGNATURE_DKIM, IN_AMS = 1 << SIGNATURE_AMS, IN_SEAL = 1 << SIGNATURE_SEAL };
enum { IN_ARC = IN_AMS | IN_SEAL, IN_MESSAGE = IN_DKIM | IN_AMS, IN_ALL = IN_DKIM | IN_ARC };

/* Which tags each form reads, needs, and must not have. The rest is ignored [RFC6376 3.2]. The first fault in this
 * order is the one that is told. */
static const struct tag_rule {
    const char *name;
    unsigned read_in, needed_in, banned_in;
    const char *(*read)(struct reader *r, struct span value);
    const char *missing;
} rules[] = {
    /*name  read        needed      banned   by               missing */
    { "v", IN_DKIM, IN_DKIM, 0, read_version, "v= is missing" },
    { "a", IN_ALL, IN_ALL, 0, read_algorithm, "a= is missing" },
    { "d", IN_ALL, IN_ALL, 0, read_domain, "d= is missing" },
    { "s", IN_ALL, IN_ALL, 0, read_selector, "s= is missing" },
    { "b", IN_ALL, IN_ALL, 0, read_b, "b= is missing" },
    { "bh", IN_MESSAGE, IN_MESSAGE, IN_SEAL, read_bh, "bh= is missing" },
    { "h", IN_MESSAGE, IN_MESSAGE, IN_SEAL, read_headers, "h= is missing" },
    { "c", IN_MESSAGE, 0, 0, read_canons, NULL },
    { "i", IN_ALL, IN_ARC, 0, read_i, "i= is missing" },
    { "l", IN_MESSAGE, 0, 0, read_length, NULL },
    { "q", IN_MESSAGE, 0, 0, read_query, NULL },
    { "t", IN_ALL, 0, 0, read_signed_at, NULL },
    { "x", IN_MESSAGE, 0, 0, read_expires_at, NULL },
    { "cv", IN_SEAL, IN_SEAL, 0, read_cv, "cv= is missing" },
};

static const char *read_tag(struct reader *r, const struct tag_rule *rule, const struct tag_list *tags)
{
    const struct tag *tag = tags_find(tags, rule->name);
    unsigned form = 1u << r->out->form;

    if (!tag)
        return rule->needed_in & form ? rule->missing : NULL;
    if (rule->banned_in & form)
        return "a tag that a seal must not have"; /* [RFC8617 4.1.3] */
    return rule->read_in & form ? rule->read(r, tag->value) : NULL;
}

static void read_tags(struct reader *r, const struct tag_list *tags)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        r->state = SIGNATURE_NEUTRAL;
        const char *problem = read_tag(r, &rules[i], tags);

        if (problem)
            signature_set(r->out, r->state, problem);
    }
}

/* What concerns more than one tag. */
static void read_whole(struct reader *r)
{
    struct signature *s = r->out;
    char domain[DOMAIN_MAX];

    if (s->expires_at_s >= 0 && s->signed_at_s >= 0 && s->expires_at_s <= s->signed_at_s)
        signature_set(s, SIGNATURE_NEUTRAL, "x= is not after t=");
    if (*s->domain && *s->selector)
        s->key_name = arena_printf(r->arena, "%s._domainkey.%s", s->selector, s->domain);
    if (strlen(s->key_name) >= DOMAIN_MAX)
        signature_set(s, SIGNATURE_PERMERROR, "the name of the key is too long for the DNS");
    if (s->form != SIGNATURE_DKIM || !*s->domain)
        return;
    if (!*s->identity)
        s->identity = arena_printf(r->arena, "@%s", s->domain);
    struct span identity = span_of(s->identity);

    if (domain_normal(span_skip(identity, span_rfind(identity, '@') + 1), domain))
        signature_set(s, SIGNATURE_NEUTRAL, "i= holds no domain name");
    else if (!domain_is_under(domain, s->domain))
        signature_set(s, SIGNATURE_PERMERROR, "i= is not within d="); /* [RFC6376 6.1.1] */
}

void signature_read(struct arena *a, enum signature_form form, enum signature_era era, const struct header_field *field,
                    struct signature *out)
{
    struct tag_list tags;
    struct reader r = { .arena = a, .out = out };
    enum fault fault = tags_parse(field->body, &tags);
    const struct tag *b = tags_find(&tags, "b");

    *out = (struct signature){
        .form = form,
        .era = era,
        .field = field,
        .reason = "",
        .domain = "",
        .selector = "",
        .key_name = "",
        .identity = "",
        .algorithm_text = "",
        .b_start = "",
        .b_raw = b ? b->raw : span_make(field->body.ptr, 0),
        .length = BODY_WHOLE,
        .signed_at_s = -1,
        .expires_at_s = -1,
    };
    /* Relaxed is the only one that seals have; the same for an AMS that does not say. */
    out->header_canon = out->body_canon = form == SIGNATURE_DKIM ? CANON_SIMPLE : CANON_RELAXED;
    if (fault)
        signature_set(out, SIGNATURE_NEUTRAL, "it is no list of tags");
    read_tags(&r, &tags);
    read_whole(&r);
}

void signature_set(struct signature *s, enum signature_state state, const char *reason)
{
    if (s->state != SIGNATURE_PENDING)
        return;
    s->state = state;
    s->reason = reason;
}

void signature_check_time(struct signature *s, int64_t now_s, int64_t skew_s)
{
    if (s->signed_at_s >= 0 && s->signed_at_s > now_s + skew_s)
        signature_set(s, SIGNATURE_PERMERROR, "it was made in the future");
    if (s->expires_at_s >= 0 && s->expires_at_s < now_s - skew_s)
        signature_set(s, SIGNATURE_PERMERROR, "it has expired");
}

void signature_check_from(struct signature *s, const struct header_index *header)
{
    if (header_count(header, "From") > s->from_count)
        signature_set(s, SIGNATURE_POLICY, "it leaves a From unsigned");
}

static const char *const state_words[] = {
    [SIGNATURE_PENDING] = "pending",     [SIGNATURE_PASS] = "pass",       [SIGNATURE_FAIL] = "fail",
    [SIGNATURE_POLICY] = "policy",       [SIGNATURE_NEUTRAL] = "neutral", [SIGNATURE_TEMPERROR] = "temperror",
    [SIGNATURE_PERMERROR] = "permerror",
};

const char *signature_state_text(enum signature_state state)
{
    if ((size_t)state >= COUNT(state_words))
        BUG("signature state %d", (int)state);
    return state_words[state];
}

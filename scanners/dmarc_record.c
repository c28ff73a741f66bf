/* scanners/dmarc_record.c - the DMARC policy record [RFC9989 4.7, 4.8]. */
#include "scanners/dmarc_record.h"

#include "gateway/base/bug.h"

static const char *const policy_words[] = { "none", "quarantine", "reject" };

const char *dmarc_policy_text(enum dmarc_policy policy)
{
    return policy_words[policy];
}

struct tag {
    struct span name, value;
};

/* The values of the tags that we know, as they stand; ptr NULL where the tag is missing. */
struct tags {
    struct span p, sp, np, psd, t, adkim, aspf, rua;
};

static struct span trim_wsp(struct span s)
{
    while (s.len && ascii_is_wsp(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len && ascii_is_wsp(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* dmarc-tag = 1*ALPHA equals 1*dmarc-value, the value printable. */
static bool tag_parse(struct span text, struct tag *out)
{
    struct span rest = text, name;

    if (!span_cut(&rest, '=', &name) || !rest.ptr)
        return false;
    out->name = trim_wsp(name);
    out->value = trim_wsp(rest);
    for (size_t i = 0; i < out->name.len; i++)
        if (!ascii_is_alpha(out->name.ptr[i]))
            return false;
    for (size_t i = 0; i < out->value.len; i++)
        if ((out->value.ptr[i] < ' ' && out->value.ptr[i] != '\t') || out->value.ptr[i] > '~')
            return false;
    return out->name.len && out->value.len;
}

static void take_tag(const struct tag *tag, struct tags *tags)
{
    const struct {
        const char *name;
        struct span *value;
    } known[] = {
        { "p", &tags->p }, { "sp", &tags->sp },       { "np", &tags->np },     { "psd", &tags->psd },
        { "t", &tags->t }, { "adkim", &tags->adkim }, { "aspf", &tags->aspf }, { "rua", &tags->rua },
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (span_iis(tag->name, known[i].name) && !known[i].value->ptr)
            *known[i].value = tag->value;
}

/* dmarc-version, case-sensitive in its value. */
static bool is_version(struct span text)
{
    struct tag tag;

    return text.len && ascii_lower(text.ptr[0]) == 'v' && tag_parse(text, &tag) && tag.name.len == 1 &&
           span_is(tag.value, "DMARC1");
}

static bool policy_parse(struct span value, enum dmarc_policy *out)
{
    for (size_t i = 0; i < COUNT(policy_words); i++) {
        if (span_iis(value, policy_words[i])) {
            *out = (enum dmarc_policy)i;
            return true;
        }
    }
    return false;
}

/* scheme ":" and something behind it [RFC3986 3]; of a mailto, an address. */
static bool is_uri(struct span text)
{
    size_t colon = span_find(text, ':');

    if (colon == SPAN_NPOS || colon == 0 || colon + 1 == text.len || !ascii_is_alpha(text.ptr[0]))
        return false;
    for (size_t i = 0; i < colon; i++)
        if (!ascii_is_alnum(text.ptr[i]) && span_find(SPAN("+-."), text.ptr[i]) == SPAN_NPOS)
            return false;
    struct span rest = span_skip(text, colon + 1);

    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] <= ' ' || span_find(SPAN("<>\"\\^`{|}"), rest.ptr[i]) != SPAN_NPOS)
            return false;
    size_t at = span_find(rest, '@');

    return !span_iis(span_first(text, colon), "mailto") || (at != SPAN_NPOS && at > 0 && at + 1 < rest.len);
}

static bool has_uri(struct span list)
{
    struct span uri;

    while (span_cut(&list, ',', &uri))
        if (is_uri(trim_wsp(uri)))
            return true;
    return false;
}

static void set_policies(const struct tags *tags, struct dmarc_record *out)
{
    bool is_good = policy_parse(tags->p, &out->policy);

    out->subdomain_policy = out->policy;
    if (tags->sp.ptr)
        is_good &= policy_parse(tags->sp, &out->subdomain_policy);
    out->nonexistent_policy = out->subdomain_policy;
    if (tags->np.ptr)
        is_good &= policy_parse(tags->np, &out->nonexistent_policy);
    if (is_good)
        return;
    out->has_bad_policy = true;
    out->is_unusable = !has_uri(tags->rua);
    out->policy = out->subdomain_policy = out->nonexistent_policy = DMARC_NONE;
}

bool dmarc_record_parse(struct span text, struct dmarc_record *out)
{
    struct tags tags = { 0 };
    struct tag tag;
    struct span part;

    if (!span_cut(&text, ';', &part) || !is_version(part))
        return false;
    while (span_cut(&text, ';', &part))
        if (tag_parse(part, &tag))
            take_tag(&tag, &tags);
    *out = (struct dmarc_record){
        .psd = span_iis(tags.psd, "y")   ? DMARC_PSD_YES
               : span_iis(tags.psd, "n") ? DMARC_PSD_NO
                                         : DMARC_PSD_UNSAID,
        .is_strict_dkim = span_iis(tags.adkim, "s"),
        .is_strict_spf = span_iis(tags.aspf, "s"),
        .is_testing = span_iis(tags.t, "y"),
    };
    set_policies(&tags, out);
    return true;
}

/* content/html_result.c - what rules ask of HTML by name [Mail::SpamAssassin::Plugin::HTMLEval]. */
#include "gateway/content/html.h"

const struct html_tag *html_tag_find(const struct html *h, const char *name)
{
    for (size_t i = 0; i < h->tag_kinds; i++)
        if (span_is(h->tags[i].name, name))
            return &h->tags[i];
    return NULL;
}

static bool ratio(double part, double whole, bool is_set, double *out)
{
    if (is_set)
        *out = part / whole;
    return is_set;
}

static bool number(double value, double *out)
{
    *out = value;
    return true;
}

static bool flag(bool value, double *out)
{
    if (value)
        *out = 1;
    return value;
}

static bool ratio_of(const struct html_counts *c, const char *name, double *out)
{
    if (!strcmp(name, "closed_extra_ratio"))
        return ratio(c->closed_extra, c->tags, c->tags > 0, out);
    if (!strcmp(name, "bad_tag_ratio"))
        return ratio(c->tags - c->elements, c->tags, c->elements > 0, out);
    if (!strcmp(name, "non_element_ratio"))
        return ratio(c->tags_seen - c->elements_seen, c->tags_seen, c->elements_seen > 0, out);
    if (!strcmp(name, "obfuscation_ratio"))
        return ratio(c->obfuscations, c->tags, c->tags && c->obfuscations, out);
    if (!strcmp(name, "ratio"))
        return ratio((double)c->length - (double)c->rendered_length, (double)c->length, c->length > 0, out);
    return false;
}

bool html_result(const struct html *h, const char *name, double *out)
{
    const struct html_counts *c = &h->counts;
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        { "html", 1 },
        { "length", (double)c->length },
        { "html_length", (double)c->rendered_length },
        { "non_space_len", (double)(c->rendered_length - c->blank_length) },
        { "image_area", (double)c->image_area },
        { "min_size", c->least_size },
        { "max_size", c->most_size },
    };
    const struct {
        const char *name;
        bool value;
    } flags[] = {
        { "embeds", c->has_embeds },
        { "form_action_mailto", c->has_mailto_form },
        { "font_low_contrast", c->has_low_contrast },
        { "font_invalid_color", c->has_invalid_colour },
        { "font_face_bad", c->has_bad_face },
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcmp(name, numbers[i].name))
            return number(numbers[i].value, out);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(name, flags[i].name))
            return flag(flags[i].value, out);
    return ratio_of(c, name, out);
}

const struct html_strings *html_strings(const struct html *h, const char *name)
{
    if (!strcmp(name, "comment"))
        return &h->comments;
    if (!strcmp(name, "script"))
        return &h->scripts;
    if (!strcmp(name, "title"))
        return &h->titles;
    return !strcmp(name, "anchor") ? &h->anchors : NULL;
}

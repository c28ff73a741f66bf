/* rules/eval/eval_html.c - eval functions over HTML parts: HTMLEval, HTTPSMismatch, and URIEval's look at links.
 */
#include "rules/eval/eval_parts.h"
#include "rules/shape.h"

/* value OP number, as in '> 0', '!= 0'; false for what is none. */
static bool compares(double value, const char *expression)
{
    static const char *const operators[] = { "<=", ">=", "==", "!=", "<", ">" };
    struct span rest = span_trim(span_of(expression ? expression : ""));

    for (int i = 0; i < 6; i++) {
        if (!span_starts(rest, span_of(operators[i])))
            continue;
        double bound = eval_decimal(span_trim(span_skip(rest, strlen(operators[i]))));
        switch (i) {
        case 0: return value <= bound;
        case 1: return value >= bound;
        case 2: return value >= bound && value <= bound;
        case 3: return value < bound || value > bound;
        case 4: return value < bound;
        default: return value > bound;
        }
    }
    return false;
}

static unsigned tag_balance(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;

    for (size_t at = 0; (text = eval_html_next(s, &at));) {
        const struct html_tag *tag = html_tag_find(text->html, eval_argument(rule, 0));
        if (tag && compares(tag->inside, eval_argument(rule, 1)))
            return 1;
    }
    return 0;
}

static unsigned tag_exists(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;

    for (size_t at = 0; (text = eval_html_next(s, &at));)
        if (html_tag_find(text->html, eval_argument(rule, 0)))
            return 1;
    return 0;
}

static unsigned image_only(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;
    double length;

    for (size_t at = 0; (text = eval_html_next(s, &at));)
        if (html_tag_find(text->html, "img") && html_result(text->html, "length", &length) &&
            length > eval_number(rule, 0, 0) && length <= eval_number(rule, 1, 0))
            return 1;
    return 0;
}

static unsigned image_ratio(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;
    double letters, area;

    for (size_t at = 0; (text = eval_html_next(s, &at));)
        if (html_result(text->html, "non_space_len", &letters) && html_result(text->html, "image_area", &area) &&
            area > 0 && letters / area > eval_number(rule, 0, 0) && letters / area <= eval_number(rule, 1, 0))
            return 1;
    return 0;
}

static unsigned html_test(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;
    double value;

    for (size_t at = 0; (text = eval_html_next(s, &at));)
        if (html_result(text->html, eval_argument(rule, 0), &value) && (value < 0 || value > 0))
            return 1;
    return 0;
}

static unsigned html_eval(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;
    double value;

    for (size_t at = 0; (text = eval_html_next(s, &at));)
        if (html_result(text->html, eval_argument(rule, 0), &value) && compares(value, eval_argument(rule, 1)))
            return 1;
    return 0;
}

static unsigned html_range(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;
    const char *most = eval_argument(rule, 2);
    double value;

    for (size_t at = 0; (text = eval_html_next(s, &at));)
        if (html_result(text->html, eval_argument(rule, 0), &value) && value > eval_number(rule, 1, 0) &&
            (!most || strcmp(most, "inf") == 0 || value <= eval_number(rule, 2, 0)))
            return 1;
    return 0;
}

static unsigned any_text(struct scanning *s, const struct rule *rule, bool is_wanted)
{
    const struct content_text *text;

    for (size_t at = 0; (text = eval_html_next(s, &at));) {
        const struct html_strings *all = html_strings(text->html, eval_argument(rule, 0));

        for (size_t i = 0; all && i < all->count; i++)
            if (eval_matches(s, rule, 1, all->items[i]) == is_wanted)
                return 1;
    }
    return 0;
}

static unsigned text_match(struct scanning *s, const struct rule *rule)
{
    return any_text(s, rule, true);
}

static unsigned text_not_match(struct scanning *s, const struct rule *rule)
{
    return any_text(s, rule, false);
}

static unsigned title_subject_ratio(struct scanning *s, const struct rule *rule)
{
    struct span subject = eval_text(s, "Subject");
    const struct content_text *text;

    for (size_t at = 0; subject.len && (text = eval_html_next(s, &at));)
        for (size_t i = 0; i < text->html->titles.count; i++)
            if ((double)text->html->titles.items[i].len / (double)subject.len > eval_number(rule, 0, 0))
                return 1;
    return 0;
}

static unsigned charset_faraway(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;

    (void)rule;
    for (size_t at = 0; (text = eval_html_next(s, &at));) {
        size_t foreign = 0, count = text->html->charsets.count;

        for (size_t i = 0; i < count; i++)
            foreign += eval_charset_is_foreign(s, text->html->charsets.items[i]);
        if (foreign && foreign >= count - foreign)
            return 1;
    }
    return 0;
}

static unsigned iframe_src(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;

    (void)rule;
    for (size_t at = 0; (text = eval_html_next(s, &at));)
        for (size_t i = 0; i < text->html->link_count; i++)
            if (text->html->links[i].kind == HTML_IFRAME && text->html->links[i].target.len)
                return 1;
    return 0;
}

/* ---- links that say another place than they lead to ---- */

/* What stands behind "https:" (or "http:", when `may_be_plain`), slashes and a user's name; empty: it does not start
 * so. */
static struct span host_of(struct span url, bool may_be_plain)
{
    size_t n = 0;

    if (span_istarts(url, SPAN("https:")))
        url = span_skip(url, 6);
    else if (may_be_plain && span_istarts(url, SPAN("http:")))
        url = span_skip(url, 5);
    else
        return SPAN("");
    while (url.len && url.ptr[0] == '/')
        url = span_skip(url, 1);
    while (n < url.len && !strchr("/:?# \t\r\n", url.ptr[n]))
        n++;
    struct span host = span_first(url, n);
    size_t at = span_rfind(host, '@');
    return at == SPAN_NPOS ? host : span_skip(host, at + 1);
}

static bool is_ip(struct span host)
{
    return host.len && shape_address(host, 0) == host.len;
}

static unsigned https_ip_mismatch(struct scanning *s, const struct rule *rule)
{
    const struct content_text *text;

    (void)rule;
    for (size_t at = 0; (text = eval_html_next(s, &at));)
        for (size_t i = 0; i < text->html->link_count; i++) {
            const struct html_link *link = &text->html->links[i];
            size_t where = span_isearch(link->text, SPAN("https:"));

            if (link->kind == HTML_A && is_ip(host_of(link->target, true)) && where != SPAN_NPOS &&
                !(where == 0 && is_ip(host_of(link->text, false))))
                return 1;
        }
    return 0;
}

/* An anchor whose text names an https place of another domain. */
static bool tells_other(struct scanning *s, const struct html_link *link, struct span domain)
{
    size_t where = span_isearch(link->text, SPAN("https://"));
    struct span named = where == SPAN_NPOS ? SPAN("") : host_of(span_skip(link->text, where), false);

    if (named.len == 0)
        return false;
    if (is_ip(named))
        return true;
    struct span other = eval_domain(s, named);
    return eval_is_host(s, other) && !span_eq(other, domain);
}

/* Whether it is worth to look where its links lead. */
static bool names_any(const struct html *html)
{
    for (size_t i = 0; i < html->link_count; i++)
        if (html->links[i].kind == HTML_A && span_isearch(html->links[i].text, SPAN("https://")) != SPAN_NPOS)
            return true;
    return false;
}

static unsigned https_http_mismatch(struct scanning *s, const struct rule *rule)
{
    double least = eval_number(rule, 0, 1);
    const struct content_text *text;

    for (size_t at = 0; (text = eval_html_next(s, &at));) {
        double anchors = 0;
        bool is_hit = false;

        for (size_t i = 0; names_any(text->html) && i < text->html->link_count; i++) {
            const struct html_link *link = &text->html->links[i];
            struct span host = link->kind == HTML_A ? host_of(link->target, true) : SPAN("");

            if (host.len == 0 || is_ip(host) || !eval_is_host(s, host))
                continue;
            bool is_known = false;
            for (size_t k = i; k > 0 && i - k < 200 && !is_known; k--)
                is_known =
                    text->html->links[k - 1].kind == HTML_A && span_eq(text->html->links[k - 1].target, link->target);
            anchors += !is_known;
            is_hit |= tells_other(s, link, eval_domain(s, host));
        }
        if (is_hit && anchors >= (least > 0 ? least : 1) &&
            (eval_is_unset(rule, 1) || anchors < eval_number(rule, 1, 0)))
            return 1;
    }
    return 0;
}

#define HTML SA_PLUGIN("HTMLEval")

const struct eval_function eval_html_functions[] = {
    { "html_tag_balance", HTML, tag_balance, 2, 2 },
    { "html_tag_exists", HTML, tag_exists, 1, 1 },
    { "html_image_only", HTML, image_only, 2, 2 },
    { "html_image_ratio", HTML, image_ratio, 2, 2 },
    { "html_test", HTML, html_test, 1, 1 },
    { "html_eval", HTML, html_eval, 2, 2 },
    { "html_range", HTML, html_range, 2, 3 },
    { "html_text_match", HTML, text_match, 2, 2 },
    { "html_text_not_match", HTML, text_not_match, 2, 2 },
    { "html_title_subject_ratio", HTML, title_subject_ratio, 1, 1 },
    { "html_charset_faraway", HTML, charset_faraway, 0, 0 },
    { "check_iframe_src", HTML, iframe_src, 0, 0 },
    { "check_https_ip_mismatch", SA_PLUGIN("URIEval"), https_ip_mismatch, 0, 0 },
    { "check_https_http_mismatch", SA_PLUGIN("HTTPSMismatch"), https_http_mismatch, 0, 2 },
    { 0 },
};

/* rules/eval/eval_uri.c - URIEval's functions over addresses of the web, and WLBLEval's lists of their hosts.
 */
#include "rules/eval/eval_parts.h"
#include "rules/settings.h"
#include "rules/view/uris.h"

/* The host behind the scheme at the start of `url`. */
static struct span host_of(struct span url)
{
    size_t at = span_search(url, SPAN("://")), n = 0;
    struct span rest = at == SPAN_NPOS ? SPAN("") : span_skip(url, at + 3);

    while (n < rest.len && !strchr("/:?#", rest.ptr[n]))
        n++;
    return span_first(rest, n);
}

/* http://a.example/...http://b.example/: another place inside of the address. */
static unsigned http_redirector(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    for (size_t i = 0; i < s->uris.count; i++) {
        struct span uri = s->uris.items[i];
        struct span outer = host_of(uri);

        if (!span_istarts(uri, SPAN("http")) || outer.len == 0)
            continue;
        struct span rest = span_skip(uri, (size_t)(outer.ptr + outer.len - uri.ptr));
        size_t at = span_isearch(rest, SPAN("http"));
        struct span inner = at == SPAN_NPOS || at == 0 ? SPAN("") : host_of(span_skip(rest, at));
        if (inner.len && !span_eq(eval_domain(s, outer), eval_domain(s, inner)))
            return 1;
    }
    return 0;
}

static unsigned uri_truncated(struct scanning *s, const struct rule *rule)
{
    const struct content *content = message_content(s->q->message);

    (void)rule;
    for (size_t i = 0; i < content->text_count; i++)
        for (size_t k = 0; content->texts[i].html && k < content->texts[i].html->link_count; k++)
            if (content->texts[i].html->links[k].target.len > URI_BYTES_MAX)
                return 1;
    return 0;
}

/* ---- hosts in lists ---- */

/* The host or the nearest domain above it that the list has decides; *is_listed. */
static bool is_decided(const struct words *hosts, struct span host, bool *is_listed)
{
    bool is_negated = false;

    for (int labels = 0; host.len && labels < 20; labels++) {
        if (words_have(hosts, host, &is_negated)) {
            *is_listed = !is_negated;
            return true;
        }
        size_t dot = span_find(host, '.');
        host = dot == SPAN_NPOS ? SPAN("") : span_skip(host, dot + 1);
    }
    return false;
}

static unsigned hosts_listed(struct scanning *s, const char *list)
{
    const struct ruleset_settings *settings = s->set->settings;
    const struct words *hosts = settings ? settings_hosts(settings, list) : NULL;
    const struct content *content = message_content(s->q->message);
    bool is_listed;

    for (size_t i = 0; hosts && i < content->urls.count; i++) {
        const struct url *url = &content->urls.items[i];
        if (url->host[0] && is_decided(hosts, span_of(url->host), &is_listed) && is_listed)
            return 1;
    }
    return 0;
}

static unsigned uri_host_listed(struct scanning *s, const struct rule *rule)
{
    return hosts_listed(s, eval_argument(rule, 0));
}

static unsigned uri_host_blocked(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return hosts_listed(s, "BLOCK");
}

static unsigned uri_host_welcome(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return hosts_listed(s, "WELCOME");
}

#define URI  SA_PLUGIN("URIEval")
#define WLBL SA_PLUGIN("WLBLEval")

const struct eval_function eval_uri_functions[] = {
    { "check_for_http_redirector", URI, http_redirector, 0, 0 },
    { "check_uri_truncated", URI, uri_truncated, 0, 0 },
    { "check_uri_host_listed", WLBL, uri_host_listed, 1, 1 },
    { "check_uri_host_in_blocklist", WLBL, uri_host_blocked, 0, 0 },
    { "check_uri_host_in_blacklist", WLBL, uri_host_blocked, 0, 0 },
    { "check_uri_host_in_welcomelist", WLBL, uri_host_welcome, 0, 0 },
    { "check_uri_host_in_whitelist", WLBL, uri_host_welcome, 0, 0 },
    { 0 },
};

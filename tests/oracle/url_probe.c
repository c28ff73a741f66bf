/* tests/oracle/url_probe.c - the URLs and addresses that are found in messages, for tests that compare it with others.
 *
 * Standard input: messages, each as "LENGTH LF" and so many bytes. Standard output: a line of JSON for each.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/cli/json_urls.h"
#include "gateway/content/content.h"
#include "gateway/mail/message.h"

static json_t *text_of(struct span s)
{
    json_t *text = json_stringn(s.len ? s.ptr : "", s.len);

    return text ? text : json_string("(no UTF-8)");
}

static json_t *url_of(const struct url *u)
{
    return json_pack("{s:o,s:s,s:s,s:s,s:o,s:s,s:i,s:o}", "url", text_of(u->text), "host", u->host, "domain", u->domain,
                     "source", url_source_name(u->source), "raw", text_of(u->raw), "shown", u->shown_domain, "wrapper",
                     u->wrapper, "flags", cli_json_url_flags(u->flags));
}

static void print(const struct urls *urls)
{
    json_t *items = json_array(), *emails = json_array();

    for (size_t i = 0; i < urls->count; i++)
        json_array_append_new(items, url_of(&urls->items[i]));
    for (size_t i = 0; i < urls->email_count; i++)
        json_array_append_new(emails, text_of(urls->emails[i].key));
    json_t *all = json_pack("{s:o,s:o,s:b}", "urls", items, "emails", emails, "cut", urls->is_cut);

    json_dumpf(all, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(all);
}

int main(void)
{
    char line[32];

    while (fgets(line, sizeof line, stdin)) {
        uint64_t length;

        if (span_u64(span_trim(span_of(line)), 1 << 30, &length))
            return 1;
        char *bytes = malloc(length + 1);

        if (!bytes || fread(bytes, 1, length, stdin) != length)
            return 1;
        struct message *m = message_new(span_make(bytes, length), &message_limits_most);

        print(&message_content(m)->urls);
        message_free(m);
        free(bytes);
    }
    return 0;
}

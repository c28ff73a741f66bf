/* cli/json_urls.c - URLs as JSON: as written, where they lead, where they stood, and what is odd about them. */
#include "gateway/cli/json_urls.h"

#include "gateway/cli/json_text.h"

json_t *cli_json_url_flags(unsigned flags)
{
    json_t *list = json_array();

    for (unsigned bit = 1; bit && bit <= flags; bit <<= 1)
        if (flags & bit)
            json_array_append_new(list, json_string(url_flag_name(bit)));
    return list;
}

static json_t *sources_of(unsigned sources)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < 32 && sources >> i; i++)
        if (sources >> i & 1)
            json_array_append_new(list, json_string(url_source_name((enum url_source)i)));
    return list;
}

static json_t *index_or_null(int index)
{
    return index < 0 ? json_null() : json_integer(index);
}

static json_t *url_of(const struct url *u)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "written", cli_json_text(u->raw), "url",
                     cli_json_text(u->text), "host", cli_json_text(span_of(u->host)), "domain",
                     cli_json_text(span_of(u->domain)), "shown", cli_json_text(u->shown), "found_in",
                     sources_of(u->sources), "flags", cli_json_url_flags(u->flags), "taken_out_of",
                     index_or_null(u->wrapper), "count", (int)u->count);
}

json_t *cli_json_urls(struct message *m)
{
    const struct urls *urls = &message_content(m)->urls;
    json_t *list = json_array();

    for (size_t i = 0; i < urls->count; i++)
        json_array_append_new(list, url_of(&urls->items[i]));
    return list;
}

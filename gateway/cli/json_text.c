/* cli/json_text.c - foreign bytes as a JSON string. */
#include "gateway/cli/json_text.h"

#include "gateway/base/strbuf.h"
#include "gateway/base/utf8.h"

json_t *cli_json_text(struct span s)
{
    struct strbuf b;

    if (utf8_is_valid(s))
        return json_stringn(s.ptr ? s.ptr : "", s.len);
    strbuf_init(&b, SIZE_MAX / 2);
    while (s.len) {
        size_t n = utf8_length(s);

        strbuf_put(&b, n ? span_first(s, n) : SPAN("\xef\xbf\xbd"));
        s = span_skip(s, n ? n : 1);
    }
    json_t *text = json_stringn(b.data, b.len);

    strbuf_release(&b);
    return text;
}

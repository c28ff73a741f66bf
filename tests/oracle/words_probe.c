/* tests/oracle/words_probe.c - what codec.h, charset.h, words.h and address.h of gateway/mail make of bytes, for tests
 * that compare them with others.
 *
 * Standard input: questions, each "KIND LABEL LENGTH LF" and so many bytes. Standard output: a line of JSON for each.
 * Kinds: words, params, mailboxes, charset (LABEL is the charset), base64, quoted, uuencode, flowed (LABEL: delsp or
 * not).
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/address.h"
#include "gateway/mail/codec.h"
#include "gateway/mail/flowed.h"
#include "gateway/mail/words.h"

enum { MOST = 1 << 26 };

static json_t *text_of(struct span s)
{
    return json_stringn(s.len ? s.ptr : "", s.len);
}

static json_t *hex_of(struct span s)
{
    char *hex = mem_alloc(2 * s.len + 1);

    for (size_t i = 0; i < s.len; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)s.ptr[i]);
    json_t *text = json_stringn(hex, 2 * s.len);

    free(hex);
    return text;
}

static json_t *params_of(struct arena *a, struct span bytes)
{
    json_t *items = json_array();
    unsigned flaws = 0;
    struct params p;

    params_read(a, bytes, &p);
    for (size_t i = 0; i < p.count; i++) {
        const struct param *item = &p.items[i];

        json_array_append_new(items,
                              json_pack("[o, o, b]", text_of(charset_utf8(a, SPAN(""), item->name, MOST, &flaws)),
                                        text_of(item->value), item->is_other_reading));
    }
    return json_pack("{s:o, s:o, s:i}", "value", text_of(charset_utf8(a, SPAN(""), p.value, MOST, &flaws)), "params",
                     items, "flaws", (int)p.flaws);
}

static json_t *mailboxes_of(struct arena *a, struct span bytes)
{
    json_t *list = json_array();
    struct mailbox_list found;
    unsigned flaws = 0;

    address_mailboxes(a, bytes, &found);
    for (size_t i = 0; i < found.count; i++)
        if (!found.items[i].is_lenient)
            json_array_append_new(
                list, json_pack("[o, o]", text_of(words_decode_all(a, found.items[i].display, MOST, &flaws)),
                                text_of(charset_utf8(a, SPAN(""), found.items[i].address.text, MOST, &flaws))));
    return list;
}

static json_t *decoded(const char *kind, struct span bytes)
{
    size_t room = codec_most(bytes.len) + uuencode_most(bytes), len;
    char *out = mem_alloc(room);
    unsigned flaws = 0;

    if (strcmp(kind, "base64") == 0)
        len = base64_decode(bytes, out, &flaws);
    else if (strcmp(kind, "quoted") == 0)
        len = quoted_printable_decode(bytes, out, &flaws);
    else
        len = uuencode_decode(bytes, out, room, &flaws);
    json_t *answer = json_pack("{s:o, s:i}", "hex", hex_of(span_make(out, len)), "flaws", (int)flaws);

    free(out);
    return answer;
}

static json_t *answer(struct arena *a, const char *kind, const char *label, struct span bytes)
{
    unsigned flaws = 0;
    struct span text;

    if (strcmp(kind, "params") == 0)
        return params_of(a, bytes);
    if (strcmp(kind, "mailboxes") == 0)
        return mailboxes_of(a, bytes);
    if (strcmp(kind, "words") == 0)
        text = words_decode(a, bytes, MOST, &flaws);
    else if (strcmp(kind, "charset") == 0)
        text = charset_utf8(a, span_of(label), bytes, MOST, &flaws);
    else if (strcmp(kind, "flowed") == 0)
        text = flowed_join(a, bytes, strcmp(label, "delsp") == 0);
    else
        return decoded(kind, bytes);
    return json_pack("{s:o, s:i}", "text", text_of(text), "flaws", (int)flaws);
}

int main(void)
{
    char line[200];

    while (fgets(line, sizeof line, stdin)) {
        struct span rest = span_trim(span_of(line)), kind, label, length;
        uint64_t len = 0;
        struct arena a;

        if (!span_word(&rest, &kind) || !span_word(&rest, &label) || !span_word(&rest, &length) ||
            span_u64(length, MOST, &len))
            BUG("no question: %s", line);
        arena_init(&a, MOST);
        char *bytes = mem_alloc(len + 1);

        if (fread(bytes, 1, len, stdin) != len)
            BUG("a question is cut");
        json_t *json = answer(&a, arena_dup(&a, kind), arena_dup(&a, label), span_make(bytes, len));

        json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
        puts("");
        json_decref(json);
        free(bytes);
        arena_release(&a);
    }
    return 0;
}

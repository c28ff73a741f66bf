/* tests/fuzz/fuzz_access.c - entries of lists, a line each: what is taken is found again, and its normal form is an
 * entry of its own that means the same; and of maps, with what stands behind them. The first byte says what kind of
 * list it is.
 */
#include "gateway/base/bug.h"
#include "gateway/mail/access_set.h"
#include "rules/lists/access_action.h"

static void take_again(enum access_kind kind, const struct access_match *match)
{
    struct access_set *set = access_set_new(kind, 1);
    const char *wrong = access_set_add(set, span_of(match->text), 1);

    if (wrong || access_set_count(set) != 1)
        BUG("the normal form \"%s\" %s", match->text, wrong ? wrong : "is lost");
    access_set_free(set);
}

static bool look_up(const struct access_set *set, enum access_kind kind, struct span line, struct access_match *match)
{
    struct addr_net net;
    struct address address = { 0 };

    if (kind == ACCESS_NETS)
        return !addr_net_parse(line, &net) && access_set_has_addr(set, &net.base, match);
    if (kind == ACCESS_NAMES)
        return access_set_has_name(set, line, match);
    if (kind == ACCESS_CLIENTS)
        return (!addr_parse(line, &net.base) && access_set_has_addr(set, &net.base, match)) ||
               access_set_has_name(set, line, match);
    return !address_parse(line, &address) && access_set_has_address(set, &address, match);
}

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < ' ' || s.ptr[i] > '~')
            return false;
    return true;
}

/* What is taken for a text may stand in a reply, and the parts of a field in a header. */
static void take_value(struct span value)
{
    struct access_action action;
    struct span name, body;

    if (access_action_parse(value, &action))
        return;
    struct span text = action.text;

    if (text.len && ascii_is_digit(text.ptr[0]) && text.ptr == value.ptr) /* the blanks behind a code go with it */
        span_word(&text, &name);
    if (!is_printable(span_trim(text)))
        BUG("a text that no reply can have");
    if (action.verb == ACCESS_PREPEND && (!access_header(action.text, &name, &body) || !name.len || !body.len))
        BUG("a field that is none");
}

static void take_map(enum access_kind kind, struct span rest)
{
    struct access_set *map = access_map_new(kind, 0);
    struct access_match match;
    struct span line, entry;

    while (span_cut(&rest, '\n', &line)) {
        if (!span_word(&line, &entry))
            continue;
        bool is_new = !look_up(map, kind, entry, &match);

        take_value(span_trim(line));
        if (!access_map_add(map, entry, span_trim(line), 1) && is_new && look_up(map, kind, entry, &match) &&
            !span_eq(match.value, span_trim(line)))
            BUG("an entry has another's value");
    }
    access_set_free(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    enum access_kind kind = (enum access_kind)(data[0] % 4);
    struct span rest = span_make((const char *)data + 1, size - 1), line;

    if (data[0] & 4) {
        take_map(kind, rest);
        return 0;
    }
    struct access_set *set = access_set_new(kind, 0);

    while (span_cut(&rest, '\n', &line)) {
        struct access_match match;
        size_t before = access_set_count(set);
        const char *wrong = access_set_add(set, line, 1);

        if ((wrong != NULL) != (access_entry_wrong(kind, line) != NULL))
            BUG("an entry is wrong only sometimes");
        if (wrong && access_set_count(set) != before)
            BUG("an entry that is wrong was added");
        if (!wrong && kind == ACCESS_NETS && !look_up(set, kind, line, &match))
            BUG("a network is not found");
        if (look_up(set, kind, line, &match))
            take_again(kind, &match);
    }
    access_set_free(set);
    return 0;
}

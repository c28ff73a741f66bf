/* rules/lists/lists_conf.c - what lists there are. */
#include "rules/lists/lists_conf.h"

#include "gateway/core/symbol_conf.h"

#define AT(member) offsetof(struct list, member)

static const struct conf_key list_keys[] = {
    { .name = "match",
      .type = CONF_ENUM,
      .at = AT(match),
      .least = "client client_name helo sender sender_domain recipient recipient_domain",
      .is_required = true,
      .help = "what is looked up: the client's address, its confirmed reverse name, its HELO, the envelope sender or "
              "recipients, or only their domains" },
    { .name = "action",
      .type = CONF_ENUM,
      .at = AT(action),
      .least = "accept reject defer discard score map",
      .is_required = true,
      .help = "the first list that matches and does not only score decides; `accept` and `discard` by recipient want "
              "all recipients listed, the others one. map: `file` says it for each entry, in the words of Postfix's "
              "access(5): 192.0.2 REJECT; example.org 550 5.7.1 Not wanted here; friend@example.org OK" },
    { .name = "file",
      .type = CONF_FILE,
      .at = AT(path),
      .help = "entries, one a line: 192.0.2.0/24; example.org; .example.org for what is under it; user@example.org; "
              "user@; <>; behind # is comment. Watched: a faulty new version is refused and the old one stays" },
    { .name = "entries", .type = CONF_STRS, .at = AT(entries), .help = "the same, written here" },
    { .name = "score",
      .type = CONF_POINTS,
      .at = AT(points),
      .initial = "0",
      .help = "points of a match; below 0 for an allow list" },
    { .name = "symbol", .type = CONF_STR, .at = AT(symbol), .help = "name of a match; LIST_ and the title by default" },
    { .name = "text", .type = CONF_STR, .at = AT(text), .help = "what the sender of refused mail is told" },
    { .name = "roles",
      .type = CONF_BOOL,
      .at = AT(covers_roles),
      .initial = "no",
      .help =
          "reject, defer, discard or score mail that is only for exempt recipients (postmaster, abuse: see actions), "
          "too" },
    { .name = "requires_spf",
      .type = CONF_BOOL,
      .at = AT(needs_spf),
      .initial = "yes",
      .help = "an allow list by sender counts only when SPF passed, for anybody can write a sender; authenticated "
              "clients need none" },
    { 0 },
};

static const char *check_entries(struct arena *a, const struct list *list)
{
    for (size_t i = 0; i < list->entries.count; i++) {
        const char *wrong = access_entry_wrong(list_kind(list), span_of(list->entries.items[i]));

        if (wrong)
            return arena_printf(a, "the entry \"%s\" %s", list->entries.items[i], wrong);
    }
    return NULL;
}

static const char *check_list(struct arena *a, void *values)
{
    struct list *list = values;
    const char *wrong;

    if (!list->path[0] && !list->entries.count)
        return "a list without entries; write file = \"...\" or entries = {\"...\"}";
    if (!list->symbol[0])
        list->symbol = symbol_of_title(a, "LIST_", list->title);
    if (!symbol_is_name(list->symbol))
        return arena_printf(a, "symbol = \"%s\" is no name; write up to 64 letters, digits and _", list->symbol);
    if ((wrong = reply_text_wrong(list->text)))
        return wrong;
    if (list->action == LIST_SCORE && !list->points)
        return "action = score without points; write score = 5.00, or less than 0 for an allow list";
    if (list->action == LIST_MAP && (!list->path[0] || list->entries.count || list->points || list->text[0]))
        return "action = map takes all from its file: write file = \"...\", and no entries, score or text";
    if (list->action == LIST_ACCEPT && list->points > 0)
        return "action = accept with a score above 0; write one that is below, or none";
    return check_entries(a, list);
}

static const struct conf_section list_section = {
    .name = "list",
    .help = "an allow or block list; lists are tried in their order",
    .size = sizeof(struct list),
    .keys = list_keys,
    .check = check_list,
};

static const struct conf_key lists_keys[] = {
    { .name = "list",
      .type = CONF_SECTIONS,
      .at = offsetof(struct lists_conf, lists),
      .section = &list_section,
      .help = "an allow or block list; lists are tried in their order" },
    { 0 },
};

const struct conf_section lists_section = {
    .name = "lists",
    .help = "allow and block lists of your own",
    .size = sizeof(struct lists_conf),
    .keys = lists_keys,
};

enum access_kind list_kind(const struct list *list)
{
    switch ((enum list_match)list->match) {
    case LIST_CLIENT: return list->action == LIST_MAP ? ACCESS_CLIENTS : ACCESS_NETS;
    case LIST_SENDER:
    case LIST_RECIPIENT: return ACCESS_ADDRESSES;
    case LIST_CLIENT_NAME:
    case LIST_HELO:
    case LIST_SENDER_DOMAIN:
    case LIST_RECIPIENT_DOMAIN: break;
    }
    return ACCESS_NAMES;
}

/* rules/settings.c - networks, lists of addresses and of words that rule files set. */
#include "rules/settings.h"

#include "rules/cf/cf_settings.h"
#include "rules/glob.h"

bool net_rules_have(const struct net_rules *nets, const struct addr *a)
{
    for (size_t i = 0; i < nets->count; i++)
        if (addr_in(a, &nets->items[i].net))
            return !nets->items[i].is_excluded;
    return false;
}

struct ruleset_settings *settings_new(struct arena *a)
{
    struct ruleset_settings *s = arena_alloc(a, sizeof *s);

    *s = (struct ruleset_settings){
        .freemail_max_body_emails = 5,
        .freemail_max_body_freemails = 3,
        .freemail_skip_when_over_max = true,
        .freemail_skip_bulk_envfrom = true,
        .envelope_sender_header = "",
        .body_part_scan_bytes = 50000,
        .rawbody_part_scan_bytes = 500000,
        .required_score = 500,
        .shortcircuit_spam = 10000,
        .shortcircuit_ham = -10000,
        .lists = arena_alloc(a, sizeof *s->lists),
    };
    return s;
}

/* ---- lists by their names ---- */

static struct address_list *find_addresses(const struct ruleset_settings *s, struct span name)
{
    for (size_t i = 0; i < s->lists->address_count; i++)
        if (span_is(name, s->lists->addresses[i]->name))
            return s->lists->addresses[i];
    return NULL;
}

const struct address_list *settings_addresses(const struct ruleset_settings *s, const char *name)
{
    return find_addresses(s, span_of(name));
}

bool settings_has_addresses(const struct ruleset_settings *s, struct span name)
{
    return find_addresses(s, name) != NULL;
}

struct address_list *settings_make_addresses(struct arena *a, struct ruleset_settings *s, struct span name)
{
    struct setting_lists *lists = s->lists;
    struct address_list *list = find_addresses(s, name);

    if (list)
        return list;
    if (lists->address_count == lists->address_room) {
        lists->address_room = lists->address_room ? lists->address_room * 2 : 16;
        lists->addresses =
            arena_grow(a, lists->addresses, lists->address_count, lists->address_room, sizeof *lists->addresses);
    }
    list = arena_alloc(a, sizeof *list);
    list->name = arena_dup(a, name);
    names_init(&list->texts, a);
    names_init(&list->tails, a);
    lists->addresses[lists->address_count++] = list;
    return list;
}

static struct words *find_words(const struct ruleset_settings *s, struct span name, bool is_hosts)
{
    for (size_t i = 0; i < s->lists->word_count; i++)
        if (s->lists->words[i]->is_hosts == is_hosts && span_is(name, s->lists->words[i]->name))
            return &s->lists->words[i]->words;
    return NULL;
}

const struct words *settings_words(const struct ruleset_settings *s, const char *name)
{
    return find_words(s, span_of(name), false);
}

const struct words *settings_hosts(const struct ruleset_settings *s, const char *name)
{
    return find_words(s, span_of(name), true);
}

bool settings_has_hosts(const struct ruleset_settings *s, struct span name)
{
    return find_words(s, name, true) != NULL;
}

struct words *settings_make_words(struct arena *a, struct ruleset_settings *s, struct span name, bool is_hosts)
{
    struct setting_lists *lists = s->lists;
    struct words *words = find_words(s, name, is_hosts);

    if (words)
        return words;
    if (lists->word_count == lists->word_room) {
        lists->word_room = lists->word_room ? lists->word_room * 2 : 16;
        lists->words = arena_grow(a, lists->words, lists->word_count, lists->word_room, sizeof *lists->words);
    }
    struct word_list *list = arena_alloc(a, sizeof *list);

    list->name = arena_dup(a, name);
    list->is_hosts = is_hosts;
    names_init(&list->words.texts, a);
    lists->words[lists->word_count++] = list;
    return &list->words;
}

bool words_have(const struct words *words, struct span word, bool *is_negated)
{
    size_t number = words ? names_find(&words->texts, word) : NAMES_NONE;

    if (number == NAMES_NONE || words->is_removed[number])
        return false;
    if (is_negated)
        *is_negated = words->is_negated[number];
    return true;
}

size_t words_count(const struct words *words)
{
    return words ? words->texts.count : 0;
}

const char *words_at(const struct words *words, size_t i)
{
    return words->is_removed[i] ? "" : words->texts.items[i];
}

/* ---- addresses ---- */

/* From the last @ or . behind all wildcards on; empty: there is none. */
static struct span tail_of(struct span text)
{
    size_t at = text.len;

    while (at > 0 && text.ptr[at - 1] != '*' && text.ptr[at - 1] != '?')
        at--;
    while (at < text.len && text.ptr[at] != '@' && text.ptr[at] != '.')
        at++;
    return span_skip(text, at);
}

static void index_list(struct arena *a, struct address_list *list)
{
    size_t count = list->texts.count;

    list->first = arena_alloc(a, (count + 1) * sizeof *list->first);
    list->next = arena_alloc(a, (count + 1) * sizeof *list->next);
    list->others = arena_alloc(a, (count + 1) * sizeof *list->others);
    for (size_t i = count; i-- > 0;) { /* so that each chain is in the order of the file */
        struct span tail = tail_of(span_of(list->items[i].text));

        if (list->is_removed[i])
            continue;
        if (!tail.len) {
            list->others[list->other_count++] = i;
            continue;
        }
        size_t number = names_add(&list->tails, tail);

        list->next[i] = list->first[number];
        list->first[number] = i + 1;
    }
}

void settings_index(struct arena *a, struct ruleset_settings *s)
{
    for (size_t i = 0; i < s->lists->address_count; i++)
        index_list(a, s->lists->addresses[i]);
}

enum { ADDRESS_MOST = 1000 };

/* Which patterns may match: a number for each place of a tail in the address, behind each other, then the others.
 * *at is 1 + the number of the pattern given last, or beyond all patterns, of the others. */
struct candidates {
    const struct address_list *list;
    char lower[ADDRESS_MOST];
    struct span address;
};

static bool is_match(const struct candidates *c, size_t number)
{
    return !c->list->is_removed[number] && glob_matches(span_of(c->list->items[number].text), c->address);
}

/* The first match in the chain that begins at `link`. */
static size_t match_chain(const struct candidates *c, size_t link)
{
    while (link && !is_match(c, link - 1))
        link = c->list->next[link - 1];
    return link;
}

/* The first match with a tail that begins in the address at `from` or later. */
static size_t match_tails(const struct candidates *c, size_t from)
{
    for (size_t i = from; i < c->address.len; i++) {
        if (c->address.ptr[i] != '@' && c->address.ptr[i] != '.')
            continue;
        size_t number = names_find(&c->list->tails, span_skip(c->address, i));
        size_t link = number == NAMES_NONE ? 0 : match_chain(c, c->list->first[number]);

        if (link)
            return link;
    }
    return 0;
}

static size_t match_others(const struct candidates *c, size_t from)
{
    for (size_t i = from; i < c->list->other_count; i++)
        if (is_match(c, c->list->others[i]))
            return i + 1;
    return 0;
}

const struct address_pattern *addresses_match(const struct address_list *list, struct span address, size_t *at)
{
    struct candidates c = { .list = list };
    size_t count = list ? list->texts.count : 0, link = 0, other = *at > count ? *at - count : 0;

    if (!count || address.len > ADDRESS_MOST)
        return NULL;
    for (size_t i = 0; i < address.len; i++)
        c.lower[i] = ascii_lower(address.ptr[i]);
    c.address = span_make(c.lower, address.len);
    if (*at == 0) {
        link = match_tails(&c, 0);
    } else if (!other) {
        struct span tail = tail_of(span_of(list->items[*at - 1].text));

        link = match_chain(&c, list->next[*at - 1]);
        if (!link)
            link = match_tails(&c, c.address.len - tail.len + 1);
    }
    if (link) {
        *at = link;
        return &list->items[link - 1];
    }
    other = match_others(&c, other);
    if (!other)
        return NULL;
    *at = count + other;
    return &list->items[list->others[other - 1]];
}

size_t addresses_count(const struct address_list *list)
{
    return list ? list->texts.count : 0;
}

/* rules/cf/cf_settings.c - lines of rule files that define and mark no rule: networks, lists, limits. */
#include "rules/cf/cf_settings.h"

#include "gateway/base/bug.h"
#include "rules/cf/cf.h"

enum { LISTS_MAX = 500, NETS_MAX = 10000 };

/* ---- addresses ---- */

static struct span lower_of(struct cf *cf, struct span s)
{
    char *out = arena_dup(cf->arena, s);

    for (size_t i = 0; i < s.len; i++)
        out[i] = ascii_lower(out[i]);
    return span_make(out, s.len);
}

static struct address_pattern *add_pattern(struct cf *cf, struct address_list *list, struct span text)
{
    size_t number = names_add(&list->texts, lower_of(cf, text));

    if (number >= list->room) {
        size_t room = list->room ? list->room * 2 : 16;

        list->items = arena_grow(cf->arena, list->items, list->room, room, sizeof *list->items);
        list->is_removed = arena_grow(cf->arena, list->is_removed, list->room, room, sizeof *list->is_removed);
        list->room = room;
    }
    if (!list->items[number].text || list->is_removed[number])
        list->items[number] = (struct address_pattern){ .text = list->texts.items[number] };
    list->is_removed[number] = false;
    return &list->items[number];
}

static void add_patterns(struct cf *cf, struct span name, struct span value)
{
    struct address_list *list = settings_make_addresses(cf->arena, cf->settings, name);
    struct span word;

    while (cf_word(&value, &word))
        add_pattern(cf, list, word);
}

void cf_addresses(struct cf *cf, const char *to, struct span value)
{
    if (!value.len)
        cf_note(cf, "the line has no addresses");
    add_patterns(cf, span_of(to), value);
}

/* "(NAME) rest"; without brackets `name` is empty. */
static bool cut_list_name(struct span *value, struct span *name)
{
    size_t end = span_find(*value, ')');

    *name = (struct span){ 0 };
    if (!span_starts(*value, SPAN("(")))
        return false;
    if (end == SPAN_NPOS || end < 2)
        return false;
    *name = span_skip(span_first(*value, end), 1);
    *value = cf_trim(span_skip(*value, end + 1));
    return true;
}

void cf_enlist_addresses(struct cf *cf, const char *to, struct span value)
{
    struct span name;

    (void)to;
    if (!cut_list_name(&value, &name) || !value.len)
        cf_note(cf, "enlist_addrlist wants (NAME) and addresses");
    else if (cf->settings->lists->address_count >= LISTS_MAX && !settings_has_addresses(cf->settings, name))
        cf_note(cf, "this is one list too many: there may be %d", LISTS_MAX);
    else
        add_patterns(cf, name, value);
}

/* An address, and the host or the signing domain that goes with it; a line each. Without a domain it is the
 * author's. */
void cf_address_values(struct cf *cf, const char *to, struct span value)
{
    struct address_list *list = settings_make_addresses(cf->arena, cf->settings, span_of(to));
    struct span address, domain;
    bool has_domain;

    if (!cf_word(&value, &address)) {
        cf_note(cf, "the line has no address");
        return;
    }
    has_domain = cf_word(&value, &domain);
    if (value.len || (!has_domain && !span_ends(span_of(to), SPAN("_dkim")))) {
        cf_note(cf, "the line wants an address and a domain");
        return;
    }
    struct address_pattern *pattern = add_pattern(cf, list, address);

    size_t count = pattern->value_count;

    if ((count & (count - 1)) == 0) /* the room is the next power of two */
        pattern->values = arena_grow(cf->arena, pattern->values, count, count ? count * 2 : 1, sizeof *pattern->values);
    pattern->values[pattern->value_count++] = lower_of(cf, domain).ptr;
}

static struct address_pattern *listed(struct cf *cf, struct span list_name, struct span address, bool **is_removed)
{
    struct address_list *list = settings_make_addresses(cf->arena, cf->settings, list_name);
    size_t number = names_find(&list->texts, lower_of(cf, address));

    if (number == NAMES_NONE)
        return NULL;
    *is_removed = &list->is_removed[number];
    return &list->items[number];
}

/* `to`: the lists, separated by blanks. */
void cf_remove_addresses(struct cf *cf, const char *to, struct span value)
{
    struct span word, lists, name;
    bool *is_removed;

    while (cf_word(&value, &word))
        for (lists = span_of(to); span_word(&lists, &name);)
            if (listed(cf, name, word, &is_removed))
                *is_removed = true;
}

void cf_remove_value(struct cf *cf, const char *to, struct span value)
{
    struct span address = { 0 }, domain = { 0 }, lists = span_of(to), name;
    bool *is_removed;

    cf_word(&value, &address);
    cf_word(&value, &domain);
    domain = lower_of(cf, domain);
    while (span_word(&lists, &name)) {
        struct address_pattern *pattern = listed(cf, name, address, &is_removed);
        size_t kept = 0;

        for (size_t i = 0; pattern && i < pattern->value_count; i++)
            if (!span_is(domain, pattern->values[i]))
                pattern->values[kept++] = pattern->values[i];
        if (!pattern)
            continue;
        pattern->value_count = kept;
        *is_removed |= kept == 0;
    }
}

/* ---- words ---- */

static void add_word(struct cf *cf, struct words *words, struct span word, bool is_negated)
{
    size_t number = names_add(&words->texts, lower_of(cf, word));

    if (number >= words->room) {
        size_t room = words->room ? words->room * 2 : 16;

        words->is_negated = arena_grow(cf->arena, words->is_negated, words->room, room, sizeof *words->is_negated);
        words->is_removed = arena_grow(cf->arena, words->is_removed, words->room, room, sizeof *words->is_removed);
        words->room = room;
    }
    words->is_negated[number] = is_negated;
    words->is_removed[number] = false;
}

static struct words *words_named(struct cf *cf, const char *name, bool is_hosts)
{
    return settings_make_words(cf->arena, cf->settings, span_of(name), is_hosts);
}

void cf_words(struct cf *cf, const char *to, struct span value)
{
    struct words *words = words_named(cf, to, false);
    struct span word;

    while (cf_word(&value, &word))
        add_word(cf, words, word, false);
}

void cf_originating_headers(struct cf *cf, const char *to, struct span value)
{
    struct words *words = words_named(cf, to, false);

    cf_words(cf, to, value);
    cf->settings->originating_ip_headers = words->texts.items;
    cf->settings->originating_ip_header_count = words->texts.count;
}

static void add_hosts(struct cf *cf, struct span name, struct span value)
{
    struct words *hosts = settings_make_words(cf->arena, cf->settings, name, true);
    struct span word;

    while (cf_word(&value, &word)) {
        bool is_negated = span_starts(word, SPAN("!"));

        add_word(cf, hosts, span_skip(word, is_negated), is_negated);
    }
}

void cf_hosts(struct cf *cf, const char *to, struct span value)
{
    add_hosts(cf, span_of(to), value);
}

void cf_enlist_hosts(struct cf *cf, const char *to, struct span value)
{
    struct span name;

    (void)to;
    if (!cut_list_name(&value, &name) || !value.len)
        cf_note(cf, "enlist_uri_host wants (NAME) and hosts");
    else if (cf->settings->lists->word_count >= LISTS_MAX && !settings_has_hosts(cf->settings, name))
        cf_note(cf, "this is one list too many: there may be %d", LISTS_MAX);
    else
        add_hosts(cf, name, value);
}

static void remove_hosts(struct cf *cf, struct words *hosts, struct span value)
{
    struct span word;

    while (cf_word(&value, &word)) {
        size_t number = names_find(&hosts->texts, lower_of(cf, span_skip(word, span_starts(word, SPAN("!")))));

        if (number != NAMES_NONE)
            hosts->is_removed[number] = true;
    }
}

/* Without a name: from all lists that there are so far. */
void cf_delist_hosts(struct cf *cf, const char *to, struct span value)
{
    const struct setting_lists *lists = cf->settings->lists;
    struct span name;
    bool is_one = cut_list_name(&value, &name);

    (void)to;
    for (size_t i = 0; i < lists->word_count; i++)
        if (lists->words[i]->is_hosts && (!is_one || span_is(name, lists->words[i]->name)))
            remove_hosts(cf, &lists->words[i]->words, value);
}

void cf_freemail_domains(struct cf *cf, const char *to, struct span value)
{
    struct ruleset_settings *s = cf->settings;
    struct words *words = words_named(cf, "freemail_domains", false);
    struct words *patterns = words_named(cf, "freemail_domains*", false);
    struct span word;

    (void)to;
    while (cf_word(&value, &word)) {
        bool is_pattern = span_find(word, '*') != SPAN_NPOS || span_find(word, '?') != SPAN_NPOS;

        add_word(cf, is_pattern ? patterns : words, word, false);
    }
    s->freemail_wildcards = patterns->texts.items;
    s->freemail_wildcard_count = patterns->texts.count;
}

/* Whole lines are patterns: blanks belong to them. */
void cf_subject(struct cf *cf, const char *to, struct span value)
{
    struct ruleset_settings *s = cf->settings;
    bool is_welcome = to[0] == 'w';
    struct words *words = words_named(cf, is_welcome ? "welcomelist_subject" : "blocklist_subject", false);

    if (!value.len)
        return;
    add_word(cf, words, value, false);
    if (is_welcome) {
        s->subject_welcomelist = words->texts.items;
        s->subject_welcomelist_count = words->texts.count;
    } else {
        s->subject_blocklist = words->texts.items;
        s->subject_blocklist_count = words->texts.count;
    }
}

/* ---- networks ---- */

static struct net_rules *nets_named(struct cf *cf, const char *name)
{
    return name[0] == 't' ? &cf->settings->trusted : name[0] == 'i' ? &cf->settings->internal : &cf->settings->msa;
}

/* 10, 10.1. and 10.1.2 are networks of so many octets, unless a length is said. */
static const char *whole_ip4(struct cf *cf, struct span base, unsigned *bits)
{
    static const char *const zeros[] = { NULL, ".0.0.0", ".0.0", ".0", "" };
    struct span rest = base, part;
    unsigned octets = 0;

    for (size_t i = 0; i < base.len; i++)
        if (!ascii_is_digit(base.ptr[i]) && base.ptr[i] != '.')
            return NULL;
    if (span_ends(rest, SPAN(".")))
        base.len = --rest.len;
    while (span_cut(&rest, '.', &part))
        octets++;
    if (octets < 1 || octets > 4)
        return NULL;
    *bits = octets * 8;
    return arena_printf(cf->arena, "%.*s%s", SPAN_ARG(base), zeros[octets]);
}

/* Also [2001:db8::]/32. */
static bool read_net(struct cf *cf, struct span word, struct addr_net *out)
{
    size_t slash = span_find(word, '/');
    struct span base = span_first(word, slash),
                length = slash == SPAN_NPOS ? (struct span){ 0 } : span_skip(word, slash);
    unsigned bits = 0;

    if (span_starts(base, SPAN("[")) && span_ends(base, SPAN("]")))
        base = span_skip(span_first(base, base.len - 1), 1);
    const char *ip4 = whole_ip4(cf, base, &bits);

    if (ip4 && !length.len)
        return !addr_net_parse(span_of(arena_printf(cf->arena, "%s/%u", ip4, bits)), out);
    return !addr_net_parse(
        span_of(arena_printf(cf->arena, "%.*s%.*s", SPAN_ARG(ip4 ? span_of(ip4) : base), SPAN_ARG(length))), out);
}

static bool is_declared(const struct net_rules *nets, const struct addr_net *net)
{
    for (size_t i = 0; i < nets->count; i++)
        if (nets->items[i].net.bits <= net->bits && addr_in(&net->base, &nets->items[i].net))
            return true;
    return false;
}

void cf_networks(struct cf *cf, const char *to, struct span value)
{
    struct net_rules *nets = nets_named(cf, to);
    struct span word;

    nets->is_configured = true;
    while (cf_word(&value, &word)) {
        struct net_rule rule = { .is_excluded = span_starts(word, SPAN("!")) };

        if (rule.is_excluded && word.len == 1) {
            cf_word(&value, &word);
        } else {
            word = span_skip(word, rule.is_excluded);
        }
        if (!read_net(cf, word, &rule.net)) {
            cf_note(cf, "\"%.*s\" is no network", SPAN_ARG(span_first(word, 60)));
            continue;
        }
        if (is_declared(nets, &rule.net))
            continue; /* the first that has an address decides */
        if (nets->count == NETS_MAX) {
            cf_note(cf, "this is one network too many: there may be %d", NETS_MAX);
            return;
        }
        if (nets->count == nets->room) {
            nets->room = nets->room ? nets->room * 2 : 8;
            nets->items = arena_grow(cf->arena, nets->items, nets->count, nets->room, sizeof *nets->items);
        }
        nets->items[nets->count++] = rule;
    }
}

void cf_clear(struct cf *cf, const char *to, struct span value)
{
    static const char *const tlds[] = { "util_rb_tld", "util_rb_2tld", "util_rb_3tld" };

    (void)value;
    if (strcmp(to, "util_rb") == 0) {
        for (size_t i = 0; i < COUNT(tlds); i++)
            *words_named(cf, tlds[i], false) = (struct words){ .texts.arena = cf->arena };
    } else if (strcmp(to, "originating_ip_headers") == 0) {
        *words_named(cf, to, false) = (struct words){ .texts.arena = cf->arena };
        cf->settings->originating_ip_header_count = 0;
    } else {
        *nets_named(cf, to) = (struct net_rules){ 0 };
    }
}

/* ---- the rest ---- */

void cf_redirector(struct cf *cf, const char *to, struct span value)
{
    struct ruleset_settings *s = cf->settings;
    struct rule_pattern one;
    struct span pattern;
    const char *wrong = cf_pattern_split(cf->arena, value, &pattern, &one.options);

    (void)to;
    if (!wrong)
        wrong = cf_pattern_convert(cf->arena, pattern, one.options, &one.pattern);
    if (wrong) {
        cf_note(cf, "redirector_pattern: %s", wrong);
        return;
    }
    if (s->redirector_count == cf->redirector_room) {
        cf->redirector_room = cf->redirector_room ? cf->redirector_room * 2 : 16;
        s->redirectors =
            arena_grow(cf->arena, s->redirectors, s->redirector_count, cf->redirector_room, sizeof *s->redirectors);
    }
    s->redirectors[s->redirector_count++] = one;
}

void cf_adsp(struct cf *cf, const char *to, struct span value)
{
    struct ruleset_settings *s = cf->settings;
    struct span domain, practices;

    (void)to;
    if (!cf_word(&value, &domain)) {
        cf_note(cf, "adsp_override wants a domain");
        return;
    }
    if (!cf_word(&value, &practices))
        practices = SPAN("discardable");
    if (s->adsp_count == cf->adsp_room) {
        cf->adsp_room = cf->adsp_room ? cf->adsp_room * 2 : 32;
        s->adsp = arena_grow(cf->arena, s->adsp, s->adsp_count, cf->adsp_room, sizeof *s->adsp);
    }
    s->adsp[s->adsp_count++] = (struct adsp_override){ lower_of(cf, domain).ptr, lower_of(cf, practices).ptr };
}

/* A number, whole but for scores; yes and no are 1 and 0. */
static bool read_number(struct span value, int *hundredths)
{
    struct span whole = { 0 };
    uint64_t number, fraction = 0;

    if (span_iis(value, "yes") || span_iis(value, "no")) {
        *hundredths = span_iis(value, "yes") ? 100 : 0;
        return true;
    }
    bool is_negative = span_starts(value, SPAN("-"));

    value = span_skip(value, is_negative || span_starts(value, SPAN("+")));
    span_cut(&value, '.', &whole);
    if (span_u64(whole, 10000000, &number) || (value.len && span_u64(span_first(value, 2), 99, &fraction)))
        return false;
    if (value.len == 1)
        fraction *= 10;
    *hundredths = (int)(number * 100 + fraction) * (is_negative ? -1 : 1);
    return true;
}

static void set_number(struct ruleset_settings *s, const char *to, int hundredths)
{
    const struct {
        const char *name;
        bool *flag;
        int *number;
        size_t *bytes;
    } places[] = {
        { "freemail_max_body_emails", NULL, &s->freemail_max_body_emails, NULL },
        { "freemail_max_body_freemails", NULL, &s->freemail_max_body_freemails, NULL },
        { "freemail_skip_when_over_max", &s->freemail_skip_when_over_max, NULL, NULL },
        { "freemail_skip_bulk_envfrom", &s->freemail_skip_bulk_envfrom, NULL, NULL },
        { "freemail_import_welcomelist_auth", &s->freemail_import_welcomelist_auth, NULL, NULL },
        { "freemail_import_def_welcomelist_auth", &s->freemail_import_def_welcomelist_auth, NULL, NULL },
        { "always_trust_envelope_sender", &s->always_trust_envelope_sender, NULL, NULL },
        { "body_part_scan_size", NULL, NULL, &s->body_part_scan_bytes },
        { "rawbody_part_scan_size", NULL, NULL, &s->rawbody_part_scan_bytes },
    };

    const struct {
        const char *name;
        int *hundredths;
    } scores[] = {
        { "required_score", &s->required_score },
        { "shortcircuit_spam_score", &s->shortcircuit_spam },
        { "shortcircuit_ham_score", &s->shortcircuit_ham },
    };

    for (size_t i = 0; i < COUNT(scores); i++)
        if (strcmp(to, scores[i].name) == 0)
            *scores[i].hundredths = hundredths;
    for (size_t i = 0; i < COUNT(places); i++) {
        if (strcmp(to, places[i].name) != 0)
            continue;
        if (places[i].flag)
            *places[i].flag = hundredths != 0;
        else if (places[i].number)
            *places[i].number = hundredths / 100;
        else
            *places[i].bytes = hundredths < 0 ? 0 : (size_t)hundredths / 100;
    }
}

void cf_number(struct cf *cf, const char *to, struct span value)
{
    int hundredths;

    if (strcmp(to, "envelope_sender_header") == 0)
        cf->settings->envelope_sender_header = arena_dup(cf->arena, value);
    else if (!read_number(value, &hundredths))
        cf_note(cf, "%s wants a number", to);
    else
        set_number(cf->settings, to, hundredths);
}

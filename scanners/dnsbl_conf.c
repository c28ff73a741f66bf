/* scanners/dnsbl_conf.c - the lists that are asked, as configured.
 *
 * What is wrong is refused here, at start: an answer that can never count, a list in the wrong check, a symbol that
 * would mean two things. What is not told comes from the table of known lists.
 */
#include "scanners/dnsbl_conf.h"

#include "gateway/base/bug.h"

enum { SYMBOL_MAX = 64 };

static const char *const subject_words[DNSBL_SUBJECTS] = {
    "client", "sender", "helo", "rdns", "names", "numbers", "addresses", "name_servers", "emails", "exact_emails",
};

static const char *const check_names[] = { "dnsbl", "rhsbl", "uribl" };

static bool is_told(const char *text)
{
    return text && *text;
}

static bool is_symbol(const char *text)
{
    size_t n = 0;

    for (; text[n]; n++)
        if (!ascii_is_alnum(text[n]) && text[n] != '_')
            return false;
    return n > 0 && n <= SYMBOL_MAX;
}

static const char *check_symbol(struct arena *a, const char *symbol)
{
    if (is_symbol(symbol))
        return NULL;
    return arena_printf(a, "symbol \"%s\" is none; write letters, digits and _ , at most %d", symbol, SYMBOL_MAX);
}

static const char *rule_check(struct arena *a, void *values)
{
    struct dnsbl_rule *rule = values;
    enum fault fault = dnsbl_match_parse(span_of(rule->title), &rule->match);

    if (fault == FAULT_RANGE)
        return arena_printf(a, "answer \"%s\" can never come: lists answer within 127.0.0.0/8, and ranges run upwards",
                            rule->title);
    if (fault)
        return arena_printf(a,
                            "answer \"%s\" is none; write \"127.0.0.2\", \"127.0.0.4-127.0.0.7\", \"127.0.0.0/24\", "
                            "\"mask 0.0.0.8\" or \"127.0.[0..255].2\"",
                            rule->title);
    return is_told(rule->symbol) ? check_symbol(a, rule->symbol) : NULL;
}

/* The list that this one answers like; NULL for none. */
static const char *find_known(struct arena *a, const struct dnsbl_zone *zone, const struct dnsbl_known **out)
{
    *out = dnsbl_known_find(span_of(is_told(zone->like) ? zone->like : zone->name));
    if (is_told(zone->like) && !*out)
        return arena_printf(a, "like = \"%s\" is no list that we know; leave it out and write answers", zone->like);
    enum dnsbl_check right = !*out                   ? zone->check
                             : (*out)->hash          ? DNSBL_CHECK_URLS
                             : (*out)->lists_domains ? DNSBL_CHECK_NAMES
                                                     : DNSBL_CHECK_CLIENT;

    if (right != zone->check && zone->check != DNSBL_CHECK_URLS)
        return arena_printf(a, "%s lists %s; write it into check \"%s\"", (*out)->zone,
                            (*out)->hash            ? "hashes"
                            : (*out)->lists_domains ? "domains"
                                                    : "addresses",
                            check_names[right]);
    return NULL;
}

static const char *check_name(struct arena *a, struct dnsbl_zone *zone)
{
    if (!is_told(zone->name))
        zone->name = zone->title;
    struct span rest = span_of(zone->name), label;

    if (rest.len > DNSBL_ZONE_NAME_MAX)
        return arena_printf(a, "the name of zone \"%s\" is too long", zone->title);
    while (span_cut(&rest, '.', &label)) {
        bool is_label = label.len > 0 && label.len <= 63;

        for (size_t i = 0; i < label.len && is_label; i++)
            is_label = ascii_is_alnum(label.ptr[i]) || label.ptr[i] == '-' || label.ptr[i] == '_';
        if (!is_label)
            return arena_printf(a, "the name of zone \"%s\" is no domain name; write name = \"bl.example.org\"",
                                zone->title);
    }
    return NULL;
}

static const char *add_refusals(struct arena *a, struct dnsbl_match *list, size_t *count, const char *text)
{
    struct span rest = span_of(text), word;

    while (span_word(&rest, &word)) {
        if (*count == DNSBL_REFUSALS_MAX)
            return "too many refusals";
        if (dnsbl_match_parse(word, &list[*count]))
            return arena_printf(a, "refusal \"%.*s\" is no address, range or network in 127.0.0.0/8", SPAN_ARG(word));
        ++*count;
    }
    return NULL;
}

static const char *set_refusals(struct arena *a, struct dnsbl_zone *zone, const struct dnsbl_known *known)
{
    struct dnsbl_match *list = arena_alloc(a, DNSBL_REFUSALS_MAX * sizeof *list);
    const char *wrong = NULL;

    if (!zone->refusals.count) {
        wrong = add_refusals(a, list, &zone->refused_count, dnsbl_refusals);
        if (!wrong && known && known->refusals)
            wrong = add_refusals(a, list, &zone->refused_count, known->refusals);
    }
    for (size_t i = 0; i < zone->refusals.count && !wrong; i++)
        wrong = add_refusals(a, list, &zone->refused_count, zone->refusals.items[i]);
    zone->refused = list;
    return wrong;
}

static const char *default_symbol(struct arena *a, const struct dnsbl_zone *zone)
{
    static const char *const prefixes[] = { "RBL", "RHSBL", "URIBL" };
    char *symbol = arena_printf(a, "%s_%.*s", prefixes[zone->check], SYMBOL_MAX - 6, zone->title);

    for (char *p = symbol; *p; p++)
        *p = !ascii_is_alnum(*p) ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
    return symbol;
}

/* What any answer means: for a list that is told no answers. */
static void set_one_rule(struct arena *a, struct dnsbl_zone *zone)
{
    struct dnsbl_rule *rule = arena_alloc(a, sizeof *rule);

    *rule = (struct dnsbl_rule){ .title = "127.0.0.0/8", .symbol = zone->symbol, .points = zone->points };
    rule_check(a, rule);
    zone->rules = rule;
    zone->rule_count = 1;
}

static void set_known_rules(struct arena *a, struct dnsbl_zone *zone, const struct dnsbl_known *known)
{
    bool is_of_urls = zone->check == DNSBL_CHECK_URLS && known->url_answers;
    const struct dnsbl_known_answer *answers = is_of_urls ? known->url_answers : known->answers;
    size_t count = 0;

    while (answers[count].answer)
        count++;
    struct dnsbl_rule *rules = arena_alloc(a, count * sizeof *rules);

    for (size_t i = 0; i < count; i++) {
        const struct dnsbl_known_answer *k = &answers[i];

        rules[i] = (struct dnsbl_rule){ .title = k->answer, .symbol = k->symbol, .points = k->points };
        rule_check(a, &rules[i]);
    }
    zone->rules = rules;
    zone->rule_count = count;
}

static const char *set_told_rules(struct arena *a, struct dnsbl_zone *zone)
{
    struct dnsbl_rule *rules = zone->answers.items;

    if (zone->points)
        return arena_printf(a, "zone \"%s\" has a score and answers; write the score into each answer", zone->title);
    if (zone->answers.count > DNSBL_RULES_MAX)
        return arena_printf(a, "zone \"%s\" has more than %d answers; use ranges", zone->title, DNSBL_RULES_MAX);
    for (size_t i = 0; i < zone->answers.count; i++) {
        if (!is_told(rules[i].symbol))
            rules[i].symbol = zone->symbol;
        for (size_t k = 0; k < zone->refused_count; k++)
            if (dnsbl_match_covers(&zone->refused[k], &rules[i].match))
                return arena_printf(a,
                                    "answer \"%s\" of zone \"%s\" is a refusal and can never count; take it out, "
                                    "or write refusals = {...} without it",
                                    rules[i].title, zone->title);
    }
    zone->rules = rules;
    zone->rule_count = zone->answers.count;
    return NULL;
}

/* A symbol has one score, and is either a bit's or not: then what a list can add to the score is known exactly. */
static const char *check_symbols(struct arena *a, const struct dnsbl_zone *zone)
{
    for (size_t i = 0; i < zone->rule_count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct dnsbl_rule *one = &zone->rules[k], *other = &zone->rules[i];
            bool same_kind = (one->match.kind == DNSBL_MATCH_MASK) == (other->match.kind == DNSBL_MATCH_MASK);

            if (strcmp(one->symbol, other->symbol) == 0 && (one->points != other->points || !same_kind))
                return arena_printf(a, "answers \"%s\" and \"%s\" of zone \"%s\" share the symbol %s; name them apart",
                                    one->title, other->title, zone->title, one->symbol);
        }
    return NULL;
}

static const char *set_rules(struct arena *a, struct dnsbl_zone *zone, const struct dnsbl_known *known)
{
    const char *wrong = NULL;

    if (!is_told(zone->symbol))
        zone->symbol = default_symbol(a, zone);
    wrong = check_symbol(a, zone->symbol);
    if (wrong)
        return wrong;
    if (zone->answers.count)
        wrong = set_told_rules(a, zone);
    else if (zone->points)
        set_one_rule(a, zone);
    else if (known)
        set_known_rules(a, zone, known);
    else
        wrong = arena_printf(a,
                             "zone \"%s\" is no list that we know: say what its answers count, with "
                             "score = 4.0 or answer \"127.0.0.2\" { score = 4.0 }",
                             zone->title);
    return wrong ? wrong : check_symbols(a, zone);
}

static const char *set_subject(struct arena *a, struct dnsbl_zone *zone, struct span word)
{
    bool is_of_urls = zone->check == DNSBL_CHECK_URLS;
    size_t first = is_of_urls ? DNSBL_URL_NAME : DNSBL_SENDER, end = is_of_urls ? DNSBL_SUBJECTS : DNSBL_URL_NAME;

    for (size_t s = first; s < end; s++)
        if (span_is(word, subject_words[s])) {
            zone->subjects[s] = true;
            return NULL;
        }
    if (is_of_urls)
        return arena_printf(a,
                            "of = \"%.*s\" is nothing that a list can be asked about; write names, numbers, addresses, "
                            "name_servers, emails or exact_emails",
                            SPAN_ARG(word));
    return arena_printf(a,
                        "of = \"%.*s\" is nobody that a list of domains can be asked about; write sender, helo or rdns",
                        SPAN_ARG(word));
}

static bool asks_for_addresses_only(const struct dnsbl_zone *zone)
{
    return !zone->subjects[DNSBL_URL_NAME] && !zone->subjects[DNSBL_EMAIL] && !zone->subjects[DNSBL_EXACT_EMAIL];
}

/* A list of the check uribl that is not told whom to ask about: as it is known. */
static const char *set_known_subjects(struct arena *a, struct dnsbl_zone *zone, const struct dnsbl_known *known)
{
    const char *of = !known ? "names" : known->of ? known->of : known->lists_domains ? "names" : "addresses numbers";
    struct span rest = span_of(of), word;
    const char *wrong = NULL;

    while (!wrong && span_word(&rest, &word))
        wrong = set_subject(a, zone, word);
    return wrong;
}

static const char *set_subjects(struct arena *a, struct dnsbl_zone *zone, const struct dnsbl_known *known)
{
    const char *wrong = NULL;

    for (size_t i = 0; i < zone->of.count && !wrong; i++)
        wrong = set_subject(a, zone, span_of(zone->of.items[i]));
    if (wrong)
        return wrong;
    if (zone->check == DNSBL_CHECK_URLS) {
        if (!zone->of.count)
            wrong = set_known_subjects(a, zone, known);
        zone->lists_domains = known ? known->lists_domains : !asks_for_addresses_only(zone);
        return wrong;
    }
    zone->subjects[DNSBL_CLIENT] = !zone->lists_domains;
    return zone->lists_domains && !zone->of.count ? "of = {} asks about nobody; write of = {sender, helo, rdns}" : NULL;
}

static const char *set_hash(struct arena *a, struct dnsbl_zone *zone, const struct dnsbl_known *known)
{
    char text[DNSBL_HASH_TEXT_MAX];

    zone->hash = zone->hashing ? (enum dnsbl_hash)(zone->hashing - 1) : known ? known->hash : DNSBL_PLAIN;
    if (zone->hash && !dnsbl_hash(zone->hash, "", text))
        return arena_printf(a, "the system's OpenSSL does not have the hash of zone \"%s\"", zone->title);
    if (!zone->hash && (zone->subjects[DNSBL_EMAIL] || zone->subjects[DNSBL_EXACT_EMAIL]))
        return arena_printf(a, "zone \"%s\" lists mail addresses, which no name can hold: write hash = sha1",
                            zone->title);
    return NULL;
}

/* [RFC5782 5]; those of a list of IPv6 addresses are the IPv4 ones, mapped. */
#define MAPPED_7F00 "0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"

static void set_tests(struct arena *a, struct dnsbl_zone *zone, const struct dnsbl_known *known)
{
    const char *listed = "2.0.0.127", *unlisted = "1.0.0.127";

    if (zone->lists_domains) {
        listed = known && known->test_listed ? known->test_listed : "test";
        unlisted = "invalid";
    } else if (zone->families == DNSBL_IP6) {
        listed = "2." MAPPED_7F00;
        unlisted = "1." MAPPED_7F00;
    }
    if (zone->test == DNSBL_TEST_AUTO)
        zone->test = known && known->test ? (int)known->test : DNSBL_TEST_BOTH;
    zone->test_listed = arena_printf(a, "%s.%s", is_told(zone->test_listed) ? zone->test_listed : listed, zone->name);
    zone->test_unlisted =
        arena_printf(a, "%s.%s", is_told(zone->test_unlisted) ? zone->test_unlisted : unlisted, zone->name);
}

static const char *zone_check(struct arena *a, struct dnsbl_zone *zone)
{
    const struct dnsbl_known *known = NULL;
    const char *wrong = check_name(a, zone);

    if (!wrong)
        wrong = find_known(a, zone, &known);
    if (!wrong)
        wrong = set_subjects(a, zone, known);
    if (!wrong)
        wrong = set_hash(a, zone, known);
    if (!wrong)
        wrong = set_refusals(a, zone, known);
    if (!wrong)
        wrong = set_rules(a, zone, known);
    if (wrong)
        return wrong;
    if (zone->families == DNSBL_FAMILIES_AUTO)
        zone->families = known && known->families ? (int)known->families : DNSBL_BOTH;
    zone->asks_organizational = zone->organizational              ? zone->organizational == 2
                                : zone->check == DNSBL_CHECK_URLS ? true
                                                                  : known && known->is_organizational;
    set_tests(a, zone, known);
    zone->health = arena_alloc(a, sizeof *zone->health);
    return NULL;
}

static const char *address_zone_check(struct arena *a, void *values)
{
    struct dnsbl_zone *zone = values;

    zone->check = DNSBL_CHECK_CLIENT;
    zone->lists_domains = false;
    return zone_check(a, zone);
}

static const char *domain_zone_check(struct arena *a, void *values)
{
    struct dnsbl_zone *zone = values;

    zone->check = DNSBL_CHECK_NAMES;
    zone->lists_domains = true;
    return zone_check(a, zone);
}

static const char *url_zone_check(struct arena *a, void *values)
{
    struct dnsbl_zone *zone = values;

    zone->check = DNSBL_CHECK_URLS;
    return zone_check(a, zone);
}

static bool share_symbol(const struct dnsbl_zone *one, const struct dnsbl_zone *other, const char **out)
{
    for (size_t i = 0; i < one->rule_count; i++)
        for (size_t k = 0; k < other->rule_count; k++)
            if (strcmp(one->rules[i].symbol, other->rules[k].symbol) == 0) {
                *out = one->rules[i].symbol;
                return true;
            }
    return false;
}

/* A symbol counts once: two lists with the same one would hide each other. */
static const char *lists_check(struct arena *a, void *values)
{
    struct dnsbl_conf *conf = values;
    const char *symbol;

    if (conf->zones.count > DNSBL_ZONES_MAX)
        return arena_printf(a, "more than %d lists; every one of them is asked about every mail", DNSBL_ZONES_MAX);
    if (conf->patience.aside_most_ms < conf->patience.aside_ms)
        return "aside_most is less than aside";
    for (size_t i = 0; i < conf->zones.count; i++)
        for (size_t k = 0; k < i; k++)
            if (share_symbol(dnsbl_zone_at(conf, k), dnsbl_zone_at(conf, i), &symbol))
                return arena_printf(a, "zones \"%s\" and \"%s\" share the symbol %s; give one of them another",
                                    dnsbl_zone_at(conf, k)->title, dnsbl_zone_at(conf, i)->title, symbol);
    return NULL;
}

/* clang-format off */
#define AT(member) offsetof(struct dnsbl_rule, member)
static const struct conf_key rule_keys[] = {
    { .name = "score",  .type = CONF_POINTS, .at = AT(points), .is_required = true,
      .help = "what this answer counts; negative for an allow list" },
    { .name = "symbol", .type = CONF_STR,    .at = AT(symbol),
      .help = "its name in headers and records; not told: the zone's" },
    { 0 },
};
#undef AT

static const struct conf_section rule_section = {
    .name = "answer", .size = sizeof(struct dnsbl_rule), .keys = rule_keys, .check = rule_check,
    .help = "what an answer counts: \"127.0.0.2\", a range \"127.0.0.4-127.0.0.7\", a network \"127.0.0.0/24\", a bit "
            "\"mask 0.0.0.8\", or a pattern as Postfix writes it \"127.0.[0..255].2\". Of several that match, the one "
            "that counts most is counted; bits are counted each",
};

#define AT(member) offsetof(struct dnsbl_zone, member)
#define NAME_KEYS                                                                                                      \
    { .name = "name",     .type = CONF_STR,      .at = AT(name), .is_secret = true,                                    \
      .help = "the zone to ask, when it is not the title: a mirror's, or a name with a key in it, which is never "     \
              "shown (\"{file:/etc/postern/dqs.key}.zen.dq.spamhaus.net\")" },                                         \
    { .name = "like",     .type = CONF_STR,      .at = AT(like),                                                       \
      .help = "a known list whose answers this one gives, for a mirror of it" }
#define ANSWER_KEYS                                                                                                    \
    { .name = "score",    .type = CONF_POINTS,   .at = AT(points),                                                     \
      .help = "what any answer counts; not told, and no answers either: as the list is known" },                       \
    { .name = "symbol",   .type = CONF_STR,      .at = AT(symbol),                                                     \
      .help = "name of the finding; not told: RBL_ (RHSBL_) and the title" },                                          \
    { .name = "answer",   .type = CONF_SECTIONS, .at = AT(answers), .section = &rule_section,                          \
      .help = "what each answer counts" },                                                                             \
    { .name = "refusals", .type = CONF_STRS,     .at = AT(refusals),                                                   \
      .help = "answers that mean \"you may not ask\" and never count; not told: 127.255.255.0/24, 127.0.0.1 and what " \
              "the list is known to use" },                                                                            \
    { .name = "stops",    .type = CONF_BOOL,     .at = AT(stops), .initial = "no",                                     \
      .help = "an allow list's hit (a negative score) puts aside what block lists say of the same address or name" },  \
    { .name = "explain",  .type = CONF_BOOL,     .at = AT(explain), .initial = "no",                                   \
      .help = "when listed, ask for the list's own text (TXT), too, and show it" }
#define TEST_KEYS                                                                                                      \
    { .name = "test",     .type = CONF_ENUM,     .at = AT(test), .initial = "auto", .least = "auto yes unlisted no",   \
      .help = "test points [RFC5782 5], asked at start and then as test_every says; unlisted: only the one that must " \
              "not be listed; no: the list has none; auto: as the list is known, else yes" },                          \
    { .name = "test_listed", .type = CONF_STR,   .at = AT(test_listed),                                                \
      .help = "what must be listed, as it stands before the zone's name; not told: that of RFC 5782" },                \
    { .name = "test_unlisted", .type = CONF_STR, .at = AT(test_unlisted), .help = "what must not be listed" }

static const struct conf_key address_zone_keys[] = {
    NAME_KEYS,
    { .name = "families", .type = CONF_ENUM, .at = AT(families), .initial = "auto", .least = "auto both ip4 ip6",
      .help = "which addresses it lists; auto: as the list is known, else both" },
    ANSWER_KEYS,
    TEST_KEYS,
    { 0 },
};

static const struct conf_key domain_zone_keys[] = {
    NAME_KEYS,
    { .name = "of", .type = CONF_STRS, .at = AT(of), .initial = "sender helo rdns",
      .help = "whose domain is asked about: sender (envelope), helo, rdns (the client's confirmed name)" },
    { .name = "organizational", .type = CONF_ENUM, .at = AT(organizational), .initial = "auto", .least = "auto no yes",
      .help = "ask for the organizational domain (example.co.uk) only, not for the full name; auto: as the list is "
              "known, else no" },
    ANSWER_KEYS,
    TEST_KEYS,
    { 0 },
};

static const struct conf_key url_zone_keys[] = {
    NAME_KEYS,
    { .name = "of", .type = CONF_STRS, .at = AT(of),
      .help = "what it is asked about: names (of hosts), numbers (hosts that are addresses), addresses (of the hosts), "
              "name_servers (their addresses), emails (mail addresses, without tag and dots), exact_emails (as they "
              "stand there); not told: as the list is known, else names" },
    { .name = "organizational", .type = CONF_ENUM, .at = AT(organizational), .initial = "auto", .least = "auto no yes",
      .help = "ask for the organizational domain (example.co.uk) only, not for the full name; auto: yes" },
    { .name = "hash", .type = CONF_ENUM, .at = AT(hashing), .initial = "auto",
      .least = "auto no sha1 sha256 md5 sha1-base32 sha256-base32",
      .help = "the list holds hashes; auto: as the list is known, else no" },
    { .name = "families", .type = CONF_ENUM, .at = AT(families), .initial = "auto", .least = "auto both ip4 ip6",
      .help = "which addresses it lists; auto: as the list is known, else both" },
    ANSWER_KEYS,
    TEST_KEYS,
    { 0 },
};
#undef AT

static const struct conf_section address_zone_section = {
    .name = "zone", .size = sizeof(struct dnsbl_zone), .keys = address_zone_keys, .check = address_zone_check,
    .help = "a list to ask; its title is the name that is shown",
};
static const struct conf_section domain_zone_section = {
    .name = "zone", .size = sizeof(struct dnsbl_zone), .keys = domain_zone_keys, .check = domain_zone_check,
    .help = "a list to ask; its title is the name that is shown",
};

static const struct conf_section url_zone_section = {
    .name = "zone", .size = sizeof(struct dnsbl_zone), .keys = url_zone_keys, .check = url_zone_check,
    .help = "a list to ask; its title is the name that is shown",
};

#define AT(member) offsetof(struct dnsbl_conf, member)
#define PATIENCE_KEYS                                                                                                  \
    { .name = "aside",      .type = CONF_MS,  .at = AT(patience.aside_ms), .initial = "5m", .least = "1s",             \
      .most = "1d",                                                                                                    \
      .help = "a list that refuses us, is silent or fails its test is not asked for so long; twice that each time" },  \
    { .name = "aside_most", .type = CONF_MS,  .at = AT(patience.aside_most_ms), .initial = "1h", .least = "1s",        \
      .most = "7d", .help = "the longest it is put aside" },                                                           \
    { .name = "tries",      .type = CONF_INT, .at = AT(patience.tries), .initial = "5", .least = "1", .most = "1000",  \
      .help = "look-ups in a row without an answer that make a list silent" },                                         \
    { .name = "test_every", .type = CONF_MS,  .at = AT(patience.test_every_ms), .initial = "1h", .least = "1s",        \
      .most = "7d", .help = "how often test points are asked" }

static const struct conf_key dnsbl_keys[] = {
    { .name = "zone", .type = CONF_SECTIONS, .at = AT(zones), .section = &address_zone_section,
      .help = "the lists: none unless you name them, for asking tells them who writes to you, and most have terms of "
              "use. A known list (zen.spamhaus.org, list.dnswl.org, ...) needs no more than its name" },
    PATIENCE_KEYS,
    { 0 },
};

static const struct conf_key rhsbl_keys[] = {
    { .name = "zone", .type = CONF_SECTIONS, .at = AT(zones), .section = &domain_zone_section,
      .help = "the lists: none unless you name them, for asking tells them who writes to you, and most have terms of "
              "use. A known list (dbl.spamhaus.org, multi.surbl.org, ...) needs no more than its name" },
    PATIENCE_KEYS,
    { 0 },
};
#undef AT

/* `lists` is the first member, so that its places are the same. */
#define AT(member) offsetof(struct uribl_conf, lists.member)
static const struct conf_key uribl_keys[] = {
    { .name = "zone", .type = CONF_SECTIONS, .at = AT(zones), .section = &url_zone_section,
      .help = "the lists: none unless you name them, for asking tells them what is in your mail, and most have terms "
              "of use. A known list (dbl.spamhaus.org, multi.surbl.org, multi.uribl.com, ebl.msbl.org, ...) needs no "
              "more than its name" },
    { .name = "names_most", .type = CONF_INT, .at = offsetof(struct uribl_conf, names_most), .initial = "20",
      .least = "1", .most = "100", .help = "hosts of a message that lists are asked about, the most suspicious first" },
    { .name = "emails_most", .type = CONF_INT, .at = offsetof(struct uribl_conf, emails_most), .initial = "10",
      .least = "0", .most = "50", .help = "mail addresses of a message that lists are asked about" },
    { .name = "exclude", .type = CONF_STRS, .at = offsetof(struct uribl_conf, exclude),
      .initial = "w3.org schemas.microsoft.com microsoft.com outlook.com google.com gmail.com googleapis.com "
                 "gstatic.com apple.com facebook.com instagram.com linkedin.com twitter.com x.com youtube.com "
                 "amazon.com wikipedia.org mozilla.org",
      .help = "domains that no list is asked about: nobody lists them, and they are in every mail" },
    PATIENCE_KEYS,
    { 0 },
};
#undef AT
/* clang-format on */

const struct conf_section dnsbl_section = {
    .name = "dnsbl",
    .help = "DNS block and allow lists, asked about the client's address",
    .size = sizeof(struct dnsbl_conf),
    .keys = dnsbl_keys,
    .check = lists_check,
};

const struct conf_section rhsbl_section = {
    .name = "rhsbl",
    .help = "DNS block and allow lists of domains, asked about sender, HELO and the client's name",
    .size = sizeof(struct dnsbl_conf),
    .keys = rhsbl_keys,
    .check = lists_check,
};

const struct conf_section uribl_section = {
    .name = "uribl",
    .help = "DNS lists, asked about the URLs and mail addresses in a message",
    .size = sizeof(struct uribl_conf),
    .keys = uribl_keys,
    .check = lists_check,
};

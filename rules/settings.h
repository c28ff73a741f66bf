/* rules/settings.h - what lines of rule files set that are no rules: networks, lists of addresses and of domains.
 *
 * Lists bear SpamAssassin's names as it writes them now: "welcomelist_from", "blocklist_from" and so on also hold what
 * stands in whitelist_from, blacklist_from lines; enlist_addrlist (NAME) fills the list NAME.
 *
 * Memory: the ruleset's arena; immutable once loaded. Threads: any.
 */
#ifndef RULES_SETTINGS_H
#define RULES_SETTINGS_H

#include "gateway/base/addr.h"
#include "gateway/base/arena.h"

/* ---- networks: the first that has the address decides ---- */

struct net_rule {
    struct addr_net net;
    bool is_excluded; /* !192.0.2.0/24 */
};

struct net_rules {
    struct net_rule *items;
    size_t count, room;
    bool is_configured;
};

bool net_rules_have(const struct net_rules *nets, const struct addr *a);

/* ---- addresses by patterns with * and ? ---- */

struct address_pattern {
    const char *text;    /* lower case */
    const char **values; /* what stands behind it: host names (from_rcvd), signing domains (from_dkim) */
    size_t value_count;
};

struct address_list;

/* settings_addresses - NULL: there is none of that name: welcomelist_from, welcomelist_from_rcvd,
 * def_welcomelist_from_rcvd, welcomelist_allows_relays, welcomelist_auth, def_welcomelist_auth, welcomelist_from_spf,
 * def_welcomelist_from_spf, welcomelist_from_dkim, def_welcomelist_from_dkim, blocklist_from, blocklist_to,
 * welcomelist_to, more_spam_to, all_spam_to, welcomelist_bounce_relays, and those of enlist_addrlist. */
struct ruleset_settings;
const struct address_list *settings_addresses(const struct ruleset_settings *s, const char *name);
/* addresses_match - goes through the patterns that the address (any case) matches; NULL after the last. `at`: 0 at
 * first. A list of NULL is empty. */
const struct address_pattern *addresses_match(const struct address_list *list, struct span address, size_t *at);
static inline bool addresses_have(const struct address_list *list, struct span address)
{
    size_t at = 0;

    return addresses_match(list, address, &at) != NULL;
}
size_t addresses_count(const struct address_list *list);

/* ---- sets of words ---- */

struct words;

/* settings_words - NULL: there is none of that name: freemail_domains (those without wildcards), freemail_welcomelist,
 * util_rb_tld, util_rb_2tld, util_rb_3tld, ok_locales. All are in lower case. */
const struct words *settings_words(const struct ruleset_settings *s, const char *name);
/* settings_hosts - the hosts of enlist_uri_host (NAME), welcomelist_uri_host (WELCOME), blocklist_uri_host (BLOCK). */
const struct words *settings_hosts(const struct ruleset_settings *s, const char *name);
/* words_have - exactly this word, in lower case. *is_negated (may be NULL): it was listed as !word. */
bool words_have(const struct words *words, struct span word, bool *is_negated);
size_t words_count(const struct words *words);
/* words_at - the i-th, in their order; "" when it has been removed. */
const char *words_at(const struct words *words, size_t i);

/* ---- the rest ---- */

struct rule_pattern {
    const char *pattern;
    unsigned options; /* as in struct rule */
};

struct adsp_override {
    const char *domain;    /* lower case; may start with "*." */
    const char *practices; /* "unknown", "all", "discardable", "custom_low", ...; "nxdomain" */
};

struct ruleset_settings {
    struct net_rules trusted, internal, msa;
    const char **freemail_wildcards; /* freemail_domains with * or ?: there * stands for no dot */
    size_t freemail_wildcard_count;
    int freemail_max_body_emails, freemail_max_body_freemails;
    bool freemail_skip_when_over_max, freemail_skip_bulk_envfrom;
    bool freemail_import_welcomelist_auth, freemail_import_def_welcomelist_auth;
    struct rule_pattern *redirectors; /* redirector_pattern: the first group is the target */
    size_t redirector_count;
    struct adsp_override *adsp;
    size_t adsp_count;
    const char *const *originating_ip_headers; /* in lower case */
    size_t originating_ip_header_count;
    const char *envelope_sender_header; /* "" */
    bool always_trust_envelope_sender;
    const char *const *subject_welcomelist, *const *subject_blocklist; /* patterns with * and ? */
    size_t subject_welcomelist_count, subject_blocklist_count;
    size_t body_part_scan_bytes, rawbody_part_scan_bytes;
    int required_score;                      /* hundredths; noted only: gateway.conf's thresholds hold */
    int shortcircuit_spam, shortcircuit_ham; /* hundredths: what a rule of that `shortcircuit` counts besides its own */
    struct setting_lists *lists;
};

#endif

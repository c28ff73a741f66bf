/* rules/cf/cf_keys.c - who takes a line of a rule file, by its first word. */
#include "gateway/base/bug.h"
#include "rules/cf/cf.h"

struct key {
    const char *name;
    cf_line_fn *take;
    const char *to; /* for `take`; without one: why such lines are read over */
};

#define REPORT  "headers, subjects and reports are gateway.conf's"
#define LOOKUPS "look-ups are checks of Postern's own (doc/checks.md)"
#define LEARN   "Postern's Bayes has its settings in gateway.conf"
#define STORE   "Postern keeps nothing where SpamAssassin does"
#define TESTING "it is for those who test rules"
#define FOREIGN "its plugin is not supported"

/* clang-format off */
static const struct key keys[] = {
    { "header", cf_header, NULL }, { "body", cf_text_rule, "body" }, { "rawbody", cf_text_rule, "rawbody" },
    { "uri", cf_text_rule, "uri" }, { "full", cf_text_rule, "full" }, { "mimeheader", cf_mimeheader, NULL },
    { "meta", cf_meta, NULL },
    { "score", cf_score, NULL }, { "describe", cf_describe, NULL }, { "tflags", cf_tflags, NULL },
    { "priority", cf_priority, NULL }, { "shortcircuit", cf_shortcircuit, NULL },

    { "askdns", cf_foreign_rule, "it asks the DNS; look-ups are checks of Postern's own" },
    { "uridnsbl", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "uridnssub", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "urirhsbl", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "urirhssub", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "urinsrhsbl", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "urinsrhssub", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "urifullnsrhsbl", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "urifullnsrhssub", cf_foreign_rule, "it asks lists in the DNS; the check \"urls\" does" },
    { "uri_detail", cf_foreign_rule, "uri_detail rules are not supported" },
    { "uri_block_cc", cf_foreign_rule, "uri_block rules are not supported" },
    { "uri_block_cont", cf_foreign_rule, "uri_block rules are not supported" },
    { "uri_block_isp", cf_foreign_rule, "uri_block rules are not supported" },
    { "uri_block_cidr", cf_foreign_rule, "uri_block rules are not supported" },
    { "uri_block_exclude", cf_foreign_rule, "uri_block rules are not supported" },

    { "replace_tag", cf_replace_tag, "tag" }, { "replace_pre", cf_replace_tag, "pre" },
    { "replace_inter", cf_replace_tag, "inter" }, { "replace_post", cf_replace_tag, "post" },
    { "replace_start", cf_replace_limit, "start" }, { "replace_end", cf_replace_limit, "end" },
    { "replace_rules", cf_replace_rules, NULL },
    { "enable_compat", cf_enable_compat, NULL },

    { "welcomelist_from", cf_addresses, "welcomelist_from" }, { "whitelist_from", cf_addresses, "welcomelist_from" },
    { "unwelcomelist_from", cf_remove_addresses, "welcomelist_from" },
    { "unwhitelist_from", cf_remove_addresses, "welcomelist_from" },
    { "welcomelist_from_rcvd", cf_address_values, "welcomelist_from_rcvd" },
    { "whitelist_from_rcvd", cf_address_values, "welcomelist_from_rcvd" },
    { "def_welcomelist_from_rcvd", cf_address_values, "def_welcomelist_from_rcvd" },
    { "def_whitelist_from_rcvd", cf_address_values, "def_welcomelist_from_rcvd" },
    { "unwelcomelist_from_rcvd", cf_remove_addresses, "welcomelist_from_rcvd def_welcomelist_from_rcvd" },
    { "unwhitelist_from_rcvd", cf_remove_addresses, "welcomelist_from_rcvd def_welcomelist_from_rcvd" },
    { "welcomelist_allows_relays", cf_addresses, "welcomelist_allows_relays" },
    { "whitelist_allows_relays", cf_addresses, "welcomelist_allows_relays" },
    { "welcomelist_to", cf_addresses, "welcomelist_to" }, { "whitelist_to", cf_addresses, "welcomelist_to" },
    { "more_spam_to", cf_addresses, "more_spam_to" }, { "all_spam_to", cf_addresses, "all_spam_to" },
    { "blocklist_from", cf_addresses, "blocklist_from" }, { "blacklist_from", cf_addresses, "blocklist_from" },
    { "unblocklist_from", cf_remove_addresses, "blocklist_from" },
    { "unblacklist_from", cf_remove_addresses, "blocklist_from" },
    { "blocklist_to", cf_addresses, "blocklist_to" }, { "blacklist_to", cf_addresses, "blocklist_to" },
    { "welcomelist_auth", cf_addresses, "welcomelist_auth" }, { "whitelist_auth", cf_addresses, "welcomelist_auth" },
    { "def_welcomelist_auth", cf_addresses, "def_welcomelist_auth" },
    { "def_whitelist_auth", cf_addresses, "def_welcomelist_auth" },
    { "unwelcomelist_auth", cf_remove_addresses, "welcomelist_auth def_welcomelist_auth" },
    { "unwhitelist_auth", cf_remove_addresses, "welcomelist_auth def_welcomelist_auth" },
    { "welcomelist_from_spf", cf_addresses, "welcomelist_from_spf" },
    { "whitelist_from_spf", cf_addresses, "welcomelist_from_spf" },
    { "def_welcomelist_from_spf", cf_addresses, "def_welcomelist_from_spf" },
    { "def_whitelist_from_spf", cf_addresses, "def_welcomelist_from_spf" },
    { "unwelcomelist_from_spf", cf_remove_addresses, "welcomelist_from_spf def_welcomelist_from_spf" },
    { "unwhitelist_from_spf", cf_remove_addresses, "welcomelist_from_spf def_welcomelist_from_spf" },
    { "welcomelist_from_dkim", cf_address_values, "welcomelist_from_dkim" },
    { "whitelist_from_dkim", cf_address_values, "welcomelist_from_dkim" },
    { "def_welcomelist_from_dkim", cf_address_values, "def_welcomelist_from_dkim" },
    { "def_whitelist_from_dkim", cf_address_values, "def_welcomelist_from_dkim" },
    { "unwelcomelist_from_dkim", cf_remove_value, "welcomelist_from_dkim def_welcomelist_from_dkim" },
    { "unwhitelist_from_dkim", cf_remove_value, "welcomelist_from_dkim def_welcomelist_from_dkim" },
    { "welcomelist_bounce_relays", cf_addresses, "welcomelist_bounce_relays" },
    { "whitelist_bounce_relays", cf_addresses, "welcomelist_bounce_relays" },
    { "enlist_addrlist", cf_enlist_addresses, NULL },
    { "enlist_uri_host", cf_enlist_hosts, NULL }, { "delist_uri_host", cf_delist_hosts, NULL },
    { "welcomelist_uri_host", cf_hosts, "WELCOME" }, { "whitelist_uri_host", cf_hosts, "WELCOME" },
    { "blocklist_uri_host", cf_hosts, "BLOCK" }, { "blacklist_uri_host", cf_hosts, "BLOCK" },
    { "welcomelist_subject", cf_subject, "welcome" }, { "whitelist_subject", cf_subject, "welcome" },
    { "blocklist_subject", cf_subject, "block" }, { "blacklist_subject", cf_subject, "block" },

    { "trusted_networks", cf_networks, "trusted" }, { "clear_trusted_networks", cf_clear, "trusted" },
    { "internal_networks", cf_networks, "internal" }, { "clear_internal_networks", cf_clear, "internal" },
    { "msa_networks", cf_networks, "msa" }, { "clear_msa_networks", cf_clear, "msa" },
    { "originating_ip_headers", cf_originating_headers, "originating_ip_headers" },
    { "clear_originating_ip_headers", cf_clear, "originating_ip_headers" },
    { "freemail_domains", cf_freemail_domains, NULL },
    { "freemail_welcomelist", cf_words, "freemail_welcomelist" },
    { "freemail_whitelist", cf_words, "freemail_welcomelist" },
    { "freemail_max_body_emails", cf_number, "freemail_max_body_emails" },
    { "freemail_max_body_freemails", cf_number, "freemail_max_body_freemails" },
    { "freemail_skip_when_over_max", cf_number, "freemail_skip_when_over_max" },
    { "freemail_skip_bulk_envfrom", cf_number, "freemail_skip_bulk_envfrom" },
    { "freemail_import_welcomelist_auth", cf_number, "freemail_import_welcomelist_auth" },
    { "freemail_import_whitelist_auth", cf_number, "freemail_import_welcomelist_auth" },
    { "freemail_import_def_welcomelist_auth", cf_number, "freemail_import_def_welcomelist_auth" },
    { "freemail_import_def_whitelist_auth", cf_number, "freemail_import_def_welcomelist_auth" },
    { "freemail_add_describe_email", NULL, REPORT },
    { "util_rb_tld", cf_words, "util_rb_tld" }, { "util_rb_2tld", cf_words, "util_rb_2tld" },
    { "util_rb_3tld", cf_words, "util_rb_3tld" }, { "clear_util_rb", cf_clear, "util_rb" },
    { "ok_locales", cf_words, "ok_locales" },
    { "redirector_pattern", cf_redirector, NULL }, { "adsp_override", cf_adsp, NULL },
    { "envelope_sender_header", cf_number, "envelope_sender_header" },
    { "always_trust_envelope_sender", cf_number, "always_trust_envelope_sender" },
    { "body_part_scan_size", cf_number, "body_part_scan_size" },
    { "rawbody_part_scan_size", cf_number, "rawbody_part_scan_size" },
    { "required_score", cf_number, "required_score" }, { "required_hits", cf_number, "required_score" },

    { "test", NULL, TESTING }, { "reuse", NULL, TESTING },
    { "rewrite_header", NULL, REPORT }, { "subjprefix", NULL, REPORT }, { "add_header", NULL, REPORT },
    { "remove_header", NULL, REPORT }, { "clear_headers", NULL, REPORT }, { "report_safe", NULL, REPORT },
    { "report_wrap_width", NULL, REPORT }, { "report_safe_copy_headers", NULL, REPORT },
    { "fold_headers", NULL, REPORT }, { "report_charset", NULL, REPORT }, { "report", NULL, REPORT },
    { "clear_report_template", NULL, REPORT }, { "report_contact", NULL, REPORT }, { "report_hostname", NULL, REPORT },
    { "unsafe_report", NULL, REPORT }, { "clear_unsafe_report_template", NULL, REPORT },
    { "version_tag", NULL, REPORT },
    { "skip_rbl_checks", NULL, LOOKUPS }, { "rbl_timeout", NULL, LOOKUPS }, { "rbl_headers", NULL, LOOKUPS },
    { "dns_available", NULL, LOOKUPS }, { "dns_server", NULL, LOOKUPS }, { "clear_dns_servers", NULL, LOOKUPS },
    { "dns_local_ports_permit", NULL, LOOKUPS }, { "dns_local_ports_avoid", NULL, LOOKUPS },
    { "dns_local_ports_none", NULL, LOOKUPS }, { "dns_test_interval", NULL, LOOKUPS }, { "dns_options", NULL, LOOKUPS },
    { "dns_query_restriction", NULL, LOOKUPS }, { "clear_dns_query_restriction", NULL, LOOKUPS },
    { "clear_dns_query_restrictions", NULL, LOOKUPS }, { "dns_block_rule", NULL, LOOKUPS },
    { "dns_block_time", NULL, LOOKUPS }, { "parse_dkim_uris", NULL, LOOKUPS },
    { "skip_uribl_checks", NULL, LOOKUPS }, { "uridnsbl_skip_domain", NULL, LOOKUPS },
    { "clear_uridnsbl_skip_domain", NULL, LOOKUPS }, { "uridnsbl_max_domains", NULL, LOOKUPS },
    { "uridnsbl_skip_mailto", NULL, LOOKUPS }, { "uridnsbl_timeout", NULL, LOOKUPS },
    { "spf_timeout", NULL, LOOKUPS }, { "ignore_received_spf_header", NULL, LOOKUPS },
    { "use_newest_received_spf_header", NULL, LOOKUPS }, { "do_not_use_mail_spf", NULL, LOOKUPS },
    { "do_not_use_mail_spf_query", NULL, LOOKUPS }, { "dkim_minimum_key_bits", NULL, LOOKUPS },
    { "dkim_timeout", NULL, LOOKUPS }, { "dmarc_save_reports", NULL, LOOKUPS },
    { "hashbl_ignore", NULL, LOOKUPS }, { "hashbl_email_domain_alias", NULL, LOOKUPS },
    { "hashbl_email_regex", NULL, LOOKUPS }, { "hashbl_email_welcomelist", NULL, LOOKUPS },
    { "hashbl_email_whitelist", NULL, LOOKUPS },
    { "use_learner", NULL, LEARN }, { "use_bayes", NULL, LEARN }, { "use_bayes_rules", NULL, LEARN },
    { "bayes_auto_learn", NULL, LEARN }, { "bayes_auto_learn_threshold_nonspam", NULL, LEARN },
    { "bayes_auto_learn_threshold_spam", NULL, LEARN }, { "bayes_auto_learn_on_error", NULL, LEARN },
    { "bayes_token_sources", NULL, LEARN }, { "bayes_ignore_header", NULL, LEARN },
    { "bayes_ignore_from", NULL, LEARN }, { "bayes_ignore_to", NULL, LEARN }, { "bayes_min_ham_num", NULL, LEARN },
    { "bayes_min_spam_num", NULL, LEARN }, { "bayes_learn_during_report", NULL, LEARN },
    { "bayes_sql_override_username", NULL, LEARN }, { "bayes_use_hapaxes", NULL, LEARN },
    { "bayes_journal_max_size", NULL, LEARN }, { "bayes_expiry_max_db_size", NULL, LEARN },
    { "bayes_auto_expire", NULL, LEARN }, { "bayes_token_ttl", NULL, LEARN }, { "bayes_seen_ttl", NULL, LEARN },
    { "bayes_learn_to_journal", NULL, LEARN }, { "bayes_path", NULL, LEARN }, { "bayes_file_mode", NULL, LEARN },
    { "bayes_store_module", NULL, LEARN }, { "bayes_sql_dsn", NULL, LEARN }, { "bayes_sql_username", NULL, LEARN },
    { "bayes_sql_password", NULL, LEARN }, { "bayes_sql_username_authorized", NULL, LEARN },
    { "bayes_max_token_length", NULL, LEARN }, { "bayes_stopword_languages", NULL, LEARN },
    { "time_limit", NULL, "the check \"rules\" has its timeout in gateway.conf" },
    { "normalize_charset", NULL, "text is always read as UTF-8" },
    { "mbox_format_from_regex", NULL, STORE }, { "allow_user_rules", NULL, STORE }, { "lock_method", NULL, STORE },
    { "user_scores_dsn", NULL, STORE }, { "user_scores_sql_username", NULL, STORE },
    { "user_scores_sql_password", NULL, STORE }, { "user_scores_sql_custom_query", NULL, STORE },
    { "use_auto_welcomelist", NULL, STORE }, { "use_auto_whitelist", NULL, STORE },
    { "shortcircuit_spam_score", cf_number, "shortcircuit_spam_score" },
    { "shortcircuit_ham_score", cf_number, "shortcircuit_ham_score" },
    { "shortcircuit_max_spam_score", NULL, "only a rule ends the examination" },
    { "shortcircuit_min_ham_score", NULL, "only a rule ends the examination" },
    { "loadplugin", NULL, "what Postern can do needs no plugin; rules for others are named as not supported" },
    { "tryplugin", NULL, "what Postern can do needs no plugin; rules for others are named as not supported" },
    { "geodb_module", NULL, FOREIGN }, { "geodb_options", NULL, FOREIGN }, { "geodb_search_path", NULL, FOREIGN },
    { "ok_languages", NULL, FOREIGN }, { "inactive_languages", NULL, FOREIGN },
    { "url_shortener", NULL, FOREIGN }, { "url_shortener_get", NULL, FOREIGN },
    { "clear_url_shortener", NULL, FOREIGN }, { "asn_lookup", NULL, FOREIGN }, { "asn_lookup_ipv6", NULL, FOREIGN },
    { "fns_check", NULL, FOREIGN }, { "fns_ignore_headers", NULL, FOREIGN }, { "fns_ignore_dkim", NULL, FOREIGN },
    { "fns_add_addrlist", NULL, FOREIGN }, { "fns_extrachars", NULL, FOREIGN },
    { "use_razor2", NULL, FOREIGN }, { "use_pyzor", NULL, FOREIGN }, { "use_dcc", NULL, FOREIGN },
    { "use_txrep", NULL, FOREIGN }, { "txrep_factor", NULL, FOREIGN },
};
/* clang-format on */

void cf_keys_init(struct cf *cf)
{
    names_init(&cf->keys, cf->arena);
    for (size_t i = 0; i < COUNT(keys); i++)
        if (names_add(&cf->keys, span_of(keys[i].name)) != i)
            BUG("\"%s\" stands twice in the table of keys", keys[i].name);
    cf->key_counts = arena_alloc(cf->arena, COUNT(keys) * sizeof *cf->key_counts);
    cf->key_places = arena_alloc(cf->arena, COUNT(keys) * sizeof *cf->key_places);
}

void cf_take(struct cf *cf, struct span key, struct span value)
{
    size_t number = names_find(&cf->keys, key);

    if (number == NAMES_NONE && span_starts(key, SPAN("bayes_stopword_")))
        number = names_find(&cf->keys, SPAN("bayes_stopword_languages"));
    if (number == NAMES_NONE) {
        cf_note(cf, "\"%.*s\" is not known", SPAN_ARG(key));
    } else if (keys[number].take) {
        keys[number].take(cf, keys[number].to, value);
    } else if (!cf->key_counts[number]++) {
        cf->key_places[number] = (struct rule_note){ cf->file, cf->line, NULL };
    }
}

/* A rule of another plugin is told of where it would have stood, if it is defined nowhere else. */
void cf_skip(struct cf *cf, struct span key, struct span value)
{
    size_t number = names_find(&cf->keys, key);
    const char *condition = cf_skipped_for(cf);
    struct span name;

    if (number == NAMES_NONE || !condition || !cf_word(&value, &name))
        return;
    cf_line_fn *take = keys[number].take;

    if (take != cf_header && take != cf_text_rule && take != cf_mimeheader && take != cf_meta &&
        take != cf_foreign_rule)
        return;
    struct draft *draft = cf_draft(cf, name);

    if (!draft || draft->skipped_for)
        return;
    draft->skipped_for = condition;
    draft->skipped_file = cf->file;
    draft->skipped_line = cf->line;
}

void cf_keys_note(struct cf *cf)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        if (!cf->key_counts[i])
            continue;
        cf->file = cf->key_places[i].file;
        cf->line = cf->key_places[i].line;
        cf_note(cf, "%s has no meaning here (%u line%s): %s", keys[i].name, cf->key_counts[i],
                cf->key_counts[i] == 1 ? "" : "s", keys[i].to);
    }
}

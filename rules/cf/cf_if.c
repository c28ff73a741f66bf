/* rules/cf/cf_if.c - conditions in rule files: if, ifplugin, else, endif.
 *
 * A plugin is there when its eval functions are ours, or it is of the language. can() and has() know what SpamAssassin
 * 4.0 can, of the plugins that are there.
 */
#include "gateway/base/bug.h"
#include "rules/cf/cf.h"
#include "rules/expression.h"

#define PLUGIN "Mail::SpamAssassin::Plugin::"
#define CONF   "Mail::SpamAssassin::Conf::"

/* What lines and tflags of this file's neighbours do. */
static const char *const own_plugins[] = { "MIMEHeader", "ReplaceTags", "Shortcircuit", "Check" };

/* [Mail::SpamAssassin::Conf, CONDITIONALS] feature_ and has_ of 4.0.1, those that Postern's reading has, too. */
static const char *const features[] = {
    "feature_originating_ip_headers",
    "feature_dns_local_ports_permit_avoid",
    "feature_bayes_auto_learn_on_error",
    "feature_uri_host_listed",
    "feature_yesno_takes_args",
    "feature_bug6558_free",
    "feature_edns",
    "feature_dns_query_restriction",
    "feature_registryboundaries",
    "feature_dns_block_rule",
    "feature_compile_regexp",
    "feature_meta_rules_matching",
    "feature_subjprefix",
    "feature_bayes_stopwords",
    "feature_blocklist_welcomelist",
    "feature_welcomelist_blocklist",
    "feature_get_host",
    "feature_header_address_parser",
    "feature_header_first_last",
    "feature_local_tests_only",
    "feature_header_match_many",
    "feature_capture_rules",
    "has_tflags_nosubject",
    "has_tflags_nolog",
    "perl_min_version_5010000",
};

static const char *const plugin_features[] = {
    "BodyEval::has_check_body_length",
    "BodyEval::has_plaintext_body_sig_ratio",
    "DKIM::has_arc",
    "MIMEEval::has_check_for_ascii_text_illegal",
    "MIMEEval::has_check_abundant_unicode_ratio",
    "MIMEEval::has_check_qp_ratio",
    "MIMEHeader::has_all_header",
    "MIMEHeader::has_tflags_range",
    "MIMEHeader::has_tflags_concat",
    "MIMEHeader::has_tflags_multiple",
    "SPF::has_check_for_spf_errors",
    "SPF::has_check_spf_skipped_noenvfrom",
};

struct condition {
    struct cf *cf;
    bool lacks_plugin; /* it asks for one that is not there */
};

static bool is_one_of(struct span name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(name, list[i]))
            return true;
    return false;
}

/* Names that were others once. */
static const char *today(struct arena *a, struct span plugin)
{
    if (span_is(plugin, PLUGIN "Dmarc"))
        return PLUGIN "DMARC";
    return span_is(plugin, PLUGIN "WhiteListSubject") ? PLUGIN "WelcomeListSubject" : arena_dup(a, plugin);
}

static bool has_plugin(struct condition *c, struct span name)
{
    const struct ruleset_options *o = c->cf->options;
    const char *plugin = today(c->cf->arena, name);

    if (span_is(name, PLUGIN "RaciallyCharged"))
        return true; /* 4.0 says so of a plugin that is gone */
    if (span_starts(name, SPAN(PLUGIN)) && is_one_of(span_skip(name, strlen(PLUGIN)), own_plugins, COUNT(own_plugins)))
        return true;
    if (o->has_plugin && o->has_plugin(plugin))
        return true;
    c->lacks_plugin = true;
    return false;
}

static bool can(struct condition *c, struct span name)
{
    if (span_starts(name, SPAN(CONF))) {
        struct span feature = span_skip(name, strlen(CONF));

        if (span_starts(feature, SPAN("compat_")))
            return names_find(&c->cf->compat, span_skip(feature, 7)) != NAMES_NONE;
        return is_one_of(feature, features, COUNT(features));
    }
    size_t end = span_rfind(name, ':');

    if (!span_starts(name, SPAN(PLUGIN)) || end == SPAN_NPOS || end < 1 || !has_plugin(c, span_first(name, end - 1)))
        return false;
    return is_one_of(span_skip(name, strlen(PLUGIN)), plugin_features, COUNT(plugin_features));
}

/* name(argument), blanks allowed; a name alone has none. */
static const char *read_call(struct span *rest, struct span *name, struct span *argument)
{
    size_t len = 0, end;

    while (len < rest->len && (ascii_is_alnum(rest->ptr[len]) || rest->ptr[len] == '_'))
        len++;
    if (!len)
        return "a character stands in it that has no meaning";
    *name = span_first(*rest, len);
    *rest = cf_trim(span_skip(*rest, len));
    *argument = (struct span){ 0 };
    if (!span_starts(*rest, SPAN("(")))
        return NULL;
    end = span_find(*rest, ')');
    if (end == SPAN_NPOS)
        return "a ( is not closed";
    *argument = cf_trim(span_skip(span_first(*rest, end), 1));
    *rest = span_skip(*rest, end + 1);
    return NULL;
}

static const char *operand(void *arg, struct span *rest, struct expression_step *out)
{
    struct condition *c = arg;
    struct span name, argument;
    const char *wrong = read_call(rest, &name, &argument);

    if (wrong)
        return wrong;
    out->kind = EXPRESSION_NUMBER;
    if (span_is(name, "plugin"))
        out->number = has_plugin(c, argument);
    else if (span_is(name, "can") || span_is(name, "has"))
        out->number = can(c, argument);
    else if (span_is(name, "version"))
        out->number = c->cf->version;
    else if (span_is(name, "perl_version"))
        out->number = 5.036;
    else if (span_is(name, "local_tests_only"))
        out->number = !c->cf->options->has_net;
    else
        return arena_printf(c->cf->arena, "\"%.*s\" is not known in conditions", SPAN_ARG(name));
    return NULL;
}

static double none(const void *arg, unsigned number)
{
    (void)arg;
    (void)number;
    return 0;
}

static void begin_block(struct cf *cf, struct span key, struct span value)
{
    struct condition c = { .cf = cf };
    const struct expression_reader reader = { .operand = operand, .arg = &c };
    struct expression e;
    const char *text = span_is(key, "ifplugin") ? arena_printf(cf->arena, "plugin(%.*s)", SPAN_ARG(value))
                                                : arena_dup(cf->arena, value);
    const char *wrong = expression_parse(cf->arena, span_of(text), &reader, &e);
    bool holds = !wrong && expression_value(&e, none, NULL) != 0;

    if (wrong)
        cf_note(cf, "the condition does not hold, as it is not understood: %s", wrong);
    cf->blocks[cf->block_count++] = (struct cf_block){
        .line = cf->line,
        .was_skipping = cf->is_skipping,
        .skipped_for =
            c.lacks_plugin && !holds ? arena_printf(cf->arena, "%.*s %.*s", SPAN_ARG(key), SPAN_ARG(value)) : NULL,
    };
    cf->is_skipping |= !holds;
}

static void turn_block(struct cf *cf)
{
    if (!cf->block_count) {
        cf_note(cf, "else has no if");
        return;
    }
    struct cf_block *block = &cf->blocks[cf->block_count - 1];

    block->skipped_for = NULL;
    cf->is_skipping = block->was_skipping || !cf->is_skipping;
}

static void end_block(struct cf *cf)
{
    if (!cf->block_count)
        cf_note(cf, "endif has no if");
    else
        cf->is_skipping = cf->blocks[--cf->block_count].was_skipping;
}

/* Beyond the limit blocks are only counted. */
static bool is_beyond(struct cf *cf, struct span key)
{
    bool opens = span_is(key, "if") || span_is(key, "ifplugin");

    if (!cf->beyond && (!opens || cf->block_count < CF_IF_MAX))
        return false;
    if (!cf->beyond)
        cf_note(cf, "conditions are nested too deeply: what this one holds is not read");
    cf->beyond += opens;
    cf->beyond -= span_is(key, "endif");
    return opens || span_is(key, "else") || span_is(key, "endif");
}

bool cf_conditional(struct cf *cf, struct span key, struct span value)
{
    if (is_beyond(cf, key))
        return true;
    if (span_is(key, "if") || span_is(key, "ifplugin"))
        begin_block(cf, key, value);
    else if (span_is(key, "else"))
        turn_block(cf);
    else if (span_is(key, "endif"))
        end_block(cf);
    else
        return false;
    return true;
}

void cf_close_blocks(struct cf *cf, unsigned since)
{
    cf->beyond = 0;
    while (cf->block_count > since) {
        cf->line = cf->blocks[cf->block_count - 1].line;
        cf_note(cf, "the condition has no endif");
        end_block(cf);
    }
}

const char *cf_skipped_for(const struct cf *cf)
{
    for (unsigned i = 0; i < cf->block_count; i++)
        if (cf->blocks[i].skipped_for)
            return cf->blocks[i].skipped_for;
    return NULL;
}

void cf_enable_compat(struct cf *cf, const char *to, struct span value)
{
    (void)to;
    names_add(&cf->compat, value);
}

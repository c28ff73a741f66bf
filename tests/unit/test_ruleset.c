/* tests/unit/test_ruleset.c - the language of rule files. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/arena_tests.h"

#include "rules/eval/eval.h"
#include "rules/meta.h"
#include "rules/ruleset.h"

static const struct eval_function *find_eval(const char *name)
{
    static const struct eval_function known = { .name = "check_it", .most_arguments = 3 };

    return strcmp(name, "check_it") == 0 ? &known : NULL;
}

static bool has_plugin(const char *name)
{
    return strcmp(name, "Mail::SpamAssassin::Plugin::HeaderEval") == 0 ||
           strcmp(name, "Mail::SpamAssassin::Plugin::DMARC") == 0;
}

static const struct ruleset_options options = { .find_eval = find_eval, .has_plugin = has_plugin };

static const struct ruleset *load(const char *text)
{
    return ruleset_load_text(&arena, "test.cf", span_of(text), &options);
}

static const struct rule *rule_of(const struct ruleset *set, const char *name)
{
    const struct rule *rule = ruleset_find(set, span_of(name));

    if (!rule)
        fail_msg("there is no rule %s", name);
    return rule;
}

static const struct rule *only(const char *text)
{
    const struct ruleset *set = load(text);

    for (size_t i = 0; i < set->note_count; i++)
        print_error("%s:%u: %s\n", set->notes[i].file, set->notes[i].line, set->notes[i].text);
    EXPECT_INT(1, set->count);
    EXPECT_INT(0, set->note_count);
    return &set->rules[0];
}

static void the_only_note_is(const char *want, const char *text)
{
    const struct ruleset *set = load(text);

    EXPECT_INT(1, set->note_count);
    EXPECT_STR(want, set->notes[0].text);
}

static void each_kind_of_rule_is_read(void **state)
{
    static const struct {
        const char *text;
        enum rule_kind kind;
        const char *pattern;
    } cases[] = {
        { "body R /free/", RULE_BODY, "free" },
        { "rawbody R m{<b>}", RULE_RAWBODY, "<b>" },
        { "uri R /^http/", RULE_URI, "^http" },
        { "full R /x/", RULE_FULL, "x" },
        { "header R Subject =~ /x/", RULE_HEADER, "x" },
        { "mimeheader R Content-Type =~ /x/", RULE_MIMEHEADER, "x" },
        { "  BODY\tR\t/free # lunch/", RULE_BODY, NULL }, /* a comment begins in it */
        { "body R /free\\#lunch/  # but not here", RULE_BODY, "free#lunch" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rule *r = only(cases[i].text);

        EXPECT_INT(cases[i].kind, r->kind);
        EXPECT_INT(cases[i].pattern ? RULE_ACTIVE : RULE_UNSUPPORTED, r->state);
        EXPECT_STR("test.cf", r->file);
        EXPECT_INT(1, r->line);
        EXPECT_STR("R", r->name);
        if (cases[i].pattern)
            EXPECT_STR(cases[i].pattern, r->pattern);
    }
}

static void header_rules_say_which_value(void **state)
{
    static const struct {
        const char *text, *field;
        enum header_form form;
        bool is_negated;
        const char *if_unset;
    } cases[] = {
        { "header R Subject =~ /x/", "Subject", HEADER_TEXT, false, NULL },
        { "header R Subject:raw=~/x/", "Subject", HEADER_RAW, false, NULL },
        { "header R From:addr !~ /x/", "From", HEADER_ADDR, true, NULL },
        { "header R From:name =~ /x/i", "From", HEADER_NAME, false, NULL },
        { "header R From:addr:raw =~ /x/i", "From", HEADER_ADDR, false, NULL },
        { "header R From:raw:addr =~ /x/i", "From", HEADER_ADDR, false, NULL },
        { "header R X-Y_z.1: =~ /x/", "X-Y_z.1", HEADER_TEXT, false, NULL },
        { "header R To =~ /x/ [if-unset: nobody at all]", "To", HEADER_TEXT, false, "nobody at all" },
        { "mimeheader R Content-Type:raw !~ /x/", "Content-Type", HEADER_RAW, true, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rule *r = only(cases[i].text);

        EXPECT_INT(RULE_ACTIVE, r->state);
        EXPECT_STR(cases[i].field, r->field);
        EXPECT_INT(cases[i].form, r->form);
        EXPECT_INT(cases[i].is_negated, r->is_negated);
        EXPECT_STR(cases[i].if_unset ? cases[i].if_unset : "-", r->if_unset ? r->if_unset : "-");
        EXPECT_STR("x", r->pattern);
    }
    const struct rule *r = only("header R exists:X-Mailer");

    EXPECT_TRUE(r->is_exists);
    EXPECT_STR("X-Mailer", r->field);
    EXPECT_INT(RULE_ACTIVE, r->state);
}

static void functions_have_arguments(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        const char *first;
    } cases[] = {
        { "body R eval:check_it()", 0, NULL },
        { "header R eval:check_it( )", 0, NULL },
        { "rawbody R eval:check_it('1', \"b c\")", 2, "1" },
        { "full R eval:check_it(0.5,-1)", 2, "0.5" },
        { "body R eval:check_it('it\\'s, here','x')", 2, "it\\'s, here" },
        { "body R eval:check_it(192.0.2.1)", 1, "192.0.2.1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rule *r = only(cases[i].text);

        EXPECT_INT(RULE_ACTIVE, r->state);
        EXPECT_TRUE(r->is_eval);
        EXPECT_STR("check_it", r->eval.function);
        EXPECT_INT(cases[i].count, r->eval.argument_count);
        if (cases[i].first)
            EXPECT_STR(cases[i].first, r->eval.arguments[0]);
    }
}

static void patterns_of_functions_are_tried_out(void **state)
{
    static const struct ruleset_options real = { .find_eval = eval_find };
    const struct ruleset *set = ruleset_load_text(&arena, "test.cf",
                                                  SPAN("body BAD eval:html_text_match('title', '(x')\n"
                                                       "body GOOD eval:html_text_match('title', '/(x)/i')\n"),
                                                  &real);

    (void)state;
    EXPECT_INT(RULE_UNSUPPORTED, rule_of(set, "BAD")->state);
    EXPECT_STR("PCRE2 does not take its pattern: missing closing parenthesis", rule_of(set, "BAD")->why);
    EXPECT_INT(RULE_ACTIVE, rule_of(set, "GOOD")->state);
}

static void what_is_not_supported_says_why(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "body R free", "the pattern has no delimiters: write /pattern/ or m{pattern}" },
        { "header R Subject", "it is written Field =~ /pattern/, Field !~ /pattern/ or exists:Field" },
        { "header R From:nobody =~ /x/", "header fields have the forms :raw, :addr, :name, :host, :domain, :ip, "
                                         ":revip, :first and :last; no other is supported" },
        { "body R eval:unknown()", "the function unknown() is not supported" },
        { "body R eval:check_it(1,2,3,4)", "check_it() takes 0 to 3 arguments, here are 4" },
        { "body R eval:check_it(1", "an eval rule is written eval:function(arguments)" },
        { "body R eval:check_it(a b)", "the arguments of its function are not understood" },
        { "header R eval:check_rbl('zen', 'zen.example.')",
          "it asks lists in the DNS; the checks \"dnsbl\" and \"rhsbl\" do" },
        { "uri R /#%{TAG}/", "the pattern has no closing /" },
        { "uri R /x%{TAG}/", "it needs %{TAG}, which no rule that is run captures" },
        { "mimeheader R X =~ /x%{TAG}/", "mimeheader rules take nothing of what others have captured, %{NAME}" },
        { "askdns R _X_.example A /1/", "it asks the DNS; look-ups are checks of Postern's own" },
        { "urirhssub R zone A 2", "it asks lists in the DNS; the check \"urls\" does" },
        { "ifplugin Mail::SpamAssassin::Plugin::Razor2\nbody R /x/\nendif",
          "it is for a plugin that is not supported: ifplugin Mail::SpamAssassin::Plugin::Razor2" },
        { "meta R A &&", "its expression is not understood: it ends where a name or a number is wanted" },
        { "meta R A / B", "its expression is not understood: it divides by what may be 0" },
        { "meta R R || A", "it needs itself, or what goes round in a circle, by way of R" },
        { "meta R rules_matching(A-B)",
          "its expression is not understood: rules_matching() wants a pattern of letters, digits, _, * and ?, of 128 "
          "at most" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct ruleset *set = load(cases[i].text);

        EXPECT_INT(RULE_UNSUPPORTED, rule_of(set, "R")->state);
        EXPECT_STR(cases[i].why, rule_of(set, "R")->why);
        EXPECT_INT(1, set->unsupported);
        EXPECT_INT(0, set->active);
    }
    EXPECT_INT(RULE_ACTIVE, only("uri R /x\\%{TAG}/")->state);
}

static void lines_that_are_none_are_noted(void **state)
{
    (void)state;
    the_only_note_is("\"bdoy\" is not known", "bdoy R /x/");
    the_only_note_is("the rule has no name, or nothing behind it", "body R");
    the_only_note_is("\"1R\" is no name for a rule: letters, digits and _, at most 100, no digit first", "body 1R /x/");
    the_only_note_is("\"A-B\" is no name for a rule: letters, digits and _, at most 100, no digit first",
                     "body A-B /x/");
    the_only_note_is("score wants one number or four", "score R 1 2");
    the_only_note_is("score wants one number or four, each below 1000", "score R x");
    the_only_note_is("a score in brackets is added to one that stands before it, and here is none", "score R (1)");
    the_only_note_is("endif has no if", "endif");
    the_only_note_is("else has no if", "else");
    the_only_note_is("the condition has no endif", "if (version > 3)");
    the_only_note_is("the condition does not hold, as it is not understood: \"nonsense\" is not known in conditions",
                     "if nonsense\nbody X /x/\nendif");
    the_only_note_is("report_safe has no meaning here (2 lines): headers, subjects and reports are gateway.conf's",
                     "report_safe 1\nreport_safe 0");
    the_only_note_is("\"1.2.3.4.5\" is no network", "trusted_networks 1.2.3.4.5");
    EXPECT_INT(0, load("# nothing\n\n \t \n#\n")->note_count);
}

static void scores_of_nobody_are_noted(void **state)
{
    (void)state;
    the_only_note_is("there is no rule GODO that this could be the score of", "body GOOD /x/\nscore GODO 3\n");
    EXPECT_INT(0, load("score LATER 3\nbody LATER /x/\n"
                       "score AWAY 2\nifplugin Nothing\nbody AWAY /x/\nendif\ndescribe NOBODY x\n")
                      ->note_count);
}

/* An editor's mark that text is UTF-8, and line ends of Windows. */
static void files_from_other_systems_are_read(void **state)
{
    const struct ruleset *set = load("\xef\xbb\xbfheader R Subject =~ /x/ [if-unset: none]\r\nscore R 2\r\n");

    (void)state;
    EXPECT_INT(0, set->note_count);
    EXPECT_INT(200, rule_of(set, "R")->points);
    EXPECT_STR("none", rule_of(set, "R")->if_unset);
}

static void a_note_has_its_place(void **state)
{
    const struct ruleset *set = load("body A /x/\n\n\nwhat is this\n");

    (void)state;
    EXPECT_INT(1, set->note_count);
    EXPECT_STR("test.cf", set->notes[0].file);
    EXPECT_INT(4, set->notes[0].line);
}

static void scores_are_of_four_sets(void **state)
{
    static const char text[] = "score BEFORE 2.5\n"
                               "body BEFORE /x/\n"
                               "body FOUR /x/\nscore FOUR 0 1.234 -2 3\n"
                               "body RELATIVE /x/\nscore RELATIVE 1.5\nscore RELATIVE (-0.5)\n"
                               "body NICE /x/\ntflags NICE nice\n"
                               "body T_TRY /x/\n"
                               "body __SUB /x/\n"
                               "body USUAL /x/\n"
                               "body ZERO /x/\nscore ZERO 0\n"
                               "score NOBODY 5\n";
    const struct ruleset *set = load(text);
    static const struct {
        const char *name;
        int scores[4];
        int points;
        enum rule_state state;
    } cases[] = {
        { "BEFORE", { 2500, 2500, 2500, 2500 }, 250, RULE_ACTIVE },
        { "FOUR", { 0, 1234, -2000, 3000 }, 0, RULE_OFF },
        { "RELATIVE", { 1000, 1000, 1000, 1000 }, 100, RULE_ACTIVE },
        { "NICE", { -1000, -1000, -1000, -1000 }, -100, RULE_ACTIVE },
        { "T_TRY", { 10, 10, 10, 10 }, 1, RULE_ACTIVE },
        { "__SUB", { 1000, 1000, 1000, 1000 }, 0, RULE_ACTIVE },
        { "USUAL", { 1000, 1000, 1000, 1000 }, 100, RULE_ACTIVE },
        { "ZERO", { 0, 0, 0, 0 }, 0, RULE_OFF },
    };

    (void)state;
    EXPECT_INT(COUNT(cases), set->count);
    EXPECT_INT(1, set->note_count); /* of NOBODY */
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rule *r = rule_of(set, cases[i].name);

        EXPECT_INT(i, r->index);
        assert_memory_equal(cases[i].scores, r->scores, sizeof r->scores);
        EXPECT_INT(cases[i].points, r->points);
        EXPECT_INT(cases[i].state, r->state);
    }
    for (int i = 0; i < 4; i++) {
        struct ruleset_options one = options;

        one.has_net = i & 1;
        one.has_bayes = i & 2;
        set = ruleset_load_text(&arena, "test.cf", span_of(text), &one);
        static const int points[] = { 0, 123, -200, 300 };

        EXPECT_INT(points[i], rule_of(set, "FOUR")->points);
    }
}

static void what_is_said_of_a_rule_stands_anywhere(void **state)
{
    const struct ruleset *set = load("describe R What it is\n"
                                     "tflags R nice multiple maxhits=7 net nosubject foreign\n"
                                     "priority R -50\n"
                                     "body R /old/\n"
                                     "header R Subject =~ /new/i\n"
                                     "lang de describe R Was es ist\n"
                                     "lang en describe R What it is now\n"
                                     "mimeheader M Content-Type =~ /x/\ntflags M range=2-5 concat\n"
                                     "body S /x/\nshortcircuit S spam\n");
    const struct rule *r = rule_of(set, "R");

    (void)state;
    EXPECT_INT(0, set->note_count);
    EXPECT_STR("What it is now", r->describe);
    EXPECT_INT(RULE_NICE | RULE_MULTIPLE | RULE_NET | RULE_NOSUBJECT, r->tflags);
    EXPECT_INT(7, r->hits_most);
    EXPECT_INT(-50, r->priority);
    EXPECT_INT(RULE_HEADER, r->kind); /* the later definition */
    EXPECT_STR("new", r->pattern);
    EXPECT_INT(5, r->line);
    EXPECT_INT(0, r->index); /* but it stands where it stood */
    EXPECT_INT(RULE_RANGE | RULE_CONCAT, rule_of(set, "M")->tflags);
    EXPECT_INT(2, rule_of(set, "M")->range_first);
    EXPECT_INT(5, rule_of(set, "M")->range_last);
    set = load("mimeheader A X =~ /x/\ntflags A range=3\nmimeheader B X =~ /x/\ntflags B range=2-\n"
               "mimeheader C X =~ /x/\ntflags C range=-3\nbody S /x/\nshortcircuit S spam\n");
    EXPECT_INT(3, rule_of(set, "A")->range_first);
    EXPECT_INT(3, rule_of(set, "A")->range_last);
    EXPECT_INT(2, rule_of(set, "B")->range_first);
    EXPECT_TRUE(rule_of(set, "B")->range_last > 1000);
    EXPECT_INT(0, rule_of(set, "C")->range_first);
    EXPECT_INT(3, rule_of(set, "C")->range_last);
    EXPECT_INT(SHORTCUT_SPAM, rule_of(set, "S")->shortcut);
    EXPECT_INT(-200, rule_of(set, "S")->priority);
}

static void conditions_choose(void **state)
{
    static const struct {
        const char *condition;
        bool holds;
    } cases[] = {
        { "if (version >= 3.004002)", true },
        { "if (version < 4.000000)", false },
        { "if version == 4.000001", true },
        { "if perl_version >= 5.018000", true },
        { "ifplugin Mail::SpamAssassin::Plugin::HeaderEval", true },
        { "ifplugin Mail::SpamAssassin::Plugin::MIMEHeader # always", true },
        { "ifplugin Mail::SpamAssassin::Plugin::Dmarc", true }, /* as it was called */
        { "ifplugin Mail::SpamAssassin::Plugin::Razor2", false },
        { "if plugin(Mail::SpamAssassin::Plugin::HeaderEval)", true },
        { "if !plugin ( Mail::SpamAssassin::Plugin::HeaderEval )", false },
        { "if !plugin(Mail::SpamAssassin::Plugin::Razor2) && (version > 3)", true },
        { "if can(Mail::SpamAssassin::Conf::feature_bug6558_free)", true },
        { "if can(Mail::SpamAssassin::Conf::feature_get_host)", true },
        { "if can(Mail::SpamAssassin::Conf::feature_header_first_last)", true },
        { "if can(Mail::SpamAssassin::Conf::feature_of_tomorrow)", false },
        { "if has(Mail::SpamAssassin::Plugin::MIMEHeader::has_tflags_range)", true },
        { "if can(Mail::SpamAssassin::Plugin::Razor2::has_fork)", false },
        { "if can(Mail::SpamAssassin::Conf::compat_welcomelist_blocklist)", false },
        { "enable_compat welcomelist_blocklist\nif can(Mail::SpamAssassin::Conf::compat_welcomelist_blocklist)", true },
        { "if local_tests_only", true },
        { "if (version >= 3.003000 && !(version >= 5))", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[400];

        snprintf(text, sizeof text, "%s\nbody R /yes/\nelse\nbody R /no/\nendif\n", cases[i].condition);
        const struct ruleset *set = load(text);

        EXPECT_INT(0, set->note_count);
        if (strcmp(cases[i].holds ? "yes" : "no", rule_of(set, "R")->pattern) != 0)
            fail_msg("%s: %s", cases[i].condition, rule_of(set, "R")->pattern);
    }
}

static void conditions_nest(void **state)
{
    const struct ruleset *set = load("if (version > 9)\n"
                                     "  if (version > 3)\n"
                                     "    body A /x/\n"
                                     "  else\n"
                                     "    body B /x/\n"
                                     "  endif\n"
                                     "  body C /x/\n"
                                     "else\n"
                                     "  if (version > 9)\n"
                                     "    body D /x/\n"
                                     "  else\n"
                                     "    body E /x/\n"
                                     "  endif\n"
                                     "endif\n"
                                     "body F /x/\n");

    (void)state;
    EXPECT_INT(2, set->count);
    EXPECT_STR("E", set->rules[0].name);
    EXPECT_STR("F", set->rules[1].name);
}

static void a_rule_for_a_plugin_that_is_defined_elsewhere_is_that(void **state)
{
    const struct ruleset *set = load("ifplugin Mail::SpamAssassin::Plugin::Razor2\n"
                                     "body A eval:check_razor2()\nbody B eval:check_razor2()\n"
                                     "endif\n"
                                     "if !plugin(Mail::SpamAssassin::Plugin::Razor2)\n"
                                     "meta A 0\n"
                                     "endif\n");

    (void)state;
    EXPECT_INT(2, set->count);
    EXPECT_INT(RULE_ACTIVE, rule_of(set, "A")->state);
    EXPECT_INT(RULE_UNSUPPORTED, rule_of(set, "B")->state);
    EXPECT_INT(2 + 1, rule_of(set, "B")->line);
}

static void versions_of_files_are_looked_at(void **state)
{
    (void)state;
    EXPECT_INT(1, load("require_version 4.000001\nbody R /x/")->count);
    EXPECT_INT(1, load("require_version 4.000002\nbody R /x/")->count);
    EXPECT_INT(1, load("require_version @@VERSION@@\nbody R /x/")->count);
    EXPECT_INT(0, load("require_version 3.004000\nbody R /x/")->count);
}

static void tags_are_replaced(void **state)
{
    static const char tags[] = "replace_start <\nreplace_end >\n"
                               "replace_tag A [a4]\nreplace_tag B (?:b|8)\nreplace_tag AB <A><B>\n"
                               "replace_pre X1 x?\nreplace_inter W1 \\W?\nreplace_post P2 {1,2}\n";
    static const struct {
        const char *pattern, *replaced;
    } cases[] = {
        { "/<A>c/", "[a4]c" },
        { "/c<A><B>/", "c[a4](?:b|8)" },
        { "/<AB>d/", "[a4](?:b|8)d" },
        { "/<inter W1><A><B> <A>/", "[a4]\\W?(?:b|8) [a4]" },
        { "/<post P2><A>c<B>/", "[a4]{1,2}c(?:b|8){1,2}" },
        { "/<pre X1>c<A>/", "cx?[a4]" },
        { "/<NONE>c<A>/", "<NONE>c[a4]" },
        { "/(?<!<A>)b/", "(?<![a4])b" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[600];

        snprintf(text, sizeof text, "%sbody R %s\nreplace_rules R OTHER\n", tags, cases[i].pattern);
        const struct rule *r = only(text);

        EXPECT_INT(RULE_ACTIVE, r->state);
        EXPECT_STR(cases[i].replaced, r->pattern);
    }
    EXPECT_STR("<A>", rule_of(load("replace_tag A x\nbody R /<A>/\n"), "R")->pattern); /* it is not to be */
}

/* What would be too large for PCRE2 has each tag once. */
static void large_patterns_call_their_tags(void **state)
{
    struct strbuf text;
    int error;
    PCRE2_SIZE at;

    (void)state;
    strbuf_init(&text, 1 << 20);
    strbuf_puts(&text, "replace_rules R\nreplace_tag O (?:0|o<X>?)\nreplace_tag X (?:x)\nreplace_tag L (?:1|l");
    for (int i = 0; i < 500; i++)
        strbuf_putf(&text, "|&\\#%d;", i);
    strbuf_puts(&text, ")\nbody R /^<O>");
    for (int i = 0; i < 100; i++)
        strbuf_puts(&text, "<L>");
    strbuf_puts(&text, "$/\n");
    const struct rule *r = only(text.data);

    EXPECT_INT(RULE_ACTIVE, r->state);
    EXPECT_TRUE(strlen(r->pattern) < 10000);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)r->pattern, PCRE2_ZERO_TERMINATED, r->options, &error, &at, NULL);
    pcre2_match_data *match = pcre2_match_data_create(20, NULL);
    char subject[200] = "ox";

    memset(subject + 2, 'l', 100);
    EXPECT_TRUE(pcre2_match(code, (PCRE2_SPTR)subject, 102, 0, 0, match, NULL) > 0);
    subject[50] = 'm';
    EXPECT_INT(PCRE2_ERROR_NOMATCH, pcre2_match(code, (PCRE2_SPTR)subject, 102, 0, 0, match, NULL));
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    strbuf_release(&text);
}

static void a_tag_that_grows_without_end_is_refused(void **state)
{
    char text[2000] = "replace_rules R\nbody R /<T>/\n";
    char *at = text + strlen(text);

    (void)state;
    at = stpcpy(at, "replace_tag T ");
    for (int i = 0; i < 100; i++)
        at = stpcpy(at, "x<T>y");
    const struct rule *r = only(text);

    EXPECT_INT(RULE_UNSUPPORTED, r->state);
    EXPECT_STR("the pattern with its tags replaced is longer than 64 KiB", r->why);
}

/* ---- files ---- */

static const char *write_file(const char *folder, const char *name, const char *text)
{
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
    return path;
}

static void files_include_others_and_are_sorted(void **state)
{
    char folder[] = "/tmp/test_rulesetXXXXXX";
    const char *wrong = NULL;

    (void)state;
    EXPECT_TRUE(mkdtemp(folder) != NULL);
    const char *paths[] = { write_file(folder, "20_b.cf", "include more.inc\nbody B /x/\n"),
                            write_file(folder, "10_a.cf", "body A /x/\nif (version > 3)\n"),
                            write_file(folder, "more.inc", "body M /x/\n"),
                            write_file(folder, "30_c.cf", "include 30_c.cf\ninclude none.cf\nbody C /x/\n") };
    const char *pattern = arena_printf(&arena, "%s/*.cf", folder);
    const struct ruleset *set = ruleset_load(&arena, &pattern, 1, &options, &wrong);

    EXPECT_INT(4, set->count);
    EXPECT_STR("A", set->rules[0].name);
    EXPECT_STR("M", set->rules[1].name); /* whose if ended with its file */
    EXPECT_STR(paths[2], set->rules[1].file);
    EXPECT_STR("B", set->rules[2].name);
    EXPECT_INT(2, set->rules[2].line);
    EXPECT_STR("C", set->rules[3].name);
    EXPECT_INT(1 + 1 + 10, set->note_count); /* the if; 30_c.cf once too deep, and none.cf in each */
    pattern = arena_printf(&arena, "%s/none*.cf", folder);
    EXPECT_NULL(ruleset_load(&arena, &pattern, 1, &options, &wrong));
    EXPECT_STR(arena_printf(&arena, "there is no file %s: mend its name, or take it out", pattern), wrong);
    for (size_t i = 0; i < COUNT(paths); i++)
        unlink(paths[i]);
    rmdir(folder);
}

/* A file that names itself twenty times would be read 20 to the 10th times. */
static void files_that_multiply_come_to_an_end(void **state)
{
    char folder[] = "/tmp/test_rulesetXXXXXX", text[400] = "";
    const char *wrong = NULL;

    (void)state;
    EXPECT_TRUE(mkdtemp(folder) != NULL);
    for (int i = 0; i < 20; i++)
        strcat(text, "include a.cf\n");
    const char *path = write_file(folder, "a.cf", strcat(text, "body A /x/\n"));
    const struct ruleset *set = ruleset_load(&arena, &path, 1, &options, &wrong);

    EXPECT_INT(1, set->count);
    EXPECT_INT(RULESET_NOTES_MAX, set->note_count);
    unlink(path);
    rmdir(folder);
}

static void it_is_bounded(void **state)
{
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 1 << 24);
    for (int i = 0; i < 2000; i++)
        strbuf_puts(&text, "if (version > 3)\n");
    strbuf_puts(&text, "body DEEP /x/\n");
    for (int i = 0; i < 2000; i++)
        strbuf_puts(&text, "endif\nnonsense\n");
    strbuf_puts(&text, "body HIGH /x/\n");
    const struct ruleset *set = load(text.data);

    EXPECT_INT(1, set->count);
    EXPECT_STR("HIGH", set->rules[0].name);
    EXPECT_TRUE(set->note_count <= RULESET_NOTES_MAX);
    strbuf_clear(&text);
    for (int i = 0; i < 70000; i++)
        strbuf_putf(&text, "meta R%d 1\n", i);
    EXPECT_INT(65536, load(text.data)->count);
    strbuf_clear(&text);
    strbuf_puts(&text, "body R /");
    for (int i = 0; i < 70000; i++)
        strbuf_putc(&text, 'x');
    strbuf_puts(&text, "/\n");
    EXPECT_INT(0, load(text.data)->count); /* the line is too long */
    strbuf_release(&text);
}

RUN_ARENA_TESTS(TEST(each_kind_of_rule_is_read), TEST(header_rules_say_which_value), TEST(functions_have_arguments),
                TEST(patterns_of_functions_are_tried_out), TEST(what_is_not_supported_says_why),
                TEST(lines_that_are_none_are_noted), TEST(scores_of_nobody_are_noted),
                TEST(files_from_other_systems_are_read), TEST(a_note_has_its_place), TEST(scores_are_of_four_sets),
                TEST(what_is_said_of_a_rule_stands_anywhere), TEST(conditions_choose), TEST(conditions_nest),
                TEST(a_rule_for_a_plugin_that_is_defined_elsewhere_is_that), TEST(versions_of_files_are_looked_at),
                TEST(tags_are_replaced), TEST(large_patterns_call_their_tags),
                TEST(a_tag_that_grows_without_end_is_refused), TEST(files_include_others_and_are_sorted),
                TEST(files_that_multiply_come_to_an_end), TEST(it_is_bounded))

/* tests/check/test_spf_limits.c - the check "spf": limits at their edges, broken DNS, hostile records, and that asking
 * ahead changes nothing.
 */
#include "tests/kit/spf_desk.h"

/* Terms that match nobody: each has an address, but not the client's. */
#define T1 " a:t.example"
#define T4 T1 T1 T1 T1
#define T9 T4 T4 T1

static const char strangers[] = "t.example A 198.51.100.9\nt.example MX 10 t.example\n";

static enum auth_result settled(struct desk *d)
{
    desk_settle(d);
    return d->evidence.spf_mailfrom.result;
}

static void lookups_are_limited(void **state)
{
    static const struct {
        const char *conf, *record;
        enum auth_result result;
        unsigned lookups;
    } cases[] = {
        { "", "v=spf1" T9 T1 " ip4:192.0.2.1", AUTH_PASS, 10 },
        { "", "v=spf1" T9 T1 T1 " ip4:192.0.2.1", AUTH_PERMERROR, 11 },
        { "", "v=spf1" T9 T1 " ip4:192.0.2.1" T1, AUTH_PASS, 10 },
        { "", "v=spf1" T9 " redirect=pass.example", AUTH_PASS, 10 },
        { "", "v=spf1" T9 T1 " redirect=pass.example", AUTH_PERMERROR, 11 },
        { "", "v=spf1" T9 " mx:t.example ip4:192.0.2.1", AUTH_PASS, 10 },
        { "", "v=spf1" T9 " ptr ip4:192.0.2.1", AUTH_PASS, 10 },
        { "", "v=spf1" T9 " exists:t.example ip4:192.0.2.1", AUTH_PASS, 10 },
        { "", "v=spf1" T9 " include:fail.example ip4:192.0.2.1", AUTH_PASS, 10 },
        { "", "v=spf1" T9 " include:one.example ip4:192.0.2.1", AUTH_PERMERROR, 11 },
        { "", "v=spf1" T9 " include:pass.example", AUTH_PASS, 10 },
        { "", "v=spf1" T9 " exists:%{p}.t.example" T1, AUTH_PERMERROR, 11 },
        { "lookups = 4", "v=spf1" T4 " ip4:192.0.2.1", AUTH_PASS, 4 },
        { "lookups = 4", "v=spf1" T4 T1 " ip4:192.0.2.1", AUTH_PERMERROR, 5 },
        { "lookups = 1", "v=spf1 include:one.example", AUTH_PERMERROR, 2 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk(cases[i].conf, strangers);

        spf_zone(d, "pass.example TXT v=spf1 +all\nfail.example TXT v=spf1 -all\none.example TXT v=spf1" T1);
        desk_dns(d, "example.org", DNS_TXT, cases[i].record);
        EXPECT_INT(cases[i].result, settled(d));
        EXPECT_INT(cases[i].lookups, d->evidence.spf_mailfrom.lookups);
        desk_close(d);
    }
}

static void void_lookups_are_limited(void **state)
{
    static const struct {
        const char *conf, *client, *record;
        enum auth_result result;
        unsigned voids;
    } cases[] = {
        { "", "192.0.2.1", "v=spf1 a:v1.example a:v2.example ip4:192.0.2.1", AUTH_PASS, 2 },
        { "", "192.0.2.1", "v=spf1 a:v1.example a:v2.example a:v3.example ip4:192.0.2.1", AUTH_PERMERROR, 3 },
        { "", "192.0.2.1", "v=spf1 a:v1.example a:v1.example a:v1.example ip4:192.0.2.1", AUTH_PERMERROR, 3 },
        { "", "192.0.2.1", "v=spf1 ip4:192.0.2.1 a:v1.example a:v2.example a:v3.example", AUTH_PASS, 0 },
        { "", "192.0.2.1", "v=spf1 mx:v1.example ptr exists:v3.example ip4:192.0.2.1", AUTH_PERMERROR, 3 },
        { "", "192.0.2.1", "v=spf1 a:nodata.example mx:nodata.example exists:nodata.example +all", AUTH_PERMERROR, 3 },
        { "", "192.0.2.1", "v=spf1 a:v1.example a:v2.example exp=v3.example -all", AUTH_FAIL, 2 },
        { "", "192.0.2.1", "v=spf1 a:x..example a:y..example a:z..example ip4:192.0.2.1", AUTH_PASS, 0 },
        { "void_lookups = 0", "192.0.2.1", "v=spf1 a:v1.example +all", AUTH_PERMERROR, 1 },
        { "void_lookups = 0", "192.0.2.1", "v=spf1 +all", AUTH_PASS, 0 },
        { "void_lookups = 10", "192.0.2.1", "v=spf1 a:v1.example a:v2.example a:v3.example +all", AUTH_PASS, 3 },
        /* mail hosts without IPv6 are no fault of the domain's */
        { "", "2001:db8::1", "v=spf1 mx:hosts.example ~all", AUTH_SOFTFAIL, 0 },
        { "", "2001:db8::1", "v=spf1 a:t.example a:t.example a:t.example ~all", AUTH_PERMERROR, 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk(cases[i].conf, strangers);

        spf_zone(d, "nodata.example A NODATA\nnodata.example MX NODATA\n"
                    "hosts.example MX 1 t.example | 2 v1.example | 3 v2.example | 4 v3.example");
        desk_client(d, cases[i].client);
        desk_dns(d, "example.org", DNS_TXT, cases[i].record);
        EXPECT_INT(cases[i].result, settled(d));
        EXPECT_INT(cases[i].voids, d->evidence.spf_mailfrom.void_lookups);
        desk_close(d);
    }
}

static const char *hosts_answer(struct desk *d, enum dns_type type, int count)
{
    char *text = arena_dup(&d->arena, SPAN(""));

    for (int i = 1; i <= count; i++)
        text =
            arena_printf(&d->arena, "%s%s%sh%d.example.org", text, i > 1 ? " | " : "", type == DNS_MX ? "5 " : "", i);
    return text;
}

static void hosts_are_limited_to_ten(void **state)
{
    static const struct {
        enum dns_type type;
        int count, at; /* which one is the client's */
        enum auth_result result;
    } cases[] = {
        { DNS_MX, 10, 10, AUTH_PASS },      { DNS_MX, 11, 1, AUTH_PERMERROR }, { DNS_MX, 11, 11, AUTH_PERMERROR },
        { DNS_MX, 250, 1, AUTH_PERMERROR }, { DNS_PTR, 10, 10, AUTH_PASS },    { DNS_PTR, 11, 10, AUTH_PASS },
        { DNS_PTR, 11, 11, AUTH_FAIL },     { DNS_PTR, 250, 11, AUTH_FAIL },   { DNS_MX, 10, 99, AUTH_FAIL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk("", "example.org TXT v=spf1 mx:mx.example ptr:example.org -all");

        desk_dns(d, cases[i].type == DNS_MX ? "mx.example" : "1.2.0.192.in-addr.arpa", cases[i].type,
                 hosts_answer(d, cases[i].type, cases[i].count));
        desk_dns_else(d, "NXDOMAIN");
        desk_dns(d, arena_printf(&d->arena, "h%d.example.org", cases[i].at), DNS_A, "192.0.2.1");
        EXPECT_INT(cases[i].result, settled(d));
        EXPECT_TRUE(d->book.count <= 64);
        desk_close(d);
    }
}

static void broken_dns_is_temporary_where_it_matters(void **state)
{
    static const struct {
        const char *zone;
        enum auth_result result;
    } cases[] = {
        { "example.org TXT v=spf1 a:x.example +all\nx.example A TIMEOUT", AUTH_TEMPERROR },
        { "example.org TXT v=spf1 mx:x.example +all\nx.example MX SERVFAIL", AUTH_TEMPERROR },
        { "example.org TXT v=spf1 mx:x.example +all\nx.example MX 1 y.example\ny.example A TIMEOUT", AUTH_TEMPERROR },
        { "example.org TXT v=spf1 exists:x.example +all\nx.example A TIMEOUT", AUTH_TEMPERROR },
        { "example.org TXT v=spf1 include:x.example +all\nx.example TXT TIMEOUT", AUTH_TEMPERROR },
        { "example.org TXT v=spf1 redirect=x.example\nx.example TXT TIMEOUT", AUTH_TEMPERROR },
        /* not the domain's */
        { "example.org TXT v=spf1 ptr +all\n1.2.0.192.in-addr.arpa PTR TIMEOUT", AUTH_PASS },
        { "example.org TXT v=spf1 ptr +all\n1.2.0.192.in-addr.arpa PTR a.example.org\na.example.org A SERVFAIL",
          AUTH_PASS },
        /* decided before it is reached */
        { "example.org TXT v=spf1 ip4:192.0.2.1 a:x.example -all\nx.example A TIMEOUT", AUTH_PASS },
        /* hosts come in any order: one that matches counts */
        { "example.org TXT v=spf1 mx:x.example -all\nx.example MX 1 y.example | 2 z.example\ny.example A TIMEOUT\n"
          "z.example A 192.0.2.1",
          AUTH_PASS },
        { "example.org TXT v=spf1 mx:x.example -all\nx.example MX 1 y.example | 2 z.example\ny.example A 192.0.2.1\n"
          "z.example A TIMEOUT",
          AUTH_PASS },
        /* null MX, and hosts with odd names */
        { "example.org TXT v=spf1 mx:x.example -all\nx.example MX 0 .", AUTH_FAIL },
        { "example.org TXT v=spf1 mx:x.example -all\nx.example MX 0 a\\032b.example", AUTH_FAIL },
        { "example.org TXT v=spf1 mx:x.example -all\nx.example MX 0 a\\058b.example\na:b.example A 192.0.2.1",
          AUTH_PASS },
        { "example.org TXT v=spf1 mx:x.example -all\nx.example MX 0 a\\046b.example\na.b.example A 192.0.2.1",
          AUTH_FAIL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk("", cases[i].zone);
        enum auth_result result = settled(d);

        if (result != cases[i].result)
            print_error("%s\n", cases[i].zone);
        EXPECT_INT(cases[i].result, result);
        desk_close(d);
    }
}

static void our_own_limit_is_a_temporary_error_that_says_so(void **state)
{
    struct desk *d = spf_desk("helo = no", "example.org TXT v=spf1 a:t.example mx:t.example ?all");

    (void)state;
    spf_zone(d, strangers);
    d->run.most_asks = 2;
    EXPECT_INT(AUTH_TEMPERROR, settled(d));
    EXPECT_STR("\"mx:t.example\" of example.org: our own limit of look-ups was reached before t.example MX",
               d->evidence.spf_mailfrom.reason);
    desk_close(d);
}

/* Trees of records; %d below is filled in. */
static void make_chain(struct desk *d, int depth, const char *link)
{
    for (int i = 0; i < depth; i++)
        desk_dns(d, i ? arena_printf(&d->arena, "n%d.example", i) : "example.org", DNS_TXT,
                 arena_printf(&d->arena, "v=spf1 %sn%d.example", link, i + 1));
    desk_dns(d, arena_printf(&d->arena, "n%d.example", depth), DNS_TXT, "v=spf1 ip4:192.0.2.1 -all");
}

static void chains_and_loops_come_to_an_end(void **state)
{
    static const struct {
        int depth;
        const char *link;
        enum auth_result result;
    } cases[] = {
        { 10, "include:", AUTH_PASS },  { 11, "include:", AUTH_PERMERROR },  { 40, "include:", AUTH_PERMERROR },
        { 10, "redirect=", AUTH_PASS }, { 11, "redirect=", AUTH_PERMERROR },
    };
    static const char *const loops[] = {
        "example.org TXT v=spf1 include:example.org -all",
        "example.org TXT v=spf1 redirect=example.org",
        "example.org TXT v=spf1 include:b.example\nb.example TXT v=spf1 redirect=example.org",
        "example.org TXT v=spf1 include:%{d} include:%{o} -all",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk("", "");

        make_chain(d, cases[i].depth, cases[i].link);
        EXPECT_INT(cases[i].result, settled(d));
        EXPECT_TRUE(d->book.count <= 13);
        desk_close(d);
    }
    for (size_t i = 0; i < COUNT(loops); i++) {
        struct desk *d = spf_desk("", loops[i]);

        EXPECT_INT(AUTH_PERMERROR, settled(d));
        desk_close(d);
    }
}

static void few_rounds_are_needed(void **state)
{
    struct desk *d =
        spf_desk("", "example.org TXT v=spf1 include:_spf.a.example include:_spf.b.example mx a:t.example ~all\n"
                     "_spf.a.example TXT v=spf1 include:1.a.example include:2.a.example ~all\n"
                     "1.a.example TXT v=spf1 ip4:198.51.100.0/24\n2.a.example TXT v=spf1 ip4:203.0.113.0/24\n"
                     "_spf.b.example TXT v=spf1 a:h.b.example ~all\nh.b.example A 198.51.100.3\n"
                     "example.org MX 1 m1.example | 2 m2.example\nm1.example A 198.51.100.4\n"
                     "m2.example A 198.51.100.5\nmail.example TXT v=spf1 a -all\nmail.example A 192.0.2.1");

    (void)state;
    spf_zone(d, strangers);
    EXPECT_INT(STEP_WAIT, desk_run(d));
    EXPECT_INT(2, d->book.awaited); /* both identities at once */
    EXPECT_INT(AUTH_SOFTFAIL, settled(d));
    EXPECT_INT(7, d->evidence.spf_mailfrom.lookups);
    EXPECT_INT(AUTH_PASS, d->evidence.spf_helo.result);
    EXPECT_INT(3, d->rounds);      /* as deep as the tree */
    EXPECT_INT(12, d->book.count); /* and nothing was asked in vain */
    desk_close(d);
}

/* Records that widen at every level: what is asked has a bound all the same. */
static void wide_trees_do_not_flood_the_dns(void **state)
{
    struct desk *d = spf_desk("", "");
    char record[512] = "v=spf1";

    (void)state;
    for (int i = 0; i < 10; i++)
        snprintf(record + strlen(record), sizeof record - strlen(record), " include:%d.%%{d}", i);
    desk_dns_else(d, record);
    desk_from(d, "user@w.example");
    EXPECT_INT(AUTH_PERMERROR, settled(d));
    EXPECT_TRUE(d->book.count <= 1 + 10 + 20 + 1 + 10 + 20);
    desk_close(d);
}

static void asking_ahead_changes_nothing(void **state)
{
    static const char *const records[] = {
        "v=spf1 include:inc.example mx:mx.example ptr:h.example a:v1.example ?exists:%{p}.x.example -all "
        "exp=why.example",
        "v=spf1 a:v1.example include:inc.example include:inc2.example a:v2.example +all",
        "v=spf1 include:inc2.example include:inc.example redirect=mx.example",
        "v=spf1 mx:mx.example a:slow.example ip4:192.0.2.1",
        "v=spf1 exists:%{ir}.list.example include:loop.example",
        "v=spf1 include:bad.example ip4:192.0.2.1",
        "v=spf1 redirect=inc2.example",
    };
    static const char zone[] = "inc.example TXT v=spf1 a:t.example mx:mx.example ~all\n"
                               "inc2.example TXT v=spf1 include:inc.example a:v1.example a:slow.example -all\n"
                               "mx.example MX 1 t.example | 2 m.example\nmx.example TXT v=spf1 ip4:192.0.2.1 -all\n"
                               "m.example A 198.51.100.1\nslow.example A TIMEOUT\nbad.example TXT v=spf1 bad\n"
                               "loop.example TXT v=spf1 include:loop.example\nwhy.example TXT because of %{p}\n"
                               "1.2.0.192.in-addr.arpa PTR a.h.example | b.example\na.h.example A 198.51.100.1\n"
                               "b.example A 192.0.2.1\n";

    (void)state;
    for (size_t i = 0; i < COUNT(records); i++) {
        struct desk *fast = spf_desk("", zone), *slow = spf_desk("", zone);
        const struct spf_evidence *a = &fast->evidence.spf_mailfrom, *b = &slow->evidence.spf_mailfrom;

        spf_zone(fast, strangers);
        spf_zone(slow, strangers);
        desk_dns(fast, "example.org", DNS_TXT, records[i]);
        desk_dns(slow, "example.org", DNS_TXT, records[i]);
        desk_settle(fast);
        spf_step_by_step(slow);
        EXPECT_INT(a->result, b->result);
        EXPECT_INT(a->lookups, b->lookups);
        EXPECT_INT(a->void_lookups, b->void_lookups);
        EXPECT_STR(a->reason, b->reason);
        EXPECT_STR(a->explanation, b->explanation);
        EXPECT_TRUE(fast->rounds <= slow->run.runs);
        desk_close(fast);
        desk_close(slow);
    }
}

/* [CVE-2021-20314, CVE-2023-42118]: what other implementations fell over. */
static void hostile_records_are_only_wrong(void **state)
{
    static const struct {
        const char *before, *unit;
        size_t times;
        const char *after;
        enum auth_result result;
    } cases[] = {
        { "v=spf1 exists:", "%{d}", 127, "", AUTH_NEUTRAL },
        { "v=spf1 a:", "%{d}", 127, ".example", AUTH_NEUTRAL },
        { "v=spf1 exp=", "%{s}", 127, " -all", AUTH_FAIL },
        { "v=spf1 include:", "%{d}", 127, "", AUTH_PERMERROR },
        { "v=spf1 exists:%{d}", "A", 6000, "", AUTH_PERMERROR },
        { "v=spf1 foo=", "%{d}", 127, "", AUTH_NEUTRAL },
        { "v=spf1 foo=", "%", 1000, "", AUTH_NEUTRAL },
        { "v=spf1 foo=", "%", 1001, "", AUTH_PERMERROR },
        { "v=spf1 a:", "%", 1000, ".example", AUTH_NEUTRAL },
        { "v=spf1 a:", "%{", 500, "", AUTH_PERMERROR },
        { "v=spf1 a:%{d", "9", 500, "r}", AUTH_NEUTRAL },
        { "v=spf1 a:%{d", ".-+,/_=", 200, "}", AUTH_NEUTRAL },
        { "v=spf1", " ", 60000, "-all", AUTH_FAIL },
        { "v=spf1", " a", 30000, "", AUTH_PERMERROR },
        { "v=spf1 ip6:", ":", 60000, "", AUTH_PERMERROR },
        { "v=spf1 a", "/", 60000, "", AUTH_PERMERROR },
        { "v=spf1 a:", ".", 1000, "example", AUTH_NEUTRAL },
        { "v=spf1", " ?ip4:198.51.100.1", 900, " -all", AUTH_FAIL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk("", "example.org A NODATA");
        size_t unit = strlen(cases[i].unit), at = strlen(cases[i].before);
        char *text = arena_alloc(&d->arena, at + unit * cases[i].times + strlen(cases[i].after) + 1);

        memcpy(text, cases[i].before, at);
        for (size_t n = 0; n < cases[i].times; n++, at += unit)
            memcpy(text + at, cases[i].unit, unit);
        memcpy(text + at, cases[i].after, strlen(cases[i].after));
        desk_dns(d, "example.org", DNS_TXT, text);
        enum auth_result result = settled(d);

        if (result != cases[i].result)
            print_error("%s%s...: %s\n", cases[i].before, cases[i].unit, d->evidence.spf_mailfrom.reason);
        EXPECT_INT(cases[i].result, result);
        EXPECT_TRUE(strlen(d->evidence.spf_mailfrom.reason) < 1000);
        desk_close(d);
    }
}

static void waiting_costs_no_memory_of_the_transaction(void **state)
{
    struct desk *d = spf_desk("", "");

    (void)state;
    make_chain(d, 9, "a:t.example include:");
    EXPECT_INT(STEP_WAIT, desk_run(d));
    size_t used = d->arena.used_bytes;

    for (int i = 0; i < 100; i++)
        EXPECT_INT(STEP_WAIT, desk_run(d));
    EXPECT_INT(used, d->arena.used_bytes);
    desk_close(d);
}

RUN_TESTS(TEST(lookups_are_limited), TEST(void_lookups_are_limited), TEST(hosts_are_limited_to_ten),
          TEST(broken_dns_is_temporary_where_it_matters), TEST(our_own_limit_is_a_temporary_error_that_says_so),
          TEST(chains_and_loops_come_to_an_end), TEST(few_rounds_are_needed), TEST(wide_trees_do_not_flood_the_dns),
          TEST(asking_ahead_changes_nothing), TEST(hostile_records_are_only_wrong),
          TEST(waiting_costs_no_memory_of_the_transaction))

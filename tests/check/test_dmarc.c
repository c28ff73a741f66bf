/* tests/check/test_dmarc.c - the check "dmarc", by tables of records, results and what they come to. */
#include "scanners/dmarc.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

/* A message and its world. `spf` is "RESULT DOMAIN" of the envelope sender, `dkim` the same of each signature, parted
 * by commas. `dns` has a line for each name: "NAME ANSWER", or "NAME A ANSWER" where it is not TXT. */
struct scene {
    const char *conf, *from, *spf, *dkim, *dns;
};

static enum auth_result result_of(struct span word)
{
    for (enum auth_result r = AUTH_NONE; r <= AUTH_PERMERROR; r++)
        if (span_is(word, auth_text(r)))
            return r;
    fail_msg("no result: %.*s", SPAN_ARG(word));
    return AUTH_ABSENT;
}

static void set_spf(struct desk *d, const char *text)
{
    struct span rest = span_of(text), word;

    if (!span_word(&rest, &word))
        return;
    d->evidence.spf_mailfrom.result = result_of(word);
    d->evidence.spf_mailfrom.domain = arena_dup(&d->arena, span_trim(rest));
}

static void set_dkim(struct desk *d, const char *text)
{
    struct span rest = span_of(text), part, word;

    d->evidence.dkim = arena_alloc(&d->arena, 32 * sizeof *d->evidence.dkim);
    while (text[0] && span_cut(&rest, ',', &part) && span_word(&part, &word)) {
        struct dkim_evidence *e = &d->evidence.dkim[d->evidence.dkim_count++];

        e->result = result_of(word);
        e->domain = arena_dup(&d->arena, span_trim(part));
    }
}

static void set_dns(struct desk *d, const char *text)
{
    struct span rest = span_of(text), line, name;

    while (span_cut(&rest, '\n', &line)) {
        if (!span_word(&line, &name))
            continue;
        bool is_a = span_starts(line, SPAN(" A "));

        desk_dns(d, arena_dup(&d->arena, name), is_a ? DNS_A : DNS_TXT,
                 arena_dup(&d->arena, span_trim(span_skip(line, is_a ? 3 : 0))));
    }
}

static struct desk *play(const struct scene *scene)
{
    struct desk *d = desk_open(&dmarc_module, scene->conf);
    struct strbuf b;

    strbuf_init(&b, 1 << 20);
    desk_client(d, "192.0.2.1");
    strbuf_putf(&b, "Subject: x\n%s\n\nbody\n", scene->from);
    desk_message(d, b.data);
    strbuf_release(&b);
    set_spf(d, scene->spf ? scene->spf : "");
    set_dkim(d, scene->dkim ? scene->dkim : "");
    set_dns(d, scene->dns ? scene->dns : "");
    desk_settle(d);
    return d;
}

/* What came of it: "RESULT policy=P disposition=D org=ORG at=POLICY_DOMAIN", empty ones left out. */
static const char *outcome(struct desk *d)
{
    const struct dmarc_evidence *e = &d->evidence.dmarc;
    struct strbuf b;

    strbuf_init(&b, 4096);
    strbuf_puts(&b, auth_text(e->result));
    if (*e->policy)
        strbuf_putf(&b, " p=%s", e->policy);
    if (*e->disposition && strcmp(e->disposition, "none") != 0)
        strbuf_putf(&b, " dis=%s", e->disposition);
    if (*e->override_reason)
        strbuf_putf(&b, " (%s)", e->override_reason);
    const char *text = arena_dup(&d->arena, strbuf_span(&b));

    strbuf_release(&b);
    return text;
}

/* Cases with one record at _dmarc.example.com, for mail from joe@example.com unless `from` says otherwise. */
static void identifiers_count_when_they_pass_and_are_aligned(void **state)
{
    static const struct {
        const char *from, *record, *spf, *dkim, *want;
    } cases[] = {
        { "example.com", "p=reject", "pass example.com", "", "pass p=reject" },
        { "example.com", "p=reject", "", "pass example.com", "pass p=reject" },
        { "example.com", "p=reject", "pass bounce.example.com", "", "pass p=reject" },
        { "example.com", "p=reject", "", "pass mail.example.com", "pass p=reject" },
        { "news.example.com", "p=reject", "pass bounce.example.com", "", "pass p=reject" },
        { "EXAMPLE.com", "p=reject", "pass Example.COM", "", "pass p=reject" },
        { "example.com", "p=reject", "", "", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "fail example.com", "fail example.com", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "softfail example.com", "policy example.com", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "neutral example.com", "neutral example.com", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "permerror example.com", "permerror example.com", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "pass evil.com", "pass evil.com", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "pass notexample.com", "", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "pass com", "pass com", "fail p=reject dis=reject" },
        { "example.com", "p=reject", "", "pass evil.com,fail evil.net,pass example.com", "pass p=reject" },
        /* the order of signatures says nothing */
        { "example.com", "p=reject", "", "pass example.com,fail example.com", "pass p=reject" },
        { "example.com", "p=reject", "", "fail example.com,pass example.com", "pass p=reject" },
        { "example.com", "p=reject", "", "pass mail.example.com,fail example.com", "pass p=reject" },
        /* strict */
        { "example.com", "p=reject; aspf=s", "pass bounce.example.com", "", "fail p=reject dis=reject" },
        { "example.com", "p=reject; aspf=s", "pass example.com", "", "pass p=reject" },
        { "example.com", "p=reject; adkim=s", "", "pass mail.example.com", "fail p=reject dis=reject" },
        { "example.com", "p=reject; adkim=s", "pass bounce.example.com", "pass mail.example.com", "pass p=reject" },
        { "example.com", "p=reject; adkim=x; aspf=x", "pass bounce.example.com", "", "pass p=reject" },
        { "mail.example.com", "p=reject; adkim=s", "", "pass example.com", "fail p=reject dis=reject" },
        /* what cannot be compared */
        { "example.com", "p=reject", "pass a..example.com", "pass @,pass ", "fail p=reject dis=reject" },
        /* policies */
        { "example.com", "p=quarantine", "", "", "fail p=quarantine dis=quarantine" },
        { "example.com", "p=none", "", "", "fail p=none" },
        { "example.com", "p=reject; pct=0", "", "", "fail p=reject dis=reject" },
        { "example.com", "p=reject; t=y", "", "", "fail p=reject dis=quarantine (policy_test_mode)" },
        { "example.com", "p=quarantine; t=y", "", "", "fail p=quarantine (policy_test_mode)" },
        { "example.com", "p=none; t=y", "", "", "fail p=none" },
        { "example.com", "p=reject; t=y", "pass example.com", "", "pass p=reject" },
        { "example.com", "p=reject; sp=none; np=none", "", "", "fail p=reject dis=reject" },
        { "example.com", "p=bogus; rua=mailto:a@b.example", "", "", "fail p=none" },
        { "example.com", "p=bogus", "", "", "permerror" },
        { "example.com", "rua=mailto:a@b.example", "pass example.com", "", "pass p=none" },
        { "example.com", "sp=reject", "", "", "permerror" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char from[128], dns[256];
        struct scene scene = { .from = from, .spf = cases[i].spf, .dkim = cases[i].dkim, .dns = dns };

        snprintf(from, sizeof from, "From: joe@%s", cases[i].from);
        snprintf(dns, sizeof dns, "_dmarc.example.com v=DMARC1; %s", cases[i].record);
        struct desk *d = play(&scene);

        if (strcmp(cases[i].want, outcome(d)) != 0)
            print_error("%s, %s, spf %s, dkim %s\n", from, cases[i].record, cases[i].spf, cases[i].dkim);
        EXPECT_STR(cases[i].want, outcome(d));
        desk_close(d);
    }
}

struct discovery_case {
    const char *from, *dns, *dkim, *want, *org, *at;
};

static void expect_discoveries(const char *conf, const struct discovery_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char from[512];
        struct scene scene = { .conf = conf, .from = from, .dkim = cases[i].dkim, .dns = cases[i].dns };

        snprintf(from, sizeof from, "From: joe@%s", cases[i].from);
        struct desk *d = play(&scene);
        const struct dmarc_evidence *e = &d->evidence.dmarc;

        if (strcmp(cases[i].want, outcome(d)) != 0 || strcmp(cases[i].org, e->organizational_domain) != 0)
            print_error("%s dkim %s with\n%s\n", from, cases[i].dkim, cases[i].dns);
        EXPECT_STR(cases[i].want, outcome(d));
        EXPECT_STR(cases[i].org, e->organizational_domain);
        EXPECT_STR(cases[i].at, e->policy_domain);
        desk_close(d);
    }
}

/* Under the top level domain "example", which no list has, all is by the tree alone. */
static void the_tree_walk_finds_policy_and_organization(void **state)
{
    static const struct discovery_case cases[] = {
        /* one record, at any height */
        { "b.example", "_dmarc.b.example v=DMARC1; p=reject", "", "fail p=reject dis=reject", "b.example",
          "b.example" },
        { "a.b.example", "_dmarc.b.example v=DMARC1; p=reject", "", "fail p=reject dis=reject", "b.example",
          "b.example" },
        { "a.b.example", "_dmarc.example v=DMARC1; p=reject", "", "fail p=reject dis=reject", "example", "example" },
        { "b.example", "", "", "none", "b.example", "" },
        { "a.b.example", "", "pass a.b.example", "none", "a.b.example", "" },
        /* the author's own record comes first, the organization is the shortest name with one */
        { "a.b.example", "_dmarc.a.b.example v=DMARC1; p=none\n_dmarc.b.example v=DMARC1; p=reject", "pass c.b.example",
          "pass p=none", "b.example", "a.b.example" },
        { "a.m.b.example", "_dmarc.m.b.example v=DMARC1; p=none\n_dmarc.b.example v=DMARC1; p=reject", "",
          "fail p=reject dis=reject", "b.example", "b.example" },
        /* sp applies to subdomains only, np to those that do not exist */
        { "a.b.example", "_dmarc.b.example v=DMARC1; p=none; sp=reject\na.b.example A 192.0.2.1", "",
          "fail p=reject dis=reject", "b.example", "b.example" },
        { "b.example", "_dmarc.b.example v=DMARC1; p=none; sp=reject", "", "fail p=none", "b.example", "b.example" },
        { "a.b.example", "_dmarc.a.b.example v=DMARC1; p=none; sp=reject\n_dmarc.b.example v=DMARC1; p=reject", "",
          "fail p=none", "b.example", "a.b.example" },
        { "a.b.example", "_dmarc.b.example v=DMARC1; p=none; np=reject", "", "fail p=reject dis=reject", "b.example",
          "b.example" },
        { "a.b.example", "_dmarc.b.example v=DMARC1; p=none; np=reject\na.b.example A NODATA", "", "fail p=none",
          "b.example", "b.example" },
        { "a.b.example", "_dmarc.b.example v=DMARC1; p=none; np=reject\na.b.example A TIMEOUT", "", "fail p=none",
          "b.example", "b.example" },
        { "a.b.example", "_dmarc.b.example v=DMARC1; p=none; np=reject\n_dmarc.a.b.example NODATA", "", "fail p=none",
          "b.example", "b.example" },
        { "b.example", "_dmarc.b.example v=DMARC1; p=none; np=reject", "", "fail p=none", "b.example", "b.example" },
        { "a.b.example", "_dmarc.b.example v=DMARC1; p=reject; sp=quarantine; np=none", "", "fail p=none", "b.example",
          "b.example" },
        /* psd=n ends the walk: what is below it belongs together, and to nobody above */
        { "a.m.b.example", "_dmarc.m.b.example v=DMARC1; p=quarantine; psd=n\n_dmarc.b.example v=DMARC1; p=reject",
          "pass m.b.example", "pass p=quarantine", "m.b.example", "m.b.example" },
        { "a.m.b.example", "_dmarc.m.b.example v=DMARC1; p=quarantine; psd=n\n_dmarc.b.example v=DMARC1; p=reject",
          "pass b.example", "fail p=quarantine dis=quarantine", "m.b.example", "m.b.example" },
        { "b.example", "_dmarc.m.b.example v=DMARC1; p=none; psd=n\n_dmarc.b.example v=DMARC1; p=reject",
          "pass m.b.example", "fail p=reject dis=reject", "b.example", "b.example" },
        /* psd=y: the organization is the name one label below it */
        { "a.b.example", "_dmarc.example v=DMARC1; p=reject; psd=y", "pass c.b.example", "pass p=reject", "b.example",
          "example" },
        { "a.b.example", "_dmarc.example v=DMARC1; p=reject; psd=y", "pass c.example", "fail p=reject dis=reject",
          "b.example", "example" },
        { "a.b.example", "_dmarc.example v=DMARC1; p=reject; psd=y", "pass example", "fail p=reject dis=reject",
          "b.example", "example" },
        { "a.b.example", "_dmarc.example v=DMARC1; p=reject; psd=y\n_dmarc.b.example v=DMARC1; p=none", "",
          "fail p=none", "b.example", "b.example" },
        { "a.m.b.example", "_dmarc.example v=DMARC1; p=reject; psd=y\n_dmarc.m.b.example v=DMARC1; p=none", "",
          "fail p=reject dis=reject", "b.example", "example" },
        { "example", "_dmarc.example v=DMARC1; p=reject; psd=y", "pass example", "pass p=reject", "example",
          "example" },
        { "example", "_dmarc.example v=DMARC1; p=reject; psd=y", "pass b.example", "fail p=reject dis=reject",
          "example", "example" },
        { "b.example", "_dmarc.b.example v=DMARC1; p=reject; psd=y\n_dmarc.example v=DMARC1; p=none",
          "pass a.b.example", "fail p=reject dis=reject", "b.example", "b.example" },
        { "b.example", "_dmarc.example v=DMARC1; p=none; sp=quarantine; np=reject; psd=y", "",
          "fail p=reject dis=reject", "b.example", "example" },
        /* several records at one name are none */
        { "b.example", "_dmarc.b.example v=DMARC1; p=reject | v=DMARC1; p=none", "", "none", "b.example", "" },
        { "a.b.example", "_dmarc.a.b.example v=DMARC1; p=none | v=DMARC1; p=none\n_dmarc.b.example v=DMARC1; p=reject",
          "", "fail p=reject dis=reject", "b.example", "b.example" },
        { "b.example", "_dmarc.b.example v=spf1 -all | v=DMARC1; p=reject | p=none", "", "fail p=reject dis=reject",
          "b.example", "b.example" },
        /* up to eight labels one by one, from nine on down to seven at once */
        { "a.b.c.d.e.f.g.example", "_dmarc.b.c.d.e.f.g.example v=DMARC1; p=reject", "", "fail p=reject dis=reject",
          "b.c.d.e.f.g.example", "b.c.d.e.f.g.example" },
        { "1.a.b.c.d.e.f.g.example", "_dmarc.a.b.c.d.e.f.g.example v=DMARC1; p=reject", "", "none",
          "1.a.b.c.d.e.f.g.example", "" },
        { "1.a.b.c.d.e.f.g.example", "_dmarc.b.c.d.e.f.g.example v=DMARC1; p=reject", "", "fail p=reject dis=reject",
          "b.c.d.e.f.g.example", "b.c.d.e.f.g.example" },
        { "1.2.3.4.a.b.c.d.e.f.g.example", "_dmarc.1.2.3.4.a.b.c.d.e.f.g.example v=DMARC1; p=reject",
          "pass a.b.c.d.e.f.g.example", "fail p=reject dis=reject", "1.2.3.4.a.b.c.d.e.f.g.example",
          "1.2.3.4.a.b.c.d.e.f.g.example" },
        { "1.2.3.4.a.b.c.d.e.f.g.example", "_dmarc.g.example v=DMARC1; p=reject", "pass x.g.example", "pass p=reject",
          "g.example", "g.example" },
    };

    (void)state;
    expect_discoveries(NULL, cases, COUNT(cases));
}

/* RFC 9989 4.10.2's examples, and what registries that the public suffix list knows do. */
static void public_suffixes_align_with_nobody_else(void **state)
{
    static const struct discovery_case cases[] = {
        { "a.mail.example.com", "_dmarc.mail.example.com v=DMARC1; p=none\n_dmarc.example.com v=DMARC1; p=reject", "",
          "fail p=reject dis=reject", "example.com", "example.com" },
        { "a.mail.example.com", "_dmarc.mail.example.com v=DMARC1; p=none; psd=n", "", "fail p=none",
          "mail.example.com", "mail.example.com" },
        { "a.mail.example.com", "_dmarc.com v=DMARC1; p=none; psd=y", "", "fail p=none", "example.com", "com" },
        { "example.co.uk", "_dmarc.example.co.uk v=DMARC1; p=reject", "pass co.uk", "fail p=reject dis=reject",
          "example.co.uk", "example.co.uk" },
        { "example.com", "_dmarc.com v=DMARC1; p=reject", "pass evil.com", "fail p=reject dis=reject", "example.com",
          "com" },
        { "example.co.uk", "_dmarc.co.uk v=DMARC1; p=reject; sp=quarantine", "pass evil.co.uk",
          "fail p=quarantine dis=quarantine", "example.co.uk", "co.uk" },
        { "example.com", "_dmarc.com v=DMARC1; p=reject; psd=n", "pass other.com", "pass p=reject", "com", "com" },
        { "co.uk", "_dmarc.co.uk v=DMARC1; p=reject", "pass co.uk", "pass p=reject", "co.uk", "co.uk" },
        { "co.uk", "_dmarc.co.uk v=DMARC1; p=reject", "pass evil.co.uk", "fail p=reject dis=reject", "co.uk", "co.uk" },
    };

    (void)state;
    expect_discoveries(NULL, cases, COUNT(cases));
}

static void the_public_suffix_list_can_be_asked_instead(void **state)
{
    static const struct discovery_case cases[] = {
        { "a.b.example.co.uk", "_dmarc.example.co.uk v=DMARC1; p=reject", "", "fail p=reject dis=reject",
          "example.co.uk", "example.co.uk" },
        { "a.b.example.co.uk", "_dmarc.b.example.co.uk v=DMARC1; p=reject", "pass a.b.example.co.uk", "none",
          "example.co.uk", "" },
        { "a.example.co.uk", "_dmarc.example.co.uk v=DMARC1; p=none; sp=reject\na.example.co.uk A 192.0.2.1",
          "pass b.example.co.uk", "pass p=reject", "example.co.uk", "example.co.uk" },
        { "example.co.uk", "_dmarc.example.co.uk v=DMARC1; p=reject", "pass co.uk", "fail p=reject dis=reject",
          "example.co.uk", "example.co.uk" },
        { "example.co.uk", "_dmarc.co.uk v=DMARC1; p=reject", "", "none", "example.co.uk", "" },
        { "co.uk", "_dmarc.co.uk v=DMARC1; p=reject", "pass co.uk", "pass p=reject", "co.uk", "co.uk" },
        { "co.uk", "_dmarc.co.uk v=DMARC1; p=reject", "pass x.co.uk", "fail p=reject dis=reject", "co.uk", "co.uk" },
        { "a.m.example.com", "_dmarc.m.example.com v=DMARC1; p=none; psd=n\n_dmarc.example.com v=DMARC1; p=reject", "",
          "fail p=reject dis=reject", "example.com", "example.com" },
        { "example.com", "_dmarc.example.com v=DMARC1; p=reject", "pass a.b.c.example.com", "pass p=reject",
          "example.com", "example.com" },
        { "example.com", "_dmarc.example.com TIMEOUT", "pass example.com", "temperror", "example.com", "" },
    };

    (void)state;
    expect_discoveries("discovery = \"psl\"", cases, COUNT(cases));
}

/* The kinds of mail that libopendmarc 1.4.2 judges wrongly: forged From fields that pass, and honest ones that fail. */
static void mistakes_of_others_are_not_ours(void **state)
{
    static const struct discovery_case cases[] = {
        /* names of one letter */
        { "x.com", "_dmarc.x.com v=DMARC1; p=reject", "pass evil.com", "fail p=reject dis=reject", "x.com", "x.com" },
        { "x.com", "_dmarc.x.com v=DMARC1; p=reject", "pass y.com", "fail p=reject dis=reject", "x.com", "x.com" },
        { "x.com", "_dmarc.x.com v=DMARC1; p=reject", "pass a.x.com", "pass p=reject", "x.com", "x.com" },
        /* public suffixes that are a tail of the author's domain */
        { "example.co.uk", "_dmarc.example.co.uk v=DMARC1; p=reject", "pass co.uk", "fail p=reject dis=reject",
          "example.co.uk", "example.co.uk" },
        { "example.com", "_dmarc.example.com v=DMARC1; p=reject", "pass com", "fail p=reject dis=reject", "example.com",
          "example.com" },
        /* a failing signature beside a good one */
        { "example.com", "_dmarc.example.com v=DMARC1; p=reject", "pass sub.example.com,fail other.example.com",
          "pass p=reject", "example.com", "example.com" },
        { "example.com", "_dmarc.example.com v=DMARC1; p=reject", "pass sub.example.com,fail example.com",
          "pass p=reject", "example.com", "example.com" },
        /* records that are none, and records that are */
        { "example.com", "_dmarc.example.com p=reject", "", "none", "example.com", "" },
        { "example.com", "_dmarc.example.com p=reject; v=DMARC1", "", "none", "example.com", "" },
        { "example.com", "_dmarc.example.com v=dmarc1; p=reject", "", "none", "example.com", "" },
        { "example.com", "_dmarc.example.com v=DMARC1; p=r", "", "permerror", "example.com", "example.com" },
        { "example.com", "_dmarc.example.com v=DMARC1; rua=mailto:d@example.com", "", "fail p=none", "example.com",
          "example.com" },
        { "example.com", "_dmarc.example.com v=DMARC1; p=bogus; rua=mailto:d@example.com", "", "fail p=none",
          "example.com", "example.com" },
        { "example.com", "_dmarc.example.com v=DMARC1; p=reject; adkim=x", "pass a.example.com", "pass p=reject",
          "example.com", "example.com" },
        /* UTF-8 in the author's domain */
        { "b\xc3\xbc"
          "cher.example",
          "_dmarc.xn--bcher-kva.example v=DMARC1; p=reject", "pass xn--bcher-kva.example", "pass p=reject",
          "xn--bcher-kva.example", "xn--bcher-kva.example" },
        { "b\xc3\xbc"
          "cher.example",
          "_dmarc.xn--bcher-kva.example v=DMARC1; p=reject", "pass evil.example", "fail p=reject dis=reject",
          "xn--bcher-kva.example", "xn--bcher-kva.example" },
    };
    static const struct discovery_case by_tree[] = {
        { "a.example.com", "_dmarc.a.example.com v=DMARC1; p=reject; adkim=s", "pass b.example.com",
          "fail p=reject dis=reject", "a.example.com", "a.example.com" },
        { "example.com", "_dmarc.example.com v=DMARC1; p=none; np=reject; aspf=s", "", "fail p=none", "example.com",
          "example.com" },
        { "gone.example.com", "_dmarc.example.com v=DMARC1; p=none; np=reject", "", "fail p=reject dis=reject",
          "example.com", "example.com" },
    };

    (void)state;
    expect_discoveries(NULL, cases, COUNT(cases));
    expect_discoveries("discovery = \"psl\"", cases, COUNT(cases));
    expect_discoveries(NULL, by_tree, COUNT(by_tree));
}

static void names_that_do_not_answer_matter_only_where_they_could(void **state)
{
    static const struct {
        const char *from, *spf, *dkim, *dns, *want;
        enum action forced; /* ACTION_ACCEPT: none */
    } cases[] = {
        { "b.example", "", "", "_dmarc.b.example TIMEOUT", "temperror", ACTION_ACCEPT },
        { "b.example", "", "", "_dmarc.b.example SERVFAIL", "temperror", ACTION_ACCEPT },
        { "a.b.example", "", "", "_dmarc.b.example TIMEOUT", "temperror", ACTION_ACCEPT },
        { "b.example", "pass b.example", "", "_dmarc.b.example TIMEOUT", "temperror", ACTION_ACCEPT },
        /* a parent cannot change the author's own record, nor that he himself signs */
        { "b.example", "", "", "_dmarc.b.example v=DMARC1; p=reject\n_dmarc.example TIMEOUT",
          "fail p=reject dis=reject", ACTION_REJECT },
        { "b.example", "pass b.example", "", "_dmarc.b.example v=DMARC1; p=reject\n_dmarc.example TIMEOUT",
          "pass p=reject", ACTION_ACCEPT },
        { "b.example", "pass a.b.example", "", "_dmarc.b.example v=DMARC1; p=reject\n_dmarc.example TIMEOUT",
          "pass p=reject", ACTION_ACCEPT },
        { "b.example", "pass c.example", "", "_dmarc.b.example v=DMARC1; p=reject\n_dmarc.example TIMEOUT",
          "temperror p=reject", ACTION_DEFER },
        { "b.com", "pass c.com", "", "_dmarc.b.com v=DMARC1; p=reject\n_dmarc.com TIMEOUT", "fail p=reject dis=reject",
          ACTION_REJECT },
        { "a.b.com", "", "", "_dmarc.b.com v=DMARC1; p=reject\n_dmarc.com TIMEOUT", "fail p=reject dis=reject",
          ACTION_REJECT },
        /* psd=n could part the identifier from the author */
        { "b.example", "pass a.b.example", "", "_dmarc.b.example v=DMARC1; p=reject\n_dmarc.a.b.example TIMEOUT",
          "temperror p=reject", ACTION_DEFER },
        /* identifiers that could not be checked */
        { "b.example", "temperror b.example", "", "_dmarc.b.example v=DMARC1; p=reject", "temperror p=reject",
          ACTION_DEFER },
        { "b.example", "temperror b.example", "", "_dmarc.b.example v=DMARC1; p=none", "temperror p=none",
          ACTION_ACCEPT },
        { "b.example", "", "temperror a.b.example,fail b.example", "_dmarc.b.example v=DMARC1; p=quarantine",
          "temperror p=quarantine", ACTION_DEFER },
        { "b.example", "temperror b.example", "pass b.example", "_dmarc.b.example v=DMARC1; p=reject", "pass p=reject",
          ACTION_ACCEPT },
        /* a stranger's temperror is his own affair */
        { "b.example", "temperror evil.example", "temperror evil.com", "_dmarc.b.example v=DMARC1; p=reject",
          "fail p=reject dis=reject", ACTION_REJECT },
        { "b.example", "pass evil.example", "", "_dmarc.b.example v=DMARC1; p=reject\n_dmarc.evil.example TIMEOUT",
          "fail p=reject dis=reject", ACTION_REJECT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char from[128];
        struct scene scene = { .from = from, .spf = cases[i].spf, .dkim = cases[i].dkim, .dns = cases[i].dns };

        snprintf(from, sizeof from, "From: joe@%s", cases[i].from);
        struct desk *d = play(&scene);

        if (strcmp(cases[i].want, outcome(d)) != 0)
            print_error("case %zu: %s\n%s\n", i, from, cases[i].dns);
        EXPECT_STR(cases[i].want, outcome(d));
        EXPECT_INT(cases[i].forced != ACTION_ACCEPT, d->run.is_forced);
        if (d->run.is_forced)
            EXPECT_INT(cases[i].forced, d->run.forced);
        desk_close(d);
    }
}

/* Put off once; what comes again after a minute is let in, tagged. */
static void what_cannot_be_judged_is_put_off_once(void **state)
{
    static const struct {
        const char *sender, *recipient;
        int64_t after_ms;
        enum store_state store;
        enum action forced;
    } tries[] = {
        { "joe@b.example", "ann@a.example", 0, STORE_OK, ACTION_DEFER },
        { "joe@b.example", "ann@a.example", 20000, STORE_OK, ACTION_DEFER },
        { "joe@b.example", "bob@a.example", 20000, STORE_OK, ACTION_DEFER },
        { "joe@b.example", "ann@a.example", 20000, STORE_OK, ACTION_TAG },
        { "joe@b.example", "ann@a.example", 0, STORE_FAILED, ACTION_DEFER },
        { "joe@b.example", "ann@a.example", 3600000, STORE_OK, ACTION_TAG },
        { "jim@b.example", "ann@a.example", 0, STORE_OK, ACTION_DEFER },
        { "joe@b.example", "ann@a.example", 2 * 86400000, STORE_OK, ACTION_DEFER }, /* forgotten */
    };
    struct desk *d = desk_open(&dmarc_module, NULL);

    (void)state;
    set_dns(d, "_dmarc.b.example v=DMARC1; p=reject");
    for (size_t i = 0; i < COUNT(tries); i++) {
        desk_next_transaction(d, tries[i].after_ms);
        d->store_outcome = tries[i].store;
        desk_client(d, i % 2 ? "192.0.2.1" : "198.51.100.1"); /* a sender may have many servers */
        desk_from(d, tries[i].sender);
        d->session.recipient_count = 0;
        desk_rcpt(d, tries[i].recipient);
        desk_message(d, "From: joe@b.example\n\nbody\n");
        set_spf(d, "temperror b.example");
        desk_settle(d);
        EXPECT_STR("temperror p=reject", outcome(d));
        EXPECT_TRUE(d->run.is_forced);
        if (d->run.forced != tries[i].forced)
            fail_msg("try %zu: %s", i, action_text(d->run.forced));
        EXPECT_FALSE(d->run.failure);
    }
    desk_close(d);
}

/* bank.example asks for rejection, evil.example signs the mail and has a policy, open.example has none. */
static void forged_from_fields_do_not_pass(void **state)
{
    static const struct {
        const char *from, *want, *symbol;
        int points;
    } cases[] = {
        { "From: x@evil.example", "pass p=none", "DMARC_POLICY_ALLOW", -50 },
        { "From: \"boss@bank.example\" <x@evil.example>", "pass p=none", "DMARC_POLICY_ALLOW", -50 },
        { "From: x@evil.example, y@mail.evil.example", "pass p=none", "MULTIPLE_FROM", 900 },
        { "From: x@evil.example, y@evil.example", "pass p=none", "DMARC_POLICY_ALLOW", -50 },
        { "From: x@evil.example, boss@bank.example", "fail p=reject dis=reject", "MULTIPLE_FROM", 900 },
        { "From: boss@bank.example, x@evil.example", "fail p=reject dis=reject", "MULTIPLE_FROM", 900 },
        { "From: x@evil.example, x@open.example", "none", "MULTIPLE_FROM", 900 },
        { "From: x@evil.example\nFrom: boss@bank.example", "fail p=reject dis=reject", "MULTIPLE_FROM", 900 },
        { "From: boss@bank.example\nFrom: x@evil.example", "fail p=reject dis=reject", "MULTIPLE_FROM", 900 },
        { "From: x@evil.example\nFROM : boss@bank.example", "fail p=reject dis=reject", "MULTIPLE_FROM", 900 },
        { "From: boss@bank.example <x@evil.example>", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: <boss@bank.example> <x@evil.example>", "fail p=reject dis=reject", "MULTIPLE_FROM", 900 },
        { "From: (boss@bank.example) x@evil.example", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: \"boss@bank.example\"@evil.example", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: <@bank.example:x@evil.example>", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: boss@bank.example@evil.example", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: boss@bank\n .example (x@evil.example)", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: boss@ba\n nk.example", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: boss\xef\xbc\xa0"
          "bank.example",
          "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: =?utf-8?q?boss=40bank.example?=@evil.example", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: =?utf-8?q?boss=40bank.example?=", "fail p=reject dis=reject", "BROKEN_FROM", 400 },
        { "From: Team: boss@bank.example, x@evil.example;", "fail p=reject dis=reject", "MULTIPLE_FROM", 900 },
        { "From: boss@bank.example.", "fail p=reject dis=reject", "DMARC_POLICY_REJECT", 200 },
        { "From: boss@BANK\xe3\x80\x82"
          "example",
          "fail p=reject dis=reject", "DMARC_POLICY_REJECT", 200 },
        { "From: x@evil.example, boss@[192.0.2.1]", "permerror", "BROKEN_FROM", 400 },
        { "From: boss@[192.0.2.1]", "permerror", "BROKEN_FROM", 400 },
        { "From: The Boss", "permerror", "BROKEN_FROM", 400 },
        { "From: undisclosed:;", "permerror", "BROKEN_FROM", 400 },
        { "From:", "permerror", "BROKEN_FROM", 400 },
        { "To: x@evil.example", "permerror", "MISSING_FROM", 200 },
        { "From: a@1.evil.example,a@2.evil.example,a@3.evil.example,a@4.evil.example,a@5.evil.example,"
          "a@6.evil.example,a@7.evil.example,a@8.evil.example,boss@bank.example",
          "permerror", "MULTIPLE_FROM", 900 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene = { .from = cases[i].from,
                               .spf = "pass evil.example",
                               .dkim = "pass evil.example",
                               .dns = "_dmarc.bank.example v=DMARC1; p=reject\n_dmarc.evil.example v=DMARC1; p=none" };
        struct desk *d = play(&scene);
        const struct finding *f = desk_finding(d, cases[i].symbol);

        if (strcmp(cases[i].want, outcome(d)) != 0 || !f)
            print_error("%s (%s)\n", cases[i].from, cases[i].symbol);
        EXPECT_STR(cases[i].want, outcome(d));
        EXPECT_TRUE(f != NULL);
        EXPECT_INT(cases[i].points, f->points);
        desk_close(d);
    }
}

/* Whoever stands behind the last author that is read could be the one who asks for rejection. */
static void more_authors_than_are_checked_are_refused(void **state)
{
    static const struct {
        const char *conf;
        bool is_forced;
    } cases[] = { { "", true }, { "on_reject = \"score\"", false } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene = { .conf = cases[i].conf,
                               .from = "From: a@1.example,a@2.example,a@3.example,a@4.example,boss@bank.example" };
        struct desk *d = play(&scene);

        EXPECT_STR("permerror", outcome(d));
        EXPECT_INT(900, desk_points(d));
        EXPECT_INT(cases[i].is_forced, d->run.is_forced);
        if (cases[i].is_forced)
            EXPECT_INT(ACTION_REJECT, d->run.forced);
        desk_close(d);
    }
}

/* The sender signs with many deep names of his own, to use up what may be asked before the bank is. */
static void signatures_cannot_use_up_the_look_ups_of_authors(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 4096);
    for (int i = 0; i < 20; i++)
        strbuf_putf(&b, "%spass a%d.b%d.c%d.d%d.e.evil.example", i ? "," : "", i, i, i, i);
    struct scene scene = { .from = "From: x@a.b.c.d.e.evil.example, boss@a.b.c.d.e.bank.example",
                           .dkim = b.data,
                           .dns = "_dmarc.bank.example v=DMARC1; p=reject\n_dmarc.evil.example v=DMARC1; p=none" };
    struct desk *d = play(&scene);

    EXPECT_STR("fail p=reject dis=reject", outcome(d));
    desk_close(d);
    strbuf_release(&b);
}

static void nul_hides_nothing(void **state)
{
    struct desk *d = desk_open(&dmarc_module, NULL);

    (void)state;
    desk_client(d, "192.0.2.1");
    desk_message_bytes(d, SPAN("From: boss@bank.example\0@evil.example\r\n\r\nx\r\n"));
    set_dkim(d, "pass evil.example");
    set_dns(d, "_dmarc.bank.example v=DMARC1; p=reject\n_dmarc.evil.example v=DMARC1; p=none");
    desk_settle(d);
    EXPECT_STR("fail p=reject dis=reject", outcome(d));
    EXPECT_TRUE(desk_finding(d, "BROKEN_FROM") != NULL);
    desk_close(d);
}

static void the_administrator_decides_what_a_failure_means(void **state)
{
    static const char reject[] = "_dmarc.b.example v=DMARC1; p=reject";
    static const char quarantine[] = "_dmarc.b.example v=DMARC1; p=quarantine";
    static const struct {
        const char *conf, *from, *dkim, *dns, *want;
        enum action forced; /* ACTION_ACCEPT: none */
        int points;
    } cases[] = {
        { "", "From: a@b.example", "", reject, "fail p=reject dis=reject", ACTION_REJECT, 200 },
        { "on_reject = \"score\"", "From: a@b.example", "", reject, "fail p=reject (local_policy)", ACTION_ACCEPT,
          200 },
        { "on_reject = \"tag\"", "From: a@b.example", "", reject, "fail p=reject dis=quarantine (local_policy)",
          ACTION_TAG, 200 },
        { "on_reject = \"quarantine\"", "From: a@b.example", "", reject, "fail p=reject dis=quarantine (local_policy)",
          ACTION_QUARANTINE, 200 },
        { "on_reject = \"defer\"", "From: a@b.example", "", reject, "fail p=reject dis=reject", ACTION_DEFER, 200 },
        { "", "From: a@b.example", "", quarantine, "fail p=quarantine dis=quarantine", ACTION_TAG, 150 },
        { "on_quarantine = \"reject\"", "From: a@b.example", "", quarantine,
          "fail p=quarantine dis=reject (local_policy)", ACTION_REJECT, 150 },
        { "on_quarantine = \"score\"", "From: a@b.example", "", quarantine, "fail p=quarantine (local_policy)",
          ACTION_ACCEPT, 150 },
        /* mailing lists */
        { "", "List-Id: <l.list.example>\nFrom: a@b.example", "pass list.example", reject,
          "fail p=reject dis=quarantine (mailing_list)", ACTION_TAG, 200 },
        { "", "List-Id: <l.list.example>\nFrom: a@b.example", "fail list.example", reject, "fail p=reject dis=reject",
          ACTION_REJECT, 200 },
        { "", "From: a@b.example", "pass list.example", reject, "fail p=reject dis=reject", ACTION_REJECT, 200 },
        { "spare_lists = no", "List-Id: <l.list.example>\nFrom: a@b.example", "pass list.example", reject,
          "fail p=reject dis=reject", ACTION_REJECT, 200 },
        /* trusted forwarders; the desk's client is 192.0.2.1 */
        { "trusted_forwarders = {\"192.0.2.0/24\"}", "From: a@b.example", "", reject,
          "fail p=reject (trusted_forwarder)", ACTION_ACCEPT, 0 },
        { "trusted_forwarders = {\"192.0.2.0/24\"}", "From: a@b.example", "temperror b.example", reject,
          "temperror p=reject", ACTION_ACCEPT, 0 },
        { "trusted_forwarders = {\"198.51.100.0/24\"}", "From: a@b.example", "", reject, "fail p=reject dis=reject",
          ACTION_REJECT, 200 },
        { "temperror_defer = no", "From: a@b.example", "temperror b.example", reject, "temperror p=reject",
          ACTION_ACCEPT, 0 },
        /* several authors */
        { "multi_from = \"exempt\"", "From: a@b.example, c@d.example", "", reject, "none", ACTION_ACCEPT, 900 },
        { "multi_from = \"reject\"", "From: a@b.example, c@d.example", "", reject, "none", ACTION_REJECT, 900 },
        { "multi_from = \"reject\"", "From: a@b.example, c@b.example", "pass b.example", reject, "pass p=reject",
          ACTION_ACCEPT, -50 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene = { cases[i].conf, cases[i].from, "", cases[i].dkim, cases[i].dns };
        struct desk *d = play(&scene);

        if (strcmp(cases[i].want, outcome(d)) != 0)
            print_error("%s: %s\n", cases[i].conf, cases[i].from);
        EXPECT_STR(cases[i].want, outcome(d));
        EXPECT_INT(cases[i].forced != ACTION_ACCEPT, d->run.is_forced);
        if (d->run.is_forced)
            EXPECT_INT(cases[i].forced, d->run.forced);
        EXPECT_INT(cases[i].points, desk_points(d));
        desk_close(d);
    }
}

static void a_trusted_sealer_overrides_a_failure(void **state)
{
    static const struct {
        enum auth_result arc;
        const char *sealer, *want;
    } cases[] = {
        { AUTH_PASS, "list.example", "fail p=reject (local_policy)" },
        { AUTH_PASS, "", "fail p=reject dis=reject" },
        { AUTH_PASS, NULL, "fail p=reject dis=reject" },
        { AUTH_FAIL, "list.example", "fail p=reject dis=reject" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&dmarc_module, NULL);

        desk_client(d, "192.0.2.1");
        desk_message(d, "From: a@b.example\n\nx\n");
        set_dns(d, "_dmarc.b.example v=DMARC1; p=reject");
        d->evidence.arc = (struct arc_evidence){ .result = cases[i].arc, .trusted_sealer = cases[i].sealer };
        desk_settle(d);
        EXPECT_STR(cases[i].want, outcome(d));
        EXPECT_INT(strstr(cases[i].want, "dis=") != NULL, d->run.is_forced);
        desk_close(d);
    }
}

static void our_own_users_are_not_judged(void **state)
{
    struct desk *d = desk_open(&dmarc_module, NULL);

    (void)state;
    desk_message(d, "From: a@b.example\n\nx\n");
    set_dns(d, "_dmarc.b.example v=DMARC1; p=reject");
    d->session.auth_user = SPAN("joe");
    EXPECT_INT(STEP_DONE, desk_run(d));
    EXPECT_STR("none", outcome(d));
    EXPECT_INT(0, d->run.finding_count);
    EXPECT_INT(0, d->book.count);
    desk_close(d);
}

/* Nothing is known: the author's names and those of an identifier that may be aligned are asked together. */
static void all_names_are_asked_at_once(void **state)
{
    static const char *const asked[] = { "_dmarc.a.b.example", "_dmarc.b.example", "_dmarc.example",
                                         "_dmarc.c.b.example" };
    struct desk *d = desk_open(&dmarc_module, NULL);

    (void)state;
    desk_message(d, "From: joe@a.b.example\n\nx\n");
    set_dkim(d, "pass c.b.example,pass evil.com");
    set_dns(d, "_dmarc.b.example v=DMARC1; p=reject");
    EXPECT_INT(STEP_WAIT, desk_run(d));
    EXPECT_INT(COUNT(asked), d->book.count);
    for (size_t i = 0; i < COUNT(asked); i++)
        EXPECT_TRUE(answers_find(&d->book, asked[i], DNS_TXT) != NULL);
    desk_settle(d);
    EXPECT_INT(1, d->rounds);
    EXPECT_STR("pass p=reject", outcome(d));
    desk_close(d);
}

static void bad_records_are_told(void **state)
{
    static const char *const records[] = { "_dmarc.b.example v=DMARC1; p=bogus",
                                           "_dmarc.b.example v=DMARC1; p=bogus; rua=mailto:a@b.example",
                                           "_dmarc.b.example v=DMARC1; p=none | v=DMARC1; p=none" };

    (void)state;
    for (size_t i = 0; i < COUNT(records); i++) {
        struct scene scene = { .from = "From: a@b.example", .dns = records[i] };
        struct desk *d = play(&scene);

        EXPECT_TRUE(desk_finding(d, "DMARC_BAD_POLICY") != NULL);
        desk_close(d);
    }
}

/* Nobody has told the client's address: SPF has not been asked. What it could have passed has not failed. */
static void what_spf_might_have_passed_is_not_refused(void **state)
{
    static const struct {
        const char *record, *sender, *helo, *dkim, *want;
    } cases[] = {
        { "p=reject", "a@example.com", "", "", "none p=reject" },
        { "p=reject", "a@bounce.example.com", "", "fail example.com", "none p=reject" },
        { "p=quarantine", "a@example.com", "mx.evil.com", "pass evil.com", "none p=quarantine" },
        { "p=reject", "a@evil.com", "", "", "fail p=reject dis=reject" },
        { "p=reject", "a@evil.com", "mail.example.com", "", "fail p=reject dis=reject" },
        { "p=reject; aspf=s", "a@bounce.example.com", "", "", "fail p=reject dis=reject" },
        { "p=reject", "a@evil.com", "", "pass example.com", "pass p=reject" },
        { "p=reject", "a@example.com", "", "pass example.com", "pass p=reject" },
        { "p=reject", "a@example.com", "", "temperror example.com", "temperror p=reject" },
        /* a bounce is its host's */
        { "p=reject", "", "mail.example.com", "", "none p=reject" },
        { "p=reject", "", "mail.evil.com", "", "fail p=reject dis=reject" },
        { "p=reject", "", "", "", "none p=reject" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&dmarc_module, "temperror_defer = no");
        char record[200];

        snprintf(record, sizeof record, "v=DMARC1; %s", cases[i].record);
        desk_from(d, cases[i].sender);
        desk_helo(d, cases[i].helo);
        desk_message(d, "From: joe@example.com\n\nbody\n");
        desk_dns(d, "_dmarc.example.com", DNS_TXT, record);
        set_dkim(d, cases[i].dkim);
        desk_settle(d);
        EXPECT_STR(cases[i].want, outcome(d));
        desk_close(d);
    }
}

/* It is the address that counts, not that SPF said nothing: it may be off, or the client be in its "skip". */
static void spf_that_was_not_asked_of_a_known_client_does_not_pass(void **state)
{
    struct desk *d = desk_open(&dmarc_module, NULL);

    (void)state;
    desk_client(d, "192.0.2.1");
    desk_from(d, "a@example.com");
    desk_message(d, "From: joe@example.com\n\nbody\n");
    desk_dns(d, "_dmarc.example.com", DNS_TXT, "v=DMARC1; p=reject");
    desk_settle(d);
    EXPECT_STR("fail p=reject dis=reject", outcome(d));
    desk_close(d);
}

RUN_TESTS(TEST(what_spf_might_have_passed_is_not_refused), TEST(spf_that_was_not_asked_of_a_known_client_does_not_pass),
          TEST(what_cannot_be_judged_is_put_off_once), TEST(identifiers_count_when_they_pass_and_are_aligned),
          TEST(the_tree_walk_finds_policy_and_organization), TEST(public_suffixes_align_with_nobody_else),
          TEST(the_public_suffix_list_can_be_asked_instead), TEST(mistakes_of_others_are_not_ours),
          TEST(names_that_do_not_answer_matter_only_where_they_could), TEST(forged_from_fields_do_not_pass),
          TEST(more_authors_than_are_checked_are_refused), TEST(signatures_cannot_use_up_the_look_ups_of_authors),
          TEST(nul_hides_nothing), TEST(the_administrator_decides_what_a_failure_means),
          TEST(a_trusted_sealer_overrides_a_failure), TEST(our_own_users_are_not_judged),
          TEST(all_names_are_asked_at_once), TEST(bad_records_are_told))

/* tests/unit/test_exempt.c - postgrey's white lists. */
#include <stdlib.h>
#include <unistd.h>

#include "greylist/exempt.h"

#include "tests/kit/expect.h"

static struct address address_of(const char *text)
{
    struct address a = { .text = span_of(text) };
    size_t at = span_rfind(a.text, '@');

    a.local = at == SPAN_NPOS ? a.text : span_first(a.text, at);
    a.domain = at == SPAN_NPOS ? (struct span){ "", 0 } : span_skip(a.text, at + 1);
    return a;
}

static void clients_are_found(void **state)
{
    static const struct {
        const char *entry, *ip, *name, *found; /* NULL: not */
    } cases[] = {
        { "192.0.2.7", "192.0.2.7", NULL, "192.0.2.7/32" },
        { "192.0.2.7", "192.0.2.8", NULL, NULL },
        { "192.0.2.7/24", "192.0.2.8", NULL, "192.0.2.0/24" }, /* host bits do no harm */
        { "192.0.2", "192.0.2.200", NULL, "192.0.2.0/24" },
        { "192.0.2", "192.0.3.2", NULL, NULL },
        { "192.0", "192.0.77.1", NULL, "192.0.0.0/16" },
        { "2a01:4180:4051:0800::/64", "2a01:4180:4051:800:1::2", NULL, "2a01:4180:4051:800::/64" },
        { "2001:db8::1", "2001:db8::2", NULL, NULL },
        { "example.org", "192.0.2.7", "example.org", "example.org" },
        { "example.org", "192.0.2.7", "MX.Example.org", ".example.org" },
        { "example.org", "192.0.2.7", "badexample.org", NULL },
        { "example.org", "192.0.2.7", "example.org.evil.example", NULL },
        { "example.org", "192.0.2.7", NULL, NULL },
        { ".example.org", "192.0.2.7", "mx.example.org", ".example.org" },
        { ".example.org", "192.0.2.7", "example.org", NULL },
        { "  example.org  # of ours", "192.0.2.7", "mx.example.org", ".example.org" },
        { "# example.org", "192.0.2.7", "mx.example.org", NULL },
        { "", "192.0.2.7", "mx.example.org", NULL },
        { "/^smtp\\d+\\.example\\.org$/", "192.0.2.7", "SMTP12.example.org", "/^smtp\\d+\\.example\\.org$/" },
        { "/^smtp\\d+\\.example\\.org$/", "192.0.2.7", "smtp.example.org", NULL },
        { "/example/", "192.0.2.7", "an.example.org", "/example/" },
        { "/^192\\./", "192.0.2.7", "mx.example.org", NULL }, /* of names, not of addresses */
        { "unknown", "192.0.2.7", NULL, "unknown" },
        { "/^unknown$/", "192.0.2.7", NULL, "/^unknown$/" },
        { "/(a+)+$/", "192.0.2.7", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
          NULL }, /* too long */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct exempt *e = exempt_new(EXEMPT_CLIENTS, 0);
        struct access_match match = { 0 };
        struct addr ip;

        EXPECT_INT(FAULT_NONE, addr_parse(span_of(cases[i].ip), &ip));
        const char *wrong = exempt_add(e, span_of(cases[i].entry), 7);

        if (wrong)
            fail_msg("\"%s\" %s", cases[i].entry, wrong);
        bool is_found = exempt_has_client(e, &ip, cases[i].name, &match);

        if (is_found != (cases[i].found != NULL))
            fail_msg("\"%s\": %s", cases[i].entry, cases[i].name ? cases[i].name : cases[i].ip);
        if (is_found) {
            EXPECT_STR(cases[i].found, match.text);
            EXPECT_INT(7, match.line);
        }
        exempt_free(e);
    }
}

static void recipients_are_found(void **state)
{
    static const struct {
        const char *entry, *recipient;
        bool is_found;
    } cases[] = {
        { "postmaster@", "postmaster@example.org", true },
        { "postmaster@", "Postmaster@example.net", true },
        { "postmaster@", "postmaster+x@example.net", true },
        { "postmaster@", "postmaster", true }, /* [RFC5321 4.5.1] */
        { "postmaster@", "notpostmaster@example.net", false },
        { "postmaster@", "", false },
        { "ann@example.org", "ANN@Example.org", true },
        { "ann@example.org", "ann+lists@example.org", true },
        { "ann@example.org", "ann+@example.org", false }, /* no extension at all */
        { "ann@example.org", "ann+lists@sub.example.org", false },
        { "ann@example.org", "joann@example.org", false },
        { "example.org", "anybody@example.org", true },
        { "example.org", "anybody@sub.example.org", true },
        { "example.org", "anybody@badexample.org", false },
        { "/^a.*@example\\./", "ann@example.net", true },
        { "/^a.*@example\\./", "joe@example.net", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct exempt *e = exempt_new(EXEMPT_RECIPIENTS, 0);
        struct address to = address_of(cases[i].recipient);
        struct access_match match;

        EXPECT_NULL(exempt_add(e, span_of(cases[i].entry), 1));
        if (exempt_has_recipient(e, &to, &match) != cases[i].is_found)
            fail_msg("\"%s\": %s", cases[i].entry, cases[i].recipient);
        exempt_free(e);
    }
}

static void what_is_no_entry_is_refused(void **state)
{
    static const struct {
        enum exempt_kind kind;
        const char *entry, *wrong;
    } cases[] = {
        { EXEMPT_CLIENTS, "300.1.2.3", "is no client" },
        { EXEMPT_CLIENTS, "192.0.2.0/33", "is no client" },
        { EXEMPT_CLIENTS, "192", "is no client" },
        { EXEMPT_CLIENTS, "1.2.3.4.5", "is no client" },
        { EXEMPT_CLIENTS, "2001:db8:::1", "is no client" },
        { EXEMPT_CLIENTS, "a..example", "is no client" },
        { EXEMPT_CLIENTS, "a.example b.example", "is no client" },
        { EXEMPT_CLIENTS, "/(/", "is no regular expression (missing closing parenthesis, at character 2)" },
        { EXEMPT_CLIENTS, "//", "is no client" },
        { EXEMPT_CLIENTS, "a.example 192.0.2.1", "has something behind its first word" },
        { EXEMPT_RECIPIENTS, "ann@exa mple.org", "has something behind its first word" },
        { EXEMPT_RECIPIENTS, "ann@a..example", "is no recipient" },
        { EXEMPT_RECIPIENTS, "/[/", "is no regular expression" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct exempt *e = exempt_new(cases[i].kind, 0);
        const char *wrong = exempt_add(e, span_of(cases[i].entry), 1);
        const char *wanted = strchr(cases[i].entry, ' ') ? "has something" : cases[i].wrong;

        if (!wrong || strncmp(wrong, wanted, strlen(wanted)) != 0)
            fail_msg("\"%s\": %s", cases[i].entry, wrong ? wrong : "taken");
        EXPECT_INT(0, exempt_count(e));
        exempt_free(e);
    }
}

/* What is behind a NUL would be cut off in silence. */
static void a_nul_ends_no_entry(void **state)
{
    struct exempt *e = exempt_new(EXEMPT_CLIENTS, 0);

    (void)state;
    EXPECT_STR("has a NUL inside; take it out", exempt_add(e, SPAN("192.\0x"), 1));
    EXPECT_INT(0, exempt_count(e));
    exempt_free(e);
}

/* ---- Debian's own lists, which postgrey reads ---- */

static void a_file_is_read_as_it_is(const char *path, enum exempt_kind kind, size_t least)
{
    struct access_file f;

    if (access(path, R_OK))
        skip(); /* the package postgrey is not installed */
    if (!access_file_open_as(&f, path, &exempt_reader, kind))
        fail_msg("%s", f.refusal.data);
    EXPECT_TRUE(exempt_count(f.set) >= least);
    access_file_close(&f);
}

static void debians_clients_are_read(void **state)
{
    static const struct {
        const char *ip, *name;
        bool is_found;
    } cases[] = {
        { "203.0.113.9", "mail-ed1-f41.google.com", true }, /* google.com */
        { "203.0.113.9", "github.com", true },
        { "203.0.113.9", "mynotgithub.com", false },
        { "203.0.113.9", "smtp7.orange.fr", true }, /* /^smtp\d+\.orange\.fr$/ */
        { "203.0.113.9", "smtp.orange.fr", false },
        { "203.0.113.9", "odk-fdv.uni-lj.si", true },        /* its dots are any character */
        { "203.0.113.9", "x.dgfip.finances.gouv.fr", true }, /* its line ends in a blank */
        { "203.0.113.9", "mail.debian.org", true },
        { "195.235.39.17", NULL, true }, /* 195.235.39 */
        { "195.235.40.17", NULL, false },
        { "66.216.126.174", NULL, true },
        { "51.4.80.31", NULL, true }, /* 51.4.80.0/27 */
        { "51.4.80.32", NULL, false },
        { "198.2.191.255", NULL, true }, /* 198.2.128.0/18 */
        { "2a01:4180:4050:400::9", NULL, true },
        { "203.0.113.9", "dynamic.example.net", false },
        { "203.0.113.9", NULL, false },
    };
    static const char path[] = "/etc/postgrey/whitelist_clients";
    struct access_match match;
    struct access_file f;

    (void)state;
    a_file_is_read_as_it_is(path, EXEMPT_CLIENTS, 150);
    EXPECT_TRUE(access_file_open_as(&f, path, &exempt_reader, EXEMPT_CLIENTS));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr ip;

        EXPECT_INT(FAULT_NONE, addr_parse(span_of(cases[i].ip), &ip));
        if (exempt_has_client(f.set, &ip, cases[i].name, &match) != cases[i].is_found)
            fail_msg("%s %s", cases[i].ip, cases[i].name ? cases[i].name : "");
    }
    access_file_close(&f);
}

static void debians_recipients_are_read(void **state)
{
    (void)state;
    a_file_is_read_as_it_is("/etc/postgrey/whitelist_recipients", EXEMPT_RECIPIENTS, 2);
}

RUN_TESTS(TEST(clients_are_found), TEST(recipients_are_found), TEST(what_is_no_entry_is_refused),
          TEST(a_nul_ends_no_entry), TEST(debians_clients_are_read), TEST(debians_recipients_are_read))

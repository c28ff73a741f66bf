/* scanners/dnsbl_known.c - lists that we know.
 *
 * From the lists' own documentation. A list whose test points are not documented is only tested for answering to
 * everything (127.0.0.1 and INVALID must not be listed), which is what abandoned zones do.
 */
#include "scanners/dnsbl_known.h"

#include "gateway/base/bug.h"

/* Spamhaus and those who do as it does; and 127.0.0.1, which no list lists anything by [RFC5782 5]: it is what URIBL,
 * SURBL and captive resolvers answer to those whom they do not serve. */
const char dnsbl_refusals[] = "127.255.255.0/24 127.0.0.1";

static const struct dnsbl_known_answer zen[] = {
    { "127.0.0.2", "RBL_SPAMHAUS_SBL", 400 },
    { "127.0.0.3", "RBL_SPAMHAUS_CSS", 200 },
    { "127.0.0.4-127.0.0.7", "RBL_SPAMHAUS_XBL", 400 },
    { "127.0.0.9", "RBL_SPAMHAUS_DROP", 700 },
    { "127.0.0.10-127.0.0.11", "RBL_SPAMHAUS_PBL", 200 },
    { 0 },
};

/* The same list asked about the addresses of URLs' hosts. */
static const struct dnsbl_known_answer zen_url[] = {
    { "127.0.0.2", "URIBL_SBL", 650 },
    { "127.0.0.3", "URIBL_SBL_CSS", 500 },
    { "127.0.0.4-127.0.0.7", "URIBL_XBL", 300 },
    { "127.0.0.9", "URIBL_DROP", 500 },
    { 0 },
};

static const struct dnsbl_known_answer ebl[] = {
    { "127.0.0.2-127.0.0.3", "MSBL_EBL", 750 },
    { "127.0.1.2-127.0.1.3", "MSBL_EBL_GREY", 50 },
    { 0 },
};

static const struct dnsbl_known_answer hbl[] = {
    { "127.0.3.2", "SPAMHAUS_HBL_EMAIL", 700 },
    { 0 },
};

static const struct dnsbl_known_answer authbl[] = {
    { "127.0.0.20", "RBL_SPAMHAUS_AUTHBL", 400 },
    { 0 },
};

static const struct dnsbl_known_answer dbl[] = {
    { "127.0.1.2", "DBL_SPAM", 650 },           { "127.0.1.4", "DBL_PHISH", 750 },
    { "127.0.1.5", "DBL_MALWARE", 750 },        { "127.0.1.6", "DBL_BOTNET", 750 },
    { "127.0.1.102", "DBL_ABUSE", 500 },        { "127.0.1.103", "DBL_ABUSE_REDIR", 500 },
    { "127.0.1.104", "DBL_ABUSE_PHISH", 650 },  { "127.0.1.105", "DBL_ABUSE_MALWARE", 650 },
    { "127.0.1.106", "DBL_ABUSE_BOTNET", 650 }, { 0 },
};

static const struct dnsbl_known_answer zrd[] = {
    { "127.0.2.2-127.0.2.4", "RBL_ZRD_VERY_FRESH_DOMAIN", 700 },
    { "127.0.2.5-127.0.2.24", "RBL_ZRD_FRESH_DOMAIN", 400 },
    { 0 },
};

static const struct dnsbl_known_answer dnswl[] = {
    { "127.0.[2..9;11..254].0", "RCVD_IN_DNSWL_NONE", 0 },
    { "127.0.[2..9;11..254].1", "RCVD_IN_DNSWL_LOW", -10 },
    { "127.0.[2..9;11..254].2", "RCVD_IN_DNSWL_MED", -20 },
    { "127.0.[2..9;11..254].3", "RCVD_IN_DNSWL_HI", -50 },
    { 0 },
};

static const struct dnsbl_known_answer mailspike[] = {
    { "127.0.0.10", "RBL_MAILSPIKE_WORST", 200 },
    { "127.0.0.11", "RBL_MAILSPIKE_VERYBAD", 150 },
    { "127.0.0.12", "RBL_MAILSPIKE_BAD", 100 },
    { "127.0.0.13-127.0.0.16", "RWL_MAILSPIKE_NEUTRAL", 0 },
    { "127.0.0.17", "RWL_MAILSPIKE_POSSIBLE", 0 },
    { "127.0.0.18", "RWL_MAILSPIKE_GOOD", -10 },
    { "127.0.0.19", "RWL_MAILSPIKE_VERYGOOD", -20 },
    { "127.0.0.20", "RWL_MAILSPIKE_EXCELLENT", -40 },
    { 0 },
};

static const struct dnsbl_known_answer surbl[] = {
    { "mask 0.0.0.8", "PH_SURBL_MULTI", 750 },
    { "mask 0.0.0.16", "MW_SURBL_MULTI", 750 },
    { "mask 0.0.0.64", "ABUSE_SURBL", 500 },
    { "mask 0.0.0.128", "CRACKED_SURBL", 500 },
    { 0 },
};

static const struct dnsbl_known_answer uribl[] = {
    { "mask 0.0.0.2", "URIBL_BLACK", 750 },
    { "mask 0.0.0.4", "URIBL_GREY", 250 },
    { "mask 0.0.0.8", "URIBL_RED", 50 },
    { 0 },
};

#define ONE_ANSWER(name, symbol, points)                                                                               \
    static const struct dnsbl_known_answer name[] = { { "127.0.0.2", symbol, points }, { 0 } }

ONE_ANSWER(sem, "RBL_SEM", 100);
ONE_ANSWER(sem6, "RBL_SEM_IPV6", 100);
ONE_ANSWER(virusfree, "RBL_VIRUSFREE_BOTNET", 200);
ONE_ANSWER(spamcop, "RBL_SPAMCOP", 200);
ONE_ANSWER(barracuda, "RBL_BARRACUDA", 200);
ONE_ANSWER(uceprotect, "RBL_UCEPROTECT_LEVEL1", 150);
ONE_ANSWER(psbl, "RBL_PSBL", 200);

static const struct dnsbl_known_answer blocklistde[] = {
    { "127.0.0.2-127.0.0.254", "RBL_BLOCKLISTDE", 400 },
    { 0 },
};

#define DQS(list) "." list ".dq.spamhaus.net"

/* What is not said: addresses of both families, both test points of RFC 5782, no refusals of its own. */
/* clang-format off */
static const struct dnsbl_known known[] = {
    { .zone = "zen.spamhaus.org",       .suffix = DQS("zen"),     .answers = zen, .url_answers = zen_url },
    { .zone = "sbl.spamhaus.org",       .suffix = DQS("sbl"),     .answers = zen, .url_answers = zen_url },
    { .zone = "xbl.spamhaus.org",       .suffix = DQS("xbl"),     .answers = zen },
    { .zone = "pbl.spamhaus.org",       .suffix = DQS("pbl"),     .answers = zen },
    { .zone = "sbl-xbl.spamhaus.org",   .suffix = DQS("sbl-xbl"), .answers = zen, .url_answers = zen_url },
    { .zone = "authbl.dq.spamhaus.net", .suffix = DQS("authbl"),  .answers = authbl, .test = DNSBL_TEST_UNLISTED },
    { .zone = "dbl.spamhaus.org",       .suffix = DQS("dbl"),     .answers = dbl,    .lists_domains = true,
      .test_listed = "dbltest.com", .refusals = "127.0.1.255" },
    { .zone = "zrd.dq.spamhaus.net",    .suffix = DQS("zrd"),     .answers = zrd,    .lists_domains = true,
      .test = DNSBL_TEST_UNLISTED, .refusals = "127.0.2.255" },
    { .zone = "list.dnswl.org",         .answers = dnswl,     .test = DNSBL_TEST_UNLISTED,
      .refusals = "127.0.0.255 127.0.10.0/24" },
    { .zone = "rep.mailspike.net",      .answers = mailspike, .test = DNSBL_TEST_UNLISTED, .families = DNSBL_IP4 },
    { .zone = "bl.mailspike.net",       .answers = mailspike, .test = DNSBL_TEST_UNLISTED, .families = DNSBL_IP4 },
    { .zone = "wl.mailspike.net",       .answers = mailspike, .test = DNSBL_TEST_UNLISTED, .families = DNSBL_IP4 },
    { .zone = "bl.spamcop.net",         .answers = spamcop,    .families = DNSBL_IP4 },
    { .zone = "b.barracudacentral.org", .answers = barracuda,  .families = DNSBL_IP4 },
    { .zone = "psbl.surriel.com",       .answers = psbl,       .families = DNSBL_IP4 },
    { .zone = "dnsbl-1.uceprotect.net", .answers = uceprotect, .families = DNSBL_IP4 },
    { .zone = "bl.blocklist.de",        .answers = blocklistde, .test = DNSBL_TEST_UNLISTED },
    { .zone = "bl.spameatingmonkey.net", .answers = sem,      .test = DNSBL_TEST_UNLISTED, .families = DNSBL_IP4 },
    { .zone = "bl.ipv6.spameatingmonkey.net", .answers = sem6, .test = DNSBL_TEST_UNLISTED, .families = DNSBL_IP6 },
    { .zone = "bip.virusfree.cz",       .answers = virusfree, .test = DNSBL_TEST_UNLISTED, .families = DNSBL_IP4 },
    { .zone = "multi.surbl.org",        .answers = surbl, .lists_domains = true, .is_organizational = true,
      .test_listed = "surbl-org-permanent-test-point.com", .of = "names numbers" },
    { .zone = "multi.uribl.com",        .answers = uribl, .lists_domains = true, .is_organizational = true,
      .test_listed = "test.uribl.com", .of = "names numbers" },
    { .zone = "ebl.msbl.org",           .answers = ebl, .lists_domains = true, .test = DNSBL_TEST_UNLISTED,
      .of = "emails", .hash = DNSBL_SHA1 },
    { .zone = "hbl.dq.spamhaus.net",    .suffix = DQS("hbl"), .answers = hbl, .lists_domains = true,
      .test = DNSBL_TEST_UNLISTED, .of = "exact_emails", .hash = DNSBL_SHA1 },
};
/* clang-format on */

const struct dnsbl_known *dnsbl_known_find(struct span zone)
{
    for (size_t i = 0; i < COUNT(known); i++)
        if (span_iis(zone, known[i].zone) || (known[i].suffix && span_iends(zone, span_of(known[i].suffix))))
            return &known[i];
    return NULL;
}

const struct dnsbl_known *dnsbl_known_at(size_t i)
{
    return i < COUNT(known) ? &known[i] : NULL;
}

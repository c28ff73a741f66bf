/* scanners/dnsbl_conf.h - the lists that are asked, as configured.
 *
 * Three checks share all of this: dnsbl (lists of addresses, asked about the client), rhsbl (lists of domains, asked
 * about sender, HELO and rDNS name) and uribl (lists of any kind, asked about what stands in the message). A zone's
 * title is its label: the only name that is ever shown, for `name` may hold a key. Memory: the conf's arena. `health`
 * is the state part: the loop's, written at the end of runs only.
 */
#ifndef SCANNERS_DNSBL_CONF_H
#define SCANNERS_DNSBL_CONF_H

#include "gateway/conf/conf.h"
#include "scanners/dnsbl_hash.h"
#include "scanners/dnsbl_health.h"
#include "scanners/dnsbl_known.h"
#include "scanners/dnsbl_match.h"

/* Whom a list is asked about. */
enum dnsbl_subject {
    DNSBL_CLIENT,
    DNSBL_SENDER,
    DNSBL_HELO,
    DNSBL_RDNS,
    DNSBL_URL_NAME,    /* a URL's host */
    DNSBL_URL_NUMBER,  /* a URL's host that is an address */
    DNSBL_URL_ADDRESS, /* the address of a URL's host */
    DNSBL_URL_SERVER,  /* the address of a name server of its domain */
    DNSBL_EMAIL,       /* a mail address, without tag and dots */
    DNSBL_EXACT_EMAIL, /* the same as it stands there, in lower case */
    DNSBL_SUBJECTS
};

/* The check that a list stands in. */
enum dnsbl_check { DNSBL_CHECK_CLIENT, DNSBL_CHECK_NAMES, DNSBL_CHECK_URLS };

enum { DNSBL_ZONES_MAX = 16, DNSBL_RULES_MAX = 64, DNSBL_REFUSALS_MAX = 32, DNSBL_ZONE_NAME_MAX = 180 };

/* An answer that counts; the first two members are the configuration's, the match is made of the title. */
struct dnsbl_rule {
    const char *title;
    const char *symbol;
    int points;
    struct dnsbl_match match;
};

struct dnsbl_zone {
    const char *title;
    const char *name; /* to be asked; may hold a key: never shown */
    const char *like; /* a known list's name, for one that answers as it does; "" */
    struct conf_strs of;
    int points; /* of any answer, when no answers are told */
    const char *symbol;
    struct conf_array answers; /* of struct dnsbl_rule */
    struct conf_strs refusals;
    int families;       /* enum dnsbl_families */
    int hashing;        /* 0 as the list is known to want it, 1 none, then enum dnsbl_hash from 1 on, and one more */
    int organizational; /* 0 as the list is known to want it, 1 no, 2 yes */
    bool stops;
    bool explain;
    int test; /* enum dnsbl_test */
    const char *test_listed, *test_unlisted;

    /* made of the above by dnsbl_zone_check() */
    enum dnsbl_check check;
    bool lists_domains; /* else addresses */
    enum dnsbl_hash hash;
    bool subjects[DNSBL_SUBJECTS];
    bool asks_organizational;
    const struct dnsbl_rule *rules;
    size_t rule_count;
    const struct dnsbl_match *refused;
    size_t refused_count;
    struct dnsbl_health *health;
};

struct dnsbl_conf {
    struct conf_array zones; /* of struct dnsbl_zone */
    struct dnsbl_patience patience;
};

/* The check uribl's: its first member is what all have. */
struct uribl_conf {
    struct dnsbl_conf lists;
    int64_t names_most, emails_most; /* of a message, that are asked about */
    struct conf_strs exclude;
};

extern const struct conf_section dnsbl_section, rhsbl_section, uribl_section;

static inline const struct dnsbl_zone *dnsbl_zone_at(const struct dnsbl_conf *conf, size_t i)
{
    return (const struct dnsbl_zone *)conf->zones.items + i;
}

#endif

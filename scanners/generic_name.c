/* scanners/generic_name.c - names that a provider gives to addresses.
 *
 * The part in front of the organizational domain is cut into words (runs of letters) and numbers (runs of digits).
 * The address is looked for as numbers in a row, and as one long number or hexadecimal string in the name without its
 * separators. A word that mail servers bear (mx, mail, smtp, out) ends the search: big senders number their hosts.
 */
#include "scanners/generic_name.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"

enum { NUMBERS_MAX = 32 };

enum word_kind { WORD_NONE, WORD_STATIC, WORD_ACCESS, WORD_DYNAMIC, WORD_MAIL };

/* Ends of longer words count, too, where `is_suffix` is set: "vdsl", "customer-dsl", "gigapool". */
static const struct {
    const char *word;
    enum word_kind kind;
    bool is_suffix;
} words[] = {
    { "mail", WORD_MAIL, true },          { "mx", WORD_MAIL, false },           { "smtp", WORD_MAIL, true },
    { "mta", WORD_MAIL, false },          { "relay", WORD_MAIL, true },         { "mailer", WORD_MAIL, true },
    { "mailout", WORD_MAIL, false },      { "outbound", WORD_MAIL, false },     { "out", WORD_MAIL, false },
    { "newsletter", WORD_MAIL, false },   { "bounce", WORD_MAIL, false },       { "esp", WORD_MAIL, false },

    { "dyn", WORD_DYNAMIC, true },        { "dynamic", WORD_DYNAMIC, false },   { "dynip", WORD_DYNAMIC, false },
    { "dynamicip", WORD_DYNAMIC, false }, { "dynamique", WORD_DYNAMIC, false }, { "dinamico", WORD_DYNAMIC, false },
    { "dhcp", WORD_DYNAMIC, false },      { "pool", WORD_DYNAMIC, false },      { "ippool", WORD_DYNAMIC, false },
    { "pools", WORD_DYNAMIC, false },     { "ppp", WORD_DYNAMIC, true },        { "pppoe", WORD_DYNAMIC, false },
    { "dialup", WORD_DYNAMIC, false },    { "dialin", WORD_DYNAMIC, false },    { "dial", WORD_DYNAMIC, false },
    { "dip", WORD_DYNAMIC, false },       { "modem", WORD_DYNAMIC, true },      { "nat", WORD_DYNAMIC, false },
    { "cgnat", WORD_DYNAMIC, false },     { "cgn", WORD_DYNAMIC, false },       { "unassigned", WORD_DYNAMIC, false },
    { "unused", WORD_DYNAMIC, false },

    { "dsl", WORD_ACCESS, true },         { "cable", WORD_ACCESS, false },      { "catv", WORD_ACCESS, false },
    { "fttb", WORD_ACCESS, false },       { "ftth", WORD_ACCESS, false },       { "fttx", WORD_ACCESS, false },
    { "fiber", WORD_ACCESS, false },      { "fibre", WORD_ACCESS, false },      { "gpon", WORD_ACCESS, false },
    { "hsd", WORD_ACCESS, false },        { "hsia", WORD_ACCESS, false },       { "broadband", WORD_ACCESS, false },
    { "bb", WORD_ACCESS, false },         { "wifi", WORD_ACCESS, false },       { "wlan", WORD_ACCESS, false },
    { "wimax", WORD_ACCESS, false },      { "wireless", WORD_ACCESS, false },   { "mobile", WORD_ACCESS, false },
    { "gprs", WORD_ACCESS, false },       { "umts", WORD_ACCESS, false },       { "lte", WORD_ACCESS, false },
    { "home", WORD_ACCESS, false },       { "res", WORD_ACCESS, false },        { "residential", WORD_ACCESS, false },
    { "cust", WORD_ACCESS, false },       { "customer", WORD_ACCESS, false },   { "customers", WORD_ACCESS, false },
    { "client", WORD_ACCESS, false },     { "clients", WORD_ACCESS, false },    { "cpe", WORD_ACCESS, false },
    { "subscriber", WORD_ACCESS, false }, { "subs", WORD_ACCESS, false },       { "user", WORD_ACCESS, false },
    { "users", WORD_ACCESS, false },

    { "static", WORD_STATIC, true },      { "statique", WORD_STATIC, false },   { "fixed", WORD_STATIC, false },
    { "fix", WORD_STATIC, false },        { "business", WORD_STATIC, false },   { "biz", WORD_STATIC, false },
    { "colo", WORD_STATIC, false },       { "vps", WORD_STATIC, false },        { "server", WORD_STATIC, true },
    { "srv", WORD_STATIC, false },        { "cloud", WORD_STATIC, false },      { "compute", WORD_STATIC, false },
};

/* What stands in front of the organizational domain, taken apart. */
struct parts {
    bool has[WORD_MAIL + 1];
    unsigned numbers[NUMBERS_MAX]; /* of up to three digits */
    size_t number_count;
    char solid[DOMAIN_MAX]; /* letters and digits only, lower case */
};

static enum word_kind kind_of(struct span word)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_iis(word, words[i].word) || (words[i].is_suffix && span_iends(word, span_of(words[i].word))))
            return words[i].kind;
    return WORD_NONE;
}

static void add_number(struct parts *p, struct span digits)
{
    uint64_t n;

    if (digits.len <= 3 && p->number_count < NUMBERS_MAX && !span_u64(digits, 999, &n))
        p->numbers[p->number_count++] = (unsigned)n;
}

static void take_apart(struct span front, struct parts *p)
{
    size_t solid = 0;

    for (size_t i = 0, end; i < front.len; i = end) {
        char c = front.ptr[i];
        bool is_number = ascii_is_digit(c);

        end = i + 1;
        if (!ascii_is_alnum(c))
            continue;
        while (end < front.len && ascii_is_alnum(front.ptr[end]) && ascii_is_digit(front.ptr[end]) == is_number)
            end++;
        struct span run = span_make(front.ptr + i, end - i);

        if (is_number)
            add_number(p, run);
        else
            p->has[kind_of(run)] = true;
        for (size_t k = 0; k < run.len && solid + 1 < sizeof p->solid; k++)
            p->solid[solid++] = ascii_lower(run.ptr[k]);
    }
}

/* All four octets in a row, forwards or backwards. */
static bool has_octets(const struct parts *p, const uint8_t *ip)
{
    for (size_t i = 0; i + 4 <= p->number_count; i++) {
        const unsigned *n = p->numbers + i;

        if (n[0] == ip[0] && n[1] == ip[1] && n[2] == ip[2] && n[3] == ip[3])
            return true;
        if (n[0] == ip[3] && n[1] == ip[2] && n[2] == ip[1] && n[3] == ip[0])
            return true;
    }
    return false;
}

static bool has_end_of_octets(const struct parts *p, const uint8_t *ip)
{
    for (size_t i = 0; i + 2 <= p->number_count; i++) {
        const unsigned *n = p->numbers + i;

        if ((n[0] == ip[2] && n[1] == ip[3]) || (n[0] == ip[3] && n[1] == ip[2]))
            return true;
    }
    return false;
}

/* Two hexadecimal or three decimal digits for each octet, none left out. */
static bool has_padded(const struct parts *p, const uint8_t *ip, bool is_backwards)
{
    char hex[9], decimal[13];

    for (unsigned i = 0; i < 4; i++) {
        unsigned octet = ip[is_backwards ? 3 - i : i];

        snprintf(hex + (size_t)i * 2, 3, "%02x", octet);
        snprintf(decimal + (size_t)i * 3, 4, "%03u", octet);
    }
    return strstr(p->solid, hex) || strstr(p->solid, decimal);
}

static bool has_ip4(const struct parts *p, const uint8_t *ip)
{
    char number[16];

    snprintf(number, sizeof number, "%u", (unsigned)ip[0] << 24 | (unsigned)ip[1] << 16 | (unsigned)ip[2] << 8 | ip[3]);
    return has_octets(p, ip) || has_padded(p, ip, false) || has_padded(p, ip, true) ||
           (strlen(number) >= 9 && strstr(p->solid, number));
}

/* All 32 digits, forwards or backwards; or the interface's 16, unless they are but zeros and a small number. */
static bool has_ip6(const struct parts *p, const uint8_t *ip)
{
    char forwards[33], backwards[33];
    unsigned used = 0;

    for (size_t i = 0; i < 16; i++)
        snprintf(forwards + 2 * i, 3, "%02x", ip[i]);
    for (size_t i = 0; i < 32; i++)
        backwards[i] = forwards[31 - i];
    backwards[32] = 0;
    for (size_t i = 8; i < 16; i++)
        used += ip[i] != 0;
    return strstr(p->solid, forwards) || strstr(p->solid, backwards) || (used >= 4 && strstr(p->solid, forwards + 16));
}

/* "2001-db8--7.example.net": as it is written, with another separator. */
static bool has_ip6_text(struct span front, const struct addr *client)
{
    char text[ADDR_TEXT_MAX];

    addr_text(client, text);
    for (char *c = text; *c; c++)
        if (*c == ':')
            *c = '-';
    return strlen(text) >= 8 && span_isearch(front, span_of(text)) != SPAN_NPOS;
}

/* Some suffixes are a provider's ("compute.amazonaws.com"): then the name is its own organization's, and its first
 * label is read, but for the address only. */
static struct span front_of(const char *name, bool *is_organization)
{
    const char *organization = domain_org_psl(name);
    struct span whole = span_of(name);
    size_t dot = span_find(whole, '.');

    *is_organization = organization == name;
    if (organization == name)
        return span_first(whole, dot == SPAN_NPOS ? whole.len : dot);
    return span_first(whole, organization ? (size_t)(organization - name) : whole.len);
}

static bool has_address(const struct parts *p, struct span front, const struct addr *client)
{
    if (client->family == ADDR_IP4)
        return has_ip4(p, client->bytes);
    return client->family == ADDR_IP6 && (has_ip6(p, client->bytes) || has_ip6_text(front, client));
}

enum generic generic_name(const char *name, const struct addr *client)
{
    struct parts p = { 0 };
    bool is_organization;
    struct span front = front_of(name, &is_organization);

    take_apart(front, &p);
    if (p.has[WORD_MAIL])
        return GENERIC_NOT;
    bool has_all = has_address(&p, front, client);
    bool has_end = client->family == ADDR_IP4 && has_end_of_octets(&p, client->bytes);

    if (p.has[WORD_DYNAMIC])
        return has_all || has_end ? GENERIC_DYNAMIC : is_organization ? GENERIC_NOT : GENERIC_WORD;
    if (p.has[WORD_STATIC])
        return has_all ? GENERIC_STATIC : GENERIC_NOT;
    if (p.has[WORD_ACCESS])
        return has_all || has_end ? GENERIC_ACCESS : GENERIC_NOT;
    return has_all ? GENERIC_ADDRESS : GENERIC_NOT;
}

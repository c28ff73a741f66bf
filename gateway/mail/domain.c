/* mail/domain.c - domain names: normal form, labels, and the organizational domain by the public suffix list.
 *
 * The normal form is what the DNS is asked for and what names are compared in: lower case A-labels. libidn2 maps by
 * UTS 46, non-transitional, as browsers and mail readers do; what it yields is examined again, because its mapping may
 * produce any ASCII (U+2100 becomes "a/c").
 *
 * Threads: any. The public suffix list is loaded once, without a lock: whoever comes first puts it in place, and
 * others that loaded it at the same time drop theirs. dmarc loads it at start, before privileges are dropped.
 */
#include "gateway/mail/domain.h"

#include <idn2.h>
#include <libpsl.h>
#include <stdatomic.h>

#include "gateway/base/utf8.h"

/* No U-label is longer than this when its A-label fits into 63 bytes; keeps the work of libidn2 small. */
enum { UTF8_DOMAIN_MAX = 4 * DOMAIN_MAX };

static bool is_name_byte(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_';
}

static enum fault normal_ascii(struct span text, char out[DOMAIN_MAX])
{
    size_t label = 0;

    if (text.len && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len == 0)
        return FAULT_SYNTAX;
    if (text.len >= DOMAIN_MAX)
        return FAULT_TOO_LONG;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != '.') {
            if (!is_name_byte(text.ptr[i]))
                return FAULT_SYNTAX;
            label++;
            continue;
        }
        if (label == 0)
            return FAULT_SYNTAX;
        if (label > DOMAIN_LABEL_MAX)
            return FAULT_TOO_LONG;
        label = 0;
    }
    for (size_t i = 0; i < text.len; i++)
        out[i] = ascii_lower(text.ptr[i]);
    out[text.len] = '\0';
    return FAULT_NONE;
}

static enum fault normal_utf8(struct span text, char out[DOMAIN_MAX])
{
    char copy[UTF8_DOMAIN_MAX];
    uint8_t *mapped = NULL;
    enum fault fault = span_copy(text, copy, sizeof copy);

    if (fault)
        return fault;
    if (!utf8_is_valid(text))
        return FAULT_SYNTAX;
    int result = idn2_lookup_u8((const uint8_t *)copy, &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

    if (result == IDN2_TOO_BIG_DOMAIN || result == IDN2_TOO_BIG_LABEL)
        return FAULT_TOO_LONG;
    if (result != IDN2_OK)
        return FAULT_SYNTAX;
    fault = normal_ascii(span_of((const char *)mapped), out);
    idn2_free(mapped);
    return fault;
}

enum fault domain_normal(struct span text, char out[DOMAIN_MAX])
{
    return ascii_is_all(text) ? normal_ascii(text, out) : normal_utf8(text, out);
}

bool domain_is_fqdn(struct span text)
{
    char normal[DOMAIN_MAX];

    if (domain_normal(text, normal))
        return false;
    const char *last = strrchr(normal, '.');

    return last && last[1 + strspn(last + 1, "0123456789")] != '\0';
}

unsigned domain_labels(const char *domain)
{
    unsigned labels = *domain ? 1 : 0;

    for (; *domain; domain++)
        labels += *domain == '.';
    return labels;
}

const char *domain_parent(const char *domain)
{
    const char *dot = strchr(domain, '.');

    return dot ? dot + 1 : NULL;
}

bool domain_is_under(const char *domain, const char *parent)
{
    struct span d = span_of(domain), p = span_of(parent);

    if (p.len == 0 || !span_iends(d, p))
        return false;
    return d.len == p.len || d.ptr[d.len - p.len - 1] == '.';
}

/* The newer of the system's list and the one built into libpsl. */
static const psl_ctx_t *suffix_list(void)
{
    static _Atomic(psl_ctx_t *) loaded;
    psl_ctx_t *list = atomic_load(&loaded), *none = NULL;

    if (list)
        return list;
    list = psl_latest(NULL);
    if (atomic_compare_exchange_strong(&loaded, &none, list))
        return list;
    psl_free(list);
    return none;
}

const char *domain_org_psl(const char *domain)
{
    return psl_registrable_domain(suffix_list(), domain);
}

bool domain_is_public_suffix(const char *domain)
{
    return psl_is_public_suffix(suffix_list(), domain) != 0;
}

bool domain_is_registry_suffix(const char *domain)
{
    return psl_is_public_suffix2(suffix_list(), domain, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) != 0;
}

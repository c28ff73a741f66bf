/* scanners/dmarc_walk.c - where a domain's DMARC policy is, which its organizational domain is, and who is aligned. */
#include "scanners/dmarc_walk.h"

#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"

/* What could be at a name that did not answer. */
enum assumed { ASSUME_NOTHING, ASSUME_RECORD, ASSUME_PSD_NO, ASSUME_PSD_YES, ASSUME_COUNT };

/* `domain` without labels at its left end until `labels` are left. */
static const char *shortened(const char *domain, unsigned labels)
{
    for (unsigned n = domain_labels(domain); n > labels; n--)
        domain = domain_parent(domain);
    return domain;
}

static enum dmarc_found found_in(const struct dns_answer *a, struct dmarc_record *record)
{
    enum dmarc_found found = DMARC_FOUND_NOTHING;
    struct dmarc_record one;

    if (a->state != DNS_OK)
        return a->state == DNS_NODATA || a->state == DNS_NXDOMAIN ? DMARC_FOUND_NOTHING : DMARC_FOUND_FAILED;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!dmarc_record_parse(a->records[i].data, &one))
            continue;
        found = found == DMARC_FOUND_NOTHING ? DMARC_FOUND_RECORD : DMARC_FOUND_SEVERAL;
        *record = one;
    }
    return found;
}

/* One name of the walk; NULL when its answer is not here yet. The list is only looked into where it matters. */
static const struct dns_answer *look(struct inquiry *q, const char *domain, struct dmarc_name *out)
{
    char name[DNS_NAME_MAX + 8];

    *out = (struct dmarc_name){ .domain = domain };
    snprintf(name, sizeof name, "_dmarc.%s", domain);
    const struct dns_answer *a = ask_dns(q, name, DNS_TXT);

    if (!a)
        return NULL;
    out->found = found_in(a, &out->record);
    if (out->found == DMARC_FOUND_FAILED || (out->found == DMARC_FOUND_RECORD && out->record.psd == DMARC_PSD_UNSAID))
        out->is_registry = domain_is_registry_suffix(domain);
    return a;
}

/* Which names: the domain itself, then from at most 7 labels down to one [RFC9989 4.10]; or the organizational domain
 * by the list. */
static size_t names_of(enum dmarc_discovery discovery, const char *domain, const char *names[DMARC_WALK_NAMES])
{
    size_t count = 0;

    names[count++] = domain;
    if (discovery == DMARC_BY_LIST) {
        const char *org = domain_org_psl(domain);

        if (org && org != domain)
            names[count++] = org;
        return count;
    }
    unsigned labels = domain_labels(domain);

    for (unsigned left = labels > DMARC_WALK_NAMES ? DMARC_WALK_NAMES - 1 : labels - 1; left > 0; left--)
        names[count++] = shortened(domain, left);
    return count;
}

enum step dmarc_walk(struct inquiry *q, enum dmarc_discovery discovery, const char *domain, struct dmarc_walk *out)
{
    const char *names[DMARC_WALK_NAMES];
    enum step step = STEP_DONE;

    *out = (struct dmarc_walk){ .discovery = discovery, .count = names_of(discovery, domain, names) };
    for (size_t i = 0; i < out->count; i++) {
        const struct dns_answer *a = look(q, names[i], &out->names[i]);

        if (!a)
            step = STEP_WAIT;
        else if (i == 0)
            out->is_absent = a->state == DNS_NXDOMAIN;
    }
    return step;
}

/* What is at a name under an assumption: is there a record, and what does it say of psd? */
static bool has_record(const struct dmarc_name *name, enum assumed assumed, enum dmarc_psd *psd)
{
    static const enum dmarc_psd psd_of[] = {
        [ASSUME_RECORD] = DMARC_PSD_UNSAID, [ASSUME_PSD_NO] = DMARC_PSD_NO, [ASSUME_PSD_YES] = DMARC_PSD_YES
    };
    bool has_failed = name->found == DMARC_FOUND_FAILED;

    if (has_failed ? assumed == ASSUME_NOTHING : name->found != DMARC_FOUND_RECORD)
        return false;
    *psd = has_failed ? psd_of[assumed] : name->record.psd;
    if (name->is_registry && (*psd == DMARC_PSD_UNSAID || has_failed))
        *psd = DMARC_PSD_YES;
    return true;
}

/* The organizational domain [RFC9989 4.10.2], and the public suffix whose record would apply in its stead. */
static const char *organization(const struct dmarc_walk *walk, enum assumed assumed, const struct dmarc_name **suffix)
{
    const char *domain = walk->names[0].domain, *org = domain;

    *suffix = NULL;
    if (walk->discovery == DMARC_BY_LIST)
        return walk->names[walk->count - 1].domain;
    for (size_t i = 0; i < walk->count; i++) {
        const struct dmarc_name *name = &walk->names[i];
        enum dmarc_psd psd;

        if (!has_record(name, assumed, &psd))
            continue;
        if (psd == DMARC_PSD_NO || (psd == DMARC_PSD_YES && i == 0))
            return name->domain;
        if (psd == DMARC_PSD_YES) {
            *suffix = name;
            return shortened(domain, domain_labels(name->domain) + 1);
        }
        org = name->domain;
    }
    return org;
}

static bool names_record(const struct dmarc_name *name, enum assumed assumed)
{
    enum dmarc_psd psd;

    return has_record(name, assumed, &psd);
}

/* The record that applies: the author's, the organizational domain's, the public suffix's [RFC9989 4.10.1]. */
static const struct dmarc_name *applying(const struct dmarc_walk *walk, enum assumed assumed, const char **org)
{
    const struct dmarc_name *suffix;

    *org = organization(walk, assumed, &suffix);
    if (names_record(&walk->names[0], assumed))
        return &walk->names[0];
    for (size_t i = 1; i < walk->count; i++)
        if (strcmp(walk->names[i].domain, *org) == 0 && names_record(&walk->names[i], assumed))
            return &walk->names[i];
    return suffix;
}

void dmarc_discover(const struct dmarc_walk *walk, struct dmarc_discovered *out)
{
    out->is_known = true;
    out->applies = applying(walk, ASSUME_NOTHING, &out->organizational_domain);
    for (int assumed = ASSUME_NOTHING + 1; assumed < ASSUME_COUNT; assumed++) {
        const char *org;

        if (applying(walk, (enum assumed)assumed, &org) != out->applies)
            out->is_known = false;
    }
    if (out->applies && out->applies->found == DMARC_FOUND_FAILED)
        BUG("a failed look-up as policy");
}

/* Could the two have one organizational domain? Only one of the author's can be it, and the domain must be under it. */
static bool could_align(const struct dmarc_walk *author, const char *domain)
{
    const struct dmarc_name *suffix;

    for (int assumed = 0; assumed < ASSUME_COUNT; assumed++)
        if (domain_is_under(domain, organization(author, (enum assumed)assumed, &suffix)))
            return true;
    return false;
}

enum dmarc_aligned dmarc_aligned(struct inquiry *q, const struct dmarc_walk *author, const char *domain, bool is_strict)
{
    const struct dmarc_name *suffix;
    struct dmarc_walk walk;
    unsigned same = 0;

    if (strcmp(author->names[0].domain, domain) == 0)
        return DMARC_ALIGNED;
    if (is_strict || !could_align(author, domain))
        return DMARC_NOT_ALIGNED;
    if (author->discovery == DMARC_BY_LIST) {
        const char *org = domain_org_psl(domain);

        return org && strcmp(org, organization(author, ASSUME_NOTHING, &suffix)) == 0 ? DMARC_ALIGNED
                                                                                      : DMARC_NOT_ALIGNED;
    }
    if (dmarc_walk(q, author->discovery, domain, &walk) == STEP_WAIT)
        return DMARC_ALIGNED_WAIT;
    for (int assumed = 0; assumed < ASSUME_COUNT; assumed++) {
        const char *of_author = organization(author, (enum assumed)assumed, &suffix);

        same += strcmp(of_author, organization(&walk, (enum assumed)assumed, &suffix)) == 0;
    }
    return same == 0 ? DMARC_NOT_ALIGNED : same == ASSUME_COUNT ? DMARC_ALIGNED : DMARC_MAYBE_ALIGNED;
}

void dmarc_foresee(struct inquiry *q, const char *author, const char *domain)
{
    unsigned labels = domain_labels(author) < domain_labels(domain) ? domain_labels(author) : domain_labels(domain);
    struct dmarc_walk walk;

    while (labels > 1 && strcmp(shortened(author, labels), shortened(domain, labels)) != 0)
        labels--;
    if (labels > 1 && !domain_is_registry_suffix(shortened(author, labels)))
        dmarc_walk(q, DMARC_BY_TREE, domain, &walk);
}

/* mail/domain.h - domain names: normal form, labels, and the organizational domain by the public suffix list. */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "gateway/base/arena.h"

enum { DOMAIN_MAX = 254, DOMAIN_LABEL_MAX = 63 };

/* domain_normal - lower case A-labels [RFC5891] without a final dot, as a C string into `out` (DOMAIN_MAX).
 * FAULT_SYNTAX (empty label, bytes that no host or mail domain has, an address literal), FAULT_TOO_LONG.
 * Underscores are taken: _dmarc and the like are asked for. */
enum fault domain_normal(struct span text, char out[DOMAIN_MAX]);
/* domain_is_fqdn - at least two labels, the last one not all digits. */
bool domain_is_fqdn(struct span text);
unsigned domain_labels(const char *domain);
/* domain_parent - behind the first dot; NULL for one label. */
const char *domain_parent(const char *domain);
/* domain_is_under - equal to, or a subdomain of, `parent`; both normal. */
bool domain_is_under(const char *domain, const char *parent);

/* domain_org_psl - the organizational domain by the public suffix list [RFC7489 3.2]: the public suffix and one label
 * more; points into `domain`. NULL when `domain` is a public suffix itself. Normal form wanted.
 * domain_is_public_suffix - also for unlisted top level domains (the list's rule "*").
 * domain_is_registry_suffix - only for those that the list has in its ICANN part: registries, not hosting companies.
 * Threads: any; the first call loads the list (a file, some milliseconds). */
const char *domain_org_psl(const char *domain);
bool domain_is_public_suffix(const char *domain);
bool domain_is_registry_suffix(const char *domain);

#endif

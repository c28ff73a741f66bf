/* scanners/dnsbl_hash.h - names under which lists of hashes are asked. */
#ifndef SCANNERS_DNSBL_HASH_H
#define SCANNERS_DNSBL_HASH_H

/* In the order of the configuration's words; a list's documentation says which it wants. */
enum dnsbl_hash { DNSBL_PLAIN, DNSBL_SHA1, DNSBL_SHA256, DNSBL_MD5, DNSBL_SHA1_BASE32, DNSBL_SHA256_BASE32 };

enum { DNSBL_HASH_TEXT_MAX = 65 };

/* dnsbl_hash - of `text`, in hexadecimal or base32 (lower case, no padding); into `out`, which it returns.
 * NULL: the system's OpenSSL does not have it. */
const char *dnsbl_hash(enum dnsbl_hash kind, const char *text, char out[DNSBL_HASH_TEXT_MAX]);

#endif

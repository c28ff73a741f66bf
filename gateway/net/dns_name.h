/* net/dns_name.h - domain names between text and wire [RFC1035 3.1, 4.1.4].
 *
 * On the wire a label may hold any byte. As text, whatever is not a letter, digit, "-", "_" or "/" becomes \DDD
 * [RFC1035 5.1], so that a name out of the DNS can go into a log, a header or a reply as it is, and no dot, blank,
 * NUL or quote inside a label passes for something else. All names are made lower case.
 */
#ifndef NET_DNS_NAME_H
#define NET_DNS_NAME_H

#include "gateway/base/span.h"

enum { DNS_WIRE_MAX = 255, DNS_ESCAPED_MAX = 1024 };

/* dns_name_pack - dotted text into uncompressed wire format; one final dot is fine, "." is the root. Bytes stand for
 * themselves: foreign text holds no escapes. Returns the length, 0 when no such name can exist (empty label, label
 * over 63, name over 255 bytes). dns_name_pack_escaped - the same, for text in which \DDD and \X stand for a byte. */
size_t dns_name_pack(struct span text, uint8_t out[DNS_WIRE_MAX]);
size_t dns_name_pack_escaped(struct span text, uint8_t out[DNS_WIRE_MAX]);
/* dns_name_unpack - the name at `at` of a message, uncompressed and lower case, into `out`; *next (may be NULL) is
 * the place after it. Returns the length, 0 for a malformed one; a pointer may only point backwards. */
size_t dns_name_unpack(struct span packet, size_t at, uint8_t out[DNS_WIRE_MAX], size_t *next);
/* dns_name_text - a name that was packed, as text without final dot ("" for the root); FAULT_TOO_LONG. */
enum fault dns_name_text(const uint8_t *wire, char *out, size_t size);

#endif

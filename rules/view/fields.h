/* rules/view/fields.h - header fields as rules have them: a part of rules/view/scanning.h's functions alone.
 *
 * Limits are SpamAssassin's: a value is cut at 8 KiB, a field's name at 256 bytes, all fields together at 64 KiB.
 */
#ifndef RULES_FIELDS_H
#define RULES_FIELDS_H

#include "rules/view/scanning.h"

enum { FIELD_VALUE_BYTES = 8192, FIELD_NAME_BYTES = 256, FIELDS_BYTES = 65536 };

/* What a rule asks for: "From:addr:first" taken apart. */
struct field_request {
    struct span name;
    bool is_raw, is_addr, is_name, is_host, is_domain, is_ip, is_reversed, is_first, is_last;
};

struct field_request field_request(const char *field, enum header_form form);

/* field_decoded - a field's value on one line, decoded. field_raw - as it stands behind the colon, lines in LF, one at
 * its end. */
struct span field_decoded(struct arena *a, const struct header_field *field);
struct span field_raw(struct arena *a, const struct header_field *field);

/* field_narrow - of the values (raw ones, for addresses and names) what the modifiers ask for. */
struct rule_lines field_narrow(struct arena *a, const struct field_request *request, struct rule_lines values);

#endif

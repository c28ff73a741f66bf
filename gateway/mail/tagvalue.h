/* mail/tagvalue.h - tag=value lists [RFC6376 3.2]: of signatures and key records in DKIM and ARC.
 *
 * Nothing is copied: spans point into the text. All functions are pure.
 */
#ifndef MAIL_TAGVALUE_H
#define MAIL_TAGVALUE_H

#include "gateway/base/span.h"

enum { TAGS_MAX = 64 };

struct tag {
    struct span name;
    struct span value; /* without folding white space at its ends; inside it may be folded */
    struct span raw;   /* all between "=" and ";" */
};

struct tag_list {
    struct tag items[TAGS_MAX];
    size_t count;
};

/* tags_parse - FAULT_SYNTAX (the grammar, or a tag twice), FAULT_TOO_MANY. On a fault `out` holds the tags before it.
 * Bytes above 0x7f are taken in values [RFC8616 5]; controls but folding are not. */
enum fault tags_parse(struct span text, struct tag_list *out);
/* tags_find - by its name, exactly; NULL. tags_value - its value; ptr NULL when there is no such tag. */
const struct tag *tags_find(const struct tag_list *list, const char *name);
struct span tags_value(const struct tag_list *list, const char *name);

/* tag_item - takes the next item of a colon-separated value off *rest, white space around it removed; false after the
 * last. tag_has_item - one of them is `word`, without case. */
bool tag_item(struct span *rest, struct span *item);
bool tag_has_item(struct span value, const char *word);

/* tag_base64 - decodes, white space inside skipped; padding may be missing [RFC6376 2.10]. At most `size` bytes into
 * `out`. FAULT_SYNTAX, FAULT_TOO_LONG. */
enum fault tag_base64(struct span value, unsigned char *out, size_t size, size_t *len);
/* tag_quoted - decodes dkim-quoted-printable [RFC6376 2.11], white space inside skipped, as a C string into `out`.
 * FAULT_SYNTAX (an "=" without two upper case hexadecimal digits, or a NUL), FAULT_TOO_LONG. */
enum fault tag_quoted(struct span value, char *out, size_t size);

#endif

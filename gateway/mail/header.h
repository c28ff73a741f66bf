/* mail/header.h - the header section's index: where each field lies in the original bytes. Nothing is copied.
 *
 * Lines end in CRLF: the doors see to it. A line that is no field and no continuation ends the header section (with
 * an anomaly) just as the empty line does, so that what readers may show as body is not taken for header.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "gateway/base/arena.h"

enum {
    HEADER_BYTES_MAX = 1024 * 1024, /* the most a configuration may allow; its initial value is less */
    HEADER_FIELDS_MAX = 5000,
};

struct header_field {
    struct span name;  /* before the colon, trailing blanks removed */
    struct span body;  /* after the colon, folding included, without the final CRLF */
    struct span whole; /* name to final CRLF, all of it */
};

enum header_anomaly {
    HEADER_OK = 0,
    HEADER_NO_END = 1 << 0,       /* no empty line: the message is all header */
    HEADER_BAD_LINE = 1 << 1,     /* a line that is no field ended it */
    HEADER_TOO_LONG = 1 << 2,     /* more bytes than the limit; the index holds what came before */
    HEADER_TOO_MANY = 1 << 3,     /* more fields than the limit; the same */
    HEADER_NUL = 1 << 4,          /* NUL inside */
    HEADER_8BIT = 1 << 5,         /* bytes above 0x7f */
    HEADER_BLANK_NAME = 1 << 6,   /* blanks between name and colon */
    HEADER_STARTS_FOLDED = 1 << 7 /* the first line is a continuation */
};

struct header_index {
    struct header_field *fields;
    size_t count;
    size_t body_at;     /* offset of the body: behind the empty line */
    unsigned anomalies; /* of enum header_anomaly */
};

/* header_parse - indexes `message` up to its body; fields lie in `a`. Never fails: see `anomalies`. */
void header_parse(struct arena *a, struct span message, size_t most_bytes, size_t most_fields,
                  struct header_index *out);
/* header_find - the `nth` field (0 the topmost) of that name, without case; NULL. header_count - how many. */
const struct header_field *header_find(const struct header_index *h, const char *name, size_t nth);
size_t header_count(const struct header_index *h, const char *name);
/* header_unfold - body with CRLF removed before WSP [RFC5322 2.2.3], trimmed; points into the body when there is
 * nothing to unfold, else in `a`. */
struct span header_unfold(struct arena *a, struct span body);

#endif

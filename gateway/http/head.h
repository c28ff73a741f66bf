/* http/head.h - the head of a request: its first line, which says which of the port's protocols is spoken, and the
 * "Name: value" lines up to the empty one.
 *
 *     POST /checkv2 HTTP/1.1      rspamd's protocol, metrics and health [RFC9112 3]
 *     CHECK RSPAMC/1.3            what Exim speaks with variant=rspamd
 *     CHECK SPAMC/1.5             SpamAssassin's spamc
 *
 * HTTP is read strictly (CRLF, no folding, no blank before a colon): what two readers could take differently is
 * refused, so that nothing can be smuggled past a proxy in front of us [RFC9112 11.2]. Pure functions.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "gateway/base/arena.h"

enum head_protocol { PROTOCOL_HTTP, PROTOCOL_RSPAMC, PROTOCOL_SPAMC };

enum { HEAD_BYTES_MAX = 64 * 1024, HEAD_LINE_MAX = 8 * 1024, HEAD_FIELDS_MAX = 2000, HEAD_WORD_MAX = 32 };

struct head_field {
    struct span name, value; /* the value without blanks at its ends */
};

struct head {
    enum head_protocol protocol;
    struct span method; /* POST, CHECK, ...: at most HEAD_WORD_MAX bytes */
    struct span target; /* of HTTP; else empty */
    unsigned major, minor;
    struct head_field *fields;
    size_t count;
};

enum head_wrong {
    HEAD_OK,
    HEAD_NO_PROTOCOL, /* the first line is none of ours */
    HEAD_BAD_LINE,
    HEAD_TOO_BIG, /* bytes, or fields */
};

/* head_end - the length of the head with its empty line, 0 while that is not here. `*seen` is 0 at first and keeps how
 * far it has looked. PING and SKIP of the two spam protocols are their first line alone. */
size_t head_end(struct span in, size_t *seen);
/* head_parse - a whole head; spans point into `text`, the fields lie in `a`. Else *line is the line that is wrong. The
 * protocol is set in any case: to answer in. */
enum head_wrong head_parse(struct arena *a, struct span text, struct head *out, struct span *line);
/* head_find - the `nth` field of that name, without case; NULL. */
const struct head_field *head_find(const struct head *head, const char *name, size_t nth);
/* head_value - the first field of that name; empty (ptr NULL) when there is none. */
struct span head_value(const struct head *head, const char *name);
/* head_lists - whether `word` is in the comma-separated lists of that name, without case. */
bool head_lists(const struct head *head, const char *name, const char *word);

#endif

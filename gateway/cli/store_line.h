/* cli/store_line.h - a record of the state store as a line of text: what `postern store export` writes and `import`
 * reads.
 *
 *     {"key": "r:per-user/1h:joe", "expires": "2026-11-24T10:00:00.000Z", "rate": {"level": 3.5, ...}}
 *
 * A JSON object per line. `expires` is a time, or null: never. The value is under the name of its kind: `triplet`,
 * `client`, `rate`, `count` with their fields, else `text`, or `hex` for bytes that are none of these; a record always
 * becomes a line that gives back its very bytes. Keys that are no UTF-8 are `key_hex`. Threads: any.
 */
#ifndef CLI_STORE_LINE_H
#define CLI_STORE_LINE_H

#include "gateway/base/strbuf.h"
#include "gateway/store/op.h"

enum { STORE_LINE_MAX = 65536 };

enum record_kind {
    RECORD_TRIPLET,
    RECORD_CLIENT,
    RECORD_RATE,
    RECORD_COUNT,
    RECORD_RECIPIENT,
    RECORD_BAYES, /* totals, messages and buckets of tokens (store/bayes.h) */
    RECORD_OTHER,
    RECORD_KIND_COUNT,
    RECORD_NUMERIC_COUNT = RECORD_RECIPIENT, /* those before are made of numbers */
};

struct store_line {
    char key[STORE_KEY_MAX];
    size_t key_len;
    char value[STORE_VALUE_MAX];
    size_t value_len;
    int64_t expires_ms; /* 0: never */
};

enum record_kind record_kind_of(struct span key, struct span value);
const char *record_kind_text(enum record_kind kind);

/* store_line_write - with its newline. */
void store_line_write(struct strbuf *out, struct span key, struct span value, int64_t expires_ms);
/* store_line_read - without its newline. NULL, or what is wrong with it, for people; then `out` is undefined. */
const char *store_line_read(struct span line, struct store_line *out);

#endif

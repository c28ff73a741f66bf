/* http/json.h - JSON written as it goes, into a strbuf [RFC8259]: no tree, no copies.
 *
 * The caller keeps the grammar: in an object each value follows its key. Foreign bytes that are no UTF-8 become U+FFFD.
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include "gateway/base/strbuf.h"

struct json {
    struct strbuf *out;
    bool needs_comma;
};

/* json_open - '{' or '['; json_close - '}' or ']'. */
void json_open(struct json *j, char bracket);
void json_close(struct json *j, char bracket);
void json_key(struct json *j, struct span key);
void json_text(struct json *j, struct span value);
void json_int(struct json *j, int64_t value);
/* json_fraction - value / 10^digits, always with a fraction: 7.20, -0.05. */
void json_fraction(struct json *j, int64_t value, unsigned digits);
void json_bool(struct json *j, bool value);

/* A key and its value. */
void json_put_text(struct json *j, const char *key, struct span value);
void json_put_int(struct json *j, const char *key, int64_t value);
void json_put_points(struct json *j, const char *key, int hundredths);
void json_put_bool(struct json *j, const char *key, bool value);
void json_put_open(struct json *j, const char *key, char bracket);

#endif

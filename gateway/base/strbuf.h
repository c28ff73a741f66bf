/* base/strbuf.h - bytes of our own that grow, up to a maximum.
 *
 * `data` is always a C string (a NUL follows the bytes, and is not counted). What would grow it past its maximum
 * is left out whole, and `is_full` stays set until strbuf_clear(): write everything, then ask once.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>

#include "gateway/base/span.h"

struct strbuf {
    char *data;
    size_t len;
    size_t capacity;
    size_t most_bytes;
    bool is_full;
};

/* strbuf_init - nothing is allocated until something is written; release with strbuf_release(). */
void strbuf_init(struct strbuf *b, size_t most_bytes);
void strbuf_release(struct strbuf *b);
void strbuf_clear(struct strbuf *b);

void strbuf_put(struct strbuf *b, struct span bytes);
void strbuf_puts(struct strbuf *b, const char *text);
void strbuf_putc(struct strbuf *b, char byte);
void strbuf_putf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vputf(struct strbuf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* strbuf_room - makes room for `bytes` more and returns where they go (then add them to len), NULL when full. */
char *strbuf_room(struct strbuf *b, size_t bytes);
/* strbuf_drop - takes `bytes` off the front. */
void strbuf_drop(struct strbuf *b, size_t bytes);

/* strbuf_put_escaped - for logs: everything but printable ASCII as \xHH, `"` and `\` with a backslash, so that
 * foreign bytes can forge neither a line nor a key. At most `most` bytes of input, then "...". */
void strbuf_put_escaped(struct strbuf *b, struct span bytes, size_t most);

static inline struct span strbuf_span(const struct strbuf *b)
{
    return (struct span){ b->data ? b->data : "", b->len };
}

#endif

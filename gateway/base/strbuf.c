/* base/strbuf.c - bytes of our own that grow, up to a maximum. */
#include "gateway/base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"

void strbuf_init(struct strbuf *b, size_t most_bytes)
{
    *b = (struct strbuf){ .most_bytes = most_bytes };
}

void strbuf_release(struct strbuf *b)
{
    free(b->data);
    strbuf_init(b, b->most_bytes);
}

void strbuf_clear(struct strbuf *b)
{
    b->len = 0;
    b->is_full = false;
    if (b->data)
        b->data[0] = '\0';
}

char *strbuf_room(struct strbuf *b, size_t bytes)
{
    if (bytes > b->most_bytes || b->len > b->most_bytes - bytes) {
        b->is_full = true;
        return NULL;
    }
    size_t need = b->len + bytes + 1;

    if (need > b->capacity) {
        size_t grown = b->capacity ? b->capacity * 2 : 128;

        b->capacity = grown > need ? grown : need;
        b->data = mem_grow(b->data, b->capacity);
        b->data[b->len] = '\0';
    }
    return b->data + b->len;
}

void strbuf_put(struct strbuf *b, struct span bytes)
{
    char *to = strbuf_room(b, bytes.len);

    if (!to)
        return;
    if (bytes.len)
        memcpy(to, bytes.ptr, bytes.len);
    b->len += bytes.len;
    b->data[b->len] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *text)
{
    strbuf_put(b, span_of(text));
}

void strbuf_putc(struct strbuf *b, char byte)
{
    strbuf_put(b, span_make(&byte, 1));
}

void strbuf_vputf(struct strbuf *b, const char *format, va_list args)
{
    char small[512];
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);

    if (n < 0)
        BUG("format %s", format);
    if ((size_t)n < sizeof small) {
        strbuf_put(b, span_make(small, (size_t)n));
    } else {
        char *to = strbuf_room(b, (size_t)n);

        if (to) {
            vsnprintf(to, (size_t)n + 1, format, again);
            b->len += (size_t)n;
        }
    }
    va_end(again);
}

void strbuf_putf(struct strbuf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    strbuf_vputf(b, format, args);
    va_end(args);
}

void strbuf_drop(struct strbuf *b, size_t bytes)
{
    if (bytes > b->len)
        BUG("dropping %zu of %zu bytes", bytes, b->len);
    if (!bytes)
        return;
    memmove(b->data, b->data + bytes, b->len - bytes);
    b->len -= bytes;
    b->data[b->len] = '\0';
}

void strbuf_put_escaped(struct strbuf *b, struct span bytes, size_t most)
{
    for (size_t i = 0; i < bytes.len && i < most; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];

        if (c == '"' || c == '\\') {
            strbuf_putc(b, '\\');
            strbuf_putc(b, (char)c);
        } else if (c < 0x20 || c > 0x7e) {
            strbuf_putf(b, "\\x%02x", c);
        } else {
            strbuf_putc(b, (char)c);
        }
    }
    if (bytes.len > most)
        strbuf_puts(b, "...");
}

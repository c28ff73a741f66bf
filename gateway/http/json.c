/* http/json.c - JSON written as it goes. */
#include "gateway/http/json.h"

#include "gateway/base/utf8.h"

static void begin_value(struct json *j)
{
    if (j->needs_comma)
        strbuf_putc(j->out, ',');
    j->needs_comma = true;
}

void json_open(struct json *j, char bracket)
{
    begin_value(j);
    strbuf_putc(j->out, bracket);
    j->needs_comma = false;
}

void json_close(struct json *j, char bracket)
{
    strbuf_putc(j->out, bracket);
    j->needs_comma = true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' && c != '\\';
}

static void put_escape(struct strbuf *out, char c)
{
    static const char letters[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *known = c ? strchr(letters, c) : NULL;

    if (known)
        strbuf_putf(out, "\\%c", names[known - letters]);
    else
        strbuf_putf(out, "\\u%04x", (unsigned char)c);
}

/* The character at the front that does not stand for itself; returns its bytes. */
static size_t put_odd(struct strbuf *out, struct span s)
{
    size_t n = utf8_length(s);

    if (!n)
        strbuf_puts(out, "\\ufffd");
    else if (n > 1)
        strbuf_put(out, span_first(s, n));
    else
        put_escape(out, s.ptr[0]);
    return n ? n : 1;
}

static void put_string(struct strbuf *out, struct span s)
{
    strbuf_putc(out, '"');
    while (s.len) {
        size_t n = 0;

        while (n < s.len && is_plain(s.ptr[n]))
            n++;
        if (n)
            strbuf_put(out, span_first(s, n));
        s = span_skip(s, n);
        if (s.len)
            s = span_skip(s, put_odd(out, s));
    }
    strbuf_putc(out, '"');
}

void json_key(struct json *j, struct span key)
{
    begin_value(j);
    put_string(j->out, key);
    strbuf_putc(j->out, ':');
    j->needs_comma = false;
}

void json_text(struct json *j, struct span value)
{
    begin_value(j);
    put_string(j->out, value);
}

void json_int(struct json *j, int64_t value)
{
    begin_value(j);
    strbuf_putf(j->out, "%lld", (long long)value);
}

void json_fraction(struct json *j, int64_t value, unsigned digits)
{
    uint64_t size = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value, one = 1;

    for (unsigned i = 0; i < digits; i++)
        one *= 10;
    begin_value(j);
    strbuf_putf(j->out, "%s%llu.%0*llu", value < 0 ? "-" : "", (unsigned long long)(size / one), (int)digits,
                (unsigned long long)(size % one));
}

void json_bool(struct json *j, bool value)
{
    begin_value(j);
    strbuf_puts(j->out, value ? "true" : "false");
}

void json_put_text(struct json *j, const char *key, struct span value)
{
    json_key(j, span_of(key));
    json_text(j, value);
}

void json_put_int(struct json *j, const char *key, int64_t value)
{
    json_key(j, span_of(key));
    json_int(j, value);
}

void json_put_points(struct json *j, const char *key, int hundredths)
{
    json_key(j, span_of(key));
    json_fraction(j, hundredths, 2);
}

void json_put_bool(struct json *j, const char *key, bool value)
{
    json_key(j, span_of(key));
    json_bool(j, value);
}

void json_put_open(struct json *j, const char *key, char bracket)
{
    json_key(j, span_of(key));
    json_open(j, bracket);
}

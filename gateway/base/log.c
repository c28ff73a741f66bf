/* base/log.c - one line per event. The only lock is the kernel's: a line is one write(). */
#include "gateway/base/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/utf8.h"

enum { LOG_LINE_MAX = 16384, LOG_VALUE_MAX = 1000 };

static atomic_int format_now = LOG_LOGFMT;
static atomic_int level_now = LOG_INFO;
static atomic_int fd_now = STDERR_FILENO;

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const char *const syslog_prefix[] = { "<3>", "<4>", "<6>", "<7>" };

void log_configure(enum log_format format, enum log_level most)
{
    atomic_store(&format_now, (int)format);
    atomic_store(&level_now, (int)most);
}

void log_to_fd(int fd)
{
    atomic_store(&fd_now, fd);
}

static bool is_json(void)
{
    return atomic_load(&format_now) == LOG_JSON;
}

/* A key and its value are in the line as a whole or not at all: put_key() says where it began, to end_key(). */
static size_t put_key(struct log_line *line, const char *key)
{
    size_t at = line->text.len;

    strbuf_putf(&line->text, is_json() ? ",\"%s\":" : " %s=", key);
    return at;
}

static void end_key(struct log_line *line, size_t at)
{
    if (!line->text.is_full)
        return;
    line->text.len = at;
    line->text.is_full = false;
    line->is_cut = true;
}

static void put_json_character(struct strbuf *b, uint32_t c)
{
    if (c == '"' || c == '\\')
        strbuf_putf(b, "\\%c", (char)c);
    else if (c >= 0x20 && c <= 0x7e)
        strbuf_putc(b, (char)c);
    else if (c < 0x10000)
        strbuf_putf(b, "\\u%04x", c);
    else /* [RFC8259 7] */
        strbuf_putf(b, "\\u%04x\\u%04x", 0xd800U + ((c - 0x10000U) >> 10U), 0xdc00U + ((c - 0x10000U) & 0x3ffU));
}

/* UTF-8 as its characters; in what is none, each byte stands for itself. */
static void put_json_string(struct strbuf *b, struct span value)
{
    bool is_utf8 = utf8_is_valid(value);
    size_t length = 1;

    strbuf_putc(b, '"');
    for (size_t i = 0; i < value.len && i < LOG_VALUE_MAX && !b->is_full; i += length) {
        struct span rest = span_skip(value, i);

        length = is_utf8 ? utf8_length(rest) : 1;
        put_json_character(b, is_utf8 ? utf8_code_point(rest, length) : (unsigned char)*rest.ptr);
    }
    strbuf_puts(b, value.len > LOG_VALUE_MAX ? "...\"" : "\"");
}

static bool is_plain(struct span value)
{
    if (!value.len)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c <= 0x20 || c > 0x7e || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return value.len <= LOG_VALUE_MAX;
}

void log_start(struct log_line *line, enum log_level level, const char *event)
{
    char now[CLOCK_TEXT_MAX];

    strbuf_init(&line->text, LOG_LINE_MAX);
    line->level = level;
    line->is_cut = false;
    line->is_wanted = (int)level <= atomic_load(&level_now);
    if (!line->is_wanted)
        return;
    clock_iso(clock_wall_ms(), now);
    if (getenv("JOURNAL_STREAM"))
        strbuf_puts(&line->text, syslog_prefix[level]);
    strbuf_putf(&line->text, is_json() ? "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %s event=%s", now,
                level_names[level], event);
}

void log_str(struct log_line *line, const char *key, struct span value)
{
    if (!line->is_wanted)
        return;
    size_t at = put_key(line, key);

    if (is_json()) {
        put_json_string(&line->text, value);
    } else if (is_plain(value)) {
        strbuf_put(&line->text, value);
    } else {
        strbuf_putc(&line->text, '"');
        strbuf_put_escaped(&line->text, value, LOG_VALUE_MAX);
        strbuf_putc(&line->text, '"');
    }
    end_key(line, at);
}

void log_cstr(struct log_line *line, const char *key, const char *value)
{
    log_str(line, key, span_of(value));
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
    if (!line->is_wanted)
        return;
    size_t at = put_key(line, key);

    strbuf_putf(&line->text, "%" PRId64, value);
    end_key(line, at);
}

void log_points(struct log_line *line, const char *key, int hundredths)
{
    if (!line->is_wanted)
        return;
    size_t at = put_key(line, key);

    int64_t size = hundredths < 0 ? -(int64_t)hundredths : hundredths;

    strbuf_putf(&line->text, "%s%" PRId64 ".%02" PRId64, hundredths < 0 ? "-" : "", size / 100, size % 100);
    end_key(line, at);
}

static void log_vfmt(struct log_line *line, const char *key, const char *format, va_list args)
{
    struct strbuf value;

    if (!line->is_wanted)
        return;
    strbuf_init(&value, LOG_LINE_MAX);
    strbuf_vputf(&value, format, args);
    log_str(line, key, strbuf_span(&value));
    strbuf_release(&value);
}

void log_fmt(struct log_line *line, const char *key, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_vfmt(line, key, format, args);
    va_end(args);
}

void log_send(struct log_line *line)
{
    if (line->is_wanted) {
        line->text.most_bytes += 20; /* a line that is full still ends */
        if (line->is_cut)
            strbuf_puts(&line->text, is_json() ? ",\"cut\":\"yes\"" : " cut=yes");
        strbuf_puts(&line->text, is_json() ? "}\n" : "\n");
        struct span s = strbuf_span(&line->text);
        ssize_t written = write(atomic_load(&fd_now), s.ptr, s.len);

        (void)written; /* a log that cannot be written cannot be complained about */
    }
    strbuf_release(&line->text);
}

static void log_sentence(enum log_level level, const char *event, const char *format, va_list args)
{
    struct log_line line;

    log_start(&line, level, event);
    log_vfmt(&line, "text", format, args);
    log_send(&line);
}

#define LOG_SENTENCE(name, level)                                                                                      \
    void name(const char *event, const char *format, ...)                                                              \
    {                                                                                                                  \
        va_list args;                                                                                                  \
                                                                                                                       \
        va_start(args, format);                                                                                        \
        log_sentence(level, event, format, args);                                                                      \
        va_end(args);                                                                                                  \
    }

LOG_SENTENCE(log_error, LOG_ERROR)
LOG_SENTENCE(log_warn, LOG_WARN)
LOG_SENTENCE(log_info, LOG_INFO)
LOG_SENTENCE(log_debug, LOG_DEBUG)

/* base/log.h - one line per event, to standard error.
 *
 *     log_start(&line, LOG_INFO, "message");
 *     log_str(&line, "from", span);  log_int(&line, "score", 1200);
 *     log_send(&line);
 *
 * Format is `key=value` (values quoted and escaped where they need it) or one JSON object per line, by
 * log_configure(). Foreign bytes are always escaped; a value is cut at 1000 bytes, a line at 16 KiB: keys that no
 * longer fit are left out whole, and it ends in cut=yes. Nothing a client can cause is LOG_ERROR. Threads: any; a line
 * is written with one write(). Under systemd (JOURNAL_STREAM) lines carry "<N>".
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "gateway/base/strbuf.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_line {
    struct strbuf text;
    enum log_level level;
    bool is_wanted;
    bool is_cut;
};

/* log_configure - lines above `most` are dropped. Call before threads start, or on reload. */
void log_configure(enum log_format format, enum log_level most);
/* log_to_fd - where lines go; standard error unless told (tests). */
void log_to_fd(int fd);

void log_start(struct log_line *line, enum log_level level, const char *event);
void log_str(struct log_line *line, const char *key, struct span value);
void log_cstr(struct log_line *line, const char *key, const char *value);
void log_int(struct log_line *line, const char *key, int64_t value);
/* log_points - hundredths as "4.00". */
void log_points(struct log_line *line, const char *key, int hundredths);
void log_fmt(struct log_line *line, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_send(struct log_line *line);

/* log_error, log_warn, log_info, log_debug - an event that is only a sentence: event=... text="...". */
void log_error(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

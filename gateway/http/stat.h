/* http/stat.h - /stat, /statreset and /auth, as rspamc and rspamd's other tools know them. */
#ifndef HTTP_STAT_H
#define HTTP_STAT_H

#include "gateway/base/strbuf.h"

struct http_door;

void stat_write(const struct http_door *door, struct strbuf *out);
/* stat_reset - /stat counts from now on; the metrics are not touched. */
void stat_reset(struct http_door *door);
void stat_write_auth(const struct http_door *door, struct strbuf *out);

/* What all doors have judged, by rspamd's words. */
struct stat_counts {
    uint64_t scanned, spam, ham, learned;
    uint64_t connections; /* to the scan API */
    uint64_t actions[6];  /* by enum stat_action */
    int64_t sum_us;
    uint64_t timed;
};
enum stat_action { STAT_NO_ACTION, STAT_ADD_HEADER, STAT_SOFT_REJECT, STAT_QUARANTINE, STAT_REJECT, STAT_DISCARD };
extern const char *const stat_action_words[6];

struct metrics;
void stat_count(const struct metrics *m, struct stat_counts *out);

#endif

/* policy/rates_syntax.h - how limits are written: what a key is made of, and how much in which time.
 *
 *     user                           one part
 *     client/24/64 + sender          several; `+` or blanks between them
 *     'newsletter' + sender_domain   a constant is quoted
 *
 *     100 / 1h   20/min   50MiB / 1d
 *
 * Threads: any. Memory: what outlives a call lies in the arena given.
 */
#ifndef POLICY_RATES_SYNTAX_H
#define POLICY_RATES_SYNTAX_H

#include "gateway/base/arena.h"

/* In the order of the words that they are written with. */
enum rates_part_kind {
    RATES_CLIENT,
    RATES_HELO,
    RATES_USER,
    RATES_SENDER,
    RATES_SENDER_DOMAIN,
    RATES_SENDER_ORGANIZATION,
    RATES_RECIPIENT,
    RATES_RECIPIENT_DOMAIN,
    RATES_RECIPIENT_ORGANIZATION,
    RATES_CONSTANT,
};

enum { RATES_PARTS_MAX = 8, RATES_WINDOWS_MAX = 8, RATES_CONSTANT_MAX = 64 };

struct rates_part {
    enum rates_part_kind kind;
    unsigned bits4, bits6; /* of a client: which network stands for it */
    const char *text;      /* of a constant; else NULL */
};

struct rates_key {
    struct rates_part parts[RATES_PARTS_MAX];
    size_t count;
    bool has_recipient; /* or its domain: each recipient has a bucket of its own */
};

struct rates_window {
    double count; /* messages, recipients or bytes */
    double burst; /* at once; the count unless told */
    int64_t per_ms;
    const char *span; /* "1h": the time as it is written shortest */
};

/* The results: NULL, or what is wrong and what to write instead (may lie in `a`). */
const char *rates_key_parse(struct arena *a, const char *text, void *out); /* a conf_parse_fn: struct rates_key */
const char *rates_window_parse(struct arena *a, const char *text, struct rates_window *out);
/* rates_count_parse - "100", "50MiB". */
const char *rates_count_parse(struct arena *a, const char *text, double *out);

/* As they are written shortest; in `a`. */
const char *rates_key_text(struct arena *a, const struct rates_key *key);
const char *rates_count_text(struct arena *a, double count, bool is_bytes);

#endif

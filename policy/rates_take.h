/* policy/rates_take.h - from an envelope to what is taken from which buckets.
 *
 * Each limit has a bucket for each of its rates and each value of its key: "r:per-user/1h:joe@example.org". Values are
 * in lower case and joined by blanks; what is no printable ASCII in them, and blanks, is written %XX, so that no two
 * envelopes meet in a bucket that is not theirs. Buckets of limits that are held at MESSAGE bear "/1h/message".
 *
 * Pure functions; no memory is left behind.
 */
#ifndef POLICY_RATES_TAKE_H
#define POLICY_RATES_TAKE_H

#include "gateway/mail/message.h"
#include "gateway/mail/session.h"
#include "gateway/store/op.h"
#include "policy/rates_conf.h"

struct rates_take {
    const struct rates_limit *limit;
    const struct rates_window *window;
    size_t recipient;   /* whose it is; RATES_ALL: of all together */
    struct store_op op; /* without its time; the key is borrowed until the call returns */
};

#define RATES_ALL ((size_t)-1)

struct rates_taker {
    void (*take)(void *arg, const struct rates_take *take);
    bool (*skips)(void *arg, size_t recipient); /* nothing need be said of that one; NULL: of all */
    void *arg;
};

/* rates_takes - take(arg, ...) for all that this mail takes under `limit`; the same more than once when several
 * recipients share it. `message` is NULL at RCPT. False: the limit is not for this mail. */
bool rates_takes(const struct rates_limit *limit, const struct session *s, const struct message *message,
                 const struct rates_taker *taker);

/* What a key says; the parts point into it. */
struct rates_name {
    struct span limit, window, value;
    bool is_message;
};

/* rates_name_parse - false: it is no rate's. */
bool rates_name_parse(struct span key, struct rates_name *out);

#endif

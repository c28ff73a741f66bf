/* policy/rates_conf.h - what limits there are: the configuration of policy/rates.c.
 *
 * Two checks have such a section: "rates", at RCPT, and "rates_message", when the message is here.
 */
#ifndef POLICY_RATES_CONF_H
#define POLICY_RATES_CONF_H

#include "gateway/conf/conf.h"
#include "gateway/mail/access_set.h"
#include "policy/rates_syntax.h"

/* In the order of the words of their keys. */
enum rates_cost { RATES_MESSAGE_COST, RATES_RECIPIENT_COST, RATES_BYTE_COST };
enum rates_action { RATES_DEFER, RATES_REJECT, RATES_TAG, RATES_TARPIT };
enum rates_direction { RATES_INBOUND, RATES_AUTHENTICATED, RATES_BOTH };
enum rates_counted { RATES_DELIVERED, RATES_JUDGED, RATES_ATTEMPTS };

enum { RATES_TITLE_MAX = 40, RATES_LIMITS_MAX = 64 };

/* Whom a limit is for, or is not. */
struct rates_people {
    struct conf_nets clients;
    struct conf_strs users, senders, recipients;
    struct access_set *sender_set, *recipient_set; /* from open() to close(); NULL: none */
};

struct rates_limit {
    const char *title;
    struct rates_key key;
    struct conf_strs rate_texts, burst_texts;
    int cost, action, direction, counted;
    int tarpit_ms;
    int points;         /* 0: the symbol's */
    const char *symbol; /* "": the check's own */
    const char *text;   /* "": the usual one */
    struct rates_people only, exempt;
    int ham, spam, factor_least, factor_most; /* hundredths */

    struct rates_window windows[RATES_WINDOWS_MAX];
    size_t window_count;
};

struct rates_conf {
    struct conf_array limits; /* of struct rates_limit */
};

extern const struct conf_section rates_section, rates_message_section;

/* rates_adapts - the verdicts of its mail change a bucket's size. */
bool rates_adapts(const struct rates_limit *limit);
/* rates_life_ms - how long a bucket of that window is kept after its last use. */
int64_t rates_life_ms(const struct rates_limit *limit, const struct rates_window *window);
/* rates_find - the limit of that title; NULL. */
const struct rates_limit *rates_find(const struct rates_conf *conf, struct span title);
/* rates_rate_text - "100 / 1h"; in `a`. */
const char *rates_rate_text(struct arena *a, const struct rates_limit *limit, const struct rates_window *window);

#endif

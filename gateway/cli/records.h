/* cli/records.h - the DNS records that a mail domain behind this gateway should have: what is there, whether it is
 * right, and the lines to publish.
 *
 * Threads: one. Memory: all in the arena given. The DNS is asked through `look`, so that tests need none.
 */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include "gateway/net/dns_answer.h"

enum { RECORDS_MOST = 64, RECORDS_TEXT_MOST = 65536 };

enum record_state {
    RECORD_OK,
    RECORD_MISSING,
    RECORD_WRONG,
    RECORD_UNKNOWN, /* the DNS did not answer, or there is nothing to compare with */
};

struct record_item {
    const char *record; /* "MX", "SPF", ... */
    const char *name;   /* where in the DNS */
    enum record_state state;
    const char *why;     /* for people; "" when there is nothing to say */
    const char *found;   /* what is there, one record per line; "" */
    const char *publish; /* the lines for a zone file that make it right; "" where we cannot know them */
    const char *policy;  /* MTA-STS: the text that belongs at `url`; else NULL */
    const char *url;
};

struct records {
    struct arena *arena;
    const struct dns_answer *(*look)(void *arg, const char *name, enum dns_type type);
    void *arg;
    const char *domain, *hostname; /* normal form */
    const char *const *selectors;  /* of DKIM keys */
    size_t selector_count;
    const char *const *certificates; /* PEM files that we show to clients */
    size_t certificate_count;
    int64_t now_ms; /* wall clock */

    struct record_item items[RECORDS_MOST];
    size_t count;
    bool has_trouble; /* a look-up failed */
};

/* records_check - looks at everything and fills items. */
void records_check(struct records *r);
const char *record_state_text(enum record_state state);

/* records_print_text, records_print_json - of a filled one, to the end of `out`. */
void records_print_text(const struct records *r, bool is_colour, struct strbuf *out);
void records_print_json(const struct records *r, struct strbuf *out);

/* ---- between records*.c ---- */

/* records_ask - as `look`; notes trouble. */
const struct dns_answer *records_ask(struct records *r, const char *name, enum dns_type type);
/* records_add - a new item, RECORD_UNKNOWN with the reason when the answer is a failure (then false is returned), else
 * RECORD_OK or, without records, RECORD_MISSING. */
bool records_add(struct records *r, const char *record, const char *name, const struct dns_answer *answer,
                 struct record_item **out);
void record_is_wrong(struct record_item *item, const char *why);
/* records_txt - of the TXT records those that `is_one` says; their number, the first in *out. */
size_t records_txt(struct records *r, const struct dns_answer *answer, bool (*is_one)(struct span text),
                   struct record_item *item, struct span *out);
/* records_tag - the value of a tag in "v=x; tag=value"; false: it is not there. */
bool records_tag(struct span text, const char *tag, struct span *out);

void records_check_mx(struct records *r); /* MX, addresses, PTR */
void records_check_spf(struct records *r);
void records_check_dkim(struct records *r);
void records_check_dmarc(struct records *r);
void records_check_tlsa(struct records *r);
/* records_are_certified - our certificates have the mail host's name, and somebody else has signed them: an authority,
 * as far as can be seen from here. */
bool records_are_certified(const struct records *r);

#endif

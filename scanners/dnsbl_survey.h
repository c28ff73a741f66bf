/* scanners/dnsbl_survey.h - one run of asking lists: whom about, what they answered, what may be believed.
 *
 * Shared by the files of the checks dnsbl and rhsbl. A survey lives on the stack of one run.
 */
#ifndef SCANNERS_DNSBL_SURVEY_H
#define SCANNERS_DNSBL_SURVEY_H

#include "gateway/core/check.h"
#include "gateway/mail/domain.h"
#include "scanners/dnsbl_conf.h"

/* Symbols of both checks, by index. */
enum { DNSBL_SYMBOL_BLOCKED, DNSBL_SYMBOL_BROKEN, DNSBL_SYMBOL_ASIDE, DNSBL_SYMBOL_SILENT };

/* Somebody to ask about: what stands before the list's name, and what people call it. */
struct dnsbl_who {
    bool is_known;
    char full[DOMAIN_MAX];
    const char *organizational; /* within `full` */
    const char *shown;
};

/* A list, in one run. */
struct dnsbl_view {
    bool is_aside;
    bool is_trusted; /* its answers are in order, as far as this run knows */
    bool is_refused, is_nonsense;
    unsigned asked, answered, silent; /* questions: meant, with an answer in order, without one */
    bool is_tested;
    enum dnsbl_verdict test;
};

struct dnsbl_survey {
    struct inquiry *q;
    const struct dnsbl_conf *conf;
    struct dnsbl_who who[DNSBL_SUBJECTS];
    struct dnsbl_view views[DNSBL_ZONES_MAX];
    bool is_waiting;
    bool is_allowed[DNSBL_SUBJECTS]; /* an allow list that stops others vouches for it */
};

/* dnsbl_know_client, dnsbl_know_names - fill in whom to ask about. */
void dnsbl_know_client(struct dnsbl_survey *s);
void dnsbl_know_names(struct dnsbl_survey *s);

/* dnsbl_is_asked_about - whether this list is one for this subject, and the subject is known. */
bool dnsbl_is_asked_about(const struct dnsbl_survey *s, const struct dnsbl_zone *zone, enum dnsbl_subject subject);
/* dnsbl_look - the list's answer about a subject; NULL, and is_waiting is set, while it is not here. A name too long to
 * exist is an answer: NXDOMAIN. */
const struct dns_answer *dnsbl_look(struct dnsbl_survey *s, const struct dnsbl_zone *zone, enum dnsbl_subject subject,
                                    enum dns_type type);
/* dnsbl_ask_all - asks the i-th list about all its subjects, and fills its view. */
void dnsbl_ask_all(struct dnsbl_survey *s, size_t i);

/* dnsbl_has_test - has it test points [RFC5782 5]? dnsbl_test - asks them; false while answers are awaited (*is_waiting
 * is set then), and when the limit of look-ups left them out. */
bool dnsbl_has_test(const struct dnsbl_zone *zone);
bool dnsbl_test(struct inquiry *q, const struct dnsbl_zone *zone, bool *is_waiting, enum dnsbl_verdict *out);
/* dnsbl_test_first - a list that was never tested is tested along with its first questions. */
void dnsbl_test_first(struct dnsbl_survey *s, size_t i);

/* dnsbl_count - findings of all lists, once no answer is awaited (explanations may be: is_waiting). */
void dnsbl_count(struct dnsbl_survey *s);
/* dnsbl_bounds - the least and most that the lists can count together; adds to *out. */
void dnsbl_bounds(const struct dnsbl_conf *conf, struct bounds *out);

#endif

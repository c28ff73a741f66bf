/* scanners/dnsbl_survey.h - one run of asking lists: whom about, what they answered, what may be believed.
 *
 * Shared by the checks dnsbl, rhsbl and uribl, which differ in whom they ask about. A survey lives in one run.
 */
#ifndef SCANNERS_DNSBL_SURVEY_H
#define SCANNERS_DNSBL_SURVEY_H

#include "gateway/core/check.h"
#include "gateway/mail/domain.h"
#include "scanners/dnsbl_conf.h"
#include "scanners/dnsbl_hash.h"

/* Symbols of all these checks, by index. */
enum { DNSBL_SYMBOL_BLOCKED, DNSBL_SYMBOL_BROKEN, DNSBL_SYMBOL_ASIDE, DNSBL_SYMBOL_SILENT };

enum { DNSBL_WHO_MAX = 160 };

/* Somebody to ask about: what stands before the list's name, and what people call it. */
struct dnsbl_who {
    enum dnsbl_subject subject;
    const char *full; /* a name, a reversed address, or, for lists of hashes, what is hashed */
    const char *organizational;
    const char *shown;
    enum addr_family family; /* of an address */
    bool is_allowed;         /* an allow list that stops others vouches for it */
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
    struct dnsbl_who *who; /* DNSBL_WHO_MAX at most, in the order of their weight */
    size_t who_count, who_room;
    struct dnsbl_view views[DNSBL_ZONES_MAX];
    bool is_waiting;
};

/* dnsbl_know - one more to ask about; `full` and `organizational` are copied. NULL when there are too many. */
struct dnsbl_who *dnsbl_know(struct dnsbl_survey *s, enum dnsbl_subject subject, const char *full,
                             const char *organizational, const char *shown);
/* dnsbl_know_address - the same of an address. dnsbl_know_name - of a name; nothing when it is no domain name. */
void dnsbl_know_address(struct dnsbl_survey *s, enum dnsbl_subject subject, const struct addr *address,
                        const char *word);
void dnsbl_know_name(struct dnsbl_survey *s, enum dnsbl_subject subject, const char *word, struct span name);

/* dnsbl_survey - asks all lists about all of them; STEP_DONE when all answers are in and counted. dnsbl_upkeep - tests
 * the lists whose time it is: the modules' upkeep(). */
enum step dnsbl_survey(struct dnsbl_survey *s);
enum step dnsbl_upkeep(struct inquiry *q);
/* How often a look is taken at which tests are due: it costs nothing when none is. */
enum { DNSBL_UPKEEP_MS = 5000 };

/* dnsbl_is_asked_about - whether this list is one for this subject. */
bool dnsbl_is_asked_about(const struct dnsbl_zone *zone, const struct dnsbl_who *who);
/* dnsbl_look - the list's answer about somebody; NULL, and is_waiting is set, while it is not here. A name too long to
 * exist is an answer: NXDOMAIN. */
const struct dns_answer *dnsbl_look(struct dnsbl_survey *s, const struct dnsbl_zone *zone, const struct dnsbl_who *who,
                                    enum dns_type type);
/* dnsbl_ask - asks the i-th list about one of them, and notes in its view what it answered. */
void dnsbl_ask(struct dnsbl_survey *s, size_t i, const struct dnsbl_who *who);

/* dnsbl_has_test - has it test points [RFC5782 5]? dnsbl_test - asks them; false while answers are awaited (*is_waiting
 * is set then), and when the limit of look-ups left them out. */
bool dnsbl_has_test(const struct dnsbl_zone *zone);
bool dnsbl_test(struct inquiry *q, const struct dnsbl_zone *zone, bool *is_waiting, enum dnsbl_verdict *out);
/* dnsbl_test_first - a list that was never tested is tested along with its first questions. */
void dnsbl_test_first(struct dnsbl_survey *s, size_t i);

/* dnsbl_count - findings of all lists, once no answer is awaited (explanations may be: is_waiting). */
void dnsbl_count(struct dnsbl_survey *s);
/* dnsbl_bounds - the least and most that the check can find: bounds() of its module, whose symbols are the four. */
void dnsbl_bounds(const void *conf, const int *points, struct bounds *out);

#endif

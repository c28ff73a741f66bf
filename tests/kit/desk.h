/* tests/kit/desk.h - a check on the desk: a session, a message and a table of answers; no network, no clock.
 *
 *     struct desk *d = desk_open(&dnsbl_module, "zone \"bl.example\" { ... }");
 *     desk_client(d, "192.0.2.7");
 *     desk_dns(d, "7.2.0.192.bl.example", DNS_A, "127.0.0.2");      what the world will answer, when asked
 *     desk_settle(d);                                               runs until STEP_DONE, answering what is asked
 *     EXPECT_INT(400, desk_points(d));
 *     desk_close(d);
 *
 * Questions to the state store are answered by a store in memory that lasts as long as the desk;
 * desk_next_transaction() forgets the answers, not the store, and lets time pass.
 *
 * Names that desk_dns() does not know are NXDOMAIN, or what desk_dns_else() says. For a look at single steps:
 * desk_run() runs once, desk_answer() answers all that is awaited. Whenever the check is done, what it found must be
 * within the bounds that it declares.
 */
#ifndef KIT_DESK_H
#define KIT_DESK_H

#include "gateway/core/run.h"
#include "gateway/core/verdict.h"
#include "gateway/store/local.h"

struct desk {
    struct arena arena;
    struct session session;
    struct message *message;
    struct evidence evidence;
    struct answers world; /* what will be answered */
    struct answers book;  /* what was asked, and answered so far */
    const char *world_else;
    struct check check;
    struct check_settings settings;
    struct run run;
    struct actions_conf actions; /* the thresholds' initial values */
    struct run sister;           /* desk_sister()'s */
    const struct run *view[CHECKS_MAX];
    struct desk_record *records;    /* the store */
    struct local *local;            /* and its stand-in; NULL until it is needed */
    enum store_state store_outcome; /* STORE_OK; anything else is what every operation is answered */
    unsigned operations;            /* that the store was asked to do so far */
    struct conf *conf;
    bool is_exempt;  /* the recipients are exempt from refusals */
    int64_t now_ms;  /* 2026-01-01T00:00:00Z unless told */
    unsigned rounds; /* of desk_settle(): how often the check had to wait */
};

/* desk_open - `conf` is the text of the check's own section; a fault in it fails the test. NULL: initial values.
 * desk_open_bare - for a module without a section, or with ready-made values. */
struct desk *desk_open(const struct check_module *module, const char *conf);
struct desk *desk_open_bare(const struct check_module *module, void *values);
void desk_close(struct desk *d);

void desk_client(struct desk *d, const char *ip);
void desk_client_ptr(struct desk *d, const char *name);
void desk_helo(struct desk *d, const char *name);
void desk_from(struct desk *d, const char *address); /* "" for the null reverse-path */
void desk_rcpt(struct desk *d, const char *address);
/* desk_message - LF becomes CRLF. desk_message_bytes - as they are; copied. */
void desk_message(struct desk *d, const char *text);
void desk_message_bytes(struct desk *d, struct span bytes);

void desk_dns(struct desk *d, const char *name, enum dns_type type, const char *answer);
void desk_dns_else(struct desk *d, const char *answer);

enum step desk_run(struct desk *d);
void desk_answer(struct desk *d);
void desk_settle(struct desk *d); /* fails the test after 100 rounds */
/* desk_upkeep - the same for the module's upkeep(). */
void desk_upkeep(struct desk *d);

/* desk_sister - the checks that this one comes after have found so many points. desk_sister_forces - and demand it. */
void desk_sister(struct desk *d, int points);
void desk_sister_forces(struct desk *d, enum action action);
/* desk_sister_found - a symbol more. */
void desk_sister_found(struct desk *d, const char *symbol, int points);
/* desk_settled - the module's settle(), after desk_settle(); what it tells the store is done. */
void desk_settled(struct desk *d, enum action action, bool is_delivered);
void desk_settled_as(struct desk *d, const struct settlement *end);
void desk_next_transaction(struct desk *d, int64_t after_ms);
/* desk_do - an operation of the test's own on the desk's store. */
void desk_do(struct desk *d, const struct store_op *op, struct store_answer *out);
/* desk_record - a record of the desk's store, perhaps an empty one. desk_bayes - desk_do() for Bayes' operations. */
struct store_record *desk_record(struct desk *d, struct span key);
void desk_bayes(struct desk *d, const struct store_op *op, struct store_answer *out);

/* desk_forced - what it demands, of itself and for its symbols; false: nothing. */
bool desk_forced(const struct desk *d, struct demand *out);
int desk_points(const struct desk *d);                                        /* the sum */
const struct finding *desk_finding(const struct desk *d, const char *symbol); /* NULL */
/* desk_symbols - of all findings, in their order, with blanks between. */
const char *desk_symbols(const struct desk *d, char out[512]);

#endif

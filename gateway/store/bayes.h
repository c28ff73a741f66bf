/* store/bayes.h - what was learned of tokens, as ordinary records of the state store.
 *
 * All records of a class of users begin with the operation's key, "b:{NAME}:". Behind it:
 *
 *     t              how many messages were learned: spam, ham (two doubles)
 *     m DIGEST       what a message was learned as: enum bayes_as (a double); DIGEST are 32 hex digits. Or, of what was
 *                    added once: BAYES_ADDED
 *     HHHH           a bucket: the tokens whose 64 bits begin with these 14 (four hex digits), 16 bytes each
 *
 * A token in a bucket: its 64 bits, how often it was learned as spam and as ham (3 bytes each, saturating), and the day
 * since 1970 on which that was last (2 bytes); little-endian all, in ascending order. A bucket is bounded: the token
 * that is worth least makes room for one that comes, old and rare ones first. So a class is bounded without anybody
 * going through it, and export, import, check sums and salvage treat a bucket as any other record.
 *
 * Functions of bytes; the Redis scripts do the same in Lua. A record that is none counts as empty, whatever its bytes
 * are. Threads: any.
 */
#ifndef STORE_BAYES_H
#define STORE_BAYES_H

#include "gateway/store/op.h"

enum {
    BAYES_TOKEN_BYTES = 8,
    BAYES_ENTRY_BYTES = 16,
    BAYES_BUCKETS = STORE_BAYES_BUCKETS,
    BAYES_BUCKET_SHIFT = 50,
    BAYES_BUCKET_MOST = STORE_VALUE_MAX / BAYES_ENTRY_BYTES, /* tokens in one */
    BAYES_COUNT_MOST = 0xffffff,
    BAYES_ADDED = 3,
    BAYES_DAYS_A_DOUBLING = 30, /* a token that came twice as often is worth as much as one so much younger */
};

/* What each bucket operation needs to know. */
struct bayes_rules {
    unsigned day;       /* of the operation, since 1970 */
    unsigned life_days; /* 0: for ever */
    unsigned most;      /* tokens in a bucket */
};

void bayes_rules_of(const struct store_op *op, struct bayes_rules *out);
/* bayes_token, bayes_count - the i'th of an operation. */
uint64_t bayes_token(struct span tokens, size_t i);
/* bayes_key - of the bucket that a token belongs to, the class's totals, a message: into `out`. */
struct span bayes_bucket_key(struct span base, uint64_t token, char out[STORE_KEY_MAX]);
struct span bayes_totals_key(struct span base, char out[STORE_KEY_MAX]);
struct span bayes_message_key(struct span base, const struct store_bayes *b, char out[STORE_KEY_MAX]);

/* bayes_bucket_find - its counts; zero when it is not there. */
struct store_token_count bayes_bucket_find(struct span bucket, uint64_t token);
/* bayes_bucket_open - before changes: one that is none is emptied, what is older than its life is taken out. */
void bayes_bucket_open(struct store_record *bucket, const struct bayes_rules *rules);
/* bayes_bucket_add - to a token's counts; with none left it goes. */
void bayes_bucket_add(struct store_record *bucket, const struct bayes_rules *rules, uint64_t token, int64_t spam,
                      int64_t ham);

/* bayes_totals_load, bayes_totals_save - messages learned; no bytes make them other than 0 to STORE_TIME_MOST. */
void bayes_totals_load(const struct store_record *record, struct store_bayes_totals *out);
void bayes_totals_save(struct store_record *record, const struct store_bayes_totals *totals);
/* bayes_message_load, bayes_message_save - what a message was learned as. */
enum bayes_as bayes_message_load(const struct store_record *record, int64_t now_ms);
void bayes_message_save(struct store_record *record, const struct store_op *op);

/* bayes_was_added - STORE_BAYES_ADD was done before, under the same digest. */
bool bayes_was_added(const struct store_record *record, int64_t now_ms);

/* bayes_outcome_of - what learning as `as` does when it `was`; *spam and *ham: what is added to the counts of each
 * token, and to the totals. */
enum bayes_outcome bayes_outcome_of(enum bayes_as was, enum bayes_as as, int *spam, int *ham);
/* bayes_is_refreshed - learned again: it is remembered from now on, and so its tokens live from now on, if they have a
 * life. Else the tokens would go, and what the message was learned as would stay. */
bool bayes_is_refreshed(const struct store_op *op, enum bayes_outcome outcome);

#endif

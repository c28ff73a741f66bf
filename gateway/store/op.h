/* store/op.h - what can be asked of the state store: named operations on records, each atomic.
 *
 * An operation is a pure function of the record that is there, its own parameters and its time: op_apply(). The
 * embedded store applies it inside of a write transaction; the Redis scripts do the same arithmetic in Lua, on the same
 * bytes. Time is the asker's wall clock, so that a verdict can be replayed; a clock that runs back counts as standing.
 *
 * Records are little-endian IEEE 754 doubles, one behind the other; values of STORE_PUT are bytes as they are.
 * Threads: any.
 */
#ifndef STORE_OP_H
#define STORE_OP_H

#include <stdint.h>

#include "gateway/base/arena.h"

enum store_kind {
    STORE_GREYLIST,  /* a triplet tried again: how does it stand? */
    STORE_RATE_TAKE, /* into a leaky bucket, if there is room */
    STORE_RATE_GIVE, /* out of it again, and its factors changed */
    STORE_COUNT,     /* a counter that is forgotten */
    STORE_GET,
    STORE_PUT,
    STORE_DELETE,
    STORE_BAYES_LOOK,  /* how often were these tokens learned? */
    STORE_BAYES_LEARN, /* a message's tokens: as spam, as ham, or not at all any more */
    STORE_BAYES_ADD,   /* counts of tokens that somebody else has learned */
    STORE_KIND_COUNT,
    STORE_RECORD_KINDS = STORE_BAYES_LOOK, /* those before are about one record (and a client's): op_apply() */
};

enum {
    STORE_KEY_MAX = 400, /* longer ones are hashed by store_key() */
    STORE_VALUE_MAX = 4096,
    STORE_TOKENS_MOST = 2048,                 /* of one operation */
    STORE_BAYES_KEY_MAX = STORE_KEY_MAX - 33, /* the operation's key is the beginning of its records' keys */
    STORE_DIGEST_BYTES = 16,
    STORE_BAYES_BUCKETS = 16384, /* of a class: store/bayes.h */
};

#define STORE_TIME_MOST ((int64_t)1 << 53) /* beyond, doubles leave out numbers */

/* Keys are text, "g:..." for greylisting, "r:LIMIT:..." for rates, "c:" for counters, "v:..." for recipients, "b:..."
 * for Bayes (store/bayes.h), "k:" for the rest: people and `postern rates` read them. */
struct store_greylist {
    struct span client;  /* key of the client's own record; empty: clients are not learned. In Redis both keys go to one
                           slot, by the hash tag that the keys bear */
    int64_t delay_ms;    /* how long a triplet must wait */
    int64_t window_ms;   /* how long, from the first try, it has to come again */
    int64_t life_ms;     /* how long one that passed is remembered, from its last use; clients, too */
    int64_t passes;      /* triplets of a client that must pass until it need not wait any more; 0: never */
    int64_t pass_gap_ms; /* passes closer than that count as one */
};

struct store_rate {
    double cost;        /* of this message, recipient or byte; STORE_RATE_GIVE of less than 0 adds, room or not */
    double rate;        /* what leaks, in cost per second */
    double capacity;    /* that the bucket holds: the burst */
    int64_t life_ms;    /* after its last use it is forgotten (it is empty long before) */
    double by;          /* STORE_RATE_GIVE: multiplies the bucket's factor (1: leaves it) */
    double least, most; /* within which the factor stays; the factor multiplies rate and capacity */
};

enum bayes_as { BAYES_FORGET, BAYES_SPAM, BAYES_HAM };

struct store_token_count {
    uint32_t spam, ham;
};

struct store_bayes_totals {
    double spam, ham; /* messages learned */
};

/* Operations on many tokens at once, atomic as all are. Learning is idempotent: what a message was learned as is
 * remembered under its digest; learned as the other it is forgotten first. Its tokens must be the same each time, or
 * the counts are not exact. */
struct store_bayes {
    struct span tokens;               /* 8 bytes each, little-endian, ascending, each once; at most STORE_TOKENS_MOST */
    struct span counts;               /* STORE_BAYES_ADD: struct store_token_count for each */
    struct store_bayes_totals totals; /* STORE_BAYES_ADD */
    uint8_t digest[STORE_DIGEST_BYTES];
    enum bayes_as as;
    bool is_once;        /* STORE_BAYES_ADD: nothing is added a second time under this digest */
    int64_t remember_ms; /* how long what a message was learned as, or what was added; 0: for ever */
    int64_t life_ms;     /* how long a token, from the last time it was learned; 0: until others need its room */
    int64_t most;        /* tokens in a bucket */
};

struct store_op {
    enum store_kind kind;
    struct span key; /* at most STORE_KEY_MAX bytes */
    int64_t now_ms;  /* wall clock */
    uint64_t nonce;  /* tells apart what is asked twice on purpose (the same bucket for two recipients) */
    bool is_local;   /* on a record in this process's own memory (store/local.h), for as long as the store is out */
    union {
        struct store_greylist greylist;
        struct store_rate rate;
        struct {
            int64_t by, life_ms; /* of a counter: from its first count on, or with `slides` from its last */
            bool slides;
        } count;
        struct {
            struct span value; /* at most STORE_VALUE_MAX bytes */
            int64_t life_ms;   /* 0: for ever */
        } put;
        struct store_bayes bayes;
    };
};

enum store_state {
    STORE_OK,
    STORE_ABSENT,  /* GET: there is none */
    STORE_TIMEOUT, /* no answer in time */
    STORE_FAILED,  /* no connection, disk full, ...: `why` */
    STORE_CAPPED,  /* more questions than a message may ask */
};

enum greylist_state {
    GREYLIST_NEW,    /* seen for the first time, or its window has passed: wait `left_ms` */
    GREYLIST_EARLY,  /* came again too soon: wait `left_ms` */
    GREYLIST_PASSED, /* waited long enough, for the first time now: `waited_ms` since the first try */
    GREYLIST_KNOWN,  /* passed before */
    GREYLIST_CLIENT, /* its client need not wait any more */
};

enum bayes_outcome {
    BAYES_LEARNED,
    BAYES_RELEARNED, /* it had been learned as the other, which is forgotten */
    BAYES_ALREADY,
    BAYES_FORGOTTEN,
    BAYES_UNKNOWN, /* there was nothing to forget */
};

enum { STORE_COUNT_BYTES = 6 };

struct store_answer {
    enum store_state state;
    const char *why; /* for people, when it is not STORE_OK; else "" */
    union {
        struct {
            enum greylist_state state;
            int64_t left_ms, waited_ms;
            int64_t passes; /* of the client so far */
        } greylist;
        struct {
            bool is_over;     /* there was no room: nothing was taken */
            double level;     /* after this */
            double capacity;  /* with its factor */
            int64_t retry_ms; /* until there is room for this cost; INT64_MAX: never */
        } rate;
        int64_t count;
        struct span value; /* GET */
        struct {
            enum bayes_outcome outcome;       /* BAYES_LEARN; BAYES_ADD: BAYES_LEARNED or BAYES_ALREADY */
            struct store_bayes_totals totals; /* after it */
            struct span counts;               /* BAYES_LOOK: STORE_COUNT_BYTES for each token: store_token_count_at() */
        } bayes;
    };
};

/* store_token_count_at - of the i'th token asked for, below its number. */
static inline struct store_token_count store_token_count_at(const struct store_answer *answer, size_t i)
{
    const uint8_t *at = (const uint8_t *)answer->bayes.counts.ptr + i * STORE_COUNT_BYTES;

    return (struct store_token_count){ at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16,
                                       at[3] | (uint32_t)at[4] << 8 | (uint32_t)at[5] << 16 };
}

/* store_key - `text` if it is short enough, else its beginning and a digest of all. In `a`. */
struct span store_key(struct arena *a, struct span text);
/* op_key_is_good - not empty, not too long, and no zero byte first (a driver may keep its own behind that).
 * op_is_good - so are all keys that it names, and its value; what is not is answered STORE_FAILED. */
bool op_key_is_good(struct span key);
/* op_is_bayes - one of the kinds that are about many records. op_bytes - what its key and its other spans
 * take; op_copy_into - a copy whose spans lie in `bytes`, one behind the other. */
static inline bool op_is_bayes(enum store_kind kind)
{
    return kind >= STORE_RECORD_KINDS && kind < STORE_KIND_COUNT;
}
size_t op_bytes(const struct store_op *op);
struct store_op op_copy_into(const struct store_op *op, char *bytes);
bool op_is_good(const struct store_op *op);
/* op_later - when what lives so long expires: at most STORE_TIME_MOST. */
int64_t op_later(int64_t now_ms, int64_t life_ms);
/* op_eq, op_hash - the same question: everything but its time. */
bool op_eq(const struct store_op *x, const struct store_op *y);
uint64_t op_hash(const struct store_op *op);
struct store_op op_copy(struct arena *a, const struct store_op *op);
struct store_answer *store_answer_copy(struct arena *a, const struct store_op *op, const struct store_answer *answer);

/* A record as it is kept. An empty value is none: STORE_PUT of nothing deletes. */
struct store_record {
    char bytes[STORE_VALUE_MAX];
    size_t len;         /* 0: there is none */
    int64_t expires_ms; /* wall clock; 0: never */
    bool is_changed;    /* by op_apply(): to be written */
};

/* op_apply - changes `record` (and `client`, for STORE_GREYLIST with one) as `op` says and gives the answer. A record
 * that has expired, or has another length than this operation's, counts as none, and no bytes in one can do harm. True:
 * `record` or `client` changed, as their is_changed say, and is to be written. That a triplet or client that passed
 * before was used is noted once in a 64th of its life only: most mail is theirs, and costs reading. */
bool op_apply(const struct store_op *op, struct store_record *record, struct store_record *client,
              struct store_answer *answer);
/* A bucket as it stands at `now_ms`, for people. */
struct store_rate_state {
    double level, factor, refused; /* refusals so far */
    int64_t refused_ms;            /* when the last one was; 0: never */
};

/* store_rate_look - what a record of a rate says, with that leaking; false: it is none. */
bool store_rate_look(struct span value, double rate, int64_t now_ms, struct store_rate_state *out);
/* op_reads - a kind that never writes. */
bool op_reads(enum store_kind kind);
const char *store_kind_text(enum store_kind kind);

#endif

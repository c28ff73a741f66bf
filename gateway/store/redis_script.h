/* store/redis_script.h - the operations of the state store as Redis commands: a Lua script each, atomic on the server.
 *
 * A script does what op_apply() does, in the same order, on the same bytes: records are little-endian doubles, the
 * parameters go there and the results come back as such, so that no number passes through decimal text. Records live
 * in plain string keys and expire by PEXPIREAT; a record that has expired by the asker's clock, but not yet by the
 * server's, is told by PEXPIRETIME (Redis 7; older servers let their own clock decide).
 *
 * Keys are the configured prefix and the operation's key as it is. An operation with two keys (greylisting: a triplet
 * and its client) needs both in one slot of a cluster: the keys themselves bear a hash tag, a first pair of braces with
 * the client's network inside, as in "g:{192.0.2.0/24}:..."; what stands behind it, foreign braces too, does not count.
 * The prefix may have a tag of its own: then all keys are in one slot.
 *
 * Threads: any; nothing is shared.
 */
#ifndef STORE_REDIS_SCRIPT_H
#define STORE_REDIS_SCRIPT_H

#include "gateway/store/op.h"
#include "gateway/store/redis_reply.h"

/* The kinds of operations, and what store_load() is. */
enum { REDIS_SCRIPT_LOAD = STORE_KIND_COUNT, REDIS_SCRIPTS };

enum { REDIS_PREFIX_MAX = 64, REDIS_SHA_TEXT = 41, REDIS_ARGS_MOST = 10, REDIS_NUMBERS_MOST = 9 };

/* redis_script_text - in Lua; redis_script_sha - its SHA-1, as EVALSHA names it. */
struct span redis_script_text(unsigned script);
const char *redis_script_sha(unsigned script, char *out); /* REDIS_SHA_TEXT bytes; returns it */

/* A command with the bytes that it points to; not to be moved. */
struct redis_command {
    int argc;
    const char *argv[REDIS_ARGS_MOST];
    size_t len[REDIS_ARGS_MOST];
    char keys[2][REDIS_PREFIX_MAX + STORE_KEY_MAX];
    double numbers[REDIS_NUMBERS_MOST];
    double totals[2];
    char expires[24], now[24], digest[2 * STORE_DIGEST_BYTES + 1];
};

/* redis_command_init - no word yet; redis_command_add - one more. */
void redis_command_init(struct redis_command *c);
void redis_command_add(struct redis_command *c, struct span word);

/* `op` of store_load() is a STORE_PUT; its time is when that was asked. */
struct redis_question {
    const struct store_op *op;
    int64_t expires_ms;  /* store_load(): instead of what STORE_PUT's life says; 0: never */
    bool is_load;        /* ... that is what this is */
    bool without_client; /* greylisting: leave the client's record alone */
};

unsigned redis_question_script(const struct redis_question *q);
/* redis_question_command - EVALSHA for it; `sha` of its script is borrowed. */
void redis_question_command(struct redis_command *c, const struct redis_question *q, struct span prefix,
                            const char *sha);
/* redis_question_key - prefix and key, into `out` (REDIS_PREFIX_MAX + STORE_KEY_MAX bytes). */
struct span redis_question_key(struct span prefix, struct span key, char *out);
/* redis_question_answer - what a reply (other than an error) says. FAULT_SYNTAX: not what our script replies. The value
 * of STORE_GET points into `reply`; `expires_ms` is set with it. */
enum fault redis_question_answer(const struct redis_question *q, const struct redis_reply *reply,
                                 struct store_answer *out, int64_t *expires_ms);

#endif

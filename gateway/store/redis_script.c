/* store/redis_script.c - the operations of the state store as Lua scripts. Each line of arithmetic here has its line in
 * op.c; tests/unit/test_redis_script.c and tests/interop/test_store_redis.py hold one against the other, bit for bit.
 */
#include "gateway/store/redis_script.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/store/bayes.h"
#include "gateway/store/redis_lua.h"

_Static_assert(STORE_VALUE_MAX == 4096 && STORE_TIME_MOST == 9007199254740992, "the scripts have these numbers, too");

/* ---- the scripts ---- */

#define LUA_SAVE                                                                                                       \
    "local function save(key, bytes, at)\n"                                                                            \
    "  if at > 9007199254740992 then at = 9007199254740992 end\n"                                                      \
    "  redis.call('SET', key, bytes)\n"                                                                                \
    "  redis.call('PEXPIREAT', key, string.format('%.0f', at))\n"                                                      \
    "end\n"

#define LUA_AT_LEAST                                                                                                   \
    "local function at_least(value, least)\n"                                                                          \
    "  if value > least then return value end\n"                                                                       \
    "  return least\n"                                                                                                 \
    "end\n"

#define LUA_WHOLE                                                                                                      \
    "local function whole(value)\n"                                                                                    \
    "  local most = 9007199254740992\n"                                                                                \
    "  if value >= most then return most end\n"                                                                        \
    "  if value > -most then return value < 0 and math.ceil(value) or math.floor(value) end\n"                         \
    "  return value <= -most and -most or 0\n"                                                                         \
    "end\n"

static const char greylist_lua[] = LUA_LOAD LUA_SAVE LUA_AT_LEAST LUA_WHOLE
    "local now, delay, window, life, passes, gap = struct.unpack('<dddddd', ARGV[1])\n"
    "local function is_worth_noting(used)\n"
    "  return not (at_least(now - used, 0) < life / 64) or not (used > 0)\n"
    "end\n"
    "local client, counted, client_used, is_learned = 0, 0, 0, KEYS[2] ~= nil\n"
    "local function note_client()\n"
    "  save(KEYS[2], struct.pack('<ddd', client, counted, now), now + life)\n"
    "end\n"
    "if is_learned then\n"
    "  local c = load(KEYS[2], '<ddd', now)\n"
    "  if c then client, counted, client_used = c[1], c[2], c[3] end\n"
    "  if c and client >= passes then\n"
    "    if is_worth_noting(client_used) then note_client() end\n"
    "    return struct.pack('<ddd', 4, 0, client)\n"
    "  end\n"
    "end\n"
    "local first, passed, used = now, 0, 0\n"
    "local t = load(KEYS[1], '<ddd', now)\n"
    "if t and t[1] <= now + delay then first, passed, used = t[1], t[2], t[3] end\n"
    "local waited = at_least(now - first, 0)\n"
    "local state = 1\n"
    "if passed ~= 0 then state = 3 elseif waited >= delay then state = 2 elseif used == 0 then state = 0 end\n"
    "if state < 2 then\n"
    "  if state == 0 then save(KEYS[1], struct.pack('<ddd', first, passed, now), whole(first) + window) end\n"
    "  return struct.pack('<ddd', state, waited, client)\n"
    "end\n"
    "if state == 2 then passed = now end\n"
    "if state == 2 or is_worth_noting(used) then\n"
    "  save(KEYS[1], struct.pack('<ddd', first, passed, now), now + life)\n"
    "end\n"
    "if is_learned then\n"
    "  local is_counted = not (client > 0) or now - counted >= gap\n"
    "  if is_counted then client, counted = at_least(client, 0) + 1, now end\n"
    "  if is_counted or is_worth_noting(client_used) then note_client() end\n"
    "end\n"
    "return struct.pack('<ddd', state, waited, client)\n";

#define LUA_RATE                                                                                                       \
    LUA_LOAD LUA_SAVE LUA_AT_LEAST                                                                                     \
        "local now, cost, rate, capacity, life, by, least, most = struct.unpack('<dddddddd', ARGV[1])\n"               \
        "local level, at, factor, refused, refused_at = 0, now, 1, 0, 0\n"                                             \
        "local r = load(KEYS[1], '<ddddd', now)\n"                                                                     \
        "if r and r[2] <= now + life then\n"                                                                           \
        "  level, at, factor, refused, refused_at = r[1], r[2], r[3], r[4], r[5]\n"                                    \
        "  if not (factor > 0 and factor <= 1000000) then factor = 1 end\n"                                            \
        "  if not (level <= 1e18) then level = 0 end\n"                                                                \
        "  level = at_least(level - at_least(now - at, 0) / 1000 * rate * factor, 0)\n"                                \
        "  at = at_least(now, at)\n"                                                                                   \
        "end\n"

#define LUA_RATE_SAVE "save(KEYS[1], struct.pack('<ddddd', level, at, factor, refused, refused_at), now + life)\n"

static const char rate_take_lua[] =
    LUA_RATE "cost = at_least(cost, 0)\n"
             "local room, wait = capacity * factor, 0\n"
             "local excess = level + cost - room\n"
             "local is_over = excess > 0\n"
             "if is_over then\n"
             "  wait = excess / (rate * factor) * 1000\n"
             "  refused, refused_at = refused + 1, now\n"
             "else\n"
             "  level = level + cost\n"
             "end\n" LUA_RATE_SAVE "return struct.pack('<dddd', is_over and 1 or 0, level, room, wait)\n";

static const char rate_give_lua[] =
    LUA_RATE "level = at_least(level - cost, 0)\n"
             "if by ~= 1 then\n"
             "  factor = at_least(factor * by, least)\n"
             "  if factor > most then factor = most end\n"
             "end\n" LUA_RATE_SAVE "return struct.pack('<dddd', 0, level, capacity * factor, 0)\n";

/* SETRANGE leaves the time at which the counter is forgotten as it is. */
static const char count_lua[] =
    LUA_LOAD LUA_SAVE LUA_WHOLE "local now, by, life, slides = struct.unpack('<dddd', ARGV[1])\n"
                                "local c = load(KEYS[1], '<d', now)\n"
                                "local n = whole(c and c[1] or 0) + by\n"
                                "if not c or slides ~= 0 then\n"
                                "  save(KEYS[1], struct.pack('<d', n), now + life)\n"
                                "else\n"
                                "  redis.call('SETRANGE', KEYS[1], 0, struct.pack('<d', n))\n"
                                "end\n"
                                "return struct.pack('<d', n)\n";

/* The time is text here: a Lua number would become an integer of the reply only by luck of its format. What is larger
 * than a value of ours (STORE_VALUE_MAX), or lives longer (STORE_TIME_MOST), is somebody else's. */
static const char get_lua[] = "local now = struct.unpack('<d', ARGV[1])\n"
                              "local bytes = redis.call('GET', KEYS[1])\n"
                              "local at = redis.pcall('PEXPIRETIME', KEYS[1])\n"
                              "if type(at) ~= 'number' then\n"
                              "  at = redis.call('PTTL', KEYS[1])\n"
                              "  if at >= 0 then at = now + at end\n"
                              "end\n"
                              "if not bytes or bytes == '' or (at > 0 and at <= now) then return false end\n"
                              "if #bytes > 4096 or at > 9007199254740992 then return false end\n"
                              "return { bytes, string.format('%.0f', at) }\n";

static const char put_lua[] = "if ARGV[1] == '' then\n"
                              "  redis.call('DEL', KEYS[1])\n"
                              "else\n"
                              "  redis.call('SET', KEYS[1], ARGV[1])\n"
                              "  if ARGV[2] ~= '0' then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end\n"
                              "end\n"
                              "return 'k'\n";

static const char delete_lua[] = "redis.call('DEL', KEYS[1])\n"
                                 "return 'k'\n";

/* What is there counts when it lives as long or longer. */
static const char load_lua[] = "local at, now = tonumber(ARGV[2]), tonumber(ARGV[3])\n"
                               "if ARGV[1] == '' or (at ~= 0 and at <= now) then return false end\n"
                               "if redis.call('STRLEN', KEYS[1]) > 0 then\n"
                               "  local there = redis.pcall('PEXPIRETIME', KEYS[1])\n"
                               "  if type(there) ~= 'number' then\n"
                               "    there = redis.call('PTTL', KEYS[1])\n"
                               "    if there >= 0 then there = now + there end\n"
                               "  end\n"
                               "  if there < 0 or (there > now and at ~= 0 and at <= there) then return false end\n"
                               "end\n"
                               "redis.call('SET', KEYS[1], ARGV[1])\n"
                               "if at ~= 0 then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end\n"
                               "return 'k'\n";

static const struct script {
    const char *text;
    size_t numbers; /* that it returns, packed; 0: something else */
} scripts[REDIS_SCRIPTS] = {
    [STORE_GREYLIST] = { greylist_lua, 3 },
    [STORE_RATE_TAKE] = { rate_take_lua, 4 },
    [STORE_RATE_GIVE] = { rate_give_lua, 4 },
    [STORE_COUNT] = { count_lua, 1 },
    [STORE_GET] = { get_lua, 0 },
    [STORE_PUT] = { put_lua, 0 },
    [STORE_DELETE] = { delete_lua, 0 },
    [STORE_BAYES_LOOK] = { redis_bayes_look, 0 },
    [STORE_BAYES_LEARN] = { redis_bayes_learn, 3 },
    [STORE_BAYES_ADD] = { redis_bayes_add, 3 },
    [REDIS_SCRIPT_LOAD] = { load_lua, 0 },
};

struct span redis_script_text(unsigned script)
{
    return span_of(scripts[script].text);
}

const char *redis_script_sha(unsigned script, char *out)
{
    unsigned char digest[20];

    if (!EVP_Digest(scripts[script].text, strlen(scripts[script].text), digest, NULL, EVP_sha1(), NULL))
        BUG("no SHA-1");
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return out;
}

/* ---- questions ---- */

void redis_command_init(struct redis_command *c)
{
    c->argc = 0;
}

void redis_command_add(struct redis_command *c, struct span word)
{
    if (c->argc == REDIS_ARGS_MOST)
        BUG("too many words");
    c->argv[c->argc] = word.ptr ? word.ptr : "";
    c->len[c->argc++] = word.len;
}

struct span redis_question_key(struct span prefix, struct span key, char *out)
{
    if (prefix.len > REDIS_PREFIX_MAX || key.len > STORE_KEY_MAX)
        BUG("a key of %zu and %zu bytes", prefix.len, key.len);
    memcpy(out, prefix.ptr, prefix.len);
    if (key.len)
        memcpy(out + prefix.len, key.ptr, key.len);
    return span_make(out, prefix.len + key.len);
}

unsigned redis_question_script(const struct redis_question *q)
{
    return q->is_load ? REDIS_SCRIPT_LOAD : (unsigned)q->op->kind;
}

static bool needs_client(const struct redis_question *q)
{
    const struct store_op *op = q->op;

    return op->kind == STORE_GREYLIST && op->greylist.client.len && op->greylist.passes && !q->without_client;
}

static size_t numbers_of(const struct store_op *op, double *n)
{
    const struct store_greylist *g = &op->greylist;
    const struct store_rate *r = &op->rate;

    n[0] = (double)op->now_ms;
    switch (op->kind) {
    case STORE_GREYLIST:
        n[1] = (double)g->delay_ms, n[2] = (double)g->window_ms, n[3] = (double)g->life_ms;
        n[4] = (double)g->passes, n[5] = (double)g->pass_gap_ms;
        return 6;
    case STORE_RATE_TAKE:
    case STORE_RATE_GIVE:
        n[1] = r->cost, n[2] = r->rate, n[3] = r->capacity, n[4] = (double)r->life_ms;
        n[5] = r->by, n[6] = r->least, n[7] = r->most;
        return 8;
    case STORE_COUNT: n[1] = (double)op->count.by, n[2] = (double)op->count.life_ms, n[3] = op->count.slides; return 4;
    case STORE_BAYES_LEARN:
    case STORE_BAYES_ADD: {
        struct bayes_rules rules;

        bayes_rules_of(op, &rules);
        n[1] = op->bayes.as, n[2] = (double)op->bayes.remember_ms, n[3] = (double)op->bayes.life_ms;
        n[4] = rules.most, n[5] = rules.day, n[6] = rules.life_days;
        return 7;
    }
    default: return 1;
    }
}

/* What the scripts of Bayes get besides. */
static void add_bayes(struct redis_command *c, const struct store_op *op)
{
    const struct store_bayes *b = &op->bayes;

    redis_command_add(c, b->tokens);
    if (op->kind == STORE_BAYES_LOOK)
        return;
    if (op->kind == STORE_BAYES_ADD) {
        memcpy(c->totals, &b->totals, sizeof c->totals);
        redis_command_add(c, b->counts);
        redis_command_add(c, span_make((const char *)c->totals, sizeof c->totals));
    }
    for (size_t i = 0; i < sizeof b->digest; i++)
        snprintf(c->digest + 2 * i, 3, "%02x", b->digest[i]);
    redis_command_add(c, span_make(c->digest, op->kind == STORE_BAYES_ADD && !b->is_once ? 0 : 2 * sizeof b->digest));
}

static struct span decimal(char *out, size_t size, int64_t number)
{
    snprintf(out, size, "%" PRId64, number);
    return span_of(out);
}

void redis_question_command(struct redis_command *c, const struct redis_question *q, struct span prefix,
                            const char *sha)
{
    const struct store_op *op = q->op;

    redis_command_init(c);
    redis_command_add(c, SPAN("EVALSHA"));
    redis_command_add(c, span_make(sha, REDIS_SHA_TEXT - 1));
    redis_command_add(c, needs_client(q) ? SPAN("2") : SPAN("1"));
    redis_command_add(c, redis_question_key(prefix, op->key, c->keys[0]));
    if (needs_client(q))
        redis_command_add(c, redis_question_key(prefix, op->greylist.client, c->keys[1]));
    if (op->kind != STORE_PUT) {
        size_t count = numbers_of(op, c->numbers);

        redis_command_add(c, span_make((const char *)c->numbers, count * sizeof *c->numbers));
        if (op_is_bayes(op->kind))
            add_bayes(c, op);
        return;
    }
    int64_t expires_ms = q->is_load ? q->expires_ms : op->put.life_ms ? op_later(op->now_ms, op->put.life_ms) : 0;

    redis_command_add(c, op->put.value);
    redis_command_add(c, decimal(c->expires, sizeof c->expires, expires_ms));
    if (q->is_load)
        redis_command_add(c, decimal(c->now, sizeof c->now, op->now_ms));
}

/* ---- answers ---- */

/* As op.c has it: the server's numbers are foreign. */
static int64_t whole(double value)
{
    const double most = 9007199254740992.0; /* 2^53 */

    return value >= most ? (int64_t)most : value > -most ? (int64_t)value : value <= -most ? -(int64_t)most : 0;
}

static enum fault greylist_answer(const struct store_op *op, const double *n, struct store_answer *out)
{
    if (!(n[0] >= GREYLIST_NEW && n[0] <= GREYLIST_CLIENT && n[1] >= 0))
        return FAULT_SYNTAX;
    out->greylist.state = (enum greylist_state)n[0];
    out->greylist.waited_ms = whole(n[1]);
    out->greylist.passes = whole(n[2]);
    if (out->greylist.state <= GREYLIST_EARLY)
        out->greylist.left_ms = op->greylist.delay_ms - whole(n[1]);
    return FAULT_NONE;
}

static enum fault rate_answer(const struct store_op *op, const double *n, struct store_answer *out)
{
    double cost = op->rate.cost > 0 ? op->rate.cost : 0;

    if (n[1] != n[1] || n[2] != n[2])
        return FAULT_SYNTAX;
    out->rate.is_over = n[0] != 0;
    out->rate.level = n[1];
    out->rate.capacity = n[2];
    if (out->rate.is_over)
        out->rate.retry_ms = cost > n[2] || !(n[3] < 1e15) ? INT64_MAX : whole(n[3]) + 1;
    return FAULT_NONE;
}

static enum fault bayes_answer(const double *n, struct store_answer *out)
{
    if (!(n[0] >= BAYES_LEARNED && n[0] <= BAYES_UNKNOWN))
        return FAULT_SYNTAX;
    out->bayes.outcome = (enum bayes_outcome)n[0];
    out->bayes.totals = (struct store_bayes_totals){ (double)whole(n[1]), (double)whole(n[2]) };
    return FAULT_NONE;
}

/* The totals, and the counts of each token. */
static enum fault look_answer(const struct store_op *op, struct span packed, struct store_answer *out)
{
    double n[2];

    if (packed.len != sizeof n + op->bayes.tokens.len / BAYES_TOKEN_BYTES * STORE_COUNT_BYTES)
        return FAULT_SYNTAX;
    memcpy(n, packed.ptr, sizeof n);
    out->bayes.totals = (struct store_bayes_totals){ (double)whole(n[0]), (double)whole(n[1]) };
    out->bayes.counts = span_skip(packed, sizeof n);
    return FAULT_NONE;
}

static enum fault numbers_answer(const struct store_op *op, struct span packed, struct store_answer *out)
{
    double n[REDIS_NUMBERS_MOST] = { 0 };

    if (packed.len != scripts[op->kind].numbers * sizeof *n)
        return FAULT_SYNTAX;
    memcpy(n, packed.ptr, packed.len);
    switch (op->kind) {
    case STORE_GREYLIST: return greylist_answer(op, n, out);
    case STORE_COUNT: out->count = whole(n[0]); return FAULT_NONE;
    case STORE_BAYES_LEARN:
    case STORE_BAYES_ADD: return bayes_answer(n, out);
    default: return rate_answer(op, n, out);
    }
}

static enum fault value_answer(const struct redis_reply *reply, struct store_answer *out, int64_t *expires_ms)
{
    uint64_t at = 0;

    *expires_ms = 0;
    if (reply->type == REDIS_NIL) {
        out->state = STORE_ABSENT;
        return FAULT_NONE;
    }
    if (reply->type != REDIS_ARRAY || reply->count != 2 || reply->items[0].type != REDIS_STRING ||
        reply->items[1].type != REDIS_STRING || reply->items[0].text.len > STORE_VALUE_MAX)
        return FAULT_SYNTAX;
    if (!span_is(reply->items[1].text, "-1") && span_u64(reply->items[1].text, INT64_MAX, &at))
        return FAULT_SYNTAX;
    out->value = reply->items[0].text;
    *expires_ms = (int64_t)at;
    return FAULT_NONE;
}

enum fault redis_question_answer(const struct redis_question *q, const struct redis_reply *reply,
                                 struct store_answer *out, int64_t *expires_ms)
{
    struct store_answer answer = { .state = STORE_OK, .why = "" };
    enum fault fault = FAULT_SYNTAX;

    if (q->op->kind == STORE_GET)
        fault = value_answer(reply, &answer, expires_ms);
    else if (reply->type == REDIS_STRING && q->op->kind == STORE_BAYES_LOOK)
        fault = look_answer(q->op, reply->text, &answer);
    else if (reply->type == REDIS_STRING && scripts[q->op->kind].numbers)
        fault = numbers_answer(q->op, reply->text, &answer);
    else if (reply->type == REDIS_STRING && span_is(reply->text, "k"))
        fault = FAULT_NONE;
    else if (reply->type == REDIS_NIL && q->is_load)
        answer.state = STORE_ABSENT, fault = FAULT_NONE;
    if (!fault)
        *out = answer;
    return fault;
}

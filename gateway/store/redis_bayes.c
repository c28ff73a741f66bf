/* store/redis_bayes.c - Bayes' operations of the state store as Lua scripts. Each line here has its line in bayes.c and
 * lmdb_bayes.c; tests/kit/store_bayes.c holds one against the other.
 *
 * KEYS[1] is the beginning of all the operation's keys: they bear its hash tag, and so are in its slot of a cluster.
 * The server makes them out of the tokens (a bucket's name are the first 14 bits of a token, in its last two bytes),
 * and so need not be sent hundreds of names.
 */
#include "gateway/store/redis_lua.h"

#define LUA_BAYES                                                                                                      \
    "local base, tokens = KEYS[1], ARGV[2]\n"                                                                          \
    "local function bucket_key(i)\n"                                                                                   \
    "  local low, high = string.byte(tokens, i + 6, i + 7)\n"                                                          \
    "  return base .. string.format('%04x', math.floor((high * 256 + low) / 4))\n"                                     \
    "end\n"                                                                                                            \
    "local function bucket_of(bytes)\n"                                                                                \
    "  if not bytes or #bytes % 16 ~= 0 or #bytes > 4096 then return '' end\n"                                         \
    "  return bytes\n"                                                                                                 \
    "end\n"                                                                                                            \
    "local function find(bucket, token)\n"                                                                             \
    "  local at = string.find(bucket, token, 1, true)\n"                                                               \
    "  while at and at % 16 ~= 1 do at = string.find(bucket, token, at + 1, true) end\n"                               \
    "  return at\n"                                                                                                    \
    "end\n"                                                                                                            \
    "local function sane(n)\n"                                                                                         \
    "  if not (n > 0) then return 0 end\n"                                                                             \
    "  return n < 9007199254740992 and n or 9007199254740992\n"                                                        \
    "end\n"                                                                                                            \
    "local function totals()\n"                                                                                        \
    "  local bytes = redis.call('GET', base .. 't')\n"                                                                 \
    "  if not bytes or #bytes ~= 16 then return 0, 0 end\n"                                                            \
    "  local spam, ham = struct.unpack('<dd', bytes)\n"                                                                \
    "  return sane(spam), sane(ham)\n"                                                                                 \
    "end\n"

const char redis_bayes_look[] = LUA_BAYES "local spam, ham = totals()\n"
                                          "local out = { struct.pack('<dd', spam, ham) }\n"
                                          "local none = string.rep('\\0', 6)\n"
                                          "for i = 1, #tokens, 8 do\n"
                                          "  local bucket = bucket_of(redis.call('GET', bucket_key(i)))\n"
                                          "  local at = find(bucket, string.sub(tokens, i, i + 7))\n"
                                          "  out[#out + 1] = at and string.sub(bucket, at + 8, at + 13) or none\n"
                                          "end\n"
                                          "return table.concat(out)\n";

#define LUA_BAYES_CHANGE                                                                                               \
    LUA_BAYES "local now, as, remember, life, most, day, life_days = struct.unpack('<ddddddd', ARGV[1])\n"             \
              "local function keep(key, bytes, life)\n"                                                                \
              "  if bytes == '' then redis.call('DEL', key) return end\n"                                              \
              "  redis.call('SET', key, bytes)\n"                                                                      \
              "  if life > 0 then\n"                                                                                   \
              "    local at = math.min(now + life, 9007199254740992)\n"                                                \
              "    redis.call('PEXPIREAT', key, string.format('%.0f', at))\n"                                          \
              "  end\n"                                                                                                \
              "end\n"                                                                                                  \
              "local function add_totals(spam, ham)\n"                                                                 \
              "  local s, h = totals()\n"                                                                              \
              "  s, h = sane(s + spam), sane(h + ham)\n"                                                               \
              "  keep(base .. 't', s + h > 0 and struct.pack('<dd', s, h) or '', 0)\n"                                 \
              "  return s, h\n"                                                                                        \
              "end\n"                                                                                                  \
              "local function remove(bucket, at)\n"                                                                    \
              "  return string.sub(bucket, 1, at - 1) .. string.sub(bucket, at + 16)\n"                                \
              "end\n"                                                                                                  \
              "local function worth(bucket, at)\n"                                                                     \
              "  local s, h, d = struct.unpack('<I3I3I2', bucket, at + 8)\n"                                           \
              "  if s + h == 0 then return d end\n"                                                                    \
              "  return d + 30 * (select(2, math.frexp(s + h)) - 1)\n"                                                 \
              "end\n"                                                                                                  \
              "local function open(bucket)\n"                                                                          \
              "  local at = 1\n"                                                                                       \
              "  while life_days > 0 and at < #bucket do\n"                                                            \
              "    if struct.unpack('<I2', bucket, at + 14) + life_days < day then\n"                                  \
              "      bucket = remove(bucket, at)\n"                                                                    \
              "    else\n"                                                                                             \
              "      at = at + 16\n"                                                                                   \
              "    end\n"                                                                                              \
              "  end\n"                                                                                                \
              "  return bucket\n"                                                                                      \
              "end\n"                                                                                                  \
              "local function make_room(bucket)\n"                                                                     \
              "  while #bucket / 16 >= most do\n"                                                                      \
              "    local least = 1\n"                                                                                  \
              "    for at = 17, #bucket, 16 do\n"                                                                      \
              "      if worth(bucket, at) < worth(bucket, least) then least = at end\n"                                \
              "    end\n"                                                                                              \
              "    bucket = remove(bucket, least)\n"                                                                   \
              "  end\n"                                                                                                \
              "  return bucket\n"                                                                                      \
              "end\n"                                                                                                  \
              "local function number(bytes, at)\n"                                                                     \
              "  local low, high = struct.unpack('<I6B', bytes, at)\n"                                                 \
              "  return low + high % 4 * 281474976710656\n"                                                            \
              "end\n"                                                                                                  \
              "local function place(bucket, token)\n"                                                                  \
              "  local low, high, n = 0, #bucket / 16, number(token, 1)\n"                                             \
              "  while low < high do\n"                                                                                \
              "    local middle = math.floor((low + high) / 2)\n"                                                      \
              "    if number(bucket, middle * 16 + 1) < n then low = middle + 1 else high = middle end\n"              \
              "  end\n"                                                                                                \
              "  return low * 16 + 1\n"                                                                                \
              "end\n"                                                                                                  \
              "local function add(bucket, token, spam, ham)\n"                                                         \
              "  local at = find(bucket, token)\n"                                                                     \
              "  local s, h = 0, 0\n"                                                                                  \
              "  if at then s, h = struct.unpack('<I3I3', bucket, at + 8) end\n"                                       \
              "  s = math.max(0, math.min(16777215, s + spam))\n"                                                      \
              "  h = math.max(0, math.min(16777215, h + ham))\n"                                                       \
              "  if s + h == 0 then return at and remove(bucket, at) or bucket end\n"                                  \
              "  local entry = token .. struct.pack('<I3I3I2', s, h, day)\n"                                           \
              "  if at then return string.sub(bucket, 1, at - 1) .. entry .. string.sub(bucket, at + 16) end\n"        \
              "  bucket = make_room(bucket)\n"                                                                         \
              "  at = place(bucket, token)\n"                                                                          \
              "  return string.sub(bucket, 1, at - 1) .. entry .. string.sub(bucket, at)\n"                            \
              "end\n"                                                                                                  \
              "local function change(by)\n"                                                                            \
              "  local i = 1\n"                                                                                        \
              "  while i <= #tokens do\n"                                                                              \
              "    local key = bucket_key(i)\n"                                                                        \
              "    local bucket = open(bucket_of(redis.call('GET', key)))\n"                                           \
              "    repeat\n"                                                                                           \
              "      local spam, ham = by(i)\n"                                                                        \
              "      bucket = add(bucket, string.sub(tokens, i, i + 7), spam, ham)\n"                                  \
              "      i = i + 8\n"                                                                                      \
              "    until i > #tokens or bucket_key(i) ~= key\n"                                                        \
              "    keep(key, bucket, life)\n"                                                                          \
              "  end\n"                                                                                                \
              "end\n"

const char redis_bayes_learn[] =
    LUA_LOAD LUA_BAYES_CHANGE "local key = base .. 'm' .. ARGV[3]\n"
                              "local m = load(key, '<d', now)\n"
                              "local was = m and (m[1] == 1 or m[1] == 2) and m[1] or 0\n"
                              "local spam = (as == 1 and 1 or 0) - (was == 1 and 1 or 0)\n"
                              "local ham = (as == 2 and 1 or 0) - (was == 2 and 1 or 0)\n"
                              "local outcome = 0\n"
                              "if as == 0 then outcome = was == 0 and 4 or 3\n"
                              "elseif was == as then outcome = 2\n"
                              "elseif was ~= 0 then outcome = 1 end\n"
                              "keep(key, as ~= 0 and struct.pack('<d', as) or '', remember)\n"
                              "if spam ~= 0 or ham ~= 0 or (outcome == 2 and life > 0) then\n"
                              "  change(function(i) return spam, ham end)\n"
                              "end\n"
                              "local s, h = add_totals(spam, ham)\n"
                              "return struct.pack('<ddd', outcome, s, h)\n";

const char redis_bayes_add[] =
    LUA_LOAD LUA_BAYES_CHANGE "local spam, ham = struct.unpack('<dd', ARGV[4])\n"
                              "local key = ARGV[5] ~= '' and base .. 'm' .. ARGV[5]\n"
                              "local m = key and load(key, '<d', now)\n"
                              "if m and m[1] == 3 then\n"
                              "  local s, h = totals()\n"
                              "  return struct.pack('<ddd', 2, s, h)\n"
                              "end\n"
                              "if key then keep(key, struct.pack('<d', 3), remember) end\n"
                              "change(function(i) return struct.unpack('<I4I4', ARGV[3], i) end)\n"
                              "local s, h = add_totals(spam, ham)\n"
                              "return struct.pack('<ddd', 0, s, h)\n";

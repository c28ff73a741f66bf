/* store/redis_lua.h - Lua that scripts of redis_script.c and of redis_bayes.c begin with; nobody else includes it. */
#ifndef STORE_REDIS_LUA_H
#define STORE_REDIS_LUA_H

/* A record's numbers, or nil when there is none. */
#define LUA_LOAD                                                                                                       \
    "local function is_past(key, now)\n"                                                                               \
    "  local at = redis.pcall('PEXPIRETIME', key)\n"                                                                   \
    "  return type(at) == 'number' and at > 0 and at <= now\n"                                                         \
    "end\n"                                                                                                            \
    "local function load(key, format, now)\n"                                                                          \
    "  local bytes = redis.call('GET', key)\n"                                                                         \
    "  if not bytes or #bytes ~= struct.size(format) or is_past(key, now) then return nil end\n"                       \
    "  return { struct.unpack(format, bytes) }\n"                                                                      \
    "end\n"

/* redis_bayes.c's */
extern const char redis_bayes_look[], redis_bayes_learn[], redis_bayes_add[];

#endif

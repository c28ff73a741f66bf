/* core/evidence.c - the words of results. */
#include "gateway/core/evidence.h"

#include "gateway/base/bug.h"

static const char *const words[] = {
    [AUTH_ABSENT] = "",       [AUTH_NONE] = "none",           [AUTH_NEUTRAL] = "neutral",
    [AUTH_PASS] = "pass",     [AUTH_FAIL] = "fail",           [AUTH_SOFTFAIL] = "softfail",
    [AUTH_POLICY] = "policy", [AUTH_TEMPERROR] = "temperror", [AUTH_PERMERROR] = "permerror",
};

const char *auth_text(enum auth_result result)
{
    if ((size_t)result >= COUNT(words))
        BUG("auth result %d", (int)result);
    return words[result];
}

/* store/redis_trouble.c - what an error reply of a Redis server means for us. */
#include "gateway/store/redis_trouble.h"

#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"

enum { SAID_MOST = 120 };

static const struct {
    const char *code;
    enum redis_trouble_kind kind;
    const char *says;
} troubles[] = {
    { "MOVED", TROUBLE_MOVED, "the slot is elsewhere" },
    { "ASK", TROUBLE_ASK, "the slot is being moved" },
    { "TRYAGAIN", TROUBLE_SPLIT, "the slot is being moved" },
    { "CLUSTERDOWN", TROUBLE_LATER, "the cluster is down" },
    { "NOSCRIPT", TROUBLE_SCRIPT, NULL },
    { "LOADING", TROUBLE_LEAVE, "the server is still reading its data from disk" },
    { "READONLY", TROUBLE_LEAVE, "the server is a replica, which takes no writes" },
    { "MASTERDOWN", TROUBLE_LEAVE, "the server is a replica whose master is down" },
    { "NOAUTH", TROUBLE_LEAVE, "the server wants a password: write it into store { password = ... }" },
    { "WRONGPASS", TROUBLE_LEAVE, "the server does not take our user and password" },
    { "NOPERM", TROUBLE_OUTAGE, "the server's ACL does not let our user do this" },
    { "OOM", TROUBLE_OUTAGE, "the server's memory is full (its maxmemory)" },
    { "MISCONF", TROUBLE_OUTAGE, "the server cannot save to its disk, and so takes no writes" },
    { "NOREPLICAS", TROUBLE_OUTAGE, "the server has too few replicas, and so takes no writes" },
    { "BUSY", TROUBLE_OUTAGE, "the server is busy with somebody's script" },
};

static bool has_code(struct span text, const char *code, struct span *after)
{
    struct span word = span_of(code);

    if (!span_starts(text, word) || (text.len > word.len && text.ptr[word.len] != ' '))
        return false;
    *after = span_trim(span_skip(text, word.len));
    return true;
}

/* Before Redis 7 what a script's command said stands inside of an error of the script: "...: -OOM command not ...". */
static struct span of_script(struct span text)
{
    size_t at = span_starts(text, SPAN("ERR Error running script")) ? span_search(text, SPAN(": -")) : SPAN_NPOS;

    return at == SPAN_NPOS ? text : span_skip(text, at + 3);
}

enum fault redis_endpoint(struct span host, uint64_t port, const struct endpoint *asked, struct endpoint *out)
{
    struct endpoint at = { .port = (unsigned)port };

    if (!port || port > 65535)
        return FAULT_RANGE;
    if (!host.len || span_is(host, "?")) {
        if (asked->path[0])
            return FAULT_UNKNOWN;
        memcpy(at.host, asked->host, sizeof at.host);
        at.addr = asked->addr;
    } else if (addr_parse(host, &at.addr)) {
        for (size_t i = 0; i < host.len; i++)
            if (!ascii_is_alnum(host.ptr[i]) && !strchr("-._", host.ptr[i]))
                return FAULT_SYNTAX;
        if (span_copy(host, at.host, sizeof at.host))
            return FAULT_TOO_LONG;
    }
    *out = at;
    return FAULT_NONE;
}

/* "3999 127.0.0.1:6381"; the address may be IPv6, without brackets, or missing */
static enum fault redirection(struct span words, const struct endpoint *asked, struct redis_trouble *out)
{
    struct span slot, to;
    uint64_t number = 0, port = 0;
    size_t colon = SPAN_NPOS;

    if (!span_word(&words, &slot) || !span_word(&words, &to) || span_u64(slot, REDIS_SLOTS - 1, &number))
        return FAULT_SYNTAX;
    colon = span_rfind(to, ':');
    if (colon == SPAN_NPOS || span_u64(span_skip(to, colon + 1), 65535, &port))
        return FAULT_SYNTAX;
    out->slot = (unsigned)number;
    return redis_endpoint(span_first(to, colon), port, asked, &out->to);
}

void redis_trouble_of(struct span text, const struct endpoint *asked, struct redis_trouble *out)
{
    struct span inner = of_script(text), rest = { 0 };

    *out = (struct redis_trouble){ .kind = TROUBLE_OWN };
    for (size_t i = 0; i < COUNT(troubles); i++) {
        if (!has_code(inner, troubles[i].code, &rest))
            continue;
        out->kind = troubles[i].kind;
        out->says = troubles[i].says;
        break;
    }
    if ((out->kind == TROUBLE_MOVED || out->kind == TROUBLE_ASK) && redirection(rest, asked, out))
        *out = (struct redis_trouble){ .kind = TROUBLE_OWN, .says = "the server redirects us to nowhere" };
}

const char *redis_trouble_text(struct span text, const struct redis_trouble *trouble, char *out, size_t size)
{
    struct strbuf said;

    strbuf_init(&said, 4096);
    strbuf_put_escaped(&said, text, SAID_MOST);
    snprintf(out, size, "%s%s%s", trouble->says ? trouble->says : "", trouble->says ? ": " : "", said.data);
    strbuf_release(&said);
    return out;
}

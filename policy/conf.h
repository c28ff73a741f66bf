/* policy/conf.h - the section `policy`: its keys, and which of Postfix's actions may be said where.
 */
#ifndef POLICY_CONF_H
#define POLICY_CONF_H

#include "gateway/conf/conf.h"
#include "gateway/core/run.h"
#include "policy/request.h"

/* What Postfix may be told [Postfix, access(5)]. */
enum policy_word {
    POLICY_DUNNO,
    POLICY_OK,
    POLICY_REJECT,
    POLICY_DEFER,
    POLICY_DEFER_IF_REJECT,
    POLICY_DEFER_IF_PERMIT,
    POLICY_HOLD,
    POLICY_DISCARD,
    POLICY_FILTER,
    POLICY_REDIRECT,
    POLICY_BCC,
    POLICY_PREPEND,
    POLICY_INFO,
    POLICY_WARN,
    POLICY_CODE,        /* "554 5.7.1 text", "450 ..." */
    POLICY_RESTRICTION, /* "reject_unverified_recipient", a class of smtpd_restriction_classes */
};

/* An answer by configuration: action "SYMBOL" { say = "..." } or verdict "WORD" { say = "..." }. */
struct policy_rule {
    const char *title;
    const char *say; /* with %t, %s, %i and %% */
    bool overrides;
    enum policy_word word; /* of `say` */
};

enum policy_accept { POLICY_ACCEPT_DUNNO, POLICY_ACCEPT_OK };

struct policy_conf {
    struct conf_endpoints listen;
    int64_t connections_most;
    int idle_ms;
    int wait_ms;
    int64_t recipients_most;
    struct conf_nets relay_clients;
    int accept; /* enum policy_accept */
    bool authentication_results;
    struct conf_array actions;  /* of struct policy_rule */
    struct conf_array verdicts; /* the same */
    const struct policy_rule *by_verdict[ACTION_DISCARD + 1];
};

extern const struct conf_section policy_section;

/* policy_may_say - whether Postfix takes this answer at that point of the dialogue. */
bool policy_may_say(enum policy_word word, enum policy_state state);

#endif

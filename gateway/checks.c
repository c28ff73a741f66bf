/* gateway/checks.c - the timetable: every check, one row. The whole product on one screen. */
#include "gateway/checks.h"

#include "gateway/base/bug.h"
#include "greylist/greylist.h"
#include "greylist/message.h"
#include "policy/rates.h"
#include "rules/bayes/bayes.h"
#include "rules/composites.h"
#include "rules/lists/lists.h"
#include "rules/mime.h"
#include "rules/lists/multimap.h"
#include "rules/rules.h"
#include "scanners/arc.h"
#include "scanners/conduct.h"
#include "scanners/dkim.h"
#include "scanners/dmarc.h"
#include "scanners/dnsbl.h"
#include "scanners/helo.h"
#include "scanners/rdns.h"
#include "scanners/recipient.h"
#include "scanners/sender.h"
#include "scanners/spf.h"
#include "scanners/uribl.h"
#include "scanners/urls.h"

#define SKIP                                                                                                           \
    {                                                                                                                  \
        FAIL_SKIP, FAIL_SKIP                                                                                           \
    }
#define DEFER                                                                                                          \
    {                                                                                                                  \
        FAIL_DEFER, FAIL_SKIP                                                                                          \
    }

/* clang-format off */
const struct check checks[] = {
/*    name       stage          where     budget  asks  if it fails  after           off    informs  module */
    { "rdns",    STAGE_CONNECT, ON_LOOP,    5000,   32, SKIP,        NULL,           false, true,    &rdns_module },
    { "helo",    STAGE_HELO,    ON_LOOP,    5000,    8, SKIP,        "rdns",         false, false,   &helo_module },
    { "dnsbl",   STAGE_CONNECT, ON_LOOP,    5000,   64, SKIP,        NULL,           false, false,   &dnsbl_module },
    { "spf",     STAGE_MAIL,    ON_LOOP,   10000,   96, SKIP,        NULL,           false, true,    &spf_module },
    { "sender",  STAGE_MAIL,    ON_LOOP,    5000,   48, SKIP,        "spf",          false, false,  &sender_module },
    { "recipient",
                 STAGE_RCPT,    ON_LOOP,    5000,   64, SKIP,        NULL,           false, false,  &recipient_module },
    { "conduct", STAGE_RCPT,    ON_LOOP,    1000,    0, SKIP,        NULL,           false, false,   &conduct_module },
    { "lists",   STAGE_RCPT,    ON_LOOP,    1000,    0, SKIP,        "rdns spf",     false, false,   &lists_module },
    { "rates",   STAGE_RCPT,    ON_LOOP,    5000,    0, SKIP,        "lists",        false, false,   &rates_module },
    { "rates_message", STAGE_MESSAGE, ON_LOOP, 5000, 0, SKIP, "lists", false, false,         &rates_message_module },
    { "rhsbl",   STAGE_MAIL,    ON_LOOP,    5000,   64, SKIP,        "rdns",         false, false,   &rhsbl_module },
    { "greylist", STAGE_RCPT,   ON_LOOP,    3000,    0, SKIP,        "*",            false, false,   &greylist_module },
    { "dkim",    STAGE_MESSAGE, ON_QUICK,  10000,   16, SKIP,        NULL,           false, true,    &dkim_module },
    { "arc",     STAGE_MESSAGE, ON_QUICK,  10000,   64, SKIP,        NULL,           false, true,    &arc_module },
    { "dmarc",   STAGE_MESSAGE, ON_LOOP,   10000,   48, DEFER,       "spf dkim arc", false, true,    &dmarc_module },
    { "urls",    STAGE_MESSAGE, ON_QUICK,  10000,    0, SKIP,        "dkim dmarc",   false, false,   &urls_module },
    { "uribl",   STAGE_MESSAGE, ON_LOOP,    5000,  192, SKIP,        "urls",         false, false,   &uribl_module },
    { "mime",    STAGE_MESSAGE, ON_QUICK,  10000,    0, SKIP,        NULL,           false, false,   &mime_module },
    { "multimap", STAGE_MESSAGE, ON_QUICK, 20000,    0, SKIP,        "rdns mime",    false, false,   &multimap_module },
    { "bayes",   STAGE_MESSAGE, ON_QUICK,   5000,    0, SKIP,        NULL,           false, false,   &bayes_module },
    { "rules",   STAGE_MESSAGE, ON_QUICK,  20000,    0, SKIP,
                                        "rdns helo dnsbl spf dkim arc dmarc urls uribl mime bayes", false, false,
                                                                                                       &rules_module },
    { "composites",
                 STAGE_MESSAGE, ON_LOOP,    1000,    0, SKIP,        "*",            false, false, &composites_module },
    { "greylist_message",
                 STAGE_MESSAGE, ON_LOOP,    3000,    0, SKIP,        "*",            false, false,
                                                                                             &greylist_message_module },
};
/* clang-format on */

const size_t checks_count = COUNT(checks);

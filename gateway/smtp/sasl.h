/* smtp/sasl.h - SMTP AUTH that is passed on to the next hop [RFC4954]: which mechanisms can be, and whose login is in
 * an exchange. Pure.
 *
 * The next hop judges the login; we read it, so that checks, limits and the log know the user. A mechanism that hides
 * it, or that is bound to the client's own TLS connection (SCRAM-*-PLUS [RFC5802 6]), is not passed on.
 *
 * Memory: what was decoded is wiped, but for the login's name.
 */
#ifndef SMTP_SASL_H
#define SMTP_SASL_H

#include "gateway/base/strbuf.h"

enum { SASL_LINE_MAX = 12288, SASL_LIST_MAX = 256, SASL_USER_MAX = 255, SASL_MECHANISM_MAX = 20 };

/* Every mechanism that can be passed on. */
#define SASL_ALL "PLAIN LOGIN CRAM-MD5 SCRAM-* XOAUTH2 OAUTHBEARER"

enum sasl_kind { SASL_NONE, SASL_PLAIN, SASL_LOGIN, SASL_CRAM, SASL_SCRAM, SASL_XOAUTH2, SASL_OAUTHBEARER };

struct sasl {
    enum sasl_kind kind;
    char mechanism[SASL_MECHANISM_MAX + 1]; /* in upper case */
    unsigned responses;                     /* of the client so far */
    char user[SASL_USER_MAX + 1];           /* "": not told yet */
};

/* sasl_filter - those of the words in `offered` that can be passed on and that `allowed` (words, "SCRAM-*") has, each
 * once, with a blank between. Empty: none. `out` has room for SASL_LIST_MAX. */
void sasl_filter(struct span offered, struct span allowed, char *out);
/* sasl_begin - false: this mechanism is none of those in `list`, which sasl_filter() made. */
bool sasl_begin(struct sasl *x, struct span mechanism, struct span list);
/* sasl_take - a line of the client's: base 64 [RFC4648 4]; "=" for an empty initial response. False: it is no answer of
 * that mechanism, and the exchange is to be cancelled. */
bool sasl_take(struct sasl *x, struct span line);
/* sasl_is_pattern - of a mechanism that can be passed on, or "SCRAM-*". For the configuration. */
bool sasl_is_pattern(struct span word);

#endif

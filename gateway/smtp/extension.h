/* smtp/extension.h - extensions of SMTP: what a client is offered, and what a next hop offers. */
#ifndef SMTP_EXTENSION_H
#define SMTP_EXTENSION_H

#include "gateway/base/span.h"

enum smtp_extension {
    EXTENSION_PIPELINING = 1 << 0,
    EXTENSION_8BITMIME = 1 << 1,
    EXTENSION_SIZE = 1 << 2,
    EXTENSION_ENHANCED = 1 << 3,
    EXTENSION_STARTTLS = 1 << 4,
    EXTENSION_SMTPUTF8 = 1 << 5,
    EXTENSION_DSN = 1 << 6,
    EXTENSION_CHUNKING = 1 << 7,
    EXTENSION_BINARYMIME = 1 << 8,
    EXTENSION_REQUIRETLS = 1 << 9,
    EXTENSION_LIMITS = 1 << 10,
    EXTENSION_PRDR = 1 << 11,
    EXTENSION_AUTH = 1 << 12,
    EXTENSION_XCLIENT = 1 << 13,
    EXTENSION_XFORWARD = 1 << 14,
};

enum { EXTENSIONS_ALL = (1 << 15) - 1 };

/* extension_of - of an EHLO keyword; 0: none that we know. extension_name - its keyword. */
unsigned extension_of(struct span keyword);
const char *extension_name(enum smtp_extension extension);
/* extension_first - of several, of which there is one at least. */
enum smtp_extension extension_first(unsigned extensions);

#endif

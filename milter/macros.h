/* milter/macros.h - what the MTA tells besides the protocol's own fields: its macros, by name.
 *
 * Postfix and Sendmail each have their own set, and an administrator may have made it smaller: every macro is used
 * when it is there, and none is missed when it is not.
 *
 * Memory: values are copied into the arena given; a value that was told again is not copied again, and none when the
 * arena is over. Threads: the loop's.
 */
#ifndef MILTER_MACROS_H
#define MILTER_MACROS_H

#include "gateway/base/arena.h"
#include "milter/packet.h"

enum macro {
    MACRO_QUEUE_ID,    /* i */
    MACRO_MTA,         /* j */
    MACRO_DAEMON,      /* {daemon_name} */
    MACRO_CLIENT_ADDR, /* {client_addr} */
    MACRO_CLIENT_PORT,
    MACRO_CLIENT_NAME, /* {client_name}: as in SMFIC_CONNECT */
    MACRO_CLIENT_PTR,  /* {client_ptr}: as the PTR record has it */
    MACRO_TLS_VERSION,
    MACRO_TLS_CIPHER, /* {cipher} */
    MACRO_TLS_BITS,   /* {cipher_bits} */
    MACRO_AUTH_TYPE,
    MACRO_AUTH_USER,   /* {auth_authen} */
    MACRO_RCPT_MAILER, /* "error": the MTA itself refuses it */
    MACRO_COUNT
};

enum { MACRO_VALUE_MOST = 1024 };

struct macros {
    struct span values[MACRO_COUNT]; /* empty: not told */
};

/* macros_wanted - for packet_put_terms(): what to ask the MTA for, by stage. */
extern const char *const macros_wanted[MILTER_STAGES];

/* macros_take - the names and values of one SMFIC_MACRO packet, behind its stage. */
void macros_take(struct macros *m, struct arena *a, struct span data);
void macros_forget_recipient(struct macros *m);

#endif

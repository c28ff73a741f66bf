/* mail/tnef_props.h - lists of MAPI properties [MS-OXTNEF 2.1.3.4], and RTF that is packed [MS-OXRTFCP]: parts of
 * tnef_read(). */
#ifndef MAIL_TNEF_PROPS_H
#define MAIL_TNEF_PROPS_H

#include "gateway/mail/tnef.h"

enum mapi_type { MAPI_LONG = 0x03, MAPI_OBJECT = 0x0d, MAPI_STRING = 0x1e, MAPI_UNICODE = 0x1f, MAPI_BINARY = 0x102 };

struct mapi_prop {
    unsigned type, id;
    struct span value; /* without padding; of several values the first */
};

struct mapi_reader {
    struct span rest;
    uint32_t left; /* properties */
    bool is_broken;
};

void mapi_start(struct mapi_reader *r, struct span list);
/* mapi_next - false at the end, or where nothing more can be read: is_broken. */
bool mapi_next(struct mapi_reader *r, struct mapi_prop *out);

/* rtf_unpack - compressed or stored RTF; in `a`, at most `most` bytes. TNEF_RTF, TNEF_TOO_MANY. */
struct span rtf_unpack(struct arena *a, struct span packed, size_t most, unsigned *flaws);

static inline uint32_t little_endian(const char *p, unsigned bytes)
{
    uint32_t n = 0;

    for (unsigned i = bytes; i-- > 0;)
        n = n << 8 | (unsigned char)p[i];
    return n;
}

#endif

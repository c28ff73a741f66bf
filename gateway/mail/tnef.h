/* mail/tnef.h - what is in a winmail.dat: Microsoft's Transport Neutral Encapsulation Format [MS-OXTNEF].
 *
 * Never fails: what is broken is read as far as it goes, and named. Bounded: items, properties, depth of messages in
 * messages, bytes that are unpacked; linear. RTF, which is often all that there is, comes twice: as it is, and as the
 * text or HTML that it shows (mail/rtf.h).
 *
 * Threads: any. Memory: items lie in `a`, their bytes in `stream` or in `a`.
 */
#ifndef MAIL_TNEF_H
#define MAIL_TNEF_H

#include "gateway/base/arena.h"

enum {
    TNEF_ITEMS_MAX = 200,
    TNEF_DEPTH_MAX = 8,
    TNEF_PROPS_MAX = 4000, /* of one list */
};

enum tnef_flaw {
    TNEF_SIGNATURE = 1 << 0, /* does not begin as TNEF does */
    TNEF_CHECKSUM = 1 << 1,  /* an attribute's checksum is wrong */
    TNEF_TRUNCATED = 1 << 2, /* ends in the middle of an attribute */
    TNEF_PROPS = 1 << 3,     /* a list of properties that cannot be read to its end */
    TNEF_RTF = 1 << 4,       /* RTF that cannot be unpacked to its end, or whose sizes are wrong */
    TNEF_TOO_MANY = 1 << 5,  /* items, properties, messages in messages, or bytes: the rest is left out */
};

enum tnef_kind { TNEF_TEXT, TNEF_HTML, TNEF_RTF_TEXT, TNEF_ATTACHMENT };

struct tnef_item {
    enum tnef_kind kind;
    unsigned depth;         /* 0: of the message itself; above: of messages that are attached */
    struct span bytes;      /* text and HTML in `charset`; RTF unpacked [MS-OXRTFCP] */
    const char *charset;    /* "" when nothing says it */
    struct span name;       /* the attachment's, UTF-8; empty */
    struct span type;       /* as declared: "image/png"; empty */
    struct span content_id; /* empty */
};

struct tnef {
    struct tnef_item *items;
    size_t count;
    size_t unpacked; /* bytes that are not the stream's */
    unsigned flaws;
};

/* tnef_read - at most `most` bytes are unpacked (RTF, its text and names; all else lies in `stream`). */
void tnef_read(struct arena *a, struct span stream, size_t most, struct tnef *out);

#endif

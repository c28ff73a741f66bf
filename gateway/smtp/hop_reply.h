/* smtp/hop_reply.h - a reply of the next hop, from its lines [RFC5321 4.2.1]. Pure; the next hop is not trusted. */
#ifndef SMTP_HOP_REPLY_H
#define SMTP_HOP_REPLY_H

#include "gateway/base/strbuf.h"

enum { HOP_REPLY_LINE_MAX = 12288, HOP_REPLY_LINES_MAX = 200, HOP_REPLY_BYTES_MAX = 16384 };

enum hop_reply_state {
    HOP_REPLY_MORE, /* the reply goes on in bytes that are not here yet */
    HOP_REPLY_DONE,
    HOP_REPLY_BAD, /* this is no SMTP reply */
};

struct hop_reply {
    unsigned code;      /* 200 to 599 */
    struct strbuf text; /* its lines without their codes, separated by LF; cut at HOP_REPLY_BYTES_MAX */
    unsigned lines;
};

void hop_reply_init(struct hop_reply *r);
void hop_reply_release(struct hop_reply *r);
void hop_reply_clear(struct hop_reply *r);
/* hop_reply_take - reads whole lines of `in` up to the end of one reply; *took says how many bytes. Go on with the same
 * `r` after HOP_REPLY_MORE, and hop_reply_clear() it after HOP_REPLY_DONE. */
enum hop_reply_state hop_reply_take(struct hop_reply *r, struct span in, size_t *took);
/* hop_reply_is_trouble - to EHLO, MAIL, RCPT or DATA: it says nothing of sender, recipient or message, but that the
 * next hop is about to close, does not know the command or has not expected it, or takes none without TLS [RFC3207 4]
 * or a login [RFC4954 6]. That is between us and it. */
static inline bool hop_reply_is_trouble(const struct hop_reply *r)
{
    return r->code == 421 || r->code == 500 || r->code == 502 || r->code == 503 || r->code == 530;
}

#endif

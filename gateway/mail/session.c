/* mail/session.c - the envelope as it grows. */
#include "gateway/mail/session.h"

enum { RECIPIENTS_AT_FIRST = 4 };

struct recipient *session_add_recipient(struct session *s, const struct address *address)
{
    size_t n = s->recipient_count;

    if (n == s->recipient_room) {
        s->recipient_room = n ? 2 * n : RECIPIENTS_AT_FIRST;
        s->recipients = arena_grow(s->tx_arena, s->recipients, n, s->recipient_room, sizeof *s->recipients);
    }
    s->recipients[n] = (struct recipient){ .address = *address };
    s->recipient_count++;
    return &s->recipients[n];
}

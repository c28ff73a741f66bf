/* mail/session.c - the envelope as it grows, and what is noted of its client. */
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

bool session_note(struct session *s, enum conduct kind, struct span said)
{
    struct conduct_note *note = &s->conduct[kind];

    if (note->count++)
        return false;
    note->first = arena_copy(s->arena, span_first(said, CONDUCT_SHOWN_MAX));
    return true;
}

const char *conduct_text(enum conduct kind)
{
    static const char *const words[] = { "PREGREET", "COMMAND PIPELINING", "NON-SMTP COMMAND", "BARE NEWLINE" };

    return words[kind];
}

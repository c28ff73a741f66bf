/* mail/session.c - the envelope as it grows, and what is noted of its client. */
#include "gateway/mail/session.h"

#include <string.h>

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

void session_take(struct session *to, const struct session *from)
{
    const struct session own = *to;

    *to = *from;
    to->arena = own.arena;
    to->tx_arena = own.tx_arena;
    memcpy(to->id, own.id, sizeof own.id);
    to->recipients = NULL;
    to->recipient_count = to->recipient_room = 0;
    to->client_name = arena_copy(to->arena, from->client_name);
    to->client_ptr = arena_copy(to->arena, from->client_ptr);
    to->helo = arena_copy(to->arena, from->helo);
    to->lhlo = arena_copy(to->arena, from->lhlo);
    to->tls_server_name = arena_copy(to->arena, from->tls_server_name);
    to->tls_client.subject = arena_copy(to->arena, from->tls_client.subject);
    to->tls_client.issuer = arena_copy(to->arena, from->tls_client.issuer);
    to->tls_client.sha256 = arena_copy(to->arena, from->tls_client.sha256);
    to->auth_user = arena_copy(to->arena, from->auth_user);
    for (size_t i = 0; i < CONDUCT_COUNT; i++)
        to->conduct[i].first = arena_copy(to->arena, from->conduct[i].first);
    to->mail_from = address_copy(to->tx_arena, &from->mail_from);
    to->envid = arena_copy(to->tx_arena, from->envid);
    to->mail_auth = arena_copy(to->tx_arena, from->mail_auth);
}

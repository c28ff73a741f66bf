/* mail/message.c - one message. */
#include "gateway/mail/message.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/spool.h"

enum { MESSAGE_ARENA_BYTES = 64 * 1024 * 1024 };

const struct message_limits message_limits_most = { HEADER_BYTES_MAX, HEADER_FIELDS_MAX };

struct message *message_new(struct span bytes, const struct message_limits *limits)
{
    struct message *m = mem_alloc(sizeof *m);

    arena_init(&m->arena, MESSAGE_ARENA_BYTES);
    m->bytes = bytes;
    header_parse(&m->arena, bytes, limits->header_bytes_most, limits->header_fields_most, &m->header);
    m->body = span_skip(bytes, m->header.body_at);
    return m;
}

struct message *message_from_spool(struct spool *spool, const struct message_limits *limits)
{
    struct span bytes;

    if (spool_seal(spool, &bytes))
        BUG("a message from a spool that cannot be sealed");
    struct message *m = message_new(bytes, limits);

    m->spool = spool;
    return m;
}

void message_free(struct message *m)
{
    if (!m)
        return;
    spool_free(m->spool);
    arena_release(&m->arena);
    free(m);
}

/* mail/message.h - one message: its bytes, where its header fields lie, and what follows from it alone.
 *
 * The bytes are what came in (dots unstuffed, lines in CRLF), in one piece: in memory up to a threshold, above it in
 * an unlinked spool file that is mapped. What follows from the bytes alone (body hashes, the MIME tree, what its texts
 * say) is computed when first asked for, kept here and shared by all checks.
 *
 * Threads: one at a time; a worker that holds the inquiry holds the message. Memory: message_free() gives all back.
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "gateway/base/arena.h"
#include "gateway/mail/header.h"

struct spool;
struct body_hashes; /* mail/canon.h */
struct mime_tree;   /* mail/mime.h */
struct content;     /* content/content.h */

struct message {
    struct arena arena;
    struct span bytes;
    struct span body;
    struct header_index header;
    struct body_hashes *body_hashes; /* these three: NULL until asked for */
    struct mime_tree *mime;
    struct content *content;
    struct spool *spool; /* who owns the bytes; NULL: somebody else */
};

struct message_limits {
    size_t header_bytes_most;
    size_t header_fields_most;
};

/* What any configuration may allow: for who reads mail that has been let in, so that all make the same of it. */
extern const struct message_limits message_limits_most;

/* A header section over the limits is still indexed as far as they go: look at header.anomalies.
 * message_new - over `bytes` that the caller keeps alive. message_from_spool - takes over a spool that
 * spool_seal() has sealed; spool_hold() lets several messages share one. */
struct message *message_new(struct span bytes, const struct message_limits *limits);
struct message *message_from_spool(struct spool *spool, const struct message_limits *limits);
void message_free(struct message *m); /* NULL is fine */

#endif

/* mail/mime_parts.h - what the files of mail/mime*.c share: the tree while it is made.
 *
 * mime_tree.c   reads a part and what is in it, in one pass over its bytes
 * mime_header.c what a part's header says of its body
 * mime.c        the tree as others see it, and bodies decoded when asked for
 *
 * Threads: who holds the message. Memory: the message's arena.
 */
#ifndef MAIL_MIME_PARTS_H
#define MAIL_MIME_PARTS_H

#include "gateway/mail/mime.h"

enum {
    MIME_STANDARD_PARTS_MAX = 900, /* so that some are left for other readings */
    MIME_FIELDS_MAX = 20000,       /* header fields of all parts but the message itself */
    MIME_PART_FIELDS_MAX = 1000,
    MIME_SAID_MAX = 8, /* different values of one field */
};

/* The different values that a header gives to one field, in their order. */
struct mime_said {
    const struct header_field *fields[MIME_SAID_MAX];
    unsigned count;
};

struct mime_decoded {
    struct span bytes, text;
    bool has_bytes, has_text;
};

struct mime_node {
    struct mime_part part; /* first: a part is its node */
    struct mime_node *first_child, *last_child, *next;
    struct mime_said types, encodings, dispositions;
    const struct header_field *content_id;
    struct params type_params, disposition_params;
    bool is_in_digest; /* without Content-Type it is a message [RFC2046 5.1.5] */
    struct mime_decoded decoded;
};

struct mime_state {
    struct mime_tree tree; /* first: the message's tree is its state */
    struct message *message;
    struct mime_node *root;
    size_t part_count, part_room;
    size_t fields_left;
    size_t decoded_left; /* bytes */
};

/* A pass over bytes: a part with all that is in it. */
struct mime_pass {
    struct mime_state *state;
    struct span bytes;
    struct span boundaries[MIME_DEPTH_MAX + 1]; /* of the multiparts that are open, the outermost first */
    unsigned level_count;
    uint64_t by_first[256];           /* a bit for each level whose boundary begins with that byte */
    size_t candidate, candidate_from; /* the first line that begins with -- at or behind candidate_from */
    bool has_candidate;
};

/* mime_read - the part that `bytes` are, with its header, below `parent` (NULL: the message itself). */
void mime_read(struct mime_state *state, struct mime_node *parent, struct span bytes);
/* mime_node_new - an empty one, the last child of `parent`. */
struct mime_node *mime_node_new(struct mime_state *state, struct mime_node *parent);
/* mime_header_facts - reads the fields of `node`'s header that tell of its body. */
void mime_header_facts(struct mime_state *state, struct mime_node *node);
/* mime_decode - the body of `node` without its transfer encoding; kept, and named what is wrong with it. */
struct span mime_decode(struct mime_state *state, struct mime_node *node);

static inline void mime_note(struct mime_node *node, enum mime_anomaly anomaly)
{
    node->part.anomalies |= (uint64_t)1 << anomaly;
}

#endif

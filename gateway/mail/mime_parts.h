/* mail/mime_parts.h - what the files of mail/mime*.c share: the tree while it is made.
 *
 * mime_tree.c     reads a part and what is in it, in one pass over its bytes
 * mime_header.c   what a part's header says of its body
 * mime_ways*.c    in which other ways readers may take a part
 * mime_readings.c reads parts again in those ways
 * mime_unpack.c   what is packed inside of texts
 * mime.c          the tree as others see it, and bodies decoded when asked for
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

/* In which order ways are taken after each other: what is another reading by one of them is read again only by later
 * ones, so that every combination comes once. */
enum mime_way_kind {
    MIME_AS_SAID,
    MIME_BY_LINE_END, /* what ends a line */
    MIME_BY_HEADER,   /* where the header ends, and which lines are of it */
    MIME_BY_WORDS,    /* encoded words in its fields */
    MIME_BY_TYPE,     /* another Content-Type */
    MIME_BY_ENCODING, /* another Content-Transfer-Encoding */
    MIME_BY_BOUNDARY, /* another boundary */
    MIME_BY_LINES,    /* which lines are boundary lines */
    MIME_BY_BODY,     /* what the body is */
    MIME_BY_CHARSET,  /* another charset */
};

enum mime_lines { MIME_LINES_EXACT, MIME_LINES_PREFIX, MIME_LINES_OUTER_FIRST, MIME_LINES_PAST_CLOSE };

enum mime_padding { MIME_PADDING_GOES_ON, MIME_PADDING_ENDS, MIME_PADDING_IGNORED }; /* of base64 */

/* A way to read a part other than the standards'. What is not set is as the part has it. */
struct mime_way {
    enum mime_way_kind kind;
    const char *name; /* the reading's */
    const struct header_index *header;
    struct span bytes; /* the part's, changed */
    bool has_body_at;
    size_t body_at; /* in them */
    const struct header_field *type, *encoding;
    const char *forced_type; /* instead of what any field says */
    bool has_encoding;
    enum mime_encoding forced_encoding;
    struct span boundary;
    bool has_empty_boundary;
    enum mime_lines lines;
    enum mime_padding padding;
    const char *charset; /* instead of what the type says; NULL: as it says */
};

struct mime_node {
    struct mime_part part; /* first: a part is its node */
    struct mime_node *first_child, *last_child, *next;
    struct mime_node *first_reading, *last_reading; /* by `next` */
    struct mime_node *next_made;                    /* all nodes, in the order in which they were made */
    const struct mime_way *way;                     /* NULL: the standards' */
    bool is_dropped;                                /* a reading that shows nothing else */
    bool is_hidden;                                 /* one that shows nothing, but yet another way may */
    bool has_prefix_line;                           /* a line goes on behind its boundary */
    bool has_nested_boundary;                       /* one of an inner multipart's is like its own */
    bool goes_on;                                   /* a boundary line behind the last one */
    bool has_boundary;                              /* an empty one is one in some readings */
    size_t body_at;                                 /* in part.whole */
    struct mime_said types, encodings, dispositions;
    const struct header_field *content_id;
    struct params type_params, disposition_params;
    bool is_in_digest; /* without Content-Type it is a message [RFC2046 5.1.5] */
    struct mime_decoded decoded;
};

struct mime_state {
    struct mime_tree tree; /* first: the message's tree is its state */
    struct message *message;
    struct mime_node *root, *last_made;
    size_t part_count, part_most;
    size_t fields_left;
    size_t decoded_left; /* bytes that may be decoded */
    size_t again_left;   /* bytes that may be passed again for other readings */
    bool has_bare_cr;
};

/* A pass over bytes: a part with all that is in it. */
struct mime_pass {
    struct mime_state *state;
    struct span bytes;
    enum mime_lines lines;
    struct mime_node *multiparts[MIME_DEPTH_MAX + 1]; /* that are open, the outermost first */
    struct span boundaries[MIME_DEPTH_MAX + 1];
    unsigned level_count;
    uint64_t by_first[256];           /* a bit for each level whose boundary begins with that byte */
    uint64_t empty;                   /* a bit for each level whose boundary is empty */
    size_t candidate, candidate_from; /* the first line that begins with -- at or behind candidate_from */
    bool has_candidate;
};

/* mime_read - the part that `bytes` are, with its header, below `parent` (NULL: the message itself). */
void mime_read(struct mime_state *state, struct mime_node *parent, struct span bytes);
/* mime_read_again - `node` in another way, which must last; it becomes a reading if it shows anything else. */
void mime_read_again(struct mime_state *state, struct mime_node *node, const struct mime_way *way);
/* mime_node_new - an empty one; the last child of `parent`, NULL: the message itself, or a reading. */
struct mime_node *mime_node_new(struct mime_state *state, struct mime_node *parent);
/* mime_header_facts - reads the fields of `node`'s header that tell of its body. */
void mime_header_facts(struct mime_state *state, struct mime_node *node);
/* mime_set_kind - what follows from the type: is_text, is_multipart, ... */
void mime_set_kind(struct mime_node *node);
/* mime_encoding_of - by its name; MIME_UNKNOWN. */
enum mime_encoding mime_encoding_of(struct span name);
/* mime_decode - the body of `node` without its transfer encoding; kept, and named what is wrong with it. */
struct span mime_decode(struct mime_state *state, struct mime_node *node);
/* mime_is_type - type "/" subtype, both tokens [RFC2045 5.1]. */
bool mime_is_type(struct span type);
/* mime_text_of - a value as a C string: NUL becomes `?`. */
const char *mime_text_of(struct arena *a, struct span value, bool is_lower);
/* mime_is_packed - whether there is anything to undo. */
bool mime_is_packed(enum mime_encoding encoding);
/* mime_ways - the other ways to read `node`; at most `most`. */
size_t mime_ways(struct mime_state *state, struct mime_node *node, struct mime_way *ways, size_t most);
/* mime_unpack - what is packed inside of a text part, as its children. */
void mime_unpack(struct mime_state *state, struct mime_node *node);
/* mime_uuencoded - the lines between `begin` and `end` of the first uuencoded file at or behind `from`. */
struct mime_packed {
    struct span lines, name, whole; /* whole: with its first and last line */
};
bool mime_uuencoded(struct span text, size_t from, struct mime_packed *out);
/* mime_readings - reads all parts again in the ways in which readers may. */
void mime_readings(struct mime_state *state);

static inline void mime_note(struct mime_node *node, enum mime_anomaly anomaly)
{
    node->part.anomalies |= (uint64_t)1 << anomaly;
}

#endif

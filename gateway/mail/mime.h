/* mail/mime.h - the parts of a message, over its original bytes: as the standards read them, and as readers do where
 * they are known to differ [RFC2045, RFC2046, RFC2049].
 *
 * Never fails: broken structure yields parts and named anomalies. Where readers differ, every plausible reading of a
 * part is in the tree (bounded), so that nothing hides from who looks for something: a part whose `reading_of` is not
 * NULL is another reading of that one. Who only wants what the message says goes through `parts` and leaves those out
 * whose words are the same; who looks for viruses looks at all of them.
 *
 * Computed when first asked for, kept in the message, shared by all checks. Limits bound depth, parts, header bytes,
 * decoded bytes and so time; reaching one is an anomaly.
 *
 * Threads: who holds the message. Memory: the message's arena.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "gateway/mail/message.h"
#include "gateway/mail/words.h"

enum {
    MIME_DEPTH_MAX = 40,                /* multiparts and messages inside of each other */
    MIME_PARTS_MAX = 1000,              /* readings and all */
    MIME_READINGS_MAX = 8,              /* of one part */
    MIME_FILENAMES_MAX = 16,            /* the same */
    MIME_HEADER_BYTES_MAX = 256 * 1024, /* of one part */
};

enum mime_encoding {
    MIME_7BIT,
    MIME_8BIT,
    MIME_BINARY,
    MIME_BASE64,
    MIME_QUOTED_PRINTABLE,
    MIME_UUENCODE,
    MIME_YENC,
    MIME_UNKNOWN
};
enum mime_disposition { MIME_UNSAID, MIME_INLINE, MIME_ATTACHMENT };

/* A bit each; names (mime_anomaly_name()) are what `postern mime --json` and the checks call them. Add, don't
 * change. */
enum mime_anomaly {
    MIME_DUPLICATE_TYPE, /* Content-Type twice with different values */
    MIME_DUPLICATE_ENCODING,
    MIME_DUPLICATE_DISPOSITION,
    MIME_DUPLICATE_PARAM,   /* a parameter twice: boundary, charset, name, filename */
    MIME_NO_BOUNDARY,       /* a multipart without the parameter */
    MIME_BOUNDARY_ABSENT,   /* its boundary never comes */
    MIME_BOUNDARY_UNCLOSED, /* no final boundary */
    MIME_BOUNDARY_NESTED,   /* a part's boundary is one of its ancestors', or a prefix of it */
    MIME_BOUNDARY_ODD,      /* longer than 70 characters, or with bytes that cannot stand in one */
    MIME_MULTIPART_ENCODED, /* base64 or quoted-printable on a multipart [RFC2045 6.4] */
    MIME_BAD_BASE64,
    MIME_BAD_QUOTED_PRINTABLE,
    MIME_UNKNOWN_ENCODING,
    MIME_BAD_TYPE, /* Content-Type that is no type/subtype */
    MIME_BAD_PARAM,
    MIME_COMMENT_IN_PARAM,
    MIME_ENCODED_WORD_PARAM, /* RFC 2047 where RFC 2231 belongs */
    MIME_PARAM_CONFLICT,     /* name= and name*=, name and filename differ */
    MIME_HEADER_IN_BODY,     /* what looks like a MIME header behind the empty line */
    MIME_NO_HEADER_END,
    MIME_BAD_HEADER_LINE,
    MIME_NUL,
    MIME_BARE_CR,
    MIME_BARE_LF,
    MIME_8BIT_IN_7BIT,
    MIME_LONG_LINE,     /* over 998 octets */
    MIME_PARTIAL,       /* message/partial */
    MIME_EXTERNAL_BODY, /* message/external-body */
    MIME_UUENCODED,     /* in a text part */
    MIME_YENCODED,
    MIME_TNEF,
    MIME_CHARSET_UNKNOWN,
    MIME_CHARSET_INVALID,
    MIME_NO_VERSION, /* MIME fields without MIME-Version */
    MIME_DEPTH_REACHED,
    MIME_PARTS_REACHED,
    MIME_HEADER_REACHED,
    MIME_BYTES_REACHED,
    MIME_READINGS_REACHED, /* there may be more readings than are here */
    MIME_BAD_PACKED,       /* uuencode, yEnc, TNEF or S/MIME that is damaged */
    MIME_SIGNED,           /* S/MIME with the message inside of the signature */
    MIME_ANOMALY_COUNT,
};

struct mime_part {
    struct mime_part *parent;
    struct mime_part *reading_of; /* NULL: as the standards have it */
    const char *reading;          /* which one: "first Content-Type", ...; "" */
    unsigned index;               /* in the tree; 0 is the message */
    unsigned depth;
    unsigned children;
    struct span whole; /* header and body, in the message (or in what it was unpacked from) */
    struct header_index header;
    struct span encoded;          /* the body as it came in */
    const char *type;             /* "text/plain": lower case */
    const char *charset;          /* as declared, lower case; "" */
    const char *filename;         /* UTF-8; "" */
    const char **other_filenames; /* that other readers find: the part is as dangerous as any of them; up to a NULL */
    const char *content_id;       /* without <>; "" */
    const char *boundary;         /* "" */
    enum mime_disposition disposition;
    enum mime_encoding encoding;
    uint64_t anomalies; /* 1 << enum mime_anomaly */
    bool is_multipart, is_message, is_text;
    bool is_html; /* mime_text() is HTML: of Rich Text it may be, which is known from then on */
    bool is_rtf;
    bool is_flowed, is_delsp;     /* format=flowed; delsp=yes [RFC3676] */
    bool is_unpacked;             /* out of uuencode, yEnc, TNEF or S/MIME inside of its parent */
    bool is_reading;              /* it, or what it lies in, is another reading */
    struct mime_decoded *decoded; /* mime_bytes()'s own; NULL: not asked for yet */
};

struct mime_tree {
    struct mime_part **parts; /* in the order of the bytes; a parent before its children */
    size_t count;
    uint64_t anomalies; /* of all parts */
    uint64_t looked_at; /* bytes, as often as they were looked at to find the parts: for measurements and tests */
};

/* message_mime - the tree; at least the message itself is in it. */
const struct mime_tree *message_mime(struct message *m);
/* mime_bytes - the body, transfer-decoded; kept. Empty for what only holds other parts. Beyond the message's budget of
 * decoded bytes (MIME_BYTES_REACHED) as it came in, of other readings nothing. What is wrong with the encoding is known
 * from then on. */
struct span mime_bytes(struct message *m, struct mime_part *part);
/* mime_text - the same as UTF-8, valid: a text part's characters, lines in LF, flowed lines joined, of Rich Text what
 * it shows. Kept. */
struct span mime_text(struct message *m, struct mime_part *part);
/* mime_is_named - whether any of its names ends so, without case and the blanks and dots that Windows takes away. */
bool mime_is_named(const struct mime_part *part, const char *end);
/* mime_anomaly_name - "duplicate_content_type", ... */
const char *mime_anomaly_name(enum mime_anomaly anomaly);

static inline bool mime_has(const struct mime_part *part, enum mime_anomaly anomaly)
{
    return part->anomalies >> anomaly & 1;
}

#endif

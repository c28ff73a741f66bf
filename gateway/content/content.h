/* content/content.h - what a message says: its texts, HTML, URLs and addresses, computed once for all checks.
 *
 * Threads: who holds the message. Memory: the message's arena.
 */
#ifndef CONTENT_CONTENT_H
#define CONTENT_CONTENT_H

#include "gateway/content/html.h"
#include "gateway/content/url.h"
#include "gateway/mail/mime.h"

/* A text part (readings too), as a person sees it. */
struct content_text {
    struct mime_part *part;
    struct span source;      /* mime_text() */
    struct span shown;       /* of HTML what is shown, of calendars and cards unfolded lines, else `source` */
    const struct html *html; /* NULL: it is not HTML */
    bool is_attachment;
};

struct content {
    const struct mime_tree *mime;
    struct content_text *texts; /* in the order of the parts */
    size_t text_count;
    struct urls urls;    /* of all parts and header fields */
    struct span subject; /* decoded, UTF-8 */
};

/* message_content - never NULL. */
const struct content *message_content(struct message *m);

#endif

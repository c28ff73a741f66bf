/* rules/lists/selector.h - which part of a mail a list is about: a source, and what is made of it.
 *
 *     ip   helo   hostname   user   from   rcpt   subject   header(X-Mailer)   from(mime)   to   reply_to
 *     url   url_host   url_host.registrable   email   attachment.name   attachment.name.extension   attachment.type
 *     rcpt.count   size   url.count   from.domain   from(mime).name.lower   subject.first(20)
 *
 * Every step has a type, so that what does not fit together is told when the configuration is read.
 *
 * Threads: any. Memory: the arena's given.
 */
#ifndef RULES_SELECTOR_H
#define RULES_SELECTOR_H

#include "gateway/core/check.h"

enum select_type { SELECT_TEXT, SELECT_ADDRESS, SELECT_DOMAIN, SELECT_IP, SELECT_NUMBER, SELECT_ATTACHMENT };

enum {
    SELECTOR_STEPS_MAX = 8,
    SELECTED_MAX = 1000,
    SELECTED_TEXT_MOST = 64 * 1024,    /* bytes of a value */
    SELECTED_TEXT_OVERLAP = 1024,      /* of the pieces of a longer text */
    SELECTED_TEXTS_MOST = 4096 * 1024, /* of the texts of a message */
};

struct select_step {
    unsigned transform; /* selector.c's own */
    size_t number;
};

struct selector {
    unsigned source; /* selector.c's own */
    const char *argument;
    struct select_step steps[SELECTOR_STEPS_MAX];
    size_t step_count;
    enum select_type type; /* of what comes out */
};

struct mime_part;

/* One value, as the selector's type says. */
struct selected {
    struct span text; /* SELECT_TEXT, SELECT_DOMAIN; of the others, for people */
    struct address address;
    struct span name; /* that came with the address: UTF-8 */
    struct addr ip;
    uint64_t number;
    struct mime_part *part;
};

/* selector_parse - NULL, or what is wrong and what to write (may lie in `a`). */
const char *selector_parse(struct arena *a, const char *text, struct selector *out);
/* selector_values - at most SELECTED_MAX, in q->arena; those that are empty are left out. */
size_t selector_values(const struct selector *s, struct inquiry *q, struct selected **out);
const char *select_type_text(enum select_type type);

#endif

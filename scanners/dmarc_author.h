/* scanners/dmarc_author.h - the author domains of a message: what any reader may take its From field for. */
#ifndef SCANNERS_DMARC_AUTHOR_H
#define SCANNERS_DMARC_AUTHOR_H

#include "gateway/mail/message.h"

enum { DMARC_AUTHORS_MAX = 4 };

struct dmarc_authors {
    const char *domains[DMARC_AUTHORS_MAX]; /* normal form, each once; those that RFC 5322 gives come first */
    size_t count;
    size_t strict_count; /* of them, by RFC 5322 */
    size_t fields;       /* From fields in the message */
    unsigned oddities;   /* of enum address_oddity, of all fields */
    bool is_incomplete;  /* there are addresses without a domain name */
    bool is_overfull;    /* there are more domains, or fields, or there is more text than is read */
};

void dmarc_authors(struct arena *a, const struct message *m, struct dmarc_authors *out);

#endif

/* scanners/dmarc_author.c - the author domains of a message: what any reader may take its From field for. */
#include "scanners/dmarc_author.h"

#include "gateway/mail/address.h"
#include "gateway/mail/domain.h"

static void add_domain(struct arena *a, struct span text, struct dmarc_authors *out)
{
    char normal[DOMAIN_MAX];

    if (domain_normal(text, normal)) {
        out->is_incomplete = true;
        return;
    }
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->domains[i], normal) == 0)
            return;
    if (out->count == DMARC_AUTHORS_MAX) {
        out->is_overfull = true;
        return;
    }
    out->domains[out->count++] = arena_dup(a, span_of(normal));
}

static void add_readings(struct arena *a, const struct mailbox_list *lists, size_t count, bool is_lenient,
                         struct dmarc_authors *out)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < lists[i].count; j++)
            if (lists[i].items[j].is_lenient == is_lenient)
                add_domain(a, lists[i].items[j].address.domain, out);
}

void dmarc_authors(struct arena *a, const struct message *m, struct dmarc_authors *out)
{
    struct mailbox_list lists[DMARC_AUTHORS_MAX];
    size_t count = 0, bytes = 0;

    *out = (struct dmarc_authors){ .fields = header_count(&m->header, "From") };
    for (; count < out->fields && count < DMARC_AUTHORS_MAX && bytes < ADDRESS_BODY_MAX; count++) {
        struct span body = header_find(&m->header, "From", count)->body;

        address_mailboxes(a, body, &lists[count]);
        out->oddities |= lists[count].oddities;
        bytes += body.len;
    }
    out->is_overfull = count < out->fields || (out->oddities & ADDRESS_ODD_CUT);
    add_readings(a, lists, count, false, out);
    out->strict_count = out->count;
    add_readings(a, lists, count, true, out);
}

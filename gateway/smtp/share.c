/* smtp/share.c - the recipients of one transaction that are judged and delivered together. */
#include "gateway/smtp/share.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/next_hop.h"

enum { RECIPIENTS_MOST = 1 << 20 }; /* far more than smtp.recipients may be */

void shares_init(struct shares *s)
{
    *s = (struct shares){ 0 };
    strbuf_init(&s->order, RECIPIENTS_MOST);
}

void shares_release(struct shares *s)
{
    shares_end(s);
    free(s->others);
    strbuf_release(&s->order);
}

void shares_begin(struct shares *s, struct pipeline *pipeline)
{
    s->first = (struct share){ .pipeline = pipeline, .session = pipeline_session(pipeline) };
}

void shares_end(struct shares *s)
{
    next_hop_drop(s->first.next_hop);
    for (size_t i = 0; i < s->other_count; i++) {
        next_hop_drop(s->others[i].next_hop);
        pipeline_free(s->others[i].pipeline);
    }
    s->other_count = 0;
    s->first = (struct share){ 0 };
    strbuf_clear(&s->order);
}

static struct share *share_at(struct shares *s, size_t number)
{
    return number ? &s->others[number - 1] : &s->first;
}

size_t shares_number(const struct shares *s, const struct share *share)
{
    return share == &s->first ? 0 : (size_t)(share - s->others) + 1;
}

struct share *shares_find(struct shares *s, const struct next_hop *next_hop, const struct address *recipient)
{
    struct share *empty = NULL;

    for (size_t i = s->other_count + 1; i-- > 0;) {
        struct share *share = share_at(s, i);

        if (!share->next_hop)
            empty = share;
        else if (share->next_hop == next_hop && pipeline_takes(share->pipeline, recipient))
            return share;
    }
    return empty;
}

struct share *shares_add(struct shares *s, struct engine *engine)
{
    if (s->other_count + 1 == SHARES_MOST)
        return NULL;
    if (!s->others)
        s->others = mem_alloc((SHARES_MOST - 1) * sizeof *s->others);
    struct share *share = &s->others[s->other_count++];
    struct pipeline *p = pipeline_new(engine, s->first.session->door);

    *share = (struct share){ .pipeline = p, .session = pipeline_session(p) };
    session_take(share->session, s->first.session);
    for (enum stage stage = STAGE_CONNECT; stage <= STAGE_MAIL; stage++)
        pipeline_reach(p, stage);
    return share;
}

/* Among the first `count` of its recipients. */
static bool has_domain(const struct share *share, struct span domain, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_ieq(share->session->recipients[i].address.domain, domain))
            return true;
    return false;
}

size_t share_domains_with(const struct share *share, const struct address *recipient)
{
    return share->domains + !has_domain(share, recipient->domain, share->session->recipient_count);
}

/* The last one's is none of those before it. */
static bool has_new_domain(const struct share *share)
{
    size_t last = share->session->recipient_count - 1;

    return !has_domain(share, share->session->recipients[last].address.domain, last);
}

void shares_note(struct shares *s, struct share *share, struct next_hop *next_hop)
{
    if (!share->next_hop)
        share->next_hop = next_hop_hold(next_hop);
    share->domains += has_new_domain(share);
    strbuf_putc(&s->order, (char)shares_number(s, share));
}

void shares_drop(struct shares *s)
{
    struct share *share = shares_of(s, --s->order.len);

    share->domains -= has_new_domain(share);
    if (--share->session->recipient_count)
        return;
    next_hop_drop(share->next_hop);
    share->next_hop = NULL;
}

size_t shares_recipients(const struct shares *s)
{
    return s->order.len;
}

struct share *shares_next(struct shares *s, const struct share *share)
{
    for (size_t i = share ? shares_number(s, share) + 1 : 0; i <= s->other_count; i++)
        if (share_at(s, i)->next_hop)
            return share_at(s, i);
    return NULL;
}

struct share *shares_of(struct shares *s, size_t index)
{
    return share_at(s, (size_t)s->order.data[index]);
}

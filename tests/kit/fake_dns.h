/* tests/kit/fake_dns.h - a resolver that never leaves the house, in place of net/dns.c: for one test program that
 * includes it once. It gives every name `fake_dns.answer` after a moment; names that begin with "never" get none, and
 * one that begins with "late" gets it from fake_dns_answer(fake_dns.late).
 */
#ifndef KIT_FAKE_DNS_H
#define KIT_FAKE_DNS_H

#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/net/dns.h"

struct dns_query {
    char name[DNS_NAME_MAX];
    enum dns_type type;
    dns_fn *fn;
    void *arg;
    struct timer *timer;
};

static struct {
    struct loop *loop;
    const char *answer;
    unsigned asked, cancelled;
    struct dns_query *late; /* the last one; NULL: none waits */
} fake_dns = { .answer = "192.0.2.1" };

static void fake_dns_answer(void *arg)
{
    struct dns_query *q = arg;
    struct arena a;
    const struct dns_answer *said = NULL;

    fake_dns.late = fake_dns.late == q ? NULL : fake_dns.late;
    arena_init(&a, 1 << 20);
    EXPECT_INT(FAULT_NONE, dns_answer_text(&a, q->name, q->type, span_of(fake_dns.answer), &said));
    q->fn(q->arg, said);
    arena_release(&a);
    timer_free(q->timer);
    free(q);
}

struct dns_query *dns_ask(struct dns *dns, const char *name, enum dns_type type, int timeout_ms, dns_fn *fn, void *arg)
{
    struct dns_query *q = mem_alloc(sizeof *q);

    (void)dns;
    (void)timeout_ms;
    fake_dns.asked++;
    *q = (struct dns_query){ .type = type, .fn = fn, .arg = arg };
    EXPECT_INT(FAULT_NONE, span_copy(span_of(name), q->name, sizeof q->name));
    q->timer = timer_new(fake_dns.loop, fake_dns_answer, q);
    if (strncmp(name, "late", 4) == 0)
        fake_dns.late = q;
    else if (strncmp(name, "never", 5) != 0)
        timer_start(q->timer, 1);
    return q;
}

void dns_cancel(struct dns *dns, struct dns_query *q)
{
    (void)dns;
    fake_dns.cancelled++;
    fake_dns.late = fake_dns.late == q ? NULL : fake_dns.late;
    timer_free(q->timer);
    free(q);
}

#endif

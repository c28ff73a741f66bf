/* tests/kit/spf_desk.h - the desk with the check "spf" on it, and zones written as lines of text. */
#ifndef KIT_SPF_DESK_H
#define KIT_SPF_DESK_H

#include "gateway/core/run.h"
#include "scanners/spf.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

/* spf_zone - lines of "name TYPE answer"; blank ones are skipped. */
static inline void spf_zone(struct desk *d, const char *lines)
{
    struct span rest = span_of(lines), line, name, type;

    while (span_cut(&rest, '\n', &line)) {
        enum dns_type number;

        if (!span_word(&line, &name))
            continue;
        if (!span_word(&line, &type) || !dns_type_parse(type, &number))
            fail_msg("spf_zone: %.*s", SPAN_ARG(line));
        desk_dns(d, arena_dup(&d->arena, name), number, arena_dup(&d->arena, span_trim(line)));
    }
}

/* spf_desk - a client 192.0.2.1 that says HELO mail.example and MAIL FROM:<user@example.org>. */
static inline struct desk *spf_desk(const char *conf, const char *zone)
{
    struct desk *d = desk_open(&spf_module, conf);

    desk_client(d, "192.0.2.1");
    desk_helo(d, "mail.example");
    desk_from(d, "user@example.org");
    spf_zone(d, zone);
    return d;
}

/* spf_step_by_step - as desk_settle(), but each round brings one answer only, the newest question's first. */
static inline void spf_step_by_step(struct desk *d)
{
    while (desk_run(d) == STEP_WAIT) {
        struct answer_entry *next = NULL;
        const struct dns_answer *a = NULL;

        for (struct answer_entry *e = d->book.first; e; e = e->next)
            next = e->answer ? next : e;
        if (!next)
            fail_msg("it waits for nothing");
        const struct answer_entry *known = answers_find(&d->world, next->name, next->type);

        if (known)
            a = known->answer;
        else
            EXPECT_INT(FAULT_NONE, dns_answer_text(&d->arena, next->name, next->type, span_of(d->world_else), &a));
        answers_put(&d->book, next->name, next->type, a);
    }
}

#endif

/* tests/unit/test_sender.c - what stays the same of a sender. */
#include "greylist/sender.h"

#include "tests/kit/expect.h"

static void senders_are_folded(void **state)
{
    static const struct {
        const char *sender, *folded;
    } cases[] = {
        { "", "" },
        { "Joe.Doe@Example.ORG", "joe.doe@example.org" },
        /* BATV, both ways round, and those of others */
        { "prvs=3096b1c2d4=joe@a.example", "joe@a.example" },
        { "PRVS=3096B1C2D4=Joe@a.example", "joe@a.example" },
        { "prvs=joe=3096b1c2d4@a.example", "joe@a.example" },
        { "prvs=0123456789=9876543210@a.example", "#@a.example" },
        { "prvs=1=joe@a.example", "joe@a.example" },
        { "prvs=joe@a.example", "prvs=joe@a.example" },
        { "prvs==joe@a.example", "prvs==joe@a.example" },
        { "prvs=a=@a.example", "prvs=a=@a.example" },
        { "btv1==0123abcdef0==joe@a.example", "joe@a.example" },
        { "btv1==joe@a.example", "#==joe@a.example" },
        { "msprvs1=19012abc0d=bounces-12-34@a.example", "bounces-#@a.example" },
        /* SRS */
        { "SRS0=x7Yz=QW=far.example=joe@b.example", "srs=far.example=joe@b.example" },
        { "SRS0=Ab1z=QX=far.example=joe@b.example", "srs=far.example=joe@b.example" },
        { "SRS0+x7Yz=QW=far.example=joe@b.example", "srs=far.example=joe@b.example" },
        { "srs0-x7yz=qw=far.example=joe@b.example", "srs=far.example=joe@b.example" },
        { "SRS1=Kj9=b.example==x7Yz=QW=far.example=joe@c.example", "srs=b.example=far.example=joe@c.example" },
        { "SRS0=x7Yz@b.example", "#@b.example" },
        { "SRS1=x7Yz=b.example@c.example", "#=b.example@c.example" },
        { "SRSnews@c.example", "srsnews@c.example" },
        /* VERP */
        { "news+ann=to.example@c.example", "news@c.example" },
        { "+news@c.example", "+news@c.example" },
        { "bounce-20417-9f3ab2c1@d.example", "bounce-#@d.example" },
        { "bounce-20418-0c1-77-ee@d.example", "bounce-#-ee@d.example" },
        { "bounce-20418-ann=to.example@d.example", "bounce-#-ann=to.example@d.example" },
        { "010001234-ab12cd34-ef56-000000@ses.example", "#@ses.example" },
        { "010001299-cd34ab12-ef77-000000@ses.example", "#@ses.example" },
        { "qwertzuiopasdfghjklyxcvbnm.news@e.example", "#.news@e.example" },
        { "joe2@e.example", "#@e.example" },
        { "joe@e2.example", "joe@e2.example" },
        { "\"joe 7\"@e.example", "\"joe #\"@e.example" },
        { "j\xc3\xb6rg@e.example", "j\xc3\xb6rg@e.example" },
        { "#@e.example", "#@e.example" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span text = span_of(cases[i].sender);
        size_t at = span_rfind(text, '@');
        struct address sender = { .text = text };
        struct arena a;

        arena_init(&a, 1 << 20);
        if (at != SPAN_NPOS) {
            sender.local = span_first(text, at);
            sender.domain = span_skip(text, at + 1);
        }
        EXPECT_SPAN(cases[i].folded, sender_fold(&a, &sender));
        arena_release(&a);
    }
}

RUN_TESTS(TEST(senders_are_folded))

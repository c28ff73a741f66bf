/* tests/unit/test_params.c - parameters of Content-Type and Content-Disposition. */
#include "gateway/base/strbuf.h"
#include "gateway/mail/words.h"

#include "tests/kit/expect.h"

enum { AMPLE = 1000000 };

/* "value|name=text|name=text": what was read. A + stands before what came by RFC 2231, a ~ before another reading. */
static struct span shown(struct arena *a, struct span body, unsigned *flaws)
{
    struct params p;
    struct strbuf b;

    params_read(a, body, &p);
    strbuf_init(&b, AMPLE);
    strbuf_put(&b, p.value);
    for (size_t i = 0; i < p.count; i++) {
        strbuf_puts(&b, p.items[i].is_extended ? "|+" : p.items[i].is_other_reading ? "|~" : "|");
        strbuf_put(&b, p.items[i].name);
        strbuf_putc(&b, '=');
        strbuf_put(&b, p.items[i].value);
    }
    struct span copy = arena_copy(a, strbuf_span(&b));

    strbuf_release(&b);
    *flaws = p.flaws;
    return copy;
}

static void parameters_are_read_as_readers_read_them(void **state)
{
    static const struct {
        const char *body, *shown;
        unsigned flaws;
    } cases[] = {
        { " text/plain", "text/plain", 0 },
        { "text/plain; charset=utf-8; Format=\"flowed\"", "text/plain|charset=utf-8|format=flowed", 0 },
        { "text / plain ;charset = x", "text/plain|charset=x", 0 },
        { "(a) text (b) / (c) plain (d); charset=(e)x (f)", "text/plain|charset=x", PARAMS_COMMENT },
        { "a/b; name=\"a \\\"b\\\" \\\\ c\"", "a/b|name=a \"b\" \\ c|~name=a", 0 },
        { "a/b; name=\"a.exe\\\".txt\"; c=d", "a/b|name=a.exe\".txt|~name=a.exe|c=d", 0 },
        { "a/b; name=\"a.exe;.txt\"; c=d", "a/b|name=a.exe;.txt|~name=a.exe|c=d", 0 },
        { "a/b; name=\"fol\r\n ded\"", "a/b|name=fol ded", 0 },
        { "a/b;; ;name=x;", "a/b|name=x", 0 },
        { "a/b; name=", "a/b|name=", 0 },
        { "", "", 0 },
        { "; name=x", "|name=x", 0 },
        /* continuations and charsets */
        { "a/b; n*=utf-8'de'gr%C3%BC%C3%9F", "a/b|+n=gr\xc3\xbc\xc3\x9f", 0 },
        { "a/b; n*0=one; n*1=two", "a/b|n=onetwo", 0 },
        { "a/b; n*0*=iso-8859-1''gr%FC; n*1=\" x\"; n*2*=%DF", "a/b|+n=gr\xc3\xbc x\xc3\x9f", 0 },
        { "a/b; n*0*=utf-8''%C3; n*1*=%BC", "a/b|+n=\xc3\xbc", 0 },
        { "a/b; n*1=two; n*0=one", "a/b|n=onetwo", PARAMS_CONTINUATION },
        { "a/b; n*0=one; n*2=two", "a/b|n=onetwo|~n=one", PARAMS_CONTINUATION },
        { "a/b; n*0=one; n*0=x; n*1=two", "a/b|n=onetwo|~n=xtwo", PARAMS_CONTINUATION },
        { "a/b; n*1=two", "a/b|n=two", PARAMS_CONTINUATION },
        { "a/b; n*=no quotes", "a/b|+n=no quotes|+n=no", PARAMS_UNQUOTED | PARAMS_SYNTAX },
        { "a/b; n*=\"utf-8''%C3%BC\"", "a/b|+n=\xc3\xbc", 0 },
        { "a/b; n*=x-no''%FC", "a/b|+n=\xc3\xbc", PARAMS_CHARSET },
        { "a/b; n*=utf-8''%zz", "a/b|+n=%zz", 0 },
        /* readers differ */
        { "a/b; name=x; name=x", "a/b|name=x|name=x", 0 },
        { "a/b; name=x; name=y", "a/b|name=x|name=y", PARAMS_DUPLICATE },
        { "a/b; name=x; name*=utf-8''y", "a/b|+name=y|name=x", PARAMS_CONFLICT },
        { "a/b; name=evil.exe .txt", "a/b|name=evil.exe .txt|~name=evil.exe", PARAMS_UNQUOTED },
        { "a/b; name=a(1).txt", "a/b|name=a(1).txt", PARAMS_UNQUOTED },
        { "a/b; x=mail-server\r\n server=y", "a/b|x=mail-server|~x=mail-server server=y|server=y",
          PARAMS_UNQUOTED | PARAMS_SYNTAX },
        { "a/b; name=\"x\" charset=y", "a/b|name=x|charset=y", PARAMS_SYNTAX },
        { "a/b; name=\"x.txt\".exe; c=d", "a/b|name=x.txt|~name=x.txt.exe|c=d", PARAMS_SYNTAX },
        { "a/b; name=\"open; c=d", "a/b|name=open; c=d|~name=open", PARAMS_UNQUOTED },
        { "a/b charset=y", "a/b|charset=y", PARAMS_SYNTAX },
        { "a/b junk; c=d", "a/b|c=d", PARAMS_SYNTAX },
        { "filename=x", "|filename=x", PARAMS_SYNTAX },
        { "a/b; junk; c=d; =x; *=y", "a/b|c=d", PARAMS_SYNTAX },
        { "a/b; name=x (never ends", "a/b|name=x (never ends|~name=x", PARAMS_UNQUOTED },
        { "\"text/plain\"", "text/plain", 0 },
        /* encoded words */
        { "a/b; name=\"=?utf-8?q?gr=C3=BC?=.txt\"", "a/b|name=gr\xc3\xbc.txt", PARAMS_ENCODED },
        { "a/b; name==?utf-8?q?gr=C3=BC?=", "a/b|name=gr\xc3\xbc", PARAMS_ENCODED | PARAMS_UNQUOTED },
        { "a/b; name=\"gr\xfc\"", "a/b|name=gr\xc3\xbc", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        unsigned flaws = 0;

        arena_init(&a, AMPLE);
        EXPECT_SPAN(cases[i].shown, shown(&a, span_of(cases[i].body), &flaws));
        if (cases[i].flaws != flaws)
            print_error("%s\n", cases[i].body);
        EXPECT_INT(cases[i].flaws, flaws);
        arena_release(&a);
    }
}

static void a_boundary_keeps_its_bytes(void **state)
{
    struct arena a;
    struct params p;

    (void)state;
    arena_init(&a, AMPLE);
    params_read(&a, SPAN("multipart/mixed; boundary=\"=?utf-8?q?=41?= \xfc\"; x=1"), &p);
    EXPECT_SPAN("=?utf-8?q?=41?= \xfc", params_find(&p, "Boundary", 0)->raw);
    EXPECT_NULL(params_find(&p, "boundary", 1));
    EXPECT_SPAN("1", params_find(&p, "x", 0)->value);
    arena_release(&a);
}

/* A field with `count` parameters that nobody asks for, and then what `rest` says. */
static struct params *crowded(struct arena *a, int count, const char *rest)
{
    struct params *p = arena_alloc(a, sizeof *p);
    struct strbuf b;

    strbuf_init(&b, AMPLE);
    strbuf_puts(&b, "a/b");
    for (int i = 0; i < count; i++)
        strbuf_putf(&b, "; n%d=x", i);
    strbuf_puts(&b, rest);
    params_read(a, arena_copy(a, strbuf_span(&b)), p);
    strbuf_release(&b);
    return p;
}

static void no_number_of_others_hides_what_matters(void **state)
{
    struct arena a;
    struct params *p;

    (void)state;
    arena_init(&a, AMPLE);
    p = crowded(&a, 300, "; boundary=c; filename=d.exe");
    EXPECT_SPAN("c", params_find(p, "boundary", 0)->value);
    EXPECT_SPAN("d.exe", params_find(p, "filename", 0)->value);
    EXPECT_TRUE(p->flaws & PARAMS_TOO_MANY);
    arena_release(&a);
}

static void there_is_an_end_to_what_is_read(void **state)
{
    struct arena a;
    struct params *p;

    (void)state;
    arena_init(&a, AMPLE);
    p = crowded(&a, 5000, "");
    EXPECT_INT(PARAMS_MAX, p->count);
    EXPECT_TRUE(p->flaws & PARAMS_TOO_MANY);
    arena_release(&a);
}

RUN_TESTS(TEST(parameters_are_read_as_readers_read_them), TEST(a_boundary_keeps_its_bytes),
          TEST(no_number_of_others_hides_what_matters), TEST(there_is_an_end_to_what_is_read))

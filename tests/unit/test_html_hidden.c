/* tests/unit/test_html_hidden.c - every way of hiding text, beside something like it that hides nothing. */
#include "gateway/base/strbuf.h"
#include "gateway/content/html.h"
#include "gateway/content/html_color.h"
#include "gateway/content/html_style.h"
#include "tests/kit/arena_tests.h"

static const struct html *read(const char *text)
{
    return html_read(&arena, span_of(text));
}

/* In each case the text that may be hidden is "secret". */
static void expect_hiding(const char *html, unsigned why)
{
    const struct html *h = read(html);
    bool is_shown = span_search(h->shown, SPAN("secret")) != SPAN_NPOS;
    bool is_hidden = span_search(h->hidden, SPAN("secret")) != SPAN_NPOS;

    if (is_shown == is_hidden || is_hidden != (why != 0) || (why && h->hidings != why))
        fail_msg("%s: shown \"%.*s\", hidden \"%.*s\", 0x%x", html, SPAN_ARG(h->shown), SPAN_ARG(h->hidden),
                 h->hidings);
}

struct hiding_case {
    const char *html;
    unsigned why; /* 0: it is seen */
};

static void expect_all(const struct hiding_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_hiding(cases[i].html, cases[i].why);
}

static void by_display(void **state)
{
    static const struct hiding_case cases[] = {
        { "<div style='display:none'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='display:block'>secret</div>", 0 },
        { "<div style='DISPLAY : NONE !important;'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='display:none'><p style='display:block'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='display:none'>x</div>secret", 0 },
        { "<div style='d\\69splay:none'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='color:red;\n\n                                        display:none'>secret</div>",
          HTML_DISPLAY_NONE },
        { "<div style='/* a:b; */ display/**/:none'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='/* display:none */ color:red'>secret</div>", 0 },
        { "<div style='background:url(a;display:none)'>secret</div>", 0 },
        { "<div style='font-family:\"a;display:none;\"'>secret</div>", 0 },
        { "<div style=\"display&colon;none\">secret</div>", HTML_DISPLAY_NONE },
        { "<div style='visibility:hidden'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='visibility:collapse'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='visibility:hidden'><b style='visibility:visible'>secret</b></div>", 0 },
        { "<div hidden>secret</div>", HTML_DISPLAY_NONE },
        { "<div title=hidden>secret</div>", 0 },
        { "<template>secret</template>", HTML_DISPLAY_NONE },
        { "<dialog>secret</dialog>", HTML_DISPLAY_NONE },
        { "<dialog open>secret</dialog>", 0 },
        { "<datalist><option>secret</datalist>", HTML_DISPLAY_NONE },
        { "<x-any style=display:none>secret</x-any>", HTML_DISPLAY_NONE },
        { "<x-any style=display:none>x</x-any><x-any>secret</x-any>", 0 },
        { "<div style=display:none>x</div></div></div>secret", 0 },
        { "<div style='display:none'><b><div>x</b>y</div>secret</div>", HTML_DISPLAY_NONE },
        { "<span style='display:none'><div></span>secret</div>", HTML_DISPLAY_NONE },
        { "<span style='display:none'><b>x</span>secret</b>", 0 },
        { "<table><tr><td style='display:none'></div>secret</table>", HTML_DISPLAY_NONE },
        { "<table><tr><td style='display:none'>x<td>secret</table>", 0 },
        { "<table><tr style='display:none'><td>x<tr><td>secret</table>", 0 },
        { "<p style='display:none'>x<p>secret", 0 },
        { "<ul><li style='display:none'>x<li>secret</ul>", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void by_size(void **state)
{
    static const struct hiding_case cases[] = {
        { "<div style='font-size:0'>secret</div>", HTML_TINY },
        { "<div style='font-size:1px'>secret</div>", HTML_TINY },
        { "<div style='font-size:2pt'>secret</div>", HTML_TINY },
        { "<div style='font-size:8px'>secret</div>", 0 },
        { "<div style='font-size:0.01em'>secret</div>", HTML_TINY },
        { "<div style='font-size:90%'>secret</div>", 0 },
        { "<div style='font-size:1%'>secret</div>", HTML_TINY },
        { "<div style='font-size:xx-small'>secret</div>", 0 },
        { "<div style='font:bold 0/0 a'>secret</div>", HTML_TINY },
        { "<div style='font:400 12px/1 Arial'>secret</div>", 0 },
        { "<div style='font-size:0'><b>secret</b></div>", HTML_TINY },
        { "<div style='font-size:0'><b style='font-size:14px'>secret</b></div>", 0 },
        { "<div style='font-size:0'><font size=3>secret</font></div>", 0 },
        { "<font size=1>secret</font>", 0 },
        { "<font size=-9>secret</font>", 0 },
        { "<div style='max-height:0;overflow:hidden'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='max-height:0'>secret</div>", 0 },
        { "<div style='height:1px;width:1px;overflow:hidden'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='height:100px;overflow:hidden'>secret</div>", 0 },
        { "<div style='height:auto;overflow:hidden'>secret</div>", 0 },
        { "<div style='width:0%;overflow:clip'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='width:100%;overflow:hidden'>secret</div>", 0 },
        { "<marquee width=0>secret</marquee>", HTML_OFF_SCREEN },
        { "<marquee width=50>secret</marquee>", 0 },
        { "<div style='transform:scale(0)'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='transform:scale(1.5)'>secret</div>", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void by_colour(void **state)
{
    static const struct hiding_case cases[] = {
        { "<font color=white>secret</font>", HTML_LOW_CONTRAST },
        { "<font color=red>secret</font>", 0 },
        { "<font color=#fefefe>secret</font>", HTML_LOW_CONTRAST },
        { "<font color=#999>secret</font>", 0 },
        { "<body bgcolor=black><font color=#000001>secret</font>", HTML_LOW_CONTRAST },
        { "<body bgcolor=black><font color=white>secret</font>", 0 },
        { "<body bgcolor=black text=black>secret", HTML_LOW_CONTRAST },
        { "<table bgcolor=#123456><tr><td><font color=#123457>secret</table>", HTML_LOW_CONTRAST },
        { "<table bgcolor=#123456><tr><td bgcolor=white><font color=#123457>secret</table>", 0 },
        { "<div style='color:#fff'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='color:#fff;background:#000'>secret</div>", 0 },
        { "<div style='color:#fff;background:url(x) no-repeat #000'>secret</div>", 0 },
        { "<div style='color:#fff;background:#fff url(x)'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='color:#fff;background-image:url(x)'>secret</div>", 0 },
        { "<table><tr><td background=x><font color=white>secret</table>", 0 },
        { "<div style='color:rgb(250, 250, 250)'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='color:rgb(50%, 0%, 0%)'>secret</div>", 0 },
        { "<div style='color:hsl(120, 100%, 99%)'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='color:hsl(120, 100%, 25%)'>secret</div>", 0 },
        { "<div style='color:white'><b>secret</b></div>", HTML_LOW_CONTRAST },
        { "<div style='color:white'><b style='color:black'>secret</b></div>", 0 },
        { "<div style='color:white'><a href=x>secret</a></div>", 0 },
        { "<div style='color:white'><a href=x style='color:inherit'>secret</a></div>", HTML_LOW_CONTRAST },
        { "<div style='background:red'><div style='background:transparent;color:red'>secret</div></div>",
          HTML_LOW_CONTRAST },
        { "<div style='color:transparent'>secret</div>", HTML_TRANSPARENT },
        { "<div style='color:rgba(0,0,0,0.05)'>secret</div>", HTML_TRANSPARENT },
        { "<div style='color:rgba(0,0,0,0.8)'>secret</div>", 0 },
        { "<div style='color:#00000000'>secret</div>", HTML_TRANSPARENT },
        { "<div style='opacity:0'>secret</div>", HTML_TRANSPARENT },
        { "<div style='opacity:.3'><b style='opacity:30%'>secret</b></div>", HTML_TRANSPARENT },
        { "<div style='opacity:0.6'>secret</div>", 0 },
        { "<div style='filter:alpha(opacity=0)'>secret</div>", HTML_TRANSPARENT },
        { "<div style='filter:alpha(opacity=100)'>secret</div>", 0 },
        { "<font color=white><div>x</font>secret</div>", 0 },
        { "<font color=white>x</font>secret", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void by_place(void **state)
{
    static const struct hiding_case cases[] = {
        { "<div style='position:absolute;left:-9999px'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='left:-9999px'>secret</div>", 0 },
        { "<div style='position:absolute;left:-10px'>secret</div>", 0 },
        { "<div style='position:fixed;top:-100em'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='position:static;top:-100em'>secret</div>", 0 },
        { "<div style='position:relative;left:5000px'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='margin-left:-2000px'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='margin-left:-20px'>secret</div>", 0 },
        { "<div style='text-indent:-9999px'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='text-indent:-9999px'><b style='text-indent:0'>secret</b></div>", 0 },
        { "<div style='text-indent:-2em'>secret</div>", 0 },
        { "<div style='position:absolute;clip:rect(0 0 0 0)'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='position:absolute;clip:rect(1px, 1px, 1px, 1px)'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='position:absolute;clip:rect(0 100px 20px 0)'>secret</div>", 0 },
        { "<div style='clip-path:inset(50%)'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='clip-path:inset(5%)'>secret</div>", 0 },
        { "<div style='clip-path:circle(0)'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='transform:translate(-9999px, 0)'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='transform:translate(10px)'>secret</div>", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void by_style_sheets(void **state)
{
    static const struct hiding_case cases[] = {
        { "<style>.a{display:none}</style><p class='b a c'>secret", HTML_DISPLAY_NONE },
        { "<style>.a{display:none}</style><p class='b'>secret", 0 },
        { "<style>.a{display:none}</style><p class='aa'>secret", 0 },
        { "<style>p{display:none}</style><P>secret", HTML_DISPLAY_NONE },
        { "<style>p{display:none}</style><div>secret", 0 },
        { "<style>#a{font-size:0}</style><p id=a>secret", HTML_TINY },
        { "<style>#a{font-size:0}</style><p class=a>secret", 0 },
        { "<style>p.a{color:#fff}</style><p class=a>secret", HTML_LOW_CONTRAST },
        { "<style>p.a{color:#fff}</style><div class=a>secret", 0 },
        { "<style>x, .y ,p#a{opacity:0}</style><p id=a>secret", HTML_TRANSPARENT },
        { "<style>*{visibility:hidden}</style><p>secret", HTML_DISPLAY_NONE },
        { "<style>body .a{display:none}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style>.a .b{display:none}</style><p class=b>secret", 0 },
        { "<style>.a:hover{display:none}</style><p class=a>secret", 0 },
        { "<style>.a{display:none} .a{display:block}</style><p class=a>secret", 0 },
        { "<style>.a{display:none!important} .a{display:block}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style>.a{display:none}</style><p class=a style='display:block'>secret", 0 },
        { "<style>.a{display:none!important}</style><p class=a style='display:block'>secret", HTML_DISPLAY_NONE },
        { "<style>.a{color:#fff} .a{top:0;display:none} .a{color:#000;left:0}</style><p class=a>secret",
          HTML_DISPLAY_NONE },
        { "<style>.a{display:none;color:#fff} .a{display:block;width:9px}</style><p class=a>secret",
          HTML_LOW_CONTRAST },
        { "<style>#a{display:block}.b{display:none}</style><p class=b id=a>secret", 0 },
        { "<style>.b{display:none}.a{display:block}</style><p class='a b'>secret", 0 },
        { "<style>.a{display:block}.b{display:none}</style><p class='b a'>secret", HTML_DISPLAY_NONE },
        { "<style><!-- .a{display:none} --></style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style>/* } */ .x{a:'}'} .a{display:none}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style>@import 'x'; .a{display:none}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style>@media screen{.a{display:none}}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style>@media print{.a{display:none}}</style><p class=a>secret", 0 },
        { "<style>@media only screen and (max-width:600px){.a{display:none}}</style><p class=a>secret", 0 },
        { "<style>@media print{.x{}} .a{display:none}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style>.a{display:none}@media (min-width:1px){.a{display:block}}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}@media (max-width:600px){.a{display:block}}</style><p class=a>secret",
          HTML_DISPLAY_NONE },
        { "<style>@media print, screen and (min-width:40em) and (orientation: landscape){.a{display:none}}</style>"
          "<p class=a>secret",
          HTML_DISPLAY_NONE },
        { "<style>@media (min-width:90em){.a{display:none}}</style><p class=a>secret", 0 },
        { "<style>@media (prefers-color-scheme:dark){.a{color:#fff}}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}@supports (color:red){.a{display:block}}</style><p class=a>secret", 0 },
        { "<style>@supports not (color:red){.a{display:none}}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}</style><p class='&#97;'>secret", HTML_DISPLAY_NONE },
        { "<style>#a{display:none}</style><p id='&#97;'>secret", HTML_DISPLAY_NONE },
        { "<style>@font-face{a:b} .a{display:none}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<!-- <style>.a{display:none}</style> --><p class=a>secret", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

/* Hundreds of pages may be in a message, each with a sheet. */
static void a_style_sheet_goes_with_its_page(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 18);
    strbuf_puts(&b, "<style>");
    for (int i = 0; i < 3000; i++)
        strbuf_putf(&b, ".a%d{color:red;display:none}", i);
    strbuf_puts(&b, "</style><p class=a2999>secret");
    size_t before = arena.used_bytes;

    EXPECT_SPAN("secret", html_read(&arena, strbuf_span(&b))->hidden);
    EXPECT_TRUE(arena.used_bytes - before < 20000);
    strbuf_release(&b);
}

/* What lies too deep to be told apart ends with what it lies in. */
static void depth_hides_nothing_behind_it(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 16);
    strbuf_puts(&b, "<div hidden>");
    for (int i = 1; i < HTML_DEPTH_MAX; i++)
        strbuf_puts(&b, "<i>");
    strbuf_puts(&b, "<table><tr><td><div>x</td></tr></table>");
    for (int i = 1; i < HTML_DEPTH_MAX; i++)
        strbuf_puts(&b, "</i>");
    strbuf_puts(&b, "</div>seen");
    const struct html *h = html_read(&arena, strbuf_span(&b));

    EXPECT_SPAN("seen", h->shown);
    EXPECT_TRUE(h->facts & HTML_TOO_DEEP);
    strbuf_release(&b);
}

static void hidden_pieces_stand_in_lines(void **state)
{
    const struct html *h =
        read("<div style='display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;"
             "overflow:hidden;mso-hide:all'>Pre &amp; header</div><p>Seen</p><p hidden>more</p>");

    (void)state;
    EXPECT_SPAN("Pre & header\nmore", h->hidden);
    EXPECT_SPAN("Seen", h->shown);
    EXPECT_INT(HTML_HIDES_MSO, h->facts);
    EXPECT_INT(4, h->shown_letters);
    EXPECT_INT(14, h->hidden_letters);
    EXPECT_INT(HTML_DISPLAY_NONE | HTML_TINY | HTML_TRANSPARENT | HTML_OFF_SCREEN, h->hidings);
    EXPECT_INT(0, h->tiny_letters);
    EXPECT_INT(2, read("<i style='font-size:0'>a b</i>x")->tiny_letters);
    h = read("<div hidden>Pre&#847;&zwnj;&nbsp;&#8199;&shy;&#65279;\xe2\x80\x8b</div>\xc3\xa4&zwj;b");
    EXPECT_INT(3, h->hidden_letters);
    EXPECT_INT(2, h->shown_letters);
    EXPECT_INT(0, read("<div hidden> <!-- --> &nbsp; </div>x")->hidings);
    h = read("<a hidden href=x>secret</a><a href=y>seen</a>");
    EXPECT_TRUE(h->links[0].is_hidden);
    EXPECT_SPAN("", h->links[0].text);
    EXPECT_FALSE(h->links[1].is_hidden);
}

static void contrast_is_that_of_wcag(void **state)
{
    struct html_style_value v;

    (void)state;
    EXPECT_INT(210, (int)(html_contrast(0, 0xffffff) * 10 + 0.5));
    EXPECT_INT(10, (int)(html_contrast(0x123456, 0x123456) * 10 + 0.5));
    EXPECT_INT(45, (int)(html_contrast(0x767676, 0xffffff) * 10)); /* the lightest grey of level AA */
    EXPECT_FALSE(style_colour(SPAN("nonsense"), &v));
    EXPECT_FALSE(style_colour(SPAN("#12345"), &v));
    EXPECT_TRUE(style_colour(SPAN(" YellowGreen "), &v));
    EXPECT_INT(0x9acd32, v.rgb);
    EXPECT_TRUE(style_colour(SPAN("hsla(210 50% 40% / 0.5)"), &v));
    EXPECT_INT(0x336699, v.rgb);
}

/* What is said last is not always what holds: browsers leave out what they do not know, and know more than we. */
static void values_that_take_hiding_back_or_do_not(void **state)
{
    static const struct hiding_case cases[] = {
        { "<div hidden style='display:block'>secret</div>", 0 },
        { "<div hidden style='color:red'>secret</div>", HTML_DISPLAY_NONE },
        { "<dialog style='display:block'>secret</dialog>", 0 },
        { "<template style='display:block'>secret</template>", HTML_DISPLAY_NONE },
        { "<div style='display:none;display:foo'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='display:none;display:none !ie'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='display:none;display:var(--x)'>secret</div>", 0 },
        { "<div style='display:none;display:-webkit-box'>secret</div>", 0 },
        { "<div style='visibility:hidden;visibility:shown'>secret</div>", HTML_DISPLAY_NONE },
        { "<div style='visibility:hidden'><b style='visibility:initial'>secret</b></div>", 0 },
        { "<div style='visibility:hidden'><b style='visibility:unset'>secret</b></div>", HTML_DISPLAY_NONE },
        { "<div style='font-size:0'><b style='font-size:initial'>secret</b></div>", 0 },
        { "<div style='font-size:0'><b style='font-size:unset'>secret</b></div>", HTML_TINY },
        { "<div style='font-size:0'><b style='font-size:calc(1px + 12px)'>secret</b></div>", 0 },
        { "<div style='font-size:calc(0px)'>secret</div>", HTML_TINY },
        { "<div style='font-size:0'><b style='font-size:1.6e1px'>secret</b></div>", 0 },
        { "<div style='font-size:1e-2px'>secret</div>", HTML_TINY },
        { "<div style='font-size:0'><b style='font:menu'>secret</b></div>", 0 },
        { "<div style='font-size:0'><b style='font-size:20q'>secret</b></div>", 0 },
        { "<div style='font-size:0;font-size:20zz'>secret</div>", HTML_TINY },
        { "<div style='font-size:0;color:#fff'><b style='all:initial'>secret</b></div>", 0 },
        { "<div style='font-size:0;color:#fff'><b style='all:unset'>secret</b></div>", HTML_TINY | HTML_LOW_CONTRAST },
        { "<div style='color:#fff'><b style='color:initial'>secret</b></div>", 0 },
        { "<div style='color:#fff'><b style='color:currentColor'>secret</b></div>", HTML_LOW_CONTRAST },
        { "<div style='color:#fff'><b style='color:windowtext'>secret</b></div>", 0 },
        { "<div style='color:canvas'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='color:#fff'><b style='color:hwb(0 0% 100%)'>secret</b></div>", 0 },
        { "<div style='color:#fff;background:lab(0 0 0)'>secret</div>", 0 },
        { "<div style='color:#fff'><font color=x>secret</font></div>", 0 },
        { "<font color=fffffff>secret</font>", HTML_LOW_CONTRAST },  /* three thirds: fff fff f00, so #fffff0 */
        { "<font color=ffzffzff>secret</font>", HTML_LOW_CONTRAST }, /* z is 0: ff0 ff0 ff0 */
        { "<font color=fffff>secret</font>", HTML_LOW_CONTRAST },    /* ff ff f0 */
        { "<font color=f>secret</font>", 0 },                        /* f 0 0 */
        { "<font color='#ffffff00ffffff00ffffff00'>secret</font>", HTML_LOW_CONTRAST },
        { "<table bgcolor=black><tr><td bgcolor=white style='background:transparent;color:#fff'>secret</table>", 0 },
        { "<div style='color:#fff;background:#fff;background-image:linear-gradient(#000,#000)'>secret</div>", 0 },
        { "<div style='color:#fff;background:#fff url(data:image/png;base64,xx)'>secret</div>", 0 },
        { "<div style='color:#fff;background:#fff url(http://x/y.png)'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='color:transparent;text-shadow:0 0 1px #000'>secret</div>", 0 },
        { "<div style='color:#fff;text-shadow:0 0 0 #fff'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='color:#fff;text-shadow:none'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style='-webkit-text-fill-color:#000;color:#fff'>secret</div>", 0 },
        { "<div style='-webkit-text-fill-color:#fff;color:#000'>secret</div>", HTML_LOW_CONTRAST },
        { "<div style=\"a:'\\';display:none;'\">secret</div>", 0 },
        { "<div style='a:{;display:none}'>secret</div>", 0 },
        { "<div style='a:[;display:none]'>secret</div>", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

/* Heights, clips and moves hold for some elements only, and not for all of what they are said of. */
static void what_has_no_box_is_not_cut(void **state)
{
    static const struct hiding_case cases[] = {
        { "<span style='height:0;overflow:hidden'>secret</span>", 0 },
        { "<span style='height:0;overflow:hidden;display:inline-block'>secret</span>", HTML_OFF_SCREEN },
        { "<span style='height:0;overflow:hidden;float:left'>secret</span>", HTML_OFF_SCREEN },
        { "<div style='height:0;overflow:hidden;display:inline'>secret</div>", 0 },
        { "<table><tr><td style='height:0;overflow:hidden'>secret</table>", 0 },
        { "<div style='height:0;overflow:hidden;padding-bottom:60px'>secret</div>", 0 },
        { "<div style='height:0;overflow:hidden;min-height:60px'>secret</div>", 0 },
        { "<div style='height:0;overflow:hidden;padding:0 0'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='height:0;overflow:hidden hidden'>secret</div>", HTML_OFF_SCREEN },
        { "<div style='height:calc(100px);overflow:hidden'>secret</div>", 0 },
        { "<div style='clip:rect(0 0 0 0)'>secret</div>", 0 },
        { "<div style='position:relative;clip:rect(0 0 0 0)'>secret</div>", 0 },
        { "<span style='transform:scale(0)'>secret</span>", 0 },
        { "<span style='margin-top:-9999px'>secret</span>", 0 },
        { "<span style='text-indent:-9999px'>secret</span>", 0 },
        { "<div style='text-indent:-700px'>secret, and so on for more letters than there are in so little room, for it "
          "is the first line alone that is moved, and all the others stand where they stood before it was said</div>",
          0 },
        { "<div style='position:relative;left:-300px'>secret</div>", 0 },
        { "<div style='position:relative;right:-700px'>secret</div>", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void style_sheets_for_others(void **state)
{
    static const struct hiding_case cases[] = {
        { "<style media=print>.a{display:none}</style><p class=a>secret", 0 },
        { "<style media='Screen'>.a{display:none}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<style type=text/less>.a{display:none}</style><p class=a>secret", 0 },
        { "<style type=Text/CSS>.a{display:none}</style><p class=a>secret", HTML_DISPLAY_NONE },
        { "<template><style>.a{display:none}</style></template><p class=a>secret", 0 },
        { "<iframe srcdoc='<style>.a{display:none}</style>'></iframe><p class=a>secret", 0 },
        { "<noframes><style>.a{display:none}</style></noframes><p class=a>secret", 0 },
        { "<style>x[a=\"{}.a{display:none}\"]{}</style><p class=a>secret", 0 },
        { "<style>x/*{}.a{display:none}*/{}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}.a/**/{display:block}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}.\\61{display:block}</style><p class=a>secret", 0 },
        { "<style>.x{a:'\\'}.a{display:none}'}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}@media not print{.a{display:block}}</style><p class=a>secret", 0 },
        { "<style>@media not all and (color){.a{display:none}}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}@media (width>=1px){.a{display:block}}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}@media (1px < width){.a{display:block}}</style><p class=a>secret", 0 },
        { "<style>@media (width < 600px){.a{display:none}}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}@media (grid) or (hover:hover){.a{display:block}}</style><p class=a>secret", 0 },
        { "<style>.a{display:none}@media screen and (-webkit-min-device-pixel-ratio:0){.a{display:block}}</style>"
          "<p class=a>secret",
          0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

/* A picture has neither ink nor letters, and what is seen in a link is clicked on. */
static void links_of_what_is_seen(void **state)
{
    static const struct {
        const char *html;
        bool is_hidden;
    } cases[] = {
        { "<a href=x style='font-size:0'><img src=y></a>", false },
        { "<a href=x style='color:#fff'><img src=y></a>", false },
        { "<a href=x style='color:#fff'>secret</a>", true },
        { "<a href=x style='color:#fff'><b style='color:#000'>seen</b></a>", false },
        { "<a href=x style='color:#fff'><img src=y style='display:none'></a>", true },
        { "<a href=x style='display:none'><img src=y></a>", true },
        { "<div style='opacity:0'><a href=x><img src=y></a></div>", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct html *h = read(cases[i].html);

        if (h->links[0].is_hidden != cases[i].is_hidden)
            fail_msg("%s", cases[i].html);
    }
}

RUN_ARENA_TESTS(TEST(values_that_take_hiding_back_or_do_not), TEST(what_has_no_box_is_not_cut),
                TEST(style_sheets_for_others), TEST(links_of_what_is_seen), TEST(by_display), TEST(by_size),
                TEST(by_colour), TEST(by_place), TEST(by_style_sheets), TEST(a_style_sheet_goes_with_its_page),
                TEST(depth_hides_nothing_behind_it), TEST(hidden_pieces_stand_in_lines), TEST(contrast_is_that_of_wcag))

/* tests/unit/test_html.c - what is shown of HTML, its links, its facts. */
#include "gateway/content/html.h"

#include "tests/kit/arena_tests.h"

static const struct html *read(const char *text)
{
    return html_read(&arena, span_of(text));
}

/* expect - of a case, by its source. */
static void expect(const char *html, const char *want, struct span got)
{
    if (!span_is(got, want))
        fail_msg("%s: not \"%s\" but \"%.*s\"", html, want, SPAN_ARG(got));
}

static void text_is_shown_as_readers_show_it(void **state)
{
    static const struct {
        const char *html, *shown;
    } cases[] = {
        { "plain", "plain" },
        { "", "" },
        { " a \n\t b ", "a b" },
        { "<p>one</p><p>two</p>", "one\n\ntwo" },
        { "<div>one<div>two</div></div>three", "one\ntwo\nthree" },
        { "a<br>b<br/>c<br><br>d", "a\nb\nc\n\nd" },
        { "<ul><li>a<li>b</ul>c", "a\nb\nc" },
        { "<table><tr><td>a<td>b</td></tr><tr><td>c</table>d", "a\tb\nc\nd" },
        { "V<b>i</b>ag<!-- x -->ra", "Viagra" },
        { "a <b> b </b> c", "a b c" },
        { "<pre>a  b\n  c</pre>", "a  b\n  c" },
        { "a&nbsp;&#160;b", "a b" },
        { "&lt;b&gt; &amp;amp; &copy &copyx &#x41;&#66 &#0;", "<b> &amp; \xc2\xa9 \xc2\xa9x AB \xef\xbf\xbd" },
        { "&bogus; & &; &# &#x; &#150;", "&bogus; & &; &# &#x; \xe2\x80\x93" },
        { "pay&period;com&sol;x", "pay.com/x" },
        { "1 < 2 <3 and 4 <", "1 < 2 <3 and 4 <" },
        { "a<script>if (a<b) x('</b>')</script>b", "ab" },
        { "a<style>b{}</style>c", "ac" },
        { "<title>T</title>x", "x" },
        { "<textarea><b>x</textarea>y", "<b>xy" },
        { "<noscript>seen</noscript>", "seen" },
        { "a<input value='b &amp; c'>d<input type=hidden value=x><input placeholder=e>", "a b & c d e" },
        { "<noframes>seen</noframes>", "seen" },
        { "<iframe>not</iframe>seen", "seen" },
        { "<template>not</template>seen", "seen" },
        { "<b hidden>not</b>seen", "seen" },
        { "<svg><text>seen</text></svg>", "seen" },
        { "a</p>b", "a\n\nb" },
        { "a</div></td></x>b", "ab" },
        { "<x-y>seen</x-y>", "seen" },
        { "<head><meta charset=utf-16></head><body>\xc3\xa4", "\xc3\xa4" },
        { "<plaintext>a<b>c", "a<b>c" },
        /* what has no box takes no line */
        { "Via<div style='display:none'>x</div>gra", "Viagra" },
        { "Via<div style='display:inline'>g</div>ra", "Viagra" },
        { "a<span hidden>x<br></span>b", "ab" },
        { "<div>a<span hidden>x</div>b", "a\nb" },
        { "<p>a<p hidden>x</p>b", "a\n\nb" },
        { "a<div style='visibility:hidden'>x</div>b", "a\nb" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(cases[i].html, cases[i].shown, read(cases[i].html)->shown);
}

/* Where libxml2 2.9 sees something else than browsers do. */
static void odd_markup_hides_nothing(void **state)
{
    static const struct {
        const char *html, *shown;
    } cases[] = {
        { "<!-->seen<!-- -->after", "seenafter" },
        { "<!--->seen<p>x", "seen\n\nx" },
        { "<!-- a --!>seen", "seen" },
        { "</p/x=1>seen", "seen" },
        { "<![CDATA[not>seen", "seen" },
        { "<?php not ?>seen", "seen" },
        { "<!foo>seen", "seen" },
        { "</>seen</ x>", "seen" },
        { "<p<b>seen", "seen" },
        { "<a title='>'>seen</a>", "seen" },
        { "<a title=\">\" x='\"'>seen</a>", "seen" },
        { "<a x=y\">seen</a>", "seen" },
        { "<script>a</scripting>b</script >seen", "seen" },
        { "<style>a{}</style/>seen", "seen" },
        { "<script/>not</script>seen", "seen" },
        { "<div\fclass=x>seen", "seen" },
        /* nothing is raw text in a drawing, and what cannot stand in it ends it */
        { "<svg><style><p>seen</style>", "seen" },
        { "<math><xmp><p>seen</p>", "seen" },
        { "<svg><style>.a{b:c}</style><text>seen</text></svg>", "seen" },
        { "<svg><foreignObject><style><p>not</style>seen", "seen" },
        { "<math><mtext><style><p>not</style>seen", "seen" },
        { "<svg><mtext><style><p>seen</style>", "seen" },
        { "<svg><title><p>not</p></title>seen</svg>", "seen" },
        { "<svg><![CDATA[<b>]]>seen</svg>", "<b>seen" },
        { "<svg style='display:none'/>seen", "seen" },
        { "<svg/><style><p>not</style>seen", "seen" },
        { "<svg style='display:none'><p/>seen", "seen" },
        { "<math style='display:none'>not</math>seen", "seen" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(cases[i].html, cases[i].shown, read(cases[i].html)->shown);
    EXPECT_SPAN("ab", html_read(&arena, SPAN("a\0b"))->shown);
}

static void links_have_targets_and_texts(void **state)
{
    static const struct {
        const char *html;
        enum html_link_kind kind;
        const char *target, *text;
    } cases[] = {
        { "<a href=\"http://a.example/\">one <b>two</b></a>x", HTML_A, "http://a.example/", "one two" },
        { "<a/href=http://a.example/>x</a>", HTML_A, "http://a.example/", "x" },
        { "<A HREF='x' href=y>t", HTML_A, "x", "t" },
        { "<a href=\"https&colon;&sol;&sol;evil&period;com\">x</a>", HTML_A, "https://evil.com", "x" },
        { "<a href=\" http://a.exa\nmple/\t\">x</a>", HTML_A, "http://a.example/", "x" },
        { "<a href=\"?a=1&copy=2&lt;\">x</a>", HTML_A, "?a=1&copy=2<", "x" },
        { "<a href=x><div>a</div><div>b</div></a>", HTML_A, "x", "a b" },
        { "<a href=x><img alt=logo></a>", HTML_A, "x", "logo" },
        { "<a href=x>a<a href=y>b</a>", HTML_A, "x", "a" },
        { "<a href=x>a", HTML_A, "x", "a" },
        { "<img/src=a.png alt='A B'>", HTML_IMG, "a.png", "A B" },
        { "<area href=x>", HTML_AREA, "x", "" },
        { "<form action=mailto:x@y.example>", HTML_FORM, "mailto:x@y.example", "" },
        { "<button formaction=x>", HTML_FORM, "x", "" },
        { "<iframe src=x></iframe>", HTML_IFRAME, "x", "" },
        { "<frame src=x>", HTML_FRAME, "x", "" },
        { "<link href=x>", HTML_LINK, "x", "" },
        { "<script src=x></script>", HTML_SCRIPT, "x", "" },
        { "<td background=x>", HTML_BACKGROUND, "x", "" },
        { "<embed src=x>", HTML_OBJECT, "x", "" },
        { "<object data=x>", HTML_OBJECT, "x", "" },
        { "<video poster=x>", HTML_IMG, "x", "" },
        { "<meta http-equiv=refresh content='0,http://r.example/'>", HTML_REFRESH, "http://r.example/", "" },
        { "<meta http-equiv=refresh content='1.5 urls.example'>", HTML_REFRESH, "urls.example", "" },
        { "<meta http-equiv=refresh content=\"0;url = 'x'y\">", HTML_REFRESH, "x", "" },
        { "<p style=\"background:URL( 'x' ) red\">", HTML_BACKGROUND, "x", "" },
        { "<style>p{background:url(x)}</style>", HTML_BACKGROUND, "x", "" },
        { "<img srcset='x 1x, y 2x'>", HTML_IMG, "x", "" },
        { "<img srcset='x, y'>", HTML_IMG, "x", "" },
        { "<svg><a xlink:href=x>t</a></svg>", HTML_A, "x", "t" },
        { "<svg><image xlink:href=x /></svg>", HTML_IMG, "x", "" },
        { "<svg><image href=x /></svg>", HTML_IMG, "x", "" },
        { "<math href=x>t</math>", HTML_A, "x", "" },
        { "<svg><style><p><a href=x>t</a>", HTML_A, "x", "t" },
        { "<track src=x>", HTML_OBJECT, "x", "" },
        { "<isindex action=x>", HTML_FORM, "x", "" },
        { "<style>@import \"x\";</style>", HTML_LINK, "x", "" },
        { "<style>@media print{}@import 'x'</style>", HTML_LINK, "x", "" },
        { "<meta http-equiv='&#114;efresh' content='0;url=x'>", HTML_REFRESH, "x", "" },
        { "<title>t<a href=x>", HTML_A, "x", "" },
        { "<textarea>t<a href=x>", HTML_A, "x", "" },
        { "<style>t<a href=x>", HTML_A, "x", "" },
        { "<iframe srcdoc='<a href=x>'>", HTML_A, "x", "" },
        { "<!--[if !IE]><a href=x>t</a><![endif]-->", HTML_A, "x", "t" },
        { "<!-- [if (mso)]><a href=x>t</a><![endif]-->", HTML_A, "x", "t" },
        { "<base href=http://b.example/>", HTML_BASE, "http://b.example/", "" },
        { "<meta http-equiv=Refresh content=\"0; URL='http://r.example/'\">", HTML_REFRESH, "http://r.example/", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct html *h = read(cases[i].html);

        if (!h->link_count)
            fail_msg("no link in %s", cases[i].html);
        EXPECT_INT(cases[i].kind, h->links[0].kind);
        expect(cases[i].html, cases[i].target, h->links[0].target);
        expect(cases[i].html, cases[i].text, h->links[0].text);
    }
    EXPECT_INT(0, read("<a name=x>y</a><a href=''>z</a>")->link_count);
    EXPECT_SPAN("y", read("<img srcset='x 1x, y 2x'>")->links[1].target);
    EXPECT_INT(2, read("<img srcset='data:a,b 1x, y 2x'>")->link_count);
    EXPECT_SPAN("y", read("<style>a{b:url(x) url(y)}</style>")->links[1].target);
    const struct html *h = read("<img src=a width=600 height=20px><img src=b width=100%><base href=http://b/>");

    EXPECT_INT(600, h->links[0].width);
    EXPECT_INT(20, h->links[0].height);
    EXPECT_INT(0, h->links[1].width);
    EXPECT_SPAN("http://b/", h->base);
    EXPECT_SPAN("b", read("<iframe srcdoc='<base href=a>'></iframe><base href=b>")->base);
    EXPECT_INT(0, read("<!--[if (!mso)]><a href=x>t</a><![endif]-->")->link_count);
}

/* A page in a link is read, whatever brings it. */
static void pages_in_links_are_read(void **state)
{
    static const char *const cases[] = {
        "<iframe src='data:text/html,<a href=x>'></iframe>",
        "<object data=\"data:TEXT/HTML;charset=utf-8;base64,PGEgaHJlZj14Pg==\"></object>",
        "<embed src=\"data:text/html;base64,PGEgaHJlZj14Pg\">",
        "<a href=\"data:text/html,%3Ca%20href=x%3E\">t</a>",
        "<meta http-equiv=refresh content=\"0;url=data:text/html,<a href=x>\">",
        "<iframe src='data:image/svg+xml,<svg><a xlink:href=x>'></iframe>",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct html *h = read(cases[i]);

        EXPECT_INT(2, h->link_count);
        expect(cases[i], "x", h->links[1].target);
        EXPECT_TRUE(h->links[1].is_hidden);
        EXPECT_TRUE(h->facts & HTML_HAS_DATA_URI);
    }
    const struct html *h = read("<a href=\"data:text/html,<a href=x>\">t</a>");

    EXPECT_SPAN("t", h->links[0].text); /* of the link that it stands in */
    EXPECT_SPAN("", h->links[1].text);
    EXPECT_INT(1, read("<iframe src='data:text/plain,<a href=x>'></iframe>")->link_count);
    EXPECT_INT(1, read("<img src='data:image/svg+xml,<a href=x>'>")->link_count);
}

static void facts_are_noted(void **state)
{
    static const struct {
        const char *html;
        unsigned facts;
    } cases[] = {
        { "plain", HTML_NO_HTML },
        { "<b>x</b>", 0 },
        { "<form><input type=Password></form>", HTML_HAS_FORM | HTML_HAS_PASSWORD },
        { "<script>x</script>", HTML_HAS_SCRIPT },
        { "<script>eval(atob('x'))</script>", HTML_HAS_SCRIPT | HTML_SCRIPT_WRITES },
        { "<script>window.location='x'</script>", HTML_HAS_SCRIPT | HTML_SCRIPT_GOES },
        { "<script>document.write(x)</script>", HTML_HAS_SCRIPT | HTML_SCRIPT_WRITES },
        { "<b onclick=x>", HTML_HAS_EVENT },
        { "<b onfoo=x onload='eval(x)'>", HTML_HAS_EVENT | HTML_SCRIPT_WRITES },
        { "<b on=x>", 0 },
        { "<base href=x>", HTML_HAS_BASE },
        { "<iframe></iframe>", HTML_HAS_IFRAME },
        { "<object></object>", HTML_HAS_OBJECT },
        { "<a href=javascript:x>", HTML_HAS_SCRIPT },
        { "<a href=data:text/html,x>", HTML_HAS_DATA_URI },
        { "<b>x<!-- y", HTML_UNCLOSED },
        { "x<b y='", HTML_UNCLOSED | HTML_NO_HTML },
        { "<style>x", HTML_UNCLOSED },
        { "<b><!--><!-- x -->", HTML_ODD_MARKUP },
        { "<b><!---->", 0 },
        { "<b><!-- x --!>", HTML_ODD_MARKUP },
        { "<b/title=x>", HTML_ODD_MARKUP },
        { "<b title=x /><br/>", 0 },
        { "<b></b title=x>", HTML_ODD_MARKUP },
        { "<b title=\"x\"\">", HTML_ODD_MARKUP },
        { "<b title=\"<'>\">", 0 },
        { "<b>&#104;i", HTML_ODD_ENTITIES },
        { "<a href='http&colon;//x'>", HTML_ODD_ENTITIES },
        { "<a href='x?a&#38;b&amp;c'>&#8217;&lt;", 0 },
        { "<i style=mso-hide:all>x", HTML_HIDES_MSO },
        { "<svg>", HTML_HAS_SVG },
        { "<meta http-equiv=refresh content=5>", HTML_HAS_REFRESH },
        { "<b a0 a1 a2 a3 a4 a5 a6 a7 a8 a9>", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (read(cases[i].html)->facts != cases[i].facts)
            fail_msg("%s: 0x%x", cases[i].html, read(cases[i].html)->facts);
}

static void rules_are_told_what_they_ask(void **state)
{
    static const struct {
        const char *html, *name;
        double value; /* -1: not set */
    } cases[] = {
        { "x", "html", 1 },
        { "<b>\xc3\xa4</b>", "length", 8 },
        { "<b>x</b></b></i>", "closed_extra_ratio", 0.5 },
        { "<b>x</b><bad><bad>", "bad_tag_ratio", 0.5 },
        { "<b>x</b><bad><bad>", "non_element_ratio", 0.5 },
        { "<bad>", "bad_tag_ratio", -1 },
        { "<o:p>x</o:p>", "bad_tag_ratio", 0 },
        { "ab<b>cd</b> e<i></i>f", "obfuscation_ratio", 0.5 },
        { "<p>a</p>", "obfuscation_ratio", -1 },
        { "<font size=7>x</font>", "max_size", 7 },
        { "<font size=+4>x</font>", "max_size", 7 },
        { "<big><big><font size=1>x</font>", "min_size", 1 },
        { "<img width=100 height=50%>", "image_area", 30000 },
        { "<img width=100>", "image_area", 0 },
        { "<embed>", "embeds", 1 },
        { "<b>", "embeds", -1 },
        { "<form action=mailto:a@b>", "form_action_mailto", 1 },
        { "<font color=white>x</font>", "font_low_contrast", 1 },
        { "<font color=white> &nbsp; </font>", "font_low_contrast", -1 },
        { "<font color=#fff>x", "font_low_contrast", 1 },
        { "<font color=#f7f7f7>x", "font_low_contrast", 1 },
        { "<font color=#cccccc>x", "font_low_contrast", -1 },
        { "<div style='background-color: black'><font color=#010101>x", "font_low_contrast", 1 },
        { "<div style='color:rgb(255, 255, 255)'>x", "font_low_contrast", 1 },
        { "<td style='color:#fff;background:#000 url(x)'>x", "font_low_contrast", -1 },
        { "<font color=nonsense>x", "font_invalid_color", 1 },
        { "<font color=red>x", "font_invalid_color", -1 },
        { "<font face=\"Arial, 'Times New Roman'\">", "font_face_bad", -1 },
        { "<font face=\"A*\">", "font_face_bad", 1 },
        { "a <b> b </b><p>c", "html_length", 7 },
        { "a <b> b </b><p>c", "non_space_len", 3 },
        { "a", "no_such_result", -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = -1;

        html_result(read(cases[i].html), cases[i].name, &value);
        if (value < cases[i].value - 0.0001 || value > cases[i].value + 0.0001)
            fail_msg("%s: %s is %g", cases[i].html, cases[i].name, value);
    }
}

static void strings_and_tags_are_kept_as_written(void **state)
{
    const struct html *h =
        read("<TITLE>A &amp; B</TITLE><a href=x>in <img src=y></a><a>two</a><!-- c --><!x><ZZ></ZZ></ZZ>"
             "<script>s</script><meta http-equiv=Content-Type content='text/html; charset=koi8-r'>");

    (void)state;
    EXPECT_SPAN("A & B", h->title);
    EXPECT_SPAN("A & B", html_strings(h, "title")->items[0]);
    EXPECT_SPAN("in <img>\n", html_strings(h, "anchor")->items[0]);
    EXPECT_SPAN("two", html_strings(h, "anchor")->items[1]);
    EXPECT_SPAN("<!-- c -->", html_strings(h, "comment")->items[0]);
    EXPECT_SPAN("<!x>", html_strings(h, "comment")->items[1]);
    EXPECT_SPAN("s", html_strings(h, "script")->items[0]);
    EXPECT_SPAN("koi8-r", h->charsets.items[0]);
    assert_null(html_strings(h, "bogus"));
    EXPECT_INT(1, html_tag_find(h, "zz")->opened);
    EXPECT_INT(2, html_tag_find(h, "zz")->closed);
    EXPECT_INT(0, html_tag_find(h, "zz")->inside);
    EXPECT_INT(1, html_tag_find(h, "meta")->inside);
    assert_null(html_tag_find(h, "body"));
}

static void text_is_rendered_as_body_rules_have_it(void **state)
{
    static const struct {
        const char *html, *rendered;
    } cases[] = {
        { "<title>T</title><body> a <br> b", "\n\nT\n\na\nb" },
        { "<p>a</p><p>b</p>", "\n\na\n\n\n\nb\n\n" },
        { "<table><tr><td>a</td><td>b</td></tr></table>", " a  b " },
        { "a<script>x</script><span style='display:none'>hid</span>", "ahid" },
        { "a <b> b", "a  b" },
        { "<div>a &nbsp; b</div>", "\na b\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(cases[i].html, cases[i].rendered, read(cases[i].html)->rendered);
}

static void outlook_sees_conditional_comments(void **state)
{
    const struct html *h = read("<!--[if mso]><table><tr><td>For <b>Outlook</b><xml><o:x>96</o:x></xml>"
                                "<v:roundrect href='http://o.example/'>Button</v:roundrect><![endif]-->"
                                "<!--[if !mso]><!-->For others<!--<![endif]--><![if !vml]>, too<![endif]>"
                                "<!--[if !mso]> nobody <![endif]-->");

    (void)state;
    EXPECT_SPAN("For OutlookButton", h->outlook);
    EXPECT_SPAN("For others, too", h->shown);
    EXPECT_SPAN("", h->hidden);
    EXPECT_INT(HTML_HAS_OUTLOOK | HTML_NO_HTML, h->facts);
    EXPECT_INT(1, h->link_count);
    EXPECT_TRUE(h->links[0].is_outlook);
    EXPECT_SPAN("http://o.example/", h->links[0].target);
    EXPECT_INT(0, h->tag_count);
}

static void what_never_ends_is_looked_at_all_the_same(void **state)
{
    const struct html *h = read("seen<!--x>se<a href=y>cret</a><!-- again");

    (void)state;
    EXPECT_SPAN("seen", h->shown);
    EXPECT_SPAN("secret", h->hidden);
    EXPECT_INT(HTML_DISPLAY_NONE, h->hidings);
    EXPECT_SPAN("y", h->links[0].target);
    EXPECT_TRUE(h->links[0].is_hidden);
    h = read("seen<a href='http://x.example/ secret");
    EXPECT_SPAN("seen", h->shown);
    EXPECT_SPAN("<a href='http://x.example/ secret", h->hidden);
    EXPECT_SPAN("http://x.example/ secret", h->links[0].target);
    EXPECT_INT(0, h->tag_count);
}

static void pages_inside_of_pages_are_read(void **state)
{
    const struct html *h = read("<noframes><!--</noframes>seen<iframe><a href=x>fallback</a></iframe>"
                                "<iframe srcdoc='<a href=&quot;y&quot;>in</a>'></iframe></div>!");

    (void)state;
    EXPECT_SPAN("seen!", h->shown);
    EXPECT_SPAN("fallback\nin", h->hidden);
    EXPECT_INT(2, h->link_count);
    EXPECT_SPAN("x", h->links[0].target);
    EXPECT_SPAN("y", h->links[1].target);
    EXPECT_TRUE(h->links[1].is_hidden);
    EXPECT_INT(HTML_HAS_IFRAME | HTML_HAS_SRCDOC | HTML_UNCLOSED, h->facts);
}

RUN_ARENA_TESTS(TEST(text_is_shown_as_readers_show_it), TEST(odd_markup_hides_nothing),
                TEST(links_have_targets_and_texts), TEST(pages_in_links_are_read), TEST(facts_are_noted),
                TEST(rules_are_told_what_they_ask), TEST(strings_and_tags_are_kept_as_written),
                TEST(text_is_rendered_as_body_rules_have_it), TEST(outlook_sees_conditional_comments),
                TEST(what_never_ends_is_looked_at_all_the_same), TEST(pages_inside_of_pages_are_read))

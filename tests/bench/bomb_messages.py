# tests/bench/bomb_messages.py - messages that are built to be slow, each of a size and as somebody would who has read
# our source: what is looked for nearly comes, all the time; what is counted, remembered or read again comes a million
# times; what takes one byte to write takes much to read.
import base64
import itertools
import random
import struct

TOP = "From: anna@example.org\nTo: bob@example.net\nSubject: {subject}\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n" \
      "Message-ID: <1@example.org>\nMIME-Version: 1.0\n"
WORDS = ("the a of to in and mail server we you they please find attached report quarterly numbers meeting monday "
         "tuesday invoice project customer delivery question answer regards thanks because however within without "
         "between account update service number order").split()
HEADER = 250000  # what a header section holds by our own limit, nearly


def text_of(size, rng):
    lines = []
    have = 0
    while have < size:
        line = " ".join(rng.choices(WORDS, k=11))
        lines.append(line)
        have += len(line) + 1
    return "\n".join(lines)


def plain(body, subject="letter", content="text/plain; charset=utf-8", more=""):
    head = TOP.format(subject=subject) + f"Content-Type: {content}\n{more}\n"
    return head.encode() + body + b"\n" if isinstance(body, bytes) else head + body + "\n"


def fill(piece, size):
    return piece * (size // len(piece) + 1)


def take(pieces, size):
    out = []
    have = 0
    for piece in pieces:
        out.append(piece)
        have += len(piece)
        if have >= size:
            break
    return "".join(out)


def numbered(piece, size):
    """`piece` again and again, with the number of the time in the place of each #."""
    return take((piece.replace("#", str(i)) for i in itertools.count()), size)


def again(piece, **how):
    return lambda size, rng: plain(fill(piece, size), **how)


def counted(piece, **how):
    return lambda size, rng: plain(numbered(piece, size), **how)


def packed(data, **how):
    return plain(base64.encodebytes(data).decode(), more="Content-Transfer-Encoding: base64\n", **how)


def html(body):
    return plain("<html><body>" + body + "</body></html>", content="text/html; charset=utf-8")


def page(piece):
    return lambda size, rng: html(numbered(piece, size) if "#" in piece else fill(piece, size))


def mixed(parts):
    return plain("".join(parts), content="multipart/mixed; boundary=b")


def ordinary_text(size, rng):
    return plain(text_of(size, rng))


def ordinary_page(size, rng):
    paragraphs = text_of(size * 3 // 4, rng).split("\n")
    shown = "".join(f'<tr><td style="color:#333;font-size:14px"><p>{p}</p><a href="https://www.example.com/n/{i}">'
                    "more</a></td></tr>\n" if i % 8 == 0 else f"{p}<br>\n" for i, p in enumerate(paragraphs))
    return html("<table>" + shown + "</table>")


def ordinary_attachment(size, rng):
    data = base64.encodebytes(rng.randbytes(size * 3 // 4)).decode()
    return mixed(["--b\nContent-Type: text/plain\n\n", text_of(20000, rng), "\n--b\nContent-Type: application/pdf; "
                  'name="a.pdf"\nContent-Transfer-Encoding: base64\n\n', data, "--b--"])


ORDINARY = {"text": ordinary_text, "page": ordinary_page, "attachment": ordinary_attachment}


def nested_parts(size, boundary="b#", levels=None):
    heads = [f"--{boundary}\nContent-Type: multipart/mixed; boundary={boundary}\n\n".replace("#", str(i), 1)
             .replace("#", str(i + 1)) for i in range(levels or size // 80)]
    text = "".join(heads)
    lines = "" if len(text) >= size else numbered(f"--{boundary}\n", size - len(text))
    return plain(text + lines, content="multipart/mixed; boundary=" + boundary.replace("#", "0"))


def parts_of(count, head, body_of):
    """`count` parts of a message, `size` bytes in all."""
    def make(size, rng):
        return mixed(["--b\n" + head + "\n" + body_of(size // count) + "\n" for _ in range(count)])
    return make


def readings(body_of):
    """Everything at once for which a part is read again."""
    head = ("Content-Type: text/plain\nContent-Type: text/html\nContent-Type: multipart/mixed; boundary=c; boundary=d\n"
            "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: quoted-printable\n"
            "Content-Transfer-Encoding: x-uuencode\nX: y\rZ: y\n \nX: y\nbad\nContent-Type: text/html; charset=utf-7\n")
    return lambda size, rng: (TOP.format(subject="x") + head + "\n" + body_of(size)).encode()


def sheets(size):
    rules = numbered(".c# { color: #123; display: block }\n".replace("#123", "red"), size // 2)
    body = take((f'<p class="c{i} c{i + 1} c{i + 2}">x</p>' for i in itertools.count()), size // 2)
    return html("<style>" + rules + "</style>" + body)


def sheet_of_one_class(size):
    rules = fill("p.c{color:red}.c{display:none}#i{opacity:0}", size // 2)
    return html("<style>" + rules + "</style>" + fill('<p class=c id=i>x', size // 2))


def classes(size):
    rules = numbered(".c#{color:red}", 60000)
    many = " ".join(f"c{i}" for i in range(1500))
    return html("<style>" + rules + "</style>" + fill(f'<p class="{many}">x</p>', size))


def selectors(size):
    return html("<style>" + numbered(".a#,", size) + "{display:none}</style><p class=a1>x</p>")


def scripts(size, rng):
    return html("<script>" + fill('document.write("<a href=\'http://x.example.com/\'>");', size) + "</script>")


def rtf(body):
    return lambda size, rng: plain("{\\rtf1\\ansi " + fill(body, size) + "}", content="application/rtf")


def compressed_rtf(made):
    """LZFu that repeats what is there: a byte of it becomes eight and more."""
    data = struct.pack("<IIII", 0, made, 0x75465A4C, 0)
    again_and_again = bytes([0xFF]) + struct.pack(">H", (0x0CF << 4) | 15) * 8
    return data + bytes([0x00]) + b"{\\rtf1 a" + again_and_again * (made // 136)


def tnef_attribute(name, kind, data):
    return struct.pack("<BHHI", 1, name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def tnef(size):
    prop = struct.pack("<II", 0x10090102, 1)
    packed_rtf = compressed_rtf(size * 5)[:size * 3 // 5]
    prop += struct.pack("<I", len(packed_rtf)) + packed_rtf + b"\0" * (-len(packed_rtf) % 4)
    file = struct.pack("<IH", 0x223E9F78, 1) + tnef_attribute(0x9003, 6, struct.pack("<I", 1) + prop)
    return packed(file, content="application/ms-tnef")


def tnef_files(size):
    one = struct.pack("<BHHI", 2, 0x9002, 6, 14) + b"\0" * 14 + struct.pack("<H", 0)
    return packed(struct.pack("<IH", 0x223E9F78, 1) + one * (size * 3 // 4 // len(one)), content="application/ms-tnef")


# SignedData without lengths, up to its content
SIGNED = bytes.fromhex("308006092a864886f70d010702a08030800201013100308006092a864886f70d010701a080")


def charset(name, piece, **how):
    def make(size, rng):
        data = piece * (size // len(piece) + 1)
        return plain(data, content=f"text/plain; charset={name}", **how)
    return make


def words_of_rules(size, rng):
    """What rules look for, without what would make them hit."""
    stems = ("viag ciali xana mortgag lotter inherit million dollar click her unsubscrib bitcoi walle passwor expir "
             "verif accoun suspen urgen confidentia beneficiar transfe busines proposa dear frien winne congratulation "
             "prize replic watche enlarg weigh los guarante mone bac fre offe limite tim ac no cas bonu loa credi "
             "debt").split()
    return "\n".join(" ".join(rng.choices(stems, k=12)) for _ in range(size // 80))


def rules_words(size, rng):
    return plain(words_of_rules(size, rng))


def of_header(name, value, most=HEADER):
    def make(size, rng):
        text = numbered(value, most) if "#" in value else fill(value, most)
        return f"{name}: {text}\n" + plain(text_of(size - most, rng))
    return make


def fields(lines, most=HEADER):
    def make(size, rng):
        return numbered(lines, most) + plain(text_of(size - most, rng))
    return make


def nested_alternatives(body):
    """One in the other, down to a page and a text."""
    def make(size, rng):
        heads = "".join(f"--b{i}\nContent-Type: multipart/alternative; boundary=b{i + 1}\n\n" for i in range(37))
        text = fill(body, size // 2)
        return plain(f"{heads}--b37\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--b37\n"
                     f"Content-Type: text/html; charset=utf-8\n\n{text}\n",
                     content="multipart/alternative; boundary=b0")
    return make


def header_fields(*fields_of, most=HEADER):
    """Each again and again, as often as there is room for all of them."""
    def make(size, rng):
        lines = "".join(take((f for f in itertools.repeat(line + "\n")), most // len(fields_of)) for line in fields_of)
        return lines + plain(text_of(size - most, rng))
    return make


def many_texts(count, body, more=""):
    """Parts that are small enough to be looked at whole."""
    def make(size, rng):
        part = "--b\nContent-Type: text/plain\n\n" + fill(body, size // count) + "\n"
        return more + mixed([part] * count)
    return make


BOMBS = {
    # expressions
    "words cut short": again("viagr cialli casin mortgag "),
    "beginnings of what rules look for": rules_words,
    "one letter": again("a" * 990 + "\n"),
    "one line of letters": again("a"),
    "letters apart": again("v i a g r "),
    "letters with signs between": again("v.i_a-g*r+a/"),
    "almost a sum of money": again("$1,000,000,00 million of the dolla "),
    "digits": again("1"),
    "blanks": again(" "),
    "tabs and blanks in lines": again("\t \t \n"),
    "empty lines": again("\n"),
    "lines of a letter": again("a\n"),
    "angle brackets": again("<<<<>>>> "),
    "signs of equality": again("="),
    "signs": again("!?*$%&#()[]{}~^|"),
    "carriage returns": again("\r"),
    "NULs": again("\0"),
    "capitals and exclamations": again("FREE!!! "),
    # header fields
    "names": fields("X-A#: b\n"),
    "Received": fields("Received: from a (b [192.0.2.1]) by c with ESMTP; Mon, 5 Jan 2026 10:00:00 +0000\n"),
    "Received with brackets": of_header("Received", "from a (((b [1.2.3.4] (c "),
    "folds": of_header("Subject", "a\n "),
    "a folded From": of_header("From", "a\n "),
    "a long From": of_header("From", '"a" <a@b.c>, '),
    "comments in comments": of_header("From", "("),
    "quotes in To": of_header("To", '"\\"'),
    "groups": of_header("To", "a:b@c.example;"),
    "a Subject of one letter": of_header("Subject", "a"),
    "encoded words": of_header("Subject", "=?utf-8?q?a=20?=\n "),
    "encoded words in ISO-2022": of_header("Subject", "=?iso-2022-jp?b?GyRCJEIbKEI=?=\n "),
    "encoded words almost": of_header("Subject", "=?utf-8?q?="),
    "encoded words without blanks": of_header("Subject", "=?utf-7?b?=?="),
    "continued parameters": of_header("Content-Type", "text/plain;\n a*#=b;", 200000),
    "continued parameters, twice each": of_header("Content-Type", "a*#*=utf-8''%41; a*#=b;\n ", 200000),
    "boundaries as parameters": of_header("Content-Type", "multipart/mixed; boundary=b#;\n ", 200000),
    "signatures": fields("DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s#; c=relaxed/relaxed; l=#000000;\n"
                         " h=from; bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=; b=MTIz\n"),
    "fields to unsubscribe": of_header("List-Unsubscribe", "<http://h#.example.com/>,\n "),
    "message ids": of_header("References", "<a#@b.example>\n "),
    # HTML
    "nested tags": page("<div>"),
    "nested tables": page("<table><tr><td>"),
    "tags of many names": page("<t#>"),
    "ends of other tags": page("<i></b></p></div>"),
    "formatting closed in the wrong order": page("<b><i><u></b></i></u>"),
    "attributes": lambda size, rng: html("<p " + numbered("a#=1 ", size) + ">x</p>"),
    "one long attribute": lambda size, rng: html('<p style="' + fill("color:red;", size) + '">x</p>'),
    "styles": page('<p style="color:red;display:block;font-size:1px;background:url(x)">x'),
    "style sheets": lambda size, rng: sheets(size),
    "one class again and again": lambda size, rng: sheet_of_one_class(size),
    "many classes of an element": lambda size, rng: classes(size),
    "many selectors": lambda size, rng: selectors(size),
    "style sheets of one rule": page("<style>.a#{display:none}</style><p class=a#>x"),
    "comments in style sheets": lambda size, rng: html("<style>" + fill("/*{*/", size) + "</style>"),
    "comments": page("<!-- x --"),
    "short comments": page("<!---->"),
    "conditional comments": page("<!--[if mso]><p>x<![endif]-->"),
    "entities": page("&#97;&amp;&lt"),
    "long entities": page("&CounterClockwiseContourIntegra"),
    "numbers of entities": page("&#x00000000000000000000000000000041;"),
    "open angle brackets": page("<"),
    "open quotes": page('<a href="'),
    "open tags": page("<a "),
    "fonts": page('<font color="#fff" size=1>x</font>'.replace("#fff", "white")),
    "links": page('<a href="http://h#.example.com/">x</a>'),
    "links around blocks": page('<a href="http://a.example.com/"><p>x'),
    "one link with a long text": lambda size, rng: html('<a href="http://a.example.com/">' +
                                                        fill("http://b.com ", size)),
    "links relative to a base": page('<base href="http://a#.example.com/"><a href="../#">x'),
    "images": page('<img src="cid:#" alt="x" width=1 height=1>'),
    "data: links": page('<a href="data:text/html;base64,PGEgaHJlZj0iaHR0cDovL2EuY29tIj4=">x'),
    "one data: link": lambda size, rng: html('<a href="data:text/html,' + fill("<a href='http://a.com'>", size) +
                                             '">x'),
    "pages in attributes": page("<iframe srcdoc='&lt;p&gt;x'></iframe>"),
    "forms": page("<form action=http://a#.example.com/><input type=password>"),
    "refreshes": page('<meta http-equiv=refresh content="0;url=http://a#.example.com/">'),
    "scripts": scripts,
    "scripts that are not closed": page("<script></scrip"),
    "titles": page("<title>x</title>"),
    "hidden text": page("<span style=display:none>x</span>y"),
    "non-breaking blanks": page("&nbsp; "),
    "soft hyphens": page("a&shy;b&zwnj;"),
    "pictures in pictures": page("<svg><g><text>x"),
    # MIME
    "nested parts": lambda size, rng: nested_parts(size),
    "nested parts, the same boundary": lambda size, rng: nested_parts(size, "b", 39),
    "nested parts, boundaries that begin with each other": lambda size, rng: nested_parts(size, "b#", 39),
    "lines of 39 long boundaries": lambda size, rng: nested_parts(size, "b" * 60 + "#", 39),
    "many parts": lambda size, rng: mixed([fill("--b\nContent-Type: text/plain\n\nx\n", size)]),
    "many large headers": lambda size, rng: mixed([fill("--b\nContent-Type: text/html\n" +
                                                        ("X-F: " + "y" * 70 + "\n") * 3000 + "\nx\n", size)]),
    "parts with large types": parts_of(40, "", lambda n: "Content-Type: text/plain;\n" + numbered(" a#=b;\n", n)),
    "parts with continued names": parts_of(40, "", lambda n: "Content-Disposition: attachment;\n" +
                                           numbered(" filename*#*=%41;\n", n)),
    "pages": parts_of(900, "Content-Type: text/html\n", lambda n: fill("<p class=a>x", n)),
    "pages with style sheets": parts_of(900, "Content-Type: text/html\n",
                                        lambda n: "<style>" + numbered(".a#{color:red}", n // 2) + "</style>" +
                                        fill("<p class=a9>x", n // 2)),
    "parts in Japanese": parts_of(900, "Content-Type: text/plain; charset=iso-2022-jp\n",
                                  lambda n: fill("\x1b$B$\"\x1b(B", n)),
    "parts in base64 that say three things": parts_of(
        300, "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: quoted-printable\n"
             "Content-Transfer-Encoding: 8bit\n", lambda n: fill("eA==\n", n)),
    "messages in messages": again("Content-Type: message/rfc822\n\n", content="message/rfc822"),
    "boundaries almost": again("--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbc\n", content="multipart/mixed; boundary=" + "b" * 31),
    "a boundary at the beginning of long lines": again("--b" + "x" * 500 + "\n", content="multipart/mixed; boundary=b"),
    "dashes": again("--\n", content="multipart/mixed; boundary=b"),
    "all readings": readings(lambda n: fill("--c\n--d\n\neA==\r--c\nbegin 644 a\n#86)C\n", n)),
    "all readings of a text": readings(lambda n: fill("hello=20http://a.example.com/ \n", n)),
    "all readings of base64": readings(lambda n: fill("aHR0cDovL2EuZXhhbXBsZS5jb20g\n", n)),
    "broken base64": again("=A==B=\n", more="Content-Transfer-Encoding: base64\n"),
    "base64 a letter a line": again("Y\n", more="Content-Transfer-Encoding: base64\n"),
    "base64 with padding all the time": again("eA==", more="Content-Transfer-Encoding: base64\n"),
    "broken quoted-printable": again("=\n=X=3=\n", more="Content-Transfer-Encoding: quoted-printable\n"),
    "quoted-printable letters": again("=41", more="Content-Transfer-Encoding: quoted-printable\n"),
    "quoted-printable, one letter a line": again("a=\n", more="Content-Transfer-Encoding: quoted-printable\n"),
    "quoted-printable, blanks before the end": again("a=" + " " * 500 + "x", more="Content-Transfer-Encoding: "
                                                     "quoted-printable\n"),
    "uuencode begins": again("begin 644 a\n"),
    "uuencoded files": again("begin 644 a\n#86)C\n`\nend\n"),
    "uuencoded files without an end": again("begin 644 a\n#86)C\n"),
    "uuencoded lines cut short": again("M!!\n", more="Content-Transfer-Encoding: x-uuencode\n"),
    "yEnc begins": again("=ybegin line=128 size=1 name=a\n"),
    "yEnc": again("=y=A=B=}\n", more="Content-Transfer-Encoding: x-yencode\n"),
    "text that flows": again("a \n", content="text/plain; format=flowed; delsp=yes"),
    "quotes that flow": again(">>>>>>>>>>>> a \n", content="text/plain; format=flowed"),
    "Rich Text": rtf("{\\b a}"),
    "Rich Text in groups": rtf("{{{{"),
    "Rich Text in numbers": rtf("\\u8364?\\'41"),
    "winmail.dat that unpacks to much": lambda size, rng: tnef(size),
    "winmail.dat with many files": lambda size, rng: tnef_files(size),
    # charsets
    "ISO-2022-JP": charset("iso-2022-jp", b"\x1b$B$\"\x1b(B"),
    "ISO-2022-JP without an end": charset("iso-2022-jp", b"\x1b$Ba\n"),
    "ISO-2022-KR": charset("iso-2022-kr", b"\x0e0!\x0f"),
    "HZ": charset("hz-gb-2312", b"~{!!~}"),
    "UTF-7": charset("utf-7", b"+AGE-"),
    "UTF-7, broken": charset("utf-7", b"+A+B"),
    "GB 18030, broken": charset("gb18030", b"\x81\x30\x81"),
    "Big5, broken": charset("big5", b"\xa1\x20\xff"),
    "EUC-JP, three bytes": charset("euc-jp", b"\x8f\xa2\xaf\x8e"),
    "bytes that are no UTF-8": charset("utf-8", b"\xff"),
    "bytes that are no ASCII": charset("us-ascii", b"\xe4\xf6"),
    "windows-1252": charset("windows-1252", b"\x80\x93"),
    "UTF-16": charset("utf-16le", "ü".encode("utf-16le")),
    "UTF-16, halves": charset("utf-16be", b"\xd8\x00"),
    "an unknown charset": charset("x-unknown", b"\xe4\xf6"),
    "invisible letters": again("a\u200b\u200d\u202e"),
    "letters with marks": again("a\u0300\u0301\u0302"),
    "letters of many scripts": again("a\u0430\u03b1\u4e00"),
    "random bytes": lambda size, rng: plain(rng.randbytes(size), content="text/plain"),
    # URLs
    "distinct URLs": counted("http://h#.example.com/p#?q=# "),
    "distinct domains": counted("http://example#.com "),
    "schemeless URLs": counted("www.h#.example.com/p "),
    "distinct suffixes": counted("http://x.a#.kawasaki.jp "),
    "words with dots": lambda size, rng: plain(take((f"{rng.choice(WORDS)}{i}.{rng.choice(WORDS)} "
                                                     for i in itertools.count()), size)),
    "http http http": again("http://"),
    "schemes and www": again("ws:www."),
    "colons": again("e:"),
    "colons behind long words": again("a" * 11 + "s:"),
    "www.www.www": again("www."),
    "signs at": again("a@"),
    "signs at behind long words": again("a" * 255 + "@"),
    "one long host": again("a.b@c"),
    "one host behind a sign": lambda size, rng: plain("x@" + fill("a.", size)),
    "addresses": counted("u#@example#.com "),
    "userinfo": again("http://" + "a:b@" * 500),
    "URLs in URLs": again("http://a.example.com/?url="),
    "wraps in wraps": again("http://www.google.com/url?q=http%3A//www.google.com/url%3Fq%3D"),
    "wraps": counted("https://www.google.com/url?q=http%3A%2F%2Fh#.example.com%2F "),
    "wraps of wraps": counted("https://urldefense.com/v3/__https://www.google.com/url?q=https%3A%2F%2Fnam02.safelinks."
                              "protection.outlook.com%2F%3Furl%3Dhttp%253A%252F%252Fh#.example.com__;!!x "),
    "escapes in hosts": counted("http://%77%77%77.h%#.example.com/ "),
    "dots": again("a.b.c.d.e."),
    "dots in disguise": again("a (dot) b [.] "),
    "spelt dots": again("a dot b "),
    "signs at in disguise": again("a (at) b [at] "),
    "brackets": again("[({"),
    "brackets in URLs": again("http://a.example.com/((((("),
    "numbers of hosts": counted("http://0x7f.# "),
    "hosts of other scripts": counted("http://пример#.рф/ "),
    "punycode": counted("http://xn--e1afmkfd#.xn--p1ai/ "),
    "long hosts": counted("http://" + "a." * 100 + "h#.com/ "),
    "hosts that mix scripts": counted("http://p\u0430ypal#.com/ "),
    # what rules ask for by name
    "alternatives in alternatives, words": nested_alternatives("word other "),
    "alternatives in alternatives, blanks": nested_alternatives(" "),
    "alternatives in alternatives, other scripts": nested_alternatives("\u4e00"),
    "a recipient nearly in Subject": header_fields("To: " + "a" * 8000 + "b@example.net", "Subject: " + "a" * 8100),
    "charsets in Subject that never end": lambda size, rng: "Subject: " + fill("=?a", HEADER - 4) + "?=\n" +
                                          plain(text_of(size - HEADER, rng)),
    "authors with many labels": lambda size, rng: plain(text_of(size, rng)).replace(
        "From: ", "From: " + "".join("u@" + "a." * n + "example.com, " for n in range(100, 130)), 1),
    "distinct authors": lambda size, rng: plain(text_of(size, rng)).replace(
        "From: ", "From: " + numbered("u#@example#.com, ", 8000), 1),
    "a sender of signs": header_fields("From: <" + "@." * 3900 + "com>", "Reply-To: <" + "a@b." * 1900 + "com>"),
    "addresses of free mail in URLs": many_texts(300, "http://x/a@b.cc/a@b.cc/a@b.cc/a@b.cc/a@b.cc \n",
                                                 "From: anna@gmail.com\nReply-To: bob@gmail.com\n"),
    "addresses of free mail": many_texts(300, "a@b.cc ", "From: anna@gmail.com\n"),
    "labels of stock": again("abcd:e\n"),
    "letters of stock": again("sstostostostosymsymssymbobo:e\n"),
    "comments that begin again": page("<!-- " + "<!" * 4000 + " -->"),
    "one comment": lambda size, rng: html("<!-- " + fill("<! ", size) + " -->"),
    "one title": lambda size, rng: html("<title>" + fill("a\n", size) + "</title>"),
    "links with one beginning": page('<a href="http://a.example.com/' + "x" * 200 + '#">https://b.example.org/</a>'),
    "short links that name another": page('<a href="//a.cc/#">https://b.cc'),
    "multiparts without an end": lambda size, rng: nested_parts(size, "-" * 60 + "#", 39),
    "escapes of characters": again("&#x0041;&#x"),
    "escapes that need none": again("=41=42=20\n", more="Content-Transfer-Encoding: quoted-printable\n"),
    "Received of Hotmail": fields("Received: from a.hotmail.com (b.hotmail.com [192.0.2.1]) by c.hotmail.com with HTTP "
                                  "id rly-aa11.x\n"),
    "one long Received": of_header("Received", "from hotmail.com (a.hotmail.com by "),
    "List-Unsubscribe, nearly": of_header("List-Unsubscribe", "<mailto:leave-a@b "),
    "signatures of texts": again("-- \n"),
    "what rules look for, in many parts": lambda size, rng: mixed(
        ["--b\nContent-Type: text/plain\n\n" + words_of_rules(size // 300, rng) + "\n" for _ in range(300)]),
    "empty lines in many parts": many_texts(900, "\n"),
    "links in many pages": parts_of(300, "Content-Type: text/html\n",
                                    lambda n: numbered('<a href="http://h#.com/">https://a.com</a>', n)),
    "S/MIME in pieces": lambda size, rng: packed(
        SIGNED + b"\x24\x80" + b"\x04\x01a" * (size // 4), content="application/pkcs7-mime; smime-type=signed-data"),
    # what is learned
    "distinct words": counted("word#x other#y "),
    "distinct words of other scripts": counted("слово# "),
    "letters without blanks between": lambda size, rng: plain("".join(chr(0x4E00 + rng.randrange(20000))
                                                                     for _ in range(size // 3))),
}

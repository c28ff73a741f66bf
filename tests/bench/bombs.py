#!/usr/bin/python3
# tests/bench/bombs.py - what messages that are built to be slow cost, beside ordinary ones of their size.
#
# usage: bombs.py POSTERN [MEGABYTES [CONFIG]]
#
# Each message is judged by `postern scan` alone; its CPU seconds (user and system, without what the program costs for a
# message of one line) stand beside those of two ordinary messages of the same size: a letter with a long text, and one
# with an attachment. Prints a row for each, and the worst of them.
import base64
import itertools
import os
import random
import resource
import subprocess
import sys
import tempfile

TOP = "From: anna@example.org\nTo: bob@example.net\nSubject: {subject}\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n" \
      "Message-ID: <1@example.org>\nMIME-Version: 1.0\n"
WORDS = ("the a of to in and mail server we you they please find attached report quarterly numbers meeting monday "
         "tuesday invoice project customer delivery question answer regards thanks because however within without "
         "between account update service number order").split()


def text_of(size, rng):
    lines = []
    have = 0
    while have < size:
        line = " ".join(rng.choices(WORDS, k=11))
        lines.append(line)
        have += len(line) + 1
    return "\n".join(lines)


def plain(body, subject="letter", content="text/plain; charset=utf-8", more=""):
    return TOP.format(subject=subject) + f"Content-Type: {content}\n{more}\n{body}\n"


def fill(piece, size):
    return piece * (size // len(piece) + 1)


def ordinary_text(size, rng):
    return plain(text_of(size, rng))


def ordinary_attachment(size, rng):
    data = base64.encodebytes(rng.randbytes(size * 3 // 4)).decode()
    return plain("--b\nContent-Type: text/plain\n\n" + text_of(20000, rng) + "\n--b\nContent-Type: application/pdf; "
                 'name="a.pdf"\nContent-Transfer-Encoding: base64\n\n' + data + "--b--",
                 content="multipart/mixed; boundary=b")


def html(body):
    return plain("<html><body>" + body + "</body></html>", content="text/html; charset=utf-8")


def distinct_urls(size, scheme="http://"):
    names = (f"{scheme}h{i}.example{i % 997}.com/p{i}?q={i} " for i in itertools.count())
    return take(names, size)


def take(pieces, size):
    out = []
    have = 0
    for piece in pieces:
        out.append(piece)
        have += len(piece)
        if have >= size:
            return "".join(out)
    return "".join(out)


def nested_parts(size):
    count = size // 80
    out = []
    for i in range(count):
        out.append(f"--b{i}\nContent-Type: multipart/mixed; boundary=b{i + 1}\n\n")
    return plain("".join(out), content="multipart/mixed; boundary=b0")


def many_parts(size):
    return plain(fill("--b\nContent-Type: text/plain\n\nx\n", size), content="multipart/mixed; boundary=b")


def fat_parts(size):
    field = "X-F: " + "y" * 70 + "\n"
    return plain(fill("--b\nContent-Type: text/html\n" + field * 3000 + "\nx\n", size),
                 content="multipart/mixed; boundary=b")


def sheets(size):
    rules = take((f".c{i} {{ color: #{i % 4096:03x}; display: block }}\n" for i in itertools.count()), size // 2)
    body = take((f'<p class="c{i} c{i + 1} c{i + 2}">x</p>' for i in itertools.count()), size // 2)
    return html("<style>" + rules + "</style>" + body)


BOMBS = {
    # expressions
    "words cut short": lambda size, rng: plain(fill("viagr cialli casin mortgag ", size)),
    "one letter": lambda size, rng: plain(fill("a" * 990 + "\n", size)),
    "one line of letters": lambda size, rng: plain(fill("a", size)),
    "almost a sum of money": lambda size, rng: plain(fill("$1,000,000,00 million of the dolla ", size)),
    "blanks": lambda size, rng: plain(fill(" ", size)),
    "empty lines": lambda size, rng: plain(fill("\n", size)),
    "angle brackets": lambda size, rng: plain(fill("<<<<>>>> ", size)),
    # HTML
    "nested tags": lambda size, rng: html(fill("<div>", size)),
    "nested tables": lambda size, rng: html(fill("<table><tr><td>", size)),
    "attributes": lambda size, rng: html("<p " + take((f"a{i}=1 " for i in itertools.count()), size) + ">x</p>"),
    "one long attribute": lambda size, rng: html('<p style="' + fill("color:red;", size) + '">x</p>'),
    "style sheets": lambda size, rng: sheets(size),
    "comments": lambda size, rng: html(fill("<!-- x --", size)),
    "entities": lambda size, rng: html(fill("&#97;&amp;&lt", size)),
    "open angle brackets": lambda size, rng: html(fill("<", size)),
    "open quotes": lambda size, rng: html(fill('<a href="', size)),
    "fonts": lambda size, rng: html(fill('<font color="#fff" size=1>x</font>', size)),
    "links": lambda size, rng: html(
        take((f'<a href="http://h{i}.example.com/">x</a>' for i in itertools.count()), size)),
    # MIME
    "nested parts": lambda size, rng: nested_parts(size),
    "many parts": lambda size, rng: many_parts(size),
    "many large headers": lambda size, rng: fat_parts(size),
    "boundaries almost": lambda size, rng: plain(fill("--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbc\n", size),
                                                 content="multipart/mixed; boundary=" + "b" * 31),
    "dashes": lambda size, rng: plain(fill("--\n", size), content="multipart/mixed; boundary=b"),
    "broken base64": lambda size, rng: plain(fill("=A==B=\n", size), more="Content-Transfer-Encoding: base64\n"),
    "broken quoted-printable": lambda size, rng: plain(fill("=\n=X=3=\n", size),
                                                       more="Content-Transfer-Encoding: quoted-printable\n"),
    "uuencode begins": lambda size, rng: plain(fill("begin 644 a\n", size)),
    "messages in messages": lambda size, rng: plain(fill("Content-Type: message/rfc822\n\n", size),
                                                    content="message/rfc822"),
    # URLs
    "distinct URLs": lambda size, rng: plain(distinct_urls(size)),
    "schemeless URLs": lambda size, rng: plain(distinct_urls(size, "www.")),
    "http http http": lambda size, rng: plain(fill("http://", size)),
    "www.www.www": lambda size, rng: plain(fill("www.", size)),
    "signs at": lambda size, rng: plain(fill("a@", size)),
    "addresses": lambda size, rng: plain(take((f"u{i}@example{i}.com " for i in itertools.count()), size)),
    "URLs in URLs": lambda size, rng: plain(fill("http://a.example.com/?url=", size)),
    "dots": lambda size, rng: plain(fill("a.b.c.d.e.", size)),
    # header fields
    "Received": lambda size, rng: fill("Received: from a (b [192.0.2.1]) by c with ESMTP; "
                                       "Mon, 5 Jan 2026 10:00:00 +0000\n", min(size, 400000)) + plain("x"),
    "a long From": lambda size, rng: "From: " + fill('"a" <a@b.c>, ', min(size, 900000)) + "\n" + plain("x"),
    "encoded words": lambda size, rng: plain(text_of(size, rng), subject=fill("=?utf-8?q?a=20?=\n ", 400000) + "x"),
    "continued parameters": lambda size, rng: plain("x", content="text/plain" + take(
        (f";\n a*{i}=b" for i in itertools.count()), 400000)),
}


def cpu_of(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: status {done.returncode}: {done.stderr.decode()[-300:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(postern, megabytes="10", config=None):
    size = int(float(megabytes) * 1000000)
    options = ["-c", config] if config else []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "message.eml")

        def measure(make):
            with open(path, "w", encoding="utf-8") as out:
                out.write(make(size, random.Random(1)))
            return min(cpu_of([postern, "scan", *options, path]) for _ in range(2))

        start = measure(lambda _size, _rng: plain("x"))
        ordinary = {name: measure(make) - start for name, make in
                    (("long text", ordinary_text), ("attachment", ordinary_attachment))}
        print(f"{megabytes} MB; the program itself {start:.3f} s; " +
              "; ".join(f"ordinary, {name}: {cost:.3f} s" for name, cost in ordinary.items()))
        worst = ("", 0.0)
        for name, make in BOMBS.items():
            cost = measure(make) - start
            worst = max(worst, (name, cost), key=lambda one: one[1])
            print(f"{name:28} {cost:8.3f} s  {cost / ordinary['long text']:7.2f} x long text "
                  f"{cost / max(ordinary['attachment'], 0.001):8.2f} x attachment", flush=True)
        print(f"worst: {worst[0]}, {worst[1]:.3f} s, {worst[1] / ordinary['long text']:.2f} x")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit("usage: bombs.py POSTERN [MEGABYTES [CONFIG]]")
    main(*sys.argv[1:])

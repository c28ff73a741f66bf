# tests/conformance/test_mime_headers.py - header texts, parameters, charsets and transfer encodings beside two others.
#
# The first is the table of header values of another mail parser (suites/mime/mail-parser): where we differ, the case
# stands below with the reason, and doc/mime.md says it in words. The second is Python's own library, on random input.
import base64
import binascii
import email.header
import email.message
import email.policy
import json
import os
import quopri
import random
import re
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ["POSTERN_BUILD"])
SUITE = Path(os.environ.get("POSTERN_SUITES") or BUILD.parent.parent.parent / "shared/suites") / "mime/mail-parser"


def ask(questions):
    """[(kind, label, bytes)] to [answer]"""
    asked = b"".join(f"{kind} {label} {len(text)}\n".encode() + text for kind, label, text in questions)
    done = subprocess.run([BUILD / "tests/words_probe"], input=asked, capture_output=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(questions)
    return answers


def cases(name):
    if not SUITE.exists():
        pytest.skip(f"no {SUITE}")
    found = []
    for case in json.loads((SUITE / f"{name}.json").read_text()):
        body = re.split(r"\r?\n(?![ \t])", case["header"])[0] if not case["header"].startswith("\n") else case["header"]
        found.append((body.encode(), case["expected"]))
    return found


def compare(name, kind, ours_of, theirs_of, reasons):
    """The cases that differ are those that `reasons` lists, by their numbers from 0."""
    found = cases(name)
    listed = {n: reason for reason, numbers in reasons.items() for n in numbers}
    wrong = []
    for n, ((body, expected), answer) in enumerate(zip(found, ask([(kind, "-", body) for body, _ in found]))):
        ours, theirs = ours_of(answer), theirs_of(expected)
        if (ours == theirs) == (n in listed):
            wrong.append(f"{n}: {body!r}: we {ours!r}, they {theirs!r}; listed: {listed.get(n)}")
    print(f"{name}: {len(found)} values, {len(listed)} of them read otherwise, for {len(reasons)} reasons")
    assert not wrong, "\n".join(wrong)


def one_blank(text):
    return re.sub(r"[ \t\r\n]+", " ", text).strip()


def test_unstructured():
    compare("unstructured", "words", lambda a: one_blank(a["text"]), lambda e: one_blank(e),
            {"they put a blank between text and an encoded word that stands close to it": [21, 27, 28]})


def test_lists_of_words():
    def items(text):
        return [one_blank(item) for item in text.split(",") if item.strip()]

    compare("list", "words", lambda a: items(a["text"]), lambda e: e, {})


def test_parameters():
    def ours(answer):
        pairs = {}
        for name, value, is_other in answer["params"]:
            if not is_other and value:
                pairs.setdefault(name, value)
        return answer["value"].lower().rstrip("/"), pairs

    def theirs(expected):
        if expected is None:
            return None
        value = expected["c_type"] + ("/" + expected["c_subtype"] if expected["c_subtype"] else "")
        pairs = {n.lower(): v for n, v in expected.get("attributes") or [] if v and not n.endswith("-language")}
        return value.lower(), pairs

    compare("content_type", "params", ours, theirs, {
        "they take a charset off each continuation, where only the first one has one": [31],
        "they keep the blanks between encoded words in quotes": [34],
        "without a type they read nothing, we read the parameters": [40, 41, 42, 43, 62, 63, 64, 65, 66, 70, 71, 72],
        "a parameter where the type should stand is one to us, and a type to them": [48, 58],
        "names with several stars, and blanks before them": [61],
    })


def test_addresses():
    def theirs(expected):
        groups = expected.get("Group") or [{"addresses": expected["List"]}]
        return [[a["name"] or "", a["address"]] for group in groups for a in group["addresses"]]

    compare("address", "mailboxes", lambda a: a, theirs, {
        "they make comments part of the name": [8, 9, 14, 22, 56],
        "they take a comment for an address where there is none": [10, 11],
        "a source route is no part of the address to us, nor are blanks": [13],
        "what is no address, but a URI of a List- field": [37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47],
        "they take what stands behind an address for its name": [55],
    })


# --- Python's library, on random input ---

LETTERS = "abc XYZ 019 ,;=?_ äöüß éàç ŁŻ ΑΒΓ абвг ЖЩЫ \u00a0€📧" + "日本語 テスト 中文测试 한글 שלום"


def random_text(rng, alphabet=LETTERS, most=60):
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(most)))


def test_encoded_words_of_python():
    rng = random.Random(2047)
    texts = [one_blank(random_text(rng)) for _ in range(2000)]
    charsets = [rng.choice(["utf-8", "utf-8", "utf-16", "iso-2022-jp", "gb18030", "euc-kr"]) for _ in texts]
    questions = []
    for i, text in enumerate(texts):
        text = texts[i] = one_blank(text.encode(charsets[i], "ignore").decode(charsets[i]))
        header = email.header.Header(text, charsets[i], maxlinelen=76).encode(linesep="\r\n")
        questions.append(("words", "-", header.encode()))
    for text, (_, _, body), answer in zip(texts, questions, ask(questions)):
        assert one_blank(answer["text"]) == text, body


def test_parameters_of_python():
    rng = random.Random(2231)
    names, questions = [], []
    for _ in range(1000):
        name = random_text(rng, LETTERS + "\"\\()<>@%'*") or "x"
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message.add_header("Content-Disposition", "attachment", filename=name)
        old = email.message.Message()
        old.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
        names += [one_blank(name)] * 2
        body = message.as_bytes().split(b":", 1)[1].split(b"\r\n\r\n")[0]
        questions += [("params", "-", body), ("params", "-", old.as_bytes().split(b":", 1)[1])]
    for name, question, answer in zip(names, questions, ask(questions)):
        values = [value for n, value, _ in answer["params"] if n == "filename"]
        assert answer["value"] == "attachment" and values and one_blank(values[0]) == name, question


# Ours by its label, Python's codec, and what Python has otherwise than browsers do.
CHARSETS = [("utf-8", "utf-8"), ("utf-16le", "utf-16-le"), ("utf-32be", "utf-32-be"), ("koi8-r", "koi8-r"),
            ("iso-8859-2", "iso8859-2"), ("iso-8859-5", "iso8859-5"), ("iso-8859-7", "iso8859-7"),
            ("iso-8859-8", "iso8859-8"), ("iso-8859-15", "iso8859-15"), ("windows-1250", "cp1250"),
            ("windows-1251", "cp1251"), ("windows-1252", "cp1252"), ("windows-1253", "cp1253"),
            ("windows-1256", "cp1256"), ("macintosh", "mac-roman"), ("ibm866", "cp866"), ("cp850", "cp850"),
            ("shift_jis", "cp932"), ("euc-jp", "euc-jp"), ("iso-2022-jp", "iso-2022-jp"), ("gb2312", "gb2312"),
            ("gbk", "gbk"), ("gb18030", "gb18030"), ("hz-gb-2312", "hz"), ("big5", "big5hkscs"), ("euc-kr", "cp949"),
            ("ks_c_5601-1987", "cp949"), ("iso-2022-kr", "iso-2022-kr"), ("utf-7", "utf-7")]


# Where Python has JIS and GB and browsers have Microsoft's form of them.
SAME = str.maketrans("￠￡￤￢∥－～", "¢£¦¬‖−〜")


def test_charsets_of_python():
    rng = random.Random(10646)
    ranges = [(0x20, 0x7e), (0xa0, 0x17f), (0x391, 0x3c9), (0x410, 0x44f), (0x5d0, 0x5ea), (0x3041, 0x3093),
              (0x4e00, 0x9fa5), (0xac00, 0xd7a3), (0x1f300, 0x1f5ff), (0xff61, 0xff9f)]
    texts, questions = [], []
    for label, codec in CHARSETS:
        for _ in range(60):
            text = "".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randrange(200)))
            encoded = text.encode(codec, "ignore")
            texts.append(encoded.decode(codec))
            questions.append(("charset", label, encoded))
    for text, question, answer in zip(texts, questions, ask(questions)):
        assert answer["text"].translate(SAME) == text.translate(SAME), question


def test_broken_utf8_like_python():
    rng = random.Random(3629)
    pieces = [bytes([byte]) for byte in b"a\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7\xed\xa0\xff"]
    pieces += [b"plain text of some length, so that steps are taken ", "ü€📧".encode() * 12]
    texts = [b"x" + b"".join(rng.choices(pieces, k=rng.randrange(30))) for _ in range(3000)]
    for text, answer in zip(texts, ask([("charset", "utf-8", text) for text in texts])):
        assert answer["text"] == text.decode("utf-8", "replace"), text


def test_transfer_encodings_of_python():
    rng = random.Random(2045)
    texts = [rng.randbytes(rng.randrange(400)) for _ in range(500)]
    questions = []
    for text in texts:
        uu = b"".join(binascii.b2a_uu(text[i:i + 45], backtick=rng.random() < 0.5) for i in range(0, len(text), 45))
        questions += [("base64", "-", base64.encodebytes(text).replace(b"\n", rng.choice([b"\n", b"\r\n"]))),
                      ("quoted", "-", quopri.encodestring(text.replace(b"\r", b"").replace(b"\n", b""))),
                      ("uuencode", "-", uu + rng.choice([b"`\n", b" \r\n"]))]
    answers = ask(questions)
    for i, text in enumerate(texts):
        assert answers[3 * i]["hex"] == text.hex(), questions[3 * i]
        assert answers[3 * i + 1]["hex"] == text.replace(b"\r", b"").replace(b"\n", b"").hex(), questions[3 * i + 1]
        assert answers[3 * i + 2]["hex"] == text.hex(), questions[3 * i + 2]
        assert not answers[3 * i]["flaws"] and not answers[3 * i + 2]["flaws"]


def test_odd_base64_like_python():
    """Python leaves out foreign bytes, too; it ends at padding, so there is none here."""
    rng = random.Random(64)
    texts = ["".join(rng.choices("ABCabc012+/ \r\n!*-\x00", k=rng.randrange(300))).encode() for _ in range(2000)]
    for text, answer in zip(texts, ask([("base64", "-", text) for text in texts])):
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
        whole = letters[:-1] if len(letters) % 4 == 1 else letters
        assert answer["hex"] == base64.b64decode(whole + b"=" * (-len(whole) % 4)).hex(), text

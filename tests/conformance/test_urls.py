# tests/conformance/test_urls.py - URLs in real mail, beside what plain regular expressions find.
#
# The second opinion is naive: "http" and a host in decoded text parts, and in href and src of HTML. Each host that it
# finds must be among ours. What it calls a host and is none (labels that are too long, no suffix, line breaks of broken
# encodings) is left out by asking Python's idna codec.
import email
import json
import os
import pathlib
import re
import subprocess

import pytest

from spam_mail import SUITES, decoded, floor, messages

BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", "build/dev"))
EVERY = 25  # message of the large set
TEXT_URL = re.compile(r"\bhttps?://([a-zA-Z0-9.-]+\.[a-zA-Z]{2,})(?![\w.@%:-])")
LINK = re.compile(r"<(?:a|img|area)\s[^<>]*?\s(?:href|src)\s*=\s*[\"']https?://"
                  r"([a-zA-Z0-9.-]+\.[a-zA-Z]{2,})(?=[/?\"'])", re.I)
COMMENT = re.compile(r"<!--.*?(?:-->|$)|<(style|script|title|textarea)\b.*?(?:</\1|$)", re.S | re.I)


def is_host(name):
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return ".." not in name


def second_opinion(data):
    hosts = set()
    for part in email.message_from_bytes(data).walk():
        kind = part.get_content_type()
        if kind == "text/html":
            hosts |= set(LINK.findall(COMMENT.sub("", decoded(part))))
        elif kind == "text/plain":
            hosts |= set(TEXT_URL.findall(decoded(part)))
    return {host.lower() for host in hosts if is_host(host)}


@pytest.mark.skipif(not SUITES.exists(), reason=f"{SUITES} is absent")
def test_no_host_is_lost():
    mails = [(name, re.sub(rb"\r?\n", b"\r\n", data)) for name, data in messages(3, EVERY)]
    fed = b"".join(b"%d\n%s" % (len(data), data) for _, data in mails)
    done = subprocess.run([BUILD / "tests" / "url_probe"], input=fed, capture_output=True, timeout=500)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    found = lost = more = 0
    for (name, data), line in zip(mails, done.stdout.splitlines(), strict=True):
        ours = {url["host"] for url in json.loads(line)["urls"]}
        theirs = second_opinion(data)
        found += len(theirs & ours)
        more += len(ours - theirs)
        lost += len(theirs - ours)
        for host in sorted(theirs - ours):
            print(f"{name}: {host} is not found")
    print(f"{len(mails)} messages: {found} hosts found by both, {lost} lost, {more} found by us alone")
    assert found >= floor("urls-hosts-found")
    assert lost <= floor("urls-hosts-lost")

# tests/interop/test_smuggling.py - whatever somebody somewhere takes for the end of a message: through us to real next
# hops, in DATA and BDAT, in clear and under TLS, in one piece and byte by byte. Each is refused or arrives as the one
# message that it is (CVE-2023-51764, 51765, 51766, and what was published since).
import re
import socket
import ssl
import threading

import pytest

from mail import make_cert
from opensmtpd import OpenSmtpd
from process import wait_for
from sendmail import SendmailHop
from servers import Exim, Gateway, Postfix

# What stands between a message and the commands behind it.
SEQUENCES = (
    b"\n.\n", b"\n.\r\n", b"\n.\r", b"\r.\r", b"\r.\r\n", b"\r.\n", b"\r\n.\n", b"\r\n.\r", b"\n\n.\n", b"\r\r.\r\r",
    b"\r\n.\r\r\n", b"\r\n\r.\r\n", b"\r\r\n.\r\r\n", b"\r\n\n.\r\n", b"\n\r.\n\r", b"\r\n.\n\r\n", b"\n.\r\r\n",
    b"\r\n..\n", b"\n..\r\n", b"\r..\r", b"\r\n.\rx\n",
    b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\0\n.\r\n", b"\r\n.\r\0\n", b"\0\n.\n",
    b"\r\n. \r\n", b"\r\n.\t\r\n", b"\r\n.\x0b\r\n", b"\r\n.\x0c\r\n", b"\x0b.\x0b", b"\r\n..\r\n", b"\r\n...\r\n",
)
# In chunks, this is text, too.
ENDS = (b"\r\n.\r\n", b"\r\r\n.\r\n", b"\n\r\n.\r\n")
EVIL = "evil@smuggler.example"
BEHIND = (f"MAIL FROM:<{EVIL}>\r\nRCPT TO:<user@%s>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n").encode()
WAYS = ("clear", "clear bytes", "tls", "tls bytes")
HOPS = {"postfix": "postfix.example", "exim": "exim.example", "sendmail": "sendmail.example",
        "opensmtpd": "opensmtpd.example"}
# What stands in its log once for each message that it took.
TAKEN = {"postfix": ": message-id=", "exim": " <= ", "sendmail": "Message accepted for delivery",
         "opensmtpd": " smtp message "}


# --- the next hops ----------------------------------------------------------------------------------------------------


def hop(name):
    domain = HOPS[name]
    return {"postfix": lambda: Postfix(mailboxes=(f"user@{domain}",)),
            "exim": lambda: Exim(domains=(domain,), main="smtp_accept_queue_per_connection = 0"),
            "sendmail": SendmailHop, "opensmtpd": lambda: OpenSmtpd(domains=(domain,))}[name]()


@pytest.fixture(scope="module", params=HOPS)
def next_hop(request):
    with hop(request.param) as server:
        yield request.param, server


CONF = """
hostname = "mx.example.org"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{port}"
    next_hop_tls = none
    relay_domains = {{"{domain}"}}
    relay_clients = {{"127.0.0.1"}}
    tls_certificate = "{cert}"
    tls_key = "{key}"
    bare_newline = {mode}
}}
check "greylist" {{ mode = off }}
"""


# --- the client -------------------------------------------------------------------------------------------------------


class Sender:
    """Says what it is told, and reads a reply's last line."""

    def __init__(self, port, way):
        self.is_cut = way.endswith("bytes")
        self.connect(port)
        if way.startswith("tls"):
            self.say(b"STARTTLS\r\n")
            assert self.reply() == 220
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.file.close()
            self.socket = context.wrap_socket(self.socket)
            self.file = self.socket.makefile("rb")
            self.say(b"EHLO client.example\r\n")
            assert self.reply() == 250

    def connect(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        assert self.reply() == 220
        self.say(b"EHLO client.example\r\n")
        assert self.reply() == 250

    def say(self, data):
        self.socket.sendall(data)

    def reply(self):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        assert line.endswith(b"\r\n"), line
        return int(line[:3])

    def close(self):
        self.say(b"QUIT\r\n")
        assert self.reply() == 221
        self.file.close()
        self.socket.close()

    def pieces(self, before, sequence, behind):
        if not self.is_cut:
            return [before + sequence + behind]
        cut = before[-1:] + sequence + behind[:2]
        return [before[:-1], *(bytes([byte]) for byte in cut), behind[2:]]

    def send(self, domain, verb, before, sequence, behind):
        """The code that the message got."""
        envelope = f"MAIL FROM:<ada@sender.example>\r\nRCPT TO:<user@{domain}>\r\n".encode()
        pieces = self.pieces(before, sequence, behind)
        if verb == "DATA":
            self.say(envelope + b"DATA\r\n")
            assert [self.reply() for _ in range(3)] == [250, 250, 354]
            for piece in pieces:
                self.say(piece)
            self.say(b".\r\n")
            return self.reply()
        said = [b"BDAT %d%s\r\n" % (len(piece), b" LAST" if i == len(pieces) - 1 else b"") + piece
                for i, piece in enumerate(pieces)]
        for part in [envelope + said[0], *said[1:]]:
            self.say(part)
        assert [self.reply() for _ in range(2)] == [250, 250]
        return [self.reply() for _ in pieces][-1]


def as_it_should_be(verb, text):
    """What becomes of a message with bare newlines where they are made whole."""
    if verb == "DATA":
        text = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in text.split(b"\r\n"))
    return re.sub(rb"\r\n|\r|\n", b"\r\n", text)


def is_bare(text):
    return bool(re.search(rb"\r(?!\n)|(?<!\r)\n|\0", text))


def attempts(verb):
    return SEQUENCES + (ENDS if verb == "BDAT" else ())


def send_all(port, name, mode, way_shift, expected, codes):
    senders = {way: Sender(port, way) for way in WAYS}
    for verb in ("DATA", "BDAT"):
        for i, sequence in enumerate(attempts(verb)):
            tag = f"{mode}-{verb}-{i}".encode()
            before = b"From: ada@sender.example\r\nSubject: " + tag + b"\r\n\r\ntext"
            behind = BEHIND % HOPS[name].encode()
            way = WAYS[(i + way_shift + (verb == "BDAT")) % len(WAYS)]
            code = senders[way].send(HOPS[name], verb, before, sequence, behind)
            whole = before + sequence + behind
            good = not is_bare(whole) if mode == "reject" else b"\0" not in whole
            codes.append((tag, way, sequence, code, 250 if good else 550))
            if good:
                expected[tag] = as_it_should_be(verb, whole).split(b"\r\n\r\n", 1)[1]
    for sender in senders.values():
        sender.close()


def arrived(messages):
    found = []
    for message in messages:
        header, _, body = message.replace(b"\r\n", b"\n").partition(b"\n\n")
        subject = re.findall(rb"^Subject: (.*)$", header, re.M)
        assert EVIL.encode() not in header, message
        found.append((subject[0] if subject else b"", body.replace(b"\n", b"\r\n")))
    return found


def test_each_is_refused_or_one_message(next_hop, tmp_path):
    name, server = next_hop
    cert, key = make_cert(tmp_path, "mx.example.org")
    key.chmod(0o644)
    expected, codes = {}, []
    for mode in ("reject", "normalise"):
        conf = CONF.format(port=server.port, domain=HOPS[name], cert=cert, key=key, mode=mode)
        with Gateway(conf) as gateway:
            wait_for(lambda: "state=up" in gateway.log, 10, "the next hop to be known")
            send_all(gateway.port, name, mode, list(HOPS).index(name), expected, codes)
            assert not [row for row in codes if row[3] != row[4]], gateway.log[-2000:]
    assert len(expected) > len(SEQUENCES)
    wait_for(lambda: len(server.messages()) >= len(expected), 60, f"{len(expected)} messages:\n{server.log[-3000:]}")
    got = arrived(server.messages())
    assert sorted(subject for subject, _ in got) == sorted(expected)
    for subject, body in got:
        assert body == expected[subject], subject
    assert server.log.count(TAKEN[name]) == len(expected)

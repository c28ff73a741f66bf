# tests/dialogue/test_dialogue.py - SMTP dialogues, one per file, spoken with a gateway that really runs.
#
# A file smtp-*.txt first says what it needs, then what is said:
#
#     # what the dialogue shows
#     conf KEY = VALUE      goes into the section smtp (and replaces what stands there usually)
#     clients KEY = VALUE   goes into its section clients
#     more TEXT             goes behind that section
#     offer WORD            the next hop offers this extension, too
#     hop VERB REPLY        the next hop answers this VERB with that (once: `hop1 VERB REPLY`)
#     at PATH               we speak at this unix socket in the gateway's folder, and not at its port
#     C: text               we say it, and CRLF
#     C! text               we say it, with the escapes \r \n \0 \xHH \\, and no CRLF of its own
#     C* COUNT text         we say it COUNT times, in one piece (escapes as in C!)
#     S: pattern            the next line of the gateway; * stands for anything
#     S* COUNT pattern      the next COUNT lines of the gateway
#     S+ CODE               a whole reply with that code, however long
#     S. (nothing)          the gateway closes the connection
#     EHLO name +A -B       we say EHLO, and the whole reply offers A ("SIZE 65536", "SIZE *") and no B
#     TLS                   we shake hands
#     SHUT                  we send no more, but read on
#     PAUSE seconds
#     WITHOUT EXTENSION     the next hop no longer offers it, and has closed its connections
#     MAIL text             (at the end) the next message that the next hop got has this text (escapes as in C!);
#     ENVELOPE text         its MAIL and RCPT commands are these
#     NOTHING               the next hop got no (further) message
import codecs
import fnmatch
import os
import pathlib
import pwd
import shlex
import socket
import ssl
import time

import pytest

from mail import make_cert
from process import wait_for
from servers import Gateway
from sink import EXTENSIONS, SmtpSink

FOLDER = pathlib.Path(__file__).parent
USUAL = {"prdr": "no",
         "next_hop": '"smtp://127.0.0.1:{hop}"', "relay_domains": '{"example.org"}', "hop_command": '"2s"',
         "xclient_clients": '{"127.0.0.1"}', "tls_certificate": '"{folder}/tls.crt"', "tls_key": '"{folder}/tls.key"'}


class Desk:
    """A gateway and its next hop, for all dialogues of one configuration."""

    desks = {}

    def __init__(self, keys):
        self.sink = SmtpSink(lmtp=dict(keys).get("next_hop", "").startswith('"lmtp:'),
                             extensions=[*EXTENSIONS, *(value for key, value in keys if key == "offer")])
        self.sink.start()
        more = "".join(f"{value}\n" for key, value in keys if key is None)
        if 'check "greylist"' not in more:
            more += 'check "greylist" { mode = off }\n'  # XCLIENT's strangers would have to come again
        clients = " ".join(f"{key[8:]} = {value}" for key, value in keys if key and key.startswith("clients "))
        smtp = {**USUAL, **{key: value for key, value in keys
                            if key not in (None, "offer") and not key.startswith("clients ")}}
        lines = "\n".join(f"    {key} = {value}" for key, value in smtp.items())
        lines += f"\n    clients {{ {clients} }}"
        conf = ('hostname = "mx.example.org"\nstate = "{folder}/state"\n'
                f'user = "{pwd.getpwuid(os.getuid()).pw_name}"\n'
                'smtp {\n    listen = {"127.0.0.1:{port}"}\n'
                + lines.replace("{hop}", str(self.sink.port)) + "\n}\n" + more)
        self.gateway = CertifiedGateway(conf).start()
        wait_for(lambda: ("EHLO", "mx.example.org") in self.sink.commands, 10, "the gateway to know its next hop")

    @classmethod
    def of(cls, keys):
        if keys not in cls.desks:
            cls.desks[keys] = cls(keys)
        return cls.desks[keys]


class CertifiedGateway(Gateway):
    def prepare(self):
        cert, key = make_cert(self.folder)
        (self.folder / "tls.crt").write_bytes(cert.read_bytes())
        (self.folder / "tls.key").write_bytes(key.read_bytes())
        super().prepare()


@pytest.fixture(scope="module", autouse=True)
def close_desks():
    yield
    for desk in Desk.desks.values():
        desk.sink.script = None
        desk.gateway.__exit__(None)
        desk.sink.stop()
    Desk.desks.clear()


def unescape(text):
    return codecs.escape_decode(text.encode())[0]


def connect(gateway, path):
    if not path:
        return socket.create_connection(("127.0.0.1", gateway.port), 15)
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(15)
    stream.connect(f"{gateway.folder}/{path}")
    return stream


class Speaker:
    def __init__(self, stream):
        self.socket = stream
        self.file = self.socket.makefile("rb")

    def say(self, data):
        self.socket.sendall(data)

    def expect(self, pattern, where):
        line = self.file.readline()
        text = line.rstrip(b"\r\n").decode("utf-8", "replace")
        assert line.endswith(b"\r\n"), f"{where}: wanted {pattern!r}, got {line!r}"
        assert fnmatch.fnmatchcase(text, pattern.replace("[", "[[]")), f"{where}: wanted {pattern!r}, got {text!r}"

    def hello(self, text, where):
        name, *words = shlex.split(text)
        self.say(f"EHLO {name}\r\n".encode())
        lines = [self.file.readline()]
        while lines[-1].startswith(b"250-"):
            lines.append(self.file.readline())
        offers = [line.decode().rstrip("\r\n")[4:] for line in lines]
        assert lines[-1].startswith(b"250 "), f"{where}: {lines}"
        for word in words:
            found = any(fnmatch.fnmatchcase(offer, word[1:]) for offer in offers[1:])
            assert found == (word[0] == "+"), f"{where}: wanted {word}, got {offers}"

    def expect_reply(self, code, where):
        line = b"-"
        while line[3:4] != b" ":
            line = self.file.readline()
            assert line.startswith(code.encode()), f"{where}: wanted {code}, got {line!r}"

    def expect_end(self, where):
        try:
            rest = self.file.read()
        except ConnectionResetError:
            return
        assert rest == b"", f"{where}: wanted the end of the connection, got {rest!r}"

    def tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.file.close()
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()


def next_message(sink, where):
    wait_for(lambda: sink.messages, 5, f"a message at the next hop ({where})")
    return sink.messages[0]


def check_mail(sink, text, where):
    data = next_message(sink, where)["data"]
    sink.messages.pop(0)
    assert unescape(text) in data, f"{where}: {text!r} is not in {data!r}"


def check_envelope(sink, text, where):
    message = next_message(sink, where)
    got = " ".join([message["mail"], *message["rcpts"]])
    assert fnmatch.fnmatchcase(got, text), f"{where}: wanted {text!r}, got {got!r}"


def perform(word, text, speaker, sink, where):
    if word == "C:":
        speaker.say(text.encode() + b"\r\n")
    elif word == "C!":
        speaker.say(unescape(text))
    elif word == "C*":
        count, _, what = text.partition(" ")
        speaker.say(unescape(what) * int(count))
    elif word == "S:":
        speaker.expect(text, where)
    elif word == "S*":
        count, _, pattern = text.partition(" ")
        for _ in range(int(count)):
            speaker.expect(pattern, where)
    elif word == "EHLO":
        speaker.hello(text, where)
    elif word == "S+":
        speaker.expect_reply(text, where)
    elif word == "S.":
        speaker.expect_end(where)
    elif word == "TLS":
        speaker.tls()
    elif word == "SHUT":
        speaker.socket.shutdown(socket.SHUT_WR)
    elif word == "PAUSE":
        time.sleep(float(text))
    elif word == "WITHOUT":
        sink.extensions.remove(text)
        sink.hang_up()
    elif word == "MAIL":
        check_mail(sink, text, where)
    elif word == "ENVELOPE":
        check_envelope(sink, text, where)
    elif word == "NOTHING":
        assert not sink.messages, f"{where}: {sink.messages}"
    else:
        raise AssertionError(f"{where}: {word!r} is no word of a dialogue")


class HopScript:
    def __init__(self, rules):
        self.rules = rules

    def __call__(self, verb, argument, dialogue):
        for rule in self.rules:
            if rule[1] == verb:
                if rule[0] == "hop1":
                    self.rules.remove(rule)
                return rule[2]
        return None


def read(path):
    keys, hop, steps, place = [], [], [], ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        word, _, text = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if word == "conf":
            key, _, value = text.partition(" = ")
            keys.append((key, value))
        elif word == "clients":
            key, _, value = text.partition(" = ")
            keys.append((f"clients {key}", value))
        elif word == "more":
            keys.append((None, text))
        elif word == "offer":
            keys.append(("offer", text))
        elif word == "at":
            place = text
        elif word in ("hop", "hop1"):
            hop.append((word, *text.split(" ", 1)))
        else:
            steps.append((f"{path.name}:{number}", word, text))
    return tuple(keys), hop, steps, place


@pytest.mark.parametrize("path", sorted(FOLDER.glob("smtp-*.txt")), ids=lambda path: path.stem)
def test_dialogue(path):
    keys, hop, steps, place = read(path)
    desk = Desk.of(keys)
    desk.sink.messages.clear()
    desk.sink.script = HopScript(hop)
    speaker = Speaker(connect(desk.gateway, place))
    try:
        for where, word, text in steps:
            perform(word, text, speaker, desk.sink, where)
    except AssertionError as failure:
        raise AssertionError(f"{failure}\nthe gateway's log:\n{desk.gateway.log[-2000:]}") from None
    finally:
        speaker.close()

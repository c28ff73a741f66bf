# tests/interop/test_shares.py - a message in shares, while its client or a next hop goes away in the middle.
import socket
import threading

from mail import read_maildir
from process import free_port, wait_for
from servers import Gateway
from sink import SmtpSink

CONF = """
hostname = "mx.example.org"
state = "{{folder}}/state"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    listener "unix:{{folder}}/lmtp" {{ protocol = lmtp }}
    next_hop = "{kind}://127.0.0.1:{hop}"
    relay_domains = {{"example.org"}}
    verify_recipients = none
    {more}
}}
check "greylist" {{ mode = off }}
"""
OTHER = 'route "other.example" {{ next_hop = "smtp://127.0.0.1:{hop}" }}'
MESSAGE = b"From: a@example.com\r\nSubject: shared\r\n\r\nHello.\r\n"


def gateway(hop, more="", kind="smtp"):
    return Gateway(CONF.format(hop=hop, more=more, kind=kind))


class Talk:
    """Says one thing after the other, and reads a reply to each."""

    def __init__(self, connection):
        self.socket = connection
        self.file = connection.makefile("rb")
        assert self.reply().startswith("220 ")

    def reply(self):
        line = self.file.readline().decode()
        while line[3:4] == "-":
            line = self.file.readline().decode()
        assert line.endswith("\r\n"), line
        return line.rstrip()

    def ask(self, line):
        self.socket.sendall(line + b"\r\n")
        return self.reply()

    def begin(self, hello, parameter, recipients):
        """Up to 354; the replies to RCPT."""
        assert self.ask(hello).startswith("250 ")
        assert self.ask(b"MAIL FROM:<a@example.com>" + parameter).startswith("250 ")
        told = [self.ask(b"RCPT TO:<%s>" % recipient) for recipient in recipients]
        assert self.ask(b"DATA").startswith("354 ")
        return told

    def close(self):
        self.file.close()
        self.socket.close()


def by_smtp(mx, recipients):
    talk = Talk(socket.create_connection(("127.0.0.1", mx.port), 20))
    talk.begin(b"EHLO client.example", b" PRDR", recipients)
    return talk


def by_lmtp(mx, recipients):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(f"{mx.folder}/lmtp")
    talk = Talk(connection)
    return talk, talk.begin(b"LHLO mail.example", b"", recipients)


def lines_of(mx, event):
    return [line for line in mx.log.splitlines() if f"event={event} " in line]


class Waiting:
    """A next hop that is asked at one point, and answers when it may."""

    def __init__(self, point):
        self.point, self.is_asked, self.may_answer = point, threading.Event(), threading.Event()

    def __call__(self, verb, argument, dialogue):
        if verb == self.point and not self.may_answer.is_set():
            self.is_asked.set()
            self.may_answer.wait(20)


def test_a_client_that_goes_before_the_second_share_begins():
    """The first share is past its end: its fate is awaited, and named. The second one is never sent."""
    waiting = Waiting("BODY")
    with SmtpSink(waiting) as first, SmtpSink() as second, gateway(first.port, OTHER.format(hop=second.port)) as mx:
        talk = by_smtp(mx, (b"x@example.org", b"x@other.example"))
        talk.socket.sendall(MESSAGE + b".\r\n")
        assert waiting.is_asked.wait(20)
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.file.read() == b""  # the gateway has seen it
        waiting.may_answer.set()
        wait_for(lambda: len(lines_of(mx, "client_gone")) == 2, 20, "both shares to be named")
        talk.close()
        told = {line.split(" to=")[1].split()[0]: line for line in lines_of(mx, "client_gone")}
        assert "it may come again" in told["x@example.org"]
        assert "before our reply to its message" in told["x@other.example"]
        again = by_smtp(mx, (b"x@other.example",))  # the gateway is there as before
        assert again.ask(MESSAGE + b".").startswith("250 ")
        again.close()
        assert len(first.messages) == len(second.messages) == 1
        assert "event=died" not in mx.log and "event=interrupted" not in mx.log


def test_a_client_that_goes_before_the_second_share_ends():
    """The second one is called off; the first one has been delivered, and is named."""
    waiting = Waiting("DATA")
    with SmtpSink() as first, SmtpSink(waiting) as second, gateway(first.port, OTHER.format(hop=second.port)) as mx:
        talk = by_smtp(mx, (b"x@example.org", b"x@other.example"))
        talk.socket.sendall(MESSAGE + b".\r\n")
        assert waiting.is_asked.wait(20)
        talk.close()
        wait_for(lambda: len(lines_of(mx, "client_gone")) == 2, 20, "both shares to be named")
        waiting.may_answer.set()
        assert "it may come again" in next(line for line in lines_of(mx, "client_gone") if "to=x@example.org" in line)
        again = by_smtp(mx, (b"x@other.example",))
        assert again.ask(MESSAGE + b".").startswith("250 ")
        again.close()
        assert len(first.messages) == len(second.messages) == 1


def test_an_lmtp_server_that_is_lost_between_its_replies():
    """Who was told 250 has the message; of the others nobody knows, and the log says so."""
    def script(verb, argument, dialogue):
        if verb == "BODY" and "second" in argument:
            dialogue.say("250 2.0.0 first has it")
            return "close"

    with SmtpSink(script, lmtp=True) as sink, gateway(sink.port, kind="lmtp") as mx:
        talk, told = by_lmtp(mx, (b"first@example.org", b"second@example.org", b"third@example.org"))
        assert all(reply.startswith("250 ") for reply in told)
        replies = [talk.ask(MESSAGE + b"."), talk.reply(), talk.reply()]
        assert replies[0].startswith("250 2.0.0 first has it"), replies
        assert all(reply.startswith("451 4.4.2 ") for reply in replies[1:]), replies
        assert len([command for command in sink.commands if command[0] == "DATA"]) == 1  # nothing is tried again
        mx.wait_log("event=message")
        refused = [line for line in lines_of(mx, "refused") if "what=recipient" in line]
        assert len(refused) == 2 and all("possible_duplicate=yes" in line for line in refused), mx.log
        talk.close()


def test_there_are_so_many_kinds_in_one_message():
    routes = "\n".join(f'    route "r{n}.example" {{ next_hop = "maildir:{{folder}}/r{n}" }}' for n in range(21))
    with gateway(1, routes) as mx:
        talk, told = by_lmtp(mx, [b"x@r%d.example" % n for n in range(21)] + [b"y@r3.example"])
        assert [reply[:9] for reply in told] == ["250 2.1.5"] * 20 + ["452 4.5.3", "250 2.1.5"]
        assert "Too many routes and rules" in told[20]
        replies = [talk.ask(MESSAGE + b"."), *(talk.reply() for _ in range(20))]
        assert all(reply.startswith("250 2.0.0 stored") for reply in replies), replies
        talk.close()
        for n in range(20):
            mails = read_maildir(mx.folder / f"r{n}")
            assert len(mails) == 1 and (b"y@r3.example" in mails[0]) == (n == 3)
        assert not read_maildir(mx.folder / "r20")


def test_a_mail_server_behind_a_proxy_has_no_limits_either():
    port = free_port()
    more = (f'listener "127.0.0.1:{port}" {{ protocol = lmtp }}\n    proxy_clients = {{"127.0.0.1"}}\n'
            f'    clients {{ address {{ connections = 1 }} }}')
    with gateway(1, more) as mx:
        talks = []
        for connected_to, banner in ((port, "LMTP"), (port, "LMTP"), (mx.port, "220"), (mx.port, "421 4.7.0 ")):
            connection = socket.create_connection(("127.0.0.1", connected_to), 20)
            connection.sendall(b"PROXY TCP4 203.0.113.7 203.0.113.25 4711 24\r\n")
            talks.append(connection.makefile("rb"))
            assert banner in talks[-1].readline().decode(), mx.log
        for file in talks:
            file.close()


def goes_with_quit(mx, sink, waiting, closes):
    """Says QUIT behind its message, and closes its side or all before it can hear of it."""
    talk = Talk(socket.create_connection(("127.0.0.1", mx.port), 20))
    talk.begin(b"EHLO client.example", b"", (b"x@example.org",))
    talk.socket.sendall(MESSAGE + b".\r\nQUIT\r\n")
    assert waiting.is_asked.wait(20)
    if closes:
        talk.close()
    else:
        talk.socket.shutdown(socket.SHUT_WR)
    waiting.may_answer.set()
    return talk


def test_a_quit_that_was_said_before_our_250_is_no_sign_that_it_was_heard():
    waiting = Waiting("BODY")
    with SmtpSink(waiting) as sink, gateway(sink.port) as mx:
        goes_with_quit(mx, sink, waiting, closes=True)
        mx.wait_log("event=client_gone")
        gone, done = lines_of(mx, "client_gone"), lines_of(mx, "message")
        assert len(gone) == 1 and "it may come again" in gone[0], mx.log
        assert f" id={done[0].split(' id=')[1].split()[0]} " in gone[0]


def test_who_has_our_250_behind_its_quit_is_not_named():
    waiting = Waiting("BODY")
    with SmtpSink(waiting) as sink, gateway(sink.port) as mx:
        talk = goes_with_quit(mx, sink, waiting, closes=False)
        assert talk.reply().startswith("250 2.0.0 ")
        assert talk.reply().startswith("221 ")
        assert talk.file.readline() == b""
        talk.close()
        mx.wait_log("event=message")
        assert not lines_of(mx, "client_gone"), mx.log

# tests/interop/test_shares.py - a message in shares, while its client or a next hop goes away in the middle.
import os
import re
import signal
import socket
import threading
from random import Random

from mail import read_maildir
from process import free_port, wait_for
from servers import Gateway, Nsd
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
    """Says one thing after the other, and reads a reply to each. OSError: the other end has gone."""

    def __init__(self, connection):
        self.socket = connection
        self.file = connection.makefile("rb")
        assert self.reply().startswith("220 ")

    def reply(self):
        line = self.file.readline().decode()
        while line[3:4] == "-":
            line = self.file.readline().decode()
        if not line.endswith("\r\n"):
            raise OSError(f"half a reply: {line!r}")
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


def by_prdr(mx, recipients):
    talk = Talk(socket.create_connection(("127.0.0.1", mx.port), 20))
    return talk, talk.begin(b"EHLO client.example", b" PRDR", recipients)


def by_smtp(mx, recipients):
    return by_prdr(mx, recipients)[0]


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


ZONE = """
bank.example.        TXT "v=spf1 ip4:203.0.113.7 -all"
_dmarc.bank.example. TXT "v=DMARC1; p=reject"
"""


def by_xforward(mx, client, sender):
    """The reply to a message of that sender, whose client the mail server names, or not."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(f"{mx.folder}/lmtp")
    talk = Talk(connection)
    lines = (b"LHLO mail.example", b"XFORWARD ADDR=%s HELO=mail.bank.example" % client if client else b"NOOP",
             b"MAIL FROM:<%s>" % sender, b"RCPT TO:<x@example.org>", b"DATA")
    assert [talk.ask(line)[:3] for line in lines] == ["250"] * 4 + ["354"]
    told = talk.ask(b"From: boss@bank.example\r\nSubject: x\r\n\r\nHello.\r\n.")
    talk.close()
    return told


def test_dmarc_behind_a_mail_server_needs_the_client_only_where_spf_could_pass():
    """Its own address says nothing of the sender's host: so it tells by XFORWARD, or DMARC has less to go by."""
    cases = ((b"", b"a@bank.example", b"dmarc=none (p=reject"), (b"", b"a@evil.example", None),
             (b"203.0.113.7", b"a@bank.example", b"dmarc=pass (p=reject"), (b"203.0.113.66", b"a@bank.example", None))
    with Nsd(ZONE) as dns, SmtpSink() as sink:
        mx = gateway(sink.port, 'xforward_clients = {"127.0.0.1"}')
        mx.conf += f'dns {{ servers = {{"{dns.endpoint}"}} }}\nactions {{ reject = 1000 }}\n'
        with mx:
            for client, sender, result in cases:
                told = by_xforward(mx, client, sender)
                assert told.startswith("250 2.0.0 " if result else "554 5.7.1 DMARC policy"), (client, sender, told)
                assert not result or result in sink.messages[-1]["data"], sink.messages[-1]["data"]


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


def test_a_quit_that_was_not_read_before_our_250_is_no_sign_either():
    """The gateway finds both at once: that the next hop has the message, and a QUIT that its client said before."""
    waiting = Waiting("BODY")
    with SmtpSink(waiting) as sink, gateway(sink.port) as mx:
        talk = Talk(socket.create_connection(("127.0.0.1", mx.port), 20))
        talk.begin(b"EHLO client.example", b"", (b"x@example.org",))
        talk.socket.sendall(MESSAGE + b".\r\n")
        assert waiting.is_asked.wait(20)
        child = mx.child
        os.kill(child, signal.SIGSTOP)
        try:
            waiting.may_answer.set()
            wait_for(lambda: sink.messages, 20, "the next hop to confirm")
            talk.socket.sendall(b"QUIT\r\n")
            talk.close()
        finally:
            os.kill(child, signal.SIGCONT)
        mx.wait_log("event=message")
        mx.wait_log("right after its message was delivered")


def test_who_leaves_inside_the_next_message_may_not_have_heard_of_the_last():
    """What it said of the next one, it said before our 250 [RFC2920 3.1]."""
    with SmtpSink() as sink, gateway(sink.port) as mx:
        talk = Talk(socket.create_connection(("127.0.0.1", mx.port), 20))
        talk.begin(b"EHLO client.example", b"", (b"x@example.org",))
        talk.socket.sendall(MESSAGE + b".\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<x@example.org>\r\nDATA\r\n")
        assert [talk.reply()[:4] for _ in range(4)] == ["250 ", "250 ", "250 ", "354 "]
        talk.close()
        wait_for(lambda: len(lines_of(mx, "client_gone")) == 2, 20, "both messages to be named")
        left, gone = lines_of(mx, "client_gone")
        assert f" id={lines_of(mx, 'message')[0].split(' id=')[1].split()[0]} " in left
        assert "right after its message was delivered" in left
        assert "before our reply to its message" in gone
        assert len(sink.messages) == 1


WAYS = ("close", "421 4.3.2 going down", "451 4.3.0 not now", "554 5.0.0 never", "nonsense")
DOMAINS = ("example.org", "other.example", "lmtp.example", "mail.example")


class Failing:
    """A next hop of which one answer in twenty is a failure; and what it said of each recipient."""

    def __init__(self, seed):
        self.chance, self.lock, self.said = Random(seed), threading.Lock(), {}

    def __call__(self, verb, argument, dialogue):
        with self.lock:
            way = self.chance.choice(WAYS) if self.chance.random() < 0.05 else None
        self.said[verb, argument] = way or "250"
        return way


class Sender:
    """Sends messages to several recipients, LMTP or PRDR, and now and then goes before the answers."""

    def __init__(self, mx, number):
        self.mx, self.number, self.random, self.told = mx, number, Random(number), {}

    def send(self, n):
        is_lmtp = self.random.random() < 0.5
        recipients = [f"u{self.number}-{n}-{k}@{self.random.choice(DOMAINS)}"
                      for k in range(self.random.randrange(1, 5))]
        talk, replies = (by_lmtp if is_lmtp else by_prdr)(self.mx, [recipient.encode() for recipient in recipients])
        assert all(reply.startswith("250 ") for reply in replies), replies
        self.told.update(dict.fromkeys(recipients, 0))
        talk.socket.sendall(MESSAGE + b".\r\n")
        if self.random.random() > 0.15:
            first = talk.reply()
            codes = [] if first.startswith("353") else [int(first[:3])] * (1 if is_lmtp else len(recipients))
            codes += [int(talk.reply()[:3]) for _ in recipients[len(codes):]]
            self.told.update(zip(recipients, codes))
        talk.close()

    def run(self):
        for n in range(20):
            try:
                self.send(n)
            except OSError:
                pass


def arrived(first, second, lmtp, said, mx):
    found = [rcpt[4:-1] for sink in (first, second) for message in sink.messages for rcpt in message["rcpts"]]
    found += [rcpt[4:-1] for message in lmtp.messages for rcpt in message["rcpts"]
              if said["BODY", rcpt].startswith("2")]
    return found + [name for mail in read_maildir(mx.folder / "mail")
                    for name in re.findall(r"^Delivered-To: (.*)$", mail.decode(), re.M)]


def named(log):
    """Recipients whose message may come twice, as the log has it."""
    lines = [line for line in log.splitlines() if "possible_duplicate=yes" in line or "it may come again" in line]
    ids = {line.split(" id=")[1].split()[0] for line in lines}
    return {name for line in log.splitlines() if " to=" in line and line.split(" id=")[1].split()[0] in ids
            for name in line.split(" to=")[1].split()[0].split(",")}


def test_chaos_among_shares_loses_nothing():
    """Who was told 250 has it once, who was told 5xx has not; and of all others who have it the log says so."""
    hops = [Failing(seed) for seed in range(3)]
    with SmtpSink(hops[0]) as first, SmtpSink(hops[1]) as second, SmtpSink(hops[2], lmtp=True) as lmtp:
        more = OTHER.format(hop=second.port) + f"""
    route "lmtp.example" {{ next_hop = "lmtp://127.0.0.1:{lmtp.port}" }}
    route "mail.example" {{ next_hop = "maildir:{{folder}}/mail" }}
    hop_command = "1s"  hop_final = "1s"  hop_failures = 100  hop_rest = "1s"
"""
        with gateway(first.port, more) as mx:
            senders = [Sender(mx, number) for number in range(8)]
            threads = [threading.Thread(target=sender.run) for sender in senders]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            mx.end()  # what is under way comes to its end
            told = {name: code for sender in senders for name, code in sender.told.items()}
            got, log = arrived(first, second, lmtp, hops[2].said, mx), mx.log
    assert len(told) > 200 and sum(code == 250 for code in told.values()) > 100
    for name, code in told.items():
        assert got.count(name) == 1 if code == 250 else got.count(name) <= 1, (name, code, log[-3000:])
        assert not (code // 100 == 5 and name in got), (name, code)
    doubtful = {name for name, code in told.items() if name in got and code != 250}
    assert doubtful <= named(log), doubtful - named(log)
    assert "event=died" not in log

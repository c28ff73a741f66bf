# tests/interop/test_noloss.py - no message is lost, whatever dies.
#
# A next hop fails at every point of the dialogue, in every way; the gateway is killed at every point, too. Then every
# message is counted: one that the client was told 250 for is at the next hop, and one that it was not told 250 for is
# not there, unless a reply was cut off between the dot and us: that one may come twice, and the log says so.
import os
import pwd
import re
import signal
import smtplib
import socket
import threading
import time
from random import Random

import pytest

from mail import read_maildir, send_mail
from process import answers, wait_for
from servers import Gateway
from sink import SmtpSink

USER = pwd.getpwuid(os.getuid()).pw_name  # not nobody: it could not write into our temporary folders
CONF = """
hostname = "mx.example.org"
state = "{{folder}}/state"
user = "{user}"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{hop}"
    relay_domains = {{"example.org"}}
    hop_command = "1s"
    hop_final = "1s"
    hop_connect = "1s"
    {more}
    verify_recipients = {verify}
}}
"""

BODY = b"From: a@example.com\r\nSubject: test\r\n\r\n%s\r\n"
POINTS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "RSET")
WAYS = ("close", "silence", "421 4.3.2 going down", "451 4.3.0 not now", "554 5.0.0 never", "nonsense")


def gateway(hop, verify="yes", more=""):
    return Gateway(CONF.format(hop=hop, verify=verify, user=USER, more=more))


def token(n):
    return b"token-%06d" % n


def tokens(messages):
    """How often each token stands in the messages of the next hop."""
    found = {}
    for message in messages:
        word = next(line for line in message["data"].split(b"\r\n") if line.startswith(b"token-"))
        found[word] = found.get(word, 0) + 1
    return found


def id_of(messages, word):
    """The id in our Received field of the message with that token."""
    received = next(message["data"] for message in messages if word in message["data"].split(b"\r\n"))
    return re.search(rb"\bid ([0-9A-Z]{26})\b", received)[1].decode()


class Failing:
    """The script of a next hop that fails `often` times at one point, from its `first`th time on, and works again."""

    def __init__(self, point, way, first=0, often=1):
        self.point, self.way, self.first, self.often, self.seen = point, way, first, often, 0

    def __call__(self, verb, argument, dialogue):
        if verb != self.point:
            return None
        self.seen += 1
        return self.way if self.first < self.seen <= self.first + self.often else None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("point", POINTS)
def test_what_the_client_was_told_is_true(point, way):
    told = {}
    with SmtpSink() as sink, gateway(sink.port) as mx:
        send_mail(mx.port, "a@example.com", "warm@example.org", BODY % token(999))  # the connection is warm
        told[token(999)] = 250
        sink.script = Failing(point, way, often=3)
        for n in range(5):
            to = f"user{n}@example.org"
            code, text = send_mail(mx.port, "a@example.com", to, BODY % token(n))
            told[token(n)] = code
            assert code < 500 or way.startswith("554"), text  # our trouble is never a 5xx
        sink.script = None
        wait_for(lambda: send_mail(mx.port, "a@example.com", "last@example.org", BODY % token(100))[0] == 250, 20,
                 "the gateway to deliver again")
        told[token(100)] = 250
        found, log = tokens(sink.messages), mx.log
    for word, code in told.items():
        if code == 250:
            assert found.get(word) == 1, (word, told, log[-3000:])
        else:
            assert word not in found, (word, told, log[-3000:])


@pytest.mark.parametrize("way", ("close", "silence"))
def test_a_lost_reply_is_a_451_and_a_warning(way):
    """The next hop has the message, but its 250 never comes: the client keeps it, and the log names the risk."""
    class Taken(SmtpSink):
        lost = 0

    sink = Taken()

    def script(verb, argument, dialogue):
        if verb == "BODY":
            sink.lost += 1
            return way
        return None

    sink.script = script
    with sink, gateway(sink.port) as mx:
        code, text = send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(1))
        assert code == 451 and "4.4.2" in text, text
        assert sink.lost == 1  # not tried again behind the client's back
        mx.wait_log("possible_duplicate=yes")


def test_a_refused_recipient_of_several_defers_all_and_then_is_exact():
    bad = "bad@example.org"
    is_bad = threading.Event()

    def script(verb, argument, dialogue):
        return "550 5.1.1 no such user" if verb == "RCPT" and is_bad.is_set() and bad in argument else None

    with SmtpSink(script) as sink, gateway(sink.port) as mx:
        for n, rcpt in enumerate(("good@example.org", bad)):
            assert send_mail(mx.port, "a@example.com", rcpt, BODY % token(n))[0] == 250
        is_bad.set()  # it was taken at RCPT (from the cache), and is refused at delivery
        code, text = send_mail(mx.port, "a@example.com", ["good@example.org", bad], BODY % token(2))
        assert code == 451 and "4.4.5" in text, text
        assert token(2) not in tokens(sink.messages)
        with smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as smtp:
            smtp.ehlo("client.example")
            smtp.mail("a@example.com")
            assert smtp.rcpt("good@example.org")[0] == 250
            assert smtp.rcpt(bad) == (550, smtp.rcpt(bad)[1])
            assert smtp.data(BODY % token(2))[0] == 250
        found = tokens(sink.messages)
        assert found[token(2)] == 1
        assert [m["rcpts"] for m in sink.messages if token(2) in m["data"]] == [["TO:<good@example.org>"]]


@pytest.mark.parametrize("reply,code", (("550 5.1.1 no such user", 550), ("451 4.2.1 mailbox busy", 451)))
def test_a_refused_recipient_is_told_in_the_words_of_the_next_hop(reply, code):
    def script(verb, argument, dialogue):
        return reply if verb == "RCPT" and "bad@" in argument else None

    with SmtpSink(script) as sink, gateway(sink.port) as mx:
        got, text = send_mail(mx.port, "a@example.com", "bad@example.org", BODY % token(1))
        assert got == code and reply[4:] in text, text
        asked = len([c for c in sink.commands if c[0] == "RCPT"])
        got, text = send_mail(mx.port, "b@example.com", "bad@example.org", BODY % token(1))
        assert got == code and reply[4:] in text, text
        again = len([c for c in sink.commands if c[0] == "RCPT"])
        assert again == asked + (code == 451)  # a 5xx is remembered, a 4xx is asked again
        assert not sink.messages


def test_a_reply_too_many_is_not_taken_for_the_next_one():
    """A next hop that answers RSET twice: what follows must not be counted one reply off."""
    def script(verb, argument, dialogue):
        if verb == "RCPT" and "bad@" in argument:
            return "550 5.1.1 no such user"
        return "250 2.0.0 ok\r\n250 2.0.0 and ok" if verb == "RSET" else None

    with SmtpSink(script) as sink, gateway(sink.port, more='hop_connections = 1') as mx, \
            smtplib.SMTP("127.0.0.1", mx.port, timeout=20) as first, \
            smtplib.SMTP("127.0.0.1", mx.port, timeout=20) as second:
        for smtp in (first, second):
            smtp.helo("c.example")
            smtp.mail("a@example.com")
        first.putcmd("RCPT", "TO:<good@example.org>")
        second.putcmd("RCPT", "TO:<bad@example.org>")  # waits for the connection, and gets it at once
        assert first.getreply()[0] == 250
        assert second.getreply()[0] == 550


def test_a_client_that_falls_silent_inside_a_message_is_logged():
    with SmtpSink() as sink, gateway(sink.port, more='data_timeout = "1s"') as mx:
        connection, replies = talk(mx.port, ENVELOPE)
        connection.sendall(b"Subject: half\r\n")
        assert replies.readline().startswith(b"421 4.4.2 ")
        assert replies.readline() == b""
        mx.wait_log("event=client_gone")
        assert "from=a@example.com" in mx.log and not sink.messages
        connection.close()


def test_without_verification_the_only_recipient_is_told_after_the_message():
    def script(verb, argument, dialogue):
        return "550 5.1.1 no such user" if verb == "RCPT" else None

    with SmtpSink(script) as sink, gateway(sink.port, verify="no") as mx:
        code, text = send_mail(mx.port, "a@example.com", "bad@example.org", BODY % token(1))
        assert code == 550 and "5.1.1 no such user" in text
        assert not sink.messages


def test_a_hop_that_is_down_is_a_451_at_once_and_comes_back():
    with SmtpSink() as sink, gateway(sink.port) as mx:
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(1))[0] == 250
        sink.stop()
        began = time.monotonic()
        for n in range(5):
            code, text = send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(2))
            assert code == 451 and "4.4.1" in text, text
        assert time.monotonic() - began < 5
        sink.start()
        wait_for(lambda: send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(3))[0] == 250, 15,
                 "the next hop to be found up again")
        assert set(tokens(sink.messages)) == {token(1), token(3)}


@pytest.mark.parametrize("extensions", ((), ("PIPELINING",), ("8BITMIME", "SIZE 1000000")))
def test_any_set_of_extensions_delivers(extensions):
    with SmtpSink(extensions=extensions) as sink, gateway(sink.port) as mx:
        wait_for(lambda: sink.connections > 0, 5, "the gateway to ask its next hop")
        time.sleep(0.2)
        with smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as smtp:
            smtp.ehlo("client.example")
            assert smtp.has_extn("8bitmime") == ("8BITMIME" in extensions)
            assert smtp.has_extn("pipelining") and smtp.has_extn("enhancedstatuscodes")
            assert smtp.esmtp_features["size"] == ("1000000" if extensions[1:] else "52428800")
        code, _ = send_mail(mx.port, "a@example.com", ["x@example.org", "y@example.org"], BODY % b"token-1\r\n..dot")
        assert code == 250
        message = sink.messages[0]
        assert message["data"].endswith(BODY % b"token-1\r\n..dot")
        assert message["rcpts"] == ["TO:<x@example.org>", "TO:<y@example.org>"]


def test_a_hop_that_knows_only_helo_delivers():
    def script(verb, argument, dialogue):
        return "502 5.5.1 what?" if verb == "EHLO" else None

    with SmtpSink(script) as sink, gateway(sink.port) as mx:
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(1))[0] == 250
        assert len(sink.messages) == 1


def kill_all(mx):
    """kill -9 on supervisor and gateway at once: they are a process group of their own."""
    os.killpg(mx.process.pid, signal.SIGKILL)
    mx.process.wait()
    wait_for(lambda: not answers(mx.port), 5, "the killed gateway to be gone")


def talk(port, lines, wait=True):
    """Says the lines, each after the reply to the last; returns the connection and its file."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    replies = connection.makefile("rb")
    replies.readline()
    for line in lines:
        connection.sendall(line)
        while wait and replies.readline()[3:4] == b"-":
            pass
    return connection, replies


ENVELOPE = (b"EHLO c.example\r\n", b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<x@example.org>\r\n", b"DATA\r\n")


@pytest.mark.parametrize("count", range(1, 6))
def test_a_client_that_vanishes_leaves_nothing(count):
    with SmtpSink() as sink, gateway(sink.port) as mx:
        lines = [*ENVELOPE, BODY % token(1)]
        connection, replies = talk(mx.port, lines[:min(count, 4)])
        if count == 5:
            connection.sendall(lines[4])  # the message, without its dot
        connection.close()
        replies.close()
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(2))[0] == 250
        assert set(tokens(sink.messages)) == {token(2)}


def test_a_client_that_vanishes_before_our_250_is_logged_with_both_ids():
    may_go = threading.Event()

    def script(verb, argument, dialogue):
        if verb == "BODY":
            may_go.wait(10)
            return "250 2.0.0 queued as HOPID7"
        return None

    with SmtpSink(script) as sink, gateway(sink.port) as mx:
        connection, replies = talk(mx.port, ENVELOPE)
        connection.sendall(BODY % token(1) + b".\r\n")
        wait_for(lambda: ("BODY", "") in sink.commands, 5, "the message to reach the next hop")
        connection.close()
        replies.close()
        time.sleep(0.2)
        may_go.set()
        mx.wait_log("event=client_gone")
        mx.wait_log("HOPID7")
        gone = next(line for line in mx.log.splitlines() if "event=client_gone" in line)
        done = next(line for line in mx.log.splitlines() if "event=message" in line)
        assert "it may come again" in gone
        assert gone.split("id=")[1].split()[0] == done.split("id=")[1].split()[0]


KILL_POINTS = ("MAIL", "RCPT", "DATA", "BODY")


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize("late", (False, True))
def test_a_gateway_that_is_killed_loses_nothing(point, late):
    """kill -9 while the next hop is at `point`: before it answers, or right after."""
    sink = SmtpSink()
    sink.start()
    mx = gateway(sink.port)
    killed = threading.Event()

    def kill_now():
        kill_all(mx)
        killed.set()

    def kill(verb, argument, dialogue):
        if verb != point or not sink.armed:
            return None
        sink.armed = False
        if late:
            threading.Timer(0.05, kill_now).start()
        else:
            kill_now()
        return None

    sink.armed = False
    sink.script = kill
    try:
        mx.start()
        send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(0))
        sink.armed = True
        try:
            code, _ = send_mail(mx.port, "a@example.com", "x@example.org" if point in ("DATA", "BODY")
                                else "y@example.org", BODY % token(1))
        except (smtplib.SMTPException, OSError):
            code = 0
        assert killed.wait(10)  # until the last of its sockets is closed
        found = tokens(sink.messages)
        assert found[token(0)] == 1
        assert found.get(token(1), 0) <= 1
        if code == 250:
            assert found.get(token(1)) == 1
        mx.start()  # and it comes up again as if nothing had been
        wait_for(lambda: answers(mx.port), 20, "the gateway to come up again")
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(2))[0] == 250
        assert tokens(sink.messages)[token(2)] == 1
        if code != 250 and token(1) in found:  # it comes again: which one, says the log
            assert f"event=interrupted id={id_of(sink.messages, token(1))} " in mx.log, mx.log[-3000:]
    finally:
        mx.end()
        sink.stop()


@pytest.mark.parametrize("goes_on", (False, True))
def test_our_250_that_may_not_have_been_heard_outlives_a_kill(goes_on):
    with SmtpSink() as sink, gateway(sink.port) as mx:
        connection, replies = talk(mx.port, ENVELOPE)
        connection.sendall(BODY % token(1) + b".\r\n")
        assert replies.readline().startswith(b"250 ")  # a client's kernel has it; the client may be gone
        if goes_on:
            connection.sendall(b"NOOP\r\n")
            assert replies.readline().startswith(b"250 ")
        kill_all(mx)
        mx.start()
        wait_for(lambda: mx.log.count("event=ready") == 2, 20, "the gateway to come up again")
        assert (f"event=interrupted id={id_of(sink.messages, token(1))} " in mx.log) == (not goes_on), mx.log[-3000:]
        replies.close()
        connection.close()


def maildir_gateway():
    conf = CONF.format(hop=1, verify="yes", user=USER, more="")
    return Gateway(conf.replace('"smtp://127.0.0.1:1"', '"maildir:{folder}/mail"'))


def test_a_maildir_has_every_message_that_was_confirmed():
    told, stop = [], threading.Event()
    mx = maildir_gateway().start()
    try:
        def send(thread):
            for n in range(1000):
                if stop.is_set():
                    return
                word = b"token-%d-%d" % (thread, n)
                try:
                    if send_mail(mx.port, "a@example.com", "x@example.org", BODY % word)[0] == 250:
                        told.append(word)
                except (smtplib.SMTPException, OSError):
                    return

        threads = [threading.Thread(target=send, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(told) > 20, 30, "some messages")
        kill_all(mx)
        stop.set()
        for thread in threads:
            thread.join()
        stored = [line for mail in read_maildir(mx.folder / "mail") for line in mail.splitlines()
                  if line.startswith(b"token-")]
        assert set(told) <= set(stored)
        assert len(stored) == len(set(stored))
        assert len(stored) <= len(told) + 4  # a reply of each thread may have been cut
    finally:
        mx.end()


def test_a_maildir_that_cannot_be_written_is_a_451():
    with maildir_gateway() as mx:
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(1))[0] == 250
        folder = mx.folder / "mail"
        folder.rename(mx.folder / "elsewhere")
        code, text = send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(2))
        assert code == 451 and "4.3.0" in text, text
        (mx.folder / "elsewhere").rename(folder)
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(3))[0] == 250
        assert len(read_maildir(folder)) == 2


def test_a_spool_that_cannot_be_written_is_a_452():
    big = BODY % (token(1) + b"\r\n" + b"0123456789\r\n" * 50000)  # does not fit smtp.memory
    with SmtpSink() as sink, gateway(sink.port) as mx:
        assert send_mail(mx.port, "a@example.com", "x@example.org", big)[0] == 250
        (mx.folder / "state").rename(mx.folder / "elsewhere")
        code, text = send_mail(mx.port, "a@example.com", "x@example.org", big)
        assert code == 452 and "4.3.1" in text, text
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(2))[0] == 250  # a small one fits
        (mx.folder / "elsewhere").rename(mx.folder / "state")
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(3))[0] == 250
        assert sorted(tokens(sink.messages)) == [token(1), token(2), token(3)]


def test_sigterm_finishes_what_is_under_way():
    may_go = threading.Event()

    def script(verb, argument, dialogue):
        if verb == "BODY":
            may_go.wait(10)
        return None

    with SmtpSink(script) as sink, gateway(sink.port) as mx:
        idle = smtplib.SMTP("127.0.0.1", mx.port, timeout=10)
        idle.ehlo("idle.example")
        busy, replies = talk(mx.port, ENVELOPE)
        busy.sendall(BODY % token(1) + b".\r\n")
        wait_for(lambda: ("BODY", "") in sink.commands, 5, "the message to reach the next hop")
        mx.process.terminate()
        assert idle.getreply()[0] == 421  # idle ones are told to go at once
        wait_for(lambda: not answers(mx.port), 5, "the listener to be closed")
        may_go.set()
        assert replies.readline().startswith(b"250 ")
        assert replies.readline().startswith(b"421 4.3.2 ")
        assert replies.readline() == b""
        mx.process.wait(10)
        assert tokens(sink.messages) == {token(1): 1}
        busy.close()


def test_a_refusal_in_the_middle_of_a_message_is_passed_on():
    """The next hop breaks into a large message with its refusal, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while True:
                try:
                    hop, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk_back, args=(hop,), daemon=True).start()

        def talk_back(hop):
            hop.sendall(b"220 hop ESMTP\r\n")
            lines = hop.makefile("rb")
            for line in lines:
                verb = line[:4].upper()
                hop.sendall(b"354 go on\r\n" if verb == b"DATA" else b"250 ok\r\n")
                if verb == b"DATA":
                    hop.recv(1000)
                    hop.sendall(b"552 5.3.4 far too much\r\n")
                    time.sleep(0.5)
                    hop.close()
                    return

        threading.Thread(target=serve, daemon=True).start()
        with gateway(listener.getsockname()[1]) as mx:
            data = BODY % (b"0123456789" * 90) * 9000
            code, text = send_mail(mx.port, "a@example.com", "x@example.org", data)
            assert code == 552 and "5.3.4 far too much" in text, text


def test_a_large_message_arrives_byte_by_byte():
    lines = [b"%08d " % n + b"." * (n % 60) + b"x" * (n % 50) for n in range(100000)]
    data = BODY % b"\r\n".join([token(1), b".", b"..", *lines])
    with SmtpSink() as sink, gateway(sink.port) as mx:
        assert send_mail(mx.port, "a@example.com", "x@example.org", data)[0] == 250
        assert sink.messages[0]["data"].endswith(data)


def misbehave(mx, lines, random):
    """A client that says some of the lines, in odd pieces, and goes."""
    try:
        with socket.create_connection(("127.0.0.1", mx.port), 10) as connection:
            data = b"".join(lines)
            data = data[:random.randrange(len(data))]
            while data:
                n = random.randrange(1, 200)
                connection.sendall(data[:n])
                data = data[n:]
                if random.random() < 0.3:
                    connection.recv(1000)
    except OSError:
        pass


def test_chaos_loses_nothing():
    """Sixteen clients, some of whom vanish, and a next hop of which one answer in twenty is a failure."""
    chance, lock, told, cut = Random(20261123), threading.Lock(), {}, [0]

    def script(verb, argument, dialogue):
        with lock:
            fails, way = chance.random() < 0.05, chance.choice(WAYS)
            cut[0] += fails and verb == "BODY" and way in ("close", "silence", "nonsense")
        return way if fails else None

    def client(number):
        random = Random(number)
        for n in range(25):
            word = b"token-%d-%d" % (number, n)
            if random.random() < 0.3:
                misbehave(mx, [*ENVELOPE, BODY % word], random)
                continue
            to = [f"user{random.randrange(30)}@example.org" for _ in range(random.randrange(1, 4))]
            try:
                code, _ = send_mail(mx.port, "a@example.com", to, BODY % word)
            except (smtplib.SMTPException, OSError):
                code = 0
            with lock:
                told[word] = code

    with SmtpSink(script) as sink, gateway(sink.port, more='hop_connections = 20') as mx:
        threads = [threading.Thread(target=client, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = tokens(sink.messages)
    good = [word for word, code in told.items() if code == 250]
    assert len(good) > 50
    assert all(found.get(word) == 1 for word in good)
    astray = [word for word, times in found.items() if told.get(word, 0) != 250 or times > 1]
    assert len(astray) <= cut[0], (astray, cut)


def test_a_client_that_leaves_without_a_word_after_our_250_is_named():
    with SmtpSink() as sink, gateway(sink.port) as mx:
        connection, replies = talk(mx.port, [*ENVELOPE, BODY % token(1) + b".\r\n"])
        connection.close()
        replies.close()
        mx.wait_log("right after its message was delivered")
        gone = next(line for line in mx.log.splitlines() if "event=client_gone" in line)
        assert f"id={id_of(sink.messages, token(1))} " in gone
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(2))[0] == 250
        assert mx.log.count("event=client_gone") == 1  # who says QUIT has heard us

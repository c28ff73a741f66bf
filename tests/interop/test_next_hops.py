# tests/interop/test_next_hops.py - several targets of one next hop: who gets the mail, and what happens when one fails.
#
# Counted at the end of each test: a message that the client was told 250 for lies at exactly one target; any other at
# none.
import os
import pwd
import tempfile

import pytest

from mail import send_mail
from process import wait_for
from servers import Gateway
from sink import SmtpSink

USER = pwd.getpwuid(os.getuid()).pw_name
CONF = """
hostname = "mx.example.org"
state = "{{folder}}/state"
user = "{user}"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = {{{targets}}}
    relay_domains = {{"example.org"}}
    hop_command = "400ms"
    hop_final = "400ms"
    hop_connect = "1s"
    verify_recipients = no
    {more}
}}
check "greylist" {{ mode = off }}
"""


def gateway(*targets, more=""):
    return Gateway(CONF.format(user=USER, more=more, targets=", ".join(f'"{target}"' for target in targets)))


def target(sink, words=""):
    return f"smtp://127.0.0.1:{sink.port} {words}".strip()


class Post:
    """Sends numbered messages, and remembers what it was told of each."""

    def __init__(self, mx):
        self.mx, self.told = mx, []

    def send(self, count=1, to="user@example.org"):
        codes = []
        for _ in range(count):
            word = b"token-%06d" % len(self.told)
            code, _ = send_mail(self.mx.port, "a@example.com", to, b"From: a@example.com\r\n\r\n%s\r\n" % word)
            self.told.append((word, code))
            codes.append(code)
        return codes

    def check(self, *sinks):
        found = [next(line for line in message["data"].split(b"\r\n") if line.startswith(b"token-"))
                 for sink in sinks for message in sink.messages]
        for word, code in self.told:
            assert found.count(word) == (1 if code == 250 else 0), (word, code, found, self.mx.log[-3000:])


def wait_known(mx, count):
    wait_for(lambda: mx.log.count("state=up") >= count, 20, f"{count} targets to be up:\n{mx.log[-2000:]}")


def test_the_lowest_priority_takes_the_mail_and_others_stand_by():
    with SmtpSink() as first, SmtpSink() as second, SmtpSink() as third:
        with gateway(target(second, "priority=20"), target(first, "priority=10"), target(third, "priority=30")) as mx:
            wait_known(mx, 3)
            post = Post(mx)
            assert post.send(3) == [250] * 3
            assert len(first.messages) == 3
            first.stop()
            assert post.send(3) == [250] * 3
            assert len(second.messages) == 3
            second.stop()
            assert post.send(3) == [250] * 3
            third.stop()
            assert post.send(1) == [451]
            port = first.port
            first.start(port)
            wait_for(lambda: post.send(1) == [250], 20, "the first to be found again")
            post.check(first, second, third)
            assert len(first.messages) == 4
            hops = [line.split(" hop=")[1].split()[0] for line in mx.log.splitlines() if " code=250 " in line]
            assert hops == [target(sink) for sink in (first, second, third, first) for _ in range(3)][:10], hops


def test_equals_share_by_weight():
    with SmtpSink() as heavy, SmtpSink() as light:
        with gateway(target(heavy, "weight=3"), target(light, "weight=1")) as mx:
            wait_known(mx, 2)
            post = Post(mx)
            assert post.send(16) == [250] * 16
            post.check(heavy, light)
            assert (len(heavy.messages), len(light.messages)) == (12, 4)


@pytest.mark.parametrize("scheme", ("smtp", "lmtp"))
def test_a_hop_behind_a_unix_socket(scheme):
    with tempfile.TemporaryDirectory() as folder, \
            SmtpSink(lmtp=scheme == "lmtp", path=f"{folder}/hop") as sink, gateway(f"{scheme}:unix:{folder}/hop") as mx:
        post = Post(mx)
        assert post.send(3) == [250] * 3, mx.log
        post.check(sink)
        assert f"hop={scheme}:unix:{folder}/hop" in mx.log


def at(point, way):
    return lambda verb, argument, dialogue: way if verb == point else None


def test_what_fails_before_the_dot_goes_to_another():
    with SmtpSink() as bad, SmtpSink() as good:
        with gateway(target(bad, "priority=1"), target(good, "priority=2")) as mx:
            wait_known(mx, 2)
            post = Post(mx)
            for point in ("MAIL", "RCPT", "DATA"):
                for way in ("close", "silence", "421 4.3.2 going down"):
                    bad.script = at(point, way)
                    assert post.send() == [250], (point, way)
            assert len(good.messages) == 9
            post.check(bad, good)


def test_what_fails_behind_the_dot_goes_nowhere_else():
    with SmtpSink() as bad, SmtpSink() as good:
        with gateway(target(bad, "priority=1"), target(good, "priority=2")) as mx:
            wait_known(mx, 2)
            for way in ("close", "silence", "421 4.3.2 going down", "451 4.3.0 not now"):
                bad.script = at("BODY", way)
                assert Post(mx).send()[0] // 100 == 4, way
            assert not good.messages


def test_every_target_gets_a_message_once_more_and_then_it_is_a_451():
    with SmtpSink(at("DATA", "close")) as one, SmtpSink(at("DATA", "close")) as two:
        with gateway(target(one), target(two)) as mx:
            wait_known(mx, 2)
            assert Post(mx).send(1) == [451]
            asked = [sum(verb == "DATA" for verb, _ in sink.commands) for sink in (one, two)]
            assert sum(asked) == 3 and max(asked) == 2, asked

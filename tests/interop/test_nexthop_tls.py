# tests/interop/test_nexthop_tls.py - STARTTLS with the next hop: what each level of next_hop_tls demands and allows.
import os
import pwd

import pytest

from mail import make_cert, send_mail
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
    next_hop = "{scheme}://{host}:{hop}"
    next_hop_tls = {tls}
    {more}
    relay_domains = {{"example.org"}}
    hop_command = "2s"
}}
"""
MAIL = b"From: a@example.com\r\nSubject: test\r\n\r\ntext\r\n"


def gateway(sink, tls, host="127.0.0.1", more="", scheme="smtp"):
    return Gateway(CONF.format(hop=sink.port, host=host, tls=tls, more=more, user=USER, scheme=scheme))


def send(mx):
    return send_mail(mx.port, "a@example.com", "x@example.org", MAIL)


@pytest.mark.parametrize("level,is_tls", (("none", False), ("may", True), ("encrypt", True)))
def test_a_hop_that_offers_tls(tmp_path, level, is_tls):
    make_cert(tmp_path, "other.example")
    with SmtpSink(tls=tmp_path / "other.example.pem") as sink, gateway(sink, level) as mx:
        assert send(mx)[0] == 250
        assert sink.messages[0]["tls"] == is_tls


@pytest.mark.parametrize("level,code", (("none", 250), ("may", 250), ("encrypt", 451), ("verify", 451)))
def test_a_hop_that_offers_none(level, code):
    with SmtpSink() as sink, gateway(sink, level) as mx:
        assert send(mx)[0] == code
        assert len(sink.messages) == (code == 250)
        if code == 451:
            mx.wait_log("does not offer STARTTLS")


@pytest.mark.parametrize("host,names,is_trusted,code", (
    ("127.0.0.1", (), True, 250), ("localhost", ("localhost",), True, 250), ("localhost", (), True, 451),
    ("127.0.0.1", (), False, 451)))
def test_a_certificate_must_be_trusted_and_of_that_name(tmp_path, host, names, is_trusted, code):
    cert, _ = make_cert(tmp_path, "hop.example", names)
    more = f'next_hop_ca = "{cert}"' if is_trusted else ""
    with SmtpSink(tls=tmp_path / "hop.example.pem") as sink, gateway(sink, "verify", host, more) as mx:
        assert send(mx)[0] == code, mx.log
        assert [m["tls"] for m in sink.messages] == [True] * (code == 250)


@pytest.mark.parametrize("level,is_trusted,code", (
    ("may", False, 250), ("encrypt", False, 250), ("verify", True, 250), ("verify", False, 451)))
def test_tls_from_the_first_byte(tmp_path, level, is_trusted, code):
    cert, _ = make_cert(tmp_path, "hop.example")
    more = f'next_hop_ca = "{cert}"' if is_trusted else ""
    with SmtpSink(tls=tmp_path / "hop.example.pem", implicit=True) as sink, \
            gateway(sink, level, more=more, scheme="smtps") as mx:
        assert send(mx)[0] == code, mx.log
        assert [m["tls"] for m in sink.messages] == [True] * (code == 250)
        assert not [verb for verb, _ in sink.commands if verb == "STARTTLS"]


def test_smtps_never_falls_back_to_clear_text():
    with SmtpSink() as sink, gateway(sink, "may", scheme="smtps") as mx:
        assert send(mx)[0] == 451
        assert not sink.messages and not [verb for verb, _ in sink.commands if verb in ("HELO", "EHLO")]


class Broken(SmtpSink):
    """Says 220 to STARTTLS, and then no TLS."""

    def __init__(self):
        super().__init__(script=self.script, extensions=("PIPELINING", "STARTTLS"))
        self.handshakes = 0

    def script(self, verb, argument, dialogue):
        if verb == "STARTTLS":
            self.handshakes += 1
            return "220 2.0.0 go on\r\nthis is no TLS at all"
        return None


def test_a_broken_handshake_falls_back_where_tls_may_be_left_out():
    with Broken() as sink, gateway(sink, "may") as mx:
        wait_for(lambda: send(mx)[0] == 250, 10, "delivery without TLS")
        assert sink.messages[0]["tls"] is False
        assert sink.handshakes == 1  # and is not tried again at once
        mx.wait_log("without TLS for ten minutes")


def test_a_handshake_without_an_end_falls_back_too():
    """It takes our first words, and says none: that may be a firewall, and is no reason to have no mail at all."""
    def script(verb, argument, dialogue):
        if verb != "STARTTLS":
            return None
        dialogue.say("220 2.0.0 go on")
        return "silence"

    with SmtpSink(script=script, extensions=("PIPELINING", "STARTTLS")) as sink, gateway(sink, "may") as mx:
        wait_for(lambda: send(mx)[0] == 250, 20, "delivery without TLS")
        assert sink.messages[0]["tls"] is False
        assert 'why="TLS: no TLS handshake within 2000 ms"' in mx.log


def test_a_broken_handshake_is_a_451_where_tls_must_be():
    with Broken() as sink, gateway(sink, "encrypt") as mx:
        assert send(mx)[0] == 451
        assert not sink.messages

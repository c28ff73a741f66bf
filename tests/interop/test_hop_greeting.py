# tests/interop/test_hop_greeting.py - how next hops greet, and what becomes of the mail then.

import pytest

from mail import make_cert
from sink import SmtpSink
from test_nexthop_tls import gateway, send


def saying(verb, reply, **more):
    return SmtpSink(script=lambda said, argument, dialogue: reply if said == verb else None, **more)


GOOD = {
    "several lines": ("CONNECT", "220-sink.example.org ESMTP\r\n220-no open relay\r\n220 go on"),
    "EHLO is unknown": ("EHLO", "500 5.5.1 what"),
    "no limit of size": ("EHLO", "250-sink\r\n250-SIZE 0\r\n250 PIPELINING"),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_greeting_that_is_taken(case):
    with saying(*GOOD[case]) as sink, gateway(sink, "none") as mx:
        assert send(mx)[0] == 250, mx.log
        assert sink.messages[0]["helo"] == "mx.example.org"


BAD = {
    "421 at EHLO": ("EHLO", "421 4.3.2 shutting down", "reply to EHLO: 421"),
    "it speaks on": ("CONNECT", "220 sink\r\n250 hello\r\n250 again", "it spoke unasked"),
    "no SMTP": ("CONNECT", "SSH-2.0-OpenSSH_9.2", "no SMTP reply"),
    "it will not": ("CONNECT", "554 5.3.2 no mail here", "greeting: 554"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_greeting_that_puts_mail_off(case):
    verb, reply, why = BAD[case]
    with saying(verb, reply) as sink, gateway(sink, "none") as mx:
        assert send(mx)[0] == 451
        mx.wait_log(why)
        assert not sink.messages


def test_what_is_offered_counts_after_starttls(tmp_path):
    """8BITMIME is gone then: a message that needs it is put off, and others pass."""
    make_cert(tmp_path, "hop.example")

    def script(verb, argument, dialogue):
        return "250-sink\r\n250 PIPELINING" if verb == "EHLO" and dialogue.is_tls else None

    with SmtpSink(script=script, tls=tmp_path / "hop.example.pem") as sink, gateway(sink, "may") as mx:
        assert send(mx)[0] == 250, mx.log
        assert "SIZE=" not in sink.messages[0]["mail"] and sink.messages[0]["tls"]


def test_a_confirmation_that_comes_before_the_message_is_none():
    """354 and 250 in one piece: whatever the 250 is, the message was not there yet."""
    with saying("DATA", "354 go on\r\n250 2.0.0 taken") as sink, gateway(sink, "none") as mx:
        assert send(mx)[0] == 451
        mx.wait_log("it spoke unasked")
        assert not sink.messages

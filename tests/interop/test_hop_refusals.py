# tests/interop/test_hop_refusals.py - what a next hop refuses, whom it holds for, and what is no refusal.
import smtplib

import pytest

from mail import send_mail
from sink import SmtpSink
from test_noloss import BODY, gateway, token, tokens


def taken_apart(mx, recipients):
    """One transaction in which each recipient hears his own code; the code of the message, if anybody was taken."""
    with smtplib.SMTP("127.0.0.1", mx.port, timeout=20) as smtp:
        smtp.ehlo("client.example")
        smtp.mail("a@example.com")
        codes = [smtp.rcpt(recipient)[0] for recipient in recipients]
        return codes, smtp.data(BODY % token(7))[0] if 250 in codes else None


@pytest.mark.parametrize("reply,more", (("452 4.2.2 mailbox full", ""), ("550 5.1.1 no such user", "verify_bad = 0"),
                                        ("530 5.7.0 not without a login", "")))
def test_who_is_refused_again_and_again_does_not_keep_mail_from_others(reply, more):
    """Nobody is asked at RCPT, and what was learned is forgotten before the client comes again."""
    second = 451 if reply.startswith("530") else int(reply[:3])    # that is between us and the next hop

    def script(verb, argument, dialogue):
        return reply if verb == "RCPT" and "full@" in argument else None

    both = ["good@example.org", "full@example.org"]
    with SmtpSink(script) as sink, gateway(sink.port, verify="none", more=more) as mx:
        assert taken_apart(mx, both) == ([250, 250], 451)
        assert taken_apart(mx, both) == ([250, second], 250), mx.log
        assert [m["rcpts"] for m in sink.messages] == [["TO:<good@example.org>"]]


def test_a_hop_that_takes_fewer_recipients_than_it_tells_gets_fewer():
    def script(verb, argument, dialogue):
        return "452 4.5.3 too many recipients" if verb == "RCPT" and len(dialogue.rcpts) == 3 else None

    people = [f"u{n}@example.org" for n in range(5)]
    with SmtpSink(script) as sink, gateway(sink.port, verify="none") as mx:
        assert taken_apart(mx, people) == ([250] * 5, 451)
        assert taken_apart(mx, people) == ([250] * 3 + [452] * 2, 250), mx.log
        assert taken_apart(mx, people[3:]) == ([250] * 2, 250)
        assert mx.log.count('state="takes fewer recipients than it tells" rcpts=3') == 1
        assert [len(m["rcpts"]) for m in sink.messages] == [3, 2]


@pytest.mark.parametrize("point", ("MAIL", "RCPT", "DATA"))
@pytest.mark.parametrize("verify", ("rcpt", "none"))
def test_what_is_between_us_and_the_next_hop_is_no_refusal(point, verify):
    """It wants TLS or a login, which is for its operator and ours to settle: the sender keeps the message."""
    def script(verb, argument, dialogue):
        return "530 5.7.0 Must issue a STARTTLS command first" if verb == point else None

    with SmtpSink(script) as sink, gateway(sink.port, verify=verify) as mx:
        assert send_mail(mx.port, "a@example.com", "x@example.org", BODY % token(1))[0] == 451
        assert not sink.messages
        assert "530 5.7.0 Must issue a STARTTLS" in mx.log, mx.log


@pytest.mark.parametrize("reply", ("451 4.3.0 not now", "502 5.5.1 what?"))
def test_a_refused_rset_does_not_put_the_next_message_into_the_middle_of_a_transaction(reply):
    def script(verb, argument, dialogue):
        if verb == "MAIL" and dialogue.mail:
            return "503 5.5.1 nested MAIL"
        return reply if verb == "RSET" else None

    with SmtpSink(script) as sink, gateway(sink.port) as mx:
        for n in range(2):
            assert send_mail(mx.port, "a@example.com", f"u{n}@example.org", BODY % token(n))[0] == 250, mx.log
        assert tokens(sink.messages) == {token(0): 1, token(1): 1}

# tests/interop/test_split.py - an answer for each recipient: Exim as a client with PRDR, and as one that speaks LMTP.
import pytest

from mail import send_mail
from process import free_port, wait_for
from servers import Exim, Gateway
from sink import SmtpSink

CONF = """
hostname = "mx.example.org"
state = "{folder}/state"
smtp {
    listen = {"127.0.0.1:{port}"}
    listener "127.0.0.1:%d" { protocol = lmtp  tls = none }
    next_hop = "lmtp://127.0.0.1:%d"
    relay_domains = {"example.org", "strict.example"}
    route "other.example" { next_hop = "maildir:{folder}/other" }
}
check "greylist" { mode = off }
check "rdns" { mode = off }
check "helo" { mode = off }
check "dkim" { symbol "R_DKIM_NA" { score = 60 } }
actions { reject = 1000 }
profile "strict" { recipients = {"strict.example"} actions { reject = 50 } }
"""
MESSAGE = b"From: a@example.com\r\nSubject: for many\r\n\r\nHello.\r\n"
RECIPIENTS = ["one@example.org", "two@strict.example", "three@other.example", "full@example.org"]


def hop_says(verb, argument, dialogue):
    return "552 5.2.2 mailbox is full" if verb == "BODY" and "full@" in argument else None


@pytest.mark.parametrize("protocol", ["prdr", "lmtp"])
def test_exim_hears_an_answer_for_each(protocol):
    lmtp_port = free_port()
    with SmtpSink(hop_says, lmtp=True) as sink, Gateway(CONF % (lmtp_port, sink.port)) as gateway:
        port, transport = (gateway.port, "  hosts_try_prdr = *") if protocol == "prdr" else \
                          (lmtp_port, "  protocol = lmtp")
        with Exim(domains=("*",), onward=port, transport=transport) as exim:
            send_mail(exim.port, "a@example.com", RECIPIENTS, MESSAGE, "client.example")
            wait_for(lambda: all(f"{mark} {recipient}" in exim.log for mark, recipient in
                                 (("=>", RECIPIENTS[0]), ("**", RECIPIENTS[1]), ("->", RECIPIENTS[2]),
                                  ("**", RECIPIENTS[3]))), 30, "Exim to have told all")
            told = exim.log
        assert "554 5.7.1 Message refused as spam" in told, told
        assert "552 5.2.2 mailbox is full" in told, told
        assert sink.messages[0]["rcpts"] == ["TO:<one@example.org>", "TO:<full@example.org>"]
        assert b"for many" in sink.messages[0]["data"]
        assert len(list((gateway.folder / "other" / "new").iterdir())) == 1

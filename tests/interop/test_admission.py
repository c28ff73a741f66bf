# tests/interop/test_admission.py - too much at once: new mail is put off with a reason, what is here goes on.
import smtplib
import socket
import threading

import pytest

from process import wait_for
from servers import Gateway

CONF = """
hostname = "mx.example.org"
state = "{folder}/state"
dns { servers = {"127.0.0.1:{dns}"}  timeout = 4s }
engine { messages = 1 }
smtp { listen = {"127.0.0.1:{port}"}  next_hop = "maildir:{folder}/mail"  relay_domains = {"example.org"} }
check "rdns" { mode = off }
check "helo" { mode = off }
check "spf" { mode = off }
"""
MAIL = "From: a@slow.example\r\nSubject: waits for its DMARC policy\r\n\r\nbody\r\n"


@pytest.fixture
def silent_dns():
    """A resolver that hears and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(20)
        yield s


def test_new_mail_is_put_off_while_too_much_is_examined(silent_dns):
    with Gateway(CONF.replace("{dns}", str(silent_dns.getsockname()[1]))) as gateway:
        waiting = smtplib.SMTP("127.0.0.1", gateway.port, timeout=30)
        waiting.ehlo()
        first = smtplib.SMTP("127.0.0.1", gateway.port, timeout=30)
        done = threading.Thread(target=first.sendmail, args=("a@slow.example", ["user@example.org"], MAIL))
        done.start()
        silent_dns.recv(2048)  # its look-up is under way
        code, text = waiting.mail("b@example.net")
        assert (code, text[:5]) == (451, b"4.3.2"), text
        assert b"too many messages" in text
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            smtplib.SMTP("127.0.0.1", gateway.port, timeout=30)
        assert refused.value.smtp_code == 421
        done.join(30)
        assert len(gateway.mails()) == 1  # the one that was here was judged without its policy, and delivered
        wait_for(lambda: waiting.mail("b@example.net")[0] == 250, 10, "mail to be taken again")
        waiting.quit()
        first.quit()

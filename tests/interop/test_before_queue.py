# tests/interop/test_before_queue.py - Postfix in front of us (smtpd_proxy_filter): XFORWARD tells the true client, and
# what we refuse Postfix refuses, before it has taken the message. The clients say who they are to Postfix by XCLIENT.
import smtplib

import pytest

from mail import parse, send_mail
from servers import Gateway, Nsd, Postfix
from sink import SmtpSink

ZONE = """
2.0.0.127.bl.example. A 127.0.0.2
66.2.0.192.bl.example. A 127.0.0.2
25.2.0.192.in-addr.arpa. PTR mail.sender.example.
mail.sender.example. A 192.0.2.25
sender.example. TXT "v=spf1 ip4:192.0.2.25 -all"
"""

CONF = """
hostname = "gate.example.org"
dns {{ servers = {{"{dns}"}}  dnssec = no }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{sink}"
    relay_domains = {{"example.org"}}
    xforward_clients = {{"127.0.0.1"}}
    relay_clients = {{"127.0.0.1"}}
}}
check "greylist" {{ mode = off }}
check "dnsbl" {{ zone "bl.example" {{ score = 20.0 }} }}
"""

FRONT = """
smtpd_proxy_filter = 127.0.0.1:{port}
smtpd_proxy_ehlo = front.example.org
local_header_rewrite_clients = inline:{{ {{ 192.0.2.99 = OK }} }}
"""

MESSAGE = "From: ada@sender.example\r\nSubject: x\r\n\r\nx\r\n"
GOOD = {"addr": "192.0.2.25", "name": "mail.sender.example"}
LISTED = {"addr": "192.0.2.66", "name": "[UNAVAILABLE]"}
OWN = {"addr": "192.0.2.99", "name": "[UNAVAILABLE]"}


@pytest.fixture(scope="module")
def house():
    with Nsd(ZONE) as dns, SmtpSink() as sink, \
            Gateway(CONF.format(dns=dns.endpoint, sink=sink.port)) as gateway, \
            Postfix(extra=FRONT.format(port=gateway.port)) as front:
        yield front, gateway, sink


def send(house, client, helo, recipient="user@example.org"):
    house[2].messages.clear()
    return send_mail(house[0].port, "ada@sender.example", recipient, MESSAGE, helo, xclient=client)


def test_the_true_client_is_judged(house):
    front, gateway, sink = house
    code, text = send(house, GOOD, "mail.sender.example")
    assert code == 250, text
    mail = parse(sink.messages[-1]["data"])
    assert "spf=pass" in mail["Authentication-Results"], mail["Authentication-Results"]
    hops = mail.get_all("Received")
    assert "from front.example.org" in hops[0] and "[127.0.0.1]" in hops[0], hops
    assert "[192.0.2.25]" in hops[1], hops                     # Postfix's own
    gateway.wait_log("client=192.0.2.25 name=mail.sender.example helo=mail.sender.example peer=127.0.0.1")


def test_a_listed_client_is_refused_through_postfix(house):
    front, gateway, sink = house
    code, text = send(house, LISTED, "bad.example")
    assert code in (550, 554), text
    assert not sink.messages
    gateway.wait_log("client=192.0.2.66")
    assert "RBL_BL_EXAMPLE" in text and "id " in text, text


def test_the_next_message_is_the_next_clients(house):
    assert send(house, LISTED, "bad.example")[0] in (550, 554)
    assert send(house, GOOD, "mail.sender.example")[0] == 250
    assert send(house, LISTED, "bad.example")[0] in (550, 554)


def test_mail_of_postfixs_own_side_is_not_judged_as_a_strangers(house):
    """SOURCE=LOCAL: what Postfix counts among its own (local_header_rewrite_clients)."""
    front, gateway, sink = house
    code, text = send(house, OWN, "desk.example.org")
    assert code == 250, text
    assert "Authentication-Results" not in parse(sink.messages[-1]["data"])


def test_a_hostile_greeting_does_not_hold_up_mail(house):
    """What Postfix takes for a greeting is forwarded to us, whatever it is."""
    front, gateway, sink = house
    code, text = send(house, GOOD, "mail(sender)=<example>+\\")
    assert code == 250, text
    gateway.wait_log("helo=mail?sender?")


def test_an_lmtp_client_may_tell_a_name_without_an_address():
    """By XCLIENT: its own address is not the client's."""
    with SmtpSink() as sink, Gateway(CONF.format(dns="127.0.0.1:9", sink=sink.port).replace(
            'listen = {"127.0.0.1:{port}"}',
            'listener "127.0.0.1:{port}" { protocol = lmtp }  xclient_clients = {"127.0.0.1"}')) as gateway:
        gateway.wait_log("state=up")
        with smtplib.LMTP("127.0.0.1", gateway.port, local_hostname="front.example.org") as lmtp:
            lmtp.ehlo()
            code, text = lmtp.docmd("XCLIENT", "NAME=mail.sender.example HELO=mail.sender.example")
            assert code == 220 and b"LMTP" in text, text
            lmtp.ehlo()
            lmtp.mail("ada@sender.example")
            assert lmtp.rcpt("x@elsewhere.example")[0] == 554
        gateway.wait_log("what=recipient")
        line = next(line for line in gateway.log.splitlines() if "what=recipient" in line)
        assert "client=unknown name=mail.sender.example helo=mail.sender.example peer=127.0.0.1" in line, line

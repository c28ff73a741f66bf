# tests/interop/test_client_dane.py - our STARTTLS as mail servers with DANE verify it: Postfix and Exim look for our
# TLSA records in a signed zone, and send to nobody else.
import pytest

from mail import cert_digest, send_mail
from process import free_port, wait_for
from servers import Exim, Gateway, Postfix, SystemUnbound
from signed_dns import SignedNsd, signed_zone
from sink import SmtpSink

CONF = """
hostname = "mx.test"
dns {{ servers = {{"{dns}"}}  dnssec = no }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{sink}"
    relay_domains = {{"good.example", "bad.example"}}
    tls_certificate = "{folder}/mx.example.org.crt"
    tls_key = "{folder}/mx.example.org.key"
}}
check "greylist" {{ mode = off }}
"""
POSTFIX = """
disable_dns_lookups = no
smtp_host_lookup = dns
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane-only
smtp_tls_loglevel = 1
transport_maps = inline:{{ {{ good.example = smtp:good.example:{port} }}, {{ bad.example = smtp:bad.example:{port} }} }}
"""
MAIL = b"From: ada@sender.example\r\nTo: user@good.example\r\nSubject: x\r\n\r\nx\r\n"


@pytest.fixture(scope="module")
def house(certificates):
    """Of good.example's mail server the records are ours; of bad.example's they are of another certificate."""
    cert = certificates / "mx.example.org.crt"
    with SmtpSink() as sink:
        port, ours, others = free_port(), f"3 1 1 {cert_digest(cert, 'pubkey')}", "3 1 1 " + "ab" * 32
        zone, anchor = signed_zone([("good.example.", "MX", "10 mx.test."), ("bad.example.", "MX", "10 other.test."),
                                    ("mx.test.", "A", "127.0.0.1"), ("other.test.", "A", "127.0.0.1"),
                                    (f"_{port}._tcp.mx.test.", "TLSA", ours),
                                    (f"_{port}._tcp.other.test.", "TLSA", others)])
        with SignedNsd(zone) as nsd, SystemUnbound(nsd.endpoint, anchor) as resolver, \
                Gateway(CONF.format(sink=sink.port, folder=certificates, dns=nsd.endpoint), port=port) as gateway:
            yield gateway, resolver, sink


def send_both(client, sink):
    sink.messages.clear()
    for domain in ("good.example", "bad.example"):
        code, text = send_mail(client.port, "ada@sender.example", f"user@{domain}", MAIL)
        assert code == 250, text


def test_postfix_sends_to_whom_the_records_prove(house):
    gateway, resolver, sink = house
    with Postfix(mailboxes=("ada@sender.example",), extra=POSTFIX.format(port=gateway.port),
                 resolver=resolver) as postfix:
        send_both(postfix, sink)
        wait_for(lambda: "to=<user@good.example>" in postfix.log and "to=<user@bad.example>" in postfix.log, 30,
                 f"Postfix to have tried both:\n{postfix.log}")
        assert f"Verified TLS connection established to mx.test[127.0.0.1]:{gateway.port}: TLSv1.3" in postfix.log
        assert "Server certificate not verified" in postfix.log, postfix.log
    assert [(m["rcpts"], b"with ESMTPS id" in m["data"]) for m in sink.messages] == [(["TO:<user@good.example>"], True)]


def test_exim_sends_to_whom_the_records_prove(house):
    gateway, resolver, sink = house
    with Exim(domains=("good.example", "bad.example"), main="dns_dnssec_ok = 1\ndisable_ipv6 = true\n",
              onward=gateway.port, transport="  hosts_require_dane = *", resolver=resolver) as exim:
        send_both(exim, sink)
        wait_for(lambda: "=> user@good.example" in exim.log and "== user@bad.example" in exim.log, 30,
                 f"Exim to have tried both:\n{exim.log}")
        assert "CV=dane" in next(line for line in exim.log.splitlines() if "=> user@good.example" in line), exim.log
        assert "=> user@bad.example" not in exim.log
    assert [(m["rcpts"], b"with ESMTPS id" in m["data"]) for m in sink.messages] == [(["TO:<user@good.example>"], True)]

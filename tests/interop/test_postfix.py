# tests/interop/test_postfix.py - swaks, smtp-source and smtplib in; a real Postfix as the next hop.
import os
import subprocess
import tempfile

import pytest

from mail import make_cert, parse, send_mail
from relay import CLIENT, RECIPIENT, SENDER, conf, results, signed, still_verifies, swaks, zone
from process import wait_for
from servers import Gateway, Nsd, Postfix, needs


@pytest.fixture(scope="module")
def dns():
    with Nsd(zone()) as server:
        yield server


@pytest.fixture(scope="module")
def certificates():
    with tempfile.TemporaryDirectory(prefix="postern-tls-") as folder:
        make_cert(folder, "mx.example.org")
        os.chmod(folder, 0o755)                  # certificates are public; the key is root's alone
        yield folder


@pytest.fixture(scope="module")
def relay(dns):
    with Postfix() as postfix, Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", "next_hop_tls = none")) as gateway:
        yield gateway, postfix


def test_swaks_message_arrives_once_with_our_fields_on_top(relay):
    gateway, postfix = relay
    before = len(postfix.messages())
    status, transcript = swaks(gateway.port)
    assert status == 0, transcript
    delivered = postfix.wait_messages(before + 1)
    assert len(delivered) == before + 1
    names = [name for name, _ in parse(delivered[-1]).items()]
    ours = [n for n in names if n not in ("Return-Path", "X-Original-To", "Delivered-To")]
    assert ours[0] == "Received" and "Authentication-Results" in names and names.count("Received") == 2
    assert results(delivered[-1])


def test_dkim_verifies_after_us(relay):
    gateway, postfix = relay
    before = len(postfix.messages())
    code, text = send_mail(gateway.port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT)
    assert code == 250, text
    delivered = postfix.wait_messages(before + 1)[-1]
    assert still_verifies(delivered, 0) and still_verifies(delivered, 1)
    said = results(delivered)[0]
    assert said.count("dkim=pass") == 2 and "spf=pass" in said and "dmarc=pass" in said, said


def test_a_changed_message_does_not_verify(relay):
    gateway, postfix = relay
    before = len(postfix.messages())
    broken = signed().replace(b"with  blanks", b"with more blanks")
    code, text = send_mail(gateway.port, SENDER, RECIPIENT, broken, CLIENT["name"], xclient=CLIENT)
    assert code == 250, text                                     # SPF is aligned: DMARC passes
    delivered = postfix.wait_messages(before + 1)[-1]
    assert not still_verifies(delivered, 0)
    assert "dkim=fail" in results(delivered)[0] and "dkim=pass" not in results(delivered)[0]


def test_a_forgery_is_refused_by_dmarc(relay):
    gateway, postfix = relay
    before = len(postfix.messages())
    code, text = send_mail(gateway.port, SENDER, RECIPIENT, "From: ada@sender.example\r\n\r\nhello\r\n", "x.example",
                           xclient={"addr": "198.51.100.7", "name": "[UNAVAILABLE]"})
    assert code == 554 and "5.7.1" in text, text
    assert len(postfix.messages()) == before


def test_a_recipient_that_postfix_refuses_is_refused_at_rcpt(relay):
    gateway, postfix = relay
    code, text = send_mail(gateway.port, SENDER, "nobody@example.org", "Subject: x\r\n\r\nx\r\n", xclient=CLIENT)
    assert code == 550 and "5.1.1" in text, text


def test_we_are_no_open_relay(relay):
    gateway, postfix = relay
    code, text = send_mail(gateway.port, SENDER, "someone@elsewhere.example", "Subject: x\r\n\r\nx\r\n", xclient=CLIENT)
    assert code in (550, 554) and "5.7.1" in text, text


def test_smtp_source_loses_nothing(dns):
    count = 200
    with Postfix() as postfix, Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", "next_hop_tls = none")) as gateway:
        subprocess.run([needs("smtp-source"), "-s", "10", "-m", str(count), "-l", "4000", "-f", "load@plain.example",
                        "-t", RECIPIENT, f"127.0.0.1:{gateway.port}"], check=True, timeout=120)
        assert len(postfix.wait_messages(count, seconds=60)) == count


def test_starttls_on_both_sides(dns, certificates):
    tls = (f'tls_certificate = "{certificates}/mx.example.org.crt"  tls_key = "{certificates}/mx.example.org.key"'
           ' next_hop_tls = encrypt')
    with Postfix(tls="encrypt") as postfix, Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", tls)) as gateway:
        status, transcript = swaks(gateway.port, "--tls", data=signed())
        assert status == 0, transcript
        delivered = postfix.wait_messages(1)[0]
        hops = parse(delivered).get_all("Received")
        assert "with ESMTPS" in hops[0] and "with ESMTPS" in hops[1], hops
        assert still_verifies(delivered, 0)


def test_a_next_hop_without_starttls_gets_nothing_when_tls_is_demanded(dns):
    with Postfix(tls="none") as postfix, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", "next_hop_tls = encrypt")) as gateway:
        code, text = send_mail(gateway.port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT)
        assert 400 <= code < 500, text
        assert not postfix.messages()


def test_a_next_hop_that_demands_tls_puts_mail_off_when_there_is_none(dns):
    with Postfix(tls="encrypt") as postfix, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", "next_hop_tls = none")) as gateway:
        code, text = send_mail(gateway.port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT)
        assert code == 451, text  # our trouble: nobody is refused for good
        gateway.wait_log("530 5.7.0 Must issue a STARTTLS command first")


def test_a_certificate_of_another_name_is_not_trusted(dns, certificates):
    tls = f'next_hop_tls = verify  next_hop_ca = "{certificates}/mx.example.org.crt"'
    with Postfix(tls="may") as postfix, Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", tls)) as gateway:
        code, text = send_mail(gateway.port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT)
        assert 400 <= code < 500, text
        assert not postfix.messages()


def test_a_next_hop_that_is_down_defers_and_comes_back(dns):
    postfix = Postfix()
    with Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", "next_hop_tls = none")) as gateway:
        code, text = send_mail(gateway.port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT)
        assert 400 <= code < 500, text
        with postfix:
            told = []

            def is_sent():
                told.append(send_mail(gateway.port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT))
                return told[-1][0] == 250

            try:
                wait_for(is_sent, 20, "the next hop to be found again")
            except AssertionError as failure:
                raise AssertionError(f"{failure}: {told}\n{gateway.log}") from None
            assert len(postfix.wait_messages(1)) == 1

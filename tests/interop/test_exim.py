# tests/interop/test_exim.py - a real Exim as the next hop: the other large mail server of Debian.
import pytest

from mail import make_cert, parse, send_mail
from relay import CLIENT, RECIPIENT, SENDER, conf, results, signed, still_verifies, swaks, zone
from servers import Exim, Gateway, Nsd


@pytest.fixture(scope="module")
def dns():
    with Nsd(zone()) as server:
        yield server


def test_signed_message_arrives_and_verifies(dns):
    with Exim() as exim, Gateway(conf(dns, f"smtp://127.0.0.1:{exim.port}", "next_hop_tls = none")) as gateway:
        code, text = send_mail(gateway.port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT)
        assert code == 250, text
        delivered = exim.wait_messages(1)[0]
        assert still_verifies(delivered, 0) and still_verifies(delivered, 1)
        assert "dmarc=pass" in results(delivered)[0]
        assert parse(delivered)["Envelope-to"] == RECIPIENT


def test_starttls_on_both_sides(dns, tmp_path):
    certificate, key = make_cert(tmp_path, "mx.example.org")
    tls = f'tls_certificate = "{certificate}"  tls_key = "{key}"  next_hop_tls = encrypt'
    with Exim(tls=True) as exim, Gateway(conf(dns, f"smtp://127.0.0.1:{exim.port}", tls)) as gateway:
        status, transcript = swaks(gateway.port, "--tls", data=signed())
        assert status == 0, transcript
        delivered = exim.wait_messages(1)[0]
        hops = parse(delivered).get_all("Received")
        assert "with esmtps" in hops[0] and "with ESMTPS" in hops[1], hops
        assert still_verifies(delivered, 0)


def test_a_domain_that_exim_refuses_is_refused_at_rcpt(dns):
    smtp = 'next_hop_tls = none  route "other.example" { next_hop = "smtp://127.0.0.1:%d" }'
    with Exim() as exim, Gateway(conf(dns, f"smtp://127.0.0.1:{exim.port}", smtp % exim.port)) as gateway:
        code, text = send_mail(gateway.port, SENDER, "user@other.example", signed(), CLIENT["name"], xclient=CLIENT)
        assert code == 550 and "relay not permitted" in text, text

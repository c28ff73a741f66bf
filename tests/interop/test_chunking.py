# tests/interop/test_chunking.py - BDAT as a real client speaks it: Exim, in clear and under TLS, to a real next hop;
# and what an attacker puts behind the next hop's reply to STARTTLS.
import pytest

from mail import Client, make_cert, parse, send_mail
from process import wait_for
from servers import Exim, Gateway, Postfix
from sink import SmtpSink

CONF = """
hostname = "mx.example.org"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{hop}"
    relay_domains = {{"example.org"}}
    relay_clients = {{"127.0.0.1"}}
    {more}
}}
check "greylist" {{ mode = off }}
"""
SENDER = "ada@sender.example"


def gateway(hop, more="next_hop_tls = none"):
    return Gateway(CONF.format(hop=hop.port, more=more))


def letter(subject, lines=3):
    """Lines that look like an end, and enough of them for several chunks."""
    text = "".join(f"line {i}\r\n.\r\n..\r\n" for i in range(lines))
    return f"From: {SENDER}\r\nTo: user@example.org\r\nSubject: {subject}\r\n\r\n{text}".encode()


def body(message):
    return message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]


@pytest.mark.parametrize("is_tls", (False, True), ids=("clear", "tls"))
def test_exim_sends_by_bdat(tmp_path, is_tls):
    cert, key = make_cert(tmp_path, "mx.example.org")
    key.chmod(0o644)
    tls = f'tls_certificate = "{cert}"  tls_key = "{key}"' if is_tls else ""
    with Postfix() as postfix, gateway(postfix, f"next_hop_tls = none  {tls}") as mx:
        wait_for(lambda: "state=up" in mx.log, 10, "the next hop to be known")
        with Exim(onward=mx.port) as exim:
            for subject, lines in (("short", 3), ("long", 20000)):
                code, text = send_mail(exim.port, SENDER, "user@example.org", letter(subject, lines))
                assert code == 250, text
            code, text = send_mail(exim.port, SENDER, ["user@example.org", "nobody@example.org"], letter("mixed"))
            assert code == 250, text
            messages = postfix.wait_messages(3)
            wait_for(lambda: exim.log.count(" => user@example.org ") == 3 and "** nobody@example.org" in exim.log, 20,
                     f"what Exim says of it:\n{exim.log}")
            sent = [line for line in exim.log.splitlines() if " => user@example.org " in line]
            assert all(" K " in line and (" X=TLS" in line) == is_tls for line in sent), exim.log
        assert mx.log.count(" chunks=") == 3, mx.log
    got = {parse(message)["Subject"]: body(message) for message in messages}
    want = {subject: body(letter(subject, lines)) for subject, lines in (("short", 3), ("long", 20000), ("mixed", 3))}
    assert got == want


def test_what_stands_behind_a_next_hops_220_is_not_believed(tmp_path):
    """Whoever sits between us and the next hop can put replies behind its 220, but under TLS nobody hears them."""
    make_cert(tmp_path, "hop.example.org")

    def inject(verb, argument, dialogue):
        if verb == "STARTTLS":
            return "\r\n".join(("220 2.0.0 go on", "250-injected", "250-SIZE 77777", "250-CHUNKING", "250 BINARYMIME",
                                "250 2.1.0 ok", "550 5.1.1 injected", "354 go on", "250 2.0.0 injected"))
        return None

    with SmtpSink(inject, tls=tmp_path / "hop.example.org.pem") as sink, gateway(sink, "next_hop_tls = encrypt") as mx:
        code, text = send_mail(mx.port, SENDER, "user@example.org", letter("one"))
        assert code == 250 and "injected" not in text, (text, mx.log)
        assert [(m["tls"], m["chunks"]) for m in sink.messages] == [(True, 0)]
        assert "injected" not in mx.log
        with Client(mx.port) as smtp:
            smtp.ehlo()
            assert smtp.esmtp_features["size"] != "77777" and "binarymime" not in smtp.esmtp_features

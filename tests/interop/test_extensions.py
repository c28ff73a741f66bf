# tests/interop/test_extensions.py - SMTPUTF8, DSN and REQUIRETLS through us, between mail servers that speak them.
import os
import smtplib
import ssl
import tempfile
import threading
from pathlib import Path

import pytest

from mail import make_cert, parse
from process import wait_for
from relay import conf, zone
from servers import Exim, Gateway, Nsd, Postfix
from sink import EXTENSIONS, SmtpSink

MAIL_UTF8 = "From: <jörg@plain.example>\r\nTo: <bücher@example.org>\r\nSubject: Grüße\r\n\r\nGröße\r\n".encode()
MAIL = b"From: <user@example.org>\r\nTo: <user@example.org>\r\nSubject: plain\r\n\r\ntext\r\n"
ELSEWHERE = "127.1"    # a name to us, not this machine's address; to the resolver 127.0.0.1
DSN_MAIL = ("RET=HDRS", "ENVID=QQ+2B314159")
DSN_RCPT = ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;old@example.net")


@pytest.fixture(scope="module")
def dns():
    with Nsd(zone()) as server:
        yield server


def features(smtp):
    smtp.ehlo("mail.plain.example")
    return set(smtp.esmtp_features)


def wait_offered(gateway, *wanted):
    """Until the gateway has heard its next hop."""
    def is_offered():
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=30) as smtp:
            return features(smtp) >= set(wanted)
    wait_for(is_offered, 20, f"{wanted} to be offered")


def send(port, sender, recipient, message, mail=(), rcpt=(), tls=None):
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        if tls:
            smtp.starttls(context=tls)
        smtp.ehlo("mail.plain.example")
        smtp.command_encoding = "utf-8"
        answers = [smtp.mail(sender, mail), smtp.rcpt(recipient, rcpt)]
        if all(code == 250 for code, _ in answers):
            answers.append(smtp.data(message))
        return answers


def is_delivered(answers):
    return [code for code, _ in answers] == [250, 250, 250]


def test_postfix_behind_us_takes_utf8_mail(dns):
    with Postfix(mailboxes=("bücher@example.org",), extra="smtputf8_enable = yes") as postfix, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", "next_hop_tls = none")) as gateway:
        wait_offered(gateway, "smtputf8", "8bitmime", "dsn")
        assert is_delivered(send(gateway.port, "jörg@plain.example", "bücher@example.org", MAIL_UTF8,
                                 ("SMTPUTF8", "BODY=8BITMIME")))
        delivered = postfix.wait_messages(1)[0]
        assert "Grüße".encode() in delivered and b"\nGr\xc3\xb6\xc3\x9fe\n" in delivered.replace(b"\r", b"")
        assert b"with UTF8SMTP id" in delivered
        answers = send(gateway.port, "jörg@plain.example", "nobody@example.org", MAIL_UTF8, ("SMTPUTF8",))
        assert answers[1][0] == 550 and b"5.1.1" in answers[1][1], answers      # asked with SMTPUTF8, too


def test_postfix_behind_us_sends_the_notification_that_was_asked_for(dns):
    with Postfix() as postfix, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{postfix.port}", "next_hop_tls = none")) as gateway:
        wait_offered(gateway, "dsn")
        assert is_delivered(send(gateway.port, "user@example.org", "user@example.org", MAIL, DSN_MAIL, DSN_RCPT))
        message, report = sorted(postfix.wait_messages(2), key=lambda m: b"multipart/report" in m)
        assert parse(message)["Subject"] == "plain"
        for line in (b"Original-Envelope-Id: QQ+314159", b"Original-Recipient: rfc822;old@example.net",
                     b"Action: relayed" if b"Action: relayed" in report else b"Action: delivered",
                     b"Content-Type: text/rfc822-headers"):
            assert line in report, report.decode(errors="replace")


def test_postfix_in_front_of_us_hands_everything_on(dns):
    with SmtpSink(extensions=(*EXTENSIONS, "SMTPUTF8", "DSN")) as sink, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{sink.port}", "next_hop_tls = none")) as gateway, \
            Postfix(mailboxes=("user@inner.example",),
                    extra=f"relayhost = [127.0.0.1]:{gateway.port}\nsmtputf8_enable = yes") as postfix:
        wait_offered(gateway, "smtputf8", "dsn")
        assert is_delivered(send(postfix.port, "jörg@plain.example", "bücher@example.org", MAIL_UTF8,
                                 ("SMTPUTF8", *DSN_MAIL), DSN_RCPT))
        wait_for(lambda: sink.messages, 30, f"a message at the next hop:\n{postfix.log}\n{gateway.log}")
        message = sink.messages[0]
        for word in ("<jörg@plain.example>", "SMTPUTF8", *DSN_MAIL):
            assert word in message["mail"], message["mail"]
        assert message["rcpts"] == [f"TO:<bücher@example.org> {' '.join(DSN_RCPT)}"]
        assert "Grüße".encode() in message["data"]
        gateway.wait_log("wants=SMTPUTF8,DSN envid=QQ+2B314159")


def test_postfix_in_front_of_us_keeps_to_what_is_offered(dns):
    """A next hop without SMTPUTF8 and DSN: the client hears so from us, and does itself what is to be done."""
    with SmtpSink() as sink, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{sink.port}", "next_hop_tls = none")) as gateway, \
            Postfix(mailboxes=("user@inner.example",),
                    extra=f"relayhost = [127.0.0.1]:{gateway.port}\nsmtputf8_enable = yes") as postfix:
        wait_offered(gateway, "8bitmime")
        assert is_delivered(send(postfix.port, "user@inner.example", "other@example.org", MAIL, DSN_MAIL, DSN_RCPT))
        report = postfix.wait_messages(1)[0]
        assert b"Action: relayed" in report and b"Original-Envelope-Id: QQ+314159" in report
        assert not any(word in sink.messages[0]["mail"] + sink.messages[0]["rcpts"][0] for word in ("ENVID", "NOTIFY"))
        assert is_delivered(send(postfix.port, "user@inner.example", "bücher@example.org", MAIL_UTF8, ("SMTPUTF8",)))
        assert b"SMTPUTF8" in postfix.wait_messages(2)[-1]
        assert len(sink.messages) == 1


def test_exim_behind_us_takes_utf8_mail_and_dsn(dns):
    with Exim(main="smtputf8_advertise_hosts = *\ndsn_advertise_hosts = *") as exim, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{exim.port}", "next_hop_tls = none")) as gateway:
        wait_offered(gateway, "smtputf8", "dsn")
        assert is_delivered(send(gateway.port, "jörg@plain.example", "bücher@example.org", MAIL_UTF8,
                                 ("SMTPUTF8", "BODY=8BITMIME", *DSN_MAIL), ("NOTIFY=NEVER", DSN_RCPT[1])))
        delivered = exim.wait_messages(1)[0]
        assert "Envelope-to: bücher@example.org".encode() in delivered
        assert b"with UTF8SMTP id" in delivered and b"with utf8esmtp" in delivered, delivered


@pytest.fixture(scope="module")
def certificates():
    with tempfile.TemporaryDirectory(prefix="postern-tls-") as folder:
        os.chmod(folder, 0o755)                  # certificates are public; the key is root's alone
        yield make_cert(folder, "mx.example.org", [ELSEWHERE]), Path(folder) / "mx.example.org.pem"


def stranger():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize("host, next_hop_tls, is_offered", (
    ("127.0.0.1", "none", False), ("127.0.0.1", "encrypt", True), (ELSEWHERE, "encrypt", False),
    (ELSEWHERE, "verify", True)))
def test_requiretls_goes_on_over_tls_alone(dns, certificates, host, next_hop_tls, is_offered):
    """And away from this machine only to whom a certificate proves."""
    (path, key), both = certificates
    smtp = f'tls_certificate = "{path}"  tls_key = "{key}"  next_hop_tls = {next_hop_tls}  next_hop_ca = "{path}"'
    with SmtpSink(extensions=(*EXTENSIONS, "REQUIRETLS"), tls=both) as sink, \
            Gateway(conf(dns, f"smtp://{host}:{sink.port}", smtp)) as gateway:
        wait_offered(gateway, "8bitmime", "starttls")
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=30) as client:
            assert "requiretls" not in features(client)                         # in clear it would promise nothing
            assert client.mail("a@plain.example", ("REQUIRETLS",))[0] == 555
        answers = send(gateway.port, "a@plain.example", "x@example.org", MAIL, ("REQUIRETLS",), tls=stranger())
        if is_offered:
            assert is_delivered(answers), answers
            assert sink.messages[0]["mail"].endswith(" REQUIRETLS") and sink.messages[0]["tls"]
        else:
            assert answers[0][0] == 555 and not sink.messages, answers


def test_requiretls_is_refused_for_good_where_it_can_never_go(dns, certificates):
    """A next hop that was down when the client was offered it, and whose certificate nobody verifies."""
    (path, key), both = certificates
    far = SmtpSink(extensions=(*EXTENSIONS, "REQUIRETLS"), tls=both)
    far.start()
    far.stop()
    smtp = (f'tls_certificate = "{path}"  tls_key = "{key}"  next_hop_tls = encrypt\n'
            f'route "far.example" {{ next_hop = "smtp://{ELSEWHERE}:{far.port}"  next_hop_tls = encrypt }}')
    with SmtpSink(extensions=(*EXTENSIONS, "REQUIRETLS"), tls=both) as near, \
            Gateway(conf(dns, f"smtp://127.0.0.1:{near.port}", smtp)) as gateway:
        wait_offered(gateway, "8bitmime", "starttls")
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=30) as client:
            client.starttls(context=stranger())
            assert "requiretls" in features(client)
            assert client.mail("a@plain.example", ("REQUIRETLS",))[0] == 250
            with far:
                gateway.wait_log(f":{far.port} state=up")
                code, text = client.rcpt("x@far.example")
                assert code == 550 and text.startswith(b"5.7.30 "), text
                assert client.rcpt("x@example.org")[0] == 250
                assert "requiretls" not in features(client)


class SlowToGreet(SmtpSink):
    """Offers REQUIRETLS in clear, also after XCLIENT; and greets when it may."""

    def __init__(self):
        super().__init__(script=self.script, extensions=(*EXTENSIONS, "REQUIRETLS", "XCLIENT NAME ADDR PORT HELO"))
        self.may_greet = threading.Event()

    def script(self, verb, argument, dialogue):
        if verb == "CONNECT":
            self.may_greet.wait(30)
        return "220 sink ESMTP" if verb == "XCLIENT" else None


@pytest.mark.parametrize("verify", ("none", "rcpt"))
def test_requiretls_does_not_go_in_clear_after_xclient_either(dns, certificates, verify):
    """To a next hop that nobody had heard yet when the recipient was taken, or asked about."""
    (path, key), both = certificates
    with SlowToGreet() as far, SmtpSink(extensions=(*EXTENSIONS, "REQUIRETLS"), tls=both) as near:
        smtp = (f'tls_certificate = "{path}"  tls_key = "{key}"  next_hop_tls = encrypt  verify_recipients = {verify}\n'
                f'route "far.example" {{ next_hop = "smtp://127.0.0.1:{far.port}"  next_hop_tls = may'
                '  next_hop_client = xclient }')
        with Gateway(conf(dns, f"smtp://127.0.0.1:{near.port}", smtp)) as gateway, \
                smtplib.SMTP("127.0.0.1", gateway.port, timeout=30) as client:
            wait_offered(gateway, "8bitmime", "starttls")
            client.starttls(context=stranger())
            assert "requiretls" in features(client)
            assert client.mail("a@plain.example", ("REQUIRETLS",))[0] == 250
            client.putcmd("RCPT", "TO:<x@far.example>")
            if verify == "none":
                assert client.getreply()[0] == 250
            far.may_greet.set()
            code, text = client.data(MAIL) if verify == "none" else client.getreply()
            assert code == 451 and b"4.3.3 " in text and b"REQUIRETLS" in text, text
            assert "MAIL" not in [verb for verb, _ in far.commands]


def test_of_several_targets_the_one_that_takes_least_counts(dns):
    """LIMITS: any of them may get the message."""
    with SmtpSink(extensions=(*EXTENSIONS, "LIMITS RCPTMAX=1")) as few, SmtpSink() as many:
        hops = f'smtp://127.0.0.1:{few.port}", "smtp://127.0.0.1:{many.port} priority=20'
        text = conf(dns, hops, "next_hop_tls = none  verify_recipients = none")
        with Gateway(text.replace(f'"{hops}"', f'{{"{hops}"}}')) as gateway:
            for sink in (few, many):
                gateway.wait_log(f":{sink.port} state=up")
            with smtplib.SMTP("127.0.0.1", gateway.port, timeout=30) as client:
                client.ehlo("mail.plain.example")
                client.mail("a@plain.example")
                assert [client.rcpt(f"{name}@example.org")[0] for name in ("x", "y")] == [250, 452]
                assert client.data(MAIL)[0] == 250
            gateway.wait_log('text="<y@example.org>: 4.5.3 Too many recipients')

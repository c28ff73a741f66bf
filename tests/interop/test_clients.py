# tests/interop/test_clients.py - clients as there are, in front of us: msmtp, smtp-source, openssl s_client, and the
# delivery agents of Postfix and Exim; in clear, by STARTTLS and by TLS from the first byte, with DSN, SMTPUTF8, AUTH.
# What they sent arrives byte for byte. (swaks: test_postfix.py, test_tls.py; BDAT: test_chunking.py; PRDR:
# test_split.py; LMTP: test_dovecot.py; DANE: test_client_dane.py.)
import re
import smtplib
import subprocess

import pytest

from mail import send_mail
from process import free_port, wait_for
from servers import Exim, Gateway, Postfix, needs
from sink import EXTENSIONS, SmtpSink

CONF = """
hostname = "mx.example.org"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    listener "127.0.0.1:{implicit}" {{ tls = implicit }}
    listener "127.0.0.1:{submission}" {{ auth = yes }}
    next_hop = "smtp://127.0.0.1:{sink}"
    relay_domains = {{"example.org"}}
    tls_certificate = "{folder}/mx.example.org.crt"
    tls_key = "{folder}/mx.example.org.key"
}}
check "greylist" {{ mode = off }}
"""
SENDER, RECIPIENT = "ada@sender.example", "user@example.org"
HEAD = (b"From: ada@sender.example\r\nTo: user@example.org\r\nSubject: x\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
        b"Message-ID: <one@sender.example>\r\n\r\n")
MAIL = HEAD + b".\r\n..two\r\n. \r\nFrom here\r\nQUIT\r\nRSET  \r\n\r\n" + b"x" * 900 + b"\r\n\r\n"
DSN_MAIL = ("RET=HDRS", "ENVID=QQ+2B314159")
DSN_RCPT = ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;old@example.net")


class House:
    def __init__(self, gateway, sink, implicit, submission):
        self.gateway, self.sink, self.implicit, self.submission = gateway, sink, implicit, submission

    def port(self, way):
        return self.implicit if way == "implicit" else self.gateway.port

    def arrived(self, sent, way="starttls", client=None):
        """The one message that the next hop has got: what was sent stands in it, below what others put on top."""
        log = client.log[-3000:] if client else ""
        wait_for(lambda: self.sink.messages, 30, f"the message:\n{log}\n{self.gateway.log[-3000:]}")
        message = self.sink.messages.pop(0)
        assert not self.sink.messages
        assert message["data"].endswith(sent), message["data"]
        words = re.findall(rb"by mx\.example\.org \(Postern\) with (\w+) id", message["data"])
        assert len(words) == 1 and (b"ESMTPS" in words[0]) == (way != "clear"), (way, message["data"][:500])
        return message


@pytest.fixture(scope="module")
def house(certificates):
    def login(verb, argument, dialogue):
        return "235 2.7.0 welcome" if verb == "AUTH" else None

    offered = (*EXTENSIONS, "DSN", "SMTPUTF8", "AUTH PLAIN")
    implicit, submission = free_port(), free_port()
    with SmtpSink(login, extensions=offered) as sink, \
            Gateway(CONF.format(sink=sink.port, implicit=implicit, submission=submission,
                                folder=certificates)) as gateway:
        wait_for(lambda: "state=up" in gateway.log, 20, "the next hop to be known")
        yield House(gateway, sink, implicit, submission)


@pytest.fixture(autouse=True)
def forget(house):
    house.sink.messages.clear()


WAYS = ("clear", "starttls", "implicit")


@pytest.mark.parametrize("way", WAYS)
def test_msmtp(house, tmp_path, way):
    (tmp_path / "msmtprc").write_text("")
    tls = {"clear": ["--tls=off"], "starttls": ["--tls=on", "--tls-starttls=on", "--tls-certcheck=off"],
           "implicit": ["--tls=on", "--tls-starttls=off", "--tls-certcheck=off"]}[way]
    command = [needs("msmtp"), f"--file={tmp_path}/msmtprc", "--host=127.0.0.1", f"--port={house.port(way)}", *tls,
               f"--from={SENDER}", "--dsn-notify=success,failure", "--dsn-return=headers", RECIPIENT]
    done = subprocess.run(command, input=MAIL.replace(b"\r\n", b"\n"), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    message = house.arrived(MAIL, way)
    assert "RET=HDRS" in message["mail"] and "NOTIFY=SUCCESS,FAILURE" in message["rcpts"][0], message


class Secure:
    """openssl s_client, to whom we speak on its standard input."""

    def __init__(self, port, *options):
        command = ["timeout", "60", "openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def say(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        while line[3:4] == b"-":
            line = self.process.stdout.readline()
        return line

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)


@pytest.mark.parametrize("way, options", (("starttls", ("-starttls", "smtp")), ("implicit", ()),
                                          ("starttls", ("-starttls", "smtp", "-tls1_2"))))
def test_openssl_s_client(house, way, options):
    client = Secure(house.port(way), *options)
    try:
        if way == "implicit":  # by STARTTLS it has heard the greeting itself
            assert client.hear()[:3] == b"220"
        client.say(b"EHLO client.example\r\n")
        assert client.hear().startswith(b"250 ")
        client.say(b"MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n" % (SENDER.encode(), RECIPIENT.encode()))
        assert [client.hear()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        client.say(MAIL.replace(b"\r\n.", b"\r\n..") + b".\r\nQUIT\r\n")
        assert [client.hear()[:3] for _ in range(2)] == [b"250", b"221"]
    finally:
        client.close()
    house.arrived(MAIL, way)


def test_smtp_source(house):
    count = 50
    subprocess.run([needs("smtp-source"), "-s", "10", "-m", str(count), "-l", "4000", "-r", "2", "-S", "load", "-f",
                    SENDER, "-t", RECIPIENT, f"127.0.0.1:{house.gateway.port}"], check=True, timeout=120)
    wait_for(lambda: len(house.sink.messages) == count, 30, f"{count} messages")
    bodies = {message["data"].split(b"\r\n\r\n", 1)[1] for message in house.sink.messages}
    assert len(bodies) == 1 and len(bodies.pop()) > 3000
    assert all(len(message["rcpts"]) == 2 for message in house.sink.messages)


def give(server, message=MAIL, mail=(), rcpt=(), sender=SENDER, recipient=RECIPIENT):
    """A message to a mail server that sends it on to us."""
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as smtp:
        smtp.ehlo("desk.example.org")
        smtp.command_encoding = "utf-8"
        assert smtp.mail(sender, mail)[0] == 250
        assert smtp.rcpt(recipient, rcpt)[0] == 250
        code, text = smtp.data(message)
        assert code == 250, text


@pytest.mark.parametrize("way", WAYS)
def test_postfixs_smtp_client(house, way):
    level = {"clear": "none", "starttls": "encrypt", "implicit": "encrypt"}[way]
    extra = (f"relayhost = [127.0.0.1]:{house.port(way)}\nsmtp_tls_security_level = {level}\n"
             f"smtp_tls_wrappermode = {'yes' if way == 'implicit' else 'no'}")
    with Postfix(mailboxes=("ada@sender.example",), extra=extra) as postfix:
        give(postfix, mail=DSN_MAIL, rcpt=DSN_RCPT)
        message = house.arrived(MAIL, way, postfix)
    assert all(word in message["mail"] for word in DSN_MAIL), message["mail"]
    assert message["rcpts"] == [f"TO:<{RECIPIENT}> {' '.join(DSN_RCPT)}"]


@pytest.mark.parametrize("way", WAYS)
def test_exims_smtp_client(house, way):
    transport = {"clear": "  hosts_avoid_tls = *", "starttls": "  hosts_require_tls = *",
                 "implicit": "  protocol = smtps"}[way]
    with Exim(onward=house.port(way), main="dsn_advertise_hosts = *\n", transport=transport) as exim:
        give(exim, mail=DSN_MAIL, rcpt=DSN_RCPT)
        message = house.arrived(MAIL, way, exim)
        wait_for(lambda: "Completed" in exim.log, 20, "Exim to be done")
        assert (" X=TLS1.3" in exim.log) == (way != "clear"), exim.log
    assert all(word in message["mail"] for word in DSN_MAIL), message["mail"]
    rcpt = message["rcpts"][0]
    assert "ORCPT=rfc822;old@example.net" in rcpt and "NOTIFY=SUCCESS,FAILURE" in rcpt, rcpt


def test_exim_sends_utf8_mail(house):
    mail = "From: <jörg@sender.example>\r\nTo: <bücher@example.org>\r\nSubject: Grüße\r\n\r\nGröße\r\n".encode()
    with Exim(onward=house.gateway.port, main="smtputf8_advertise_hosts = *\n") as exim:
        give(exim, mail, ("SMTPUTF8", "BODY=8BITMIME"), sender="jörg@sender.example", recipient="bücher@example.org")
        wait_for(lambda: house.sink.messages, 30, f"the message:\n{exim.log}")
    message = house.sink.messages[0]
    assert "<jörg@sender.example>" in message["mail"] and "SMTPUTF8" in message["mail"], message["mail"]
    assert message["rcpts"][0].startswith("TO:<bücher@example.org>")
    assert "Subject: Grüße\r\n\r\nGröße\r\n".encode() in message["data"]
    assert b"(Postern) with UTF8SMTPS id" in message["data"], message["data"]


def test_exim_logs_in(house):
    """To submission: the login is the next hop's to judge, and then Exim may send anywhere."""
    transport = ("  hosts_require_auth = *\n  hosts_require_tls = *\nbegin authenticators\nplain:\n"
                 "  driver = plaintext\n  public_name = PLAIN\n  client_send = ^joe@example.org^secret\n")
    with Exim(domains=("elsewhere.example",), onward=house.submission, transport=transport) as exim:
        code, text = send_mail(exim.port, SENDER, "far@elsewhere.example", MAIL)
        assert code == 250, text
        wait_for(lambda: house.sink.messages, 30, f"the message:\n{exim.log}")
        wait_for(lambda: "A=plain" in exim.log, 20, "Exim to tell of the login")
    assert house.sink.messages[0]["rcpts"] == ["TO:<far@elsewhere.example>"]
    assert b"(Postern) with ESMTPSA id" in house.sink.messages[0]["data"]
    house.gateway.wait_log("user=joe@example.org")


PLAIN = """
hostname = "mx.example.org"
smtp {{ listen = {{"127.0.0.1:{{port}}"}}  next_hop = "smtp://127.0.0.1:{hop}"  relay_domains = {{"example.org"}} }}
check "greylist" {{ mode = off }}
"""


def test_a_notification_that_was_asked_for_in_front_of_us_comes_from_behind_us():
    """From the sender to Postfix, to us, to Postfix; and that one reports to the sender."""
    with Postfix(mailboxes=(RECIPIENT, SENDER)) as behind, Gateway(PLAIN.format(hop=behind.port)) as gateway:
        wait_for(lambda: "state=up" in gateway.log, 20, "the next hop to be known")
        with Postfix(mailboxes=("desk@desk.example",), extra=f"relayhost = [127.0.0.1]:{gateway.port}") as front:
            give(front, mail=DSN_MAIL, rcpt=DSN_RCPT)
            report = behind.wait_messages(1, SENDER)[0]
            assert not front.messages()
    for line in (b"Original-Envelope-Id: QQ+314159", b"Original-Recipient: rfc822;old@example.net",
                 b"Action: delivered", b"Reporting-MTA: dns; inner.example.org", b"Content-Type: text/rfc822-headers"):
        assert line in report, report.decode(errors="replace")

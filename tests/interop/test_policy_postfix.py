# tests/interop/test_policy_postfix.py - a real Postfix that asks the policy service in every one of its lists.
import os
import re
import signal
import socket
import socketserver
import threading
from base64 import b64encode

import pytest

from mail import Client, parse, send_mail
from process import free_port, wait_for
from servers import Gateway, Postfix

CONF = """
hostname = "mx.example.org"
dns { servers = {"127.0.0.1:9"}  timeout = 100ms }
check "rdns" { mode = off }
check "rhsbl" { mode = off }
check "helo" { symbol "HFILTER_HELO_LOCALHOST" { action = reject text = "5.7.1 A name of your own, please" } }
check "lists" {
    list "bad"    { match = sender    entries = {"bad@a.example"}      action = reject   text = "5.7.9 Not you" }
    list "later"  { match = sender    entries = {"later@a.example"}    action = defer    text = "4.7.9 Not now" }
    list "black"  { match = sender    entries = {"hole@a.example"}     action = discard }
    list "spammy" { match = sender    entries = {"spam@a.example"}     action = score    score = 7 }
    list "other"  { match = sender    entries = {"other@a.example"}    action = score    score = 1 }
    list "hold"   { match = sender    entries = {"hold@a.example"}     action = score    score = 1 }
    list "odd"    { match = sender_domain  entries = {"odd.example"}    action = reject }
    list "closed" { match = recipient entries = {"closed@example.org"} action = reject   text = "550 5.2.1 Closed" }
    list "host"   { match = client    entries = {"192.0.2.13"}         action = reject }
}
check "greylist" { mode = off  when = always  delay = 2s }
profile "grey" { recipients = {"grey@example.org"}  check "greylist" { mode = enforce } }
policy {
    listen = {"127.0.0.1:{port}"}
    authentication_results = yes
    relay_clients = {}
    action "LIST_OTHER" { say = "REDIRECT other@example.org" }
    action "LIST_HOLD" { say = "HOLD by %i" }
}
"""
BOXES = ("user@example.org", "two@example.org", "closed@example.org", "grey@example.org", "other@example.org")
LISTS = ("client", "helo", "sender", "recipient", "data", "end_of_data")
MAIL = "From: ann@a.example\r\nSubject: hello\r\n\r\nHello.\r\n"
CLIENT = {"addr": "192.0.2.7", "name": "mail.a.example", "port": "40000"}


class Authenticator(socketserver.ThreadingUnixStreamServer):
    """As much of Dovecot's authentication protocol as Postfix needs: whoever comes is ann."""

    daemon_threads = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
                             b"COOKIE\t00112233445566778899aabbccddeeff\nDONE\n")
            for line in self.rfile:
                word, number = line.rstrip(b"\n").split(b"\t")[:2]
                if word == b"AUTH":
                    self.wfile.write(b"OK\t" + number + b"\tuser=ann\n")

    def __init__(self, path):
        super().__init__(str(path), self.Handler)
        os.chmod(path, 0o666)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class AskingPostfix(Postfix):
    def __init__(self, service, lists=LISTS, extra=""):
        lines = [f"smtpd_{name}_restrictions = check_policy_service inet:127.0.0.1:{service}" for name in lists]
        super().__init__(BOXES, extra="\n".join(lines) + "\n" + extra)

    def prepare(self):
        super().prepare()
        (self.folder / "spool" / "private").mkdir(exist_ok=True)
        self.authenticator = Authenticator(self.folder / "spool" / "private" / "auth")

    def __exit__(self, *failure):
        self.authenticator.shutdown()
        self.authenticator.server_close()
        super().__exit__(*failure)

    def held(self):
        return [path for path in (self.folder / "spool" / "hold").glob("*") if path.is_file()]


SASL = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n"


@pytest.fixture(scope="module")
def service():
    with Gateway(CONF) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def postfix(service):
    with AskingPostfix(service.port, extra=SASL) as server:
        yield server


def send(postfix, sender="ann@a.example", recipients="user@example.org", helo="mail.a.example", **client):
    return send_mail(postfix.port, sender, recipients, MAIL, helo, {**CLIENT, **client, "helo": helo})


def lines_of(service, sender):
    return [line for line in service.log.splitlines() if "event=message" in line and f"from={sender}" in line]


def test_mail_is_let_through_and_each_decision_is_logged(service, postfix):
    before = len(postfix.messages())
    assert send(postfix, "first@a.example")[0] == 250
    message = parse(postfix.wait_messages(before + 1)[-1])
    assert message["X-Spam-Flag"] is None
    assert message.get_all("Authentication-Results") == [message["Authentication-Results"]]  # once
    lines = lines_of(service, "first@a.example")
    assert len(lines) == 1 and "state=RCPT" in lines[0] and "name=mail.a.example" in lines[0], lines


def test_refusals_come_at_rcpt(postfix):
    before = len(postfix.messages())
    code, text = send(postfix, "bad@a.example")
    assert code == 554 and re.match(r"5\.7\.9 <.*>: \w+ \w+ rejected: Not you", text), text
    code, text = send(postfix, helo="localhost")
    assert code == 554 and "A name of your own, please" in text, text
    code, text = send(postfix, addr="192.0.2.13")
    assert code == 554 and "5.7.1" in text, text
    assert len(postfix.messages()) == before


def test_deferred_mail_is_told_so(postfix):
    code, text = send(postfix, "later@a.example")
    assert code == 450 and "4.7.9" in text and "Not now" in text, text


def test_a_greylisted_sender_comes_again(service, postfix):
    before = len(postfix.messages("grey@example.org"))
    code, text = send(postfix, recipients="grey@example.org")
    assert code == 450 and re.search(r"4\.7\.1 .*Greylisted, please try again in [12] seconds", text), text
    wait_for(lambda: send(postfix, recipients="grey@example.org")[0] == 250, 20, "the delay to end")
    message = parse(postfix.wait_messages(before + 1, "grey@example.org")[-1])
    assert message["X-Greylist"] and "delayed" in message["X-Greylist"]


def test_spam_is_tagged_once_for_all_its_recipients(postfix):
    before = len(postfix.messages()), len(postfix.messages("two@example.org"))
    assert send(postfix, "spam@a.example", ["user@example.org", "two@example.org"])[0] == 250
    for box, count in zip(BOXES, before):
        assert parse(postfix.wait_messages(count + 1, box)[-1]).get_all("X-Spam-Flag") == ["YES"]


def test_one_of_several_recipients_is_refused(service, postfix):
    before = len(postfix.messages()), len(postfix.messages("two@example.org"))
    with Client(postfix.port, "mail.a.example") as smtp:
        smtp.ehlo()
        smtp.xclient(**CLIENT)
        smtp.ehlo()
        smtp.mail("several@a.example")
        codes = [smtp.rcpt(f"{name}@example.org") for name in ("user", "closed", "two")]
        assert [code for code, _ in codes] == [250, 550, 250], codes
        assert b"Closed" in codes[1][1]
        assert smtp.data(MAIL)[0] == 250
    postfix.wait_messages(before[0] + 1)
    postfix.wait_messages(before[1] + 1, "two@example.org")
    lines = lines_of(service, "several@a.example")
    assert [re.search(r" rcpt=(\w+)", line).group(1) for line in lines] == ["user", "closed", "two"]
    assert len({re.search(r" instance=(\S+)", line).group(1) for line in lines}) == 1
    assert len({re.search(r" id=(\S+)", line).group(1) for line in lines}) == 1


def test_hold_discard_redirect(postfix):
    before = len(postfix.messages()), len(postfix.messages("other@example.org"))
    assert send(postfix, "hold@a.example")[0] == 250
    wait_for(lambda: len(postfix.held()) == 1, 10, f"a message on hold:\n{postfix.log[-2000:]}")
    assert send(postfix, "hole@a.example")[0] == 250
    assert send(postfix, "other@a.example")[0] == 250
    postfix.wait_messages(before[1] + 1, "other@example.org")
    assert len(postfix.messages()) == before[0]
    assert re.search(r"discard: RCPT .*discard \w{26}", postfix.log)


def test_a_user_is_not_judged_as_a_stranger(service, postfix):
    with Client(postfix.port, "localhost") as smtp:
        smtp.ehlo()
        smtp.xclient(**CLIENT)
        smtp.ehlo()
        code, text = smtp.docmd("AUTH", "PLAIN " + b64encode(b"\0ann\0secret").decode())
        assert code == 235, (text, postfix.log[-2000:])
        assert smtp.mail("ann@a.example")[0] == 250
        assert smtp.rcpt("user@example.org")[0] == 250
        assert smtp.data(MAIL)[0] == 250
    assert [line for line in lines_of(service, "ann@a.example") if "user=ann" in line and "helo=localhost" in line]


def test_odd_addresses_and_chunks(service, postfix):
    assert send(postfix, '"two words"@odd.example')[0] == 554
    assert send(postfix, "")[0] == 250
    before = len(postfix.messages())
    with Client(postfix.port, "mail.a.example") as smtp:
        smtp.ehlo()
        assert smtp.has_extn("chunking")
        smtp.mail("bdat@a.example")
        smtp.rcpt("user@example.org")
        smtp.send(b"BDAT 10\r\n" + MAIL.encode()[:10])
        assert smtp.getreply()[0] == 250
        smtp.send(b"BDAT %d LAST\r\n" % (len(MAIL) - 10) + MAIL.encode()[10:])
        assert smtp.getreply()[0] == 250
    postfix.wait_messages(before + 1)
    assert not re.search(r"(?:warning|fatal|panic): .*(?:policy|check_policy|inet:127)", postfix.log)


def test_the_gateway_may_die_and_come_back(service, postfix):
    assert send(postfix)[0] == 250
    child = re.findall(r"generation \d+, process (\d+)", service.log)[-1]
    count = service.log.count("event=ready")
    os.kill(int(child), signal.SIGKILL)
    wait_for(lambda: service.log.count("event=ready") > count, 20, "the next gateway")
    assert send(postfix)[0] == 250
    assert send(postfix, "bad@a.example")[0] == 554


def test_garbage_of_others_does_not_disturb(service, postfix):
    with socket.create_connection(("127.0.0.1", service.port)) as stranger:
        stranger.sendall(b"EHLO me\r\n" * 100)
        assert send(postfix, "bad@a.example")[0] == 554


def test_without_us_postfix_does_its_default_action():
    nobody = f"{{ inet:127.0.0.1:{free_port()}, timeout=1s, default_action=DUNNO }}"
    extra = "smtpd_policy_service_retry_delay = 1s\nsmtpd_policy_service_try_limit = 1\n"
    for lists, line, code in ((("recipient",), "", 451),
                              ((), f"smtpd_recipient_restrictions = check_policy_service {nobody}\n", 250)):
        with AskingPostfix(free_port(), lists, extra + line) as alone:
            assert send(alone)[0] == code


EARLY = """
actions { early = yes  exempt = {} }
check "greylist" { mode = off }
check "spf" { mode = off }
check "helo" { symbol "HFILTER_HELO_LOCALHOST" { action = reject text = "5.7.1 A name of your own, please" } }
policy { listen = {"127.0.0.1:{port}"}  relay_clients = {} }
"""


def test_early_refusals_come_at_the_greeting():
    with Gateway(EARLY) as service, AskingPostfix(service.port, extra="smtpd_delay_reject = no\n") as postfix:
        with Client(postfix.port, "localhost") as smtp:
            smtp.ehlo()
            smtp.xclient(**CLIENT)
            code, text = smtp.ehlo("localhost")
            assert code == 554 and b"A name of your own" in text, (code, text)
            code, text = smtp.ehlo("mail.a.example")
            assert code == 250, text
            assert smtp.mail("ann@a.example")[0] == 250

# tests/interop/test_milter_mta.py - a real Postfix and a real Sendmail that ask us by the milter protocol.
import concurrent.futures
import grp
import os
import re
import signal
import socket
import subprocess

import pytest

from mail import Client, dkim_sign, parse, send_mail, unfold
from process import wait_for
from relay import MESSAGE, still_verifies, zone
from sendmail import SendmailHop
from servers import Gateway, Nsd, Postfix

SENDER, RECIPIENT, OTHER = "ada@sender.example", "user@example.org", "second@example.org"
STRICT = "strict@example.org"                                    # other rules hold
CONF = """
hostname = "mx.example.org"
dns {{ servers = {{"{dns}"}}  dnssec = no }}
actions {{ subject = "[SPAM] " }}
milter {{ listen = {{"inet:{{port}}@127.0.0.1", "unix:{{folder}}/milter.sock"}}  relay_clients = {{}} }}
{group}
check "spf" {{ skip = {{}} }}
check "greylist" {{ mode = off }}
check "dmarc" {{ on_quarantine = quarantine }}
check "lists" {{
    list "refused" {{ match = recipient  entries = {{"refused@example.org"}}  action = reject  text = "100% unwanted" }}
    list "later"   {{ match = recipient  entries = {{"later@example.org"}}  action = defer }}
    list "dropped" {{ match = sender  entries = {{"dropped@sender.example"}}  action = discard }}
    list "spammer" {{ match = sender  entries = {{"spammer@sender.example"}}  action = score  score = 7.0 }}
    list "worse"   {{ match = sender  entries = {{"worse@sender.example"}}  action = score  score = 20.0 }}
}}
profile "strict" {{ recipients = {{"strict@example.org"}}  actions {{ tag = 1.0 }} }}
""".replace("{group}", 'socket_group = "postfix"' if os.getuid() == 0 else "")
ZONE = """
held.example. TXT "v=spf1 -all"
_dmarc.held.example. TXT "v=DMARC1; p=quarantine"
refusing.example. TXT "v=spf1 -all"
_dmarc.refusing.example. TXT "v=DMARC1; p=reject"
"""


def signed(message=MESSAGE):
    return dkim_sign(message, "sender.example", "r")


class WithPostfix:
    """Postfix delivers to Maildirs, and is asked which messages it holds."""

    kind = "postfix"

    def __init__(self, filter_at):
        self.mta = Postfix(mailboxes=(RECIPIENT, OTHER, STRICT, "refused@example.org", "later@example.org"),
                           size=40 << 20, extra=f"smtpd_milters = {filter_at}\nheader_size_limit = 500000")

    def __enter__(self):
        self.mta.start()
        return self

    def __exit__(self, *failure):
        self.mta.__exit__(*failure)

    @property
    def port(self):
        return self.mta.port

    def received(self, recipient=RECIPIENT):
        return self.mta.messages(recipient)

    def held(self):
        return len(list((self.mta.folder / "spool" / "hold").rglob("*")))

    @property
    def log(self):
        return self.mta.log


class WithSendmail(SendmailHop):
    kind = "sendmail"

    def __init__(self, filter_at):
        lines = f"O InputMailFilters=postern\nXpostern, S={filter_at}, F=T, T=C:5s;S:30s;R:30s;E:1m"
        super().__init__(filters=lines)

    def received(self, recipient=RECIPIENT):
        return [m["data"] for m in list(self.sink.messages) if any(f"<{recipient}>" in r for r in m["rcpts"])]

    def held(self):
        return len(self.mta.held())

    @property
    def log(self):
        return self.mta.log


@pytest.fixture(scope="module")
def postern():
    with Nsd(zone() + ZONE) as dns, Gateway(CONF.format(dns=dns.endpoint)) as gateway:
        yield gateway


def filter_at(kind, gateway):
    return f"inet:127.0.0.1:{gateway.port}" if kind is WithPostfix else f"inet:{gateway.port}@127.0.0.1"


@pytest.fixture(scope="module", params=(WithPostfix, WithSendmail), ids=("postfix", "sendmail"))
def mta(request, postern):
    with request.param(filter_at(request.param, postern)) as server:
        yield server


def deliver(mta, message, sender=SENDER, recipients=(RECIPIENT,)):
    """The message as it arrived for the first recipient."""
    before = len(mta.received(recipients[0]))
    code, text = send_mail(mta.port, sender, list(recipients), message, "mail.sender.example")
    assert code == 250, (text, mta.log[-3000:])
    wait_for(lambda: len(mta.received(recipients[0])) > before, 40, f"the message:\n{mta.log[-3000:]}")
    return mta.received(recipients[0])[-1].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def fields(message):
    usual = ("Return-Path", "X-Original-To", "Delivered-To")
    return [name for name, _ in parse(message).items() if name not in usual]


def test_our_results_stand_above_the_mail_servers_received(mta):
    arrived = deliver(mta, signed())
    assert fields(arrived)[:4] == ["Authentication-Results", "X-Spam-Score", "X-Spam-Status", "Received"]
    results = unfold(parse(arrived)["Authentication-Results"])
    assert results.startswith("mx.example.org; ") and "dkim=pass" in results and "dmarc=pass" in results, results
    assert still_verifies(arrived, 0) and "\r" not in parse(arrived)["X-Spam-Status"].replace("\r\n", "")
    assert b"\r\nAuthentication-Results:  " not in b"\r\n" + arrived                # the blank behind the colon is one


def test_forged_results_are_taken_out_and_others_stay(mta):
    forged = (b"Authentication-Results: mx.example.org; dkim=pass header.d=forged.example\r\nX-Spam-Flag: NO\r\n"
              b"Authentication-Results: other.example; spf=pass\r\nX-Keep: 1\r\nX-Spam-Status: No, forged\r\n"
              b"Authentication-Results: mx.example.org;\r\n\tspf=pass smtp.mailfrom=forged.example\r\n")
    arrived = deliver(mta, forged + signed())
    assert b"forged" not in arrived and b"other.example; spf=pass" in arrived and b"X-Keep: 1" in arrived
    assert fields(arrived).count("Authentication-Results") == 2 and fields(arrived).count("X-Spam-Status") == 1
    assert "X-Spam-Flag" not in fields(arrived) and still_verifies(arrived, 0)


def test_tagged_mail_is_marked_and_its_subject_changed_in_its_place(mta):
    arrived = deliver(mta, signed(), sender="spammer@sender.example")
    names = fields(arrived)
    assert names[:2] == ["Authentication-Results", "X-Spam-Flag"] and names.count("Subject") == 1
    assert unfold(parse(arrived)["Subject"]).startswith("[SPAM] =?utf-8?q?") and names.index("Subject") > 5


def test_recipients_are_refused_one_by_one(mta):
    before = len(mta.received(OTHER))
    with Client(mta.port) as smtp:
        smtp.ehlo()
        smtp.mail(SENDER)
        assert smtp.rcpt(RECIPIENT)[0] == 250
        code, text = smtp.rcpt("refused@example.org")
        assert code == 554 and text.startswith(b"5.7.1 100% unwanted (id "), text
        code, text = smtp.rcpt("later@example.org")
        assert code == 451 and text.startswith(b"4.7.1 "), text
        assert smtp.rcpt(OTHER)[0] == 250
        assert smtp.data(signed())[0] == 250
    wait_for(lambda: len(mta.received(OTHER)) > before, 30, "the message for the other recipient")
    assert not mta.received("refused@example.org") and not mta.received("later@example.org")


def test_recipients_of_other_rules_come_again(mta):
    with Client(mta.port) as smtp:
        smtp.ehlo()
        smtp.mail(SENDER)
        assert smtp.rcpt(RECIPIENT)[0] == 250
        code, text = smtp.rcpt(STRICT)
        assert code == 452 and text.startswith(b"4.5.3 Other rules hold for this recipient"), text
        assert smtp.rcpt(OTHER)[0] == 250 and smtp.data(signed())[0] == 250
        smtp.mail(SENDER)
        assert smtp.rcpt(STRICT)[0] == 250 and smtp.data(signed())[0] == 250
    wait_for(lambda: len(mta.received(STRICT)) == 1, 30, "the message for the other recipient")


def test_spam_is_refused_before_it_is_sent(mta):
    with Client(mta.port) as smtp:
        smtp.ehlo()
        smtp.mail("worse@sender.example")
        code, text = smtp.rcpt(RECIPIENT)
        assert code == 554 and b"refused as spam (LIST_WORSE" in text, text


def test_a_message_is_refused_for_what_it_holds(mta):
    before = len(mta.received())
    code, text = send_mail(mta.port, "x@refusing.example", RECIPIENT, b"From: x@refusing.example\r\n\r\nx\r\n")
    assert code == 554 and text.startswith("5.7.1 DMARC policy of refusing.example"), text
    assert len(mta.received()) == before


def test_discarded_mail_arrives_nowhere(mta):
    before = len(mta.received())
    code, text = send_mail(mta.port, "dropped@sender.example", RECIPIENT, signed())
    assert code == 250, text
    deliver(mta, signed())
    assert len(mta.received()) == before + 1


def test_quarantined_mail_is_held(mta):
    before, held = len(mta.received()), mta.held()
    code, text = send_mail(mta.port, "x@held.example", RECIPIENT, b"From: x@held.example\r\n\r\nx\r\n")
    assert code == 250, text
    wait_for(lambda: mta.held() > held, 20, f"a message to be held:\n{mta.log[-2000:]}")
    deliver(mta, signed())
    assert len(mta.received()) == before + 1


LONG = b"X-Long: " + b"\r\n\t".join([b"word " * 100 + b"%d" % i for i in range(60)]) + b"\r\n"
MESSAGES = {
    "long-header": signed(LONG + MESSAGE),
    "8-bit": signed(b"X-Raw: gr\xc3\xbc\xc3\x9fe\r\n" + MESSAGE.replace(b"..a line", b"\xfc\xff raw bytes")),
    "no-body": signed(MESSAGE.split(b"\r\n\r\n")[0] + b"\r\n\r\n"),
    "blank-lines": signed(MESSAGE.split(b"\r\n\r\n")[0] + b"\r\n\r\n\r\n\r\nhello\r\n\r\n\r\n"),
    "no-blank": signed(b"X-None:value\r\nX-Tab:\tvalue\r\nX-Two:  value\r\nX-Folded:\r\n value\r\n" + MESSAGE),
    "20-megabytes": signed(MESSAGE + b"0123456789abcdef" * 4 + b"\r\n" + (b"y" * 74 + b"\r\n") * 277000),
}


@pytest.mark.parametrize("what", MESSAGES)
def test_signatures_hold_before_and_after_us(mta, what):
    arrived = deliver(mta, MESSAGES[what])
    assert "dkim=pass" in unfold(parse(arrived)["Authentication-Results"]), parse(arrived)["Authentication-Results"]
    assert still_verifies(arrived, 0)


def test_one_session_carries_several_messages(mta):
    before = len(mta.received())
    with Client(mta.port) as smtp:
        smtp.ehlo()
        for i in range(3):
            smtp.mail(SENDER)
            smtp.rcpt(RECIPIENT)
            smtp.rset()
            assert smtp.mail(SENDER)[0] == 250 and smtp.rcpt("refused@example.org")[0] == 554
            assert smtp.rcpt(RECIPIENT)[0] == 250
            assert smtp.data(signed())[0] == 250
    wait_for(lambda: len(mta.received()) >= before + 3, 30, "three messages")
    assert all("dkim=pass" in unfold(parse(m)["Authentication-Results"]) for m in mta.received()[before:])


def test_a_client_that_goes_away_leaves_nothing_open(mta, postern):
    smtp = Client(mta.port)
    smtp.ehlo()
    smtp.mail(SENDER)
    smtp.rcpt(RECIPIENT)
    smtp.close()
    assert deliver(mta, signed())


GREYLIST = CONF.replace('check "greylist" {{ mode = off }}',
                        'check "greylist" {{ when = always  delay = 2s  skip = {{}} }}')


@pytest.mark.parametrize("kind", (WithPostfix, WithSendmail), ids=("postfix", "sendmail"))
def test_unknown_senders_come_again_and_are_let_in(kind):
    with Nsd(zone()) as dns, Gateway(GREYLIST.format(dns=dns.endpoint)) as gateway:
        with kind(filter_at(kind, gateway)) as mta:
            code, text = send_mail(mta.port, SENDER, RECIPIENT, signed())
            assert code == 451 and text.startswith("4.7.1 Greylisted, please try again in "), text

            def is_in():
                return send_mail(mta.port, SENDER, RECIPIENT, signed())[0] == 250

            wait_for(is_in, 20, "the greylisting to pass")
            wait_for(lambda: len(mta.received()) == 1, 30, "the message")
            arrived = mta.received()[0].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            assert parse(arrived)["X-Greylist"] and still_verifies(arrived, 0)
            assert send_mail(mta.port, SENDER, RECIPIENT, signed())[0] == 250


class DumbDns:
    """A name server that hears and says nothing; what it was asked is in `asked`."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(30)
        self.endpoint = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def wait_asked(self, what):
        while what not in self.socket.recv(4096).lower():
            pass


SLOW = CONF.replace("milter {{", "engine {{ deadline = 2s }}\nmilter {{ rcpt_wait = 0 ")


@pytest.mark.parametrize("kind", (WithPostfix, WithSendmail), ids=("postfix", "sendmail"))
@pytest.mark.parametrize("what", ("killed", "reloaded"))
def test_what_happens_to_a_gateway_within_a_message_loses_nothing_and_lets_nothing_through(kind, what):
    dns = DumbDns()
    with dns.socket, Gateway(SLOW.format(dns=dns.endpoint)) as gateway, kind(filter_at(kind, gateway)) as mta, \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send_mail, mta.port, SENDER, RECIPIENT, signed(), "mail.sender.example")
        dns.wait_asked(b"_domainkey")                            # the message is here, and its verdict is not
        child = int(re.findall(r"generation \d+, process (\d+)", gateway.log)[-1])
        if what == "killed":
            os.kill(child, signal.SIGKILL)
        else:
            gateway.process.send_signal(signal.SIGHUP)
        code, text = sent.result(60)
        gateway.wait_log("generation 2")
        assert code == 451 and ("Message cannot be judged" in text) == (what == "reloaded"), text
        assert not mta.received()


def test_a_filter_that_is_gone_delays_mail_and_no_more():
    with Nsd(zone()) as dns:
        gateway = Gateway(CONF.format(dns=dns.endpoint))
        with WithPostfix(f"inet:127.0.0.1:{gateway.port}") as postfix:
            code, text = send_mail(postfix.port, SENDER, RECIPIENT, signed())
            assert 400 <= code < 500, text
            with gateway:
                assert deliver(postfix, signed())


def test_postfix_reaches_a_unix_socket_of_its_group(postern):
    with WithPostfix(f"unix:{postern.folder}/milter.sock") as postfix:
        assert "Authentication-Results" in fields(deliver(postfix, signed()))


class InChroot(Postfix):
    """As Debian has it: smtpd sees its queue directory alone; beside the queues, a folder for our sockets."""

    def prepare(self):
        super().prepare()
        sockets, master = self.folder / "spool" / "postern", self.folder / "conf" / "master.cf"
        sockets.mkdir(mode=0o750, exist_ok=True)
        os.chown(sockets, 0, grp.getgrnam("postfix").gr_gid)
        master.write_text(master.read_text().replace("inet n - n - - smtpd", "inet n - y - - smtpd"))


def test_a_postfix_in_a_chroot_reaches_a_socket_below_its_queue_directory():
    with InChroot(extra="smtpd_milters = unix:postern/milter.sock\nmilter_default_action = tempfail") as mta:
        place = f"{mta.folder}/spool/postern/milter.sock"
        with Nsd(zone() + ZONE) as dns, Gateway(CONF.format(dns=dns.endpoint).replace("{folder}/milter.sock", place)):
            assert send_mail(mta.port, SENDER, RECIPIENT, signed())[0] == 250, mta.log[-3000:]
            assert b"Authentication-Results: mx.example.org" in mta.wait_messages(1)[0]


def wake_pickup(postfix):
    """It looks once a minute, and when it is told to."""
    with socket.socket(socket.AF_UNIX) as trigger:
        trigger.settimeout(5)
        trigger.connect(str(postfix.folder / "spool" / "public" / "pickup"))
        trigger.send(b"W")
    return True


def test_mail_of_postfix_itself_comes_through_its_other_list(postern):
    postfix = WithPostfix("")
    postfix.mta.extra += f"\nnon_smtpd_milters = inet:127.0.0.1:{postern.port}"
    with postfix:
        command = ["/usr/sbin/sendmail", "-C", postfix.mta.folder / "conf", "-f", SENDER, RECIPIENT]
        ran = subprocess.run(command, input=signed().replace(b"\r\n", b"\n"), capture_output=True, check=False,
                             env={**os.environ, **postfix.mta.environment})
        assert ran.returncode == 0, ran.stderr
        wait_for(lambda: wake_pickup(postfix.mta) and postfix.received(), 30, f"the message:\n{postfix.log[-2000:]}")
        arrived = postfix.received()[0]
        assert "dkim=pass" in unfold(parse(arrived)["Authentication-Results"]) and still_verifies(arrived, 0)


def test_what_postfix_knows_of_a_client_reaches_us(postern):
    with WithPostfix(f"inet:127.0.0.1:{postern.port}") as postfix:
        before = len(postfix.received())
        code, text = send_mail(postfix.port, SENDER, RECIPIENT, signed(), "mail.sender.example",
                               xclient={"addr": "192.0.2.25", "name": "mail.sender.example"})
        assert code == 250, text
        wait_for(lambda: len(postfix.received()) > before, 30, "the message")
        results = unfold(parse(postfix.received()[-1])["Authentication-Results"])
        assert "spf=pass" in results and "iprev=pass (mail.sender.example)" in results, results
        code, text = send_mail(postfix.port, SENDER, RECIPIENT, MESSAGE, xclient={
            "addr": "198.51.100.9", "name": "[UNAVAILABLE]", "login": "ada"})
        assert code == 250, text
        wait_for(lambda: len(postfix.received()) > before + 1, 30, "the message of our own user")
        assert "Authentication-Results" not in fields(postfix.received()[-1])

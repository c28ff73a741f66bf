# tests/interop/test_dovecot.py - dovecot-lmtpd as the next hop, over its unix socket and TCP, in clear and under TLS:
# an answer for each recipient, of whom one is unknown and another's mailbox is full; and Postfix's lmtp(8), Exim, msmtp
# and smtp-source, who speak LMTP to us.
import re
import subprocess

import pytest

from dovecot import DovecotLmtp
from mail import parse, send_mail
from process import free_port, wait_for
from servers import Exim, Gateway, Postfix, needs

ANN, BOB, FULL, NOBODY = (f"{name}@example.org" for name in ("ann", "bob", "full", "nobody"))
MAIL = (b"From: ada@sender.example\r\nTo: many@example.org\r\nSubject: %s\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
        b"Message-ID: <%s@sender.example>\r\n\r\n.\r\n..two  \r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n\r\n")
CONF = """
hostname = "mx.example.org"
socket_mode = "0666"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    listener "127.0.0.1:{lmtp}" {{ protocol = lmtp  tls = none }}
    listener "unix:{{folder}}/lmtp" {{ protocol = lmtp  tls = none }}
    next_hop = "{hop}"
    next_hop_tls = {tls}
    relay_domains = {{"example.org"}}
}}
check "greylist" {{ mode = off }}
"""


def letter(subject):
    return MAIL % (subject.encode(), subject.encode())


@pytest.fixture(scope="module")
def dovecot():
    with DovecotLmtp((ANN, BOB, FULL), full=(FULL,)) as server:
        yield server


@pytest.fixture(scope="module", params=("unix", "tcp", "tls"))
def house(request, dovecot):
    hop = f"lmtp:unix:{dovecot.socket}" if request.param == "unix" else f"lmtp://127.0.0.1:{dovecot.port}"
    lmtp = free_port()
    with Gateway(CONF.format(hop=hop, lmtp=lmtp, tls="encrypt" if request.param == "tls" else "none")) as gateway:
        wait_for(lambda: "state=up" in gateway.log, 20, "the next hop to be known")
        gateway.lmtp = lmtp
        yield gateway, dovecot, request.param


def got(dovecot, mailbox, subject):
    """The one message of that subject in a mailbox, lines ending as they were sent."""
    found = [m for m in dovecot.messages(mailbox) if parse(m)["Subject"] == subject]
    assert len(found) == 1, (subject, len(found), dovecot.log[-3000:])
    return found[0].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_one_recipient_hears_dovecots_own_words(house):
    gateway, dovecot, way = house
    code, text = send_mail(gateway.port, "ada@sender.example", ANN, letter(f"alone-{way}"))
    assert code == 250 and "Saved" in text, text
    delivered = got(dovecot, ANN, f"alone-{way}")
    assert delivered.endswith(letter(f"alone-{way}"))
    assert "dovecot.example.org" in parse(delivered).get_all("Received")[0]
    assert "by mx.example.org (Postern)" in parse(delivered).get_all("Received")[1]
    code, text = send_mail(gateway.port, "ada@sender.example", NOBODY, letter(f"nobody-{way}"))
    assert code == 550 and text.startswith("5.1.1") and "User doesn't exist" in text, text
    code, text = send_mail(gateway.port, "ada@sender.example", FULL, letter(f"full-{way}"))
    assert code == 552 and text.startswith("5.2.2") and "Quota exceeded" in text, text
    assert not dovecot.messages(FULL)
    if way == "tls":
        gateway.wait_log('hop_tls="TLSv1.3')


def together(gateway):
    """How many messages went to Ann and Bob in one transaction."""
    return sum("event=message" in line and ANN in line and BOB in line for line in gateway.log.splitlines())


def statuses(postfix, subject):
    """What Postfix's log says of each recipient of the message with that Message-ID."""
    found = re.search(rf"cleanup\[\d+\]: (\w+): message-id=<{subject}@", postfix.log)
    lines = [line for line in postfix.log.splitlines() if found and f": {found[1]}: to=<" in line]
    return {re.search(r"to=<(.*?)>", line)[1]: (re.search(r"status=(\w+)", line)[1], line) for line in lines}


def test_postfixs_lmtp_client_hears_an_answer_for_each(house):
    gateway, dovecot, way = house
    subject, before = f"postfix-{way}", together(gateway)
    target = f"lmtp:unix:{gateway.folder}/lmtp" if way == "unix" else f"lmtp:inet:127.0.0.1:{gateway.lmtp}"
    with Postfix(mailboxes=("ada@sender.example",), extra=f"default_transport = {target}") as postfix:
        code, text = send_mail(postfix.port, "ada@sender.example", [ANN, NOBODY, FULL, BOB], letter(subject))
        assert code == 250, text
        wait_for(lambda: len(statuses(postfix, subject)) == 4, 30, f"Postfix to have told all:\n{postfix.log}")
        told = statuses(postfix, subject)
        report = postfix.wait_messages(1)[0]
    assert {to: status for to, (status, _) in told.items()} == \
        {ANN: "sent", BOB: "sent", NOBODY: "bounced", FULL: "bounced"}, told
    assert "dsn=5.1.1" in told[NOBODY][1] and "User doesn't exist" in told[NOBODY][1]
    assert "dsn=5.2.2" in told[FULL][1] and "Quota exceeded" in told[FULL][1]
    assert all("Saved" in told[box][1] for box in (ANN, BOB))
    assert report.count(b"Action: failed") == 2
    for box in (ANN, BOB):
        assert got(dovecot, box, subject).endswith(letter(subject)), box
    assert together(gateway) == before + 1, gateway.log


@pytest.mark.parametrize("protocol", ("lmtp", "prdr"))
def test_exim_hears_an_answer_for_each(house, protocol):
    gateway, dovecot, way = house
    subject = f"exim-{protocol}-{way}"
    port, transport = (gateway.lmtp, "  protocol = lmtp") if protocol == "lmtp" else \
                      (gateway.port, "  hosts_try_prdr = *")
    with Exim(onward=port, transport=transport) as exim:
        code, text = send_mail(exim.port, "ada@sender.example", [ANN, NOBODY, FULL, BOB], letter(subject))
        assert code == 250, text
        wait_for(lambda: all(f" {box} " in exim.log for box in (ANN, NOBODY, FULL, BOB)) and
                 exim.log.count("** ") >= 2, 30, f"Exim to have told all:\n{exim.log}")
        told = exim.log
    for mark, box in (("** ", NOBODY), ("** ", FULL)):
        assert f"{mark}{box}" in told, told
    assert "550 5.1.1" in told and "552 5.2.2" in told, told
    for box in (ANN, BOB):
        assert f"=> {box}" in told or f"-> {box}" in told, told
        assert got(dovecot, box, subject).endswith(letter(subject)), box


def test_msmtp_and_smtp_source_speak_lmtp_to_us(house, tmp_path):
    gateway, dovecot, way = house
    (tmp_path / "msmtprc").write_text("")
    command = [needs("msmtp"), f"--file={tmp_path}/msmtprc", "--protocol=lmtp", "--host=127.0.0.1",
               f"--port={gateway.lmtp}", "--from=ada@sender.example", ANN, BOB]
    done = subprocess.run(command, input=letter(f"msmtp-{way}").replace(b"\r\n", b"\n"), capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for box in (ANN, BOB):
        assert got(dovecot, box, f"msmtp-{way}").endswith(letter(f"msmtp-{way}"))
    count, before = 20, len(dovecot.messages(BOB))
    subprocess.run([needs("smtp-source"), "-L", "-s", "4", "-m", str(count), "-l", "3000", "-f", "load@sender.example",
                    "-t", BOB, f"127.0.0.1:{gateway.lmtp}"], check=True, timeout=120)
    assert len(dovecot.wait_messages(before + count, BOB)) == before + count

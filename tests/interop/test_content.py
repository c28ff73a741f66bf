# tests/interop/test_content.py - the checks of content as they are initially.
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from mail import parse, send_mail, unfold
from process import BUILD, free_port, wait_for
from scan_api import conf, scan
from servers import OF_CONTENT, Gateway, Postfix, needs

QUIET = "".join(f'check "{name}" {{ mode = off }}\n' for name in (
    "rdns", "helo", "spf", "sender", "dkim", "arc", "dmarc", "greylist", "greylist_message", "uribl"))
INITIAL = "".join(f'check "{name}" {{ }}\n' for name in OF_CONTENT if name != "uribl")
BARE = b"From: root@host.example\r\nSubject: Backup failed\r\n\r\nDisk sda1 is full.\r\n"


@pytest.fixture(scope="module")
def gateway():
    with Gateway(conf("127.0.0.1:9", rest=QUIET + INITIAL)) as server:
        yield server


def found(gateway, message, *words):
    command = [BUILD / "postern", "scan", "-c", gateway.folder / "gateway.conf", "--json", *words, "-"]
    answer = json.loads(subprocess.run(command, input=message, capture_output=True, timeout=60, check=True).stdout)
    return answer, {f["symbol"] for check in answer["checks"] for f in check["findings"]}


def test_a_script_that_writes_no_more_than_it_must_is_neither_tagged_nor_put_off(gateway):
    answer, symbols = found(gateway, BARE, "--client-ip", "203.0.113.9")
    assert {"PN_NO_DATE", "PN_NO_MESSAGE_ID", "PN_NO_RECIPIENT"} <= symbols
    assert answer["action"] == "accept" and answer["score"] < 4, answer["score"]


@pytest.mark.parametrize("who", [("--client-ip", "203.0.113.9", "--user", "joe"), ("--client-ip", "10.1.2.3")])
def test_what_a_server_adds_for_its_users_is_not_missed_in_their_mail(gateway, who):
    answer, symbols = found(gateway, BARE, *who)
    assert not symbols & {"PN_NO_DATE", "PN_NO_MESSAGE_ID", "PN_NO_RECIPIENT", "PN_SPAM_HEADERS"}, symbols
    assert answer["score"] <= 0, answer["score"]


# --- each door --------------------------------------------------------------------------------------------------------

TEXT = """Dear friend, I am the attorney of a late client who died in a plane crash with
his next of kin. The sum of 10,500,000.00 US dollars (ten million) lies in a
bank and will be transferred to you as beneficiary. Contact me in strict
confidence with your full name, bank account number and telephone number.
"""
FRAUD = f"""From: James Cole <james.cole@plain.example>
To: user@example.org
Subject: YOU HAVE WON THE LOTTERY
Date: Mon, 23 Nov 2026 10:00:00 +0000
Message-ID: <won@plain.example>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

{TEXT}
--b
Content-Type: text/html; charset=utf-8

<p>{TEXT}<a href="http://203.0.113.9/login.php">https://www.mybank.example/</a></p>
--b--
""".replace("\n", "\r\n").encode()
WORSE = FRAUD.replace(b"To: user@example.org", b"Reply-To: cole@gmail.com\r\nTo: undisclosed-recipients:;")
HAM = (b"From: Ada <ada@plain.example>\r\nTo: user@example.org\r\nSubject: Lunch\r\n"
       b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <lunch@plain.example>\r\n\r\n"
        b"See you at noon, as ever.\r\n..dots and  blanks  \r\n")
SAYS = {"PN_FEE_5", "PN_LOTTERY", "PN_LINK_NUMBER", "URL_NUMERIC_IP"}  # of rules and urls


@pytest.fixture(scope="module")
def doors():
    """A gateway with a Postfix behind it, and one that asks it by milter."""
    milter = free_port()
    with Postfix() as inner, Postfix(extra=f"smtpd_milters = inet:127.0.0.1:{milter}") as asking:
        smtp = f"""smtp {{ listen = {{"127.0.0.1:{{port}}"}}  next_hop = "smtp://127.0.0.1:{inner.port}"
            next_hop_tls = none  relay_clients = {{}}  relay_domains = {{"example.org"}} }}
            milter {{ listen = {{"inet:{milter}@127.0.0.1"}}  relay_clients = {{}} }}\n"""
        text = conf("127.0.0.1:9", rest=smtp + QUIET + INITIAL).replace('listen = {"127.0.0.1:{port}"}\n    relay',
                                                                     'listen = {"unix:{folder}/http"}\n    relay')
        with Gateway(text) as gateway:
            yield gateway, inner, asking


def body(message):
    return message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]


def status(message):
    return unfold(parse(message)["X-Spam-Status"])


def arrives(door, mta, message):
    before = len(mta.messages("user@example.org"))
    code, text = send_mail(door, "james.cole@plain.example", "user@example.org", message)
    assert code == 250, text
    wait_for(lambda: len(mta.messages("user@example.org")) > before, 40, f"the message:\n{mta.log[-3000:]}")
    return mta.messages("user@example.org")[-1]


@pytest.mark.parametrize("door", ["smtp", "milter"])
def test_mail_servers_get_it_marked_and_whole_or_not_at_all(doors, door):
    gateway, inner, asking = doors
    port, mta = (gateway.port, inner) if door == "smtp" else (asking.port, asking)
    fraud = arrives(port, mta, FRAUD)
    assert status(fraud).startswith("Yes, score=") and body(fraud) == body(FRAUD)
    tests = status(fraud).split("tests=")[1].split("autolearn")[0]
    assert SAYS <= set(tests.replace(" ", "").split(",")), tests
    assert parse(fraud)["X-Spam-Flag"] == "YES"
    ham = arrives(port, mta, HAM)
    assert status(ham).startswith("No, score=") and body(ham) == body(HAM) and not parse(ham)["X-Spam-Flag"]
    before = len(mta.messages("user@example.org"))
    code, text = send_mail(port, "james.cole@plain.example", "user@example.org", WORSE)
    assert code == 554 and len(mta.messages("user@example.org")) == before, text
    line = [line for line in gateway.log.splitlines() if "action=reject" in line][-1]
    assert "PN_FEE_5(" in line and "PN_SCAM_REPLY(" in line


def test_who_asks_the_scan_api_is_told_the_same(doors):
    gateway = doors[0]
    path = str(gateway.folder / "http")
    for message, action in ((FRAUD, "add header"), (HAM, "no action"), (WORSE, "reject")):
        answer = scan(path, message, b"")
        assert answer["action"] == action, answer
        assert answer["score"] == pytest.approx(sum(s["score"] for s in answer["symbols"].values()))
        assert action == "no action" or SAYS <= set(answer["symbols"])
        assert action == "no action" or answer["symbols"]["PN_FEE_5"]["options"]
        ran = subprocess.run([needs("spamc"), "-x", "-U", path], input=message, capture_output=True, check=True)
        assert ran.stdout.split(b"\r\n\r\n", 1)[1] == message.split(b"\r\n\r\n", 1)[1]
        assert (b"X-Spam-Flag: YES" in ran.stdout) == (action != "no action")


def test_mail_that_others_have_sorted(doors):
    """rspamd's own test messages go through, whatever they are, and whole."""
    suites = os.environ.get("POSTERN_SUITES")
    if not suites:
        pytest.skip("POSTERN_SUITES is not set")
    messages = sorted((Path(suites) / "spam" / "rspamd-messages").glob("*.eml"))[::8]
    for path in messages:
        answer = scan(str(doors[0].folder / "http"), path.read_bytes(), b"")
        assert answer["action"] and not answer["is_skipped"], path
        assert answer["score"] == pytest.approx(sum(s["score"] for s in answer["symbols"].values())), path


# --- rules that change ------------------------------------------------------------------------------------------------


ALL = b"Pass: all\r\n"  # a few points are no reason to run rules


def test_a_sieve_new_rules_and_rules_that_are_not_there(tmp_path):
    own = tmp_path / "own.cf"
    words = ("lottery", "attorney", "casino", "invoice", "password", "transfer", "beneficiary", "confidence")
    own.write_text("".join(f"body W_{w.upper()} /{w}/\nscore W_{w.upper()} 0.1\n" for w in words))
    tmp_path.chmod(0o755)
    rules = f'check "rules" {{ own = no  files = {{"{own}"}} }}\n'
    with Gateway(conf("127.0.0.1:9", rest=QUIET + rules)) as gateway:
        first = scan(gateway.port, FRAUD, ALL)["symbols"]
        gateway.wait_log("event=rules_sieve state=compiled", 60)
        assert scan(gateway.port, FRAUD, ALL)["symbols"] == first and {"W_ATTORNEY", "W_BENEFICIARY"} <= set(first)
        own.write_text(own.read_text() + "body W_NEW /plane crash/\nscore W_NEW 0.2\n")
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_log("has taken over")  # and the one before it takes no new clients, but for a moment
        wait_for(lambda: scan(gateway.port, FRAUD, ALL)["symbols"].keys() == first.keys() | {"W_NEW"}, 20, "new rules")
        gateway.write(conf("127.0.0.1:9", rest=QUIET + rules.replace("own.cf", "nowhere.cf")))
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_log("the new configuration is refused, the old one stays")
        assert "nowhere.cf" in gateway.log
        assert scan(gateway.port, FRAUD, ALL)["symbols"].keys() == first.keys() | {"W_NEW"}


def test_a_fault_in_a_rules_file_is_named_and_costs_no_other_rule(tmp_path):
    own = tmp_path / "own.cf"
    own.write_text("body W_ONE /attorney/\nscore W_ONE 0.1\n")
    tmp_path.chmod(0o755)
    rules = f'check "rules" {{ own = no  files = {{"{own}"}} }}\n'
    with Gateway(conf("127.0.0.1:9", rest=QUIET + rules)) as gateway:
        assert "W_ONE" in scan(gateway.port, FRAUD, ALL)["symbols"]
        own.write_text(own.read_text() + "body W_BAD /(/\nbody W_TWO /beneficiary/\nscore W_TWO 0.1\n")
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_log("has taken over")
        wait_for(lambda: {"W_ONE", "W_TWO"} <= scan(gateway.port, FRAUD, ALL)["symbols"].keys(), 20, "new rules")
        assert f"{own}:3" in gateway.log and "W_BAD" in gateway.log


def test_a_sieve_that_cannot_be_kept_is_used_all_the_same_and_told_once(tmp_path):
    own = tmp_path / "own.cf"
    words = ("lottery", "attorney", "casino", "invoice", "password", "transfer", "beneficiary", "confidence")
    own.write_text("".join(f"body W_{w.upper()} /{w}/\nscore W_{w.upper()} 0.1\n" for w in words))
    tmp_path.chmod(0o755)
    rules = f'check "rules" {{ own = no  files = {{"{own}"}} }}\n'
    with Gateway(conf("127.0.0.1:9", rest=QUIET + rules)) as gateway:
        first = scan(gateway.port, FRAUD, ALL)["symbols"]
        gateway.wait_log("event=rules_sieve state=compiled", 60)
        wait_for(lambda: list((gateway.folder / "state").glob("rules-*.sieve")), 20, "its file")
        kept, = (gateway.folder / "state").glob("rules-*.sieve")
        kept.unlink()
        kept.mkdir()  # nobody, root neither, writes a file there
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_log('event=rules_sieve state="not saved"', 60)
        wait_for(lambda: gateway.log.count("event=rules_sieve state=compiled") == 2, 20, "the sieve")
        assert scan(gateway.port, FRAUD, ALL)["symbols"] == first
        assert gateway.log.count('state="not saved"') == 1 and str(kept) in gateway.log

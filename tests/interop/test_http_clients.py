# tests/interop/test_http_clients.py - the scan API asked by the real clients: rspamc, spamc, Exim's spam condition in
# both of its variants, and OpenSMTPD with opensmtpd-filter-rspamd.
import json
import os
import socket
import subprocess
import zlib

import openmetrics
import pytest

from mail import parse, send_mail
from opensmtpd import OpenSmtpd
from process import wait_for
from relay import CLIENT, MESSAGE, RECIPIENT, SENDER, signed
from scan_api import Caller, conf, fetch, names, scan, spamd
from servers import Exim, Gateway, needs

# No policy of its author's domain applies to it.
PLAIN = MESSAGE.replace(b"ada@sender.example", b"ada@plain.example")

# Whoever sends says in the envelope what is to become of it.
LISTS = """
check "greylist" { mode = off }
check "lists" {
    list "spam" { match = sender  action = score  score = 7  entries = {"spam@sender.example"} }
    list "bad" { match = sender  action = reject  text = "we know you"  entries = {"bad@sender.example"} }
    list "later" { match = sender  action = defer  entries = {"later@sender.example"} }
}
"""


dns = pytest.fixture(names, scope="module")


@pytest.fixture(scope="module")
def gateway(dns):
    text = conf(dns.endpoint, 'password = "secret"', LISTS)
    with Gateway(text.replace('127.0.0.1:{port}"', '127.0.0.1:{port}", "unix:{folder}/http"')) as server:
        yield server


@pytest.fixture(scope="module")
def spamless(dns):
    """One to whom all mail is spam, whatever the client can tell of it."""
    with Gateway(conf(dns.endpoint, rest=SPAMLESS)) as server:
        yield server


SPAMLESS = """
actions { tag = -50  subject = "[SPAM] " }
check "greylist" { mode = off }
"""


# --- rspamc -----------------------------------------------------------------------------------------------------------


def rspamc(gateway, *words, data=None):
    return subprocess.run([needs("rspamc"), "-h", f"127.0.0.1:{gateway.port}", *words], input=data, capture_output=True,
                          timeout=30, check=False)


TOLD = ("-i", CLIENT["addr"], "--helo", CLIENT["name"], "--hostname", CLIENT["name"], "-r", RECIPIENT)


def test_rspamc_shows_symbols(gateway):
    shown = rspamc(gateway, *TOLD, "-F", SENDER, data=signed())
    text = shown.stdout.decode()
    assert shown.returncode == 0 and "Action: no action\nSpam: false\nScore: " in text, text
    for symbol in ("R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"):
        assert f"Symbol: {symbol} (" in text
    assert "Message-ID: one@sender.example" in text
    refused = rspamc(gateway, *TOLD, "-F", "bad@sender.example", data=signed()).stdout.decode()
    assert "Action: reject" in refused and "we know you" in refused
    assert "Action: add header" in rspamc(gateway, *TOLD, "-F", "spam@sender.example", data=signed()).stdout.decode()
    assert "Action: soft reject" in rspamc(gateway, *TOLD, "-F", "later@sender.example", data=signed()).stdout.decode()


def test_rspamc_in_other_forms(gateway):
    answer = json.loads(rspamc(gateway, *TOLD, "-F", SENDER, "-j", data=signed()).stdout)
    assert answer["symbols"]["R_DKIM_ALLOW"]["score"] < 0
    message = rspamc(gateway, *TOLD, "-F", "spam@sender.example", "--mime", data=signed())
    assert message.returncode == 0 and b"\r\nX-Spam-Action: add header\r\n" in message.stdout
    packed = rspamc(gateway, *TOLD, "-F", SENDER, "-z", data=signed())
    assert b"R_DKIM_ALLOW" in packed.stdout, packed
    everything = rspamc(gateway, *TOLD, "-F", SENDER, "-p", "--extended-urls", data=signed())
    assert b"R_DKIM_ALLOW" in everything.stdout
    assert b"R_DKIM_ALLOW" in rspamc(gateway, *TOLD, "-u", "anna", "-d", RECIPIENT, "-F", SENDER, data=signed()).stdout


def test_rspamc_as_a_controller(gateway):
    stat = rspamc(gateway, "stat")
    assert stat.returncode == 0 and b"Messages scanned: " in stat.stdout, stat.stdout
    assert b"403" in rspamc(gateway, "stat_reset").stdout
    assert b"Messages scanned: " in rspamc(gateway, "-P", "secret", "stat_reset").stdout
    assert b"Messages scanned: 0" in rspamc(gateway, "stat").stdout
    assert b"Uptime: " in rspamc(gateway, "-P", "secret", "uptime").stdout
    for command in ("learn_spam", "learn_ham"):
        assert b"403" in rspamc(gateway, command, data=signed()).stdout
        learned = rspamc(gateway, "-P", "secret", command, data=signed())
        assert learned.returncode == 0 and b"success = true" in learned.stdout, learned.stdout
        assert b"http.password" in rspamc(gateway, command, data=signed()).stdout
    gateway.wait_log("http.password")


# --- spamc ------------------------------------------------------------------------------------------------------------


def spamc(gateway, *words, data=PLAIN):
    ran = subprocess.run([needs("spamc"), "-x", "-d", "127.0.0.1", "-p", str(gateway.port), *words], input=data,
                         capture_output=True, timeout=30, check=False)
    return ran.returncode, ran.stdout


def test_spamc_judges_by_status_and_score(gateway, spamless):
    status, out = spamc(gateway, "-c")
    assert status == 0 and out.endswith(b"/6.0\n") and float(out.split(b"/")[0]) < 6, out
    status, out = spamc(spamless, "-c")
    score, threshold = (float(part) for part in out.split(b"/"))
    assert status == 1 and threshold == -50 and score >= threshold
    assert spamc(spamless, "-E")[0] == 1
    assert spamc(gateway, "-K")[0] == 0


def test_spamc_reports(gateway, spamless):
    status, out = spamc(gateway, "-y")
    assert status == 0 and "R_DKIM_NA" in out.decode().split(",")
    status, out = spamc(gateway, "-R")
    assert status == 0 and b" points, 6.0 required)" in out and b" R_DKIM_NA " in out
    assert spamc(gateway, "-r") == (0, b"")
    status, out = spamc(spamless, "-r")
    assert status == 0 and b"Content analysis details:" in out


@pytest.mark.parametrize("words", [(), ("--headers",), ("-u", "joe")])
def test_spamc_gives_the_message_back_as_it_came_but_for_our_fields(spamless, words):
    for message in (PLAIN, PLAIN.replace(b"\r\n", b"\n")):
        status, out = spamc(spamless, *words, data=message)
        end = b"\r\n" if b"\r\n" in message else b"\n"
        head, body = out.split(2 * end, 1)
        assert status == 0 and body == message.split(2 * end, 1)[1]
        assert b"X-Spam-Flag: YES" + end in head and b"Subject: [SPAM] " in head
        if words != ("--headers",):
            assert (b"\r" in out) == (b"\r" in message)


MIXED = {
    "CRLF among LF": PLAIN.replace(b"\r\n", b"\n") + b"with CRLF\r\nand without\n\r\n\n",
    "LF among CRLF": PLAIN + b"without CR\nand with\r\n\n",
    "CR inside": PLAIN + b"a CR\r inside and\r\r\nlast",
    "large": PLAIN + (b"x" * 70 + b"\r\n") * 5000 + b"\n",
}


@pytest.mark.parametrize("name", MIXED)
def test_lines_end_as_they_came_however_they_are_mixed(spamless, name):
    message = MIXED[name]
    status, out = spamc(spamless, data=message)
    assert status == 0 and b"X-Spam-Flag: YES" in out
    where = message.index(b"\n\n" if b"\r" not in message.split(b"\n")[0] else b"\r\n\r\n")
    assert out[out.index(message[where:where + 4]):] == message[where:]


def test_what_would_be_refused_comes_back_marked(dns):
    refuses = 'actions { tag = -60  reject = -50 }\ncheck "greylist" { mode = off }'
    with Gateway(conf(dns.endpoint, rest=refuses)) as gateway:
        forged = b"X-Spam-Flag: NO\r\nX-Spam-Status: No, score=-10\r\n" + PLAIN
        status, out = spamc(gateway, data=forged)
        fields = parse(out)
        assert status == 0 and fields.get_all("X-Spam-Flag") == ["YES"]
        assert [value.split(",")[0] for value in fields.get_all("X-Spam-Status")] == ["Yes"]
        assert spamc(gateway, "-c")[0] == 1


def test_a_large_packed_message_of_spamc(spamless):
    message = PLAIN + b"".join(b"the same line again and again\r\n" * 20 + os.urandom(30).hex().encode() + b"\r\n"
                               for _ in range(2000))
    packed = zlib.compress(message)
    said = spamd(spamless.port, head(b"PROCESS", len(packed), b"Compress: zlib\r\n"), packed, half_close=True)
    assert said.startswith(b"SPAMD/1.1 0 EX_OK\r\n") and said.endswith(message[-100000:]), said[:200]


def test_a_message_goes_back_as_fast_as_it_is_taken(dns):
    """And is not thrown away when the gateway ends meanwhile."""
    message = PLAIN + (b"y" * 70 + b"\r\n") * 200000
    with Gateway(conf(dns.endpoint, rest=SPAMLESS)) as gateway:
        with Caller(gateway.port) as caller:
            caller.sendall(head(b"PROCESS", len(message)) + message)
            caller.shutdown(socket.SHUT_WR)
            start = caller.recv(100, socket.MSG_WAITALL)
            assert start.startswith(b"SPAMD/1.1 0 EX_OK\r\nContent-length: ")
            values = openmetrics.read(fetch(gateway.port, "/metrics")[2].decode())
            assert openmetrics.value(values, "postern_open_sessions", door="http") == 2
            gateway.process.terminate()
            gateway.wait_log("event=drain")
            assert (start + caller.everything()).endswith(message[-1000000:])


@pytest.mark.parametrize("command", [b"CHECK", b"SYMBOLS", b"REPORT", b"REPORT_IFSPAM", b"PROCESS", b"HEADERS"])
def test_fields_of_rspamd_mean_nothing_to_spamd(gateway, command):
    said = spamd(gateway.port, head(command, fields=b"Flags: skip,no_log\r\nPass: all\r\n"), MESSAGE)
    assert said.startswith(b"SPAMD/1.1 0 EX_OK\r\n")


def test_spamc_teaches_only_if_it_may(gateway):
    for kind in ("spam", "ham", "forget"):
        status, out = spamc(gateway, "-L", kind)
        assert status != 0 and b"learned" not in out.lower(), (status, out)
    gateway.wait_log("http.trusted")  # spamc itself says nothing


def test_spamc_over_a_unix_socket(gateway):
    command = [needs("spamc"), "-x", "-U", gateway.folder / "http", "-y"]
    ran = subprocess.run(command, input=MESSAGE, capture_output=True, timeout=30, check=False)
    assert ran.returncode == 0 and b"R_DKIM_NA" in ran.stdout


# --- the spam protocols, byte by byte ---------------------------------------------------------------------------------


def head(command, length=len(MESSAGE), fields=b"", version=b"SPAMC/1.5"):
    size = b"" if length is None else b"Content-length: %d\r\n" % length
    return command + b" " + version + b"\r\n" + size + fields + b"\r\n"


def test_pings_are_answered_however_they_end(gateway):
    for ping in (b"PING SPAMC/1.5\r\n\r\n", b"PING SPAMC/1.2\r\n", b"PING SPAMC/1.3\n\n"):
        assert spamd(gateway.port, ping) == b"SPAMD/1.5 0 PONG\r\n"
    assert spamd(gateway.port, b"PING RSPAMC/1.3\r\n\r\n") == b"RSPAMD/1.3 0 PONG\r\n"
    assert spamd(gateway.port, b"SKIP SPAMC/1.5\r\n\r\n") == b""


def test_a_message_may_end_with_the_connection(gateway):
    for version in (b"SPAMC/1.0", b"SPAMC/1.5"):
        said = spamd(gateway.port, head(b"CHECK", None, version=version), PLAIN, half_close=True)
        assert said.startswith(b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; ") and said.endswith(b" / 6.0\r\n\r\n"), said
    said = spamd(gateway.port, head(b"CHECK"), MESSAGE + b"more than it said", half_close=True)
    assert said.startswith(b"SPAMD/1.1 0 EX_OK\r\n")


def test_a_packed_message_of_spamc(gateway):
    packed = zlib.compress(MESSAGE)
    said = spamd(gateway.port, head(b"SYMBOLS", len(packed), b"Compress: zlib\r\nUser: joe\r\n"), packed)
    assert said.startswith(b"SPAMD/1.1 0 EX_OK\r\nContent-length: ") and b"R_DKIM_NA" in said
    said = spamd(gateway.port, head(b"SYMBOLS", 9, b"Compress: zlib\r\n"), b"not zlib!")
    assert said.startswith(b"SPAMD/1.0 76 ")


@pytest.mark.parametrize("request_, says", [
    (head(b"CHECK", 100) + b"short", b"SPAMD/1.0 76 Content-Length mismatch: Expected 100 bytes, got 5 bytes\r\n"),
    (b"CHECK SPAMC/1.5\r\nno colon\r\n\r\n", b"SPAMD/1.0 76 Bad header line: (no colon)\r\n"),
    (b"DANCE SPAMC/1.5\r\n\r\n", b"SPAMD/1.0 76 Bad header line: (DANCE ...)\r\n"),
    (b"CHECK SPAMC/2.0\r\n\r\n", b"SPAMD/1.0 76 Bad header line: (CHECK ...)\r\n"),
    (b"CHECK SPAMC/1.5\r\nContent-length: 3\r\nContent-length: 4\r\n\r\nabc",
     b"SPAMD/1.0 76 Content-Length stands twice\r\n"),
    (b"CHECK SPAMC/1.5\r\nContent-length: 99999999999\r\n\r\n", b"SPAMD/1.0 76 Content-length is too large\r\n"),
    (b"CHECK SPAMC/1.5\r\nContent-length: 99999999\r\n\r\n",
     b"SPAMD/1.0 76 the message is too large, or unpacks into too much\r\n"),
    (b"CHECK RSPAMC/1.3\r\nPath: /etc/passwd\r\n\r\n",
     b"RSPAMD/1.0 76 paths of this machine are not read for clients\r\n"),
    (b"CHECK RSPAMC/1.3\r\nIP: nowhere\r\nContent-length: 0\r\n\r\n", b"RSPAMD/1.0 65 IP: no address: nowhere\r\n"),
    (b"TELL SPAMC/1.5\r\nMessage-class: spam\r\nSet: local\r\nContent-length: 3\r\n\r\nabc",
     b"SPAMD/1.0 69 TELL commands are for the addresses in http.trusted alone\r\n"),
])
def test_what_is_wrong_is_said_as_spamd_says_it(gateway, request_, says):
    assert spamd(gateway.port, request_, half_close=True) == says


# What a message may bring into lines of ours.
FORGING = b"""From: a@plain.example\r
Subject: one\r
\tX-Two: \r
 Action: reject\r
Message-ID: <\x01"},{\xff\r
 Action: reject\r
\tSpam: True ; 99 / 1>\r
\r
text\r
"""


def test_a_message_forges_no_line_of_an_answer(spamless):
    said = spamd(spamless.port, b"CHECK RSPAMC/1.3\r\nContent-length: %d\r\n\r\n" % len(FORGING), FORGING)
    lines = said.split(b"\r\n")
    assert [line for line in lines if line.startswith((b"Action", b"Spam", b"X-Two"))] == [b"Action: rewrite subject"]
    assert b"\n" not in b"".join(lines) and b"\x01" not in said, said
    names = [line.split(b":")[0] for line in lines[1:-1]]
    assert set(names) == {b"Metric", b"Action", b"Subject", b"Symbol", b"Message-ID"}, said
    said = spamd(spamless.port, head(b"REPORT", len(FORGING)), FORGING)
    assert b"99 / 1" not in said and b"Action" not in said
    answer = scan(spamless.port, FORGING, b"")
    assert answer["action"] == "rewrite subject" and answer["message-id"].startswith('\x01"},{\ufffd')


def test_a_thousand_connections_are_heard_at_once(gateway):
    callers = []
    try:
        for _ in range(1000):
            callers.append(Caller(gateway.port))
            callers[-1].sendall(b"GET /ping HTTP/1.1\r\n")
        for caller in reversed(callers):
            assert caller.ask(b"\r\n")[2] == b"pong\r\n"
        assert b"Action: no action" in rspamc(gateway, *TOLD, "-F", SENDER, data=signed()).stdout
    finally:
        for caller in callers:
            caller.close()


# --- Exim -------------------------------------------------------------------------------------------------------------

EXIM_ACL = """
check_data:
  warn spam = nobody:true
       add_header = X-Seen: action=$spam_action score=$spam_score int=$spam_score_int
  deny condition = ${if eq{$spam_action}{reject}}
       message = refused: $spam_action
  defer condition = ${if eq{$spam_action}{soft reject}}
       message = later
  accept
"""


def exim(gateway, variant):
    address = f"spamd_address = 127.0.0.1 {gateway.port}{variant}\nacl_smtp_data = check_data\n"
    return Exim(main=address + "hosts_require_helo =\n", acl=EXIM_ACL)


def test_exim_with_the_variant_for_rspamd(gateway):
    with exim(gateway, " variant=rspamd") as mta:
        for sender, code, seen in ((SENDER, 250, "action=no action"), ("spam@sender.example", 250, "action=add header"),
                                   ("later@sender.example", 451, None), ("bad@sender.example", 550, None)):
            got, text = send_mail(mta.port, sender, RECIPIENT, MESSAGE, CLIENT["name"])
            assert got == code, (sender, text, mta.log[-2000:])
            if seen:
                assert any(seen in parse(m)["X-Seen"] for m in mta.wait_messages(1)), mta.messages()
        assert len(mta.wait_messages(2)) == 2
        scores = sorted(float(parse(m)["X-Seen"].split("score=")[1].split()[0]) for m in mta.messages())
        assert scores[0] < 6 <= scores[1]
    gateway.wait_log("helo=mail.sender.example from=spam@sender.example rcpts=1 to=user@example.org")


def test_exim_without_a_variant(gateway, spamless):
    with exim(gateway, "") as mta:
        code, text = send_mail(mta.port, SENDER, RECIPIENT, PLAIN, CLIENT["name"])
        assert code == 250, (text, mta.log[-2000:])
        assert "score=" in parse(mta.wait_messages(1)[0])["X-Seen"]
    with exim(spamless, "") as mta:
        code, text = send_mail(mta.port, SENDER, RECIPIENT, PLAIN, CLIENT["name"])
        assert code == 550, (text, mta.log[-2000:])


# --- OpenSMTPD --------------------------------------------------------------------------------------------------------


def test_opensmtpd_with_its_filter_for_rspamd(gateway):
    with OpenSmtpd(filter=f"filter-rspamd -url http://127.0.0.1:{gateway.port}") as mta:
        for sender, codes in ((SENDER, {250}), ("spam@sender.example", {250}), ("later@sender.example", {421, 451}),
                              ("bad@sender.example", {550})):
            code, text = send_mail(mta.port, sender, RECIPIENT, PLAIN, CLIENT["name"])
            assert code in codes, (sender, code, text, mta.log[-2000:])
        wait_for(lambda: len(mta.messages()) == 2, 20, f"two messages; its log:\n{mta.log[-3000:]}")
        for message in mta.messages():
            fields = parse(message)
            assert fields["Authentication-Results"].startswith("mx.example.org;"), message
            assert "dmarc=none" in fields["Authentication-Results"], message
            assert message.replace(b"\r\n", b"\n").endswith(PLAIN.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1])
        assert sorted(parse(m)["X-Spam"] or "" for m in mta.messages()) == ["", "yes"]  # the filter's own field

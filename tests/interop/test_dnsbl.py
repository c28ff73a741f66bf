# tests/interop/test_dnsbl.py - DNS lists out of a real nsd: hits, refusals, dead lists, and lists that recover.
import hashlib
import json
import subprocess

import pytest

from process import BUILD
from servers import Gateway, Nsd

MAIL = b"From: a@sender.example\r\nTo: b@here.example\r\nSubject: hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n" \
       b"Message-ID: <1@sender.example>\r\n\r\nHello.\r\n"

V6 = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"  # 2001:db8::7

ZONE = f"""
7.113.0.203.in-addr.arpa. PTR mx.sender.example.
mx.sender.example. A 203.0.113.7

2.0.0.127.bl.example. A 127.0.0.2
7.113.0.203.bl.example. A 127.0.0.2
7.113.0.203.bl.example. TXT "listed for spam, see https://bl.example/7"
{V6}.bl.example. A 127.0.0.3
9.113.0.203.bl.example. A 127.0.0.2
9.113.0.203.bl.example. A 127.0.0.9
8.113.0.203.bl.example. A 127.255.255.254

2.0.0.127.bits.example. A 127.0.0.24
7.113.0.203.bits.example. A 127.0.0.24

2.0.0.127.secret-key.bl.example. A 127.0.0.2
7.113.0.203.secret-key.bl.example. A 127.0.0.2

*.all.example. A 127.0.0.2
*.parked.example. A 198.51.100.99
2.0.0.127.wl.example. A 127.0.0.2
7.113.0.203.wl.example. A 127.0.5.3

test.dbl.example. A 127.0.1.2
sender.example.dbl.example. A 127.0.1.2
mx.sender.example.dbl.example. A 127.0.1.4

test.uri.example. A 127.0.0.2
evil.com.uri.example. A 127.0.0.4
www.evil.com. A 203.0.113.9
9.113.0.203.uri.example. A 127.0.0.2
{hashlib.sha1(b"badguy@gmail.com").hexdigest()}.uri.example. A 127.0.0.2
"""

OFF = ("rdns", "helo", "spf", "sender", "dkim", "dmarc", "arc")
QUIET = "\n".join(f'check "{name}" {{ mode = off }}' for name in OFF)


@pytest.fixture(scope="module")
def dns():
    with Nsd(ZONE, broken=["broken.example"]) as server:
        yield server


def scan(dns, folder, checks, client="203.0.113.7", helo="mx.sender.example", sender="a@sender.example", mail=MAIL):
    """The findings, {symbol: finding}, and all that was printed."""
    conf = folder / "gateway.conf"
    conf.write_text(f'hostname = "mx.here.example"\nstate = "{folder}"\n'
                    f'dns {{ servers = {{"{dns.endpoint}"}} }}\n{checks}\n')
    done = subprocess.run([BUILD / "postern", "scan", "-c", conf, "--json", "--client-ip", client, "--helo", helo,
                           "--from", sender, "--rcpt", "b@here.example", "-"],
                          input=mail, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    findings = {f["symbol"]: f for check in found["checks"] for f in check["findings"]}
    return findings, done.stdout.decode() + done.stderr.decode()


CLIENTS = [
    # list                                                            client         symbol           score
    ('zone "bl.example" { score = 4.0 }', "203.0.113.7", "RBL_BL_EXAMPLE", 4.0),
    ('zone "bl.example" { score = 4.0 }', "2001:db8::7", "RBL_BL_EXAMPLE", 4.0),
    ('zone "bl.example" { score = 4.0 }', "203.0.113.99", None, None),
    ('zone "bl.example" { score = 4.0 }', "203.0.113.8", "RBL_BLOCKED", 0.0),
    ('zone "bl.example" { answer "127.0.0.3" { score = 1.5 } }', "2001:db8::7", "RBL_BL_EXAMPLE", 1.5),
    ('zone "bl.example" { answer "127.0.0.3" { score = 1.5 } }', "203.0.113.7", None, None),
    ('zone "bl.example" { answer "127.0.0.[8..10]" { score = 2.0 symbol = "NINE" } '
     'answer "127.0.0.2" { score = 1.0 symbol = "TWO" } }', "203.0.113.9", "NINE", 2.0),
    ('zone "bits.example" { answer "mask 0.0.0.16" { score = 3.0 symbol = "BIT16" } }', "203.0.113.7", "BIT16", 3.0),
    ('zone "bits.example" { answer "mask 0.0.0.4" { score = 3.0 symbol = "FOUR" } }', "203.0.113.7", None, None),
    ('zone "wl.example" { answer "127.0.[0..255].3" { score = -0.5 symbol = "GOOD" } }', "203.0.113.7", "GOOD", -0.5),
    # lists that are not in order: they count nothing
    ('zone "all.example" { score = 9.0 }', "203.0.113.7", "RBL_BROKEN", 0.0),
    ('zone "dead.example" { score = 9.0 }', "203.0.113.7", "RBL_BROKEN", 0.0),
    ('zone "parked.example" { score = 9.0 }', "203.0.113.7", "RBL_BROKEN", 0.0),
    ('zone "parked.example" { score = 9.0 test = no }', "203.0.113.7", "RBL_BROKEN", 0.0),
    ('zone "broken.example" { score = 9.0 } zone "bl.example" { score = 4.0 }', "203.0.113.7", "RBL_NO_ANSWER", 0.0),
    # known lists, under another name
    ('zone "bl.example" { like = "zen.spamhaus.org" }', "2001:db8::7", "RBL_SPAMHAUS_CSS", 2.0),
]


@pytest.mark.parametrize("lists,client,symbol,score", CLIENTS)
def test_clients_are_looked_up(dns, tmp_path, lists, client, symbol, score):
    findings, _ = scan(dns, tmp_path, f'{QUIET}\ncheck "dnsbl" {{ {lists} }}', client)
    if symbol:
        assert findings[symbol]["score"] == score
    counted = {s for s, f in findings.items() if f["score"]}
    assert counted <= {symbol, "RBL_BL_EXAMPLE"}, findings


def test_the_lists_own_words_are_shown_when_wanted(dns, tmp_path):
    for explain in ("yes", "no"):
        lists = f'zone "bl.example" {{ score = 4.0 explain = {explain} }}'
        findings, _ = scan(dns, tmp_path, f'{QUIET}\ncheck "dnsbl" {{ {lists} }}')
        assert ("https://bl.example/7" in findings["RBL_BL_EXAMPLE"]["reason"]) == (explain == "yes")


def test_a_key_in_a_lists_name_is_never_shown(dns, tmp_path):
    (tmp_path / "key").write_text("secret-key\n")
    lists = f'zone "paid" {{ name = "{{file:{tmp_path}/key}}.bl.example" score = 4.0 }}'
    findings, printed = scan(dns, tmp_path, f'{QUIET}\ncheck "dnsbl" {{ {lists} }}')
    assert findings["RBL_PAID"]["score"] == 4.0
    assert "secret-key" not in printed


def test_domains_are_looked_up(dns, tmp_path):
    lists = 'zone "dbl.example" { like = "dbl.spamhaus.org" test_listed = "test" }'
    findings, _ = scan(dns, tmp_path, f'check "rhsbl" {{ {lists} }}')
    assert findings["DBL_PHISH"]["score"] == 7.5
    assert findings["DBL_SPAM"]["score"] == 0  # counted once, by the worse answer
    assert "client name mx.sender.example" in findings["DBL_PHISH"]["reason"]


MESSAGES = [
    # list                                                    text                                      symbol
    ('score = 4.0', b"see http://www.evil.com/x", "URIBL_URI_EXAMPLE"),
    ('score = 4.0', b"see http://www.good.com/x", None),
    ('like = "multi.uribl.com" test_listed = "test"', b"see http://www.evil.com/x", "URIBL_GREY"),
    ('score = 4.0 of = {numbers}', b"see http://0xcb.0.113.9/x", "URIBL_URI_EXAMPLE"),
    ('score = 4.0 of = {addresses}', b"see hxxp://www[.]evil[.]com/x", "URIBL_URI_EXAMPLE"),
    ('like = "ebl.msbl.org"', b"write to Bad.Guy+now@gmail.com", "MSBL_EBL"),
]


@pytest.mark.parametrize("zone,text,symbol", MESSAGES)
def test_what_stands_in_a_message_is_looked_up(dns, tmp_path, zone, text, symbol):
    test = "" if "test" in zone or "like" in zone else "test = no "
    conf = f'{QUIET}\ncheck "uribl" {{ zone "uri.example" {{ {test}{zone} }} }}'
    findings, _ = scan(dns, tmp_path, conf, mail=MAIL.replace(b"Hello.", text))
    counted = {s for s, f in findings.items() if f["score"] and s.startswith(("URIBL", "MSBL"))}
    assert counted == ({symbol} if symbol else set()), findings


RUN = """
hostname = "mx.here.example"
state = "{folder}/state"
dns { servers = {"%s"} }
smtp { listen = {"127.0.0.1:{port}"} next_hop = "smtp://127.0.0.1:9" }
check "dnsbl" { test_every = 1s aside = 1s
    zone "bl.example" { score = 4.0 }
    zone "all.example" { score = 4.0 } }
check "rhsbl" { test_every = 1s aside = 1s zone "dbl.example" { score = 4.0 } }
"""

# Short lives, so that the resolver's cache does not hide the change.
BAD = "*.all.example. 1 A 127.0.0.2\n2.0.0.127.bl.example. 1 A 127.255.255.252\n"
GOOD = "2.0.0.127.bl.example. 1 A 127.0.0.2\n2.0.0.127.all.example. 1 A 127.0.0.2\ntest.dbl.example. 1 A 127.0.1.2\n"


def test_lists_are_tested_at_start_put_aside_and_taken_back():
    with Nsd(BAD) as bad:
        port = bad.port
        with Gateway(RUN % bad.endpoint) as gateway:
            gateway.wait_log("list bl.example refuses our questions")
            gateway.wait_log("list all.example lists its test point that must not be listed")
            gateway.wait_log("list dbl.example does not list its test point")
            bad.end()
            good = Nsd(GOOD)
            good.port = port
            with good:
                for name in ("dnsbl/bl.example", "dnsbl/all.example", "rhsbl/dbl.example"):
                    gateway.wait_log(f"{name} is in order again", 90)

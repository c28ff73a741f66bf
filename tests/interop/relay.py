# tests/interop/relay.py - what the tests with a real next hop share: a signed message, its DNS, a gateway.conf, swaks.
import subprocess

import dkim

from mail import dkim_key, dkim_record, dkim_sign, parse, unfold, zone_dnsfunc
from servers import needs

SENDER, RECIPIENT = "ada@sender.example", "user@example.org"
CLIENT = {"addr": "192.0.2.25", "name": "mail.sender.example"}

MESSAGE = b"""From: Ada <ada@sender.example>\r
To: User <user@example.org>\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and a line\r
\tthat is folded\r
Date: Mon, 23 Nov 2026 09:00:00 +0000\r
Message-ID: <one@sender.example>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
Gr\xc3\xbc\xc3\x9fe,  with  blanks   \r
\r
..a line that begins with dots\r
.\tand another\r
\r
\r
"""

ALGORITHMS = {"r": "rsa-sha256", "e": "ed25519-sha256"}


def zone():
    lines = ["sender.example. MX 10 mail.sender.example.", "sender.example. TXT \"v=spf1 ip4:192.0.2.25 -all\"",
             "_dmarc.sender.example. TXT \"v=DMARC1; p=reject\"", "mail.sender.example. A 192.0.2.25",
             "25.2.0.192.in-addr.arpa. PTR mail.sender.example.", "plain.example. MX 10 mail.sender.example."]
    return "\n".join(lines + [dkim_record(f"{s}._domainkey.sender.example.", a) for s, a in ALGORITHMS.items()])


def signed():
    message = MESSAGE
    for selector, algorithm in ALGORITHMS.items():
        message = dkim_sign(message, "sender.example", selector, algorithm)
    return message


def conf(dns, next_hop, smtp="", rest=""):
    return f"""
hostname = "mx.example.org"
state = "{{folder}}/state"
user = "nobody"
dns {{ servers = {{"{dns.endpoint}"}}  dnssec = no }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "{next_hop}"
    relay_domains = {{"example.org"}}
    xclient_clients = {{"127.0.0.1"}}
    {smtp}
}}
check "greylist" {{ mode = off }}
{rest}
"""


def still_verifies(delivered, index):
    """The index-th signature from the top, by python3-dkim, on what was delivered (CRLF again)."""
    keys = {f"{s}._domainkey.sender.example":
            f"v=DKIM1; k={'ed25519' if s == 'e' else 'rsa'}; p={dkim_key(a)[1]}" for s, a in ALGORITHMS.items()}
    crlf = delivered.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    try:
        return dkim.DKIM(crlf).verify(index, dnsfunc=zone_dnsfunc(keys))
    except dkim.ValidationError:
        return False


def results(delivered):
    """Our Authentication-Results, unfolded."""
    fields = parse(delivered).get_all("Authentication-Results") or []
    return [unfold(field) for field in fields if unfold(field).startswith("mx.example.org")]


def swaks(port, *options, recipient=RECIPIENT, data=None):
    command = [needs("swaks"), "--server", f"127.0.0.1:{port}", "--from", SENDER, "--to", recipient, "--helo",
               CLIENT["name"], "--timeout", "60", "--xclient", f"ADDR={CLIENT['addr']} NAME={CLIENT['name']}", *options]
    if data is not None:
        command += ["--data", "-"]
    ran = subprocess.run(command, input=data, capture_output=True, check=False, timeout=120)
    return ran.returncode, ran.stdout.decode(errors="replace")

# tests/kit/milter_desk.py - what the dialogues with the milter door share: a gateway, its DNS, messages.
import os
import pwd

from mail import dkim_key, dkim_record, dkim_sign, zone_dnsfunc
from milter import split
from servers import Gateway

ZONE = ["sender.example. TXT \"v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all\"",
        "sender.example. MX 10 mail.sender.example.",
        "_dmarc.sender.example. TXT \"v=DMARC1; p=quarantine\"", "mail.sender.example. A 192.0.2.25",
        "mail.sender.example. AAAA 2001:db8::25", "25.2.0.192.in-addr.arpa. PTR mail.sender.example.",
        dkim_record("r._domainkey.sender.example.")]
CONF = """
hostname = "mx.example.org"
user = "{user}"
log {{ level = info }}
dns {{ servers = {{"{dns}"}}  dnssec = no }}
actions {{ subject = "[SPAM] " }}
milter {{ listen = {{"inet:{{port}}@127.0.0.1", "unix:{{folder}}/milter.sock"}}  packet_timeout = 1s {keys} }}
check "greylist" {{ mode = off }}
check "dmarc" {{ on_quarantine = quarantine }}
check "lists" {{
    list "refused" {{ match = recipient  entries = {{"refused@example.org"}}  action = reject  text = "100% unwanted" }}
    list "later"     {{ match = recipient  entries = {{"later@example.org"}}  action = defer }}
    list "dropped"   {{ match = sender  entries = {{"dropped@sender.example"}}  action = discard }}
    list "spammer"   {{ match = sender  entries = {{"spammer@sender.example"}}  action = score  score = 7.0 }}
    list "worse"     {{ match = sender  entries = {{"worse@sender.example"}}  action = score  score = 20.0 }}
}}
profile "strict" {{ recipients = {{"strict.example"}}  actions {{ tag = 1.0 }} }}
{more}
"""
PLAIN = b"From: ada@sender.example\r\nTo: user@example.org\r\nSubject: hello\r\n" \
        b"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\nhello\r\n"


def gateway(dns, keys="", more="", old="", new="", conf=CONF, **options):
    text = conf.format(user=pwd.getpwuid(os.getuid()).pw_name, dns=dns.endpoint, keys=keys, more=more)
    return Gateway(text.replace(old, new, 1) if old else text, **options)


def sign(message):
    return dkim_sign(message, "sender.example", "r")


def verifies(message):
    import dkim

    keys = {"r._domainkey.sender.example": f"v=DKIM1; k=rsa; p={dkim_key('rsa-sha256')[1]}"}
    return dkim.DKIM(message).verify(0, dnsfunc=zone_dnsfunc(keys))


def names(message):
    return [name.decode() for name, _ in split(message)[0]]


def message(head=b"", body=b"hello\r\n"):
    return PLAIN.split(b"\r\n\r\n")[0] + b"\r\n" + head + b"\r\n" + body

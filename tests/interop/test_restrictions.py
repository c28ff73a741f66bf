# tests/interop/test_restrictions.py - Postfix's restrictions, as symbols that refuse mail: the same reply through every
# door, and none of them for mail to postmaster.
import json
import re
import socket

import pytest

from mail import Client
from milter import Milter
from process import free_port
from scan_api import scan
from servers import Gateway, Nsd

ZONE = """
7.2.0.192.in-addr.arpa. PTR mail.good.example.
mail.good.example. A 192.0.2.7
good.example. MX 10 mail.good.example.
null.example. MX 0 .
inside.example. MX 10 mx.inside.example.
mx.inside.example. A 10.1.1.1
badmx.example. MX 10 mx.badmx.example.
mx.badmx.example. A 203.0.113.66
"""
CONF = """
hostname = "mx.example.org"
dns { servers = {"{dns}"}  dnssec = no }
smtp { listen = {"127.0.0.1:{port}"}  next_hop = "maildir:{folder}/mail"  relay_domains = {"example.org"}
       xclient_clients = {"127.0.0.1"} }
milter { listen = {"127.0.0.1:{milter}"} }
policy { listen = {"127.0.0.1:{policy}"} }
http { listen = {"127.0.0.1:{http}"} }
check "greylist" { mode = off }
check "rdns" { symbol "RDNS_NONE" { action = defer } }
check "helo" {
    own_addresses = {"198.51.100.1"}
    symbol "HFILTER_HELO_OWN_NAME" { action = reject }       symbol "HFILTER_HELO_OWN_IP" { action = reject }
    symbol "HFILTER_HELO_BADIP" { action = reject }          symbol "HFILTER_HELO_LOCALHOST" { action = reject }
    symbol "HFILTER_HELO_NOT_FQDN" { action = reject }       symbol "HFILTER_HELO_NORES_A_OR_MX" { action = defer }
}
check "sender" {
    bad_mx = {"203.0.113.66"}
    symbol "HFILTER_FROMHOST_NOT_FQDN" { action = reject }   symbol "HFILTER_FROMHOST_NORES_A_OR_MX" { action = defer }
    symbol "SENDER_NULL_MX" { action = reject }              symbol "SENDER_MX_BOGON" { action = reject }
    symbol "SENDER_MX_BAD" { action = reject }
}
check "recipient" { symbol "HFILTER_RCPT_BOUNCEMOREONE" { action = reject } }
"""
GOOD = {"client": "192.0.2.7", "helo": "mail.good.example", "sender": "joe@good.example"}
USERS = ["user@example.org", "two@example.org"]
MESSAGE = b"From: joe@good.example\r\nSubject: hello\r\n\r\nHello.\r\n"
# What is wrong, and the reply: code, enhanced code, text. The last recipient's counts.
CASES = [
    ({}, None),
    ({"sender": "joe@[192.0.2.7]"}, None),
    ({"sender": ""}, None),
    ({"client": "192.0.2.99"}, (450, "4.7.1", "Client host rejected: cannot find your reverse hostname")),
    ({"helo": "mail"}, (504, "5.5.2", "Helo command rejected: need fully-qualified hostname")),
    ({"helo": "localhost"}, (550, "5.7.1", "Helo command rejected: You are not me")),
    ({"helo": "mx.example.org"}, (550, "5.7.1", "Helo command rejected: You are not me")),
    ({"helo": "[198.51.100.1]"}, (550, "5.7.1", "Helo command rejected: You are not me")),
    ({"helo": "[203.0.113.5]"}, (550, "5.7.1", "Helo command rejected: Not your address")),
    ({"helo": "gone.example"}, (450, "4.7.1", "Helo command rejected: Host not found")),
    ({"sender": "joe@host"}, (504, "5.5.2", "Sender address rejected: need fully-qualified address")),
    ({"sender": "joe@gone.example"}, (450, "4.1.8", "Sender address rejected: Domain not found")),
    ({"sender": "joe@null.example"}, (550, "5.7.27", "Sender address rejected: Domain does not accept mail (nullMX)")),
    ({"sender": "joe@inside.example"}, (550, "5.7.27", "Sender address rejected: Mail hosts of the domain cannot be")),
    ({"sender": "joe@badmx.example"}, (554, "5.7.1", "Sender address rejected: Access denied")),
    ({"sender": "", "recipients": USERS}, (550, "5.5.3", "Recipient address rejected: Multi-recipient bounce")),
]


@pytest.fixture(scope="module")
def doors():
    ports = {name: free_port() for name in ("milter", "policy", "http")}
    with Nsd(ZONE) as dns:
        conf = CONF.replace("{dns}", dns.endpoint)
        for name, port in ports.items():
            conf = conf.replace("{%s}" % name, str(port))
        with Gateway(conf) as gateway:
            yield {"smtp": gateway.port, **ports}


def name_of(client):
    return "mail.good.example" if client == "192.0.2.7" else None


def by_smtp(port, client, helo, sender, recipients):
    with Client(port, helo) as smtp:
        smtp.ehlo()
        smtp.xclient(addr=client, name=name_of(client) or "[UNAVAILABLE]", helo=helo)
        smtp.ehlo()
        smtp.mail(sender)
        code, text = [smtp.rcpt(recipient) for recipient in recipients][-1]
    return None if code == 250 else (code, *re.fullmatch(r"(\S+) (.*) \(id \w+\)", text.decode()).groups())


def by_milter(port, client, helo, sender, recipients):
    with Milter(port) as mta:
        mta.negotiate()
        mta.connect(client, name_of(client) or f"[{client}]")
        mta.helo(helo)
        mta.mail(sender)
        command, data = [mta.rcpt(recipient) for recipient in recipients][-1]
        mta.quit()
    if command == "c":
        return None
    assert command == "y", (command, data)
    code, enhanced, text = re.match(r"(\d+) (\S+) (.*?)( \(id \w+\))?\0", data.decode()).groups()[:3]
    return int(code), enhanced, text


def by_policy(port, client, helo, sender, recipients):
    name = name_of(client) or "unknown"
    lines = {"request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP", "sender": sender,
             "client_address": client, "client_name": name, "reverse_client_name": name, "helo_name": helo,
             "client_port": "40000", "instance": "one.1"}
    with socket.create_connection(("127.0.0.1", port), 20) as s, s.makefile("rb") as answers:
        for recipient in recipients:
            request = {**lines, "recipient": recipient}
            s.sendall("".join(f"{key}={value}\n" for key, value in request.items()).encode() + b"\n")
            answer = answers.readline().decode()
            assert answers.readline() == b"\n"
    if answer == "action=DUNNO\n" or answer.startswith("action=PREPEND"):
        return None
    code, enhanced, text = re.fullmatch(r"action=(\d+|DEFER_IF_PERMIT) (\S+) (.*)\n", answer).groups()
    return 450 if code == "DEFER_IF_PERMIT" else int(code), enhanced, text


def by_http(port, client, helo, sender, recipients):
    fields = [("IP", client), ("Helo", helo), ("From", sender or "<>"), *(("Rcpt", one) for one in recipients)]
    if name_of(client):
        fields.append(("Hostname", name_of(client)))
    answer = scan(port, MESSAGE, "".join(f"{name}: {value}\r\n" for name, value in fields).encode())
    if answer["action"] in ("no action", "add header"):
        return None
    assert answer["action"] in ("reject", "soft reject"), json.dumps(answer)
    return answer["action"], answer["messages"]["smtp_message"]


DOORS = {"smtp": by_smtp, "milter": by_milter, "policy": by_policy}


@pytest.mark.parametrize("odd, reply", CASES, ids=[" ".join(map(str, odd.values())) or "good" for odd, _ in CASES])
def test_every_door_says_the_same(doors, odd, reply):
    mail = {**GOOD, "recipients": USERS[:1], **odd}
    for name, ask in DOORS.items():
        said = ask(doors[name], **mail)
        assert (said and said[:2]) == (reply and reply[:2]) and (not said or said[2].startswith(reply[2])), (name, said)
    said = by_http(doors["http"], **mail)
    if reply:
        assert said[0] == ("reject" if reply[0] >= 500 else "soft reject") and reply[2] in said[1], said
    else:
        assert said is None, said


def test_postmaster_hears_of_all_of_them(doors):
    for odd, _ in CASES:
        mail = {**GOOD, **odd, "recipients": ["postmaster@example.org"]}
        for name, ask in {**DOORS, "http": by_http}.items():
            assert ask(doors[name], **mail) is None, (name, odd)

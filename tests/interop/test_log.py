# tests/interop/test_log.py - what the log tells: one line per message and per refusal, with the id that the client got.
import json
import re
import shutil
import smtplib
from email import message_from_bytes

import pytest

from process import wait_for
from servers import Gateway, Nsd

CONF = """
hostname = "mx.example.org"
log { format = FORMAT }
dns { servers = {"DNS"}  dnssec = no }
smtp {
    listen = {"127.0.0.1:{port}"}
    next_hop = "maildir:{folder}/mail"
    relay_domains = {"example.org"}
    xclient_clients = {"127.0.0.1"}
    memory = 4KiB
    connections = 2
}
check "dnsbl" { zone "bl.example" { score = 7.0 } }
check "greylist" { mode = off }
"""
ID = r"[0-9A-HJKMNP-TV-Z]{26}"


@pytest.fixture(scope="module")
def dns():
    with Nsd("2.0.0.127.bl.example. A 127.0.0.2\n") as server:
        yield server.endpoint


def conf(dns, form="logfmt"):
    return CONF.replace("DNS", dns).replace("FORMAT", form)


def events(gateway, name):
    """Lines of that event, as dictionaries, in either format."""
    found = []
    for line in gateway.log.splitlines():
        if line.startswith("{"):
            event = json.loads(line)
        else:
            event = {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)}
        if event.get("event") == name:
            found.append(event)
    return found


def wait_event(gateway, name):
    wait_for(lambda: events(gateway, name), 20, f"event={name} in the log:\n{gateway.log}")
    return events(gateway, name)[-1]


def talk(client, to="user@example.org", size=100):
    """The reply to the message, or to the command that was refused."""
    client.ehlo("mail.example.com")
    client.docmd("XCLIENT", "ADDR=192.0.2.7 NAME=mail.example.com")
    client.ehlo("mail.example.com")
    for reply in (client.mail("sender@example.com"), client.rcpt(to)):
        if reply[0] >= 400:
            return reply
    try:
        return client.data(b"From: a@example.com\r\nSubject: s\r\n\r\n" + b"a line\r\n" * (size // 8))
    except smtplib.SMTPDataError as refused:
        return refused.smtp_code, refused.smtp_error


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_the_id_is_the_same_in_reply_received_and_log(dns, form):
    with Gateway(conf(dns, form)) as gateway:
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60) as client:
            code, text = talk(client)
        assert code == 250, text
        told = re.search(rf"\(id ({ID})\)", text.decode())[1]
        assert f" id {told}" in " ".join(message_from_bytes(gateway.mails()[0])["Received"].split())
        line = wait_event(gateway, "message")
        assert line["id"] == told
        assert (line["client"], line["from"], line["to"]) == ("192.0.2.7", "sender@example.com", "user@example.org")
        assert (line["action"], int(line["code"])) == ("accept", 250)


def test_evidence_that_is_missing_stands_in_the_line():
    with Gateway(conf("127.0.0.1:9", "json")) as gateway:
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60) as client:
            assert talk(client)[0] == 250
        line = wait_event(gateway, "message")
        assert "dnsbl: no list answered" in line["missing"]
        assert "R_SPF_DNSFAIL" in line["symbols"] and "DMARC_DNSFAIL" in line["symbols"]


def test_a_refused_recipient_and_a_refused_connection_have_a_line_each(dns):
    with Gateway(conf(dns)) as gateway:
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60) as client:
            code, text = talk(client, to="user@elsewhere.example")
            assert code == 554
            line = wait_event(gateway, "refused")
            assert line["id"] in text.decode() and line["code"] == "554" and line["client"] == "192.0.2.7"
            with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60), pytest.raises(smtplib.SMTPConnectError) as third:
                smtplib.SMTP("127.0.0.1", gateway.port, timeout=60)
            assert third.value.smtp_code == 421
        wait_for(lambda: len(events(gateway, "refused")) == 2, 20, "the refused connection")
        line = events(gateway, "refused")[-1]
        assert (line["what"], line["client"], line["code"]) == ("connection", "127.0.0.1", "421")


def test_a_spool_that_cannot_be_written_defers_and_tells_the_operator_why(dns):
    with Gateway(conf(dns)) as gateway:
        shutil.rmtree(gateway.folder / "state")
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60) as client:
            code, text = talk(client, size=1000000)
            assert code == 452 and text.startswith(b"4.3.1"), text
        assert "No such file or directory" in wait_event(gateway, "alarm")["text"]
        assert wait_event(gateway, "message")["action"] == "defer"
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60) as client:
            assert talk(client)[0] == 250  # a small one needs no file

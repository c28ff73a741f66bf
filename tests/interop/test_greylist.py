# tests/interop/test_greylist.py - greylisting by the program itself, over SMTP: who comes again passes, and a restart
# forgets nothing. Time passes by itself: delays are short.
import json
import re
import subprocess
import time

import pytest

from mail import Client, parse, send_mail
from process import BUILD, wait_for
from servers import Gateway, Nsd, Postfix

CONF = """
hostname = "mx.example.org"
dns { servers = {"{dns}"}  dnssec = no }
smtp {
    listen = {"127.0.0.1:{port}"}
    next_hop = "maildir:{folder}/mail"
    relay_domains = {"example.org"}
    relay_clients = {"198.51.100.0/24"}
    xclient_clients = {"127.0.0.1"}
}
check "sender" { mode = off }
check "greylist" { delay = 3s  retry_window = 5m  {greylist} }
"""
ZONE = """
7.113.0.203.in-addr.arpa. PTR mx.sender.example.
mx.sender.example. A 203.0.113.7
pool.example. TXT "v=spf1 ip4:203.0.113.0/24 ip4:192.0.2.0/24 -all"
"""
STRANGER = {"addr": "203.0.113.99", "name": "[UNAVAILABLE]"}
SENDER, USER = "joe@sender.example", "user@example.org"
MAIL = "From: joe@sender.example\r\nSubject: hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n" \
       "Message-ID: <1@sender.example>\r\nX-Greylist: never\r\n\r\nHello.\r\n"
TWO_AUTHORS = MAIL.replace("From:", "From: ann@other.example\r\nFrom:", 1)  # 9 points: tagged, not refused


@pytest.fixture(scope="module")
def dns():
    with Nsd(ZONE) as server:
        yield server


def gateway(dns, greylist="", rest=""):
    return Gateway(CONF.replace("{dns}", dns.endpoint).replace("{greylist}", greylist) + rest)


def restart(server):
    def starts():
        return server.log.count("event=ready")

    before = starts() or server.log.count("ready")
    server.end()
    server.start()
    wait_for(lambda: (starts() or server.log.count("ready")) > before, 20, "the gateway to start again")


def seconds_left(text):
    """Of a reply 4.7.1 that asks to come again."""
    found = re.fullmatch(r"4\.7\.1 Greylisted, please try again in (\d+) seconds.*", text, re.S)
    assert found, text
    return int(found[1])


def try_until_taken(send, seconds=30):
    """Sends until it is taken, as a mail server would; the number of tries that were put off."""
    end = time.monotonic() + seconds
    for tries in range(1000):
        code, text = send()
        if code == 250:
            return tries
        assert code == 451 and seconds_left(text) <= 3, (code, text)
        assert time.monotonic() < end, text
        time.sleep(0.2)
    raise AssertionError("never taken")


def test_who_comes_again_passes_also_after_a_restart(dns):
    with gateway(dns, "when = always") as server:
        def send(to=USER, mail=MAIL, addr="203.0.113.99"):
            return send_mail(server.port, SENDER, to, mail, xclient={**STRANGER, "addr": addr})

        code, text = send()
        assert (code, seconds_left(text)) == (451, 3)
        server.wait_log("event=refused what=recipient ")
        why = "GREYLIST: g:{203.0.113.0/24}/joe@sender.example/user@example.org (its network), always: new, 3 s to wait"
        assert re.search(r"action=greylist score=\S+ by=greylist .*why=\"" + re.escape(why), server.log), server.log
        assert not server.mails()
        restart(server)
        code, text = send(addr="203.0.113.5")  # another server of the same network
        assert code == 451 and seconds_left(text) <= 3, text
        assert try_until_taken(send) >= 0
        delivered = parse(server.mails()[0])
        fields = delivered.get_all("X-Greylist")
        assert len(fields) == 1 and "never" not in fields[0]  # the sender's own field is gone
        waited = re.fullmatch(r"delayed (\d+) seconds by postern-\S+ at mx\.example\.org; \w{3}, .* \+0000",
                              " ".join(fields[0].split()))
        assert waited and 3 <= int(waited[1]) < 60, fields
        restart(server)
        assert send()[0] == 250  # passed before
        mails = [parse(mail) for mail in server.mails()]
        assert sorted(len(mail.get_all("X-Greylist") or []) for mail in mails) == [1, 1]
        assert sum("never" in mail["X-Greylist"] for mail in mails) == 1  # untouched, where we have nothing to say
        assert send("other@example.org")[0] == 451


def test_a_real_postfix_comes_again_also_to_a_restarted_gateway(dns):
    with gateway(dns, "when = always  skip = {}") as server:
        patience = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\nqueue_run_delay = 1s\n"
        route = f"relayhost = [127.0.0.1]:{server.port}\nsmtp_destination_recipient_limit = 50\n"
        with Postfix(("joe@sender.example",), extra=patience + route, hostname="mx.sender.example") as postfix:
            to = [USER, "other@example.org"]
            assert send_mail(postfix.port, SENDER, to, MAIL)[0] == 250
            wait_for(lambda: "said: 451 4.7.1 Greylisted, please try again in 3 seconds" in postfix.log, 20,
                     f"Postfix to be put off:\n{postfix.log[-2000:]}")
            restart(server)
            wait_for(lambda: len(server.mails()) == 1, 120, f"Postfix to come again:\n{postfix.log[-3000:]}")
            wait_for(lambda: postfix.log.count("status=sent") == 2, 10, "both recipients to have it")
            assert len(server.mails()) == 1
            fields = parse(server.mails()[0]).get_all("X-Greylist")
            assert len(fields) == 1 and int(re.match(r"delayed (\d+) seconds by postern-", fields[0])[1]) >= 3, fields


def test_recipients_wait_each_for_himself(dns):
    with gateway(dns, "when = always") as server:
        def send():
            return send_mail(server.port, SENDER, USER, MAIL, xclient=STRANGER)

        assert send()[0] == 451
        try_until_taken(send)
        with Client(server.port) as smtp:
            smtp.ehlo()
            smtp.xclient(**STRANGER)
            smtp.ehlo()
            smtp.mail(SENDER)
            assert smtp.rcpt("new@example.org")[0] == 451
            assert smtp.rcpt(USER)[0] == 250
            assert smtp.rcpt("another@example.org")[0] == 451
            assert smtp.rcpt("postmaster@example.org")[0] == 250
            assert smtp.data(MAIL)[0] == 250
        assert len(server.mails()) == 2


def test_only_suspicious_mail_waits_by_default(dns):
    with gateway(dns) as server:
        named = {"addr": "203.0.113.7", "name": "mx.sender.example"}
        assert send_mail(server.port, SENDER, USER, MAIL, helo="mx.sender.example", xclient=named)[0] == 250
        code, text = send_mail(server.port, SENDER, USER, MAIL, helo="mx.sender.example", xclient=STRANGER)
        assert (code, seconds_left(text)) == (451, 3)  # no name
        line = next(line for line in server.log.splitlines() if "Greylisted" in line)
        assert "code=451" in line, line


def test_a_pool_of_servers_passes_by_its_domain(dns):
    with gateway(dns, "when = always") as server:
        def send(addr):
            return send_mail(server.port, "joe@pool.example", USER, MAIL, xclient={**STRANGER, "addr": addr})

        assert send("203.0.113.99")[0] == 451
        try_until_taken(lambda: send("192.0.2.44"))


def test_suspicious_messages_wait_by_their_score_and_are_tagged_then(dns):
    with gateway(dns, "when = never") as server:
        def send(addr="203.0.113.7", mail_from=SENDER):
            return send_mail(server.port, mail_from, USER, TWO_AUTHORS, helo="mx.sender.example",
                             xclient={"addr": addr, "name": "mx.sender.example"})

        assert send_mail(server.port, SENDER, USER, MAIL, helo="mx.sender.example",
                         xclient={"addr": "203.0.113.7", "name": "mx.sender.example"})[0] == 250
        code, text = send()
        assert (code, seconds_left(text)) == (451, 3)
        # from elsewhere, in another envelope: it is the same message
        try_until_taken(lambda: send("192.0.2.99", "other@sender.example"))
        delivered = next(m for m in map(parse, server.mails()) if m["X-Spam-Flag"] == "YES")
        assert "delayed" in delivered["X-Greylist"]
        assert "GREYLIST_MESSAGE_PASSED" in delivered["X-Spam-Status"]


def test_partners_write_back_without_waiting(dns):
    with gateway(dns, "when = always") as server:
        ours = {"addr": "198.51.100.7", "name": "[UNAVAILABLE]"}
        assert send_mail(server.port, "joe@partner.example", USER, MAIL, xclient=STRANGER)[0] == 451
        assert send_mail(server.port, USER, "joe@partner.example", MAIL, xclient=ours)[0] == 250

        def reply():
            return send_mail(server.port, "joe@partner.example", "colleague@example.org", MAIL, xclient=STRANGER)[0]

        wait_for(lambda: reply() == 250, 2, "the partner to be known")  # it is noted when the mail has been delivered
        assert send_mail(server.port, "jim@partner.example", USER, MAIL, xclient=STRANGER)[0] == 451


def test_a_scan_neither_waits_nor_leaves_a_trace(dns, tmp_path):
    conf = tmp_path / "gateway.conf"
    text = CONF.replace("{dns}", dns.endpoint).replace("{greylist}", "when = always")
    conf.write_text(text.replace("{folder}", str(tmp_path)).replace("{port}", "2525") + f'state = "{tmp_path}/state"\n')
    for message in (MAIL, TWO_AUTHORS):
        done = subprocess.run([BUILD / "postern", "scan", "-c", conf, "--json", "--client-ip", "203.0.113.99", "--from",
                               SENDER, "--rcpt", USER, "-"], input=message.encode(), capture_output=True, timeout=60)
        verdict = json.loads(done.stdout)
        assert verdict["action"] in ("accept", "tag"), verdict
        checks = {check["name"]: check for check in verdict["checks"]}
        assert not checks["greylist"]["findings"] and not checks["greylist_message"]["findings"], checks
        assert not verdict.get("missing"), verdict
    assert not (tmp_path / "state").exists() or not list((tmp_path / "state").glob("*mdb*"))

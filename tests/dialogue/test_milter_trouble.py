# tests/dialogue/test_milter_trouble.py - the milter door when something is wrong: slow answers, no room, limits, and
# the end of a gateway.
import os
import re
import socket
import time
import urllib.request

import pytest

from milter import NOBODY, Closed, Milter, deliver
from milter_desk import PLAIN, ZONE, gateway, message, sign
from process import free_port, wait_for
from servers import Gateway, Nsd


@pytest.fixture(scope="module")
def dns():
    with Nsd("\n".join(ZONE)) as server:
        yield server


class Silence:
    """A name server that never answers."""

    def __enter__(self):
        self.port = free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))
        self.endpoint = f"127.0.0.1:{self.port}"
        return self

    def __exit__(self, *failure):
        self.socket.close()


def test_a_slow_verdict_comes_with_progress_and_comes(dns):
    with Silence() as silence, gateway(silence, "progress = 100ms  rcpt_wait = 200ms",
                                       "engine { deadline = 1500ms }") as server:
        result = deliver(server.port, sign(PLAIN))
        assert result.final in "ay" and result.progress >= 5, (result.final, result.progress)


# What passes without a look must not carry a verdict that looks like ours.
FORGED = b"X-Spam-Flag: NO\r\nAuthentication-Results: mx.example.org; dkim=pass\r\n"
FORGED_GOES = [("m", 1, "Authentication-Results", b""), ("m", 1, "X-Spam-Flag", b"")]


@pytest.mark.parametrize("keys, final", (("", "a"), ("too_large = accept", "a"), ("too_large = reject", "y552 5.3.4"),
                                         ("too_large = tempfail", "y452 4.3.4")))
def test_what_is_too_large_gets_the_answer_that_is_configured(dns, keys, final):
    with gateway(dns, "message_size = 64KiB " + keys) as server:
        result = deliver(server.port, FORGED + sign(message(body=b"x" * 70000)))
        assert result.final == final[0] and (result.reply or "").startswith(final[1:]), result.reply
        assert result.edits == (FORGED_GOES if final == "a" else [])
        assert deliver(server.port, sign(PLAIN)).inserted
        assert re.search(r" size=70\d{3} ", server.log)


@pytest.mark.parametrize("keys, final", (("", "y452 4.3.1"), ("on_failure = accept", "a")))
def test_when_the_spool_fails_the_failure_policy_answers(dns, keys, final):
    with gateway(dns, "memory = 4KiB " + keys) as server:
        (server.folder / "state").rename(server.folder / "elsewhere")
        result = deliver(server.port, sign(message(body=b"x" * 400000)))
        assert result.final == final[0] and (result.reply or "").startswith(final[1:]), result.reply
        server.wait_log("event=alarm")


@pytest.mark.parametrize("keys, answer", (("", b"451 4.3.2 Too busy: "), ("on_failure = accept", b"")))
def test_with_too_much_to_do_the_failure_policy_answers(keys, answer):
    keys += " rcpt_wait = 0  progress = 100ms"
    with Silence() as silence, gateway(silence, keys, "engine { messages = 1 }") as server, \
            Milter(server.port) as first, Milter(server.port) as second:
        for mta in (first, second):
            mta.negotiate()
            mta.connect()
            mta.helo()
            mta.mail()
        assert first.rcpt()[0] == "c"
        first.data()
        first.content(sign(PLAIN))
        first.put("E")
        assert first.get()[0] == "p"                             # it waits for its verdict
        command, text = second.rcpt()
        assert command == ("y" if answer else "c") and text.startswith(answer), text
        if not answer:
            second.data()
            second.content(FORGED + sign(PLAIN))
            result = second.end()
            assert result.final == "a" and result.edits == FORGED_GOES
            server.wait_log("unexamined=\"too many messages are being examined\"")
        os.kill(int(re.findall(r"generation \d+, process (\d+)", server.log)[-1]), 9)


def test_a_header_beyond_all_measure_is_refused(dns):
    with gateway(dns, "header_size = 16KiB  header_fields = 50") as server:
        result = deliver(server.port, sign(message(b"X-Long: " + b"x" * 17000 + b"\r\n")))
        assert result.final == "y" and result.reply.startswith("552 5.3.4 "), result.reply
        result = deliver(server.port, sign(message(b"X: y\r\n" * 60)))
        assert result.final == "y" and result.reply.startswith("552 5.3.4 "), result.reply


def test_early_refusals_come_at_mail(dns):
    with Gateway('milter { listen = {"127.0.0.1:{port}"} }  actions { early = yes }  check "spf" { reject = yes }\n'
                 'check "greylist" { mode = off }\n'
                 f'dns {{ servers = {{"{dns.endpoint}"}}  dnssec = no }}\n') as server, Milter(server.port) as mta:
        mta.negotiate()
        mta.connect("198.51.100.9", "unknown")
        mta.helo()
        command, text = mta.mail("ada@sender.example")
        assert command == "y" and text.startswith(b"55"), (command, text)
        assert mta.mail("eve@nowhere.example")[0] == "c" and mta.rcpt()[0] == "c"


MESSAGE = ("dkim", "arc", "greylist_message", "rates_message", "mime", "rules", "urls", "bayes")
# uribl, multimap and composites are on, and have nothing to do.
OFF = "".join(f'check "{name}" {{ mode = off }}\n' for name in MESSAGE)


def test_without_checks_of_the_message_its_body_is_not_asked_for(dns):
    with gateway(dns, more=OFF, old="on_quarantine = quarantine", new="mode = off") as server:
        with Milter(server.port) as mta:
            mta.negotiate()
            assert mta.protocol & NOBODY
            mta.connect()
            mta.helo()
            assert "spf=pass" in mta.send_message(PLAIN).inserted["Authentication-Results"]
            mta.abort()
            result = mta.send_message(PLAIN, macros={"{auth_authen}": "ada"})
            assert result.final == "a" and result.edits == []


def test_of_what_others_are_refused_for_nothing_is_certain(dns):
    limit = 'check "rates_message" { limit "few" { key = sender  rate = "1000 / 1h" } }'
    off = OFF.replace('check "rates_message" { mode = off }', limit)
    with gateway(dns, more=off, old="on_quarantine = quarantine", new="mode = off") as server, \
            Milter(server.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        result = mta.send_message(PLAIN, recipients=["user@example.org", "refused@example.org"])
        assert result.final == "a" and result.recipients[1].startswith("554 ") and not result.skipped


def test_an_envelope_of_too_many_recipients_is_cut_into_several(dns):
    with gateway(dns, "on_failure = accept", more=OFF) as server, Milter(server.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        for _ in range(2):
            mta.mail()
            answers = []
            while not answers or answers[-1][0] == "c":
                answers.append(mta.rcpt("user@example.org", "ORCPT=" + "x" * 100000))
            assert answers[-1][1].startswith(b"452 4.5.3 Too many recipients")
            assert len(answers) == 2000 + 1  # what they bring along is not kept: the number is what binds
            mta.abort()
        assert mta.send_message(sign(PLAIN)).inserted


def test_a_client_that_greets_for_ever_has_to_come_again(dns):
    with gateway(dns, "on_failure = accept") as server, Milter(server.port) as mta:
        mta.negotiate()
        mta.connect()
        for i in range(3000):
            mta.helo(f"{i}-" + "x" * 500)
        mta.mail()
        command, text = mta.rcpt()
        assert command == "y" and text.startswith(b"421 4.3.1 Too much for one connection"), text


def test_waits_that_add_up_to_more_than_the_mail_server_waits_are_refused(dns):
    server = gateway(dns, "rcpt_wait = 10s  tarpit = 20s")
    with pytest.raises(AssertionError, match="rcpt_wait and tarpit: together at most 28s"):
        server.start()


@pytest.mark.parametrize("when, keys, more", (
    ("mail", "rcpt_wait = 20s  tarpit = 5s", "early = yes"), ("rcpt", "rcpt_wait = 20s  tarpit = 5s", ""),
    ("end", "rcpt_wait = 0  progress = 100ms", "")))
def test_mail_servers_that_are_gone_before_the_answer_leave_nothing_behind(when, keys, more):
    http = free_port()
    with Silence() as silence, gateway(silence, keys, f'http {{ listen = {{"127.0.0.1:{http}"}} }}',
                                       old="actions {", new="actions { " + more) as server:
        for _ in range(20):
            with Milter(server.port) as mta:
                mta.negotiate()
                mta.connect()
                mta.helo()
                mta.put("M", b"<ada@sender.example>\0")
                if when != "mail":
                    mta.put("R", b"<user@example.org>\0")
                if when == "end":
                    assert mta.get()[0] == "c"
                    mta.content(sign(PLAIN))
                    mta.put("E")
                    assert mta.get()[0] == "p"
        wait_for(lambda: server.log.count('when="before our answer"') == 20, 20, f"their end in {server.log[-2000:]}")
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/metrics", timeout=20) as reply:
            assert b'postern_open_sessions{door="milter"} 0\n' in reply.read()


def test_limits_by_rate_hold_and_count_what_was_delivered(dns):
    limit = 'check "rates" { limit "few" { key = sender  rate = "3 / 1h"  counts = delivered } }'
    with gateway(dns, more=limit) as server, Milter(server.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        for _ in range(5):                                       # given up: what was taken is given back
            mta.mail()
            assert mta.rcpt()[0] == "c"
            mta.abort()
        for _ in range(3):
            assert mta.send_message(sign(PLAIN)).final == "a"
        result = mta.send_message(sign(PLAIN))
        assert result.final == "y" and result.reply.startswith("451 4.7.1 "), result.reply


def test_a_tarpit_holds_an_answer_no_longer_than_the_mail_server_waits(dns):
    limit = 'check "rates" { limit "slow" { key = sender  rate = "1 / 1h"  action = tarpit  tarpit = 60s } }'
    with gateway(dns, "tarpit = 1s", more=limit) as server:
        assert deliver(server.port, sign(PLAIN)).final == "a"
        begin = time.monotonic()
        assert deliver(server.port, sign(PLAIN)).final == "a"
        assert 1 <= time.monotonic() - begin < 20


def test_a_gateway_that_drains_finishes_its_message(dns):
    with gateway(dns) as server, Milter(server.port) as mta, Milter(server.port) as idle:
        for each in (mta, idle):
            each.negotiate()
            each.connect()
            each.helo()
        mta.mail()
        mta.rcpt()
        server.process.terminate()
        assert idle.is_closed()
        mta.data()
        mta.content(sign(PLAIN))
        assert mta.end().final == "a"
        assert mta.is_closed()


def test_a_reload_keeps_the_sessions_and_new_ones_get_the_new_rules(dns):
    with gateway(dns) as server, Milter(server.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        mta.mail()
        server.write(server.conf.replace("refused@example.org", "someone@example.org"))
        server.process.send_signal(1)
        server.wait_log("generation 2")
        server.wait_log("event=retire")
        assert mta.rcpt("refused@example.org")[0] == "y" and mta.rcpt()[0] == "c"
        mta.data()
        mta.content(sign(PLAIN))
        assert mta.end().final == "a"
        assert deliver(server.port, sign(PLAIN), recipients=["refused@example.org"]).final == "a"
        assert mta.send_message(sign(PLAIN)).final == "a"


def test_the_death_of_the_gateway_is_heard_at_once_and_it_comes_back(dns):
    with gateway(dns) as server, Milter(server.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        mta.mail()
        mta.rcpt()
        child = int(re.findall(r"generation \d+, process (\d+)", server.log)[-1])
        os.kill(child, 9)
        with pytest.raises((Closed, ConnectionError)):
            mta.get()
        server.wait_log("generation 2")

        def is_back():
            try:
                return deliver(server.port, sign(PLAIN)).final == "a"
            except (Closed, OSError):
                return False

        wait_for(is_back, 20, "the gateway to be back")


@pytest.mark.parametrize("more, is_wanted", [
    ("", False),
    ('check "composites" { composite "X" { expression = "A" } }', True),
    ('profile "p" { recipients = {"example.org"}  check "multimap" { mode = "enforce" } }', False),
])
def test_a_body_that_nobody_reads_is_not_asked_for(dns, more, is_wanted):
    off = OFF + 'check "dmarc" { mode = off }\n'
    with Gateway('milter { listen = {"127.0.0.1:{port}"} }\n' + off + more +
                 f'dns {{ servers = {{"{dns.endpoint}"}}  dnssec = no }}\n') as server:
        with Milter(server.port) as mta:
            mta.negotiate()
            assert bool(mta.protocol & NOBODY) != is_wanted

# tests/interop/test_hop_client.py - the next hop is told who the client is: by XFORWARD for each message, by XCLIENT
# for each client; a next hop of ours, and Postfix itself.
import os
import pwd
import re

import pytest

from mail import parse, send_mail, unfold
from process import wait_for
from servers import Gateway, Nsd, Postfix
from sink import EXTENSIONS, SmtpSink

USER = pwd.getpwuid(os.getuid()).pw_name
ZONE = """
7.113.0.203.in-addr.arpa. PTR one.example.
one.example. A 203.0.113.7
8.113.0.203.in-addr.arpa. PTR {long}.
{long}. A 203.0.113.8
"""
LONG_NAME = ".".join(["n" * 60] * 3 + ["example"])
CONF = """
hostname = "mx.example.org"
state = "{{folder}}/state"
user = "{user}"
dns {{ servers = {{"{dns}"}} }}
check "greylist" {{ mode = off }}
check "rdns" {{ mode = {rdns} }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{hop}"
    next_hop_tls = none
    next_hop_client = {way}
    relay_domains = {{"example.org"}}
    xclient_clients = {{"127.0.0.1"}}
    verify_recipients = {verify}
    hop_connections = {most}
}}
"""
MAIL = b"From: a@example.com\r\nSubject: test\r\n\r\ntext\r\n"
ONE = {"addr": "203.0.113.7"}
TWO = {"addr": "IPV6:2001:db8::2"}
LONG = {"addr": "203.0.113.8"}
XFORWARD = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
XCLIENT = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"


@pytest.fixture(scope="module")
def dns():
    with Nsd(ZONE.format(long=LONG_NAME)) as server:
        yield server


def gateway(dns, hop, way, verify="no", most=50, rdns="enforce"):
    return Gateway(CONF.format(hop=hop.port, way=way, dns=dns.endpoint, user=USER, verify=verify, most=most, rdns=rdns))


def send(mx, client, helo, sender="a@example.com"):
    return send_mail(mx.port, sender, "user@example.org", MAIL, helo, xclient=client)


def told(sink, verb):
    return [dict(word.split("=", 1) for word in argument.split()) for said, argument in sink.commands if said == verb]


class Xforward(SmtpSink):
    """Takes XFORWARD, and keeps in .groups how many commands came with it in one piece."""

    def __init__(self, extensions=EXTENSIONS, reply="250 2.0.0 ok"):
        super().__init__(script=self.script, extensions=(*extensions, XFORWARD))
        self.groups, self.reply = [], reply

    def script(self, verb, argument, dialogue):
        if verb == "XFORWARD":
            self.groups.append(dialogue.file.peek(1 << 16).count(b"\n") if "PIPELINING" in self.extensions else 0)
            return self.reply
        return None


def test_xforward_stands_before_each_message_and_costs_no_round_trip(dns):
    with Xforward() as sink, gateway(dns, sink, "xforward") as mx:
        for client, helo in ((ONE, "one.example"), (TWO, "two.example")):
            assert send(mx, client, helo)[0] == 250, mx.log
        first, second = told(sink, "XFORWARD")
        assert sink.connections == 1 and sink.groups == [3, 3]  # MAIL, RCPT and DATA were there with it
        assert (first["ADDR"], first["NAME"], first["HELO"]) == ("203.0.113.7", "one.example", "one.example")
        assert (second["ADDR"], second["NAME"], second["HELO"]) == ("IPV6:2001:db8::2", "[UNAVAILABLE]", "two.example")
        assert first["PROTO"] == "ESMTP" and first["SOURCE"] == "REMOTE"
        assert f"id={first['IDENT']}" in mx.log and f"id={second['IDENT']}" in mx.log


def test_xforward_without_pipelining_waits_for_its_reply(dns):
    with Xforward(extensions=("8BITMIME",)) as sink, gateway(dns, sink, "xforward") as mx:
        assert send(mx, ONE, "h" * 250)[0] == 250, mx.log
        verbs = [verb for verb, _ in sink.commands]
        assert verbs[-5:] == ["XFORWARD", "MAIL", "RCPT", "DATA", "BODY"]


def test_a_question_for_a_recipient_is_the_clients_too(dns):
    with Xforward() as sink, gateway(dns, sink, "xforward", verify="yes") as mx:
        assert send(mx, ONE, "one.example")[0] == 250, mx.log
        verbs = [verb for verb, _ in sink.commands]
        assert verbs[verbs.index("XFORWARD"):] == ["XFORWARD", "MAIL", "RCPT", "RSET",
                                                   "XFORWARD", "MAIL", "RCPT", "DATA", "BODY"]


@pytest.mark.parametrize("reply", ("550 5.7.0 no", "451 4.3.0 not now"))
def test_a_refused_xforward_keeps_no_mail_back(dns, reply):
    with Xforward(reply=reply) as sink, gateway(dns, sink, "xforward") as mx:
        assert [send(mx, ONE, "one.example")[0] for _ in range(2)] == [250, 250]
        assert len(told(sink, "XFORWARD")) == 1 and mx.log.count("takes no XFORWARD") == 1  # once for a connection


def test_who_is_not_to_be_told_is_not(dns):
    with Xforward() as sink, gateway(dns, sink, "none") as mx:
        assert send(mx, ONE, "one.example")[0] == 250
        assert not told(sink, "XFORWARD")


class Xclient(SmtpSink):
    """Takes XCLIENT as Postfix does: offered to who is trusted, so not any more once it has been said."""

    def __init__(self, replies=None, greeted_again=None):
        super().__init__(script=self.script, extensions=EXTENSIONS)
        self.replies, self.greeted_again = replies or {}, greeted_again

    def script(self, verb, argument, dialogue):
        if verb == "XCLIENT":
            dialogue.is_told = True
            addr = re.search(r"ADDR=(\S+)", argument)
            return self.replies.get(addr and addr.group(1), "220 sink ESMTP")
        if verb == "EHLO" and self.greeted_again and getattr(dialogue, "is_told", False):
            return self.greeted_again
        if verb == "EHLO":
            offered = [*EXTENSIONS, *(() if getattr(dialogue, "is_told", False) else (XCLIENT,))]
            return "\r\n".join(["250-sink", *(f"250-{e}" for e in offered[:-1]), f"250 {offered[-1]}"])
        return None


def test_xclient_makes_a_connection_one_clients(dns):
    with Xclient() as sink, gateway(dns, sink, "xclient") as mx:
        for client, helo in ((ONE, "one.example"), (ONE, "one.example"), (TWO, "two.example"), (ONE, "one.example")):
            assert send(mx, client, helo)[0] == 250, mx.log
        # the port of the client is another one each time, so that each of its connections is one of ours
        said = [(t["ADDR"], t["HELO"], t["PROTO"]) for t in told(sink, "XCLIENT")]
        assert set(said) == {("203.0.113.7", "one.example", "ESMTP"), ("IPV6:2001:db8::2", "two.example", "ESMTP")}
        assert len(said) == sink.connections


def test_one_client_says_xclient_once(dns):
    with Xclient() as sink, gateway(dns, sink, "xclient", "yes", rdns="off") as mx:
        assert send(mx, ONE, "one.example")[0] == 250, mx.log
        verbs = [verb for verb, _ in sink.commands]
        assert verbs.count("XCLIENT") == 1 and verbs.count("MAIL") == 2  # asked about, and delivered


def test_idle_connections_of_others_make_room(dns):
    with Xclient() as sink, gateway(dns, sink, "xclient", most=1) as mx:
        for number in range(3):
            assert send(mx, {"addr": f"203.0.113.{number}"}, "x.example")[0] == 250, mx.log
        assert len(told(sink, "XCLIENT")) == 3


def test_a_client_that_the_hop_will_not_have_hears_it(dns):
    with Xclient({"203.0.113.7": "554 5.7.1 listed"}) as sink, gateway(dns, sink, "xclient") as mx:
        code, text = send(mx, ONE, "one.example")
        assert code == 554 and "listed" in text
        assert send(mx, TWO, "two.example")[0] == 250


def test_a_hop_that_does_not_trust_us_gets_nothing_in_our_own_name(dns):
    with Xclient({"203.0.113.7": "550 5.7.0 insufficient authorization"}) as sink, \
            gateway(dns, sink, "xclient") as mx:
        assert send(mx, ONE, "one.example")[0] == 451
        assert not sink.messages
        mx.wait_log("reply to XCLIENT: 550")


@pytest.mark.parametrize("reply, told_code", (("503 5.5.1 confused", 451), ("550 5.7.1 not with that name", 550)))
def test_a_hop_that_is_confused_behind_xclient_is_our_own_trouble(dns, reply, told_code):
    with Xclient(greeted_again=reply) as sink, gateway(dns, sink, "xclient") as mx:
        assert send(mx, ONE, "one.example")[0] == told_code, mx.log
        assert not sink.messages


def test_who_is_refused_as_a_client_does_not_spoil_it_for_others(dns):
    def script(verb, argument, dialogue):
        if verb == "XFORWARD":
            dialogue.client = argument
            return "250 2.0.0 ok"
        if verb == "RCPT" and "203.0.113.7" in dialogue.client:
            return "554 5.7.1 client is listed"
        return None

    with SmtpSink(script=script, extensions=(*EXTENSIONS, XFORWARD)) as sink, \
            gateway(dns, sink, "xforward", verify="yes") as mx:
        assert send(mx, ONE, "one.example")[0] == 554
        assert send(mx, TWO, "two.example")[0] == 250


# ---- Postfix ----

def delivered(postfix):
    """The lines that say whose a message is, of those that were taken: a question for a recipient has one, too."""
    taken = set(re.findall(r"postfix/cleanup\[\d+\]: (\w+):", postfix.log))
    return [line for line in postfix.log.splitlines()
            if (found := re.search(r"smtpd\[\d+\]: (\w+): client=", line)) and found.group(1) in taken]


SENT = ((ONE, "one.example"), (TWO, "two.example"), (ONE, "one.example"))


def test_postfix_logs_the_true_client_by_xforward(dns):
    with Postfix(extra="inet_protocols = all") as postfix, gateway(dns, postfix, "xforward", verify="yes") as mx:
        for client, helo in SENT:
            assert send(mx, client, helo)[0] == 250, mx.log
        postfix.wait_messages(3)
        lines = delivered(postfix)
        shown = [re.search(r"orig_client=(\S+)", line).group(1) for line in lines]
        assert [re.sub(r":\d+$", "", text) for text in shown] == \
            ["one.example[203.0.113.7]", "unknown[2001:db8::2]", "one.example[203.0.113.7]"], lines
        for line in lines:
            assert "id=" + re.search(r"orig_queue_id=(\w+)", line).group(1) in mx.log
        assert len(re.findall(r"smtpd\[\d+\]: connect from", postfix.log)) <= 2  # one is that which waited for it


def test_postfix_judges_the_true_client_by_xclient(dns):
    extra = "inet_protocols = all\nsmtpd_client_restrictions = check_client_access inline:{ 198.51.100.9=REJECT }"
    with Postfix(extra=extra) as postfix, gateway(dns, postfix, "xclient", verify="yes") as mx:
        for client, helo in SENT[:2]:
            assert send(mx, client, helo)[0] == 250, mx.log
        code, text = send(mx, {"addr": "198.51.100.9"}, "bad.example")
        assert code == 554 and "Client host rejected" in text
        assert send(mx, *SENT[2])[0] == 250
        postfix.wait_messages(3)
        shown = [re.search(r" client=([^ ,]+)", line).group(1) for line in delivered(postfix)]
        assert shown == ["one.example[203.0.113.7]", "unknown[2001:db8::2]", "one.example[203.0.113.7]"]


@pytest.mark.parametrize("client, name, helo", ((ONE, "one.example", "a+b=c.example"), (LONG, LONG_NAME, "h" * 250)))
def test_postfix_goes_by_the_clients_greeting(dns, client, name, helo):
    """Also where XCLIENT needs two commands."""
    with Postfix() as postfix, gateway(dns, postfix, "xclient") as mx:
        assert send(mx, client, helo)[0] == 250, mx.log
        received = parse(postfix.wait_messages(1)[0])["Received"]
        assert f"from {helo} ({name} [{client['addr']}])" in unfold(received), received


@pytest.mark.parametrize("delay", ("yes", "no"))
def test_postfix_refuses_a_greeting(dns, delay):
    extra = f"smtpd_delay_reject = {delay}\nsmtpd_helo_restrictions = check_helo_access inline:{{ bad.example=REJECT }}"
    with Postfix(extra=extra) as postfix, gateway(dns, postfix, "xclient") as mx:
        code, text = send(mx, ONE, "bad.example")
        assert code == 554 and "Helo command rejected" in text, mx.log
        assert send(mx, ONE, "one.example")[0] == 250


def test_postfix_refuses_a_client_at_its_greeting(dns):
    extra = ("smtpd_delay_reject = no\n"
             "smtpd_client_restrictions = check_client_access inline:{ 198.51.100.9=REJECT }")
    with Postfix(extra=extra) as postfix, gateway(dns, postfix, "xclient") as mx:
        code, text = send(mx, {"addr": "198.51.100.9"}, "bad.example")
        assert code == 554 and "Client host rejected" in text, mx.log
        assert not delivered(postfix)


def test_whom_postfix_does_not_know_slows_down_nobody_else(dns):
    """It counts errors for each connection, answers late after ten of them and hangs up after twenty."""
    with Postfix() as postfix, gateway(dns, postfix, "none", verify="yes", rdns="off") as mx:
        for number in range(25):
            client = {"addr": f"203.0.113.{number}"}
            assert send_mail(mx.port, "a@example.com", f"nobody{number}@example.org", MAIL, xclient=client)[0] == 550
        assert send(mx, ONE, "one.example")[0] == 250
        wait_for(lambda: len(re.findall(r"disconnect .* rcpt=0/8 ", postfix.log)) == 3, 20, "three to be left")


@pytest.mark.parametrize("way", ("xforward", "xclient"))
def test_a_postfix_without_ipv6_gets_the_mail_of_ipv6_clients(dns, way):
    with Postfix() as postfix, gateway(dns, postfix, way) as mx:
        for client, helo in SENT[:2]:
            assert send(mx, client, helo)[0] == 250, mx.log
        postfix.wait_messages(2)

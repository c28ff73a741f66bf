# tests/dialogue/test_policy.py - the policy service, asked as Postfix asks it, with a gateway that really runs.
import os
import re
import signal
import socket
import time

import pytest

from process import wait_for
from servers import Gateway, Nsd

CONF = """
hostname = "mx.example.org"
dns { servers = {"{dns}"}  timeout = {timeout} }
log { level = debug }
check "rdns" { mode = off }
check "sender" { mode = off }
check "spf" { mode = {spf} }
check "rhsbl" { mode = off }
check "greylist" { mode = off }
check "helo" { symbol "HFILTER_HELO_LOCALHOST" { action = quarantine } }
check "recipient" { symbol "HFILTER_RCPT_BOUNCEMOREONE" { action = reject } }
check "lists" {
    list "friends" { match = sender     entries = {"friend@a.example"}    action = accept  requires_spf = no }
    list "bad"     { match = sender     entries = {"bad@a.example"}       action = reject  text = "5.7.9 Not you" }
    list "later"   { match = sender     entries = {"later@a.example"}     action = defer }
    list "black"   { match = sender     entries = {"hole@a.example"}      action = discard }
    list "spammy"  { match = sender     entries = {"spam@a.example"}      action = score  score = 7 }
    list "filter"  { match = sender     entries = {"filter@a.example"}    action = score  score = 1 }
    list "bcc"     { match = sender     entries = {"bcc@a.example", "spam@a.example"}  action = score  score = 1 }
    list "watched" { match = client     entries = {"192.0.2.66"}          action = score  score = 1 }
    list "closed"  { match = recipient  entries = {"closed@example.org"}  action = reject  text = "550 5.2.1 Closed" }
    list "host"    { match = client     entries = {"192.0.2.13"}          action = reject }
    list "slow"    { match = client     entries = {"192.0.2.14"}          action = defer }
}
policy {
    listen = {"127.0.0.1:{port}", "unix:{folder}/policy"}
    relay_clients = {"198.51.100.0/24"}
    accept = ok
    action "LIST_FILTER" { say = "FILTER smtp:[127.0.0.1]:10026" }
    action "LIST_BCC" { say = "BCC audit@example.org" }
    action "LIST_WATCHED" { say = "reject_unverified_sender" }
    {policy}
}
"""
USUAL = {"request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP",
         "client_address": "192.0.2.7", "client_name": "mail.a.example", "client_port": "40000",
         "reverse_client_name": "mail.a.example", "helo_name": "mail.a.example", "sender": "ann@a.example",
         "recipient": "user@example.org", "recipient_count": "0", "queue_id": "", "size": "1234", "sasl_username": "",
         "encryption_protocol": "", "stress": ""}


def conf_of(policy="", dns="127.0.0.1:9", spf="off", timeout="100ms"):
    conf = CONF.replace("{policy}", policy).replace("{dns}", dns)
    return conf.replace("{spf}", spf).replace("{timeout}", timeout)


def gateway(policy="", rest="", **options):
    return Gateway(conf_of(policy, **options) + rest)


def deaf_gateway(policy, dns):
    """One that waits for a name server which never answers."""
    return gateway(policy, dns=f"127.0.0.1:{dns.getsockname()[1]}", spf="enforce", timeout="10s")


@pytest.fixture(scope="module")
def server():
    with gateway() as running:
        yield running


class Asker:
    """A connection as Postfix' smtpd has it; every request is about a message of its own unless `instance` is given."""

    number = 0

    def __init__(self, where):
        if isinstance(where, Gateway):
            where = ("127.0.0.1", where.port)
        self.socket = socket.socket(socket.AF_INET if isinstance(where, tuple) else socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(where)
        self.file = self.socket.makefile("rb")

    @staticmethod
    def request(**attributes):
        Asker.number += 1
        lines = {**USUAL, "instance": f"test.{Asker.number}", **attributes}
        return "".join(f"{key}={value}\n" for key, value in lines.items()).encode() + b"\n"

    def answer(self):
        line, empty = self.file.readline(), self.file.readline()
        assert line.startswith(b"action=") and empty == b"\n", (line, empty)
        return line[len("action="):-1].decode()

    def ask(self, **attributes):
        self.socket.sendall(self.request(**attributes))
        return self.answer()

    def is_closed(self):
        try:
            return self.file.read() == b""
        except ConnectionResetError:
            return True

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.file.close()
        self.socket.close()


@pytest.fixture
def postfix(server):
    with Asker(server) as asker:
        yield asker


REFUSED = "554 5.7.9 Not you"
HELD = r"HOLD quarantine \w{26} \(helo, score -?[\d.]+\)"
CASES = [
    ({}, "DUNNO"),
    ({"sender": "friend@a.example"}, "OK"),
    ({"sender": "bad@a.example"}, REFUSED),
    ({"sender": "bad@a.example", "protocol_state": "DATA"}, REFUSED),
    ({"sender": "bad@a.example", "protocol_state": "BDAT"}, REFUSED),
    ({"sender": "bad@a.example", "protocol_state": "END-OF-MESSAGE"}, REFUSED),
    ({"sender": "bad@a.example", "protocol_state": "DATA", "recipient": "", "recipient_count": "3"}, REFUSED),
    ({"sender": "later@a.example"}, r"DEFER_IF_PERMIT 4\.7\.1 .*"),
    ({"sender": "later@a.example", "protocol_state": "DATA"}, r"451 4\.7\.1 .*"),
    ({"sender": "hole@a.example"}, r"DISCARD discard \w{26} \(lists, score [\d.]+\)"),
    ({"sender": "hole@a.example", "protocol_state": "END-OF-MESSAGE"}, "DISCARD .*"),
    ({"helo_name": "localhost"}, HELD),
    ({"helo_name": "localhost", "protocol_state": "END-OF-MESSAGE"}, HELD),
    ({"sender": "filter@a.example"}, r"FILTER smtp:\[127\.0\.0\.1\]:10026"),
    ({"client_address": "192.0.2.66"}, "reject_unverified_sender"),
    ({"recipient": "closed@example.org"}, "550 5.2.1 Closed"),
    ({"client_address": "192.0.2.13"}, r"554 5\.7\.1 .*"),
    # What could be refused before the envelope is here waits for it.
    ({"client_address": "192.0.2.13", "protocol_state": "CONNECT"}, "DUNNO"),
    ({"client_address": "192.0.2.13", "protocol_state": "EHLO"}, "DUNNO"),
    ({"client_address": "192.0.2.13", "protocol_state": "MAIL", "recipient": ""}, "DUNNO"),
    # Of several recipients Postfix tells at DATA only how many they are.
    ({"sender": "", "protocol_state": "DATA", "recipient": "", "recipient_count": "2"}, r"550 5\.5\.3 .*"),
    ({"sender": "", "protocol_state": "END-OF-MESSAGE", "recipient": "", "recipient_count": "2"}, r"550 5\.5\.3 .*"),
    ({"sender": "", "protocol_state": "DATA", "recipient_count": "1"}, "DUNNO"),
    ({"sender": "", "protocol_state": "DATA", "recipient": "", "recipient_count": "99999999999"}, "DUNNO"),
    # Postmaster must be reachable, also for those who stand on a list.
    ({"sender": "bad@a.example", "recipient": "postmaster@example.org"}, "DUNNO"),
    # Odd and old clients.
    ({"sender": ""}, "DUNNO"),
    ({"sender": "two words@a.example"}, "DUNNO"),
    ({"sender": "no-domain"}, "DUNNO"),
    ({"sender": "=@a.example"}, "DUNNO"),
    ({"sender": "\u00e4rger@a.example"}, "DUNNO"),
    ({"client_address": "unknown", "client_port": ""}, "DUNNO"),
    ({"client_address": "2001:db8::7"}, "DUNNO"),
    ({"protocol_state": "VRFY", "sender": ""}, "DUNNO"),
    ({"protocol_state": "ETRN", "etrn_domain": "example.org"}, "DUNNO"),
    ({"protocol_state": "SOMETHING-NEW"}, "DUNNO"),
    ({"sender": "a\0nn@a.example", "helo_name": "\x01\0", "recipient": "\0@", "instance": "\0"}, "DUNNO"),
    ({"encryption_protocol": "\0", "sasl_sender": "\0", "client_name": "\0", "policy_context": "\0\r"}, "DUNNO"),
    ({"sender": "x" * 5000, "helo_name": "x" * 5000, "recipient": "@" * 5000, "client_name": "." * 5000}, "DUNNO"),
    ({"never_heard_of": "it", "sender": "bad@a.example"}, REFUSED),
]


@pytest.mark.parametrize("attributes, wanted", CASES, ids=[str(number) for number in range(len(CASES))])
def test_each_verdict_has_its_action(postfix, attributes, wanted):
    answer = postfix.ask(**attributes)
    assert re.fullmatch(wanted, answer), answer


def test_a_recipient_that_comes_again_hears_the_same(postfix):
    """Postfix asks for each of its lists that names us."""
    bad = {"sender": "bad@a.example", "instance": "again.1"}
    assert [postfix.ask(**bad) for _ in range(3)] == [REFUSED] * 3
    friend = {"sender": "friend@a.example", "instance": "again.2"}
    assert [postfix.ask(**friend) for _ in range(2)] == ["OK"] * 2


def test_what_is_added_to_a_message_is_added_once(server, postfix):
    spam = {"sender": "spam@a.example", "instance": "once.1"}
    first = [postfix.ask(**spam), postfix.ask(**spam), postfix.ask(**spam, recipient="other@example.org"),
             postfix.ask(**spam, protocol_state="DATA")]
    assert first == ["BCC audit@example.org", "PREPEND X-Spam-Flag: YES", "DUNNO", "DUNNO"]
    assert postfix.ask(sender="bcc@a.example", instance="once.2") == "BCC audit@example.org"
    assert postfix.ask(sender="bcc@a.example", instance="once.2", recipient="b@example.org") == "DUNNO"
    assert postfix.ask(sender="bcc@a.example", instance="once.3") == "BCC audit@example.org"


def test_who_is_refused_is_no_recipient(server, postfix):
    same = {"instance": "several.1", "queue_id": "4SEVERAL"}
    answers = [postfix.ask(**same, recipient=f"{name}@example.org") for name in ("one", "closed", "three")]
    assert answers == ["DUNNO", "550 5.2.1 Closed", "DUNNO"]
    assert postfix.ask(**same, protocol_state="DATA", recipient="", recipient_count="2") == "DUNNO"
    assert postfix.ask(**same, protocol_state="END-OF-MESSAGE", recipient="", recipient_count="2") == "DUNNO"
    lines = [line for line in server.log.splitlines() if "queue_id=4SEVERAL" in line]
    assert [re.search(r"rcpts=(\d)", line).group(1) for line in lines] == ["1", "2", "2"], lines
    assert "to=one@example.org,three@example.org" in lines[2]
    assert len({re.search(r" id=(\w+)", line).group(1) for line in lines}) == 1
    assert all("door=policy" in line and "instance=several.1" in line for line in lines)


def test_a_message_of_more_recipients_than_we_bear_is_several(server):
    with gateway("recipients = 3") as small, Asker(small) as postfix:
        spam = {"sender": "spam@a.example", "instance": "many.1"}
        answers = [postfix.ask(**spam, recipient=f"r{n}@example.org") for n in range(8)]
        assert answers == ["BCC audit@example.org", "PREPEND X-Spam-Flag: YES"] + ["DUNNO"] * 6
        shown = re.findall(r"rcpts=(\d)", small.log)
        assert shown == ["1", "2", "3", "1", "2", "3", "1", "2"]


def test_one_instance_is_one_message_for_a_postfix_that_tells_no_port(server, postfix):
    old = {"sender": "spam@a.example", "client_port": "", "queue_id": "4OLD"}
    for instance in ("old.1", "old.2"):
        same = {**old, "instance": instance}
        answers = [postfix.ask(**same, recipient=f"{name}@example.org") for name in ("one", "two", "three")]
        answers.append(postfix.ask(**same, protocol_state="DATA", recipient=""))
        assert answers == ["BCC audit@example.org", "PREPEND X-Spam-Flag: YES", "DUNNO", "DUNNO"]
    lines = [line for line in server.log.splitlines() if "queue_id=4OLD" in line]
    assert [re.search(r"rcpts=(\d)", line).group(1) for line in lines] == ["1", "2", "3"] * 2, lines


def test_a_recipient_of_other_rules_comes_by_itself():
    profile = 'profile "own" { recipients = {"own@example.org"}  actions { tag = 1 } }'
    with gateway(rest=profile) as two, Asker(two) as postfix:
        same = {"sender": "filter@a.example", "instance": "two.1", "queue_id": "4TWO"}
        filtered, later = "FILTER smtp:[127.0.0.1]:10026", r"452 4\.5\.3 Other rules hold .*"
        assert postfix.ask(**same, recipient="one@example.org") == filtered
        for _ in range(2):  # also when another list asks
            assert re.fullmatch(later, postfix.ask(**same, recipient="own@example.org"))
        assert postfix.ask(**same, recipient="two@example.org") == filtered
        assert postfix.ask(**same, recipient="", recipient_count="2", protocol_state="DATA") == filtered
        own = {**same, "instance": "two.2"}
        assert postfix.ask(**own, recipient="own@example.org") == filtered
        assert re.fullmatch(later, postfix.ask(**own, recipient="one@example.org"))
        lines = [line for line in two.log.splitlines() if "queue_id=4TWO" in line]
        assert [re.search(r"event=(\w+)", line).group(1) for line in lines].count("refused") == 2, lines
        assert sum("profile=own" in line for line in lines) == 1, lines


def test_a_new_sender_or_client_is_a_new_message_whatever_its_instance(postfix):
    assert postfix.ask(instance="same") == "DUNNO"
    assert postfix.ask(instance="same", sender="bad@a.example") == REFUSED
    assert postfix.ask(instance="same") == "DUNNO"
    assert postfix.ask(instance="same", client_address="192.0.2.13").startswith("554")
    assert postfix.ask(instance="same", helo_name="localhost").startswith("HOLD")
    assert postfix.ask(instance="", sender="bad@a.example") == REFUSED
    assert postfix.ask(instance="x" * 500, sender="bad@a.example") == REFUSED


def test_a_whole_dialogue(postfix):
    one = {"client_port": "40001", "sender": "", "recipient": ""}
    assert postfix.ask(**one, protocol_state="CONNECT", helo_name="", instance="w.0") == "DUNNO"
    assert postfix.ask(**one, protocol_state="EHLO", instance="w.0") == "DUNNO"
    one["sender"] = "spam@a.example"
    assert postfix.ask(**one, protocol_state="MAIL", instance="w.1") == "DUNNO"
    one["recipient"] = "user@example.org"
    assert postfix.ask(**one, instance="w.1") == "BCC audit@example.org"
    assert postfix.ask(**one, protocol_state="DATA", instance="w.1") == "PREPEND X-Spam-Flag: YES"
    assert postfix.ask(**one, protocol_state="END-OF-MESSAGE", instance="w.1") == "DUNNO"
    one["sender"] = "bad@a.example"  # its next message
    assert postfix.ask(**one, instance="w.2") == REFUSED


def test_pipelined_requests_are_answered_in_order(postfix):
    asked = ["ann", "bad", "friend"] * 100
    postfix.socket.sendall(b"".join(Asker.request(sender=f"{name}@a.example") for name in asked))
    wanted = {"ann": "DUNNO", "bad": REFUSED, "friend": "OK"}
    assert [postfix.answer() for _ in asked] == [wanted[name] for name in asked]


def test_byte_by_byte(postfix):
    for byte in Asker.request(sender="bad@a.example"):
        postfix.socket.sendall(bytes([byte]))
    assert postfix.answer() == REFUSED


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.0\r\n\r\n", b"\n", b"request=other\n\n", b"sender=a\n\n", b"x" * 9000,
                                  b"\x00\xff\x16\x03\x01=\n", b"a=b\n" * 500, b"a=" + b"b" * 8000 + b"\n"],
                         ids=["http", "empty", "other", "none", "long", "binary", "many", "large"])
def test_garbage_closes_its_connection_alone(server, postfix, junk):
    before = server.log.count("event=policy_closed")
    with Asker(server) as other:
        other.socket.sendall(Asker.request() + junk * (5 if junk.startswith(b"a=bb") else 1))
        assert other.answer() == "DUNNO"  # what was whole is answered
        assert other.is_closed()
    wait_for(lambda: server.log.count("event=policy_closed") == before + 1, 10, "a line about it")
    assert postfix.ask() == "DUNNO"


def test_who_closes_his_side_gets_his_answers(server):
    with Asker(server) as exim:
        exim.socket.sendall(Asker.request(sender="bad@a.example") + Asker.request())
        exim.socket.shutdown(socket.SHUT_WR)
        assert [exim.answer(), exim.answer()] == [REFUSED, "DUNNO"]
        assert exim.is_closed()
    with Asker(server) as hasty:
        hasty.socket.sendall(Asker.request()[:100])
        hasty.socket.shutdown(socket.SHUT_WR)
        assert hasty.is_closed()


LONG = 'verdict "reject" { say = "554 5.7.9 ' + 480 * "x" + '" }'


def test_who_takes_no_answers_is_heard_no_further_and_loses_none():
    """More is answered than lies anywhere between us: the others are served, and when he reads, all of it is there."""
    one = b"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=bad@a.example\n\n"
    with gateway(LONG) as server, Asker(str(server.folder / "policy")) as deaf, Asker(server) as postfix:
        deaf.socket.sendall(1400 * one)
        deaf.socket.shutdown(socket.SHUT_WR)
        wait_for(lambda: server.log.count("from=bad@a.example") > 500, 20, "answers that nobody takes")
        assert postfix.ask() == "DUNNO"
        assert {deaf.answer()[:9] for _ in range(1400)} == {"554 5.7.9"}
        assert deaf.is_closed()


def test_a_unix_socket(server):
    with Asker(str(server.folder / "policy")) as postfix:
        assert postfix.ask(sender="bad@a.example") == REFUSED


def test_users_are_not_judged_as_strangers(server, postfix):
    assert postfix.ask(helo_name="localhost", sasl_username="ann", sasl_method="PLAIN", queue_id="4USER") == "DUNNO"
    assert postfix.ask(helo_name="localhost", client_address="198.51.100.9") == "DUNNO"  # relay_clients
    assert postfix.ask(helo_name="localhost").startswith("HOLD")
    assert [line for line in server.log.splitlines() if "queue_id=4USER" in line and "user=ann" in line]


def test_what_postfix_knows_of_tls_is_in_the_log(server, postfix):
    postfix.ask(queue_id="4TLS", encryption_protocol="TLSv1.3", encryption_cipher="X", encryption_keysize="256",
                ccert_subject="Ann+20Example", policy_context="inbound")
    line = next(line for line in server.log.splitlines() if "queue_id=4TLS" in line)
    assert "tls=TLSv1.3" in line and 'certificate="Ann Example"' in line and "context=inbound" in line


def test_early_refusals():
    with gateway(rest="actions { early = yes }") as early, Asker(early) as postfix:
        bad = {"client_address": "192.0.2.13", "recipient": ""}
        none = {"recipient": "", "sender": ""}
        assert postfix.ask(protocol_state="CONNECT", helo_name="", **none) == "DUNNO"
        assert postfix.ask(**{**bad, "protocol_state": "MAIL"}) == "DUNNO"  # lists are asked when recipients are known
        assert postfix.ask(**{**bad, "recipient": "user@example.org"}).startswith("554 5.7.1")


DNSBL = """
actions { early = yes  exempt = {} }
check "lists" { mode = off }
check "dnsbl" { zone "bl.example" { score = 20  test = no } }
check "helo" { mode = off }
"""


def test_a_client_that_a_list_has_is_sent_away_at_once_if_so_configured():
    with Nsd("13.2.0.192.bl.example. A 127.0.0.2\n") as dns:
        conf = conf_of(dns=dns.endpoint, timeout="5s")
        conf = re.sub(r'^check "lists" \{.*?^\}|^check "helo" [^\n]*', "", conf, flags=re.S | re.M)
        with Gateway(conf + DNSBL) as early:
            with Asker(early) as postfix:
                listed = {"client_address": "192.0.2.13", "sender": "", "recipient": ""}
                answer = postfix.ask(**listed, helo_name="", protocol_state="CONNECT")
                assert answer.startswith("521 5.7.1 "), answer
                answer = postfix.ask(**listed, protocol_state="EHLO")
                assert answer.startswith("554 5.7.1 "), answer
                answer = postfix.ask(**listed, protocol_state="VRFY")
                assert answer.startswith("554 5.7.1 "), answer
                assert postfix.ask(protocol_state="CONNECT", sender="", recipient="") == "DUNNO"


def test_more_connections_than_allowed_are_closed():
    with gateway("connections = 2") as small, Asker(small) as one, Asker(small) as two:
        assert one.ask() == two.ask() == "DUNNO"
        with Asker(small) as three:
            assert three.is_closed()
        small.wait_log("too many connections")
        assert one.ask() == "DUNNO"


def test_silence_is_ended():
    with gateway("idle = 1s") as impatient, Asker(impatient) as postfix:
        assert postfix.ask(sasl_username="ann") == "DUNNO"
        begin = time.monotonic()
        assert postfix.is_closed()
        assert time.monotonic() - begin > 0.5


def silent_dns():
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    return silent


def test_an_answer_does_not_wait_for_ever():
    with silent_dns() as dns, deaf_gateway("wait = 1s", dns) as server:
        with Asker(server) as postfix:
            assert postfix.ask(queue_id="4LATE") == "DUNNO"
        assert "missing=" in next(line for line in server.log.splitlines() if "queue_id=4LATE" in line)


def test_trouble_of_our_own_is_no_answer():
    """The connection ends without a word; Postfix then does what it is told for such a case."""
    with silent_dns() as dns, deaf_gateway("wait = 20s", dns) as server:
        with Asker(server) as postfix:
            postfix.socket.sendall(Asker.request())
            child = int(re.search(r"generation 1, process (\d+)", server.log).group(1))
            dns.recv(512)  # it is at work
            os.kill(child, signal.SIGKILL)
            assert postfix.is_closed()
        server.wait_log("generation 2")
        with Asker(server) as postfix:
            assert postfix.ask(protocol_state="CONNECT", sender="", recipient="") == "DUNNO"


def test_a_reload_is_in_force_for_connections_that_are_kept():
    with gateway() as server, Asker(server) as postfix:
        assert postfix.ask(sender="bad@a.example") == REFUSED
        server.write(server.conf.replace("5.7.9 Not you", "5.7.8 Nor you"))
        server.process.send_signal(signal.SIGHUP)
        assert postfix.is_closed()
        server.wait_log("generation 2")
        with Asker(server) as again:
            assert again.ask(sender="bad@a.example") == "554 5.7.8 Nor you"


def test_two_fields_go_with_two_answers():
    with gateway("authentication_results = yes", spf="enforce") as server, Asker(server) as postfix:
        spam = {"sender": "spam@a.example", "instance": "fields.1"}
        answers = [postfix.ask(**spam) for _ in range(4)]
        assert answers[:2] == ["BCC audit@example.org", "PREPEND X-Spam-Flag: YES"]
        assert answers[2].startswith("PREPEND Authentication-Results: mx.example.org;") and "spf=" in answers[2]
        assert answers[3] == "DUNNO"
        assert postfix.ask(instance="fields.2", protocol_state="END-OF-MESSAGE") == "DUNNO"  # too late for a field


RATES = """
check "rates" { limit "three" { key = sender  rate = "3 / 1h"  burst = 3  cost = message  counts = delivered } }
"""


def deliver(postfix, sender, *states):
    same = {"sender": sender, "instance": f"rates.{Asker.number}"}
    return [postfix.ask(**same, protocol_state=state) for state in states]


def test_a_limit_counts_what_was_let_through():
    with gateway(rest=RATES) as server:
        with Asker(server) as postfix:  # this one asks at RCPT alone
            answers = [deliver(postfix, "ann@a.example", "RCPT")[0] for _ in range(5)]
            assert answers[:3] == ["DUNNO"] * 3 and all(a.startswith("DEFER_IF_PERMIT 4.7.1") for a in answers[3:])
        with Asker(server) as postfix:  # and this one at the end, too: then only what came that far counts
            assert deliver(postfix, "bob@a.example", "RCPT", "DATA", "END-OF-MESSAGE") == ["DUNNO"] * 3
            assert [deliver(postfix, "bob@a.example", "RCPT", "DATA")[0] for _ in range(5)] == ["DUNNO"] * 5
            assert deliver(postfix, "bob@a.example", "RCPT", "DATA", "END-OF-MESSAGE")[0] == "DUNNO"
            assert deliver(postfix, "bob@a.example", "RCPT", "DATA", "END-OF-MESSAGE")[0] == "DUNNO"
            assert deliver(postfix, "bob@a.example", "RCPT")[0].startswith("DEFER_IF_PERMIT 4.7.1")


def test_a_message_that_is_several_here_counts_in_all_its_parts():
    limits = 'check "rates" { limit "x" { key = sender  rate = "4 / 1d"  cost = recipient  counts = delivered } }'
    with gateway("recipients = 2", rest=limits) as server, Asker(server) as postfix:
        assert deliver(postfix, "ann@a.example", "RCPT", "DATA") == ["DUNNO"] * 2
        same = {"sender": "ann@a.example", "instance": "parts.1"}
        assert [postfix.ask(**same, recipient=f"{n}@example.org") for n in range(3)] == ["DUNNO"] * 3
        assert postfix.ask(**same, protocol_state="DATA", recipient="", recipient_count="3") == "DUNNO"
        assert postfix.ask(sender="ann@a.example").startswith("DEFER_IF_PERMIT 4.7.1 Too much mail")


def test_recipients_without_names_count():
    limits = """check "rates" {
        limit "heads" { key = sender  rate = "5 / 1d"  cost = recipient }
        limit "few" { key = "sender + 'x'"  rate = "2 / 1d"  cost = recipient  recipients = {"one@example.org"} }
    }"""
    with gateway(rest=limits) as server, Asker(server) as postfix:
        three = {"sender": "ann@a.example", "recipient": "", "recipient_count": "3"}
        assert postfix.ask(**three, instance="heads.1", protocol_state="DATA") == "DUNNO"
        assert postfix.ask(**three, instance="heads.1", protocol_state="END-OF-MESSAGE") == "DUNNO"
        assert re.fullmatch(r"451 4\.7\.1 Too much mail \(limit heads\), try again in \d+ hours",
                            postfix.ask(**three, instance="heads.2", protocol_state="DATA"))
        assert postfix.ask(sender="ann@a.example", protocol_state="DATA", recipient_count="1") == "DUNNO"


def test_bytes_count_as_postfix_has_measured_them():
    limits = 'check "rates" { limit "volume" { key = sender  rate = "3000 / 1d"  cost = byte } }'
    with gateway(rest=limits) as server, Asker(server) as postfix:
        same = {"sender": "ann@a.example", "instance": "bytes.1"}
        assert postfix.ask(**same, size="0") == "DUNNO"
        assert postfix.ask(**same, size="2900", protocol_state="END-OF-MESSAGE") == "DUNNO"
        assert postfix.ask(sender="ann@a.example", size="200").startswith("DEFER_IF_PERMIT 4.7.1 Too much mail")
        assert postfix.ask(sender="ann@a.example", size="4000").startswith("554 5.7.1 This is more than")


def test_a_tarpit_is_no_deeper_than_postfix_can_wait():
    limits = 'check "rates" { limit "slow" { key = sender  rate = "1 / 1d"  action = tarpit  tarpit = 60s } }'
    with gateway("wait = 1s", rest=limits) as server, Asker(server) as postfix:
        assert postfix.ask(sender="ann@a.example") == "DUNNO"
        assert postfix.ask(sender="ann@a.example") == "DUNNO"  # within the 20 s of the socket
        assert postfix.ask(sender="ann@a.example", stress="yes") == "DUNNO"


GREYLIST = """
check "greylist" { when = always  delay = 2s }
"""


def test_greylisting():
    with Gateway(conf_of().replace('check "greylist" { mode = off }', GREYLIST)) as server:
        with Asker(server) as postfix:
            answer = postfix.ask(instance="g.1")
            assert re.fullmatch(r"DEFER_IF_PERMIT 4\.7\.1 Greylisted, please try again in 2 seconds", answer), answer
            assert postfix.ask(instance="g.1") == answer  # in another list, for the same message
            assert postfix.ask(instance="g.1", recipient="postmaster@example.org") == "DUNNO"
            assert postfix.ask(sasl_username="ann") == "DUNNO"
            wait_for(lambda: postfix.ask() != answer and not postfix.ask().startswith("DEFER"), 10, "the delay to end")


def test_a_thousand_connections_are_kept(server):
    askers = [Asker(server) for _ in range(1000)]
    try:
        for asker in askers:
            asker.socket.sendall(Asker.request(sender="bad@a.example"))
        assert {asker.answer() for asker in askers} == {REFUSED}
        assert askers[0].ask() == "DUNNO" and askers[-1].ask() == "DUNNO"
    finally:
        for asker in askers:
            asker.__exit__()

# tests/dialogue/test_milter.py - the milter door, spoken with by a mail server of our own (kit/milter.py) that does
# what real ones do, and what they should not.
import contextlib
import re
import socket
import struct

import pytest

from milter import (ADDHDRS, CHGHDRS, LEADSPC, NO_REPLY, NOBODY, OFFERS, PROTOCOL_ALL, RCPT_REJ, SKIP, Milter, deliver,
                    split)
from milter_desk import CONF, PLAIN, ZONE, gateway, message, names, sign, verifies
from process import free_port, wait_for
from servers import Nsd


RESULTS = "Authentication-Results"


@pytest.fixture(scope="module")
def dns():
    with Nsd("\n".join(ZONE)) as server:
        yield server


@pytest.fixture(scope="module")
def postern(dns):
    with gateway(dns) as server:
        yield server


# ---- negotiation ----

@pytest.mark.parametrize("version", OFFERS)
def test_each_version_gets_what_it_offers_and_no_more(postern, version):
    with Milter(postern.port) as mta:
        assert mta.negotiate(version)[0] == version
        assert mta.actions & ~OFFERS[version][0] == 0 and mta.protocol & ~OFFERS[version][1] == 0
        assert mta.actions & (ADDHDRS | CHGHDRS) == ADDHDRS | CHGHDRS
        assert bool(mta.macros_wanted) == (version == 6)


def test_a_newer_version_is_answered_with_ours(postern):
    with Milter(postern.port) as mta:
        assert mta.negotiate(6)[0] == 6
    with Milter(postern.port) as mta:
        mta.put("O", struct.pack("!III", 7, 0x3ff, 0x3fffffff))
        command, data = mta.get()
        version, actions, protocol = struct.unpack("!III", data[:12])
        assert command == "O" and version == 6
        assert actions & ~0x1ff == 0 and protocol & 0x30000000 == 0x20000000      # of two sizes of data, the larger


def test_version_1_is_no_milter_any_more(postern):
    with Milter(postern.port) as mta:
        mta.put("O", struct.pack("!III", 1, 0xf, 0x3f))
        assert mta.is_closed()


def test_macros_are_asked_for_by_stage(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        assert "{client_ptr}" in mta.macros_wanted[0] and "{auth_authen}" in mta.macros_wanted[2]
        assert "i" in mta.macros_wanted[5]
    with Milter(postern.port) as mta:
        mta.negotiate(actions=0xff)
        assert mta.macros_wanted == {}


def test_only_recipients_and_the_end_are_waited_for(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        assert [c for c, bit in NO_REPLY.items() if not mta.protocol & bit] == ["R"]
        assert mta.protocol & LEADSPC and mta.protocol & RCPT_REJ and not mta.protocol & NOBODY


def test_an_mta_that_can_nothing_gets_a_verdict_all_the_same(postern):
    with Milter(postern.port) as mta:
        mta.negotiate(6, actions=0x40, protocol=0x400)           # neither header changes nor unanswered packets
        assert mta.connect()[0] == "c" and mta.helo()[0] == "c"
        result = mta.send_message(sign(PLAIN), sender="spammer@sender.example")
        assert result.final == "a" and result.edits == []
    postern.wait_log("does not let us add header fields change header fields")


# ---- the message is what the client sent ----

ODD = {
    "plain": message(),
    "no-body": message(body=b""),
    "no-last-newline": message(body=b"hello"),
    "blank-lines-at-the-end": message(body=b"hello\r\n\r\n\r\n\r\n"),
    "blank-lines-at-the-start": message(body=b"\r\n\r\nhello\r\n"),
    "8-bit": message(b"X-Raw: gr\xfc\xdfe\r\n", b"\xff\xfe\x80 gr\xc3\xbc\xc3\x9fe\r\n"),
    "nul-in-the-body": message(body=b"a\0b\r\n"),
    "no-blank-behind-the-colon": message(b"X-None:value\r\nX-Tab:\tvalue\r\nX-Two:  value\r\nX-Empty:\r\nX-E: \r\n"),
    "folded": message(b"X-Folded: one\r\n\ttwo\r\n  three\r\n \t \r\n end\r\n"),
    "folded-at-once": message(b"X-Folded:\r\n value\r\n"),
    "long-field": message(b"X-Long: " + b"x" * 100000 + b"\r\n"),
    "long-folded-field": message(b"X-Long: " + b"\r\n ".join([b"y" * 900] * 300) + b"\r\n"),
    "long-body-line": message(body=b"z" * 300000 + b"\r\n"),
    "body-of-64k": message(body=b"0123456789abcd\r\n" * 4096 + b"x" * 65535 + b"\r\n"),
    "bare-cr": message(body=b"a\rb\r\r\nc\r\n"),
    "many-fields": message(b"".join(b"X-%d: v\r\n" % i for i in range(900))),
}


@pytest.mark.parametrize("version", OFFERS)
@pytest.mark.parametrize("odd", ODD)
def test_signatures_hold_before_and_after_us(postern, odd, version):
    lossy = version < 6 and odd in ("no-blank-behind-the-colon", "folded-at-once")
    original = sign(ODD[odd])
    result = deliver(postern.port, original, version=version)
    said = result.inserted["Authentication-Results"]
    assert result.final == "a" and ("dkim=pass" in said or lossy), said
    edited = result.apply(original, result.spaced)
    assert verifies(edited) and names(edited)[0] == "Authentication-Results"
    assert split(edited)[1] == split(original)[1]


@pytest.mark.parametrize("chunk", (1, 7, 4095, 65535))
def test_pieces_of_any_size_make_the_same_body(postern, chunk):
    original = sign(message(body=b"".join(b"line %d\r\n" % i for i in range(300))))
    result = deliver(postern.port, original, chunk=chunk)
    assert "dkim=pass" in result.inserted["Authentication-Results"]


def test_a_large_message_goes_through_a_file(postern):
    original = sign(message(body=b"0123456789" * 7 + b"\r\n" * 2 + (b"x" * 76 + b"\r\n") * 272000))
    assert len(original) > 20 << 20
    result = deliver(postern.port, original)
    assert result.final == "a" and "dkim=pass" in result.inserted["Authentication-Results"]


def test_packets_may_come_byte_by_byte_or_all_at_once(postern):
    class Recorder(Milter):
        def __init__(self):                                      # it talks to nobody
            self.said, self.protocol, self.version, self.buffer = b"", PROTOCOL_ALL & ~SKIP, 6, b""

        def put(self, command, data=b""):
            self.said += struct.pack("!I", len(data) + 1) + command.encode() + data

    script = Recorder()
    script.protocol |= 0x8000                                    # no answer to RCPT is read: it comes all the same
    script.put("O", struct.pack("!III", *((6,) + OFFERS[6])))
    script.connect()
    script.helo()
    script.mail()
    script.rcpt()
    script.data()
    script.content(sign(message()))
    script.put("E")
    for size in (1, 3, len(script.said)):
        with Milter(postern.port) as mta:
            for at in range(0, len(script.said), size):
                mta.socket.sendall(script.said[at:at + size])
            assert [mta.get()[0] for _ in range(2)] == ["O", "c"]
            answers = []
            while not answers or answers[-1] not in "acdrty":
                answers.append(mta.get()[0])
            assert answers[-1] == "a" and "i" in answers


def test_a_nul_or_a_stray_line_in_a_field_makes_no_other_field(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        mta.mail()
        mta.rcpt()
        mta.data()
        for name, value in ((b"From", b" ada@sender.example"), (b"X-Nul", b" a\0b"),
                            (b"X-Stray", b" a\nX-Spam-Flag: YES\n\nbody"), (b"Bad Name:", b" x"),
                            (b"Subject", b" hello")):
            mta.put("L", name + b"\0" + value + b"\0")
        mta.put("N")
        result = mta.end()
        assert result.final == "q" or not [e for e in result.edits if e[0] == "m"], result.edits


# ---- edits ----

def test_forged_fields_go_and_ours_stand_on_top(postern):
    forged = sign(PLAIN)
    forged = (b"X-Spam-Flag: YES\r\nAuthentication-Results: mx.example.org; dkim=pass\r\nx-spam-status: No\r\n"
              b"Authentication-Results: other.example; spf=pass\r\nX-Spam-Flag: NO\r\n"
              b"AUTHENTICATION-RESULTS: mx.example.org;\r\n\tspf=pass\r\n") + forged
    result = deliver(postern.port, forged)
    edited = result.apply(forged, result.spaced)
    assert [e[:3] for e in result.edits if e[0] == "m"] == [
        ("m", 3, "AUTHENTICATION-RESULTS"), ("m", 2, "X-Spam-Flag"), ("m", 1, "x-spam-status"),
        ("m", 1, "Authentication-Results"), ("m", 1, "X-Spam-Flag")]
    assert names(edited)[:4] == ["Authentication-Results", "X-Spam-Score", "X-Spam-Status", "Authentication-Results"]
    assert edited.count(b"other.example; spf=pass") == 1
    assert edited.count(b"Authentication-Results: mx.example.org") == 1
    assert verifies(edited)


def test_tagged_mail_has_its_subject_changed_in_its_place(postern):
    original = sign(PLAIN)
    result = deliver(postern.port, original, sender="spammer@sender.example")
    edited = result.apply(original, result.spaced)
    assert b"\r\nSubject: [SPAM] hello\r\n" in edited and result.inserted["X-Spam-Flag"].strip() == "YES"
    assert names(edited).index("Subject") == names(original).index("Subject") + 5


def test_tagged_mail_without_a_subject_gets_one(postern):
    result = deliver(postern.port, sign(PLAIN.replace(b"Subject: hello\r\n", b"")), sender="spammer@sender.example")
    assert result.inserted["Subject"].strip() == "[SPAM]"


def test_old_mail_servers_write_the_blank_themselves(postern):
    new, old = (deliver(postern.port, sign(PLAIN), version=version) for version in (6, 2))
    assert new.inserted["X-Spam-Score"].startswith(" ") and not old.inserted["X-Spam-Score"].startswith(" ")


# ---- verdicts ----

def test_a_recipient_is_refused_and_the_others_are_not(postern):
    recipients = ["user@example.org", "refused@example.org", "later@example.org", "second@example.org"]
    result = deliver(postern.port, sign(PLAIN), recipients=recipients)
    assert result.final == "a" and result.recipients[0] == result.recipients[3] == "c"
    assert re.fullmatch(r"554 5\.7\.1 100%% unwanted \(id [0-9A-Z]{26}\)", result.recipients[1])
    assert result.recipients[2].startswith("451 4.7.1 ")
    postern.wait_log("to=user@example.org,second@example.org")


def test_recipients_of_other_rules_come_again(postern):
    result = deliver(postern.port, sign(PLAIN), recipients=["user@example.org", "a@strict.example", "b@example.org"])
    assert result.recipients[0] == result.recipients[2] == "c" and result.recipients[1].startswith("452 4.5.3 ")


def test_spam_is_refused_as_soon_as_that_is_certain(postern):
    result = deliver(postern.port, sign(PLAIN), sender="worse@sender.example")
    assert result.final == "y" and result.reply.startswith("554 5.7.1 Message refused as spam (LIST_WORSE")
    assert result.recipients == [result.reply]                   # at RCPT: the message was not even sent


def test_discarded_mail_is(postern):
    result = deliver(postern.port, sign(PLAIN), sender="dropped@sender.example")
    assert result.final == "d" and result.edits == []


def test_quarantined_mail_is_held_and_accepted(postern):
    result = deliver(postern.port, PLAIN, client={"address": "198.51.100.9", "name": "unknown"})
    assert result.final == "a" and [e[3] for e in result.edits if e[0] == "q"][0].startswith(b"Postern: ")
    assert "dmarc=fail" in result.inserted["Authentication-Results"]


def test_an_mta_that_cannot_hold_mail_is_asked_for_patience(postern):
    with Milter(postern.port) as mta:
        mta.negotiate(actions=ADDHDRS | CHGHDRS)
        mta.connect("198.51.100.9", "unknown")
        mta.helo()
        result = mta.send_message(PLAIN)
        assert result.final == "y" and result.reply.startswith("451 4.7.1 "), result.reply


# ---- who it is ----

def test_ipv6_and_clients_without_an_address(postern):
    result = deliver(postern.port, sign(PLAIN), client={"address": "2001:db8::25"})
    assert "spf=pass" in result.inserted["Authentication-Results"]
    result = deliver(postern.port, sign(PLAIN), client={"address": None, "macros": {"{client_addr}": "192.0.2.25"}})
    assert "spf=pass" in result.inserted["Authentication-Results"]
    result = deliver(postern.port, sign(PLAIN), client={"address": None, "name": "unknown"})
    assert result.final == "a" and "dkim=pass" in result.inserted["Authentication-Results"]


@pytest.mark.parametrize("address", ("127.0.0.1", "::1", "/dev/stdin"))
def test_mail_of_the_machine_itself_is_left_alone(postern, address):
    result = deliver(postern.port, PLAIN, client={"address": address, "name": "localhost"})
    assert result.final == "a" and result.edits == []


@pytest.mark.parametrize("macros", ({"{auth_type}": "PLAIN", "{auth_authen}": "ada"}, {"{auth_type}": "EXTERNAL"},
                                    {"{auth_authen}": "ada"}))
def test_mail_of_authenticated_users_is_left_alone(postern, macros):
    result = deliver(postern.port, PLAIN, client={"address": "198.51.100.9", "name": "unknown"}, macros=macros)
    assert result.final == "a" and result.edits == []


def test_macros_that_come_before_an_open_transaction_has_ended_are_the_next_ones(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        mta.connect("198.51.100.9", "unknown")
        mta.helo()
        mta.mail(macros={"i": "4First"})
        mta.rcpt()
        result = mta.send_message(PLAIN, macros={"i": "4Second", "{auth_authen}": "ada"})
        assert result.final == "a" and result.edits == []


def test_a_name_that_the_mail_server_has_confirmed_is_not_asked_for(postern):
    name = "x.sender.example"                                    # not in the DNS
    for confirmed, reverse, iprev in ((name, name, "pass"), ("unknown", name, "fail"), (f"[{name}]", name, "fail"),
                                      (name, "", "fail")):
        result = deliver(postern.port, sign(PLAIN), client={
            "name": name, "macros": {"{client_name}": confirmed, "{client_ptr}": reverse}})
        assert f"iprev={iprev} ({name})" in result.inserted[RESULTS], (confirmed, reverse, result.inserted)


def test_mail_by_a_daemon_of_our_users_is_left_alone(postern):
    result = deliver(postern.port, PLAIN, client={"address": "198.51.100.9", "name": "unknown",
                                                  "macros": {"{daemon_name}": "ORIGINATING"}})
    assert result.final == "a" and result.edits == []


def test_who_only_says_so_is_not_authenticated(postern):
    result = deliver(postern.port, PLAIN, client={"address": "198.51.100.9", "name": "unknown"},
                     macros={"{auth_author}": "ada@sender.example", "{mail_addr}": "ada"})
    assert "dmarc=fail" in result.inserted["Authentication-Results"]


def test_recipients_that_the_mta_refuses_are_counted_and_no_more(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        mta.mail(macros={"i": "4Harvest"})
        for i in range(3):
            assert mta.rcpt(f"guess{i}@example.org", macros={"{rcpt_mailer}": "error"})[0] == "c"
        assert mta.rcpt()[0] == "c"
        mta.data("4Harvest")
        mta.content(sign(PLAIN))
        assert mta.end().final == "a"
    wait_for(lambda: "queue_id=4Harvest" in postern.log, 10, "the message in the log")
    line = next(line for line in postern.log.splitlines() if "queue_id=4Harvest" in line)
    assert "rcpts=1" in line and "refused_by_mta=3" in line


def test_utf8_is_taken_and_answered_where_the_client_asked_for_it(postern):
    named = {"sender": "gr\u00fc\u00dfe@sender.example", "recipients": ["\u00fcser@example.org"]}
    result = deliver(postern.port, sign(PLAIN), arguments=("SMTPUTF8", "SIZE=300", "BODY=8BITMIME"), **named)
    assert result.final == "a" and 'smtp.mailfrom="gr\u00fc\u00dfe@sender.example"' in result.inserted[RESULTS]
    result = deliver(postern.port, sign(PLAIN), **named)
    assert result.final == "a" and result.inserted[RESULTS].isascii()


def test_envelopes_that_are_no_addresses_do_no_harm(postern):
    for sender in ("", "no-domain", "a@b@c.example", "\t\r\n@x.example", "x" * 5000 + "@sender.example", "<>", "@"):
        with Milter(postern.port) as mta:
            mta.negotiate()
            mta.connect(name="\x01\xff" * 300)
            mta.helo("\r\nX-Forged: yes\x00")
            result = mta.send_message(sign(PLAIN), sender=sender, recipients=[sender, "user@example.org"])
            assert result.final in ("a", "y"), sender
            assert "X-Forged" not in names(result.apply(sign(PLAIN))), sender


# ---- sessions ----

def test_several_messages_and_several_clients_on_one_connection(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        for i in range(3):
            mta.connect()
            mta.helo()
            for _ in range(2):
                assert "spf=pass" in mta.send_message(sign(PLAIN)).inserted["Authentication-Results"]
            mta.quit_for_next()
            mta.connect("198.51.100.9", "unknown")
            mta.helo("other.example")
            assert "spf=fail" in mta.send_message(PLAIN).inserted["Authentication-Results"]
            mta.quit_for_next()


def test_a_transaction_given_up_leaves_nothing_behind(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        mta.mail("spammer@sender.example")
        mta.rcpt()
        mta.abort()
        mta.mail("spammer@sender.example")
        mta.rcpt()
        mta.data()
        mta.field(b"X-Spam-Flag: YES")
        mta.step("B", b"half a body")
        mta.abort()
        mta.abort()
        result = mta.send_message(sign(PLAIN))
        assert result.final == "a" and "X-Spam-Flag" not in result.inserted
        assert not [e for e in result.edits if e[0] == "m"]


def test_packets_out_of_order_end_the_connection(postern):
    for early in "CHMRTLNBEDAKU":                                # before negotiation
        with Milter(postern.port) as mta:
            mta.put(early, b"x\0")
            assert mta.is_closed(), early
    for wrong in ("O", "R", "T", "L", "N", "B", "E", "\x7f", "Z"):          # without MAIL
        with Milter(postern.port) as mta:
            mta.negotiate()
            mta.connect()
            mta.put(wrong, struct.pack("!III", 6, 0, 0))
            assert mta.is_closed(), wrong
    assert deliver(postern.port, sign(PLAIN)).final == "a"


def test_garbage_and_impossible_lengths_end_the_connection(postern):
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\0", b"\0\0\0\0O" * 10, b"\xff" * 64, b"EHLO x\r\n" * 100):
        with Milter(postern.port) as mta:
            mta.socket.sendall(junk)
            if len(junk) < 5:
                mta.socket.shutdown(socket.SHUT_WR)
            assert mta.is_closed(), junk
    assert deliver(postern.port, sign(PLAIN)).final == "a"


def test_an_mta_that_stops_within_a_packet_is_left(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        mta.socket.sendall(b"\0\0\1\0Cmail")
        assert mta.is_closed()
    postern.wait_log("nothing came for too long")


def test_an_mta_without_helo_or_client_is_served(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        assert mta.send_message(sign(PLAIN)).final == "a"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_there_may_be_several_listeners_of_every_kind(dns):
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    other = free_port()
    listen = f'"inet:{other}@127.0.0.1", "inet6:{{{{port}}}}@::1", "unix:{{{{folder}}}}/second.sock", "unix:'
    with gateway(dns, conf=CONF.replace('"unix:', listen, 1)) as server:
        places = [server.port, other, ("::1", server.port), str(server.folder / "milter.sock"),
                  str(server.folder / "second.sock")]
        with contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(Milter(where)) for where in places]
            for mta in sessions:
                mta.negotiate()
                mta.connect()
                mta.helo()
            assert [mta.send_message(sign(PLAIN)).final for mta in sessions] == ["a"] * len(places)


def test_many_sessions_at_once(postern):
    sessions = [Milter(postern.port) for _ in range(300)]
    for mta in sessions:
        mta.negotiate()
        mta.connect()
        mta.helo()
    assert {mta.send_message(sign(PLAIN)).final for mta in sessions[::10]} == {"a"}
    for mta in sessions:
        mta.quit()
        assert mta.is_closed()

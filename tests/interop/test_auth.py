# tests/interop/test_auth.py - AUTH passed on to submission: a real Postfix with Dovecot's logins behind us; swaks,
# msmtp and Postfix's own client in front; and a next hop that does as it is told.
import base64
import contextlib
import smtplib
import socket
import ssl
import subprocess

import pytest

from dovecot import DovecotAuth
from mail import parse
from process import wait_for
from servers import Gateway, Postfix, needs
from sink import EXTENSIONS, SmtpSink

USERS = {"joe@example.org": "secret+Pass=1", "ann@example.org": "other"}

CONF = """
hostname = "mx.example.org"
smtp {{
    listener "127.0.0.1:{{port}}" {{ auth = yes }}
    next_hop = "smtp://127.0.0.1:{next_hop}"
    auth_hop = "smtp://127.0.0.1:{hop}"
    relay_domains = {{"example.org"}}
    tls_certificate = "{folder}/mx.example.org.crt"
    tls_key = "{folder}/mx.example.org.key"
    hop_command = "5s"
    {more}
}}
check "greylist" {{ mode = off }}
log {{ level = debug }}
"""

SUBMISSION = """
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {socket}
smtpd_sasl_security_options = noanonymous
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sender_login_maps = inline:{{ {{ joe@example.org = joe@example.org }}, {{ ann@example.org = ann@example.org }} }}
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_delay_reject = yes
smtpd_error_sleep_time = 0
"""

MESSAGE = b"From: joe@example.org\r\nSubject: x\r\n\r\nx\r\n"


@pytest.fixture(scope="module")
def house(certificates):
    with DovecotAuth(USERS) as logins, \
            Postfix(mailboxes=("user@example.org", "far@elsewhere.example"), tls="may",
                    extra=SUBMISSION.format(socket=logins.socket)) as postfix, \
            Gateway(CONF.format(hop=postfix.port, next_hop=postfix.port, folder=certificates, more="")) as gateway:
        wait_for(lambda: offers(gateway), 20, "AUTH to be offered")
        yield gateway, postfix


def context():
    own = ssl.create_default_context()
    own.check_hostname, own.verify_mode = False, ssl.CERT_NONE
    return own


def connect(gateway, kind=smtplib.SMTP, source="127.0.0.1"):
    client = kind("127.0.0.1", gateway.port, local_hostname="client.example", timeout=30, source_address=(source, 0))
    client.ehlo()
    client.starttls(context=context())
    client.ehlo()
    return client


class Proxied(smtplib.SMTP):
    """As a proxy that tells of a client in the world."""

    def _get_socket(self, host, port, timeout):
        sock = super()._get_socket(host, port, timeout)
        sock.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.25 4711 587\r\n")
        return sock


def offers(gateway):
    with connect(gateway) as client:
        return client.esmtp_features.get("auth", "").split()


def word(text):
    return base64.b64encode(text.encode()).decode()


def no_password_is_in(text):
    for password in USERS.values():
        assert password not in text and word(password) not in text
    for user, password in USERS.items():
        assert word(f"\0{user}\0{password}") not in text


# ---- Postfix and Dovecot ----


def test_auth_is_offered_over_tls_alone(house):
    gateway, _ = house
    with smtplib.SMTP("127.0.0.1", gateway.port, timeout=30) as client:
        client.ehlo("client.example")
        assert not client.has_extn("auth")
        code, text = client.docmd("AUTH", "PLAIN " + word("\0joe@example.org\0x"))
        assert code == 538 and b"5.7.11" in text
    assert set(offers(gateway)) == {"PLAIN", "LOGIN", "SCRAM-SHA-256"}    # CRAM-MD5 is not among auth_mechanisms


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_logs_in_and_sends_anywhere(house, mechanism):
    gateway, postfix = house
    before = len(postfix.messages("far@elsewhere.example"))
    ran = subprocess.run([needs("swaks"), "--server", f"127.0.0.1:{gateway.port}", "--tls", "--auth", mechanism,
                          "--auth-user", "joe@example.org", "--auth-password", USERS["joe@example.org"], "--from",
                          "joe@example.org", "--to", "far@elsewhere.example", "--timeout", "30"],
                         capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout
    mail = parse(postfix.wait_messages(before + 1, "far@elsewhere.example")[-1])
    hops = mail.get_all("Received")
    assert "(Authenticated sender" in hops[0] or "ESMTPSA" in hops[0], hops      # the submission server knows the user
    assert "with ESMTPSA" in hops[1] and "mx.example.org (Postern)" in hops[1], hops
    gateway.wait_log("user=joe@example.org from=joe@example.org")
    assert f"hop=smtp://127.0.0.1:{postfix.port}" in gateway.log
    no_password_is_in(gateway.log)


def test_msmtp_logs_in_by_scram(house, tmp_path):
    gateway, postfix = house
    before = len(postfix.messages())
    (tmp_path / "msmtprc").write_text("")
    ran = subprocess.run([needs("msmtp"), "--file=" + str(tmp_path / "msmtprc"), "--host=127.0.0.1",
                          f"--port={gateway.port}", "--tls=on", "--tls-starttls=on", "--tls-certcheck=off",
                          "--auth=scram-sha-256", "--user=ann@example.org", "--passwordeval=echo other",
                          "--from=ann@example.org", "user@example.org"], input=MESSAGE, capture_output=True, timeout=60,
                         check=False)
    assert ran.returncode == 0, ran.stderr
    postfix.wait_messages(before + 1)
    gateway.wait_log("user=ann@example.org")


def test_postfixs_own_client_logs_in(house):
    gateway, postfix = house
    front = f"""
relayhost = [127.0.0.1]:{gateway.port}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = inline:{{ {{ [127.0.0.1]:{gateway.port} = joe@example.org:{USERS['joe@example.org']} }} }}
smtp_sasl_security_options = noanonymous
smtp_sasl_tls_security_options = noanonymous
smtp_tls_security_level = encrypt
"""
    before = len(postfix.messages("far@elsewhere.example"))
    with Postfix(mailboxes=("local@local.example",), extra=front) as client:
        with smtplib.SMTP("127.0.0.1", client.port, local_hostname="desk.example", timeout=30) as smtp:
            smtp.sendmail("joe@example.org", ["far@elsewhere.example"], MESSAGE)
        try:
            postfix.wait_messages(before + 1, "far@elsewhere.example")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{client.log[-2000:]}") from None


def test_a_wrong_password_is_refused_in_the_submission_servers_words(house):
    gateway, postfix = house
    with connect(gateway) as client:
        code, text = client.docmd("AUTH", "PLAIN " + word("\0joe@example.org\0wrong"))
        assert code == 535 and b"5.7.8" in text, text
        assert client.mail("joe@example.org")[0] == 250
        assert client.rcpt("far@elsewhere.example")[0] == 554                    # not logged in: no relay
        client.rset()
        assert client.login("joe@example.org", USERS["joe@example.org"])[0] == 235
        assert client.mail("joe@example.org")[0] == 250
        assert client.rcpt("far@elsewhere.example")[0] == 250
    gateway.wait_log("what=login client=127.0.0.1")
    assert "user=joe@example.org mechanism=PLAIN code=535" in gateway.log


def test_the_submission_servers_rules_for_the_user_hold(house):
    gateway, postfix = house
    with connect(gateway) as client:
        client.login("ann@example.org", USERS["ann@example.org"])
        client.mail("joe@example.org")
        code, text = client.rcpt("user@example.org")
        assert code == 553 and b"5.7.1" in text, text                            # not ann's address
        client.rset()
        client.mail("ann@example.org")
        assert client.rcpt("user@example.org")[0] == 250


def test_the_submission_server_hears_whose_login_it_is(house, certificates):
    """By XCLIENT, before the login, which would not outlive it."""
    _, postfix = house
    before = len(postfix.messages())
    more = 'next_hop_client = xclient  proxy_clients = {"127.0.0.1"}  clients { greet_wait = 0 }'
    with Gateway(CONF.format(hop=postfix.port, next_hop=postfix.port, folder=certificates, more=more)) as gateway:
        gateway.wait_log("state=up")
        with connect(gateway, Proxied) as client:
            assert client.docmd("AUTH", "PLAIN " + word("\0joe@example.org\0wrong"))[0] == 535
            assert client.login("joe@example.org", USERS["joe@example.org"])[0] == 235
            for _ in range(2):
                assert client.sendmail("joe@example.org", ["user@example.org"], MESSAGE) == {}
        postfix.wait_messages(before + 2)
    assert "[192.0.2.7]: SASL PLAIN authentication failed" in postfix.log, postfix.log[-3000:]
    told = [line for line in postfix.log.splitlines() if "[192.0.2.7], sasl_method=" in line]
    assert told and all("sasl_username=joe@example.org" in line for line in told), postfix.log[-3000:]


def test_one_login_is_enough_and_is_forgotten_with_the_connection(house):
    gateway, postfix = house
    with connect(gateway) as client:
        client.login("joe@example.org", USERS["joe@example.org"])
        assert client.docmd("AUTH", "PLAIN " + word("\0ann@example.org\0other"))[0] == 503
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.mail("joe@example.org", ("AUTH=<>",))[0] == 250            # but who sent it may be told
        client.rset()
        for _ in range(2):
            assert client.sendmail("joe@example.org", ["far@elsewhere.example", "user@example.org"], MESSAGE) == {}
    with connect(gateway) as client:
        client.mail("joe@example.org")
        assert client.rcpt("far@elsewhere.example")[0] == 554
        assert client.docmd("AUTH", "PLAIN " + word("\0joe@example.org\0x"))[0] == 503     # inside a transaction


# ---- a next hop that does as it is told ----


class Logins:
    """A script for SmtpSink: joe may log in by PLAIN, LOGIN and SCRAM-SHA-1 (of which it takes any proof)."""

    def __init__(self):
        self.heard, self.answer = [], None

    def __call__(self, verb, argument, dialogue):
        if verb != "AUTH":
            return None
        if self.answer:
            return self.answer
        mechanism, _, first = argument.partition(" ")
        lines = [first] if first else []
        wanted = {"PLAIN": 1, "LOGIN": 2, "SCRAM-SHA-1": 2}[mechanism]
        while len(lines) < wanted:
            dialogue.say("334 " + (word("Tell\x01me") if lines else ""))
            lines.append(dialogue.line().decode().rstrip("\r\n"))
            if lines[-1] == "*":
                self.heard.append(lines)
                return "501 5.0.0 cancelled"
        self.heard.append(lines)
        return "235 2.7.0 welcome"


@contextlib.contextmanager
def desk_with(certificates, more="", rest="", is_offered=True):
    logins = Logins()
    offered = EXTENSIONS + ("AUTH PLAIN LOGIN GSSAPI SCRAM-SHA-1 SCRAM-SHA-1-PLUS",)
    with SmtpSink(script=logins, extensions=offered) as hop:
        conf = CONF.format(hop=hop.port, next_hop=hop.port, folder=certificates, more=more) + rest
        with Gateway(conf) as gateway:
            if is_offered:
                wait_for(lambda: offers(gateway), 20, "AUTH to be offered")
            yield gateway, hop, logins


@pytest.fixture
def desk(certificates):
    with desk_with(certificates, 'xclient_clients = {"127.0.0.1"}') as house:
        yield house


def test_what_can_be_passed_on_is_offered(desk):
    assert offers(desk[0]) == ["PLAIN", "LOGIN", "SCRAM-SHA-1"]


def test_lines_go_through_as_they_are(desk):
    gateway, hop, logins = desk
    with connect(gateway) as client:
        assert client.docmd("AUTH", "login")[0] == 334
        code, text = client.docmd(word("joe"))
        assert (code, text.decode()) == (334, word("Tell\x01me"))
        assert client.docmd(word("pass"))[0] == 235
        assert logins.heard == [[word("joe"), word("pass")]]
        assert client.sendmail("joe@example.org", ["x@anywhere.example"], MESSAGE) == {}
    assert hop.messages[-1]["rcpts"] == ["TO:<x@anywhere.example>"]
    gateway.wait_log("user=joe from=joe@example.org")


def test_a_login_that_is_cancelled_or_nonsense(desk):
    gateway, hop, logins = desk
    with connect(gateway) as client:
        client.docmd("AUTH", "LOGIN")
        assert client.docmd("*")[0] == 501
        client.docmd("AUTH", "LOGIN")
        code, text = client.docmd("no base64!")
        assert code == 501 and b"5.5.2" in text
        assert logins.heard == [["*"], ["*"]]
        assert client.docmd("AUTH", "PLAIN " + word("no zeros"))[0] == 501
        assert client.docmd("AUTH", "GSSAPI")[0] == 504
        assert client.docmd("AUTH", "SCRAM-SHA-1 " + word("p=tls-unique,,n=joe,r=x"))[0] == 501
        assert client.docmd("AUTH", "SCRAM-SHA-1 " + word("n,,n=joe,r=x"))[0] == 334
        assert client.docmd(word("c=biws,r=x,p=y"))[0] == 235


def test_long_lines_pass_and_longer_ones_do_not(desk):
    gateway, hop, logins = desk
    with connect(gateway) as client:
        client.docmd("AUTH", "LOGIN")
        client.docmd(word("joe"))
        assert client.docmd("A" * 12000)[0] == 235
        assert len(logins.heard[-1][1]) == 12000
    with connect(gateway) as client:
        client.docmd("AUTH", "LOGIN")
        assert client.docmd("A" * 13000)[0] == 501
        assert client.docmd("AUTH", "PLAIN " + "A" * 13000)[0] == 500
        assert client.noop()[0] == 250


def test_guesses_are_counted_as_errors(desk):
    gateway, hop, logins = desk
    logins.answer = "535 5.7.8 no"
    codes = []
    with connect(gateway) as client:
        try:
            for _ in range(25):
                codes.append(client.docmd("AUTH", "PLAIN " + word("\0joe\0guess"))[0])
                if len(codes) == 9:
                    break
        except smtplib.SMTPServerDisconnected:
            pass
    assert codes == [535] * 9
    assert hop.connections <= 3                # the attempts shared one connection


def test_a_next_hop_that_is_gone(desk):
    gateway, hop, logins = desk
    with connect(gateway) as client, connect(gateway) as other:
        client.login("joe", "x")
        logins.answer = "close"
        code, text = other.docmd("AUTH", "PLAIN " + word("\0joe\0x"))
        assert code == 454 and b"4.7.0" in text, text
        logins.answer = "421 4.3.2 going down"
        assert other.docmd("AUTH", "PLAIN " + word("\0joe\0x"))[0] == 454
        logins.answer = "250 what"
        assert other.docmd("AUTH", "PLAIN " + word("\0joe\0x"))[0] == 454
        hop.stop()
        wait_for(lambda: not hop.open, 10, "connections to be gone")

        def is_told():
            try:
                code, text = client.mail("joe@example.org")
            except smtplib.SMTPServerDisconnected:
                return False
            client.rset() if code == 250 else None
            return code == 421 and b"log in again" in text

        wait_for(is_told, 10, "the client to be told that its login is lost")
        assert other.docmd("AUTH", "PLAIN " + word("\0joe\0x"))[0] == 454


def test_what_a_next_hop_repeats_is_not_logged(desk):
    gateway, hop, logins = desk
    secret = word("\0joe\0geheim")
    logins.answer = f'500 5.5.1 Command unrecognized: "AUTH PLAIN {secret}"'
    with connect(gateway) as client:
        assert client.docmd("AUTH", "PLAIN " + secret)[0] == 500
    gateway.wait_log("user=joe mechanism=PLAIN code=500")
    assert secret not in gateway.log


def guess(gateway, source="127.0.0.1"):
    client = connect(gateway, source=source)
    return client, client.docmd("AUTH", "PLAIN " + word("\0joe\0guess"))[0]


@pytest.mark.parametrize("limits, whom", (("address { errors = 3 }", "127.0.0.2"),
                                          ("network { errors = 4 }", "127.0.0.0/24")))
def test_guesses_are_counted_over_all_connections(certificates, limits, whom):
    """Of the client, and of its network."""
    limits = f"clients {{ known = {{}}  greet_wait = 0  tarpit = 0  {limits} }}"
    with desk_with(certificates, limits) as (gateway, hop, logins):
        logins.answer = "535 5.7.8 no"

        def is_turned_away():
            for source in ("127.0.0.2", "127.0.0.3" if "/" in whom else "127.0.0.2"):
                try:
                    client, code = guess(gateway, source)
                except smtplib.SMTPConnectError as refused:
                    return f"Too many errors a minute from {whom};".encode() in refused.smtp_error
                assert code == 535
                client.close()
            return False

        wait_for(is_turned_away, 20, "the guesser to be turned away")
        assert connect(gateway, source="127.0.1.1").noop()[0] == 250


def test_guessers_leave_connections_to_others(certificates):
    with desk_with(certificates, "hop_connections = 2") as (gateway, hop, logins):
        logins.answer = "535 5.7.8 no"
        guessers = [guess(gateway) for _ in range(3)]
        assert [code for _, code in guessers] == [535, 535, 535]
        logins.answer = None
        with connect(gateway) as client:
            assert client.login("joe", "x")[0] == 235
        for guesser, _ in guessers:
            guesser.close()


def test_a_connection_that_is_lost_between_question_and_answer(desk):
    """The answer must not be taken for a command."""
    gateway, hop, logins = desk
    with connect(gateway) as client:
        assert client.docmd("AUTH", "LOGIN")[0] == 334
        hop.hang_up()
        wait_for(lambda: not hop.open, 10, "connections to be gone")
        code, text = client.docmd(word("joe"))
        assert code == 454 and b"4.7.0" in text, text
        assert client.noop()[0] == 250
        assert client.login("joe", "x")[0] == 235


def test_who_is_known_by_xclient_has_logged_in(desk):
    gateway, hop, logins = desk
    with connect(gateway) as client:
        assert client.docmd("XCLIENT", "LOGIN=joe")[0] == 220
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN " + word("\0ann\0x"))[0] == 503
        assert client.mail("joe@example.org")[0] == 250
        assert client.rcpt("x@anywhere.example")[0] == 250


BAD_GREETING = 'check "helo" { symbol "HFILTER_HELO_LOCALHOST" { action = reject } }'


def test_a_login_through_a_proxy_and_what_counts_then(certificates):
    """The client is the one that the proxy tells. What its greeting has earned counts until it has logged in."""
    with desk_with(certificates, 'proxy_clients = {"127.0.0.1"}  clients { greet_wait = 0 }', BAD_GREETING,
                   is_offered=False) as (gateway, hop, logins):
        gateway.wait_log("state=up")
        with connect(gateway, Proxied) as client:
            client.ehlo("localhost")
            client.mail("joe@example.org")
            code, text = client.rcpt("user@example.org")
            assert code // 100 == 5 and b"Helo command rejected" in text, text
            client.rset()
            assert client.login("joe", "x")[0] == 235
            assert client.sendmail("joe@example.org", ["x@anywhere.example"], MESSAGE) == {}
        gateway.wait_log("event=message")
        line = next(line for line in gateway.log.splitlines() if "event=message" in line)
        assert "client=192.0.2.7" in line and "peer=127.0.0.1" in line and "user=joe" in line, line
        assert "action=accept" in line and " moot)" in line and "why=" not in line, line


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(desk):
    gateway, hop, logins = desk
    wait_for(lambda: len(hop.open) <= 1, 10, "connections of other clients to be gone")
    for command in ("AUTH LOGIN", "AUTH PLAIN " + word("\0joe\0x")):
        client = connect(gateway)
        client.docmd(command)
        client.mail("joe@example.org")
        client.sock.shutdown(socket.SHUT_RDWR)
        client.close()
    wait_for(lambda: len(hop.open) <= 1, 10, "its connections to the next hop to be closed")


def test_what_gets_no_password(certificates):
    """A submission server elsewhere without TLS, and a configuration without a certificate."""
    with SmtpSink(extensions=EXTENSIONS + ("AUTH PLAIN",)) as hop:
        with Gateway(CONF.format(hop=hop.port, next_hop=hop.port, folder=certificates, more="").replace(
                "auth = yes", "auth = no")) as gateway:
            wait_for(lambda: ("EHLO", "mx.example.org") in hop.commands, 20, "the gateway to know its next hop")
            with connect(gateway) as client:
                assert not client.has_extn("auth")
                assert client.docmd("AUTH", "PLAIN " + word("\0joe\0x"))[0] == 502
        elsewhere = CONF.format(hop=hop.port, next_hop=hop.port, folder=certificates, more="").replace(
            f'auth_hop = "smtp://127.0.0.1:{hop.port}"', f'auth_hop = "smtp://127.1:{hop.port}"')
        with Gateway(elsewhere) as gateway:
            gateway.wait_log(f"hop=smtp://127.1:{hop.port} state=up")
            with connect(gateway) as client:
                assert not client.has_extn("auth")
                assert client.docmd("AUTH", "PLAIN " + word("\0joe\0x"))[0] == 454
        assert "AUTH" not in [verb for verb, _ in hop.commands]


def memory_of(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights = line.split()[:2]
            start, end = (int(part, 16) for part in area.split("-"))
            if not rights.startswith("rw") or end - start > 1 << 28:     # the sanitizer's shadow holds nothing of ours
                continue
            try:
                memory.seek(start)
                yield memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue


def children_of(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


def test_passwords_do_not_stay_in_memory(desk):
    gateway, hop, logins = desk
    password = "Zw31-pferd-Kuchen-77"
    with connect(gateway) as client:
        client.docmd("AUTH", "LOGIN")
        client.docmd(word("joe"))
        assert client.docmd(word(password))[0] == 235
        assert client.docmd("AUTH", "PLAIN " + word("\0joe\0" + password))[0] == 503
        pids = [gateway.process.pid, *children_of(gateway.process.pid)]
        if not all(any(True for _ in memory_of(pid)) for pid in pids):
            pytest.skip("the memory of other processes cannot be read here")
        needle = word("\0joe\0" + password)[8:-4].encode()
        found = [(pid, what) for pid in pids for block in memory_of(pid)
                 for what in (password.encode(), word(password).encode(), needle) if what in block]
        assert not found
        marks = [pid for pid in pids for block in memory_of(pid) if b"mx.example.org" in block]
        assert marks                                                # this way of looking does find things
